/* CREATE INDEX and DROP INDEX. */
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/ddl_internal.h"
#include "standin/store/table_sql.h"

/* Which key was it that a new unique index refused? */
static bool duplicate_key(Session *s, const Table *t, const AstCreateIndex *a, const char *filter,
                          SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf key = {0};
    CLEANUP(buf_done) Buf columns = {0};
    for (size_t i = 0; i < a->column_count; i++)
        buf_printf(&columns, "%sc%d", i ? ", " : "", table_column(t, a->columns[i].name)->id);
    buf_printf(&sql, "SELECT %s FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1 LIMIT 1", buf_text(&columns),
               t->sql_name, filter ? filter : "1", buf_text(&columns));
    SqlError ignored;
    sqlite3_stmt *st = stmtcache_take(txn_statements(s->txn), buf_view(&sql), &ignored);
    if (st && sqlite3_step(st) == SQLITE_ROW)
        for (size_t i = 0; i < a->column_count; i++) {
            Value v = functions_column_value(st, (int)i);
            ConvertError ce;
            const Column *c = table_column(t, a->columns[i].name);
            if (i) buf_cstr(&key, ", ");
            if (v.kind == VALUE_NULL || !convert_to_text(&c->type, v, CONVERT_STYLE_DEFAULT, &key, &ce))
                buf_cstr(&key, "<NULL>");
        }
    stmtcache_put(txn_statements(s->txn), st);
    return sql_error_set(
        e, 1505, 16, 1,
        "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the "
        "object name '%s.%s' and the index name '" STR_FMT "'. The duplicate key value is (%s).",
        session_schema_name(s, t), t->name, STR_ARG(a->name), buf_text(&key));
}

static bool index_on_temp(Session *s, Table *t, const AstCreateIndex *a, SqlError *e) {
    size_t before = t->index_count;
    if (!ddltable_add_index(s, t, a, e)) {
        if (t->index_count > before) table_drop_index(t, t->indexes[before].id);
        return false;
    }
    CLEANUP(buf_done) Buf sql = {0};
    tablesql_create_index(t, &t->indexes[before], &sql);
    if (sqlite3_exec(s->db, buf_text(&sql), NULL, NULL, NULL) == SQLITE_OK) return true;
    CLEANUP_FREE char *filter =
        t->indexes[before].filter_sql ? x_strdup(t->indexes[before].filter_sql) : NULL;
    table_drop_index(t, t->indexes[before].id);
    return duplicate_key(s, t, a, filter, e);
}

bool ddl_create_index(Session *s, const AstStmt *st, SqlError *e) {
    const AstCreateIndex *a = &st->u.create_index;
    const Table *t = session_resolve(s, &a->table, e);
    if (!t)
        return sql_error_set(e, 1088, 16, 12,
                             "Cannot find the object \"" STR_FMT
                             "\" because it does not exist or you do not have "
                             "permissions.",
                             STR_ARG(a->table.name));
    if (t->kind != TABLE_USER) return index_on_temp(s, (Table *)t, a, e);
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if ((d && !ddl_may(s, d, t, "CREATE INDEX", e)) || !session_lock_table(s, t->object_id, e)) return false;
    t = catalog_table_by_id(session_catalog(s), t->object_id);
    if (!t) return sql_error_set(e, 1088, 16, 12, "Cannot find the object because it does not exist.");
    Table *after = table_copy(t);
    if (!ddltable_add_index(s, after, a, e)) {
        (void)table_free(after);
        return false;
    }
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf undo = {0};
    tablesql_create_index(after, &after->indexes[after->index_count - 1], &sql);
    tablesql_drop_index(after, &after->indexes[after->index_count - 1], &undo);
    const char *of = after->indexes[after->index_count - 1].filter_sql;
    CLEANUP_FREE char *filter = of ? x_strdup(of) : NULL;
    e->number = 0;
    if (ddl_change(s, t, after, buf_text(&sql), buf_text(&undo), e)) return true;
    return e->number == 1505 ? duplicate_key(s, t, a, filter, e) : false;
}

static bool no_such_index(const AstName *table, Str name, bool if_exists, SqlError *e) {
    if (if_exists) return true;
    return sql_error_set(e, 3701, 11, 7,
                         "Cannot drop the index '" STR_FMT "." STR_FMT
                         "', because it does not exist or you do not "
                         "have permission.",
                         STR_ARG(table->name), STR_ARG(name));
}

static bool drop_of_temp(Session *s, Table *t, const Index *x, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    tablesql_drop_index(t, x, &sql);
    table_drop_index(t, x->id);
    return sqlite3_exec(s->db, buf_text(&sql), NULL, NULL, NULL) == SQLITE_OK ||
           store_sqlite_error(s->db, "drop an index", e);
}

static bool drop_one(Session *s, const AstName *table, Str name, bool if_exists, SqlError *e) {
    const Table *t = session_resolve(s, table, e);
    const Index *x = t ? table_index(t, name) : NULL;
    if (!x) return no_such_index(table, name, if_exists, e);
    if (x->object_id)
        return sql_error_set(e, 3723, 16, 5,
                             "An explicit DROP INDEX is not allowed on index '" STR_FMT "." STR_FMT
                             "'. It is being used for %s constraint enforcement.",
                             STR_ARG(table->name), STR_ARG(name),
                             x->is_primary_key ? "PRIMARY KEY" : "UNIQUE KEY");
    if (t->kind != TABLE_USER) return drop_of_temp(s, (Table *)t, x, e);
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if ((d && !ddl_may(s, d, t, "DROP INDEX", e)) || !session_lock_table(s, t->object_id, e)) return false;
    t = catalog_table_by_id(session_catalog(s), t->object_id); /* as it is once nobody else changes it */
    x = t ? table_index(t, name) : NULL;
    if (!x) return no_such_index(table, name, if_exists, e);
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf undo = {0};
    tablesql_drop_index(t, x, &sql);
    tablesql_create_index(t, x, &undo);
    bool is_cdc_key;
    if (!ddl_is_cdc_key(s, t, x, &is_cdc_key, e)) return false;
    if (is_cdc_key)
        return sql_error_set(
            e, 22983, 16, 1,
            "The unique index '%s' on source table '%s' is used by Change Data Capture. To alter "
            "or drop the index, you must first disable Change Data Capture on the table.",
            x->name, t->name);
    Table *after = table_copy(t);
    table_drop_index(after, x->id);
    return ddl_change(s, t, after, buf_text(&sql), buf_text(&undo), e);
}

bool ddl_drop_index(Session *s, const AstStmt *st, SqlError *e) {
    const AstDropObjects *d = &st->u.drop;
    for (size_t i = 0; i < d->count; i++)
        if (!drop_one(s, &d->names[i], d->indexes[i], d->if_exists, e)) return false;
    return true;
}
