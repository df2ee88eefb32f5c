/*
 * A character has three weights: its base letter (primary), its accent, and its case. Text is compared by the
 * primaries first, from end to end; only texts equal in them by the first accent that differs; then by case.
 * Each collation reads as many of the three levels as it distinguishes. collation_key writes the same three
 * lists one after the other, so that memcmp gives the same order.
 *
 * Primaries fit one byte for ASCII and for the letters that stand between two of ASCII's (ae behind a); any
 * other character is three bytes: 0x80 + its folded code point. Letters of Latin-1 and Latin Extended-A are
 * taken apart by two strings, base letter and accent, indexed from U+00C0.
 */
#include "standin/types/collation.h"

#include <stdatomic.h>
#include <string.h>

#include "standin/types/codepage.h"
#include "standin/types/collation_table.h"
#include "standin/types/wtf8.h"

enum {
    LATIN_FIRST = 0xc0,
    LATIN_END = 0x180,
    PRIMARY_LETTER_A = 77, /* two numbers a letter: 'a' 77, 'ae' 78, 'b' 79 */
    PRIMARY_OTHER = 0x80,
    ACCENT_NONE = 1,
    /* what comes after accents; KATAKANA, WIDE: not hiragana, not narrow */
    FORM_UPPER = 1,
    FORM_KATAKANA = 2,
    FORM_WIDE = 4,
    EXTENDED_FIRST = 0x1e00,
    EXTENDED_END = 0x1f00,
    ACCENT_EXTENDED = 32, /* behind those of Latin-1 and Extended-A */
    LCID_TURKISH = 0x041f,
    LCID_MASK = 0xffff,
};

/* Controls, blank, punctuation in Windows' order, digits, letters. */
static const uint8_t ascii_primary[128] = {
    1,   2,   3,   4,   5,   6,   7,   8,   9,   10,  11,  12,  13,  14,  15,  16,  17,  18,  19,
    20,  21,  22,  23,  24,  25,  26,  27,  28,  29,  30,  31,  32,  34,  40,  44,  56,  66,  57,
    55,  43,  45,  46,  52,  60,  37,  36,  42,  53,  67,  68,  69,  70,  71,  72,  73,  74,  75,
    76,  39,  38,  61,  62,  63,  41,  51,  77,  79,  81,  83,  85,  87,  89,  91,  93,  95,  97,
    99,  101, 103, 105, 107, 109, 111, 113, 115, 117, 119, 121, 123, 125, 127, 47,  54,  48,  59,
    35,  58,  77,  79,  81,  83,  85,  87,  89,  91,  93,  95,  97,  99,  101, 103, 105, 107, 109,
    111, 113, 115, 117, 119, 121, 123, 125, 127, 49,  64,  50,  65,  33,
};

/* '.': not a letter with an accent. */
static const char latin_base[] = "AAAAAA.CEEEEIIII.NOOOOO.OUUUUY..aaaaaa.ceeeeiiii.nooooo.ouuuuy.y"
                                 "AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiI...JjKk.LlLlLlLlLl"
                                 "NnNnNnn..OoOoOo..RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs";
/* 'A' none, then acute, grave, breve, circumflex, caron, ring, diaeresis, double acute, tilde, dot, stroke,
 * cedilla, ogonek, macron, middle dot, long s, apostrophe: in the order in which Windows sorts them. */
static const char latin_accent[] = "CBEJHGAMCBEHCBEHAJCBEJHALCBEHBAACBEJHGAMCBEHCBEHAJCBEJHALCBEHBAH"
                                   "OODDNNBBEEKKFFFFLLOODDKKNNFFEEDDKKMMEELLJJOODDNNKAAAEEMMABBMMFFPPLLB"
                                   "BMMFFRAAOODDIIAABBMMFFBBEEMMFFMMFFLLJJOODDGGIINNEEEEHBBKKFFQ";

