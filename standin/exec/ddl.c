/*
 * The frame of schema changes. SQLite's side and the catalog's row change in one SQLite write transaction, at
 * once, also inside a user's transaction; its rollback publishes the former version again (txn_on_end). What
 * can't be brought back - a dropped table - goes only when the transaction commits. Other sessions are kept
 * away meanwhile by the object's Sch-M lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/exec/authority.h"
#include "standin/exec/ddl_internal.h"
#include "standin/exec/module.h"
#include "standin/store/table_sql.h"

bool session_lock_table(Session *s, int32_t object_id, SqlError *e) {
    if (txn_has_snapshot(s->txn))
        return sql_error_set(
            e, 3964, 16, 1,
            "Transaction failed because this DDL statement is not allowed inside a snapshot isolation "
            "transaction. Since metadata is not versioned, a metadata change can lead to "
            "inconsistency if mixed within snapshot isolation.");
    LockDuration duration = txn_count(s->txn) ? LOCK_FOR_TRANSACTION : LOCK_FOR_STATEMENT;
    return txn_lock(s->txn, (LockResource){.object_id = object_id}, LOCK_SCH_M, duration, e);
}

static bool run_sql(Session *s, const char *sql, SqlError *e) {
    if (!sql || !*sql) return true;
    int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
    if (rc == SQLITE_OK) return true;
    if ((rc & 0xff) == SQLITE_CONSTRAINT) {
        e->number = 1505; /* the caller knows which index, and says so */
        return false;
    }
    return store_sqlite_error(s->db, "change a table", e);
}

typedef struct Undo {
    Session *s;
    Table *before; /* NULL: the object is new, and goes */
    int32_t object_id;
    char *sql;
    int64_t note; /* of txn_note_schema */
} Undo;

/* Within an SQLite write transaction: SQL for SQLite (may be empty), then the new version published (may be
 * NULL), moved, then log records written. made: the change that u would undo; undone: u is being carried out.
 */
static bool apply(Session *s, const char *sql, Table *t, Undo *made, const Undo *undone, SqlError *e) {
    Store *store = server_store(s->server);
    stmtcache_clear(txn_statements(s->txn));
    if (!store_write_begin(store, s->db, e)) {
        (void)table_free(t);
        return false;
    }
    bool ok = (!made || txn_note_schema(s->txn, SCHEMA_TABLE, made->object_id, made->sql, &made->note, e)) &&
              (!undone || schemaundo_forget(s->db, undone->note, e)) && run_sql(s, sql, e);
    if (!ok) (void)table_free(t);
    if (ok && t) ok = catalog_publish_table(session_catalog(s), s->db, t, e);
    bool has_log = !txn_count(s->txn) && txn_has_log(s->txn);
    if (ok && has_log) ok = txn_flush_log(s->txn, e);
    if (!ok) {
        store_write_rollback(store, s->db);
        return false;
    }
    (void)store_next_commit(store);
    if (!store_write_commit(store, s->db, e)) return false;
    if (has_log) log_committed(session_log(s));
    return true;
}

/* ---- rollback */

static void undo_free(Undo *u) {
    u->before = table_free(u->before);
    free(u->sql);
    free(u);
}

static void undo_keep(void *arg) {
    undo_free(arg);
}

static void undo_report(const SqlError *e) {
    LOG_ERROR("schema_undo_failed", LOG_S("error", e->text));
}

static void undo_change(void *arg) {
    Undo *u = arg;
    SqlError e = {0};
    u->before->modify_us = clock_wall_us();
    if (!apply(u->s, u->sql, TAKE(u->before), /* made= */ NULL, u, &e)) undo_report(&e);
    const Table *now = catalog_table_by_id(session_catalog(u->s), u->object_id);
    if (now && !txn_overlay_follow(u->s->txn, now, &e)) undo_report(&e);
    undo_free(u);
}

static bool drop_now(Session *s, int32_t object_id, const char *sql, Undo *made, const Undo *undone,
                     SqlError *e) {
    Store *store = server_store(s->server);
    stmtcache_clear(txn_statements(s->txn));
    if (!store_write_begin(store, s->db, e)) return false;
    bool has_log = !txn_count(s->txn) && txn_has_log(s->txn);
    bool ok = (!made || txn_note_schema(s->txn, SCHEMA_TABLE, object_id, NULL, &made->note, e)) &&
              (!undone || schemaundo_forget(s->db, undone->note, e)) && run_sql(s, sql, e) &&
              catalog_drop_table(session_catalog(s), s->db, object_id, e) &&
              (!has_log || txn_flush_log(s->txn, e));
    if (!ok) {
        store_write_rollback(store, s->db);
        return false;
    }
    if (!store_write_commit(store, s->db, e)) return false;
    if (has_log) log_committed(session_log(s));
    return true;
}

