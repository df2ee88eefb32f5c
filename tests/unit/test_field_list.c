#include "cli/field_list.h"

#include <stdlib.h>
#include <string.h>

#include "config/regexlist.h"
#include "postgres/sink_option.h"
#include "test.h"

/* The source's properties with the sink's list put in; NULL and e when that is refused. */
static Props *applied(const char *key, const char *list, const char *source_key, const char *source_list,
                      Err *e) {
    Props *sink = props_new(), *source = props_new();
    props_set(sink, "connection.url", STR_LIT("postgresql://pg1/x"), "sink", 1);
    if (key) props_set(sink, key, str_from(list), "sink", 2);
    if (source_key) props_set(source, source_key, str_from(source_list), "source", 1);
    Options *o;
    bool is_changed = false;
    if (!options_parse(sink_options, SINK_OPTION_COUNT, sink, &o, e)) fail_msg("%s", e->msg);
    bool ok = field_list_apply(o, source, &is_changed, e);
    assert_int_equal(ok && is_changed, ok && key != NULL);
    options_free(o);
    props_free(sink);
    return ok ? source : props_free(source);
}

static bool matches(const Props *props, const char *key, const char *column) {
    RegexList *list;
    Err e = {0};
    if (!regexlist_compile(str_from(props_value(props, key, "")), &list, &e)) fail_msg("%s", e.msg);
    bool is_match = regexlist_match(list, str_from(column));
    regexlist_free(list);
    return is_match;
}

static void a_list_of_wanted_fields_is_a_list_of_columns_to_read(void **state) {
    (void)state;
    static const char *const keys[] = {"fields.whitelist", "field.include.list"};
    for (size_t i = 0; i < 2; i++) {
        Err e = {0};
        Props *p = applied(keys[i], "name, a+b,p.db.dbo.orders:note", NULL, NULL, &e);
        if (!p) fail_msg("%s", e.msg);
        assert_true(matches(p, "column.include.list", "dbo.customers.name"));
        assert_true(matches(p, "column.include.list", "dbo.customers.a+b"));
        assert_true(matches(p, "column.include.list", "dbo.orders.note"));
        assert_false(matches(p, "column.include.list", "dbo.customers.note"));
        assert_false(matches(p, "column.include.list", "dbo.customers.aab"));
        props_free(p);
    }
}

static void unwanted_fields_join_the_sources_own(void **state) {
    (void)state;
    Err e = {0};
    Props *p = applied("field.exclude.list", "secret", "column.exclude.list", "dbo.a.b", &e);
    if (!p) fail_msg("%s", e.msg);
    assert_true(matches(p, "column.exclude.list", "dbo.customers.secret"));
    assert_true(matches(p, "column.exclude.list", "dbo.a.b"));
    assert_false(matches(p, "column.exclude.list", "dbo.customers.name"));
    props_free(p);
    p = applied(NULL, NULL, "column.exclude.list", "dbo.a.b", &e);
    assert_string_equal(props_value(p, "column.exclude.list", ""), "dbo.a.b");
    props_free(p);
}

static void lists_that_contradict_the_sources_are_refused(void **state) {
    (void)state;
    Err e = {0};
    assert_null(applied("field.include.list", "a", "column.exclude.list", "dbo.a.b", &e));
    assert_non_null(strstr(e.msg, "field.include.list: give it or column.exclude.list"));
    assert_null(applied("field.include.list", "a", "column.include.list", "dbo.a.b", &e));
    assert_null(applied("field.exclude.list", "a", "column.include.list", "dbo.a.b", &e));
    assert_int_equal(e.code, ERR_INVALID);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_wanted_fields_is_a_list_of_columns_to_read),
        cmocka_unit_test(unwanted_fields_join_the_sources_own),
        cmocka_unit_test(lists_that_contradict_the_sources_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
