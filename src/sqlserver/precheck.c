#include "sqlserver/precheck.h"

#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/cell.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

enum {
    CANNOT_OPEN_DATABASE = 4060,
    PERMISSION_DENIED = 229,
    COLUMN_DENIED = 230,
    AZURE_SQL_DATABASE = 5,
};

/* ---- connecting ---- */

/* 4060 says neither "misspelt" nor "still recovering": ask the server itself, through its default database.
 */
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
    if (t.rows == 0)
        return err_set(e, ERR_INVALID, false, "database.names: the server %s has no database %s",
                       target->hostname, target->database);
    Str state = odbc_cell(&t, 0, 0);
    if (!str_eq_c(state, "ONLINE"))
        return err_set(e, ERR_IO, true, "database %s is " STR_FMT, target->database, STR_ARG(state));
    if (odbc_cell_int(&t, 0, 1, 1) != 1) {
        CLEANUP(buf_done) Buf cure = {0};
        setup_sql_create_user(str_from(target->user), &cure);
        return err_set(e, ERR_INVALID, false, "login %s is no user of database %s: in it, run %s",
                       target->user ? target->user : "", target->database, buf_text(&cure));
    }
    return false;
}

bool precheck_connect(const OdbcTarget *target, Odbc **ret, Err *e) {
    if (odbc_connect(target, ret, e)) return true;
    if (strstr(e->msg, "(error 4060") || strstr(e->msg, "(error 916")) (void)!explain_database(target, e);
    return false;
}

/* ---- database ---- */

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

/* ---- tables ---- */

static void check_captured(const Catalog *c, const SourceSettings *settings, const StoredState *stored,
                           TextList *problems) {
    for (size_t i = 0; i < c->table_count; i++) {
        const CatalogTable *t = &c->tables[i];
        if (t->instance_count || !settings->names_tables) continue;
        if (stored->has_position && stored_state_table(stored, t->schema, t->name)) continue;
        CLEANUP(buf_done) Buf cure = {0};
        setup_sql_enable_table(t->schema, t->name, (Str){0}, &cure);
        textlist_printf(problems, "table %s isn't captured: as db_owner, run %s", t->qualified,
                        buf_text(&cure));
    }
}

static bool is_denied(int32_t native) {
    return native == PERMISSION_DENIED || native == COLUMN_DENIED;
}

/* TOP (0) reads nothing, but wants the right to. */
static void check_readable(const CatalogInstance *in, const CatalogTable *t, Odbc *odbc, Str user,
                           TextList *problems) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf cure = {0};
    Err e;
    buf_cstr(&sql, "SELECT TOP (0) * FROM ");
    sql_text_object(t->schema, t->name, &sql);
    if (!odbc_exec(odbc, buf_text(&sql), &e)) {
        setup_sql_grant_table(t->schema, t->name, user, &cure);
        if (is_denied(odbc_last_native(odbc)))
            textlist_printf(problems, "table %s can't be read: run %s", t->qualified, buf_text(&cure));
        else textlist_printf(problems, "table %s: %s", t->qualified, e.msg);
        return;
    }
    CLEANUP(buf_done) Buf change_table = {0};
    buf_str(&change_table, in->name);
    buf_cstr(&change_table, "_CT");
    buf_clear(&sql);
    buf_cstr(&sql, "SELECT TOP (0) * FROM ");
    sql_text_object(STR_LIT("cdc"), buf_view(&change_table), &sql);
    if (odbc_exec(odbc, buf_text(&sql), &e)) return;
    setup_sql_grant_cdc(user, &cure);
    if (is_denied(odbc_last_native(odbc)))
        textlist_printf(problems, "change table cdc." STR_FMT "_CT can't be read: run %s", STR_ARG(in->name),
                        buf_text(&cure));
    else textlist_printf(problems, "change table cdc." STR_FMT "_CT: %s", STR_ARG(in->name), e.msg);
}

static void check_columns(const CatalogInstance *in, Odbc *odbc, TextList *problems) {
    for (size_t i = 0; i < in->schema->column_count; i++) {
        CellPlan plan;
        Err e;
        if (in->schema->columns[i].type == SQLTYPE_CLR)
            LOG_WARN("clr_type_as_bytes", LOG_S("table", in->schema->qualified),
                     LOG_S("column", in->schema->columns[i].name.p),
                     LOG_S("why", "only SQL Server's assembly knows what its values mean"));
        if (cell_plan(&in->schema->columns[i], odbc_driver(odbc), &plan, &e)) continue;
        textlist_printf(problems, "table %s, column " STR_FMT ": %s: leave it out by column.exclude.list",
                        in->schema->qualified, STR_ARG(in->schema->columns[i].name), e.msg);
    }
}

static Str user_of(const SourceSettings *settings) {
    return settings->target.user ? str_from(settings->target.user) : STR_LIT("millrace");
}

static void check_instance(const Catalog *c, const CatalogInstance *in, Odbc *odbc,
                           const SourceSettings *settings, TextList *problems) {
    const CatalogTable *t = &c->tables[in->table];
    check_readable(in, t, odbc, user_of(settings), problems);
    check_columns(in, odbc, problems);
    if (in->schema->key_count) return;
    LOG_WARN("table_without_key", LOG_S("table", t->qualified),
             LOG_S("cure", "a primary key, a unique index of NOT NULL columns, or message.key.columns"));
}

static void check_instances(const Catalog *c, Odbc *odbc, const SourceSettings *settings,
                            TextList *problems) {
    for (size_t i = 0; i < c->instance_count; i++)
        check_instance(c, &c->instances[i], odbc, settings, problems);
}

bool precheck_new_table(const Catalog *c, size_t table, Odbc *odbc, const SourceSettings *settings,
                        TextList *problems) {
    size_t before = problems->count;
    for (size_t i = 0; i < c->instance_count; i++)
        if (c->instances[i].table == table) check_instance(c, &c->instances[i], odbc, settings, problems);
    return problems->count == before;
}

static void check_any(const Catalog *c, const SourceSettings *settings, TextList *problems) {
    if (c->table_count == 0 && settings->names_tables)
        textlist_printf(problems,
                        "table.include.list: no table of database " STR_FMT
                        " matches (expressions match schema.table as a whole)",
                        STR_ARG(c->database));
    else if (c->instance_count == 0 && !settings->names_tables)
        textlist_printf(problems,
                        "no table of database " STR_FMT " is captured: run sys.sp_cdc_enable_table for each "
                        "(`millrace setup` prints the statements)",
                        STR_ARG(c->database));
}

bool precheck_tables(const Catalog *c, Odbc *odbc, const SourceSettings *settings, const StoredState *stored,
                     TextList *problems, Err *e) {
    bool is_running = stored->has_position;
    check_any(c, settings, problems);
    check_captured(c, settings, stored, problems);
    check_instances(c, odbc, settings, problems);
    bool is_agent_fault = false;
    if (!precheck_agent_runs(c, odbc, settings->agent_query)) {
        CLEANUP(buf_done) Buf cure = {0};
        setup_sql_start_agent(&cure);
        is_agent_fault = problems->count == 0;
        textlist_printf(problems, "SQL Server Agent isn't running, so no changes are captured: %s",
                        buf_text(&cure));
    }
    if (problems->count == 0) return true;
    if (problems->count == 1)
        return err_set(e, ERR_INVALID, is_agent_fault && is_running, "%s", problems->items[0]);
    return err_set(e, ERR_INVALID, is_agent_fault && is_running, "%s (and %zu more)", problems->items[0],
                   problems->count - 1);
}