static void undo_create(void *arg) {
    Undo *u = arg;
    SqlError e = {0};
    if (!drop_now(u->s, u->object_id, u->sql, /* made= */ NULL, u, &e)) undo_report(&e);
    undo_free(u);
}

static Undo *undo_new(Session *s, const Table *before, int32_t object_id, const char *sql) {
    Undo *u = x_calloc(1, sizeof *u);
    *u = (Undo){.s = s,
                .before = before ? table_copy(before) : NULL,
                .object_id = object_id,
                .sql = sql ? x_strdup(sql) : NULL};
    return u;
}

bool ddl_change(Session *s, const Table *before, Table *after, const char *sql, const char *undo_sql,
                SqlError *e) {
    int32_t object_id = after->object_id;
    Undo *u = undo_new(s, before, object_id, undo_sql);
    after->modify_us = clock_wall_us();
    if (!apply(s, sql, after, u, /* undone= */ NULL, e)) {
        undo_free(u);
        return false;
    }
    txn_on_end(s->txn, undo_change, undo_keep, u);
    const Table *now = catalog_table_by_id(session_catalog(s), object_id);
    return !now || txn_overlay_follow(s->txn, now, e);
}

bool ddl_log(Session *s, const Table *t, Str text, int32_t altered_column, bool is_drop, SqlError *e) {
    return s->has_all_rights || txn_log_ddl(s->txn, t, text, altered_column, is_drop, e);
}

/* ---- what change data capture keeps from being changed */

static bool see_row(void *arg, const Value *values, size_t count) {
    (void)values, (void)count;
    *(bool *)arg = true;
    return true;
}

bool ddl_is_cdc_key(Session *s, const Table *t, const Index *x, bool *ret, SqlError *e) {
    const SessionParam p[] = {
        {.name = STR_LIT("@table"), .type = {.id = TYPE_INT}, .value = VALUE_OF_INT(t->object_id)},
        {.name = STR_LIT("@name"),
         .type = {.id = TYPE_NVARCHAR, .length = 128},
         .value = VALUE_OF_TEXT(str_from(x->name))},
    };
    *ret = false;
    return !t->is_tracked_by_cdc ||
           proc_query(
               s, t->database_id,
               STR_LIT("SELECT 1 FROM cdc.change_tables WHERE source_object_id = @table AND index_name = "
                       "@name"),
               p, 2, see_row, ret, e);
}

bool ddl_check_not_cdc(Session *s, const Table *t, const char *verb, SqlError *e) {
    const Database *d = catalog_database_by_id(session_catalog(s), t->database_id);
    if (!d || !d->is_cdc_enabled || !t->is_ms_shipped || s->has_all_rights) return true;
    return sql_error_set(e, 3764, 16, 1,
                         "Cannot %s the table '%s.%s' because it is being used for Change Data Capture.",
                         verb, session_schema_name(s, t), t->name);
}

/* ---- what proc.h offers */

bool session_publish_table(Session *s, Table *t, SqlError *e) {
    const Table *before = catalog_table_by_id(session_catalog(s), t->object_id);
    if (!before || !session_lock_table(s, t->object_id, e)) {
        (void)table_free(t);
        return before ? false : sql_error_set(e, 3701, 11, 5, "Cannot change the table: it does not exist.");
    }
    return ddl_change(s, before, t, NULL, NULL, e);
}

bool session_create_table(Session *s, Table *t, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    bool has_rows = t->kind == TABLE_USER; /* views and procedures are in the catalog only */
    if (has_rows) {
        tablesql_choose_rowid(t);
        tablesql_create_table(t, &sql);
        for (size_t i = 0; i < t->index_count; i++) tablesql_create_index(t, &t->indexes[i], &sql);
    }
    CLEANUP_FREE char *drop = x_asprintf("DROP TABLE IF EXISTS %s", t->sql_name);
    int32_t object_id = t->object_id;
    if (!session_lock_table(s, object_id, e)) {
        (void)table_free(t);
        return false;
    }
    Undo *u = undo_new(s, NULL, object_id, has_rows ? drop : NULL);
    if (!apply(s, has_rows ? buf_text(&sql) : NULL, t, u, /* undone= */ NULL, e)) {
        undo_free(u);
        return false;
    }
    txn_on_end(s->txn, undo_create, undo_keep, u);
    return true;
}

