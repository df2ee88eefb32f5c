#include "postgres/check_pg_table.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "postgres/pgname.h"
#include "postgres/type_override.h"

enum { OID_TEXT = 12, DDL_SHOWN = 300 };

static const char *oid_text(const PgTable *t, char buf[static OID_TEXT]) {
    (void)snprintf(buf, OID_TEXT, "%u", (unsigned)t->oid);
    return buf;
}

static void grant(const PrecheckPg *p, const char *what, const char *on, Buf *out) {
    buf_printf(out, "GRANT %s ON %s TO ", what, on);
    pgname_quote(out, str_from(precheck_pg_role(p)));
}

/* ---- names ---- */

static void check_long(const PrecheckPgLook *look, Str source, const char *what, const char *name,
                       Findings *out) {
    if (source.n <= PGNAME_MAX_BYTES) return;
    CLEANUP(buf_done) Buf fit = {0};
    pgname_fit(&fit, source);
    findings_add(out, name, FINDING_NOTE, /* cure= */ NULL,
                 "%s: %s " STR_FMT " has %zu bytes, PostgreSQL takes 63: it becomes %s",
                 look->schema->qualified, what, STR_ARG(source), source.n, buf_text(&fit));
}

/* Two that become one name are an error of the look itself (check_fit). */
static bool check_names(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    (void)e;
    for (size_t i = 0; i < p->tables->count; i++) {
        const PrecheckPgLook *look = &p->looks[i];
        check_long(look, look->schema->table, "table name", name, out);
        for (size_t k = 0; k < look->schema->column_count; k++)
            check_long(look, look->schema->columns[k].name, "column", name, out);
    }
    return true;
}

/* ---- fit ---- */

/* Of a table that is to be altered: DDL adds and widens columns, it doesn't change what a column is. */
static size_t check_columns(const PrecheckPg *p, const char *name, const PrecheckPgLook *look,
                            Findings *out) {
    size_t bad = 0;
    for (size_t i = 0; i < look->schema->column_count; i++) {
        const Column *c = &look->schema->columns[i];
        CLEANUP(buf_done) Buf column = {0};
        CLEANUP_FREE char *what = x_asprintf("%s." STR_FMT, look->schema->qualified, STR_ARG(c->name));
        pgname_rule_column(p->config->rules.names, c->name, &column);
        int place = catalog_pg_find(look->table, buf_view(&column));
        PgField unused;
        Err why = {0};
        if (place < 0 || look->table->columns[place].is_generated) continue;
        const PgType *type = &look->table->columns[place].type;
        if (pgtype_field(c, type, what, &unused, &why) || pgtype_is_widening(c, type)) continue;
        findings_add_err(out, name, NULL, &why);
        bad++;
    }
    return bad;
}

static bool check_fit(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    size_t made = 0, altered = 0, bad = 0;
    (void)e;
    for (size_t i = 0; i < p->tables->count; i++) {
        const PrecheckPgLook *look = &p->looks[i];
        if (look->why.code != ERR_OK) {
            findings_add_err(out, name, NULL, &look->why);
            bad++;
            continue;
        }
        if (!look->ddl.n) continue;
        *(look->table ? &altered : &made) += 1;
        if (look->table) bad += check_columns(p, name, look, out);
    }
    if (!bad && p->config->rules.types) {
        TextList unused = {0};
        type_overrides_unused(p->config->rules.types, &unused);
        /* another database of the same pipeline may have the column */
        bool is_fault = !p->context->has_siblings;
        for (size_t i = 0; i < unused.count; i++)
            findings_add(out, name, is_fault ? FINDING_ERROR : FINDING_NOTE, NULL, "%s", unused.items[i]);
        if (is_fault) bad = unused.count;
        textlist_done(&unused);
    }
    if (!bad)
        findings_add(out, name, FINDING_OK, NULL, "of %zu, %zu are to be made and %zu altered",
                     p->tables->count, made, altered);
    return true;
}

