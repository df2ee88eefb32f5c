/*
 * ALTER COLUMN. Where the stored form stays the same (int to bigint, a longer nvarchar) only the catalog
 * changes. Else SQLite's column gets another name, a new one takes its place, and every value is converted;
 * the old column stays, so that a rollback can bring it back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/ddl_internal.h"
#include "standin/store/table_sql.h"

/* Is every value of a, as it is stored, the same value of b? */
static bool is_same_form(const Type *a, const Type *b) {
    static const TypeId ints[] = {TYPE_BIT, TYPE_TINYINT, TYPE_SMALLINT, TYPE_INT, TYPE_BIGINT};
    int from = -1, to = -1;
    for (int i = 0; i < (int)(sizeof ints / sizeof *ints); i++) {
        if (a->id == ints[i]) from = i;
        if (b->id == ints[i]) to = i;
    }
    if (from >= 0 && to >= from) return true;
    if (a->id != b->id || a->scale != b->scale || a->collation != b->collation) return false;
    switch (a->id) {
    case TYPE_VARCHAR:
    case TYPE_NVARCHAR:
    case TYPE_VARBINARY:
        return b->length == TYPE_MAX_LENGTH || (a->length != TYPE_MAX_LENGTH && a->length <= b->length);
    case TYPE_CHAR:
    case TYPE_NCHAR:
    case TYPE_BINARY: return a->length == b->length;
    default: return a->precision <= b->precision && (a->precision > 18) == (b->precision > 18);
    }
}

typedef struct Conversion {
    Session *s;
    const Table *t;
    const Column *from;
    const Column *to;
    sqlite3_stmt *read, *write;
} Conversion;

static bool null_error(const Conversion *c, SqlError *e) {
    const Database *d = catalog_database_by_id(session_catalog(c->s), c->t->database_id);
    return sql_error_set(
        e, 515, 16, 2,
        "Cannot insert the value NULL into column '%s', table '%s.%s.%s'; column does not allow "
        "nulls. UPDATE fails.",
        c->to->name, d ? d->name : "", session_schema_name(c->s, c->t), c->t->name);
}

static bool convert_one(Conversion *c, SqlError *e) {
    CLEANUP(arena_done) Arena a = {0};
    Value v = functions_column_value(c->read, 1);
    Convert convert = {
        .from = c->from->type, .to = c->to->type, .style = CONVERT_STYLE_DEFAULT, .is_assignment = true};
    ConvertError ce;
    if (v.kind == VALUE_NULL) return c->to->is_nullable || null_error(c, e);
    if (!convert_value(&convert, v, &a, &v, &ce)) return sqlerror_from_convert(e, &ce, 0);
    (void)functions_bind_value(c->write, 1, &v);
    (void)sqlite3_bind_int64(c->write, 2, sqlite3_column_int64(c->read, 0));
    int rc = sqlite3_step(c->write);
    (void)sqlite3_reset(c->write);
    return rc == SQLITE_DONE || store_sqlite_error(c->s->db, "convert a column", e);
}

static bool convert_all(Conversion *c, const char *aside, SqlError *e) {
    StmtCache *cache = txn_statements(c->s->txn);
    CLEANUP_FREE char *read = x_asprintf("SELECT rowid, %s FROM %s", aside, c->t->sql_name);
    CLEANUP_FREE char *write =
        x_asprintf("UPDATE %s SET c%d = ?1 WHERE rowid = ?2", c->t->sql_name, c->to->id);
    c->read = stmtcache_take(cache, str_from(read), e);
    c->write = c->read ? stmtcache_take(cache, str_from(write), e) : NULL;
    bool ok = c->write != NULL;
    int rc = SQLITE_DONE;
    while (ok && (rc = sqlite3_step(c->read)) == SQLITE_ROW) ok = convert_one(c, e);
    stmtcache_put(cache, c->read);
    stmtcache_put(cache, c->write);
    return ok && (rc == SQLITE_DONE || store_sqlite_error(c->s->db, "convert a column", e));
}