/* The same of U+1E00 … U+1EFF; accents are numbered apart for each letter. */
static const char extended_base[] = "AaBbBbBbCcDdDdDdDdDdEeEeEeEeEeFfGgHhHhHhHhHhIiIiKkKkKkLlLlLlLlMm"
                                    "MmMmNnNnNnNnOoOoOoOoPpPpRrRrRrRrSsSsSsSsSsTtTtTtTtUuUuUuUuUuVvVv"
                                    "WwWwWwWwWwXxXxYyZzZzZzhtwy......AaAaAaAaAaAaAaAaAaAaAaAaEeEeEeEe"
                                    "EeEeEeEeIiIiOoOoOoOoOoOoOoOoOoOoOoOoUuUuUuUuUuUuUuYyYyYyYy......";
static const char extended_accent[] = "aaaabbccaaaabbccddeeaabbccddeeaaaaaabbccddeeaabbaabbccaabbccddaa"
                                      "bbccaabbccddaabbccddaabbaabbccddaabbccddeeaabbccddaabbccddeeaabb"
                                      "aabbccddeeaabbaaaabbccfefbAAAAAAbbccddeeffgghhiijjkkllmmffgghhii"
                                      "jjkkllmmccddeeffgghhiijjkkllmmnnooppffgghhiijjkkllccddeeffAAAAAA";

const Collation *collation_get(uint16_t index) {
    return collationtable_get(index < collationtable_count() ? index : 0);
}
size_t collation_count(void) {
    return collationtable_count();
}

uint16_t collation_by_name(Str name) {
    if (str_eq_icase(name, STR_LIT("database_default"))) return COLLATION_DEFAULT;
    if (str_eq_icase(name, STR_LIT("catalog_default"))) return COLLATION_DEFAULT;
    for (size_t i = 0; i < collationtable_count(); i++) {
        if (str_eq_icase(name, str_from(collationtable_get(i)->name))) return (uint16_t)i;
    }
    return COLLATION_NONE;
}

/* --- wire form: LCID in bits 0-19, flags in 20-27, version in 28-31, sort id -----------------------------
 */

enum {
    WIRE_IGNORE_CASE = 1 << 20,
    WIRE_IGNORE_ACCENT = 1 << 21,
    WIRE_IGNORE_KANA = 1 << 22,
    WIRE_IGNORE_WIDTH = 1 << 23,
    WIRE_BINARY = 1 << 24,
    WIRE_BINARY2 = 1 << 25,
    WIRE_UTF8 = 1 << 26,
};

static uint32_t wire_word(const Collation *c) {
    uint32_t word = c->lcid | (uint32_t)c->version << 28;
    if (c->is_utf8) word |= WIRE_UTF8;
    if (c->is_binary) return word | (c->is_old_binary ? WIRE_BINARY : WIRE_BINARY2);
    if (!c->is_kana_sensitive) word |= WIRE_IGNORE_KANA;
    if (!c->is_width_sensitive) word |= WIRE_IGNORE_WIDTH;
    if (!c->is_case_sensitive) word |= WIRE_IGNORE_CASE;
    if (!c->is_accent_sensitive) word |= WIRE_IGNORE_ACCENT;
    return word;
}

void collation_to_wire(const Collation *c, uint8_t ret[static COLLATION_WIRE_BYTES]) {
    uint32_t word = wire_word(c);
    for (size_t i = 0; i < 4; i++) ret[i] = (uint8_t)(word >> (8 * i));
    ret[4] = c->sort_id;
}

static bool is_on_wire(const Collation *c, const uint8_t wire[static COLLATION_WIRE_BYTES]) {
    uint8_t own[COLLATION_WIRE_BYTES];
    collation_to_wire(c, own);
    return memcmp(own, wire, sizeof own) == 0;
}

/* A client mostly sends the one it was told: the last one found is tried first. (_SC isn't on the wire: the
 * collation without it is found.) */
uint16_t collation_from_wire(const uint8_t wire[static COLLATION_WIRE_BYTES]) {
    static _Atomic uint16_t last;
    uint16_t i = atomic_load_explicit(&last, memory_order_relaxed);
    if (is_on_wire(collation_get(i), wire)) return i;
    for (i = 0; i < collationtable_count(); i++) {
        if (!is_on_wire(collationtable_get(i), wire)) continue;
        atomic_store_explicit(&last, i, memory_order_relaxed);
        return i;
    }
    return COLLATION_DEFAULT;
}

/* --- letter case: simple folding by ranges ----------------------------------------------------------------
 */

