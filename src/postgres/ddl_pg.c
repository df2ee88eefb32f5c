#include "postgres/ddl_pg.h"

#include "base/mem.h"

static bool is_key(DdlPgKey key, size_t column) {
    for (size_t i = 0; i < key.count; i++)
        if (key.columns[i] == column) return true;
    return false;
}

static void add_column_name(const Schema *s, size_t column, const PgNameRule *rule, Buf *out) {
    CLEANUP(buf_done) Buf name = {0};
    pgname_rule_column(rule, s->columns[column].name, &name);
    pgname_quote(out, buf_view(&name));
}

/* Two source columns that differ only in case, or behind their 54th byte, may get one name. */
static bool check_distinct(const Schema *s, const PgNameRule *rule, Err *e) {
    for (size_t i = 0; i < s->column_count; i++) {
        CLEANUP(buf_done) Buf a = {0};
        pgname_rule_column(rule, s->columns[i].name, &a);
        for (size_t j = 0; j < i; j++) {
            CLEANUP(buf_done) Buf b = {0};
            pgname_rule_column(rule, s->columns[j].name, &b);
            if (str_eq(buf_view(&a), buf_view(&b)))
                return err_set(e, ERR_INVALID, false,
                               "%s: columns " STR_FMT " and " STR_FMT " would both be named %s", s->qualified,
                               STR_ARG(s->columns[j].name), STR_ARG(s->columns[i].name), buf_text(&a));
        }
    }
    return true;
}

static bool add_columns(const Schema *s, const PgNameRule *rule, DdlPgKey key, Buf *out, Err *e) {
    for (size_t i = 0; i < s->column_count; i++) {
        buf_cstr(out, i > 0 ? ", " : "");
        add_column_name(s, i, rule, out);
        buf_cstr(out, " ");
        if (!pgtype_ddl(&s->columns[i], out, e)) return err_wrap(e, "%s", s->qualified);
        bool may_be_absent = s->columns[i].is_computed; /* CDC carries no value for it */
        if (is_key(key, i) || (!s->columns[i].is_nullable && !may_be_absent)) buf_cstr(out, " NOT NULL");
    }
    return true;
}

void ddl_pg_create_schema(const char *schema, Buf *out) {
    buf_cstr(out, "CREATE SCHEMA ");
    pgname_quote(out, str_from(schema));
    buf_cstr(out, ";");
}

bool ddl_pg_create(const Schema *s, const PgTableName *name, const PgNameRule *rule, DdlPgKey key, Buf *out,
                   Err *e) {
    if (!check_distinct(s, rule, e)) return false;
    buf_cstr(out, out->n > 0 ? " CREATE TABLE " : "CREATE TABLE ");
    pgname_qualified(out, str_from(name->schema), str_from(name->table));
    buf_cstr(out, " (");
    if (!add_columns(s, rule, key, out, e)) return false;
    for (size_t i = 0; i < key.count; i++) {
        buf_cstr(out, i > 0 ? ", " : ", PRIMARY KEY (");
        add_column_name(s, key.columns[i], rule, out);
    }
    buf_cstr(out, key.count > 0 ? "));" : ");");
    return true;
}

static void begin_alter(const PgTable *have, Buf *out) {
    buf_cstr(out, out->n > 0 ? " ALTER TABLE " : "ALTER TABLE ");
    pgname_qualified(out, str_from(have->schema), str_from(have->name));
}

static bool evolve_column(const Schema *s, size_t column, const PgTable *have, const PgNameRule *rule,
                          DdlPgKey key, Buf *out, Err *e) {
    const Column *c = &s->columns[column];
    CLEANUP(buf_done) Buf name = {0};
    pgname_rule_column(rule, c->name, &name);
    int at = catalog_pg_find(have, buf_view(&name));
    if (at < 0) { /* nullable: the rows that are there have no value for it */
        begin_alter(have, out);
        buf_cstr(out, " ADD COLUMN ");
        pgname_quote(out, buf_view(&name));
        buf_cstr(out, " ");
        if (!pgtype_ddl(c, out, e)) return err_wrap(e, "%s", s->qualified);
        buf_cstr(out, ";");
        return true;
    }
    const PgColumn *column_there = &have->columns[at];
    if (column_there->is_generated) return true;
    if (pgtype_is_widening(c, &column_there->type)) {
        begin_alter(have, out);
        buf_cstr(out, " ALTER COLUMN ");
        pgname_quote(out, str_from(column_there->name));
        buf_cstr(out, " TYPE ");
        if (!pgtype_ddl(c, out, e)) return err_wrap(e, "%s", s->qualified);
        buf_cstr(out, ";");
    }
    if (column_there->is_not_null && c->is_nullable && !is_key(key, column)) {
        begin_alter(have, out);
        buf_cstr(out, " ALTER COLUMN ");
        pgname_quote(out, str_from(column_there->name));
        buf_cstr(out, " DROP NOT NULL;");
    }
    return true;
}

bool ddl_pg_evolve(const Schema *s, const PgTable *have, const PgNameRule *rule, DdlPgKey key, Buf *out,
                   Err *e) {
    if (!check_distinct(s, rule, e)) return false;
    for (size_t i = 0; i < s->column_count; i++)
        if (!evolve_column(s, i, have, rule, key, out, e)) return false;
    return true;
}
