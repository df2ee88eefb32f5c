/*
 * 38 digits fit a signed 128-bit integer (10^38 < 2^127), so a value is one integer. Two operations pass
 * through more: multiplying (256 bits, then scaled down) and dividing (the dividend scaled up). Both are done
 * on a 256-bit magnitude, four 64-bit words, least first: plain schoolbook, for these are no hot path.
 */
#include "standin/types/decimal.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Wide {
    uint64_t w[4]; /* least word first */
} Wide;

Int128 decimal_power(unsigned digits) {
    assert(digits <= DECIMAL_MAX_PRECISION);
    Int128 p = 1;
    for (unsigned i = 0; i < digits; i++) p *= 10;
    return p;
}

static UInt128 magnitude(Int128 x) {
    return x < 0 ? -(UInt128)x : (UInt128)x;
}
static Int128 with_sign(UInt128 m, bool is_negative) {
    return is_negative ? -(Int128)m : (Int128)m;
}

bool decimal_fits(Int128 unscaled, uint8_t precision) {
    return magnitude(unscaled) < (UInt128)decimal_power(precision);
}

/* --- 256-bit magnitudes -----------------------------------------------------------------------------------
 */

static Wide wide_multiply(UInt128 a, UInt128 b) {
    uint64_t x[2] = {(uint64_t)a, (uint64_t)(a >> 64)}, y[2] = {(uint64_t)b, (uint64_t)(b >> 64)};
    Wide r = {{0}};
    for (size_t i = 0; i < 2; i++) {
        UInt128 carry = 0;
        for (size_t k = 0; k < 2; k++) {
            carry += (UInt128)x[i] * y[k] + r.w[i + k];
            r.w[i + k] = (uint64_t)carry;
            carry >>= 64;
        }
        r.w[i + 2] = (uint64_t)carry;
    }
    return r;
}

/* r = r / 10; returns the remainder. */
static uint32_t wide_divide10(Wide *r) {
    UInt128 rest = 0;
    for (size_t i = 4; i-- > 0;) {
        UInt128 part = rest << 64 | r->w[i];
        r->w[i] = (uint64_t)(part / 10);
        rest = part % 10;
    }
    return (uint32_t)rest;
}

static bool wide_fits(const Wide *r) {
    return r->w[2] == 0 && r->w[3] == 0 && r->w[1] >> 63 == 0;
}
static UInt128 wide_low(const Wide *r) {
    return (UInt128)r->w[1] << 64 | r->w[0];
}

/* r / d, remainder to *rest: bit by bit. */
static Wide wide_divide(const Wide *r, UInt128 d, UInt128 *rest) {
    Wide q = {{0}};
    UInt128 left = 0;
    for (size_t i = 256; i-- > 0;) {
        left = left << 1 | (r->w[i / 64] >> (i % 64) & 1);
        if (left >= d) {
            left -= d;
            q.w[i / 64] |= UINT64_C(1) << (i % 64);
        }
    }
    *rest = left;
    return q;
}

/* --- text -------------------------------------------------------------------------------------------------
 */

/* The exponent behind 'e': a signed number to the text's end. */
static bool parse_exponent(Str s, int *ret) {
    size_t i = 0;
    bool is_negative = false;
    if (i < s.n && (s.p[i] == '+' || s.p[i] == '-')) is_negative = s.p[i++] == '-';
    if (i == s.n) return false;
    int x = 0;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        if (x < 10000) x = 10 * x + (s.p[i] - '0');
    }
    *ret = is_negative ? -x : x;
    return true;
}

typedef struct Digits {
    UInt128 value;
    int taken;    /* significant digits in value */
    int scale;    /* of value; negative: zeros left out */
    bool has_any; /* a digit was seen */
} Digits;

/* Take one digit; past 38 it only rounds (the first) or is dropped. */
static void add_digit(Digits *d, int digit, bool is_fraction) {
    d->has_any = true;
    if (d->taken < DECIMAL_MAX_PRECISION) {
        d->value = 10 * d->value + (unsigned)digit;
        if (d->value != 0) d->taken++;
        if (is_fraction) d->scale++;
        return;
    }
    if (d->taken == DECIMAL_MAX_PRECISION) {
        d->taken++;
        if (digit >= 5) d->value++;
    }
    if (!is_fraction) d->scale--;
}

