#include "convert/json_converter.h"

#include <malloc.h>
#include <string.h>

#include "test.h"

#include "base/mem.h"
#include "connect_random.h"

static Converter *converter(bool is_key, const char *option, const char *value, const char *other,
                            const char *other_value) {
    Props *props = props_new();
    const char *prefix = is_key ? "key.converter." : "value.converter.";
    CLEANUP_FREE char *first = x_asprintf("%s%s", prefix, option ? option : ""),
                      *second = x_asprintf("%s%s", prefix, other ? other : "");
    if (option) props_set(props, first, str_from(value), "c.json", 1);
    if (other) props_set(props, second, str_from(other_value), "c.json", 2);
    Converter *c = NULL;
    Err e = {0};
    const ConverterSpec spec = {str_from(json_converter_class.name), is_key, props, prefix, NULL};
    if (!converter_new(&spec, &c, &e)) fail_msg("%s", e.msg);
    props_free(props);
    return c;
}

static Converter *plain(bool has_schemas) {
    return converter(false, "schemas.enable", has_schemas ? "true" : "false", NULL, NULL);
}

static const Str topic = {"t", 1};

static const char *encoded(Converter *c, const ConnectSchema *s, const Value *v) {
    static Buf out;
    bool is_null = false;
    Err e = {0};
    buf_clear(&out);
    if (!converter_encode(c, topic, s, v, &out, &is_null, &e)) fail_msg("%s", e.msg);
    return is_null ? NULL : buf_text(&out);
}

static const char *refusal(Converter *c, const char *text, RecordBatch *into) {
    static Err e;
    const ConnectSchema *s;
    Value v;
    e = (Err){0};
    if (converter_decode(c, topic, str_from(text), into, &s, &v, &e)) fail_msg("%s was taken", text);
    assert_int_equal(e.code, ERR_DATA);
    assert_false(e.retriable);
    return e.msg;
}

static const ConnectSchema *made(ConnectSchema spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    for (size_t i = 0; i < spec.field_count; i++) connect_schema_unref(spec.fields[i].schema);
    connect_schema_unref(spec.key);
    connect_schema_unref(spec.value);
    return s;
}

/* Id int32, Price decimal(9,2), Seen NanoTimestamp. */
static const ConnectSchema *item_schema(void) {
    const ConnectParam params[] = {{STR_LIT("scale"), STR_LIT("2")},
                                   {STR_LIT("connect.decimal.precision"), STR_LIT("9")}};
    const ConnectField fields[] = {
        {STR_LIT("Id"), connect_schema_plain(CONNECT_INT32, false)},
        {STR_LIT("Price"), made((ConnectSchema){.type = CONNECT_BYTES,
                                                .is_optional = true,
                                                .name = STR_LIT(CONNECT_DECIMAL),
                                                .version = 1,
                                                .params = params,
                                                .param_count = 2})},
        {STR_LIT("Seen"), made((ConnectSchema){.type = CONNECT_INT64,
                                               .is_optional = true,
                                               .name = STR_LIT("io.debezium.time.NanoTimestamp"),
                                               .version = 1})}};
    return made((ConnectSchema){.type = CONNECT_STRUCT,
                                .is_optional = true,
                                .name = STR_LIT("sales.Shop.dbo.Item.Value"),
                                .fields = fields,
                                .field_count = 3});
}

#define ITEM_SCHEMA                                                                                          \
    "{\"type\":\"struct\",\"fields\":[{\"type\":\"int32\",\"optional\":false,\"field\":\"Id\"},"             \
    "{\"type\":\"bytes\",\"optional\":true,\"name\":\"org.apache.kafka.connect.data.Decimal\",\"version\":"  \
    "1,"                                                                                                     \
    "\"parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"9\"},\"field\":\"Price\"},"             \
    "{\"type\":\"int64\",\"optional\":true,\"name\":\"io.debezium.time.NanoTimestamp\",\"version\":1,"       \
    "\"field\":\"Seen\"}],\"optional\":true,\"name\":\"sales.Shop.dbo.Item.Value\"}"
#define ITEM_PAYLOAD "{\"Id\":7,\"Price\":\"BMc=\",\"Seen\":1700000000123456700}"
#define ITEM         "{\"schema\":" ITEM_SCHEMA ",\"payload\":" ITEM_PAYLOAD "}"

