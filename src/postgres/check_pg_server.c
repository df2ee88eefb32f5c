#include "postgres/check_pg_server.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "postgres/pgname.h"
#include "postgres/position_store.h"

enum {
    OLDEST_VERSION = 120000, /* generated columns; older ones are out of support */
    NEEDED_CONNECTIONS = 3,
    SKEW_NOTE_MS = 1000,
    SHORT_MS = 60000, /* of a limit that a large transaction runs into */
};

static const char *cell(const PGresult *r, int column) {
    return PQgetvalue(r, 0, column);
}

static bool is_true(const PGresult *r, int column) {
    return cell(r, column)[0] == 't';
}

static int64_t number(const PGresult *r, int column) {
    return strtoll(cell(r, column), NULL, 10);
}

static void alter_role(const PrecheckPg *p, const char *set, Buf *out) {
    buf_cstr(out, "ALTER ROLE ");
    pgname_quote(out, str_from(precheck_pg_role(p)));
    buf_printf(out, " %s", set);
}

/* ---- of a connection ---- */

static bool check_version(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    int version = PQserverVersion(pgconn_raw(p->conn));
    (void)e;
    if (version < OLDEST_VERSION)
        findings_add(out, name, FINDING_ERROR, /* cure= */ NULL,
                     "PostgreSQL %d.%d is too old: 12 or later is needed", version / 10000, version % 100);
    else findings_add(out, name, FINDING_OK, NULL, "PostgreSQL %d.%d", version / 10000, version % 10000);
    return true;
}

static bool check_primary(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    bool is_read_only;
    if (!precheck_pg_is(p,
                        "SELECT pg_catalog.pg_is_in_recovery() OR "
                        "pg_catalog.current_setting('transaction_read_only')::boolean",
                        NULL, 0, &is_read_only, e))
        return false;
    if (!is_read_only) {
        findings_add(out, name, FINDING_OK, NULL, "the primary, and it can be written to");
        return true;
    }
    Err why;
    (void)err_set(&why, ERR_IO, true,
                  "this PostgreSQL server is a standby or read-only; connect to the primary "
                  "(target_session_attrs=read-write)");
    findings_add_err(out, name, NULL, &why);
    return true;
}

static bool check_encoding(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!precheck_pg_ask(
            p, "SELECT pg_catalog.current_setting('server_encoding'), pg_catalog.current_database()", NULL, 0,
            &r, e))
        return false;
    if (strcmp(cell(r, 0), "UTF8") == 0) {
        findings_add(out, name, FINDING_OK, NULL, "UTF8");
        return true;
    }
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0");
    findings_add(
        out, name, FINDING_ERROR, buf_text(&cure),
        "database %s is encoded in %s, which can't hold all of SQL Server's text; create it with ENCODING "
        "'UTF8'",
        cell(r, 1), cell(r, 0));
    return true;
}

static bool check_temporary(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!precheck_pg_ask(
            p,
            "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMPORARY'),"
            " pg_catalog.current_database()",
            NULL, 0, &r, e))
        return false;
    if (is_true(r, 0)) return true;
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "GRANT TEMPORARY ON DATABASE ");
    pgname_quote(&cure, str_from(cell(r, 1)));
    buf_cstr(&cure, " TO ");
    pgname_quote(&cure, str_from(precheck_pg_role(p)));
    findings_add(out, name, FINDING_ERROR, buf_text(&cure), "no right to temporary tables; run");
    return true;
}

PrecheckPgDefs check_pg_connection_defs(void) {
    static const PrecheckPgDef defs[] = {
        {.name = "target-version", .is_before_run = true, .run = check_version},
        {.name = "target-primary", .is_before_run = true, .run = check_primary},
        {.name = "target-encoding", .is_before_run = true, .run = check_encoding},
        {.name = "target-temporary", .is_before_run = true, .run = check_temporary},
    };
    return (PrecheckPgDefs){defs, sizeof defs / sizeof *defs};
}

/* ---- of the server, the database, the role ---- */

