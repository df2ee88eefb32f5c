#include "standin/exec/reference.h"

#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/row_check.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"

enum { MAX_DEPTH = 32 };

typedef struct Pointer { /* one FOREIGN KEY that points here */
    const Table *child;
    const ForeignKey *key;
    KeyAction action;
    size_t *here, *there; /* positions of its columns in the row here and in the child's row */
    References *further;  /* what points to the child's rows in turn, for cascades */
    RowCheck *check;      /* SET NULL, SET DEFAULT, ON UPDATE CASCADE: the child's other rules */
} Pointer;

struct References {
    Session *s;
    const Table *t;
    bool is_delete;
    const char *statement; /* of 547 */
    Pointer *pointers;
    size_t count;
    RowBuffer *before, *after;
};

static bool sets_any(const Table *t, const ForeignKey *k, const size_t *columns, size_t count) {
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < k->count; j++)
            if (t->columns[columns[i]].id == k->referenced_columns[j]) return true;
    return false;
}

static bool open_pointer(References *r, Pointer *p, int depth, SqlError *e);

static bool open_at(Session *s, const Table *t, const size_t *columns, size_t count, int depth,
                    References **ret, SqlError *e) {
    *ret = NULL;
    if (depth > MAX_DEPTH)
        return sql_error_set(e, 530, 16, 1,
                             "The statement terminated. The maximum recursion %d has been exhausted "
                             "before statement completion.",
                             MAX_DEPTH);
    References *r = NULL;
    int32_t at = 0;
    for (const Table *child;
         (child = catalog_next_referencing(server_catalog(s->server), t->object_id, &at));)
        for (size_t i = 0; i < child->foreign_key_count; i++) {
            const ForeignKey *k = &child->foreign_keys[i];
            if (k->referenced_id != t->object_id || k->is_disabled) continue;
            if (columns && !sets_any(t, k, columns, count)) continue;
            if (!r) {
                r = x_calloc(1, sizeof *r);
                *r = (References){
                    .s = s, .t = t, .is_delete = !columns, .statement = columns ? "UPDATE" : "DELETE"};
                r->before = rowbuffer_new(t->column_count);
                r->after = rowbuffer_new(t->column_count);
            }
            r->pointers = x_reallocarray(r->pointers, r->count + 1, sizeof *r->pointers);
            Pointer *p = &r->pointers[r->count++];
            *p = (Pointer){.child = child, .key = k, .action = columns ? k->on_update : k->on_delete};
            if (!open_pointer(r, p, depth, e)) {
                (void)references_close(r);
                return false;
            }
        }
    *ret = r;
    return true;
}

static bool open_pointer(References *r, Pointer *p, int depth, SqlError *e) {
    Session *s = r->s;
    const ForeignKey *k = p->key;
    p->here = x_calloc(k->count, sizeof *p->here);
    p->there = x_calloc(k->count, sizeof *p->there);
    for (size_t i = 0; i < k->count; i++) {
        p->here[i] = table_column_index(r->t, k->referenced_columns[i]);
        p->there[i] = table_column_index(p->child, k->columns[i]);
    }
    if (p->action == KEY_NO_ACTION) {
        LockDuration duration = txn_count(s->txn) ? LOCK_FOR_TRANSACTION : LOCK_FOR_STATEMENT;
        LockResource whole = {.object_id = p->child->object_id};
        return p->child == r->t || txn_lock(s->txn, whole, LOCK_IS, duration, e);
    }
    if (!txn_prepare_write(s->txn, p->child, e)) return false;
    bool deletes = r->is_delete && p->action == KEY_CASCADE;
    if (!deletes) {
        p->check = rowcheck_open(s, p->child, ROW_UPDATE, NULL, 0, e);
        if (!p->check) return false;
    }
    if (p->child == r->t) return true; /* its own rows: the finishing loop comes by again */
    return open_at(s, p->child, deletes ? NULL : p->there, deletes ? 0 : k->count, depth + 1, &p->further, e);
}

bool references_open(Session *s, const Table *t, const size_t *columns, size_t count, References **ret,
                     SqlError *e) {
    return open_at(s, t, columns, count, 0, ret, e);
}

