#include "record/numtext.h"

#include <string.h>

#include "test.h"

static NumInt128 parse(const char *text, int scale) {
    NumInt128 v = 0;
    Err e = {0};
    if (!numtext_parse(str_from(text), scale, &v, &e)) fail_msg("%s: %s", text, e.msg);
    return v;
}

static void numbers_come_back_as_they_were_written(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int scale;
    } cases[] = {{"0", 0},
                 {"0.00", 2},
                 {"-0.05", 2},
                 {"12.34", 2},
                 {"-922337203685477.5808", 4},
                 {"99999999999999999999999999999999999999", 0},
                 {"-0.99999999999999999999999999999999999999", 38},
                 {"1000000000000000000.0000000000000000001", 19}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buf[NUMTEXT_SIZE];
        NumInt128 v = parse(cases[i].text, cases[i].scale);
        assert_string_equal(numtext_format(v, cases[i].scale, buf), cases[i].text);
    }
}

static void short_spellings_are_read(void **state) {
    (void)state;
    assert_true(parse("+5", 2) == 500);
    assert_true(parse(".5", 1) == 5);
    assert_true(parse("5.", 0) == 5);
    assert_true(parse("1.5000", 1) == 15);
    assert_true(parse("-007", 0) == -7);
}

static void other_text_and_lost_digits_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int scale;
        ErrCode code;
    } bad[] = {{"", 0, ERR_INVALID},    {"-", 0, ERR_INVALID},
               {".", 0, ERR_INVALID},   {"1.2.3", 3, ERR_INVALID},
               {"1e5", 0, ERR_INVALID}, {"1.25", 1, ERR_RANGE},
               {"1", 38, ERR_RANGE},    {"100000000000000000000000000000000000000", 0, ERR_RANGE}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        NumInt128 v = 7;
        Err e = {0};
        assert_false(numtext_parse(str_from(bad[i].text), bad[i].scale, &v, &e));
        assert_int_equal(e.code, bad[i].code);
        assert_true(v == 7);
    }
}

static void digits_are_counted_without_leading_zeros(void **state) {
    (void)state;
    assert_int_equal(numtext_digits(0), 1);
    assert_int_equal(numtext_digits(-9), 1);
    assert_int_equal(numtext_digits(10), 2);
    assert_int_equal(numtext_digits(numtext_power10(38) - 1), 38);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_come_back_as_they_were_written),
        cmocka_unit_test(short_spellings_are_read),
        cmocka_unit_test(other_text_and_lost_digits_are_refused),
        cmocka_unit_test(digits_are_counted_without_leading_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
