/*
 * ts_apply('SELECT …', argument, …): the right side of APPLY. SQLite has no lateral join, but the arguments
 * of a table-valued function may come from tables to its left; so this one takes a whole query and its
 * parameters, and runs it for each row. Its columns are c1 … as those of any derived table.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/mem.h"
#include "standin/bind/bind_internal.h"
#include "standin/bind/fn_internal.h"

enum {
    ARGUMENTS = 100, /* SQLite lets a function have 127 */
    SQL_COLUMN = BIND_MAX_APPLIED,
};

typedef struct ApplyTable {
    sqlite3_vtab base;
    sqlite3 *db;
} ApplyTable;

typedef struct ApplyCursor {
    FnCursor rows;
    sqlite3_stmt *st;
    char *sql; /* what st was made of */
} ApplyCursor;

static int connect_table(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                         char **error) {
    (void)aux, (void)argc, (void)argv, (void)error;
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "CREATE TABLE x(");
    for (int i = 1; i <= BIND_MAX_APPLIED; i++) buf_printf(&sql, "c%d,", i);
    buf_cstr(&sql, "sql HIDDEN");
    for (int i = 1; i <= ARGUMENTS; i++) buf_printf(&sql, ",a%d HIDDEN", i);
    buf_cstr(&sql, ")");
    int rc = sqlite3_declare_vtab(db, buf_text(&sql));
    if (rc != SQLITE_OK) return rc;
    ApplyTable *t = x_calloc(1, sizeof *t);
    t->db = db;
    *ret = &t->base;
    return SQLITE_OK;
}

static int best_index(sqlite3_vtab *t, sqlite3_index_info *info) {
    (void)t;
    int last;
    int rc = fn_table_arguments(info, SQL_COLUMN, &last);
    if (rc != SQLITE_OK) return rc;
    info->estimatedCost = 1000;
    info->estimatedRows = 25;
    return last ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int open_cursor(sqlite3_vtab *t, sqlite3_vtab_cursor **ret) {
    (void)t;
    ApplyCursor *c = x_calloc(1, sizeof *c);
    *ret = &c->rows.base;
    return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *base) {
    ApplyCursor *c = (ApplyCursor *)base;
    (void)sqlite3_finalize(c->st);
    free(c->sql);
    free(c);
    return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base) {
    ApplyCursor *c = (ApplyCursor *)base;
    int rc = sqlite3_step(c->st);
    c->rows.row++;
    c->rows.is_at_end = rc != SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return SQLITE_OK;
    sqlite3 *db = ((ApplyTable *)base->pVtab)->db;
    sqlite3_free(base->pVtab->zErrMsg);
    base->pVtab->zErrMsg = sqlite3_mprintf("%s", sqlite3_errmsg(db));
    return rc;
}

static int prepare(ApplyCursor *c, sqlite3 *db, const char *sql) {
    if (c->st && str_eq_c(str_from(c->sql), sql)) return sqlite3_reset(c->st), SQLITE_OK;
    (void)sqlite3_finalize(c->st);
    free(c->sql);
    c->st = NULL;
    c->sql = x_strdup(sql);
    return sqlite3_prepare_v2(db, sql, -1, &c->st, NULL);
}

static int filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc, sqlite3_value **argv) {
    (void)number, (void)text;
    ApplyCursor *c = (ApplyCursor *)base;
    const char *sql = argc ? (const char *)sqlite3_value_text(argv[0]) : NULL;
    int rc = prepare(c, ((ApplyTable *)base->pVtab)->db, sql ? sql : "");
    if (rc != SQLITE_OK) {
        sqlite3_free(base->pVtab->zErrMsg);
        base->pVtab->zErrMsg = sqlite3_mprintf("%s", sqlite3_errmsg(((ApplyTable *)base->pVtab)->db));
        return rc;
    }
    for (int i = 1; i < argc; i++) (void)sqlite3_bind_value(c->st, i, argv[i]);
    c->rows.row = 0;
    return next_row(base);
}

static int column(sqlite3_vtab_cursor *base, sqlite3_context *out, int i) {
    ApplyCursor *c = (ApplyCursor *)base;
    if (i < sqlite3_column_count(c->st)) sqlite3_result_value(out, sqlite3_column_value(c->st, i));
    return SQLITE_OK;
}

static const sqlite3_module module =
    FN_TABLE_MODULE(connect_table, best_index, open_cursor, close_cursor, filter, next_row, column);

int fn_apply_register(sqlite3 *db) {
    return sqlite3_create_module_v2(db, "ts_apply", &module, NULL, NULL);
}
