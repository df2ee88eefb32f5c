/*
 * Arithmetic with SQL Server's overflow rules: ts_add(a, b, type of a, type of b, type of the result) and its
 * kin. Integers and money come in the result's type, decimals each in their own.
 */
#include <math.h>
#include <stdint.h>

#include "standin/bind/fn_internal.h"
#include "standin/types/decimal.h"

typedef enum Arith { ARITH_ADD, ARITH_SUBTRACT, ARITH_MULTIPLY, ARITH_DIVIDE, ARITH_MODULO } Arith;

enum { MONEY_SCALE = 10000 };

static void divided_by_zero(sqlite3_context *c) {
    fn_fail(c, 8134, 1, "Divide by zero error encountered.");
}

static bool in_range(TypeId id, Int128 n) {
    switch (id) {
    case TYPE_BIT: return n >= 0 && n <= 1;
    case TYPE_TINYINT: return n >= 0 && n <= UINT8_MAX;
    case TYPE_SMALLINT: return n >= INT16_MIN && n <= INT16_MAX;
    case TYPE_INT:
    case TYPE_SMALLMONEY: return n >= INT32_MIN && n <= INT32_MAX;
    default: return n >= INT64_MIN && n <= INT64_MAX;
    }
}

static Int128 rounded(Int128 n, Int128 divisor) {
    Int128 half = divisor / 2;
    return (n < 0 ? n - half : n + half) / divisor;
}

/* money counts ten thousandths: a product has them twice, a quotient not at all. */
static Int128 whole(Arith op, Int128 a, Int128 b, bool is_money) {
    switch (op) {
    case ARITH_ADD: return a + b;
    case ARITH_SUBTRACT: return a - b;
    case ARITH_MULTIPLY: return is_money ? rounded(a * b, MONEY_SCALE) : a * b;
    case ARITH_DIVIDE: return is_money ? a * MONEY_SCALE / b : a / b;
    case ARITH_MODULO: return a % b;
    }
    return 0;
}

static void integers(sqlite3_context *c, Arith op, sqlite3_value **v, const Type *t) {
    Int128 a = sqlite3_value_int64(v[0]), b = sqlite3_value_int64(v[1]);
    if (b == 0 && (op == ARITH_DIVIDE || op == ARITH_MODULO)) {
        divided_by_zero(c);
        return;
    }
    Int128 n = whole(op, a, b, t->id == TYPE_MONEY || t->id == TYPE_SMALLMONEY);
    if (in_range(t->id, n)) sqlite3_result_int64(c, (int64_t)n);
    else fn_overflow(c, t);
}

static void floats(sqlite3_context *c, Arith op, sqlite3_value **v, const Type *t) {
    double a = sqlite3_value_double(v[0]), b = sqlite3_value_double(v[1]);
    if (op == ARITH_DIVIDE && fpclassify(b) == FP_ZERO) {
        divided_by_zero(c);
        return;
    }
    double x = op == ARITH_ADD ? a + b : op == ARITH_SUBTRACT ? a - b : op == ARITH_MULTIPLY ? a * b : a / b;
    if (t->id == TYPE_REAL) x = (double)(float)x;
    if (isfinite(x)) sqlite3_result_double(c, x);
    else fn_overflow(c, t);
}

static void decimals(sqlite3_context *c, Arith op, sqlite3_value **v, const Type *t) {
    Type ta = fn_type(v[2]), tb = fn_type(v[3]);
    Decimal a = decimal_from_value(fn_value(v[0]), ta.precision, ta.scale);
    Decimal b = decimal_from_value(fn_value(v[1]), tb.precision, tb.scale), x;
    bool ok = false;
    if (b.unscaled == 0 && (op == ARITH_DIVIDE || op == ARITH_MODULO)) {
        divided_by_zero(c);
        return;
    }
    switch (op) {
    case ARITH_ADD: ok = decimal_add(a, b, &x); break;
    case ARITH_SUBTRACT: ok = decimal_subtract(a, b, &x); break;
    case ARITH_MULTIPLY: ok = decimal_multiply(a, b, &x); break;
    case ARITH_DIVIDE: ok = decimal_divide(a, b, &x); break;
    case ARITH_MODULO: ok = decimal_modulo(a, b, &x); break;
    }
    uint8_t blob[DECIMAL_BLOB_BYTES];
    if (ok && decimal_rescale(x, t->precision, t->scale, &x)) fn_result(c, decimal_to_value(x, blob));
    else fn_overflow(c, t);
}

static void arith(sqlite3_context *c, Arith op, sqlite3_value **v) {
    if (fn_has_null(c, 2, v)) return;
    Type t = fn_type(v[4]);
    if (t.id == TYPE_FLOAT || t.id == TYPE_REAL) floats(c, op, v, &t);
    else if (t.id == TYPE_DECIMAL || t.id == TYPE_NUMERIC) decimals(c, op, v, &t);
    else integers(c, op, v, &t);
}

static void fn_add(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    arith(c, ARITH_ADD, v);
}

static void fn_subtract(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    arith(c, ARITH_SUBTRACT, v);
}

static void fn_multiply(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    arith(c, ARITH_MULTIPLY, v);
}

static void fn_divide(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    arith(c, ARITH_DIVIDE, v);
}

static void fn_modulo(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    arith(c, ARITH_MODULO, v);
}

/* (x, type) */
static void fn_negate(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    Type t = fn_type(v[1]);
    if (fn_has_null(c, 1, v)) return;
    if (t.id == TYPE_FLOAT || t.id == TYPE_REAL) {
        sqlite3_result_double(c, -sqlite3_value_double(v[0]));
    } else if (sqlite3_value_type(v[0]) == SQLITE_BLOB) {
        uint8_t blob[DECIMAL_BLOB_BYTES];
        Decimal d = decimal_from_value(fn_value(v[0]), t.precision, t.scale);
        d.unscaled = -d.unscaled;
        fn_result(c, decimal_to_value(d, blob));
    } else {
        Int128 x = -(Int128)sqlite3_value_int64(v[0]);
        if (t.id == TYPE_TINYINT) t.id = TYPE_SMALLINT;
        if (in_range(t.id, x)) sqlite3_result_int64(c, (int64_t)x);
        else fn_overflow(c, &t);
    }
}

const FnRow fn_arith_rows[] = {
    {"ts_add", 5, fn_add, false},
    {"ts_subtract", 5, fn_subtract, false},
    {"ts_multiply", 5, fn_multiply, false},
    {"ts_divide", 5, fn_divide, false},
    {"ts_modulo", 5, fn_modulo, false},
    {"ts_negate", 2, fn_negate, false},
    {NULL, 0, NULL, false},
};
