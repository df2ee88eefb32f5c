#include "sqlserver/select_override.h"

#include <string.h>

#include "base/mem.h"
#include "sqlserver/source_options.h"
#include "test.h"

#define LIST "snapshot.select.statement.overrides"

static SelectOverrides *made(const char *list, const char *table, const char *statement, Err *e) {
    Props *props = props_new();
    props_set(props, "topic.prefix", STR_LIT("p"), "test", 1);
    props_set(props, "database.hostname", STR_LIT("db1"), "test", 2);
    props_set(props, "database.names", STR_LIT("Shop"), "test", 3);
    if (list) props_set(props, LIST, str_from(list), "test", 4);
    CLEANUP_FREE char *key = x_asprintf(LIST ".%s", table);
    props_set(props, key, str_from(statement), "test", 5);
    Options *o;
    SelectOverrides *s = NULL;
    if (!options_parse(source_options, SOURCE_OPTION_COUNT, props, &o, e)) fail_msg("%s", e->msg);
    if (!select_overrides_new(o, &s, e)) assert_null(s);
    options_free(o);
    props_free(props);
    return s;
}

static void becomes(const char *statement, const char *expected) {
    Err e = {0};
    SelectOverrides *s = made("dbo.other.x,dbo.orders", "dbo.orders", statement, &e);
    assert_null(s); /* dbo.other.x has none */
    s = made("dbo.Orders", "dbo.orders", statement, &e);
    if (!s) fail_msg("%s", e.msg);
    assert_string_equal(select_overrides_find(s, STR_LIT("DBO.ORDERS")), expected);
    assert_null(select_overrides_find(s, STR_LIT("dbo.order")));
    select_overrides_free(s);
}

static void a_statement_is_made_to_stand_in_parentheses(void **state) {
    (void)state;
    becomes("SELECT * FROM dbo.orders WHERE id > 5;  ", "SELECT * FROM dbo.orders WHERE id > 5");
    becomes("SELECT * FROM dbo.orders order  by id DESC",
            "SELECT * FROM dbo.orders order  by id DESC\nOFFSET 0 ROWS");
    becomes("SELECT * FROM o /* a /* b */ c */ ORDER -- x\n BY id",
            "SELECT * FROM o /* a /* b */ c */ ORDER -- x\n BY id\nOFFSET 0 ROWS");
    becomes("SELECT TOP 10 * FROM o ORDER BY id", "SELECT TOP 10 * FROM o ORDER BY id");
    becomes("SELECT * FROM o ORDER BY id OFFSET 5 ROWS", "SELECT * FROM o ORDER BY id OFFSET 5 ROWS");
}

static void what_is_quoted_or_inside_parentheses_is_not_looked_at(void **state) {
    (void)state;
    static const char *const same[] = {
        "SELECT ROW_NUMBER() OVER (ORDER BY id) AS n, * FROM o",
        "SELECT * FROM o WHERE note = 'it''s ORDER BY'", "SELECT [ORDER BY]]] FROM o -- ORDER BY x",
        "SELECT * FROM (SELECT TOP (5) * FROM o ORDER BY id) AS t", "SELECT * FROM o WHERE border = 1"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) becomes(same[i], same[i]);
}

static void list_and_statements_have_to_fit(void **state) {
    (void)state;
    Err e = {0};
    assert_null(made("dbo.a", "dbo.b", "SELECT 1", &e));
    assert_non_null(strstr(e.msg, LIST ".dbo.b"));
    assert_null(made(NULL, "dbo.b", "SELECT 1", &e));
    assert_non_null(strstr(e.msg, "isn't named"));
    assert_null(made("dbo.a", "dbo.a", " ; ", &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_null(made("dbo.a", "dbo.a", "/* x */ with c AS (SELECT 1) SELECT * FROM c", &e));
    assert_non_null(strstr(e.msg, "WITH"));
    assert_null(select_overrides_find(NULL, STR_LIT("dbo.a")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_is_made_to_stand_in_parentheses),
        cmocka_unit_test(what_is_quoted_or_inside_parentheses_is_not_looked_at),
        cmocka_unit_test(list_and_statements_have_to_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
