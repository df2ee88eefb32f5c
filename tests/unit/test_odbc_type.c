#include "standin/builtin/odbc_type.h"
#include "test.h"

static void a_nullable_int_has_the_token_of_the_nullable_family(void **state) {
    (void)state;
    Type t = {.id = TYPE_INT};
    OdbcType o = odbc_type_of(&t, true, ODBC_TYPE_NEW, 3);
    assert_int_equal(o.data_type, 4);
    assert_int_equal(o.precision, 10);
    assert_int_equal(o.length, 4);
    assert_int_equal(o.scale, 0);
    assert_int_equal(o.radix, 10);
    assert_int_equal(o.ss_data_type, 38);
    assert_int_equal(odbc_type_of(&t, false, ODBC_TYPE_NEW, 3).ss_data_type, 56);
}

static void a_max_column_is_zero_to_new_clients_and_the_largest_size_to_old_ones(void **state) {
    (void)state;
    Type t = {.id = TYPE_NVARCHAR, .length = TYPE_MAX_LENGTH};
    OdbcType o = odbc_type_of(&t, true, ODBC_TYPE_NEW, 3);
    assert_int_equal(o.data_type, -9);
    assert_int_equal(o.precision, 0);
    o = odbc_type_of(&t, true, ODBC_TYPE_OLD, 3);
    assert_int_equal(o.data_type, -10);
    assert_int_equal(o.precision, 1073741823);
    assert_int_equal(o.length, 2147483646);
}

static void datetime2_is_a_timestamp_to_new_clients_and_text_to_old_ones(void **state) {
    (void)state;
    Type t = {.id = TYPE_DATETIME2, .scale = 7};
    OdbcType o = odbc_type_of(&t, true, ODBC_TYPE_NEW, 3);
    assert_int_equal(o.data_type, 93);
    assert_int_equal(o.sql_data_type, 9);
    assert_int_equal(o.datetime_sub, 3);
    assert_int_equal(o.precision, 27);
    assert_int_equal(o.scale, 7);
    assert_int_equal(odbc_type_of(&t, true, ODBC_TYPE_NEW, 2).data_type, 11);
    assert_int_equal(odbc_type_of(&t, true, ODBC_TYPE_OLD, 3).data_type, -9);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nullable_int_has_the_token_of_the_nullable_family),
        cmocka_unit_test(a_max_column_is_zero_to_new_clients_and_the_largest_size_to_old_ones),
        cmocka_unit_test(datetime2_is_a_timestamp_to_new_clients_and_text_to_old_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
