/* STRING_AGG and its order within the group. */
#include "engine.h"

static Engine engine;
static Client *c;

static int setup(void **state) {
    (void)state;
    engine = engine_start(0);
    c = client_open(&engine, "master");
    run(c, "CREATE TABLE t(g int, s nvarchar(10), n int) "
           "INSERT t VALUES (1, N'b', 1), (1, N'A', 2), (1, NULL, 3), (2, N'c', 4)");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    client_close(c);
    engine_stop(&engine);
    return 0;
}

static void texts_are_joined_in_order(void **state) {
    (void)state;
    assert_answer(c, "SELECT STRING_AGG(s, N',') WITHIN GROUP (ORDER BY s) FROM t WHERE g = 1", "A,b\n");
    assert_answer(c, "SELECT STRING_AGG(s, N',') WITHIN GROUP (ORDER BY n DESC) FROM t", "c,A,b\n");
    assert_answer(c, "SELECT g, STRING_AGG(s, N'') FROM t GROUP BY g ORDER BY g", "1|bA\n2|c\n");
    assert_answer(c, "SELECT STRING_AGG(s, N',') FROM t WHERE g = 9", "NULL\n");
}

static void more_than_8000_bytes_is_an_error(void **state) {
    (void)state;
    assert_non_null(strstr(ask(c, "SELECT STRING_AGG(REPLICATE(s, 1500), N'-') FROM t"), "ERROR 9829"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_joined_in_order),
        cmocka_unit_test(more_than_8000_bytes_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
