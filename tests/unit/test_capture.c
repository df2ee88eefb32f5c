/* The log scan by whole-engine sessions: the row rules of change tables, the mapping, positions, idempotence.
 * Scans are made by hand (sys.sp_cdc_scan) with the agent stopped, so nothing here depends on time. */
#include "shop.h"

#include <pthread.h>

static int open_database(void **state) {
    (void)shop_open(state);
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL CONSTRAINT pk_item PRIMARY KEY, name nvarchar(40), price "
            "decimal(12,2), note varchar(max))");
    run(sa,
        "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'item', @role_name = NULL");
    run(sa, "EXEC sys.sp_cdc_scan");
    return 0;
}

static const char CHANGES[] =
    "EXEC sys.sp_cdc_scan; SELECT [__$operation], [__$update_mask], id, name, price, note, [__$command_id] "
    "FROM cdc.dbo_item_CT ORDER BY [__$start_lsn], [__$command_id], [__$seqval], [__$operation]";

static void inserts_and_deletes_have_all_bits_and_one_row(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a', 1.50, 'x'), (2, N'b', NULL, NULL)");
    run(sa, "DELETE dbo.item WHERE id = 2");
    assert_answer(sa, CHANGES,
                  "2|0x0F|1|a|1.50|x|1\n"
                  "2|0x0F|2|b|NULL|NULL|2\n"
                  "1|0x0F|2|b|NULL|NULL|1\n");
}

static void an_update_has_two_rows_with_the_changed_bits(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a', 1.50, 'x')");
    run(sa, "UPDATE dbo.item SET price = 2 WHERE id = 1");
    run(sa, "UPDATE dbo.item SET note = 'y', name = N'z' WHERE id = 1");
    assert_answer(sa, CHANGES,
                  "2|0x0F|1|a|1.50|x|1\n"
                  "3|0x04|1|a|1.50|NULL|1\n"
                  "4|0x04|1|a|2.00|x|1\n"
                  "3|0x0A|1|a|2.00|x|1\n"
                  "4|0x0A|1|z|2.00|y|1\n");
    assert_answer(
        sa,
        "SELECT COUNT(DISTINCT [__$seqval]), COUNT(DISTINCT [__$start_lsn]) FROM cdc.dbo_item_CT WHERE "
        "[__$operation] IN (3, 4)",
        "2|2\n");
}

static void a_key_change_is_a_delete_and_an_insert_of_one_position(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a', 1.50, 'x')");
    run(sa, "UPDATE dbo.item SET id = 7 WHERE id = 1");
    assert_answer(sa, CHANGES,
                  "2|0x0F|1|a|1.50|x|1\n"
                  "1|0x0F|1|a|1.50|x|1\n"
                  "2|0x0F|7|a|1.50|x|2\n");
    assert_answer(sa,
                  "SELECT COUNT(*) FROM cdc.dbo_item_CT a JOIN cdc.dbo_item_CT b ON a.[__$start_lsn] = "
                  "b.[__$start_lsn] AND a.[__$seqval] = b.[__$seqval] WHERE a.[__$operation] = 1 AND "
                  "b.[__$operation] = 2",
                  "1\n");
}

static void rows_of_a_transaction_share_its_commit_lsn_and_have_smaller_positions(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN; INSERT INTO dbo.item(id) VALUES(1); INSERT INTO dbo.item(id) VALUES(2); COMMIT");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa,
                  "SELECT COUNT(DISTINCT [__$start_lsn]), COUNT(DISTINCT [__$seqval]), "
                  "SUM(CASE WHEN [__$seqval] < [__$start_lsn] THEN 1 ELSE 0 END) FROM cdc.dbo_item_CT",
                  "1|2|2\n");
    assert_answer(
        sa,
        "SELECT COUNT(*) FROM cdc.lsn_time_mapping m JOIN cdc.dbo_item_CT c ON c.[__$start_lsn] = "
        "m.start_lsn "
        "WHERE m.tran_id <> 0x00 AND m.tran_begin_lsn < m.start_lsn AND m.tran_begin_time <= m.tran_end_time",
        "2\n");
}

static void what_was_rolled_back_leaves_no_trace(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN; INSERT INTO dbo.item(id) VALUES(1); ROLLBACK");
    assert_answer(sa, CHANGES, "");
}

