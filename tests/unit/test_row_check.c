/* What is filled in and checked before a row is written. */
#include "collector_sa.h"
#include "test.h"

static void checks_pass_when_they_are_unknown(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (a int CONSTRAINT ck_a CHECK (a > 0), b int, CONSTRAINT ck_ab CHECK (a < b)) INSERT "
        "t VALUES (NULL, 1), (1, NULL), (1, 2)",
        "#3\n");
    ASK(&a, "INSERT t VALUES (0, 1)",
        "!547 The INSERT statement conflicted with the CHECK constraint \"ck_a\". The conflict occurred in "
        "database \"shop\", table \"dbo.t\", column 'a'.\n-3621 The statement has been terminated.\n");
    ASK(&a, "UPDATE t SET b = 0",
        "!547 The UPDATE statement conflicted with the CHECK constraint \"ck_ab\". The conflict occurred in "
        "database \"shop\", table \"dbo.t\".\n-3621 The statement has been terminated.\n");
}

static void defaults_are_evaluated_for_each_row(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (id int, g uniqueidentifier DEFAULT NEWID(), at datetime2 DEFAULT SYSUTCDATETIME(), "
        "u nvarchar(50) DEFAULT USER_NAME()) INSERT t (id) VALUES (1), (2)",
        "#2\n");
    ASK(&a, "SELECT COUNT(DISTINCT g), COUNT(DISTINCT at), MIN(u) FROM t", "2|1|dbo\n#1\n");
    ASK(&a, "INSERT t (id, u) VALUES (3, NULL) SELECT u FROM t WHERE id = 3", "#1\nNULL\n#1\n");
}

static void computed_columns_follow_their_row(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE t (a int, b nvarchar(9), c AS a * 2 PERSISTED, d AS UPPER(b) + N'!') INSERT t (a, b) "
        "VALUES (1, N'x') SELECT * FROM t",
        "#1\n1|x|2|X!\n#1\n");
    ASK(&a,
        "UPDATE t SET a = 5, b = N'y' SELECT * FROM t CREATE INDEX ix ON t (d) SELECT a FROM t WHERE d = "
        "N'Y!'",
        "#1\n5|y|10|Y!\n#1\n5\n#1\n");
    ASK(&a, "CREATE TABLE z (a int, b AS 10 / a) INSERT z (a) VALUES (0)",
        "!8134 Divide by zero error encountered.\n");
}

static void a_parent_row_stays_until_the_child_is_committed(void **state) {
    (void)state;
    TestClient b;
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY) INSERT p VALUES (1), (2) CREATE TABLE c (x int CONSTRAINT fk "
        "REFERENCES p)",
        "#2\n");
    testclient_open(&b, server.server, "sa", "shop");
    ASK(&a, "BEGIN TRAN INSERT c VALUES (1)", "begin\n#1\n");
    ASK(&b, "DELETE p WHERE id = 2", "#1\n");
    testclient_start_and_wait(server.server, &b, "DELETE p WHERE id = 1");
    ASK(&a, "COMMIT", "commit\n");
    assert_non_null(strstr(testclient_finish(&b),
                           "!547 The DELETE statement conflicted with the REFERENCE constraint \"fk\""));
    testclient_close(&b);
}

static void a_child_waits_for_its_parents_fate(void **state) {
    (void)state;
    TestClient b;
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY) INSERT p VALUES (1) CREATE TABLE c (x int CONSTRAINT fk "
        "REFERENCES p)",
        "#1\n");
    testclient_open(&b, server.server, "sa", "shop");
    ASK(&a, "BEGIN TRAN DELETE p", "begin\n#1\n");
    testclient_start_and_wait(server.server, &b, "INSERT c VALUES (1)");
    ASK(&a, "COMMIT", "commit\n");
    assert_non_null(strstr(testclient_finish(&b),
                           "!547 The INSERT statement conflicted with the FOREIGN KEY constraint \"fk\""));
    testclient_close(&b);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, sa_open_shop, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(checks_pass_when_they_are_unknown),  TEST(defaults_are_evaluated_for_each_row),
        TEST(computed_columns_follow_their_row),  TEST(a_parent_row_stays_until_the_child_is_committed),
        TEST(a_child_waits_for_its_parents_fate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
