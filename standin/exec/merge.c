/*
 * MERGE. The binder's query gives each joined row with the WHEN it takes and that one's values; they are set
 * aside, then deleted, updated and inserted one by one, in the query's order.
 *
 * Where a row may want a key that another one gives up (a delete and something else, or several changed
 * keys), rows that give one up are taken out in a first pass, and the second does the rest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/number_set.h"
#include "standin/exec/output_clause.h"
#include "standin/exec/reference.h"
#include "standin/exec/row_check.h"
#include "standin/exec/session_internal.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"

enum { CANCEL_EVERY_ROWS = 1024 };

typedef struct Clause { /* one WHEN */
    const BoundMergeWhen *when;
    const size_t *all; /* UPDATE: what is set, and what follows from it */
    size_t all_count;
    RowCheck *check;        /* UPDATE, INSERT */
    References *references; /* UPDATE, DELETE */
    RowWriter *writer;
    uint64_t rows; /* of the query that take it */
} Clause;

typedef struct Merge {
    Session *s;
    const BoundMerge *bound;
    const Table *t;
    Clause clauses[MERGE_MAX_WHENS];
    OutputClause *output;
    RowBuffer *rows;  /* of the query */
    RowBuffer *taken; /* first pass: is the row there?, before, after */
    Value *values;    /* a row of the query */
    Value *before, *after, *image, *saved;
    uint64_t count;
} Merge;

static bool is_cancelled(Merge *m, SqlError *e) {
    if (m->count % CANCEL_EVERY_ROWS || !m->s->out->is_cancelled(m->s->out)) return false;
    e->number = SESSION_STOPPED;
    return true;
}

static Clause *clause_of(Merge *m) {
    return &m->clauses[m->values[MERGE_WHEN].v.i];
}

/* ---- reading */

static bool updates_matches(const Merge *m) {
    for (size_t i = 0; i < m->bound->when_count; i++)
        if (m->bound->whens[i].match == MERGE_MATCHED && m->bound->whens[i].action == MERGE_UPDATE)
            return true;
    return false;
}

/* Rows that take a WHEN. A match that comes again is an error if there is an UPDATE for matches, else
 * nothing. */
static bool keep_row(Merge *m, NumberSet *seen, SqlError *e) {
    if (m->values[MERGE_WHEN].kind == VALUE_NULL) return true;
    Clause *c = clause_of(m);
    if (c->when->match == MERGE_MATCHED && !numberset_add(seen, (uint64_t)m->values[MERGE_KEY].v.i))
        return !updates_matches(m) ||
               sql_error_set(
                   e, 8672, 16, 1,
                   "The MERGE statement attempted to UPDATE or DELETE the same row more than once. This "
                   "happens when a target row matches more than one source row. A MERGE statement cannot "
                   "UPDATE/DELETE the same row of the target table multiple times. Refine the ON clause to "
                   "ensure a target row matches at most one source row, or use the GROUP BY clause to group "
                   "the source rows.");
    c->rows++;
    return rowbuffer_add(m->rows, m->values, e);
}

static bool read_rows(Merge *m, SqlError *e) {
    const BoundQuery *q = &m->bound->query;
    sqlite3_stmt *st = plan_open(m->s, q, NULL, NULL, e);
    if (!st) return false;
    CLEANUP(numberset_done) NumberSet seen = {0};
    bool ok = true;
    int rc = 0;
    while (ok && (rc = plan_step(m->s, st, e)) == 1) {
        functions_row_values(st, q->column_count, m->values);
        ok = keep_row(m, &seen, e);
    }
    plan_close(m->s, st);
    return ok && rc == 0;
}

/* ---- OUTPUT */

static bool put_output(Merge *m, const Value *before, const Value *after, SqlError *e) {
    static const char *const names[] = {
        [MERGE_UPDATE] = "UPDATE", [MERGE_DELETE] = "DELETE", [MERGE_INSERT] = "INSERT"};
    size_t columns = m->t->column_count;
    if (!m->output) return true;
    for (size_t i = 0; i < columns; i++) m->image[i] = before ? before[i] : (Value){.kind = VALUE_NULL};
    m->image[columns] = VALUE_OF_TEXT(str_from(names[clause_of(m)->when->action]));
    for (size_t i = 0; i < m->bound->extra_count; i++)
        m->image[m->bound->extra_at[i]] = m->values[m->bound->first_extra + i];
    return outputclause_row(m->output, after, m->image, e);
}

/* ---- one row. false with e->number 0: the row is gone. */