typedef struct CaseRange {
    uint16_t first, last; /* upper-case letters */
    int16_t to_lower;     /* 0: even is upper, odd lower; 1: odd is upper */
} CaseRange;

static const CaseRange case_ranges[] = {
    {'A', 'Z', 32},     {0xc0, 0xd6, 32},    {0xd8, 0xde, 32},     {0x100, 0x12f, 0},    {0x132, 0x137, 0},
    {0x139, 0x148, 1},  {0x14a, 0x177, 0},   {0x178, 0x178, -121}, {0x179, 0x17e, 1},    {0x1cd, 0x1dc, 1},
    {0x1de, 0x1ef, 0},  {0x1f8, 0x21f, 0},   {0x222, 0x233, 0},    {0x386, 0x386, 38},   {0x388, 0x38a, 37},
    {0x38c, 0x38c, 64}, {0x38e, 0x38f, 63},  {0x391, 0x3a1, 32},   {0x3a3, 0x3ab, 32},   {0x400, 0x40f, 80},
    {0x410, 0x42f, 32}, {0x460, 0x481, 0},   {0x48a, 0x4bf, 0},    {0x4c1, 0x4ce, 1},    {0x4d0, 0x52f, 0},
    {0x531, 0x556, 48}, {0x1e00, 0x1e95, 0}, {0x1ea0, 0x1eff, 0},  {0xff21, 0xff3a, 32},
};

enum { CASE_RANGES = sizeof case_ranges / sizeof *case_ranges };

uint32_t collation_lower(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    for (size_t i = 1; i < CASE_RANGES; i++) {
        const CaseRange *r = &case_ranges[i];
        if (c < r->first) return c;
        if (c > r->last) continue;
        if (r->to_lower == 0 || r->to_lower == 1) return (c & 1) == (uint32_t)r->to_lower ? c + 1 : c;
        return (uint32_t)((int32_t)c + r->to_lower);
    }
    return c;
}

uint32_t collation_upper(uint32_t c) {
    if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
    if (c == 0x131 || c == 0xff) return c == 0xff ? 0x178 : 'I';
    for (size_t i = 1; i < CASE_RANGES; i++) {
        const CaseRange *r = &case_ranges[i];
        if (r->to_lower == 0 || r->to_lower == 1) {
            if (c >= r->first && c <= r->last) return (c & 1) != (uint32_t)r->to_lower ? c - 1 : c;
            continue;
        }
        int32_t up = (int32_t)c - r->to_lower;
        if (up >= r->first && up <= r->last) return (uint32_t)up;
    }
    return c;
}

/* --- weights ----------------------------------------------------------------------------------------------
 */

typedef struct Weight {
    uint32_t primary;
    uint8_t accent, form;
} Weight;

/* The primary of a letter that stands right behind an ASCII letter, or 0. */
static uint32_t between_letters(uint32_t lower) {
    switch (lower) {
    case 0xe6: return PRIMARY_LETTER_A + 2 * ('a' - 'a') + 1;  /* ae */
    case 0xf0: return PRIMARY_LETTER_A + 2 * ('d' - 'a') + 1;  /* eth */
    case 0x131: return PRIMARY_LETTER_A + 2 * ('i' - 'a') + 1; /* dotless i */
    case 0x14b: return PRIMARY_LETTER_A + 2 * ('n' - 'a') + 1; /* eng */
    case 0x153: return PRIMARY_LETTER_A + 2 * ('o' - 'a') + 1; /* oe */
    case 0xdf: return PRIMARY_LETTER_A + 2 * ('s' - 'a') + 1;  /* sharp s */
    case 0xfe: return PRIMARY_LETTER_A + 2 * ('t' - 'a') + 1;  /* thorn */
    default: return 0;
    }
}

/* Greek letters with tonos or dialytika: the letter without. */
static uint32_t greek_base(uint32_t c) {
    switch (c) {
    case 0x386: return 0x391;
    case 0x388: return 0x395;
    case 0x389: return 0x397;
    case 0x38a:
    case 0x3aa: return 0x399;
    case 0x38c: return 0x39f;
    case 0x38e:
    case 0x3ab: return 0x3a5;
    case 0x38f: return 0x3a9;
    case 0x390:
    case 0x3af:
    case 0x3ca: return 0x3b9;
    case 0x3ac: return 0x3b1;
    case 0x3ad: return 0x3b5;
    case 0x3ae: return 0x3b7;
    case 0x3b0:
    case 0x3cb:
    case 0x3cd: return 0x3c5;
    case 0x3cc: return 0x3bf;
    case 0x3ce: return 0x3c9;
    default: return c;
    }
}

