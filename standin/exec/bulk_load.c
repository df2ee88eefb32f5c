/*
 * Bulk load: INSERT BULK names the table and the client's columns, then rows come until the end. One
 * statement in one SQLite transaction, all or nothing. Rows are converted to the table's types only where the
 * client's differ.
 *
 * The rows come over time, so the writer mutex is not held between them: they are set aside first, and
 * written when the client has sent the last one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/row_check.h"
#include "standin/exec/session_internal.h"
#include "standin/store/row_buffer.h"
#include "standin/store/txn_internal.h"

struct Bulk {
    int32_t object_id;
    uint64_t version; /* of the table when its columns were found */
    bool keeps_identity, checks_constraints, locks_table, keeps_nulls;
    char **names; /* of the client's columns, in the order of INSERT BULK */
    size_t name_count;
    size_t *columns; /* positions in the table; SIZE_MAX: the value is thrown away */
    Convert *converts;
    bool *is_same; /* the client's type is the column's */
    size_t count;
    RowBuffer *rows;
    Value *values;
    Arena arena;
    SqlError error; /* the first one; rows are swallowed after it */
    bool has_error;
};

bool session_in_bulk(const Session *s) {
    return s->bulk != NULL;
}

void bulk_free(Session *s) {
    Bulk *b = s->bulk;
    if (!b) return;
    for (size_t i = 0; i < b->name_count; i++) free(b->names[i]);
    free(b->names);
    free(b->columns);
    free(b->converts);
    free(b->is_same);
    free(b->values);
    b->rows = rowbuffer_free(b->rows);
    arena_done(&b->arena);
    free(b);
    s->bulk = NULL;
}

bool bulk_begin(Session *s, const AstInsertBulk *a, SqlError *e) {
    const Table *t = session_resolve(s, &a->table, e);
    if (!t)
        return sql_error_set(e, 4701, 16, 1,
                             "Cannot find the object \"" STR_FMT
                             "\" because it does not exist or you do not have "
                             "permissions.",
                             STR_ARG(a->table.name));
    if (!authority_may_columns(s, t, PERMISSION_INSERT, NULL, e)) return false;
    Bulk *b = x_calloc(1, sizeof *b);
    s->bulk = b;
    b->object_id = t->object_id;
    b->keeps_identity = a->keep_identity;
    b->keeps_nulls = a->keep_nulls;
    b->checks_constraints = a->check_constraints;
    b->locks_table = (a->hints & (HINT_TABLOCK | HINT_TABLOCKX)) != 0;
    b->names = x_calloc(a->column_count, sizeof *b->names);
    b->name_count = a->column_count;
    for (size_t i = 0; i < a->column_count; i++) b->names[i] = str_dup(a->columns[i].name);
    return runner_done(s, OUT_CMD_NONE, false, 0);
}

static const Table *target(Session *s) {
    for (const TempTable *t = s->temps; t; t = t->next)
        if (t->table->object_id == s->bulk->object_id) return t->table;
    return catalog_table_by_id(session_catalog(s), s->bulk->object_id);
}

static bool same_type(const Type *a, const Type *b) {
    return a->id == b->id && a->scale == b->scale && a->precision == b->precision &&
           (a->length == b->length || b->length == TYPE_MAX_LENGTH);
}

static bool set_column(Bulk *b, size_t i, const Table *t, const OutColumn *from, SqlError *e) {
    Str name = from->name.n ? from->name : i < b->name_count ? str_from(b->names[i]) : (Str){0};
    const Column *c = table_column(t, name);
    if (!c && i < b->name_count) c = table_column(t, str_from(b->names[i]));
    if (!c)
        return sql_error_set(e, 4819, 16, 1,
                             "Bulk copy: the column '" STR_FMT "' does not exist in the table.",
                             STR_ARG(name));
    b->columns[i] = table_column_index(t, c->id);
    b->converts[i] =
        (Convert){.from = from->type, .to = c->type, .style = CONVERT_STYLE_DEFAULT, .is_assignment = true};
    b->is_same[i] = same_type(&from->type, &c->type);
    bool is_unused =
        (c->is_identity && !b->keeps_identity) || c->is_computed || c->type.id == TYPE_ROWVERSION;
    if (is_unused) b->columns[i] = SIZE_MAX;
    if (!is_unused && convert_rule(from->type.id, c->type.id) == CONVERT_NEVER)
        return sql_error_set(e, 4815, 16, 1, "Received an invalid column type from bcp client for colid %zu.",
                             i + 1);
    return true;
}

static void fail(Bulk *b, const SqlError *e) {
    if (b->has_error) return;
    b->has_error = true;
    b->error = *e;
}

bool session_bulk_columns(Session *s, const OutColumn *columns, size_t count) {
    Bulk *b = s->bulk;
    SqlError e = {0};
    if (!b) return false;
    session_enter(s);
    const Table *t = target(s);
    b->columns = x_calloc(count, sizeof *b->columns);
    b->converts = x_calloc(count, sizeof *b->converts);
    b->is_same = x_calloc(count, sizeof *b->is_same);
    b->values = x_calloc(count, sizeof *b->values);
    b->count = count;
    b->rows = rowbuffer_new(count);
    bool ok = t || sql_error_set(&e, 208, 16, 1, "Invalid object name.");
    for (size_t i = 0; ok && i < count; i++) ok = set_column(b, i, t, &columns[i], &e);
    if (ok) b->version = t->version;
    if (!ok) fail(b, &e);
    session_leave(s);
    return !server_is_stopping(s->server);
}

