#include "base/mem.h"
#include "standin/types/convert.h"
#include "test.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define INT      ((Type){.id = TYPE_INT})
#define BIGINT   ((Type){.id = TYPE_BIGINT})
#define SMALLINT ((Type){.id = TYPE_SMALLINT})
#define TINYINT  ((Type){.id = TYPE_TINYINT})
#define BIT      ((Type){.id = TYPE_BIT})
#define FLOAT    ((Type){.id = TYPE_FLOAT})
#define REAL     ((Type){.id = TYPE_REAL})
#define MONEY    ((Type){.id = TYPE_MONEY})
#define GUID     ((Type){.id = TYPE_UNIQUEIDENTIFIER})
#define DATETIME ((Type){.id = TYPE_DATETIME})
#define DATE     ((Type){.id = TYPE_DATE})
#define XML      ((Type){.id = TYPE_XML})

static Type dec(uint8_t p, uint8_t s) {
    return (Type){.id = TYPE_DECIMAL, .precision = p, .scale = s};
}
static Type sized(TypeId id, int32_t length) {
    return (Type){.id = id, .length = length};
}
static Type scaled(TypeId id, uint8_t scale) {
    return (Type){.id = id, .scale = scale};
}

static Arena arena;
static char shown[2048];

/* text as varchar(8000) → `from` → `to` (by style), shown as text by style 121 and binary as 0x…; an error
 * shows as its number. */
static const char *through(const char *text, Type from, Type to, int style) {
    ConvertError e = {0};
    Value v;
    Convert in = {.from = sized(TYPE_VARCHAR, 8000), .to = from, .style = type_is_binary(from.id) ? 1 : -1};
    if (!convert_value(&in, VALUE_OF_TEXT(str_from(text)), &arena, &v, &e)) {
        (void)snprintf(shown, sizeof shown, "in %d", e.number);
        return shown;
    }
    Convert c = {.from = from, .to = to, .style = style};
    if (!convert_value(&c, v, &arena, &v, &e)) {
        (void)snprintf(shown, sizeof shown, "%d", e.number);
        return shown;
    }
    CLEANUP(buf_done) Buf out = {0};
    int show = type_is_binary(to.id) ? 1 : type_is_temporal(to.id) ? 121 : to.id == TYPE_MONEY ? 2 : -1;
    assert_true(convert_to_text(&to, v, show, &out, &e));
    (void)snprintf(shown, sizeof shown, "%s", buf_text(&out));
    return shown;
}

typedef struct Case {
    const char *text;
    Type from, to;
    const char *want;
    int style;
} Case;

static void check(const Case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *got = through(cases[i].text, cases[i].from, cases[i].to, cases[i].style);
        if (strcmp(got, cases[i].want) != 0) {
            fail_msg("case %zu: %s from %s to %s: %s, not %s", i, cases[i].text, type_name(cases[i].from.id),
                     type_name(cases[i].to.id), got, cases[i].want);
        }
    }
}
#define CHECK(cases) check((cases), sizeof(cases) / sizeof *(cases))

static void numbers_are_read_from_text(void **state) {
    (void)state;
    const Type text = sized(TYPE_NVARCHAR, 60);
    const Case cases[] = {
        {" 42 ", text, INT, "42", -1},
        {"", text, INT, "0", -1},
        {"-2147483648", text, INT, "-2147483648", -1},
        {"2147483648", text, INT, "248", -1},
        {"1.5", text, INT, "245", -1},
        {"abc", text, INT, "245", -1},
        {"256", text, TINYINT, "244", -1},
        {"9223372036854775808", text, BIGINT, "8115", -1},
        {"x", text, BIGINT, "8114", -1},
        {"true", text, BIT, "1", -1},
        {"FALSE", text, BIT, "0", -1},
        {"17", text, BIT, "1", -1},
        {"yes", text, BIT, "245", -1},
        {"12.345", text, dec(10, 2), "12.35", -1},
        {"", text, dec(10, 2), "8114", -1},
        {"123456789.1", text, dec(10, 2), "8115", -1},
        {"1e3", text, FLOAT, "1000", -1},
        {"1e999", text, FLOAT, "8115", -1},
        {"nan", text, FLOAT, "8114", -1},
        {"0x10", text, FLOAT, "8114", -1},
        {"$1,234.56789", text, MONEY, "1234.5679", -1},
        {"-922337203685477.5808", text, MONEY, "-922337203685477.5808", -1},
        {"922337203685477.5808", text, MONEY, "8115", -1},
        {"abc", text, MONEY, "235", -1},
    };
    CHECK(cases);
}

