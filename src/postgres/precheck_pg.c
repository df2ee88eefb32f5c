#include "postgres/precheck_pg.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "postgres/position_store.h"
#include "postgres/sink_option.h"

enum { OLDEST_VERSION = 120000 }; /* generated columns; older ones are out of support */

bool precheck_pg_server(PgConn *c, Err *e) {
    static const char sql[] =
        "SELECT pg_catalog.pg_is_in_recovery() OR "
        "pg_catalog.current_setting('transaction_read_only')::boolean,"
        " pg_catalog.current_setting('server_encoding'), pg_catalog.current_database(),"
        " pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'), current_user";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    int version = PQserverVersion(pgconn_raw(c));
    if (version < OLDEST_VERSION)
        return err_set(e, ERR_INVALID, false, "PostgreSQL %d.%d is too old: 12 or later is needed",
                       version / 10000, version % 100);
    if (!pgconn_query(c, sql, NULL, 0, &r, e)) return false;
    if (PQgetvalue(r, 0, 0)[0] == 't')
        return err_set(e, ERR_IO, true,
                       "this PostgreSQL server is a standby or read-only; connect to the primary "
                       "(target_session_attrs=read-write)");
    if (strcmp(PQgetvalue(r, 0, 1), "UTF8") != 0)
        return err_set(e, ERR_INVALID, false,
                       "database %s is encoded in %s, which can't hold all of SQL Server's text; "
                       "create it with ENCODING 'UTF8'",
                       PQgetvalue(r, 0, 2), PQgetvalue(r, 0, 1));
    if (PQgetvalue(r, 0, 3)[0] == 't') return true;
    return err_set(e, ERR_INVALID, false,
                   "no right to temporary tables; run: GRANT TEMPORARY ON DATABASE \"%s\" TO \"%s\"",
                   PQgetvalue(r, 0, 2), PQgetvalue(r, 0, 4));
}

/* ---- tables ---- */

typedef struct Check {
    SinkConfig *config;
    PgConn *conn;
} Check;

static void check_done(Check *check) {
    pgconn_close(check->conn);
    sink_config_free(check->config);
}

static bool check_begin(Check *check, const Options *o, const ConnectorContext *context, Err *e) {
    if (!sink_config_new(o, context, &check->config, e)) return false;
    const PgConnSpec spec = sink_config_conn(check->config);
    return pgconn_open(&spec, &check->conn, e);
}

static bool is_granted(PgConn *c, const char *sql, const char *const *params, size_t count, bool *ret,
                       Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, params, count, &r, e)) return false;
    *ret = PQntuples(r) > 0 && PQgetvalue(r, 0, 0)[0] == 't';
    return true;
}

/* The first right that lacks on the schema, and on the table. *ret_all: none lacks. */
static bool check_grants(PgConn *c, const Target *t, TextList *problems, bool *ret_all, Err *e) {
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};
    const char *schema = t->table->schema, *role = PQuser(pgconn_raw(c));
    char oid[12];
    (void)snprintf(oid, sizeof oid, "%u", (unsigned)t->table->oid);
    if (!is_granted(c, "SELECT pg_catalog.has_schema_privilege($1, 'USAGE')", &schema, 1, ret_all, e))
        return false;
    if (!*ret_all)
        textlist_printf(problems, "%s: no right to the schema; run: GRANT USAGE ON SCHEMA \"%s\" TO \"%s\"",
                        t->schema->qualified, schema, role);
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof rights / sizeof *rights; i++) {
        const char *params[] = {oid, rights[i]};
        if (!is_granted(c, "SELECT pg_catalog.has_table_privilege($1::oid, $2)", params, 2, &ok, e))
            return false;
        if (!ok)
            textlist_printf(problems,
                            "%s: no right to %s; run: GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO \"%s\"",
                            t->schema->qualified, rights[i], t->qualified, role);
    }
    *ret_all = *ret_all && ok;
    return true;
}

