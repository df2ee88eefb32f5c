#include "standin/bind/functions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "standin/bind/fn_internal.h"
#include "standin/bind/typecode.h"
#include "standin/store/sqlite_collation.h"

Functions *fn_of(sqlite3_context *c) {
    return sqlite3_user_data(c);
}

Arena *fn_scratch(sqlite3_context *c) {
    Arena *a = &fn_of(c)->scratch;
    arena_clear(a);
    return a;
}

Value fn_value(sqlite3_value *v) {
    switch (sqlite3_value_type(v)) {
    case SQLITE_INTEGER: return VALUE_OF_INT(sqlite3_value_int64(v));
    case SQLITE_FLOAT: return VALUE_OF_REAL(sqlite3_value_double(v));
    case SQLITE_TEXT: return VALUE_OF_TEXT(fn_text(v));
    case SQLITE_BLOB: {
        const char *p = sqlite3_value_blob(v);
        return VALUE_OF_BLOB(((Str){p ? p : "", (size_t)sqlite3_value_bytes(v)}));
    }
    default: return (Value){0};
    }
}

Type fn_type(sqlite3_value *v) {
    return typecode_type(sqlite3_value_int64(v));
}

Str fn_text(sqlite3_value *v) {
    const char *p = (const char *)sqlite3_value_text(v);
    return (Str){p ? p : "", (size_t)sqlite3_value_bytes(v)};
}

void fn_result(sqlite3_context *c, Value v) {
    switch (v.kind) {
    case VALUE_NULL: sqlite3_result_null(c); break;
    case VALUE_INT: sqlite3_result_int64(c, v.v.i); break;
    case VALUE_REAL: sqlite3_result_double(c, v.v.d); break;
    case VALUE_TEXT:
        sqlite3_result_text64(c, v.v.s.n ? v.v.s.p : "", v.v.s.n, SQLITE_TRANSIENT, SQLITE_UTF8);
        break;
    case VALUE_BLOB: sqlite3_result_blob64(c, v.v.s.n ? v.v.s.p : "", v.v.s.n, SQLITE_TRANSIENT); break;
    }
}

void fn_fail(sqlite3_context *c, int32_t number, uint8_t state, const char *fmt, ...) {
    Functions *f = fn_of(c);
    f->error = (SqlError){.number = number, .state = state, .class_ = sqlerror_class(number)};
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(f->error.text, sizeof f->error.text, fmt, args);
    va_end(args);
    f->has_error = true;
    sqlite3_result_error(c, f->error.text, -1);
}

void fn_fail_convert(sqlite3_context *c, const ConvertError *e) {
    Functions *f = fn_of(c);
    (void)sqlerror_from_convert(&f->error, e, 0);
    f->has_error = true;
    sqlite3_result_error(c, f->error.text, -1);
}

void fn_overflow(sqlite3_context *c, const Type *t) {
    fn_fail(c, 8115, 2, "Arithmetic overflow error converting expression to data type %s.",
            t->id == TYPE_DECIMAL ? "numeric" : type_name(t->id));
}

bool fn_has_null(sqlite3_context *c, int n, sqlite3_value **v) {
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(v[i]) == SQLITE_NULL) {
            sqlite3_result_null(c);
            return true;
        }
    return false;
}

static int register_rows(sqlite3 *db, Functions *f, const FnRow *row) {
    int rc = SQLITE_OK;
    for (; rc == SQLITE_OK && row->name; row++) {
        int flags = SQLITE_UTF8 | (row->is_volatile ? 0 : SQLITE_DETERMINISTIC);
        rc = sqlite3_create_function_v2(db, row->name, row->args, flags, f, row->call, NULL, NULL, NULL);
    }
    return rc;
}

Functions *functions_register(sqlite3 *db, Err *e) {
    Functions *f = x_calloc(1, sizeof *f);
    const FnRow *const tables[] = {fn_convert_rows, fn_arith_rows, fn_math_rows,  fn_text_rows,
                                   fn_time_rows,    fn_meta_rows,  fn_string_rows};
    int rc = sqlitecollation_register(db);
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof tables / sizeof *tables; i++)
        rc = register_rows(db, f, tables[i]);
    if (rc == SQLITE_OK) rc = fn_aggregate_register(db, f);
    if (rc == SQLITE_OK) rc = fn_apply_register(db);
    if (rc == SQLITE_OK) rc = fn_series_register(db, f);
    if (rc == SQLITE_OK) return f;
    (void)err_set(e, ERR_INTERNAL, false, "registering functions: %s", sqlite3_errmsg(db));
    return functions_free(f);
}

Functions *functions_free(Functions *f) {
    if (f) arena_done(&f->scratch);
    free(f);
    return NULL;
}

void functions_set_host(Functions *f, const BindHost *host) {
    f->host = host;
}

bool functions_take_error(Functions *f, SqlError *ret) {
    if (!f->has_error) return false;
    *ret = f->error;
    f->has_error = false;
    return true;
}

int functions_bind_value(sqlite3_stmt *st, int i, const Value *v) {
    switch (v->kind) {
    case VALUE_INT: return sqlite3_bind_int64(st, i, v->v.i);
    case VALUE_REAL: return sqlite3_bind_double(st, i, v->v.d);
    case VALUE_TEXT:
        return sqlite3_bind_text64(st, i, v->v.s.n ? v->v.s.p : "", v->v.s.n, SQLITE_STATIC, SQLITE_UTF8);
    case VALUE_BLOB: return sqlite3_bind_blob64(st, i, v->v.s.n ? v->v.s.p : "", v->v.s.n, SQLITE_STATIC);
    default: return sqlite3_bind_null(st, i);
    }
}

/* Through sqlite3_value, whose calls cost a third of sqlite3_column_…'s: connections are used by one thread
 * (SQLITE_CONFIG_MULTITHREAD), where the two kinds of values are the same. sqlite3_value_blob gives text as
 * it is, in UTF-8. */
static inline void take_value(sqlite3_value *from, Value *ret) {
    int type = sqlite3_value_type(from);
    if (type == SQLITE_INTEGER) {
        ret->kind = VALUE_INT;
        ret->v.i = sqlite3_value_int64(from);
    } else if (type == SQLITE_TEXT || type == SQLITE_BLOB) {
        const char *p = sqlite3_value_blob(from);
        ret->kind = type == SQLITE_TEXT ? VALUE_TEXT : VALUE_BLOB;
        ret->v.s = (Str){p ? p : "", p ? (size_t)sqlite3_value_bytes(from) : 0};
    } else if (type == SQLITE_NULL) {
        ret->kind = VALUE_NULL;
    } else {
        ret->kind = VALUE_REAL;
        ret->v.d = sqlite3_value_double(from);
    }
}

Value functions_column_value(sqlite3_stmt *st, int i) {
    Value v = {0};
    take_value(sqlite3_column_value(st, i), &v);
    return v;
}

void functions_row_values(sqlite3_stmt *st, size_t count, Value *ret_values) {
    for (size_t i = 0; i < count; i++) take_value(sqlite3_column_value(st, (int)i), &ret_values[i]);
}
