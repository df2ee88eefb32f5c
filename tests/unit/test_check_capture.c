#include "sqlserver/check_capture.h"

#include "check_rig.h"

static const char *found(const char *name, const StoredState *stored) {
    return rig_found(check_capture_defs(), name, stored, NULL, 0);
}

static void the_capture_jobs_ceiling_is_reckoned(void **state) {
    (void)state;
    shop_rules();
    fake_rule(
        (FakeRule){.match = "sp_cdc_help_jobs", .results = {"tttiiiqqq\nx|capture|c|500|10|1|5|0|0\n"}});
    FOUND_HAS(found("capture-job", NULL), "note the capture job takes at most 1000 transactions a second");
    FOUND_HAS(rig_text, "@pollinginterval = 1");
    fake_rule((FakeRule){.match = "SELECT COUNT(*) FROM cdc.lsn_time_mapping", .results = {"i\n360000\n"}});
    FOUND_HAS(found("capture-job", NULL), "warning ");
    FOUND_HAS(rig_text, "half of that is reached");
    fake_rule(
        (FakeRule){.match = "sp_cdc_help_jobs", .results = {"tttiiiqqq\nx|capture|c|500|10|1|0|0|0\n"}});
    FOUND_HAS(found("capture-job", NULL), "ok continuous");
    fake_rule(
        (FakeRule){.match = "sp_cdc_help_jobs", .results = {"tttiiiqqq\nx|capture|c|500|10|0|0|0|0\n"}});
    FOUND_HAS(found("capture-job", NULL), "warning the capture job isn't continuous");
}

static void a_job_that_is_not_there_or_may_not_be_seen_is_told_apart(void **state) {
    (void)state;
    shop_rules();
    fake_rule(
        (FakeRule){.match = "sp_cdc_help_jobs", .results = {"tttiiiqqq\nx|cleanup|c|0|0|0|0|4320|5000\n"}});
    FOUND_HAS(found("capture-job", NULL), "| EXEC sys.sp_cdc_add_job @job_type = N'capture'");
    fake_rule((FakeRule){.match = "sp_cdc_help_jobs", .native = 22904});
    fake_rule((FakeRule){.match = "FROM msdb.dbo.cdc_jobs", .results = {"tiiiqq\ncapture|500|10|1|1|0\n"}});
    FOUND_HAS(found("capture-job", NULL), "5000 transactions a second");
    fake_rule((FakeRule){.match = "FROM msdb.dbo.cdc_jobs", .native = 229});
    FOUND_HAS(found("capture-job", NULL), "note unknown: ");
    FOUND_HAS(rig_text, "GRANT SELECT ON [dbo].[cdc_jobs] TO [reader]");
}

static void scans_behind_and_errors_are_warnings(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "dm_cdc_log_scan_sessions", .results = {"iiiii\n90|5|50|2|3\n"}});
    FOUND_HAS(found("capture-latency", NULL), "warning the last scan with changes was 90 s behind");
    fake_rule((FakeRule){.match = "dm_cdc_log_scan_sessions", .results = {"iiiii\n1|5|50|2|3\n"}});
    FOUND_HAS(found("capture-latency", NULL), "ok ");
    fake_rule((FakeRule){.match = "dm_cdc_log_scan_sessions", .native = 262});
    FOUND_HAS(found("capture-latency", NULL), "| GRANT VIEW DATABASE STATE TO [reader]");
    fake_rule((FakeRule){.match = "dm_cdc_errors", .results = {"iiit\n"}});
    assert_string_equal(found("capture-errors", NULL), "");
    fake_rule((FakeRule){.match = "dm_cdc_errors", .results = {"iiit\n18805|4|2|The Log Reader stopped\n"}});
    FOUND_HAS(found("capture-errors", NULL),
              "warning 2 errors of the capture job; the last 4 minutes ago: 18805");
}

