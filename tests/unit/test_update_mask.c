#include "standin/capture/update_mask.h"
#include "test.h"

static void an_insert_into_five_columns_is_0x1f(void **state) {
    (void)state;
    UpdateMask m = update_mask_all(5);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.b[0], 0x1f);
}

static void an_update_of_the_third_column_is_0x04(void **state) {
    (void)state;
    UpdateMask m = update_mask_none(5);
    update_mask_set(&m, 3);
    assert_int_equal(m.b[0], 0x04);
}

static void the_first_ordinal_is_the_lowest_bit_of_the_last_byte(void **state) {
    (void)state;
    UpdateMask m = update_mask_all(10);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.b[0], 0x03);
    assert_int_equal(m.b[1], 0xff);
    m = update_mask_none(17);
    update_mask_set(&m, 1);
    update_mask_set(&m, 17);
    assert_memory_equal(m.b, "\x01\x00\x01", 3);
    assert_true(update_mask_has(update_mask_view(&m), 1));
    assert_true(update_mask_has(update_mask_view(&m), 17));
    assert_false(update_mask_has(update_mask_view(&m), 9));
}

static void whole_bytes_of_columns_are_all_ones(void **state) {
    (void)state;
    UpdateMask m = update_mask_all(8);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.b[0], 0xff);
    m = update_mask_all(UPDATE_MASK_MAX_COLUMNS);
    assert_int_equal(m.n, UPDATE_MASK_MAX_BYTES);
    assert_int_equal(m.b[0], 0xff);
}

static void no_bit_is_set_outside_the_mask(void **state) {
    (void)state;
    UpdateMask m = update_mask_all(8);
    assert_false(update_mask_has(update_mask_view(&m), 0));
    assert_false(update_mask_has(update_mask_view(&m), -1));
    assert_false(update_mask_has(update_mask_view(&m), 9));
    assert_false(update_mask_has((Str){0}, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_insert_into_five_columns_is_0x1f),
        cmocka_unit_test(an_update_of_the_third_column_is_0x04),
        cmocka_unit_test(the_first_ordinal_is_the_lowest_bit_of_the_last_byte),
        cmocka_unit_test(whole_bytes_of_columns_are_all_ones),
        cmocka_unit_test(no_bit_is_set_outside_the_mask),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
