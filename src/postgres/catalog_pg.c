#include "postgres/catalog_pg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "postgres/pgname.h"

static bool is_true(const PGresult *r, int row, int column) {
    return PQgetvalue(r, row, column)[0] == 't';
}

static uint32_t oid_at(const PGresult *r, int row, int column) {
    return (uint32_t)strtoul(PQgetvalue(r, row, column), NULL, 10);
}

static bool read_columns(PgConn *c, PgTable *t, const char *oid, Err *e) {
    static const char sql[] =
        "SELECT a.attname, a.attnotnull, a.atthasdef OR a.attidentity <> '', a.attgenerated <> '', "
        "a.attidentity <> '',"
        " b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, b.typarray, b.typtype = "
        "'e', b.typname,"
        " pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnum"
        " FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
        " JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END"
        " WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, &oid, 1, &r, e)) return false;
    t->column_count = (size_t)PQntuples(r);
    t->columns = x_calloc(t->column_count + 1, sizeof *t->columns);
    for (int i = 0; i < PQntuples(r); i++) {
        PgColumn *column = &t->columns[i];
        column->name = x_strdup(PQgetvalue(r, i, 0));
        column->is_not_null = is_true(r, i, 1);
        column->has_default = is_true(r, i, 2);
        column->is_generated = is_true(r, i, 3);
        column->is_identity = is_true(r, i, 4);
        column->type.oid = oid_at(r, i, 5);
        column->type.typmod = (int32_t)strtol(PQgetvalue(r, i, 6), NULL, 10);
        column->type.array_oid = oid_at(r, i, 7);
        column->type.kind = pgtype_kind(column->type.oid, is_true(r, i, 8), PQgetvalue(r, i, 9));
        (void)snprintf(column->type.name, sizeof column->type.name, "%s", PQgetvalue(r, i, 10));
        if (column->is_identity) t->has_identity = true;
    }
    return true;
}

/* Columns come as the names' places among those read, found by name. */
static bool read_uniques(PgConn *c, PgTable *t, const char *oid, Err *e) {
    static const char sql[] =
        "SELECT i.indexrelid, i.indisprimary, a.attname FROM pg_catalog.pg_index i"
        " CROSS JOIN LATERAL pg_catalog.unnest(i.indkey) WITH ORDINALITY AS k(attnum, place)"
        " JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
        " WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS "
        "NULL"
        " AND i.indexprs IS NULL AND k.place <= i.indnkeyatts ORDER BY i.indisprimary DESC, i.indexrelid, "
        "k.place";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, &oid, 1, &r, e)) return false;
    int rows = PQntuples(r);
    t->uniques = x_calloc((size_t)rows + 1, sizeof *t->uniques);
    for (int i = 0; i < rows; i++) {
        bool is_new = i == 0 || strcmp(PQgetvalue(r, i, 0), PQgetvalue(r, i - 1, 0)) != 0;
        if (is_new) {
            t->uniques[t->unique_count].columns = x_calloc((size_t)rows, sizeof(uint16_t));
            t->uniques[t->unique_count++].is_primary = is_true(r, i, 1);
        }
        PgUnique *u = &t->uniques[t->unique_count - 1];
        u->columns[u->count++] = (uint16_t)catalog_pg_find(t, str_from(PQgetvalue(r, i, 2)));
    }
    return true;
}

static bool read_parents(PgConn *c, PgTable *t, const char *oid, Err *e) {
    static const char sql[] = "SELECT DISTINCT confrelid FROM pg_catalog.pg_constraint"
                              " WHERE conrelid = $1::oid AND contype = 'f' AND confrelid <> conrelid";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, &oid, 1, &r, e)) return false;
    t->parent_count = (size_t)PQntuples(r);
    t->parents = x_calloc(t->parent_count + 1, sizeof *t->parents);
    for (int i = 0; i < PQntuples(r); i++) t->parents[i] = oid_at(r, i, 0);
    return true;
}

bool catalog_pg_table(PgConn *c, const char *schema, const char *name, PgTable **ret, Err *e) {
    static const char sql[] =
        "SELECT c.oid, c.relkind FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        " ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2"
        " AND c.relkind IN ('r', 'p', 'v', 'f')";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, (const char *[]){schema, name}, 2, &r, e)) return false;
    if (PQntuples(r) == 0) {
        *ret = NULL;
        return true;
    }
    PgTable *t = x_calloc(1, sizeof *t);
    t->schema = x_strdup(schema);
    t->name = x_strdup(name);
    t->oid = oid_at(r, 0, 0);
    t->relkind = PQgetvalue(r, 0, 1)[0];
    const char *oid = PQgetvalue(r, 0, 0);
    if (!read_columns(c, t, oid, e) || !read_uniques(c, t, oid, e) || !read_parents(c, t, oid, e)) {
        catalog_pg_free(t);
        return false;
    }
    *ret = t;
    return true;
}

