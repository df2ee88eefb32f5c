/* Logins, users, roles and what they may do. */
#include "collector.h"
#include "test.h"

static TestServer server;
static TestClient sa, user;

static int setup(void **state) {
    (void)state;
    server = (TestServer){0};
    testserver_open(&server, NULL);
    testclient_open(&sa, server.server, "sa", "");
    ASK(&sa, "CREATE DATABASE shop CREATE LOGIN joe WITH PASSWORD = 'x', DEFAULT_DATABASE = master", "");
    (void)testclient_run(
        &sa, "USE shop CREATE TABLE t (id int) INSERT t VALUES (1) CREATE USER joe FOR LOGIN joe");
    testclient_open(&user, server.server, "joe", "shop");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    testclient_close(&sa);
    testclient_close(&user);
    testserver_close(&server);
    return 0;
}

#define DENIED(what)                                                                                         \
    "!229 The " what " permission was denied on the object 't', database 'shop', schema 'dbo'.\n"

static void a_user_may_what_was_granted(void **state) {
    (void)state;
    ASK(&user, "SELECT * FROM t", DENIED("SELECT"));
    ASK(&sa, "GRANT SELECT, INSERT ON t TO joe", "");
    ASK(&user, "SELECT * FROM t INSERT t VALUES (2)", "1\n#1\n#1\n");
    ASK(&user, "DELETE t", DENIED("DELETE"));
    ASK(&sa, "REVOKE INSERT ON OBJECT::dbo.t FROM joe", "");
    ASK(&user, "INSERT t VALUES (3)", DENIED("INSERT"));
    ASK(&sa, "GRANT SELECT ON SCHEMA::dbo TO joe DENY SELECT ON t TO public", "");
    ASK(&user, "SELECT * FROM t", DENIED("SELECT"));
}

static void roles_give_their_rights_to_members(void **state) {
    (void)state;
    ASK(&sa, "ALTER ROLE db_datareader ADD MEMBER joe", "");
    ASK(&user, "SELECT * FROM t UPDATE t SET id = 5", "1\n#1\n" DENIED("UPDATE"));
    ASK(&sa, "CREATE ROLE writers GRANT UPDATE ON t TO writers ALTER ROLE writers ADD MEMBER joe", "");
    ASK(&user, "UPDATE t SET id = 5 SELECT IS_MEMBER('writers'), IS_MEMBER('db_owner')", "#1\n1|0\n#1\n");
    ASK(&sa, "ALTER ROLE db_datareader DROP MEMBER joe ALTER ROLE db_owner ADD MEMBER joe", "");
    ASK(&user, "DELETE t CREATE TABLE u (a int) DROP TABLE u", "#1\n");
}

static void schema_changes_need_rights(void **state) {
    (void)state;
    ASK(&user, "CREATE TABLE u (a int)", "!262 CREATE TABLE permission denied in database 'shop'.\n");
    ASK(&user, "ALTER TABLE t ADD b int",
        "!1088 Cannot find the object \"t\" because it does not exist or you do not have permissions.\n");
    ASK(&user, "CREATE DATABASE d", "!262 CREATE DATABASE permission denied in database 'master'.\n");
    ASK(&user, "CREATE TABLE #u (a int) INSERT #u VALUES (1) SELECT * FROM #u", "#1\n1\n#1\n");
    ASK(&user, "GRANT SELECT ON t TO public",
        "!15151 Cannot find the object 't', because it does not exist or you do not have permission.\n");
    ASK(&sa, "GRANT ALTER ON t TO joe", "");
    ASK(&user, "ALTER TABLE t ADD b int NULL", "");
}

static void databases_are_closed_to_strangers(void **state) {
    (void)state;
    ASK(&sa, "CREATE DATABASE other", "");
    ASK(&user, "USE other",
        "!916 The server principal \"joe\" is not able to access the database \"other\" under the current "
        "security context.\n");
    ASK(&user, "SELECT HAS_DBACCESS('other'), HAS_DBACCESS('shop'), SUSER_SNAME(), USER_NAME()",
        "0|1|joe|joe\n#1\n");
    Collector c;
    OutMessage m;
    collector_init(&c);
    SessionLogin login = {.user = STR_LIT("joe"), .password = STR_LIT("x"), .database = STR_LIT("other")};
    assert_null(session_open(server.server, &login, &c.out, &m));
    assert_int_equal(m.number, 4060);
    login.password = STR_LIT("wrong");
    assert_null(session_open(server.server, &login, &c.out, &m));
    assert_int_equal(m.number, 18456);
}

