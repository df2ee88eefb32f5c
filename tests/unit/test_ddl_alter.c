/* ALTER TABLE, indexes, and what a rollback makes of them. */
#include "collector_sa.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open_shop(state);
    ASK(&a,
        "CREATE TABLE t (id int CONSTRAINT pk PRIMARY KEY, v int, n nvarchar(10)) INSERT t VALUES (1, 10, "
        "N'a'), (2, 20, "
        "N'b')",
        "#2\n");
    return 0;
}

static void added_columns_fill_old_rows(void **state) {
    (void)state;
    ASK(&a,
        "ALTER TABLE t ADD a int NULL, b nvarchar(5) NOT NULL DEFAULT N'x', c int NULL DEFAULT 7, d AS v * 2",
        "");
    ASK(&a, "INSERT t (id, v) VALUES (3, 30) SELECT * FROM t",
        "#1\n1|10|a|NULL|x|NULL|20\n2|20|b|NULL|x|NULL|40\n3|30|NULL|NULL|x|7|60\n#3\n");
    const char *answer = testclient_run(&a, "ALTER TABLE t ADD e int NOT NULL");
    assert_non_null(
        strstr(answer, "!4901 ALTER TABLE only allows columns to be added that can contain nulls"));
    ASK(&a, "ALTER TABLE t ADD v int",
        "!2705 Column names in each table must be unique. Column name 'v' in table 't' is specified more "
        "than once.\n");
    ASK(&a, "ALTER TABLE t ADD w int NULL DEFAULT 9 WITH VALUES SELECT id, w FROM t", "1|9\n2|9\n3|9\n#3\n");
    ASK(&a, "ALTER TABLE t ADD i int IDENTITY(10, 5) INSERT t (id) VALUES (4) SELECT id, i FROM t",
        "#1\n1|10\n2|15\n3|20\n4|25\n#4\n");
}

static void dropped_columns_are_gone_and_their_names_free(void **state) {
    (void)state;
    ASK(&a, "ALTER TABLE t DROP COLUMN n SELECT * FROM t WHERE id = 1", "1|10\n#1\n");
    ASK(&a, "ALTER TABLE t ADD n int NULL", "");
    ASK(&a, "SELECT id, v, n, COLUMNPROPERTY(OBJECT_ID('t'), 'n', 'ColumnId') FROM t WHERE id = 1",
        "1|10|NULL|4\n#1\n");
    ASK(&a, "ALTER TABLE t DROP COLUMN nix",
        "!4924 ALTER TABLE DROP COLUMN failed because column 'nix' does not exist in table 't'.\n");
    const char *answer = testclient_run(&a, "ALTER TABLE t DROP COLUMN id");
    assert_non_null(strstr(answer, "!5074 The object 'pk'"));
}

static void types_are_changed_with_their_values(void **state) {
    (void)state;
    ASK(&a, "ALTER TABLE t ALTER COLUMN v bigint NOT NULL SELECT v FROM t", "10\n20\n#2\n");
    ASK(&a, "ALTER TABLE t ALTER COLUMN v nvarchar(10) SELECT v + N'!' FROM t", "10!\n20!\n#2\n");
    ASK(&a, "ALTER TABLE t ALTER COLUMN v decimal(10,2) NOT NULL SELECT v FROM t", "10.00\n20.00\n#2\n");
    ASK(&a, "ALTER TABLE t ALTER COLUMN n int",
        "!245 Conversion failed when converting the nvarchar value 'a' to data type int.\n");
    ASK(&a, "SELECT n FROM t", "a\nb\n#2\n");
    ASK(&a, "ALTER TABLE t ALTER COLUMN id bigint SELECT id FROM t",
        "!5074 The object 'pk' is dependent on column 'id'.\n1\n2\n#2\n");
    ASK(&a, "BEGIN TRAN ALTER TABLE t ALTER COLUMN v float ROLLBACK SELECT v FROM t",
        "begin\nrollback\n10.00\n20.00\n#2\n");
    ASK(&a, "UPDATE t SET n = NULL WHERE id = 1 ALTER TABLE t ALTER COLUMN n nvarchar(10) NOT NULL",
        "#1\n!515 Cannot insert the value NULL into column 'n', table 'shop.dbo.t'; column does not allow "
        "nulls. UPDATE fails.\n");
}