static bool make_after(Merge *m, const Clause *c, SqlError *e) {
    const BoundMergeWhen *w = c->when;
    const Value *given = m->values + MERGE_FIRST_VALUE;
    e->number = 1; /* whatever says 0 from here on means a row that is gone */
    if (!rowwriter_read(c->writer, m->values[MERGE_KEY].v.i, m->before, e)) return false;
    for (size_t i = 0; i < m->t->column_count; i++) m->after[i] = m->before[i];
    for (size_t i = 0; i < w->column_count; i++) m->after[w->columns[i]] = given[i];
    for (size_t i = 0; i < w->variable_count; i++) {
        Variable *v = scope_find(m->s, w->variables[i]);
        if (v) variable_set(v, given[w->column_count + i]);
    }
    return rowcheck_row(c->check, m->after, e);
}

static bool update_row(Merge *m, Clause *c, SqlError *e) {
    if (!make_after(m, c, e)) return e->number == 0;
    m->count++;
    return put_output(m, m->before, m->after, e) && references_note(c->references, m->before, m->after, e) &&
           rowwriter_update(c->writer, m->values[MERGE_KEY].v.i, m->before, m->after, e);
}

static bool delete_row(Merge *m, Clause *c, SqlError *e) {
    int64_t rowid = m->values[MERGE_KEY].v.i;
    e->number = 1;
    if (!rowwriter_read(c->writer, rowid, m->before, e)) return e->number == 0;
    m->count++;
    return put_output(m, m->before, NULL, e) && references_note(c->references, m->before, NULL, e) &&
           rowwriter_delete(c->writer, rowid, m->before, e);
}

static bool insert_row(Merge *m, Clause *c, SqlError *e) {
    const BoundMergeWhen *w = c->when;
    int64_t rowid;
    for (size_t i = 0; i < w->column_count; i++) m->after[w->columns[i]] = m->values[MERGE_FIRST_VALUE + i];
    if (!rowcheck_row(c->check, m->after, e) || !rowwriter_insert(c->writer, m->after, &rowid, e))
        return false;
    m->count++;
    return put_output(m, NULL, m->after, e);
}

/* ---- passes */

static bool gives_key_up(const Clause *c) {
    return c->when->action == MERGE_DELETE ||
           (c->when->action == MERGE_UPDATE && rowwriter_changes_keys(c->writer));
}

static bool needs_two_passes(const Merge *m) {
    uint64_t all = 0, deletes = 0, moves = 0;
    for (size_t i = 0; i < m->bound->when_count; i++) {
        const Clause *c = &m->clauses[i];
        all += c->rows;
        if (!gives_key_up(c)) continue;
        if (c->when->action == MERGE_DELETE) deletes += c->rows;
        else moves += c->rows;
    }
    return (moves && all > 1) || (deletes && deletes < all);
}

/* What is taken out and put back is logged so too, with deletes first: an insert may have come between. */
static void set_overlapping(Merge *m) {
    uint64_t others = 0;
    for (size_t i = 0; i < m->bound->when_count; i++)
        if (m->clauses[i].when->action != MERGE_DELETE) others += m->clauses[i].rows;
    for (size_t i = 0; i < m->bound->when_count && others > 1; i++)
        if (m->clauses[i].when->action == MERGE_UPDATE) rowwriter_set_overlapping(m->clauses[i].writer);
}

static bool take_out(Merge *m, Clause *c, SqlError *e) {
    size_t columns = m->t->column_count;
    int64_t rowid = m->values[MERGE_KEY].v.i;
    bool is_delete = c->when->action == MERGE_DELETE, ok;
    e->number = 1;
    ok = is_delete ? rowwriter_read(c->writer, rowid, m->before, e) : make_after(m, c, e);
    if (!ok && e->number) return false;
    m->saved[0] = VALUE_OF_INT(ok);
    for (size_t i = 0; i < columns; i++) {
        m->saved[1 + i] = ok ? m->before[i] : (Value){.kind = VALUE_NULL};
        m->saved[1 + columns + i] = ok && !is_delete ? m->after[i] : (Value){.kind = VALUE_NULL};
    }
    if (!rowbuffer_add(m->taken, m->saved, e)) return false;
    if (!ok) return true;
    if (!is_delete) return rowwriter_take_out(c->writer, rowid, m->before, e);
    return references_note(c->references, m->before, NULL, e) &&
           rowwriter_delete(c->writer, rowid, m->before, e);
}

