/*
 * Each check is a row of a table: check_server.c, check_capture.c and check_table.c have them, in the order
 * in which a person would look. A check asks, and tells what it found; which of its findings stop a run is
 * the level's to say, so the start of a run is nothing but the same rows and "is there an error".
 */
#include "sqlserver/precheck.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/check_capture.h"
#include "sqlserver/check_server.h"
#include "sqlserver/check_snapshot.h"
#include "sqlserver/check_table.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

enum {
    PERMISSION_DENIED = 229,
    COLUMN_DENIED = 230,
    STATE_DENIED = 297, /* a management view */
    SERVER_STATE_DENIED = 300,
    DATABASE_STATE_DENIED = 262,
    NOT_AUTHORIZED = 22904,
    NEEDS_SYSADMIN = 22902,
    AZURE_SQL_DATABASE = 5,
    GROUPS = 4,
};

/* ---- the list ---- */

static size_t groups(PrecheckDefs ret[static GROUPS]) {
    ret[0] = check_server_defs();
    ret[1] = check_capture_defs();
    ret[2] = check_table_defs();
    ret[3] = check_snapshot_defs();
    return GROUPS;
}

typedef enum Extent { EXTENT_NEW_TABLE, EXTENT_START, EXTENT_ALL } Extent;

static bool is_wanted(const Precheck *p, const PrecheckDef *def, Extent extent) {
    if (def->needs_cdc && !p->catalog->is_cdc_enabled) return false;
    return extent == EXTENT_ALL || (def->is_before_run && (def->is_by_table || extent == EXTENT_START));
}

static void run_one(const Precheck *p, const PrecheckDef *def, Findings *out) {
    size_t before = out->count;
    def->run(p, def->name, out);
    if (out->count == before) findings_add(out, def->name, FINDING_OK, /* cure= */ NULL, "nothing found");
}

static void run_list(const Precheck *p, Extent extent, PrecheckProgress *progress, void *arg, Findings *out) {
    PrecheckDefs all[GROUPS];
    size_t count = groups(all);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i].count; k++) {
            const PrecheckDef *def = &all[i].defs[k];
            if (!is_wanted(p, def, extent)) continue;
            if (progress) progress(arg, def->name);
            run_one(p, def, out);
        }
}

void precheck_all(const Precheck *p, PrecheckProgress *progress, void *arg, Findings *out) {
    run_list(p, EXTENT_ALL, progress, arg, out);
}

bool precheck_start(const Catalog *c, Odbc *odbc, const SourceSettings *settings, const StoredState *stored,
                    Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(findings_done) Findings found = {0};
    const Precheck p = {.catalog = c, .odbc = odbc, .settings = settings, .stored = stored, .arena = &arena};
    run_list(&p, EXTENT_START, /* progress= */ NULL, /* arg= */ NULL, &found);
    size_t errors = 0;
    for (size_t i = 0; i < found.count; i++) {
        const Finding *f = &found.items[i];
        CLEANUP_FREE char *line = finding_line(f);
        if (f->level == FINDING_WARNING)
            LOG_WARN("check_warned", LOG_S("check", f->check), LOG_S("what", line));
        else if (f->level == FINDING_ERROR && errors++ > 0) /* the first is what the run fails with */
            LOG_ERROR("check_failed", LOG_S("check", f->check), LOG_S("what", line));
    }
    return findings_pass(&found, e);
}

bool precheck_new_table(const Catalog *c, size_t table, Odbc *odbc, const SourceSettings *settings,
                        TextList *problems) {
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(findings_done) Findings found = {0};
    const Precheck p = {
        .catalog = c, .odbc = odbc, .settings = settings, .arena = &arena, .only_table = &table};
    size_t before = problems->count;
    run_list(&p, EXTENT_NEW_TABLE, /* progress= */ NULL, /* arg= */ NULL, &found);
    for (size_t i = 0; i < found.count; i++) {
        if (found.items[i].level != FINDING_ERROR) continue;
        CLEANUP_FREE char *line = finding_line(&found.items[i]);
        textlist_add(problems, str_from(line));
    }
    return problems->count == before;
}