/* Half-width katakana U+FF66 … U+FF9D, each as its full-width letter. */
static const uint16_t wide_katakana[] = {
    0x30f2, 0x30a1, 0x30a3, 0x30a5, 0x30a7, 0x30a9, 0x30e3, 0x30e5, 0x30e7, 0x30c3, 0x30fc, 0x30a2,
    0x30a4, 0x30a6, 0x30a8, 0x30aa, 0x30ab, 0x30ad, 0x30af, 0x30b1, 0x30b3, 0x30b5, 0x30b7, 0x30b9,
    0x30bb, 0x30bd, 0x30bf, 0x30c1, 0x30c4, 0x30c6, 0x30c8, 0x30ca, 0x30cb, 0x30cc, 0x30cd, 0x30ce,
    0x30cf, 0x30d2, 0x30d5, 0x30d8, 0x30db, 0x30de, 0x30df, 0x30e0, 0x30e1, 0x30e2, 0x30e4, 0x30e6,
    0x30e8, 0x30e9, 0x30ea, 0x30eb, 0x30ec, 0x30ed, 0x30ef, 0x30f3,
};

/* East Asian forms: the character that a width or a kana is a form of. */
static uint32_t without_form(uint32_t c, uint8_t *form) {
    if (c >= 0xff01 && c <= 0xff5e) {
        *form |= FORM_WIDE;
        return c - 0xff01 + '!';
    }
    if (c == 0x3000) {
        *form |= FORM_WIDE;
        return ' ';
    }
    if (c >= 0xff66 && c <= 0xff9d) {
        *form |= FORM_KATAKANA;
        return wide_katakana[c - 0xff66];
    }
    if (c >= 0x3041 && c <= 0x3096) {
        *form |= FORM_WIDE;
        return c + 0x60;
    }
    if (c >= 0x30a1 && c <= 0x30f6) *form |= FORM_KATAKANA | FORM_WIDE;
    return c;
}

static Weight weigh_latin(uint32_t c, uint8_t form) {
    if (c >= 'A' && c <= 'Z') form |= FORM_UPPER;
    return (Weight){ascii_primary[c], ACCENT_NONE, form};
}

/* In Turkish i and dotless i are two letters, each with a capital of its own. */
static Weight weigh_turkish(uint32_t c) {
    if (c == 'I') return (Weight){between_letters(0x131), ACCENT_NONE, FORM_UPPER};
    return (Weight){ascii_primary['i'], ACCENT_NONE, FORM_UPPER}; /* I with a dot */
}

static Weight weigh(const Collation *collation, uint32_t c) {
    uint8_t form = 0;
    bool is_i = c == 'I' || c == 0x130;
    if (is_i && (collation->lcid & LCID_MASK) == LCID_TURKISH) return weigh_turkish(c);
    if (c >= 0x3000) c = without_form(c, &form);
    if (c < 0x80) return weigh_latin(c, form);
    if (c >= LATIN_FIRST && c < LATIN_END && latin_base[c - LATIN_FIRST] != '.') {
        Weight w = weigh_latin((uint8_t)latin_base[c - LATIN_FIRST], form);
        w.accent = (uint8_t)(ACCENT_NONE + (latin_accent[c - LATIN_FIRST] - 'A'));
        return w;
    }
    if (c >= EXTENDED_FIRST && c < EXTENDED_END && extended_base[c - EXTENDED_FIRST] != '.') {
        Weight w = weigh_latin((uint8_t)extended_base[c - EXTENDED_FIRST], form);
        w.accent = (uint8_t)(ACCENT_EXTENDED + (extended_accent[c - EXTENDED_FIRST] - 'A'));
        return w;
    }
    uint32_t base = c >= 0x386 && c <= 0x3ce ? greek_base(c) : c;
    uint32_t lower = collation_lower(base), primary = between_letters(lower);
    if (lower != base) form |= FORM_UPPER;
    return (Weight){primary != 0 ? primary : PRIMARY_OTHER + lower, base == c ? ACCENT_NONE : ACCENT_NONE + 1,
                    form};
}

