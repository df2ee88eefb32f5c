#include "convert/avro_converter.h"

#include "avro_rig.h"
#include "base/mem.h"
#include "fake_registry.h"

static Converter *open_with(FakeRegistry *f, bool is_key, const char *key, const char *value) {
    Props *props = props_new();
    Converter *c = NULL;
    Err e = {0};
    props_set(props, "value.converter.schema.registry.url", str_from(f->http.url), "c.json", 1);
    props_set(props, "value.converter.max.retries", STR_LIT("0"), "c.json", 2);
    props_set(props, "value.converter.retries.wait.ms", STR_LIT("1"), "c.json", 3);
    if (key) props_set(props, key, str_from(value), "c.json", 4);
    ConverterSpec spec = {STR_LIT("io.confluent.connect.avro.AvroConverter"), is_key, props,
                          "value.converter.", NULL};
    if (!converter_new(&spec, &c, &e)) fail_msg("%s", e.msg);
    props_free(props);
    return c;
}

static Str encoded(Converter *c, const char *topic, const ConnectSchema *s, const Value *v, Buf *out) {
    Err e = {0};
    bool is_null = true;
    buf_clear(out);
    if (!converter_encode(c, str_from(topic), s, v, out, &is_null, &e)) fail_msg("%s", e.msg);
    return is_null ? (Str){NULL, 0} : buf_view(out);
}

/* An envelope with an after of three columns. */
static Value envelope(Value *fields, Value *after, Value *source) {
    after[0] = value_int(7);
    after[1] = value_bytes("\x04\xd2", 2);
    after[2] = value_null();
    for (size_t i = 0; i < 14; i++) source[i] = value_null();
    static const size_t texts[] = {0, 1, 2, 5, 9, 10};
    for (size_t i = 0; i < 6; i++) source[texts[i]] = value_bytes("text", 4);
    source[3] = value_int(1700000000000);
    fields[0] = value_null();
    fields[1] = record_struct(after, 3);
    fields[2] = record_struct(source, 14);
    fields[3] = value_null();
    fields[4] = value_bytes("c", 1);
    fields[5] = value_int(1700000000001);
    fields[6] = fields[7] = value_null();
    return record_struct(fields, 8);
}

static void an_envelope_goes_out_and_comes_back(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    fake_start(&f);
    Converter *c = open_with(&f, false, NULL, NULL);
    const ConnectSchema *s = rig_envelope(), *back = NULL;
    Value fields[8], after[3], source[14], v = envelope(fields, after, source), got;
    Buf out = {0};
    Str bytes = encoded(c, "sales.Shop.dbo.Item", s, &v, &out);
    assert_memory_equal(bytes.p, "\0\0\0\0\x01", 5);
    assert_string_equal(f.schemas[0].subject, "sales.Shop.dbo.Item-value");
    assert_string_equal(f.schemas[0].schema, rig_envelope_avro);
    RecordBatch *batch = record_batch_new();
    assert_true(converter_decode(c, STR_LIT("t"), bytes, batch, &back, &got, &e));
    assert_true(connect_schema_equal(s, back));
    source[4] = value_bytes("false", 5); /* snapshot's default stands for its null */
    assert_true(connect_value_equal(s, &v, &got));
    for (int i = 0; i < 5; i++) { /* once known, nothing is asked */
        (void)encoded(c, "sales.Shop.dbo.Item", s, &v, &out);
        assert_true(converter_decode(c, STR_LIT("t"), buf_view(&out), batch, &back, &got, &e));
    }
    assert_int_equal(atomic_load(&f.http.requests), 2);
    (void)encoded(c, "other", s, &v, &out);
    assert_string_equal(f.schemas[1].subject, "other-value");
    record_batch_free(batch);
    buf_done(&out);
    converter_free(c);
    fake_stop(&f);
    avro_rig_done();
}

static void null_goes_both_ways_without_a_schema(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    fake_start(&f);
    Converter *c = open_with(&f, true, NULL, NULL);
    Value null = value_null(), got = value_int(1), text = value_bytes("x", 1);
    const ConnectSchema *s = rig_plain(CONNECT_STRING, false);
    Buf out = {0};
    bool is_null = false;
    RecordBatch *batch = record_batch_new();
    assert_null(encoded(c, "t", NULL, &null, &out).p);
    assert_true(converter_decode(c, STR_LIT("t"), (Str){NULL, 0}, batch, &s, &got, &e));
    assert_null(s);
    assert_true(value_is_null(&got));
    assert_int_equal(atomic_load(&f.http.requests), 0);
    assert_false(converter_encode(c, STR_LIT("t"), NULL, &text, &out, &is_null, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "StringConverter"));
    record_batch_free(batch);
    buf_done(&out);
    converter_free(c);
    fake_stop(&f);
    avro_rig_done();
}