/* COMMIT of a DROP TABLE: now SQLite's table can go. */
static void keep_drop(void *arg) {
    Undo *u = arg;
    SqlError e = {0};
    if (!apply(u->s, u->sql, NULL, NULL, NULL, &e)) undo_report(&e);
    undo_free(u);
}

static void undo_drop(void *arg) {
    Undo *u = arg;
    SqlError e = {0};
    if (!apply(u->s, NULL, TAKE(u->before), /* made= */ NULL, u, &e)) undo_report(&e);
    undo_free(u);
}

bool session_drop_table(Session *s, int32_t object_id, SqlError *e) {
    if (!session_lock_table(s, object_id, e)) return false;
    const Table *t = catalog_table_by_id(session_catalog(s), object_id);
    if (!t) return true;
    CLEANUP_FREE char *drop = x_asprintf("DROP TABLE IF EXISTS %s", t->sql_name);
    Undo *u = undo_new(s, t, object_id, t->kind == TABLE_USER ? drop : NULL);
    if (!drop_now(s, object_id, NULL, u, /* undone= */ NULL, e)) {
        undo_free(u);
        return false;
    }
    txn_on_end(s->txn, undo_drop, keep_drop, u);
    return true;
}

/* ---- databases */

typedef struct DatabaseUndo {
    Session *s;
    Database *before;
    int64_t note;
} DatabaseUndo;

static bool publish_database(Session *s, Database *d, DatabaseUndo *made, const DatabaseUndo *undone,
                             SqlError *e) {
    Store *store = server_store(s->server);
    if (!store_write_begin(store, s->db, e)) {
        (void)database_free(d);
        return false;
    }
    bool ok = (!made || txn_note_schema(s->txn, SCHEMA_DATABASE, d->id, NULL, &made->note, e)) &&
              (!undone || schemaundo_forget(s->db, undone->note, e));
    if (!ok) (void)database_free(d);
    if (!ok || !catalog_publish_database(session_catalog(s), s->db, d, e)) {
        store_write_rollback(store, s->db);
        return false;
    }
    return store_write_commit(store, s->db, e);
}

static void database_undo(void *arg) {
    DatabaseUndo *u = arg;
    SqlError e = {0};
    if (!publish_database(u->s, u->before, /* made= */ NULL, u, &e)) undo_report(&e);
    free(u);
}

static void database_keep(void *arg) {
    DatabaseUndo *u = arg;
    (void)database_free(u->before);
    free(u);
}

bool session_publish_database(Session *s, Database *d, SqlError *e) {
    const Database *before = catalog_database_by_id(session_catalog(s), d->id);
    DatabaseUndo *u = x_calloc(1, sizeof *u);
    *u = (DatabaseUndo){.s = s, .before = before ? database_copy(before) : NULL};
    if (!publish_database(s, d, u, /* undone= */ NULL, e)) {
        database_keep(u);
        return false;
    }
    if (u->before) txn_on_end(s->txn, database_undo, database_keep, u);
    else database_keep(u);
    return true;
}

/* ---- small things the others share */

void ddl_literal(const Value *v, Buf *out) {
    switch (v->kind) {
    case VALUE_NULL: buf_cstr(out, "NULL"); break;
    case VALUE_INT: buf_printf(out, "%lld", (long long)v->v.i); break;
    case VALUE_REAL: buf_printf(out, "%.17g", v->v.d); break;
    case VALUE_TEXT:
        buf_u8(out, '\'');
        for (size_t i = 0; i < v->v.s.n; i++) {
            if (v->v.s.p[i] == '\'') buf_u8(out, '\'');
            buf_u8(out, (uint8_t)v->v.s.p[i]);
        }
        buf_u8(out, '\'');
        break;
    case VALUE_BLOB:
        buf_cstr(out, "x'");
        for (size_t i = 0; i < v->v.s.n; i++) buf_printf(out, "%02x", (uint8_t)v->v.s.p[i]);
        buf_u8(out, '\'');
        break;
    }
}

bool ddl_name_is_free(Session *s, const Database *d, const Schema *schema, Str name, SqlError *e) {
    if (!catalog_table(session_catalog(s), d->id, schema->id, name)) return true;
    return sql_error_set(e, 2714, 16, 6, "There is already an object named '" STR_FMT "' in the database.",
                         STR_ARG(name));
}

