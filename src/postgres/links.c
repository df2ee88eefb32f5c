/*
 * Two queries, however many tables there are: the tables of the database with their unique indexes, and its
 * foreign keys. What isn't sure to be independent is whole: that is slower, never wrong.
 */
#include "postgres/links.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strmap.h"
#include "postgres/catalog_pg.h"
#include "postgres/pgname.h"

/* A table of the database. */
typedef struct Place {
    uint32_t oid;
    bool is_whole;
    char *key;    /* names of the only unique index's columns, sorted, with commas; owned */
    size_t known; /* index of the known table that it is of; SIZE_MAX = none */
} Place;

typedef struct Places {
    Place *places; /* by OID */
    size_t count;
    StrMap *by_name; /* "schema"."table" → Place */
} Places;

static void places_done(Places *p) {
    for (size_t i = 0; i < p->count; i++) free(p->places[i].key);
    free(p->places);
    strmap_free(p->by_name);
}

static bool read_places(PgConn *c, Places *ret, Err *e) {
    static const char sql[] =
        "SELECT c.oid, n.nspname, c.relname, x.n IS DISTINCT FROM 1 OR x.is_loose, x.key FROM "
        "pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN LATERAL ("
        "  SELECT pg_catalog.count(DISTINCT i.indexrelid) AS n,"
        "  pg_catalog.string_agg(a.attname, ',' ORDER BY a.attname COLLATE \"C\") AS key,"
        "  bool_or(a.attname IS NULL OR i.indisexclusion OR i.indpred IS NOT NULL OR t.typname = 'citext' OR "
        "t.typtype = 'd'"
        "   OR NOT coalesce(l.collisdeterministic, true)) AS is_loose"
        "  FROM pg_catalog.pg_index i"
        "  CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)"
        "  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum"
        "  LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
        "  LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation"
        "  WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisexclusion) AND k.place <= i.indnkeyatts) x "
        "ON true"
        " WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'millrace')"
        " AND n.nspname NOT LIKE 'pg\\_toast%' ORDER BY c.oid";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, NULL, 0, &r, e))
        return err_wrap(e, "reading which tables depend on each other");
    ret->count = (size_t)PQntuples(r);
    ret->places = x_calloc(ret->count + 1, sizeof *ret->places);
    ret->by_name = strmap_new(/* ignore_case= */ false);
    for (int i = 0; i < PQntuples(r); i++) {
        Place *p = &ret->places[i];
        *p = (Place){.oid = (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10),
                     .is_whole = PQgetvalue(r, i, 3)[0] != 'f',
                     .key = x_strdup(PQgetvalue(r, i, 4)),
                     .known = SIZE_MAX};
        CLEANUP(buf_done) Buf name = {0};
        pgname_qualified(&name, str_from(PQgetvalue(r, i, 1)), str_from(PQgetvalue(r, i, 2)));
        (void)strmap_set(ret->by_name, buf_view(&name), p);
    }
    return true;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The stored key's columns, named as the target names them, sorted, with commas. */
static char *key_in_target(const PgNameRule *names, const char *stored) {
    Str rest = str_from(stored), column;
    char *list[64];
    size_t count = 0;
    while (count < sizeof list / sizeof *list && str_split(&rest, ',', &column)) {
        CLEANUP(buf_done) Buf name = {0};
        pgname_rule_column(names, column, &name);
        list[count++] = str_dup(buf_view(&name));
    }
    qsort(list, count, sizeof *list, compare_names);
    CLEANUP(buf_done) Buf text = {0};
    for (size_t i = 0; i < count; i++) {
        if (i > 0) buf_u8(&text, ',');
        buf_cstr(&text, list[i]);
        free(list[i]);
    }
    return str_dup(buf_view(&text));
}

/* The place that the known table's rows go to; NULL = it isn't there. */
static bool find_place(PgConn *c, const TargetRules *rules, const char *database, const StoredTable *t,
                       const Places *places, Place **ret, Err *e) {
    const Schema schema = {
        .database = str_from(database), .schema = str_from(t->schema), .table = str_from(t->table)};
    PgTableName name;
    if (!pgname_rule_find(rules->names, &schema, &name, e)) return false;
    bool ok = name.schema || catalog_pg_current_schema(c, &name.schema, e);
    if (ok) {
        CLEANUP(buf_done) Buf text = {0};
        pgname_qualified(&text, str_from(name.schema), str_from(name.table));
        *ret = strmap_get(places->by_name, buf_view(&text));
    }
    pgname_table_done(&name);
    return ok;
}

static bool see_table(PgConn *c, const TargetRules *rules, const char *database, const StoredState *known,
                      size_t i, Places *places, RouteTable *ret, Err *e) {
    const StoredTable *t = &known->tables[i];
    Place *place = NULL;
    *ret = (RouteTable){.schema = t->schema, .table = t->table, .is_whole = true};
    if (!find_place(c, rules, database, t, places, &place, e)) return false;
    if (!place) return true;
    place->known = i;
    bool is_by_key = rules->key_mode == TARGET_KEY_RECORD_KEY && rules->key_fields->count == 0;
    if (!is_by_key || place->is_whole) return true;
    CLEANUP_FREE char *key = t->key ? key_in_target(rules->names, t->key) : NULL;
    ret->is_whole = key && strcmp(key, place->key) != 0;
    return true;
}

static const Place *place_of(const Places *places, uint32_t oid) {
    size_t low = 0, high = places->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (places->places[mid].oid < oid) low = mid + 1;
        else high = mid;
    }
    return low < places->count && places->places[low].oid == oid ? &places->places[low] : NULL;
}

static bool read_joins(PgConn *c, const Places *places, RouteJoin **ret, size_t *ret_count, Err *e) {
    /* those taken away for a copy (foreign_keys.h) come back */
    static const char sql[] =
        "SELECT conrelid::oid, confrelid::oid FROM pg_catalog.pg_constraint WHERE contype = 'f' UNION"
        " SELECT to_regclass(table_name)::oid, to_regclass(referenced)::oid FROM millrace.foreign_key";
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, sql, NULL, 0, &r, e)) return err_wrap(e, "reading foreign keys");
    *ret = x_calloc((size_t)PQntuples(r) + 1, sizeof **ret);
    *ret_count = 0;
    for (int i = 0; i < PQntuples(r); i++) {
        const Place *a = place_of(places, (uint32_t)strtoul(PQgetvalue(r, i, 0), NULL, 10));
        const Place *b = place_of(places, (uint32_t)strtoul(PQgetvalue(r, i, 1), NULL, 10));
        if (!a || !b || a->known == SIZE_MAX || b->known == SIZE_MAX) continue;
        (*ret)[(*ret_count)++] = (RouteJoin){a->known, b->known};
    }
    return true;
}

bool links_read(PgConn *c, const TargetRules *rules, const char *database, const StoredState *known,
                RouteTable *ret_tables, RouteJoin **ret_joins, size_t *ret_join_count, Err *e) {
    CLEANUP(places_done) Places places = {0};
    if (!read_places(c, &places, e)) return false;
    for (size_t i = 0; i < known->table_count; i++)
        if (!see_table(c, rules, database, known, i, &places, &ret_tables[i], e)) return false;
    return read_joins(c, &places, ret_joins, ret_join_count, e);
}
