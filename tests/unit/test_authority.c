/* As whom a session acts: columns, server permissions, EXECUTE AS, what is seen of others' objects. */
#include "engine_sa.h"

static Client *user;

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE DATABASE shop CREATE LOGIN joe WITH PASSWORD = 'x'");
    run(sa, "USE shop CREATE USER joe CREATE TABLE t(a int, b int) INSERT t VALUES (1, 2) CREATE TABLE "
            "hidden(a int)");
    user = client_open_as(&engine, "joe", "x", "shop");
    return 0;
}

static int teardown(void **state) {
    client_close(user);
    return sa_close(state);
}

#define DENIED(number, rest) "ERROR " number ": The " rest "'t', database 'shop', schema 'dbo'.\n"

static void columns_may_be_granted_alone(void **state) {
    (void)state;
    run(sa, "GRANT SELECT ON t(a) TO joe");
    assert_answer(user, "SELECT a FROM t", "1\n");
    assert_answer(user, "SELECT COUNT(*) FROM t", "1\n");
    assert_answer(user, "SELECT a FROM t WHERE b = 2",
                  DENIED("230", "SELECT permission was denied on the column 'b' of the object "));
    assert_answer(user, "SELECT * FROM t",
                  DENIED("230", "SELECT permission was denied on the column 'b' of the object "));
    run(sa, "GRANT UPDATE ON t TO joe DENY UPDATE ON t(b) TO joe");
    assert_answer(user, "UPDATE t SET a = 1", "");
    assert_answer(user, "UPDATE t SET b = 1",
                  DENIED("230", "UPDATE permission was denied on the column 'b' of the object "));
}

static void only_what_one_may_use_is_seen(void **state) {
    (void)state;
    assert_answer(user, "SELECT name FROM sys.tables SELECT OBJECT_ID('hidden')", "NULL\n");
    run(sa, "GRANT DELETE ON hidden TO joe");
    assert_answer(user, "SELECT name FROM sys.tables", "hidden\n");
}

static void the_server_s_state_needs_leave(void **state) {
    (void)state;
    assert_answer(
        user, "SELECT COUNT(*) FROM sys.dm_exec_connections",
        "ERROR 300: VIEW SERVER PERFORMANCE STATE permission was denied on object 'server', database "
        "'master'.\nERROR 297: The user does not have permission to perform this action.\n");
    run(sa, "USE master GRANT VIEW SERVER STATE TO joe USE shop");
    run(user, "SELECT COUNT(*) FROM sys.dm_exec_connections");
    run(sa, "USE master DENY VIEW SERVER STATE TO joe USE shop");
    assert_non_null(strstr(ask(user, "SELECT COUNT(*) FROM sys.dm_exec_connections"), "ERROR 300"));
}

static void execute_as_is_undone_by_revert_and_with_the_text(void **state) {
    (void)state;
    assert_answer(sa,
                  "EXECUTE AS USER = 'joe' SELECT USER_NAME(), ORIGINAL_LOGIN() REVERT SELECT USER_NAME()",
                  "joe|sa\ndbo\n");
    assert_answer(sa, "EXEC ('EXECUTE AS LOGIN = ''joe'' SELECT SUSER_NAME()') SELECT SUSER_NAME()",
                  "joe\nsa\n");
    assert_answer(
        sa, "EXEC ('DELETE t') AS USER = 'joe'",
        "ERROR 229: The DELETE permission was denied on the object 't', database 'shop', schema 'dbo'.\n");
    assert_non_null(strstr(ask(user, "EXECUTE AS USER = 'dbo'"), "ERROR 15517"));
    assert_non_null(strstr(ask(user, "EXECUTE AS LOGIN = 'sa'"), "ERROR 15406"));
}

static void a_reset_ends_impersonation(void **state) {
    (void)state;
    run(sa, "EXECUTE AS USER = 'joe'");
    assert_true(session_reset(sa->session, /* keep_transaction= */ false));
    assert_answer(sa, "SELECT SUSER_NAME()", "sa\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(columns_may_be_granted_alone),   TEST(only_what_one_may_use_is_seen),
        TEST(the_server_s_state_needs_leave), TEST(execute_as_is_undone_by_revert_and_with_the_text),
        TEST(a_reset_ends_impersonation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
