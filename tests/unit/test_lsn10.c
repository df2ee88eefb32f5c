#include "standin/capture/lsn10.h"
#include "test.h"

static const Lsn10 SAMPLE = {{0, 0, 0, 0x2d, 0, 0, 5, 0x80, 0, 0x1d}};

static void an_lsn_prints_as_views_and_as_messages_do(void **state) {
    (void)state;
    char colon[LSN10_COLON_SIZE], hex[LSN10_HEX_SIZE];
    assert_string_equal(lsn10_colon(&SAMPLE, colon), "0000002d:00000580:001d");
    assert_string_equal(lsn10_hex(&SAMPLE, hex), "0x0000002D00000580001D");
}

static void shorter_binary_is_padded_and_longer_cut_at_the_right(void **state) {
    (void)state;
    Lsn10 a = lsn10_from((Str){"\x01", 1});
    Lsn10 want = {{1}};
    assert_int_equal(lsn10_cmp(&a, &want), 0);
    Lsn10 b = lsn10_from((Str){"\0\0\0\x2d\0\0\x05\x80\0\x1d\xff\xff", 12});
    assert_int_equal(lsn10_cmp(&b, &SAMPLE), 0);
    Lsn10 none = lsn10_from((Str){0});
    assert_true(lsn10_is_zero(&none));
}

static void next_and_prior_carry_over_all_eighty_bits(void **state) {
    (void)state;
    Lsn10 a = {{0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}}, b = {{0, 0, 0, 2}}, got;
    assert_true(lsn10_next(&a, &got));
    assert_int_equal(lsn10_cmp(&got, &b), 0);
    assert_true(lsn10_prior(&b, &got));
    assert_int_equal(lsn10_cmp(&got, &a), 0);
}

static void there_is_nothing_past_either_end(void **state) {
    (void)state;
    Lsn10 max, zero = {{0}}, got = SAMPLE;
    for (size_t i = 0; i < LSN10_BYTES; i++) max.b[i] = 0xff;
    assert_false(lsn10_next(&max, &got));
    assert_false(lsn10_prior(&zero, &got));
    assert_int_equal(lsn10_cmp(&got, &SAMPLE), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_lsn_prints_as_views_and_as_messages_do),
        cmocka_unit_test(shorter_binary_is_padded_and_longer_cut_at_the_right),
        cmocka_unit_test(next_and_prior_carry_over_all_eighty_bits),
        cmocka_unit_test(there_is_nothing_past_either_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
