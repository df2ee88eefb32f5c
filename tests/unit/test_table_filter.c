#include "config/table_filter.h"

#include "test.h"

static const OptionDef rows[] = {
    {.key = "table.include.list", .type = OPTION_REGEXES},
    {.key = "table.exclude.list", .type = OPTION_REGEXES},
    {.key = "signal.data.collection", .type = OPTION_STRING},
    {.key = "signal.enabled.channels", .type = OPTION_LIST, .standard = "source"},
};

static bool wants(const char *text, const char *table) {
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    if (!props_parse_properties(props, "rig", str_from(text), &e) ||
        !options_parse(rows, sizeof rows / sizeof *rows, props, &o, &e))
        fail_msg("%s", e.msg);
    props_free(props);
    const TableFilter f = table_filter_of(o);
    bool ret = table_filter_wants(&f, str_from(table));
    options_free(o);
    return ret;
}

static void without_lists_all_tables_are_wanted(void **state) {
    (void)state;
    assert_true(wants("", "dbo.a"));
    assert_true(wants("", "dbo.signals"));
}

static void lists_match_whole_names(void **state) {
    (void)state;
    assert_true(wants("table.include.list=dbo\\\\.a,dbo\\\\.b\n", "dbo.B"));
    assert_false(wants("table.include.list=dbo\\\\.a\n", "dbo.ab"));
    assert_false(wants("table.exclude.list=dbo\\\\.a\n", "dbo.a"));
    assert_true(wants("table.exclude.list=dbo\\\\.a\n", "dbo.ab"));
}

static void the_table_of_signals_is_wanted_only_where_a_list_names_it(void **state) {
    (void)state;
    assert_false(wants("signal.data.collection=shop.dbo.signals\n", "dbo.signals"));
    assert_false(wants("signal.data.collection=dbo.signals\n", "dbo.Signals"));
    assert_true(wants("signal.data.collection=dbo.signals\n", "dbo.a"));
    assert_true(wants("signal.data.collection=dbo.signals\ntable.include.list=dbo\\\\..*\n", "dbo.signals"));
    assert_true(wants("signal.data.collection=dbo.signals\nsignal.enabled.channels=file\n", "dbo.signals"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_lists_all_tables_are_wanted),
        cmocka_unit_test(lists_match_whole_names),
        cmocka_unit_test(the_table_of_signals_is_wanted_only_where_a_list_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
