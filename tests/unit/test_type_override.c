#include "postgres/type_override.h"

#include <string.h>

#include "test.h"

static const Schema *orders(void) {
    static const Column columns[] = {{.name = {"total", 5}, .type = SQLTYPE_MONEY},
                                     {.name = {"a:b.c", 5}, .type = SQLTYPE_INT}};
    SchemaSpec spec = {.database = STR_LIT("db"),
                       .schema = STR_LIT("dbo"),
                       .table = STR_LIT("orders"),
                       .version = 1,
                       .columns = columns,
                       .column_count = 2};
    const Schema *s;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void a_column_gets_the_type_that_is_named_for_it(void **state) {
    (void)state;
    const Schema *s = orders();
    TypeOverrides *o;
    Err e = {0};
    if (!type_overrides_new(STR_LIT(" dbo.orders.total : numeric(20,6) ;; dbo.orders.a:b.c:text;"), &o, &e))
        fail_msg("%s", e.msg);
    assert_string_equal(type_overrides_find(o, s, &s->columns[0]), "numeric(20,6)");
    assert_string_equal(type_overrides_find(o, s, &s->columns[1]), "text");
    TextList problems = {0};
    type_overrides_unused(o, &problems);
    assert_int_equal(problems.count, 0);
    assert_null(type_overrides_find(NULL, s, &s->columns[0]));
    textlist_done(&problems);
    type_overrides_free(o);
    schema_unref(s);
}

static void an_entry_that_fits_nothing_is_a_problem(void **state) {
    (void)state;
    const Schema *s = orders();
    TypeOverrides *o;
    Err e = {0};
    assert_true(type_overrides_new(STR_LIT("dbo.orders.Total:text;dbo.orders.total2:text"), &o, &e));
    assert_null(type_overrides_find(o, s, &s->columns[0]));
    TextList problems = {0};
    type_overrides_unused(o, &problems);
    assert_int_equal(problems.count, 2);
    assert_non_null(strstr(problems.items[0], "dbo.orders.Total"));
    textlist_done(&problems);
    type_overrides_free(o);
    schema_unref(s);
}

static void other_texts_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"x",
                                      "dbo.t.c",
                                      "t.c:text",
                                      "dbo.t.c:",
                                      "dbo.t.c:a'b",
                                      "dbo.t.c:a\"b",
                                      "dbo.t.c:a--\nb",
                                      "dbo.t.c:5",
                                      "dbo.t.c:text;dbo.t.c:int"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        TypeOverrides *o;
        Err e = {0};
        if (type_overrides_new(str_from(bad[i]), &o, &e)) fail_msg("'%s' was taken", bad[i]);
        assert_int_equal(e.code, ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_column_gets_the_type_that_is_named_for_it),
        cmocka_unit_test(an_entry_that_fits_nothing_is_a_problem),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
