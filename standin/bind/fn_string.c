/* Functions over texts that need more than their letters: names, hashes, sounds, messages. */
#include <openssl/evp.h>
#include <string.h>

#include "base/mem.h"
#include "standin/bind/fn_internal.h"
#include "standin/bind/message_format.h"
#include "standin/types/collation.h"
#include "standin/types/wtf8.h"

/* ---- PARSENAME ---- */

enum { NAME_PARTS = 4 };

/* One part, in brackets, quotes or bare, to the point or the end behind it. */
static bool name_part(Str s, size_t *at, Buf *out) {
    char close = *at < s.n && s.p[*at] == '[' ? ']' : *at < s.n && s.p[*at] == '"' ? '"' : '\0';
    if (!close) {
        while (*at < s.n && s.p[*at] != '.') buf_u8(out, (uint8_t)s.p[(*at)++]);
        return true;
    }
    for (++*at; *at < s.n; ++*at) {
        if (s.p[*at] == close) {
            if (*at + 1 >= s.n || s.p[*at + 1] != close) {
                ++*at;
                return *at == s.n || s.p[*at] == '.';
            }
            ++*at;
        }
        buf_u8(out, (uint8_t)s.p[*at]);
    }
    return false;
}

/* (name, part): 1 is the object, 4 the server */
static void fn_parsename(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Str s = fn_text(v[0]);
    int64_t wanted = sqlite3_value_int64(v[1]);
    Buf parts[NAME_PARTS] = {0};
    int count = 0;
    size_t at = 0;
    bool ok = s.n > 0;
    while (ok) {
        ok = count < NAME_PARTS && name_part(s, &at, &parts[count]);
        if (ok) ok = wtf8_units(buf_view(&parts[count])) <= 128;
        count++;
        if (!ok || at >= s.n) break;
        at++;
    }
    const Buf *hit = ok && wanted >= 1 && wanted <= count ? &parts[count - wanted] : NULL;
    if (hit && hit->n) fn_result(c, VALUE_OF_TEXT(buf_view(hit)));
    else sqlite3_result_null(c);
    for (int i = 0; i < NAME_PARTS; i++) buf_done(&parts[i]);
}

/* ---- TRANSLATE ---- */

static size_t characters(Str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; n++) (void)wtf8_next(s, &i);
    return n;
}

/* A pair is one character where the collation says so, else it has two, which only another pair matches. */
static bool is_as_long(Str from, Str to, const Collation *c) {
    return characters(from) == characters(to) && (c->has_supplementary || wtf8_units(from) == wtf8_units(to));
}

/* (s, characters, translations, collation) */
static void fn_translate(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 3, v)) return;
    Str s = fn_text(v[0]), from = fn_text(v[1]), to = fn_text(v[2]);
    const Collation *collation = collation_get((uint16_t)sqlite3_value_int(v[3]));
    bool folds = !collation->is_case_sensitive && !collation->is_binary;
    if (!is_as_long(from, to, collation)) {
        fn_fail(
            c, 9828, 1,
            "The second and third arguments of the TRANSLATE built-in function must contain an equal number "
            "of characters.");
        return;
    }
    CLEANUP(buf_done) Buf out = {0};
    for (size_t i = 0; i < s.n;) {
        size_t start = i, f = 0, t = 0;
        uint32_t ch = wtf8_next(s, &i);
        Str put = str_sub(s, start, i - start);
        while (f < from.n) {
            size_t t_start = t;
            uint32_t a = wtf8_next(from, &f);
            (void)wtf8_next(to, &t);
            bool is_same = a == ch || (folds && collation_lower(a) == collation_lower(ch));
            if (!is_same) continue;
            put = str_sub(to, t_start, t - t_start);
            break;
        }
        buf_str(&out, put);
    }
    fn_result(c, VALUE_OF_TEXT(buf_view(&out)));
}

/* ---- SOUNDEX, DIFFERENCE ---- */

static char sound_of(char ch) {
    static const char sounds[] = "01230120022455012623010202"; /* A … Z */
    return ch >= 'A' && ch <= 'Z' ? sounds[ch - 'A'] : '\0';
}

static char upper(char ch) {
    return ch >= 'a' && ch <= 'z' ? (char)(ch - 'a' + 'A') : ch;
}

/* The first letter and three digits; H and W don't part equal sounds, vowels do. */
static void soundex(Str s, char ret[static 5]) {
    memcpy(ret, "0000", 5);
    size_t n = 0, i = 0;
    while (i < s.n && s.p[i] == ' ') i++;
    if (i == s.n || !sound_of(upper(s.p[i]))) return;
    ret[n++] = upper(s.p[i]);
    char before = sound_of(ret[0]);
    for (i++; i < s.n && n < 4; i++) {
        char ch = upper(s.p[i]), sound = sound_of(ch);
        if (!sound) break;
        if (sound != '0' && sound != before) ret[n++] = sound;
        if (ch != 'H' && ch != 'W') before = sound;
    }
}

static void fn_soundex(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    char code[5];
    soundex(fn_text(v[0]), code);
    fn_result(c, VALUE_OF_TEXT(str_from(code)));
}

static void fn_difference(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    char a[5], b[5];
    int same = 0;
    soundex(fn_text(v[0]), a);
    soundex(fn_text(v[1]), b);
    for (int i = 0; i < 4; i++) same += a[i] == b[i];
    sqlite3_result_int(c, same);
}

/* ---- HASHBYTES ---- */