static void records_that_cant_be_read_are_told_apart_from_a_registry_that_is_down(void **state) {
    (void)state;
    FakeRegistry f;
    fake_start(&f);
    (void)fake_add(&f, STR_LIT("s"), "\"int\"");
    (void)fake_add(&f, STR_LIT("s"),
                   "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\",\"type\":\"L\"}]}");
    Converter *c = open_with(&f, false, NULL, NULL);
    RecordBatch *batch = record_batch_new();
    const struct {
        Str bytes;
        const char *why;
    } bad[] = {
        {STR_LIT(""), "0 bytes"},
        {STR_LIT("\0\0\0\0"), "4 bytes"},
        {STR_LIT("{\"a\":1}"), "magic byte 0x7b"},
        {STR_LIT("\0\0\0\0\x09\x02"), "no schema 9"},
        {STR_LIT("\0\0\0\0\x09\x02"), "schema 9: the registry didn't have it"}, /* not asked again */
        {STR_LIT("\0\0\0\0\x01"), "schema 1: Avro: a number is cut off"},
        {STR_LIT("\0\0\0\0\x02\x02"), "refers to itself"},
    };
    const ConnectSchema *s = NULL;
    Value v;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Err e = {0};
        assert_false(converter_decode(c, STR_LIT("t"), bad[i].bytes, batch, &s, &v, &e));
        assert_int_equal(e.code, ERR_DATA);
        assert_false(e.retriable);
        if (!strstr(e.msg, bad[i].why)) fail_msg("%s", e.msg);
    }
    assert_int_equal(atomic_load(&f.http.requests), 4); /* 9 was asked for twice at first */
    converter_free(c);
    c = open_with(&f, false, NULL, NULL);
    atomic_store(&f.failing, 1);
    Err e = {0};
    assert_false(converter_decode(c, STR_LIT("t"), STR_LIT("\0\0\0\0\x01\x02"), batch, &s, &v, &e));
    assert_true(e.retriable);
    assert_int_equal(e.code, ERR_IO);
    assert_true(converter_decode(c, STR_LIT("t"), STR_LIT("\0\0\0\0\x01\x02"), batch, &s, &v, &e));
    assert_int_equal(v.v.i, 1);
    record_batch_free(batch);
    converter_free(c);
    fake_stop(&f);
}

static void the_newest_schema_of_a_subject_is_written_by(void **state) {
    (void)state;
    FakeRegistry f;
    fake_start(&f);
    (void)fake_add(
        &f, STR_LIT("t-value"),
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"new\",\"type\":[\"null\",\"int\"],"
        "\"default\":null},{\"name\":\"a\",\"type\":\"int\"}]}");
    Props *props = props_new();
    Converter *c = NULL;
    Err e = {0};
    props_set(props, "v.schema.registry.url", str_from(f.http.url), "c.json", 1);
    props_set(props, "v.auto.register.schemas", STR_LIT("false"), "c.json", 2);
    props_set(props, "v.use.latest.version", STR_LIT("true"), "c.json", 3);
    ConverterSpec spec = {STR_LIT("io.confluent.connect.avro.AvroConverter"), false, props, "v.", NULL};
    assert_true(converter_new(&spec, &c, &e));
    const ConnectSchema *s = RIG_STRUCT("R", 0, RIG_FIELD("a", rig_plain(CONNECT_INT32, false)));
    Value field = value_int(5), v = record_struct(&field, 1);
    Buf out = {0};
    Str bytes = encoded(c, "t", s, &v, &out);
    assert_int_equal(bytes.n, 7);
    assert_memory_equal(bytes.p, "\0\0\0\0\x01\x00\x0a", 7);
    buf_done(&out);
    converter_free(c);
    props_free(props);
    fake_stop(&f);
    avro_rig_done();
}

static void bytes_alone_stand_without_their_length(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    fake_start(&f);
    Converter *c = open_with(&f, false, NULL, NULL);
    const ConnectSchema *s = rig_plain(CONNECT_BYTES, false), *back = NULL;
    Value v = value_bytes("\x01\x02", 2), got;
    Buf out = {0};
    RecordBatch *batch = record_batch_new();
    Str bytes = encoded(c, "t", s, &v, &out);
    assert_int_equal(bytes.n, 7);
    assert_memory_equal(bytes.p, "\0\0\0\0\x01\x01\x02", 7);
    assert_true(converter_decode(c, STR_LIT("t"), bytes, batch, &back, &got, &e));
    assert_true(connect_value_equal(s, &v, &got));
    record_batch_free(batch);
    buf_done(&out);
    converter_free(c);
    fake_stop(&f);
    avro_rig_done();
}

