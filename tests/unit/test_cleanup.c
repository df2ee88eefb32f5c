#include "shop.h"
#include "standin/capture/cleanup.h"

/* Three transactions, each captured. */
static void capture_three(void) {
    run(sa, "INSERT INTO dbo.item(id) VALUES(1); EXEC sys.sp_cdc_scan; WAITFOR DELAY '00:00:00.010'");
    run(sa, "INSERT INTO dbo.item(id) VALUES(2); EXEC sys.sp_cdc_scan; WAITFOR DELAY '00:00:00.010'");
    run(sa, "INSERT INTO dbo.item(id) VALUES(3); EXEC sys.sp_cdc_scan");
}

static void the_low_end_is_never_lowered(void **state) {
    (void)state;
    capture_three();
    run(sa, "DECLARE @m binary(10) = (SELECT [__$start_lsn] FROM cdc.dbo_item_CT WHERE id = 3); EXEC "
            "sys.sp_cdc_cleanup_change_table N'dbo_item', @m");
    run(sa, "DECLARE @m binary(10) = (SELECT MIN(start_lsn) FROM cdc.lsn_time_mapping); EXEC "
            "sys.sp_cdc_cleanup_change_table N'dbo_item', @m, 1");
    assert_answer(sa,
                  "SELECT id FROM cdc.dbo_item_CT WHERE [__$start_lsn] = sys.fn_cdc_get_min_lsn('dbo_item')",
                  "3\n");
}

static void without_a_mark_rows_below_the_low_end_go(void **state) {
    (void)state;
    capture_three();
    run(sa,
        "UPDATE cdc.change_tables SET start_lsn = (SELECT [__$start_lsn] FROM cdc.dbo_item_CT WHERE id = 2)");
    run(sa, "EXEC sys.sp_cdc_cleanup_change_table N'dbo_item', NULL");
    assert_answer(sa, "SELECT id FROM cdc.dbo_item_CT ORDER BY id", "2\n3\n");
}

static void transactions_of_one_moment_stay_together(void **state) {
    (void)state;
    capture_three();
    run(sa, "UPDATE cdc.lsn_time_mapping SET tran_end_time = '2026-01-01' WHERE tran_id <> 0x00");
    run(sa, "DECLARE @m binary(10) = (SELECT [__$start_lsn] FROM cdc.dbo_item_CT WHERE id = 3); EXEC "
            "sys.sp_cdc_cleanup_change_table N'dbo_item', @m");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "3\n");
}

static void the_retention_counts_back_from_the_newest_entry(void **state) {
    (void)state;
    SqlError e = {0};
    capture_three();
    run(sa, "UPDATE cdc.lsn_time_mapping SET tran_end_time = DATEADD(hour, -3, tran_end_time) WHERE "
            "start_lsn <= (SELECT "
            "[__$start_lsn] FROM cdc.dbo_item_CT WHERE id = 2)");
    int32_t id = session_current_database(sa->session)->id;
    assert_true(cleanup_database(sa->session, id, 240, 100, &e));
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "3\n");
    assert_true(cleanup_database(sa->session, id, 120, 100, &e));
    assert_answer(sa, "SELECT id FROM cdc.dbo_item_CT ORDER BY id", "2\n3\n");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.lsn_time_mapping", "2\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(the_low_end_is_never_lowered),
        IN_CAPTURED_SHOP(without_a_mark_rows_below_the_low_end_go),
        IN_CAPTURED_SHOP(transactions_of_one_moment_stay_together),
        IN_CAPTURED_SHOP(the_retention_counts_back_from_the_newest_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
