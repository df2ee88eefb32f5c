#include "sqlserver/check_snapshot.h"

#include "check_rig.h"

static const char UPDATEABILITY[] = "Updateability";

static const char *found(const char *name, const char *const (*pairs)[2], size_t count) {
    return rig_found(check_snapshot_defs(), name, NULL, pairs, count);
}

static void a_statement_of_ones_own_has_to_give_all_columns(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"snapshot.select.statement.overrides", "dbo.T"},
        {"snapshot.select.statement.overrides.dbo.T", "SELECT * FROM dbo.T WHERE Id > 5"}};
    shop_rules();
    fake_rule((FakeRule){
        .match = "SELECT TOP (0) [Id], [Name] FROM (SELECT * FROM dbo.T WHERE Id > 5\n) AS [millrace]",
        .results = {"it\n"}});
    assert_string_equal(found("snapshot-selects", pairs, 2), "");
    fake_rule((FakeRule){.match = "AS [millrace]", .native = 207, .state = "42S22"});
    FOUND_HAS(found("snapshot-selects", pairs, 2), "error snapshot.select.statement.overrides.dbo.T: ");
}

static void a_keyless_table_is_not_copied_from_a_read_only_replica(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"database.applicationIntent", "ReadOnly"}};
    shop_rules();
    fake_rule((FakeRule){.match = UPDATEABILITY, .results = {"t\nREAD_ONLY\n"}});
    assert_string_equal(found("read-only-replica", NULL, 0), "");
    assert_string_equal(found("read-only-replica", pairs, 1), "");
    fake_rule((FakeRule){.match = "FROM sys.indexes", .results = {"ibbiibt\n"}});
    FOUND_HAS(found("read-only-replica", pairs, 1), "error table dbo.T has no key");
    fake_rule((FakeRule){.match = UPDATEABILITY, .results = {"t\nREAD_WRITE\n"}});
    FOUND_HAS(found("read-only-replica", pairs, 1), "note ");
}

static void a_heartbeat_that_writes_is_warned_about_on_a_replica(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"database.applicationIntent", "ReadOnly"},
                                           {"heartbeat.interval.ms", "1000"},
                                           {"heartbeat.action.query", "UPDATE x SET a = 1"}};
    shop_rules();
    fake_rule((FakeRule){.match = UPDATEABILITY, .results = {"t\nREAD_ONLY\n"}});
    FOUND_HAS(found("read-only-replica", pairs, 3), "warning heartbeat.action.query");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_statement_of_ones_own_has_to_give_all_columns),
        cmocka_unit_test(a_keyless_table_is_not_copied_from_a_read_only_replica),
        cmocka_unit_test(a_heartbeat_that_writes_is_warned_about_on_a_replica),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
