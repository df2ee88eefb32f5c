/*
 * UPDATE and DELETE. The binder's query names the rows (and the new values); they are set aside, so that what
 * the statement writes can't change what it still reads, then locked, read, checked and changed one by one.
 * An update of keys of several rows takes all of them out before it puts them back, so that keys may change
 * places.
 */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "standin/exec/number_set.h"
#include "standin/exec/output_clause.h"
#include "standin/exec/reference.h"
#include "standin/exec/row_check.h"
#include "standin/exec/session_internal.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"
#include "standin/types/convert.h"

enum { CANCEL_EVERY_ROWS = 1024, OVERLAP_PART_ROWS = 1000000 };

/* ---- the statement at hand */

typedef struct Change {
    Session *s;
    const BindRelation *target;
    const BoundQuery *query;
    const BoundOutput *bound_output;
    const Table *t;
    const size_t *columns; /* positions of what is set: the binder's, then what follows from it */
    size_t column_count;   /* the binder's */
    size_t all_count;
    bool is_delete;
    RowCheck *check;
    References *references;
    OutputClause *output;
    RowWriter *writer;
    Value *before, *after;
    uint64_t count;
} Change;

static bool is_cancelled(Change *c, SqlError *e) {
    if (c->count % CANCEL_EVERY_ROWS || !c->s->out->is_cancelled(c->s->out)) return false;
    e->number = SESSION_STOPPED;
    return true;
}

static void assign_variables(Change *c, const Value *values) {
    for (size_t i = 1 + c->column_count; i < c->query->column_count; i++) {
        Variable *v = scope_find(c->s, c->query->columns[i].variable);
        if (v) variable_set(v, values[i]);
    }
}

/* The rows of the query, each key once. */
static bool read_rows(Change *c, RowBuffer *rows, SqlError *e) {
    sqlite3_stmt *st = plan_open(c->s, c->query, NULL, NULL, e);
    if (!st) return false;
    size_t n = c->query->column_count;
    Value *values = x_calloc(n, sizeof *values);
    CLEANUP(numberset_done) NumberSet seen = {0};
    bool may_repeat = c->query->ref_count > 1, ok = true;
    int rc = 0;
    while (ok && (rc = plan_step(c->s, st, e)) == 1) {
        functions_row_values(st, n, values);
        if (may_repeat && !numberset_add(&seen, (uint64_t)values[0].v.i)) continue;
        ok = rowbuffer_add(rows, values, e);
    }
    free(values);
    plan_close(c->s, st);
    return ok && rc == 0;
}

/* The row as it will be: new values, then what follows from them. false with e->number 0: the row is gone. */
static bool make_after(Change *c, int64_t rowid, const Value *values, SqlError *e) {
    if (!rowwriter_read(c->writer, rowid, c->before, e)) return false;
    for (size_t i = 0; i < c->t->column_count; i++) c->after[i] = c->before[i];
    for (size_t i = 0; i < c->column_count; i++) c->after[c->columns[i]] = values[i + 1];
    assign_variables(c, values);
    return rowcheck_row(c->check, c->after, e);
}

static bool change_one(Change *c, const Value *values, SqlError *e) {
    int64_t rowid = values[0].v.i;
    e->number = 1; /* whatever says 0 from here on means a row that is gone */
    if (c->is_delete) {
        if (!rowwriter_read(c->writer, rowid, c->before, e)) return e->number == 0;
        c->count++;
        return outputclause_row(c->output, NULL, c->before, e) &&
               references_note(c->references, c->before, NULL, e) &&
               rowwriter_delete(c->writer, rowid, c->before, e);
    }
    if (!make_after(c, rowid, values, e)) return e->number == 0;
    c->count++;
    return outputclause_row(c->output, c->after, c->before, e) &&
           references_note(c->references, c->before, c->after, e) &&
           rowwriter_update(c->writer, rowid, c->before, c->after, e);
}

