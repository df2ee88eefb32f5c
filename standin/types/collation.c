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

#include <string.h>

#include "standin/types/wtf8.h"

enum {
    LATIN_FIRST = 0xc0,
    LATIN_END = 0x180,
    PRIMARY_LETTER_A = 77, /* two numbers a letter: 'a' 77, 'ae' 78, 'b' 79 */
    PRIMARY_OTHER = 0x80,
    ACCENT_NONE = 1,
    CASE_LOWER = 1,
    CASE_UPPER = 2,
    LCID_EN_US = 0x0409,
};

static const Collation collations[] = {
    {"SQL_Latin1_General_CP1_CI_AS", LCID_EN_US, 0, 52, 1252, false, true, false, false},
    {"SQL_Latin1_General_CP1_CS_AS", LCID_EN_US, 0, 51, 1252, true, true, false, false},
    {"SQL_Latin1_General_CP1_CI_AI", LCID_EN_US, 0, 54, 1252, false, false, false, false},
    {"Latin1_General_CI_AS", LCID_EN_US, 0, 0, 1252, false, true, false, false},
    {"Latin1_General_CS_AS", LCID_EN_US, 0, 0, 1252, true, true, false, false},
    {"Latin1_General_CI_AI", LCID_EN_US, 0, 0, 1252, false, false, false, false},
    {"Latin1_General_BIN2", LCID_EN_US, 0, 0, 1252, true, true, true, false},
    {"Latin1_General_100_CI_AS", LCID_EN_US, 2, 0, 1252, false, true, false, false},
    {"Latin1_General_100_CS_AS", LCID_EN_US, 2, 0, 1252, true, true, false, false},
    {"Latin1_General_100_BIN2", LCID_EN_US, 2, 0, 1252, true, true, true, false},
    {"Latin1_General_100_CI_AS_SC_UTF8", LCID_EN_US, 2, 0, 65001, false, true, false, true},
    {"Latin1_General_100_BIN2_UTF8", LCID_EN_US, 2, 0, 65001, true, true, true, true},
};

enum { COLLATIONS = sizeof collations / sizeof *collations };

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

const Collation *collation_get(uint8_t index) {
    return &collations[index < COLLATIONS ? index : 0];
}
size_t collation_count(void) {
    return COLLATIONS;
}

