/* SELECT @v = @v + x: row after row, in the order asked for. */
#include "engine_sa.h"

static int setup(void **state) {
    (void)sa_open(state, 0);
    run(sa, "CREATE TABLE t(id int, v varchar(5)) INSERT t VALUES (2, 'b'), (1, 'a'), (3, 'c')");
    return 0;
}

static void texts_are_gathered_in_order(void **state) {
    (void)state;
    assert_answer(sa, "DECLARE @s varchar(9) = '' SELECT @s = @s + v FROM t ORDER BY id DESC SELECT @s",
                  "cba\n");
    assert_answer(sa,
                  "DECLARE @s varchar(9) SELECT @s = ISNULL(@s + ',', '') + v FROM t WHERE id > 1 ORDER BY "
                  "id SELECT @s",
                  "b,c\n");
}

static void numbers_are_counted(void **state) {
    (void)state;
    assert_answer(sa, "DECLARE @n int = 0 SELECT TOP 2 @n += id FROM t ORDER BY id SELECT @n", "3\n");
    assert_answer(sa, "DECLARE @n int = 5 SELECT @n = @n + MAX(id) FROM t SELECT @n", "8\n");
    assert_answer(sa, "DECLARE @n int = 7 SELECT @n = @n + id FROM t WHERE 1 = 0 SELECT @n", "7\n");
    assert_non_null(
        strstr(ask(sa, "DECLARE @n int = 0 SELECT @n = @n + id FROM t GROUP BY id"), "ERROR 40517"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_gathered_in_order),
        cmocka_unit_test(numbers_are_counted),
    };
    return cmocka_run_group_tests(tests, setup, sa_close);
}
