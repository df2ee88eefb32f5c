#include "cli/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test.h"

#define SOURCE                                                                                               \
    "connector.class=io.debezium.connector.sqlserver.SqlServerConnector\ntopic.prefix=p\ndatabase.hostname=" \
    "h\n"                                                                                                    \
    "database.names=shop\n"
#define SINK                                                                                                 \
    "connector.class=io.debezium.connector.jdbc.JdbcSinkConnector\ntopics=p.shop.dbo.t\nconnection.url="     \
    "postgresql:///d\n"

static char paths[3][64];

/* Write a .properties file; its path. */
static const char *file(int number, const char *text) {
    (void)snprintf(paths[number], sizeof paths[number], "/tmp/test_pair_%d_%d.properties", (int)getpid(),
                   number);
    FILE *f = fopen(paths[number], "we");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    return paths[number];
}

static int forget(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) (void)unlink(paths[i]);
    return 0;
}

/* The first problem, or "" after success; owned by the caller. */
static char *problem_of(const char *const *files, size_t count, Pair *ret) {
    TextList warnings = {0}, problems = {0};
    bool ok = pair_from_files(files, count, ret, &warnings, &problems);
    char *first = x_strdup(ok ? "" : problems.items[0]);
    textlist_done(&warnings);
    textlist_done(&problems);
    return first;
}

static void a_source_a_sink_and_a_workers_file_make_a_pipeline(void **state) {
    (void)state;
    const char *files[] = {file(0, "log.level=warn\n"), file(1, "name=a\n" SOURCE), file(2, "name=b\n" SINK)};
    Pair p = {0};
    CLEANUP_FREE char *problem = problem_of(files, 3, &p);
    assert_string_equal(problem, "");
    assert_string_equal(p.pipeline, "b");
    assert_string_equal(p.source.name, "a");
    assert_string_equal(options_str(p.source.options, "topic.prefix"), "p");
    assert_string_equal(options_str(p.worker, "log.level"), "warn");
    const ConnectorContext context = pair_context(&p, NULL);
    assert_string_equal(context.name, "b");
    assert_string_equal(context.topic_prefix, "p");
    assert_false(*context.is_stopping);
    pair_done(&p);
}

static void transforms_are_checked_with_both_sides(void **state) {
    (void)state;
    static const char unwrap[] =
        "transforms=u\ntransforms.u.type=io.debezium.transforms.ExtractNewRecordState\ndelete.enabled=true\n";
    CLEANUP_FREE char *dropping = x_asprintf("name=b\n" SINK "primary.key.mode=record_key\n%s", unwrap);
    CLEANUP_FREE char *keeping =
        x_asprintf("%stransforms.u.delete.tombstone.handling.mode=tombstone\n", dropping);
    Pair p = {0};
    const char *files[] = {file(1, "name=a\n" SOURCE), file(2, dropping)};
    CLEANUP_FREE char *problem = problem_of(files, 2, &p);
    assert_non_null(strstr(problem, "delete.enabled=true, but ExtractNewRecordState drops"));
    (void)file(2, keeping);
    CLEANUP_FREE char *none = problem_of(files, 2, &p);
    assert_string_equal(none, "");
    assert_non_null(pair_context(&p, NULL).route);
    pair_done(&p);
}

static void what_is_missing_is_said(void **state) {
    (void)state;
    Pair p = {0};
    const char *one[] = {file(0, "name=a\n" SOURCE)};
    CLEANUP_FREE char *no_sink = problem_of(one, 1, &p);
    assert_non_null(strstr(no_sink, "none of the files has a sink"));
    const char *two[] = {file(0, "name=a\n" SOURCE), file(1, "name=c\n" SOURCE)};
    CLEANUP_FREE char *second = problem_of(two, 2, &p);
    assert_non_null(strstr(second, "a second source"));
    CLEANUP_FREE char *none = problem_of(NULL, 0, &p);
    assert_non_null(strstr(none, "name the source's and the sink's file"));
}

