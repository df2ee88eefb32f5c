#include "sqlserver/table_list.h"

#include "test.h"

static void captured_tables_come_first_then_stored_ones_that_the_lists_still_want(void **state) {
    (void)state;
    CatalogTable tables[] = {
        {.schema = STR_LIT("dbo"), .name = STR_LIT("a"), .instance_count = 1},
        {.schema = STR_LIT("dbo"), .name = STR_LIT("uncaptured")},
        {.schema = STR_LIT("dbo"), .name = STR_LIT("b"), .instance_count = 2},
    };
    Catalog catalog = {.tables = tables, .table_count = 3};
    StoredTable entries[] = {{.schema = "dbo", .table = "b"},
                             {.schema = "dbo", .table = "dropped"},
                             {.schema = "old", .table = "left_out"}};
    StoredState stored = {.has_position = true, .tables = entries, .table_count = 3};
    RegexList *include = NULL;
    Err e = {0};
    if (!regexlist_compile(STR_LIT("dbo\\..*"), &include, &e)) fail_msg("%s", e.msg);
    CatalogFilter filter = {.tables = {.include = include}};
    TableList l = {0};
    table_list_fix(&l, &catalog, &filter, &stored);
    table_list_add(&l, STR_LIT("dbo"), STR_LIT("new"));
    table_list_use(&l, &filter);
    assert_int_equal(filter.only_count, 4);
    static const char *const names[] = {"a", "b", "dropped", "new"};
    for (size_t i = 0; i < 4; i++) {
        assert_true(str_eq_c(filter.only[2 * i], "dbo"));
        assert_true(str_eq_c(filter.only[2 * i + 1], names[i]));
    }
    assert_false(table_list_has(&l, STR_LIT("old"), STR_LIT("left_out")));
    table_list_done(&l);
    regexlist_free(include);
}

static void without_a_position_nothing_stored_counts(void **state) {
    (void)state;
    Catalog catalog = {0};
    StoredTable entry = {.schema = "dbo", .table = "b"};
    StoredState stored = {.tables = &entry, .table_count = 1};
    CatalogFilter filter = {0};
    TableList l = {0};
    table_list_fix(&l, &catalog, &filter, &stored);
    table_list_use(&l, &filter);
    assert_int_equal(filter.only_count, 0);
    assert_non_null(filter.only); /* none, not all */
    table_list_done(&l);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_tables_come_first_then_stored_ones_that_the_lists_still_want),
        cmocka_unit_test(without_a_position_nothing_stored_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
