#include "sqlserver/catalog.h"

#include "test.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_keys_are_found_by_the_tables_expression),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
