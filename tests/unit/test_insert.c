/* INSERT in its forms, and what is filled in and checked on the way. */
#include "collector_sa.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open_shop(state);
    ASK(&a,
        "CREATE TABLE t (id int IDENTITY PRIMARY KEY, v int NOT NULL DEFAULT 5, n nvarchar(3), w AS v * 10)",
        "");
    return 0;
}

static void rows_come_from_values_queries_and_defaults(void **state) {
    (void)state;
    ASK(&a,
        "INSERT t (v, n) VALUES (1, N'a'), (DEFAULT, NULL) INSERT t DEFAULT VALUES INSERT INTO t (v) SELECT "
        "v + 100 FROM t SELECT * FROM t",
        "#2\n#1\n#3\n1|1|a|10\n2|5|NULL|50\n3|5|NULL|50\n4|101|NULL|1010\n5|105|NULL|1050\n6|105|NULL|1050\n#"
        "6\n");
    ASK(&a, "SELECT SCOPE_IDENTITY(), @@IDENTITY, IDENT_CURRENT('t'), @@ROWCOUNT", "6|6|6|6\n#1\n");
    ASK(&a, "INSERT t (n) EXEC sp_executesql N'SELECT N''x'' SELECT N''y''' SELECT COUNT(*) FROM t",
        "#2\n8\n#1\n");
    ASK(&a, "INSERT t (n) EXEC sp_executesql N'SELECT 1, 2'",
        "!213 Column name or number of supplied values does not match table definition.\n");
}

static void identity_values_are_given_only_when_allowed(void **state) {
    (void)state;
    ASK(&a, "INSERT t (id, n) VALUES (7, N'x')",
        "!544 Cannot insert explicit value for identity column in table 't' when IDENTITY_INSERT is set to "
        "OFF.\n");
    ASK(&a, "SET IDENTITY_INSERT t ON INSERT t (id, n) VALUES (7, N'x') INSERT t (n) VALUES (N'y')",
        "#1\n!545 Explicit value must be specified for identity column in table 't' either when "
        "IDENTITY_INSERT is set to ON "
        "or when a replication user is inserting into a NOT FOR REPLICATION identity column.\n");
    ASK(&a, "SET IDENTITY_INSERT t OFF INSERT t (n) VALUES (N'z') SELECT id FROM t", "#1\n7\n8\n#2\n");
    ASK(&a, "CREATE TABLE s (id tinyint IDENTITY(255, 1)) INSERT s DEFAULT VALUES INSERT s DEFAULT VALUES",
        "#1\n!8115 Arithmetic overflow error converting IDENTITY to data type tinyint.\n-3621 The statement "
        "has been terminated.\n");
}

static void rows_that_dont_fit_are_refused_as_a_whole(void **state) {
    (void)state;
    ASK(&a, "INSERT t (v, n) VALUES (1, N'ok'), (2, N'long')",
        "!2628 String or binary data would be truncated in table 'shop.dbo.t', column 'n'. Truncated value: "
        "'lon'.\n-3621 The "
        "statement has been terminated.\n");
    ASK(&a, "INSERT t (v) VALUES (1), (NULL)",
        "!515 Cannot insert the value NULL into column 'v', table 'shop.dbo.t'; column does not allow nulls. "
        "INSERT "
        "fails.\n-3621 The statement has been terminated.\n");
    ASK(&a, "INSERT t (v) VALUES (1, 2)",
        "!110 There are fewer columns in the INSERT statement than values specified in the VALUES clause. "
        "The number of values "
        "in the VALUES clause must match the number of columns specified in the INSERT statement.\n");
    ASK(&a, "INSERT t VALUES (1)",
        "!213 Column name or number of supplied values does not match table definition.\n");
    ASK(&a, "INSERT t (w) VALUES (1)",
        "!271 The column \"w\" cannot be modified because it is either a computed column or is the result of "
        "a UNION operator.\n");
    ASK(&a, "SELECT COUNT(*) FROM t", "0\n#1\n");
}

static void output_tells_of_each_row(void **state) {
    (void)state;
    ASK(&a, "INSERT t (v) OUTPUT inserted.id, inserted.w VALUES (1), (2)", "1|10\n2|20\n#2\n");
    ASK(&a,
        "DECLARE @o TABLE (id int, v int) INSERT t (v) OUTPUT inserted.id, inserted.v INTO @o VALUES (3), "
        "(4) SELECT * FROM @o",
        "#2\n3|3\n4|4\n#2\n");
    ASK(&a,
        "CREATE TABLE log (id int, old int, new int) UPDATE t SET v = v + 1 OUTPUT inserted.id, deleted.v, "
        "inserted.v INTO log WHERE id > 2 SELECT * FROM log",
        "#2\n3|3|4\n4|4|5\n#2\n");
    ASK(&a, "BEGIN TRAN DELETE t OUTPUT deleted.id INTO log (id) ROLLBACK SELECT COUNT(*) FROM log",
        "begin\n#4\nrollback\n2\n#1\n");
}

static void references_to_the_table_itself_are_checked_at_the_end(void **state) {
    (void)state;
    ASK(&a, "CREATE TABLE n (id int PRIMARY KEY, up int REFERENCES n(id)) INSERT n VALUES (2, 1), (1, NULL)",
        "#2\n");
    const char *answer = testclient_run(&a, "INSERT n VALUES (3, 9)");
    assert_non_null(
        strstr(answer, "!547 The INSERT statement conflicted with the FOREIGN KEY SAME TABLE constraint"));
    ASK(&a, "BEGIN TRAN INSERT n VALUES (5, 4), (4, 5) DELETE n WHERE id > 3 COMMIT SELECT COUNT(*) FROM n",
        "begin\n#2\n#2\ncommit\n2\n#1\n");
}

static void rowversions_rise(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE r (id int, x rowversion) INSERT r (id) VALUES (1), (2) DECLARE @a binary(8) = (SELECT "
        "x FROM r WHERE id = 1) "
        "UPDATE r SET id = 3 WHERE id = 1 SELECT COUNT(*) FROM r WHERE x > @a",
        "#2\n#1\n2\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(rows_come_from_values_queries_and_defaults),
        TEST(identity_values_are_given_only_when_allowed),
        TEST(rows_that_dont_fit_are_refused_as_a_whole),
        TEST(output_tells_of_each_row),
        TEST(references_to_the_table_itself_are_checked_at_the_end),
        TEST(rowversions_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
