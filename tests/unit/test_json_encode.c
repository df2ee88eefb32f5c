#include "convert/json_encode.h"

#include <math.h>
#include <string.h>

#include "test.h"

#include "record/record.h"

static const JsonRules rules = {0};

static const ConnectSchema *made(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(spec, &s, &e)) fail_msg("%s", e.msg);
    connect_schema_unref(spec->key);
    connect_schema_unref(spec->value);
    return s;
}

static void assert_encodes(const ConnectSchema *s, Value v, const char *value, const char *schema) {
    const JsonPlan *p = json_plan_new(s, &rules);
    Buf out = {0};
    Err e = {0};
    if (!json_encode(p, &v, &out, &e)) fail_msg("%s", e.msg);
    assert_string_equal(buf_text(&out), value);
    buf_clear(&out);
    assert_true(json_encode_schema(p, (Str){NULL, 0}, &out, &e));
    assert_string_equal(buf_text(&out), schema);
    buf_done(&out);
    json_plan_free(p);
    connect_schema_unref(s);
}

static void scalars_have_their_form(void **state) {
    (void)state;
    assert_encodes(connect_schema_plain(CONNECT_INT16, false), value_int(-5), "-5",
                   "{\"type\":\"int16\",\"optional\":false}");
    assert_encodes(connect_schema_plain(CONNECT_BOOLEAN, true), value_int(1), "true",
                   "{\"type\":\"boolean\",\"optional\":true}");
    assert_encodes(connect_schema_plain(CONNECT_FLOAT32, true), value_double((double)0.1F), "0.1",
                   "{\"type\":\"float\",\"optional\":true}");
    assert_encodes(connect_schema_plain(CONNECT_FLOAT64, true), value_double(INFINITY), "\"Infinity\"",
                   "{\"type\":\"double\",\"optional\":true}");
    assert_encodes(connect_schema_plain(CONNECT_BYTES, true), value_bytes("\x04\xC7", 2), "\"BMc=\"",
                   "{\"type\":\"bytes\",\"optional\":true}");
    assert_encodes(connect_schema_plain(CONNECT_STRING, true), value_null(), "null",
                   "{\"type\":\"string\",\"optional\":true}");
}

static void attributes_come_in_kafkas_order(void **state) {
    (void)state;
    const ConnectParam params[] = {{STR_LIT("allowed"), STR_LIT("true,last,false")}};
    assert_encodes(made(&(ConnectSchema){.type = CONNECT_STRING,
                                         .is_optional = true,
                                         .name = STR_LIT("io.debezium.data.Enum"),
                                         .version = 1,
                                         .doc = STR_LIT("d"),
                                         .params = params,
                                         .param_count = 1,
                                         .has_default = true,
                                         .default_value = {.v = {.p = "false"}, .n = 5}}),
                   value_null(), "null",
                   "{\"type\":\"string\",\"optional\":true,\"name\":\"io.debezium.data.Enum\",\"version\":1,"
                   "\"doc\":\"d\","
                   "\"parameters\":{\"allowed\":\"true,last,false\"},\"default\":\"false\"}");
}

static void maps_are_objects_or_pairs_by_their_keys(void **state) {
    (void)state;
    const Value texts[] = {value_bytes("a", 1), value_int(1), value_bytes("b", 1), value_int(2)};
    const Value numbers[] = {value_int(1), value_int(2)};
    assert_encodes(made(&(ConnectSchema){.type = CONNECT_MAP,
                                         .key = connect_schema_plain(CONNECT_STRING, false),
                                         .value = connect_schema_plain(CONNECT_INT8, false)}),
                   record_struct(texts, 2), "{\"a\":1,\"b\":2}",
                   "{\"type\":\"map\",\"keys\":{\"type\":\"string\",\"optional\":false},"
                   "\"values\":{\"type\":\"int8\",\"optional\":false},\"optional\":false}");
    assert_encodes(made(&(ConnectSchema){.type = CONNECT_MAP,
                                         .key = connect_schema_plain(CONNECT_INT8, false),
                                         .value = connect_schema_plain(CONNECT_INT8, false)}),
                   record_struct(numbers, 1), "[[1,2]]",
                   "{\"type\":\"map\",\"keys\":{\"type\":\"int8\",\"optional\":false},"
                   "\"values\":{\"type\":\"int8\",\"optional\":false},\"optional\":false}");
    assert_encodes(
        made(&(ConnectSchema){.type = CONNECT_ARRAY, .value = connect_schema_plain(CONNECT_INT8, false)}),
        record_struct(numbers, 2), "[1,2]",
        "{\"type\":\"array\",\"items\":{\"type\":\"int8\",\"optional\":false},\"optional\":false}");
}

static void null_in_what_is_required_is_refused(void **state) {
    (void)state;
    const ConnectSchema *s = connect_schema_plain(CONNECT_INT8, false);
    const JsonPlan *p = json_plan_new(s, &rules);
    Buf out = {0};
    Err e = {0};
    const Value null = value_null();
    assert_false(json_encode(p, &null, &out, &e));
    assert_int_equal(e.code, ERR_DATA);
    buf_done(&out);
    json_plan_free(p);
    connect_schema_unref(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_have_their_form),
        cmocka_unit_test(attributes_come_in_kafkas_order),
        cmocka_unit_test(maps_are_objects_or_pairs_by_their_keys),
        cmocka_unit_test(null_in_what_is_required_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
