/* Mathematical functions, and those that fit nowhere else: NEWID, CHECKSUM, ISNUMERIC, LIMIT's check. */
#include <math.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/hash.h"
#include "standin/bind/fn_internal.h"
#include "standin/types/decimal.h"
#include "standin/types/guid.h"

static const double pi = 3.14159265358979323846;

static bool is_float(const Type *t) {
    return t->id == TYPE_FLOAT || t->id == TYPE_REAL;
}

static uint8_t scale_of(const Type *t) {
    return t->id == TYPE_MONEY || t->id == TYPE_SMALLMONEY ? 4 : t->scale;
}

/* An exact number of any type as a decimal of its scale. */
static Decimal exact(sqlite3_value *v, const Type *t) {
    if (t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC)
        return decimal_from_value(fn_value(v), t->precision, t->scale);
    return (Decimal){sqlite3_value_int64(v), 38, scale_of(t)};
}

static bool fits(const Type *t, Int128 n) {
    if (t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC) return decimal_fits(n, t->precision);
    if (t->id == TYPE_INT) return n >= INT32_MIN && n <= INT32_MAX;
    return n >= INT64_MIN && n <= INT64_MAX;
}

/* d, whose scale may differ, as a value of type t. */
static void give_exact(sqlite3_context *c, Decimal d, const Type *t) {
    uint8_t blob[DECIMAL_BLOB_BYTES];
    Decimal x;
    if (!decimal_rescale(d, DECIMAL_MAX_PRECISION, scale_of(t), &x) || !fits(t, x.unscaled)) {
        fn_overflow(c, t);
        return;
    }
    bool is_decimal = t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC;
    x.precision = is_decimal ? t->precision : 18;
    if (is_decimal) fn_result(c, decimal_to_value(x, blob));
    else sqlite3_result_int64(c, (int64_t)x.unscaled);
}

static void give_double(sqlite3_context *c, double x) {
    static const Type t = {.id = TYPE_FLOAT};
    if (isnan(x)) fn_fail(c, 3623, 1, "An invalid floating point operation occurred.");
    else if (isinf(x)) fn_overflow(c, &t);
    else sqlite3_result_double(c, x);
}

/* ---- (x, type of x, type of the result) ---- */

static void fn_abs(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Type from = fn_type(v[1]), to = fn_type(v[2]);
    if (fn_has_null(c, 1, v)) return;
    if (is_float(&from)) {
        give_double(c, fabs(sqlite3_value_double(v[0])));
        return;
    }
    Decimal d = exact(v[0], &from);
    if (d.unscaled < 0) d.unscaled = -d.unscaled;
    give_exact(c, d, &to);
}

static void fn_sign(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Type from = fn_type(v[1]), to = fn_type(v[2]);
    if (fn_has_null(c, 1, v)) return;
    if (is_float(&from)) {
        double x = sqlite3_value_double(v[0]);
        sqlite3_result_double(c, x > 0 ? 1 : x < 0 ? -1 : 0);
        return;
    }
    Decimal d = exact(v[0], &from);
    give_exact(c, (Decimal){d.unscaled > 0 ? 1 : d.unscaled < 0 ? -1 : 0, 1, 0}, &to);
}

/* direction: -1 floor, 1 ceiling */
static void to_whole(sqlite3_context *c, sqlite3_value **v, int direction) {
    Type from = fn_type(v[1]), to = fn_type(v[2]);
    if (fn_has_null(c, 1, v)) return;
    if (is_float(&from)) {
        double x = sqlite3_value_double(v[0]);
        give_double(c, direction < 0 ? floor(x) : ceil(x));
        return;
    }
    Decimal d = exact(v[0], &from);
    Int128 power = decimal_power(d.scale), whole = d.unscaled / power, rest = d.unscaled % power;
    if (rest != 0 && (rest > 0) == (direction > 0)) whole += direction;
    give_exact(c, (Decimal){whole, DECIMAL_MAX_PRECISION, 0}, &to);
}

static void fn_floor(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    to_whole(c, v, -1);
}

