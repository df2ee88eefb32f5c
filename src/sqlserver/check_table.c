#include "sqlserver/check_table.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "sqlserver/cell.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/sql_text.h"

enum { PERMISSION_DENIED = 229, COLUMN_DENIED = 230, MAX_INSTANCES = 2 };

static const CatalogTable *table_of(const Precheck *p, const CatalogInstance *in) {
    return &p->catalog->tables[in->table];
}

/* Place of the table with that object id among the wanted ones; -1 = it isn't wanted. */
static int find_table(const Precheck *p, int64_t object_id) {
    for (size_t i = 0; object_id && i < p->catalog->table_count; i++)
        if (p->catalog->tables[i].object_id == object_id) return precheck_looks_at(p, i) ? (int)i : -1;
    return -1;
}

static bool is_stored(const Precheck *p, const CatalogTable *t) {
    return precheck_ran_before(p) && stored_state_table(p->stored, t->schema, t->name);
}

/* ---- which tables ---- */

/* By its default name, an instance's table: dbo_orders is of dbo.orders. */
static bool is_wanted_instance(const Precheck *p, Str instance) {
    CLEANUP_FREE char *qualified = str_dup(instance);
    char *mark = strchr(qualified, '_');
    if (mark) *mark = '.';
    return catalog_wants(&p->settings->filter, str_from(qualified));
}

/* SQL Server shows nobody a table that he may not use, so lists can't match it: it would be left out without
 * a word. Its capture instance is seen, though. */
static void check_hidden(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT ct.capture_instance FROM cdc.change_tables ct WHERE NOT EXISTS "
                      "(SELECT 1 FROM sys.tables t WHERE t.object_id = ct.source_object_id)",
                      /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++)
        findings_add(out, name, is_wanted_instance(p, odbc_cell(&t, i, 0)) ? FINDING_WARNING : FINDING_NOTE,
                     /* cure= */ NULL,
                     "capture instance " STR_FMT " is of a table that user " STR_FMT
                     " doesn't see, so that no list matches it: GRANT SELECT on the table, if it is wanted",
                     STR_ARG(odbc_cell(&t, i, 0)), STR_ARG(precheck_user(p)));
}

static void check_any(const Precheck *p, const char *name, Findings *out) {
    const Catalog *c = p->catalog;
    if (c->table_count == 0 && p->settings->names_tables)
        findings_add(out, name, FINDING_ERROR, /* cure= */ NULL,
                     "table.include.list: no table of database " STR_FMT
                     " matches (expressions match schema.table as a whole; a table that the user has no "
                     "right to isn't "
                     "seen)",
                     STR_ARG(c->database));
    else if (c->instance_count == 0 && !p->settings->names_tables)
        findings_add(out, name, FINDING_ERROR, /* cure= */ NULL,
                     "no table of database " STR_FMT " is captured: run sys.sp_cdc_enable_table for each "
                     "(`millrace setup` prints the statements)",
                     STR_ARG(c->database));
    else findings_add(out, name, FINDING_OK, NULL, "%zu wanted", c->table_count);
    check_hidden(p, name, out);
}

static void check_captured(const Precheck *p, const char *name, Findings *out) {
    size_t captured = 0;
    for (size_t i = 0; i < p->catalog->table_count; i++) {
        const CatalogTable *t = &p->catalog->tables[i];
        captured += t->instance_count > 0;
        if (t->instance_count || !p->settings->names_tables || is_stored(p, t)) continue;
        CLEANUP(buf_done) Buf cure = {0};
        setup_sql_enable_table(t->schema, t->name, (Str){0}, &cure);
        findings_add(out, name, FINDING_ERROR, buf_text(&cure), "table %s isn't captured; as db_owner, run",
                     t->qualified);
    }
    size_t left = p->catalog->table_count - captured;
    if (left && !p->settings->names_tables)
        findings_add(out, name, FINDING_NOTE, NULL,
                     "%zu tables aren't captured, and are left out (table.include.list would ask for them)",
                     left);
    else if (!left) findings_add(out, name, FINDING_OK, NULL, "all %zu", captured);
}

/* TOP (0) reads nothing, but wants the right to. false: denied, or *e says more. */
static bool may_read(const Precheck *p, Str schema, Str table, bool *ret_is_denied, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_cstr(&sql, "SELECT TOP (0) * FROM ");
    sql_text_object(schema, table, &sql);
    if (odbc_exec(p->odbc, buf_text(&sql), e)) return true;
    int32_t native = odbc_last_native(p->odbc);
    *ret_is_denied = native == PERMISSION_DENIED || native == COLUMN_DENIED;
    return false;
}

