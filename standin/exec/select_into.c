/* SELECT … INTO: the table is made from the query's columns, then filled as INSERT … SELECT does. */
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "standin/exec/ddl_internal.h"
#include "standin/store/row_buffer.h"
#include "standin/store/table_sql.h"

static bool shape(Table *t, const BoundQuery *q, SqlError *e) {
    for (size_t i = 0; i < q->column_count; i++) {
        const BoundColumn *b = &q->columns[i];
        if (!b->name.n)
            return sql_error_set(
                e, 1038, 15, 5,
                "An object or column name is missing or empty. For SELECT INTO statements, verify "
                "each column has a name.");
        if (table_column(t, b->name))
            return sql_error_set(e, 2705, 16, 3,
                                 "Column names in each table must be unique. Column name '" STR_FMT
                                 "' in table '%s' is specified more than once.",
                                 STR_ARG(b->name), t->name);
        Type type = b->type;
        if (type.id == TYPE_NULL) type = (Type){.id = TYPE_INT};
        Column *c = table_add_column(t, b->name, &type, b->is_nullable);
        c->is_identity = b->is_identity;
        c->identity_seed = c->identity_step = 1;
    }
    return true;
}

/* The new table, empty; NULL: *e. */
static const Table *make_table(Session *s, const AstName *name, const BoundQuery *q, SqlError *e) {
    int32_t object_id = catalog_new_object_id(session_catalog(s));
    if (name->name.p[0] == '#') {
        if (session_temp_table(s, name->name)) {
            (void)sql_error_set(e, 2714, 16, 6,
                                "There is already an object named '" STR_FMT "' in the database.",
                                STR_ARG(name->name));
            return NULL;
        }
        Table *t = table_new(object_id, CATALOG_TEMPDB, CATALOG_SCHEMA_DBO, name->name);
        t->kind = TABLE_TEMP;
        if (!shape(t, q, e)) {
            (void)table_free(t);
            return NULL;
        }
        return ddl_create_local(s, t, e) ? t : NULL;
    }
    const Database *d;
    const Schema *schema;
    if (!session_resolve_schema(s, name, &d, &schema, e) ||
        !ddl_may_create(s, d, schema, "CREATE TABLE", e) || !ddl_name_is_free(s, d, schema, name->name, e))
        return NULL;
    Table *t = table_new(object_id, d->id, schema->id, name->name);
    if (!shape(t, q, e)) {
        (void)table_free(t);
        return NULL;
    }
    return session_create_table(s, t, e) ? catalog_table_by_id(session_catalog(s), object_id) : NULL;
}

static bool fill(Session *s, const Table *t, const BoundQuery *q, uint64_t *ret_rows, SqlError *e) {
    sqlite3_stmt *st = plan_open(s, q, NULL, NULL, e);
    if (!st) return false;
    RowWriter *w = rowwriter_open(s->txn, t, session_schema_name(s, t));
    Value *row = x_calloc(t->column_count, sizeof *row);
    bool ok = true;
    int rc = 0;
    while (ok && (rc = plan_step(s, st, e)) == 1) {
        int64_t rowid;
        functions_row_values(st, t->column_count, row);
        ok = rowwriter_insert(w, row, &rowid, e);
        ++*ret_rows;
    }
    free(row);
    (void)rowwriter_close(w);
    plan_close(s, st);
    return ok && rc == 0;
}

static bool fill_table(Session *s, const Table *t, const BoundQuery *q, uint64_t *ret_rows, SqlError *e) {
    if (!txn_prepare_write(s->txn, t, e)) return false;
    bool ok;
    do {
        s->has_wanted = false;
        *ret_rows = 0;
        ok = txn_write_begin(s->txn, t, e) && fill(s, t, q, ret_rows, e) && txn_write_end(s->txn, e);
    } while (!ok && txn_must_retry(s->txn, e));
    if (!ok) txn_write_cancel(s->txn);
    s->has_wanted = false;
    return ok;
}

static void drop_quietly(Session *s, int32_t object_id) {
    SqlError e;
    if (!session_drop_table(s, object_id, &e)) LOG_ERROR("drop_failed", LOG_S("error", e.text));
}

bool query_select_into(Session *s, const AstStmt *st, SqlError *e) {
    Plan *p = plan_get(s, NULL, st, PLAN_SELECT, false, e);
    if (!p) return false;
    const BoundQuery *q = &p->u.query;
    bool rebind, ok = true;
    uint64_t rows = 0;
    for (size_t i = 0; ok && i < q->ref_count; i++)
        ok = host_may_use(s, q->refs[i].relation, PERMISSION_SELECT, q->refs[i].used, e);
    s->filter_count = 0;
    ok = ok && query_lock(s, q, NULL, false, &rebind, e);
    s->filter_count = 0;
    const Table *t = ok ? make_table(s, &st->u.query.query->u.select.into, q, e) : NULL;
    ok = t && fill_table(s, t, q, &rows, e);
    plan_release(p);
    if (t && !ok && !txn_count(s->txn)) { /* all or nothing */
        if (t->kind == TABLE_TEMP) ddl_drop_temp(s, (Table *)t);
        else drop_quietly(s, t->object_id);
    }
    if (!ok) return false;
    s->rowcount = (int64_t)rows;
    return runner_done(s, OUT_CMD_SELECT, !s->options.nocount, rows);
}

