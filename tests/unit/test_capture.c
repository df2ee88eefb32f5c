/* The log scan by whole-engine sessions: the row rules of change tables, the mapping, positions, idempotence.
 * Scans are made by hand (sys.sp_cdc_scan) with the agent stopped, so nothing here depends on time. */
#include "engine.h"

static Engine engine;
static Client *sa;

static int open_database(void **state) {
    (void)state;
    engine = engine_start(1000000);
    sa = client_open(&engine, "master");
    run(sa, "EXEC standin.agent_stop");
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL CONSTRAINT pk_item PRIMARY KEY, name nvarchar(40), price "
            "decimal(12,2), note varchar(max))");
    run(sa,
        "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'item', @role_name = NULL");
    run(sa, "EXEC sys.sp_cdc_scan");
    return 0;
}

static int close_database(void **state) {
    (void)state;
    client_close(sa);
    engine_stop(&engine);
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

static void positions_outlive_the_server(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item(id) VALUES(1)");
    run(sa, "EXEC sys.sp_cdc_scan");
    run(sa, "INSERT INTO dbo.item(id) VALUES(2)");
    client_close(sa);
    engine.server = server_close(engine.server);
    engine_open(&engine, 1000000);
    sa = client_open(&engine, "shop");
    run(sa, "EXEC standin.agent_stop");
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
    assert_answer(sa, "SELECT error_number FROM sys.dm_cdc_errors", "2628\n2628\n2628\n");
    run(sa, "DELETE cdc.dbo_item_CT");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT id, name FROM cdc.dbo_item_CT", "2|abc\n");
    assert_answer(sa, "SELECT COL_LENGTH('cdc.dbo_item_CT', 'name')", "6\n");
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

#define ON_ITEMS(test) cmocka_unit_test_setup_teardown(test, open_database, close_database)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ITEMS(inserts_and_deletes_have_all_bits_and_one_row),
        ON_ITEMS(an_update_has_two_rows_with_the_changed_bits),
        ON_ITEMS(a_key_change_is_a_delete_and_an_insert_of_one_position),
        ON_ITEMS(rows_of_a_transaction_share_its_commit_lsn_and_have_smaller_positions),
        ON_ITEMS(what_was_rolled_back_leaves_no_trace),
        ON_ITEMS(a_second_scan_captures_nothing_twice),
        ON_ITEMS(positions_outlive_the_server),
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
