#include "record/civil.h"

#include "test.h"

static void dates_are_the_same_after_days_and_back_over_the_whole_range(void **state) {
    (void)state;
    CivilDate before = civil_from_days(CIVIL_DAY_0001 - 1);
    assert_int_equal(before.year, 0);
    for (int64_t day = CIVIL_DAY_0001; day <= CIVIL_DAY_9999; day++) {
        CivilDate d = civil_from_days(day);
        if (civil_to_days(d) != day) fail_msg("day %lld", (long long)day);
        bool is_next_day = d.year == before.year && d.month == before.month && d.day == before.day + 1;
        bool is_next_month =
            d.day == 1 && (d.month == before.month + 1 || (d.month == 1 && before.month == 12));
        if (!is_next_day && !is_next_month) fail_msg("day %lld doesn't follow", (long long)day);
        before = d;
    }
    assert_int_equal(before.year, 9999);
    assert_int_equal(before.month, 12);
    assert_int_equal(before.day, 31);
}

static void known_days_have_their_dates(void **state) {
    (void)state;
    assert_int_equal(civil_to_days((CivilDate){1970, 1, 1}), 0);
    assert_int_equal(civil_to_days((CivilDate){1, 1, 1}), CIVIL_DAY_0001);
    assert_int_equal(civil_to_days((CivilDate){1900, 1, 1}), -25567);
    assert_int_equal(civil_to_days((CivilDate){2000, 2, 29}), 11016);
}

static void only_real_dates_are_valid(void **state) {
    (void)state;
    assert_true(civil_is_valid(2024, 2, 29));
    assert_false(civil_is_valid(2023, 2, 29));
    assert_false(civil_is_valid(1900, 2, 29));
    assert_false(civil_is_valid(2024, 13, 1));
    assert_false(civil_is_valid(2024, 4, 31));
    assert_false(civil_is_valid(0, 1, 1));
    assert_false(civil_is_valid(10000, 1, 1));
}

static void ticks_become_microseconds_of_1970_and_the_seventh_digit_is_cut(void **state) {
    (void)state;
    int64_t epoch = civil_us_to_ticks(0);
    assert_int_equal(epoch, INT64_C(621355968000000000));
    assert_int_equal(civil_ticks_to_us(epoch + 19), 1);
    assert_int_equal(civil_ticks_to_us(epoch - 1), -1);
    assert_int_equal(civil_ticks_to_us(0), INT64_C(-62135596800000000));
}

static void texts_are_those_that_sql_server_prints(void **state) {
    (void)state;
    char buf[CIVIL_TEXT_SIZE];
    int64_t last = CIVIL_TICKS_PER_DAY - 1;
    assert_string_equal(civil_format_date(CIVIL_DAY_0001, buf), "0001-01-01");
    assert_string_equal(civil_format_time(last, 7, buf), "23:59:59.9999999");
    assert_string_equal(civil_format_time(last, 3, buf), "23:59:59.999");
    assert_string_equal(civil_format_time(last, 0, buf), "23:59:59");
    int64_t end = (CIVIL_DAY_9999 - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY + last;
    assert_string_equal(civil_format_datetime(end, 7, buf), "9999-12-31 23:59:59.9999999");
    assert_string_equal(civil_format_datetime(0, 0, buf), "0001-01-01 00:00:00");
    assert_string_equal(civil_format_offset(civil_us_to_ticks(0), 0, 330, buf), "1970-01-01 05:30:00 +05:30");
    assert_string_equal(civil_format_offset(civil_us_to_ticks(0), 7, -60, buf),
                        "1969-12-31 23:00:00.0000000 -01:00");
}

static void texts_read_back(void **state) {
    (void)state;
    CivilText t;
    assert_true(civil_parse(STR_LIT("0001-01-01"), &t));
    assert_true(t.has_date && !t.has_time && !t.has_offset && t.days == CIVIL_DAY_0001);
    assert_true(civil_parse(STR_LIT("23:59:59.1234567"), &t));
    assert_true(!t.has_date && t.has_time && t.ticks == INT64_C(863991234567));
    assert_true(civil_parse(STR_LIT("9999-12-31T00:00:00.5-05:30"), &t));
    assert_true(t.days == CIVIL_DAY_9999 && t.ticks == 5000000 && t.has_offset && t.offset_minutes == -330);
    assert_true(civil_parse(STR_LIT("2026-01-31 23:59:59 +14:00"), &t));
    assert_int_equal(t.offset_minutes, 840);
    assert_true(civil_parse(STR_LIT("2026-01-31 23:59:59Z"), &t));
    assert_true(t.has_offset && t.offset_minutes == 0);
}

static void other_texts_are_no_times(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",          "2026",        "2026-13-01",          "2026-02-29",    "24:00:00",
        "12:00",     "2026-01-01T", "2026-01-01x12:00:00", "12:00:00+1:00", "12:00:00.12345678",
        "12:00:00Zx"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CivilText t;
        if (civil_parse(str_from(bad[i]), &t)) fail_msg("%s", bad[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_read_back),
        cmocka_unit_test(other_texts_are_no_times),
        cmocka_unit_test(dates_are_the_same_after_days_and_back_over_the_whole_range),
        cmocka_unit_test(known_days_have_their_dates),
        cmocka_unit_test(only_real_dates_are_valid),
        cmocka_unit_test(ticks_become_microseconds_of_1970_and_the_seventh_digit_is_cut),
        cmocka_unit_test(texts_are_those_that_sql_server_prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
