#include "shop.h"
#include "standin/exec/index_filter.h"

static void only_rows_in_the_filter_are_unique(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(id int PRIMARY KEY, email varchar(50) NULL, gone bit NOT NULL); CREATE "
            "UNIQUE INDEX ux "
            "ON dbo.t(email) WHERE email IS NOT NULL AND gone = 0");
    run(sa, "INSERT dbo.t VALUES (1, NULL, 0), (2, NULL, 0), (3, 'a', 0), (4, 'a', 1)");
    assert_answer(
        sa, "INSERT dbo.t VALUES (5, 'A', 0)",
        "ERROR 2601: Cannot insert duplicate key row in object 'dbo.t' with unique index 'ux'. The duplicate "
        "key value is (A).\nINFO The statement has been terminated.\n");
    assert_answer(
        sa, "UPDATE dbo.t SET gone = 0 WHERE id = 4",
        "ERROR 2601: Cannot insert duplicate key row in object 'dbo.t' with unique index 'ux'. The duplicate "
        "key value is (a).\nINFO The statement has been terminated.\n");
    run(sa, "BEGIN TRAN; UPDATE dbo.t SET gone = 1 WHERE id = 3; UPDATE dbo.t SET gone = 0 WHERE id = 4");
    assert_answer(
        sa, "INSERT dbo.t VALUES (5, 'a', 0)",
        "ERROR 2601: Cannot insert duplicate key row in object 'dbo.t' with unique index 'ux'. The duplicate "
        "key value is (a).\nINFO The statement has been terminated.\n");
    run(sa, "COMMIT");
    assert_answer(sa, "SELECT id, gone FROM dbo.t WHERE email = 'a' ORDER BY id", "3|1\n4|0\n");
}

static void the_filter_is_shown_in_its_own_spelling(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int, s nvarchar(10), d decimal(9,2)); CREATE INDEX i1 ON dbo.t(a) WHERE a "
            "> -5 and s in "
            "(N'x', N'o''y'); CREATE INDEX i2 ON dbo.t(s) INCLUDE (d) WHERE d <> 1.50 AND s IS NULL; CREATE "
            "INDEX i3 ON "
            "dbo.t(a)");
    assert_answer(
        sa,
        "SELECT name, has_filter, filter_definition FROM sys.indexes WHERE object_id = OBJECT_ID('dbo.t') "
        "AND "
        "index_id > 0 ORDER BY name",
        "i1|1|([a]>(-5) AND [s] IN (N'x', N'o''y'))\ni2|1|([d]<>(1.50) AND [s] IS NULL)\ni3|0|NULL\n");
    run(sa, "INSERT dbo.t VALUES (1, N'x', 2), (2, NULL, 3)");
    assert_answer(sa, "SELECT a FROM dbo.t WHERE a > -5 AND s IN (N'x', N'o''y')", "1\n");
}

static void what_is_no_filter_is_refused(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int, b int, c AS a + 1)");
    assert_answer(sa, "CREATE INDEX i ON dbo.t(a) WHERE a = 1 OR b = 2",
                  "ERROR 10735: Incorrect WHERE clause for filtered index 'i' on table 't'.\n");
    assert_answer(sa, "CREATE INDEX i ON dbo.t(a) WHERE a = b",
                  "ERROR 10735: Incorrect WHERE clause for filtered index 'i' on table 't'.\n");
    assert_answer(sa, "CREATE INDEX i ON dbo.t(a) WHERE x = 1",
                  "ERROR 1911: Column name 'x' does not exist in the target table or view.\n");
    run(sa, "CREATE TABLE #w(a int); INSERT #w VALUES (1), (1)");
    assert_answer(sa, "CREATE UNIQUE INDEX i ON #w(a) WHERE a = a",
                  "ERROR 10735: Incorrect WHERE clause for filtered index 'i' on table '#w'.\n");
    run(sa, "CREATE UNIQUE INDEX i ON #w(a) WHERE a > 1; DROP INDEX i ON #w");
    assert_answer(
        sa, "CREATE UNIQUE INDEX i ON dbo.nosuch(a) WHERE a > 1",
        "ERROR 1088: Cannot find the object \"nosuch\" because it does not exist or you do not have "
        "permissions.\n");
}

static void an_index_over_duplicates_is_refused_only_within_its_filter(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int, b int); INSERT dbo.t VALUES (1, 0), (1, 0), (2, 5), (2, 6)");
    assert_answer(
        sa, "CREATE UNIQUE INDEX i ON dbo.t(a) WHERE b > 0",
        "ERROR 1505: The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the "
        "object name 'dbo.t' and the index name 'i'. The duplicate key value is (2).\n");
    run(sa, "DELETE dbo.t WHERE b = 6; CREATE UNIQUE INDEX i ON dbo.t(a) WHERE b > 0");
    run(sa, "DROP INDEX i ON dbo.t; INSERT dbo.t VALUES (2, 7)");
}

static void a_filter_column_is_no_key_to_change_data_capture(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.f(id int PRIMARY KEY, a int, gone bit); CREATE UNIQUE INDEX ux ON dbo.f(a) "
            "WHERE gone = 0");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'f', @role_name = NULL; INSERT dbo.f VALUES (1, 1, 0); "
            "UPDATE dbo.f "
            "SET gone = 1; EXEC sys.sp_cdc_scan");
    assert_answer(
        sa,
        "SELECT [__$operation], gone FROM cdc.dbo_f_CT ORDER BY [__$start_lsn], [__$seqval], [__$operation]",
        "2|0\n3|0\n4|1\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(only_rows_in_the_filter_are_unique),
        IN_SHOP(the_filter_is_shown_in_its_own_spelling),
        IN_SHOP(what_is_no_filter_is_refused),
        IN_SHOP(an_index_over_duplicates_is_refused_only_within_its_filter),
        IN_CAPTURED_SHOP(a_filter_column_is_no_key_to_change_data_capture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
