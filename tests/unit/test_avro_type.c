#include "convert/avro_type.h"

#include "avro_rig.h"
#include "base/buf.h"
#include "base/mem.h"

static void names_are_resolved_where_they_stand(void **state) {
    (void)state;
    AvroSchema *s = rig_parse(rig_envelope_avro);
    const AvroType *t = avro_type_root(s);
    assert_true(str_eq_c(t->name, "sales.Shop.dbo.Item.Envelope"));
    assert_int_equal(t->count, 8);
    unsigned before_null = 9, after_null = 9;
    const AvroType *before = avro_type_nullable(t->fields[0].type, &before_null);
    const AvroType *after = avro_type_nullable(t->fields[1].type, &after_null);
    assert_ptr_equal(before, after);
    assert_int_equal(before_null, 0);
    assert_true(str_eq_c(before->name, "sales.Shop.dbo.Item.Value"));
    const AvroType *source = t->fields[2].type;
    assert_true(str_eq_c(source->name, "io.debezium.connector.sqlserver.Source"));
    unsigned snapshot_null = 9;
    const AvroType *snapshot = avro_type_nullable(source->fields[4].type, &snapshot_null);
    assert_int_equal(snapshot_null, 1);
    assert_true(str_eq_c(avro_type_text(snapshot, "connect.default"), "false"));
    assert_null(avro_type_text(snapshot, "connect.doc").p);
    assert_string_equal(json_string_value(source->fields[4].standard), "false");
    assert_false(avro_type_is_recursive(s));
    avro_type_free(s);
}

static void a_schema_may_refer_to_others_given_before_it(void **state) {
    (void)state;
    Str texts[] = {
        STR_LIT("{\"type\":\"enum\",\"name\":\"a.E\",\"symbols\":[\"x\",\"y\"]}"),
        STR_LIT(
            "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"a\",\"fields\":[{\"name\":\"e\",\"type\":"
            "\"E\"},{\"name\":\"f\",\"type\":\"a.E\"}]}")};
    AvroSchema *s = NULL;
    Err e = {0};
    assert_true(avro_type_parse(texts, 2, &s, &e));
    const AvroType *t = avro_type_root(s);
    assert_ptr_equal(t->fields[0].type, t->fields[1].type);
    assert_int_equal(t->fields[0].type->kind, AVRO_KIND_ENUM);
    assert_int_equal(t->fields[0].type->count, 2);
    avro_type_free(s);
}

static void a_schema_that_refers_to_itself_is_known(void **state) {
    (void)state;
    AvroSchema *s = rig_parse(
        "{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"next\",\"type\":[\"null\",\"L\"]}]}");
    assert_true(avro_type_is_recursive(s));
    avro_type_free(s);
}

static void names_may_have_letters_of_any_script(void **state) {
    (void)state;
    AvroSchema *s = rig_parse("{\"type\":\"record\",\"name\":\"a.顧客\",\"fields\":["
                              "{\"name\":\"Größe\",\"type\":\"int\"},{\"name\":\"顧客\",\"type\":\"int\"}]}");
    const AvroType *t = avro_type_root(s);
    assert_true(str_eq_c(t->name, "a.顧客"));
    assert_true(str_eq_c(t->fields[0].name, "Größe"));
    assert_true(str_eq_c(t->fields[1].name, "顧客"));
    avro_type_free(s);
}

static void what_is_no_schema_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        "{",
        "7",
        "\"nothing\"",
        "{}",
        "[]",
        "[\"int\",\"int\"]",
        "[\"int\",[\"null\"]]",
        "{\"type\":\"array\"}",
        "{\"type\":\"record\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"1\",\"fields\":[]}",
        "{\"type\":\"record\",\"name\":\"A\"}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"a b\",\"type\":\"int\"}]}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"[line no]\",\"type\":\"int\"}]}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"2nd\",\"type\":\"int\"}]}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"a\",\"type\":\"int\"},{\"name\":\"a\","
        "\"type\":\"int\"}]}",
        "{\"type\":\"record\",\"name\":\"A\",\"fields\":[{\"name\":\"a\"}]}",
        "{\"type\":\"fixed\",\"name\":\"A\",\"size\":0}",
        "{\"type\":\"fixed\",\"name\":\"A\",\"size\":99999999}",
        "{\"type\":\"enum\",\"name\":\"A\",\"symbols\":[]}",
        "{\"type\":\"enum\",\"name\":\"A\",\"symbols\":[1]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Str text = str_from(bad[i]);
        AvroSchema *s = NULL;
        Err e = {0};
        if (avro_type_parse(&text, 1, &s, &e)) fail_msg("taken: %s", bad[i]);
        assert_int_equal(e.code, ERR_DATA);
        assert_null(s);
    }
}

static void nesting_has_a_bound(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf text = {0};
    for (int i = 0; i < 100; i++) buf_cstr(&text, "{\"type\":\"array\",\"items\":");
    buf_cstr(&text, "\"int\"");
    for (int i = 0; i < 100; i++) buf_cstr(&text, "}");
    Str view = buf_view(&text);
    AvroSchema *s = NULL;
    Err e = {0};
    assert_false(avro_type_parse(&view, 1, &s, &e));
    assert_non_null(strstr(e.msg, "too deep"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_resolved_where_they_stand),
        cmocka_unit_test(a_schema_may_refer_to_others_given_before_it),
        cmocka_unit_test(a_schema_that_refers_to_itself_is_known),
        cmocka_unit_test(names_may_have_letters_of_any_script),
        cmocka_unit_test(what_is_no_schema_is_refused),
        cmocka_unit_test(nesting_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