static void check_readable(const Precheck *p, const char *name, const CatalogInstance *in, Findings *out) {
    const CatalogTable *t = table_of(p, in);
    CLEANUP(buf_done) Buf cure = {0};
    CLEANUP(buf_done) Buf change_table = {0};
    bool is_denied = false;
    Err e;
    if (!may_read(p, t->schema, t->name, &is_denied, &e)) {
        setup_sql_grant_table(t->schema, t->name, precheck_user(p), &cure);
        if (is_denied)
            findings_add(out, name, FINDING_ERROR, buf_text(&cure), "table %s can't be read; run",
                         t->qualified);
        else {
            (void)err_wrap(&e, "table %s", t->qualified); /* a lost connection is no fault of the table's */
            findings_add_err(out, name, NULL, &e);
        }
        return;
    }
    buf_str(&change_table, in->name);
    buf_cstr(&change_table, "_CT");
    if (may_read(p, STR_LIT("cdc"), buf_view(&change_table), &is_denied, &e)) return;
    setup_sql_grant_cdc(precheck_user(p), &cure);
    if (is_denied)
        findings_add(out, name, FINDING_ERROR, buf_text(&cure),
                     "change table cdc." STR_FMT "_CT can't be read; run", STR_ARG(in->name));
    else {
        (void)err_wrap(&e, "change table cdc." STR_FMT "_CT", STR_ARG(in->name));
        findings_add_err(out, name, NULL, &e);
    }
}

static void check_grants(const Precheck *p, const char *name, Findings *out) {
    size_t before = out->count;
    for (size_t i = 0; i < p->catalog->instance_count; i++)
        if (precheck_looks_at(p, p->catalog->instances[i].table))
            check_readable(p, name, &p->catalog->instances[i], out);
    if (out->count == before)
        findings_add(out, name, FINDING_OK, NULL, "tables and change tables can be read");
}

/* The change functions want the role, what we read (the change tables themselves) doesn't: told, since other
 * programs and sp_cdc_help_change_data_capture go by it. */
static void check_gating_role(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT ct.source_object_id, ct.role_name, IS_ROLEMEMBER(ct.role_name), "
                      "IS_ROLEMEMBER(N'db_owner') FROM cdc.change_tables ct WHERE ct.role_name IS NOT NULL",
                      /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++) {
        int at = find_table(p, odbc_cell_int(&t, i, 0, 0));
        if (at < 0 || odbc_cell_int(&t, i, 2, 0) == 1 || odbc_cell_int(&t, i, 3, 0) == 1) continue;
        CLEANUP(buf_done) Buf cure = {0};
        buf_cstr(&cure, "ALTER ROLE ");
        sql_text_name(odbc_cell(&t, i, 1), &cure);
        buf_cstr(&cure, " ADD MEMBER ");
        sql_text_name(precheck_user(p), &cure);
        findings_add(out, name, FINDING_NOTE, buf_text(&cure),
                     "table %s: its gating role " STR_FMT
                     " hasn't this user as a member; the change tables can be read without it",
                     p->catalog->tables[at].qualified, STR_ARG(odbc_cell(&t, i, 1)));
    }
}

static void check_size(const Precheck *p, const char *name, Findings *out) {
    int64_t rows, bytes;
    precheck_size(p, &rows, &bytes);
    if (bytes)
        findings_add(out, name, FINDING_OK, NULL, "%lld rows, %lld MiB", (long long)rows,
                     (long long)(bytes >> 20));
    else findings_add(out, name, FINDING_OK, NULL, "%lld rows", (long long)rows);
}

/* ---- keys ---- */

static const char *key_sql(const Precheck *p, const CatalogTable *t) {
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "ALTER TABLE ");
    sql_text_object(t->schema, t->name, &cure);
    buf_cstr(&cure, " ADD PRIMARY KEY (…)");
    return arena_str(p->arena, buf_view(&cure)).p;
}

