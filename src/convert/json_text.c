/*
 * The fewest digits of a double: most that occur are short decimals (prices, whole numbers), which are found
 * by one multiplication and one division: n / 10^k is correctly rounded when both are exact, and a decimal of
 * at most 15 digits that gives the number is the only one of that length, so no other is shorter. For the
 * rest printf is asked with rising precision.
 */
#include "convert/json_text.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "record/numtext.h"

__extension__ typedef unsigned __int128 UnsignedInt128;

/* ---- texts ---- */

/* 0: as it is; 'u': \u00XX; 's': the first of four bytes, which become an escaped pair of surrogates (Jackson
 * does so with all that lies beyond U+FFFF); else the letter behind the backslash. */
static const char escapes[256] = {
    ['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r',
    [0] = 'u',    [1] = 'u',     [2] = 'u',    [3] = 'u',    [4] = 'u',    [5] = 'u',    [6] = 'u',
    [7] = 'u',    [11] = 'u',    [14] = 'u',   [15] = 'u',   [16] = 'u',   [17] = 'u',   [18] = 'u',
    [19] = 'u',   [20] = 'u',    [21] = 'u',   [22] = 'u',   [23] = 'u',   [24] = 'u',   [25] = 'u',
    [26] = 'u',   [27] = 'u',    [28] = 'u',   [29] = 'u',   [30] = 'u',   [31] = 'u',   [0xF0] = 's',
    [0xF1] = 's', [0xF2] = 's',  [0xF3] = 's', [0xF4] = 's',
};

static void put_unit(Buf *out, uint32_t unit) {
    static const char hex[] = "0123456789ABCDEF";
    const uint8_t text[6] = {'\\',
                             'u',
                             (uint8_t)hex[unit >> 12 & 15],
                             (uint8_t)hex[unit >> 8 & 15],
                             (uint8_t)hex[unit >> 4 & 15],
                             (uint8_t)hex[unit & 15]};
    buf_add(out, text, sizeof text);
}

/* What stands at p, of n bytes; returns how many of them it is. */
static size_t put_escape(Buf *out, const uint8_t *p, size_t n) {
    char kind = escapes[p[0]];
    if (kind == 's') {
        if (n < 4) { /* no UTF-8 */
            buf_u8(out, p[0]);
            return 1;
        }
        uint32_t c = (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 63) << 12 | (uint32_t)(p[2] & 63) << 6 |
                     (p[3] & 63);
        c -= 0x10000;
        put_unit(out, 0xD800 + (c >> 10 & 0x3FF));
        put_unit(out, 0xDC00 + (c & 0x3FF));
        return 4;
    }
    if (kind == 'u') {
        put_unit(out, p[0]);
        return 1;
    }
    buf_u8(out, '\\');
    buf_u8(out, (uint8_t)kind);
    return 1;
}

/* Whether one of 8 bytes is a control character, a quote, a backslash, or the first of four. */
static bool has_special(uint64_t w) {
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    uint64_t control = (w - ones * 0x20) & ~w, q = (quote - ones) & ~quote, s = (slash - ones) & ~slash;
    return ((control | q | s | (w & w << 1 & w << 2 & w << 3)) & tops) != 0;
}

/* Index of the next one from i on, or n. */
static size_t next_special(const uint8_t *p, size_t i, size_t n) {
    for (uint64_t w; n - i >= sizeof w; i += sizeof w) {
        memcpy(&w, p + i, sizeof w);
        if (has_special(w)) break;
    }
    while (i < n && !escapes[p[i]]) i++;
    return i;
}

void json_text_string(Buf *out, Str s) {
    const uint8_t *from = (const uint8_t *)s.p;
    (void)buf_reserve(out, s.n + 2);
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n;) {
        size_t next = next_special(from, i, s.n);
        buf_add(out, from + i, next - i);
        i = next < s.n ? next + put_escape(out, from + next, s.n - next) : next;
    }
    buf_u8(out, '"');
}

void json_text_base64(Buf *out, Str bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = (const uint8_t *)bytes.p;
    size_t n = bytes.n;
    uint8_t *start = buf_reserve(out, n / 3 * 4 + 4), *to = start;
    for (; n >= 3; p += 3, n -= 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *to++ = (uint8_t)digits[v >> 18];
        *to++ = (uint8_t)digits[v >> 12 & 63];
        *to++ = (uint8_t)digits[v >> 6 & 63];
        *to++ = (uint8_t)digits[v & 63];
    }
    if (n > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
        *to++ = (uint8_t)digits[v >> 18];
        *to++ = (uint8_t)digits[v >> 12 & 63];
        *to++ = n > 1 ? (uint8_t)digits[v >> 6 & 63] : '=';
        *to++ = '=';
    }
    out->n += (size_t)(to - start);
}

/* ---- numbers ---- */

void json_text_int(Buf *out, int64_t v) {
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940"
        "4142434445464748495051525354555657585960616263646566676869707172737475767778798081"
        "828384858687888990919293949596979899";
    char digits[20];
    size_t at = sizeof digits;
    uint64_t rest = v < 0 ? -(uint64_t)v : (uint64_t)v;
    for (; rest >= 100; rest /= 100) memcpy(digits + (at -= 2), pairs + 2 * (rest % 100), 2);
    if (rest >= 10) memcpy(digits + (at -= 2), pairs + 2 * rest, 2);
    else digits[--at] = (char)('0' + rest);
    if (v < 0) digits[--at] = '-';
    buf_add(out, digits + at, sizeof digits - at);
}

/* A number's digits and the power of ten of the first one. */
typedef struct Digits {
    char p[24];
    int count, exponent;
} Digits;

