#include "shop.h"
#include "standin/system/view_agent.h"

static void there_are_no_jobs_before_a_database_has_them(void **state) {
    (void)state;
    assert_answer(sa, "SELECT name FROM msdb.dbo.sysjobs", "");
    assert_answer(sa, "SELECT job_id FROM msdb.dbo.sysjobactivity", "");
}

static void a_captured_database_has_two(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT j.name, c.name, t.database_name, t.command FROM msdb.dbo.sysjobs AS j JOIN "
        "msdb.dbo.syscategories AS c ON c.category_id = j.category_id JOIN msdb.dbo.sysjobsteps AS t ON "
        "t.job_id = j.job_id ORDER BY j.name",
        "cdc.shop_capture|REPL-LogReader|shop|sys.sp_MScdc_capture_job\n"
        "cdc.shop_cleanup|REPL-Checkup|shop|sys.sp_MScdc_cleanup_job\n");
    assert_answer(
        sa, "SELECT COUNT(*) FROM msdb.dbo.sysjobs AS j JOIN msdb.dbo.cdc_jobs AS c ON c.job_id = j.job_id",
        "2\n");
    assert_answer(sa, "SELECT COUNT(*) FROM msdb.dbo.sysjobhistory", "0\n");
    assert_answer(sa, "SELECT TOP 1 restore_history_id FROM msdb.dbo.restorehistory", "");
}

static void other_databases_have_no_such_tables(void **state) {
    (void)state;
    assert_answer(sa, "SELECT name FROM dbo.sysjobs", "ERROR 208: Invalid object name 'dbo.sysjobs'.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(there_are_no_jobs_before_a_database_has_them),
        IN_CAPTURED_SHOP(a_captured_database_has_two),
        IN_SHOP(other_databases_have_no_such_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