/* A table that is there and needs no DDL: its grants, and whether it is empty. */
static bool check_table(PgConn *c, const TargetRules *rules, const Schema *s, bool is_copied,
                        TextList *problems, Err *e) {
    Target *t = NULL;
    Err why = {0};
    if (!target_open(c, rules, s, /* may_ddl= */ false, &t, &why)) {
        if (!pgconn_is_open(c)) {
            *e = why;
            return false;
        }
        textlist_printf(problems, "%s", why.msg);
        return true;
    }
    bool is_empty = true, has_all = false, ok = check_grants(c, t, problems, &has_all, e);
    if (ok && is_copied && has_all) ok = catalog_pg_is_empty(c, t->table, &is_empty, e);
    if (ok && !is_empty)
        textlist_printf(problems,
                        "%s is to be copied into %s, which holds rows already; empty it: TRUNCATE %s",
                        s->qualified, t->qualified, t->qualified);
    target_free(t);
    return ok;
}

static bool check_schema(PgConn *c, const TargetRules *rules, const Schema *s, bool is_copied,
                         TextList *problems, Err *e) {
    CLEANUP(buf_done) Buf ddl = {0};
    Err why = {0};
    if (!target_plan_ddl(c, rules, s, &ddl, &why)) {
        if (pgconn_is_open(c)) textlist_printf(problems, "%s", why.msg);
        else *e = why;
        return pgconn_is_open(c);
    }
    if (ddl.n == 0) return check_table(c, rules, s, is_copied, problems, e);
    /* what DDL would make can't be looked at; whether it may be run can: try it, and take it back */
    if (!pgconn_exec(c, "BEGIN; SET LOCAL lock_timeout = '2s'", e)) return false;
    Target *t = NULL;
    if (target_open(c, rules, s, /* may_ddl= */ true, &t, &why)) target_free(t);
    else textlist_printf(problems, "%s", why.msg);
    pgconn_rollback(c);
    if (pgconn_is_open(c)) return true;
    *e = why;
    return false;
}

bool precheck_pg_tables(const Options *o, const ConnectorContext *context, const Schema *const *schemas,
                        size_t count, const bool *is_copied, TextList *problems, Err *e) {
    CLEANUP(check_done) Check check = {0};
    Err why = {0};
    if (!check_begin(&check, o, context, e)) return false;
    if (!precheck_pg_server(check.conn, &why)) textlist_printf(problems, "%s", why.msg);
    for (size_t i = 0; i < count; i++)
        if (!check_schema(check.conn, &check.config->rules, schemas[i], is_copied && is_copied[i], problems,
                          e))
            return false;
    if (problems->count == 0) type_overrides_unused(check.config->rules.types, problems);
    return true;
}

/* ---- grants ---- */

static void grant(Buf *out, const char *what, Str schema, Str table, const char *role) {
    buf_printf(out, "GRANT %s", what);
    pgname_qualified(out, schema, table);
    buf_cstr(out, " TO ");
    pgname_quote(out, str_from(role));
    buf_cstr(out, ";\n");
}

static bool grant_table(const Check *check, const Schema *s, StrMap *seen, const char *role, Buf *out,
                        Err *e) {
    CLEANUP(pgname_table_done) PgTableName name = {0};
    PgTable *table = NULL;
    if (!pgname_rule_table(check->config->rules.names, s, &name, e)) return false;
    if (!name.schema && !catalog_pg_current_schema(check->conn, &name.schema, e)) return false;
    if (!catalog_pg_table(check->conn, name.schema, name.table, &table, e)) return false;
    Str schema = str_from(name.schema);
    if (!strmap_get(seen, schema)) {
        buf_cstr(out, "CREATE SCHEMA IF NOT EXISTS ");
        pgname_quote(out, schema);
        buf_cstr(out, ";\n");
        grant(out, "USAGE, CREATE ON SCHEMA ", (Str){0}, schema, role);
        (void)strmap_set(seen, schema, seen);
    }
    if (table) grant(out, "SELECT, INSERT, UPDATE, DELETE ON ", schema, str_from(name.table), role);
    catalog_pg_free(table);
    return true;
}

bool precheck_pg_grants(const Options *o, const ConnectorContext *context, const Schema *const *schemas,
                        size_t count, Buf *out, Err *e) {
    CLEANUP(check_done) Check check = {0};
    if (!check_begin(&check, o, context, e)) return false;
    const char *role = PQuser(pgconn_raw(check.conn));
    grant(out, "CONNECT, TEMPORARY ON DATABASE ", (Str){0}, str_from(PQdb(pgconn_raw(check.conn))), role);
    position_store_grants(role, out);
    StrMap *seen = strmap_new(/* ignore_case= */ false);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = grant_table(&check, schemas[i], seen, role, out, e);
    strmap_free(seen);
    return ok;
}
