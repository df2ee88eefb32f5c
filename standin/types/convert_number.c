/* Numbers as a target. An exact source becomes a Decimal, an approximate one a double, then the target's
 * range. */
#include "standin/types/convert_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "standin/types/decimal.h"
#include "standin/types/temporal.h"
#include "standin/types/wtf8.h"

typedef struct Number {
    bool is_double;
    Decimal exact;
    double approx;
} Number;

typedef struct Range {
    int64_t least, greatest;
} Range;

static Range range_of(TypeId id) {
    switch (id) {
    case TYPE_BIT: return (Range){0, 1};
    case TYPE_TINYINT: return (Range){0, UINT8_MAX};
    case TYPE_SMALLINT: return (Range){INT16_MIN, INT16_MAX};
    case TYPE_INT:
    case TYPE_SMALLMONEY: return (Range){INT32_MIN, INT32_MAX};
    default: return (Range){INT64_MIN, INT64_MAX};
    }
}

static bool overflow(const Convert *c, ConvertError *e) {
    return convert_fail(e, 8115, 2, "Arithmetic overflow error converting expression to data type %s.",
                        convert_type_name(c->to.id));
}

static bool bad_text(const Convert *c, Str s, ConvertError *e) {
    if (c->to.id == TYPE_BIGINT || !type_is_integer(c->to.id)) {
        return convert_fail(e, 8114, 5, "Error converting data type %s to %s.", convert_type_name(c->from.id),
                            convert_type_name(c->to.id));
    }
    Str shown = convert_shown(s);
    return convert_fail(e, 245, 1,
                        "Conversion failed when converting the %s value '" STR_FMT "' to data type %s.",
                        type_name(c->from.id), STR_ARG(shown), type_name(c->to.id));
}

/* --- text to numbers --------------------------------------------------------------------------------------
 */

static bool text_overflow(const Convert *c, Str s, ConvertError *e) {
    Str shown = convert_shown(s);
    const char *from = type_name(c->from.id);
    switch (c->to.id) {
    case TYPE_INT:
        return convert_fail(e, 248, 1,
                            "The conversion of the %s value '" STR_FMT "' overflowed an int column.", from,
                            STR_ARG(shown));
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
        return convert_fail(e, 244, c->to.id == TYPE_TINYINT ? 1 : 2,
                            "The conversion of the %s value '" STR_FMT
                            "' overflowed an %s column. Use a larger "
                            "integer column.",
                            from, STR_ARG(shown), c->to.id == TYPE_TINYINT ? "INT1" : "INT2");
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
        return convert_fail(e, 8115, 8, "Arithmetic overflow error converting %s to data type numeric.",
                            from);
    default: return overflow(c, e);
    }
}

static bool text_to_bit(const Convert *c, Str s, Value *ret, ConvertError *e) {
    Str t = str_trim(s);
    bool is_true = str_eq_icase(t, STR_LIT("true"));
    if (!is_true && !str_eq_icase(t, STR_LIT("false"))) {
        for (size_t i = t.n > 0 && (t.p[0] == '-' || t.p[0] == '+') ? 1 : 0; i < t.n; i++) {
            if (t.p[i] < '0' || t.p[i] > '9') return bad_text(c, s, e);
            if (t.p[i] != '0') is_true = true;
        }
    }
    *ret = VALUE_OF_INT(is_true ? 1 : 0);
    return true;
}

static bool text_to_integer(const Convert *c, Str s, Value *ret, ConvertError *e) {
    Str t = str_trim(s);
    Range range = range_of(c->to.id);
    bool is_negative = t.n > 0 && t.p[0] == '-';
    if (t.n > 0 && (t.p[0] == '-' || t.p[0] == '+')) t = str_trim(str_sub(t, 1, t.n));
    Int128 x = 0;
    for (size_t i = 0; i < t.n; i++) { /* the empty text is 0 */
        if (t.p[i] < '0' || t.p[i] > '9') return bad_text(c, s, e);
        if (x <= INT64_MAX) x = 10 * x + (t.p[i] - '0');
    }
    if (is_negative) x = -x;
    if (x < range.least || x > range.greatest) return text_overflow(c, s, e);
    *ret = VALUE_OF_INT((int64_t)x);
    return true;
}

/* "$ -1,234.5": currency sign and commas are skipped. */
static bool text_to_money(const Convert *c, Str s, Value *ret, ConvertError *e) {
    char plain[64];
    size_t n = 0;
    Str t = str_trim(s);
    for (size_t at = 0; at < t.n;) {
        uint32_t ch = wtf8_next(t, &at);
        if (ch == ',' || ch == '$' || ch == 0xa3 || ch == 0xa5 || ch == 0x20ac || ch == ' ') continue;
        if (ch >= 0x80 || n + 1 >= sizeof plain) n = sizeof plain;
        if (n == sizeof plain) break;
        plain[n++] = (char)ch;
    }
    Decimal d = {0, 19, 4};
    bool is_empty = n == 0;
    DecimalParse parsed = is_empty            ? DECIMAL_PARSED
                          : n == sizeof plain ? DECIMAL_BAD_TEXT
                                              : decimal_parse((Str){plain, n}, false, &d);
    if (parsed == DECIMAL_BAD_TEXT) {
        return convert_fail(e, 235, 0,
                            "Cannot convert a char value to money. The char value has incorrect syntax.");
    }
    Range range = range_of(c->to.id);
    if (parsed == DECIMAL_OVERFLOW || !decimal_rescale(d, 38, 4, &d)) return overflow(c, e);
    if (d.unscaled < range.least || d.unscaled > range.greatest) return overflow(c, e);
    *ret = VALUE_OF_INT((int64_t)d.unscaled);
    return true;
}