static bool change_each(Change *c, RowBuffer *rows, SqlError *e) {
    Value *values = x_calloc(c->query->column_count, sizeof *values);
    rowbuffer_rewind(rows);
    bool ok = true;
    int rc = 0;
    while (ok && (rc = rowbuffer_next(rows, values, e)) == 1)
        ok = change_one(c, values, e) && !is_cancelled(c, e);
    free(values);
    return ok && rc == 0;
}

/* ---- keys of several rows: out, then back */

typedef struct KeyMove {
    RowBuffer *ids, *before, *after;
    RowBuffer *keys; /* hashes of the old and the new key */
} KeyMove;

/* A hash of the row's key in the first unique index that the statement changes. */
static uint64_t key_of(const Change *c, const Value *row) {
    uint64_t h = 0;
    for (size_t i = 0; i < c->t->index_count; i++) {
        const Index *x = &c->t->indexes[i];
        if (!x->is_unique) continue;
        for (size_t k = 0; k < x->key_count; k++) {
            size_t at = table_column_index(c->t, x->columns[k].column_id);
            const Value *v = &row[at];
            if (v->kind == VALUE_INT || v->kind == VALUE_REAL) h = hash_bytes(&v->v.i, sizeof v->v.i, h);
            if (v->kind == VALUE_BLOB) h = hash_bytes(v->v.s.p, v->v.s.n, h);
            if (v->kind == VALUE_TEXT) {
                CLEANUP(buf_done) Buf key = {0};
                convert_text_key(&c->t->columns[at].type, v->v.s, &key);
                h = hash_bytes(key.p, key.n, h);
            }
        }
        return h;
    }
    return h;
}

static bool take_all_out(Change *c, RowBuffer *rows, KeyMove *m, SqlError *e) {
    Value *values = x_calloc(c->query->column_count, sizeof *values);
    rowbuffer_rewind(rows);
    bool ok = true;
    int rc = 0;
    while (ok && (rc = rowbuffer_next(rows, values, e)) == 1) {
        e->number = 1;
        if (!make_after(c, values[0].v.i, values, e)) {
            ok = e->number == 0;
            continue;
        }
        c->count++;
        const Value keys[] = {VALUE_OF_INT((int64_t)key_of(c, c->before)),
                              VALUE_OF_INT((int64_t)key_of(c, c->after))};
        ok = rowbuffer_add(m->ids, &values[0], e) && rowbuffer_add(m->before, c->before, e) &&
             rowbuffer_add(m->after, c->after, e) && rowbuffer_add(m->keys, keys, e);
    }
    free(values);
    return ok && rc == 0;
}

/* One part of `parts` of the keys: a set of the old ones, then a look at each new one. */
static bool find_overlap_in(KeyMove *m, uint64_t part, uint64_t parts, bool *ret, SqlError *e) {
    CLEANUP(numberset_done) NumberSet old = {0};
    Value keys[2];
    int rc;
    rowbuffer_rewind(m->keys);
    while ((rc = rowbuffer_next(m->keys, keys, e)) == 1)
        if ((uint64_t)keys[0].v.i % parts == part) (void)numberset_add(&old, (uint64_t)keys[0].v.i);
    if (rc < 0) return false;
    rowbuffer_rewind(m->keys);
    while (!*ret && (rc = rowbuffer_next(m->keys, keys, e)) == 1) {
        uint64_t now = (uint64_t)keys[1].v.i;
        if (now % parts == part && keys[0].v.i != keys[1].v.i && numberset_has(&old, now)) *ret = true;
    }
    return rc >= 0;
}

/* Is some new key the old one of another row? In parts, so that memory stays bounded. */
static bool find_overlap(KeyMove *m, bool *ret, SqlError *e) {
    uint64_t parts = rowbuffer_count(m->keys) / OVERLAP_PART_ROWS + 1;
    *ret = false;
    for (uint64_t i = 0; i < parts && !*ret; i++)
        if (!find_overlap_in(m, i, parts, ret, e)) return false;
    return true;
}