static void check_keys(const Precheck *p, const char *name, Findings *out) {
    for (size_t i = 0; i < p->catalog->table_count; i++) {
        const CatalogTable *t = &p->catalog->tables[i];
        const CatalogInstance *in = precheck_newest(p, i);
        if (!in || in->schema->key_count) continue;
        if (t->key.count)
            findings_add(
                out, name, FINDING_WARNING, NULL,
                "table %s: a column of its key isn't captured, so its rows are matched whole, which is "
                "slow",
                t->qualified);
        else
            findings_add(out, name, FINDING_WARNING, key_sql(p, t),
                         "table %s has no key: its rows are matched whole, which is slow; name one by "
                         "message.key.columns, or",
                         t->qualified);
    }
}

/* Copying a table without a key scans the log itself. */
static void check_handover(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    size_t due = 0;
    for (size_t i = 0; i < p->catalog->table_count; i++) {
        const CatalogInstance *in = precheck_newest(p, i);
        due += in && !in->schema->key_count && precheck_awaits_copy(p, i);
    }
    if (!due) return;
    if (!precheck_ask(p, name, "SELECT IS_ROLEMEMBER(N'db_owner')", /* cure= */ NULL, &t, out)) return;
    if (odbc_cell_int(&t, 0, 0, 0) == 1) return;
    CLEANUP(buf_done) Buf cure = {0};
    buf_cstr(&cure, "ALTER ROLE [db_owner] ADD MEMBER ");
    sql_text_name(precheck_user(p), &cure);
    findings_add(out, name, FINDING_ERROR, buf_text(&cure),
                 "%zu tables without a key are to be copied, which runs sys.sp_cdc_scan: for the copy, run",
                 due);
}

/* 'a' = 'A' there and two texts here; trailing blanks likewise. */
static bool is_folding(Str collation) {
    return collation.n &&
           !(memmem(collation.p, collation.n, "_BIN", 4) ||
             (memmem(collation.p, collation.n, "_CS", 3) && memmem(collation.p, collation.n, "_AS", 3)));
}

static bool has_column(const CatalogKey *key, int64_t column_id) {
    for (size_t i = 0; i < key->count; i++)
        if (key->column_ids[i] == column_id) return true;
    return false;
}

static void check_collations(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT c.object_id, c.column_id, c.name, c.collation_name FROM sys.columns c "
                      "JOIN sys.tables t ON t.object_id = c.object_id WHERE c.collation_name IS NOT NULL "
                      "ORDER BY c.object_id, c.column_id",
                      /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++) {
        int at = find_table(p, odbc_cell_int(&t, i, 0, 0));
        if (at < 0 || !has_column(&p->catalog->tables[at].key, odbc_cell_int(&t, i, 1, 0))) continue;
        if (!is_folding(odbc_cell(&t, i, 3))) continue;
        findings_add(
            out, name, FINDING_NOTE, NULL,
            "table %s, key column " STR_FMT ": " STR_FMT
            " takes 'a' and 'A' for one key, PostgreSQL for two: look-ups in the target have to be exact",
            p->catalog->tables[at].qualified, STR_ARG(odbc_cell(&t, i, 2)), STR_ARG(odbc_cell(&t, i, 3)));
    }
}

/* Texts of one code page among the columns that the table is paged by. */
static bool has_paged_text(const CatalogInstance *in) {
    for (size_t i = 0; i < in->paging_count; i++) {
        SqlType type = in->schema->columns[in->paging[i]].type;
        if (type == SQLTYPE_CHAR || type == SQLTYPE_VARCHAR) return true;
    }
    return false;
}

/* Where a chunk ended goes back as a parameter, which takes the database's code page on its way to the
 * column's: a letter that only the column's has would become another one, and the next chunk begin elsewhere.
 */
