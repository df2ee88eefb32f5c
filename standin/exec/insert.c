/*
 * INSERT. Rows come from VALUES (known when bound), from a query, from a procedure, or are nothing but
 * defaults; each is completed and checked (row_check.h) and written (row_writer.h). A query that reads the
 * table it fills is read to its end first.
 */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/output_clause.h"
#include "standin/exec/row_check.h"
#include "standin/exec/session_internal.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"

enum { CANCEL_EVERY_ROWS = 1024 };

typedef struct Insert {
    Session *s;
    const BoundInsert *bound;
    const Table *t;
    RowCheck *check;
    RowWriter *writer;
    OutputClause *output;
    Value *row;
    RowBuffer *rows; /* of INSERT … EXEC, or a query read beforehand */
    uint64_t count;
} Insert;

/* ---- IDENTITY_INSERT */

bool dml_check_identity(const Session *s, bool gives_identity, const Table *t, SqlError *e) {
    bool is_on = s->options.identity_insert == t->object_id;
    if (gives_identity && !is_on)
        return sql_error_set(
            e, 544, 16, 1,
            "Cannot insert explicit value for identity column in table '%s' when IDENTITY_INSERT is "
            "set to OFF.",
            t->name);
    if (!gives_identity && is_on && table_identity(t))
        return sql_error_set(
            e, 545, 16, 1,
            "Explicit value must be specified for identity column in table '%s' either when "
            "IDENTITY_INSERT is set to ON or when a replication user is inserting into a NOT FOR "
            "REPLICATION identity column.",
            t->name);
    return true;
}

/* ---- rows */

static bool put(Insert *in, const Value *values, SqlError *e) {
    const BoundInsert *b = in->bound;
    for (size_t i = 0; i < b->column_count; i++) in->row[b->columns[i]] = values[i];
    int64_t rowid;
    if (!rowcheck_row(in->check, in->row, e) || !rowwriter_insert(in->writer, in->row, &rowid, e))
        return false;
    if (++in->count % CANCEL_EVERY_ROWS == 0 && in->s->out->is_cancelled(in->s->out)) {
        e->number = SESSION_STOPPED;
        return false;
    }
    return outputclause_row(in->output, in->row, NULL, e);
}

/* Each row of the query to `put`, or aside into rows. */
static bool read_query(Insert *in, RowBuffer *aside, SqlError *e) {
    const BoundQuery *q = &in->bound->query;
    sqlite3_stmt *st = plan_open(in->s, q, NULL, NULL, e);
    if (!st) return false;
    Value *values = x_calloc(q->column_count, sizeof *values);
    bool ok = true;
    int rc = 0;
    while (ok && (rc = plan_step(in->s, st, e)) == 1) {
        functions_row_values(st, q->column_count, values);
        ok = aside ? rowbuffer_add(aside, values, e) : put(in, values, e);
    }
    free(values);
    plan_close(in->s, st);
    return ok && rc == 0;
}

static bool put_buffered(Insert *in, RowBuffer *rows, SqlError *e) {
    Value *values = x_calloc(in->bound->column_count, sizeof *values);
    rowbuffer_rewind(rows);
    int rc = 0;
    bool ok = true;
    while (ok && (rc = rowbuffer_next(rows, values, e)) == 1) ok = put(in, values, e);
    free(values);
    return ok && rc == 0;
}

static bool reads_target(const Insert *in) {
    for (size_t i = 0; i < in->bound->query.ref_count; i++)
        if (in->bound->query.refs[i].access == BIND_READ &&
            host_table(in->bound->query.refs[i].relation) == in->t)
            return true;
    return false;
}

