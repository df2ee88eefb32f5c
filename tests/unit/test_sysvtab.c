/* System views with a callback: the same rows whether they are walked over or looked up. */
#include "engine_sa.h"

static int setup(void **state) {
    return sa_open(state, 0);
}

static void a_join_finds_each_table_s_own_columns(void **state) {
    (void)state;
    (void)ask(sa, "CREATE TABLE dbo.a (x int NOT NULL PRIMARY KEY, y int)");
    (void)ask(sa, "CREATE TABLE dbo.b (z int)");
    assert_answer(
        sa,
        "SELECT t.name, c.name FROM sys.tables AS t JOIN sys.columns AS c ON c.object_id = t.object_id "
        "WHERE t.name IN (N'a', N'b') ORDER BY t.name, c.column_id",
        "a|x\na|y\nb|z\n");
}

static void a_left_join_keeps_what_has_no_counterpart(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT t.name, i.name FROM sys.tables AS t LEFT JOIN sys.indexes AS i "
                  "ON i.object_id = t.object_id AND i.is_primary_key = 1 WHERE t.name = N'b'",
                  "b|NULL\n");
}

static void a_value_that_is_no_integer_is_compared_as_ever(void **state) {
    (void)state;
    assert_answer(sa, "SELECT COUNT(*) FROM sys.columns WHERE object_id = OBJECT_ID(N'dbo.a')", "2\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.columns WHERE object_id = OBJECT_ID(N'dbo.none')", "0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.tables WHERE name = N'A'", "1\n");
    assert_answer(
        sa,
        "SELECT COUNT(*) FROM sys.columns WHERE object_id = OBJECT_ID(N'dbo.a') AND column_id IN (1, 2, 9)",
        "2\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_join_finds_each_table_s_own_columns),
        cmocka_unit_test(a_left_join_keeps_what_has_no_counterpart),
        cmocka_unit_test(a_value_that_is_no_integer_is_compared_as_ever),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