static bool may_make(const PrecheckPg *p, const char *name, const PrecheckPgLook *look, Findings *out,
                     Err *e) {
    bool has_schema, may;
    const char *schema = look->name.schema;
    if (!catalog_pg_has_schema(p->conn, schema, &has_schema, e)) return false;
    if (!(has_schema
              ? precheck_pg_is(p,
                               "SELECT pg_catalog.has_schema_privilege($1, 'USAGE')"
                               " AND pg_catalog.has_schema_privilege($1, 'CREATE')",
                               &schema, 1, &may, e)
              : precheck_pg_is(p,
                               "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), "
                               "'CREATE')",
                               NULL, 0, &may, e)))
        return false;
    if (may) return true;
    CLEANUP(buf_done) Buf cure = {0}, quoted = {0};
    buf_cstr(&quoted, has_schema ? "SCHEMA " : "DATABASE ");
    pgname_quote(&quoted, str_from(has_schema ? schema : PQdb(pgconn_raw(p->conn))));
    grant(p, has_schema ? "USAGE, CREATE" : "CREATE", buf_text(&quoted), &cure);
    findings_add(out, name, FINDING_ERROR, buf_text(&cure),
                 "%s: table %s is to be made, which the role may not; run", look->schema->qualified,
                 look->qualified);
    return true;
}

static bool may_alter(const PrecheckPg *p, const char *name, const PrecheckPgLook *look, Findings *out,
                      Err *e) {
    char oid[OID_TEXT];
    const char *params[] = {oid_text(look->table, oid)};
    bool may;
    if (!precheck_pg_is(
            p,
            "SELECT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_catalog.pg_class c "
            "WHERE c.oid = $1::oid",
            params, 1, &may, e))
        return false;
    if (may) return true;
    CLEANUP(buf_done) Buf cure = {0};
    buf_printf(&cure, "ALTER TABLE %s OWNER TO ", look->qualified);
    pgname_quote(&cure, str_from(precheck_pg_role(p)));
    findings_add(
        out, name, FINDING_ERROR, buf_text(&cure),
        "%s: table %s has to be altered, which only its owner may (or run the statements of target-ddl)",
        look->schema->qualified, look->qualified);
    return true;
}

/* *ret_all: none lacks. */
static bool may_write(const PrecheckPg *p, const char *name, const PrecheckPgLook *look, bool *ret_all,
                      Findings *out, Err *e) {
    static const char *const rights[] = {"SELECT", "INSERT", "UPDATE", "DELETE"};
    const char *schema = look->table->schema;
    char oid[OID_TEXT];
    bool has_schema = false, ok = true;
    if (!precheck_pg_is(p, "SELECT pg_catalog.has_schema_privilege($1, 'USAGE')", &schema, 1, &has_schema, e))
        return false;
    if (!has_schema) {
        CLEANUP(buf_done) Buf cure = {0}, quoted = {0};
        buf_cstr(&quoted, "SCHEMA ");
        pgname_quote(&quoted, str_from(schema));
        grant(p, "USAGE", buf_text(&quoted), &cure);
        findings_add(out, name, FINDING_ERROR, buf_text(&cure), "%s: no right to the schema; run",
                     look->schema->qualified);
    }
    for (size_t i = 0; ok && i < sizeof rights / sizeof *rights; i++) {
        const char *params[] = {oid_text(look->table, oid), rights[i]};
        if (!precheck_pg_is(p, "SELECT pg_catalog.has_table_privilege($1::oid, $2)", params, 2, &ok, e))
            return false;
        if (ok) continue;
        CLEANUP(buf_done) Buf cure = {0};
        grant(p, "SELECT, INSERT, UPDATE, DELETE", look->qualified, &cure);
        findings_add(out, name, FINDING_ERROR, buf_text(&cure), "%s: no right to %s; run",
                     look->schema->qualified, rights[i]);
    }
    *ret_all = has_schema && ok;
    return true;
}

static bool check_rights(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    for (size_t i = 0; i < p->tables->count; i++) {
        const PrecheckPgLook *look = &p->looks[i];
        bool all;
        if (look->why.code != ERR_OK) continue;
        if (!look->table && !may_make(p, name, look, out, e)) return false;
        if (look->table && !may_write(p, name, look, &all, out, e)) return false;
        if (look->table && look->ddl.n && !may_alter(p, name, look, out, e)) return false;
    }
    return true;
}

