/*
 * System views and functions with a C callback (SYS_ROWS) as SQLite's table-valued functions: eponymous
 * virtual tables with the columns c1, c2, … and hidden ones for the arguments, the database's id first. A
 * scan asks the callback once and walks over what it gave: such views are small.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/session_internal.h"

struct SysRows {
    const SysTable *t;
    Arena arena;
    Value *values; /* row after row */
    size_t row_count, cap;
};

typedef struct VtabClass { /* what a module is made with */
    Session *s;
    const SysTable *t;
} VtabClass;

typedef struct Vtab {
    sqlite3_vtab base;
    const VtabClass *class_;
} Vtab;

typedef struct VtabCursor {
    sqlite3_vtab_cursor base;
    SysRows rows;
    size_t at;
} VtabCursor;

void sysrows_add(SysRows *rows, const Value *values) {
    size_t n = rows->t->column_count;
    if (rows->row_count == rows->cap) {
        rows->cap = rows->cap ? rows->cap * 2 : 16;
        rows->values = x_reallocarray(rows->values, rows->cap * n, sizeof *rows->values);
    }
    Value *to = rows->values + rows->row_count++ * n;
    for (size_t i = 0; i < n; i++) {
        to[i] = values[i];
        if (values[i].kind == VALUE_TEXT || values[i].kind == VALUE_BLOB)
            to[i].v.s = arena_str(&rows->arena, values[i].v.s);
    }
}

static int vtab_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret,
                        char **error) {
    (void)argc, (void)argv, (void)error;
    const VtabClass *c = aux;
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "CREATE TABLE x(");
    for (size_t i = 0; i < c->t->column_count; i++) buf_printf(&sql, "c%zu, ", i + 1);
    buf_cstr(&sql, "database_id HIDDEN");
    for (size_t i = 0; i < c->t->param_count; i++) buf_printf(&sql, ", a%zu HIDDEN", i + 1);
    buf_cstr(&sql, ")");
    int rc = sqlite3_declare_vtab(db, buf_text(&sql));
    if (rc != SQLITE_OK) return rc;
    Vtab *v = x_calloc(1, sizeof *v);
    v->class_ = c;
    *ret = &v->base;
    return SQLITE_OK;
}

static int vtab_disconnect(sqlite3_vtab *v) {
    free(v);
    return SQLITE_OK;
}

/* Hidden columns that are given become arguments of the filter; a mask says which. */
static int vtab_best_index(sqlite3_vtab *base, sqlite3_index_info *info) {
    const SysTable *t = ((Vtab *)base)->class_->t;
    int next = 1, mask = 0;
    for (size_t hidden = 0; hidden <= t->param_count; hidden++)
        for (int i = 0; i < info->nConstraint; i++) {
            const struct sqlite3_index_constraint *c = &info->aConstraint[i];
            if (c->iColumn != (int)(t->column_count + hidden) || c->op != SQLITE_INDEX_CONSTRAINT_EQ)
                continue;
            if (!c->usable) return SQLITE_CONSTRAINT;
            info->aConstraintUsage[i].argvIndex = next++;
            info->aConstraintUsage[i].omit = 1;
            mask |= 1 << hidden;
            break;
        }
    info->idxNum = mask;
    info->estimatedCost = 1000;
    return SQLITE_OK;
}

static int vtab_open(sqlite3_vtab *base, sqlite3_vtab_cursor **ret) {
    (void)base;
    VtabCursor *c = x_calloc(1, sizeof *c);
    *ret = &c->base;
    return SQLITE_OK;
}

static void forget(VtabCursor *c) {
    free(c->rows.values);
    arena_done(&c->rows.arena);
    c->rows = (SysRows){0};
    c->at = 0;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    VtabCursor *c = (VtabCursor *)base;
    forget(c);
    free(c);
    return SQLITE_OK;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int mask, const char *text, int argc,
                       sqlite3_value **argv) {
    (void)text;
    VtabCursor *c = (VtabCursor *)base;
    const VtabClass *k = ((Vtab *)base->pVtab)->class_;
    Session *s = k->s;
    Value args[SYSOBJ_MAX_ARGS] = {{.kind = VALUE_NULL}};
    int32_t database_id = s->database_id;
    int next = 0;
    forget(c);
    c->rows.t = k->t;
    if ((mask & 1) && next < argc) database_id = sqlite3_value_int(argv[next++]);
    for (size_t i = 0; i < k->t->param_count && i < SYSOBJ_MAX_ARGS; i++)
        if (mask & (2 << i)) args[i] = host_argument(argv[next++]);
    CLEANUP(arena_done) Arena arena = {0};
    if (k->t->fill(s, database_id, args, k->t->param_count, &c->rows, &arena, &s->function_error))
        return SQLITE_OK;
    s->has_function_error = true;
    return SQLITE_ERROR;
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    ((VtabCursor *)base)->at++;
    return SQLITE_OK;
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    const VtabCursor *c = (VtabCursor *)base;
    return c->at >= c->rows.row_count;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i) {
    const VtabCursor *c = (VtabCursor *)base;
    size_t n = c->rows.t->column_count;
    if ((size_t)i >= n) return SQLITE_OK;
    const Value *v = &c->rows.values[c->at * n + (size_t)i];
    switch (v->kind) {
    case VALUE_NULL: break;
    case VALUE_INT: sqlite3_result_int64(ctx, v->v.i); break;
    case VALUE_REAL: sqlite3_result_double(ctx, v->v.d); break;
    case VALUE_TEXT: sqlite3_result_text64(ctx, v->v.s.p, v->v.s.n, SQLITE_TRANSIENT, SQLITE_UTF8); break;
    case VALUE_BLOB: sqlite3_result_blob64(ctx, v->v.s.p, v->v.s.n, SQLITE_TRANSIENT); break;
    }
    return SQLITE_OK;
}

static int vtab_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *ret) {
    *ret = (sqlite3_int64)((VtabCursor *)base)->at;
    return SQLITE_OK;
}

static const sqlite3_module module = {.xConnect = vtab_connect,
                                      .xBestIndex = vtab_best_index,
                                      .xDisconnect = vtab_disconnect,
                                      .xOpen = vtab_open,
                                      .xClose = vtab_close,
                                      .xFilter = vtab_filter,
                                      .xNext = vtab_next,
                                      .xEof = vtab_eof,
                                      .xColumn = vtab_column,
                                      .xRowid = vtab_rowid};

/* SQLite frees the class with the module. */
static bool add_module(Session *s, const SysTable *t, Err *e) {
    CLEANUP(arena_done) Arena a = {0};
    VtabClass *c = x_malloc(sizeof *c);
    *c = (VtabClass){s, t};
    Str name = systable_sqlite_name(t, &a);
    if (sqlite3_create_module_v2(s->db, name.p, &module, c, free) == SQLITE_OK) return true;
    return err_set(e, ERR_INTERNAL, false, "%s", sqlite3_errmsg(s->db));
}

bool sysvtab_register(Session *s, Err *e) {
    size_t at = 0;
    for (const SysTable *t; (t = sysregistry_next_table(server_sys(s->server), &at));)
        if (t->kind == SYS_ROWS && !add_module(s, t, e)) return false;
    return true;
}
