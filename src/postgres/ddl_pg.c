#include "postgres/ddl_pg.h"

#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"

static bool is_key(const DdlPgSource *s, size_t column) {
    for (size_t i = 0; i < s->key_count; i++)
        if (s->key[i] == column) return true;
    return false;
}

static void add_column_name(const DdlPgSource *s, size_t column, Buf *out) {
    CLEANUP(buf_done) Buf name = {0};
    pgname_rule_column(s->names, s->schema->columns[column].name, &name);
    pgname_quote(out, buf_view(&name));
}

/* Two source columns that differ only in case, or behind their 54th byte, may get one name. */
static bool check_distinct(const DdlPgSource *s, Err *e) {
    StrMap *taken = strmap_new(/* ignore_case= */ false); /* name → source column */
    bool ok = true;
    for (size_t i = 0; ok && i < s->schema->column_count; i++) {
        const Column *c = &s->schema->columns[i], *before;
        CLEANUP(buf_done) Buf name = {0};
        pgname_rule_column(s->names, c->name, &name);
        before = strmap_get(taken, buf_view(&name));
        if (!before) (void)strmap_set(taken, buf_view(&name), (void *)(uintptr_t)c);
        else
            ok = err_set(e, ERR_INVALID, false,
                         "%s: columns " STR_FMT " and " STR_FMT " would both be named %s",
                         s->schema->qualified, STR_ARG(before->name), STR_ARG(c->name), buf_text(&name));
    }
    strmap_free(taken);
    return ok;
}

bool ddl_pg_type(const DdlPgSource *s, size_t column, Buf *out, Err *e) {
    if (s->types && s->types[column]) {
        buf_cstr(out, s->types[column]);
        return true;
    }
    return pgtype_ddl(&s->schema->columns[column], out, e) || err_wrap(e, "%s", s->schema->qualified);
}

static bool add_columns(const DdlPgSource *s, Buf *out, Err *e) {
    for (size_t i = 0; i < s->schema->column_count; i++) {
        const Column *c = &s->schema->columns[i];
        buf_cstr(out, i > 0 ? ", " : "");
        add_column_name(s, i, out);
        buf_cstr(out, " ");
        if (!ddl_pg_type(s, i, out, e)) return false;
        bool may_be_absent = c->is_computed; /* CDC carries no value for it */
        if (is_key(s, i) || (!c->is_nullable && !may_be_absent)) buf_cstr(out, " NOT NULL");
    }
    return true;
}

void ddl_pg_create_schema(const char *schema, Buf *out) {
    buf_cstr(out, "CREATE SCHEMA ");
    pgname_quote(out, str_from(schema));
    buf_cstr(out, ";");
}

bool ddl_pg_create(const DdlPgSource *s, const PgTableName *name, Buf *out, Err *e) {
    if (!check_distinct(s, e)) return false;
    buf_cstr(out, out->n > 0 ? " CREATE TABLE " : "CREATE TABLE ");
    pgname_qualified(out, str_from(name->schema), str_from(name->table));
    buf_cstr(out, " (");
    if (!add_columns(s, out, e)) return false;
    for (size_t i = 0; i < s->key_count; i++) {
        buf_cstr(out, i > 0 ? ", " : ", PRIMARY KEY (");
        add_column_name(s, s->key[i], out);
    }
    buf_cstr(out, s->key_count > 0 ? "))" : ")");
    if (s->is_trial && s->key_count > 0) { /* of a key's column anything that a primary key does is asked */
        buf_cstr(out, " PARTITION BY LIST (");
        add_column_name(s, s->key[0], out);
        buf_cstr(out, ")");
    } else if (s->fillfactor > 0 && s->fillfactor < 100) {
        buf_printf(out, " WITH (fillfactor = %d)", s->fillfactor);
    }
    buf_cstr(out, ";");
    return true;
}

static void begin_alter(const PgTable *have, const char *what, Str column, Buf *out) {
    buf_cstr(out, out->n > 0 ? " ALTER TABLE " : "ALTER TABLE ");
    pgname_qualified(out, str_from(have->schema), str_from(have->name));
    buf_printf(out, " %s COLUMN ", what);
    pgname_quote(out, column);
}

static bool evolve_column(const DdlPgSource *s, size_t column, const PgTable *have, Buf *out, Err *e) {
    const Column *c = &s->schema->columns[column];
    CLEANUP(buf_done) Buf name = {0};
    pgname_rule_column(s->names, c->name, &name);
    int at = catalog_pg_find(have, buf_view(&name));
    if (at < 0) { /* nullable: the rows that are there have no value for it */
        begin_alter(have, "ADD", buf_view(&name), out);
        buf_cstr(out, " ");
        if (!ddl_pg_type(s, column, out, e)) return false;
        buf_cstr(out, ";");
        return true;
    }
    const PgColumn *column_there = &have->columns[at];
    if (column_there->is_generated) return true;
    bool has_type = s->types && s->types[column]; /* it was given one on purpose: that is kept */
    if (!has_type && pgtype_is_widening(c, &column_there->type)) {
        begin_alter(have, "ALTER", str_from(column_there->name), out);
        buf_cstr(out, " TYPE ");
        if (!ddl_pg_type(s, column, out, e)) return false;
        buf_cstr(out, ";");
    }
    if (column_there->is_not_null && c->is_nullable && !is_key(s, column)) {
        begin_alter(have, "ALTER", str_from(column_there->name), out);
        buf_cstr(out, " DROP NOT NULL;");
    }
    return true;
}

/* A column that the source has no longer, and that wants a value. */
static bool blocks_rows(const DdlPgSource *s, const PgColumn *c) {
    if (!c->is_not_null || c->has_default || c->is_generated) return false;
    for (size_t i = 0; i < s->schema->column_count; i++) {
        CLEANUP(buf_done) Buf name = {0};
        pgname_rule_column(s->names, s->schema->columns[i].name, &name);
        if (str_eq_c(buf_view(&name), c->name)) return false;
    }
    return true;
}

bool ddl_pg_evolve(const DdlPgSource *s, const PgTable *have, Buf *out, Err *e) {
    if (!check_distinct(s, e)) return false;
    for (size_t i = 0; i < s->schema->column_count; i++)
        if (!evolve_column(s, i, have, out, e)) return false;
    for (size_t i = 0; s->was_written && i < have->column_count; i++)
        if (blocks_rows(s, &have->columns[i])) {
            begin_alter(have, "ALTER", str_from(have->columns[i].name), out);
            buf_cstr(out, " DROP NOT NULL;");
        }
    return true;
}
