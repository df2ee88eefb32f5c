#include "shop.h"
#include "standin/cdc/cdc.h"

static void the_module_starts_and_stops_with_the_server(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        Engine en = engine_start(10);
        Client *c = client_open(&en, "master");
        assert_true(agent_is_running(cdc_of(c->session)->agent));
        client_close(c);
        engine_stop(&en);
    }
}

static void it_stops_while_jobs_have_work(void **state) {
    (void)state;
    run(sa, "EXEC standin.agent_start");
    for (int i = 0; i < 20; i++) {
        CLEANUP_FREE char *sql = x_asprintf("INSERT INTO dbo.item(id) VALUES(%d)", i);
        run(sa, sql);
    }
}

static void a_dropped_database_takes_its_jobs_and_its_past_along(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        run(sa, "CREATE DATABASE gone");
        run(sa, "USE gone; EXEC sys.sp_cdc_enable_db; CREATE TABLE t(id int PRIMARY KEY)");
        /* Made anew each time, and with them the jobs. */
        assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N't', @role_name = NULL"),
                               "INFO SQLServerAgent is not currently running"));
        run(sa, "INSERT t VALUES(1); EXEC sys.sp_cdc_scan");
        assert_answer(sa, "SELECT tran_count FROM sys.dm_cdc_log_scan_sessions WHERE session_id = 0", "1\n");
        assert_answer(sa, "SELECT COUNT(*) FROM msdb.dbo.cdc_jobs WHERE database_id = DB_ID()", "2\n");
        run(sa, "USE shop; DROP DATABASE gone");
        assert_answer(sa, "SELECT COUNT(*) FROM msdb.dbo.cdc_jobs", "2\n"); /* shop's */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_module_starts_and_stops_with_the_server),
        IN_CAPTURED_SHOP(it_stops_while_jobs_have_work),
        IN_CAPTURED_SHOP(a_dropped_database_takes_its_jobs_and_its_past_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
