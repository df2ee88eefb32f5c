#include "config/option_connect.h"

#include "test.h"

static void a_usual_connector_parses_with_warnings_for_what_has_no_sense(void **state) {
    (void)state;
    OptionTable table = option_connect_table();
    Props *p = props_new();
    Options *o = NULL;
    Err e = {0};
    assert_true(
        props_parse_properties(p, "c.properties",
                               STR_LIT("name=n\nconnector.class=X\ntasks.max=2\nkey.converter=A\n"
                                       "value.converter.schemas.enable=false\nerrors.tolerance=none\n"),
                               &e));
    if (!options_parse_tables(&table, 1, p, &o, &e)) fail_msg("%s", e.msg);
    assert_int_equal(options_int(o, "tasks.max"), 2);
    assert_int_equal(options_warnings(o)->count, 2);
    assert_string_equal(
        options_warnings(o)->items[0],
        "c.properties:4: key.converter has no effect here: records are not serialized in direct mode");
    (void)options_free(o);
    (void)props_free(p);
}

static void transforms_and_predicates_are_handed_on_as_they_are(void **state) {
    (void)state;
    OptionTable table = option_connect_table();
    Props *p = props_new();
    Options *o = NULL;
    Err e = {0};
    assert_true(
        props_parse_properties(p, "c.properties",
                               STR_LIT("name=n\nconnector.class=X\ntransforms=r\ntransforms.r.type=Y\n"
                                       "predicates=q\npredicates.q.name=z\n"),
                               &e));
    if (!options_parse_tables(&table, 1, p, &o, &e)) fail_msg("%s", e.msg);
    assert_int_equal(options_warnings(o)->count, 0);
    const char *key = NULL, *value = NULL;
    size_t at = 0;
    assert_true(options_next(o, "transforms.*", &at, &key, &value));
    assert_string_equal(key, "transforms.r.type");
    assert_string_equal(value, "Y");
    assert_false(options_next(o, "transforms.*", &at, &key, &value));
    (void)options_free(o);
    (void)props_free(p);
}

static void every_row_is_whole(void **state) {
    (void)state;
    OptionTable table = option_connect_table();
    for (size_t i = 0; i < table.count; i++) {
        const OptionDef *def = &table.defs[i];
        assert_non_null(def->key);
        assert_non_null(option_type_name(def->type));
        if (def->status == OPTION_SUPPORTED) assert_non_null(def->help);
        if (def->status == OPTION_NO_SENSE) assert_non_null(def->reason);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(def->key, table.defs[k].key);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_usual_connector_parses_with_warnings_for_what_has_no_sense),
        cmocka_unit_test(transforms_and_predicates_are_handed_on_as_they_are),
        cmocka_unit_test(every_row_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
