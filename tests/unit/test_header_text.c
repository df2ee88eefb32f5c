#include "convert/header_text.h"

#include "base/mem.h"
#include "record/record.h"
#include "test.h"

static void assert_text(const ConnectSchema *s, Value v, const char *text) {
    CLEANUP(buf_done) Buf out = {0};
    bool is_null = true;
    header_text_write(s, &v, &out, &is_null);
    assert_false(is_null);
    assert_string_equal(buf_text(&out), text);
}

static const ConnectSchema *named(ConnectType type, const char *name, const char *scale) {
    const ConnectParam param = {STR_LIT(CONNECT_PARAM_SCALE), str_from(scale)};
    const ConnectSchema spec = {
        .type = type, .name = str_from(name), .version = 1, .params = &param, .param_count = scale ? 1 : 0};
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void plain_values_are_java_s_texts(void **state) {
    (void)state;
    static const struct {
        ConnectType type;
        double d;
        const char *text;
    } numbers[] = {
        {CONNECT_FLOAT64, 1.5, "1.5"},
        {CONNECT_FLOAT64, 100, "100.0"},
        {CONNECT_FLOAT64, 1e7, "1.0E7"},
        {CONNECT_FLOAT64, 0.001, "0.001"},
        {CONNECT_FLOAT64, -1.25e-5, "-1.25E-5"},
        {CONNECT_FLOAT32, 0.1f, "0.1"},
        {CONNECT_FLOAT64, 123456.789, "123456.789"},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const ConnectSchema *s = connect_schema_plain(numbers[i].type, false);
        assert_text(s, value_double(numbers[i].d), numbers[i].text);
        connect_schema_unref(s);
    }
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    const ConnectSchema *number = connect_schema_plain(CONNECT_INT32, false);
    const ConnectSchema *yes = connect_schema_plain(CONNECT_BOOLEAN, false);
    const ConnectSchema *bytes = connect_schema_plain(CONNECT_BYTES, false);
    assert_text(text, value_bytes("a\"b", 3), "a\"b");
    assert_text(NULL, value_bytes("plain", 5), "plain");
    assert_text(number, value_int(-7), "-7");
    assert_text(yes, value_int(1), "true");
    assert_text(bytes, value_bytes("\x01\x02\x03\x04", 4), "AQIDBA==");
    connect_schema_unref(text);
    connect_schema_unref(number);
    connect_schema_unref(yes);
    connect_schema_unref(bytes);
}

static void connect_s_own_types_have_their_form(void **state) {
    (void)state;
    const ConnectSchema *decimal = named(CONNECT_BYTES, CONNECT_DECIMAL, "2");
    const ConnectSchema *date = named(CONNECT_INT32, CONNECT_DATE, NULL);
    const ConnectSchema *stamp = named(CONNECT_INT64, CONNECT_TIMESTAMP, NULL);
    assert_text(decimal, value_bytes("\x04\xc7", 2), "12.23");
    assert_text(decimal, value_bytes("\xff", 1), "-0.01");
    assert_text(date, value_int(19676), "2023-11-15");
    assert_text(stamp, value_int(1700000000123), "2023-11-14T22:13:20.123Z");
    connect_schema_unref(decimal);
    connect_schema_unref(date);
    connect_schema_unref(stamp);
}

static void a_structure_looks_like_json(void **state) {
    (void)state;
    const ConnectSchema *number = connect_schema_plain(CONNECT_INT32, false);
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, true);
    const ConnectField fields[] = {{STR_LIT("Id"), number}, {STR_LIT("name"), text}, {STR_LIT("none"), text}};
    const ConnectSchema spec = {
        .type = CONNECT_STRUCT, .name = STR_LIT("t.Key"), .fields = fields, .field_count = 3};
    const ConnectSchema *s = NULL;
    Err e = {0};
    assert_true(connect_schema_new(&spec, &s, &e));
    const Value row[] = {value_int(7), value_bytes("a \"b\" \\", 7), value_null()};
    assert_text(s, record_struct(row, 3), "{\"Id\":7,\"name\":\"a \\\"b\\\" \\\\\",\"none\":null}");
    connect_schema_unref(s);
    connect_schema_unref(number);
    connect_schema_unref(text);
}

static void null_has_no_bytes(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    const Value v = value_null();
    bool is_null = false;
    header_text_write(NULL, &v, &out, &is_null);
    assert_true(is_null);
    assert_int_equal(out.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_values_are_java_s_texts),
        cmocka_unit_test(connect_s_own_types_have_their_form),
        cmocka_unit_test(a_structure_looks_like_json),
        cmocka_unit_test(null_has_no_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