static bool check_empty(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    size_t due = 0;
    for (size_t i = 0; i < p->tables->count; i++) {
        const PrecheckPgLook *look = &p->looks[i];
        char oid[OID_TEXT];
        bool may_read = false, is_empty = true;
        due += look->is_copied;
        if (!look->is_copied || !look->table || look->table->relkind == 'v') continue;
        const char *params[] = {oid_text(look->table, oid)};
        if (!precheck_pg_is(p,
                            "SELECT pg_catalog.has_table_privilege(c.oid, 'SELECT') AND "
                            "pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') "
                            "FROM pg_catalog.pg_class c WHERE c.oid = $1::oid",
                            params, 1, &may_read, e))
            return false;
        if (may_read && !catalog_pg_is_empty(p->conn, look->table, &is_empty, e)) return false;
        if (is_empty) continue;
        CLEANUP_FREE char *cure = x_asprintf("TRUNCATE %s", look->qualified);
        findings_add(out, name, FINDING_ERROR, cure,
                     "%s is to be copied into %s, which holds rows already; empty it",
                     look->schema->qualified, look->qualified);
    }
    if (!due) findings_add(out, name, FINDING_OK, NULL, "nothing is to be copied");
    return true;
}

/* ---- statements that a run would send ---- */

static bool show_ddl(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    (void)e;
    for (size_t i = 0; i < p->tables->count; i++) {
        PrecheckPgLook *look = &p->looks[i];
        if (look->why.code != ERR_OK || !look->ddl.n) continue;
        const char *ddl = buf_text(&look->ddl);
        bool is_long = look->ddl.n > DDL_SHOWN;
        findings_add(out, name, look->table ? FINDING_NOTE : FINDING_OK, NULL, "%s, to be run: %.*s%s",
                     look->schema->qualified, is_long ? DDL_SHOWN : (int)look->ddl.n, ddl,
                     is_long ? "…" : "");
    }
    return true;
}

/* What DDL would make can't be looked at; whether it may be run can: try it, and take it back. A new table's
 * files are left out: making and removing them for a thousand tables takes longer than all other checks. */
static bool try_ddl(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    for (size_t i = 0; i < p->tables->count; i++) {
        const PrecheckPgLook *look = &p->looks[i];
        Target *t = NULL;
        Err why = {0};
        if (look->why.code != ERR_OK || !look->ddl.n) continue;
        if (!pgconn_exec(p->conn, "BEGIN; SET LOCAL lock_timeout = '2s'", e)) return false;
        if (target_open(p->conn, &p->config->rules, look->schema, TARGET_DDL_TRIAL, &t, &why)) target_free(t);
        else findings_add_err(out, name, NULL, &why);
        pgconn_rollback(p->conn);
        if (pgconn_is_open(p->conn)) continue;
        *e = why;
        return false;
    }
    return true;
}

/* ---- what the tables have besides ---- */

/* One query for each table that is there: rows of (what, cure). $1: the table; $2: more, NULL = there is
 * none. */
static bool each_row(const PrecheckPg *p, const char *name, FindingLevel level, const char *sql,
                     const char *more, bool only_copied, const char *text, Findings *out, Err *e) {
    for (size_t i = 0; i < p->tables->count; i++) {
        const PrecheckPgLook *look = &p->looks[i];
        char oid[OID_TEXT];
        CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
        if (!look->table || (only_copied && !look->is_copied)) continue;
        const char *params[] = {oid_text(look->table, oid), more};
        if (!precheck_pg_ask(p, sql, params, more ? 2 : 1, &r, e)) return false;
        for (int row = 0; row < PQntuples(r); row++)
            findings_add(out, name, level, PQgetisnull(r, row, 1) ? NULL : PQgetvalue(r, row, 1), "%s: %s %s",
                         look->qualified, PQgetvalue(r, row, 0), text);
    }
    return true;
}