static bool move_each(Change *c, KeyMove *m, bool is_back, SqlError *e) {
    Value id;
    rowbuffer_rewind(m->ids);
    rowbuffer_rewind(m->before);
    rowbuffer_rewind(m->after);
    int rc;
    while ((rc = rowbuffer_next(m->ids, &id, e)) == 1) {
        if (rowbuffer_next(m->before, c->before, e) != 1 || rowbuffer_next(m->after, c->after, e) != 1)
            return false;
        bool ok = is_back ? outputclause_row(c->output, c->after, c->before, e) &&
                                references_note(c->references, c->before, c->after, e) &&
                                rowwriter_put_back(c->writer, id.v.i, c->before, c->after, e)
                          : rowwriter_take_out(c->writer, id.v.i, c->before, e);
        if (!ok) return false;
    }
    return rc == 0;
}

static bool change_keys(Change *c, RowBuffer *rows, SqlError *e) {
    size_t n = c->t->column_count;
    KeyMove m = {.ids = rowbuffer_new(1),
                 .before = rowbuffer_new(n),
                 .after = rowbuffer_new(n),
                 .keys = rowbuffer_new(2)};
    bool overlaps;
    bool ok = take_all_out(c, rows, &m, e) && find_overlap(&m, &overlaps, e);
    if (ok && overlaps) rowwriter_set_overlapping(c->writer);
    ok = ok && move_each(c, &m, /* is_back= */ false, e) && move_each(c, &m, /* is_back= */ true, e);
    (void)rowbuffer_free(m.ids);
    (void)rowbuffer_free(m.before);
    (void)rowbuffer_free(m.after);
    (void)rowbuffer_free(m.keys);
    return ok;
}

/* ---- the frame */

static bool change_rows(Change *c, SqlError *e) {
    RowBuffer *rows = rowbuffer_new(c->query->column_count);
    bool ok = read_rows(c, rows, e);
    if (ok) {
        bool moves = !c->is_delete && rowwriter_changes_keys(c->writer) && rowbuffer_count(rows) > 1;
        ok = moves ? change_keys(c, rows, e) : change_each(c, rows, e);
    }
    (void)rowbuffer_free(rows);
    return ok && (!c->check || rowcheck_finish(c->check, e)) && references_finish(c->references, e) &&
           outputclause_finish(c->output, e);
}

static bool run_once(Change *c, SqlError *e) {
    c->count = 0;
    if (c->check) rowcheck_restart(c->check);
    references_restart(c->references);
    outputclause_restart(c->output);
    if (!txn_write_begin(c->s->txn, c->t, e)) return false;
    c->writer = rowwriter_open(c->s->txn, c->t, session_schema_name(c->s, c->t));
    if (!c->is_delete) rowwriter_set_columns(c->writer, c->columns, c->all_count);
    bool ok = change_rows(c, e);
    c->writer = rowwriter_close(c->writer);
    if (!ok) outputclause_restart(c->output); /* its statement too must be idle before the rollback */
    return ok && txn_write_end(c->s->txn, e);
}

size_t *dml_dependent_columns(Session *s, const Table *t, const size_t *columns, size_t count,
                              size_t *ret_count) {
    size_t *all = arena_array(&s->scratch, sizeof *all, count + t->column_count), all_count = 0;
    for (size_t i = 0; i < count; i++) all[all_count++] = columns[i];
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].is_computed || t->columns[i].type.id == TYPE_ROWVERSION) all[all_count++] = i;
    *ret_count = all_count;
    return all;
}

static bool run(Change *c, SqlError *e) {
    Session *s = c->s;
    bool ok = references_open(s, c->t, c->is_delete ? NULL : c->columns, c->all_count, &c->references, e) &&
              outputclause_open(s, c->bound_output, &c->output, e);
    if (ok && !c->is_delete) {
        c->check = rowcheck_open(s, c->t, ROW_UPDATE, c->columns, c->all_count, e);
        ok = c->check != NULL;
    }
    ok = ok && txn_prepare_write(s->txn, c->t, e);
    if (ok) {
        do {
            s->has_wanted = false;
            ok = run_once(c, e);
        } while (!ok && txn_must_retry(s->txn, e));
        if (!ok) txn_write_cancel(s->txn);
        s->has_wanted = false;
    }
    if (ok) ok = outputclause_send(c->output, e);
    c->output = outputclause_close(c->output);
    c->references = references_close(c->references);
    c->check = rowcheck_close(c->check);
    return ok;
}

