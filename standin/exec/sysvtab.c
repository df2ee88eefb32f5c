/*
 * System views and functions with a C callback (SYS_ROWS) as SQLite's table-valued functions: eponymous
 * virtual tables with the columns c1, c2, … and hidden ones for the arguments, the database's id first.
 *
 * A statement asks the callback of a view without arguments once, and walks over what it gave. Where a join
 * or a condition names a value of an integer column, the rows that have it are found by an index made at the
 * first such look: a join of sys.tables and sys.columns is otherwise as many walks over all columns as there
 * are tables.
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
    bool is_filled; /* rows are those of database_id, without arguments */
    int32_t database_id;
    size_t *index;      /* owned: numbers of the rows in the order of index_column; NULL = not made */
    size_t index_count; /* those whose value is an integer */
    int index_column;   /* 1 is the first; 0 = none: all rows, in their order */
    size_t at, end;     /* in the index, or in rows */
} VtabCursor;

enum { COLUMN_SHIFT = 16 }; /* the index column's place in idxNum, over the mask */
enum { SCAN_COST = 1000, LOOK_COST = 20, LOOK_ROWS = 10 };

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

/*
 * Of a view without arguments: an equality of a column becomes a look into the index. SQLite compares again.
 * A branch of an OR is planned without the database's id, and its rows would be another database's: no look.
 */
static void take_look(const SysTable *t, sqlite3_index_info *info, int next) {
    for (int i = 0; t->param_count == 0 && i < info->nConstraint; i++) {
        const struct sqlite3_index_constraint *c = &info->aConstraint[i];
        if (!c->usable || c->op != SQLITE_INDEX_CONSTRAINT_EQ || c->iColumn < 0 ||
            c->iColumn >= (int)t->column_count)
            continue;
        info->aConstraintUsage[i].argvIndex = next;
        info->idxNum |= (c->iColumn + 1) << COLUMN_SHIFT;
        info->estimatedCost = LOOK_COST;
        info->estimatedRows = LOOK_ROWS;
        return;
    }
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
    info->estimatedCost = SCAN_COST;
    if (mask & 1) take_look(t, info, next);
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
    free(c->index);
    arena_done(&c->rows.arena);
    c->rows = (SysRows){0};
    c->index = NULL;
    c->is_filled = false;
}

static int vtab_close(sqlite3_vtab_cursor *base) {
    VtabCursor *c = (VtabCursor *)base;
    forget(c);
    free(c);
    return SQLITE_OK;
}

static const Value *value_at(const SysRows *rows, size_t row, int column) {
    return &rows->values[row * rows->t->column_count + (size_t)column - 1];
}

typedef struct Indexed {
    int64_t value;
    size_t row;
} Indexed;

static int by_value(const void *a, const void *b) {
    const Indexed *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void make_index(VtabCursor *c, int column) {
    CLEANUP_FREE Indexed *all = x_calloc(c->rows.row_count + 1, sizeof *all);
    c->index_count = 0;
    for (size_t i = 0; i < c->rows.row_count; i++) {
        const Value *v = value_at(&c->rows, i, column);
        if (v->kind == VALUE_INT) all[c->index_count++] = (Indexed){v->v.i, i};
    }
    qsort(all, c->index_count, sizeof *all, by_value);
    free(c->index);
    c->index = x_calloc(c->index_count + 1, sizeof *c->index);
    for (size_t i = 0; i < c->index_count; i++) c->index[i] = all[i].row;
    c->index_column = column;
}

/* The first place in the index whose value isn't below v. */
static size_t index_place(const VtabCursor *c, int64_t v) {
    size_t low = 0, high = c->index_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (value_at(&c->rows, c->index[middle], c->index_column)->v.i < v) low = middle + 1;
        else high = middle;
    }
    return low;
}

/* Whether a column has integers and NULL only: then no other value equals an integer. */
static bool is_integers(const SysRows *rows, int column) {
    for (size_t i = 0; i < rows->row_count; i++) {
        ValueKind kind = value_at(rows, i, column)->kind;
        if (kind != VALUE_INT && kind != VALUE_NULL) return false;
    }
    return true;
}

static void look(VtabCursor *c, int column, sqlite3_value *wanted) {
    c->at = 0;
    c->end = c->rows.row_count;
    bool is_indexed = c->index && c->index_column == column;
    bool can = column && sqlite3_value_type(wanted) == SQLITE_INTEGER &&
               (is_indexed || is_integers(&c->rows, column));
    if (!can) {
        c->index_column = 0;
        return;
    }
    if (!is_indexed) make_index(c, column);
    int64_t v = sqlite3_value_int64(wanted);
    c->at = index_place(c, v);
    c->end = c->at;
    while (c->end < c->index_count && value_at(&c->rows, c->index[c->end], column)->v.i == v) c->end++;
}

static int vtab_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                       sqlite3_value **argv) {
    (void)text;
    VtabCursor *c = (VtabCursor *)base;
    const VtabClass *k = ((Vtab *)base->pVtab)->class_;
    Session *s = k->s;
    Value args[SYSOBJ_MAX_ARGS] = {{.kind = VALUE_NULL}};
    int32_t database_id = s->database_id;
    int next = 0, mask = plan & ((1 << COLUMN_SHIFT) - 1), column = plan >> COLUMN_SHIFT;
    if ((mask & 1) && next < argc) database_id = sqlite3_value_int(argv[next++]);
    for (size_t i = 0; i < k->t->param_count && i < SYSOBJ_MAX_ARGS; i++)
        if (mask & (2 << i)) args[i] = host_argument(argv[next++]);
    sqlite3_value *wanted = column && next < argc ? argv[next] : NULL;
    if (!wanted) column = 0;
    if (!c->is_filled || c->database_id != database_id) {
        forget(c);
        c->rows.t = k->t;
        CLEANUP(arena_done) Arena arena = {0};
        if (!k->t->fill(s, database_id, args, k->t->param_count, &c->rows, &arena, &s->function_error)) {
            s->has_function_error = true;
            return SQLITE_ERROR;
        }
        c->database_id = database_id;
        c->is_filled = k->t->param_count == 0;
    }
    look(c, column, wanted);
    return SQLITE_OK;
}

static int vtab_next(sqlite3_vtab_cursor *base) {
    ((VtabCursor *)base)->at++;
    return SQLITE_OK;
}

static int vtab_eof(sqlite3_vtab_cursor *base) {
    const VtabCursor *c = (VtabCursor *)base;
    return c->at >= c->end;
}

static int vtab_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int i) {
    const VtabCursor *c = (VtabCursor *)base;
    if ((size_t)i >= c->rows.t->column_count) return SQLITE_OK;
    const Value *v = value_at(&c->rows, c->index_column ? c->index[c->at] : c->at, i + 1);
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
    const VtabCursor *c = (VtabCursor *)base;
    *ret = (sqlite3_int64)(c->index_column ? c->index[c->at] : c->at);
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
