#include "shop.h"
#include "standin/cdc/view_cdc.h"

static void scans_are_listed_after_their_sum(void **state) {
    (void)state;
    run(sa,
        "INSERT INTO dbo.item(id) VALUES(1), (2); INSERT INTO dbo.item(id) VALUES(3); EXEC sys.sp_cdc_scan");
    run(sa, "EXEC sys.sp_cdc_scan; EXEC sys.sp_cdc_scan");
    assert_answer(sa,
                  "SELECT TOP (1) session_id, scan_phase, tran_count, command_count, error_count FROM "
                  "sys.dm_cdc_log_scan_sessions ORDER BY session_id",
                  "0|Aggregate|2|3|0\n");
    assert_answer(sa,
                  "SELECT tran_count, command_count, scan_phase, CASE WHEN start_lsn < last_commit_lsn AND "
                  "LEN(start_lsn) "
                  "= 22 THEN 1 END FROM sys.dm_cdc_log_scan_sessions WHERE session_id > 0 AND tran_count > 0",
                  "2|3|Done|1\n");
    assert_answer(
        sa,
        "SELECT empty_scan_count, start_lsn FROM sys.dm_cdc_log_scan_sessions WHERE session_id = (SELECT "
        "MAX(session_id) FROM sys.dm_cdc_log_scan_sessions)",
        "2|00000000:00000000:0000\n");
    assert_answer(sa, "SELECT COUNT(*) FROM master.sys.dm_cdc_log_scan_sessions WHERE tran_count > 0", "0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.dm_cdc_errors", "0\n");
}

static void the_agent_is_a_service(void **state) {
    (void)state;
    static const char query[] =
        "SELECT servicename, status, status_desc FROM sys.dm_server_services WHERE servicename LIKE "
        "N'SQL Server Agent (%'";
    assert_answer(sa, query, "SQL Server Agent (MSSQLSERVER)|1|Stopped\n");
    run(sa, "EXEC standin.agent_start");
    assert_answer(sa, query, "SQL Server Agent (MSSQLSERVER)|4|Running\n");
}

static void a_session_sees_itself(void **state) {
    (void)state;
    run(sa, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    assert_answer(
        sa,
        "SELECT login_name, transaction_isolation_level FROM sys.dm_exec_sessions WHERE session_id = @@SPID",
        "sa|3\n");
}

static void settings_are_listed(void **state) {
    (void)state;
    assert_answer(sa, "SELECT value_in_use FROM sys.configurations WHERE name = 'clr enabled'", "0\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(scans_are_listed_after_their_sum),
        IN_SHOP(the_agent_is_a_service),
        IN_SHOP(a_session_sees_itself),
        IN_SHOP(settings_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
