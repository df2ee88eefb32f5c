/* Recursive common table expressions. */
#include "engine_sa.h"

static int setup(void **state) {
    return sa_open(state, 0);
}

static void members_add_rows_until_there_are_none(void **state) {
    (void)state;
    assert_answer(sa, "WITH r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r",
                  "1\n2\n3\n");
    assert_answer(sa,
                  "WITH t(id, up) AS (SELECT 1, NULL UNION ALL SELECT 2, 1 UNION ALL SELECT 3, 2), "
                  "r AS (SELECT id, 0 AS depth FROM t WHERE up IS NULL "
                  "UNION ALL SELECT t.id, r.depth + 1 FROM t JOIN r ON t.up = r.id) "
                  "SELECT id, depth FROM r ORDER BY id",
                  "1|0\n2|1\n3|2\n");
}

static void the_depth_is_bounded(void **state) {
    (void)state;
    assert_non_null(
        strstr(ask(sa, "WITH r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT MAX(n) FROM r"),
               "ERROR 530: The statement terminated. The maximum recursion 100 has been exhausted"));
    assert_answer(
        sa,
        "WITH r AS (SELECT 0 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 200) SELECT MAX(n) FROM r "
        "OPTION (MAXRECURSION 200)",
        "200\n");
}

static void members_must_agree(void **state) {
    (void)state;
    assert_non_null(
        strstr(ask(sa, "WITH r AS (SELECT 'a' AS s UNION ALL SELECT s + 'b' FROM r) SELECT s FROM r"),
               "ERROR 240: Types don't match between the anchor and the recursive part"));
    assert_non_null(
        strstr(ask(sa, "WITH r AS (SELECT n FROM r UNION ALL SELECT 1) SELECT 1 FROM r"), "ERROR 246"));
    assert_non_null(
        strstr(ask(sa, "WITH r AS (SELECT 1 AS n UNION SELECT n FROM r) SELECT n FROM r"), "ERROR 252"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_add_rows_until_there_are_none),
        cmocka_unit_test(the_depth_is_bounded),
        cmocka_unit_test(members_must_agree),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