static bool scan_number(Str s, bool may_have_exponent, Digits *d) {
    size_t i = 0;
    bool is_fraction = false;
    for (; i < s.n; i++) {
        char c = s.p[i];
        if (c >= '0' && c <= '9') add_digit(d, c - '0', is_fraction);
        else if (c == '.' && !is_fraction) is_fraction = true;
        else break;
    }
    if (!d->has_any) return false;
    if (i == s.n) return true;
    if (!may_have_exponent || (s.p[i] != 'e' && s.p[i] != 'E')) return false;
    int exponent;
    if (!parse_exponent(str_sub(s, i + 1, s.n), &exponent)) return false;
    d->scale -= exponent;
    return true;
}

DecimalParse decimal_parse(Str text, bool may_have_exponent, Decimal *ret) {
    Str s = str_trim(text);
    bool is_negative = false;
    if (s.n > 0 && (s.p[0] == '+' || s.p[0] == '-')) {
        is_negative = s.p[0] == '-';
        s = str_trim(str_sub(s, 1, s.n));
    }
    Digits d = {0};
    if (!scan_number(s, may_have_exponent, &d)) return DECIMAL_BAD_TEXT;
    for (; d.scale < 0 && d.value != 0; d.scale++) {
        if (!decimal_fits((Int128)d.value, DECIMAL_MAX_PRECISION - 1)) return DECIMAL_OVERFLOW;
        d.value *= 10;
    }
    if (d.scale < 0) d.scale = 0;
    for (; d.scale > DECIMAL_MAX_PRECISION; d.scale--) {
        d.value = d.scale == DECIMAL_MAX_PRECISION + 1 ? (d.value + 5) / 10 : d.value / 10;
    }
    if (d.scale > 0 && d.value == (UInt128)decimal_power(DECIMAL_MAX_PRECISION)) { /* rounded up to 1000… */
        d.value /= 10;
        d.scale--;
    }
    if (!decimal_fits((Int128)d.value, DECIMAL_MAX_PRECISION)) return DECIMAL_OVERFLOW;
    uint8_t precision = 1;
    while (!decimal_fits((Int128)d.value, precision)) precision++;
    if (precision < d.scale) precision = (uint8_t)d.scale;
    *ret = (Decimal){with_sign(d.value, is_negative), precision, (uint8_t)d.scale};
    return DECIMAL_PARSED;
}

const char *decimal_format(Decimal d, char buf[static DECIMAL_TEXT_SIZE]) {
    char *p = buf + DECIMAL_TEXT_SIZE;
    UInt128 m = magnitude(d.unscaled);
    unsigned written = 0;
    *--p = '\0';
    do {
        if (written == d.scale && d.scale > 0) *--p = '.';
        *--p = (char)('0' + (int)(m % 10));
        m /= 10;
        written++;
    } while (m != 0 || written <= d.scale);
    if (d.unscaled < 0) *--p = '-';
    memmove(buf, p, (size_t)(buf + DECIMAL_TEXT_SIZE - p));
    return buf;
}

/* --- scale ------------------------------------------------------------------------------------------------
 */

/* m / 10^digits, half away from zero. */
static UInt128 scale_down(UInt128 m, unsigned digits) {
    if (digits > DECIMAL_MAX_PRECISION) return 0;
    UInt128 p = (UInt128)decimal_power(digits);
    UInt128 q = m / p, rest = m % p;
    return rest >= p - rest ? q + (digits > 0 ? 1 : 0) : q;
}

/* m * 10^digits; false past 38 digits. */
static bool scale_up(UInt128 m, unsigned digits, UInt128 *ret) {
    UInt128 limit = (UInt128)decimal_power(DECIMAL_MAX_PRECISION);
    for (unsigned i = 0; i < digits && m != 0; i++) {
        if (m >= limit / 10) return false;
        m *= 10;
    }
    *ret = m;
    return m < limit;
}

bool decimal_rescale(Decimal d, uint8_t precision, uint8_t scale, Decimal *ret) {
    UInt128 m = magnitude(d.unscaled);
    if (scale < d.scale) m = scale_down(m, (unsigned)(d.scale - scale));
    else if (!scale_up(m, (unsigned)(scale - d.scale), &m)) return false;
    Int128 unscaled = with_sign(m, d.unscaled < 0);
    if (!decimal_fits(unscaled, precision)) return false;
    *ret = (Decimal){unscaled, precision, scale};
    return true;
}

/* --- the types of results ---------------------------------------------------------------------------------
 */

