#include "postgres/topic_status.h"

#include "base/mem.h"
#include "pg_fixture.h"

static void a_connector_that_nothing_is_stored_of_has_no_topics(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    TopicStatusList l = {0};
    Err e = {0};
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    assert_true(topic_status_read(c, "s", /* names= */ NULL, &l, &e));
    assert_int_equal(l.count, 0);
    assert_null(topic_status_find(&l, "p.d.dbo.t"));
    topic_status_done(&l);
    pgconn_close(c);
}

static void topics_come_with_their_last_write_and_the_tables_rows(void **state) {
    (void)state;
    const PgNameRuleSpec by_source = {.format = STR_LIT("${source.schema}.${source.table}"),
                                      .has_topics = true};
    PgConn *c = pg_fixture_connect();
    PgNameRule *names = NULL;
    TopicStatusList l = {0};
    Err e = {0};
    pg_fixture_exec(
        c,
        "DROP SCHEMA IF EXISTS millrace CASCADE; DROP SCHEMA IF EXISTS dbo CASCADE; CREATE SCHEMA millrace;"
        "CREATE TABLE millrace.topic_offset (connector text, topic text, partition integer, next_offset "
        "bigint, updated timestamptz);"
        "INSERT INTO millrace.topic_offset VALUES ('s', 'p.d.dbo.t', 0, 5, '2026-01-01 00:00:00Z'),"
        " ('s', 'p.d.dbo.t', 1, 3, '2026-01-01 00:00:02Z'), ('s', 'p.d.dbo.t', 2, NULL, '2026-02-01Z'),"
        " ('s', 'p.d.dbo.gone', 0, NULL, now()), ('other', 'p.d.dbo.t', 0, 9, now());"
        "CREATE SCHEMA dbo; CREATE TABLE dbo.t (c int); INSERT INTO dbo.t SELECT generate_series(1, 7);"
        "ANALYZE dbo.t");
    if (!pgname_rule_new(&by_source, &names, &e) || !topic_status_read(c, "s", names, &l, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(l.count, 2);
    assert_true(l.now_us > 0);
    const TopicStatus *t = topic_status_find(&l, "p.d.dbo.t"), *gone = topic_status_find(&l, "p.d.dbo.gone");
    assert_true(t && gone);
    assert_int_equal(t->partitions, 3);
    assert_int_equal(t->last_us, INT64_C(1767225602000000));
    assert_string_equal(t->table, "\"dbo\".\"t\"");
    assert_int_equal(t->rows, 7);
    assert_int_equal(gone->last_us, 0);
    assert_null(gone->table);
    assert_int_equal(gone->rows, -1);
    topic_status_done(&l);
    pgname_rule_free(names);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connector_that_nothing_is_stored_of_has_no_topics),
        cmocka_unit_test(topics_come_with_their_last_write_and_the_tables_rows),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
