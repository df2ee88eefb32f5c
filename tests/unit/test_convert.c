#include "standin/types/convert.h"

#include "standin/types/collation.h"

#include "convert_cases.h"

static void values_become_text(void **state) {
    (void)state;
    const Type text = sized(TYPE_VARCHAR, 40);
    const Case cases[] = {
        {"-42", INT, text, "-42", -1},
        {"12345", INT, sized(TYPE_VARCHAR, 3), "*", -1},
        {"12345", INT, sized(TYPE_NVARCHAR, 3), "8115", -1},
        {"12345", BIGINT, sized(TYPE_VARCHAR, 3), "8115", -1},
        {"123.45", dec(5, 2), sized(TYPE_VARCHAR, 3), "8115", -1},
        {"1", INT, sized(TYPE_CHAR, 3), "1  ", -1},
        {"1234567.8951", MONEY, text, "1234567.90", -1},
        {"1234567.8951", MONEY, text, "1,234,567.90", 1},
        {"-123.4", MONEY, text, "-123.40", 1},
        {"1234567.8951", MONEY, text, "1234567.8951", 2},
        {"1", MONEY, sized(TYPE_VARCHAR, 2), "234", -1},
        {"1234567", FLOAT, text, "1.23457e+006", -1},
        {"0.1", FLOAT, text, "0.1", -1},
        {"123456.7", FLOAT, text, "123457", 0},
        {"1e-5", FLOAT, text, "1e-005", -1},
        {"1e300", FLOAT, text, "1e+300", -1},
        {"3.14", FLOAT, text, "3.1400000e+000", 1},
        {"3.14", FLOAT, text, "3.140000000000000e+000", 2},
        {"0.1", FLOAT, text, "1.0000000000000001e-001", 3},
        {"6f9619ff-8b86-d011-b42d-00c04fc964ff", GUID, text, "6F9619FF-8B86-D011-B42D-00C04FC964FF", -1},
        {"6f9619ff-8b86-d011-b42d-00c04fc964ff", GUID, sized(TYPE_VARCHAR, 35), "8170", -1},
        {"2026-11-03 16:05:06.123", DATETIME, text, "Nov  3 2026  4:05PM", -1},
        {"2026-11-03 16:05:06.123", DATETIME, sized(TYPE_VARCHAR, 10), "2026-11-03", 121},
        {"2026-11-03", DATE, text, "281", 108},
        {"0x4142", sized(TYPE_VARBINARY, 10), text, "AB", -1},
        {"0x41420042", sized(TYPE_VARBINARY, 10), text, "0x41420042", 1},
        {"0x41420042", sized(TYPE_VARBINARY, 10), text, "41420042", 2},
        {"0x410042", sized(TYPE_VARBINARY, 10), sized(TYPE_NVARCHAR, 10), "A", -1},
        {"abcdef", text, sized(TYPE_VARCHAR, 3), "abc", -1},
        {"ab", text, sized(TYPE_NCHAR, 4), "ab  ", -1},
        {"<?xml version=\"1.0\"?><a/>", text, XML, "<a/>", -1},
    };
    CHECK(cases);
}

static void dates_are_read_and_passed_on(void **state) {
    (void)state;
    const Type text = sized(TYPE_NVARCHAR, 60), datetime2 = scaled(TYPE_DATETIME2, 7);
    const Case cases[] = {
        {"2026-11-03 16:05:06.123", text, DATETIME, "2026-11-03 16:05:06.123", -1},
        {"2026-11-03 16:05:06.1234", text, DATETIME, "241", -1},
        {"2026-02-30", text, DATETIME, "242", -1},
        {"2026-02-30", text, DATE, "241", -1},
        {"1700-01-01", text, DATETIME, "242", -1},
        {"soon", text, DATE, "241", -1},
        {"2026-11-03 16:05:06.123", DATETIME, datetime2, "2026-11-03 16:05:06.1233333", -1},
        {"2026-11-03 16:05:06.1234567", datetime2, DATETIME, "2026-11-03 16:05:06.123", -1},
        {"1700-01-01", datetime2, DATETIME, "242", -1},
        {"2026-11-03 16:05:06.1234567", datetime2, scaled(TYPE_TIME, 3), "16:05:06.123", -1},
        {"2026-11-03 16:05:06.1234567", datetime2, DATE, "2026-11-03", -1},
        {"16:05", scaled(TYPE_TIME, 0), datetime2, "1900-01-01 16:05:00.0000000", -1},
        {"2026-11-03 16:05 +02:00", scaled(TYPE_DATETIMEOFFSET, 7), datetime2, "2026-11-03 16:05:00.0000000",
         -1},
        {"2026-11-03 16:05", datetime2, scaled(TYPE_DATETIMEOFFSET, 0), "2026-11-03 16:05:00 +00:00", -1},
        {"not a guid", text, GUID, "8169", -1},
    };
    CHECK(cases);
}