static int max_int(int a, int b) {
    return a > b ? a : b;
}
static int min_int(int a, int b) {
    return a < b ? a : b;
}

/* Addition, UNION: above 38 digits the scale gives way as far as the whole part needs. */
static Decimal clip_sum(int whole, int scale, int carry) {
    int precision = whole + scale + carry;
    if (precision > DECIMAL_MAX_PRECISION) scale = min_int(scale, max_int(0, DECIMAL_MAX_PRECISION - whole));
    return (Decimal){0, (uint8_t)min_int(precision, DECIMAL_MAX_PRECISION), (uint8_t)scale};
}

/* Multiplication, division: above 38 digits the scale is cut, but to no less than 6. */
static Decimal clip_product(int precision, int scale) {
    if (precision > DECIMAL_MAX_PRECISION) {
        int whole = precision - scale;
        scale = whole < 32 ? DECIMAL_MAX_PRECISION - whole : min_int(scale, 6);
        precision = DECIMAL_MAX_PRECISION;
    }
    return (Decimal){0, (uint8_t)precision, (uint8_t)scale};
}

Decimal decimal_add_type(Decimal a, Decimal b) {
    return clip_sum(max_int(a.precision - a.scale, b.precision - b.scale), max_int(a.scale, b.scale), 1);
}

Decimal decimal_union_type(Decimal a, Decimal b) {
    return clip_sum(max_int(a.precision - a.scale, b.precision - b.scale), max_int(a.scale, b.scale), 0);
}

Decimal decimal_multiply_type(Decimal a, Decimal b) {
    return clip_product(a.precision + b.precision + 1, a.scale + b.scale);
}

Decimal decimal_divide_type(Decimal a, Decimal b) {
    int scale = max_int(6, a.scale + b.precision + 1);
    return clip_product(a.precision - a.scale + b.scale + scale, scale);
}

Decimal decimal_modulo_type(Decimal a, Decimal b) {
    int scale = max_int(a.scale, b.scale);
    return clip_sum(min_int(a.precision - a.scale, b.precision - b.scale), scale, 0);
}

/* --- arithmetic -------------------------------------------------------------------------------------------
 */

bool decimal_add(Decimal a, Decimal b, Decimal *ret) {
    Decimal type = decimal_add_type(a, b), x, y;
    if (!decimal_rescale(a, DECIMAL_MAX_PRECISION, type.scale, &x)) return false;
    if (!decimal_rescale(b, DECIMAL_MAX_PRECISION, type.scale, &y)) return false;
    Int128 sum;
    if (__builtin_add_overflow(x.unscaled, y.unscaled, &sum)) return false;
    if (!decimal_fits(sum, type.precision)) return false;
    *ret = (Decimal){sum, type.precision, type.scale};
    return true;
}

bool decimal_subtract(Decimal a, Decimal b, Decimal *ret) {
    b.unscaled = -b.unscaled;
    return decimal_add(a, b, ret);
}

bool decimal_multiply(Decimal a, Decimal b, Decimal *ret) {
    Decimal type = decimal_multiply_type(a, b);
    Wide w = wide_multiply(magnitude(a.unscaled), magnitude(b.unscaled));
    uint32_t dropped = 0;
    for (int extra = a.scale + b.scale - type.scale; extra > 0; extra--) dropped = wide_divide10(&w);
    if (!wide_fits(&w)) return false;
    UInt128 m = wide_low(&w) + (dropped >= 5 ? 1 : 0);
    Int128 unscaled = with_sign(m, (a.unscaled < 0) != (b.unscaled < 0));
    if (!decimal_fits(unscaled, type.precision)) return false;
    *ret = (Decimal){unscaled, type.precision, type.scale};
    return true;
}

