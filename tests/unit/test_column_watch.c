#include "sqlserver/column_watch.h"

#include <string.h>

#include "base/log.h"
#include "test.h"

#include "fake_shop.h"

typedef struct Rig {
    Odbc *odbc;
    Catalog catalog;
    CatalogFilter filter;
    SchemaPolicy *policy;
    ColumnWatch watch;
    Err e;
} Rig;

static Rig rig(SchemaChange change) {
    Rig r = {.watch = {0}};
    OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .database = "Shop", .user = "reader"};
    log_set_level(LOG_LEVEL_ERROR);
    shop_rules();
    fake_rule((FakeRule){.match = "SELECT so.object_id, so.name FROM sys.columns so WHERE so.is_computed",
                         .results = {"it\n10|Added\n10|Too\n99|Elsewhere\n"}});
    fake_rule((FakeRule){.match = "SELECT TOP (1) role_name", .results = {"ttbt\ncdc_reader|PK_T|1|~\n"}});
    fake_rule(
        (FakeRule){.match = "SELECT so.name FROM sys.columns so", .results = {"t\nId\nNa]me\nAdded\nToo\n"}});
    fake_rule((FakeRule){.match = "EXEC sys.sp_cdc_", .results = {""}});
    if (!odbc_connect(&target, &r.odbc, &r.e) || !catalog_load(&r.catalog, r.odbc, &r.filter, &r.e) ||
        !schema_policy_new(change, (Str){0}, &r.policy, &r.e))
        fail_msg("%s", r.e.msg);
    return r;
}

static bool look(Rig *r, bool makes) {
    ColumnWatchSpec spec = {
        .catalog = &r->catalog, .filter = &r->filter, .policy = r->policy, .makes_instances = makes};
    return column_watch_look(&r->watch, r->odbc, &spec, &r->e);
}

static void rig_done(Rig *r) {
    column_watch_done(&r->watch);
    schema_policy_free(r->policy);
    catalog_done(&r->catalog);
    odbc_close(r->odbc);
}

static const char MAKE[] =
    "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'T', @role_name = N'cdc_reader', "
    "@capture_instance = N'dbo_T_millrace2', @supports_net_changes = 1, @index_name = N'PK_T', "
    "@captured_column_list = N'[Id], [Na]]me], [Added], [Too]'";

static void by_policy_an_added_column_is_an_error_with_the_statement(void **state) {
    (void)state;
    Rig r = rig(SCHEMA_FAIL);
    assert_false(look(&r, false));
    assert_int_equal(r.e.code, ERR_INVALID);
    assert_non_null(strstr(r.e.msg, "dbo.T got columns that aren't captured"));
    assert_non_null(strstr(r.e.msg, "Added, Too"));
    rig_done(&r);
}

static void it_is_told_once_and_nothing_is_run(void **state) {
    (void)state;
    Rig r = rig(SCHEMA_EVOLVE);
    assert_true(look(&r, false));
    assert_true(look(&r, false));
    assert_int_equal(fake_logged("SELECT TOP (1) role_name"), 1);
    assert_int_equal(fake_logged("EXEC sys.sp_cdc_"), 0);
    rig_done(&r);
}

static void an_instance_is_made_like_the_one_that_is_there(void **state) {
    (void)state;
    Rig r = rig(SCHEMA_EVOLVE);
    assert_true(look(&r, true));
    assert_int_equal(fake_logged(MAKE), 1);
    rig_done(&r);
}

static void a_column_that_isnt_wanted_isnt_watched(void **state) {
    (void)state;
    Rig r = rig(SCHEMA_FAIL);
    RegexList *exclude = NULL;
    assert_true(regexlist_compile(STR_LIT("dbo.T.(Added|Too)"), &exclude, &r.e));
    r.filter.column_exclude = exclude;
    assert_true(look(&r, false));
    regexlist_free(exclude);
    rig_done(&r);
}

static void the_older_instance_is_dropped_once_it_is_behind(void **state) {
    (void)state;
    Rig r = rig(SCHEMA_EVOLVE);
    CatalogInstance pair[] = {{.object_id = 100, .name = STR_LIT("dbo_T")},
                              {.object_id = 200, .name = STR_LIT("dbo_T_millrace2")}};
    Catalog c = r.catalog;
    c.instances = pair;
    c.instance_count = 2;
    InstanceStart starts[] = {{100, {{[9] = 3}}}, {200, {{[9] = 7}}}};
    Reading reading = {.instances = starts, .instance_count = 2};
    column_watch_drop_old(&r.watch, r.odbc, &c, &reading, &(Lsn){{[9] = 6}});
    assert_int_equal(fake_logged("sp_cdc_disable_table"), 0);
    column_watch_drop_old(&r.watch, r.odbc, &c, &reading, &(Lsn){{[9] = 7}});
    assert_int_equal(
        fake_logged("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'T', "
                    "@capture_instance = N'dbo_T'"),
        1);
    pair[1].name = STR_LIT("by_hand"); /* its maker drops the other */
    column_watch_drop_old(&r.watch, r.odbc, &c, &reading, &(Lsn){{[9] = 9}});
    assert_int_equal(fake_logged("sp_cdc_disable_table"), 1);
    rig_done(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_policy_an_added_column_is_an_error_with_the_statement),
        cmocka_unit_test(it_is_told_once_and_nothing_is_run),
        cmocka_unit_test(an_instance_is_made_like_the_one_that_is_there),
        cmocka_unit_test(a_column_that_isnt_wanted_isnt_watched),
        cmocka_unit_test(the_older_instance_is_dropped_once_it_is_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
