#include "postgres/status_store.h"

#include <string.h>

#include "pg_rig.h"
#include "postgres/position_store.h"
#include "test.h"

/* The schema as a run makes it, and the pipeline `p` owned by `owner`. */
static PgConn *connect_to_run(const char *owner) {
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    PositionStore *positions = position_store_new(&(PositionKey){.pipeline = "p", .database = "shop"}, NULL);
    Err e = {0};
    if (!position_store_create(positions, c, &e)) fail_msg("%s", e.msg);
    position_store_free(positions);
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(
        &sql,
        "INSERT INTO millrace.position VALUES ('p', 'shop', 0, '0000002a:000001f0:0003', 1, 1, 1, NULL,"
        " '2026-01-02 03:04:05+00', '%s')",
        owner);
    pg_fixture_exec(c, buf_text(&sql));
    return c;
}

static StatusStore *open_store(PgConn *c) {
    StatusStore *s = status_store_new("p", "shop");
    Err e = {0};
    if (!status_store_open(s, c, &e)) fail_msg("%s", e.msg);
    return s;
}

static bool write_report(StatusStore *s, PgConn *c, const Report *r) {
    bool is_written = false;
    Err e = {0};
    if (!status_store_write(s, c, r, &is_written, &e)) fail_msg("%s", e.msg);
    return is_written;
}

static StatusList read_all(PgConn *c, const char *pipeline) {
    StatusList l = {0};
    Err e = {0};
    if (!status_store_read(c, pipeline, &l, &e)) fail_msg("%s", e.msg);
    return l;
}

static const ReportTable orders = {.name = {"dbo.orders", 10},
                                   .inserts = 3,
                                   .updates = 2,
                                   .deletes = 1,
                                   .expected = 100,
                                   .last_change_us = 1767323045000000};

static Report report_of(const char *owner) {
    return (Report){.owner = owner,
                    .state = "streaming",
                    .why = "",
                    .started_us = 1767323000000000,
                    .progress = {.captured = {at(9).commit_lsn, 1767323045000000},
                                 .read = {at(7).commit_lsn, 1767323044000000},
                                 .asked_us = 1767323046000000,
                                 .source_us = 1767323046500000},
                    .tables = &orders,
                    .table_count = 1};
}

static void what_was_reported_is_read_back(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    StatusStore *s = open_store(c);
    Report r = report_of("me");
    assert_true(write_report(s, c, &r));
    pg_fixture_exec(
        c, "INSERT INTO millrace.table_state (pipeline, database, source_schema, source_table, fingerprint,"
           " instance, rows_copied, is_done) VALUES ('p', 'shop', 'dbo', 'orders', 1, 1, 40, true)");
    StatusList l = read_all(c, "p");
    assert_int_equal(l.count, 1);
    const StatusPipeline *p = &l.pipelines[0];
    assert_string_equal(p->database, "shop");
    assert_string_equal(p->state, "streaming");
    assert_null(p->why);
    assert_string_equal(p->version, MILLRACE_VERSION);
    assert_int_equal(p->process_id, getpid());
    assert_string_equal(p->captured.lsn, "00000001:00000009:0001");
    assert_int_equal(p->captured.commit_us, 1767323045000000);
    assert_int_equal(p->read.commit_us, 1767323044000000);
    assert_string_equal(p->applied.lsn, "0000002a:000001f0:0003");
    assert_int_equal(p->applied.commit_us, 1767323045000000);
    assert_int_equal(p->source_us, 1767323046500000);
    assert_in_range(p->heartbeat_age_us, 0, 20000000);
    assert_false(status_is_stale(p));
    assert_int_equal(p->table_count, 1);
    const StatusTable *t = &p->tables[0];
    assert_string_equal(t->name, "dbo.orders");
    assert_int_equal(t->copied, 40);
    assert_true(t->is_done);
    assert_int_equal(t->expected, 100);
    assert_int_equal(t->inserts, 3);
    assert_int_equal(t->updates, 2);
    assert_int_equal(t->deletes, 1);
    assert_int_equal(t->last_change_us, 1767323045000000);
    status_list_done(&l);
    status_store_free(s);
    pgconn_close(c);
}

static void nothing_new_is_not_written_again(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    StatusStore *s = open_store(c);
    Report r = report_of("me");
    assert_true(write_report(s, c, &r));
    r.progress.asked_us++; /* being asked isn't news */
    assert_false(write_report(s, c, &r));
    r.state = "waiting";
    r.why = "target is down";
    assert_true(write_report(s, c, &r));
    assert_string_equal(pg_fixture_text(c, "SELECT why FROM millrace.status"), "target is down");
    status_store_free(s);
    pgconn_close(c);
}

static void a_process_that_was_overtaken_writes_nothing(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    StatusStore *s = open_store(c);
    Report r = report_of("me");
    assert_true(write_report(s, c, &r));
    pg_fixture_exec(c, "UPDATE millrace.position SET owner = 'another'");
    r.state = "failed";
    assert_false(write_report(s, c, &r));
    assert_string_equal(pg_fixture_text(c, "SELECT state FROM millrace.status"), "streaming");
    status_store_free(s);
    pgconn_close(c);
}

