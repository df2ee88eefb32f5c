#include "record/numtext.h"

#include <assert.h>
#include <stddef.h>

NumInt128 numtext_power10(int n) {
    assert(n >= 0 && n <= NUMTEXT_MAX_DIGITS);
    NumInt128 power = 1;
    while (n-- > 0) power *= 10;
    return power;
}

int numtext_digits(NumInt128 v) {
    int n = 1;
    while (v /= 10) n++;
    return n;
}

const char *numtext_format(NumInt128 v, int scale, char buf[static NUMTEXT_SIZE]) {
    assert(scale >= 0 && scale <= NUMTEXT_MAX_DIGITS);
    assert(numtext_digits(v) <= NUMTEXT_MAX_DIGITS);
    bool is_negative = v < 0;
    if (is_negative) v = -v;
    char reversed[NUMTEXT_SIZE];
    int n = 0;
    for (int digits = 0; v || digits <= scale; digits++) { /* at least one digit before the point */
        if (digits == scale && scale > 0) reversed[n++] = '.';
        reversed[n++] = (char)('0' + (int)(v % 10));
        v /= 10;
    }
    char *p = buf;
    if (is_negative) *p++ = '-';
    while (n > 0) *p++ = reversed[--n];
    *p = '\0';
    return buf;
}

bool numtext_parse(Str text, int scale, NumInt128 *ret, Err *e) {
    assert(scale >= 0 && scale <= NUMTEXT_MAX_DIGITS);
    const NumInt128 limit =
        numtext_power10(NUMTEXT_MAX_DIGITS - 1); /* one digit more than its digits still fits */
    NumInt128 v = 0;
    size_t i = 0, digits = 0;
    int fraction = -1; /* digits behind the point; -1 = none seen */
    bool is_negative = text.n > 0 && text.p[0] == '-';
    if (text.n > 0 && (text.p[0] == '-' || text.p[0] == '+')) i++;
    for (; i < text.n; i++) {
        char c = text.p[i];
        if (c == '.' && fraction < 0) {
            fraction = 0;
            continue;
        }
        if (c < '0' || c > '9') return err_set(e, ERR_INVALID, false, "not a decimal number");
        digits++;
        if (fraction >= scale) {
            if (c != '0') return err_set(e, ERR_RANGE, false, "more than %d digits behind the point", scale);
            continue;
        }
        if (fraction >= 0) fraction++;
        if (v >= limit) /* before it overflows: 10^39 doesn't fit */
            return err_set(e, ERR_RANGE, false, "more than %d digits", NUMTEXT_MAX_DIGITS);
        v = v * 10 + (c - '0');
    }
    if (digits == 0) return err_set(e, ERR_INVALID, false, "not a decimal number");
    for (int have = fraction < 0 ? 0 : fraction; have < scale; have++) {
        if (v >= limit) return err_set(e, ERR_RANGE, false, "more than %d digits", NUMTEXT_MAX_DIGITS);
        v *= 10;
    }
    *ret = is_negative ? -v : v;
    return true;
}
