#include "postgres/pgconn.h"

#include <string.h>

#include "base/mem.h"
#include "pg_fixture.h"
#include "test.h"

static ErrCode class_of(const char *sqlstate, bool is_retriable) {
    bool got;
    ErrCode code = pgconn_classify(sqlstate, &got);
    assert_int_equal(got, is_retriable);
    return code;
}

static void sqlstates_fall_into_their_classes(void **state) {
    (void)state;
    assert_int_equal(class_of("23505", false), ERR_DATA);
    assert_int_equal(class_of("22003", false), ERR_DATA);
    assert_int_equal(class_of("54000", false), ERR_DATA);
    assert_int_equal(class_of("40001", true), ERR_IO);
    assert_int_equal(class_of("40P01", true), ERR_IO);
    assert_int_equal(class_of("53100", true), ERR_IO);
    assert_int_equal(class_of("57P01", true), ERR_IO);
    assert_int_equal(class_of("57P04", false), ERR_INVALID);
    assert_int_equal(class_of("08006", true), ERR_IO);
    assert_int_equal(class_of("", true), ERR_IO);
    assert_int_equal(class_of("55P03", true), ERR_TIMEOUT);
    assert_int_equal(class_of("57014", true), ERR_TIMEOUT);
    assert_int_equal(class_of("25006", true), ERR_IO);
    assert_int_equal(class_of("42P01", false), ERR_INVALID);
    assert_int_equal(class_of("42501", false), ERR_INVALID);
    assert_int_equal(class_of("42P10", false), ERR_INVALID);
    assert_int_equal(class_of("28P01", false), ERR_INVALID);
    assert_int_equal(class_of("MR001", false), ERR_FENCED);
    assert_int_equal(class_of("XX000", false), ERR_INTERNAL);
    assert_int_equal(class_of("25P02", false), ERR_INTERNAL);
}

static void a_server_answers_or_it_does_not(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf url = {0};
    buf_printf(&url, "postgresql:///postgres?host=%s&user=nobody_there", pg_fixture_dir);
    assert_true(pgconn_answers(buf_text(&url))); /* no login is needed */
    assert_false(pgconn_answers("host=/nowhere user=postgres"));
    assert_true(pgconn_answers("no such option=1")); /* for pgconn_open to tell */
}

static void an_error_names_objects_but_no_row_data(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "CREATE TEMP TABLE t (a int PRIMARY KEY, b int NOT NULL)");
    Err e = {0};
    assert_false(pgconn_exec(c, "INSERT INTO t VALUES (4711, 1), (4711, 2)", &e));
    assert_string_equal(pgconn_sqlstate(c), "23505");
    assert_non_null(strstr(e.msg, "t_pkey"));
    assert_null(strstr(e.msg, "4711"));
    assert_false(pgconn_exec(c, "INSERT INTO t VALUES (4711, NULL)", &e));
    assert_non_null(strstr(e.msg, "column b"));
    assert_null(strstr(e.msg, "4711"));
    assert_false(pgconn_exec(c, "SELECT 'secret'::int", &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_null(strstr(e.msg, "secret"));
    pgconn_close(c);
}

static bool open_with(const char *conninfo, Err *e) {
    const PgConnSpec spec = {.conninfo = conninfo, .application = "test"};
    PgConn *c = NULL;
    bool ok = pgconn_open(&spec, &c, e);
    pgconn_close(c);
    return ok;
}

static void what_is_wrong_is_told_from_what_is_not_there_now(void **state) {
    (void)state;
    Err e = {0};
    char conninfo[256];
    (void)snprintf(conninfo, sizeof conninfo, "%s dbname=nothere", pg_fixture_conninfo);
    assert_false(open_with(conninfo, &e));
    assert_false(e.retriable);
    assert_false(open_with("host=/tmp/millrace-no-such-place user=postgres", &e));
    assert_true(e.retriable);
    assert_int_equal(e.code, ERR_IO);
    assert_false(open_with("hst=x", &e));
    assert_false(e.retriable);
}

static void a_pipeline_stops_at_its_first_failure_and_can_be_used_again(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "CREATE TEMP TABLE t (a int)");
    PgStatement one = {.sql = "INSERT INTO t VALUES ($1::int)"}, bad = {.sql = "SELECT 1/$1::int"};
    PgStatement never = {.sql = "INSERT INTO t VALUES (99)"};
    const PgParam five = {.p = "5"}, zero = {.p = "0"};
    Err e = {0};
    int64_t rows = -1;
    assert_true(pgconn_pipe_begin(c, &e));
    assert_true(pgconn_pipe_send(c, &one, &five, 1, &rows, &e));
    assert_true(pgconn_pipe_end(c, &e));
    assert_int_equal(rows, 1);

    assert_true(pgconn_pipe_begin(c, &e));
    assert_true(pgconn_pipe_send(c, &bad, &zero, 1, NULL, &e));
    assert_true(pgconn_pipe_send(c, &never, NULL, 0, NULL, &e));
    assert_false(pgconn_pipe_end(c, &e));
    assert_string_equal(pgconn_sqlstate(c), "22012");
    assert_true(never.prepared_on == 0); /* the server skipped it */
    assert_string_equal(pg_fixture_text(c, "SELECT a FROM t"), "5");

    assert_true(pgconn_pipe_begin(c, &e));
    assert_true(pgconn_pipe_send(c, &never, NULL, 0, &rows, &e));
    assert_true(pgconn_pipe_end(c, &e));
    assert_string_equal(pg_fixture_text(c, "SELECT a FROM t ORDER BY a"), "5|99");
    pgconn_close(c);
}

