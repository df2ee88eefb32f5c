#include "postgres/target_set.h"

#include <stdio.h>

#include "pg_rig.h"
#include "test.h"

typedef struct Bench {
    PgConn *conn;
    Options *options;
    Metrics *metrics;
    SinkConfig *config;
    TargetSet *set;
} Bench;

static Bench bench_open(const char *sql) {
    Bench b = {.conn = pg_fixture_connect(), .options = options_of(UPSERT), .metrics = metrics_new()};
    const ConnectorContext context = {.name = "t", .topic_prefix = "srv", .metrics = b.metrics};
    Err e = {0};
    if (!sink_config_new(b.options, &context, &b.config, &e)) fail_msg("%s", e.msg);
    b.set = target_set_new(&b.config->rules);
    pg_fixture_exec(b.conn, "DROP SCHEMA IF EXISTS dbo CASCADE; CREATE SCHEMA dbo");
    pg_fixture_exec(b.conn, sql);
    return b;
}

static void bench_close(Bench *b) {
    target_set_free(b->set);
    sink_config_free(b->config);
    options_free(b->options);
    metrics_free(b->metrics);
    pgconn_close(b->conn);
}

static Target *find(Bench *b, const Schema *s) {
    Target *t = NULL;
    Err e = {0};
    if (!target_set_find(b->set, b->conn, s, &t, &e)) fail_msg("%s", e.msg);
    return t;
}

static void an_equal_schema_finds_the_same_target_and_another_version_a_new_one(void **state) {
    (void)state;
    Bench b = bench_open("CREATE TABLE dbo.items (id int PRIMARY KEY, \"Name\" text, amount bigint)");
    const Schema *first = items("items", true), *same = items("items", true);
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1},
        {.name = STR_LIT("Name"), .type = SQLTYPE_NVARCHAR, .length = 20, .is_nullable = true},
        {.name = STR_LIT("amount"), .type = SQLTYPE_BIGINT, .is_nullable = true}};
    const Schema *other = schema_of("items", columns, 3);
    Target *t = find(&b, first);
    assert_ptr_equal(find(&b, first), t);
    assert_ptr_equal(find(&b, same), t);
    assert_ptr_equal(t->schema, same);
    assert_ptr_equal(find(&b, other)->schema, other);
    assert_int_equal(target_set_count(b.set), 1);
    target_set_clear(b.set);
    assert_int_equal(target_set_count(b.set), 0);
    schema_unref(first);
    schema_unref(same);
    schema_unref(other);
    bench_close(&b);
}

static void parents_rank_below_their_children_whatever_came_first(void **state) {
    (void)state;
    Bench b =
        bench_open("CREATE TABLE dbo.a (id int PRIMARY KEY, \"Name\" text, amount int);"
                   "CREATE TABLE dbo.b (id int PRIMARY KEY REFERENCES dbo.a, \"Name\" text, amount int);"
                   "CREATE TABLE dbo.c (id int PRIMARY KEY REFERENCES dbo.b, \"Name\" text, amount int "
                   "REFERENCES dbo.a);"
                   "CREATE TABLE dbo.x (id int PRIMARY KEY, \"Name\" text, amount int);"
                   "CREATE TABLE dbo.y (id int PRIMARY KEY REFERENCES dbo.x, \"Name\" text, amount int);"
                   "ALTER TABLE dbo.x ADD FOREIGN KEY (amount) REFERENCES dbo.y DEFERRABLE");
    const char *names[] = {"c", "y", "a", "x", "b"};
    const Schema *schemas[5];
    for (size_t i = 0; i < 5; i++) {
        schemas[i] = items(names[i], true);
        (void)find(&b, schemas[i]);
    }
    assert_int_equal(find(&b, schemas[2])->rank, 0);
    assert_int_equal(find(&b, schemas[4])->rank, 1);
    assert_int_equal(find(&b, schemas[0])->rank, 2); /* and the circle of x and y ends */
    for (size_t i = 0; i < 5; i++) schema_unref(schemas[i]);
    bench_close(&b);
}

static void many_tables_are_all_found(void **state) {
    (void)state;
    enum { COUNT = 60 };
    Bench b =
        bench_open("DO $$ BEGIN FOR i IN 0..59 LOOP EXECUTE format('CREATE TABLE dbo.t%s (id int PRIMARY KEY,"
                   " \"Name\" text, amount int)', i); END LOOP; END $$");
    const Schema *schemas[COUNT];
    Target *targets[COUNT];
    for (int i = 0; i < COUNT; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "t%d", i);
        schemas[i] = items(name, true);
        targets[i] = find(&b, schemas[i]);
    }
    for (int i = COUNT; i-- > 0;) assert_ptr_equal(find(&b, schemas[i]), targets[i]);
    for (int i = 0; i < COUNT; i++) schema_unref(schemas[i]);
    bench_close(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_equal_schema_finds_the_same_target_and_another_version_a_new_one),
        cmocka_unit_test(parents_rank_below_their_children_whatever_came_first),
        cmocka_unit_test(many_tables_are_all_found),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
