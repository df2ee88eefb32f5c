#include "sqlserver/catalog.h"

#include "test.h"

#include "fake_shop.h"
#include "sqlserver/source_settings.h"

static void assert_key(const char *text, const char *table, size_t count, const char *first) {
    Arena arena = {0};
    Err e = {0};
    Str *columns = NULL;
    size_t got = 99;
    if (!catalog_message_key(text, str_from(table), &arena, &columns, &got, &e)) fail_msg("%s", e.msg);
    assert_int_equal(got, count);
    if (count) assert_true(str_eq_c(columns[0], first));
    arena_done(&arena);
}

static void message_keys_are_found_by_the_tables_expression(void **state) {
    (void)state;
    const char *text = "dbo.orders:Number, Site;(?:sales|dbo)\\.line.*:Line";
    assert_key(text, "dbo.orders", 2, "Number");
    assert_key(text, "DBO.ORDERS", 2, "Number");
    assert_key(text, "sales.lines", 1, "Line");
    assert_key(text, "dbo.customers", 0, NULL);
    assert_key("", "dbo.orders", 0, NULL);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"dbo.orders", "dbo.orders:", ":a", "dbo.(:a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Arena arena = {0};
        Err e = {0};
        Str *columns;
        size_t count;
        assert_false(catalog_message_key(bad[i], STR_LIT("dbo.orders"), &arena, &columns, &count, &e));
        assert_int_equal(e.code, ERR_INVALID);
        arena_done(&arena);
    }
}

static void declared_types_and_defaults_are_known(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns",
                         .results = {"iititiiiibbbttt\n100|1|Id|1|int|4|10|0|1|0|1|0|int|int|~\n"
                                     "100|2|Name|2|nvarchar|20|0|0|2|1|0|0|nvarchar|Names|(N'x')\n"}});
    static const char *const masks[][2] = {{"column.mask.with.4.chars", "dbo.T.Name"},
                                           {"column.truncate.to.2.chars", "dbo.T.Id"}};
    Options *o = shop_options(masks, 2);
    SourceSettings settings;
    Catalog c = {0};
    Odbc *odbc = NULL;
    Err e = {0};
    assert_true(source_settings(o, &settings, &e));
    if (!odbc_connect(&settings.target, &odbc, &e) || !catalog_load(&c, odbc, &settings.filter, &e))
        fail_msg("%s", e.msg);
    const Column *columns = c.instances[0].schema->columns;
    assert_true(columns[1].is_masked && !columns[1].is_cut);
    assert_false(columns[0].is_masked || columns[0].is_cut); /* the key stays whole */
    assert_true(str_eq_c(columns[0].type_name, "int"));
    assert_int_equal(columns[0].default_text.n, 0);
    assert_true(str_eq_c(columns[1].type_name, "Names"));
    assert_true(str_eq_c(columns[1].default_text, "(N'x')"));
    catalog_done(&c);
    odbc_close(odbc);
    source_settings_done(&settings);
    options_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_keys_are_found_by_the_tables_expression),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(declared_types_and_defaults_are_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
