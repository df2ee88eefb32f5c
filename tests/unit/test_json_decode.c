#include "convert/json_decode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#include "base/buf.h"
#include "record/record.h"

static const JsonRules rules = {.fills_defaults = true};
static Arena arena;

static const ConnectSchema *read_schema(const char *text) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!json_decode_schema(str_from(text), &rules, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

/* NULL: it was read; else why not. */
static const char *read(const char *schema, const char *text, Value *ret) {
    static Err e;
    const ConnectSchema *s = read_schema(schema);
    const JsonPlan *p = json_plan_new(s, &rules);
    JsonReader r = json_reader_over(str_from(text));
    e = (Err){0};
    bool ok = json_decode(p, &r, &arena, ret, &e);
    if (ok) *ret = connect_value_copy(s, ret, &arena); /* defaults are the schema's */
    json_plan_free(p);
    connect_schema_unref(s);
    if (!ok) assert_int_equal(e.code, ERR_DATA);
    return ok ? NULL : e.msg;
}

static Value value_of(const char *schema, const char *text) {
    Value v;
    const char *why = read(schema, text, &v);
    if (why) fail_msg("%s: %s", text, why);
    return v;
}

#define DECIMAL(scale)                                                                                       \
    "{\"type\":\"bytes\",\"name\":\"org.apache.kafka.connect.data.Decimal\",\"parameters\":{\"scale\":"      \
    "\"" scale "\"}}"

static void assert_bytes(Value v, const char *expected, uint32_t n) {
    assert_int_equal(v.n, n);
    assert_memory_equal(v.v.p, expected, n);
}

static void decimals_are_read_in_both_forms(void **state) {
    (void)state;
    assert_bytes(value_of(DECIMAL("2"), "\"BMc=\""), "\x04\xC7", 2);
    assert_bytes(value_of(DECIMAL("2"), "12.23"), "\x04\xC7", 2);
    assert_bytes(value_of(DECIMAL("2"), "-0.01"), "\xFF", 1);
    assert_bytes(value_of(DECIMAL("2"), "1E+2"), "\x27\x10", 2);
    assert_bytes(value_of(DECIMAL("2"), "12.2300"), "\x04\xC7", 2);
    assert_bytes(value_of(DECIMAL("7"), "1E-7"), "\x01", 1);
    assert_bytes(value_of(DECIMAL("2"), "0e99999"), "\x00", 1);
    assert_bytes(value_of(DECIMAL("0"), "128"), "\x00\x80", 2);
    assert_bytes(value_of(DECIMAL("0"), "-128"), "\x80", 1);
    assert_bytes(value_of(DECIMAL("38"), "0.99999999999999999999999999999999999999"),
                 "\x4B\x3B\x4C\xA8\x5A\x86\xC4\x7A\x09\x8A\x22\x3F\xFF\xFF\xFF\xFF", 16);
    static const char *const bad[] = {"12.234", "1e-99999999999999999999",
                                      "1e39",   "1e99999",
                                      "true",   "100000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Value v;
        if (!read(DECIMAL("2"), bad[i], &v)) fail_msg("%s was taken", bad[i]);
    }
}

static void floats_are_read_to_the_nearest(void **state) {
    (void)state;
    static const char *const texts[] = {"0",
                                        "-0.0",
                                        "1.5",
                                        "0.1",
                                        "123456789012345",
                                        "1234567890123456",
                                        "1e22",
                                        "1.7976931348623157E308",
                                        "4.9E-324",
                                        "0.30000000000000004",
                                        "-12345.678901234567",
                                        "1E5"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Value v = value_of("{\"type\":\"double\"}", texts[i]);
        double expected = strtod(texts[i], NULL);
        assert_memory_equal(&v.v.d, &expected, sizeof expected);
    }
    assert_true(value_of("{\"type\":\"float\"}", "0.1").v.d == (double)0.1F);
    assert_true(isnan(value_of("{\"type\":\"double\"}", "\"NaN\"").v.d));
    assert_true(value_of("{\"type\":\"float\"}", "\"-Infinity\"").v.d == -INFINITY);
}

static void missing_fields_are_their_default_or_null(void **state) {
    (void)state;
    static const char schema[] =
        "{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\",\"optional\":true,\"field\":\"a\"},"
        "{\"type\":\"string\",\"default\":\"x\",\"field\":\"b\"},{\"type\":\"int8\",\"field\":\"c\"}]}";
    Value v = value_of(schema, "{\"c\":3}");
    assert_true(value_is_null(record_field(&v, 0)));
    assert_true(str_eq_c(value_str(record_field(&v, 1)), "x"));
    assert_int_equal(record_field(&v, 2)->v.i, 3);
    assert_non_null(strstr(read(schema, "{}", &v), "field c"));
    assert_non_null(strstr(read(schema, "{\"c\":null}", &v), "field c"));
}

static void schemas_keep_all_they_say(void **state) {
    (void)state;
    const ConnectSchema *s = read_schema("{\"field\":\"ignored\",\"default\":\"BMc=\",\"parameters\":{\"p\":"
                                         "\"1\",\"q\":\"\\u00e9\"},\"doc\":\"d\",\"version\":3,"
                                         "\"name\":\"n\",\"optional\":true,\"type\":\"bytes\",\"more\":[1]}");
    assert_int_equal(s->type, CONNECT_BYTES);
    assert_true(s->is_optional && s->has_default);
    assert_int_equal(s->version, 3);
    assert_true(str_eq_c(s->name, "n") && str_eq_c(s->doc, "d"));
    assert_true(str_eq_c(connect_schema_param(s, "q"), "\xc3\xa9"));
    assert_bytes(s->default_value, "\x04\xC7", 2);
    connect_schema_unref(s);
    const ConnectSchema *none = NULL;
    Err e = {0};
    assert_true(json_decode_schema(STR_LIT("null"), &rules, &none, &e));
    assert_null(none);
}

static void schemas_cannot_be_deeper_than_the_model(void **state) {
    (void)state;
    for (int depth = CONNECT_MAX_DEPTH - 1; depth <= 200; depth += 84) {
        Buf b = {0};
        for (int i = 0; i < depth; i++) buf_cstr(&b, "{\"type\":\"array\",\"items\":");
        buf_cstr(&b, "{\"type\":\"int8\"}");
        for (int i = 0; i < depth; i++) buf_u8(&b, '}');
        const ConnectSchema *s = NULL;
        Err e = {0};
        assert_int_equal(json_decode_schema(buf_view(&b), &rules, &s, &e), depth < CONNECT_MAX_DEPTH);
        connect_schema_unref(s);
        buf_done(&b);
    }
}

static void a_schema_has_a_bounded_number_of_fields(void **state) {
    (void)state;
    const int structs = JSON_DECODE_MAX_SCHEMAS / 4000 + 1;
    Buf text = {0};
    const ConnectSchema *s = NULL;
    Err e = {0};
    buf_cstr(&text, "{\"type\":\"struct\",\"fields\":[");
    for (int i = 0; i < structs; i++) {
        buf_printf(&text, "%s{\"type\":\"struct\",\"field\":\"s%d\",\"fields\":[", i ? "," : "", i);
        for (int k = 0; k < 4000; k++)
            buf_printf(&text, "%s{\"type\":\"int8\",\"field\":\"%d\"}", k ? "," : "", k);
        buf_cstr(&text, "]}");
    }
    buf_cstr(&text, "]}");
    assert_false(json_decode_schema(buf_view(&text), &rules, &s, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "too many fields"));
    assert_null(s);
    buf_done(&text);
}

static void few_bytes_cannot_take_much_memory(void **state) {
    (void)state;
    Buf schema = {0}, text = {0};
    buf_cstr(&schema, "{\"type\":\"array\",\"items\":{\"type\":\"struct\",\"fields\":[");
    for (int i = 0; i < 4000; i++)
        buf_printf(&schema, "%s{\"type\":\"int8\",\"optional\":true,\"field\":\"f%d\"}", i ? "," : "", i);
    buf_cstr(&schema, "]}}");
    buf_cstr(&text, "[{}");
    for (int i = 0; i < 10000; i++) buf_cstr(&text, ",{}");
    buf_u8(&text, ']');
    Value v;
    const char *why = read(buf_text(&schema), buf_text(&text), &v);
    assert_non_null(why);
    assert_non_null(strstr(why, "too many values"));
    assert_true(arena.bytes < 64 * 1024 * 1024);
    buf_done(&schema);
    buf_done(&text);
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decimals_are_read_in_both_forms),
        cmocka_unit_test(floats_are_read_to_the_nearest),
        cmocka_unit_test(missing_fields_are_their_default_or_null),
        cmocka_unit_test(schemas_keep_all_they_say),
        cmocka_unit_test(schemas_cannot_be_deeper_than_the_model),
        cmocka_unit_test(a_schema_has_a_bounded_number_of_fields),
        cmocka_unit_test(few_bytes_cannot_take_much_memory),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
