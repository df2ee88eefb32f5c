/*
 * Rows of tables, as on the source's side (sqlserver/precheck.c): check_pg_server.c and check_pg_table.c have
 * them. To look is to write nothing: the session is made read-only once the server itself has been asked.
 */
#include "postgres/precheck_pg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "postgres/check_pg_server.h"
#include "postgres/check_pg_table.h"
#include "postgres/position_store.h"

/* ---- asking ---- */

bool precheck_pg_ask(const PrecheckPg *p, const char *sql, const char *const *params, size_t count,
                     PGresult **ret, Err *e) {
    return pgconn_query(p->conn, sql, params, count, ret, e);
}

bool precheck_pg_is(const PrecheckPg *p, const char *sql, const char *const *params, size_t count, bool *ret,
                    Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(p->conn, sql, params, count, &r, e)) return false;
    *ret = PQntuples(r) > 0 && PQgetvalue(r, 0, 0)[0] == 't';
    return true;
}

const char *precheck_pg_role(const PrecheckPg *p) {
    return PQuser(pgconn_raw(p->conn));
}

/* ---- what the tables are ---- */

static void look_done(PrecheckPgLook *look) {
    pgname_table_done(&look->name);
    catalog_pg_free(look->table);
    target_free(look->target);
    free(look->qualified);
    buf_done(&look->ddl);
}

/* false: *look says why. */
static bool look_at(const PrecheckPg *p, PrecheckPgLook *look, Err *e) {
    const TargetRules *rules = &p->config->rules;
    if (!pgname_rule_table(rules->names, look->schema, &look->name, e)) return false;
    if (!look->name.schema && !catalog_pg_current_schema(p->conn, &look->name.schema, e)) return false;
    CLEANUP(buf_done) Buf qualified = {0};
    pgname_qualified(&qualified, str_from(look->name.schema), str_from(look->name.table));
    look->qualified = str_dup(buf_view(&qualified));
    if (!catalog_pg_table(p->conn, look->name.schema, look->name.table, &look->table, e)) return false;
    if (!target_plan_ddl(p->conn, rules, look->schema, &look->ddl, e)) return false;
    return look->ddl.n > 0 || target_open(p->conn, rules, look->schema, TARGET_NO_DDL, &look->target, e);
}

static bool look_at_all(PrecheckPg *p, Err *e) {
    p->looks = x_calloc(p->tables->count + 1, sizeof *p->looks);
    for (size_t i = 0; i < p->tables->count; i++) {
        PrecheckPgLook *look = &p->looks[i];
        look->schema = p->tables->schemas[i];
        look->is_copied = p->tables->is_copied && p->tables->is_copied[i];
        if (look_at(p, look, &look->why)) continue;
        if (pgconn_is_open(p->conn)) continue;
        *e = look->why;
        return false;
    }
    return true;
}

/* ---- the list ---- */

enum { GROUPS = 3 };

static void groups(PrecheckPgDefs ret[static GROUPS]) {
    ret[0] = check_pg_connection_defs();
    ret[1] = check_pg_server_defs();
    ret[2] = check_pg_table_defs();
}

static bool run_defs(const PrecheckPg *p, PrecheckPgDefs list, bool is_run, PrecheckPgProgress *progress,
                     void *arg, Findings *out, Err *e) {
    for (size_t i = 0; i < list.count; i++) {
        const PrecheckPgDef *def = &list.defs[i];
        if (is_run ? !def->is_before_run : def->is_trial) continue;
        if (progress) progress(arg, def->name);
        size_t before = out->count;
        if (!def->run(p, def->name, out, e)) return false;
        if (out->count == before) findings_add(out, def->name, FINDING_OK, /* cure= */ NULL, "nothing found");
    }
    return true;
}

bool precheck_pg_server(PgConn *c, Err *e) {
    CLEANUP(findings_done) Findings found = {0};
    const PrecheckPg p = {.conn = c};
    return run_defs(&p, check_pg_connection_defs(), /* is_run= */ true, /* progress= */ NULL, /* arg= */ NULL,
                    &found, e) &&
           findings_pass(&found, e);
}

typedef struct Session {
    SinkConfig *config;
    PrecheckPg p;
} Session;

static void session_done(Session *s) {
    for (size_t i = 0; s->p.looks && i < s->p.tables->count; i++) look_done(&s->p.looks[i]);
    free(s->p.looks);
    pgconn_close(s->p.conn);
    sink_config_free(s->config);
}

