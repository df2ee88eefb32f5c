/* Connect's schemas as Avro's text, each as a real AvroData wrote it. */
#include "convert/avro_from_connect.h"

#include "avro_rig.h"
#include "base/mem.h"

static const char *written(const ConnectSchema *s, Buf *out) {
    Err e = {0};
    buf_clear(out);
    if (!avro_from_connect(s, true, out, &e)) fail_msg("%s", e.msg);
    return buf_text(out);
}

static void an_envelope_is_written_to_the_letter(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    assert_string_equal(written(rig_envelope(), &out), rig_envelope_avro);
    avro_rig_done();
}

static const ConnectSchema *defaulted(ConnectType type, bool is_optional, Value v) {
    return rig_schema(
        &(ConnectSchema){.type = type, .is_optional = is_optional, .has_default = true, .default_value = v});
}

static void plain_types_defaults_and_logical_types(void **state) {
    (void)state;
    const struct {
        const ConnectSchema *s;
        const char *avro;
    } cases[] = {
        {rig_plain(CONNECT_INT8, false), "{\"type\":\"int\",\"connect.type\":\"int8\"}"},
        {rig_plain(CONNECT_INT16, true), "[\"null\",{\"type\":\"int\",\"connect.type\":\"int16\"}]"},
        {rig_plain(CONNECT_BOOLEAN, false), "\"boolean\""},
        {rig_plain(CONNECT_FLOAT32, false), "\"float\""},
        {defaulted(CONNECT_INT32, true, value_int(0)), "[{\"type\":\"int\",\"connect.default\":0},\"null\"]"},
        {defaulted(CONNECT_FLOAT64, false, value_double(0.1)),
         "{\"type\":\"double\",\"connect.default\":0.1}"},
        {defaulted(CONNECT_FLOAT64, false, value_double(-1e10)),
         "{\"type\":\"double\",\"connect.default\":-1.0E10}"},
        {defaulted(CONNECT_FLOAT64, false, value_double(123456)),
         "{\"type\":\"double\",\"connect.default\":123456.0}"},
        {defaulted(CONNECT_FLOAT64, false, value_double(0.00012)),
         "{\"type\":\"double\",\"connect.default\":1.2E-4}"},
        {defaulted(CONNECT_FLOAT64, false, value_double(0.0125)),
         "{\"type\":\"double\",\"connect.default\":0.0125}"},
        {defaulted(CONNECT_FLOAT64, false, value_double(0)), "{\"type\":\"double\",\"connect.default\":0.0}"},
        {defaulted(CONNECT_STRING, false, value_bytes("a\"\n\x01", 4)),
         "{\"type\":\"string\",\"connect.default\":\"a\\\"\\n\\u0001\"}"},
        {defaulted(CONNECT_BYTES, false, value_bytes("\x00\xff", 2)),
         "{\"type\":\"bytes\",\"connect.default\":\"\\u0000\xc3\xbf\"}"},
        {rig_decimal("3", NULL, false),
         "{\"type\":\"bytes\",\"scale\":3,\"precision\":64,\"connect.version\":1,\"connect.parameters\":{"
         "\"scale\":"
         "\"3\"},\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}"},
        {rig_named(CONNECT_INT32, false, CONNECT_DATE),
         "{\"type\":\"int\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data.Date\","
         "\"logicalType\":\"date\"}"},
        {rig_named(CONNECT_INT64, false, CONNECT_TIMESTAMP),
         "{\"type\":\"long\",\"connect.version\":1,\"connect.name\":\"org.apache.kafka.connect.data."
         "Timestamp\","
         "\"logicalType\":\"timestamp-millis\"}"},
        {rig_schema(&(ConnectSchema){.type = CONNECT_ARRAY, .value = rig_plain(CONNECT_STRING, true)}),
         "{\"type\":\"array\",\"items\":[\"null\",\"string\"]}"},
        {rig_schema(&(ConnectSchema){.type = CONNECT_MAP,
                                     .doc = STR_LIT("d"),
                                     .key = rig_plain(CONNECT_STRING, false),
                                     .value = rig_plain(CONNECT_INT64, false)}),
         "{\"type\":\"map\",\"values\":\"long\",\"connect.doc\":\"d\"}"},
        {rig_schema(&(ConnectSchema){.type = CONNECT_MAP,
                                     .key = rig_plain(CONNECT_INT32, false),
                                     .value = rig_plain(CONNECT_STRING, true)}),
         "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"MapEntry\",\"namespace\":"
         "\"io.confluent.connect.avro\",\"fields\":[{\"name\":\"key\",\"type\":\"int\"},{\"name\":\"value\","
         "\"type\":"
         "[\"null\",\"string\"],\"default\":null}]}}"},
        {RIG_STRUCT("", 0, RIG_FIELD("a", rig_plain(CONNECT_INT32, false))),
         "{\"type\":\"record\",\"name\":\"ConnectDefault\",\"namespace\":\"io.confluent.connect.avro\","
         "\"fields\":"
         "[{\"name\":\"a\",\"type\":\"int\"}]}"},
        {RIG_STRUCT("K", 0, RIG_FIELD("a", defaulted(CONNECT_INT16, true, value_int(7)))),
         "{\"type\":\"record\",\"name\":\"K\",\"fields\":[{\"name\":\"a\",\"type\":[{\"type\":\"int\","
         "\"connect.default\":7,\"connect.type\":\"int16\"},\"null\"],\"default\":7}],\"connect.name\":"
         "\"K\"}"},
    };
    CLEANUP(buf_done) Buf out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(written(cases[i].s, &out), cases[i].avro);
    avro_rig_done();
}

