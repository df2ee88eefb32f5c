/* Conversion: ts_convert, ts_try_convert, ts_assign. */
#include "standin/bind/bind_internal.h"
#include "standin/bind/fn_internal.h"

static bool convert(sqlite3_context *c, sqlite3_value **v, int style, bool is_assignment, Value *ret,
                    ConvertError *e) {
    Convert x = {.from = fn_type(v[1]), .to = fn_type(v[2]), .style = style, .is_assignment = is_assignment};
    return convert_value(&x, fn_value(v[0]), fn_scratch(c), ret, e);
}

/* (value, from, to [, style]) */
static int style_of(int n, sqlite3_value **v) {
    return n > 3 ? sqlite3_value_int(v[3]) : CONVERT_STYLE_DEFAULT;
}

static bool is_null(sqlite3_context *c, int n, sqlite3_value **v) {
    return fn_has_null(c, 1, v) || (n > 3 && fn_has_null(c, 1, v + 3));
}

static void fn_convert(sqlite3_context *c, int n, sqlite3_value **v) {
    ConvertError e;
    Value ret;
    if (is_null(c, n, v)) return;
    if (convert(c, v, style_of(n, v), /* is_assignment= */ false, &ret, &e)) fn_result(c, ret);
    else fn_fail_convert(c, &e);
}

static void fn_try_convert(sqlite3_context *c, int n, sqlite3_value **v) {
    ConvertError e;
    Value ret;
    if (is_null(c, n, v)) return;
    if (convert(c, v, style_of(n, v), /* is_assignment= */ false, &ret, &e)) fn_result(c, ret);
    else if (e.number == 40517) fn_fail_convert(c, &e); /* it isn't the value that fails */
    else sqlite3_result_null(c);
}

/* (value, from, to, table, column) */
static void fn_assign(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    ConvertError e;
    Value ret;
    if (fn_has_null(c, 1, v)) return;
    if (convert(c, v, CONVERT_STYLE_DEFAULT, /* is_assignment= */ true, &ret, &e)) {
        fn_result(c, ret);
        return;
    }
    fn_fail_convert(c, &e);
    if (e.number != 2628) return;
    Functions *f = fn_of(c);
    Type to = fn_type(v[2]);
    bindtype_truncated(&f->error, &to, fn_value(v[0]), (const char *)sqlite3_value_text(v[3]), fn_text(v[4]));
    sqlite3_result_error(c, f->error.text, -1);
}

const FnRow fn_convert_rows[] = {
    {"ts_convert", -1, fn_convert, false},
    {"ts_try_convert", -1, fn_try_convert, false},
    {"ts_assign", 5, fn_assign, false},
    {NULL, 0, NULL, false},
};
