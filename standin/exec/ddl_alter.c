/*
 * ALTER TABLE. A new column gets its value for old rows as SQLite's default, so nothing is rewritten; a
 * dropped one stays in SQLite's table and only leaves the catalog; a changed type converts the values into a
 * new SQLite column of the same name, the old one keeps another until the transaction ends.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "standin/exec/ddl_internal.h"
#include "standin/store/table_sql.h"
#include "standin/types/collation.h"

/* ---- looking at the rows there are */

static bool has_rows(Session *s, const Table *t, const char *where) {
    CLEANUP(buf_done) Buf sql = {0};
    SqlError ignored;
    buf_cstr(&sql, "SELECT 1 FROM ");
    txn_source_sql(s->txn, t, TXN_ROWS_COMMITTED, &sql);
    buf_printf(&sql, " AS x %s LIMIT 1", where);
    sqlite3_stmt *st = stmtcache_take(txn_statements(s->txn), buf_view(&sql), &ignored);
    bool found = st && sqlite3_step(st) == SQLITE_ROW;
    stmtcache_put(txn_statements(s->txn), st);
    return found;
}

typedef bool EachRow(Session *s, const Table *t, const Value *row, int64_t rowid, void *arg, SqlError *e);

/* Every row as the transaction sees it. */
static bool for_each_row(Session *s, const Table *t, EachRow *each, void *arg, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "SELECT x.rowid");
    for (size_t i = 0; i < t->column_count; i++) buf_printf(&sql, ", x.c%d", t->columns[i].id);
    buf_cstr(&sql, " FROM ");
    txn_source_sql(s->txn, t, TXN_ROWS_COMMITTED, &sql);
    buf_cstr(&sql, " AS x");
    sqlite3_stmt *st = stmtcache_take(txn_statements(s->txn), buf_view(&sql), e);
    if (!st) return false;
    Value *row = x_calloc(t->column_count, sizeof *row);
    int rc = SQLITE_DONE;
    bool ok = true;
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        for (size_t i = 0; i < t->column_count; i++) row[i] = functions_column_value(st, (int)i + 1);
        ok = each(s, t, row, sqlite3_column_int64(st, 0), arg, e);
    }
    free(row);
    stmtcache_put(txn_statements(s->txn), st);
    return ok && (rc == SQLITE_DONE || store_sqlite_error(s->db, "read a table", e));
}

typedef struct RowRule {
    BoundQuery condition;
    const Check *check;
    const ForeignKey *key;
    const Table *parent;
    Str probe;
} RowRule;

static bool rule_conflict(Session *s, const Table *t, const RowRule *r, SqlError *e) {
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    const Table *where = r->key ? r->parent : t;
    return sql_error_set(
        e, 547, 16, 0,
        "The ALTER TABLE statement conflicted with the %s constraint \"%s\". The conflict occurred in "
        "database \"%s\", table \"%s.%s\".",
        r->key ? "FOREIGN KEY" : "CHECK", r->key ? r->key->name : r->check->name, d ? d->name : "",
        session_schema_name(s, where), where->name);
}

static bool row_keeps_rule(Session *s, const Table *t, const Value *row, int64_t rowid, void *arg,
                           SqlError *e) {
    const RowRule *r = arg;
    (void)rowid;
    if (r->check) {
        Value v;
        if (!plan_value(s, &r->condition, row, NULL, &s->scratch, &v, e)) return false;
        return v.kind != VALUE_INT || v.v.i || rule_conflict(s, t, r, e);
    }
    StmtCache *cache = txn_statements(s->txn);
    sqlite3_stmt *st = stmtcache_take(cache, r->probe, e);
    if (!st) return false;
    bool has_null = false;
    for (size_t i = 0; i < r->key->count; i++) {
        const Value *v = &row[table_column_index(t, r->key->columns[i])];
        has_null |= v->kind == VALUE_NULL;
        (void)functions_bind_value(st, (int)i + 1, v);
    }
    bool ok = has_null || sqlite3_step(st) == SQLITE_ROW || rule_conflict(s, t, r, e);
    stmtcache_put(cache, st);
    return ok;
}

