/* OVER: ranking, offsets, aggregates over frames, and where it may not stand. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE TABLE t(id int PRIMARY KEY, g int, v decimal(5,1)) "
            "INSERT t VALUES (1, 1, 1.5), (2, 1, 2.5), (3, 2, 4), (4, 2, NULL)");
    return 0;
}

static void aggregates_follow_their_frame(void **state) {
    (void)state;
    assert_answer(sa, "SELECT id, SUM(v) OVER (PARTITION BY g ORDER BY id) FROM t",
                  "1|1.5\n2|4.0\n3|4.0\n4|4.0\n");
    assert_answer(sa, "SELECT AVG(v) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t",
                  "1.500000\n2.000000\n3.250000\n4.000000\n");
    assert_answer(sa, "SELECT COUNT(*) OVER (PARTITION BY g), MAX(v) OVER () FROM t WHERE id < 4",
                  "2|4.0\n2|4.0\n1|4.0\n");
    assert_answer(sa,
                  "SELECT SUM(id) OVER (ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) FROM t",
                  "10\n9\n7\n4\n");
}

static void offsets_and_ranks_look_at_other_rows(void **state) {
    (void)state;
    assert_answer(sa, "SELECT LAG(id) OVER (ORDER BY id), LEAD(id, 2, -1) OVER (ORDER BY id) FROM t",
                  "NULL|3\n1|4\n2|-1\n3|-1\n");
    assert_answer(
        sa,
        "SELECT RANK() OVER (ORDER BY g), DENSE_RANK() OVER (ORDER BY g), NTILE(3) OVER (ORDER BY id) "
        "FROM t",
        "1|1|1\n1|1|1\n3|2|2\n3|2|3\n");
    assert_answer(sa, "SELECT g, RANK() OVER (ORDER BY SUM(v)) FROM t GROUP BY g ORDER BY g", "1|1\n2|1\n");
}

static void other_places_and_forms_are_refused(void **state) {
    (void)state;
    assert_answer(sa, "SELECT id FROM t WHERE ROW_NUMBER() OVER (ORDER BY id) = 1",
                  "ERROR 4108: Windowed functions can only appear in the SELECT or ORDER BY clauses.\n");
    assert_answer(sa, "SELECT RANK() OVER () FROM t",
                  "ERROR 4112: The function 'RANK' must have an OVER clause with ORDER BY.\n");
    assert_answer(sa, "SELECT LAG(id) FROM t", "ERROR 10753: The function 'LAG' must have an OVER clause.\n");
    assert_answer(sa, "SELECT COUNT(DISTINCT g) OVER () FROM t",
                  "ERROR 10759: Use of DISTINCT is not allowed with the OVER clause.\n");
    assert_answer(
        sa, "SELECT SUM(v) OVER (ORDER BY id RANGE 1 PRECEDING) FROM t",
        "ERROR 4194: RANGE is only supported with UNBOUNDED and CURRENT ROW window frame delimiters.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregates_follow_their_frame),
        cmocka_unit_test(offsets_and_ranks_look_at_other_rows),
        cmocka_unit_test(other_places_and_forms_are_refused),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
