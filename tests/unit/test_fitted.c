#include "postgres/fitted.h"

#include "test.h"

static const Schema *schema(const char *table, const char *column) {
    const Column columns[] = {{.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1, .column_id = 1},
                              {.name = str_from(column), .type = SQLTYPE_INT, .column_id = 2}};
    const SchemaSpec spec = {.table = str_from(table),
                             .topic = STR_LIT("t"),
                             .version = 1,
                             .columns = columns,
                             .column_count = *column ? 2 : 1};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void what_fits_a_delete_by_key_is_not_yet_for_rows(void **state) {
    (void)state;
    Fitted *f = fitted_new();
    const Schema *key = schema("a", ""), *row = schema("a", "x"), *other = schema("b", "x");
    assert_false(fitted_has(f, key, false));
    fitted_add(f, key, false);
    assert_true(fitted_has(f, key, false));
    assert_false(fitted_has(f, key, true));
    assert_false(fitted_was_written(f, row));
    fitted_add(f, row, true);
    assert_true(fitted_has(f, row, true));
    assert_true(fitted_has(f, row, false));
    assert_true(fitted_was_written(f, key));
    assert_false(fitted_was_written(f, other));
    fitted_add(f, key, true);
    fitted_add(f, key, false); /* it stays what it was */
    assert_true(fitted_has(f, key, true));
    fitted_clear(f);
    assert_false(fitted_has(f, row, false));
    assert_false(fitted_was_written(f, row));
    fitted_free(f);
    fitted_free(NULL);
    schema_unref(key);
    schema_unref(row);
    schema_unref(other);
}

static void past_its_bound_it_knows_the_tables_that_were_written(void **state) {
    (void)state;
    Fitted *f = fitted_new();
    const Schema *first = schema("a", "x"), *last = NULL;
    fitted_add(f, first, true);
    for (size_t i = 1; i < FITTED_MAX; i++) {
        const Schema *s = schema("a", "y");
        fitted_add(f, s, true);
        schema_unref(s);
    }
    assert_true(fitted_has(f, first, true));
    last = schema("b", "x");
    fitted_add(f, last, true);
    assert_true(fitted_has(f, last, true));
    assert_false(fitted_has(f, first, false));
    assert_true(fitted_was_written(f, first));
    fitted_add(f, first, true);
    assert_true(fitted_has(f, first, true));
    fitted_free(f);
    schema_unref(first);
    schema_unref(last);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_a_delete_by_key_is_not_yet_for_rows),
        cmocka_unit_test(past_its_bound_it_knows_the_tables_that_were_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