static bool open_rule(Session *s, const Table *t, const Check *check, const ForeignKey *key, RowRule *r,
                      SqlError *e) {
    *r = (RowRule){.check = check, .key = key};
    if (check) {
        ParserOptions options = {.quoted_identifier = true};
        AstExpr *x;
        BindRelation *relation = host_relation_of(s, t, &s->scratch);
        return parser_condition(str_from(check->sql), &options, &s->scratch, &x, e) &&
               bind_row(&s->host, &s->scratch, relation, x, true, NULL, &r->condition, e);
    }
    CLEANUP(buf_done) Buf sql = {0};
    r->parent =
        key->referenced_id == t->object_id ? t : catalog_table_by_id(session_catalog(s), key->referenced_id);
    buf_cstr(&sql, "SELECT 1 FROM ");
    txn_source_sql(s->txn, r->parent, TXN_ROWS_COMMITTED, &sql);
    buf_cstr(&sql, " AS p WHERE ");
    for (size_t i = 0; i < key->count; i++)
        buf_printf(&sql, "%sp.c%d = ?%zu", i ? " AND " : "", key->referenced_columns[i], i + 1);
    r->probe = arena_str(&s->scratch, buf_view(&sql));
    return true;
}

/* Do the rows there are keep it? Of a table that gets columns, one row that stands for all: NULL but for
 * them. */
static bool rows_keep_rule(Session *s, const Table *before, const Table *after, const Check *check,
                           const ForeignKey *key, const Value *added, SqlError *e) {
    RowRule r;
    if (!open_rule(s, after, check, key, &r, e)) return false;
    if (after->column_count == before->column_count) return for_each_row(s, after, row_keeps_rule, &r, e);
    return !has_rows(s, before, "") || row_keeps_rule(s, after, added, 0, &r, e);
}

/* ---- ADD */

/* The value that old rows get in the new column: its default if it can't be NULL or WITH VALUES asks for it.
 */
static bool value_for_old_rows(Session *s, Table *t, const Column *c, bool is_asked, Value *ret,
                               SqlError *e) {
    *ret = (Value){.kind = VALUE_NULL};
    if (!c->default_sql || (c->is_nullable && !is_asked)) return true;
    ParserOptions options = {.quoted_identifier = true};
    AstExpr *x;
    BoundQuery q;
    BindRelation *r = host_relation_of(s, t, &s->scratch);
    return parser_expression(str_from(c->default_sql), &options, &s->scratch, &x, e) &&
           bind_row(&s->host, &s->scratch, r, x, false, &c->type, &q, e) &&
           plan_value(s, &q, NULL, NULL, &s->scratch, ret, e);
}

static bool refuse_without_value(Session *s, const Table *before, const Column *c, const Value *v,
                                 SqlError *e) {
    bool has_value = v->kind != VALUE_NULL || c->is_nullable || c->is_identity || c->is_computed ||
                     c->type.id == TYPE_ROWVERSION;
    if (has_value || !has_rows(s, before, "")) return true;
    return sql_error_set(
        e, 4901, 16, 1,
        "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT "
        "definition specified, or the column being added is an identity or timestamp column, or "
        "alternatively if none of the previous conditions are satisfied the table must be empty to "
        "allow addition of this column. Column '%s' cannot be added to non-empty table '%s' because "
        "it does not satisfy these conditions.",
        c->name, before->name);
}