static void retention_is_held_against_the_stored_position(void **state) {
    (void)state;
    StoredState stored = {.has_position = true};
    shop_rules();
    fake_rule(
        (FakeRule){.match = "sp_cdc_help_jobs", .results = {"tttiiiqqq\nx|cleanup|c|0|0|0|0|100|5000\n"}});
    fake_rule((FakeRule){.match = "DATEDIFF(second, MIN(tran_end_time)", .results = {"i\n600\n"}});
    FOUND_HAS(found("retention", &stored), "ok changes are kept for 100 minutes");
    fake_rule((FakeRule){.match = "DATEDIFF(second, MIN(tran_end_time)", .results = {"i\n3600\n"}});
    FOUND_HAS(found("retention", &stored), "warning ");
    FOUND_HAS(rig_text,
              "60 %, more than half | EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = 240");
    fake_rule((FakeRule){.match = "DATEDIFF(second, MIN(tran_end_time)", .results = {"i\n5400\n"}});
    FOUND_HAS(found("retention", &stored), "90 %, what is needed is about to be deleted");
}

static void retention_is_held_against_the_copy_before_a_first_run(void **state) {
    (void)state;
    StoredState stored = {0};
    shop_rules();
    fake_rule(
        (FakeRule){.match = "sp_cdc_help_jobs", .results = {"tttiiiqqq\nx|cleanup|c|0|0|0|0|60|5000\n"}});
    FOUND_HAS(found("retention", &stored), "ok ");
    fake_rule((FakeRule){.match = "sys.partitions", .results = {"iqq\n10|72000000|8192\n"}});
    FOUND_HAS(found("retention", &stored), "warning ");
    FOUND_HAS(rig_text, "the copy takes");
}

static void what_cleanup_has_taken_is_the_plans_own_error(void **state) {
    (void)state;
    Lsn early = {{0, 0, 0, 0x2a, 0, 0, 0, 0, 0, 1}}, late = {{0, 0, 0, 0x2a, 0, 0, 0, 1, 0, 2}};
    StoredTable table = {.schema = "dbo", .table = "T", .is_done = true, .instance = 100};
    StoredState stored = {.has_position = true,
                          .position = position_end_of(&early),
                          .is_snapshot_done = true,
                          .tables = &table,
                          .table_count = 1};
    shop_rules();
    shop_reading_rules();
    FOUND_HAS(found("position", NULL), "note unknown");
    FOUND_HAS(found("position", &(StoredState){0}), "ok none is stored");
    FOUND_HAS(found("position", &stored), "error table dbo.T: the changes after LSN");
    stored.position = position_end_of(&late);
    FOUND_HAS(found("position", &stored), "ok stored at ");
    table.table = "left_out";
    static const char *const pairs[][2] = {{"table.include.list", "dbo.T"}};
    FOUND_HAS(rig_found(check_capture_defs(), "position", &stored, pairs, 1), "error ");
    FOUND_HAS(rig_text, "left_out");
}

static void an_agent_that_is_down_may_come_back_once_a_position_is_stored(void **state) {
    (void)state;
    shop_rules();
    FOUND_HAS(found("agent", NULL), "ok running");
    fake_rule((FakeRule){.match = "dm_server_services", .results = {"i\n0\n"}});
    FOUND_HAS(found("agent", NULL), "error SQL Server Agent isn't running");
    fake_rule((FakeRule){.match = "dm_server_services", .native = 300});
    FOUND_HAS(found("agent", NULL), "note unknown: ");
    FOUND_HAS(rig_text, "GRANT VIEW SERVER STATE TO [reader]");
    FOUND_HAS(found("cdc-database", NULL), "ok ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_capture_jobs_ceiling_is_reckoned),
        cmocka_unit_test(a_job_that_is_not_there_or_may_not_be_seen_is_told_apart),
        cmocka_unit_test(scans_behind_and_errors_are_warnings),
        cmocka_unit_test(retention_is_held_against_the_stored_position),
        cmocka_unit_test(retention_is_held_against_the_copy_before_a_first_run),
        cmocka_unit_test(what_cleanup_has_taken_is_the_plans_own_error),
        cmocka_unit_test(an_agent_that_is_down_may_come_back_once_a_position_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