void references_set_statement(References *r, const char *name) {
    if (r) r->statement = name;
}

References *references_close(References *r) {
    if (!r) return NULL;
    for (size_t i = 0; i < r->count; i++) {
        Pointer *p = &r->pointers[i];
        free(p->here);
        free(p->there);
        p->further = references_close(p->further);
        p->check = rowcheck_close(p->check);
    }
    r->before = rowbuffer_free(r->before);
    r->after = rowbuffer_free(r->after);
    free(r->pointers);
    free(r);
    return NULL;
}

void references_restart(References *r) {
    if (!r) return;
    rowbuffer_clear(r->before);
    rowbuffer_clear(r->after);
    for (size_t i = 0; i < r->count; i++) references_restart(r->pointers[i].further);
}

bool references_note(References *r, const Value *before, const Value *after, SqlError *e) {
    if (!r) return true;
    return rowbuffer_add(r->before, before, e) && (!after || rowbuffer_add(r->after, after, e));
}

/* ---- looking for rows */

/* Rowids of rows of t whose columns (by id) have these values, into *ret; at most limit. */
static bool find_rows(References *r, const Table *t, const int32_t *column_ids, const Value *row,
                      const size_t *at, size_t count, int limit, RowBuffer *ret, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "SELECT p.rowid FROM ");
    txn_source_sql(r->s->txn, t, TXN_ROWS_COMMITTED, &sql);
    buf_cstr(&sql, " AS p WHERE ");
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%sp.c%d = ?%zu", i ? " AND " : "", column_ids[i], i + 1);
    if (limit) buf_printf(&sql, " LIMIT %d", limit);
    StmtCache *cache = txn_statements(r->s->txn);
    sqlite3_stmt *st = stmtcache_take(cache, buf_view(&sql), e);
    if (!st) return false;
    for (size_t i = 0; i < count; i++) (void)functions_bind_value(st, (int)i + 1, &row[at[i]]);
    int rc;
    bool ok = true;
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        Value v = VALUE_OF_INT(sqlite3_column_int64(st, 0));
        ok = rowbuffer_add(ret, &v, e);
    }
    stmtcache_put(cache, st);
    return ok && (rc == SQLITE_DONE || store_sqlite_error(r->s->db, "look for referencing rows", e));
}

static bool conflict(const References *r, const Pointer *p, SqlError *e) {
    const Database *d = catalog_database_by_id(server_catalog(r->s->server), p->child->database_id);
    CLEANUP(buf_done) Buf tail = {0};
    if (p->key->count == 1) buf_printf(&tail, ", column '%s'", p->child->columns[p->there[0]].name);
    return sql_error_set(
        e, 547, 16, 0,
        "The %s statement conflicted with the %s constraint \"%s\". The conflict occurred in database "
        "\"%s\", table \"%s.%s\"%s.",
        r->statement, p->child == r->t ? "SAME TABLE REFERENCE" : "REFERENCE", p->key->name, d ? d->name : "",
        session_schema_name(r->s, p->child), p->child->name, buf_text(&tail));
}

/* ---- actions */

static bool delete_child(Pointer *p, RowWriter *w, int64_t rowid, Value *row, SqlError *e) {
    if (!rowwriter_read(w, rowid, row, e)) return e->number == 0;
    return references_note(p->further, row, NULL, e) && rowwriter_delete(w, rowid, row, e);
}

static bool new_value(References *r, const Pointer *p, size_t i, const Value *after, Value *ret,
                      SqlError *e) {
    (void)r;
    *ret = (Value){.kind = VALUE_NULL};
    if (p->action == KEY_CASCADE) *ret = after[p->here[i]];
    if (p->action == KEY_SET_DEFAULT)
        return sql_error_set(e, 40517, 16, 1,
                             "ON DELETE and ON UPDATE SET DEFAULT aren't supported by this server.");
    return true;
}

