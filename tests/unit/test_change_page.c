#include "sqlserver/change_page.h"

#include "test.h"

static bool has(Str mask, uint16_t ordinal) {
    return change_mask_has(mask, &ordinal, 1);
}

static void the_first_ordinal_is_the_lowest_bit_of_the_last_byte(void **state) {
    (void)state;
    assert_true(has(STR_LIT("\x04"), 3));
    assert_false(has(STR_LIT("\x04"), 2));
    assert_true(has(STR_LIT("\x03\xff"), 10));
    assert_false(has(STR_LIT("\x03\xff"), 11));
    assert_true(has(STR_LIT("\x01\x00"), 9));
    assert_false(has(STR_LIT("\x01\x00"), 1));
}

static void a_short_or_missing_mask_has_nothing(void **state) {
    (void)state;
    assert_false(has((Str){0}, 1));
    assert_false(has(STR_LIT("\xff"), 9));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_ordinal_is_the_lowest_bit_of_the_last_byte),
        cmocka_unit_test(a_short_or_missing_mask_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