uint8_t collation_by_name(Str name) {
    if (str_eq_icase(name, STR_LIT("database_default"))) return COLLATION_DEFAULT;
    if (str_eq_icase(name, STR_LIT("catalog_default"))) return COLLATION_DEFAULT;
    for (uint8_t i = 0; i < COLLATIONS; i++) {
        if (str_eq_icase(name, str_from(collations[i].name))) return i;
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
    WIRE_BINARY2 = 1 << 25,
    WIRE_UTF8 = 1 << 26,
};

static uint32_t wire_word(const Collation *c) {
    uint32_t word = c->lcid | (uint32_t)c->version << 28;
    if (c->is_utf8) word |= WIRE_UTF8;
    if (c->is_binary) return word | WIRE_BINARY2;
    word |= WIRE_IGNORE_KANA | WIRE_IGNORE_WIDTH;
    if (!c->is_case_sensitive) word |= WIRE_IGNORE_CASE;
    if (!c->is_accent_sensitive) word |= WIRE_IGNORE_ACCENT;
    return word;
}

void collation_to_wire(const Collation *c, uint8_t ret[static COLLATION_WIRE_BYTES]) {
    uint32_t word = wire_word(c);
    for (size_t i = 0; i < 4; i++) ret[i] = (uint8_t)(word >> (8 * i));
    ret[4] = c->sort_id;
}

uint8_t collation_from_wire(const uint8_t wire[static COLLATION_WIRE_BYTES]) {
    for (uint8_t i = 0; i < COLLATIONS; i++) {
        uint8_t own[COLLATION_WIRE_BYTES];
        collation_to_wire(&collations[i], own);
        if (memcmp(own, wire, sizeof own) == 0) return i;
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
    uint8_t accent, letter_case;
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

static Weight weigh(uint32_t c) {
    if (c < 0x80) {
        uint8_t letter_case = c >= 'A' && c <= 'Z' ? CASE_UPPER : CASE_LOWER;
        return (Weight){ascii_primary[c], ACCENT_NONE, letter_case};
    }
    if (c >= LATIN_FIRST && c < LATIN_END && latin_base[c - LATIN_FIRST] != '.') {
        Weight w = weigh((uint32_t)latin_base[c - LATIN_FIRST]);
        w.accent = (uint8_t)(ACCENT_NONE + (latin_accent[c - LATIN_FIRST] - 'A'));
        return w;
    }
    uint32_t lower = collation_lower(c), primary = between_letters(lower);
    uint8_t letter_case = lower != c ? CASE_UPPER : CASE_LOWER;
    return (Weight){primary != 0 ? primary : PRIMARY_OTHER + lower, ACCENT_NONE, letter_case};
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
    int by_accent = 0, by_case = 0;
    size_t i = 0, k = 0;
    while (i < a.n && k < b.n) {
        if (a.p[i] == b.p[k] && (uint8_t)a.p[i] < 0x80) {
            i++;
            k++;
            continue;
        }
        Weight x = weigh(wtf8_next(a, &i)), y = weigh(wtf8_next(b, &k));
        if (x.primary != y.primary) return order(x.primary, y.primary);
        if (by_accent == 0) by_accent = order(x.accent, y.accent);
        if (by_case == 0) by_case = order(x.letter_case, y.letter_case);
    }
    if (i < a.n || k < b.n) return i < a.n ? 1 : -1;
    if (c->is_accent_sensitive && by_accent != 0) return by_accent;
    return c->is_case_sensitive ? by_case : 0;
}

/* Append one of the lower levels: trailing ordinary weights (1) are left out. */
static void add_level(Str s, bool is_accent, Buf *out) {
    size_t used = out->n + 1;
    buf_u8(out, 0);
    for (size_t at = 0; at < s.n;) {
        Weight w = weigh(wtf8_next(s, &at));
        uint8_t level = is_accent ? w.accent : w.letter_case;
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
        uint32_t primary = weigh(wtf8_next(s, &at)).primary;
        if (primary >= PRIMARY_OTHER) {
            buf_u8(out, (uint8_t)(0x80 | primary >> 16));
            buf_be16(out, (uint16_t)primary);
        } else buf_u8(out, (uint8_t)primary);
    }
    if (c->is_accent_sensitive) add_level(s, true, out);
    if (c->is_case_sensitive) add_level(s, false, out);
}

/* --- Windows code page 1252 -------------------------------------------------------------------------------
 */

static const uint16_t cp1252_high[32] = {
    /* 0x80 … 0x9f; the five holes map to themselves */
    0x20ac, 0x81,   0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021, 0x2c6,  0x2030, 0x160,
    0x2039, 0x152,  0x8d,   0x17d,  0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
    0x2013, 0x2014, 0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0x9d,   0x17e,  0x178,
};

static uint8_t cp1252_byte(uint32_t c) {
    if (c < 0x80 || (c >= 0xa0 && c <= 0xff)) return (uint8_t)c;
    for (size_t i = 0; i < 32; i++) {
        if (cp1252_high[i] == c) return (uint8_t)(0x80 + i);
    }
    if (c >= LATIN_FIRST && c < LATIN_END && latin_base[c - LATIN_FIRST] != '.') {
        return (uint8_t)latin_base[c - LATIN_FIRST]; /* the server's "best fit": without the accent */
    }
    return '?';
}

size_t collation_encode_to(const Collation *c, Str s, uint8_t *out) {
    if (c->is_utf8) {
        if (s.n > 0) memcpy(out, s.p, s.n);
        return s.n;
    }
    uint8_t *o = out;
    for (size_t at = 0; at < s.n;) {
        if ((uint8_t)s.p[at] < 0x80) {
            *o++ = (uint8_t)s.p[at++];
            continue;
        }
        uint32_t ch = wtf8_next(s, &at);
        *o++ = cp1252_byte(ch);
        if (ch >= 0x10000) *o++ = '?'; /* two UTF-16 units, two question marks */
    }
    return (size_t)(o - out);
}

void collation_encode(const Collation *c, Str s, Buf *out) {
    out->n += collation_encode_to(c, s, buf_reserve(out, s.n));
}

size_t collation_encoded_bytes(const Collation *c, Str s) {
    return c->is_utf8 ? s.n : wtf8_units(s);
}

void collation_decode(const Collation *c, Str bytes, Buf *out) {
    if (c->is_utf8) {
        buf_str(out, bytes);
        return;
    }
    uint8_t *base = buf_reserve(out, 3 * bytes.n), *o = base;
    for (size_t i = 0; i < bytes.n; i++) {
        uint8_t b = (uint8_t)bytes.p[i];
        if (b < 0x80) {
            *o++ = b;
            continue;
        }
        char four[4];
        size_t n = wtf8_put(b < 0xa0 ? cp1252_high[b - 0x80] : b, four);
        memcpy(o, four, n);
        o += n;
    }
    out->n += (size_t)(o - base);
}
