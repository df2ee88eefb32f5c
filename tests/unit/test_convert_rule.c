#include "convert_cases.h"

static void pairs_that_the_matrix_forbids_are_refused(void **state) {
    (void)state;
    assert_int_equal(convert_rule(TYPE_INT, TYPE_DATE), CONVERT_NEVER);
    assert_int_equal(convert_rule(TYPE_VARCHAR, TYPE_VARBINARY), CONVERT_EXPLICIT_ONLY);
    assert_int_equal(convert_rule(TYPE_DATETIME, TYPE_INT), CONVERT_EXPLICIT_ONLY);
    assert_int_equal(convert_rule(TYPE_INT, TYPE_DATETIME), CONVERT_IMPLICIT);
    assert_int_equal(convert_rule(TYPE_NULL, TYPE_XML), CONVERT_IMPLICIT);
    assert_int_equal(convert_rule(TYPE_BINARY, TYPE_FLOAT), CONVERT_NEVER);
    assert_int_equal(convert_rule(TYPE_NVARCHAR, TYPE_IMAGE), CONVERT_NEVER);
    ConvertError e;
    Type date = DATE, number = INT, text = sized(TYPE_VARCHAR, 5), bytes = sized(TYPE_VARBINARY, 5);
    convert_refuse(&number, &date, true, &e);
    assert_int_equal(e.number, 529);
    assert_string_equal(e.text, "Explicit conversion from data type int to date is not allowed.");
    convert_refuse(&number, &date, false, &e);
    assert_string_equal(e.text, "Operand type clash: int is incompatible with date");
    convert_refuse(&text, &bytes, false, &e);
    assert_int_equal(e.number, 257);
}

static void the_common_type_joins_lengths_and_scales(void **state) {
    (void)state;
    Type a = sized(TYPE_VARCHAR, 10), b = sized(TYPE_NVARCHAR, 5), t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_NVARCHAR);
    assert_int_equal(t.length, 10);
    a = INT;
    b = dec(5, 2);
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_DECIMAL);
    assert_int_equal(t.precision, 12);
    assert_int_equal(t.scale, 2);
    a = DATETIME;
    b = scaled(TYPE_DATETIME2, 0);
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_DATETIME2);
    assert_int_equal(t.scale, 3);
    a = sized(TYPE_VARCHAR, TYPE_MAX_LENGTH);
    b = sized(TYPE_NCHAR, 5);
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_NVARCHAR);
    assert_int_equal(t.length, TYPE_MAX_LENGTH);
    a = (Type){.id = TYPE_NULL};
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_NCHAR);
}

static void values_of_one_type_have_an_order(void **state) {
    (void)state;
    Type text = sized(TYPE_VARCHAR, 5), bytes = sized(TYPE_VARBINARY, 5), number = INT;
    assert_int_equal(convert_compare(&text, VALUE_OF_TEXT(STR_LIT("a ")), VALUE_OF_TEXT(STR_LIT("A"))), 0);
    assert_true(convert_compare(&number, VALUE_OF_INT(-1), VALUE_OF_INT(1)) < 0);
    assert_int_equal(convert_compare(&bytes, VALUE_OF_BLOB(STR_LIT("a")), VALUE_OF_BLOB(STR_LIT("a\0"))), 0);
    assert_true(convert_compare(&bytes, VALUE_OF_BLOB(STR_LIT("b")), VALUE_OF_BLOB(STR_LIT("a\xff"))) > 0);
}

static void texts_that_compare_as_equal_have_one_key(void **state) {
    (void)state;
    Type t = sized(TYPE_VARCHAR, 5);
    CLEANUP(buf_done) Buf a = {0};
    CLEANUP(buf_done) Buf b = {0};
    convert_text_key(&t, STR_LIT("ab "), &a);
    convert_text_key(&t, STR_LIT("AB"), &b);
    assert_true(str_eq(buf_view(&a), buf_view(&b)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_that_the_matrix_forbids_are_refused),
        cmocka_unit_test(the_common_type_joins_lengths_and_scales),
        cmocka_unit_test(values_of_one_type_have_an_order),
        cmocka_unit_test(texts_that_compare_as_equal_have_one_key),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