static bool exec(Session *s, Buf *sql, SqlError *e) {
    bool ok = !sql->n || sqlite3_exec(s->db, buf_text(sql), NULL, NULL, NULL) == SQLITE_OK;
    if (!ok) (void)store_sqlite_error(s->db, "change a column", e);
    buf_clear(sql);
    return ok;
}

/* Everything in one SQLite write transaction, the caller's. */
static bool replace(Session *s, const Table *t, const Table *after, size_t at, const char *aside,
                    SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    for (size_t i = 0; i < t->index_count; i++) tablesql_drop_index(t, &t->indexes[i], &sql);
    buf_printf(&sql, "ALTER TABLE %s RENAME COLUMN c%d TO %s; ALTER TABLE %s ADD COLUMN ", t->sql_name,
               t->columns[at].id, aside, t->sql_name);
    tablesql_column(after, at, &sql);
    buf_cstr(&sql, ";");
    if (!exec(s, &sql, e)) return false;
    Conversion c = {.s = s, .t = t, .from = &t->columns[at], .to = &after->columns[at]};
    if (!convert_all(&c, aside, e)) return false;
    for (size_t i = 0; i < after->index_count; i++) tablesql_create_index(after, &after->indexes[i], &sql);
    return exec(s, &sql, e);
}

static void undo_sql(const Table *t, size_t at, const char *aside, Buf *sql) {
    for (size_t i = 0; i < t->index_count; i++) tablesql_drop_index(t, &t->indexes[i], sql);
    buf_printf(sql, "ALTER TABLE %s DROP COLUMN c%d; ALTER TABLE %s RENAME COLUMN %s TO c%d;", t->sql_name,
               t->columns[at].id, t->sql_name, aside, t->columns[at].id);
    for (size_t i = 0; i < t->index_count; i++) tablesql_create_index(t, &t->indexes[i], sql);
}

/* NULLs there are: refused by a column that becomes NOT NULL. */
static bool check_nulls(Session *s, const Table *t, const Table *after, size_t at, SqlError *e) {
    if (after->columns[at].is_nullable || !t->columns[at].is_nullable) return true;
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "SELECT 1 FROM ");
    txn_source_sql(s->txn, t, TXN_ROWS_COMMITTED, &sql);
    buf_printf(&sql, " AS x WHERE x.c%d IS NULL LIMIT 1", t->columns[at].id);
    StmtCache *cache = txn_statements(s->txn);
    sqlite3_stmt *st = stmtcache_take(cache, buf_view(&sql), e);
    if (!st) return false;
    bool has_null = sqlite3_step(st) == SQLITE_ROW;
    stmtcache_put(cache, st);
    Conversion c = {.s = s, .t = t, .to = &after->columns[at]};
    return !has_null || null_error(&c, e);
}

/* after is moved. */
static bool change_column(Session *s, const Table *t, Table *after, size_t at, SqlError *e) {
    if (!check_nulls(s, t, after, at, e)) {
        (void)table_free(after);
        return false;
    }
    if (is_same_form(&t->columns[at].type, &after->columns[at].type))
        return ddl_change(s, t, after, NULL, NULL, e);
    bool is_rowid = t->has_rowid_column && t->rowid_column == at;
    if (is_rowid || txn_overlay_name(s->txn, t->object_id)) {
        (void)table_free(after);
        return sql_error_set(
            e, 40517, 16, 1,
            "ALTER COLUMN to another kind of type isn't supported by this server for a primary key or "
            "a table that the same transaction has changed.");
    }
    Store *store = server_store(s->server);
    char aside[48];
    (void)snprintf(aside, sizeof aside, "o%d_%llu", t->columns[at].id, (unsigned long long)t->version);
    CLEANUP(buf_done) Buf undo = {0};
    undo_sql(t, at, aside, &undo);
    stmtcache_clear(txn_statements(s->txn));
    bool ok = store_write_begin(store, s->db, e);
    if (ok && !replace(s, t, after, at, aside, e)) {
        store_write_rollback(store, s->db);
        ok = false;
    }
    if (!ok || !store_write_commit(store, s->db, e)) {
        (void)table_free(after);
        return false;
    }
    return ddl_change(s, t, after, NULL, buf_text(&undo), e);
}

