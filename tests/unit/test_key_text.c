#include "sqlserver/key_text.h"

#include <string.h>

#include "record/civil.h"
#include "record/numtext.h"
#include "test.h"

typedef struct Case {
    Column column;
    Value value;
    const char *text; /* as a parameter */
    const char *marker;
} Case;

static void values_go_as_texts_that_the_server_casts_to_the_columns_type(void **state) {
    (void)state;
    static const uint8_t guid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    int64_t noon =
        ((int64_t)(18262 - CIVIL_DAY_0001)) * CIVIL_TICKS_PER_DAY + CIVIL_TICKS_PER_DAY / 2 + 1230000;
    const Case cases[] = {
        {{.type = SQLTYPE_INT}, value_int(-5), "-5", "CAST(? AS int)"},
        {{.type = SQLTYPE_BIGINT}, value_int(INT64_MIN), "-9223372036854775808", "CAST(? AS bigint)"},
        {{.type = SQLTYPE_DECIMAL, .precision = 12, .scale = 2},
         value_int(-1234),
         "-12.34",
         "CAST(? AS decimal(12,2))"},
        {{.type = SQLTYPE_MONEY, .precision = 19, .scale = 4},
         value_int(12345),
         "1.2345",
         "CAST(? AS money)"},
        {{.type = SQLTYPE_DATE}, value_int(18262), "2020-01-01", "CAST(? AS date)"},
        {{.type = SQLTYPE_DATETIME}, value_int(noon), "2020-01-01T12:00:00.123", "CAST(? AS datetime)"},
        {{.type = SQLTYPE_DATETIME2, .scale = 7},
         value_int(noon + 1),
         "2020-01-01 12:00:00.1230001",
         "CAST(? AS datetime2(7))"},
        {{.type = SQLTYPE_UNIQUEIDENTIFIER},
         value_bytes((const char *)guid, 16),
         "00112233-4455-6677-8899-AABBCCDDEEFF",
         "CAST(? AS uniqueidentifier)"},
        {{.type = SQLTYPE_NVARCHAR, .length = 40},
         value_bytes("caf\xc3\xa9", 5),
         "caf\xc3\xa9",
         "CAST(? AS nvarchar(40))"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Arena arena = {0};
        Buf sql = {0};
        Err e = {0};
        OdbcParam p;
        if (!key_text_param(&cases[i].column, &cases[i].value, &arena, &p, &e)) fail_msg("%s", e.msg);
        assert_int_equal(p.kind, ODBC_PARAM_TEXT);
        if (!str_eq_c(p.value, cases[i].text))
            fail_msg("'" STR_FMT "', not '%s'", STR_ARG(p.value), cases[i].text);
        key_text_marker(&cases[i].column, &sql);
        assert_string_equal(buf_text(&sql), cases[i].marker);
        buf_done(&sql);
        arena_done(&arena);
    }
}

static void a_key_comes_back_from_its_text(void **state) {
    (void)state;
    OdbcParam params[] = {odbc_text(STR_LIT("a&b=c%\0 \xc3\xa9")),
                          odbc_bytes("\x00\xff\x10", 3),
                          odbc_text(STR_LIT("")),
                          {.kind = ODBC_PARAM_DOUBLE, .number = 0.1}};
    Buf text = {0};
    Arena arena = {0};
    Err e = {0};
    OdbcParam back[4];
    key_text_write(params, 4, &text);
    assert_string_equal(buf_text(&text), "t=a%26b%3Dc%25%00%20%C3%A9&b=00ff10&t=&d=0.10000000000000001");
    if (!key_text_parse(buf_view(&text), &arena, back, 4, &e)) fail_msg("%s", e.msg);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(back[i].kind, params[i].kind);
        assert_true(str_eq(back[i].value, params[i].value));
    }
    assert_true(back[3].number == 0.1);
    arena_done(&arena);
    buf_done(&text);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",     "t",  "x=1",  "t=%4",  "t=%zz",  "b=0",
                                      "b=0g", "d=", "d=1x", "d=inf", "t=1&t=2"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Arena arena = {0};
        OdbcParam p[1];
        Err e = {0};
        if (key_text_parse(str_from(bad[i]), &arena, p, 1, &e)) fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(e.code, ERR_INVALID);
        arena_done(&arena);
    }
}

static void a_null_is_no_key(void **state) {
    (void)state;
    Column column = {.name = STR_LIT("Id"), .type = SQLTYPE_INT};
    Value null = value_null();
    Arena arena = {0};
    OdbcParam p;
    Err e = {0};
    assert_false(key_text_param(&column, &null, &arena, &p, &e));
    assert_int_equal(e.code, ERR_DATA);
}

static void a_path_goes_as_bytes_and_a_variant_not_at_all(void **state) {
    (void)state;
    Column h = {.name = STR_LIT("H"), .type = SQLTYPE_HIERARCHYID},
           v = {.name = STR_LIT("V"), .type = SQLTYPE_SQL_VARIANT};
    Value path = value_bytes("/1/1/3/", 7), variant = value_bytes("{}", 2);
    Arena arena = {0};
    OdbcParam p;
    Err e = {0};
    Buf sql = {0};
    assert_true(key_text_param(&h, &path, &arena, &p, &e));
    assert_int_equal(p.kind, ODBC_PARAM_BYTES);
    assert_true(str_eq(p.value, (Str){"\x5a\xde", 2}));
    key_text_marker(&h, &sql);
    assert_string_equal(buf_text(&sql), "CAST(? AS hierarchyid)");
    assert_false(key_text_param(&v, &variant, &arena, &p, &e));
    assert_int_equal(e.code, ERR_INVALID);
    buf_done(&sql);
    arena_done(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_go_as_texts_that_the_server_casts_to_the_columns_type),
        cmocka_unit_test(a_key_comes_back_from_its_text),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_null_is_no_key),
        cmocka_unit_test(a_path_goes_as_bytes_and_a_variant_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
