/* Text functions. Positions and lengths count UTF-16 units, as SQL Server does. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "standin/bind/fn_internal.h"
#include "standin/types/collation.h"
#include "standin/types/variant.h"
#include "standin/types/wtf8.h"

enum { FN_MAX_TEXT_BYTES = 64 * 1024 * 1024 };

static bool is_blob(sqlite3_value *v) {
    return sqlite3_value_type(v) == SQLITE_BLOB;
}

static Str bytes_of(sqlite3_value *v) {
    Value x = fn_value(v);
    return x.kind == VALUE_BLOB || x.kind == VALUE_TEXT ? x.v.s : fn_text(v);
}

static void give(sqlite3_context *c, Str s, bool as_blob) {
    fn_result(c, as_blob ? VALUE_OF_BLOB(s) : VALUE_OF_TEXT(s));
}

static size_t units_of(Str s, bool as_blob) {
    return as_blob ? s.n : wtf8_units(s);
}

static Str slice(sqlite3_context *c, Str s, size_t from, size_t count, bool as_blob) {
    return as_blob ? str_sub(s, from, count) : wtf8_slice(s, from, count, fn_scratch(c));
}

static Str without_trailing_blanks(Str s) {
    while (s.n && s.p[s.n - 1] == ' ') s.n--;
    return s;
}

static void fn_len(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    Str s = bytes_of(v[0]);
    sqlite3_result_int64(c, is_blob(v[0]) ? (int64_t)s.n : (int64_t)wtf8_units(without_trailing_blanks(s)));
}

/* (x, type): bytes on SQL Server's disk */
static void fn_datalength(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    Type t = fn_type(v[1]);
    Value x = fn_value(v[0]);
    if (t.id == TYPE_SQL_VARIANT && !variant_unpack(x, &t, &x)) sqlite3_result_null(c);
    else sqlite3_result_int64(c, variant_data_bytes(&t, x));
}

/* (s, start, length): start may lie before the text, which shortens it */
static void fn_substring(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 3, v)) return;
    bool as_blob = is_blob(v[0]);
    int64_t from = sqlite3_value_int64(v[1]) - 1, count = sqlite3_value_int64(v[2]);
    if (count < 0) {
        fn_fail(c, 537, 3, "Invalid length parameter passed to the LEFT or SUBSTRING function.");
        return;
    }
    if (from < 0) {
        count += from;
        from = 0;
    }
    if (count <= 0) give(c, (Str){0}, as_blob);
    else give(c, slice(c, bytes_of(v[0]), (size_t)from, (size_t)count, as_blob), as_blob);
}

static void fn_left(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    int64_t count = sqlite3_value_int64(v[1]);
    if (count < 0) fn_fail(c, 536, 2, "Invalid length parameter passed to the left function.");
    else give(c, slice(c, bytes_of(v[0]), 0, (size_t)count, is_blob(v[0])), is_blob(v[0]));
}

static void fn_right(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    bool as_blob = is_blob(v[0]);
    int64_t count = sqlite3_value_int64(v[1]);
    Str s = bytes_of(v[0]);
    size_t units = units_of(s, as_blob);
    if (count < 0) fn_fail(c, 536, 2, "Invalid length parameter passed to the right function.");
    else {
        size_t keep = (size_t)count > units ? units : (size_t)count;
        give(c, slice(c, s, units - keep, keep, as_blob), as_blob);
    }
}

static void change_case(sqlite3_context *c, sqlite3_value **v, uint32_t (*change)(uint32_t)) {
    if (fn_has_null(c, 1, v)) return;
    Str s = fn_text(v[0]);
    char *out = arena_bytes(fn_scratch(c), s.n * 2 + 4); /* a character may get longer */
    size_t n = 0;
    for (size_t at = 0; at < s.n;) n += wtf8_put(change(wtf8_next(s, &at)), out + n);
    give(c, (Str){out, n}, false);
}

static void fn_upper(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    change_case(c, v, collation_upper);
}

static void fn_lower(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    change_case(c, v, collation_lower);
}

/* Is the character at the start of rest one of the set? */
static bool is_among(Str set, Str rest, size_t *ret_bytes) {
    size_t at = 0;
    uint32_t wanted = wtf8_next(rest, &at);
    *ret_bytes = at;
    for (size_t i = 0; i < set.n;)
        if (wtf8_next(set, &i) == wanted) return true;
    return false;
}