static bool change_child(References *r, Pointer *p, RowWriter *w, int64_t rowid, const Value *after,
                         Value *row, Value *changed, SqlError *e) {
    if (!rowwriter_read(w, rowid, row, e)) return e->number == 0;
    for (size_t i = 0; i < p->child->column_count; i++) changed[i] = row[i];
    for (size_t i = 0; i < p->key->count; i++)
        if (!new_value(r, p, i, after, &changed[p->there[i]], e)) return false;
    return rowcheck_row(p->check, changed, e) && references_note(p->further, row, changed, e) &&
           rowwriter_update(w, rowid, row, changed, e);
}

/* What an update of the child's key sets: the key, and what follows from it. */
static void set_columns(const Pointer *p, RowWriter *w) {
    const Table *child = p->child;
    size_t *set = x_calloc(p->key->count + child->column_count, sizeof *set), count = 0;
    for (size_t i = 0; i < p->key->count; i++) set[count++] = p->there[i];
    for (size_t i = 0; i < child->column_count; i++)
        if (child->columns[i].is_computed || child->columns[i].type.id == TYPE_ROWVERSION) set[count++] = i;
    rowwriter_set_columns(w, set, count);
    free(set);
}

static bool act(References *r, Pointer *p, RowBuffer *children, const Value *after, SqlError *e) {
    const Table *child = p->child;
    RowWriter *w = rowwriter_open(r->s->txn, child, session_schema_name(r->s, child));
    set_columns(p, w);
    Value *row = x_calloc(child->column_count * 2, sizeof *row), id;
    bool deletes = r->is_delete && p->action == KEY_CASCADE;
    rowbuffer_rewind(children);
    int rc;
    bool ok = true;
    while (ok && (rc = rowbuffer_next(children, &id, e)) == 1)
        ok = deletes ? delete_child(p, w, id.v.i, row, e)
                     : change_child(r, p, w, id.v.i, after, row, row + child->column_count, e);
    free(row);
    (void)rowwriter_close(w);
    return ok && rc == 0 && (!p->further || references_finish(p->further, e));
}

static bool has_null(const Pointer *p, const Value *row) {
    for (size_t i = 0; i < p->key->count; i++)
        if (row[p->here[i]].kind == VALUE_NULL) return true;
    return false;
}

/* Nothing is to be done when another row has the old key now. */
static bool is_key_back(References *r, const Pointer *p, const Value *before, bool *ret, SqlError *e) {
    RowBuffer *rows = rowbuffer_new(1);
    bool ok = find_rows(r, r->t, p->key->referenced_columns, before, p->here, p->key->count, 1, rows, e);
    *ret = rowbuffer_count(rows) > 0;
    (void)rowbuffer_free(rows);
    return ok;
}

static bool finish_one(References *r, Pointer *p, const Value *before, const Value *after, SqlError *e) {
    if (has_null(p, before)) return true;
    RowBuffer *children = rowbuffer_new(1);
    bool is_back = false;
    int limit = p->action == KEY_NO_ACTION ? 1 : 0;
    bool ok = find_rows(r, p->child, p->key->columns, before, p->here, p->key->count, limit, children, e);
    if (ok && rowbuffer_count(children)) ok = is_key_back(r, p, before, &is_back, e);
    if (ok && rowbuffer_count(children) && !is_back)
        ok = p->action == KEY_NO_ACTION ? conflict(r, p, e) : act(r, p, children, after, e);
    (void)rowbuffer_free(children);
    return ok;
}

bool references_finish(References *r, SqlError *e) {
    if (!r || !rowbuffer_count(r->before)) return true;
    Value *before = x_calloc(r->t->column_count * 2, sizeof *before), *after = before + r->t->column_count;
    rowbuffer_rewind(r->before);
    rowbuffer_rewind(r->after);
    bool ok = true;
    int rc = 0;
    while (ok && (rc = rowbuffer_next(r->before, before, e)) == 1) {
        if (!r->is_delete && rowbuffer_next(r->after, after, e) != 1) break;
        for (size_t i = 0; ok && i < r->count; i++) ok = finish_one(r, &r->pointers[i], before, after, e);
    }
    free(before);
    rowbuffer_clear(r->before);
    rowbuffer_clear(r->after);
    return ok && rc == 0;
}
