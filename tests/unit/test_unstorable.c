#include "postgres/unstorable.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static void nuls_anywhere_are_changed_and_the_rest_is_kept(void **state) {
    (void)state;
    const struct {
        UnstorableMode mode;
        Str text, want;
    } cases[] = {
        {UNSTORABLE_REPLACE, STR_LIT("\0"), STR_LIT("\xef\xbf\xbd")},
        {UNSTORABLE_REPLACE, STR_LIT("\0b\0"),
         STR_LIT("\xef\xbf\xbd"
                 "b\xef\xbf\xbd")},
        {UNSTORABLE_REMOVE, STR_LIT("\0"), STR_LIT("")},
        {UNSTORABLE_REMOVE, STR_LIT("\0\0ab\0c"), STR_LIT("abc")},
        {UNSTORABLE_ESCAPE, STR_LIT("a\0"), STR_LIT("a\\u0000")},
        {UNSTORABLE_ESCAPE, STR_LIT("\0\0"), STR_LIT("\\u0000\\u0000")},
        {UNSTORABLE_ESCAPE, STR_LIT("abc"), STR_LIT("abc")},
        {UNSTORABLE_REPLACE, STR_LIT(""), STR_LIT("")},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t room = cases[i].text.n + unstorable_growth(cases[i].mode, cases[i].text);
        CLEANUP_FREE uint8_t *out = x_malloc(room + 1);
        size_t n = (size_t)(unstorable_put(cases[i].mode, cases[i].text, out) - out);
        assert_true(n <= room);
        assert_int_equal(n, cases[i].want.n);
        assert_memory_equal(out, cases[i].want.p, n);
    }
}

static void a_text_that_would_be_larger_than_any_value_is_refused(void **state) {
    (void)state;
    const size_t n = 180 * 1024 * 1024; /* six times that is more than 1 GiB */
    CLEANUP_FREE char *text = x_calloc(n, 1);
    const Str s = {text, n};
    assert_int_equal(unstorable_growth(UNSTORABLE_ESCAPE, s), 0);
    assert_null(unstorable_put(UNSTORABLE_ESCAPE, s, NULL));
    assert_int_equal(unstorable_growth(UNSTORABLE_REPLACE, s), 2 * n);
}

static void each_value_is_counted_and_a_column_told_once(void **state) {
    (void)state;
    Metrics *metrics = metrics_new();
    Unstorable u = {.mode = UNSTORABLE_REMOVE,
                    .what = "dbo.t.c",
                    .changed = metrics_get(metrics, METRIC_COUNTER, "changed_total", STR_LIT("dbo.t"), "")};
    unstorable_note(&u);
    assert_true(u.was_told);
    unstorable_note(&u);
    assert_int_equal(metric_value(u.changed), 2);
    metrics_free(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nuls_anywhere_are_changed_and_the_rest_is_kept),
        cmocka_unit_test(a_text_that_would_be_larger_than_any_value_is_refused),
        cmocka_unit_test(each_value_is_counted_and_a_column_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
