#include "standin/bind/datepart.h"
#include "test.h"

static Temporal at(int year, int month, int day, int hour, int minute, int second) {
    return (Temporal){.days = temporal_days(year, month, day),
                      .ticks = ((int64_t)hour * 3600 + minute * 60 + second) * TEMPORAL_TICKS_PER_SECOND};
}

static void parts_have_names_and_abbreviations(void **state) {
    (void)state;
    assert_int_equal(datepart_by_name(STR_LIT("YYYY")), DATEPART_YEAR);
    assert_int_equal(datepart_by_name(STR_LIT("mi")), DATEPART_MINUTE);
    assert_int_equal(datepart_by_name(STR_LIT("tzoffset")), DATEPART_TZOFFSET);
    assert_int_equal(datepart_by_name(STR_LIT("fortnight")), DATEPART_NONE);
    assert_string_equal(datepart_name(DATEPART_QUARTER), "quarter");
}

static void each_part_of_a_moment_is_found(void **state) {
    (void)state;
    Temporal x = at(2024, 12, 30, 13, 14, 15);
    x.ticks += 1234567;
    x.offset = -90;
    char buf[TEMPORAL_TEXT_SIZE];
    assert_int_equal(datepart_get(DATEPART_YEAR, x, 7), 2024);
    assert_int_equal(datepart_get(DATEPART_QUARTER, x, 7), 4);
    assert_int_equal(datepart_get(DATEPART_DAYOFYEAR, x, 7), 365);
    assert_int_equal(datepart_get(DATEPART_WEEK, x, 7), 53);
    assert_int_equal(datepart_get(DATEPART_ISO_WEEK, x, 7), 1); /* the Monday of 2025's first week */
    assert_int_equal(datepart_get(DATEPART_WEEKDAY, x, 7), 2);
    assert_int_equal(datepart_get(DATEPART_WEEKDAY, x, 1), 1);
    assert_int_equal(datepart_get(DATEPART_MILLISECOND, x, 7), 123);
    assert_int_equal(datepart_get(DATEPART_MICROSECOND, x, 7), 123456);
    assert_int_equal(datepart_get(DATEPART_NANOSECOND, x, 7), 123456700);
    assert_string_equal(datepart_format(DATEPART_MONTH, x, 7, buf), "December");
    assert_string_equal(datepart_format(DATEPART_WEEKDAY, x, 7, buf), "Monday");
    assert_string_equal(datepart_format(DATEPART_TZOFFSET, x, 7, buf), "-01:30");
    assert_string_equal(datepart_format(DATEPART_HOUR, x, 7, buf), "13");
}

static void adding_keeps_to_the_calendar(void **state) {
    (void)state;
    Temporal x;
    assert_true(datepart_add(DATEPART_MONTH, 1, at(2024, 1, 31, 0, 0, 0), &x));
    assert_int_equal(x.days, temporal_days(2024, 2, 29));
    assert_true(datepart_add(DATEPART_YEAR, -1, at(2024, 2, 29, 0, 0, 0), &x));
    assert_int_equal(x.days, temporal_days(2023, 2, 28));
    assert_true(datepart_add(DATEPART_SECOND, -1, at(2024, 3, 1, 0, 0, 0), &x));
    assert_int_equal(x.days, temporal_days(2024, 2, 29));
    assert_int_equal(x.ticks, TEMPORAL_TICKS_PER_DAY - TEMPORAL_TICKS_PER_SECOND);
    assert_true(datepart_add(DATEPART_WEEK, 2, at(2024, 1, 1, 0, 0, 0), &x));
    assert_int_equal(x.days, temporal_days(2024, 1, 15));
}

static void adding_past_the_calendar_fails(void **state) {
    (void)state;
    Temporal x;
    assert_false(datepart_add(DATEPART_DAY, 1, at(9999, 12, 31, 0, 0, 0), &x));
    assert_false(datepart_add(DATEPART_YEAR, -1, at(1, 6, 1, 0, 0, 0), &x));
    assert_false(datepart_add(DATEPART_MONTH, INT64_MAX, at(2024, 1, 1, 0, 0, 0), &x));
    assert_false(datepart_add(DATEPART_HOUR, INT64_MAX, at(2024, 1, 1, 0, 0, 0), &x));
}

static void differences_count_boundaries_not_durations(void **state) {
    (void)state;
    int64_t n;
    Temporal a = at(2023, 12, 31, 23, 59, 59), b = at(2024, 1, 1, 0, 0, 0);
    assert_true(datepart_difference(DATEPART_YEAR, a, b, &n));
    assert_int_equal(n, 1);
    assert_true(datepart_difference(DATEPART_DAY, b, a, &n));
    assert_int_equal(n, -1);
    assert_true(datepart_difference(DATEPART_SECOND, a, b, &n));
    assert_int_equal(n, 1);
    assert_true(datepart_difference(DATEPART_WEEK, at(2024, 5, 4, 0, 0, 0), at(2024, 5, 5, 0, 0, 0), &n));
    assert_int_equal(n, 1); /* Saturday to Sunday */
    Temporal c = at(2024, 1, 1, 2, 0, 0);
    c.offset = 120; /* the same moment as b */
    assert_true(datepart_difference(DATEPART_SECOND, b, c, &n));
    assert_int_equal(n, 0);
    assert_false(datepart_difference(DATEPART_NANOSECOND, at(1, 1, 1, 0, 0, 0), at(9999, 1, 1, 0, 0, 0), &n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_have_names_and_abbreviations),
        cmocka_unit_test(each_part_of_a_moment_is_found),
        cmocka_unit_test(adding_keeps_to_the_calendar),
        cmocka_unit_test(adding_past_the_calendar_fails),
        cmocka_unit_test(differences_count_boundaries_not_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