/* Where the position is kept: the schema can be made, or is there and can be used. */
static bool check_store(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!precheck_pg_ask(
            p,
            "SELECT n.oid IS NOT NULL, n.oid IS NULL AND pg_catalog.has_database_privilege("
            "pg_catalog.current_database(), 'CREATE'), n.oid IS NOT NULL AND "
            "pg_catalog.has_schema_privilege(n.oid, "
            "'USAGE'), n.oid IS NOT NULL AND pg_catalog.has_schema_privilege(n.oid, 'CREATE'),"
            " coalesce((SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'SELECT') AND "
            "pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, "
            "'UPDATE'))"
            " FROM pg_catalog.pg_class c WHERE c.relnamespace = n.oid AND c.relkind = 'r'), true)"
            " FROM (SELECT pg_catalog.to_regnamespace('millrace') AS oid) n",
            NULL, 0, &r, e))
        return false;
    CLEANUP(buf_done) Buf cure = {0};
    if (!is_true(r, 0)) {
        position_store_grants(precheck_pg_role(p), &cure);
        if (is_true(r, 1))
            findings_add(out, name, FINDING_OK, NULL, "schema millrace is to be made, and can be");
        else
            findings_add(
                out, name, FINDING_ERROR, buf_text(&cure),
                "schema millrace keeps the position; it isn't there, and the role may not make it; run");
        return true;
    }
    if (is_true(r, 2) && is_true(r, 3) && is_true(r, 4)) return true;
    buf_cstr(&cure, "GRANT USAGE, CREATE ON SCHEMA millrace TO ");
    pgname_quote(&cure, str_from(precheck_pg_role(p)));
    buf_cstr(&cure, "; GRANT ALL ON ALL TABLES IN SCHEMA millrace TO ");
    pgname_quote(&cure, str_from(precheck_pg_role(p)));
    findings_add(out, name, is_true(r, 2) && is_true(r, 4) ? FINDING_NOTE : FINDING_ERROR, buf_text(&cure),
                 "schema millrace is there, but the role %s; run",
                 is_true(r, 2) && is_true(r, 4)
                     ? "may make no tables in it, which a later version may want to"
                     : "may not use it");
    return true;
}

static bool check_owner(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    static const char sql[] =
        "SELECT a.usename, coalesce(pg_catalog.host(a.client_addr), 'this server'), a.pid,"
        " a.usename = current_user OR pg_catalog.pg_has_role(current_user, a.usesysid, 'USAGE')"
        " OR pg_catalog.pg_has_role(current_user, 'pg_signal_backend', 'USAGE')"
        " FROM millrace.position p JOIN pg_catalog.pg_stat_activity a ON a.pid = p.owner_pid"
        " WHERE p.pipeline = $1 AND p.database IN ('', coalesce($2, '')) "
        " AND coalesce(a.backend_type, 'client backend') = 'client backend'" /* others' are hidden */
        " AND (a.backend_start IS NULL OR a.backend_start = p.owner_start) LIMIT 1";
    static const char may_read_sql[] = /* to_regclass would fail without a right to the schema */
        "SELECT pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, "
        "'SELECT')"
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'millrace' AND c.relname = 'position'";
    bool may_read;
    if (!precheck_pg_is(p, may_read_sql, NULL, 0, &may_read, e)) return false;
    if (!may_read) return true;
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    const char *params[] = {p->context->name, p->context->database};
    if (!precheck_pg_ask(p, sql, params, 2, &r, e)) return false;
    if (PQntuples(r) == 0) {
        findings_add(out, name, FINDING_OK, NULL, "no other process has pipeline %s", p->context->name);
        return true;
    }
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "GRANT pg_signal_backend TO ");
    pgname_quote(&cure, str_from(precheck_pg_role(p)));
    if (is_true(r, 3))
        findings_add(out, name, FINDING_WARNING, NULL,
                     "a process has pipeline %s now (role %s, from %s, backend %s): a run here takes it "
                     "over, and that "
                     "one ends",
                     p->context->name, cell(r, 0), cell(r, 1), cell(r, 2));
    else
        findings_add(
            out, name, FINDING_WARNING, buf_text(&cure),
            "a process of role %s (from %s, backend %s) has pipeline %s, and this role couldn't end it to "
            "take over; run",
            cell(r, 0), cell(r, 1), cell(r, 2), p->context->name);
    return true;
}

static bool check_durability(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!precheck_pg_ask(p,
                         "SELECT pg_catalog.current_setting('fsync'), "
                         "pg_catalog.current_setting('full_page_writes'), "
                         "pg_catalog.current_setting('synchronous_commit')",
                         NULL, 0, &r, e))
        return false;
    if (strcmp(cell(r, 0), "off") == 0)
        findings_add(out, name, FINDING_WARNING, "ALTER SYSTEM SET fsync = on",
                     "fsync is off: a crash of the machine can leave the database corrupt");
    if (strcmp(cell(r, 1), "off") == 0)
        findings_add(out, name, FINDING_WARNING, "ALTER SYSTEM SET full_page_writes = on",
                     "full_page_writes is off: a crash of the machine can leave torn pages");
    if (strcmp(cell(r, 2), "off") == 0)
        findings_add(
            out, name, FINDING_NOTE, NULL,
            "synchronous_commit is off: a crash may lose the last commits, rows and position alike; they are "
            "read again then");
    return true;
}