size_t precheck_names(const char **ret, size_t most) {
    PrecheckDefs all[GROUPS];
    size_t count = groups(all), n = 0;
    ret[n++] = "source-login";
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < all[i].count && n < most; k++) ret[n++] = all[i].defs[k].name;
    return n;
}

/* ---- for the checks ---- */

const CatalogInstance *precheck_newest(const Precheck *p, size_t table) {
    for (size_t i = p->catalog->instance_count; i-- > 0;)
        if (p->catalog->instances[i].table == table) return &p->catalog->instances[i];
    return NULL;
}

bool precheck_awaits_copy(const Precheck *p, size_t table) {
    const CatalogTable *t = &p->catalog->tables[table];
    const StoredTable *stored = p->stored ? stored_state_table(p->stored, t->schema, t->name) : NULL;
    return snapshot_mode_copies(p->settings->mode, &p->settings->flags) && !t->is_uncopied &&
           !(stored && stored->is_done);
}

Str precheck_user(const Precheck *p) {
    return p->settings->target.user ? str_from(p->settings->target.user) : STR_LIT("millrace");
}

const char *precheck_grant_server_state(const Precheck *p) {
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "USE master; ");
    setup_sql_grant_server_state(precheck_user(p), &cure);
    return arena_str(p->arena, buf_view(&cure)).p;
}

static bool is_denied(int32_t native) {
    return native == PERMISSION_DENIED || native == COLUMN_DENIED || native == STATE_DENIED ||
           native == SERVER_STATE_DENIED || native == DATABASE_STATE_DENIED || native == NOT_AUTHORIZED ||
           native == NEEDS_SYSADMIN;
}

bool precheck_ask(const Precheck *p, const char *name, const char *sql, const char *cure, OdbcCells *ret,
                  Findings *out) {
    Err e;
    if (odbc_cells(p->odbc, p->arena, sql, /* params= */ NULL, 0, ret, &e)) return true;
    bool lacks_right = is_denied(odbc_last_native(p->odbc));
    findings_add(out, name, FINDING_NOTE, lacks_right ? cure : NULL, "unknown: %s", e.msg);
    return false;
}

static bool is_wanted_object(const Precheck *p, int64_t object_id) {
    for (size_t i = 0; i < p->catalog->table_count; i++)
        if (object_id && p->catalog->tables[i].object_id == object_id) return true;
    return false;
}

/* Of the rows themselves, without indexes: heap or clustered index, overflowing and long values. */
void precheck_size(const Precheck *p, int64_t *ret_rows, int64_t *ret_bytes) {
    static const char sql[] =
        "SELECT p.object_id, SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END), SUM(a.used_pages) * 8192 "
        "FROM sys.partitions p JOIN sys.allocation_units a ON a.container_id = "
        "CASE a.type WHEN 2 THEN p.partition_id ELSE p.hobt_id END "
        "WHERE p.index_id IN (0, 1) GROUP BY p.object_id";
    OdbcCells t;
    Err ignored;
    *ret_rows = *ret_bytes = 0;
    if (!odbc_cells(p->odbc, p->arena, sql, /* params= */ NULL, 0, &t, &ignored)) return;
    for (size_t i = 0; i < t.rows; i++) {
        if (!is_wanted_object(p, odbc_cell_int(&t, i, 0, 0))) continue;
        *ret_rows += odbc_cell_int(&t, i, 1, 0);
        *ret_bytes += odbc_cell_int(&t, i, 2, 0);
    }
}

/* ---- connecting ---- */

/* 4060 says neither "misspelt" nor "still recovering": ask the server itself, through its default database.
 * true: it answered, and *e says what it is. */
