#include "standin/builtin/local_time.h"
#include "test.h"

#include <stdlib.h>
#include <time.h>

static void set_zone(const char *tz) {
    assert_int_equal(setenv("TZ", tz, 1), 0);
    tzset();
}

static const int64_t DAY_TICKS = 86400 * 300;
static const int64_t DAYS_1900_TO_1970 = 25567;

static void datetime_counts_three_hundredths_of_a_second_since_1900(void **state) {
    (void)state;
    set_zone("UTC");
    assert_int_equal(local_time_datetime(0), DAYS_1900_TO_1970 * DAY_TICKS);
    assert_int_equal(local_time_datetime(1000000), DAYS_1900_TO_1970 * DAY_TICKS + 300);
    assert_int_equal(local_time_datetime(3333), DAYS_1900_TO_1970 * DAY_TICKS + 1);
    assert_int_equal(local_time_datetime(-1000000), DAYS_1900_TO_1970 * DAY_TICKS - 300);
}

static void times_are_those_of_the_servers_zone(void **state) {
    (void)state;
    set_zone("XXX-2"); /* two hours east */
    assert_int_equal(local_time_offset(0), 120);
    assert_int_equal(local_time_datetime(0), DAYS_1900_TO_1970 * DAY_TICKS + 2 * 3600 * 300);
    set_zone("UTC");
}

static void a_ddl_time_has_whole_minutes(void **state) {
    (void)state;
    set_zone("UTC");
    assert_int_equal(local_time_datetime_minute(59 * 1000000), DAYS_1900_TO_1970 * DAY_TICKS);
    assert_int_equal(local_time_datetime_minute(61 * 1000000), DAYS_1900_TO_1970 * DAY_TICKS + 60 * 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datetime_counts_three_hundredths_of_a_second_since_1900),
        cmocka_unit_test(times_are_those_of_the_servers_zone),
        cmocka_unit_test(a_ddl_time_has_whole_minutes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
