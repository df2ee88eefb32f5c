#include "convert/avro_to_connect.h"

#include "avro_rig.h"
#include "base/mem.h"
#include "convert/avro_from_connect.h"

static const ConnectSchema *read_as(const char *json) {
    AvroSchema *s = rig_parse(json);
    const ConnectSchema *ret = NULL;
    Err e = {0};
    if (!avro_to_connect(s, true, &ret, &e)) fail_msg("%s: %s", json, e.msg);
    avro_type_free(s);
    rig_schemas[rig_count++] = ret;
    return ret;
}

static void what_connect_wrote_comes_back_as_it_was(void **state) {
    (void)state;
    const ConnectSchema *const all[] = {
        rig_envelope(),
        rig_plain(CONNECT_INT8, true),
        rig_plain(CONNECT_INT16, false),
        rig_decimal("4", "19", true),
        rig_decimal("4", NULL, false),
        rig_named(CONNECT_INT32, true, CONNECT_DATE),
        rig_named(CONNECT_INT32, true, CONNECT_TIME),
        rig_named(CONNECT_INT64, false, CONNECT_TIMESTAMP),
        rig_named(CONNECT_STRING, true, "io.debezium.time.ZonedTimestamp"),
        rig_schema(&(ConnectSchema){.type = CONNECT_MAP,
                                    .key = rig_plain(CONNECT_INT32, false),
                                    .value = rig_plain(CONNECT_STRING, true)}),
        rig_schema(&(ConnectSchema){.type = CONNECT_MAP,
                                    .is_optional = true,
                                    .key = rig_plain(CONNECT_STRING, false),
                                    .value = rig_plain(CONNECT_STRING, true)}),
        RIG_STRUCT("", 0, RIG_FIELD("a", rig_plain(CONNECT_BYTES, true))),
        rig_schema(&(ConnectSchema){.type = CONNECT_STRING,
                                    .is_optional = true,
                                    .has_default = true,
                                    .default_value = value_bytes("x", 1),
                                    .doc = STR_LIT("why")}),
        rig_schema(&(ConnectSchema){.type = CONNECT_BYTES,
                                    .is_optional = true,
                                    .has_default = true,
                                    .default_value = value_bytes("\x00\x7f\x80\xff", 4)}),
    };
    CLEANUP(buf_done) Buf text = {0};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        Err e = {0};
        buf_clear(&text);
        assert_true(avro_from_connect(all[i], true, &text, &e));
        const ConnectSchema *back = read_as(buf_text(&text));
        if (!connect_schema_equal(all[i], back)) fail_msg("%s", buf_text(&text));
    }
    avro_rig_done();
}

static void others_schemas_become_the_nearest_there_is(void **state) {
    (void)state;
    const ConnectSchema *s = read_as("{\"type\":\"int\",\"logicalType\":\"date\"}");
    assert_true(connect_schema_is(s, CONNECT_DATE));
    assert_int_equal(s->version, 1);
    s = read_as("{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}");
    assert_true(connect_schema_is(s, CONNECT_TIMESTAMP));
    s = read_as("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}");
    assert_int_equal(s->type, CONNECT_INT64);
    assert_int_equal(s->name.n, 0);
    s = read_as("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}");
    assert_true(connect_schema_is(s, CONNECT_DECIMAL));
    assert_true(str_eq_c(connect_schema_param(s, "scale"), "2"));
    assert_true(str_eq_c(connect_schema_param(s, "connect.decimal.precision"), "9"));
    s = read_as("{\"type\":\"fixed\",\"name\":\"a.F\",\"size\":4}");
    assert_int_equal(s->type, CONNECT_BYTES);
    assert_true(str_eq_c(s->name, "a.F"));
    assert_true(str_eq_c(connect_schema_param(s, AVRO_CONNECT_FIXED_SIZE), "4"));
    s = read_as("{\"type\":\"enum\",\"name\":\"a.E\",\"symbols\":[\"x\",\"y\"]}");
    assert_int_equal(s->type, CONNECT_STRING);
    assert_true(str_eq_c(s->name, "a.E"));
    assert_true(str_eq_c(connect_schema_param(s, AVRO_CONNECT_ENUM ".y"), "y"));
    avro_rig_done();
}