/* (s [, characters]): blanks, or the characters given */
static void trim(sqlite3_context *c, int n, sqlite3_value **v, bool at_left, bool at_right) {
    if (fn_has_null(c, n, v)) return;
    Str s = fn_text(v[0]), set = n > 1 ? fn_text(v[1]) : STR_LIT(" ");
    size_t bytes;
    while (at_left && s.n && is_among(set, s, &bytes)) s = str_sub(s, bytes, s.n - bytes);
    while (at_right && s.n) {
        size_t last = s.n - 1;
        while (last && ((uint8_t)s.p[last] & 0xc0) == 0x80) last--;
        if (!is_among(set, str_sub(s, last, s.n - last), &bytes)) break;
        s.n = last;
    }
    give(c, s, false);
}

static void fn_ltrim(sqlite3_context *c, int n, sqlite3_value **v) {
    trim(c, n, v, true, false);
}

static void fn_rtrim(sqlite3_context *c, int n, sqlite3_value **v) {
    trim(c, n, v, false, true);
}

static void fn_trim(sqlite3_context *c, int n, sqlite3_value **v) {
    trim(c, n, v, true, true);
}

/* ---- searching, by collation ---- */

/* Does needle stand at s+at? *ret_end: behind it. */
static bool stands_at(const Collation *c, Str s, size_t at, Str needle, size_t *ret_end) {
    size_t i = 0;
    while (i < needle.n) {
        if (at >= s.n) return false;
        if (collation_weight(c, wtf8_next(s, &at)) != collation_weight(c, wtf8_next(needle, &i)))
            return false;
    }
    *ret_end = at;
    return true;
}

static bool find(const Collation *c, Str s, size_t from, Str needle, size_t *ret_at, size_t *ret_end) {
    for (size_t at = from; at < s.n; (void)wtf8_next(s, &at)) {
        if (!stands_at(c, s, at, needle, ret_end)) continue;
        *ret_at = at;
        return true;
    }
    return false;
}

/* (needle, s [, start], collation) */
static void fn_charindex(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    const Collation *collation = collation_get((uint16_t)sqlite3_value_int(v[n - 1]));
    Str needle = fn_text(v[0]), s = fn_text(v[1]);
    int64_t start = n == 4 ? sqlite3_value_int64(v[2]) : 1;
    size_t from = 0, at, end;
    for (int64_t i = 1; i < start && from < s.n; i++) (void)wtf8_next(s, &from);
    if (needle.n == 0 || !find(collation, s, from, needle, &at, &end)) sqlite3_result_int(c, 0);
    else sqlite3_result_int64(c, (int64_t)wtf8_units(str_sub(s, 0, at)) + 1);
}

/* (s, old, new, collation) */
static void fn_replace(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 3, v)) return;
    const Collation *collation = collation_get((uint16_t)sqlite3_value_int(v[3]));
    Str s = fn_text(v[0]), old = fn_text(v[1]), new = fn_text(v[2]);
    Buf out = {0};
    size_t from = 0, at, end;
    while (old.n && out.n < FN_MAX_TEXT_BYTES && find(collation, s, from, old, &at, &end)) {
        buf_add(&out, s.p + from, at - from);
        buf_str(&out, new);
        from = end;
    }
    buf_str(&out, str_sub(s, from, s.n - from));
    give(c, buf_view(&out), false);
    buf_done(&out);
}

/* (pattern, s, collation): position of the first match. The pattern's own % at its ends let it begin and end
 * anywhere. */
static void fn_patindex(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Str pattern = fn_text(v[0]), s = fn_text(v[1]);
    uint16_t collation = (uint16_t)sqlite3_value_int(v[2]);
    bool is_open = pattern.n && pattern.p[0] == '%';
    if (is_open) pattern = str_sub(pattern, 1, pattern.n - 1);
    size_t at = 0;
    for (;;) {
        if (fn_like(str_sub(s, at, s.n), pattern, collation, 0, false)) break;
        if (!is_open || at >= s.n) {
            sqlite3_result_int(c, 0);
            return;
        }
        (void)wtf8_next(s, &at);
    }
    sqlite3_result_int64(c, (int64_t)wtf8_units(str_sub(s, 0, at)) + 1);
}

/* ---- building ---- */

static void concatenate(sqlite3_context *c, int from, int n, sqlite3_value **v, Str separator) {
    Buf out = {0};
    bool is_first = true;
    for (int i = from; i < n; i++) {
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) continue;
        if (!is_first) buf_str(&out, separator);
        is_first = false;
        buf_str(&out, fn_text(v[i]));
    }
    give(c, buf_view(&out), false);
    buf_done(&out);
}

static void fn_concat(sqlite3_context *c, int n, sqlite3_value **v) {
    concatenate(c, 0, n, v, (Str){0});
}