/* Old rows' identity values and rowversions; computed columns are done row by row. */
static void fill_column(const Table *t, const Column *c, Buf *sql) {
    if (c->is_identity)
        buf_printf(sql,
                   "UPDATE t%d SET c%d = %lld + n.n * %lld FROM (SELECT rowid AS r, row_number() OVER (ORDER "
                   "BY rowid) - "
                   "1 AS n FROM t%d) AS n WHERE n.r = t%d.rowid;",
                   t->object_id, c->id, (long long)c->identity_seed, (long long)c->identity_step,
                   t->object_id, t->object_id);
    if (c->type.id == TYPE_ROWVERSION)
        buf_printf(sql, "UPDATE t%d SET c%d = CAST(printf('%%08d', rowid) AS BLOB);", t->object_id, c->id);
}

typedef struct Fill {
    const Column *column;
    BoundQuery query;
    char *sql;
} Fill;

static bool fill_computed(Session *s, const Table *t, const Value *row, int64_t rowid, void *arg,
                          SqlError *e) {
    Fill *f = arg;
    (void)t;
    Value v;
    if (!plan_value(s, &f->query, row, NULL, &s->scratch, &v, e)) return false;
    StmtCache *cache = txn_statements(s->txn);
    sqlite3_stmt *st = stmtcache_take(cache, str_from(f->sql), e);
    if (!st) return false;
    (void)functions_bind_value(st, 1, &v);
    (void)sqlite3_bind_int64(st, 2, rowid);
    bool ok = sqlite3_step(st) == SQLITE_DONE || store_sqlite_error(s->db, "fill a column", e);
    stmtcache_put(cache, st);
    return ok;
}

static bool compute_old_rows(Session *s, const Table *t, const Column *c, SqlError *e) {
    ParserOptions options = {.quoted_identifier = true};
    AstExpr *x;
    Fill f = {.column = c};
    BindRelation *r = host_relation_of(s, t, &s->scratch);
    if (!parser_expression(str_from(c->computed_sql), &options, &s->scratch, &x, e) ||
        !bind_row(&s->host, &s->scratch, r, x, false, &c->type, &f.query, e))
        return false;
    CLEANUP_FREE char *sql = x_asprintf("UPDATE %s SET c%d = ?1 WHERE rowid = ?2", t->sql_name, c->id);
    f.sql = sql;
    Store *store = server_store(s->server);
    if (!store_write_begin(store, s->db, e)) return false;
    bool ok = for_each_row(s, t, fill_computed, &f, e);
    if (ok) return store_write_commit(store, s->db, e);
    store_write_rollback(store, s->db);
    return false;
}

static bool add_column(Session *s, const Table *before, Table *t, const AstColumnDef *def, Buf *sql,
                       Buf *overlay, Value *ret_value, SqlError *e) {
    if (!ddltable_add_column(s, t, def, e) || !ddltable_add_column_constraints(s, t, def, e)) return false;
    const Column *c = &t->columns[t->column_count - 1];
    Value v;
    if (!value_for_old_rows(s, t, c, def->fills_old_rows, &v, e) ||
        !refuse_without_value(s, before, c, &v, e))
        return false;
    *ret_value = v;
    buf_printf(sql, "ALTER TABLE %s ADD COLUMN ", before->sql_name);
    tablesql_column(t, t->column_count - 1, sql);
    if (v.kind != VALUE_NULL) {
        buf_cstr(sql, " DEFAULT (");
        ddl_literal(&v, sql);
        buf_cstr(sql, ")");
        const char *written = txn_overlay_name(s->txn, t->object_id);
        if (written) {
            buf_printf(overlay, "UPDATE %s SET c%d = ", written, c->id);
            ddl_literal(&v, overlay);
            buf_cstr(overlay, ";");
        }
    }
    buf_cstr(sql, ";");
    fill_column(t, c, sql);
    if (c->is_identity) {
        long long rows = atomic_load(&t->state->row_count);
        atomic_store(&t->state->identity, c->identity_seed + (rows - 1) * c->identity_step);
        atomic_store(&t->state->has_identity, rows > 0);
    }
    return true;
}