static bool put_all(Insert *in, SqlError *e) {
    const BoundInsert *b = in->bound;
    bool ok = true;
    if (b->source == INSERT_FROM_DEFAULTS) return put(in, NULL, e);
    if (b->source == INSERT_FROM_EXEC) return put_buffered(in, in->rows, e);
    if (b->rows) {
        for (size_t i = 0; ok && i < b->row_count; i++) ok = put(in, b->rows + i * b->column_count, e);
        return ok;
    }
    if (!reads_target(in)) return read_query(in, NULL, e);
    RowBuffer *aside = rowbuffer_new(b->query.column_count);
    ok = read_query(in, aside, e) && put_buffered(in, aside, e);
    (void)rowbuffer_free(aside);
    return ok;
}

static bool run_once(Insert *in, SqlError *e) {
    in->count = 0;
    rowcheck_restart(in->check);
    outputclause_restart(in->output);
    if (!txn_write_begin(in->s->txn, in->t, e)) return false;
    in->writer = rowwriter_open(in->s->txn, in->t, session_schema_name(in->s, in->t));
    bool ok = put_all(in, e) && rowcheck_finish(in->check, e) && outputclause_finish(in->output, e);
    in->writer = rowwriter_close(in->writer);
    if (!ok) outputclause_restart(in->output); /* its statement too must be idle before the rollback */
    return ok && txn_write_end(in->s->txn, e);
}

static bool run(Insert *in, SqlError *e) {
    Session *s = in->s;
    bool ok = outputclause_open(s, in->bound->output, &in->output, e);
    in->check =
        ok ? rowcheck_open(s, in->t, ROW_INSERT, in->bound->columns, in->bound->column_count, e) : NULL;
    ok = in->check && txn_prepare_write(s->txn, in->t, e);
    if (ok) {
        do {
            s->has_wanted = false;
            ok = run_once(in, e);
        } while (!ok && txn_must_retry(s->txn, e));
        if (!ok) txn_write_cancel(s->txn);
        s->has_wanted = false;
    }
    if (ok) ok = outputclause_send(in->output, e);
    in->output = outputclause_close(in->output);
    in->check = rowcheck_close(in->check);
    return ok;
}

/* ---- INSERT … EXEC: the procedure's rows are gathered, then written */

typedef struct Collector {
    Out out;
    Session *s;
    const BoundInsert *bound;
    RowBuffer *rows;
    Type *types;
    size_t count;
    Value *values;
    SqlError *e;
    bool failed;
} Collector;

static bool collect_columns(Out *o, const OutColumn *columns, size_t count) {
    Collector *c = (Collector *)o;
    if (count != c->bound->column_count) {
        (void)sql_error_set(c->e, 213, 16, 7,
                            "Column name or number of supplied values does not match table definition.");
        c->failed = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) c->types[i] = columns[i].type;
    return true;
}

static bool collect_row(Out *o, const Value *values) {
    Collector *c = (Collector *)o;
    CLEANUP(arena_done) Arena a = {0};
    for (size_t i = 0; i < c->bound->column_count; i++)
        if (!bind_assign(c->bound->target, c->bound->columns[i], &c->types[i], values[i], &a, &c->values[i],
                         c->e)) {
            c->failed = true;
            return false;
        }
    c->failed = !rowbuffer_add(c->rows, c->values, c->e);
    return !c->failed;
}

static bool collect_done(Out *o, OutCommand command, bool has_count, uint64_t rows, bool failed) {
    (void)o, (void)command, (void)has_count, (void)rows, (void)failed;
    return true;
}
static bool collect_message(Out *o, const OutMessage *m) {
    Out *client = ((Collector *)o)->s->client;
    return client->message(client, m);
}
static bool collect_env_text(Out *o, OutEnv what, Str now, Str before) {
    (void)o, (void)what, (void)now, (void)before;
    return true;
}
static bool collect_env_transaction(Out *o, OutEnv what, uint64_t descriptor) {
    (void)o, (void)what, (void)descriptor;
    return true;
}
static bool collect_status(Out *o, int32_t status) {
    (void)o, (void)status;
    return true;
}
static bool collect_value(Out *o, uint16_t ordinal, Str name, const Type *type, const Value *value) {
    (void)o, (void)ordinal, (void)name, (void)type, (void)value;
    return true;
}
static bool collect_cancelled(Out *o) {
    Out *client = ((Collector *)o)->s->client;
    return client->is_cancelled(client);
}
static void collect_procedure(Out *o, bool enters) {
    (void)o, (void)enters;
}

