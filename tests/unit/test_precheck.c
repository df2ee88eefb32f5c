#include "sqlserver/precheck.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

#include "fake_shop.h"

typedef struct Check {
    Options *options;
    SourceSettings settings;
    Odbc *odbc;
    Catalog catalog;
    TextList problems;
    Err e;
} Check;

static void check_begin(Check *c, const char *const (*pairs)[2], size_t count) {
    memset(c, 0, sizeof *c);
    c->options = shop_options(pairs, count);
    if (!source_settings(c->options, &c->settings, &c->e) ||
        !precheck_connect(&c->settings.target, &c->odbc, &c->e) ||
        !catalog_load(&c->catalog, c->odbc, &c->settings.filter, &c->e))
        fail_msg("%s", c->e.msg);
}

static bool check_start(Check *c, bool is_running) {
    StoredState stored = {.has_position = is_running};
    return precheck_start(&c->catalog, c->odbc, &c->settings, &stored, &c->e);
}

static void check_end(Check *c) {
    catalog_done(&c->catalog);
    odbc_close(c->odbc);
    source_settings_done(&c->settings);
    textlist_done(&c->problems);
    options_free(c->options);
}

static void a_database_that_is_set_up_passes(void **state) {
    (void)state;
    Check c;
    shop_rules();
    check_begin(&c, NULL, 0);
    assert_true(precheck_database(&c.catalog, &c.e));
    assert_true(check_start(&c, false));
    assert_int_equal(c.catalog.instance_count, 1);
    assert_true(c.catalog.instances[0].has_command);
    assert_int_equal(c.catalog.instances[0].schema->key_count, 1);
    check_end(&c);
}

static void cdc_off_has_its_cure(void **state) {
    (void)state;
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "FROM sys.databases d", .results = {"tbbi\nShop|0|0|3\n"}});
    check_begin(&c, NULL, 0);
    assert_false(precheck_database(&c.catalog, &c.e));
    assert_non_null(strstr(c.e.msg, "EXEC sys.sp_cdc_enable_db"));
    memset(&c.e, 0, sizeof c.e);
    assert_false(check_start(&c, false)); /* and nothing of cdc is asked for */
    assert_non_null(strstr(c.e.msg, "EXEC sys.sp_cdc_enable_db"));
    check_end(&c);
}

static void a_listed_table_that_is_not_captured_has_its_statement(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"table.include.list", "dbo\\..*"}};
    Check c;
    shop_rules();
    check_begin(&c, pairs, 1);
    assert_false(check_start(&c, false));
    assert_non_null(strstr(c.e.msg, "@source_name = N'U'"));
    assert_false(c.e.retriable);
    check_end(&c);
}

static void a_list_that_matches_nothing_says_so(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"table.include.list", "T"}};
    Check c;
    shop_rules();
    check_begin(&c, pairs, 1);
    assert_false(check_start(&c, false));
    assert_non_null(strstr(c.e.msg, "table.include.list"));
    check_end(&c);
}

static void a_missing_grant_is_the_statement_to_run(void **state) {
    (void)state;
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "SELECT TOP (0) * FROM [dbo].[T]", .native = 229});
    check_begin(&c, NULL, 0);
    assert_false(check_start(&c, false));
    assert_non_null(strstr(c.e.msg, "GRANT SELECT ON [dbo].[T] TO [reader]"));
    check_end(&c);
    shop_rules();
    fake_rule((FakeRule){.match = "SELECT TOP (0) * FROM [cdc].[dbo_T_CT]", .native = 229});
    check_begin(&c, NULL, 0);
    assert_false(check_start(&c, false));
    assert_non_null(strstr(c.e.msg, "GRANT SELECT ON SCHEMA::[cdc] TO [reader]"));
    check_end(&c);
}

static void a_connection_that_is_lost_while_it_checks_is_tried_again(void **state) {
    (void)state;
    static const char *const statements[] = {"SELECT TOP (0) * FROM [dbo].[T]",
                                             "SELECT TOP (0) * FROM [cdc].[dbo_T_CT]"};
    for (size_t i = 0; i < 2; i++) {
        Check c;
        shop_rules();
        fake_rule((FakeRule){.match = statements[i], .native = 20004, .state = "08S01"});
        check_begin(&c, NULL, 0);
        assert_false(check_start(&c, false));
        assert_true(c.e.retriable);
        check_end(&c);
    }
}

static void a_stopped_agent_stops_a_first_run_and_is_waited_for_later(void **state) {
    (void)state;
    for (int is_running = 0; is_running < 2; is_running++) {
        Check c;
        shop_rules();
        fake_rule((FakeRule){.match = "dm_server_services", .results = {"i\n0\n"}});
        check_begin(&c, NULL, 0);
        assert_false(check_start(&c, is_running));
        assert_non_null(strstr(c.e.msg, "Agent"));
        assert_int_equal(c.e.retriable, is_running);
        check_end(&c);
    }
}

static void an_agent_that_cannot_be_asked_for_is_taken_to_run(void **state) {
    (void)state;
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "dm_server_services", .native = 300});
    check_begin(&c, NULL, 0);
    assert_true(check_start(&c, false));
    check_end(&c);
}

static void the_agents_query_gets_the_database(void **state) {
    (void)state;
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "FROM [Shop].dbo.agent", .results = {"i\n0\n"}});
    check_begin(&c, NULL, 0);
    assert_false(precheck_agent_runs(&c.catalog, c.odbc, "SELECT x FROM [#db].dbo.agent"));
    check_end(&c);
}

