/*
 * What tells that a column was added later: no instance has its column_id, and it is higher than all that
 * they have. Columns that were left out on purpose (@captured_column_list) have lower ones, as a rule.
 */
#include "sqlserver/column_watch.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

static const char MARK[] = "_millrace"; /* in the names of instances that are made here */
enum { MAX_INSTANCE_NAME = 100 };

static const char ADDED_SQL[] =
    "SELECT so.object_id, so.name FROM sys.columns so WHERE so.is_computed = 0 AND NOT EXISTS "
    "(SELECT * FROM cdc.captured_columns cc JOIN cdc.change_tables ct ON ct.object_id = cc.object_id "
    "WHERE ct.source_object_id = so.object_id AND cc.column_id = so.column_id) AND so.column_id > "
    "(SELECT MAX(cc.column_id) FROM cdc.captured_columns cc JOIN cdc.change_tables ct ON ct.object_id = "
    "cc.object_id "
    "WHERE ct.source_object_id = so.object_id) ORDER BY so.object_id, so.column_id";

/* ---- the statement ---- */

static bool is_taken(const Catalog *c, Str name) {
    for (size_t i = 0; i < c->instance_count; i++)
        if (str_eq_icase(c->instances[i].name, name)) return true;
    return false;
}

static void free_name(const Catalog *c, const CatalogTable *t, Buf *out) {
    for (int n = 2;; n++) {
        char tail[32];
        int tail_n = snprintf(tail, sizeof tail, "%s%d", MARK, n);
        buf_clear(out);
        buf_printf(out, STR_FMT "_" STR_FMT, STR_ARG(t->schema), STR_ARG(t->name));
        size_t most = MAX_INSTANCE_NAME - (size_t)tail_n; /* bytes are at least as many as characters */
        if (out->n > most) out->n = most;
        while (out->n && (out->p[out->n - 1] & 0xc0) == 0x80) out->n--;
        if (out->n && (out->p[out->n - 1] & 0x80)) out->n--; /* not in the midst of a character */
        buf_cstr(out, tail);
        if (!is_taken(c, buf_view(out))) return;
    }
}

static void argument(const char *name, Str value, Buf *sql) {
    if (!value.n) return;
    buf_printf(sql, ", %s = ", name);
    sql_text_literal(value, sql);
}

/* The newest instance's attributes, and its columns with the added ones. */
static bool make_sql(Odbc *odbc, const Catalog *c, const CatalogTable *t, Buf *sql, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(buf_done) Buf name = {0}, columns = {0};
    OdbcCells like, captured;
    char id[16];
    (void)snprintf(id, sizeof id, "%d", (int)t->object_id);
    OdbcParam object[] = {odbc_text(str_from(id)), odbc_text(str_from(id))};
    if (!odbc_cells(odbc, &arena,
                    "SELECT TOP (1) role_name, index_name, supports_net_changes, filegroup_name "
                    "FROM cdc.change_tables WHERE source_object_id = CAST(? AS int) "
                    "ORDER BY create_date DESC, object_id DESC",
                    object, 1, &like, e) ||
        !odbc_cells(
            odbc, &arena,
            "SELECT so.name FROM sys.columns so WHERE so.object_id = CAST(? AS int) AND so.is_computed = 0 "
            "AND "
            "(so.column_id > (SELECT MAX(cc.column_id) FROM cdc.captured_columns cc JOIN cdc.change_tables "
            "ct "
            "ON ct.object_id = cc.object_id WHERE ct.source_object_id = so.object_id) OR EXISTS (SELECT * "
            "FROM "
            "cdc.captured_columns cc JOIN cdc.change_tables ct ON ct.object_id = cc.object_id WHERE "
            "ct.source_object_id = so.object_id AND cc.column_id = so.column_id)) ORDER BY so.column_id",
            object, 1, &captured, e))
        return err_wrap(e, "reading how %s is captured", t->qualified);
    if (!like.rows) return err_set(e, ERR_IO, true, "table %s isn't captured any more", t->qualified);
    for (size_t i = 0; i < captured.rows; i++) {
        buf_cstr(&columns, i ? ", " : "");
        sql_text_name(odbc_cell(&captured, i, 0), &columns);
    }
    free_name(c, t, &name);
    buf_cstr(sql, "EXEC sys.sp_cdc_enable_table @source_schema = ");
    sql_text_literal(t->schema, sql);
    argument("@source_name", t->name, sql);
    buf_cstr(sql, ", @role_name = ");
    if (odbc_cell(&like, 0, 0).n) sql_text_literal(odbc_cell(&like, 0, 0), sql);
    else buf_cstr(sql, "NULL");
    argument("@capture_instance", buf_view(&name), sql);
    buf_printf(sql, ", @supports_net_changes = %d", odbc_cell_int(&like, 0, 2, 0) != 0);
    argument("@index_name", odbc_cell(&like, 0, 1), sql);
    argument("@captured_column_list", buf_view(&columns), sql);
    argument("@filegroup_name", odbc_cell(&like, 0, 3), sql);
    return true;
}

static const CatalogInstance *oldest(const Catalog *c, size_t table) {
    for (size_t i = 0; i < c->instance_count; i++)
        if (c->instances[i].table == table) return &c->instances[i];
    return NULL;
}

