#include "sqlserver/check_server.h"

#include "check_rig.h"

static const char *found(const char *name) {
    return rig_found(check_server_defs(), name, NULL, NULL, 0);
}

static void an_edition_without_capture_is_an_error_and_an_old_version_a_warning(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "'ProductVersion'", .results = {"tti\n16.0.1|Developer Edition|3\n"}});
    FOUND_HAS(found("source-version"), "ok SQL Server 16.0.1, Developer Edition");
    fake_rule((FakeRule){.match = "'ProductVersion'", .results = {"tti\n16.0.1|Express Edition|4\n"}});
    FOUND_HAS(found("source-version"), "error Express Edition");
    fake_rule((FakeRule){.match = "'ProductVersion'", .results = {"tti\n11.0.1|Standard Edition|2\n"}});
    FOUND_HAS(found("source-version"), "warning SQL Server 11.0.1");
    fake_rule((FakeRule){.match = "'ProductVersion'", .results = {"tti\n12.0.1|SQL Azure|5\n"}});
    FOUND_HAS(found("source-version"), "ok SQL Server 12.0.1"); /* Azure's numbers are others */
}

static void an_unencrypted_connection_is_told(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "dm_exec_connections", .results = {"t\nFALSE\n"}});
    FOUND_HAS(found("source-driver"), "unencrypted | database.encrypt=true");
    fake_rule((FakeRule){.match = "dm_exec_connections", .results = {"t\nTRUE\n"}});
    FOUND_HAS(found("source-driver"), "ok ");
    FOUND_HAS(found("source-driver"), "in use");
    fake_rule((FakeRule){.match = "dm_exec_connections", .native = 300});
    FOUND_HAS(found("source-driver"), "asked for");
}

static void rights_that_lack_have_their_grants(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "HAS_PERMS_BY_NAME", .results = {"iitti\n0|0|reader|reader|0\n"}});
    FOUND_HAS(found("source-rights"), "note without VIEW SERVER STATE");
    FOUND_HAS(rig_text, "USE master; GRANT VIEW SERVER STATE TO [reader]");
    FOUND_HAS(rig_text, "GRANT VIEW DATABASE STATE TO [reader]");
    fake_rule((FakeRule){.match = "HAS_PERMS_BY_NAME", .results = {"iitti\n1|1|reader|reader|0\n"}});
    FOUND_HAS(found("source-rights"), "ok login reader");
    fake_rule((FakeRule){.match = "HAS_PERMS_BY_NAME", .results = {"iitti\n1|1|sa|dbo|1\n"}});
    FOUND_HAS(found("source-rights"), "sa is a sysadmin");
}

static void a_clock_that_is_off_is_a_warning(void **state) {
    (void)state;
    shop_rules();
    fake_rule(
        (FakeRule){.match = "SYSUTCDATETIME", .results = {"xss\n~|2001,1,1,12,0,0,0|2001,1,1,12,0,0,0\n"}});
    FOUND_HAS(found("source-clock"), "warning SQL Server's clock is ");
    FOUND_HAS(rig_text, "s behind this machine's");
    fake_rule((FakeRule){.match = "SYSUTCDATETIME", .native = 229});
    FOUND_HAS(found("source-clock"), "note unknown: ");
}

static void a_readable_secondary_is_told(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "Updateability", .results = {"ti\nREAD_ONLY|1\n"}});
    FOUND_HAS(found("source-primary"), "note a readable secondary");
    fake_rule((FakeRule){.match = "Updateability", .results = {"ti\nREAD_WRITE|1\n"}});
    FOUND_HAS(found("source-primary"), "listener");
    fake_rule((FakeRule){.match = "d.is_auto_close_on", .results = {"ittbt\n160|FULL|X_CI_AS|1|NOTHING\n"}});
    FOUND_HAS(found("source-database"), "| ALTER DATABASE [Shop] SET AUTO_CLOSE OFF");
}

static void snapshot_isolation_is_worth_a_note_and_an_error_where_it_was_asked_for(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"snapshot.isolation.mode", "snapshot"}};
    shop_rules();
    FOUND_HAS(found("snapshot-isolation"), "note ");
    FOUND_HAS(rig_found(check_server_defs(), "snapshot-isolation", NULL, pairs, 1),
              "error snapshot.isolation.mode=snapshot");
    FOUND_HAS(rig_text, "| ALTER DATABASE [Shop] SET ALLOW_SNAPSHOT_ISOLATION ON");
}

static void other_readers_are_told_by_their_programs_names(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "is_merge_published", .results = {"bbb\n1|0|0\n"}});
    fake_rule((FakeRule){.match = "dm_exec_sessions", .results = {"tti\nDebezium 3|etl1|2\n"}});
    FOUND_HAS(found("other-readers"), "published by transactional replication");
    FOUND_HAS(rig_text, "2 sessions of Debezium 3 from etl1");
    fake_rule((FakeRule){.match = "dm_exec_sessions", .native = 300});
    FOUND_HAS(found("other-readers"), "unknown: ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edition_without_capture_is_an_error_and_an_old_version_a_warning),
        cmocka_unit_test(an_unencrypted_connection_is_told),
        cmocka_unit_test(rights_that_lack_have_their_grants),
        cmocka_unit_test(a_clock_that_is_off_is_a_warning),
        cmocka_unit_test(a_readable_secondary_is_told),
        cmocka_unit_test(snapshot_isolation_is_worth_a_note_and_an_error_where_it_was_asked_for),
        cmocka_unit_test(other_readers_are_told_by_their_programs_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