static bool explain_database(const OdbcTarget *target, Err *e) {
    OdbcTarget server = *target;
    server.database = NULL;
    Odbc *odbc;
    Err ignored;
    if (!odbc_connect(&server, &odbc, &ignored)) return false;
    CLEANUP(arena_done) Arena arena = {0};
    OdbcParam name = odbc_text(str_from(target->database));
    OdbcCells t;
    bool is_read =
        odbc_cells(odbc, &arena, "SELECT state_desc, HAS_DBACCESS(name) FROM sys.databases WHERE name = ?",
                   &name, 1, &t, &ignored);
    odbc_close(odbc);
    if (!is_read) return false;
    if (t.rows == 0) {
        (void)err_set(e, ERR_INVALID, false, "database.names: the server %s has no database %s",
                      target->hostname, target->database);
        return true;
    }
    Str state = odbc_cell(&t, 0, 0);
    if (!str_eq_c(state, "ONLINE")) {
        (void)err_set(e, ERR_IO, true, "database %s is " STR_FMT, target->database, STR_ARG(state));
        return true;
    }
    if (odbc_cell_int(&t, 0, 1, 1) == 1) return false;
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_create_user(str_from(target->user), &cure);
    (void)err_set(e, ERR_INVALID, false, "login %s is no user of database %s: in it, run %s",
                  target->user ? target->user : "", target->database, buf_text(&cure));
    return true;
}

static bool connect_to(const OdbcTarget *target, Odbc **ret, bool *ret_is_database, Err *e) {
    *ret_is_database = false;
    if (odbc_connect(target, ret, e)) return true;
    if (strstr(e->msg, "(error 4060") || strstr(e->msg, "(error 916"))
        *ret_is_database = explain_database(target, e);
    return false;
}

bool precheck_connect(const OdbcTarget *target, Odbc **ret, Err *e) {
    bool is_database;
    return connect_to(target, ret, &is_database, e);
}

bool precheck_connect_found(const OdbcTarget *target, Odbc **ret, Findings *out) {
    Err e;
    bool is_database;
    if (!connect_to(target, ret, &is_database, &e)) {
        findings_add_err(out, is_database ? "source-database" : "source-login", /* cure= */ NULL, &e);
        return false;
    }
    findings_add(out, "source-login", FINDING_OK, /* cure= */ NULL, "%s, database %s, as %s",
                 target->hostname, target->database ? target->database : "(the login's own)",
                 target->user ? target->user : "the Kerberos principal");
    return true;
}

/* ---- what others ask, too ---- */

bool precheck_database(const Catalog *c, Err *e) {
    if (c->is_cdc_enabled) return true;
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_enable_database(&cure);
    return err_set(e, ERR_INVALID, false,
                   "change data capture is off in database " STR_FMT ": in it, as sysadmin, run %s",
                   STR_ARG(c->database), buf_text(&cure));
}

static const char AGENT_QUERY[] =
    "SELECT CASE WHEN dss.[status] = 4 THEN 1 ELSE 0 END FROM sys.dm_server_services dss "
    "WHERE dss.[servicename] LIKE N'SQL Server Agent (%'";

static void agent_query(const Catalog *c, const char *query, Buf *out) {
    const Str mark = STR_LIT("[#db]");
    Str rest = str_from(query);
    for (const char *at; (at = memmem(rest.p, rest.n, mark.p, mark.n));) {
        buf_add(out, rest.p, (size_t)(at - rest.p));
        sql_text_name(c->database, out);
        rest = str_sub(rest, (size_t)(at - rest.p) + mark.n, rest.n);
    }
    buf_str(out, rest);
}

bool precheck_agent_runs(const Catalog *c, Odbc *odbc, const char *query) {
    if (!query && c->engine_edition == AZURE_SQL_DATABASE) return true; /* it has no agent */
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(buf_done) Buf sql = {0};
    agent_query(c, query ? query : AGENT_QUERY, &sql);
    OdbcCells t;
    Err e;
    if (!odbc_cells(odbc, &arena, buf_text(&sql), /* params= */ NULL, 0, &t, &e)) {
        LOG_DEBUG("agent_unknown", LOG_S("why", e.msg));
        return true;
    }
    return t.rows == 0 || odbc_cell_int(&t, 0, 0, 1) != 0;
}
