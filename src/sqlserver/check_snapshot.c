#include "sqlserver/check_snapshot.h"

#include "base/buf.h"
#include "base/mem.h"
#include "sqlserver/select_override.h"
#include "sqlserver/sql_text.h"

/* TOP (0) reads nothing, but wants every column to be there. */
static void check_select(const Precheck *p, const CatalogInstance *in, const char *name, Findings *out) {
    const Schema *s = in->schema;
    const char *select = select_overrides_find(p->settings->selects, str_from(s->qualified));
    if (!select) return;
    CLEANUP(buf_done) Buf sql = {0};
    Err e;
    buf_cstr(&sql, "SELECT TOP (0) ");
    for (size_t i = 0, count = 0; i < s->column_count; i++) {
        if (in->is_gone[i]) continue;
        if (count++) buf_cstr(&sql, ", ");
        sql_text_name(s->columns[i].name, &sql);
    }
    buf_printf(&sql, " FROM (%s\n) AS [millrace]", select);
    if (odbc_exec(p->odbc, buf_text(&sql), &e)) return;
    if (e.retriable) { /* a lost connection is no fault of the statement's */
        findings_add_err(out, name, /* cure= */ NULL, &e);
        return;
    }
    findings_add(
        out, name, FINDING_ERROR, /* cure= */ NULL,
        "snapshot.select.statement.overrides.%s: it has to give all columns of the table, each by its "
        "name, and be able to stand in FROM (…): %s",
        s->qualified, e.msg);
}

static void check_selects(const Precheck *p, const char *name, Findings *out) {
    for (size_t i = 0; i < p->catalog->table_count; i++) {
        const CatalogInstance *in = precheck_newest(p, i);
        if (in && precheck_looks_at(p, i)) check_select(p, in, name, out);
    }
}

static bool is_copied_exactly(const Precheck *p, size_t table) {
    const CatalogInstance *in = precheck_newest(p, table);
    return in && !in->schema->key_count && precheck_looks_at(p, table) && precheck_awaits_copy(p, table);
}

/* The capture job's scan runs on the primary alone, and a table lock on a replica keeps nobody from writing.
 */
static void check_replica(const Precheck *p, const char *name, Findings *out) {
    if (!p->settings->target.is_read_only) return;
    const char *keyless = NULL;
    for (size_t i = 0; i < p->catalog->table_count; i++)
        if (is_copied_exactly(p, i)) keyless = p->catalog->tables[i].qualified;
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT CAST(DATABASEPROPERTYEX(DB_NAME(), N'Updateability') AS nvarchar(128))",
                      /* cure= */ NULL, &t, out))
        return;
    bool is_replica = t.rows && str_eq_icase(odbc_cell(&t, 0, 0), STR_LIT("READ_ONLY"));
    if (!is_replica)
        findings_add(out, name, FINDING_NOTE, /* cure= */ NULL,
                     "database.applicationIntent=ReadOnly, but this is no read-only replica: the listener's "
                     "routing list may be missing");
    else if (keyless)
        findings_add(out, name, FINDING_ERROR, /* cure= */ NULL,
                     "table %s has no key, and its exact copy needs the primary: copy it with "
                     "database.applicationIntent=ReadWrite, or name a key by message.key.columns",
                     keyless);
    else if (p->settings->heartbeat_ms && p->settings->heartbeat_query)
        findings_add(out, name, FINDING_WARNING, /* cure= */ NULL,
                     "heartbeat.action.query can't write on a read-only replica");
}

PrecheckDefs check_snapshot_defs(void) {
    static const PrecheckDef defs[] = {
        {.name = "snapshot-selects",
         .is_before_run = true,
         .needs_cdc = true,
         .is_by_table = true,
         .run = check_selects},
        {.name = "read-only-replica",
         .is_before_run = true,
         .needs_cdc = true,
         .is_by_table = true,
         .run = check_replica},
    };
    return (PrecheckDefs){defs, sizeof defs / sizeof *defs};
}
