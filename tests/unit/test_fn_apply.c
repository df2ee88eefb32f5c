/* CROSS APPLY and OUTER APPLY. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE TABLE t(id int PRIMARY KEY, g int) INSERT t VALUES (1, 10), (2, 20), (3, 20)");
    return 0;
}

static void the_right_side_sees_the_left(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT t.id, x.id FROM t CROSS APPLY (SELECT TOP 1 o.id FROM t AS o WHERE o.id > t.id "
                  "ORDER BY o.id) AS x ORDER BY t.id",
                  "1|2\n2|3\n");
    assert_answer(
        sa,
        "DECLARE @n int = 5 SELECT t.id, v.k FROM t CROSS APPLY (VALUES (t.g + @n), (t.id)) AS v(k) "
        "WHERE t.id = 1",
        "1|15\n1|1\n");
}

static void outer_keeps_rows_without_a_match(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT t.id, x.n FROM t OUTER APPLY (SELECT o.id AS n FROM t AS o WHERE o.g = t.g AND o.id > t.id) "
        "AS x ORDER BY t.id",
        "1|NULL\n2|3\n3|NULL\n");
}

static void they_nest(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT t.id, z.n FROM t CROSS APPLY (SELECT t.g * 2 AS d) AS y "
                  "CROSS APPLY (SELECT u.k + y.d AS n FROM (SELECT 1 AS one) AS w "
                  "CROSS APPLY (SELECT t.id AS k, w.one) AS u) AS z ORDER BY t.id",
                  "1|21\n2|42\n3|43\n");
}

static void errors_inside_come_out(void **state) {
    (void)state;
    assert_answer(sa, "SELECT x.n FROM t CROSS APPLY (SELECT 1 / (t.id - 1) AS n) AS x",
                  "ERROR 8134: Divide by zero error encountered.\n");
    assert_answer(sa, "SELECT 1 FROM t JOIN (SELECT t.id AS n) AS x ON 1 = 1",
                  "ERROR 4104: The multi-part identifier \"t.id\" could not be bound.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_side_sees_the_left),
        cmocka_unit_test(outer_keeps_rows_without_a_match),
        cmocka_unit_test(they_nest),
        cmocka_unit_test(errors_inside_come_out),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
