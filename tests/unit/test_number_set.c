#include "standin/exec/number_set.h"

#include "base/mem.h"
#include "test.h"

static void each_number_is_new_once(void **state) {
    (void)state;
    CLEANUP(numberset_done) NumberSet set = {0};
    assert_false(numberset_has(&set, 0));
    for (uint64_t i = 0; i < 5000; i++) assert_true(numberset_add(&set, i * 64));
    for (uint64_t i = 0; i < 5000; i++) {
        assert_false(numberset_add(&set, i * 64));
        assert_true(numberset_has(&set, i * 64));
        assert_false(numberset_has(&set, i * 64 + 1));
    }
    assert_true(numberset_add(&set, UINT64_MAX));
    assert_true(numberset_has(&set, UINT64_MAX));
}

static void a_set_that_is_done_is_empty(void **state) {
    (void)state;
    NumberSet set = {0};
    assert_true(numberset_add(&set, 7));
    numberset_done(&set);
    assert_false(numberset_has(&set, 7));
    assert_true(numberset_add(&set, 7));
    numberset_done(&set);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_is_new_once),
        cmocka_unit_test(a_set_that_is_done_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
