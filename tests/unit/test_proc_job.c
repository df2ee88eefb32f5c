#include "shop.h"
#include "standin/cdc/proc_job.h"

static void settings_are_added_changed_and_dropped(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_drop_job N'capture'");
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_change_job N'capture', @maxtrans = 5"), "ERROR 22997:"));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_start_job N'capture'"), "ERROR 22997:"));
    run(sa, "EXEC sys.sp_cdc_add_job N'capture', @maxtrans = 7, @pollinginterval = 2");
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_add_job N'capture'"), "ERROR 14261:"));
    run(sa, "EXEC sys.sp_cdc_change_job @job_type = N'capture', @maxscans = 3, @continuous = 0");
    const char *jobs = ask(sa, "EXEC sys.sp_cdc_help_jobs");
    assert_non_null(strstr(jobs, "|capture|cdc.shop_capture|7|3|0|2|0|0\n"));
    assert_non_null(strstr(jobs, "|cleanup|cdc.shop_cleanup|0|0|0|0|4320|5000\n"));
}

static void a_scan_by_hand_keeps_to_its_limits(void **state) {
    (void)state;
    for (int i = 0; i < 6; i++) {
        CLEANUP_FREE char *sql = x_asprintf("INSERT INTO dbo.item(id) VALUES(%d)", i);
        run(sa, sql);
    }
    run(sa, "EXEC sys.sp_cdc_scan @maxtrans = 2, @maxscans = 2");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "4\n");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "6\n");
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_scan @continuous = 1"), "ERROR 40510:"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(settings_are_added_changed_and_dropped),
        IN_CAPTURED_SHOP(a_scan_by_hand_keeps_to_its_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