static void fn_ceiling(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    to_whole(c, v, 1);
}

static double round_double(double x, int digits, bool is_cut) {
    double power = pow(10, digits), y = x * power;
    y = is_cut ? trunc(y) : round(y);
    return y / power;
}

/* (x, digits [, cut], type of x, type of the result); digits may be negative */
static void fn_round(sqlite3_context *c, int n, sqlite3_value **v) {
    Type from = fn_type(v[n - 2]), to = fn_type(v[n - 1]);
    if (fn_has_null(c, n - 2, v)) return;
    int digits = sqlite3_value_int(v[1]);
    bool is_cut = n == 5 && sqlite3_value_int(v[2]) != 0;
    if (is_float(&from)) {
        bool has_effect = digits > -310 && digits < 310;
        give_double(c, has_effect   ? round_double(sqlite3_value_double(v[0]), digits, is_cut)
                       : digits < 0 ? 0
                                    : sqlite3_value_double(v[0]));
        return;
    }
    Decimal d = exact(v[0], &from);
    if (digits < d.scale) {
        int64_t drop = (int64_t)d.scale - digits;
        Int128 power = drop > 37 ? 0 : decimal_power((unsigned)drop);
        Int128 half = is_cut ? 0 : power / 2;
        d.unscaled =
            power == 0 ? 0 : (d.unscaled < 0 ? d.unscaled - half : d.unscaled + half) / power * power;
    }
    give_exact(c, d, &to);
}

/* (x, y, type of x, type of the result) */
static void fn_power(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Type from = fn_type(v[2]), to = fn_type(v[3]);
    if (fn_has_null(c, 2, v)) return;
    double x = is_float(&from) ? sqlite3_value_double(v[0]) : decimal_to_double(exact(v[0], &from));
    double result = pow(x, sqlite3_value_double(v[1]));
    if (is_float(&to)) {
        give_double(c, result);
        return;
    }
    Decimal d;
    if (to.id == TYPE_INT || to.id == TYPE_BIGINT) result = trunc(result);
    if (decimal_from_double(result, DECIMAL_MAX_PRECISION, scale_of(&to), &d)) give_exact(c, d, &to);
    else fn_overflow(c, &to);
}

/* ---- float functions ---- */

#define FN_DOUBLE(name, expression)                                                                          \
    static void name(sqlite3_context *c, int n, sqlite3_value **v) {                                         \
        (void)n;                                                                                             \
        if (fn_has_null(c, 1, v)) return;                                                                    \
        double x = sqlite3_value_double(v[0]);                                                               \
        give_double(c, expression);                                                                          \
    }
FN_DOUBLE(fn_acos, acos(x))
FN_DOUBLE(fn_asin, asin(x))
FN_DOUBLE(fn_atan, atan(x))
FN_DOUBLE(fn_cos, cos(x))
FN_DOUBLE(fn_cot, 1 / tan(x))
FN_DOUBLE(fn_exp, exp(x))
FN_DOUBLE(fn_log10, x > 0 ? log10(x) : NAN)
FN_DOUBLE(fn_sin, sin(x))
FN_DOUBLE(fn_sqrt, sqrt(x))
FN_DOUBLE(fn_square, x *x)
FN_DOUBLE(fn_tan, tan(x))

static void fn_log(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    double x = sqlite3_value_double(v[0]), y = x > 0 ? log(x) : NAN;
    give_double(c, n == 2 ? y / log(sqlite3_value_double(v[1])) : y);
}

static void fn_atn2(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    double y = sqlite3_value_double(v[0]), x = sqlite3_value_double(v[1]);
    give_double(c, fpclassify(y) == FP_ZERO && fpclassify(x) == FP_ZERO ? NAN : atan2(y, x));
}

/* One seed, one number; the sequence is this server's own. */
static double random_of(uint64_t seed) {
    return (double)(hash_mix(seed, 0x5eed) >> 11) / 9007199254740992.0; /* 2^53 */
}