static void digits_of_whole(uint64_t v, int scale, Digits *ret) {
    char text[24];
    int n = 0;
    for (; v > 0; v /= 10) text[n++] = (char)('0' + v % 10);
    ret->exponent = n - 1 - scale;
    ret->count = n;
    for (int i = 0; i < n; i++) ret->p[i] = text[n - 1 - i];
    while (ret->count > 1 && ret->p[ret->count - 1] == '0') ret->count--;
}

/* v > 0 as n / 10^k with n up to `most`; false: it isn't that short. */
static bool short_digits(double v, bool is_float, double most, Digits *ret) {
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    for (int k = 0; k < (int)(sizeof powers / sizeof *powers); k++) {
        double n = v * powers[k] + 0.5;
        if (n > most || n < 1) continue;
        n = (double)(uint64_t)n;
        bool is_same = is_float ? (float)n / (float)powers[k] == (float)v : n / powers[k] == v;
        if (!is_same) continue;
        digits_of_whole((uint64_t)n, k, ret);
        return true;
    }
    return false;
}

static void printed_digits(double v, bool is_float, Digits *ret) {
    char text[32];
    /* all shorter ones show in these, as zeros at the end; but denormal numbers are fewer than their digits
     */
    bool is_denormal = v < (is_float ? (double)FLT_MIN : DBL_MIN);
    for (int precision = is_denormal ? 1 : is_float ? 5 : 14;; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, v);
        bool is_same = is_float ? strtof(text, NULL) == (float)v : strtod(text, NULL) == v;
        if (is_same || precision >= (is_float ? 8 : 16)) break;
    }
    ret->count = 0;
    const char *p = text;
    for (; *p != 'e'; p++)
        if (*p != '.') ret->p[ret->count++] = *p;
    ret->exponent = (int)strtol(p + 1, NULL, 10);
    while (ret->count > 1 && ret->p[ret->count - 1] == '0') ret->count--;
}

static void put_plain(Buf *out, const Digits *d) {
    if (d->exponent < 0) {
        buf_cstr(out, "0.");
        for (int i = -1; i > d->exponent; i--) buf_u8(out, '0');
        buf_add(out, d->p, (size_t)d->count);
        return;
    }
    for (int i = 0; i <= d->exponent; i++) buf_u8(out, i < d->count ? (uint8_t)d->p[i] : '0');
    buf_u8(out, '.');
    if (d->count <= d->exponent + 1) buf_u8(out, '0');
    else buf_add(out, d->p + d->exponent + 1, (size_t)(d->count - d->exponent - 1));
}

static void put_floating(Buf *out, double v, bool is_float) {
    if (isnan(v)) {
        buf_cstr(out, "NaN");
        return;
    }
    if (signbit(v)) buf_u8(out, '-');
    v = fabs(v);
    if (isinf(v)) {
        buf_cstr(out, "Infinity");
        return;
    }
    if (v == 0) {
        buf_cstr(out, "0.0");
        return;
    }
    Digits d;
    /* decimals of so many digits name one number each */
    if (!short_digits(v, is_float, is_float ? 999999 : 999999999999999, &d)) printed_digits(v, is_float, &d);
    if (d.exponent >= -3 && d.exponent < 7) {
        put_plain(out, &d);
        return;
    }
    buf_u8(out, (uint8_t)d.p[0]);
    buf_u8(out, '.');
    if (d.count > 1) buf_add(out, d.p + 1, (size_t)d.count - 1);
    else buf_u8(out, '0');
    buf_u8(out, 'E');
    json_text_int(out, d.exponent);
}

void json_text_double(Buf *out, double v) {
    put_floating(out, v, /* is_float= */ false);
}

void json_text_float(Buf *out, float v) {
    put_floating(out, (double)v, /* is_float= */ true);
}

/* BigDecimal.toString: plain, unless the scale is negative or the first digit stands behind the sixth zero.
 */
static void put_decimal(Buf *out, const char *digits, int count, int scale) {
    int exponent = count - 1 - scale;
    if (scale >= 0 && exponent >= -6) {
        int whole = count - scale;
        if (scale == 0) {
            buf_add(out, digits, (size_t)count);
        } else if (whole > 0) {
            buf_add(out, digits, (size_t)whole);
            buf_u8(out, '.');
            buf_add(out, digits + whole, (size_t)scale);
        } else {
            buf_cstr(out, "0.");
            for (int i = whole; i < 0; i++) buf_u8(out, '0');
            buf_add(out, digits, (size_t)count);
        }
        return;
    }
    buf_u8(out, (uint8_t)digits[0]);
    if (count > 1) {
        buf_u8(out, '.');
        buf_add(out, digits + 1, (size_t)count - 1);
    }
    if (exponent == 0) return;
    buf_u8(out, 'E');
    if (exponent > 0) buf_u8(out, '+');
    json_text_int(out, exponent);
}

bool json_text_decimal(Buf *out, Str bytes, int scale, Err *e) {
    enum { MOST_DIGITS = 40 };
    if (bytes.n == 0 || bytes.n > sizeof(UnsignedInt128))
        return err_set(e, ERR_DATA, false, "a decimal of %zu bytes can't be written as a number", bytes.n);
    bool is_negative = (uint8_t)bytes.p[0] & 0x80;
    UnsignedInt128 v = is_negative ? ~(UnsignedInt128)0 : 0;
    for (size_t i = 0; i < bytes.n; i++) v = v << 8 | (uint8_t)bytes.p[i];
    if (is_negative) v = -v;
    char digits[MOST_DIGITS];
    int at = MOST_DIGITS;
    do digits[--at] = (char)('0' + (int)(v % 10));
    while (v /= 10);
    if (is_negative) buf_u8(out, '-');
    put_decimal(out, digits + at, MOST_DIGITS - at, scale);
    return true;
}