/* The text is a plain floating-point literal (strtod reads more: hexadecimal, inf, nan). */
static bool is_float_text(Str s) {
    Decimal ignored;
    return s.n > 0 && decimal_parse(s, true, &ignored) != DECIMAL_BAD_TEXT;
}

static bool text_to_double(const Convert *c, Str s, double *ret, ConvertError *e) {
    Str t = str_trim(s);
    *ret = 0;
    if (t.n == 0) return true; /* as SQL Server: '' is 0 */
    char plain[512];
    if (t.n >= sizeof plain || !is_float_text(t)) return bad_text(c, s, e);
    memcpy(plain, t.p, t.n);
    plain[t.n] = '\0';
    *ret = strtod(plain, NULL);
    return isfinite(*ret) || overflow(c, e);
}

/* --- sources ----------------------------------------------------------------------------------------------
 */

/* Days since 1900-01-01 with their fraction: what a datetime is as a number. */
static double datetime_days(const Type *from, Value v) {
    if (from->id == TYPE_SMALLDATETIME) return (double)v.v.i / 1440.0;
    return (double)v.v.i / (double)TEMPORAL_300THS_PER_DAY;
}

/* A decimal's own binary form: precision, scale, 0, sign, magnitude little-endian. */
static bool binary_to_decimal(const Convert *c, Str s, Decimal *ret, ConvertError *e) {
    if (s.n < 5 || s.n > 20 || (uint8_t)s.p[0] > 38 || (uint8_t)s.p[1] > (uint8_t)s.p[0]) {
        return convert_fail(e, 8114, 5, "Error converting data type %s to numeric.", type_name(c->from.id));
    }
    UInt128 m = 0;
    for (size_t i = s.n; i-- > 4;) m = m << 8 | (uint8_t)s.p[i];
    if (m >= (UInt128)decimal_power(DECIMAL_MAX_PRECISION)) {
        return convert_fail(e, 8114, 5, "Error converting data type %s to numeric.", type_name(c->from.id));
    }
    *ret = (Decimal){s.p[3] == 0 ? -(Int128)m : (Int128)m, DECIMAL_MAX_PRECISION, (uint8_t)s.p[1]};
    return true;
}

/* The last bytes, big-endian, as many as the target has. */
static int64_t binary_to_integer(TypeId to, Str s) {
    Type t = {.id = to};
    size_t width = (size_t)type_max_length_bytes(&t);
    uint64_t x = 0;
    for (size_t i = s.n > width ? s.n - width : 0; i < s.n; i++) x = x << 8 | (uint8_t)s.p[i];
    switch (to) {
    case TYPE_BIT: return x != 0;
    case TYPE_TINYINT: return (int64_t)x;
    case TYPE_SMALLINT: return (int16_t)x;
    case TYPE_INT:
    case TYPE_SMALLMONEY: return (int32_t)x;
    default: return (int64_t)x;
    }
}

static Number number_of(const Type *from, Value v) {
    switch (from->id) {
    case TYPE_REAL:
    case TYPE_FLOAT: return (Number){.is_double = true, .approx = v.v.d};
    case TYPE_DATETIME:
    case TYPE_SMALLDATETIME: return (Number){.is_double = true, .approx = datetime_days(from, v)};
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return (Number){.exact = {v.v.i, 19, 4}};
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return (Number){.exact = decimal_from_value(v, from->precision, from->scale)};
    default: return (Number){.exact = {v.v.i, 19, 0}};
    }
}

/* --- targets ----------------------------------------------------------------------------------------------
 */

static bool integer_overflow(const Convert *c, const Number *x, ConvertError *e) {
    if (x->is_double && c->to.id != TYPE_BIGINT && type_is_integer(c->to.id)) {
        return convert_fail(e, 232, 3, "Arithmetic overflow error for type %s, value = %f.",
                            type_name(c->to.id), x->approx);
    }
    if (!x->is_double && (c->to.id == TYPE_TINYINT || c->to.id == TYPE_SMALLINT) && x->exact.scale == 0) {
        char text[DECIMAL_TEXT_SIZE];
        return convert_fail(e, 220, c->to.id == TYPE_TINYINT ? 2 : 1,
                            "Arithmetic overflow error for data type %s, value = %s.", type_name(c->to.id),
                            decimal_format(x->exact, text));
    }
    return overflow(c, e);
}

