#include "standin/store/row_version.h"
#include "test.h"

static void a_row_counts_as_changed_after_its_commit(void **state) {
    (void)state;
    RowVersions *v = rowversions_new();
    assert_false(rowversions_changed_since(v, 1, 1, 0));
    rowversions_note(v, 1, 5, 10);
    assert_true(rowversions_changed_since(v, 1, 5, 9));
    assert_false(rowversions_changed_since(v, 1, 5, 10));
    assert_false(rowversions_changed_since(v, 1, 6, 0));
    assert_false(rowversions_changed_since(v, 2, 5, 0));
    rowversions_note(v, 1, 5, 11);
    assert_true(rowversions_changed_since(v, 1, 5, 10));
    rowversions_clear(v);
    assert_false(rowversions_changed_since(v, 1, 5, 0));
    v = rowversions_free(v);
    assert_null(v);
}

static void past_the_limit_a_whole_table_counts_as_changed(void **state) {
    (void)state;
    enum { MANY = 2000000 };
    RowVersions *v = rowversions_new();
    for (int64_t i = 0; i < MANY; i++) rowversions_note(v, 1, i, 7);
    assert_true(rowversions_changed_since(v, 1, MANY - 1, 6)); /* itself or its table */
    assert_true(rowversions_changed_since(v, 1, 0, 6));
    assert_false(rowversions_changed_since(v, 1, 0, 7));
    assert_false(rowversions_changed_since(v, 2, 0, 0));
    v = rowversions_free(v);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_counts_as_changed_after_its_commit),
        cmocka_unit_test(past_the_limit_a_whole_table_counts_as_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
