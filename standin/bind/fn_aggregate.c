/*
 * ts_sum and ts_avg(x, type of x, type of the result): in 128 bits, or in double for float; NULLs don't
 * count. Both serve as window functions too. For DISTINCT, where SQLite takes one argument only, ts_tag packs
 * the three into a blob for ts_sum1 and ts_avg1. ts_deviation(x, which) is STDEV and its kin,
 * ts_checksum_agg(x) CHECKSUM_AGG.
 */
#include <math.h>
#include <string.h>

#include "standin/bind/fn_internal.h"
#include "standin/bind/typecode.h"
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

static void add(Sum *s, Value x, bool takes_away) {
    s->count += takes_away ? -1 : 1;
    if (is_float(&s->from)) {
        double d = x.kind == VALUE_INT ? (double)x.v.i : x.v.d;
        s->real += takes_away ? -d : d;
        return;
    }
    Int128 n =
        x.kind == VALUE_BLOB ? decimal_from_value(x, s->from.precision, s->from.scale).unscaled : x.v.i;
    Int128 sum = 0;
    if (__builtin_add_overflow((Int128)s->exact, takes_away ? -n : n, &sum)) s->overflowed = true;
    s->exact = sum;
}

static void change(sqlite3_context *c, sqlite3_value **v, bool takes_away) {
    Sum *s = sqlite3_aggregate_context(c, sizeof *s);
    if (!s || sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    s->from = fn_type(v[1]);
    s->to = fn_type(v[2]);
    add(s, fn_value(v[0]), takes_away);
}

static void step(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    change(c, v, /* takes_away= */ false);
}

static void inverse(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    change(c, v, /* takes_away= */ true);
}

/* ---- DISTINCT ---- */

typedef struct Tag {
    int64_t from, to;
    uint8_t kind;
    uint8_t bytes[16]; /* a number, or a wide decimal */
} Tag;

static void fn_tag(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 1, v)) return;
    Tag t;
    memset(&t, 0, sizeof t); /* padding too: equal values are equal bytes */
    t.from = sqlite3_value_int64(v[1]);
    t.to = sqlite3_value_int64(v[2]);
    Value x = fn_value(v[0]);
    t.kind = (uint8_t)x.kind;
    if (x.kind == VALUE_BLOB) memcpy(t.bytes, x.v.s.p, x.v.s.n < sizeof t.bytes ? x.v.s.n : sizeof t.bytes);
    else memcpy(t.bytes, &x.v, sizeof x.v.i);
    fn_result(c, VALUE_OF_BLOB(((Str){(const char *)&t, sizeof t})));
}

static void step_tagged(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Sum *s = sqlite3_aggregate_context(c, sizeof *s);
    if (!s || sqlite3_value_bytes(v[0]) != (int)sizeof(Tag)) return;
    Tag t;
    memcpy(&t, sqlite3_value_blob(v[0]), sizeof t);
    s->from = typecode_type(t.from);
    s->to = typecode_type(t.to);
    Value x = {.kind = (ValueKind)t.kind};
    if (x.kind == VALUE_BLOB) x.v.s = (Str){(const char *)t.bytes, sizeof t.bytes};
    else memcpy(&x.v, t.bytes, sizeof x.v.i);
    add(s, x, /* takes_away= */ false);
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

/* ---- STDEV, STDEVP, VAR, VARP: the mean and the sum of squares around it, by Welford ---- */

typedef struct Deviation {
    int64_t count;
    double mean, squares;
    int which;
} Deviation;

static void deviation_change(sqlite3_context *c, sqlite3_value **v, bool takes_away) {
    Deviation *d = sqlite3_aggregate_context(c, sizeof *d);
    if (!d || sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    double x = sqlite3_value_double(v[0]), before = d->mean;
    d->which = sqlite3_value_int(v[1]);
    d->count += takes_away ? -1 : 1;
    if (d->count == 0) {
        d->mean = d->squares = 0;
        return;
    }
    d->mean += (takes_away ? before - x : x - before) / (double)d->count;
    double by = (x - before) * (x - d->mean);
    d->squares += takes_away ? -by : by;
}

static void deviation_step(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    deviation_change(c, v, /* takes_away= */ false);
}

static void deviation_inverse(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    deviation_change(c, v, /* takes_away= */ true);
}

static void deviation_give(sqlite3_context *c) {
    const Deviation *d = sqlite3_aggregate_context(c, 0);
    bool is_population = d && (d->which & FN_DEVIATION_POPULATION);
    if (!d || d->count < (is_population ? 1 : 2)) {
        sqlite3_result_null(c);
        return;
    }
    double squares = d->squares > 0 ? d->squares : 0;
    double variance = squares / (double)(is_population ? d->count : d->count - 1);
    sqlite3_result_double(c, d->which & FN_DEVIATION_VARIANCE ? variance : sqrt(variance));
}

/* ---- CHECKSUM_AGG: the order of rows plays no part ---- */

typedef struct Checksum {
    int64_t count;
    uint32_t bits;
} Checksum;

static void checksum_step(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Checksum *s = sqlite3_aggregate_context(c, sizeof *s);
    if (!s || sqlite3_value_type(v[0]) == SQLITE_NULL) return;
    s->count++;
    s->bits ^= (uint32_t)sqlite3_value_int64(v[0]);
}

static void checksum_give(sqlite3_context *c) {
    const Checksum *s = sqlite3_aggregate_context(c, 0);
    if (s && s->count) sqlite3_result_int64(c, (int32_t)s->bits);
    else sqlite3_result_null(c);
}

int fn_aggregate_register(sqlite3 *db, Functions *f) {
    static const struct {
        const char *name;
        int args;
        FnCall *step, *inverse; /* with an inverse: also a window function */
        void (*give)(sqlite3_context *);
    } rows[] = {{"ts_sum", 3, step, inverse, give_sum},
                {"ts_avg", 3, step, inverse, give_avg},
                {"ts_sum1", 1, step_tagged, NULL, give_sum},
                {"ts_avg1", 1, step_tagged, NULL, give_avg},
                {"ts_deviation", 2, deviation_step, deviation_inverse, deviation_give},
                {"ts_checksum_agg", 1, checksum_step, NULL, checksum_give}};
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC, rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof rows / sizeof *rows; i++)
        rc = sqlite3_create_window_function(db, rows[i].name, rows[i].args, flags, f, rows[i].step,
                                            rows[i].give, rows[i].inverse ? rows[i].give : NULL,
                                            rows[i].inverse, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_create_function_v2(db, "ts_tag", 3, flags, f, fn_tag, NULL, NULL, NULL);
    return rc == SQLITE_OK ? fn_string_agg_register(db, f) : rc;
}
