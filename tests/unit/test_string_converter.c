#include "convert/string_converter.h"

#include <string.h>

#include "test.h"

static Converter *converter(const char *encoding, Err *e) {
    Props *props = props_new();
    if (encoding) props_set(props, "key.converter.converter.encoding", str_from(encoding), "c.json", 1);
    Converter *c = NULL;
    const ConverterSpec spec = {str_from(string_converter_class.name), true, props, "key.converter.", NULL};
    bool ok = converter_new(&spec, &c, e);
    props_free(props);
    return ok ? c : NULL;
}

static void assert_text(const ConnectSchema *s, Value v, const char *expected) {
    Err e = {0};
    Converter *c = converter(NULL, &e);
    Buf out = {0};
    bool is_null;
    if (!converter_encode(c, STR_LIT("t"), s, &v, &out, &is_null, &e)) fail_msg("%s", e.msg);
    assert_int_equal(is_null, expected == NULL);
    if (expected) assert_string_equal(buf_text(&out), expected);
    buf_done(&out);
    converter_free(c);
}

static void values_are_written_as_java_prints_them(void **state) {
    (void)state;
    const ConnectSchema *number = connect_schema_plain(CONNECT_INT64, true),
                        *text = connect_schema_plain(CONNECT_STRING, true),
                        *real = connect_schema_plain(CONNECT_FLOAT64, true),
                        *truth = connect_schema_plain(CONNECT_BOOLEAN, true);
    const ConnectField fields[] = {{STR_LIT("Id"), number}, {STR_LIT("none"), text}, {STR_LIT("name"), text}};
    const ConnectSchema *s = NULL, *array = NULL;
    Err e = {0};
    assert_true(connect_schema_new(
        &(ConnectSchema){.type = CONNECT_STRUCT, .fields = fields, .field_count = 3}, &s, &e));
    assert_true(connect_schema_new(&(ConnectSchema){.type = CONNECT_ARRAY, .value = number}, &array, &e));
    const Value row[] = {value_int(7), value_null(), value_bytes("x", 1)},
                items[] = {value_int(1), value_null()};
    assert_text(NULL, value_null(), NULL);
    assert_text(number, value_null(), NULL);
    assert_text(NULL, value_bytes("raw\"", 4), "raw\"");
    assert_text(number, value_int(-7), "-7");
    assert_text(real, value_double(1), "1.0");
    assert_text(truth, value_int(0), "false");
    assert_text(s, record_struct(row, 3), "Struct{Id=7,name=x}");
    assert_text(array, record_struct(items, 2), "[1, null]");
    connect_schema_unref(s);
    connect_schema_unref(array);
    connect_schema_unref(number);
    connect_schema_unref(text);
    connect_schema_unref(real);
    connect_schema_unref(truth);
}

static void what_has_no_text_is_refused(void **state) {
    (void)state;
    Err e = {0};
    Converter *c = converter("UTF8", &e);
    const ConnectSchema *s = connect_schema_plain(CONNECT_BYTES, true);
    const Value v = value_bytes("x", 1);
    Buf out = {0};
    bool is_null;
    assert_false(converter_encode(c, STR_LIT("t"), s, &v, &out, &is_null, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "bytes"));
    buf_done(&out);
    connect_schema_unref(s);
    converter_free(c);
    assert_null(converter("UTF-16", &e));
    assert_int_equal(e.code, ERR_INVALID);
}

static void texts_are_read_if_they_are_utf8(void **state) {
    (void)state;
    Err e = {0};
    Converter *c = converter(NULL, &e);
    RecordBatch *b = record_batch_new();
    const ConnectSchema *s;
    Value v;
    assert_true(converter_decode(c, STR_LIT("t"), STR_LIT("k\xc3\xa9"), b, &s, &v, &e));
    assert_int_equal(s->type, CONNECT_STRING);
    assert_true(s->is_optional);
    assert_true(str_eq_c(value_str(&v), "k\xc3\xa9"));
    assert_true(converter_decode(c, STR_LIT("t"), (Str){NULL, 0}, b, &s, &v, &e));
    assert_true(!s && value_is_null(&v));
    assert_false(converter_decode(c, STR_LIT("t"), STR_LIT("\xff"), b, &s, &v, &e));
    assert_int_equal(e.code, ERR_DATA);
    converter_free(c);
    record_batch_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_written_as_java_prints_them),
        cmocka_unit_test(what_has_no_text_is_refused),
        cmocka_unit_test(texts_are_read_if_they_are_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