/* A row that the first pass has taken out. */
static bool finish_taken(Merge *m, Clause *c, SqlError *e) {
    if (rowbuffer_next(m->taken, m->saved, e) != 1) return false;
    const Value *before = m->saved + 1, *after = before + m->t->column_count;
    if (!m->saved[0].v.i) return true;
    m->count++;
    if (c->when->action == MERGE_DELETE) return put_output(m, before, NULL, e);
    return put_output(m, before, after, e) && references_note(c->references, before, after, e) &&
           rowwriter_put_back(c->writer, m->values[MERGE_KEY].v.i, before, after, e);
}

static bool change_row(Merge *m, Clause *c, SqlError *e) {
    switch (c->when->action) {
    case MERGE_UPDATE: return update_row(m, c, e);
    case MERGE_DELETE: return delete_row(m, c, e);
    case MERGE_INSERT: return insert_row(m, c, e);
    }
    return false;
}

static bool change_rows(Merge *m, SqlError *e) {
    bool two = needs_two_passes(m), ok = true;
    int rc = 0;
    if (two) {
        set_overlapping(m);
        rowbuffer_rewind(m->rows);
        while (ok && (rc = rowbuffer_next(m->rows, m->values, e)) == 1)
            if (gives_key_up(clause_of(m))) ok = take_out(m, clause_of(m), e) && !is_cancelled(m, e);
        if (!ok || rc < 0) return false;
        rowbuffer_rewind(m->taken);
    }
    rowbuffer_rewind(m->rows);
    while (ok && (rc = rowbuffer_next(m->rows, m->values, e)) == 1) {
        Clause *c = clause_of(m);
        ok = (two && gives_key_up(c) ? finish_taken(m, c, e) : change_row(m, c, e)) && !is_cancelled(m, e);
    }
    return ok && rc == 0;
}

/* ---- the frame */

static bool finish(Merge *m, SqlError *e) {
    for (size_t i = 0; i < m->bound->when_count; i++)
        if (m->clauses[i].check && !rowcheck_finish(m->clauses[i].check, e)) return false;
    for (size_t i = 0; i < m->bound->when_count; i++)
        if (!references_finish(m->clauses[i].references, e)) return false;
    return outputclause_finish(m->output, e);
}

static void restart(Merge *m) {
    m->count = 0;
    rowbuffer_clear(m->rows);
    rowbuffer_clear(m->taken);
    outputclause_restart(m->output);
    for (size_t i = 0; i < m->bound->when_count; i++) {
        Clause *c = &m->clauses[i];
        c->rows = 0;
        if (c->check) rowcheck_restart(c->check);
        references_restart(c->references);
    }
}

static bool run_once(Merge *m, SqlError *e) {
    restart(m);
    if (!txn_write_begin(m->s->txn, m->t, e)) return false;
    for (size_t i = 0; i < m->bound->when_count; i++) {
        Clause *c = &m->clauses[i];
        c->writer = rowwriter_open(m->s->txn, m->t, session_schema_name(m->s, m->t));
        rowwriter_set_merging(c->writer);
        if (c->when->action == MERGE_UPDATE) rowwriter_set_columns(c->writer, c->all, c->all_count);
    }
    bool ok = read_rows(m, e) && change_rows(m, e) && finish(m, e);
    for (size_t i = 0; i < m->bound->when_count; i++)
        m->clauses[i].writer = rowwriter_close(m->clauses[i].writer);
    if (!ok) outputclause_restart(m->output); /* its statement too must be idle before the rollback */
    return ok && txn_write_end(m->s->txn, e);
}

static bool open_clause(Merge *m, Clause *c, SqlError *e) {
    const BoundMergeWhen *w = c->when;
    bool is_insert = w->action == MERGE_INSERT, is_update = w->action == MERGE_UPDATE;
    if (is_update) c->all = dml_dependent_columns(m->s, m->t, w->columns, w->column_count, &c->all_count);
    if (!is_insert &&
        !references_open(m->s, m->t, is_update ? c->all : NULL, c->all_count, &c->references, e))
        return false;
    references_set_statement(c->references, "MERGE");
    if (is_update) c->check = rowcheck_open(m->s, m->t, ROW_UPDATE, c->all, c->all_count, e);
    if (is_insert) c->check = rowcheck_open(m->s, m->t, ROW_INSERT, w->columns, w->column_count, e);
    if (c->check) rowcheck_set_statement(c->check, "MERGE");
    return c->check || w->action == MERGE_DELETE;
}