static const Value item_fields[] = {
    {.v = {.i = 7}}, {.v = {.p = "\x04\xC7"}, .n = 2}, {.v = {.i = INT64_C(1700000000123456700)}}};

static void records_are_written_byte_for_byte_as_kafka_does(void **state) {
    (void)state;
    const ConnectSchema *s = item_schema();
    const Value v = record_struct(item_fields, 3);
    Converter *c = plain(true);
    assert_string_equal(encoded(c, s, &v), ITEM);
    assert_string_equal(encoded(c, s, &v), ITEM); /* from the cache */
    converter_free(c);
    c = plain(false);
    assert_string_equal(encoded(c, s, &v), ITEM_PAYLOAD);
    converter_free(c);
    c = converter(false, "decimal.format", "NUMERIC", "schemas.enable", "false");
    assert_string_equal(encoded(c, s, &v), "{\"Id\":7,\"Price\":12.23,\"Seen\":1700000000123456700}");
    converter_free(c);
    connect_schema_unref(s);
}

static void null_is_null_only_without_a_schema(void **state) {
    (void)state;
    const ConnectSchema *s = connect_schema_plain(CONNECT_STRING, true);
    const Value null = value_null();
    Converter *with = plain(true), *without = plain(false);
    assert_null(encoded(with, NULL, &null));
    assert_null(encoded(without, NULL, &null));
    assert_string_equal(encoded(with, s, &null),
                        "{\"schema\":{\"type\":\"string\",\"optional\":true},\"payload\":null}");
    assert_string_equal(encoded(without, s, &null), "null");
    const Value text = value_bytes("x\"", 2);
    assert_string_equal(encoded(with, NULL, &text), "{\"schema\":null,\"payload\":\"x\\\"\"}");
    assert_string_equal(encoded(without, NULL, &text), "\"x\\\"\"");
    converter_free(with);
    converter_free(without);
    connect_schema_unref(s);
}

static void a_default_takes_the_place_of_null_unless_it_is_told_not_to(void **state) {
    (void)state;
    const ConnectSchema *s = made((ConnectSchema){.type = CONNECT_FLOAT64,
                                                  .is_optional = true,
                                                  .has_default = true,
                                                  .default_value = {.v = {.d = 1.5}}});
    const Value null = value_null();
    Converter *c = plain(true);
    assert_string_equal(
        encoded(c, s, &null),
        "{\"schema\":{\"type\":\"double\",\"optional\":true,\"default\":1.5},\"payload\":1.5}");
    converter_free(c);
    c = converter(false, "replace.null.with.default", "false", NULL, NULL);
    const char *text =
        "{\"schema\":{\"type\":\"double\",\"optional\":true,\"default\":1.5},\"payload\":null}";
    assert_string_equal(encoded(c, s, &null), text);
    RecordBatch *b = record_batch_new();
    const ConnectSchema *read = NULL;
    Value v;
    Err e = {0};
    assert_true(converter_decode(c, topic, str_from(text), b, &read, &v, &e));
    assert_true(value_is_null(&v));
    converter_free(c);
    c = plain(true);
    assert_true(converter_decode(c, topic, str_from(text), b, &read, &v, &e));
    assert_true(v.v.d == 1.5);
    assert_true(connect_schema_equal(s, read));
    converter_free(c);
    record_batch_free(b);
    connect_schema_unref(s);
}

static void a_required_field_without_a_value_is_refused_by_name(void **state) {
    (void)state;
    const ConnectSchema *s = item_schema();
    const Value fields[] = {value_null(), value_null(), value_null()}, v = record_struct(fields, 3);
    Converter *c = plain(true);
    CLEANUP(buf_done) Buf out = {0};
    bool is_null;
    Err e = {0};
    assert_false(converter_encode(c, topic, s, &v, &out, &is_null, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "field Id"));
    assert_int_equal(out.n, 0);
    RecordBatch *b = record_batch_new();
    assert_non_null(
        strstr(refusal(c, "{\"schema\":" ITEM_SCHEMA ",\"payload\":{\"Price\":null}}", b), "field Id"));
    record_batch_free(b);
    converter_free(c);
    connect_schema_unref(s);
}

