#include "standin/tsql/sqlerror.h"
#include "test.h"

static void an_error_has_its_class_line_and_text(void **state) {
    (void)state;
    SqlError e;
    assert_false(sqlerror_set(&e, 208, 1, 7, "Invalid object name '%s'.", "x"));
    assert_int_equal(e.number, 208);
    assert_int_equal(e.class_, 16);
    assert_int_equal(e.line, 7);
    assert_string_equal(e.text, "Invalid object name 'x'.");
}

static void syntax_is_15_and_permission_14(void **state) {
    (void)state;
    assert_int_equal(sqlerror_class(102), 15);
    assert_int_equal(sqlerror_class(137), 15);
    assert_int_equal(sqlerror_class(229), 14);
    assert_int_equal(sqlerror_class(8134), 16);
}

static void a_conversions_error_keeps_its_own(void **state) {
    (void)state;
    ConvertError from = {.number = 245, .state = 1, .class_ = 16, .text = "no"};
    SqlError e;
    assert_false(sqlerror_from_convert(&e, &from, 3));
    assert_int_equal(e.number, 245);
    assert_int_equal(e.line, 3);
    assert_string_equal(e.text, "no");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_has_its_class_line_and_text),
        cmocka_unit_test(syntax_is_15_and_permission_14),
        cmocka_unit_test(a_conversions_error_keeps_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