static void numbers_become_other_numbers(void **state) {
    (void)state;
    const Case cases[] = {
        {"300", INT, TINYINT, "220", -1},
        {"70000", INT, SMALLINT, "220", -1},
        {"3000000000", BIGINT, INT, "8115", -1},
        {"7", INT, BIT, "1", -1},
        {"1.99", dec(5, 2), INT, "1", -1},
        {"-1.99", dec(5, 2), INT, "-1", -1},
        {"1.50", MONEY, INT, "2", -1},
        {"-1.50", MONEY, INT, "-2", -1},
        {"1.99e0", FLOAT, INT, "1", -1},
        {"3e9", FLOAT, INT, "232", -1},
        {"3e19", FLOAT, BIGINT, "8115", -1},
        {"123456", INT, dec(5, 0), "8115", -1},
        {"99999999999999999999999999999999999999", dec(38, 0), dec(38, 1), "8115", -1},
        {"12345678901234567890.5", dec(38, 1), dec(38, 0), "12345678901234567891", -1},
        {"0.1", FLOAT, dec(38, 20), "0.10000000000000001000", -1},
        {"1e38", FLOAT, dec(38, 0), "8115", -1},
        {"1e300", FLOAT, REAL, "8115", -1},
        {"16777217", INT, REAL, "1.67772e+007", -1},
        {"1.5", dec(3, 1), MONEY, "1.5000", -1},
        {"1900-01-02 12:00", DATETIME, FLOAT, "1.5", -1},
        {"1900-01-02 12:00", DATETIME, INT, "2", -1},
        {"1.25", FLOAT, DATETIME, "1900-01-02 06:00:00.000", -1},
        {"-1", INT, DATETIME, "1899-12-31 00:00:00.000", -1},
        {"99999999", INT, DATETIME, "8115", -1},
    };
    CHECK(cases);
}

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