static void records_are_read_whatever_their_order_and_blanks(void **state) {
    (void)state;
    static const char *const texts[] = {
        ITEM,
        ITEM, /* found by its first bytes */
        "{\"payload\":" ITEM_PAYLOAD ",\"schema\":" ITEM_SCHEMA "}",
        " { \"schema\" : " ITEM_SCHEMA " , \"payload\" : { \"Seen\":1700000000123456700 ,\"x\":[{}], \"Id\" "
        ": 8,\"Price\":12.23, \"Id\":7 } } ",
    };
    const ConnectSchema *s = item_schema();
    const Value v = record_struct(item_fields, 3);
    Converter *c = plain(true);
    RecordBatch *b = record_batch_new();
    const ConnectSchema *first = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const ConnectSchema *read = NULL;
        Value ret;
        Err e = {0};
        if (!converter_decode(c, topic, str_from(texts[i]), b, &read, &ret, &e))
            fail_msg("%zu: %s", i, e.msg);
        assert_true(connect_schema_equal(s, read));
        assert_true(connect_value_equal(s, &v, &ret));
        if (first) assert_ptr_equal(read, first); /* plans are found by its address */
        first = read;
    }
    converter_free(c); /* the batch holds what it needs */
    assert_int_equal(first->field_count, 3);
    record_batch_free(b);
    connect_schema_unref(s);
}

static void what_is_no_record_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "null",
        "{}",
        "[1]",
        "{\"schema\":" ITEM_SCHEMA "}",
        "{\"payload\":1}",
        ITEM "x",
        "{\"schema\":" ITEM_SCHEMA ",\"payload\":" ITEM_PAYLOAD ",\"more\":1}",
        "{\"schema\":" ITEM_SCHEMA ",\"payload\":" ITEM_PAYLOAD,
        "{\"schema\":" ITEM_SCHEMA ",\"payload\":null,\"a\":}",
        "{\"schema\":{\"type\":\"int33\"},\"payload\":1}",
        "{\"schema\":{},\"payload\":1}",
        "{\"schema\":{\"type\":\"float32\"},\"payload\":1}",
        "{\"schema\":[],\"payload\":1}",
        "{\"schema\":{\"type\":\"struct\"},\"payload\":{}}",
        "{\"schema\":{\"type\":\"array\"},\"payload\":[]}",
        "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"type\":\"int8\"}]},\"payload\":{}}",
        "{\"schema\":{\"type\":\"int8\",\"version\":\"1\"},\"payload\":1}",
        "{\"schema\":{\"type\":\"int8\",\"default\":\"x\"},\"payload\":1}",
        "{\"schema\":{\"type\":\"int8\"},\"payload\":128}",
        "{\"schema\":{\"type\":\"int8\"},\"payload\":1.5}",
        "{\"schema\":{\"type\":\"int8\"},\"payload\":\"1\"}",
        "{\"schema\":{\"type\":\"string\"},\"payload\":1}",
        "{\"schema\":{\"type\":\"bytes\"},\"payload\":\"a\"}",
        "{\"schema\":{\"type\":\"bytes\"},\"payload\":\"a=aa\"}",
        "{\"schema\":{\"type\":\"bytes\"},\"payload\":\"ab=\"}",
        "{\"schema\":{\"type\":\"boolean\"},\"payload\":1}",
        "{\"schema\":{\"type\":\"double\"},\"payload\":\"1\"}",
        "{\"schema\":{\"type\":\"double\"},\"payload\":1e999}",
        "{\"schema\":{\"type\":\"string\"},\"payload\":\"\xff\"}",
        "{\"schema\":{\"type\":\"struct\",\"fields\":[]},\"payload\":[]}",
    };
    Converter *c = plain(true);
    RecordBatch *b = record_batch_new();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) (void)refusal(c, bad[i], b);
    assert_non_null(strstr(refusal(c, "{\"a\":1}", b), "schemas.enable=true"));
    record_batch_free(b);
    converter_free(c);
}

static void values_without_schema_are_refused_with_the_cure_but_for_null(void **state) {
    (void)state;
    Converter *c = plain(false);
    RecordBatch *b = record_batch_new();
    assert_non_null(strstr(refusal(c, ITEM_PAYLOAD, b), "schemas.enable=true"));
    const ConnectSchema *s;
    Value v;
    Err e = {0};
    assert_true(converter_decode(c, topic, STR_LIT(" null "), b, &s, &v, &e));
    assert_true(value_is_null(&v) && !s);
    assert_true(converter_decode(c, topic, (Str){NULL, 0}, b, &s, &v, &e));
    assert_true(value_is_null(&v) && !s);
    converter_free(c);
    c = plain(true);
    assert_true(converter_decode(c, topic, (Str){NULL, 0}, b, &s, &v, &e));
    assert_true(value_is_null(&v) && !s);
    assert_true(converter_decode(c, topic, STR_LIT("{\"schema\":null,\"payload\":null}"), b, &s, &v, &e));
    assert_true(value_is_null(&v) && !s);
    converter_free(c);
    record_batch_free(b);
}