static void drop_columns_sql(const Table *before, const Table *t, Buf *undo) {
    for (size_t i = before->column_count; i < t->column_count; i++)
        buf_printf(undo, "ALTER TABLE %s DROP COLUMN c%d;", before->sql_name, t->columns[i].id);
}

static void add_indexes_sql(const Table *before, const Table *t, Buf *sql, Buf *undo) {
    Buf drops = {0};
    for (size_t i = before->index_count; i < t->index_count; i++) {
        tablesql_create_index(t, &t->indexes[i], sql);
        tablesql_drop_index(t, &t->indexes[i], &drops);
    }
    buf_str(&drops, buf_view(undo)); /* indexes go before the columns they are on */
    buf_clear(undo);
    buf_str(undo, buf_view(&drops));
    buf_done(&drops);
}

static bool check_new_rules(Session *s, const Table *before, const Table *after, bool with_nocheck,
                            const Value *added, SqlError *e) {
    for (size_t i = before->check_count; !with_nocheck && i < after->check_count; i++)
        if (!rows_keep_rule(s, before, after, &after->checks[i], NULL, added, e)) return false;
    for (size_t i = before->foreign_key_count; !with_nocheck && i < after->foreign_key_count; i++)
        if (!rows_keep_rule(s, before, after, NULL, &after->foreign_keys[i], added, e)) return false;
    return true;
}

static bool compute_new_columns(Session *s, int32_t object_id, size_t first, SqlError *e) {
    const Table *now = catalog_table_by_id(session_catalog(s), object_id);
    for (size_t i = first; now && i < now->column_count; i++)
        if (now->columns[i].is_computed && !compute_old_rows(s, now, &now->columns[i], e)) return false;
    return true;
}

static bool alter_add(Session *s, const Table *t, const AstAlterTable *a, Str text, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf undo = {0};
    CLEANUP(buf_done) Buf overlay = {0};
    size_t columns = t->column_count;
    Value *added = arena_zalloc(&s->scratch, (columns + a->column_count) * sizeof *added);
    Table *after = table_copy(t);
    bool ok = true;
    for (size_t i = 0; ok && i < a->column_count; i++)
        ok = add_column(s, t, after, &a->columns[i], &sql, &overlay, &added[columns + i], e);
    for (size_t i = 0; ok && i < a->constraint_count; i++)
        ok = ddltable_add_constraint(s, after, &a->constraints[i], NULL, e);
    if (ok) {
        drop_columns_sql(t, after, &undo);
        add_indexes_sql(t, after, &sql, &undo);
    }
    ok = ok && check_new_rules(s, t, after, a->with_nocheck, added, e) &&
         (!a->column_count || ddl_log(s, t, text, 0, false, e));
    if (!ok) {
        (void)table_free(after);
        return false;
    }
    e->number = 0;
    if (!ddl_change(s, t, after, buf_text(&sql), buf_text(&undo), e)) {
        if (e->number == 1505)
            (void)sql_error_set(
                e, 1505, 16, 1,
                "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for "
                "the object name '%s.%s'.",
                session_schema_name(s, t), t->name);
        return false;
    }
    if (overlay.n) {
        store_write_lock(server_store(s->server));
        (void)sqlite3_exec(s->db, buf_text(&overlay), NULL, NULL, NULL);
        store_write_unlock(server_store(s->server));
    }
    return compute_new_columns(s, t->object_id, columns, e);
}

/* ---- DROP COLUMN, DROP CONSTRAINT, CHECK CONSTRAINT */