static void a_second_scan_captures_nothing_twice(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    run(sa, "EXEC sys.sp_cdc_scan; EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
}

static void reopen(void) {
    client_close(sa);
    engine.server = server_close(engine.server);
    engine_open(&engine, 1000000);
    sa = client_open(&engine, "shop");
    run(sa, "EXEC standin.agent_stop");
}

static void positions_outlive_the_server(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    run(sa, "EXEC sys.sp_cdc_scan");
    run(sa, "INSERT INTO dbo.item(id) VALUES(2)");
    reopen();
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT id, [__$operation] FROM cdc.dbo_item_CT ORDER BY [__$start_lsn]", "1|2\n2|2\n");
}

static void the_beginning_of_an_instance_is_the_commit_of_its_enabling(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.later(id int NOT NULL PRIMARY KEY)");
    run(sa, "INSERT INTO dbo.later VALUES(1)");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'later', @role_name = NULL");
    assert_answer(sa, "SELECT sys.fn_cdc_get_min_lsn('dbo_later')", "0x00000000000000000000\n");
    run(sa, "INSERT INTO dbo.later VALUES(2)");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT id FROM cdc.dbo_later_CT", "2\n");
    assert_answer(
        sa,
        "SELECT COUNT(*) FROM cdc.change_tables c JOIN cdc.lsn_time_mapping m ON m.start_lsn = c.start_lsn "
        "WHERE c.capture_instance = 'dbo_later' AND sys.fn_cdc_get_min_lsn('dbo_later') = c.start_lsn",
        "1\n");
}

static void two_instances_get_each_change_under_their_own_command_number(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', N'second', @role_name = NULL, "
            "@captured_column_list = N'id, "
            "[price]'");
    run(sa, "BEGIN TRAN; INSERT INTO dbo.item VALUES(1, N'a', 1, NULL); UPDATE dbo.item SET price = 2; "
            "UPDATE dbo.item "
            "SET name = N'b'; COMMIT");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa,
                  "SELECT [__$operation], [__$update_mask], [__$command_id] FROM cdc.dbo_item_CT ORDER BY "
                  "[__$command_id], [__$operation]",
                  "2|0x0F|1\n3|0x04|3\n4|0x04|3\n3|0x02|5\n4|0x02|5\n");
    assert_answer(
        sa,
        "SELECT [__$operation], [__$update_mask], [__$command_id], price FROM cdc.second_CT ORDER BY "
        "[__$command_id], [__$operation]",
        "2|0x03|2|1.00\n3|0x02|4|1.00\n4|0x02|4|2.00\n");
    assert_answer(
        sa,
        "SELECT COUNT(*) FROM cdc.dbo_item_CT a JOIN cdc.second_CT b ON a.[__$start_lsn] = b.[__$start_lsn] "
        "AND a.[__$seqval] = b.[__$seqval] AND a.[__$operation] = b.[__$operation]",
        "3\n");
}

static void a_column_added_later_is_not_captured_but_recorded(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    run(sa, "ALTER TABLE dbo.item ADD extra int NULL");
    run(sa, "UPDATE dbo.item SET extra = 5");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
    assert_answer(
        sa, "SELECT required_column_update, ddl_command, DATEPART(second, ddl_time) FROM cdc.ddl_history",
        "0|ALTER TABLE dbo.item ADD extra int NULL|0\n");
}

static void a_schema_change_that_failed_is_not_recorded(void **state) {
    (void)state;
    run(sa, "INSERT item(id) VALUES (1)");
    assert_non_null(strstr(ask(sa, "ALTER TABLE item ALTER COLUMN name nvarchar(40) NOT NULL"), "ERROR 515"));
    assert_non_null(
        strstr(ask(sa, "BEGIN TRAN; ALTER TABLE item ALTER COLUMN name nvarchar(40) NOT NULL"), "ERROR 515"));
    run(sa, "IF @@TRANCOUNT > 0 COMMIT; INSERT item(id) VALUES (2); EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT ddl_command FROM cdc.ddl_history", "");
    assert_answer(sa, "SELECT id FROM cdc.dbo_item_CT", "1\n2\n");
}

static void a_dropped_column_is_null_from_then_on(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a', 1, 'x')");
    run(sa, "ALTER TABLE dbo.item DROP COLUMN name");
    run(sa, "UPDATE dbo.item SET price = 2");
    assert_answer(sa, CHANGES,
                  "2|0x0F|1|a|1.00|x|1\n"
                  "3|0x04|1|NULL|1.00|NULL|1\n"
                  "4|0x04|1|NULL|2.00|x|1\n");
}

static void an_altered_column_changes_the_change_table_when_the_scan_gets_there(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id, price) VALUES(1, 1.25)");
    run(sa, "ALTER TABLE dbo.item ALTER COLUMN price decimal(20,4)");
    run(sa, "INSERT INTO dbo.item(id, price) VALUES(2, 2.1234)");
    run(sa, "EXEC sys.sp_cdc_scan; EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT id, price FROM cdc.dbo_item_CT ORDER BY id", "1|1.2500\n2|2.1234\n");
    assert_answer(sa, "SELECT required_column_update FROM cdc.ddl_history", "1\n");
}