/* The whole part: cut off, but money and dates are rounded. */
static Int128 whole_part(const Convert *c, const Number *x) {
    if (x->is_double) {
        bool is_rounded = type_is_temporal(c->from.id);
        double whole = is_rounded ? floor(x->approx + 0.5) : trunc(x->approx);
        return whole < -1e30 || whole > 1e30 ? (Int128)1 << 100 : (Int128)whole;
    }
    Int128 unit = decimal_power(x->exact.scale);
    Int128 whole = x->exact.unscaled / unit, rest = x->exact.unscaled % unit;
    bool is_money = c->from.id == TYPE_MONEY || c->from.id == TYPE_SMALLMONEY;
    if (is_money && 2 * rest >= unit) whole++;
    if (is_money && -2 * rest >= unit) whole--;
    return whole;
}

static bool number_to_integer(const Convert *c, const Number *x, Value *ret, ConvertError *e) {
    if (c->to.id == TYPE_BIT) {
        *ret = VALUE_OF_INT((x->is_double ? x->approx != 0 : x->exact.unscaled != 0) ? 1 : 0);
        return true;
    }
    Range range = range_of(c->to.id);
    Int128 whole = whole_part(c, x);
    if (whole < range.least || whole > range.greatest) return integer_overflow(c, x, e);
    *ret = VALUE_OF_INT((int64_t)whole);
    return true;
}

static bool number_to_decimal(const Convert *c, const Number *x, Arena *a, Value *ret, ConvertError *e) {
    Decimal d;
    bool fits = x->is_double ? decimal_from_double(x->approx, c->to.precision, c->to.scale, &d)
                             : decimal_rescale(x->exact, c->to.precision, c->to.scale, &d);
    if (!fits) {
        return convert_fail(e, 8115, x->is_double ? 6 : 8,
                            "Arithmetic overflow error converting %s to data type numeric.",
                            convert_type_name(c->from.id));
    }
    uint8_t *blob =
        d.precision > 18 ? (uint8_t *)arena_bytes(a, DECIMAL_BLOB_BYTES) : (uint8_t[DECIMAL_BLOB_BYTES]){0};
    *ret = decimal_to_value(d, blob);
    return true;
}

static bool number_to_money(const Convert *c, const Number *x, Value *ret, ConvertError *e) {
    Range range = range_of(c->to.id);
    Decimal d;
    bool fits = x->is_double ? decimal_from_double(x->approx, DECIMAL_MAX_PRECISION, 4, &d)
                             : decimal_rescale(x->exact, DECIMAL_MAX_PRECISION, 4, &d);
    if (!fits || d.unscaled < range.least || d.unscaled > range.greatest) return overflow(c, e);
    *ret = VALUE_OF_INT((int64_t)d.unscaled);
    return true;
}

static bool number_to_float(const Convert *c, const Number *x, Value *ret, ConvertError *e) {
    double d = x->is_double ? x->approx : decimal_to_double(x->exact);
    if (c->to.id == TYPE_REAL) d = (double)(float)d;
    if (!isfinite(d)) return overflow(c, e);
    *ret = VALUE_OF_REAL(d);
    return true;
}

static bool from_text(const Convert *c, Str s, Arena *a, Value *ret, ConvertError *e) {
    Number x = {0};
    switch (c->to.id) {
    case TYPE_BIT: return text_to_bit(c, s, ret, e);
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return text_to_money(c, s, ret, e);
    case TYPE_REAL:
    case TYPE_FLOAT:
        x.is_double = true;
        return text_to_double(c, s, &x.approx, e) && number_to_float(c, &x, ret, e);
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
        switch (decimal_parse(s, false, &x.exact)) {
        case DECIMAL_BAD_TEXT: return bad_text(c, s, e);
        case DECIMAL_OVERFLOW: return text_overflow(c, s, e);
        case DECIMAL_PARSED: break;
        }
        return number_to_decimal(c, &x, a, ret, e);
    default: return text_to_integer(c, s, ret, e);
    }
}

static bool from_binary(const Convert *c, Str s, Arena *a, Value *ret, ConvertError *e) {
    Number x = {0};
    if (c->to.id == TYPE_DECIMAL || c->to.id == TYPE_NUMERIC) {
        return binary_to_decimal(c, s, &x.exact, e) && number_to_decimal(c, &x, a, ret, e);
    }
    *ret = VALUE_OF_INT(binary_to_integer(c->to.id, s));
    return true;
}

bool convert_to_number(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    if (v.kind == VALUE_TEXT) return from_text(c, v.v.s, a, ret, e);
    if (type_is_binary(c->from.id)) return from_binary(c, v.v.s, a, ret, e);
    Number x = number_of(&c->from, v);
    switch (c->to.id) {
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return number_to_decimal(c, &x, a, ret, e);
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return number_to_money(c, &x, ret, e);
    case TYPE_REAL:
    case TYPE_FLOAT: return number_to_float(c, &x, ret, e);
    default: return number_to_integer(c, &x, ret, e);
    }
}
