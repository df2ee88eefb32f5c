/* A struct from another: basics of the schema kept, fields picked, defaults for nulls where wanted. */
#include "test.h"

#include "record_json.h"
#include "transform/struct_map.h"

static const char SCHEMA[] = "{'t':'struct?','n':'row','v':3,'doc':'d','p':{'k':'v'},"
                             "'f':[['id','int32'],['n',{'t':'int32?','def':7}]]}";

static void picks(bool replace, int64_t want) {
    json_t *j = json_of(SCHEMA), *value = json_of("{'id':1,'n':null}");
    const ConnectSchema *in = schema_from_json(j);
    RecordBatch *b = record_batch_new();
    StructDraft d = struct_draft(in);
    StructMap m = {0};
    Err e = {0};
    struct_draft_add(&d, STR_LIT("renamed"), in->fields[1].schema, 1);
    struct_draft_add(&d, STR_LIT("new"), in->fields[0].schema, STRUCT_MAP_NOWHERE);
    assert_true(struct_map_new(&d, replace, &m, &e));
    assert_false(m.out->is_optional);
    assert_int_equal(m.out->version, 3);
    assert_true(str_eq_c(m.out->name, "row") && str_eq_c(m.out->doc, "d") && m.out->param_count == 1);
    Value v = value_from_json(in, value, &b->arena);
    Value *row = struct_map_row(&m, in, &v, b);
    assert_int_equal(value_is_null(&row[0]), want < 0);
    if (want >= 0) assert_int_equal(row[0].v.i, want);
    assert_true(value_is_null(&row[1]));
    struct_map_done(&m);
    (void)record_batch_free(b);
    connect_schema_unref(in);
    json_decref(j);
    json_decref(value);
}

static void test_fields_and_defaults(void **state) {
    (void)state;
    picks(true, 7);
    picks(false, -1);
}

static void test_a_name_twice_is_an_error(void **state) {
    (void)state;
    const ConnectSchema *s = connect_schema_plain(CONNECT_INT8, false);
    StructDraft d = struct_draft(NULL);
    Err e = {0};
    struct_draft_add(&d, STR_LIT("a"), s, 0);
    struct_draft_add(&d, STR_LIT("a"), s, 1);
    assert_null(struct_map_plan(&d, false, &e));
    assert_int_equal(e.code, ERR_INVALID);
    connect_schema_unref(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields_and_defaults),
        cmocka_unit_test(test_a_name_twice_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