static int32_t login_error(const char *password) {
    Collector c;
    OutMessage m = {0};
    collector_init(&c);
    SessionLogin login = {.user = STR_LIT("joe"), .password = str_from(password)};
    Session *s = session_open(server.server, &login, &c.out, &m);
    if (s) s = session_close(s);
    return m.number;
}

static void a_disabled_login_is_told_so_by_its_password_only(void **state) {
    (void)state;
    ASK(&sa, "ALTER LOGIN joe DISABLE", "");
    assert_int_equal(login_error("x"), 18470);
    assert_int_equal(login_error("y"), 18456);
    ASK(&sa, "ALTER LOGIN joe ENABLE ALTER LOGIN joe WITH PASSWORD = 'y'", "");
    assert_int_equal(login_error("y"), 0);
}

static void a_default_database_that_is_gone_fails_the_login(void **state) {
    (void)state;
    ASK(&sa, "CREATE DATABASE gone ALTER LOGIN joe WITH DEFAULT_DATABASE = gone DROP DATABASE gone", "");
    assert_int_equal(login_error("x"), 4064);
}

/* Logs in to wanted, or elsewhere: the session's database is there, and what was said. */
static void assert_falls_back(const char *wanted, int32_t says, const char *there) {
    Collector c;
    OutMessage m = {0};
    collector_init(&c);
    SessionLogin login = {.user = STR_LIT("joe"),
                          .password = STR_LIT("x"),
                          .database = str_from(wanted),
                          .is_database_optional = true};
    Session *s = session_open(server.server, &login, &c.out, &m);
    assert_non_null(s);
    assert_true(str_eq_c(session_database(s), there));
    CLEANUP_FREE char *start = x_asprintf("!%d ", says);
    assert_true(str_starts(buf_view(&c.text), str_from(start)));
    s = session_close(s);
    buf_done(&c.text);
}

static void a_login_may_fall_back_to_another_database(void **state) {
    (void)state;
    assert_falls_back("nix", 4063, "master");
    ASK(&sa, "CREATE DATABASE gone ALTER LOGIN joe WITH DEFAULT_DATABASE = gone DROP DATABASE gone", "");
    assert_falls_back("nix", 4061, "master");
    assert_falls_back("", 4062, "master");
}

static void principals_have_rules(void **state) {
    (void)state;
    ASK(&sa, "CREATE USER joe",
        "!15023 User, group, or role 'joe' already exists in the current database.\n");
    ASK(&sa, "CREATE USER jim", "!15007 'jim' is not a valid login or you do not have permission.\n");
    ASK(&sa, "CREATE USER jim WITHOUT LOGIN DROP USER jim DROP USER jim",
        "!15151 Cannot drop the user 'jim', because it does not exist or you do not have permission.\n");
    ASK(&sa, "CREATE LOGIN joe WITH PASSWORD = 'y'", "!15025 The server principal 'joe' already exists.\n");
    ASK(&sa, "DROP USER dbo", "!15150 Cannot drop the user 'dbo'.\n");
    ASK(&sa, "GRANT SELECT ON nix TO joe",
        "!15151 Cannot find the object 'nix', because it does not exist or you do not have permission.\n");
    ASK(&sa, "GRANT VIEW SERVER STATE TO joe",
        "!4621 Permissions at the server scope can only be granted when the current database is master\n");
    ASK(&sa, "ALTER SERVER ROLE sysadmin ADD MEMBER joe", "");
    TestClient admin;
    testclient_open(&admin, server.server, "joe", "shop");
    ASK(&admin, "SELECT IS_SRVROLEMEMBER('sysadmin') DELETE t", "1\n#1\n#1\n");
    testclient_close(&admin);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(a_user_may_what_was_granted),
        TEST(roles_give_their_rights_to_members),
        TEST(schema_changes_need_rights),
        TEST(databases_are_closed_to_strangers),
        TEST(principals_have_rules),
        TEST(a_disabled_login_is_told_so_by_its_password_only),
        TEST(a_default_database_that_is_gone_fails_the_login),
        TEST(a_login_may_fall_back_to_another_database),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
