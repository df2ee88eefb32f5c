#include "base/clock.h"

#include "test.h"

static void times_are_shown_in_utc_with_microseconds(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } cases[] = {
        {0, "1970-01-01T00:00:00.000000Z"},
        {-1, "1969-12-31T23:59:59.999999Z"},
        {951782400000000, "2000-02-29T00:00:00.000000Z"},
        {1709251199999999, "2024-02-29T23:59:59.999999Z"},
        {4107542400000000, "2100-03-01T00:00:00.000000Z"},
        {-62135596800000000, "0001-01-01T00:00:00.000000Z"},
        {253402300799999999, "9999-12-31T23:59:59.999999Z"},
        {253402300800000000, "@253402300800"},
        {INT64_MIN, "@-9223372036854"},
        {INT64_MAX, "@9223372036854"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char buf[CLOCK_TEXT_SIZE];
        assert_string_equal(clock_format(cases[i].us, buf), cases[i].text);
    }
}

static void the_monotonic_clock_never_goes_back(void **state) {
    (void)state;
    int64_t last = clock_mono_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= last);
        last = now;
    }
    assert_true(clock_wall_us() > INT64_C(1700000000000000));
}

static void sleep_takes_at_least_its_time_and_none_for_zero(void **state) {
    (void)state;
    int64_t start = clock_mono_us();
    clock_sleep_ms(5);
    assert_true(clock_mono_us() - start >= 5000);
    clock_sleep_ms(0);
    clock_sleep_ms(-1000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_shown_in_utc_with_microseconds),
        cmocka_unit_test(the_monotonic_clock_never_goes_back),
        cmocka_unit_test(sleep_takes_at_least_its_time_and_none_for_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
