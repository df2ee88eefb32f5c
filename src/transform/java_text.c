/*
 * Shortest digits, but at least two, as Java has it: the smallest precision at which printf's text read back
 * is the same number. Java prints them plainly from 0.001 up to 10,000,000, else with an exponent, and always
 * with a digit behind the point.
 */
#include "transform/java_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* digits "d.ddde±xx" as printf's %e has them, in Java's form. */
static const char *java_form(const char *e_text, char buf[static JAVA_TEXT_SIZE]) {
    char digits[32];
    size_t n = 0;
    const char *p = e_text;
    bool is_negative = *p == '-';
    if (is_negative) p++;
    for (; *p && *p != 'e'; p++)
        if (*p != '.' && n < sizeof digits - 1) digits[n++] = *p;
    int exponent = *p == 'e' ? (int)strtol(p + 1, NULL, 10) : 0;
    while (n > 1 && digits[n - 1] == '0') n--;
    digits[n] = '\0';
    const char *sign = is_negative ? "-" : "";
    if (exponent >= 7 || exponent < -3)
        (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%c.%sE%d", sign, digits[0], n > 1 ? digits + 1 : "0",
                       exponent);
    else if (exponent < 0)
        (void)snprintf(buf, JAVA_TEXT_SIZE, "%s0.%.*s%s", sign, -exponent - 1, "000", digits);
    else if ((size_t)exponent + 1 >= n)
        (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%s%.*s.0", sign, digits, exponent + 1 - (int)n, "0000000");
    else (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%.*s.%s", sign, exponent + 1, digits, digits + exponent + 1);
    return buf;
}

static const char *special(double d, char buf[static JAVA_TEXT_SIZE]) {
    const char *text = isnan(d) ? "NaN" : isinf(d) ? d < 0 ? "-Infinity" : "Infinity" : NULL;
    if (!text && d == 0) text = signbit(d) ? "-0.0" : "0.0";
    if (text) (void)snprintf(buf, JAVA_TEXT_SIZE, "%s", text);
    return text ? buf : NULL;
}

const char *java_text_double(double d, char buf[static JAVA_TEXT_SIZE]) {
    if (special(d, buf)) return buf;
    char text[40];
    for (int precision = 1; precision <= 16; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, d);
        if (strtod(text, NULL) == d) break;
    }
    return java_form(text, buf);
}

const char *java_text_float(float f, char buf[static JAVA_TEXT_SIZE]) {
    if (special((double)f, buf)) return buf;
    char text[40];
    for (int precision = 1; precision <= 8; precision++) {
        (void)snprintf(text, sizeof text, "%.*e", precision, (double)f);
        if (strtof(text, NULL) == f) break;
    }
    return java_form(text, buf);
}

/* ---- from text ---- */

/* Without what Java trims, its suffix taken off, NUL-terminated; false: not a number that strtod may see. */
static bool java_number(Str s, char buf[static 400]) {
    while (s.n && (unsigned char)s.p[0] <= ' ') s = str_sub(s, 1, s.n);
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ') s.n--;
    if (s.n == 0 || s.n >= 399) return false;
    size_t sign = s.p[0] == '-' || s.p[0] == '+';
    Str body = str_sub(s, sign, s.n);
    if (str_eq_c(body, "NaN") || str_eq_c(body, "Infinity")) {
        (void)snprintf(buf, 400, STR_FMT, STR_ARG(s));
        return true;
    }
    if (body.n == 0) return false;
    bool is_hex = body.n > 2 && body.p[0] == '0' && (body.p[1] | 32) == 'x';
    bool has_p = is_hex && (memchr(body.p, 'p', body.n) || memchr(body.p, 'P', body.n));
    if (is_hex && !has_p) return false;
    if (strchr("fFdD", s.p[s.n - 1])) s.n--;
    for (size_t i = sign; i < s.n; i++) {
        char c = s.p[i];
        bool is_fine = (c >= '0' && c <= '9') || strchr(is_hex ? "abcdefABCDEFxXpP+-." : "eE+-.", c);
        if (!c || !is_fine) return false;
    }
    (void)snprintf(buf, 400, STR_FMT, STR_ARG(s));
    return buf[sign] != '\0';
}

bool java_text_to_double(Str s, double *ret) {
    char buf[400], *end = NULL;
    if (!java_number(s, buf)) return false;
    double d = strtod(buf, &end);
    if (end == buf || *end) return false;
    *ret = d;
    return true;
}

bool java_text_to_float(Str s, float *ret) {
    char buf[400], *end = NULL;
    if (!java_number(s, buf)) return false;
    float f = strtof(buf, &end);
    if (end == buf || *end) return false;
    *ret = f;
    return true;
}

bool java_text_to_long(Str s, int64_t lo, int64_t hi, int64_t *ret) {
    bool is_negative = s.n && s.p[0] == '-';
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    if (i == s.n) return false;
    NumInt128 v = 0;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        v = v * 10 + (s.p[i] - '0');
        if (v > (NumInt128)INT64_MAX + 1) return false;
    }
    if (is_negative) v = -v;
    if (v < lo || v > hi) return false;
    *ret = (int64_t)v;
    return true;
}