static bool convert_one(Session *s, Bulk *b, size_t i, Value v, SqlError *e) {
    b->values[i] = v;
    if (v.kind == VALUE_NULL || b->columns[i] == SIZE_MAX || b->is_same[i]) return true;
    ConvertError ce;
    if (convert_value(&b->converts[i], v, &b->arena, &b->values[i], &ce)) return true;
    session_enter(s);
    const Table *t = ce.number == 2628 ? target(s) : NULL;
    bool is_named = t && t->version == b->version;
    if (is_named)
        (void)sql_error_set(
            e, 4863, 16, 1, "Bulk load data conversion error (truncation) for row %llu, column %zu (%s).",
            (unsigned long long)rowbuffer_count(b->rows) + 1, i + 1, t->columns[b->columns[i]].name);
    session_leave(s);
    return !is_named && sqlerror_from_convert(e, &ce, 0);
}

bool session_bulk_row(Session *s, const Value *values) {
    Bulk *b = s->bulk;
    if (!b || !b->rows) return false;
    if (b->has_error) return true;
    SqlError e = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < b->count; i++) ok = convert_one(s, b, i, values[i], &e);
    ok = ok && rowbuffer_add(b->rows, b->values, &e);
    arena_clear(&b->arena);
    if (!ok) fail(b, &e);
    return true;
}

/* ---- the end: write */

typedef struct Load {
    Session *s;
    Bulk *b;
    const Table *t;
    RowCheck *check;
    RowWriter *writer;
    Value *row;
} Load;

static bool write_rows(Load *l, SqlError *e) {
    Bulk *b = l->b;
    rowbuffer_rewind(b->rows);
    int rc;
    while ((rc = rowbuffer_next(b->rows, b->values, e)) == 1) {
        for (size_t i = 0; i < b->count; i++)
            if (b->columns[i] != SIZE_MAX) l->row[b->columns[i]] = b->values[i];
        int64_t rowid;
        if (!rowcheck_row(l->check, l->row, e) || !rowwriter_insert(l->writer, l->row, &rowid, e))
            return false;
    }
    return rc == 0 && rowcheck_finish(l->check, e);
}

static bool write_once(Load *l, SqlError *e) {
    rowcheck_restart(l->check);
    if (!txn_write_begin(l->s->txn, l->t, e)) return false;
    l->writer = rowwriter_open(l->s->txn, l->t, session_schema_name(l->s, l->t));
    bool ok = write_rows(l, e);
    l->writer = rowwriter_close(l->writer);
    return ok && txn_write_end(l->s->txn, e);
}

static bool load(Session *s, SqlError *e) {
    Bulk *b = s->bulk;
    Load l = {.s = s, .b = b, .t = target(s)};
    if (!l.t) return sql_error_set(e, 208, 16, 1, "Invalid object name.");
    if (l.t->version != b->version)
        return sql_error_set(e, 4891, 16, 1,
                             "Insert bulk failed due to a schema change of the target table.");
    size_t *given = arena_array(&s->scratch, sizeof *given, b->count), count = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->columns[i] != SIZE_MAX) given[count++] = b->columns[i];
    if (b->locks_table &&
        !txn_lock(s->txn, (LockResource){.object_id = l.t->object_id}, LOCK_X, LOCK_FOR_STATEMENT, e))
        return false;
    l.check = rowcheck_open(s, l.t, ROW_INSERT, given, count, e);
    l.row = x_calloc(l.t->column_count, sizeof *l.row);
    bool ok = l.check && dml_read_start(s, l.t, e) && txn_prepare_write(s->txn, l.t, e);
    if (l.check && !b->checks_constraints) rowcheck_skip_constraints(l.check);
    ok = ok && (b->keeps_nulls || rowcheck_default_nulls(l.check, e));
    if (ok) {
        do ok = write_once(&l, e);
        while (!ok && txn_must_retry(s->txn, e));
        if (!ok) txn_write_cancel(s->txn);
    }
    l.check = rowcheck_close(l.check);
    free(l.row);
    return ok;
}

bool session_bulk_end(Session *s, bool is_cancelled) {
    Bulk *b = s->bulk;
    if (!b) return false;
    SqlError e = {0};
    bool ok = !is_cancelled && !b->has_error && b->rows;
    if (b->has_error) e = b->error;
    uint64_t rows = b->rows ? rowbuffer_count(b->rows) : 0;
    s->is_stopped = false;
    session_enter(s);
    if (ok) ok = runner_begin_implicit(s) && load(s, &e);
    txn_statement_end(s->txn);
    session_leave(s);
    bulk_free(s);
    arena_clear(&s->scratch);
    if (is_cancelled) return !server_is_stopping(s->server);
    (void)scope_push(s, (Str){0});
    if (ok) {
        s->rowcount = (int64_t)rows;
        (void)runner_done(s, OUT_CMD_BULK, true, rows);
    } else {
        (void)error_handle(s, NULL, OUT_CMD_BULK, &e);
    }
    scope_pop(s);
    return !server_is_stopping(s->server) && !s->is_stopped;
}