/* The server reads the type's name and its digits: a NULL of that type tells OID and typmod. */
bool catalog_pg_type(PgConn *c, const char *type, PgType *ret, Err *e) {
    static const char sql[] =
        "SELECT b.oid, CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE $2::int END, b.typarray,"
        " b.typtype = 'e', b.typname, pg_catalog.format_type(t.oid, $2::int) FROM pg_catalog.pg_type t"
        " JOIN pg_catalog.pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END"
        " WHERE t.oid = $1::oid";
    CLEANUP(buf_done) Buf probe = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *null = NULL;
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    buf_printf(&probe, "SELECT NULL::%s", type);
    if (!pgconn_query(c, buf_text(&probe), NULL, 0, &null, e)) return err_wrap(e, "type %s", type);
    char oid[16], typmod[16];
    (void)snprintf(oid, sizeof oid, "%u", (unsigned)PQftype(null, 0));
    (void)snprintf(typmod, sizeof typmod, "%d", PQfmod(null, 0));
    if (!pgconn_query(c, sql, (const char *[]){oid, typmod}, 2, &r, e)) return false;
    if (PQntuples(r) != 1) return err_set(e, ERR_INVALID, false, "PostgreSQL has no type %s", type);
    *ret = (PgType){.oid = oid_at(r, 0, 0),
                    .typmod = (int32_t)strtol(PQgetvalue(r, 0, 1), NULL, 10),
                    .array_oid = oid_at(r, 0, 2),
                    .kind = pgtype_kind(oid_at(r, 0, 0), is_true(r, 0, 3), PQgetvalue(r, 0, 4))};
    (void)snprintf(ret->name, sizeof ret->name, "%s", PQgetvalue(r, 0, 5));
    return true;
}

PgTable *catalog_pg_free(PgTable *t) {
    if (!t) return NULL;
    for (size_t i = 0; i < t->column_count; i++) free(t->columns[i].name);
    for (size_t i = 0; i < t->unique_count; i++) free(t->uniques[i].columns);
    free(t->columns);
    free(t->uniques);
    free(t->parents);
    free(t->schema);
    free(t->name);
    free(t);
    return NULL;
}

int catalog_pg_find(const PgTable *t, Str name) {
    int found = -1;
    bool is_ambiguous = false;
    for (size_t i = 0; i < t->column_count; i++) {
        Str have = str_from(t->columns[i].name);
        if (str_eq(have, name)) return (int)i;
        if (!str_eq_icase(have, name)) continue;
        is_ambiguous = found >= 0;
        found = (int)i;
    }
    return is_ambiguous ? -1 : found;
}

static bool contains(const uint16_t *columns, size_t count, uint16_t column) {
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column) return true;
    return false;
}

bool catalog_pg_has_unique(const PgTable *t, const uint16_t *columns, size_t count) {
    for (size_t i = 0; i < t->unique_count; i++) {
        const PgUnique *u = &t->uniques[i];
        size_t same = 0;
        while (same < u->count && contains(columns, count, u->columns[same])) same++;
        if (u->count == count && same == count) return true;
    }
    return false;
}

bool catalog_pg_current_schema(PgConn *c, char **ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, "SELECT pg_catalog.current_schema()", NULL, 0, &r, e)) return false;
    if (PQgetisnull(r, 0, 0))
        return err_set(e, ERR_INVALID, false,
                       "PostgreSQL's search_path names no schema that exists; give the schema in "
                       "table.name.format (${source.schema}.${source.table})");
    *ret = x_strdup(PQgetvalue(r, 0, 0));
    return true;
}

bool catalog_pg_has_schema(PgConn *c, const char *schema, bool *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", &schema, 1, &r, e))
        return false;
    *ret = PQntuples(r) > 0;
    return true;
}

bool catalog_pg_is_empty(PgConn *c, const PgTable *t, bool *ret, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    buf_cstr(&sql, "SELECT NOT EXISTS (SELECT 1 FROM ");
    pgname_qualified(&sql, str_from(t->schema), str_from(t->name));
    buf_cstr(&sql, ")");
    if (!pgconn_query(c, buf_text(&sql), NULL, 0, &r, e)) return false;
    *ret = is_true(r, 0, 0);
    return true;
}

static bool is_pointed_to(PgConn *c, const PgTable *t, bool *ret, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    CLEANUP_FREE char *oid = x_asprintf("%u", t->oid);
    const char *params[] = {oid};
    if (!pgconn_query(c,
                      "SELECT EXISTS (SELECT 1 FROM pg_constraint WHERE contype = 'f' AND "
                      "confrelid = $1::oid AND conrelid <> confrelid)",
                      params, 1, &r, e))
        return false;
    *ret = is_true(r, 0, 0);
    return true;
}

bool catalog_pg_delete_all(PgConn *c, const PgTable *t, Err *e) {
    CLEANUP(buf_done) Buf sql = {0};
    bool is_parent = false;
    if (!is_pointed_to(c, t, &is_parent, e)) return false;
    buf_cstr(&sql, is_parent ? "DELETE FROM " : "TRUNCATE TABLE "); /* TRUNCATE refuses a parent: 0A000 */
    pgname_qualified(&sql, str_from(t->schema), str_from(t->name));
    if (pgconn_exec(c, buf_text(&sql), e)) return true;
    if (strcmp(pgconn_sqlstate(c), "23503") != 0)
        return err_wrap(e, "emptying %s.%s to copy it anew", t->schema, t->name);
    return err_set(
        e, ERR_INVALID, false,
        "%s.%s is to be emptied and copied anew, but rows of other tables point to it by foreign key: "
        "drop those foreign keys and start again; put them back when the copy is done",
        t->schema, t->name);
}
