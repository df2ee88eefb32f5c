/* Views and procedures that users make. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop CREATE TABLE t(id int PRIMARY KEY, v varchar(10)) INSERT t VALUES (1, 'a'), (2, 'b')");
    return 0;
}

static void a_view_stands_for_its_query(void **state) {
    (void)state;
    run(sa, "CREATE VIEW v(a, b) AS WITH x AS (SELECT id, v FROM t) SELECT id * 10, v FROM x");
    assert_answer(sa, "SELECT a, b FROM v WHERE a > 10", "20|b\n");
    run(sa, "CREATE OR ALTER VIEW v AS SELECT * FROM t");
    run(sa, "ALTER TABLE t ADD more int");
    assert_answer(sa, "SELECT * FROM v WHERE id = 1", "1|a\n");
    assert_answer(sa, "SELECT name, type FROM sys.objects WHERE type = 'V'", "v|V \n");
    assert_answer(sa, "DROP TABLE v",
                  "ERROR 3705: Cannot use DROP TABLE with 'v' because 'v' is a view. Use DROP VIEW.\n");
    run(sa, "DROP VIEW v");
    assert_answer(sa, "SELECT * FROM v", "ERROR 208: Invalid object name 'v'.\n");
}

static void what_no_view_can_be_is_refused(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "SELECT 1 CREATE VIEW v AS SELECT 1 AS a"), "ERROR 111"));
    assert_non_null(strstr(ask(sa, "CREATE VIEW v AS SELECT 1"), "ERROR 4511"));
    assert_non_null(strstr(ask(sa, "CREATE VIEW v AS SELECT id, id FROM t"), "ERROR 4506"));
    assert_non_null(strstr(ask(sa, "CREATE VIEW v AS SELECT id FROM t ORDER BY id"), "ERROR 1033"));
    assert_non_null(strstr(ask(sa, "ALTER VIEW v AS SELECT 1 AS a"), "ERROR 208"));
    assert_non_null(strstr(ask(sa, "CREATE VIEW t AS SELECT 1 AS a"), "ERROR 2714"));
}

static void a_procedure_takes_and_gives_back(void **state) {
    (void)state;
    run(sa,
        "CREATE PROCEDURE p @a int, @b int = 5, @c int OUTPUT AS SELECT @a + @b SET @c = @a * @b RETURN 7");
    assert_answer(sa, "DECLARE @o int, @r int EXEC @r = p 2, @c = @o OUTPUT SELECT @o, @r", "7\n10|7\n");
    assert_answer(sa, "EXEC p",
                  "ERROR 201: Procedure or function 'p' expects parameter '@a', which was not supplied.\n");
    assert_answer(sa, "CREATE TABLE #r(n int) INSERT #r EXEC p 1, 1, 0 SELECT n FROM #r", "2\n");
    SessionParam params[] = {
        {.name = STR_LIT("@a"), .type = {.id = TYPE_INT}, .value = VALUE_OF_INT(3)},
        {.name = STR_LIT("@c"), .type = {.id = TYPE_INT}, .is_output = true},
    };
    buf_clear(&sa->answer);
    assert_true(session_rpc(sa->session, STR_LIT("dbo.p"), params, 2, false));
    assert_string_equal(buf_text(&sa->answer), "8\n");
    run(sa, "DROP PROCEDURE p");
}

static void a_procedure_leaves_nothing_behind(void **state) {
    (void)state;
    run(sa, "CREATE PROC p AS\nSET NOCOUNT ON\nCREATE TABLE #x(i int)\nSELECT 1 / 0");
    assert_answer(sa, "BEGIN TRY EXEC p END TRY BEGIN CATCH SELECT ERROR_PROCEDURE(), ERROR_LINE() END CATCH",
                  "p|4\n");
    assert_answer(sa, "SELECT OBJECT_ID('tempdb..#x'), @@OPTIONS & 512", "NULL|0\n");
    run(sa, "DROP PROC p");
}

static void owners_stand_in_for_callers(void **state) {
    (void)state;
    run(sa, "CREATE LOGIN joe WITH PASSWORD = 'x' CREATE USER joe");
    run(sa, "CREATE VIEW v AS SELECT id FROM t");
    run(sa, "CREATE PROC p AS DELETE t WHERE id = 9 EXEC ('DELETE t WHERE id = 9')");
    run(sa, "GRANT SELECT ON v TO joe GRANT EXECUTE ON p TO joe");
    Client *joe = client_open_as(&engine, "joe", "x", "shop");
    assert_answer(joe, "SELECT id FROM v", "1\n2\n");
    assert_answer(
        joe, "EXEC p",
        "ERROR 229: The DELETE permission was denied on the object 't', database 'shop', schema 'dbo'.\n");
    assert_non_null(strstr(ask(joe, "SELECT id FROM t"), "ERROR 229"));
    client_close(joe);
}

static void a_rollback_takes_them_back(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN");
    run(sa, "CREATE VIEW gone AS SELECT 1 AS a");
    assert_answer(sa, "SELECT a FROM gone ROLLBACK", "1\n");
    assert_answer(sa, "SELECT a FROM gone", "ERROR 208: Invalid object name 'gone'.\n");
}

static void a_procedure_takes_only_its_own_temporary_tables_along(void **state) {
    (void)state;
    run(sa, "CREATE PROC temps AS CREATE TABLE #own(i int) DROP TABLE #second CREATE TABLE #later(i int)");
    run(sa, "CREATE TABLE #first(i int) CREATE TABLE #second(i int)");
    run(sa, "EXEC temps");
    assert_answer(sa, "SELECT COUNT(*) FROM tempdb.sys.objects WHERE name LIKE '#first%'", "1\n");
    assert_answer(
        sa, "SELECT OBJECT_ID('tempdb..#own'), OBJECT_ID('tempdb..#second'), OBJECT_ID('tempdb..#later')",
        "NULL|NULL|NULL\n");
    run(sa, "DROP TABLE #first DROP PROC temps");
}

static void a_procedure_reverts_no_more_than_it_has_taken(void **state) {
    (void)state;
    run(sa,
        "CREATE LOGIN ann WITH PASSWORD = 'x' CREATE USER ann CREATE LOGIN bob WITH PASSWORD = 'x' CREATE "
        "USER bob");
    run(sa, "CREATE PROC reverts AS REVERT REVERT SELECT SUSER_SNAME()");
    run(sa, "GRANT EXECUTE ON reverts TO bob");
    run(sa, "GRANT EXECUTE ON reverts TO ann");
    assert_answer(sa, "EXECUTE AS LOGIN = 'bob' EXEC reverts SELECT SUSER_SNAME()", "bob\nbob\n");
    assert_answer(sa, "EXEC ('REVERT SELECT SUSER_SNAME()') SELECT SUSER_SNAME()", "bob\nbob\n");
    assert_answer(sa, "REVERT SELECT SUSER_SNAME()", "sa\n");
    run(sa, "DROP PROC reverts");
}

static void a_database_that_a_caller_stands_in_is_in_use(void **state) {
    (void)state;
    static const char in_use[] =
        "ERROR 3702: Cannot drop database \"caller\" because it is currently in use.\n";
    run(sa, "CREATE DATABASE caller");
    run(sa, "CREATE PROC drops AS DROP DATABASE caller");
    run(sa, "USE caller");
    assert_string_equal(ask(sa, "EXEC shop.dbo.drops"), in_use);
    assert_string_equal(ask(sa, "EXEC ('USE shop DROP DATABASE caller')"), in_use);
    assert_string_equal(ask(sa, "EXEC sp_executesql N'USE shop DROP DATABASE caller'"), in_use);
    assert_string_equal(ask(sa, "EXEC shop.sys.sp_executesql N'DROP DATABASE caller'"), in_use);
    assert_answer(sa, "SELECT DB_NAME()", "caller\n");
    run(sa, "USE shop DROP DATABASE caller DROP PROC drops");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_view_stands_for_its_query),
        cmocka_unit_test(what_no_view_can_be_is_refused),
        cmocka_unit_test(a_procedure_takes_and_gives_back),
        cmocka_unit_test(a_procedure_leaves_nothing_behind),
        cmocka_unit_test(a_procedure_takes_only_its_own_temporary_tables_along),
        cmocka_unit_test(a_procedure_reverts_no_more_than_it_has_taken),
        cmocka_unit_test(a_database_that_a_caller_stands_in_is_in_use),
        cmocka_unit_test(owners_stand_in_for_callers),
        cmocka_unit_test(a_rollback_takes_them_back),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
