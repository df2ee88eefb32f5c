#include "shop.h"
#include "standin/system/proc_admin.h"

static void who_is_there_is_told(void **state) {
    (void)state;
    assert_answer(
        sa,
        "CREATE TABLE #w(spid int, ecid int, status nchar(30), login nchar(128), host nchar(128), blk "
        "char(5), "
        "db nvarchar(128), cmd nchar(26), request int); INSERT #w EXEC sp_who; SELECT RTRIM(login), db "
        "FROM #w WHERE spid = @@SPID",
        "sa|shop\n");
    run(sa, "EXEC sp_who2 'active'");
}

static void an_object_tells_its_rows_and_indexes(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int CONSTRAINT pk PRIMARY KEY, b int); CREATE UNIQUE INDEX ix ON dbo.t(b, "
            "a DESC); "
            "INSERT dbo.t VALUES (1, 1), (2, 2)");
    assert_answer(sa, "EXEC sp_spaceused 'dbo.t'", "t|2                   |0 KB|0 KB|0 KB|0 KB\n");
    assert_answer(sa, "EXEC sp_helpindex 'dbo.t'",
                  "ix|nonclustered, unique located on PRIMARY|b, a(-)\n"
                  "pk|clustered, unique, primary key located on PRIMARY|a\n");
    assert_answer(sa, "EXEC sp_spaceused 'dbo.no'",
                  "ERROR 15009: The object 'dbo.no' does not exist in database 'shop' or is invalid for this "
                  "operation.\n");
    assert_answer(
        sa, "EXEC sp_helpdb 'no'",
        "ERROR 15010: The database 'no' does not exist. Supply a valid database name. To see available "
        "databases, use sys.databases.\n");
}

static void jobs_are_started_and_stopped_by_name(void **state) {
    (void)state;
    run(sa, "EXEC standin.agent_start");
    await_answer(sa, "SELECT CAST(MAX(CAST(is_running AS int)) AS int) FROM msdb.dbo.spt_jobs", "1\n");
    run(sa, "EXEC sys.sp_cdc_stop_job");
    assert_answer(
        sa,
        "SELECT j.name, j.category_id, CASE WHEN a.stop_execution_date IS NULL THEN 0 ELSE 1 END FROM "
        "msdb.dbo.sysjobs AS j JOIN msdb.dbo.sysjobactivity AS a ON a.job_id = j.job_id WHERE j.name LIKE "
        "'%capture'",
        "cdc.shop_capture|13|1\n");
    assert_answer(sa, "EXEC msdb.dbo.sp_start_job N'cdc.shop_capture'",
                  "INFO Job 'cdc.shop_capture' started successfully.\n");
    assert_answer(sa, "EXEC msdb.dbo.sp_start_job N'nosuch'",
                  "ERROR 14262: The specified @job_name ('nosuch') does not exist.\n");
    assert_answer(sa, "EXEC msdb.dbo.sp_stop_job @job_name = N'cdc.shop_capture'",
                  "INFO Job 'cdc.shop_capture' stopped successfully.\n");
    assert_answer(sa, "EXEC xp_servicecontrol N'QueryState', N'SQLServerAGENT'", "Running.\n");
    run(sa, "EXEC standin.agent_stop");
    assert_answer(sa, "EXEC master.dbo.xp_servicecontrol N'QueryState', N'SQLServerAGENT'", "Stopped.\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(who_is_there_is_told),
        IN_SHOP(an_object_tells_its_rows_and_indexes),
        IN_CAPTURED_SHOP(jobs_are_started_and_stopped_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