static bool run(Merge *m, SqlError *e) {
    Session *s = m->s;
    bool ok = outputclause_open(s, m->bound->output, &m->output, e);
    for (size_t i = 0; ok && i < m->bound->when_count; i++) ok = open_clause(m, &m->clauses[i], e);
    ok = ok && txn_prepare_write(s->txn, m->t, e);
    if (ok) {
        do {
            s->has_wanted = false;
            ok = run_once(m, e);
        } while (!ok && txn_must_retry(s->txn, e));
        if (!ok) txn_write_cancel(s->txn);
        s->has_wanted = false;
    }
    if (ok) ok = outputclause_send(m->output, e);
    m->output = outputclause_close(m->output);
    for (size_t i = 0; i < m->bound->when_count; i++) {
        m->clauses[i].references = references_close(m->clauses[i].references);
        m->clauses[i].check = rowcheck_close(m->clauses[i].check);
    }
    return ok;
}

/* Each action is asked for; SELECT for what the statement names besides. */
static bool may_merge(const Merge *m, SqlError *e) {
    const BindRelation *r = m->bound->target;
    for (size_t i = 0; i < m->bound->when_count; i++) {
        const BoundMergeWhen *w = &m->bound->whens[i];
        bool *set = ARENA_ARRAY(&m->s->scratch, bool, r->column_count + 1);
        memset(set, 0, r->column_count + 1);
        for (size_t k = 0; w->action == MERGE_UPDATE && k < w->column_count; k++) set[w->columns[k]] = true;
        uint32_t permission = w->action == MERGE_UPDATE   ? PERMISSION_UPDATE
                              : w->action == MERGE_DELETE ? PERMISSION_DELETE
                                                          : PERMISSION_INSERT;
        if (!host_may_use(m->s, r, permission, w->action == MERGE_UPDATE ? set : NULL, e)) return false;
    }
    for (size_t i = 0; i < m->bound->query.ref_count; i++) {
        const BoundRef *ref = &m->bound->query.refs[i];
        bool names_any = ref->access == BIND_READ;
        for (size_t k = 0; ref->used && k < ref->relation->column_count; k++) names_any |= ref->used[k];
        if (names_any && !host_may_use(m->s, ref->relation, PERMISSION_SELECT, ref->used, e)) return false;
    }
    return true;
}

static bool check_inserts(const Merge *m, SqlError *e) {
    for (size_t i = 0; i < m->bound->when_count; i++)
        if (m->bound->whens[i].action == MERGE_INSERT &&
            !dml_check_identity(m->s, m->bound->whens[i].gives_identity, m->t, e))
            return false;
    return true;
}

static bool merge_planned(Session *s, const BoundMerge *bound, uint64_t *ret_rows, SqlError *e) {
    Merge m = {.s = s, .bound = bound, .t = host_table(bound->target)};
    if (!m.t)
        return sql_error_set(e, 259, 16, 1,
                             "Ad hoc updates to system catalogs are not allowed (" STR_FMT ").",
                             STR_ARG(bound->target->name));
    if (!may_merge(&m, e) || !check_inserts(&m, e) || !dml_read_start(s, m.t, e)) return false;
    size_t columns = m.t->column_count, read = bound->query.column_count;
    Value *all = x_calloc(read + columns * 4 + 1 + bound->image_size, sizeof *all);
    m.values = all;
    m.before = m.values + read;
    m.after = m.before + columns;
    m.saved = m.after + columns;
    m.image = m.saved + columns * 2 + 1;
    m.rows = rowbuffer_new(read);
    m.taken = rowbuffer_new(columns * 2 + 1);
    for (size_t i = 0; i < bound->when_count; i++) m.clauses[i].when = &bound->whens[i];
    bool ok = run(&m, e);
    *ret_rows = m.count;
    (void)rowbuffer_free(m.rows);
    (void)rowbuffer_free(m.taken);
    free(all);
    return ok;
}

bool dml_merge(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e) {
    uint64_t rows = 0;
    bool ok = true, rebind = true;
    s->filter_count = 0;
    while (ok && rebind) {
        Plan *p = plan_get(s, b, st, PLAN_MERGE, keep, e);
        if (!p) return false;
        const BoundMerge *bound = &p->u.merge;
        ok = query_lock(s, &bound->query, host_table(bound->target), /* changes_target= */ true, &rebind, e);
        rebind = rebind || p->catalog_version != catalog_version(server_catalog(s->server));
        if (ok && !rebind) ok = merge_planned(s, bound, &rows, e);
        if (!ok && e->number == TXN_TABLE_CHANGED) ok = rebind = true;
        plan_release(p);
    }
    s->filter_count = 0;
    if (!ok) return false;
    s->rowcount = (int64_t)rows;
    return runner_done(s, OUT_CMD_MERGE, !s->options.nocount, rows);
}
