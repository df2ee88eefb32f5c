#include "standin/types/temporal.h"

#include "test.h"

static void days_and_civil_dates_map_to_each_other(void **state) {
    (void)state;
    assert_int_equal(temporal_days(1, 1, 1), 0);
    assert_int_equal(temporal_days(1753, 1, 1), TEMPORAL_DAYS_1753);
    assert_int_equal(temporal_days(1900, 1, 1), TEMPORAL_DAYS_1900);
    assert_int_equal(temporal_days(1970, 1, 1), TEMPORAL_DAYS_1970);
    assert_int_equal(temporal_days(9999, 12, 31), TEMPORAL_DAYS_MAX);
    int32_t year, month, day, last_year = 0, last_month = 0, last_day = 0;
    for (int32_t d = 0; d <= TEMPORAL_DAYS_MAX; d += 13) {
        temporal_civil(d, &year, &month, &day);
        assert_true(temporal_is_date(year, month, day));
        assert_int_equal(temporal_days(year, month, day), d);
        assert_true(year > last_year || month > last_month || day > last_day);
        last_year = year;
        last_month = month;
        last_day = day;
    }
    assert_false(temporal_is_date(1900, 2, 29));
    assert_true(temporal_is_date(2000, 2, 29));
    assert_false(temporal_is_date(2026, 13, 1));
}

/* Parse and print again as type t, style 121. */
static const char *reread(const char *text, int style, const Type *t, char buf[static TEMPORAL_TEXT_SIZE]) {
    TemporalText x;
    Value v;
    uint8_t blob[TEMPORAL_OFFSET_BYTES];
    switch (temporal_parse(str_from(text), style, &x)) {
    case TEMPORAL_BAD_TEXT: return "bad";
    case TEMPORAL_OUT_OF_RANGE: return "range";
    case TEMPORAL_PARSED: break;
    }
    if (!temporal_pack(t, x.at, blob, &v)) return "range";
    assert_true(temporal_format(t, temporal_unpack(t, v), 121, buf));
    return buf;
}

static void the_forms_that_the_server_reads_are_read(void **state) {
    (void)state;
    static const Type datetime2 = {.id = TYPE_DATETIME2, .scale = 7};
    static const struct {
        const char *text;
        int style;
        const char *want;
    } cases[] = {
        {"2026-11-03 16:05:06.1234567", -1, "2026-11-03 16:05:06.1234567"},
        {"2026-11-03T16:05:06.12", -1, "2026-11-03 16:05:06.1200000"},
        {"20261103", -1, "2026-11-03 00:00:00.0000000"},
        {"261103", -1, "2026-11-03 00:00:00.0000000"},
        {"2026", -1, "2026-01-01 00:00:00.0000000"},
        {"20261103 4:05PM", -1, "2026-11-03 16:05:00.0000000"},
        {"Nov  3 2026  4:05PM", -1, "2026-11-03 16:05:00.0000000"},
        {"3 November 2026", -1, "2026-11-03 00:00:00.0000000"},
        {"November 3, 2026 12:00 am", -1, "2026-11-03 00:00:00.0000000"},
        {"2026 Nov 3", -1, "2026-11-03 00:00:00.0000000"},
        {"03-Nov-2026", -1, "2026-11-03 00:00:00.0000000"},
        {"11/03/2026 16:05:06:007", -1, "2026-11-03 16:05:06.0070000"},
        {"11/3/26", -1, "2026-11-03 00:00:00.0000000"},
        {"11/3/50", -1, "1950-11-03 00:00:00.0000000"},
        {"2026/11/03", -1, "2026-11-03 00:00:00.0000000"},
        {"03/11/2026", 103, "2026-11-03 00:00:00.0000000"},
        {"03.11.2026", 104, "2026-11-03 00:00:00.0000000"},
        {"16:05", -1, "1900-01-01 16:05:00.0000000"},
        {"4 PM", -1, "1900-01-01 16:00:00.0000000"},
        {"16:05 2026-11-03", -1, "2026-11-03 16:05:00.0000000"},
        {"2026-11-03T16:05:06Z", -1, "2026-11-03 16:05:06.0000000"},
        {"", -1, "1900-01-01 00:00:00.0000000"},
        {"0001-01-01", -1, "0001-01-01 00:00:00.0000000"},
        {"9999-12-31 23:59:59.9999999", -1, "9999-12-31 23:59:59.9999999"},
        {"2026-02-29", -1, "range"},
        {"2026-13-01", -1, "range"},
        {"24:00", -1, "range"},
        {"13:00 PM x", -1, "bad"},
        {"hello", -1, "bad"},
        {"2026-11", -1, "bad"},
        {"2026-11-03 16:05:06.12345678", -1, "bad"},
        {"1:2:3:4:5", -1, "bad"},
        {"2026-11-03 16:05 +25:00", -1, "bad"},
        {"20261103 20261103", -1, "bad"},
    };
    char buf[TEMPORAL_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(reread(cases[i].text, cases[i].style, &datetime2, buf), cases[i].want);
    }
}