static void a_byte_order_mark_is_passed_over(void **state) {
    (void)state;
#define BOM "\xEF\xBB\xBF"
    Converter *c = plain(true), *bare = plain(false),
              *keys = converter(true, "schemas.enable", "false", NULL, NULL);
    RecordBatch *b = record_batch_new();
    const ConnectSchema *s = NULL;
    Value v;
    Err e = {0};
    for (int i = 0; i < 2; i++) { /* parsed, and by the prefix */
        assert_true(converter_decode(c, topic, STR_LIT(BOM "{\"schema\":{\"type\":\"int32\"},\"payload\":7}"),
                                     b, &s, &v, &e));
        assert_int_equal(v.v.i, 7);
    }
    assert_true(converter_decode(bare, topic, STR_LIT(BOM "null"), b, &s, &v, &e));
    assert_true(value_is_null(&v));
    assert_true(converter_decode(keys, topic, STR_LIT(BOM "{\"Id\":7}"), b, &s, &v, &e));
    assert_int_equal(record_field(&v, 0)->v.i, 7);
    (void)refusal(c, BOM, b);
    (void)refusal(keys, BOM BOM "1", b); /* one is a mark, more are text */
    (void)refusal(keys, "1" BOM, b);
    converter_free(c);
    converter_free(bare);
    converter_free(keys);
    record_batch_free(b);
}

static void keys_without_schema_get_one(void **state) {
    (void)state;
    Converter *c = converter(true, "schemas.enable", "false", NULL, NULL);
    RecordBatch *b = record_batch_new();
    const ConnectSchema *s, *again;
    Value v;
    Err e = {0};
    assert_true(converter_decode(
        c, topic, STR_LIT("{\"Id\":7,\"name\":\"x\",\"d\":1.5,\"b\":true,\"n\":null}"), b, &s, &v, &e));
    assert_int_equal(s->field_count, 5);
    assert_int_equal(s->fields[0].schema->type, CONNECT_INT64);
    assert_int_equal(s->fields[2].schema->type, CONNECT_FLOAT64);
    assert_int_equal(record_field(&v, 0)->v.i, 7);
    assert_true(value_is_null(record_field(&v, 4)));
    assert_true(converter_decode(
        c, topic, STR_LIT("{\"Id\":8,\"name\":\"y\",\"d\":2.5,\"b\":false,\"n\":null}"), b, &again, &v, &e));
    assert_ptr_equal(s, again);
    assert_true(converter_decode(c, topic, STR_LIT("\"k\""), b, &s, &v, &e));
    assert_int_equal(s->type, CONNECT_STRING);
    (void)refusal(c, "{\"a\":{}}", b);
    (void)refusal(c, "[1]", b);
    (void)refusal(c, "1e999", b);
    (void)refusal(c, "{\"a\":1", b);
    converter_free(c);
    record_batch_free(b);
}

static size_t allocated(void) {
    struct mallinfo2 m = mallinfo2();
    return m.uordblks + m.hblkhd;
}

static void decode_one(Converter *c, Str text, RecordBatch *b) {
    const ConnectSchema *s;
    Value v;
    Err e = {0};
    if (!converter_decode(c, topic, text, b, &s, &v, &e)) fail_msg("%s", e.msg);
    record_batch_clear(b);
}

static void schemas_that_are_kept_are_bounded_in_bytes(void **state) {
    (void)state;
    enum { DOC_BYTES = 1024 * 1024, SCHEMAS = 90 }; /* a schema is kept as text twice, and its doc */
    Converter *c = plain(true);
    RecordBatch *b = record_batch_new();
    Buf text = {0};
    size_t before = allocated(), most = 0;
    for (int i = 0; i < SCHEMAS; i++) {
        buf_clear(&text);
        buf_printf(&text, "{\"schema\":{\"type\":\"string\",\"doc\":\"%d", i);
        memset(buf_reserve(&text, DOC_BYTES), 'x', DOC_BYTES);
        text.n += DOC_BYTES;
        buf_cstr(&text, "\"},\"payload\":\"x\"}");
        decode_one(c, buf_view(&text), b);
        most = allocated() - before > most ? allocated() - before : most;
    }
    if (most > CONVERTER_CACHE_BYTES * 5 / 4) fail_msg("%zu bytes", most);
    buf_done(&text);
    converter_free(c);
    record_batch_free(b);
}