static void fn_rand(sqlite3_context *c, int n, sqlite3_value **v) {
    uint64_t seed;
    if (n && fn_has_null(c, 1, v)) return;
    if (n) seed = (uint64_t)sqlite3_value_int64(v[0]);
    else if (getrandom(&seed, sizeof seed, 0) != sizeof seed) seed = (uint64_t)(uintptr_t)c;
    sqlite3_result_double(c, random_of(seed));
}

/* Through the number's own type: integers stay integers, as SQL Server's do. */
static void turn(sqlite3_context *c, sqlite3_value **v, double factor) {
    Type from = fn_type(v[1]), to = fn_type(v[2]);
    if (fn_has_null(c, 1, v)) return;
    double x = is_float(&from) ? sqlite3_value_double(v[0]) : decimal_to_double(exact(v[0], &from)) * factor;
    if (is_float(&from)) {
        give_double(c, x * factor);
        return;
    }
    Decimal d;
    if (to.id == TYPE_INT || to.id == TYPE_BIGINT) x = trunc(x);
    if (decimal_from_double(x, DECIMAL_MAX_PRECISION, scale_of(&to), &d)) give_exact(c, d, &to);
    else fn_overflow(c, &to);
}

static void fn_degrees(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    turn(c, v, 180 / pi);
}

static void fn_radians(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    turn(c, v, pi / 180);
}

static void fn_pi(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    (void)v;
    sqlite3_result_double(c, pi);
}

/* ---- the rest ---- */

static void fn_newid(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    (void)v;
    uint8_t random[GUID_BYTES], stored[GUID_BYTES];
    if (getrandom(random, sizeof random, 0) != sizeof random) {
        sqlite3_result_error(c, "no random numbers", -1);
        return;
    }
    guid_from_random(random, stored);
    sqlite3_result_blob(c, stored, GUID_BYTES, SQLITE_TRANSIENT);
}

/* Greater than every one before it on this server, also than those of before a restart: the time in µs, moved
 * on where two come in the same one, in the places that count last. */
static void fn_newsequentialid(sqlite3_context *c, int n, sqlite3_value **v) {
    static _Atomic uint64_t last; /* of all sessions */
    (void)n, (void)v;
    uint64_t before = last, now;
    do {
        now = (uint64_t)clock_wall_us();
        if (now <= before) now = before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, now));
    uint8_t stored[GUID_BYTES] = {0x02, 'm', 'r', 's', 't', 'd', 0x80}; /* a locally administered node */
    for (int i = 0; i < 8; i++) stored[GUID_BYTES - 1 - i] = (uint8_t)(now >> (8 * i));
    sqlite3_result_blob(c, stored, GUID_BYTES, SQLITE_TRANSIENT);
}

/* Not SQL Server's own numbers (they are undocumented), but as stable. */
static void fn_checksum(sqlite3_context *c, int n, sqlite3_value **v) {
    uint64_t hash = 0;
    for (int i = 0; i < n; i++) {
        Value x = fn_value(v[i]);
        uint64_t one = x.kind == VALUE_NULL   ? 0
                       : x.kind == VALUE_INT  ? hash_bytes(&x.v.i, sizeof x.v.i, 1)
                       : x.kind == VALUE_REAL ? hash_bytes(&x.v.d, sizeof x.v.d, 2)
                                              : hash_bytes(x.v.s.p, x.v.s.n, 3);
        hash = hash_mix(hash, one);
    }
    sqlite3_result_int(c, (int32_t)(uint32_t)hash);
}

/* (x, type, …): text counts if it converts to float, money or decimal */
static void fn_isnumeric(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Type from = fn_type(v[1]);
    bool is_numeric = type_is_exact(from.id) || is_float(&from);
    if (sqlite3_value_type(v[0]) == SQLITE_NULL) is_numeric = false;
    else if (type_is_text(from.id)) {
        static const Type targets[] = {{.id = TYPE_FLOAT}, {.id = TYPE_MONEY}};
        ConvertError e;
        Value ret;
        for (size_t i = 0; !is_numeric && i < 2; i++) {
            Convert x = {.from = from, .to = targets[i], .style = CONVERT_STYLE_DEFAULT};
            is_numeric = convert_value(&x, fn_value(v[0]), fn_scratch(c), &ret, &e);
        }
    }
    sqlite3_result_int(c, is_numeric);
}

