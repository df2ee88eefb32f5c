#include "postgres/own_tables.h"

#include <string.h>

#include "pg_fixture.h"
#include "test.h"

static bool exist(PgConn *c, const char *names) {
    bool are_there = false;
    Err e = {0};
    if (!own_tables_exist(c, names, &are_there, &e)) fail_msg("%s", e.msg);
    return are_there;
}

static PgConn *connect_to_none(void) {
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    return c;
}

static void tables_are_there_once_they_are_made(void **state) {
    (void)state;
    PgConn *c = connect_to_none();
    Err e = {0};
    assert_false(exist(c, "a"));
    pg_fixture_exec(c, "CREATE SCHEMA millrace");
    assert_true(own_tables_make(c, "CREATE TABLE IF NOT EXISTS millrace.a (id int)", &e));
    assert_true(own_tables_make(c, "CREATE TABLE IF NOT EXISTS millrace.a (id int)", &e));
    assert_false(pgconn_in_transaction(c));
    assert_true(exist(c, "a"));
    assert_false(exist(c, "a,b"));
    pg_fixture_exec(c, "CREATE TABLE millrace.b (id int)");
    assert_true(exist(c, "a,b"));
    pgconn_close(c);
}

static void what_fails_is_taken_back_and_its_sqlstate_kept(void **state) {
    (void)state;
    PgConn *c = connect_to_none();
    Err e = {0};
    pg_fixture_exec(c, "CREATE SCHEMA millrace");
    assert_false(own_tables_make(c, "CREATE TABLE millrace.a (id int); CREATE TABLE nowhere.b (id int)", &e));
    assert_string_equal(pgconn_sqlstate(c), "3F000");
    assert_non_null(strstr(e.msg, "nowhere"));
    assert_false(pgconn_in_transaction(c));
    assert_false(exist(c, "a"));
    pgconn_close(c);
}

static void a_second_start_waits_for_the_first(void **state) {
    (void)state;
    PgConn *c = connect_to_none(), *other = pg_fixture_connect();
    Err e = {0};
    pg_fixture_exec(c, "CREATE SCHEMA millrace; SET lock_timeout = '50ms'");
    pg_fixture_exec(other, "BEGIN; SELECT pg_advisory_xact_lock(5572894213)");
    assert_false(own_tables_make(c, "CREATE TABLE IF NOT EXISTS millrace.a (id int)", &e));
    assert_string_equal(pgconn_sqlstate(c), "55P03");
    pg_fixture_exec(other, "COMMIT");
    assert_true(own_tables_make(c, "CREATE TABLE IF NOT EXISTS millrace.a (id int)", &e));
    pgconn_close(other);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_there_once_they_are_made),
        cmocka_unit_test(what_fails_is_taken_back_and_its_sqlstate_kept),
        cmocka_unit_test(a_second_start_waits_for_the_first),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