/* ---- decimals ---- */

bool java_text_unscaled(Str bytes, NumInt128 *ret) {
    if (bytes.n == 0 || bytes.n > 16) return false;
    JavaUInt128 v = (bytes.p[0] & 0x80) ? ~(JavaUInt128)0 : 0;
    for (size_t i = 0; i < bytes.n; i++) v = v << 8 | (uint8_t)bytes.p[i];
    *ret = (NumInt128)v;
    return true;
}

uint32_t java_text_to_unscaled(NumInt128 v, char buf[static 16]) {
    uint8_t all[16];
    for (int i = 15; i >= 0; i--, v >>= 8) all[i] = (uint8_t)v;
    size_t from = 0;
    while (from < 15 &&
           ((all[from] == 0 && all[from + 1] < 0x80) || (all[from] == 0xff && all[from + 1] >= 0x80)))
        from++;
    memcpy(buf, all + from, 16 - from);
    return (uint32_t)(16 - from);
}

const char *java_text_decimal(NumInt128 unscaled, int scale, char buf[static JAVA_TEXT_SIZE]) {
    char digits[48];
    size_t n = 0;
    JavaUInt128 rest = unscaled < 0 ? -(JavaUInt128)unscaled : (JavaUInt128)unscaled;
    do digits[sizeof digits - 1 - n++] = (char)('0' + (int)(rest % 10));
    while (rest /= 10);
    const char *d = digits + sizeof digits - n;
    const char *sign = unscaled < 0 ? "-" : "";
    int adjusted = (int)n - 1 - scale;
    if (scale >= 0 && adjusted >= -6) {
        int whole = (int)n - scale;
        if (scale == 0) (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%.*s", sign, (int)n, d);
        else if (whole > 0)
            (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%.*s.%.*s", sign, whole, d, scale, d + whole);
        else (void)snprintf(buf, JAVA_TEXT_SIZE, "%s0.%.*s%.*s", sign, -whole, "000000", (int)n, d);
    } else if (n > 1)
        (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%c.%.*sE%+d", sign, d[0], (int)n - 1, d + 1, adjusted);
    else (void)snprintf(buf, JAVA_TEXT_SIZE, "%s%cE%+d", sign, d[0], adjusted);
    return buf;
}

/* digits and a power of ten: "-12.5e3" is -125 and 2. */
static bool parse_big(Str s, NumInt128 *ret, int64_t *ret_power) {
    bool is_negative = s.n && s.p[0] == '-', has_digit = false, has_point = false;
    size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
    NumInt128 v = 0;
    int64_t power = 0;
    for (; i < s.n && s.p[i] != 'e' && s.p[i] != 'E'; i++) {
        if (s.p[i] == '.' && !has_point) {
            has_point = true;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        has_digit = true;
        v = v * 10 + (s.p[i] - '0');
        power -= has_point;
        if (numtext_digits(v) >= NUMTEXT_MAX_DIGITS) return false;
    }
    int64_t exponent = 0;
    if (!has_digit) return false;
    if (i < s.n && !java_text_to_long(str_sub(s, i + 1, s.n), -9999, 9999, &exponent)) return false;
    *ret = is_negative ? -v : v;
    *ret_power = power + exponent;
    return true;
}

bool java_text_to_decimal(Str s, int scale, NumInt128 *ret) {
    NumInt128 v = 0;
    int64_t power = 0;
    if (!parse_big(s, &v, &power)) return false;
    int64_t shift = power + scale;
    for (; shift < 0 && v % 10 == 0 && v != 0; shift++) v /= 10;
    if (v != 0 && (shift < 0 || shift + numtext_digits(v) > NUMTEXT_MAX_DIGITS)) return false;
    *ret = v == 0 ? 0 : v * numtext_power10((int)shift);
    return true;
}

bool java_text_whole(Str s, int64_t *ret) {
    NumInt128 v = 0;
    int64_t power = 0;
    if (!parse_big(s, &v, &power)) return false;
    for (; power < 0 && v != 0; power++) v /= 10;
    if (v != 0 && power + numtext_digits(v) > NUMTEXT_MAX_DIGITS) return false;
    if (v != 0) v *= numtext_power10((int)power);
    *ret = (int64_t)(uint64_t)(JavaUInt128)v;
    return true;
}