bool decimal_divide(Decimal a, Decimal b, Decimal *ret) {
    Decimal type = decimal_divide_type(a, b);
    if (b.unscaled == 0) return false;
    int shift = type.scale - a.scale + b.scale;
    UInt128 dividend = magnitude(a.unscaled), divisor = magnitude(b.unscaled), rest;
    if (shift < 0) {
        if (shift < -DECIMAL_MAX_PRECISION) shift = -DECIMAL_MAX_PRECISION;
        dividend /= (UInt128)decimal_power((unsigned)-shift);
        shift = 0;
    }
    if (shift > DECIMAL_MAX_PRECISION && dividend != 0) {
        int more = shift - DECIMAL_MAX_PRECISION;
        if (!scale_up(dividend, (unsigned)more, &dividend)) return false;
    }
    Wide w = wide_multiply(dividend, (UInt128)decimal_power((unsigned)min_int(shift, DECIMAL_MAX_PRECISION)));
    Wide q = wide_divide(&w, divisor, &rest);
    if (!wide_fits(&q)) return false;
    Int128 unscaled = with_sign(wide_low(&q), (a.unscaled < 0) != (b.unscaled < 0));
    if (!decimal_fits(unscaled, type.precision)) return false;
    *ret = (Decimal){unscaled, type.precision, type.scale};
    return true;
}

bool decimal_modulo(Decimal a, Decimal b, Decimal *ret) {
    Decimal type = decimal_modulo_type(a, b);
    uint8_t scale = (uint8_t)max_int(a.scale, b.scale);
    Decimal x, y;
    if (b.unscaled == 0) return false;
    if (!decimal_rescale(a, DECIMAL_MAX_PRECISION, scale, &x)) return false;
    if (!decimal_rescale(b, DECIMAL_MAX_PRECISION, scale, &y)) {
        y = x; /* |b| is larger than any a of that scale: the remainder is a itself */
        y.unscaled = 0;
    }
    Decimal rest = {y.unscaled == 0 ? x.unscaled : x.unscaled % y.unscaled, DECIMAL_MAX_PRECISION, scale};
    return decimal_rescale(rest, type.precision, type.scale, ret);
}

int decimal_compare(Decimal a, Decimal b) {
    if ((a.unscaled < 0) != (b.unscaled < 0)) return a.unscaled < 0 ? -1 : 1;
    uint8_t scale = (uint8_t)max_int(a.scale, b.scale);
    Wide x = wide_multiply(magnitude(a.unscaled), (UInt128)decimal_power((unsigned)(scale - a.scale)));
    Wide y = wide_multiply(magnitude(b.unscaled), (UInt128)decimal_power((unsigned)(scale - b.scale)));
    int sign = a.unscaled < 0 ? -1 : 1;
    for (size_t i = 4; i-- > 0;) {
        if (x.w[i] != y.w[i]) return x.w[i] < y.w[i] ? -sign : sign;
    }
    return 0;
}

/* --- double and Value -------------------------------------------------------------------------------------
 */

double decimal_to_double(Decimal d) {
    /* Up to 2^53 and 10^22 both operands are exact and the quotient is rounded once; past that the text's way
     * to a double is the one that rounds once. */
    if (d.scale <= 22 && magnitude(d.unscaled) < (UInt128)1 << 53) {
        return (double)d.unscaled / (double)decimal_power(d.scale);
    }
    char text[DECIMAL_TEXT_SIZE];
    return strtod(decimal_format(d, text), NULL);
}

bool decimal_from_double(double x, uint8_t precision, uint8_t scale, Decimal *ret) {
    if (!isfinite(x) || fabs(x) >= 1e38) return false;
    char text[64];
    (void)snprintf(text, sizeof text, "%.16e", x);
    Decimal d;
    if (decimal_parse(str_from(text), true, &d) != DECIMAL_PARSED) return false;
    return decimal_rescale(d, precision, scale, ret);
}

Value decimal_to_value(Decimal d, uint8_t blob[static DECIMAL_BLOB_BYTES]) {
    if (d.precision <= 18) return VALUE_OF_INT((int64_t)d.unscaled);
    UInt128 u = (UInt128)d.unscaled ^ (UInt128)1 << 127;
    for (size_t i = DECIMAL_BLOB_BYTES; i-- > 0; u >>= 8) blob[i] = (uint8_t)u;
    return VALUE_OF_BLOB(((Str){(const char *)blob, DECIMAL_BLOB_BYTES}));
}

Decimal decimal_from_value(Value v, uint8_t precision, uint8_t scale) {
    if (v.kind == VALUE_INT) return (Decimal){v.v.i, precision, scale};
    assert(v.kind == VALUE_BLOB && v.v.s.n == DECIMAL_BLOB_BYTES);
    uint64_t half[2];
    memcpy(half, v.v.s.p, sizeof half);
    UInt128 u = (UInt128)be64toh(half[0]) << 64 | be64toh(half[1]);
    return (Decimal){(Int128)(u ^ (UInt128)1 << 127), precision, scale};
}