/* ---- TRUNCATE TABLE */

/* The name as it was written: these messages show it so. */
static Str written(Session *s, const AstName *n) {
    Buf b = {0};
    if (n->database.n) buf_printf(&b, STR_FMT ".", STR_ARG(n->database));
    if (n->schema.n || n->database.n) buf_printf(&b, STR_FMT ".", STR_ARG(n->schema));
    buf_str(&b, n->name);
    Str text = arena_str(&s->scratch, buf_view(&b));
    buf_done(&b);
    return text;
}

static bool may_truncate(Session *s, const Table *t, const AstName *name, SqlError *e) {
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if (t->is_tracked_by_cdc)
        return sql_error_set(e, 4711, 16, 1,
                             "Cannot truncate table '" STR_FMT
                             "' because it is published for replication or enabled "
                             "for Change Data Capture.",
                             STR_ARG(written(s, name)));
    int32_t at = 0;
    for (const Table *r; (r = catalog_next_referencing(session_catalog(s), t->object_id, &at));)
        if (r != t)
            return sql_error_set(e, 4712, 16, 1,
                                 "Cannot truncate table '" STR_FMT
                                 "' because it is being referenced by a FOREIGN KEY "
                                 "constraint.",
                                 STR_ARG(written(s, name)));
    return t->kind != TABLE_USER || !d || ddl_may(s, d, t, "TRUNCATE TABLE", e);
}

/* Row by row through the writer inside a transaction, so that a rollback brings the rows back. */
static bool delete_all(Session *s, const Table *t, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "SELECT x.rowid FROM ");
    txn_source_sql(s->txn, t, TXN_ROWS_COMMITTED, &sql);
    buf_cstr(&sql, " AS x");
    sqlite3_stmt *st = stmtcache_take(txn_statements(s->txn), buf_view(&sql), e);
    if (!st) return false;
    RowBuffer *ids = rowbuffer_new(1);
    Value id;
    bool ok = true;
    while (ok && sqlite3_step(st) == SQLITE_ROW) {
        id = VALUE_OF_INT(sqlite3_column_int64(st, 0));
        ok = rowbuffer_add(ids, &id, e);
    }
    stmtcache_put(txn_statements(s->txn), st);
    RowWriter *w = rowwriter_open(s->txn, t, session_schema_name(s, t));
    rowbuffer_rewind(ids);
    while (ok && rowbuffer_next(ids, &id, e) == 1) ok = rowwriter_delete(w, id.v.i, NULL, e);
    (void)rowwriter_close(w);
    (void)rowbuffer_free(ids);
    return ok;
}

static bool truncate_once(Session *s, const Table *t, SqlError *e) {
    if (!txn_write_begin(s->txn, t, e)) return false;
    bool ok = true;
    if (txn_mode(s->txn) == TXN_OVERLAY) {
        ok = delete_all(s, t, e);
    } else {
        CLEANUP_FREE char *sql = x_asprintf("DELETE FROM %s", t->sql_name);
        ok = stmtcache_run(txn_statements(s->txn), sql, e);
        if (ok) atomic_store(&t->state->row_count, 0);
    }
    return ok && txn_write_end(s->txn, e);
}

bool dml_truncate(Session *s, const AstStmt *st, SqlError *e) {
    const Table *t = session_resolve(s, &st->u.name, e);
    if (!t)
        return sql_error_set(e, 4701, 16, 1,
                             "Cannot find the object \"" STR_FMT
                             "\" because it does not exist or you do not have "
                             "permissions.",
                             STR_ARG(st->u.name.name));
    if (t->kind == TABLE_VIEW)
        return sql_error_set(e, 4708, 16, 1,
                             "Could not truncate object '" STR_FMT "' because it is not a table.",
                             STR_ARG(st->u.name.name));
    if (!may_truncate(s, t, &st->u.name, e)) return false;
    if (t->kind == TABLE_USER && !session_lock_table(s, t->object_id, e)) return false;
    if (t->kind == TABLE_USER) t = catalog_table_by_id(session_catalog(s), t->object_id);
    if (!t) return sql_error_set(e, 4701, 16, 1, "Cannot find the object: it was dropped meanwhile.");
    bool ok = txn_prepare_write(s->txn, t, e) && truncate_once(s, t, e);
    if (!ok) txn_write_cancel(s->txn);
    if (!ok) return false;
    atomic_store(&t->state->has_identity, false);
    atomic_store(&t->state->identity, 0);
    s->rowcount = 0;
    return runner_done(s, OUT_CMD_DDL, false, 0);
}
