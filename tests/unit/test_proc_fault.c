#include "shop.h"
#include "standin/cdc/proc_fault.h"

static void cleanup_goes_past_a_client_in_all_instances(void **state) {
    (void)state;
    run(sa,
        "INSERT INTO dbo.item(id) VALUES(1); EXEC sys.sp_cdc_scan; INSERT INTO dbo.item(id) VALUES(2); EXEC "
        "sys.sp_cdc_scan");
    run(sa, "DECLARE @m binary(10) = sys.fn_cdc_get_max_lsn(); EXEC standin.cleanup_to @m");
    assert_answer(sa, "SELECT id FROM cdc.dbo_item_CT", "2\n");
    assert_answer(
        sa,
        "SELECT COUNT(*), CASE WHEN MIN(start_lsn) = sys.fn_cdc_get_min_lsn('dbo_item') THEN 1 END FROM "
        "cdc.lsn_time_mapping",
        "1|1\n");
}

static void faults_are_for_sysadmin_alone(void **state) {
    (void)state;
    run(sa, "CREATE LOGIN plain WITH PASSWORD = 'p'; CREATE USER plain FOR LOGIN plain");
    Client *plain = client_open_as(&engine, "plain", "p", "shop");
    static const char *const calls[] = {"EXEC standin.agent_stop",    "EXEC standin.agent_start",
                                        "EXEC standin.capture_lag 5", "EXEC standin.cleanup_to 0x01",
                                        "EXEC standin.delay 5",       "EXEC standin.cut 5",
                                        "EXEC standin.half_open",     "EXEC standin.fail 5",
                                        "EXEC standin.failover",      "EXEC standin.end_faults"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_non_null(strstr(ask(plain, calls[i]), "ERROR 22902:"));
    client_close(plain);
}

static void statements_fail_as_was_asked(void **state) {
    (void)state;
    Client *other = client_open_as(&engine, "sa", "", "shop");
    run(sa, "EXEC standin.fail 1205, 13, 45, @statement_like = 'insert%', @message = N'Deadlocked.'");
    assert_answer(other, "SELECT 1", "1\n");
    run(other, "BEGIN TRAN");
    assert_non_null(strstr(ask(other, "INSERT dbo.item(id) VALUES (7)"), "ERROR 1205: Deadlocked."));
    assert_answer(other, "SELECT @@TRANCOUNT", "0\n"); /* a deadlock's victim loses its transaction */
    run(other, "INSERT dbo.item(id) VALUES (8)");
    run(sa, "EXEC standin.fail 50001, @times = 0");
    assert_answer(sa, "SELECT 1", "1\n");
    assert_non_null(strstr(ask(other, "SELECT 1"), "ERROR 50001:"));
    assert_non_null(strstr(ask(other, "SELECT 1"), "ERROR 50001:"));
    run(sa, "EXEC standin.end_faults");
    assert_answer(other, "SELECT 1", "1\n");
    client_close(other);
}

static void after_a_failover_databases_are_closed_then_read_only_for_a_while(void **state) {
    (void)state;
    run(sa, "EXEC standin.failover @read_only_ms = 3600000");
    assert_answer(sa, "SELECT COUNT(*) FROM dbo.item", "0\n");
    assert_non_null(strstr(ask(sa, "INSERT dbo.item(id) VALUES (7)"), "ERROR 3906:"));
    assert_non_null(strstr(ask(sa, "UPDATE dbo.item SET id = 2"), "ERROR 3906:"));
    assert_non_null(strstr(ask(sa, "CREATE TABLE dbo.t (a int)"), "ERROR 3906:"));
    assert_answer(sa, "CREATE TABLE #t (a int) INSERT #t VALUES (1) SELECT a FROM #t", "1\n");
    run(sa, "EXEC standin.failover @unavailable_ms = 3600000");
    assert_non_null(strstr(ask(sa, "USE shop"), "ERROR 983:"));
    run(sa, "EXEC standin.end_faults USE shop INSERT dbo.item(id) VALUES (7)");
}

static void arguments_out_of_range_are_refused(void **state) {
    (void)state;
    static const char *const calls[] = {
        "EXEC standin.delay -1",           "EXEC standin.cut",
        "EXEC standin.cut 1, 1",           "EXEC standin.fail 0",
        "EXEC standin.fail 1, 10",         "EXEC standin.fail 1, 16, 256",
        "EXEC standin.failover -1",        "EXEC standin.failover 1, -1",
        "EXEC standin.cut 1, @times = -1",
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_non_null(strstr(ask(sa, calls[i]), "ERROR 15600:"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(cleanup_goes_past_a_client_in_all_instances),
        IN_CAPTURED_SHOP(faults_are_for_sysadmin_alone),
        IN_CAPTURED_SHOP(statements_fail_as_was_asked),
        IN_CAPTURED_SHOP(after_a_failover_databases_are_closed_then_read_only_for_a_while),
        IN_CAPTURED_SHOP(arguments_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
