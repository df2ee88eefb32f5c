/* Jobs that run by themselves: the agent with a short polling interval, beside sessions that write. */
#include "engine_sa.h"

#include <pthread.h>

enum { INTERVAL_MS = 20, WRITERS = 3, TRANSACTIONS = 150 };

static int open_database(void **state) {
    (void)sa_open(state, INTERVAL_MS);
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL PRIMARY KEY, name nvarchar(40))");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL");
    return 0;
}

static void *write_transactions(void *arg) {
    int writer = *(int *)arg;
    Client *c = client_open(&engine, "shop");
    for (int i = 0; i < TRANSACTIONS; i++) {
        CLEANUP_FREE char *sql =
            x_asprintf("BEGIN TRAN; INSERT INTO dbo.item VALUES(%d, N'a'); UPDATE dbo.item SET name = "
                       "N'b' WHERE id = %d; COMMIT",
                       writer * 100000 + i, writer * 100000 + i);
        run(c, sql);
    }
    client_close(c);
    return NULL;
}

static void changes_of_many_writers_are_captured_once_each_in_commit_order(void **state) {
    (void)state;
    pthread_t threads[WRITERS];
    int numbers[WRITERS];
    for (int i = 0; i < WRITERS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_transactions, &numbers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++) (void)pthread_join(threads[i], NULL);
    await_answer(sa,
                 "SELECT COUNT(*), COUNT(DISTINCT [__$start_lsn]), COUNT(DISTINCT id) FROM cdc.dbo_item_CT",
                 "1350|450|450\n");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00", "450\n");
    assert_answer(
        sa,
        "SELECT COUNT(*) FROM (SELECT [__$start_lsn] AS l, COUNT(*) AS n, MIN([__$operation]) AS o FROM "
        "cdc.dbo_item_CT GROUP BY [__$start_lsn]) AS x WHERE n <> 3 OR o <> 2",
        "0\n");
}

static void a_stopped_job_leaves_the_changes_in_the_log(void **state) {
    (void)state;
    await_answer(sa, "SELECT COUNT(*) FROM cdc.change_tables WHERE start_lsn IS NOT NULL", "1\n");
    run(sa, "EXEC sys.sp_cdc_stop_job");
    assert_non_null(
        strstr(ask(sa, "EXEC sys.sp_cdc_stop_job"), "ERROR 22022: SQLServerAgent Error: Request to stop"));
    run(sa, "EXEC standin.agent_stop; EXEC standin.agent_start; EXEC sys.sp_cdc_stop_job");
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a')");
    clock_sleep_ms(5 * INTERVAL_MS);
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "0\n");
    assert_answer(sa, "SELECT log_reuse_wait_desc FROM sys.databases WHERE name = N'shop'", "REPLICATION\n");
    run(sa, "EXEC sys.sp_cdc_start_job");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
}

static void a_stopped_agent_shows_and_captures_nothing(void **state) {
    (void)state;
    run(sa, "EXEC standin.agent_stop; INSERT INTO dbo.item VALUES(1, N'a')");
    clock_sleep_ms(5 * INTERVAL_MS);
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "0\n");
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_start_job"), "ERROR 22022:"));
    run(sa, "EXEC standin.agent_start");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
}

static void an_idle_log_gets_entries_without_changes(void **state) {
    (void)state;
    await_answer(
        sa, "SELECT CASE WHEN COUNT(*) > 2 THEN 1 ELSE 0 END FROM cdc.lsn_time_mapping WHERE tran_id = 0x00",
        "1\n");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00", "0\n");
}

static void the_cleanup_job_deletes_what_is_older_than_the_retention(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a')");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
    run(sa, "EXEC standin.agent_stop");
    /* Two days back: the clock can't be moved, the mapping can. */
    run(sa, "UPDATE cdc.lsn_time_mapping SET tran_end_time = DATEADD(day, -2, tran_end_time)");
    run(sa, "EXEC standin.agent_start; INSERT INTO dbo.item VALUES(2, N'b')");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "2\n");
    run(sa, "EXEC sys.sp_cdc_change_job N'cleanup', @retention = 60");
    clock_sleep_ms(3 * INTERVAL_MS);
    run(sa, "EXEC sys.sp_cdc_start_job N'cleanup'");
    await_answer(
        sa,
        "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_end_time < DATEADD(day, -1, GETDATE()) AND "
        "start_lsn < (SELECT start_lsn FROM cdc.change_tables)",
        "0\n");
}

static void two_databases_are_captured_each_by_its_own_job(void **state) {
    (void)state;
    run(sa, "CREATE DATABASE other");
    run(sa, "USE other");
    run(sa, "EXEC sys.sp_cdc_enable_db; CREATE TABLE dbo.thing(id int NOT NULL PRIMARY KEY)");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'thing', @role_name = NULL");
    run(sa, "INSERT INTO dbo.thing VALUES(1); INSERT INTO shop.dbo.item VALUES(7, N'a')");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_thing_CT", "1\n");
    await_answer(sa, "SELECT COUNT(*) FROM shop.cdc.dbo_item_CT", "1\n");
    run(sa, "BEGIN TRAN; INSERT INTO dbo.thing VALUES(2); INSERT INTO shop.dbo.item VALUES(8, N'a'); COMMIT");
    await_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_thing_CT", "2\n");
    await_answer(sa, "SELECT COUNT(*) FROM shop.cdc.dbo_item_CT", "2\n");
}

#define ON_ITEMS(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ITEMS(changes_of_many_writers_are_captured_once_each_in_commit_order),
        ON_ITEMS(a_stopped_job_leaves_the_changes_in_the_log),
        ON_ITEMS(a_stopped_agent_shows_and_captures_nothing),
        ON_ITEMS(an_idle_log_gets_entries_without_changes),
        ON_ITEMS(the_cleanup_job_deletes_what_is_older_than_the_retention),
        ON_ITEMS(two_databases_are_captured_each_by_its_own_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
