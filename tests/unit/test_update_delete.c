/* UPDATE and DELETE: joins, variables, keys that change places, foreign keys from other tables. */
#include "collector_sa.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open_shop(state);
    ASK(&a,
        "CREATE TABLE p (id int PRIMARY KEY, code varchar(5) UNIQUE, v int) INSERT p VALUES (1, 'a', 10), "
        "(2, 'b', 20), (3, 'c', 30)",
        "#3\n");
    return 0;
}

static void values_may_come_from_other_rows(void **state) {
    (void)state;
    ASK(&a, "UPDATE p SET v = q.v + p.v FROM p JOIN p AS q ON q.id = p.id - 1", "#2\n");
    ASK(&a, "SELECT v FROM p", "10\n30\n50\n#3\n");
    ASK(&a, "UPDATE x SET v = 0 FROM p AS x CROSS JOIN p AS y WHERE x.id = 1 SELECT @@ROWCOUNT",
        "#1\n1\n#1\n");
    ASK(&a, "DELETE x FROM p AS x JOIN p AS y ON y.id = x.id + 1", "#2\n");
    ASK(&a, "UPDATE p SET nix = 1", "!207 Invalid column name 'nix'.\n");
    ASK(&a, "DECLARE @s int = 0 UPDATE p SET @s = @s + v, v = 1 SELECT @s", "#1\n50\n#1\n");
}

static void keys_may_change_places(void **state) {
    (void)state;
    ASK(&a, "UPDATE p SET id = 4 - id SELECT id, code FROM p ORDER BY id", "#3\n1|c\n2|b\n3|a\n#3\n");
    ASK(&a,
        "UPDATE p SET code = CASE code WHEN 'a' THEN 'b' WHEN 'b' THEN 'a' ELSE code END SELECT id, code "
        "FROM p ORDER BY id",
        "#3\n1|c\n2|a\n3|b\n#3\n");
    const char *answer = testclient_run(&a, "UPDATE p SET id = 7");
    assert_non_null(strstr(answer, "!2627 Violation of PRIMARY KEY constraint"));
    ASK(&a, "SELECT id FROM p ORDER BY id", "1\n2\n3\n#3\n");
    ASK(&a,
        "BEGIN TRAN UPDATE p SET id = id + 1 UPDATE p SET id = id * 10 WHERE code = 'a' COMMIT SELECT id, "
        "code FROM p ORDER BY id",
        "begin\n#3\n#1\ncommit\n2|c\n4|b\n30|a\n#3\n");
}

static void rows_that_are_pointed_to_stay(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE c (id int PRIMARY KEY, pid int CONSTRAINT fk REFERENCES p(id)) INSERT c VALUES (1, 1), "
        "(2, NULL)",
        "#2\n");
    ASK(&a, "DELETE p",
        "!547 The DELETE statement conflicted with the REFERENCE constraint \"fk\". The conflict occurred in "
        "database \"shop\", "
        "table \"dbo.c\", column 'pid'.\n-3621 The statement has been terminated.\n");
    ASK(&a, "UPDATE p SET id = 9 WHERE id = 1",
        "!547 The UPDATE statement conflicted with the REFERENCE constraint \"fk\". The conflict occurred in "
        "database \"shop\", "
        "table \"dbo.c\", column 'pid'.\n-3621 The statement has been terminated.\n");
    ASK(&a, "UPDATE p SET id = 4 - id DELETE p WHERE id > 1 SELECT id, code FROM p", "#3\n#2\n1|c\n#1\n");
    ASK(&a, "BEGIN TRAN DELETE c WHERE id = 1 DELETE p COMMIT SELECT COUNT(*) FROM p",
        "begin\n#1\n#1\ncommit\n0\n#1\n");
}

static void cascades_go_on_through_tables(void **state) {
    (void)state;
    ASK(&a,
        "CREATE TABLE c (id int PRIMARY KEY, pid int REFERENCES p(id) ON DELETE CASCADE ON UPDATE CASCADE) "
        "CREATE TABLE g (id int PRIMARY KEY, cid int REFERENCES c(id) ON DELETE CASCADE, pid int CONSTRAINT "
        "fk REFERENCES "
        "p(id) ON DELETE SET NULL) "
        "INSERT c VALUES (1, 1), (2, 1), (3, 2) INSERT g VALUES (1, 1, 2), (2, 3, 1)",
        "#3\n#2\n");
    ASK(&a, "UPDATE p SET id = 100 WHERE id = 2 SELECT pid FROM c",
        "!547 The UPDATE statement conflicted with the REFERENCE constraint \"fk\". The "
        "conflict occurred in database \"shop\", table \"dbo.g\", column 'pid'.\n-3621 The statement has "
        "been terminated.\n1\n1\n2\n#3\n");
    ASK(&a, "UPDATE g SET pid = NULL WHERE id = 1 UPDATE p SET id = 100 WHERE id = 2 SELECT pid FROM c",
        "#1\n#1\n1\n1\n100\n#3\n");
    ASK(&a, "DELETE p WHERE id = 1 SELECT * FROM c SELECT * FROM g", "#1\n3|100\n#1\n2|3|NULL\n#1\n");
    ASK(&a, "BEGIN TRAN DELETE p WHERE id = 100 SELECT COUNT(*) FROM g COMMIT SELECT COUNT(*) FROM c",
        "begin\n#1\n0\n#1\ncommit\n0\n#1\n");
}

static void top_limits_what_is_changed(void **state) {
    (void)state;
    ASK(&a, "UPDATE TOP (2) p SET v = 0 DELETE TOP (1) FROM p SELECT COUNT(*) FROM p", "#2\n#1\n2\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(values_may_come_from_other_rows), TEST(keys_may_change_places),
        TEST(rows_that_are_pointed_to_stay),   TEST(cascades_go_on_through_tables),
        TEST(top_limits_what_is_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
