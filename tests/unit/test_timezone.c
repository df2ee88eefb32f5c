#include "standin/bind/timezone.h"
#include "test.h"

static Temporal at(int32_t year, int32_t month, int32_t day, int64_t hour, int64_t minute) {
    return (Temporal){.days = temporal_days(year, month, day),
                      .ticks = (hour * 3600 + minute * 60) * (int64_t)TEMPORAL_TICKS_PER_SECOND};
}

static void summer_begins_and_ends_with_the_zone_s_rule(void **state) {
    (void)state;
    const TimeZone *z = timezone_by_name(STR_LIT("central european standard time"));
    assert_non_null(z);
    assert_int_equal(timezone_offset_of_local(z, at(2024, 3, 31, 1, 59)), 60);
    assert_int_equal(timezone_offset_of_local(z, at(2024, 3, 31, 3, 0)), 120);
    assert_int_equal(timezone_offset_of_local(z, at(2024, 10, 27, 2, 30)), 120); /* it comes twice */
    assert_int_equal(timezone_offset_of_local(z, at(2024, 10, 27, 3, 0)), 60);
    assert_int_equal(timezone_offset_of_utc(z, at(2024, 10, 27, 0, 59)), 120);
    assert_int_equal(timezone_offset_of_utc(z, at(2024, 10, 27, 1, 0)), 60);
}

static void america_changes_at_two(void **state) {
    (void)state;
    const TimeZone *z = timezone_by_name(STR_LIT("Pacific Standard Time"));
    assert_non_null(z);
    assert_int_equal(timezone_offset_of_local(z, at(2024, 3, 10, 1, 59)), -480);
    assert_int_equal(timezone_offset_of_local(z, at(2024, 3, 10, 3, 0)), -420);
    assert_int_equal(timezone_offset_of_utc(z, at(2024, 11, 3, 8, 59)), -420);
    assert_int_equal(timezone_offset_of_utc(z, at(2024, 11, 3, 9, 0)), -480);
}

static void others_never_change(void **state) {
    (void)state;
    const TimeZone *z = timezone_by_name(STR_LIT("UTC"));
    assert_int_equal(timezone_offset_of_local(z, at(2024, 7, 1, 0, 0)), 0);
    assert_null(timezone_by_name(STR_LIT("Nowhere Standard Time")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(summer_begins_and_ends_with_the_zone_s_rule),
        cmocka_unit_test(america_changes_at_two),
        cmocka_unit_test(others_never_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
