#include "standin/capture/cdc_sql.h"

#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "standin/bind/functions.h"
#include "standin/store/store.h"

enum { MAX_TEXT = 1024 };

__attribute__((format(printf, 5, 0))) static sqlite3_stmt *
start(StmtCache *cache, const Value *params, size_t count, SqlError *e, const char *fmt, va_list args) {
    char text[MAX_TEXT];
    int n = vsnprintf(text, sizeof text, fmt, args);
    if (n < 0 || n >= MAX_TEXT) {
        (void)sql_error_set(e, 8624, 16, 1,
                            "Internal Query Processor Error: a statement of capture is too long.");
        return NULL;
    }
    sqlite3_stmt *st = stmtcache_take(cache, (Str){text, (size_t)n}, e);
    for (size_t i = 0; st && i < count; i++) (void)functions_bind_value(st, (int)i + 1, &params[i]);
    return st;
}

bool cdc_sql_run(StmtCache *cache, const Value *params, size_t count, SqlError *e, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    sqlite3_stmt *st = start(cache, params, count, e, fmt, args);
    va_end(args);
    if (!st) return false;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {}
    bool ok = rc == SQLITE_DONE || store_sqlite_error(sqlite3_db_handle(st), "keep change data", e);
    stmtcache_put(cache, st);
    return ok;
}

static Value kept(Value v, Arena *arena) {
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) v.v.s = arena_str(arena, v.v.s);
    return v;
}

bool cdc_sql_row(StmtCache *cache, const Value *params, size_t count, Arena *arena, CdcSqlRow *row,
                 SqlError *e, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    sqlite3_stmt *st = start(cache, params, count, e, fmt, args);
    va_end(args);
    if (!st) return false;
    int rc = sqlite3_step(st);
    row->is_found = rc == SQLITE_ROW;
    for (size_t i = 0; row->is_found && i < row->width; i++)
        row->values[i] = kept(functions_column_value(st, (int)i), arena);
    bool ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
    if (!ok) (void)store_sqlite_error(sqlite3_db_handle(st), "read change data", e);
    stmtcache_put(cache, st);
    return ok;
}
