#include "convert/wire_column.h"

#include <string.h>

#include "test.h"

#include "record/civil.h"

static const ConnectSchema *schema(ConnectType type, const char *name, const ConnectParam *params,
                                   size_t count) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    const ConnectSchema spec = {
        .type = type, .is_optional = true, .name = str_from(name), .params = params, .param_count = count};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static WireColumn column(ConnectType type, const char *name, const char *source_type, const char *length,
                         const char *scale) {
    const ConnectParam params[] = {{STR_LIT("__debezium.source.column.type"), str_from(source_type)},
                                   {STR_LIT("__debezium.source.column.length"), str_from(length)},
                                   {STR_LIT("__debezium.source.column.scale"), str_from(scale)}};
    const ConnectSchema *s = schema(type, name, params, source_type ? 3 : 0);
    WireColumn w;
    Err e = {0};
    if (!wire_column_of(STR_LIT("c"), s, &w, &e)) fail_msg("%s", e.msg);
    connect_schema_unref(s);
    return w;
}

static void assert_type(const WireColumn *w, const char *expected) {
    Buf text = {0};
    column_type_format(&w->column, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_done(&text);
}

static WireColumn decimal(const char *scale, const char *precision) {
    const ConnectParam params[] = {{STR_LIT("scale"), str_from(scale)},
                                   {STR_LIT("connect.decimal.precision"), str_from(precision)}};
    const ConnectSchema *s = schema(CONNECT_BYTES, CONNECT_DECIMAL, params, precision ? 2 : 1);
    WireColumn w;
    Err e = {0};
    if (!wire_column_of(STR_LIT("c"), s, &w, &e)) fail_msg("%s", e.msg);
    connect_schema_unref(s);
    return w;
}

static bool convert(const WireColumn *w, Value v, Value *ret, Err *e) {
    static Arena a;
    arena_clear(&a);
    *e = (Err){0};
    return wire_column_convert(w, &v, &a, ret, e);
}

static int64_t number_of(const WireColumn *w, Value v) {
    Value ret;
    Err e;
    if (!convert(w, v, &ret, &e)) fail_msg("%s", e.msg);
    return ret.v.i;
}

static void assert_refused(const WireColumn *w, Value v, const char *part) {
    Value ret;
    Err e;
    assert_false(convert(w, v, &ret, &e));
    assert_int_equal(e.code, ERR_DATA);
    if (!strstr(e.msg, part)) fail_msg("%s", e.msg);
}

static Value text(const char *s) {
    return value_bytes(s, (uint32_t)strlen(s));
}

static void every_connect_type_has_the_column_that_it_comes_from(void **state) {
    (void)state;
    static const struct {
        ConnectType type;
        const char *name, *expected;
    } cases[] = {
        {CONNECT_INT8, "", "smallint"},
        {CONNECT_INT16, "", "smallint"},
        {CONNECT_INT32, "", "int"},
        {CONNECT_INT64, "", "bigint"},
        {CONNECT_FLOAT32, "", "real"},
        {CONNECT_FLOAT64, "", "float"},
        {CONNECT_BOOLEAN, "", "bit"},
        {CONNECT_STRING, "", "nvarchar(max)"},
        {CONNECT_BYTES, "", "varbinary(max)"},
        {CONNECT_INT32, CONNECT_DATE, "date"},
        {CONNECT_INT32, CONNECT_TIME, "time(3)"},
        {CONNECT_INT64, CONNECT_TIMESTAMP, "datetime2(3)"},
        {CONNECT_INT32, "io.debezium.time.Date", "date"},
        {CONNECT_INT32, "io.debezium.time.Time", "time(3)"},
        {CONNECT_INT64, "io.debezium.time.MicroTime", "time(6)"},
        {CONNECT_INT64, "io.debezium.time.NanoTime", "time(7)"},
        {CONNECT_INT64, "io.debezium.time.Timestamp", "datetime2(3)"},
        {CONNECT_INT64, "io.debezium.time.MicroTimestamp", "datetime2(6)"},
        {CONNECT_INT64, "io.debezium.time.NanoTimestamp", "datetime2(7)"},
        {CONNECT_STRING, "io.debezium.time.ZonedTimestamp", "datetimeoffset(7)"},
        {CONNECT_STRING, "io.debezium.data.Uuid", "uniqueidentifier"},
        {CONNECT_STRING, "io.debezium.data.Enum", "nvarchar(max)"},
        {CONNECT_STRING, CONNECT_DATE, "nvarchar(max)"}, /* the name doesn't go with the type */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        WireColumn w = column(cases[i].type, cases[i].name, NULL, NULL, NULL);
        assert_type(&w, cases[i].expected);
        assert_true(w.column.is_nullable);
    }
}

static void a_propagated_source_type_narrows_the_column(void **state) {
    (void)state;
    static const struct {
        ConnectType type;
        const char *name, *source, *length, *scale, *expected;
    } cases[] = {
        {CONNECT_STRING, "", "NVARCHAR", "40", NULL, "nvarchar(40)"},
        {CONNECT_STRING, "", "VARCHAR", "2147483647", NULL, "varchar(max)"},
        {CONNECT_STRING, "", "UNIQUEIDENTIFIER", "36", NULL, "uniqueidentifier"},
        {CONNECT_STRING, "", "XML", NULL, NULL, "xml"},
        {CONNECT_STRING, "", "DECIMAL", "12", "2", "decimal(12,2)"},
        {CONNECT_STRING, "", "MONEY", NULL, NULL, "decimal(19,4)"},
        {CONNECT_BYTES, "", "TIMESTAMP", "8", NULL, "rowversion"},
        {CONNECT_BYTES, "", "BINARY", "16", NULL, "binary(16)"},
        {CONNECT_INT64, "io.debezium.time.Timestamp", "DATETIME", "23", "3", "datetime"},
        {CONNECT_INT64, "io.debezium.time.Timestamp", "SMALLDATETIME", "16", "0", "smalldatetime"},
        {CONNECT_INT64, "io.debezium.time.MicroTimestamp", "DATETIME2", "25", "5", "datetime2(5)"},
        {CONNECT_INT32, "io.debezium.time.Time", "TIME", "11", "2", "time(2)"},
        {CONNECT_STRING, "io.debezium.time.ZonedTimestamp", "DATETIMEOFFSET", "30", "3", "datetimeoffset(3)"},
        {CONNECT_INT32, "", "INT IDENTITY", "10", "0", "int"},
        {CONNECT_INT64, "", "DATETIME2", "27", "7", "bigint"}, /* its form is no time's */
        {CONNECT_STRING, "", "TSVECTOR", "1", NULL, "nvarchar(max)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        WireColumn w = column(cases[i].type, cases[i].name, cases[i].source, cases[i].length, cases[i].scale);
        assert_type(&w, cases[i].expected);
    }
}

static void decimals_keep_their_digits_and_refuse_more(void **state) {
    (void)state;
    WireColumn w = decimal("2", "9");
    assert_type(&w, "decimal(9,2)");
    assert_int_equal(number_of(&w, value_bytes("\x04\xC7", 2)), 1223);
    assert_int_equal(number_of(&w, value_bytes("\xFF", 1)), -1);
    assert_int_equal(number_of(&w, value_bytes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01", 19)), 1);
    assert_refused(&w, value_bytes("\x7F\xFF\xFF\xFF\xFF", 5), "precision");
    assert_refused(&w, value_bytes("\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18), "range");
    assert_refused(&w, value_bytes("", 0), "no bytes");
    w = decimal("4", NULL);
    assert_type(&w, "decimal(38,4)");
    Value ret;
    Err e;
    assert_true(convert(&w, value_bytes("\x80\0\0\0\0\0\0\0", 8), &ret, &e));
    NumInt128 wide;
    assert_int_equal(ret.n, sizeof wide);
    memcpy(&wide, ret.v.p, sizeof wide);
    assert_true(wide == INT64_MIN);
    w = decimal("-2", "3");
    assert_type(&w, "decimal(5,0)");
    assert_int_equal(number_of(&w, value_bytes("\x07", 1)), 700);
    w = decimal("4", "64"); /* what AvroData writes when it knows none */
    assert_type(&w, "decimal(38,4)");
}

static void times_become_ticks_and_stay_within_the_calendar(void **state) {
    (void)state;
    WireColumn ms = column(CONNECT_INT64, "io.debezium.time.Timestamp", NULL, NULL, NULL);
    WireColumn us = column(CONNECT_INT64, "io.debezium.time.MicroTimestamp", NULL, NULL, NULL);
    WireColumn ns = column(CONNECT_INT64, "io.debezium.time.NanoTimestamp", NULL, NULL, NULL);
    int64_t epoch = civil_us_to_ticks(0);
    assert_int_equal(number_of(&ms, value_int(-1)), epoch - 10000);
    assert_int_equal(number_of(&us, value_int(1700000000123456)), civil_us_to_ticks(1700000000123456));
    assert_int_equal(number_of(&ns, value_int(1700000000123456700)), civil_us_to_ticks(1700000000123456) + 7);
    assert_int_equal(number_of(&ns, value_int(-1)), epoch - 1);
    assert_int_equal(number_of(&ms, value_int(253402300799999)),
                     INT64_C(3155378975999990000)); /* 9999-12-31 */
    assert_refused(&ms, value_int(253402300800000), "range");
    assert_refused(&us, value_int(INT64_MIN), "range");
    assert_refused(&ms, value_int(-62135596800001), "range"); /* the year 0 */
    WireColumn time = column(CONNECT_INT32, CONNECT_TIME, NULL, NULL, NULL);
    assert_int_equal(number_of(&time, value_int(86399999)), INT64_C(863999990000));
    assert_refused(&time, value_int(86400000), "time of day");
    assert_refused(&time, value_int(-1), "time of day");
    WireColumn date = column(CONNECT_INT32, "io.debezium.time.Date", NULL, NULL, NULL);
    assert_int_equal(number_of(&date, value_int(CIVIL_DAY_9999)), CIVIL_DAY_9999);
    assert_refused(&date, value_int(CIVIL_DAY_9999 + 1), "date");
}

static void texts_of_times_and_guids_are_read(void **state) {
    (void)state;
    WireColumn zoned = column(CONNECT_STRING, "io.debezium.time.ZonedTimestamp", NULL, NULL, NULL);
    Value ret;
    Err e;
    assert_true(convert(&zoned, text("1970-01-01T02:00:00.1234567+02:00"), &ret, &e));
    assert_int_equal(ret.v.i, civil_us_to_ticks(0) + 1234567);
    assert_int_equal(ret.aux, 120);
    assert_int_equal(number_of(&zoned, text("1970-01-01T00:00:00.123456789Z")),
                     civil_us_to_ticks(0) + 1234567);
    assert_refused(&zoned, text("1970-01-01T00:00:00"), "offset");
    assert_refused(&zoned, text("0001-01-01T00:00:00+14:00"), "range");
    assert_refused(&zoned, text("0000-12-30T00:00:00Z"), "range"); /* Debezium's 0001-01-01 */
    assert_refused(&zoned, text(""), "offset");
    WireColumn date = column(CONNECT_STRING, "io.debezium.time.IsoDate", NULL, NULL, NULL);
    assert_int_equal(number_of(&date, text("1970-01-02Z")), 1);
    WireColumn guid = column(CONNECT_STRING, "", "UNIQUEIDENTIFIER", "36", NULL);
    assert_true(convert(&guid, text("6F9619FF-8B86-D011-b42d-00C04FC964FF"), &ret, &e));
    assert_int_equal(ret.n, 16);
    assert_memory_equal(ret.v.p, "\x6F\x96\x19\xFF\x8B\x86\xD0\x11\xB4\x2D\x00\xC0\x4F\xC9\x64\xFF", 16);
    assert_refused(&guid, text("6F9619FF-8B86-D011-b42d-00C04FC964F"), "UUID");
    assert_refused(&guid, text("6F9619FF-8B86-D011-b42d-00C04FC964Fg"), "UUID");
    assert_refused(&guid, text("6F9619FF08B86-D011-b42d-00C04FC964FF"), "UUID");
}

static void what_no_column_holds_is_refused_by_name(void **state) {
    (void)state;
    const ConnectSchema *item = connect_schema_plain(CONNECT_INT32, true), *array = NULL;
    Err e = {0};
    assert_true(connect_schema_new(&(ConnectSchema){.type = CONNECT_ARRAY, .value = item}, &array, &e));
    WireColumn w;
    assert_false(wire_column_of(STR_LIT("tags"), array, &w, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "tags"));
    assert_non_null(strstr(e.msg, "array"));
    connect_schema_unref(array);
    connect_schema_unref(item);
}

static void null_stays_null(void **state) {
    (void)state;
    WireColumn w = decimal("2", "9");
    Value ret;
    Err e;
    assert_true(convert(&w, value_null(), &ret, &e));
    assert_true(value_is_null(&ret));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_connect_type_has_the_column_that_it_comes_from),
        cmocka_unit_test(a_propagated_source_type_narrows_the_column),
        cmocka_unit_test(decimals_keep_their_digits_and_refuse_more),
        cmocka_unit_test(times_become_ticks_and_stay_within_the_calendar),
        cmocka_unit_test(texts_of_times_and_guids_are_read),
        cmocka_unit_test(what_no_column_holds_is_refused_by_name),
        cmocka_unit_test(null_stays_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