static void values_become_binary(void **state) {
    (void)state;
    const Type bytes = sized(TYPE_VARBINARY, 30);
    const Case cases[] = {
        {"258", INT, bytes, "0x00000102", -1},
        {"258", INT, sized(TYPE_BINARY, 2), "0x0102", -1},
        {"258", INT, sized(TYPE_BINARY, 6), "0x000000000102", -1},
        {"-1", BIGINT, bytes, "0xFFFFFFFFFFFFFFFF", -1},
        {"1", BIT, bytes, "0x01", -1},
        {"1.50", dec(5, 2), bytes, "0x0502000196000000", -1},
        {"1", MONEY, bytes, "0x0000000000002710", -1},
        {"1", FLOAT, bytes, "0x3FF0000000000000", -1},
        {"1", REAL, bytes, "0x3F800000", -1},
        {"1900-01-02 00:00:01", DATETIME, bytes, "0x000000010000012C", -1},
        {"0001-01-02", DATE, bytes, "0x010000", -1},
        {"00:00:01", scaled(TYPE_TIME, 0), bytes, "0x00010000", -1},
        {"6F9619FF-8B86-D011-B42D-00C04FC964FF", GUID, bytes, "0xFF19966F868B11D0B42D00C04FC964FF", -1},
        {"AB", sized(TYPE_VARCHAR, 5), bytes, "0x4142", -1},
        {"AB", sized(TYPE_NVARCHAR, 5), bytes, "0x41004200", -1},
        {"0x0AfF", sized(TYPE_VARCHAR, 9), bytes, "0x0AFF", 1},
        {"0AfF", sized(TYPE_VARCHAR, 9), bytes, "0x0AFF", 2},
        {"0AfF", sized(TYPE_VARCHAR, 9), bytes, "8114", 1},
        {"0af", sized(TYPE_VARCHAR, 9), bytes, "8114", 2},
        {"AB", sized(TYPE_VARCHAR, 5), sized(TYPE_BINARY, 4), "0x41420000", -1},
        {"0x01020304", bytes, sized(TYPE_VARBINARY, 2), "0x0102", -1},
        {"0x0102", bytes, INT, "258", -1},
        {"0xFFFFFFFF", bytes, INT, "-1", -1},
        {"0x0502000196000000", bytes, dec(5, 2), "1.50", -1},
        {"0xFF19966F868B11D0B42D00C04FC964FF", bytes, GUID, "6F9619FF-8B86-D011-B42D-00C04FC964FF", -1},
        {"0x000000010000012C", bytes, DATETIME, "1900-01-02 00:00:01.000", -1},
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

static void pairs_that_the_matrix_forbids_are_refused(void **state) {
    (void)state;
    assert_int_equal(convert_rule(TYPE_INT, TYPE_DATE), CONVERT_NEVER);
    assert_int_equal(convert_rule(TYPE_VARCHAR, TYPE_VARBINARY), CONVERT_EXPLICIT_ONLY);
    assert_int_equal(convert_rule(TYPE_DATETIME, TYPE_INT), CONVERT_EXPLICIT_ONLY);
    assert_int_equal(convert_rule(TYPE_INT, TYPE_DATETIME), CONVERT_IMPLICIT);
    assert_int_equal(convert_rule(TYPE_NULL, TYPE_XML), CONVERT_IMPLICIT);
    assert_int_equal(convert_rule(TYPE_BINARY, TYPE_FLOAT), CONVERT_NEVER);
    assert_int_equal(convert_rule(TYPE_NVARCHAR, TYPE_IMAGE), CONVERT_NEVER);
    ConvertError e;
    Type date = DATE, number = INT, text = sized(TYPE_VARCHAR, 5), bytes = sized(TYPE_VARBINARY, 5);
    convert_refuse(&number, &date, true, &e);
    assert_int_equal(e.number, 529);
    assert_string_equal(e.text, "Explicit conversion from data type int to date is not allowed.");
    convert_refuse(&number, &date, false, &e);
    assert_string_equal(e.text, "Operand type clash: int is incompatible with date");
    convert_refuse(&text, &bytes, false, &e);
    assert_int_equal(e.number, 257);
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
    c.to.collation = 10; /* UTF-8: bytes */
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

static void the_common_type_joins_lengths_and_scales(void **state) {
    (void)state;
    Type a = sized(TYPE_VARCHAR, 10), b = sized(TYPE_NVARCHAR, 5), t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_NVARCHAR);
    assert_int_equal(t.length, 10);
    a = INT;
    b = dec(5, 2);
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_DECIMAL);
    assert_int_equal(t.precision, 12);
    assert_int_equal(t.scale, 2);
    a = DATETIME;
    b = scaled(TYPE_DATETIME2, 0);
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_DATETIME2);
    assert_int_equal(t.scale, 3);
    a = sized(TYPE_VARCHAR, TYPE_MAX_LENGTH);
    b = sized(TYPE_NCHAR, 5);
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_NVARCHAR);
    assert_int_equal(t.length, TYPE_MAX_LENGTH);
    a = (Type){.id = TYPE_NULL};
    t = convert_common_type(&a, &b);
    assert_int_equal(t.id, TYPE_NCHAR);
}

static void values_of_one_type_have_an_order(void **state) {
    (void)state;
    Type text = sized(TYPE_VARCHAR, 5), bytes = sized(TYPE_VARBINARY, 5), number = INT;
    assert_int_equal(convert_compare(&text, VALUE_OF_TEXT(STR_LIT("a ")), VALUE_OF_TEXT(STR_LIT("A"))), 0);
    assert_true(convert_compare(&number, VALUE_OF_INT(-1), VALUE_OF_INT(1)) < 0);
    assert_int_equal(convert_compare(&bytes, VALUE_OF_BLOB(STR_LIT("a")), VALUE_OF_BLOB(STR_LIT("a\0"))), 0);
    assert_true(convert_compare(&bytes, VALUE_OF_BLOB(STR_LIT("b")), VALUE_OF_BLOB(STR_LIT("a\xff"))) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_from_text),
        cmocka_unit_test(numbers_become_other_numbers),
        cmocka_unit_test(values_become_text),
        cmocka_unit_test(values_become_binary),
        cmocka_unit_test(dates_are_read_and_passed_on),
        cmocka_unit_test(pairs_that_the_matrix_forbids_are_refused),
        cmocka_unit_test(messages_are_the_servers),
        cmocka_unit_test(an_assignment_refuses_to_cut_but_for_blanks),
        cmocka_unit_test(text_lengths_count_in_the_targets_unit),
        cmocka_unit_test(null_stays_null),
        cmocka_unit_test(the_common_type_joins_lengths_and_scales),
        cmocka_unit_test(values_of_one_type_have_an_order),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    arena_done(&arena);
    return failed;
}