/* Which of the last level's differences count. */
static uint8_t form_mask(const Collation *c) {
    return (uint8_t)((c->is_case_sensitive ? FORM_UPPER : 0) | (c->is_kana_sensitive ? FORM_KATAKANA : 0) |
                     (c->is_width_sensitive ? FORM_WIDE : 0));
}

uint64_t collation_weight(const Collation *c, uint32_t ch) {
    if (c->is_binary) return ch;
    Weight w = weigh(c, ch);
    return (uint64_t)w.primary << 16 | (c->is_accent_sensitive ? (uint64_t)w.accent << 8 : 0) |
           (w.form & form_mask(c));
}

static Str without_trailing_blanks(Str s) {
    while (s.n > 0 && s.p[s.n - 1] == ' ') s.n--;
    return s;
}

static int order(uint32_t a, uint32_t b) {
    return a < b ? -1 : a > b;
}

int collation_compare(const Collation *c, Str a, Str b) {
    a = without_trailing_blanks(a);
    b = without_trailing_blanks(b);
    if (c->is_binary) return str_cmp(a, b);
    int by_accent = 0, by_form = 0;
    uint8_t mask = form_mask(c);
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        if (a.p[i] == b.p[k] && (uint8_t)a.p[i] < 0x80) {
            i++;
            k++;
            continue;
        }
        Weight x = weigh(c, wtf8_next(a, &i)), y = weigh(c, wtf8_next(b, &k));
        if (x.primary != y.primary) return order(x.primary, y.primary);
        if (by_accent == 0) by_accent = order(x.accent, y.accent);
        if (by_form == 0) by_form = order(x.form & mask, y.form & mask);
    }
    if (i < a.n || k < b.n) return i < a.n ? 1 : -1;
    if (c->is_accent_sensitive && by_accent != 0) return by_accent;
    return by_form;
}

/* Append one of the lower levels: trailing ordinary weights (1) are left out. */
static void add_level(const Collation *c, Str s, bool is_accent, Buf *out) {
    uint8_t mask = form_mask(c);
    size_t used = out->n + 1;
    buf_u8(out, 0);
    for (size_t at = 0; at < s.n;) {
        Weight w = weigh(c, wtf8_next(s, &at));
        uint8_t level = is_accent ? w.accent : (uint8_t)(1 + (w.form & mask));
        buf_u8(out, level);
        if (level != 1) used = out->n;
    }
    out->n = used;
}

void collation_key(const Collation *c, Str s, Buf *out) {
    s = without_trailing_blanks(s);
    if (c->is_binary) {
        buf_str(out, s);
        return;
    }
    (void)buf_reserve(out, s.n + 2);
    for (size_t at = 0; at < s.n;) {
        uint32_t primary = weigh(c, wtf8_next(s, &at)).primary;
        if (primary >= PRIMARY_OTHER) {
            buf_u8(out, (uint8_t)(0x80 | primary >> 16));
            buf_be16(out, (uint16_t)primary);
        } else buf_u8(out, (uint8_t)primary);
    }
    if (c->is_accent_sensitive) add_level(c, s, true, out);
    if (form_mask(c) != 0) add_level(c, s, false, out);
}

/* --- code pages: 1252 by itself, for it is nearly everybody's; others by codepage.h -----------------------
 */

enum { CODE_PAGE_1252 = 1252 };

static const uint16_t cp1252_high[32] = {
    /* 0x80 … 0x9f; the five holes map to themselves */
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
    0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
};

/* The server's "best fit" for what a page lacks: the letter without its accent, the narrow form of a wide
 * one, a plain hyphen or blank. 0: none. */
static uint32_t best_fit(uint32_t c) {
    if (c >= LATIN_FIRST && c < LATIN_END && latin_base[c - LATIN_FIRST] != '.')
        return (uint8_t)latin_base[c - LATIN_FIRST];
    if (c >= 0xff01 && c <= 0xff5e) return c - 0xff01 + '!';
    if (c == 0x2010 || c == 0x2011 || c == 0x2212) return '-';
    return c == 0x2002 || c == 0x2003 || c == 0x3000 ? ' ' : 0;
}

