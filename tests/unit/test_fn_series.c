/* STRING_SPLIT and GENERATE_SERIES. */
#include "engine_sa.h"

static int setup(void **state) {
    return sa_open(state, 0);
}

static void texts_are_split(void **state) {
    (void)state;
    assert_answer(sa, "SELECT value, ordinal FROM STRING_SPLIT('a,,b', ',', 1)", "a|1\n|2\nb|3\n");
    assert_answer(sa, "SELECT value FROM STRING_SPLIT(NULL, ',')", "");
    assert_answer(sa, "SELECT COUNT(*) FROM STRING_SPLIT('', ',')", "1\n");
    assert_non_null(strstr(ask(sa, "SELECT * FROM STRING_SPLIT('a', 'bc')"), "ERROR 214"));
}

static void rows_of_a_table_are_split_each(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT t.id, s.value FROM (VALUES (1, 'a-b'), (2, 'c')) AS t(id, x) "
                  "CROSS APPLY STRING_SPLIT(t.x, '-') AS s",
                  "1|a\n1|b\n2|c\n");
}

static void series_go_up_and_down(void **state) {
    (void)state;
    assert_answer(sa, "SELECT value FROM GENERATE_SERIES(1, 3)", "1\n2\n3\n");
    assert_answer(sa, "SELECT value FROM GENERATE_SERIES(5, 1, -2)", "5\n3\n1\n");
    assert_answer(sa, "SELECT value FROM GENERATE_SERIES(1, 3, -1)", "");
    assert_non_null(strstr(ask(sa, "SELECT value FROM GENERATE_SERIES(1, 3, 0)"), "ERROR 4199"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_split),
        cmocka_unit_test(rows_of_a_table_are_split_each),
        cmocka_unit_test(series_go_up_and_down),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