static bool session_begin(Session *s, const Options *o, const ConnectorContext *context,
                          const PrecheckPgTables *tables, Err *e) {
    if (!sink_config_new(o, context, &s->config, e)) return false;
    const PgConnSpec spec = sink_config_conn(s->config);
    s->p = (PrecheckPg){.config = s->config, .context = context, .tables = tables};
    return pgconn_open(&spec, &s->p.conn, e);
}

static bool run_session(Session *s, bool is_run, PrecheckPgProgress *progress, void *arg, Findings *out,
                        Err *e) {
    PrecheckPgDefs all[GROUPS];
    groups(all);
    if (!run_defs(&s->p, all[0], is_run, progress, arg, out, e)) return false;
    if (!is_run && !pgconn_exec(s->p.conn, "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", e))
        return false;
    if (!look_at_all(&s->p, e)) return false;
    return run_defs(&s->p, all[1], is_run, progress, arg, out, e) &&
           run_defs(&s->p, all[2], is_run, progress, arg, out, e);
}

void precheck_pg_all(const Options *o, const ConnectorContext *context, const PrecheckPgTables *tables,
                     PrecheckPgProgress *progress, void *arg, Findings *out) {
    static const char name[] = "target-login";
    CLEANUP(session_done) Session s = {0};
    Err e = {0};
    if (progress) progress(arg, name);
    if (!session_begin(&s, o, context, tables, &e)) {
        findings_add_err(out, name, /* cure= */ NULL, &e);
        return;
    }
    const PGconn *raw = pgconn_raw(s.p.conn);
    findings_add(out, name, FINDING_OK, /* cure= */ NULL, "%s, database %s, as %s, %s", PQhost(raw),
                 PQdb(raw), PQuser(raw), PQsslInUse(pgconn_raw(s.p.conn)) ? "encrypted" : "not encrypted");
    if (!run_session(&s, /* is_run= */ false, progress, arg, out, &e))
        findings_add_err(out, name, /* cure= */ NULL, &e);
}

bool precheck_pg_start(const Options *o, const ConnectorContext *context, const PrecheckPgTables *tables,
                       Findings *out, Err *e) {
    CLEANUP(session_done) Session s = {0};
    return session_begin(&s, o, context, tables, e) &&
           run_session(&s, /* is_run= */ true, /* progress= */ NULL, /* arg= */ NULL, out, e);
}

size_t precheck_pg_names(const char **ret, size_t most) {
    PrecheckPgDefs all[GROUPS];
    size_t n = 0;
    groups(all);
    ret[n++] = "target-login";
    for (size_t i = 0; i < GROUPS; i++)
        for (size_t k = 0; k < all[i].count && n < most; k++) {
            if (n && ret[n - 1] == all[i].defs[k].name) continue; /* the trial of the same */
            ret[n++] = all[i].defs[k].name;
        }
    return n;
}

/* ---- grants ---- */

static void grant(Buf *out, const char *what, Str schema, Str table, const char *role) {
    buf_printf(out, "GRANT %s", what);
    pgname_qualified(out, schema, table);
    buf_cstr(out, " TO ");
    pgname_quote(out, str_from(role));
    buf_cstr(out, ";\n");
}

static bool grant_table(const Session *session, const Schema *s, StrMap *seen, const char *role, Buf *out,
                        Err *e) {
    CLEANUP(pgname_table_done) PgTableName name = {0};
    PgTable *table = NULL;
    if (!pgname_rule_table(session->config->rules.names, s, &name, e)) return false;
    if (!name.schema && !catalog_pg_current_schema(session->p.conn, &name.schema, e)) return false;
    if (!catalog_pg_table(session->p.conn, name.schema, name.table, &table, e)) return false;
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
    CLEANUP(session_done) Session session = {0};
    const PrecheckPgTables none = {0};
    if (!session_begin(&session, o, context, &none, e)) return false;
    const char *role = PQuser(pgconn_raw(session.p.conn));
    grant(out, "CONNECT, TEMPORARY ON DATABASE ", (Str){0}, str_from(PQdb(pgconn_raw(session.p.conn))), role);
    position_store_grants(role, out);
    StrMap *seen = strmap_new(/* ignore_case= */ false);
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = grant_table(&session, schemas[i], seen, role, out, e);
    strmap_free(seen);
    return ok;
}
