#include "standin/store/sysobj.h"
#include "test.h"

static const SysFunction functions[] = {{.schema = "sys", .name = "fn_one"},
                                        {.schema = "", .name = "fn_bare"}};
static const SysTable tables[] = {
    {.schema = "sys", .name = "things", .kind = SYS_ROWS},
    {.schema = "sys", .name = "things", .kind = SYS_ROWS, .is_function = true},
    {.schema = "dbo", .name = "jobs", .kind = SYS_SQL, .sql = "SELECT 1 AS a", .database_id = 4},
};

static bool find_family(void *arg, struct Session *s, int32_t database_id, Str schema, Str name,
                        bool is_function, Arena *arena, SysTable *ret) {
    (void)s, (void)schema, (void)arena;
    if (!is_function || !str_starts(name, STR_LIT("fn_all_"))) return false;
    ++*(int *)arg;
    *ret = (SysTable){.schema = "cdc", .name = "fn_all", .kind = SYS_SQL, .database_id = database_id};
    return true;
}

static void names_resolve_by_schema_kind_and_database(void **state) {
    (void)state;
    int asked = 0;
    Arena a = {0};
    SysRegistry *r = sysregistry_new();
    sysregistry_add_functions(r, functions, 2);
    sysregistry_add_tables(r, tables, 3);
    sysregistry_add_finder(r, find_family, &asked);
    assert_ptr_equal(sysregistry_function(r, STR_LIT("SYS"), STR_LIT("FN_One")), &functions[0]);
    assert_null(sysregistry_function(r, (Str){0}, STR_LIT("fn_one")));
    assert_ptr_equal(sysregistry_function(r, (Str){0}, STR_LIT("fn_bare")), &functions[1]);

    const SysTable *view = sysregistry_table(r, NULL, 5, STR_LIT("sys"), STR_LIT("Things"), false, &a);
    const SysTable *function = sysregistry_table(r, NULL, 5, STR_LIT("sys"), STR_LIT("things"), true, &a);
    assert_non_null(view);
    assert_ptr_not_equal(view, function);
    assert_true(view->object_id < 0 && view->object_id != function->object_id);
    assert_false(str_eq(systable_sqlite_name(view, &a), systable_sqlite_name(function, &a)));
    assert_null(sysregistry_table(r, NULL, 5, STR_LIT("dbo"), STR_LIT("jobs"), false, &a));
    assert_non_null(sysregistry_table(r, NULL, 4, STR_LIT("dbo"), STR_LIT("jobs"), false, &a));

    assert_int_equal(
        sysregistry_table(r, NULL, 9, STR_LIT("cdc"), STR_LIT("fn_all_x"), true, &a)->database_id, 9);
    assert_null(sysregistry_table(r, NULL, 9, STR_LIT("cdc"), STR_LIT("fn_all_x"), false, &a));
    assert_int_equal(asked, 1);
    arena_done(&a);
    r = sysregistry_free(r);
    assert_null(r);
}

static void a_walk_meets_everything_registered(void **state) {
    (void)state;
    SysRegistry *r = sysregistry_new();
    sysregistry_add_functions(r, functions, 2);
    sysregistry_add_tables(r, tables, 3);
    size_t at = 0, count = 0;
    while (sysregistry_next_function(r, &at)) count++;
    assert_int_equal(count, 2);
    for (at = 0, count = 0; sysregistry_next_table(r, &at);) count++;
    assert_int_equal(count, 3);
    r = sysregistry_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_resolve_by_schema_kind_and_database),
        cmocka_unit_test(a_walk_meets_everything_registered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