static void each_type_rounds_to_its_own_digits(void **state) {
    (void)state;
    static const struct {
        Type type;
        const char *text, *want;
    } cases[] = {
        {{.id = TYPE_DATETIME}, "2026-11-03 16:05:06.001", "2026-11-03 16:05:06.000"},
        {{.id = TYPE_DATETIME}, "2026-11-03 16:05:06.002", "2026-11-03 16:05:06.003"},
        {{.id = TYPE_DATETIME}, "2026-11-03 16:05:06.005", "2026-11-03 16:05:06.007"},
        {{.id = TYPE_DATETIME}, "2026-11-03 23:59:59.999", "2026-11-04 00:00:00.000"},
        {{.id = TYPE_DATETIME}, "1753-01-01", "1753-01-01 00:00:00.000"},
        {{.id = TYPE_DATETIME}, "1752-12-31", "range"},
        {{.id = TYPE_DATETIME}, "9999-12-31 23:59:59.997", "9999-12-31 23:59:59.997"},
        {{.id = TYPE_DATETIME}, "9999-12-31 23:59:59.999", "range"},
        {{.id = TYPE_SMALLDATETIME}, "2026-11-03 16:05:30", "2026-11-03 16:06:00.000"},
        {{.id = TYPE_SMALLDATETIME}, "2079-06-06 23:59", "2079-06-06 23:59:00.000"},
        {{.id = TYPE_SMALLDATETIME}, "2079-06-07", "range"},
        {{.id = TYPE_DATETIME2, .scale = 3}, "2026-11-03 16:05:06.1235", "2026-11-03 16:05:06.124"},
        {{.id = TYPE_DATETIME2, .scale = 0}, "9999-12-31 23:59:59.9999999", "9999-12-31 23:59:59"},
        {{.id = TYPE_TIME, .scale = 0}, "23:59:59.9999999", "00:00:00"},
        {{.id = TYPE_TIME, .scale = 7}, "23:59:59.9999999", "23:59:59.9999999"},
        {{.id = TYPE_DATE}, "9999-12-31", "9999-12-31"},
        {{.id = TYPE_DATETIMEOFFSET, .scale = 7},
         "2026-11-03 16:05:06 -08:00",
         "2026-11-03 16:05:06.0000000 -08:00"},
        {{.id = TYPE_DATETIMEOFFSET, .scale = 0}, "0001-01-01 00:00 +00:01", "range"},
        {{.id = TYPE_DATETIMEOFFSET, .scale = 0}, "0001-01-01 14:00 +14:00", "0001-01-01 14:00:00 +14:00"},
    };
    char buf[TEMPORAL_TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(reread(cases[i].text, -1, &cases[i].type, buf), cases[i].want);
    }
}