/* The bytes as SQL Server has them: UTF-16 of nvarchar, the code page's of varchar. */
static Str stored_bytes(sqlite3_value *v, const Type *t, Buf *out) {
    Str s = fn_text(v);
    if (sqlite3_value_type(v) == SQLITE_BLOB) return fn_value(v).v.s;
    if (!type_is_unicode(t->id)) {
        collation_encode(collation_get(t->collation), s, out);
        return buf_view(out);
    }
    for (size_t i = 0; i < s.n;) {
        uint32_t ch = wtf8_next(s, &i);
        if (ch > 0xffff) {
            buf_le16(out, (uint16_t)(0xd800 + ((ch - 0x10000) >> 10)));
            buf_le16(out, (uint16_t)(0xdc00 + ((ch - 0x10000) & 0x3ff)));
        } else {
            buf_le16(out, (uint16_t)ch);
        }
    }
    return buf_view(out);
}

/* (algorithm, input, type of the input); an algorithm that isn't there gives NULL */
static void fn_hashbytes(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    static const struct {
        const char *name, *digest;
    } algorithms[] = {
        {"MD5", "MD5"}, {"SHA", "SHA1"}, {"SHA1", "SHA1"}, {"SHA2_256", "SHA256"}, {"SHA2_512", "SHA512"}};
    if (fn_has_null(c, 2, v)) return;
    const EVP_MD *md = NULL;
    for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
        if (str_eq_icase(fn_text(v[0]), str_from(algorithms[i].name)))
            md = EVP_get_digestbyname(algorithms[i].digest);
    CLEANUP(buf_done) Buf bytes = {0};
    Type t = fn_type(v[2]);
    Str input = stored_bytes(v[1], &t, &bytes);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (md && EVP_Digest(input.n ? input.p : "", input.n, digest, &size, md, NULL))
        fn_result(c, VALUE_OF_BLOB(((Str){(const char *)digest, size})));
    else sqlite3_result_null(c);
}

/* ---- the rest ---- */

/* (s, 'json') */
static void fn_string_escape(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    static const char from[] = "\"\\/\b\f\n\r\t", to[] = "\"\\/bfnrt";
    if (fn_has_null(c, 2, v)) return;
    if (!str_eq_icase(fn_text(v[1]), STR_LIT("json"))) {
        fn_fail(c, 13610, 2, "An invalid value was specified for argument 2.");
        return;
    }
    CLEANUP(buf_done) Buf out = {0};
    Str s = fn_text(v[0]);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t ch = (uint8_t)s.p[i];
        const char *hit = ch ? strchr(from, (char)ch) : NULL;
        if (hit) buf_printf(&out, "\\%c", to[hit - from]);
        else if (ch < 0x20) buf_printf(&out, "\\u%04x", ch);
        else buf_u8(&out, ch);
    }
    fn_result(c, VALUE_OF_TEXT(buf_view(&out)));
}

static int order_of(const Value *a, const Value *b, const Collation *collation) {
    if (a->kind == VALUE_INT && b->kind == VALUE_INT) return (a->v.i > b->v.i) - (a->v.i < b->v.i);
    if (a->kind == VALUE_REAL && b->kind == VALUE_REAL) return (a->v.d > b->v.d) - (a->v.d < b->v.d);
    if (a->kind == VALUE_TEXT) return collation_compare(collation, a->v.s, b->v.s);
    return str_cmp(a->v.s, b->v.s);
}

/* (1 for the greatest or -1, collation, values of one type …) */
static void fn_extreme(sqlite3_context *c, int n, sqlite3_value **v) {
    int sign = sqlite3_value_int(v[0]), best = 0;
    const Collation *collation = collation_get((uint16_t)sqlite3_value_int(v[1]));
    for (int i = 2; i < n; i++) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) continue;
        Value x = fn_value(v[i]), y = best ? fn_value(v[best]) : x;
        if (!best || order_of(&x, &y, collation) * sign > 0) best = i;
    }
    if (best) sqlite3_result_value(c, v[best]);
    else sqlite3_result_null(c);
}

/* (format, value, its type, …) */
static void fn_formatmessage(sqlite3_context *c, int n, sqlite3_value **v) {
    MessageArg args[MESSAGE_MAX_ARGS];
    size_t count = 0;
    if (fn_has_null(c, 1, v)) return;
    for (int i = 1; i + 1 < n && count < MESSAGE_MAX_ARGS; i += 2)
        args[count++] = (MessageArg){fn_value(v[i]), fn_type(v[i + 1])};
    CLEANUP(buf_done) Buf out = {0};
    SqlError e = {0};
    if (messageformat_text(fn_text(v[0]), args, count, &out, &e))
        fn_result(c, VALUE_OF_TEXT(wtf8_slice(buf_view(&out), 0, MESSAGE_MAX_UNITS, fn_scratch(c))));
    else fn_fail(c, e.number, e.state, "%s", e.text);
}

const FnRow fn_string_rows[] = {
    {"ts_difference", 2, fn_difference, false},
    {"ts_extreme", -1, fn_extreme, false},
    {"ts_formatmessage", -1, fn_formatmessage, false},
    {"ts_hashbytes", 3, fn_hashbytes, false},
    {"ts_parsename", 2, fn_parsename, false},
    {"ts_soundex", 1, fn_soundex, false},
    {"ts_string_escape", 2, fn_string_escape, false},
    {"ts_translate", 4, fn_translate, false},
    {NULL, 0, NULL, false},
};