static void a_column_made_too_small_stops_capture_until_it_fits(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id, name) VALUES(1, N'a long name'); DELETE dbo.item");
    run(sa, "ALTER TABLE dbo.item ALTER COLUMN name nvarchar(3)");
    run(sa, "INSERT INTO dbo.item(id, name) VALUES(2, N'abc')");
    for (int i = 0; i < 3; i++) assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_scan"), "ERROR 2628:"));
    assert_answer(sa, "SELECT id, [__$operation] FROM cdc.dbo_item_CT ORDER BY [__$start_lsn]", "1|2\n1|1\n");
    assert_answer(
        sa,
        "SELECT error_number, phase_number, session_id - (SELECT MIN(session_id) FROM sys.dm_cdc_errors) "
        "FROM sys.dm_cdc_errors",
        "2628|6|0\n22976|6|0\n22860|6|0\n22859|6|0\n"
        "2628|6|1\n22976|6|1\n22860|6|1\n22859|6|1\n"
        "2628|6|2\n22976|6|2\n22860|6|2\n22859|6|2\n");
    assert_answer(
        sa,
        "SELECT COUNT(*) FROM sys.dm_cdc_errors WHERE error_number = 22976 AND error_message LIKE 'Could "
        "not alter column ''name'' of change table ''dbo_item_CT'' in response to%source table "
        "''item''%'",
        "3\n");
    assert_answer(sa,
                  "SELECT TOP (1) scan_phase, error_count, failed_sessions_count FROM "
                  "sys.dm_cdc_log_scan_sessions ORDER BY session_id DESC",
                  "Schema versioning|1|1\n");
    run(sa, "DELETE cdc.dbo_item_CT");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT id, name FROM cdc.dbo_item_CT", "2|abc\n");
    assert_answer(sa, "SELECT COL_LENGTH('cdc.dbo_item_CT', 'name')", "6\n");
}

static void each_instance_is_told_whether_a_change_of_type_is_its_own(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', N'second', @role_name = NULL, "
            "@captured_column_list = N'id, name'");
    run(sa,
        "BEGIN TRAN; ALTER TABLE dbo.item ALTER COLUMN price decimal(14,2); ALTER TABLE dbo.item ADD x int; "
        "ALTER TABLE dbo.item ALTER COLUMN price decimal(16,2); COMMIT");
    run(sa, "EXEC sys.sp_cdc_scan; EXEC sys.sp_cdc_scan");
    assert_answer(
        sa,
        "SELECT OBJECT_NAME(object_id), required_column_update, ddl_command FROM cdc.ddl_history ORDER "
        "BY 1, ddl_lsn",
        "dbo_item_CT|1|ALTER TABLE dbo.item ALTER COLUMN price decimal(14,2)\n"
        "dbo_item_CT|0|ALTER TABLE dbo.item ADD x int\n"
        "dbo_item_CT|1|ALTER TABLE dbo.item ALTER COLUMN price decimal(16,2)\n"
        "second_CT|0|ALTER TABLE dbo.item ALTER COLUMN price decimal(14,2)\n"
        "second_CT|0|ALTER TABLE dbo.item ADD x int\n"
        "second_CT|0|ALTER TABLE dbo.item ALTER COLUMN price decimal(16,2)\n");
    assert_answer(
        sa,
        "SELECT precision FROM sys.columns WHERE object_id = OBJECT_ID('cdc.dbo_item_CT') AND name = "
        "'price'",
        "16\n");
}

static void what_a_stop_left_of_a_drop_is_done_by_the_next_scan(void **state) {
    (void)state;
    run(sa, "UPDATE cdc.change_tables SET has_drop_pending = 1"); /* as far as the first half comes */
    const char *help = ask(sa, "EXEC sys.sp_cdc_help_change_data_capture");
    assert_non_null(strstr(help, "|NULL|1|1|NULL|pk_item|"));
    reopen();
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.change_tables", "0\n");
}

static void sessions_of_the_view_tell_changes_from_other_commits(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id) VALUES(1), (2)");
    run(sa, "EXEC sys.sp_cdc_scan");
    run(sa, "ALTER TABLE dbo.item ADD x int");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(
        sa,
        "SELECT TOP (2) scan_phase, tran_count, command_count, schema_change_count, empty_scan_count, "
        "CASE WHEN last_commit_lsn = last_commit_cdc_lsn THEN 1 ELSE 0 END, CASE WHEN last_commit_lsn = "
        "'00000000:00000000:0000' THEN 1 ELSE 0 END, CASE WHEN end_lsn = current_lsn THEN 1 ELSE 0 END "
        "FROM sys.dm_cdc_log_scan_sessions WHERE session_id > 0 ORDER BY session_id DESC",
        "Done|0|0|1|1|0|0|1\nDone|1|2|0|0|1|0|1\n");
    assert_answer(
        sa,
        "SELECT a.scan_phase, a.current_lsn, CASE WHEN a.start_lsn = l.start_lsn AND a.end_lsn = l.end_lsn "
        "THEN 1 ELSE 0 END, a.tran_count, a.schema_change_count FROM sys.dm_cdc_log_scan_sessions a, "
        "sys.dm_cdc_log_scan_sessions l WHERE a.session_id = 0 AND l.session_id = (SELECT MAX(session_id) "
        "FROM sys.dm_cdc_log_scan_sessions)",
        "Aggregate|00000000:00000000:0000|1|1|1\n");
}

