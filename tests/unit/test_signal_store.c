#include "postgres/signal_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pg_fixture.h"
#include "postgres/position_store.h"
#include "test.h"

static const SignalKey key = {"p", "shop"};

/* The schema as a run makes it, and the pipeline owned by "me". */
static PgConn *connect_to_run(void) {
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    PositionStore *positions = position_store_new(&(PositionKey){.pipeline = "p", .database = "shop"}, NULL);
    Err e = {0};
    if (!position_store_create(positions, c, &e) || !signal_store_create(c, &e)) fail_msg("%s", e.msg);
    position_store_free(positions);
    pg_fixture_exec(
        c, "INSERT INTO millrace.position (pipeline, database, lane, epoch, lane_count, hash_version, owner)"
           " VALUES ('p', 'shop', 0, 1, 1, 1, 'me')");
    return c;
}

static int64_t add(PgConn *c, const char *type, const char *data) {
    int64_t id = 0;
    Err e = {0};
    if (!signal_store_add(c, key, type, data, &id, &e)) fail_msg("%s", e.msg);
    return id;
}

static SignalList take(PgConn *c, const char *owner, int64_t after) {
    SignalList l = {0};
    Err e = {0};
    if (!signal_store_take(c, key, owner, after, &l, &e)) fail_msg("%s", e.msg);
    return l;
}

static bool is_paused(PgConn *c) {
    bool paused = false;
    Err e = {0};
    if (!signal_store_is_paused(c, key, &paused, &e)) fail_msg("%s", e.msg);
    return paused;
}

static void a_command_is_taken_in_order_until_it_is_answered(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    Err e = {0};
    int64_t first = add(c, "log", "{\"message\": \"a\"}");
    add(c, "stop-snapshot", NULL);
    pg_fixture_exec(c,
                    "INSERT INTO millrace.signal (pipeline, database, type) VALUES ('other', 'shop', 'log'),"
                    " ('p', 'elsewhere', 'log'), ('p', '', 'resume-snapshot')");
    SignalList l = take(c, "me", 0);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.items[0].type, "log");
    assert_string_equal(l.items[0].data, "{\"message\": \"a\"}");
    assert_string_equal(l.items[1].type, "stop-snapshot");
    assert_null(l.items[1].data);
    assert_string_equal(l.items[2].type, "resume-snapshot");
    assert_string_equal(pg_fixture_text(c, "SELECT count(taken_at) FROM millrace.signal"), "3");

    assert_true(signal_store_answer(c, l.items[0].id, "done", &e));
    assert_true(signal_store_answer(c, l.items[0].id, "again", &e)); /* the first word holds */
    signal_list_done(&l);
    CLEANUP_FREE char *outcome = NULL;
    assert_true(signal_store_outcome(c, first, &outcome, &e));
    assert_string_equal(outcome, "done");

    l = take(c, "me", first + 1);
    assert_int_equal(l.count, 1);
    signal_list_done(&l);
    l = take(c, "me", 0); /* as after a restart */
    assert_int_equal(l.count, 2);
    signal_list_done(&l);
    pgconn_close(c);
}

static void a_process_that_was_overtaken_gets_none(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    add(c, "log", NULL);
    SignalList l = take(c, "somebody else", 0);
    assert_int_equal(l.count, 0);
    assert_string_equal(pg_fixture_text(c, "SELECT taken_at FROM millrace.signal"), "null");
    pgconn_close(c);
}

static void the_last_word_tells_whether_it_is_paused(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    assert_false(is_paused(c));
    add(c, "pause", NULL);
    assert_true(is_paused(c));
    add(c, "log", NULL);
    assert_true(is_paused(c));
    add(c, "resume", NULL);
    assert_false(is_paused(c));
    pg_fixture_exec(c, "DROP TABLE millrace.signal");
    assert_false(is_paused(c));
    pgconn_close(c);
}

static void the_list_is_the_newest_first(void **state) {
    (void)state;
    PgConn *c = connect_to_run();
    Err e = {0};
    int64_t first = add(c, "log", "{}");
    add(c, "pause", NULL);
    char id[24];
    (void)snprintf(id, sizeof id, "%lld", (long long)first);
    assert_true(signal_store_answer(c, id, "logged", &e));
    SignalRow *rows = NULL;
    size_t count = 0;
    assert_true(signal_store_list(c, key, 10, &rows, &count, &e));
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].type, "pause");
    assert_string_equal(rows[0].outcome, "");
    assert_string_equal(rows[0].taken, "");
    assert_string_equal(rows[1].outcome, "logged");
    assert_true(rows[1].created[0] != '\0');
    signal_rows_free(rows, count);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_is_taken_in_order_until_it_is_answered),
        cmocka_unit_test(a_process_that_was_overtaken_gets_none),
        cmocka_unit_test(the_last_word_tells_whether_it_is_paused),
        cmocka_unit_test(the_list_is_the_newest_first),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
