/* Defaults from constraints' definitions. */
#include "test.h"

#include "convert/default_text.h"

static bool read(SqlType type, uint8_t precision, uint8_t scale, const char *text, Arena *a, Value *ret) {
    Column c = {.type = type, .precision = precision, .scale = scale, .default_text = str_from(text)};
    return default_text_value(&c, a, ret);
}

static void expect_int(SqlType type, uint8_t scale, const char *text, int64_t want) {
    Arena a = {0};
    Value v;
    assert_true(read(type, 9, scale, text, &a, &v));
    assert_true(v.v.i == want);
    arena_done(&a);
}

static void expect_text(const char *text, const char *want) {
    Arena a = {0};
    Value v;
    assert_true(read(SQLTYPE_NVARCHAR, 0, 0, text, &a, &v));
    assert_true(str_eq_c(value_str(&v), want));
    arena_done(&a);
}

static void expect_none(SqlType type, const char *text) {
    Arena a = {0};
    Value v;
    assert_false(read(type, 9, 2, text, &a, &v));
    arena_done(&a);
}

static void numbers_stand_in_parentheses(void **state) {
    (void)state;
    expect_int(SQLTYPE_INT, 0, "((-7))", -7);
    expect_int(SQLTYPE_BIGINT, 0, "((3147483648.))", INT64_C(3147483648));
    expect_int(SQLTYPE_BIT, 0, "((1))", 1);
    expect_int(SQLTYPE_BIT, 0, "((0))", 0);
    expect_int(SQLTYPE_DECIMAL, 2, "((1.5))", 150);
    expect_int(SQLTYPE_MONEY, 4, "((3))", 30000);
    expect_none(SQLTYPE_INT, "(NULL)");
    expect_none(SQLTYPE_INT, "((1)+(2))");
    expect_none(SQLTYPE_INT, "");
    expect_none(SQLTYPE_INT, "((5.))"); /* the point is taken off of a bigint only */
    expect_none(SQLTYPE_SMALLINT, "((5.))");
    expect_int(SQLTYPE_DECIMAL, 2, "((5.))", 500);
}

/* Debezium goes by the type's name, which an alias type hasn't. */
static void columns_of_alias_types_have_none(void **state) {
    (void)state;
    Arena a = {0};
    Value v;
    Str number;
    Column c = {.type = SQLTYPE_NVARCHAR, .length = 128, .default_text = STR_LIT("('abc')")};
    c.type_name = STR_LIT("nvarchar");
    assert_true(default_text_value(&c, &a, &v));
    c.type_name = STR_LIT("sysname");
    assert_false(default_text_value(&c, &a, &v));
    c = (Column){.type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2, .default_text = STR_LIT("((1.5))")};
    c.type_name = STR_LIT("numeric");
    assert_true(default_text_value(&c, &a, &v) && default_text_number(&c, &number));
    c.type_name = STR_LIT("Price");
    assert_false(default_text_value(&c, &a, &v));
    assert_false(default_text_number(&c, &number));
    arena_done(&a);
}

static void texts_stand_in_quotes(void **state) {
    (void)state;
    expect_text("('abc')", "abc");
    expect_text("(N'ä b')", "ä b");
    expect_text("('')", "");
    expect_text("('O''Brien')", "O''Brien"); /* Debezium leaves them doubled */
    expect_text("('a(b)c')", "b");           /* and cuts at parentheses */
    expect_none(SQLTYPE_NVARCHAR, "(NULL)");
    expect_none(SQLTYPE_UNIQUEIDENTIFIER, "(newid())");
}

static void dates_are_read_when_they_are_plain(void **state) {
    (void)state;
    expect_int(SQLTYPE_DATE, 0, "('2019-02-03')", 17930);
    expect_int(SQLTYPE_DATETIME2, 3, "('1970-01-01 00:00:00.1236')", INT64_C(621355968000000000) + 1240000);
    expect_int(SQLTYPE_DATETIME, 3, "('1970-01-01 00:00:00.002')", INT64_C(621355968000000000) + 30000);
    expect_int(SQLTYPE_SMALLDATETIME, 0, "('1970-01-01 00:01')", INT64_C(621355968000000000) + 600000000);
    expect_none(SQLTYPE_DATETIME2, "(getdate())");
    expect_none(SQLTYPE_DATE, "('next week')");
}

static void bytes_stand_as_hex(void **state) {
    (void)state;
    Arena a = {0};
    Value v;
    assert_true(read(SQLTYPE_VARBINARY, 0, 0, "(0x01fF)", &a, &v));
    assert_int_equal(v.n, 2);
    assert_memory_equal(v.v.p, "\x01\xff", 2);
    assert_false(read(SQLTYPE_VARBINARY, 0, 0, "(0x01f)", &a, &v));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_stand_in_parentheses), cmocka_unit_test(columns_of_alias_types_have_none),
        cmocka_unit_test(texts_stand_in_quotes),        cmocka_unit_test(dates_are_read_when_they_are_plain),
        cmocka_unit_test(bytes_stand_as_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