static void unions_of_several_types_become_a_struct(void **state) {
    (void)state;
    const ConnectSchema *s =
        read_as("[\"null\",\"int\",{\"type\":\"record\",\"name\":\"a.b.R\",\"fields\":[]},\"string\"]");
    assert_true(avro_from_connect_is_union(s));
    assert_true(s->is_optional);
    assert_int_equal(s->field_count, 3);
    assert_true(str_eq_c(s->fields[0].name, "int"));
    assert_true(str_eq_c(s->fields[1].name, "R"));
    assert_true(s->fields[2].schema->is_optional);
    s = read_as("[\"string\"]");
    assert_int_equal(s->type, CONNECT_STRING);
    assert_false(s->is_optional);
    avro_rig_done();
}

static void a_fields_own_default_is_the_schemas_unless_it_is_a_union(void **state) {
    (void)state;
    const ConnectSchema *s = read_as(
        "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"a\",\"type\":\"int\",\"default\":5},"
        "{\"name\":\"b\",\"type\":\"int\"},{\"name\":\"c\",\"type\":[\"int\",\"null\"],\"default\":6},"
        "{\"name\":\"d\",\"type\":\"int\",\"default\":\"no\"},{\"name\":\"e\",\"type\":{\"type\":\"array\","
        "\"items\":"
        "\"string\"},\"default\":[\"x\"]}]}");
    assert_true(s->fields[0].schema->has_default);
    assert_int_equal(s->fields[0].schema->default_value.v.i, 5);
    assert_true(str_eq_c(connect_schema_param(s->fields[0].schema, AVRO_CONNECT_DEFAULT_FLAG), "true"));
    assert_false(s->fields[1].schema->has_default);
    assert_false(s->fields[2].schema->has_default);
    assert_true(s->fields[2].schema->is_optional);
    assert_false(s->fields[3].schema->has_default); /* not an int: left out */
    assert_int_equal(s->fields[4].schema->default_value.n, 1);
    avro_rig_done();
}

/* T0 has two fields of T1, that two of T2 …; each has a default, so that none is like another. */
static void names_that_unfold_without_end_are_refused(void **state) {
    (void)state;
    enum { LEVELS = 30 };
    CLEANUP(buf_done) Buf text = {0};
    for (int i = 0; i < LEVELS; i++)
        buf_printf(&text, "{\"type\":\"record\",\"name\":\"T%d\",\"fields\":[{\"name\":\"a\",\"type\":", i);
    buf_printf(&text, "\"int\"");
    for (int i = LEVELS - 1; i >= 0; i--) {
        buf_printf(&text, ",\"default\":{}},{\"name\":\"b\",\"type\":\"");
        if (i == LEVELS - 1) buf_printf(&text, "int");
        else buf_printf(&text, "T%d", i + 1);
        buf_printf(&text, "\",\"default\":{}}]}");
    }
    AvroSchema *s = rig_parse(buf_text(&text));
    const ConnectSchema *ret = NULL;
    Err e = {0};
    assert_false(avro_to_connect(s, true, &ret, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "too large"));
    avro_type_free(s);
}

static void what_rows_cant_hold_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "\"null\"",
        "{\"type\":\"array\",\"items\":\"null\"}",
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}",
        "{\"type\":\"int\",\"connect.type\":\"int64\"}",
        "{\"type\":\"int\",\"connect.version\":\"x\"}",
        "{\"type\":\"int\",\"connect.parameters\":{\"a\":1}}",
        "{\"type\":\"int\",\"logicalType\":\"date\",\"connect.name\":\"other\"}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        AvroSchema *s = rig_parse(bad[i]);
        const ConnectSchema *ret = NULL;
        Err e = {0};
        if (avro_to_connect(s, true, &ret, &e)) fail_msg("taken: %s", bad[i]);
        assert_int_equal(e.code, ERR_DATA);
        avro_type_free(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_connect_wrote_comes_back_as_it_was),
        cmocka_unit_test(others_schemas_become_the_nearest_there_is),
        cmocka_unit_test(unions_of_several_types_become_a_struct),
        cmocka_unit_test(a_fields_own_default_is_the_schemas_unless_it_is_a_union),
        cmocka_unit_test(what_rows_cant_hold_is_refused),
        cmocka_unit_test(names_that_unfold_without_end_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