static bool uses_column(const Table *t, int32_t id, const char **ret_name, const char **ret_kind) {
    for (size_t i = 0; i < t->index_count; i++)
        for (size_t k = 0; k < t->indexes[i].column_count; k++)
            if (t->indexes[i].columns[k].column_id == id) {
                *ret_name = t->indexes[i].name;
                *ret_kind = t->indexes[i].object_id ? "object" : "index";
                return true;
            }
    for (size_t i = 0; i < t->foreign_key_count; i++)
        for (size_t k = 0; k < t->foreign_keys[i].count; k++)
            if (t->foreign_keys[i].columns[k] == id) {
                *ret_name = t->foreign_keys[i].name;
                *ret_kind = "object";
                return true;
            }
    const Column *c = table_column_by_id(t, id);
    for (size_t i = 0; i < t->check_count; i++)
        if (t->checks[i].column_id == id) {
            *ret_name = t->checks[i].name;
            *ret_kind = "object";
            return true;
        }
    if (!c || !c->default_name) return false;
    *ret_name = c->default_name;
    *ret_kind = "object";
    return true;
}

static bool drop_column(Table *t, const AstDrop *d, SqlError *e) {
    const Column *c = table_column(t, d->name);
    if (!c)
        return d->if_exists || sql_error_set(e, 4924, 16, 1,
                                             "ALTER TABLE DROP COLUMN failed because column '" STR_FMT
                                             "' does not exist in table '%s'.",
                                             STR_ARG(d->name), t->name);
    const char *name, *kind;
    if (uses_column(t, c->id, &name, &kind))
        return sql_error_set(e, 5074, 16, 1, "The %s '%s' is dependent on column '" STR_FMT "'.", kind, name,
                             STR_ARG(d->name));
    if (t->column_count == 1)
        return sql_error_set(e, 4923, 16, 1,
                             "ALTER TABLE DROP COLUMN failed because '" STR_FMT
                             "' is the only data column in table "
                             "'%s'. A table must have at least one data column.",
                             STR_ARG(d->name), t->name);
    table_drop_column(t, c->id);
    return true;
}

static int32_t constraint_id(const Table *t, Str name) {
    for (size_t i = 0; i < t->foreign_key_count; i++)
        if (str_eq_icase(str_from(t->foreign_keys[i].name), name)) return t->foreign_keys[i].object_id;
    for (size_t i = 0; i < t->check_count; i++)
        if (str_eq_icase(str_from(t->checks[i].name), name)) return t->checks[i].object_id;
    for (size_t i = 0; i < t->column_count; i++)
        if (t->columns[i].default_name && str_eq_icase(str_from(t->columns[i].default_name), name))
            return t->columns[i].default_object_id;
    return 0;
}

static bool is_referenced_key(Session *s, const Table *t, const Index *x, const char **ret_key) {
    int32_t at = 0;
    for (const Table *r; (r = catalog_next_referencing(session_catalog(s), t->object_id, &at));)
        for (size_t i = 0; i < r->foreign_key_count; i++) {
            const ForeignKey *k = &r->foreign_keys[i];
            if (k->referenced_id == t->object_id &&
                ddltable_unique_on(t, k->referenced_columns, k->count) == x) {
                *ret_key = k->name;
                return true;
            }
        }
    return false;
}

static bool drop_constraint(Session *s, Table *t, const AstDrop *d, Buf *sql, Buf *undo, SqlError *e) {
    int32_t id = constraint_id(t, d->name);
    if (id) return table_drop_constraint(t, id);
    const Index *x = table_index(t, d->name);
    if (!x || !x->object_id)
        return d->if_exists ||
               sql_error_set(e, 3728, 16, 1, "'" STR_FMT "' is not a constraint.", STR_ARG(d->name));
    const char *by;
    if (is_referenced_key(s, t, x, &by))
        return sql_error_set(e, 3725, 16, 0,
                             "The constraint '%s' is being referenced by table, foreign key constraint '%s'.",
                             x->name, by);
    bool is_cdc_key;
    if (!ddl_is_cdc_key(s, t, x, &is_cdc_key, e)) return false;
    if (is_cdc_key)
        return sql_error_set(
            e, 22979, 16, 1,
            "The unique index '%s' on table '%s' is used by Change Data Capture. The constraint "
            "using this index cannot be dropped or disabled.",
            x->name, t->name);
    if (tablesql_is_rowid_index(t, x)) {
        /* The rowid stays what it is; a plain unique index takes over nothing, so rows stay where they are.
         */
        return sql_error_set(
            e, 40517, 16, 1,
            "Dropping a clustered primary key of one integer column isn't supported by this server.");
    }
    tablesql_drop_index(t, x, sql);
    tablesql_create_index(t, x, undo);
    table_drop_index(t, x->id);
    return true;
}