static void a_failed_start_says_why_where_no_process_is_alive(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    StatusStore *s = open_store(c);
    Report alive = report_of("me"), failed = report_of("");
    assert_true(write_report(s, c, &alive));
    failed.state = "failed";
    failed.why = "no such table";
    failed.table_count = 0;
    assert_false(write_report(s, c, &failed));
    pg_fixture_exec(c, "UPDATE millrace.status SET heartbeat = heartbeat - interval '1 minute'");
    failed.why = "no such table, still";
    assert_true(write_report(s, c, &failed));
    StatusList l = read_all(c, NULL);
    assert_string_equal(l.pipelines[0].state, "failed");
    assert_int_equal(l.pipelines[0].tables[0].inserts, 3); /* counters stay */
    assert_string_equal(l.pipelines[0].captured.lsn, "00000001:00000009:0001");
    status_list_done(&l);
    status_store_free(s);
    pgconn_close(c);
}

static void counters_go_on_over_restarts(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    Report r = report_of("me");
    for (int i = 0; i < 2; i++) {
        StatusStore *s = open_store(c);
        assert_true(write_report(s, c, &r));
        Err e = {0};
        assert_true(status_store_open(s, c, &e)); /* after a lost connection: what is there is its own */
        assert_true(write_report(s, c, &r));
        status_store_free(s);
    }
    assert_string_equal(pg_fixture_text(c, "SELECT inserts || ' ' || updates || ' ' || deletes FROM "
                                           "millrace.table_stats"),
                        "6 4 2");
    pgconn_close(c);
}

static void an_old_heartbeat_is_stale_but_for_an_end(void **state) {
    (void)state;
    StatusPipeline p = {.state = (char *)(uintptr_t) "streaming", .heartbeat_age_us = 31000000};
    assert_true(status_is_stale(&p));
    p.heartbeat_age_us = 29000000;
    assert_false(status_is_stale(&p));
    p.heartbeat_age_us = -1;
    assert_true(status_is_stale(&p));
    p.state = (char *)(uintptr_t) "stopped";
    assert_false(status_is_stale(&p));
}

static void a_target_without_pipelines_has_none(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    StatusList l = read_all(c, NULL);
    assert_int_equal(l.count, 0);
    status_list_done(&l);
    pgconn_close(c);
}

static void the_lane_furthest_behind_is_what_is_applied(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    StatusStore *s = open_store(c);
    pg_fixture_exec(
        c, "INSERT INTO millrace.position VALUES ('p', 'shop', 1, '0000002a:000001f0:0001', 1, 2, 1, NULL,"
           " '2026-01-02 03:04:04+00', 'me')");
    StatusList l = read_all(c, NULL);
    assert_int_equal(l.count, 1);
    assert_string_equal(l.pipelines[0].state, "unknown"); /* nothing was reported */
    assert_true(status_is_stale(&l.pipelines[0]));
    assert_int_equal(l.pipelines[0].lanes, 2);
    assert_string_equal(l.pipelines[0].applied.lsn, "0000002a:000001f0:0001");
    status_list_done(&l);
    status_store_free(s);
    pgconn_close(c);
}

static void open_dead_letters_are_counted(void **state) {
    (void)state;
    PgConn *c = connect_to_run("me");
    StatusStore *s = open_store(c);
    Report r = report_of("me");
    assert_true(write_report(s, c, &r));
    pg_fixture_exec(
        c, "CREATE TABLE IF NOT EXISTS millrace.dead_letter (pipeline text, database text, "
           "source_schema text, source_table text, state text);"
           "INSERT INTO millrace.dead_letter (pipeline, database, source_schema, source_table, state)"
           " VALUES ('p', 'shop', 'dbo', 'orders', 'open'), ('p', 'shop', 'dbo', 'orders', 'open'),"
           " ('p', 'shop', 'dbo', 'orders', 'replayed'), ('p', 'crm', 'dbo', 'orders', 'open')");
    StatusList l = read_all(c, "p");
    assert_int_equal(l.pipelines[0].tables[0].dead_letters, 2);
    status_list_done(&l);
    status_store_free(s);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_reported_is_read_back),
        cmocka_unit_test(nothing_new_is_not_written_again),
        cmocka_unit_test(a_process_that_was_overtaken_writes_nothing),
        cmocka_unit_test(a_failed_start_says_why_where_no_process_is_alive),
        cmocka_unit_test(counters_go_on_over_restarts),
        cmocka_unit_test(an_old_heartbeat_is_stale_but_for_an_end),
        cmocka_unit_test(a_target_without_pipelines_has_none),
        cmocka_unit_test(open_dead_letters_are_counted),
        cmocka_unit_test(the_lane_furthest_behind_is_what_is_applied),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