static void messages_are_the_servers(void **state) {
    (void)state;
    ConvertError e;
    Value v;
    Convert c = {.from = sized(TYPE_VARCHAR, 5), .to = INT, .style = -1};
    assert_false(convert_value(&c, VALUE_OF_TEXT(STR_LIT("abc")), &arena, &v, &e));
    assert_string_equal(e.text,
                        "Conversion failed when converting the varchar value 'abc' to data type int.");
    c.to = dec(5, 2);
    assert_false(convert_value(&c, VALUE_OF_TEXT(STR_LIT("abc")), &arena, &v, &e));
    assert_string_equal(e.text, "Error converting data type varchar to numeric.");
    c = (Convert){.from = BIGINT, .to = INT, .style = -1};
    assert_false(convert_value(&c, VALUE_OF_INT(INT64_C(1) << 40), &arena, &v, &e));
    assert_string_equal(e.text, "Arithmetic overflow error converting expression to data type int.");
    assert_int_equal(e.class_, 16);
}

static void an_assignment_refuses_to_cut_but_for_blanks(void **state) {
    (void)state;
    ConvertError e = {0};
    Value v;
    Convert c = {
        .from = sized(TYPE_VARCHAR, 9), .to = sized(TYPE_VARCHAR, 3), .style = -1, .is_assignment = true};
    assert_false(convert_value(&c, VALUE_OF_TEXT(STR_LIT("abcd")), &arena, &v, &e));
    assert_int_equal(e.number, 2628);
    assert_true(convert_value(&c, VALUE_OF_TEXT(STR_LIT("abc  ")), &arena, &v, &e));
    assert_true(str_eq_c(v.v.s, "abc"));
    c = (Convert){.from = sized(TYPE_VARBINARY, 9), .to = sized(TYPE_VARBINARY, 2), .is_assignment = true};
    assert_false(convert_value(&c, VALUE_OF_BLOB(STR_LIT("abcd")), &arena, &v, &e));
    assert_int_equal(e.number, 2628);
}

static void text_lengths_count_in_the_targets_unit(void **state) {
    (void)state;
    ConvertError e = {0};
    Value v;
    Str emoji = STR_LIT("a\xf0\x9f\x98\x80"
                        "b\xd0\x96");
    Convert c = {.from = sized(TYPE_NVARCHAR, 40), .to = sized(TYPE_NVARCHAR, 3), .style = -1};
    assert_true(convert_value(&c, VALUE_OF_TEXT(emoji), &arena, &v, &e));
    assert_true(str_eq_c(v.v.s, "a\xf0\x9f\x98\x80"));
    c.to = sized(TYPE_VARCHAR, 10);
    assert_true(convert_value(&c, VALUE_OF_TEXT(emoji), &arena, &v, &e));
    assert_true(str_eq_c(v.v.s, "a??b?"));
    c.to.collation = collation_by_name(STR_LIT("Latin1_General_100_CI_AS_SC_UTF8")); /* bytes */
    c.to.length = 4;
    assert_true(convert_value(&c, VALUE_OF_TEXT(emoji), &arena, &v, &e));
    assert_true(str_eq_c(v.v.s, "a"));
}

static void null_stays_null(void **state) {
    (void)state;
    ConvertError e = {0};
    Value v = VALUE_OF_INT(1);
    Convert c = {.from = {.id = TYPE_NULL}, .to = INT, .style = -1};
    assert_true(convert_value(&c, (Value){0}, &arena, &v, &e));
    assert_int_equal(v.kind, VALUE_NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_text),
        cmocka_unit_test(dates_are_read_and_passed_on),
        cmocka_unit_test(messages_are_the_servers),
        cmocka_unit_test(an_assignment_refuses_to_cut_but_for_blanks),
        cmocka_unit_test(text_lengths_count_in_the_targets_unit),
        cmocka_unit_test(null_stays_null),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
