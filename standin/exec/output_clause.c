#include "standin/exec/output_clause.h"

#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/row_check.h"
#include "standin/store/row_buffer.h"

struct OutputClause {
    Session *s;
    const BoundOutput *bound;
    const Table *into; /* NULL: to the client */
    RowCheck *check;
    RowWriter *writer;
    RowBuffer *rows; /* to the client */
    Value *values, *row;
};

bool outputclause_open(Session *s, const BoundOutput *o, OutputClause **ret, SqlError *e) {
    *ret = NULL;
    if (!o) return true;
    OutputClause *c = x_calloc(1, sizeof *c);
    *c = (OutputClause){.s = s, .bound = o};
    c->values = x_calloc(o->query.column_count, sizeof *c->values);
    if (!o->into) {
        c->rows = rowbuffer_new(o->query.column_count);
        *ret = c;
        return true;
    }
    c->into = host_table(o->into);
    bool ok =
        c->into || sql_error_set(e, 330, 16, 1, "The target of the OUTPUT INTO clause cannot be a view.");
    ok = ok && host_may_use(s, o->into, PERMISSION_INSERT, NULL, e) && txn_prepare_write(s->txn, c->into, e);
    if (ok) {
        c->row = x_calloc(c->into->column_count, sizeof *c->row);
        c->check = rowcheck_open(s, c->into, ROW_INSERT, o->into_columns, o->query.column_count, e);
        ok = c->check != NULL;
    }
    if (!ok) c = outputclause_close(c);
    *ret = c;
    return ok;
}

OutputClause *outputclause_close(OutputClause *c) {
    if (!c) return NULL;
    c->writer = rowwriter_close(c->writer);
    c->check = rowcheck_close(c->check);
    c->rows = rowbuffer_free(c->rows);
    free(c->values);
    free(c->row);
    free(c);
    return NULL;
}

void outputclause_restart(OutputClause *c) {
    if (!c) return;
    if (c->rows) rowbuffer_clear(c->rows);
    if (c->check) rowcheck_restart(c->check);
    c->writer = rowwriter_close(c->writer);
}

static bool put(OutputClause *c, SqlError *e) {
    if (c->rows) return rowbuffer_add(c->rows, c->values, e);
    if (!c->writer) c->writer = rowwriter_open(c->s->txn, c->into, session_schema_name(c->s, c->into));
    for (size_t i = 0; i < c->bound->query.column_count; i++)
        c->row[c->bound->into_columns[i]] = c->values[i];
    int64_t rowid;
    return rowcheck_row(c->check, c->row, e) && rowwriter_insert(c->writer, c->row, &rowid, e);
}

bool outputclause_row(OutputClause *c, const Value *inserted, const Value *deleted, SqlError *e) {
    if (!c) return true;
    sqlite3_stmt *st = plan_open(c->s, &c->bound->query, inserted, deleted, e);
    if (!st) return false;
    bool ok = plan_step(c->s, st, e) == 1;
    for (size_t i = 0; ok && i < c->bound->query.column_count; i++)
        c->values[i] = functions_column_value(st, (int)i);
    ok = ok && put(c, e);
    plan_close(c->s, st);
    return ok;
}

bool outputclause_finish(OutputClause *c, SqlError *e) {
    if (!c || !c->check) return true;
    c->writer = rowwriter_close(c->writer);
    return rowcheck_finish(c->check, e);
}

bool outputclause_send(OutputClause *c, SqlError *e) {
    if (!c || !c->rows) return true;
    Session *s = c->s;
    e->number = SESSION_STOPPED;
    if (!query_send_columns(s, c->bound->query.columns, c->bound->query.column_count)) return false;
    rowbuffer_rewind(c->rows);
    int rc;
    while ((rc = rowbuffer_next(c->rows, c->values, e)) == 1)
        if (!s->out->row(s->out, c->values)) {
            s->is_stopped = true;
            e->number = SESSION_STOPPED;
            return false;
        }
    return rc == 0;
}