/* Those that the role may drop are taken away by the run itself (foreign_keys.h). */
static bool check_foreign_keys(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
#define KEYS_OF_TABLE                                                                                        \
    " FROM pg_catalog.pg_constraint c JOIN pg_catalog.pg_class r ON r.oid = c.conrelid"                      \
    " WHERE $1::oid IN (c.conrelid, c.confrelid) AND c.contype = 'f' AND c.conparentid = 0 AND "
    static const char in_the_way[] =
        "SELECT 'foreign key ' || pg_catalog.quote_ident(c.conname),"
        " pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I; and after the copy: ALTER TABLE %s ADD "
        "CONSTRAINT %I %s', c.conrelid::regclass, c.conname, c.conrelid::regclass, c.conname,"
        " pg_catalog.pg_get_constraintdef(c.oid))" KEYS_OF_TABLE
        "(NOT $2::boolean OR NOT pg_catalog.pg_has_role(r.relowner, 'USAGE')) ORDER BY c.conname";
    static const char suspended[] =
        "SELECT 'foreign key ' || pg_catalog.quote_ident(c.conname),"
        " NULL::text" KEYS_OF_TABLE "$2::boolean AND pg_catalog.pg_has_role(r.relowner, 'USAGE') ORDER BY "
        "c.conname";
#undef KEYS_OF_TABLE
    const char *suspends = p->config->suspends_foreign_keys ? "t" : "f";
    return each_row(p, name, FINDING_WARNING, in_the_way, suspends, /* only_copied= */ true,
                    "is in the way of the first copy, which takes tables side by side and chunk by chunk; "
                    "only its table's owner can take it away for that time",
                    out, e) &&
           each_row(p, name, FINDING_NOTE, suspended, suspends, /* only_copied= */ true,
                    "is taken away for the time of the first copy and made again after it", out, e);
}

static bool check_triggers(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    return each_row(p, name, FINDING_WARNING,
                    "SELECT 'trigger ' || pg_catalog.quote_ident(t.tgname),"
                    " pg_catalog.format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname)"
                    " FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND "
                    "t.tgenabled IN ('O', 'A')"
                    " ORDER BY t.tgname",
                    /* more= */ NULL, /* only_copied= */ false,
                    "runs at every row written: what it did in the source comes with the changes, and would "
                    "be done twice",
                    out, e);
}

static bool check_row_security(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    return each_row(p, name, FINDING_WARNING,
                    "SELECT 'row security', pg_catalog.format('ALTER ROLE %I BYPASSRLS', current_user) FROM "
                    "pg_catalog.pg_class c"
                    " WHERE c.oid = $1::oid AND c.relrowsecurity AND pg_catalog.row_security_active(c.oid)",
                    /* more= */ NULL, /* only_copied= */ false,
                    "hides rows from the role: updates and deletes would miss them", out, e);
}

static bool check_persistence(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    return each_row(
        p, name, FINDING_WARNING,
        "SELECT 'an unlogged table', pg_catalog.format('ALTER TABLE %s SET LOGGED', c.oid::regclass)"
        " FROM pg_catalog.pg_class c WHERE c.oid = $1::oid AND c.relpersistence = 'u'",
        /* more= */ NULL, /* only_copied= */ false,
        "is emptied by a crash of the server, but the position isn't: its rows would be lost", out, e);
}

/* A sequence behind the column doesn't move while rows come with their numbers. */
static bool check_identity(const PrecheckPg *p, const char *name, Findings *out, Err *e) {
    return each_row(
        p, name, FINDING_NOTE,
        "SELECT CASE WHEN a.attgenerated <> '' THEN 'generated column ' ELSE 'identity column ' END ||"
        " pg_catalog.quote_ident(a.attname), NULL::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = "
        "$1::oid"
        " AND a.attnum > 0 AND NOT a.attisdropped AND (a.attgenerated <> '' OR a.attidentity <> '') ORDER BY "
        "a.attnum",
        /* more= */ NULL, /* only_copied= */ false,
        "(generated: PostgreSQL computes it, the source's value isn't written; identity: its sequence is to "
        "be set at "
        "the cut-over)",
        out, e);
}

PrecheckPgDefs check_pg_table_defs(void) {
    static const PrecheckPgDef defs[] = {
        {.name = "target-names", .run = check_names},
        {.name = "target-tables", .is_before_run = true, .run = check_fit},
        {.name = "target-rights", .is_before_run = true, .run = check_rights},
        {.name = "target-empty", .is_before_run = true, .run = check_empty},
        {.name = "target-ddl", .run = show_ddl},
        {.name = "target-ddl", .is_before_run = true, .is_trial = true, .run = try_ddl},
        {.name = "target-foreign-keys", .run = check_foreign_keys},
        {.name = "target-triggers", .run = check_triggers},
        {.name = "target-row-security", .run = check_row_security},
        {.name = "target-unlogged", .run = check_persistence},
        {.name = "target-computed", .run = check_identity},
    };
    return (PrecheckPgDefs){defs, sizeof defs / sizeof *defs};
}
