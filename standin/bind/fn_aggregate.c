/* ts_sum and ts_avg(x, type of x, type of the result): in 128 bits, or in double for float; NULLs don't
 * count. */
#include <math.h>

#include "standin/bind/fn_internal.h"
#include "standin/types/decimal.h"

/* SQLite aligns an aggregate's memory to 8 bytes. */
typedef Int128 SumInt __attribute__((aligned(8)));

typedef struct Sum {
    SumInt exact;
    double real;
    int64_t count;
    bool overflowed;
    Type from, to;
} Sum;

static bool is_float(const Type *t) {
    return t->id == TYPE_FLOAT || t->id == TYPE_REAL;
}

static void step(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Sum *s = sqlite3_aggregate_context(c, sizeof *s);
    if (!s || sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    s->from = fn_type(v[1]);
    s->to = fn_type(v[2]);
    s->count++;
    if (is_float(&s->from)) {
        s->real += sqlite3_value_double(v[0]);
        return;
    }
    bool is_wide = sqlite3_value_type(v[0]) == SQLITE_BLOB;
    Int128 x = is_wide ? decimal_from_value(fn_value(v[0]), s->from.precision, s->from.scale).unscaled
                       : sqlite3_value_int64(v[0]);
    Int128 sum = 0;
    if (__builtin_add_overflow((Int128)s->exact, x, &sum)) s->overflowed = true;
    s->exact = sum;
}

static bool fits(const Type *t, Int128 n) {
    if (t->id == TYPE_INT) return n >= INT32_MIN && n <= INT32_MAX;
    if (t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC) return decimal_fits(n, t->precision);
    return n >= INT64_MIN && n <= INT64_MAX;
}

static void give(sqlite3_context *c, const Sum *s, Int128 n, uint8_t scale) {
    uint8_t blob[DECIMAL_BLOB_BYTES];
    if (s->overflowed || !fits(&s->to, n)) {
        fn_overflow(c, &s->to);
        return;
    }
    bool is_decimal = s->to.id == TYPE_DECIMAL || s->to.id == TYPE_NUMERIC;
    if (is_decimal) fn_result(c, decimal_to_value((Decimal){n, s->to.precision, scale}, blob));
    else sqlite3_result_int64(c, (int64_t)n);
}

static void give_real(sqlite3_context *c, const Sum *s, double x) {
    if (isfinite(x)) sqlite3_result_double(c, x);
    else fn_overflow(c, &s->to);
}

static const Sum *result_of(sqlite3_context *c) {
    const Sum *s = sqlite3_aggregate_context(c, 0);
    if (s && s->count) return s;
    sqlite3_result_null(c);
    return NULL;
}

static void give_sum(sqlite3_context *c) {
    const Sum *s = result_of(c);
    if (!s) return;
    if (is_float(&s->from)) give_real(c, s, s->real);
    else give(c, s, s->exact, s->to.scale);
}

/* Digits are added before the division, which cuts. */
static void give_avg(sqlite3_context *c) {
    const Sum *s = result_of(c);
    if (!s) return;
    if (is_float(&s->from)) {
        give_real(c, s, s->real / (double)s->count);
        return;
    }
    Int128 n = s->exact;
    bool is_decimal = s->to.id == TYPE_DECIMAL || s->to.id == TYPE_NUMERIC;
    if (is_decimal && s->to.scale > s->from.scale &&
        __builtin_mul_overflow(n, decimal_power((unsigned)(s->to.scale - s->from.scale)), &n)) {
        fn_overflow(c, &s->to);
        return;
    }
    give(c, s, n / s->count, s->to.scale);
}

int fn_aggregate_register(sqlite3 *db, Functions *f) {
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
    int rc = sqlite3_create_function_v2(db, "ts_sum", 3, flags, f, NULL, step, give_sum, NULL);
    if (rc != SQLITE_OK) return rc;
    return sqlite3_create_function_v2(db, "ts_avg", 3, flags, f, NULL, step, give_avg, NULL);
}