static void fn_isdate(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Convert x = {.from = {.id = TYPE_NVARCHAR, .length = 4000},
                 .to = {.id = TYPE_DATETIME},
                 .style = CONVERT_STYLE_DEFAULT};
    ConvertError e;
    Value ret;
    bool is_date = sqlite3_value_type(v[0]) != SQLITE_NULL && fn_text(v[0]).n > 0 &&
                   convert_value(&x, fn_value(v[0]), fn_scratch(c), &ret, &e);
    sqlite3_result_int(c, is_date);
}

static void fn_limit(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        fn_fail(c, 1014, 1, "A TOP or FETCH clause contains an invalid value.");
    else if (sqlite3_value_int64(v[0]) < 0)
        fn_fail(c, 127, 1, "A TOP N or FETCH rowcount value may not be negative.");
    else sqlite3_result_int64(c, sqlite3_value_int64(v[0]));
}

/* (rows, percent): how many rows a TOP … PERCENT is; parts of a row count as a row */
static void fn_percent(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    double percent = sqlite3_value_double(v[1]);
    if (sqlite3_value_type(v[1]) == SQLITE_NULL || percent < 0 || percent > 100)
        fn_fail(c, 1031, 1, "Percent values must be between 0 and 100.");
    else sqlite3_result_int64(c, (int64_t)ceil((double)sqlite3_value_int64(v[0]) * percent / 100));
}

/* (level, most): the level of a recursive query's row, if it may be that deep; 0 = no bound */
static void fn_recursion(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    int64_t level = sqlite3_value_int64(v[0]), most = sqlite3_value_int64(v[1]);
    if (most && level > most)
        fn_fail(c, 530, 1,
                "The statement terminated. The maximum recursion %lld has been exhausted before statement "
                "completion.",
                (long long)most);
    else sqlite3_result_int64(c, level);
}

static void fn_raise(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    fn_fail(c, sqlite3_value_int(v[0]), 1,
            "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, "
            "<= , >, "
            ">= or when the subquery is used as an expression.");
}

const FnRow fn_math_rows[] = {
    {"ts_atn2", 2, fn_atn2, false},
    {"ts_cot", 1, fn_cot, false},
    {"ts_degrees", 3, fn_degrees, false},
    {"ts_radians", 3, fn_radians, false},
    {"ts_rand", 0, fn_rand, false},
    {"ts_rand", 1, fn_rand, false},
    {"ts_newsequentialid", 0, fn_newsequentialid, true},
    {"ts_abs", 3, fn_abs, false},
    {"ts_acos", 1, fn_acos, false},
    {"ts_asin", 1, fn_asin, false},
    {"ts_atan", 1, fn_atan, false},
    {"ts_ceiling", 3, fn_ceiling, false},
    {"ts_checksum", -1, fn_checksum, false},
    {"ts_cos", 1, fn_cos, false},
    {"ts_exp", 1, fn_exp, false},
    {"ts_floor", 3, fn_floor, false},
    {"ts_isdate", 1, fn_isdate, false},
    {"ts_isnumeric", 3, fn_isnumeric, false},
    {"ts_limit", 1, fn_limit, false},
    {"ts_percent", 2, fn_percent, false},
    {"ts_recursion", 2, fn_recursion, true},
    {"ts_log", -1, fn_log, false},
    {"ts_log10", 1, fn_log10, false},
    {"ts_newid", 0, fn_newid, true},
    {"ts_pi", 0, fn_pi, false},
    {"ts_power", 4, fn_power, false},
    {"ts_raise", 1, fn_raise, true},
    {"ts_round", -1, fn_round, false},
    {"ts_sign", 3, fn_sign, false},
    {"ts_sin", 1, fn_sin, false},
    {"ts_sqrt", 1, fn_sqrt, false},
    {"ts_square", 1, fn_square, false},
    {"ts_tan", 1, fn_tan, false},
    {NULL, 0, NULL, false},
};