static void fn_concat_ws(sqlite3_context *c, int n, sqlite3_value **v) {
    concatenate(c, 1, n, v, sqlite3_value_type(v[0]) == SQLITE_NULL ? (Str){0} : fn_text(v[0]));
}

static void fn_concat_bytes(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Buf out = {0};
    buf_str(&out, bytes_of(v[0]));
    buf_str(&out, bytes_of(v[1]));
    give(c, buf_view(&out), true);
    buf_done(&out);
}

/* (s, times, type of s, type of the result) */
static void fn_replicate(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Str s = fn_text(v[0]);
    Type t = fn_type(v[3]);
    int64_t times = sqlite3_value_int64(v[1]);
    if (times < 0) {
        sqlite3_result_null(c);
        return;
    }
    size_t most = t.length == TYPE_MAX_LENGTH ? FN_MAX_TEXT_BYTES : (size_t)t.length * 4;
    Buf out = {0};
    for (int64_t i = 0; i < times && s.n && out.n < most; i++) buf_str(&out, s);
    Str all = buf_view(&out);
    if (t.length != TYPE_MAX_LENGTH) all = wtf8_prefix(all, (size_t)t.length, fn_scratch(c));
    give(c, all, false);
    buf_done(&out);
}

static void fn_reverse(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    Str s = fn_text(v[0]);
    char *out = arena_bytes(fn_scratch(c), s.n + 1);
    size_t end = s.n;
    for (size_t at = 0; at < s.n;) {
        size_t from = at;
        (void)wtf8_next(s, &at);
        end -= at - from;
        memcpy(out + end, s.p + from, at - from);
    }
    give(c, (Str){out, s.n}, false);
}

/* (s, start, length, replacement) */
static void fn_stuff(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (sqlite3_value_type(v[3]) == SQLITE_NULL ? fn_has_null(c, 3, v) : fn_has_null(c, 4, v)) return;
    bool as_blob = is_blob(v[0]);
    Str s = bytes_of(v[0]), with = sqlite3_value_type(v[3]) == SQLITE_NULL ? (Str){0} : bytes_of(v[3]);
    int64_t start = sqlite3_value_int64(v[1]) - 1, count = sqlite3_value_int64(v[2]);
    size_t units = units_of(s, as_blob);
    if (start < 0 || count < 0 || (size_t)start >= units) {
        sqlite3_result_null(c);
        return;
    }
    size_t rest = (size_t)start + (size_t)count > units ? units : (size_t)start + (size_t)count;
    Buf out = {0};
    buf_str(&out, slice(c, s, 0, (size_t)start, as_blob));
    buf_str(&out, with);
    buf_str(&out, slice(c, s, rest, units - rest, as_blob));
    give(c, buf_view(&out), as_blob);
    buf_done(&out);
}

static void fn_space(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    int64_t count = sqlite3_value_int64(v[0]);
    if (count < 0) {
        sqlite3_result_null(c);
        return;
    }
    if (count > 8000) count = 8000;
    char *out = arena_bytes(fn_scratch(c), (size_t)count + 1);
    memset(out, ' ', (size_t)count);
    give(c, (Str){out, (size_t)count}, false);
}

/* (x [, length [, digits]]): stars where it doesn't fit */
static void fn_str(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    int64_t length = n > 1 ? sqlite3_value_int64(v[1]) : 10, digits = n > 2 ? sqlite3_value_int64(v[2]) : 0;
    if (length < 1 || length > 8000) {
        sqlite3_result_null(c);
        return;
    }
    if (digits < 0) digits = 0;
    if (digits > 16) digits = 16;
    char text[400];
    int used = snprintf(text, sizeof text, "%.*f", (int)digits, sqlite3_value_double(v[0]));
    while (used > length && digits > 0)
        used = snprintf(text, sizeof text, "%.*f", (int)--digits, sqlite3_value_double(v[0]));
    char *out = arena_bytes(fn_scratch(c), (size_t)length);
    memset(out, used > length ? '*' : ' ', (size_t)length);
    if (used <= length) memcpy(out + length - used, text, (size_t)used);
    give(c, (Str){out, (size_t)length}, false);
}

static void fn_char(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    int64_t code = sqlite3_value_int64(v[0]);
    if (code < 0 || code > 255) {
        sqlite3_result_null(c);
        return;
    }
    char byte = (char)(unsigned char)code;
    Buf out = {0};
    collation_decode(collation_get(COLLATION_DEFAULT), (Str){&byte, 1}, &out);
    give(c, buf_view(&out), false);
    buf_done(&out);
}

