#include "postgres/links.h"

#include "pg_rig.h"
#include "postgres/foreign_keys.h"
#include "test.h"

typedef struct Bench {
    PgConn *conn;
    Options *options;
    Metrics *metrics;
    SinkConfig *config;
} Bench;

static Bench bench_open(const char *sql) {
    Bench b = {.conn = pg_fixture_connect(), .options = options_of(UPSERT), .metrics = metrics_new()};
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = b.metrics};
    Err e = {0};
    if (!sink_config_new(b.options, &context, &b.config, &e)) fail_msg("%s", e.msg);
    pg_fixture_exec(b.conn, "DROP SCHEMA IF EXISTS dbo CASCADE; CREATE SCHEMA dbo;"
                            "CREATE SCHEMA IF NOT EXISTS millrace");
    if (!foreign_keys_create(b.conn, &e)) fail_msg("%s", e.msg);
    pg_fixture_exec(b.conn, sql);
    return b;
}

static void bench_close(Bench *b) {
    sink_config_free(b->config);
    options_free(b->options);
    metrics_free(b->metrics);
    pgconn_close(b->conn);
}

/* Known tables by these names, all with key "id". */
static StoredState known_of(StoredTable *tables, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        tables[i] = (StoredTable){.schema = (char *)(uintptr_t) "dbo",
                                  .table = (char *)(uintptr_t)names[i],
                                  .key = (char *)(uintptr_t) "id"};
    return (StoredState){.tables = tables, .table_count = count};
}

static void what_may_be_spread_has_one_unique_index_on_its_key(void **state) {
    (void)state;
    Bench b = bench_open(
        "CREATE TABLE dbo.free (id int PRIMARY KEY, v text);"
        "CREATE INDEX ON dbo.free (v);"
        "CREATE TABLE dbo.two (id int PRIMARY KEY, v text UNIQUE);"
        "CREATE TABLE dbo.none (id int);"
        "CREATE TABLE dbo.other (id int, v int PRIMARY KEY);"
        "CREATE COLLATION dbo.loose (provider = icu, locale = 'und', deterministic = false);"
        "CREATE TABLE dbo.folded (id text COLLATE dbo.loose PRIMARY KEY);"
        "CREATE TABLE dbo.partial (id int, v int); CREATE UNIQUE INDEX ON dbo.partial (id) WHERE v > 0;"
        "CREATE TABLE dbo.part (id int PRIMARY KEY) PARTITION BY HASH (id)");
    static const char *const names[] = {"free",   "two",     "none", "other",
                                        "folded", "partial", "part", "missing"};
    static const bool want[] = {false, true, true, true, true, true, false, true};
    StoredTable tables[8];
    const StoredState known = known_of(tables, names, 8);
    RouteTable seen[8];
    CLEANUP_FREE RouteJoin *joins = NULL;
    size_t count = 9;
    Err e = {0};
    if (!links_read(b.conn, &b.config->rules, "db", &known, seen, &joins, &count, &e)) fail_msg("%s", e.msg);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < 8; i++) {
        assert_string_equal(seen[i].table, names[i]);
        if (seen[i].is_whole != want[i]) fail_msg("dbo.%s", names[i]);
    }
    tables[0].key = NULL; /* stored by a version that kept none */
    RouteJoin *again = NULL;
    assert_true(links_read(b.conn, &b.config->rules, NULL, &known, seen, &again, &count, &e));
    free(again);
    assert_false(seen[0].is_whole);
    bench_close(&b);
}

static void foreign_keys_join_the_tables_that_are_known(void **state) {
    (void)state;
    Bench b = bench_open("CREATE TABLE dbo.a (id int PRIMARY KEY);"
                         "CREATE TABLE dbo.b (id int PRIMARY KEY REFERENCES dbo.a);"
                         "CREATE TABLE dbo.outside (id int PRIMARY KEY);"
                         "CREATE TABLE dbo.c (id int PRIMARY KEY REFERENCES dbo.outside);"
                         "CREATE TABLE dbo.tree (id int PRIMARY KEY, parent int REFERENCES dbo.tree)");
    static const char *const names[] = {"c", "b", "tree", "a"};
    StoredTable tables[4];
    const StoredState known = known_of(tables, names, 4);
    RouteTable seen[4];
    CLEANUP_FREE RouteJoin *joins = NULL;
    size_t count = 0;
    Err e = {0};
    assert_true(links_read(b.conn, &b.config->rules, "db", &known, seen, &joins, &count, &e));
    char *texts[4];
    route_texts(seen, 4, joins, count, texts);
    assert_string_equal(texts[0], "key");
    assert_string_equal(texts[1], "whole dbo.a");
    assert_string_equal(texts[2], "whole dbo.tree");
    assert_string_equal(texts[3], "whole dbo.a");
    for (size_t i = 0; i < 4; i++) free(texts[i]);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_be_spread_has_one_unique_index_on_its_key),
        cmocka_unit_test(foreign_keys_join_the_tables_that_are_known),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