static void check_code_pages(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    bool any = false;
    for (size_t i = 0; i < p->catalog->instance_count; i++)
        any = any || has_paged_text(&p->catalog->instances[i]);
    if (!any || !precheck_ask(
                    p, name,
                    "SELECT c.object_id, c.column_id, c.name, c.collation_name FROM sys.columns c "
                    "WHERE c.system_type_id IN (167, 175) AND CAST(COLLATIONPROPERTY(c.collation_name, "
                    "N'CodePage') AS int) <> CAST(COLLATIONPROPERTY(CAST(DATABASEPROPERTYEX(DB_NAME(), "
                    "N'Collation') AS nvarchar(128)), N'CodePage') AS int) ORDER BY c.object_id, c.column_id",
                    /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++) {
        int at = find_table(p, odbc_cell_int(&t, i, 0, 0));
        if (at < 0 || !has_column(&p->catalog->tables[at].paging, odbc_cell_int(&t, i, 1, 0))) continue;
        findings_add(out, name, precheck_awaits_copy(p, (size_t)at) ? FINDING_ERROR : FINDING_WARNING, NULL,
                     "table %s, key column " STR_FMT ": its collation " STR_FMT
                     " has another code page than the database's, so a copy in chunks could miss rows: make "
                     "the column nvarchar or give it a collation of the database's code page; or have the "
                     "table streamed only (snapshot.include.collection.list) and fill it by other means",
                     p->catalog->tables[at].qualified, STR_ARG(odbc_cell(&t, i, 2)),
                     STR_ARG(odbc_cell(&t, i, 3)));
    }
}

/* A child may spell its parent's key in other letters; a foreign key in the target would refuse it. */
static void check_foreign_keys(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(
            p, name,
            "SELECT f.parent_object_id, f.referenced_object_id, f.name, c.name, c.collation_name "
            "FROM sys.foreign_keys f JOIN sys.foreign_key_columns k ON k.constraint_object_id = f.object_id "
            "JOIN sys.columns c ON c.object_id = k.parent_object_id AND c.column_id = k.parent_column_id "
            "WHERE c.collation_name IS NOT NULL ORDER BY f.name",
            /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++) {
        int child = find_table(p, odbc_cell_int(&t, i, 0, 0)),
            parent = find_table(p, odbc_cell_int(&t, i, 1, 0));
        if (child < 0 || parent < 0 || !is_folding(odbc_cell(&t, i, 4))) continue;
        findings_add(
            out, name, FINDING_WARNING, NULL,
            "table %s, foreign key " STR_FMT " on " STR_FMT " (" STR_FMT
            "): values that differ from %s's in case, accents or trailing blanks are allowed there and would "
            "break a foreign key in the target: keep it without one, or give both columns a nondeterministic "
            "collation",
            p->catalog->tables[child].qualified, STR_ARG(odbc_cell(&t, i, 2)), STR_ARG(odbc_cell(&t, i, 3)),
            STR_ARG(odbc_cell(&t, i, 4)), p->catalog->tables[parent].qualified);
    }
}

/* ---- columns ---- */

/* What a type can't keep on its way; NULL = it arrives whole. */
static const char *loss_of(const Column *c) {
    switch (c->type) {
    case SQLTYPE_DATETIMEOFFSET: return "arrives as its instant: the offset isn't kept";
    case SQLTYPE_TIME:
    case SQLTYPE_DATETIME2: return c->scale == 7 ? "PostgreSQL keeps 6 digits of a second, not 7" : NULL;
    case SQLTYPE_XML: return "arrives without its declaration, in UTF-8";
    case SQLTYPE_ROWVERSION: return "arrives as the source's 8 bytes; the target doesn't count on";
    case SQLTYPE_SQL_VARIANT: return "arrives as jsonb: [type, value]";
    case SQLTYPE_HIERARCHYID: return "arrives as its path";
    case SQLTYPE_GEOGRAPHY:
    case SQLTYPE_GEOMETRY: return "arrives as EWKB, as PostGIS has it";
    case SQLTYPE_CLR: return "arrives as bytes: only SQL Server's assembly knows what its values mean";
    default: return NULL;
    }
}

static void check_type(const Precheck *p, const char *name, const CatalogInstance *in, const Column *c,
                       Findings *out) {
    CLEANUP(buf_done) Buf type = {0};
    CellPlan plan;
    Err e;
    column_type_format(c, &type);
    if (!cell_plan(c, odbc_driver(p->odbc), &plan, &e))
        findings_add(out, name, FINDING_ERROR, NULL,
                     "table %s, column " STR_FMT ": %s: leave it out by column.exclude.list",
                     in->schema->qualified, STR_ARG(c->name), e.msg);
    else if (loss_of(c))
        findings_add(out, name, c->type == SQLTYPE_CLR ? FINDING_WARNING : FINDING_NOTE, NULL,
                     "table %s, column " STR_FMT " %s %s", in->schema->qualified, STR_ARG(c->name),
                     buf_text(&type), loss_of(c));
}

static void check_types(const Precheck *p, const char *name, Findings *out) {
    for (size_t i = 0; i < p->catalog->instance_count; i++) {
        const CatalogInstance *in = &p->catalog->instances[i];
        if (!precheck_looks_at(p, in->table) || precheck_newest(p, in->table) != in) continue;
        for (size_t k = 0; k < in->schema->column_count; k++)
            check_type(p, name, in, &in->schema->columns[k], out);
    }
}

static void list_lobs(const Precheck *p, Buf *out) {
    for (size_t i = 0; i < p->catalog->table_count; i++) {
        const CatalogInstance *in = precheck_newest(p, i);
        for (size_t k = 0; in && k < in->schema->column_count; k++) {
            const Column *c = &in->schema->columns[k];
            if (c->is_lob)
                buf_printf(out, "%s%s." STR_FMT, out->n ? ", " : "", in->schema->qualified, STR_ARG(c->name));
        }
    }
}

/* Change tables have NULL in computed columns. */
static void check_computed_column(const CatalogInstance *in, const char *name, const Column *c,
                                  Findings *out) {
    bool is_reread = in->rereads_computed && in->paging;
    if (c->key)
        findings_add(out, name, FINDING_ERROR, NULL,
                     "table %s: key column " STR_FMT
                     " is computed, and change tables have NULL there: name other "
                     "columns by message.key.columns",
                     in->schema->qualified, STR_ARG(c->name));
    else if (is_reread)
        findings_add(out, name, FINDING_OK, NULL, "table %s, column " STR_FMT ": computed, read again by key",
                     in->schema->qualified, STR_ARG(c->name));
    else
        findings_add(out, name, FINDING_WARNING, NULL,
                     "table %s, column " STR_FMT " is computed, and %s: it grows old in the target "
                     "(computed.columns.mode=reread or exclude, or make it GENERATED in the target)",
                     in->schema->qualified, STR_ARG(c->name),
                     in->rereads_computed ? "the table has no unique key to read it again by"
                                          : "change data capture doesn't carry it");
}

static void check_computed(const Precheck *p, const char *name, Findings *out) {
    for (size_t i = 0; i < p->catalog->instance_count; i++) {
        const CatalogInstance *in = &p->catalog->instances[i];
        if (!precheck_looks_at(p, in->table) || precheck_newest(p, in->table) != in) continue;
        for (size_t k = 0; k < in->schema->column_count; k++)
            if (in->schema->columns[k].is_computed)
                check_computed_column(in, name, &in->schema->columns[k], out);
    }
}

static void check_lobs(const Precheck *p, const char *name, Findings *out) {
    CLEANUP(buf_done) Buf columns = {0};
    OdbcCells t;
    list_lobs(p, &columns);
    if (columns.n == 0) return;
    if (!precheck_ask(p, name,
                      "SELECT CAST(value_in_use AS bigint) FROM sys.configurations "
                      "WHERE name = N'max text repl size (B)'",
                      /* cure= */ NULL, &t, out))
        return;
    int64_t limit = t.rows ? odbc_cell_int(&t, 0, 0, -1) : -1;
    if (limit >= 0)
        findings_add(
            out, name, FINDING_WARNING, "EXEC sp_configure N'max text repl size (B)', -1; RECONFIGURE",
            "max text repl size is %lld bytes: SQL Server refuses a longer value in a captured column "
            "(error 7139): %s",
            (long long)limit, buf_text(&columns));
    else findings_add(out, name, FINDING_OK, NULL, "max text repl size has no limit: %s", buf_text(&columns));
}

/* ---- instances ---- */

static void check_uncaptured_columns(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(
            p, name,
            "SELECT ct.object_id, so.name FROM cdc.change_tables ct "
            "JOIN sys.columns so ON so.object_id = ct.source_object_id "
            "WHERE NOT EXISTS (SELECT 1 FROM cdc.captured_columns cc WHERE cc.object_id = ct.object_id "
            "AND cc.column_id = so.column_id) ORDER BY ct.object_id, so.column_id",
            /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++) {
        const CatalogInstance *in = catalog_instance(p->catalog, (int32_t)odbc_cell_int(&t, i, 0, 0));
        if (!in || precheck_newest(p, in->table) != in) continue;
        const CatalogTable *table = table_of(p, in);
        CLEANUP(buf_done) Buf cure = {0};
        CLEANUP_FREE char *instance =
            x_asprintf(STR_FMT "_%s_2", STR_ARG(table->schema), table->qualified + table->schema.n + 1);
        setup_sql_enable_table(table->schema, table->name, str_from(instance), &cure);
        findings_add(out, name, FINDING_WARNING,
                     table->instance_count < MAX_INSTANCES ? buf_text(&cure) : NULL,
                     "table %s, column " STR_FMT " isn't in capture instance " STR_FMT "%s", table->qualified,
                     STR_ARG(odbc_cell(&t, i, 1)), STR_ARG(in->name),
                     table->instance_count < MAX_INSTANCES
                         ? "; make another one, it is taken over at its start"
                         : ", and a table has at most two: disable the older one first");
    }
}

static void check_two_instances(const Precheck *p, const char *name, Findings *out) {
    for (size_t i = 0; i < p->catalog->table_count; i++) {
        const CatalogTable *t = &p->catalog->tables[i];
        if (t->instance_count < MAX_INSTANCES) continue;
        CLEANUP(buf_done) Buf cure = {0};
        for (size_t k = 0; k < p->catalog->instance_count; k++) {
            const CatalogInstance *in = &p->catalog->instances[k];
            if (in->table != i) continue;
            buf_cstr(&cure, "EXEC sys.sp_cdc_disable_table @source_schema = ");
            sql_text_literal(t->schema, &cure);
            buf_cstr(&cure, ", @source_name = ");
            sql_text_literal(t->name, &cure);
            buf_cstr(&cure, ", @capture_instance = ");
            sql_text_literal(in->name, &cure);
            break;
        }
        findings_add(
            out, name, FINDING_NOTE, buf_text(&cure),
            "table %s has two capture instances, as many as there can be: the next schema change finds no "
            "room. Once the target has taken over the newer one, the older can go",
            t->qualified);
    }
}

static void check_partitions(const Precheck *p, const char *name, Findings *out) {
    OdbcCells t;
    if (!precheck_ask(p, name,
                      "SELECT ct.source_object_id, ct.capture_instance FROM cdc.change_tables ct "
                      "WHERE ct.partition_switch = 1 AND EXISTS (SELECT 1 FROM sys.indexes i JOIN "
                      "sys.partition_schemes s "
                      "ON s.data_space_id = i.data_space_id WHERE i.object_id = ct.source_object_id AND "
                      "i.index_id IN (0, 1))",
                      /* cure= */ NULL, &t, out))
        return;
    for (size_t i = 0; i < t.rows; i++) {
        int at = find_table(p, odbc_cell_int(&t, i, 0, 0));
        if (at < 0) continue;
        findings_add(
            out, name, FINDING_WARNING, NULL,
            "table %s is partitioned, and instance " STR_FMT
            " allows ALTER TABLE … SWITCH PARTITION, whose rows no change table has: make the instance with "
            "@allow_partition_switch = 0, or never switch",
            p->catalog->tables[at].qualified, STR_ARG(odbc_cell(&t, i, 1)));
    }
}

PrecheckDefs check_table_defs(void) {
    static const PrecheckDef defs[] = {
        {.name = "tables", .is_before_run = true, .needs_cdc = true, .run = check_any},
        {.name = "tables-captured", .is_before_run = true, .needs_cdc = true, .run = check_captured},
        {.name = "source-grants",
         .is_before_run = true,
         .needs_cdc = true,
         .is_by_table = true,
         .run = check_grants},
        {.name = "gating-role", .needs_cdc = true, .run = check_gating_role},
        {.name = "table-sizes", .run = check_size},
        {.name = "table-keys", .needs_cdc = true, .run = check_keys},
        {.name = "keyless-copy", .needs_cdc = true, .run = check_handover},
        {.name = "key-collations", .needs_cdc = true, .run = check_collations},
        {.name = "key-code-pages",
         .is_before_run = true,
         .needs_cdc = true,
         .is_by_table = true,
         .run = check_code_pages},
        {.name = "foreign-key-collations", .needs_cdc = true, .run = check_foreign_keys},
        {.name = "column-types",
         .is_before_run = true,
         .needs_cdc = true,
         .is_by_table = true,
         .run = check_types},
        {.name = "computed-columns",
         .is_before_run = true,
         .needs_cdc = true,
         .is_by_table = true,
         .run = check_computed},
        {.name = "lob-columns", .needs_cdc = true, .run = check_lobs},
        {.name = "columns-captured", .needs_cdc = true, .run = check_uncaptured_columns},
        {.name = "capture-instances", .needs_cdc = true, .run = check_two_instances},
        {.name = "partition-switching", .needs_cdc = true, .run = check_partitions},
    };
    return (PrecheckDefs){defs, sizeof defs / sizeof *defs};
}
