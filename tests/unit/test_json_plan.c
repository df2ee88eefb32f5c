#include "convert/json_plan.h"

#include "test.h"

static void fields_are_found_by_name_and_labelled_as_text(void **state) {
    (void)state;
    static const char *const names[] = {"z", "a\"b", "m", "", "zz"};
    ConnectField fields[5];
    for (size_t i = 0; i < 5; i++)
        fields[i] = (ConnectField){str_from(names[i]), connect_schema_plain(CONNECT_INT8, true)};
    const ConnectSchema *s = NULL;
    Err e = {0};
    const ConnectSchema spec = {.type = CONNECT_STRUCT, .fields = fields, .field_count = 5};
    assert_true(connect_schema_new(&spec, &s, &e));
    for (size_t i = 0; i < 5; i++) connect_schema_unref(fields[i].schema);
    const JsonRules rules = {0};
    const JsonPlan *p = json_plan_new(s, &rules);
    connect_schema_unref(s); /* the plan's own reference is left */
    for (int i = 0; i < 5; i++) assert_int_equal(json_plan_find(p, str_from(names[i])), i);
    assert_int_equal(json_plan_find(p, STR_LIT("Z")), -1);
    assert_true(str_eq_c(p->labels[1], "\"a\\\"b\":"));
    assert_int_equal(p->fields[0].min, -128);
    assert_int_equal(p->fields[0].max, 127);
    assert_null(json_plan_free(p));
    assert_null(json_plan_free(NULL));
}

static void kinds_follow_types_and_decimals_have_their_scale(void **state) {
    (void)state;
    const ConnectParam scale[] = {{STR_LIT("scale"), STR_LIT("4")}};
    const ConnectSchema spec = {
        .type = CONNECT_BYTES, .name = STR_LIT(CONNECT_DECIMAL), .params = scale, .param_count = 1};
    const ConnectSchema *s = NULL;
    Err e = {0};
    const JsonRules rules = {0};
    assert_true(connect_schema_new(&spec, &s, &e));
    const JsonPlan *p = json_plan_new(s, &rules);
    assert_int_equal(p->kind, JSON_KIND_DECIMAL);
    assert_int_equal(p->scale, 4);
    json_plan_free(p);
    connect_schema_unref(s);
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, true),
                        *number = connect_schema_plain(CONNECT_INT64, true);
    for (int i = 0; i < 2; i++) {
        const ConnectSchema map = {.type = CONNECT_MAP, .key = i ? number : text, .value = number};
        assert_true(connect_schema_new(&map, &s, &e));
        p = json_plan_new(s, &rules);
        assert_int_equal(p->kind, i ? JSON_KIND_PAIRS : JSON_KIND_OBJECT);
        assert_int_equal(p->value->kind, JSON_KIND_INT);
        json_plan_free(p);
        connect_schema_unref(s);
    }
    connect_schema_unref(text);
    connect_schema_unref(number);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_found_by_name_and_labelled_as_text),
        cmocka_unit_test(kinds_follow_types_and_decimals_have_their_scale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
