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
    static const char *const calls[] = {"EXEC standin.agent_stop", "EXEC standin.agent_start",
                                        "EXEC standin.capture_lag 5", "EXEC standin.cleanup_to 0x01"};
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        assert_non_null(strstr(ask(plain, calls[i]), "ERROR 22902:"));
    client_close(plain);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(cleanup_goes_past_a_client_in_all_instances),
        IN_CAPTURED_SHOP(faults_are_for_sysadmin_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
