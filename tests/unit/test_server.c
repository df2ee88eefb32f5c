/* The server as a whole: opening, logins, sessions, stopping. */
#include "collector_sa.h"
#include "test.h"

static void a_directory_that_cant_be_made_is_an_error(void **state) {
    (void)state;
    Err e = {0};
    Server *s;
    const ServerOptions options = {0};
    assert_false(server_open("/proc/nix/data", &options, &s, &e));
    assert_int_equal(e.code, ERR_IO);
}

static void sessions_have_numbers_of_their_own(void **state) {
    (void)state;
    TestClient b;
    testclient_open(&b, server.server, "sa", "shop");
    assert_int_equal(session_spid(a.session), 51);
    assert_int_equal(session_spid(b.session), 52);
    assert_int_equal(server_session_count(server.server), 2);
    assert_true(str_eq_c(session_database(b.session), "shop"));
    testclient_close(&b);
    assert_int_equal(server_session_count(server.server), 1);
    testclient_open(&b, server.server, "sa", "");
    assert_int_equal(session_spid(b.session), 52);
    assert_true(str_eq_c(session_database(b.session), "master"));
    testclient_close(&b);
}

static void the_first_free_number_is_given(void **state) {
    (void)state;
    TestClient c[4];
    for (size_t i = 0; i < 4; i++) testclient_open(&c[i], server.server, "sa", "");
    testclient_close(&c[1]); /* 53 */
    testclient_close(&c[0]); /* 52 */
    testclient_open(&c[0], server.server, "sa", "");
    testclient_open(&c[1], server.server, "sa", "");
    for (size_t i = 0; i < 4; i++) assert_int_equal(session_spid(c[i].session), 52 + i);
    for (size_t i = 0; i < 4; i++) testclient_close(&c[i]);
    assert_int_equal(server_session_count(server.server), 1);
}

static void passwords_are_checked_when_there_is_one(void **state) {
    (void)state;
    SqlError e = {0};
    TestServer other = {0};
    const ServerOptions options = {.sa_password = "secret", .name = "BOX"};
    assert_true(server_check_login(server.server, STR_LIT("SA"), STR_LIT("anything"), &e));
    testserver_open(&other, &options);
    assert_true(server_check_login(other.server, STR_LIT("sa"), STR_LIT("secret"), &e));
    assert_false(server_check_login(other.server, STR_LIT("sa"), STR_LIT("Secret"), &e));
    assert_int_equal(e.number, 18456);
    assert_string_equal(e.text, "Login failed for user 'sa'.");
    assert_string_equal(server_name(other.server), "BOX");
    testserver_close(&other);
}

static void a_database_in_use_isnt_dropped(void **state) {
    (void)state;
    TestClient b;
    testclient_open(&b, server.server, "sa", "shop");
    ASK(&a, "USE master DROP DATABASE shop",
        "-5701 Changed database context to 'master'.\n!3702 Cannot drop database \"shop\" because it is "
        "currently in use.\n");
    testclient_close(&b);
    ASK(&a, "DROP DATABASE shop DROP DATABASE master",
        "!3708 Cannot drop the database 'master' because it is a system database.\n");
}

static void stopping_ends_what_runs(void **state) {
    (void)state;
    testclient_start(&a, "WAITFOR DELAY '00:01:00'");
    server_stop(server.server);
    (void)testclient_finish(&a);
    assert_true(server_is_stopping(server.server));
    assert_false(session_batch(a.session, STR_LIT("SELECT 1")));
}

static void internal_sessions_belong_to_the_server(void **state) {
    (void)state;
    Err e = {0};
    Session *s = session_open_internal(server.server, CATALOG_MSDB, &e);
    assert_non_null(s);
    assert_true(session_is_sysadmin(s));
    assert_true(str_eq_c(session_database(s), "msdb"));
    s = session_close(s);
    uint64_t v = server_next_rowversion(server.server);
    assert_true(server_next_rowversion(server.server) > v);
    assert_int_equal(server_last_rowversion(server.server), v + 1);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_directory_that_cant_be_made_is_an_error),
        TEST(sessions_have_numbers_of_their_own),
        TEST(the_first_free_number_is_given),
        TEST(passwords_are_checked_when_there_is_one),
        TEST(a_database_in_use_isnt_dropped),
        TEST(stopping_ends_what_runs),
        TEST(internal_sessions_belong_to_the_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