static void a_large_schema_takes_a_few_times_its_text(void **state) {
    (void)state;
    Converter *c = plain(true);
    RecordBatch *b = record_batch_new();
    Buf text = {0};
    buf_cstr(&text, "{\"schema\":{\"type\":\"struct\",\"fields\":[");
    for (int i = 0; i < 8; i++) {
        buf_printf(&text, "%s{\"type\":\"struct\",\"optional\":true,\"field\":\"%d\",\"fields\":[",
                   i ? "," : "", i);
        for (int k = 0; k < CONNECT_MAX_FIELDS; k++)
            buf_printf(&text, "%s{\"type\":\"int8\",\"field\":\"%d\"}", k ? "," : "", k);
        buf_cstr(&text, "]}");
    }
    buf_cstr(&text, "]},\"payload\":{}}");
    size_t before = allocated();
    decode_one(c, buf_view(&text), b);
    size_t taken = allocated() - before;
    if (taken > 20 * text.n) fail_msg("%zu bytes for %zu of text", taken, text.n);
    buf_done(&text);
    converter_free(c);
    record_batch_free(b);
}

static void what_is_written_reads_the_same(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 6);
    RecordBatch *b = record_batch_new();
    Arena a = {0};
    Converter *both[] = {converter(false, "schemas.cache.size", "0", NULL, NULL),
                         converter(false, "decimal.format", "NUMERIC", NULL, NULL)};
    for (int i = 0; i < 4000; i++) {
        Converter *c = both[i % 2];
        const ConnectSchema *s = random_schema(&rng, 0, &a), *read = NULL;
        for (int k = 0; k < 3; k++) {
            Value v = random_value(&rng, s, &a), ret;
            Buf out = {0};
            bool is_null;
            Err e = {0};
            if (!converter_encode(c, topic, s, &v, &out, &is_null, &e)) fail_msg("%d: %s", i, e.msg);
            assert_false(is_null);
            Str bytes = buf_view(&out);
            if (!converter_decode(c, topic, bytes, b, &read, &ret, &e))
                fail_msg("%d: %s\n%s", i, e.msg, buf_text(&out));
            if (!connect_schema_equal(s, read)) fail_msg("%d: schema\n%s", i, buf_text(&out));
            if (!connect_value_equal(s, &v, &ret)) fail_msg("%d: value\n%s", i, buf_text(&out));
            buf_done(&out);
        }
        connect_schema_unref(s);
        if (i % 100 == 99) record_batch_clear(b), arena_clear(&a);
    }
    converter_free(both[0]);
    converter_free(both[1]);
    record_batch_free(b);
    arena_done(&a);
}

static void unknown_properties_are_refused(void **state) {
    (void)state;
    Props *props = props_new();
    props_set(props, "value.converter.schema.enable", STR_LIT("true"), "c.json", 1);
    Converter *c = NULL;
    Err e = {0};
    const ConverterSpec spec = {str_from(json_converter_class.name), false, props, "value.converter.", NULL};
    assert_false(converter_new(&spec, &c, &e));
    assert_non_null(strstr(e.msg, "schemas.enable"));
    props_free(props);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_written_byte_for_byte_as_kafka_does),
        cmocka_unit_test(null_is_null_only_without_a_schema),
        cmocka_unit_test(a_default_takes_the_place_of_null_unless_it_is_told_not_to),
        cmocka_unit_test(a_required_field_without_a_value_is_refused_by_name),
        cmocka_unit_test(records_are_read_whatever_their_order_and_blanks),
        cmocka_unit_test(what_is_no_record_is_refused),
        cmocka_unit_test(values_without_schema_are_refused_with_the_cure_but_for_null),
        cmocka_unit_test(a_byte_order_mark_is_passed_over),
        cmocka_unit_test(keys_without_schema_get_one),
        cmocka_unit_test(schemas_that_are_kept_are_bounded_in_bytes),
        cmocka_unit_test(a_large_schema_takes_a_few_times_its_text),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(unknown_properties_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
