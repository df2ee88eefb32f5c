#include "convert/avro_diff.h"

#include "avro_rig.h"
#include "base/mem.h"

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"R\",\"fields\":[" fields "]}"

static void differs(const char *older, const char *newer, const char *words) {
    AvroSchema *a = rig_parse(older), *b = rig_parse(newer);
    CLEANUP(buf_done) Buf out = {0};
    bool is_different = avro_diff(avro_type_root(a), avro_type_root(b), &out);
    assert_int_equal(is_different, *words != '\0');
    assert_string_equal(buf_text(&out), words);
    avro_type_free(a);
    avro_type_free(b);
}

static void a_difference_is_named_with_its_field(void **state) {
    (void)state;
    static const char one[] = RECORD("{\"name\":\"a\",\"type\":\"int\"}");
    differs(one, one, "");
    differs(one, RECORD("{\"name\":\"a\",\"type\":\"long\"}"), ""); /* an int can be read as one */
    differs(one, RECORD("{\"name\":\"a\",\"type\":\"string\"}"),
            "field a changes its type from int to string");
    differs(one, RECORD("{\"name\":\"a\",\"type\":[\"null\",\"int\"]}"), "");
    differs(RECORD("{\"name\":\"a\",\"type\":[\"null\",\"int\"]}"), one, "field a can't be null any more");
    differs(one, RECORD(""), "field a is gone and had no default");
    differs(one, RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\"}"),
            "field b is new and has no default");
    differs(one, RECORD("{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"b\",\"type\":\"int\",\"default\":1}"),
            "");
    differs("\"int\"", "\"string\"", "the value changes its type from int to string");
}

static void inner_fields_have_their_path(void **state) {
    (void)state;
    differs(RECORD("{\"name\":\"o\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"I\",\"fields\":[{"
                   "\"name\":\"a\","
                   "\"type\":\"int\"}]}]}"),
            RECORD("{\"name\":\"o\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"I\",\"fields\":[{"
                   "\"name\":\"b\","
                   "\"type\":\"int\"}]}]}"),
            "field o.b is new and has no default; field o.a is gone and had no default");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_difference_is_named_with_its_field),
        cmocka_unit_test(inner_fields_have_their_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
