#include "standin/types/decimal.h"

#include <string.h>

#include "base/rng.h"
#include "test.h"

static Decimal parse(const char *text) {
    Decimal d = {0};
    if (decimal_parse(str_from(text), true, &d) != DECIMAL_PARSED) fail_msg("not a decimal: %s", text);
    return d;
}

static void assert_decimal(Decimal d, const char *text, int precision, int scale) {
    char buf[DECIMAL_TEXT_SIZE];
    assert_string_equal(decimal_format(d, buf), text);
    assert_int_equal(d.precision, precision);
    assert_int_equal(d.scale, scale);
}

static void parse_keeps_precision_and_scale_as_written(void **state) {
    (void)state;
    assert_decimal(parse("12.50"), "12.50", 4, 2);
    assert_decimal(parse(" -0.05 "), "-0.05", 2, 2);
    assert_decimal(parse("0"), "0", 1, 0);
    assert_decimal(parse("00012"), "12", 2, 0);
    assert_decimal(parse(".5"), "0.5", 1, 1);
    assert_decimal(parse("5."), "5", 1, 0);
    assert_decimal(parse("1.5e3"), "1500", 4, 0);
    assert_decimal(parse("15e-3"), "0.015", 3, 3);
    assert_decimal(parse("99999999999999999999999999999999999999"), "99999999999999999999999999999999999999",
                   38, 0);
    assert_decimal(parse("0.999999999999999999999999999999999999999"),
                   "1.0000000000000000000000000000000000000", 38, 37);
}

static void parse_refuses_what_is_no_number(void **state) {
    (void)state;
    static const char *const bad[] = {"", "-", ".", "1.2.3", "1e", "1e+", "abc", "1 2", "0x10", "1,5"};
    Decimal d;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(decimal_parse(str_from(bad[i]), true, &d), DECIMAL_BAD_TEXT);
    }
    assert_int_equal(decimal_parse(STR_LIT("1e5"), false, &d), DECIMAL_BAD_TEXT);
    assert_int_equal(decimal_parse(STR_LIT("100000000000000000000000000000000000000"), false, &d),
                     DECIMAL_OVERFLOW);
    assert_int_equal(decimal_parse(STR_LIT("1e38"), true, &d), DECIMAL_OVERFLOW);
}

static void rescale_rounds_half_away_from_zero(void **state) {
    (void)state;
    Decimal d;
    assert_true(decimal_rescale(parse("1.25"), 38, 1, &d));
    assert_decimal(d, "1.3", 38, 1);
    assert_true(decimal_rescale(parse("-1.25"), 38, 1, &d));
    assert_decimal(d, "-1.3", 38, 1);
    assert_true(decimal_rescale(parse("1.2499"), 38, 1, &d));
    assert_decimal(d, "1.2", 38, 1);
    assert_true(decimal_rescale(parse("99.5"), 5, 0, &d));
    assert_decimal(d, "100", 5, 0);
    assert_false(decimal_rescale(parse("99.5"), 2, 0, &d));
    assert_false(decimal_rescale(parse("1"), 38, 38, &d));
}

static void result_types_follow_the_manuals_table(void **state) {
    (void)state;
    Decimal a = {0, 10, 2}, b = {0, 8, 4}, big = {0, 38, 10}, r;
    r = decimal_add_type(a, b);
    assert_int_equal(r.precision, 13);
    assert_int_equal(r.scale, 4);
    r = decimal_multiply_type(a, b);
    assert_int_equal(r.precision, 19);
    assert_int_equal(r.scale, 6);
    r = decimal_divide_type(a, b); /* scale max(6, 2 + 8 + 1) */
    assert_int_equal(r.precision, 23);
    assert_int_equal(r.scale, 11);
    r = decimal_multiply_type(big, big);
    assert_int_equal(r.precision, 38);
    assert_int_equal(r.scale, 6);
    r = decimal_add_type(big, big);
    assert_int_equal(r.precision, 38);
    assert_int_equal(r.scale, 10);
    r = decimal_union_type(a, b);
    assert_int_equal(r.precision, 12);
    assert_int_equal(r.scale, 4);
}