static void *scan_by_hand(void *arg) {
    run(arg, "EXEC sys.sp_cdc_scan");
    return NULL;
}

static void a_scan_waits_for_a_disabling_that_may_be_undone(void **state) {
    (void)state;
    pthread_t thread;
    Client *dba = client_open(&engine, "shop"), *scanner = client_open(&engine, "shop");
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    run(dba, "BEGIN TRAN; EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'all'");
    assert_int_equal(pthread_create(&thread, NULL, scan_by_hand, scanner), 0);
    run(dba, "ROLLBACK");
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_answer(sa, "SELECT id FROM cdc.dbo_item_CT", "1\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.dm_cdc_errors", "0\n");
    client_close(dba);
    client_close(scanner);
}

static void a_dropped_table_takes_its_instances_along(void **state) {
    (void)state;
    run(sa, "DROP TABLE dbo.item");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.change_tables", "0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.tables WHERE name = N'dbo_item_CT'", "0\n");
}

static void lobs_of_the_old_kind_have_no_before_image(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.lob(id int NOT NULL, t text, n ntext, i image, m nvarchar(max), twice AS (id * "
            "2))");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'lob', @role_name = NULL");
    run(sa, "INSERT INTO dbo.lob VALUES(1, 'text', N'ntext', 0x01, N'max')");
    run(sa, "UPDATE dbo.lob SET id = 2; UPDATE dbo.lob SET t = 'new', m = N'other'; DELETE dbo.lob");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(
        sa,
        "SELECT [__$operation], [__$update_mask], id, t, n, i, m, twice FROM cdc.dbo_lob_CT ORDER BY "
        "[__$start_lsn], [__$operation]",
        "2|0x3F|1|text|ntext|0x01|max|NULL\n"
        "3|0x01|1|NULL|NULL|NULL|NULL|NULL\n"
        "4|0x01|2|text|ntext|0x01|max|NULL\n"
        "3|0x12|2|NULL|NULL|NULL|max|NULL\n"
        "4|0x12|2|new|ntext|0x01|other|NULL\n"
        "1|0x3F|2|NULL|NULL|NULL|other|NULL\n");
}

static void capture_lags_as_long_as_it_is_told_to(void **state) {
    (void)state;
    run(sa, "EXEC standin.capture_lag 60000");
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "0\n");
    run(sa, "EXEC standin.capture_lag 0");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.dbo_item_CT", "1\n");
}

#define ON_ITEMS(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ITEMS(inserts_and_deletes_have_all_bits_and_one_row),
        ON_ITEMS(an_update_has_two_rows_with_the_changed_bits),
        ON_ITEMS(a_key_change_is_a_delete_and_an_insert_of_one_position),
        ON_ITEMS(rows_of_a_transaction_share_its_commit_lsn_and_have_smaller_positions),
        ON_ITEMS(what_was_rolled_back_leaves_no_trace),
        ON_ITEMS(a_second_scan_captures_nothing_twice),
        ON_ITEMS(a_scan_waits_for_a_disabling_that_may_be_undone),
        ON_ITEMS(positions_outlive_the_server),
        ON_ITEMS(each_instance_is_told_whether_a_change_of_type_is_its_own),
        ON_ITEMS(what_a_stop_left_of_a_drop_is_done_by_the_next_scan),
        ON_ITEMS(sessions_of_the_view_tell_changes_from_other_commits),
        ON_ITEMS(the_beginning_of_an_instance_is_the_commit_of_its_enabling),
        ON_ITEMS(two_instances_get_each_change_under_their_own_command_number),
        ON_ITEMS(a_column_added_later_is_not_captured_but_recorded),
        ON_ITEMS(a_schema_change_that_failed_is_not_recorded),
        ON_ITEMS(a_dropped_column_is_null_from_then_on),
        ON_ITEMS(an_altered_column_changes_the_change_table_when_the_scan_gets_there),
        ON_ITEMS(a_column_made_too_small_stops_capture_until_it_fits),
        ON_ITEMS(a_dropped_table_takes_its_instances_along),
        ON_ITEMS(lobs_of_the_old_kind_have_no_before_image),
        ON_ITEMS(capture_lags_as_long_as_it_is_told_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