static void styles_print_as_convert_does(void **state) {
    (void)state;
    static const struct {
        TypeId id;
        uint8_t scale;
        int style;
        const char *want;
    } cases[] = {
        {TYPE_DATETIME, 0, -1, "Nov  3 2026  4:05PM"},
        {TYPE_DATETIME, 0, 0, "Nov  3 2026  4:05PM"},
        {TYPE_DATETIME, 0, 1, "11/03/26"},
        {TYPE_DATETIME, 0, 101, "11/03/2026"},
        {TYPE_DATETIME, 0, 102, "2026.11.03"},
        {TYPE_DATETIME, 0, 103, "03/11/2026"},
        {TYPE_DATETIME, 0, 104, "03.11.2026"},
        {TYPE_DATETIME, 0, 105, "03-11-2026"},
        {TYPE_DATETIME, 0, 106, "03 Nov 2026"},
        {TYPE_DATETIME, 0, 107, "Nov 03, 2026"},
        {TYPE_DATETIME, 0, 108, "16:05:06"},
        {TYPE_DATETIME, 0, 109, "Nov  3 2026  4:05:06:123PM"},
        {TYPE_DATETIME, 0, 110, "11-03-2026"},
        {TYPE_DATETIME, 0, 111, "2026/11/03"},
        {TYPE_DATETIME, 0, 112, "20261103"},
        {TYPE_DATETIME, 0, 113, "03 Nov 2026 16:05:06:123"},
        {TYPE_DATETIME, 0, 114, "16:05:06:123"},
        {TYPE_DATETIME, 0, 120, "2026-11-03 16:05:06"},
        {TYPE_DATETIME, 0, 121, "2026-11-03 16:05:06.123"},
        {TYPE_DATETIME, 0, 23, "2026-11-03"},
        {TYPE_DATETIME, 0, 126, "2026-11-03T16:05:06.123"},
        {TYPE_DATETIME, 0, 127, "2026-11-03T16:05:06.123Z"},
        {TYPE_DATETIME2, 7, -1, "2026-11-03 16:05:06.1234567"},
        {TYPE_DATETIME2, 0, -1, "2026-11-03 16:05:06"},
        {TYPE_DATETIME2, 7, 109, "Nov  3 2026  4:05:06.1234567PM"},
        {TYPE_DATE, 0, -1, "2026-11-03"},
        {TYPE_DATE, 0, 100, "Nov  3 2026"},
        {TYPE_TIME, 7, -1, "16:05:06.1234567"},
        {TYPE_TIME, 3, 100, "4:05PM"},
        {TYPE_SMALLDATETIME, 0, 120, "2026-11-03 16:05:00"},
        {TYPE_DATETIMEOFFSET, 7, -1, "2026-11-03 16:05:06.1234567 +01:30"},
        {TYPE_DATETIMEOFFSET, 3, 126, "2026-11-03T16:05:06.123+01:30"},
        {TYPE_DATETIMEOFFSET, 3, 127, "2026-11-03T14:35:06.123Z"},
    };
    Temporal x = {temporal_days(2026, 11, 3), INT64_C(579061234567), 90};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Type t = {.id = cases[i].id, .scale = cases[i].scale};
        Value v;
        uint8_t blob[TEMPORAL_OFFSET_BYTES];
        char buf[TEMPORAL_TEXT_SIZE];
        assert_true(temporal_pack(&t, x, blob, &v));
        assert_true(temporal_format(&t, temporal_unpack(&t, v), cases[i].style, buf));
        assert_string_equal(buf, cases[i].want);
    }
}

static void styles_that_a_type_lacks_are_refused(void **state) {
    (void)state;
    char buf[TEMPORAL_TEXT_SIZE];
    Temporal x = {0};
    assert_false(temporal_format(&(Type){.id = TYPE_DATE}, x, 108, buf));
    assert_false(temporal_format(&(Type){.id = TYPE_TIME}, x, 101, buf));
    assert_false(temporal_format(&(Type){.id = TYPE_DATETIME}, x, 130, buf));
    assert_false(temporal_format(&(Type){.id = TYPE_DATETIME}, x, 15, buf));
}

static void unix_time_becomes_a_moment(void **state) {
    (void)state;
    Temporal x = temporal_from_unix_us(INT64_C(86400) * 1000000 + 1, 60);
    assert_int_equal(x.days, TEMPORAL_DAYS_1970 + 1);
    assert_int_equal(x.ticks, 3600 * TEMPORAL_TICKS_PER_SECOND + 10);
    assert_int_equal(x.offset, 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_civil_dates_map_to_each_other),
        cmocka_unit_test(the_forms_that_the_server_reads_are_read),
        cmocka_unit_test(each_type_rounds_to_its_own_digits),
        cmocka_unit_test(styles_print_as_convert_does),
        cmocka_unit_test(styles_that_a_type_lacks_are_refused),
        cmocka_unit_test(unix_time_becomes_a_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
