#include "worker/topics.h"

#include <string.h>

#include "config/option_connect.h"
#include "test.h"

static Options *options(const char *key, const char *value) {
    Props *props = props_new();
    props_set(props, "name", STR_LIT("n"), "test", 1);
    props_set(props, "connector.class", STR_LIT("c"), "test", 2);
    if (key) props_set(props, key, str_from(value), "test", 3);
    const OptionTable table = option_connect_table();
    Options *o = NULL;
    Err e = {0};
    if (!options_parse_tables(&table, 1, props, &o, &e)) fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

static bool takes(const char *key, const char *value, const char *table, Err *e) {
    const Column column = {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1};
    const SchemaSpec spec = {.database = STR_LIT("shop"),
                             .schema = STR_LIT("dbo"),
                             .table = str_from(table),
                             .version = 1,
                             .columns = &column,
                             .column_count = 1};
    const Schema *schema = NULL;
    Options *o = options(key, value);
    Topics *t = NULL;
    if (!schema_new(&spec, &schema, e) || !topics_new(o, "p", /* route= */ NULL, &t, e))
        fail_msg("%s", e->msg);
    bool ok = topics_check(t, schema, e);
    topics_free(t);
    options_free(o);
    schema_unref(schema);
    return ok;
}

static void without_either_property_every_table_is_taken(void **state) {
    (void)state;
    Err e = {0};
    assert_true(takes(NULL, NULL, "orders", &e));
}

static void names_and_expressions_choose(void **state) {
    (void)state;
    Err e = {0};
    assert_true(takes("topics", "p.shop.dbo.orders, p.shop.dbo.items", "items", &e));
    assert_false(takes("topics", "p.shop.dbo.orders", "items", &e));
    assert_true(takes("topics.regex", "p\\.shop\\.dbo\\.o.{1,9}", "orders", &e));
    assert_false(takes("topics.regex", "p\\.shop\\.dbo\\.o", "orders", &e));
    assert_false(takes("topics.regex", "p\\.shop\\.dbo\\.O.*", "orders", &e)); /* as Java's: case counts */
}

static void a_table_that_is_not_taken_is_named_with_the_cure(void **state) {
    (void)state;
    Err e = {0};
    assert_false(takes("topics", "p.shop.dbo.orders", "items", &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "dbo.items"));
    assert_non_null(strstr(e.msg, "p.shop.dbo.items"));
    assert_non_null(strstr(e.msg, "table.include.list"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_either_property_every_table_is_taken),
        cmocka_unit_test(names_and_expressions_choose),
        cmocka_unit_test(a_table_that_is_not_taken_is_named_with_the_cure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