static void arithmetic_gives_what_the_server_gives(void **state) {
    (void)state;
    Decimal r;
    assert_true(decimal_add(parse("12.50"), parse("0.075"), &r));
    assert_decimal(r, "12.575", 6, 3);
    assert_true(decimal_subtract(parse("1.0"), parse("2.55"), &r));
    assert_decimal(r, "-1.55", 4, 2);
    assert_true(decimal_multiply(parse("-1.5"), parse("2.25"), &r));
    assert_decimal(r, "-3.375", 6, 3);
    assert_true(decimal_divide(parse("2.0"), parse("3"), &r)); /* cut off, not rounded */
    assert_decimal(r, "0.666666", 7, 6);
    assert_true(decimal_modulo(parse("7.5"), parse("2"), &r));
    assert_decimal(r, "1.5", 2, 1);
    assert_false(decimal_divide(parse("1"), parse("0"), &r));
}

static void large_products_are_scaled_down_exactly(void **state) {
    (void)state;
    Decimal r, a = {decimal_power(20) + 7, 38, 10}, b = {decimal_power(12), 38, 10};
    assert_true(decimal_multiply(a, b, &r));
    assert_decimal(r, "1000000000000.000000", 38, 6);
    Decimal max = parse("99999999999999999999999999999999999999");
    assert_false(decimal_multiply(max, parse("10"), &r));
    assert_false(decimal_add(max, max, &r));
}

static void compare_ignores_scale(void **state) {
    (void)state;
    assert_int_equal(decimal_compare(parse("1.50"), parse("1.5")), 0);
    assert_true(decimal_compare(parse("-2"), parse("1")) < 0);
    assert_true(decimal_compare(parse("-2"), parse("-2.0001")) > 0);
    assert_true(decimal_compare(parse("99999999999999999999999999999999999999"), parse("0.5")) > 0);
}

static void doubles_pass_with_17_digits(void **state) {
    (void)state;
    Decimal d;
    assert_true(decimal_from_double(0.1, 38, 20, &d));
    assert_decimal(d, "0.10000000000000001000", 38, 20);
    assert_true(decimal_from_double(-12345.675, 10, 2, &d));
    assert_decimal(d, "-12345.67", 10, 2); /* the double is below .675 */
    assert_false(decimal_from_double(1e38, 38, 0, &d));
    assert_true(decimal_to_double(parse("0.1")) == 0.1);
    assert_true(decimal_to_double(parse("12345678901234567890.123")) == 12345678901234567890.123);
}

static void stored_forms_keep_order_and_number(void **state) {
    (void)state;
    static const char *const rising[] = {
        "-99999999999999999999999999999999999999", "-1", "0", "1", "18446744073709551616",
        "99999999999999999999999999999999999999"};
    uint8_t before[16] = {0}, now[16];
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        Decimal d = parse(rising[i]);
        d.precision = 38;
        Value v = decimal_to_value(d, now);
        assert_int_equal(v.kind, VALUE_BLOB);
        assert_true(decimal_from_value(v, 38, 0).unscaled == d.unscaled);
        assert_true(memcmp(before, now, 16) < 0);
        memcpy(before, now, 16);
    }
    Value small = decimal_to_value((Decimal){-5, 18, 2}, now);
    assert_int_equal(small.kind, VALUE_INT);
    assert_int_equal(small.v.i, -5);
}

static void dividing_and_multiplying_undo_each_other(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 7);
    for (int i = 0; i < 2000; i++) {
        Decimal a = {(Int128)rng_below(&rng, 1000000000), 9, 0},
                b = {(Int128)rng_below(&rng, 99999) + 1, 5, 0}, p, q;
        assert_true(decimal_multiply(a, b, &p));
        assert_true(decimal_divide(p, b, &q));
        assert_int_equal(decimal_compare(q, a), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_keeps_precision_and_scale_as_written),
        cmocka_unit_test(parse_refuses_what_is_no_number),
        cmocka_unit_test(rescale_rounds_half_away_from_zero),
        cmocka_unit_test(result_types_follow_the_manuals_table),
        cmocka_unit_test(arithmetic_gives_what_the_server_gives),
        cmocka_unit_test(large_products_are_scaled_down_exactly),
        cmocka_unit_test(compare_ignores_scale),
        cmocka_unit_test(doubles_pass_with_17_digits),
        cmocka_unit_test(stored_forms_keep_order_and_number),
        cmocka_unit_test(dividing_and_multiplying_undo_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