static bool collect_exec(Insert *in, Batch *b, SqlError *e) {
    in->rows = rowbuffer_new(in->bound->column_count);
    Collector c = {.out = {collect_columns, collect_row, collect_done, collect_message, collect_env_text,
                           collect_env_transaction, collect_status, collect_value, collect_cancelled,
                           collect_procedure},
                   .s = in->s,
                   .bound = in->bound,
                   .rows = in->rows,
                   .types = x_calloc(in->bound->column_count, sizeof(Type)),
                   .values = x_calloc(in->bound->column_count, sizeof(Value)),
                   .e = e};
    bool ok = call_insert_exec(in->s, b, in->bound->exec, &c.out, e);
    free(c.types);
    free(c.values);
    return ok && !c.failed;
}

/* ---- the statement */

static bool may_insert(Session *s, const BoundInsert *b, SqlError *e) {
    if (!host_may_use(s, b->target, PERMISSION_INSERT, NULL, e)) return false;
    for (size_t i = 0; b->source == INSERT_FROM_QUERY && i < b->query.ref_count; i++)
        if (b->query.refs[i].access == BIND_READ &&
            !host_may_use(s, b->query.refs[i].relation, PERMISSION_SELECT, b->query.refs[i].used, e))
            return false;
    return true;
}

static bool read_only_target(const BindRelation *r, SqlError *e) {
    return sql_error_set(e, 259, 16, 1, "Ad hoc updates to system catalogs are not allowed (" STR_FMT ").",
                         STR_ARG(r->name));
}

bool dml_read_start(Session *s, const Table *t, SqlError *e) {
    const Database *d = catalog_database_by_id(server_catalog(s->server), t->database_id);
    return t->kind != TABLE_USER || !d || (session_may_change(s, d, e) && txn_read_start(s->txn, d, t, e));
}

static bool insert_planned(Session *s, Batch *b, const BoundInsert *bound, uint64_t *ret_rows, SqlError *e) {
    Insert in = {.s = s, .bound = bound, .t = host_table(bound->target)};
    if (!in.t) return read_only_target(bound->target, e);
    if (!may_insert(s, bound, e) || !dml_check_identity(s, bound->gives_identity, in.t, e) ||
        !dml_read_start(s, in.t, e))
        return false;
    in.row = x_calloc(in.t->column_count, sizeof *in.row);
    bool ok = bound->source != INSERT_FROM_EXEC || collect_exec(&in, b, e);
    ok = ok && run(&in, e);
    *ret_rows = in.count;
    in.rows = rowbuffer_free(in.rows);
    free(in.row);
    return ok;
}

bool dml_insert(Session *s, Batch *b, const AstStmt *st, bool keep, SqlError *e) {
    uint64_t rows = 0;
    bool ok = true, rebind = true;
    s->filter_count = 0;
    while (ok && rebind) {
        Plan *p = plan_get(s, b, st, PLAN_INSERT, keep, e);
        if (!p) return false;
        const BoundInsert *bound = &p->u.insert;
        rebind = false;
        if (bound->source == INSERT_FROM_QUERY && !bound->rows)
            ok = query_lock(s, &bound->query, host_table(bound->target), /* changes_target= */ false, &rebind,
                            e);
        rebind = rebind || p->catalog_version != catalog_version(server_catalog(s->server));
        if (ok && !rebind) ok = insert_planned(s, b, bound, &rows, e);
        /* a procedure has run already: the client is told */
        if (!ok && bound->source != INSERT_FROM_EXEC && e->number == TXN_TABLE_CHANGED) ok = rebind = true;
        plan_release(p);
    }
    s->filter_count = 0;
    if (!ok) return false;
    s->rowcount = (int64_t)rows;
    return runner_done(s, OUT_CMD_INSERT, !s->options.nocount, rows);
}