static void a_mistyped_class_gets_the_nearest(void **state) {
    (void)state;
    Pair p = {0};
    const char *files[] = {
        file(0, "name=a\nconnector.class=io.debezium.connector.sqlserver.SqlServerConector\n")};
    CLEANUP_FREE char *problem = problem_of(files, 1, &p);
    assert_non_null(strstr(problem, ":2: connector.class: no connector"));
    assert_non_null(strstr(problem, "did you mean 'io.debezium.connector.sqlserver.SqlServerConnector'?"));
}

static void addresses_become_the_same_with_what_people_want(void **state) {
    (void)state;
    Pair p = {0};
    TextList warnings = {0}, problems = {0};
    assert_int_equal(setenv("MILLRACE_SOURCE_PASSWORD", "hush", 1), 0);
    const PairUrls urls = {.from = "mssql://etl@db1/shop?tables=dbo.orders",
                           .to = "postgresql://etl@pg1/shop"};
    assert_true(pair_from_urls(&urls, &p, &warnings, &problems));
    assert_string_equal(p.pipeline, "db1/shop");
    assert_string_equal(options_secret(p.source.options, "database.password"), "hush");
    assert_true(options_bool(p.sink.options, "delete.enabled"));
    assert_string_equal(options_str(p.sink.options, "insert.mode"), "upsert");
    pair_done(&p);
    textlist_done(&warnings);
    textlist_done(&problems);
}

static void each_of_several_databases_is_a_part_of_its_own(void **state) {
    (void)state;
    Pair p = {0};
    TextList warnings = {0}, problems = {0};
    assert_int_equal(setenv("MILLRACE_SOURCE_PASSWORD", "hush", 1), 0);
    const PairUrls urls = {.from = "mssql://etl@db1/north,south", .to = "postgresql://etl@pg1/shop"};
    if (!pair_from_urls(&urls, &p, &warnings, &problems)) fail_msg("%s", problems.items[0]);
    assert_int_equal(pair_parts(&p), 2);
    const Pair north = pair_part(&p, 0), south = pair_part(&p, 1);
    assert_string_equal(pair_database(&north), "north");
    assert_string_equal(pair_database(&south), "south");
    assert_true(south.has_siblings);
    assert_string_equal(options_secret(south.source.options, "database.password"), "hush");
    assert_ptr_equal(south.sink.options, p.sink.options);
    assert_int_equal(pair_parts(&south), 1);
    assert_non_null(strstr(options_str(p.sink.options, "table.name.format"), "${source.db}"));
    pair_done(&p);
    const PairUrls twice = {.from = "mssql://etl@db1/north,North", .to = "postgresql://etl@pg1/shop"};
    assert_false(pair_from_urls(&twice, &p, &warnings, &problems));
    assert_non_null(strstr(problems.items[0], "named twice"));
    textlist_done(&warnings);
    textlist_done(&problems);
}

static void a_password_in_an_address_is_refused_unseen(void **state) {
    (void)state;
    Pair p = {0};
    TextList warnings = {0}, problems = {0};
    const PairUrls urls[] = {{.from = "mssql://etl:hush-hush@db1/shop", .to = "postgresql://pg1/shop"},
                             {.from = "mssql://db1/shop", .to = "postgresql://etl:hush-hush@pg1/shop"}};
    for (size_t i = 0; i < 2; i++) assert_false(pair_from_urls(&urls[i], &p, &warnings, &problems));
    assert_int_equal(problems.count, 2);
    for (size_t i = 0; i < 2; i++) assert_null(strstr(problems.items[i], "hush-hush"));
    textlist_done(&warnings);
    textlist_done(&problems);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_source_a_sink_and_a_workers_file_make_a_pipeline, forget),
        cmocka_unit_test_teardown(transforms_are_checked_with_both_sides, forget),
        cmocka_unit_test_teardown(what_is_missing_is_said, forget),
        cmocka_unit_test_teardown(a_mistyped_class_gets_the_nearest, forget),
        cmocka_unit_test(addresses_become_the_same_with_what_people_want),
        cmocka_unit_test(each_of_several_databases_is_a_part_of_its_own),
        cmocka_unit_test(a_password_in_an_address_is_refused_unseen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