static void statements_are_prepared_anew_on_a_new_connection(void **state) {
    (void)state;
    PgStatement s = {.sql = "SELECT 1"};
    Err e = {0};
    for (int i = 0; i < 2; i++) {
        PgConn *c = pg_fixture_connect();
        assert_true(pgconn_pipe_begin(c, &e));
        assert_true(pgconn_pipe_send(c, &s, NULL, 0, NULL, &e));
        assert_true(pgconn_pipe_send(c, &s, NULL, 0, NULL, &e));
        assert_true(pgconn_pipe_end(c, &e));
        pgconn_close(c);
    }
}

static void a_copy_given_up_leaves_nothing(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "CREATE TEMP TABLE t (a text)");
    Err e = {0};
    CLEANUP(buf_done) Buf out = {0};
    assert_true(pgconn_copy_in(c, "COPY t FROM STDIN", &e));
    buf_cstr(&out, "x\n");
    assert_true(pgconn_copy_put(c, &out, &e));
    pgconn_copy_abort(c);
    assert_string_equal(pg_fixture_text(c, "SELECT count(*) FROM t"), "0");
    int64_t rows = 0;
    assert_true(pgconn_copy_in(c, "COPY t FROM STDIN", &e));
    buf_cstr(&out, "x\ny\n");
    assert_true(pgconn_copy_put(c, &out, &e) && pgconn_copy_end(c, &rows, &e));
    assert_int_equal(rows, 2);
    pgconn_close(c);
}

static void a_session_that_was_ended_is_noticed_without_a_statement(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect(), *other = pg_fixture_connect();
    Err e = {0};
    assert_true(pgconn_check(c, &e));
    char sql[64];
    (void)snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%d, 5000)", pgconn_backend_pid(c));
    pg_fixture_exec(other, sql);
    assert_false(pgconn_check(c, &e));
    assert_true(e.retriable);
    assert_false(pgconn_is_open(c));
    assert_false(pgconn_exec(c, "SELECT 1", &e));
    assert_false(pgconn_pipe_begin(c, &e));
    pgconn_rollback(c);
    pgconn_close(c);
    pgconn_close(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlstates_fall_into_their_classes),
        cmocka_unit_test(a_server_answers_or_it_does_not),
        cmocka_unit_test(an_error_names_objects_but_no_row_data),
        cmocka_unit_test(what_is_wrong_is_told_from_what_is_not_there_now),
        cmocka_unit_test(a_pipeline_stops_at_its_first_failure_and_can_be_used_again),
        cmocka_unit_test(statements_are_prepared_anew_on_a_new_connection),
        cmocka_unit_test(a_copy_given_up_leaves_nothing),
        cmocka_unit_test(a_session_that_was_ended_is_noticed_without_a_statement),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
