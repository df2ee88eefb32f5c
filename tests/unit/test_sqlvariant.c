#include "sqlserver/sqlvariant.h"

#include <string.h>

#include "test.h"

static void expect(const char *text, const char *json) {
    Buf out = {0};
    Err e = {0};
    if (!sqlvariant_json(str_from(text), &out, &e)) fail_msg("%s: %s", text, e.msg);
    assert_string_equal(buf_text(&out), json);
    buf_done(&out);
}

static void numbers_keep_type_and_digits(void **state) {
    (void)state;
    expect("int|10|0|4||-7", "{\"type\": \"int\", \"value\": -7}");
    expect("bit|1|0|1||1", "{\"type\": \"bit\", \"value\": true}");
    expect("bigint|19|0|8||-9223372036854775808", "{\"type\": \"bigint\", \"value\": -9223372036854775808}");
    expect("decimal|38|2|17||123456789012345678901234567890123456.70",
           "{\"type\": \"decimal\", \"scale\": 2, \"value\": 123456789012345678901234567890123456.70, "
           "\"precision\": 38}");
    expect("money|19|4|8||-922337203685477.5808", "{\"type\": \"money\", \"value\": -922337203685477.5808}");
}

static void floats_are_strings_of_the_fewest_digits(void **state) {
    (void)state;
    expect("float|53|0|8||1.0000000000000001e-001", "{\"type\": \"float\", \"value\": \"0.1\"}");
    expect("float|53|0|8||1.7976931348623157e+308",
           "{\"type\": \"float\", \"value\": \"1.7976931348623157e+308\"}");
    expect("float|53|0|8||-0.0000000000000000e+000", "{\"type\": \"float\", \"value\": \"-0\"}");
    expect("real|24|0|4||1.00000001e-001", "{\"type\": \"real\", \"value\": \"0.1\"}");
}

static void times_have_their_own_digits(void **state) {
    (void)state;
    expect("date|10|0|3||0001-01-01", "{\"type\": \"date\", \"value\": \"0001-01-01\"}");
    expect("time|8|0|3||23:59:59.0000000", "{\"type\": \"time\", \"scale\": 0, \"value\": \"23:59:59\"}");
    expect("datetime2|23|3|7||2026-01-02 03:04:05.1230000",
           "{\"type\": \"datetime2\", \"scale\": 3, \"value\": \"2026-01-02T03:04:05.123\"}");
    expect("datetimeoffset|34|7|10||9999-12-31 23:59:59.9999999 -14:00",
           "{\"type\": \"datetimeoffset\", \"scale\": 7, \"value\": \"9999-12-31T23:59:59.9999999-14:00\"}");
    expect("datetimeoffset|26|0|8||2026-01-02 03:04:05.0000000 +05:30",
           "{\"type\": \"datetimeoffset\", \"scale\": 0, \"value\": \"2026-01-02T03:04:05+05:30\"}");
    expect("datetime|23|3|8||1753-01-01 00:00:00.003",
           "{\"type\": \"datetime\", \"value\": \"1753-01-01T00:00:00.003\"}");
    expect("smalldatetime|16|0|4||2079-06-06 23:59:00",
           "{\"type\": \"smalldatetime\", \"value\": \"2079-06-06T23:59:00\"}");
}

static void texts_are_escaped_as_postgresql_prints_them(void **state) {
    (void)state;
    expect("nvarchar|0|0|20|Latin1_General_CI_AS|a|b\"\\\n\x01\xc3\xa9/",
           "{\"type\": \"nvarchar\", \"value\": \"a|b\\\"\\\\\\n\\u0001\xc3\xa9/\", \"collation\": "
           "\"Latin1_General_CI_AS\", \"max_length\": 20}");
    expect("char|0|0|3|X|a  ",
           "{\"type\": \"char\", \"value\": \"a  \", \"collation\": \"X\", \"max_length\": 3}");
    expect("varbinary|0|0|8000||00FF",
           "{\"type\": \"varbinary\", \"value\": \"0x00FF\", \"max_length\": 8000}");
    expect("uniqueidentifier|36|0|16||6F9619FF-8B86-D011-B42D-00C04FC964FF",
           "{\"type\": \"uniqueidentifier\", \"value\": \"6F9619FF-8B86-D011-B42D-00C04FC964FF\"}");
}

static void what_the_expression_does_not_give_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "int",
                                      "int|10|0|4|1",
                                      "hierarchyid|0|0|0||x",
                                      "int|10|0|4||1e5",
                                      "decimal|5||5||1",
                                      "float|53|0|8||x",
                                      "bit|1|0|1||2",
                                      "varchar|0|0|||a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Buf out = {0};
        Err e = {0};
        if (sqlvariant_json(str_from(bad[i]), &out, &e)) fail_msg("%s", bad[i]);
        assert_int_equal(e.code, ERR_DATA);
        buf_done(&out);
    }
}

static void the_expression_names_the_column_and_converts_every_type_without_loss(void **state) {
    (void)state;
    Buf sql = {0};
    sqlvariant_select(STR_LIT("[a]]b]"), &sql);
    const char *text = buf_text(&sql);
    assert_memory_equal(text, "CASE WHEN [a]]b] IS NOT NULL THEN CONCAT(", 41);
    assert_non_null(strstr(text, "SQL_VARIANT_PROPERTY([a]]b], 'BaseType')"));
    assert_non_null(strstr(text, "WHEN N'float' THEN CONVERT(nvarchar(max), CONVERT(float, [a]]b]), 3)"));
    assert_non_null(
        strstr(text, "WHEN N'binary' THEN CONVERT(nvarchar(max), CONVERT(varbinary(8000), [a]]b]), 2)"));
    assert_non_null(strstr(text, "ELSE CONVERT(nvarchar(max), [a]]b]) END) END"));
    buf_done(&sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_type_and_digits),
        cmocka_unit_test(floats_are_strings_of_the_fewest_digits),
        cmocka_unit_test(times_have_their_own_digits),
        cmocka_unit_test(texts_are_escaped_as_postgresql_prints_them),
        cmocka_unit_test(what_the_expression_does_not_give_is_refused),
        cmocka_unit_test(the_expression_names_the_column_and_converts_every_type_without_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
