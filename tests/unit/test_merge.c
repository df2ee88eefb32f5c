/* MERGE: how its changes are made, checked and captured. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    run(sa, "EXEC sys.sp_cdc_enable_db; EXEC standin.agent_stop");
    return 0;
}

static int fill(void **state) {
    (void)state;
    run(sa, "DROP TABLE IF EXISTS t CREATE TABLE t(id int NOT NULL CONSTRAINT pk PRIMARY KEY, v int "
            "CONSTRAINT ck "
            "CHECK (v < 100), w AS v * 2) INSERT t VALUES (1, 10), (2, 20), (3, 30)");
    return 0;
}

static void all_changes_count(void **state) {
    (void)state;
    assert_answer(
        sa,
        "MERGE t USING (VALUES (1, 11), (4, 44)) AS s(id, v) ON t.id = s.id WHEN MATCHED THEN UPDATE SET "
        "v = s.v WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v) WHEN NOT MATCHED BY SOURCE THEN DELETE; "
        "SELECT @@ROWCOUNT SELECT id, v, w FROM t",
        "4\n1|11|22\n4|44|88\n");
}

static void a_failure_leaves_nothing(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "MERGE t USING (VALUES (1, 11), (2, 100)) AS s(id, v) ON t.id = s.id WHEN "
                                   "MATCHED THEN UPDATE SET v = s.v OUTPUT $action;"),
                           "ERROR 547: The MERGE statement conflicted with the CHECK constraint \"ck\""));
    assert_non_null(
        strstr(ask(sa, "MERGE t USING (VALUES (1), (2), (2)) AS s(id) ON t.id = s.id WHEN MATCHED "
                       "THEN UPDATE SET v = 0;"),
               "ERROR 8672"));
    assert_answer(sa, "SELECT SUM(v) FROM t", "60\n");
}

static void a_row_that_only_goes_may_match_often(void **state) {
    (void)state;
    assert_answer(sa,
                  "MERGE t USING (VALUES (1), (1)) AS s(id) ON t.id = s.id WHEN MATCHED THEN DELETE OUTPUT "
                  "deleted.id; SELECT COUNT(*) FROM t",
                  "1\n2\n");
}

/* Keys 1 and 3 change places, 2 goes from a row that leaves to one that comes. */
static const char *const MOVES = "MERGE t USING (VALUES (10, 3), (20, 0), (30, 1), (40, 2)) AS s(v, id) ON "
                                 "t.v = s.v WHEN MATCHED AND s.id = 0 "
                                 "THEN DELETE WHEN MATCHED THEN UPDATE SET id = s.id WHEN NOT MATCHED THEN "
                                 "INSERT (id, v) VALUES (s.id, s.v) "
                                 "OUTPUT $action, deleted.id, inserted.id;";

static void keys_change_places(void **state) {
    (void)state;
    assert_answer(sa, MOVES, "UPDATE|1|3\nDELETE|2|NULL\nUPDATE|3|1\nINSERT|NULL|2\n");
    assert_answer(sa, "SELECT id, v FROM t", "1|30\n2|40\n3|10\n");
}

static void keys_change_places_in_a_transaction(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN");
    assert_answer(sa, MOVES, "UPDATE|1|3\nDELETE|2|NULL\nUPDATE|3|1\nINSERT|NULL|2\n");
    assert_answer(sa, "SELECT id, v FROM t ORDER BY id", "1|30\n2|40\n3|10\n");
    assert_answer(sa, "ROLLBACK SELECT id, v FROM t ORDER BY id", "1|10\n2|20\n3|30\n");
}

static void what_is_captured_gives_the_table_again(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N't', @role_name = NULL, @captured_column_list = N'id, v'");
    run(sa, MOVES);
    run(sa, "EXEC sys.sp_cdc_scan");
    /* In log order the last row of each key is what the table has. */
    assert_answer(
        sa,
        "SELECT id, v FROM (SELECT id, v, __$operation AS op, ROW_NUMBER() OVER (PARTITION BY id ORDER BY "
        "__$seqval DESC, __$operation DESC) AS n FROM cdc.dbo_t_CT) AS l WHERE n = 1 AND op = 2 ORDER BY "
        "id",
        "1|30\n2|40\n3|10\n");
    run(sa, "DELETE cdc.dbo_t_CT MERGE t USING (SELECT 1 AS id) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE "
            "SET v = "
            "31; EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT __$operation, id, v FROM cdc.dbo_t_CT ORDER BY __$operation",
                  "1|1|30\n2|1|31\n");
    assert_answer(sa, "SELECT COUNT(DISTINCT __$seqval) FROM cdc.dbo_t_CT", "1\n");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N't', N'all'");
}

static void defaults_identity_and_variables(void **state) {
    (void)state;
    run(sa, "CREATE TABLE i(id int IDENTITY, v int DEFAULT 5, r rowversion)");
    assert_answer(
        sa,
        "MERGE i USING (VALUES (1), (2)) AS s(a) ON 1 = 0 WHEN NOT MATCHED THEN INSERT DEFAULT VALUES OUTPUT "
        "s.a, inserted.id, inserted.v; SELECT SCOPE_IDENTITY()",
        "1|1|5\n2|2|5\n2\n");
    assert_answer(
        sa,
        "DECLARE @v int MERGE i USING (SELECT 2 AS a) AS s ON i.id = s.a WHEN MATCHED THEN UPDATE SET @v = "
        "i.v + 1, v = DEFAULT; SELECT @v",
        "6\n");
    assert_non_null(
        strstr(ask(sa, "MERGE i USING (SELECT 9 AS a) AS s ON i.id = s.a WHEN NOT MATCHED THEN INSERT "
                       "(id) VALUES (s.a);"),
               "ERROR 544"));
}

static void foreign_keys_are_checked_at_the_end(void **state) {
    (void)state;
    run(sa, "CREATE TABLE tree(id int PRIMARY KEY, up int CONSTRAINT fk REFERENCES tree(id)) INSERT tree "
            "VALUES (1, "
            "NULL), (2, 1)");
    assert_answer(
        sa,
        "MERGE tree USING (VALUES (3, 4), (4, NULL)) AS s(id, up) ON tree.id = s.id WHEN NOT MATCHED THEN "
        "INSERT VALUES (s.id, s.up) WHEN NOT MATCHED BY SOURCE THEN DELETE; SELECT id FROM tree",
        "3\n4\n");
    assert_non_null(
        strstr(ask(sa, "MERGE tree USING (SELECT 4 AS id) AS s ON tree.id = s.id WHEN MATCHED THEN "
                       "DELETE;"),
               "ERROR 547: The MERGE statement conflicted with the SAME TABLE REFERENCE constraint"));
}

#define TEST(t) cmocka_unit_test_setup(t, fill)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(all_changes_count),
        TEST(a_failure_leaves_nothing),
        TEST(a_row_that_only_goes_may_match_often),
        TEST(keys_change_places),
        TEST(keys_change_places_in_a_transaction),
        TEST(what_is_captured_gives_the_table_again),
        TEST(defaults_identity_and_variables),
        TEST(foreign_keys_are_checked_at_the_end),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