static void full_tables_are_emptied_and_filled_anew(void **state) {
    (void)state;
    FakeRegistry f;
    Err e = {0};
    fake_start(&f);
    Converter *c = open_with(&f, false, "value.converter.max.schemas.per.subject", "2");
    const ConnectSchema *s = rig_plain(CONNECT_INT32, false), *back = NULL;
    Value v = value_int(3), got;
    Buf out = {0};
    RecordBatch *batch = record_batch_new();
    static const char *const topics[] = {"a", "b", "c", "d", "e"};
    for (size_t i = 0; i < 10; i++) {
        Str bytes = encoded(c, topics[i % 5], s, &v, &out);
        assert_int_equal(bytes.p[4], i % 5 + 1);
        assert_true(converter_decode(c, STR_LIT("t"), bytes, batch, &back, &got, &e));
        assert_true(connect_value_equal(s, &v, &got));
    }
    assert_int_equal(f.count, 5);
    record_batch_free(batch);
    buf_done(&out);
    converter_free(c);
    fake_stop(&f);
    avro_rig_done();
}

/* An enum of long symbols, made anew for each field with a default: some 15 MB for 75 KB. */
static void add_large(FakeRegistry *f, int number, int fields) {
    CLEANUP(buf_done) Buf text = {0};
    buf_printf(&text, "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[", number);
    for (int i = 0; i < fields; i++) {
        buf_printf(&text, "%s{\"name\":\"f%d\",\"default\":\"s0\",\"type\":", i ? "," : "", i);
        if (i == 0) {
            buf_cstr(&text, "{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[\"s0\"");
            for (int k = 1; k < 100; k++) buf_printf(&text, ",\"s%d%0700d\"", k, 0);
            buf_cstr(&text, "]}}");
        } else {
            buf_cstr(&text, "\"E\"}");
        }
    }
    buf_cstr(&text, "]}");
    (void)fake_add(f, STR_LIT("s"), buf_text(&text));
}

static bool read_number(Converter *c, int number, int fields, Err *e) {
    CLEANUP(buf_done) Buf bytes = {0};
    RecordBatch *batch = record_batch_new();
    const ConnectSchema *s = NULL;
    Value v;
    memset(buf_reserve(&bytes, 5 + (size_t)fields), 0, 5 + (size_t)fields);
    bytes.n = 5 + (size_t)fields;
    bytes.p[4] = (uint8_t)number;
    bool ok = converter_decode(c, STR_LIT("t"), buf_view(&bytes), batch, &s, &v, e);
    record_batch_free(batch);
    return ok;
}

static void tables_are_bounded_in_bytes_too(void **state) {
    (void)state;
    enum { SCHEMAS = 12, FIELDS = 100 };
    FakeRegistry f;
    Err e = {0};
    fake_start(&f);
    for (int i = 0; i < SCHEMAS; i++) add_large(&f, i, FIELDS);
    add_large(&f, SCHEMAS, 4000);
    Converter *c = open_with(&f, false, NULL, NULL);
    for (int i = 0; i < SCHEMAS; i++)
        if (!read_number(c, i + 1, FIELDS, &e)) fail_msg("%s", e.msg);
    assert_int_equal(atomic_load(&f.http.requests), SCHEMAS);
    assert_true(read_number(c, SCHEMAS, FIELDS, &e)); /* there still */
    assert_int_equal(atomic_load(&f.http.requests), SCHEMAS);
    assert_true(read_number(c, 1, FIELDS, &e)); /* all of before were forgotten */
    assert_int_equal(atomic_load(&f.http.requests), SCHEMAS + 1);
    assert_false(read_number(c, SCHEMAS + 1, 4000, &e)); /* alone too much */
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "too large"));
    converter_free(c);
    fake_stop(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_envelope_goes_out_and_comes_back),
        cmocka_unit_test(null_goes_both_ways_without_a_schema),
        cmocka_unit_test(records_that_cant_be_read_are_told_apart_from_a_registry_that_is_down),
        cmocka_unit_test(the_newest_schema_of_a_subject_is_written_by),
        cmocka_unit_test(bytes_alone_stand_without_their_length),
        cmocka_unit_test(full_tables_are_emptied_and_filled_anew),
        cmocka_unit_test(tables_are_bounded_in_bytes_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
