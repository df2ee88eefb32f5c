/* Numbers as Java prints and reads them. Expected texts are what Java 21 gives. */
#include "test.h"

#include <math.h>

#include "transform/java_text.h"

static void test_doubles_to_text(void **state) {
    (void)state;
    static const struct {
        double d;
        const char *text;
    } cases[] = {{0, "0.0"},
                 {-0.0, "-0.0"},
                 {1, "1.0"},
                 {-12.5, "-12.5"},
                 {0.1, "0.1"},
                 {0.001, "0.001"},
                 {0.00012, "1.2E-4"},
                 {1234567, "1234567.0"},
                 {9999999.5, "9999999.5"},
                 {1e7, "1.0E7"},
                 {1.5e300, "1.5E300"},
                 {4.9e-324, "4.9E-324"},
                 {1.7976931348623157e308, "1.7976931348623157E308"},
                 {100, "100.0"},
                 {0.30000000000000004, "0.30000000000000004"},
                 {INFINITY, "Infinity"},
                 {-INFINITY, "-Infinity"},
                 {NAN, "NaN"}};
    char buf[JAVA_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(java_text_double(cases[i].d, buf), cases[i].text);
    assert_string_equal(java_text_float(0.1f, buf), "0.1");
    assert_string_equal(java_text_float(3.4028235e38f, buf), "3.4028235E38");
    assert_string_equal(java_text_float(16777216.0f, buf), "1.6777216E7");
}

static void test_text_to_floating_point(void **state) {
    (void)state;
    double d = 0;
    float f = 0;
    static const char *const good[] = {"1.5", " 1.5 ", "+1.5", "15e-1", "1.5d", "1.5F", "0x1.8p0", ".15E1"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(java_text_to_double(str_from(good[i]), &d));
        assert_true(d == 1.5);
        assert_true(java_text_to_float(str_from(good[i]), &f));
        assert_true(f == 1.5f);
    }
    assert_true(java_text_to_double(str_from("-Infinity"), &d) && isinf(d) && d < 0);
    assert_true(java_text_to_double(str_from("NaN"), &d) && isnan(d));
    static const char *const bad[] = {"", " ", "inf", "nan", "1,5", "0x10", "1.5x", "e5", "--1", "1 2", "f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (java_text_to_double(str_from(bad[i]), &d)) fail_msg("%s", bad[i]);
        assert_false(java_text_to_float(str_from(bad[i]), &f));
    }
}

static void test_text_to_whole_numbers(void **state) {
    (void)state;
    int64_t n = 0;
    assert_true(java_text_to_long(STR_LIT("-128"), INT8_MIN, INT8_MAX, &n) && n == -128);
    assert_true(java_text_to_long(STR_LIT("+5"), INT8_MIN, INT8_MAX, &n) && n == 5);
    assert_true(java_text_to_long(STR_LIT("-9223372036854775808"), INT64_MIN, INT64_MAX, &n) &&
                n == INT64_MIN);
    assert_false(java_text_to_long(STR_LIT("9223372036854775808"), INT64_MIN, INT64_MAX, &n));
    assert_false(java_text_to_long(STR_LIT("128"), INT8_MIN, INT8_MAX, &n));
    assert_false(java_text_to_long(STR_LIT(" 1"), INT8_MIN, INT8_MAX, &n));
    assert_false(java_text_to_long(STR_LIT("1.0"), INT8_MIN, INT8_MAX, &n));
    assert_false(java_text_to_long(STR_LIT("-"), INT8_MIN, INT8_MAX, &n));
}

static void test_decimals(void **state) {
    (void)state;
    char buf[JAVA_TEXT_SIZE];
    assert_string_equal(java_text_decimal(-1234, 2, buf), "-12.34");
    assert_string_equal(java_text_decimal(5, 2, buf), "0.05");
    assert_string_equal(java_text_decimal(5, 0, buf), "5");
    assert_string_equal(java_text_decimal(0, 8, buf), "0E-8");
    assert_string_equal(java_text_decimal(123, 9, buf), "1.23E-7");
    assert_string_equal(java_text_decimal(1, -3, buf), "1E+3");
    NumInt128 v = 0;
    assert_true(java_text_to_decimal(STR_LIT("-12.5"), 2, &v) && v == -1250);
    assert_true(java_text_to_decimal(STR_LIT("1.50e1"), 0, &v) && v == 15);
    assert_false(java_text_to_decimal(STR_LIT("0.001"), 2, &v));
    assert_false(java_text_to_decimal(STR_LIT("abc"), 2, &v));
    int64_t n = 0;
    assert_true(java_text_whole(STR_LIT("-3.99"), &n) && n == -3);
    assert_true(java_text_whole(STR_LIT("3e2"), &n) && n == 300);
    assert_false(java_text_whole(STR_LIT("x"), &n));
}

static void test_unscaled_bytes(void **state) {
    (void)state;
    char buf[16];
    static const int64_t numbers[] = {0,    1,   -1,  127,     128,       -128,
                                      -129, 255, 256, 1234567, INT64_MIN, INT64_MAX};
    static const uint32_t sizes[] = {1, 1, 1, 1, 2, 1, 2, 2, 2, 3, 8, 8};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        NumInt128 back = 0;
        uint32_t n = java_text_to_unscaled(numbers[i], buf);
        assert_int_equal(n, sizes[i]);
        assert_true(java_text_unscaled((Str){buf, n}, &back) && back == numbers[i]);
    }
    NumInt128 v = 0;
    assert_false(java_text_unscaled((Str){buf, 0}, &v));
    assert_false(java_text_unscaled((Str){"12345678901234567", 17}, &v));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_doubles_to_text),       cmocka_unit_test(test_text_to_floating_point),
        cmocka_unit_test(test_text_to_whole_numbers), cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_unscaled_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
