/* What the property of test_avro_decode.c doesn't reach: defaults, newer schemas, values that don't fit. */
#include "convert/avro_encode.h"

#include "avro_rig.h"
#include "base/mem.h"
#include "convert/avro_from_connect.h"

static AvroEncoder *plan(const ConnectSchema *from, const char *to, bool keeps_null, Err *e) {
    CLEANUP(buf_done) Buf own = {0};
    AvroEncoder *p = NULL;
    if (!to) {
        assert_true(avro_from_connect(from, true, &own, e));
        to = buf_text(&own);
    }
    AvroSchema *s = rig_parse(to);
    if (!avro_encode_plan(from, s, keeps_null, &p, e)) p = NULL;
    avro_type_free(s);
    return p;
}

static void encodes(AvroEncoder *p, const Value *v, Str bytes) {
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_non_null(p);
    if (!avro_encode(p, v, &out, &e)) fail_msg("%s", e.msg);
    assert_int_equal(out.n, bytes.n);
    assert_memory_equal(out.p, bytes.p, bytes.n);
}

static void a_null_with_a_default_is_written_as_the_default(void **state) {
    (void)state;
    Err e = {0};
    const ConnectSchema *number = rig_schema(&(ConnectSchema){
        .type = CONNECT_INT32, .is_optional = true, .has_default = true, .default_value = value_int(7)});
    const ConnectSchema *s = RIG_STRUCT("K", 0, RIG_FIELD("a", number));
    Value field = value_null(), v = record_struct(&field, 1);
    AvroEncoder *p = plan(s, NULL, false, &e);
    encodes(p, &v, STR_LIT("\x00\x0e"));
    avro_encode_free(p);
    p = plan(s, NULL, true, &e); /* ignore.default.for.nullables */
    encodes(p, &v, STR_LIT("\x02"));
    avro_encode_free(p);
    avro_rig_done();
}

static void a_newer_schema_finds_fields_by_name(void **state) {
    (void)state;
    Err e = {0};
    const ConnectSchema *s = RIG_STRUCT("R", 0, RIG_FIELD("a", rig_plain(CONNECT_INT32, false)),
                                        RIG_FIELD("b", rig_plain(CONNECT_STRING, false)));
    Value fields[] = {value_int(1), value_bytes("x", 1)}, v = record_struct(fields, 2);
    AvroEncoder *p = plan(
        s,
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"b\",\"type\":[\"null\",\"string\"]},"
        "{\"name\":\"new\",\"type\":[\"int\",\"null\"]},{\"name\":\"a\",\"type\":\"long\"}]}",
        false, &e);
    encodes(p, &v, STR_LIT("\x02\x02x\x02\x02"));
    avro_encode_free(p);
    assert_null(plan(s,
                     "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"new\",\"type\":\"int\"}]}",
                     false, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "\"new\""));
    assert_null(plan(s,
                     "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"}]}",
                     false, &e));
    assert_string_equal(e.msg, "a: int32 can't be written as Avro's string");
    avro_rig_done();
}

static void values_that_dont_fit_name_their_field(void **state) {
    (void)state;
    Err e = {0};
    CLEANUP(buf_done) Buf out = {0};
    const ConnectSchema *s = RIG_STRUCT("R", 0, RIG_FIELD("a", rig_plain(CONNECT_INT32, false)));
    AvroEncoder *p = plan(s, NULL, false, &e);
    Value field = value_null(), v = record_struct(&field, 1);
    assert_false(avro_encode(p, &v, &out, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_string_equal(e.msg, "field \"a\" is null, which its schema doesn't allow");
    field = value_int(INT64_C(1) << 31);
    assert_false(avro_encode(p, &v, &out, &e));
    assert_string_equal(e.msg, "field \"a\" doesn't fit Avro's int");
    avro_encode_free(p);
    avro_rig_done();
}

static void a_decimal_fills_its_fixed_with_its_sign(void **state) {
    (void)state;
    Err e = {0};
    AvroEncoder *p =
        plan(rig_decimal("2", "9", false), "{\"type\":\"fixed\",\"name\":\"D\",\"size\":4}", false, &e);
    Value v = value_bytes("\xfe", 1);
    encodes(p, &v, STR_LIT("\xff\xff\xff\xfe"));
    v = value_bytes("\x01\x00", 2);
    encodes(p, &v, STR_LIT("\x00\x00\x01\x00"));
    avro_encode_free(p);
    avro_rig_done();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_null_with_a_default_is_written_as_the_default),
        cmocka_unit_test(a_newer_schema_finds_fields_by_name),
        cmocka_unit_test(values_that_dont_fit_name_their_field),
        cmocka_unit_test(a_decimal_fills_its_fixed_with_its_sign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