/* UPDATE is asked for the columns that are set; SELECT for those that the statement names besides. */
static bool may_change(const Change *c, const size_t *columns, size_t count, SqlError *e) {
    bool *set = ARENA_ARRAY(&c->s->scratch, bool, c->target->column_count + 1);
    memset(set, 0, c->target->column_count + 1);
    for (size_t i = 0; i < count; i++) set[columns[i]] = true;
    uint32_t permission = c->is_delete ? PERMISSION_DELETE : PERMISSION_UPDATE;
    if (!host_may_use(c->s, c->target, permission, c->is_delete ? NULL : set, e)) return false;
    for (size_t i = 0; i < c->query->ref_count; i++) {
        const BoundRef *ref = &c->query->refs[i];
        bool names_any = ref->access == BIND_READ;
        for (size_t k = 0; ref->used && k < ref->relation->column_count; k++) names_any |= ref->used[k];
        if (names_any && !host_may_use(c->s, ref->relation, PERMISSION_SELECT, ref->used, e)) return false;
    }
    return true;
}

static bool change_planned(Change *c, const size_t *columns, size_t count, SqlError *e) {
    c->t = host_table(c->target);
    if (!c->t)
        return sql_error_set(e, 259, 16, 1,
                             "Ad hoc updates to system catalogs are not allowed (" STR_FMT ").",
                             STR_ARG(c->target->name));
    if (!may_change(c, columns, count, e) || !dml_read_start(c->s, c->t, e)) return false;
    if (!c->is_delete) c->columns = dml_dependent_columns(c->s, c->t, columns, count, &c->all_count);
    c->column_count = count;
    c->before = x_calloc(c->t->column_count * 2, sizeof *c->before);
    c->after = c->before + c->t->column_count;
    bool ok = run(c, e);
    free(c->before);
    return ok;
}

static bool change_statement(Session *s, Batch *b, const AstStmt *st, PlanKind kind, bool keep, SqlError *e) {
    uint64_t rows = 0;
    bool ok = true, rebind = true;
    s->filter_count = 0;
    while (ok && rebind) {
        Plan *p = plan_get(s, b, st, kind, keep, e);
        if (!p) return false;
        bool is_delete = kind == PLAN_DELETE;
        const BoundUpdate *u = &p->u.update;
        const BoundDelete *d = &p->u.delete_;
        Change c = {.s = s,
                    .is_delete = is_delete,
                    .target = is_delete ? d->target : u->target,
                    .query = is_delete ? &d->query : &u->query,
                    .bound_output = is_delete ? d->output : u->output};
        ok = query_lock(s, c.query, host_table(c.target), /* changes_target= */ true, &rebind, e);
        rebind = rebind || p->catalog_version != catalog_version(server_catalog(s->server));
        if (ok && !rebind)
            ok = change_planned(&c, is_delete ? NULL : u->columns, is_delete ? 0 : u->column_count, e);
        if (!ok && e->number == TXN_TABLE_CHANGED) ok = rebind = true;
        rows = c.count;
        plan_release(p);
    }
    s->filter_count = 0;
    if (!ok) return false;
    s->rowcount = (int64_t)rows;
    return runner_done(s, kind == PLAN_DELETE ? OUT_CMD_DELETE : OUT_CMD_UPDATE, !s->options.nocount, rows);
}

bool dml_update(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e) {
    return change_statement(s, b, st, PLAN_UPDATE, keep, e);
}

bool dml_delete(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e) {
    return change_statement(s, b, st, PLAN_DELETE, keep, e);
}