/* What a statement needs on the database, or on the table it names, and what it says without. */
static uint32_t need_of(const char *what) {
    static const struct {
        const char *what;
        uint32_t need;
    } needs[] = {
        {"CREATE TABLE", PERMISSION_CREATE_TABLE},         {"CREATE VIEW", PERMISSION_CREATE_VIEW},
        {"CREATE PROCEDURE", PERMISSION_CREATE_PROCEDURE}, {"CREATE SCHEMA", PERMISSION_CREATE_SCHEMA},
        {"DROP SCHEMA", PERMISSION_ALTER_ANY_SCHEMA},      {"DROP DATABASE", PERMISSION_CONTROL}};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++)
        if (strcmp(what, needs[i].what) == 0) return needs[i].need;
    return PERMISSION_ALTER;
}

bool ddl_may(Session *s, const Database *d, const Table *t, const char *what, SqlError *e) {
    if (!session_may_change(s, d, e)) return false;
    if (t) {
        bool is_module = (t->kind == TABLE_VIEW || t->kind == TABLE_PROCEDURE) && strcmp(what, "ALTER") != 0;
        if (is_module)
            return sql_error_set(
                e, 4902, 16, 1,
                "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
                t->name);
        if (session_may(s, d, t, PERMISSION_ALTER)) return true;
        bool is_drop = strncmp(what, "DROP", 4) == 0;
        if (is_drop)
            return sql_error_set(e, 3701, 11, 5,
                                 "Cannot drop the table '%s', because it does not exist or you do not have "
                                 "permission.",
                                 t->name);
        return sql_error_set(
            e, 1088, 16, 13,
            "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
            t->name);
    }
    if (authority_may(s, d, need_of(what))) return true;
    if (strcmp(what, "ALTER DATABASE") == 0)
        return sql_error_set(
            e, 5011, 14, 9,
            "User does not have permission to alter database '%s', the database does not exist, or the "
            "database is not in a state that allows access checks.",
            d->name);
    if (strcmp(what, "DROP DATABASE") == 0)
        return sql_error_set(
            e, 3701, 11, 3,
            "Cannot drop the database '%s', because it does not exist or you do not have permission.",
            d->name);
    return sql_error_set(e, 262, 14, 1, "%s permission denied in database '%s'.", what, d->name);
}

/* A new object also needs ALTER on its schema (2760). */
bool ddl_may_create(Session *s, const Database *d, const Schema *schema, const char *what, SqlError *e) {
    if (!ddl_may(s, d, NULL, what, e)) return false;
    return (authority_on_schema(s, d, schema) & PERMISSION_ALTER) ||
           sql_error_set(
               e, 2760, 16, 1,
               "The specified schema name \"%s\" either does not exist or you do not have permission to "
               "use it.",
               schema->name);
}

static void write_name(const AstName *name, Buf *out) {
    if (name->database.n) buf_printf(out, STR_FMT ".", STR_ARG(name->database));
    if (name->database.n || name->schema.n) buf_printf(out, STR_FMT ".", STR_ARG(name->schema));
    buf_str(out, name->name);
}

/* DROP PROCEDURE and its kin. */
static bool drop_absent(const AstDropObjects *d, SqlError *e) {
    if (d->if_exists) return true;
    CLEANUP(buf_done) Buf name = {0};
    write_name(&d->names[0], &name);
    return sql_error_set(e, 3701, 11, 5,
                         "Cannot drop the %s '%s', because it does not exist or you do not have permission.",
                         d->kind, buf_text(&name));
}

static bool change_schema(Session *s, const AstStmt *st, SqlError *e) {
    switch (st->kind) {
    case STMT_CREATE_TABLE: return ddl_create_table(s, st, e);
    case STMT_DROP_TABLE: return ddl_drop_tables(s, st, e);
    case STMT_ALTER_TABLE: return ddl_alter_table(s, st, e);
    case STMT_CREATE_INDEX: return ddl_create_index(s, st, e);
    case STMT_DROP_INDEX: return ddl_drop_index(s, st, e);
    case STMT_CREATE_MODULE:
    case STMT_DROP_MODULE: return module_statement(s, st, e);
    case STMT_DROP_ABSENT: return drop_absent(&st->u.drop, e);
    case STMT_CREATE_SCHEMA:
    case STMT_DROP_SCHEMA: return ddl_schema(s, st, e);
    case STMT_CREATE_TYPE:
    case STMT_DROP_TYPE: return ddl_type(s, st, e);
    case STMT_CREATE_DATABASE:
    case STMT_ALTER_DATABASE:
    case STMT_DROP_DATABASE: return ddl_database(s, st, e);
    default: return sql_error_set(e, 40510, 16, 1, "The statement isn't supported by this server.");
    }
}

bool ddl_statement(Session *s, const AstStmt *st, SqlError *e) {
    LogMark mark = txn_log_mark(s->txn);
    if (change_schema(s, st, e)) return true;
    txn_log_rollback(s->txn, mark);
    return false;
}