static uint8_t cp1252_byte(uint32_t c) {
    if (c < 0x80 || (c >= 0xa0 && c <= 0xff)) return (uint8_t)c;
    for (size_t i = 0; i < 32; i++) {
        if (cp1252_high[i] == c) return (uint8_t)(0x80 + i);
    }
    uint32_t near = best_fit(c);
    return near != 0 ? (uint8_t)near : '?';
}

/* One character's bytes in the collation's page. */
static size_t put_char(const CodePage *page, uint32_t c, uint8_t out[static 2]) {
    if (!page) {
        out[0] = cp1252_byte(c);
        return 1;
    }
    size_t n = codepage_put(page, c, out);
    if (n > 0) return n;
    uint32_t near = best_fit(c);
    n = near != 0 ? codepage_put(page, near, out) : 0;
    if (n > 0) return n;
    out[0] = '?';
    return 1;
}

/* NULL: 1252. */
static const CodePage *page_of(const Collation *c) {
    return c->code_page == CODE_PAGE_1252 ? NULL : codepage_get(c->code_page);
}

size_t collation_encode_to(const Collation *c, Str s, uint8_t *out) {
    if (c->is_utf8) {
        if (s.n > 0) memcpy(out, s.p, s.n);
        return s.n;
    }
    const CodePage *page = page_of(c);
    uint8_t *o = out, two[2];
    for (size_t at = 0; at < s.n;) {
        if ((uint8_t)s.p[at] < 0x80) {
            *o++ = (uint8_t)s.p[at++];
            continue;
        }
        uint32_t ch = wtf8_next(s, &at);
        size_t n = put_char(page, ch, two);
        *o++ = two[0];
        if (n == 2) *o++ = two[1];
        if (ch >= 0x10000) *o++ = '?'; /* two UTF-16 units, two question marks */
    }
    return (size_t)(o - out);
}

void collation_encode(const Collation *c, Str s, Buf *out) {
    out->n += collation_encode_to(c, s, buf_reserve(out, s.n));
}

static bool is_double_byte(const Collation *c) {
    return c->code_page == 932 || c->code_page == 936 || c->code_page == 949 || c->code_page == 950;
}

size_t collation_encoded_bytes(const Collation *c, Str s) {
    if (c->is_utf8) return s.n;
    if (!is_double_byte(c)) return wtf8_units(s);
    const CodePage *page = page_of(c);
    size_t bytes = 0;
    uint8_t two[2];
    for (size_t at = 0; at < s.n;) {
        uint32_t ch = wtf8_next(s, &at);
        bytes += put_char(page, ch, two) + (ch >= 0x10000 ? 1 : 0);
    }
    return bytes;
}

Str collation_prefix(const Collation *c, Str s, size_t limit) {
    const CodePage *page = c->is_utf8 ? NULL : page_of(c);
    size_t bytes = 0;
    uint8_t two[2];
    for (size_t at = 0; at < s.n;) {
        size_t next = at;
        uint32_t ch = wtf8_next(s, &next);
        bytes += c->is_utf8 ? next - at : put_char(page, ch, two) + (ch >= 0x10000 ? 1 : 0);
        if (bytes > limit) return str_sub(s, 0, at);
        at = next;
    }
    return s;
}

void collation_decode(const Collation *c, Str bytes, Buf *out) {
    if (c->is_utf8) {
        buf_str(out, bytes);
        return;
    }
    const CodePage *page = page_of(c);
    uint8_t *base = buf_reserve(out, 3 * bytes.n), *o = base;
    for (size_t i = 0; i < bytes.n;) {
        uint8_t b = (uint8_t)bytes.p[i];
        if (b < 0x80) {
            *o++ = b;
            i++;
            continue;
        }
        uint32_t ch = page       ? codepage_next(page, (const uint8_t *)bytes.p, bytes.n, &i)
                      : b < 0xa0 ? cp1252_high[b - 0x80]
                                 : b;
        if (!page) i++;
        char four[4];
        size_t n = wtf8_put(ch, four);
        memcpy(o, four, n);
        o += n;
    }
    out->n += (size_t)(o - base);
}
