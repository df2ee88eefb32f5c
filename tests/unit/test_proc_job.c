#include "shop.h"

#include <pthread.h>

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
    assert_non_null(strstr(jobs, "|capture|cdc.shop_capture|7|3|0|0|0|0\n"));
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
}

static void a_job_that_runs_once_has_no_interval_and_an_interval_makes_it_run_on(void **state) {
    (void)state;
    static const char settings[] =
        "SELECT continuous, pollinginterval FROM msdb.dbo.cdc_jobs WHERE job_type = N'capture'";
    run(sa, "EXEC sys.sp_cdc_change_job @continuous = 0, @pollinginterval = 9");
    assert_answer(sa, settings, "0|0\n");
    run(sa, "EXEC sys.sp_cdc_change_job @pollinginterval = 9");
    assert_answer(sa, settings, "1|9\n");
}

static void what_the_other_job_has_is_refused(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_change_job N'capture', @retention = 5"), "ERROR 22995:"));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_change_job N'capture', @threshold = 5"), "ERROR 22995:"));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_change_job N'cleanup', @maxscans = 5"), "ERROR 22996:"));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_scan @continuous = 2"), "ERROR 22998:"));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_scan @pollinginterval = 2"), "ERROR 22999:"));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_add_job"), "ERROR 201:"));
}

static _Atomic bool has_had_enough;

static bool wants_to_stop(Out *o) {
    (void)o;
    return has_had_enough;
}

static void *scan_on(void *arg) {
    Client *c = arg;
    (void)session_batch(c->session, STR_LIT("EXEC sys.sp_cdc_scan @continuous = 1, @pollinginterval = 0"));
    return NULL;
}

static void a_continuous_scan_by_hand_goes_on_until_its_client_stops_it(void **state) {
    (void)state;
    pthread_t thread;
    Client *scanner = client_open(&engine, "shop");
    scanner->out.is_cancelled = wants_to_stop;
    has_had_enough = false;
    assert_int_equal(pthread_create(&thread, NULL, scan_on, scanner), 0);
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
    run(sa, "INSERT INTO dbo.item(id) VALUES(2)");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "2\n");
    has_had_enough = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
    client_close(scanner);
}

static void a_failed_procedure_returns_one(void **state) {
    (void)state;
    assert_non_null(strstr(
        ask(sa, "DECLARE @r int = 7; EXEC @r = sys.sp_cdc_change_job N'capture', @maxtrans = 0; SELECT @r"),
        "\n1\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(settings_are_added_changed_and_dropped),
        IN_CAPTURED_SHOP(a_scan_by_hand_keeps_to_its_limits),
        IN_CAPTURED_SHOP(a_job_that_runs_once_has_no_interval_and_an_interval_makes_it_run_on),
        IN_CAPTURED_SHOP(what_the_other_job_has_is_refused),
        IN_CAPTURED_SHOP(a_continuous_scan_by_hand_goes_on_until_its_client_stops_it),
        IN_CAPTURED_SHOP(a_failed_procedure_returns_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