static void without_metadata_only_avros_own_is_left(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    assert_true(avro_from_connect(rig_decimal("2", "9", false), false, &out, &e));
    assert_string_equal(buf_text(&out),
                        "{\"type\":\"bytes\",\"scale\":2,\"precision\":9,\"logicalType\":\"decimal\"}");
    avro_rig_done();
}

static void names_in_any_script_are_written_as_they_are(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    const ConnectSchema *number = rig_plain(CONNECT_INT32, false);
    assert_string_equal(
        written(RIG_STRUCT("s.Größe", 0, RIG_FIELD("Größe", number), RIG_FIELD("顧客", number)), &out),
        "{\"type\":\"record\",\"name\":\"Größe\",\"namespace\":\"s\",\"fields\":[{\"name\":\"Größe\","
        "\"type\":"
        "\"int\"},{\"name\":\"顧客\",\"type\":\"int\"}],\"connect.name\":\"s.Größe\"}");
    avro_rig_done();
}

static void what_avro_has_no_name_for_is_refused_with_the_cure(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    Err e = {0};
    const ConnectSchema *number = rig_plain(CONNECT_INT32, false);
    assert_false(avro_from_connect(RIG_STRUCT("a.B", 0, RIG_FIELD("Order Id", number)), true, &out, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "Order Id"));
    assert_non_null(strstr(e.msg, "field.name.adjustment.mode=avro"));
    assert_false(avro_from_connect(RIG_STRUCT("a.1B", 0, RIG_FIELD("x", number)), true, &out, &e));
    assert_non_null(strstr(e.msg, "schema.name.adjustment.mode=avro"));
    const ConnectSchema *one = RIG_STRUCT("a.B", 0, RIG_FIELD("x", number));
    const ConnectSchema *other = RIG_STRUCT("a.B", 0, RIG_FIELD("y", number));
    assert_false(
        avro_from_connect(RIG_STRUCT("a.C", 0, RIG_FIELD("x", one), RIG_FIELD("y", other)), true, &out, &e));
    assert_non_null(strstr(e.msg, "a.B"));
    avro_rig_done();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_is_written_to_the_letter),
        cmocka_unit_test(plain_types_defaults_and_logical_types),
        cmocka_unit_test(without_metadata_only_avros_own_is_left),
        cmocka_unit_test(names_in_any_script_are_written_as_they_are),
        cmocka_unit_test(what_avro_has_no_name_for_is_refused_with_the_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