static void drop_sql(const CatalogTable *t, const CatalogInstance *in, Buf *sql) {
    buf_cstr(sql, "EXEC sys.sp_cdc_disable_table @source_schema = ");
    sql_text_literal(t->schema, sql);
    argument("@source_name", t->name, sql);
    argument("@capture_instance", in->name, sql);
}

/* ---- looking ---- */

static bool tell(Odbc *odbc, const ColumnWatchSpec *spec, size_t table, const char *columns, Err *e) {
    const Catalog *c = spec->catalog;
    const CatalogTable *t = &c->tables[table];
    CLEANUP(buf_done) Buf cure = {0}, make = {0};
    bool is_full = t->instance_count > 1; /* SQL Server allows two */
    if (!make_sql(odbc, c, t, &make, e)) return false;
    if (is_full) {
        buf_cstr(&cure, "once the newer instance has taken over: ");
        drop_sql(t, oldest(c, table), &cure);
        buf_cstr(&cure, "; ");
    }
    buf_str(&cure, buf_view(&make));
    if (schema_policy_of(spec->policy, str_from(t->qualified)) == SCHEMA_FAIL)
        return err_set(
            e, ERR_INVALID, false,
            "table %s got columns that aren't captured, and schema.change.policy says fail: %s: as "
            "db_owner, run %s",
            t->qualified, columns, buf_text(&cure));
    if (spec->makes_instances && !is_full) {
        Err why;
        if (odbc_exec(odbc, buf_text(&make), &why)) {
            LOG_INFO("capture_instance_made", LOG_S("table", t->qualified), LOG_S("columns", columns),
                     LOG_S("sql", buf_text(&make)));
            return true;
        }
        LOG_WARN("capture_instance_not_made", LOG_S("table", t->qualified), LOG_S("why", why.msg));
    }
    LOG_WARN("column_not_captured", LOG_S("table", t->qualified), LOG_S("columns", columns),
             LOG_S("why", "it was added after the table's capture instances were made"),
             LOG_S("next", buf_text(&cure)));
    return true;
}

/* Whether the column is wanted and hasn't been told of. */
static bool is_news(ColumnWatch *w, const ColumnWatchSpec *spec, const CatalogTable *t, Str column) {
    CLEANUP(buf_done) Buf name = {0};
    buf_printf(&name, "%s." STR_FMT, t->qualified, STR_ARG(column));
    if (!catalog_wants_column(spec->filter, buf_view(&name)) || strmap_get(w->told, buf_view(&name)))
        return false;
    (void)strmap_set(w->told, buf_view(&name), w);
    return true;
}

static size_t table_of(const Catalog *c, int64_t object_id) {
    size_t i = 0;
    while (i < c->table_count && (c->tables[i].object_id != object_id || !c->tables[i].instance_count)) i++;
    return i;
}

bool column_watch_look(ColumnWatch *w, Odbc *odbc, const ColumnWatchSpec *spec, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    CLEANUP(buf_done) Buf columns = {0};
    OdbcCells t;
    if (!w->told) w->told = strmap_new(/* ignore_case= */ false);
    if (!odbc_cells(odbc, &arena, ADDED_SQL, /* params= */ NULL, 0, &t, e))
        return err_wrap(e, "looking for columns that aren't captured");
    for (size_t i = 0; i < t.rows; i++) {
        int64_t object_id = odbc_cell_int(&t, i, 0, 0);
        size_t table = table_of(spec->catalog, object_id);
        if (table < spec->catalog->table_count &&
            is_news(w, spec, &spec->catalog->tables[table], odbc_cell(&t, i, 1)))
            buf_printf(&columns, "%s" STR_FMT, columns.n ? ", " : "", STR_ARG(odbc_cell(&t, i, 1)));
        bool is_last = i + 1 == t.rows || odbc_cell_int(&t, i + 1, 0, 0) != object_id;
        if (is_last && columns.n && !tell(odbc, spec, table, buf_text(&columns), e)) return false;
        if (is_last) buf_clear(&columns);
    }
    return true;
}

static bool is_made_here(Str instance) {
    return instance.n && memmem(instance.p, instance.n, MARK, sizeof MARK - 1) != NULL;
}

void column_watch_drop_old(ColumnWatch *w, Odbc *odbc, const Catalog *c, const Reading *r,
                           const Lsn *applied) {
    for (size_t i = 1; i < c->instance_count; i++) {
        const CatalogInstance *newer = &c->instances[i], *older = newer - 1;
        if (older->table != newer->table || !is_made_here(newer->name) || w->has_failed_drop) continue;
        const Lsn start = reading_start(r, newer->object_id);
        if (lsn_is_zero(&start) || lsn_cmp(applied, &start) < 0) continue;
        const Lsn before = reading_start(r, older->object_id);
        if (lsn_is_zero(&before)) continue; /* it was dropped since */
        CLEANUP(buf_done) Buf sql = {0};
        Err e;
        drop_sql(&c->tables[newer->table], older, &sql);
        if (odbc_exec(odbc, buf_text(&sql), &e))
            LOG_INFO("capture_instance_dropped", LOG_S("table", c->tables[newer->table].qualified),
                     LOG_S("sql", buf_text(&sql)));
        else {
            w->has_failed_drop = true;
            LOG_WARN("capture_instance_not_dropped", LOG_S("table", c->tables[newer->table].qualified),
                     LOG_S("why", e.msg), LOG_S("next", buf_text(&sql)));
        }
    }
}

void column_watch_done(ColumnWatch *w) {
    strmap_free(w->told);
    *w = (ColumnWatch){0};
}
