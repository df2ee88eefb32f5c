/* STRING_AGG and its order within the group. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE TABLE t(g int, s nvarchar(10), n int) "
            "INSERT t VALUES (1, N'b', 1), (1, N'A', 2), (1, NULL, 3), (2, N'c', 4)");
    return 0;
}

static void texts_are_joined_in_order(void **state) {
    (void)state;
    assert_answer(sa, "SELECT STRING_AGG(s, N',') WITHIN GROUP (ORDER BY s) FROM t WHERE g = 1", "A,b\n");
    assert_answer(sa, "SELECT STRING_AGG(s, N',') WITHIN GROUP (ORDER BY n DESC) FROM t", "c,A,b\n");
    assert_answer(sa, "SELECT g, STRING_AGG(s, N'') FROM t GROUP BY g ORDER BY g", "1|bA\n2|c\n");
    assert_answer(sa, "SELECT STRING_AGG(s, N',') FROM t WHERE g = 9", "NULL\n");
}

static void more_than_8000_bytes_is_an_error(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "SELECT STRING_AGG(REPLICATE(s, 1500), N'-') FROM t"), "ERROR 9829"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_joined_in_order),
        cmocka_unit_test(more_than_8000_bytes_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