bool session_alter_column(Session *s, int32_t object_id, int32_t column_id, const Type *type,
                          bool is_nullable, SqlError *e) {
    if (!session_lock_table(s, object_id, e)) return false;
    const Table *t = catalog_table_by_id(session_catalog(s), object_id);
    size_t at = t ? table_column_index(t, column_id) : 0;
    if (!t || at == t->column_count) return sql_error_set(e, 4924, 16, 1, "The column does not exist.");
    Table *after = table_copy(t);
    after->columns[at].type = *type;
    after->columns[at].is_nullable = is_nullable;
    return change_column(s, t, after, at, e);
}

/* What stands on the column, unless it only gets longer. */
static const char *dependent(const Table *t, int32_t id) {
    for (size_t i = 0; i < t->index_count; i++)
        for (size_t k = 0; k < t->indexes[i].key_count; k++)
            if (t->indexes[i].columns[k].column_id == id) return t->indexes[i].name;
    for (size_t i = 0; i < t->foreign_key_count; i++)
        for (size_t k = 0; k < t->foreign_keys[i].count; k++)
            if (t->foreign_keys[i].columns[k] == id) return t->foreign_keys[i].name;
    for (size_t i = 0; i < t->check_count; i++)
        if (t->checks[i].column_id == id) return t->checks[i].name;
    return NULL;
}

static bool is_same_or_longer(const Type *a, const Type *b) {
    return a->id == b->id && is_same_form(a, b) && a->precision == b->precision;
}

bool ddl_alter_column(Session *s, const Table *t, const AstColumnDef *def, Str text, SqlError *e) {
    const Column *c = table_column(t, def->name);
    if (!c)
        return sql_error_set(e, 4924, 16, 1,
                             "ALTER TABLE ALTER COLUMN failed because column '" STR_FMT
                             "' does not exist in table '%s'.",
                             STR_ARG(def->name), t->name);
    if (c->is_computed || c->type.id == TYPE_ROWVERSION)
        return sql_error_set(e, 4928, 16, 1, "Cannot alter column '%s' because it is '%s'.", c->name,
                             c->is_computed ? "COMPUTED" : "timestamp");
    size_t at = table_column_index(t, c->id);
    Table *after = table_copy(t);
    Column *changed = &after->columns[at];
    const UserType *alias;
    if (!ddltable_type(s, after, def, &changed->type, &alias, e)) {
        (void)table_free(after);
        return false;
    }
    if (!def->collation.n) changed->type.collation = type_is_text(changed->type.id) ? c->type.collation : 0;
    changed->is_nullable = def->is_null_given ? def->is_nullable : !alias || alias->is_nullable;
    changed->user_type_id = alias ? alias->id : 0;
    const char *by = dependent(t, c->id);
    if (by && !is_same_or_longer(&c->type, &changed->type)) {
        (void)table_free(after);
        return sql_error_set(e, 5074, 16, 1, "The object '%s' is dependent on column '%s'.", by, c->name);
    }
    if (by && table_primary_key(t)) {
        const Index *key = table_primary_key(t);
        for (size_t k = 0; k < key->key_count; k++)
            if (key->columns[k].column_id == c->id) changed->is_nullable = false;
    }
    if (c->is_identity) changed->is_nullable = false;
    bool changes_type = changed->type.id != c->type.id || changed->type.length != c->type.length ||
                        changed->type.precision != c->type.precision || changed->type.scale != c->type.scale;
    if (!ddl_log(s, t, text, changes_type ? c->id : 0, false, e)) {
        (void)table_free(after);
        return false;
    }
    return change_column(s, t, after, at, e);
}
