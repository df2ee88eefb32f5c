#include "postgres/topic_status.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "postgres/own_tables.h"

static const char TOPICS_SQL[] =
    "SELECT topic, count(*), (extract(epoch FROM max(updated) FILTER (WHERE next_offset IS NOT NULL)) * "
    "1000000)::bigint, (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000)::bigint"
    " FROM millrace.topic_offset WHERE connector = $1 GROUP BY topic ORDER BY topic COLLATE \"C\"";

/* What autovacuum and the statistics know; a fresh table, or one after a crash, is known by one of them. */
static const char ROWS_SQL[] =
    "SELECT CASE WHEN pg_catalog.pg_stat_get_live_tuples(c.oid) > 0 THEN"
    "  pg_catalog.pg_stat_get_live_tuples(c.oid) ELSE greatest(c.reltuples, 0)::bigint END"
    " FROM pg_catalog.pg_class c WHERE c.oid = pg_catalog.to_regclass($1)";

void topic_status_done(TopicStatusList *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->items[i].topic);
        free(l->items[i].table);
    }
    free(l->items);
    *l = (TopicStatusList){0};
}

const TopicStatus *topic_status_find(const TopicStatusList *l, const char *topic) {
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->items[i].topic, topic) == 0) return &l->items[i];
    return NULL;
}

/* The parts of prefix.database.schema.table, from behind, for formats that ask for them. */
static void split(Str topic, Str parts[static 3]) {
    for (int i = 2; i >= 0; i--) {
        size_t at = topic.n;
        while (at > 0 && topic.p[at - 1] != '.') at--;
        if (at == 0) return;
        parts[i] = str_sub(topic, at, topic.n);
        topic = str_sub(topic, 0, at - 1);
    }
}

/* The quoted name of the topic's table; nothing where the rule finds none for it. */
static void name_table(const PgNameRule *names, const char *topic, Buf *out) {
    const Column column = {.name = STR_LIT("c"), .type = SQLTYPE_INT};
    Str parts[3] = {STR_LIT("d"), STR_LIT("s"), STR_LIT("t")};
    CLEANUP(pgname_table_done) PgTableName name = {0};
    const Schema *s = NULL;
    Err unused;
    split(str_from(topic), parts);
    const SchemaSpec spec = {.database = parts[0],
                             .schema = parts[1],
                             .table = parts[2],
                             .topic = str_from(topic),
                             .columns = &column,
                             .column_count = 1};
    if (!schema_new(&spec, &s, &unused)) return;
    if (pgname_rule_find(names, s, &name, &unused))
        pgname_qualified(out, name.schema ? str_from(name.schema) : (Str){0}, str_from(name.table));
    schema_unref(s);
}

static bool read_rows(PgConn *c, const PgNameRule *names, TopicStatus *t, Err *e) {
    CLEANUP(buf_done) Buf table = {0};
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    name_table(names, t->topic, &table);
    if (table.n == 0) return true;
    if (!pgconn_query(c, ROWS_SQL, (const char *[]){buf_text(&table)}, 1, &r, e)) return false;
    if (PQntuples(r) == 0) return true;
    t->table = str_dup(buf_view(&table));
    t->rows = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
    return true;
}

static int64_t number(const PGresult *r, int row, int column) {
    return PQgetisnull(r, row, column) ? 0 : strtoll(PQgetvalue(r, row, column), NULL, 10);
}

static bool read_all(PgConn *c, const char *connector, const PgNameRule *names, TopicStatusList *l, Err *e) {
    CLEANUP(pgconn_clear_cleanup) PGresult *r = NULL;
    if (!pgconn_query(c, TOPICS_SQL, (const char *[]){connector}, 1, &r, e)) return false;
    l->items = x_calloc((size_t)PQntuples(r) + 1, sizeof *l->items);
    for (int i = 0; i < PQntuples(r); i++) {
        TopicStatus *t = &l->items[l->count++];
        *t = (TopicStatus){.topic = x_strdup(PQgetvalue(r, i, 0)),
                           .partitions = number(r, i, 1),
                           .last_us = number(r, i, 2),
                           .rows = -1};
        l->now_us = number(r, i, 3);
        if (names && !read_rows(c, names, t, e)) return false;
    }
    return true;
}

bool topic_status_read(PgConn *c, const char *connector, const PgNameRule *names, TopicStatusList *ret,
                       Err *e) {
    TopicStatusList l = {0};
    bool is_there = false;
    bool ok = own_tables_exist(c, "topic_offset", &is_there, e) &&
              (!is_there || read_all(c, connector, names, &l, e));
    if (ok) *ret = l;
    else topic_status_done(&l);
    return ok || err_wrap(e, "reading millrace.topic_offset");
}