static void constraints_come_and_go(void **state) {
    (void)state;
    ASK(&a, "ALTER TABLE t ADD CONSTRAINT ck CHECK (v > 15)",
        "!547 The ALTER TABLE statement conflicted with the CHECK constraint \"ck\". The conflict occurred "
        "in database "
        "\"shop\", table \"dbo.t\".\n");
    ASK(&a, "ALTER TABLE t WITH NOCHECK ADD CONSTRAINT ck CHECK (v > 15) INSERT t VALUES (3, 1, NULL)",
        "!547 The INSERT statement conflicted with the CHECK constraint \"ck\". The conflict occurred in "
        "database \"shop\", "
        "table \"dbo.t\".\n-3621 The statement has been terminated.\n");
    ASK(&a,
        "ALTER TABLE t NOCHECK CONSTRAINT ck INSERT t VALUES (3, 1, NULL) ALTER TABLE t CHECK CONSTRAINT ALL",
        "#1\n");
    ASK(&a,
        "ALTER TABLE t DROP CONSTRAINT ck ALTER TABLE t ADD CONSTRAINT uq UNIQUE (v) INSERT t VALUES (4, 1, "
        "NULL)",
        "!2627 Violation of UNIQUE KEY constraint 'uq'. Cannot insert duplicate key in object 'dbo.t'. The "
        "duplicate key value "
        "is (1).\n-3621 The statement has been terminated.\n");
    ASK(&a,
        "CREATE TABLE c (p int) INSERT c VALUES (9) ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (p) "
        "REFERENCES t(v)",
        "#1\n!547 The ALTER TABLE statement conflicted with the FOREIGN KEY constraint \"fk\". The conflict "
        "occurred in "
        "database \"shop\", table \"dbo.t\".\n");
    ASK(&a,
        "UPDATE c SET p = 1 ALTER TABLE c ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES t(v) ALTER TABLE t "
        "DROP CONSTRAINT uq",
        "#1\n!3725 The constraint 'uq' is being referenced by table, foreign key constraint 'fk'.\n");
    ASK(&a,
        "ALTER TABLE c DROP CONSTRAINT fk ALTER TABLE t DROP CONSTRAINT uq ALTER TABLE t DROP CONSTRAINT uq",
        "!3728 'uq' is not a constraint.\n");
    ASK(&a,
        "ALTER TABLE t ADD CONSTRAINT df DEFAULT 5 FOR v INSERT t (id) VALUES (8) SELECT v FROM t WHERE id = "
        "8 ALTER TABLE t DROP CONSTRAINT df",
        "#1\n5\n#1\n");
}

static void indexes_are_made_and_dropped(void **state) {
    (void)state;
    ASK(&a, "CREATE UNIQUE INDEX ux ON t (n DESC) INCLUDE (v) INSERT t VALUES (3, 1, N'A')",
        "!2601 Cannot insert duplicate key row in object 'dbo.t' with unique index 'ux'. The duplicate key "
        "value is "
        "(A).\n-3621 The statement has been terminated.\n");
    ASK(&a, "INSERT t VALUES (3, 1, NULL) INSERT t VALUES (4, 1, NULL)",
        "#1\n!2601 Cannot insert duplicate key row in object 'dbo.t' with unique index 'ux'. The duplicate "
        "key value is "
        "(<NULL>).\n-3621 The statement has been terminated.\n");
    ASK(&a, "CREATE INDEX ux ON t (v)",
        "!1913 The operation failed because an index or statistics with name 'ux' already exists on table "
        "'t'.\n");
    ASK(&a, "UPDATE t SET v = 1 CREATE UNIQUE INDEX uv ON t (v)",
        "#3\n!1505 The CREATE UNIQUE INDEX statement terminated because a duplicate key was found for the "
        "object name 'dbo.t' "
        "and the index name 'uv'. The duplicate key value is (1).\n");
    ASK(&a, "DROP INDEX ux ON t INSERT t VALUES (4, 1, NULL) DROP INDEX ux ON t",
        "#1\n!3701 Cannot drop the index 't.ux', because it does not exist or you do not have permission.\n");
    ASK(&a, "CREATE INDEX f ON t (v) WHERE v > 1 DROP INDEX f ON t", "");
}

static void a_rollback_undoes_them_newest_first(void **state) {
    (void)state;
    ASK(&a,
        "BEGIN TRAN ALTER TABLE t ADD x int NOT NULL DEFAULT 3 CREATE INDEX ix ON t (x) SAVE TRAN s ALTER "
        "TABLE t DROP COLUMN n "
        "INSERT t (id, v) VALUES (3, 30) ROLLBACK TRAN s SELECT * FROM t",
        "begin\n#1\n1|10|a|3\n2|20|b|3\n#2\n");
    ASK(&a, "ROLLBACK SELECT * FROM t", "rollback\n1|10|a\n2|20|b\n#2\n");
    ASK(&a, "ALTER TABLE t ADD x int NOT NULL DEFAULT 3 CREATE INDEX ix ON t (x) SELECT x FROM t",
        "3\n3\n#2\n");
}

static void truncating_starts_the_identity_anew(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE i (id int IDENTITY(5, 2), v int) INSERT i (v) VALUES (1), (2) TRUNCATE TABLE i INSERT "
        "i (v) VALUES (3) SELECT id, v FROM i",
        "#2\n#1\n5|3\n#1\n");
    ASK(&a, "CREATE TABLE c (p int REFERENCES t) TRUNCATE TABLE dbo.t",
        "!4712 Cannot truncate table 'dbo.t' because it is being referenced by a FOREIGN KEY constraint.\n");
    ASK(&a, "BEGIN TRAN TRUNCATE TABLE i SELECT COUNT(*) FROM i ROLLBACK SELECT COUNT(*) FROM i",
        "begin\n0\n#1\nrollback\n1\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(added_columns_fill_old_rows),         TEST(dropped_columns_are_gone_and_their_names_free),
        TEST(types_are_changed_with_their_values), TEST(constraints_come_and_go),
        TEST(indexes_are_made_and_dropped),        TEST(a_rollback_undoes_them_newest_first),
        TEST(truncating_starts_the_identity_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
