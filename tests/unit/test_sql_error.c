#include "standin/store/sql_error.h"
#include "test.h"

#include <string.h>

static void it_is_filled_in_and_cut(void **state) {
    (void)state;
    SqlError e = {.line = 7};
    char long_name[2 * sizeof e.text];
    memset(long_name, 'x', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    assert_false(sql_error_set(&e, 208, 16, 3, "Invalid object name '%s'.", "t"));
    assert_true(e.number == 208 && e.class_ == 16 && e.state == 3 && e.line == 0);
    assert_string_equal(e.text, "Invalid object name 't'.");
    assert_false(sql_error_set(&e, 50000, 10, 1, "%s", long_name));
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_filled_in_and_cut)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