static void snapshot_isolation_that_is_asked_for_has_to_be_allowed(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"snapshot.isolation.mode", "snapshot"}};
    Check c;
    shop_rules();
    check_begin(&c, pairs, 1);
    assert_false(check_start(&c, false));
    assert_non_null(strstr(c.e.msg, "ALTER DATABASE [Shop] SET ALLOW_SNAPSHOT_ISOLATION ON"));
    check_end(&c);
}

static void a_new_table_is_looked_at_alone(void **state) {
    (void)state;
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "dm_server_services", .results = {"i\n0\n"}});
    fake_rule((FakeRule){.match = "SELECT TOP (0) * FROM [dbo].[T]", .native = 229});
    check_begin(&c, NULL, 0);
    assert_true(precheck_new_table(&c.catalog, 1, c.odbc, &c.settings, &c.problems));
    assert_false(precheck_new_table(&c.catalog, 0, c.odbc, &c.settings, &c.problems));
    assert_int_equal(c.problems.count, 1);
    assert_non_null(strstr(c.problems.items[0], "GRANT SELECT ON [dbo].[T] TO [reader]"));
    check_end(&c);
}

static void a_new_table_of_another_code_page_is_not_taken(void **state) {
    (void)state;
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns",
                         .results = {"iititiiiibbbt\n100|1|Id|1|varchar|10|0|0|1|0|1|0|varchar\n"}});
    fake_rule((FakeRule){.match = "N'CodePage'", .results = {"iitt\n10|1|Id|Polish_CI_AS\n"}});
    check_begin(&c, NULL, 0);
    assert_false(precheck_new_table(&c.catalog, 0, c.odbc, &c.settings, &c.problems));
    assert_non_null(strstr(c.problems.items[0], "key column Id: its collation Polish_CI_AS"));
    check_end(&c);
}

static void begins(void *arg, const char *name) {
    size_t *n = arg;
    assert_true(name[0] != '\0');
    ++*n;
}

static void every_check_says_something_under_its_own_name(void **state) {
    (void)state;
    Check c;
    shop_rules();
    shop_reading_rules();
    check_begin(&c, NULL, 0);
    CLEANUP(arena_done) Arena arena = {0};
    StoredState stored = {0};
    const Precheck p = {
        .catalog = &c.catalog, .odbc = c.odbc, .settings = &c.settings, .stored = &stored, .arena = &arena};
    Findings found = {0};
    size_t begun = 0;
    precheck_all(&p, begins, &begun, &found);
    const char *names[64];
    size_t count = precheck_names(names, 64);
    assert_true(count >= 25);
    assert_int_equal(begun, count - 1); /* source-login is the connection's */
    for (size_t i = 1; i < count; i++) {
        bool is_said = false;
        for (size_t k = 0; k < found.count; k++) is_said |= found.items[k].check == names[i];
        if (!is_said) fail_msg("%s", names[i]);
        for (size_t k = 0; k < i; k++) assert_string_not_equal(names[k], names[i]);
    }
    findings_done(&found);
    check_end(&c);
}

static void a_connection_is_a_finding_and_so_is_a_refused_one(void **state) {
    (void)state;
    Check c;
    shop_rules();
    check_begin(&c, NULL, 0);
    Findings found = {0};
    Odbc *odbc = NULL;
    assert_true(precheck_connect_found(&c.settings.target, &odbc, &found));
    odbc_close(odbc);
    fake.refuses = true;
    assert_false(precheck_connect_found(&c.settings.target, &odbc, &found));
    fake.refuses = false;
    assert_int_equal(found.count, 2);
    assert_string_equal(found.items[1].check, "source-login");
    assert_int_equal(found.items[1].level, FINDING_ERROR);
    findings_done(&found);
    check_end(&c);
}

static void all_problems_are_told_at_once(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"table.include.list", "dbo\\..*"}};
    Check c;
    shop_rules();
    fake_rule((FakeRule){.match = "dm_server_services", .results = {"i\n0\n"}});
    check_begin(&c, pairs, 1);
    assert_false(check_start(&c, false));
    assert_non_null(strstr(c.e.msg, "(and 1 more)"));
    check_end(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_that_is_set_up_passes),
        cmocka_unit_test(cdc_off_has_its_cure),
        cmocka_unit_test(a_listed_table_that_is_not_captured_has_its_statement),
        cmocka_unit_test(a_list_that_matches_nothing_says_so),
        cmocka_unit_test(a_missing_grant_is_the_statement_to_run),
        cmocka_unit_test(a_connection_that_is_lost_while_it_checks_is_tried_again),
        cmocka_unit_test(a_stopped_agent_stops_a_first_run_and_is_waited_for_later),
        cmocka_unit_test(an_agent_that_cannot_be_asked_for_is_taken_to_run),
        cmocka_unit_test(the_agents_query_gets_the_database),
        cmocka_unit_test(snapshot_isolation_that_is_asked_for_has_to_be_allowed),
        cmocka_unit_test(a_new_table_is_looked_at_alone),
        cmocka_unit_test(a_new_table_of_another_code_page_is_not_taken),
        cmocka_unit_test(every_check_says_something_under_its_own_name),
        cmocka_unit_test(a_connection_is_a_finding_and_so_is_a_refused_one),
        cmocka_unit_test(all_problems_are_told_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