static void fn_nchar(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    int64_t code = sqlite3_value_int64(v[0]);
    char out[4];
    if (code < 0 || code > 0xFFFF) sqlite3_result_null(c);
    else give(c, (Str){out, wtf8_put((uint32_t)code, out)}, false);
}

static void fn_ascii(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Str s;
    if (fn_has_null(c, 1, v)) return;
    if ((s = fn_text(v[0])).n == 0) {
        sqlite3_result_null(c);
        return;
    }
    size_t at = 0;
    (void)wtf8_next(s, &at);
    uint8_t bytes[4] = {0};
    (void)collation_encode_to(collation_get(COLLATION_DEFAULT), str_sub(s, 0, at), bytes);
    sqlite3_result_int(c, bytes[0]);
}

/* The first UTF-16 unit. */
static void fn_unicode(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Str s;
    size_t at = 0;
    if (fn_has_null(c, 1, v)) return;
    if ((s = fn_text(v[0])).n == 0) {
        sqlite3_result_null(c);
        return;
    }
    uint32_t ch = wtf8_next(s, &at);
    sqlite3_result_int64(c, ch > 0xFFFF ? 0xD800 + ((ch - 0x10000) >> 10) : ch);
}

/* (name [, quote]): names of at most 128 units */
static void fn_quotename(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    Str s = fn_text(v[0]), quote = n > 1 ? fn_text(v[1]) : STR_LIT("[");
    static const char pairs[] = "[]][''\"\"()){}}{<>><``";
    const char *hit = quote.n == 1 ? strchr(pairs, quote.p[0]) : NULL;
    if (!hit || wtf8_units(s) > 128) {
        sqlite3_result_null(c);
        return;
    }
    char open = quote.p[0], close = open;
    static const char opens[] = "[({<", closes[] = "])}>";
    for (size_t i = 0; i < 4; i++)
        if (open == opens[i] || open == closes[i]) {
            open = opens[i];
            close = closes[i];
            break;
        }
    Buf out = {0};
    buf_u8(&out, (uint8_t)open);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == close) buf_u8(&out, (uint8_t)close);
        buf_u8(&out, (uint8_t)s.p[i]);
    }
    buf_u8(&out, (uint8_t)close);
    give(c, buf_view(&out), false);
    buf_done(&out);
}

/* (s, pattern, collation, do blanks at the end of s not count [, escape]) */
static void fn_like_call(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    uint32_t escape = 0;
    if (n > 4) {
        Str e = fn_text(v[4]);
        size_t at = 0;
        if (e.n) escape = wtf8_next(e, &at);
        if (at != e.n || e.n == 0) {
            fn_fail(c, 506, 1, "The invalid escape character \"%.*s\" was specified in a LIKE predicate.",
                    STR_ARG(e));
            return;
        }
    }
    sqlite3_result_int(c, fn_like(fn_text(v[0]), fn_text(v[1]), (uint16_t)sqlite3_value_int(v[2]), escape,
                                  sqlite3_value_int(v[3]) != 0));
}

const FnRow fn_text_rows[] = {
    {"ts_ascii", 1, fn_ascii, false},
    {"ts_char", 1, fn_char, false},
    {"ts_charindex", -1, fn_charindex, false},
    {"ts_concat", -1, fn_concat, false},
    {"ts_concat_bytes", 2, fn_concat_bytes, false},
    {"ts_concat_ws", -1, fn_concat_ws, false},
    {"ts_datalength", 2, fn_datalength, false},
    {"ts_left", 2, fn_left, false},
    {"ts_len", 1, fn_len, false},
    {"ts_like", -1, fn_like_call, false},
    {"ts_lower", 1, fn_lower, false},
    {"ts_ltrim", -1, fn_ltrim, false},
    {"ts_nchar", 1, fn_nchar, false},
    {"ts_patindex", 3, fn_patindex, false},
    {"ts_quotename", -1, fn_quotename, false},
    {"ts_replace", 4, fn_replace, false},
    {"ts_replicate", 4, fn_replicate, false},
    {"ts_reverse", 1, fn_reverse, false},
    {"ts_right", 2, fn_right, false},
    {"ts_rtrim", -1, fn_rtrim, false},
    {"ts_space", 1, fn_space, false},
    {"ts_str", -1, fn_str, false},
    {"ts_stuff", 4, fn_stuff, false},
    {"ts_substring", 3, fn_substring, false},
    {"ts_trim", -1, fn_trim, false},
    {"ts_unicode", 1, fn_unicode, false},
    {"ts_upper", 1, fn_upper, false},
    {NULL, 0, NULL, false},
};