static bool alter_drop(Session *s, const Table *t, const AstAlterTable *a, Str text, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf undo = {0};
    Table *after = table_copy(t);
    bool ok = true, has_column = false;
    for (size_t i = 0; ok && i < a->drop_count; i++) {
        has_column |= a->drops[i].is_column;
        ok = a->drops[i].is_column ? drop_column(after, &a->drops[i], e)
                                   : drop_constraint(s, after, &a->drops[i], &sql, &undo, e);
    }
    ok = ok && (!has_column || ddl_log(s, t, text, 0, false, e));
    if (!ok) {
        (void)table_free(after);
        return false;
    }
    return ddl_change(s, t, after, buf_text(&sql), buf_text(&undo), e);
}

static bool alter_check(Session *s, const Table *t, const AstAlterTable *a, SqlError *e) {
    Table *after = table_copy(t);
    bool is_all = a->drop_count == 1 && str_eq_icase(a->drops[0].name, STR_LIT("ALL"));
    for (size_t d = 0; d < a->drop_count; d++) {
        bool found = is_all;
        for (size_t i = 0; i < after->check_count; i++)
            if (is_all || str_eq_icase(str_from(after->checks[i].name), a->drops[d].name)) {
                after->checks[i].is_disabled = !a->is_enable;
                found = true;
            }
        for (size_t i = 0; i < after->foreign_key_count; i++)
            if (is_all || str_eq_icase(str_from(after->foreign_keys[i].name), a->drops[d].name)) {
                after->foreign_keys[i].is_disabled = !a->is_enable;
                after->foreign_keys[i].is_not_trusted = true;
                found = true;
            }
        if (!found) {
            (void)table_free(after);
            return sql_error_set(e, 4917, 16, 0, "Constraint '" STR_FMT "' does not exist.",
                                 STR_ARG(a->drops[d].name));
        }
    }
    return ddl_change(s, t, after, NULL, NULL, e);
}

/* ---- the statement */

bool ddl_alter_table(Session *s, const AstStmt *st, SqlError *e) {
    const AstAlterTable *a = &st->u.alter_table;
    SqlError missing = {0};
    const Table *t = session_resolve(s, &a->name, &missing);
    if (!t)
        return sql_error_set(e, 4902, 16, 1,
                             "Cannot find the object \"" STR_FMT
                             "\" because it does not exist or you do not have "
                             "permissions.",
                             STR_ARG(a->name.name));
    if (t->kind == TABLE_VIEW)
        return sql_error_set(e, 4909, 16, 1, "Cannot alter '%s' because it is not a table.", t->name);
    if (t->kind != TABLE_USER)
        return sql_error_set(e, 40517, 16, 1,
                             "ALTER TABLE of temporary tables isn't supported by this server.");
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if ((d && !ddl_may(s, d, t, "ALTER TABLE", e)) || !ddl_check_not_cdc(s, t, "alter", e) ||
        !session_lock_table(s, t->object_id, e))
        return false;
    t = catalog_table_by_id(session_catalog(s), t->object_id);
    if (!t) return sql_error_set(e, 4902, 16, 1, "Cannot find the object because it does not exist.");
    switch (a->kind) {
    case ALTER_ADD: return alter_add(s, t, a, st->text, e);
    case ALTER_DROP: return alter_drop(s, t, a, st->text, e);
    case ALTER_COLUMN: return ddl_alter_column(s, t, &a->columns[0], st->text, e);
    case ALTER_CHECK_CONSTRAINT: return alter_check(s, t, a, e);
    }
    return true;
}