static bool check_connections(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!precheck_pg_ask(
            p,
            "SELECT pg_catalog.current_setting('max_connections')::bigint -"
            " pg_catalog.current_setting('superuser_reserved_connections')::bigint - (SELECT count(*) FROM"
            " pg_catalog.pg_stat_activity WHERE usesysid IS NOT NULL"
            " AND coalesce(backend_type, 'client backend') IN ('client backend', 'walsender')),"
            " (SELECT CASE WHEN rolconnlimit < 0 THEN 1000000 ELSE rolconnlimit - (SELECT count(*) FROM"
            " pg_catalog.pg_stat_activity WHERE usename = current_user) END FROM pg_catalog.pg_roles"
            " WHERE rolname = current_user), pg_catalog.current_setting('max_connections')",
            NULL, 0, &r, e))
        return false;
    int64_t of_server = number(r, 0), of_role = number(r, 1);
    CLEANUP(buf_done) Buf cure = {0};
    if (of_role < NEEDED_CONNECTIONS) {
        alter_role(p, "CONNECTION LIMIT -1", &cure);
        findings_add(out, name, FINDING_WARNING, buf_text(&cure), "the role has %lld connections left",
                     (long long)of_role);
    } else if (of_server < NEEDED_CONNECTIONS)
        findings_add(out, name, FINDING_WARNING, "ALTER SYSTEM SET max_connections = …, then restart",
                     "%lld of %s connections are left", (long long)of_server, cell(r, 2));
    else findings_add(out, name, FINDING_OK, NULL, "%lld of %s left", (long long)of_server, cell(r, 2));
    return true;
}

static bool check_timeouts(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    static const struct Limit {
        const char *name, *why;
        FindingLevel level;
    } limits[] = {
        {"idle_in_transaction_session_timeout", "ends a large transaction while the source is read",
         FINDING_WARNING},
        {"transaction_timeout", "ends a transaction that takes longer, and it is tried again for ever",
         FINDING_WARNING},
        {"statement_timeout", "ends a statement that takes longer, and it is tried again", FINDING_WARNING},
        {"lock_timeout", "ends a statement that waits longer for a lock; it is tried again", FINDING_NOTE},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
        const char *params[] = {limits[i].name};
        if (!precheck_pg_ask(p, "SELECT setting, unit FROM pg_catalog.pg_settings WHERE name = $1", params, 1,
                             &r, e))
            return false;
        if (PQntuples(r) == 0 || number(r, 0) == 0) continue;
        int64_t ms = number(r, 0);
        CLEANUP_FREE char *set = x_asprintf("SET %s = 0", limits[i].name);
        CLEANUP(buf_done) Buf cure = {0};
        alter_role(p, set, &cure);
        findings_add(out, name, ms < SHORT_MS ? limits[i].level : FINDING_NOTE, buf_text(&cure),
                     "%s is %lld ms: it %s", limits[i].name, (long long)ms, limits[i].why);
    }
    return true;
}

static bool check_clock(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    int64_t before_us = clock_wall_us();
    if (!precheck_pg_ask(p, "SELECT (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint", NULL,
                         0, &r, e))
        return false;
    int64_t ahead_ms = number(r, 0) - (before_us + clock_wall_us()) / 2000,
            off_ms = ahead_ms < 0 ? -ahead_ms : ahead_ms;
    bool is_off = off_ms >= SKEW_NOTE_MS;
    findings_add(out, name, is_off ? FINDING_NOTE : FINDING_OK,
                 is_off ? "keep both machines at NTP's time" : NULL,
                 "PostgreSQL's clock is %lld.%03lld s %s this machine's", (long long)(off_ms / 1000),
                 (long long)(off_ms % 1000), ahead_ms < 0 ? "behind" : "ahead of");
    return true;
}

/* PostgreSQL tells nobody how much room its disks have. */
static bool check_disk(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!precheck_pg_ask(
            p, "SELECT pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(pg_catalog.current_database()))",
            NULL, 0, &r, e))
        return false;
    bool is_due = false;
    for (size_t i = 0; i < p->tables->count; i++) is_due |= p->looks[i].is_copied;
    int64_t mib = p->tables->source_bytes >> 20;
    if (!is_due)
        findings_add(out, name, FINDING_OK, NULL, "the database has %s; nothing is to be copied", cell(r, 0));
    else if (mib > 0)
        findings_add(out, name, FINDING_NOTE, "df, on the server",
                     "unknown: PostgreSQL doesn't tell what its disks have left; the database has %s, and "
                     "the source's "
                     "tables %lld MiB in %lld rows: leave twice that, with WAL and indexes",
                     cell(r, 0), (long long)mib, (long long)p->tables->source_rows);
    else
        findings_add(out, name, FINDING_NOTE, "df, on the server",
                     "unknown: PostgreSQL doesn't tell what its disks have left; the database has %s, and "
                     "%lld rows are "
                     "to come",
                     cell(r, 0), (long long)p->tables->source_rows);
    return true;
}

PrecheckPgDefs check_pg_server_defs(void) {
    static const PrecheckPgDef defs[] = {
        {.name = "target-store", .is_before_run = true, .run = check_store},
        {.name = "target-owner", .run = check_owner},
        {.name = "target-durability", .run = check_durability},
        {.name = "target-connections", .run = check_connections},
        {.name = "target-timeouts", .run = check_timeouts},
        {.name = "target-clock", .run = check_clock},
        {.name = "target-disk", .run = check_disk},
    };
    return (PrecheckPgDefs){defs, sizeof defs / sizeof *defs};
}
