/* The functions of change data capture, by whole-engine sessions. */
#include "shop.h"

static int open_database(void **state) {
    (void)shop_open(state);
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL PRIMARY KEY, name nvarchar(40))");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL");
    run(sa, "EXEC sys.sp_cdc_scan");
    return 0;
}

#define RANGE                                                                                                \
    "DECLARE @a binary(10) = sys.fn_cdc_get_min_lsn('dbo_item'), @b binary(10) = sys.fn_cdc_get_max_lsn(); "
#define SHORT_313                                                                                            \
    "ERROR 313: An insufficient number of arguments were supplied for the procedure or function "            \
    "cdc.fn_cdc_get_all_changes_ ... .\n"

static void lsns_count_as_eighty_bit_numbers(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT sys.fn_cdc_increment_lsn(0x0000002D0000058000FF), "
                  "sys.fn_cdc_decrement_lsn(0x0000002D00000580), "
                  "sys.fn_cdc_increment_lsn(NULL)",
                  "0x0000002D000005800100|0x0000002D0000057FFFFF|NULL\n");
}

static void the_ends_of_the_range_are_known_after_the_first_scan(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT CASE WHEN sys.fn_cdc_get_min_lsn('dbo_item') <= sys.fn_cdc_get_max_lsn() THEN 1 ELSE 0 END, "
        "sys.fn_cdc_get_min_lsn('nix')",
        "1|0x00000000000000000000\n");
    assert_answer(
        sa, "SELECT CASE WHEN sys.fn_cdc_get_max_lsn() = MAX(start_lsn) THEN 1 END FROM cdc.lsn_time_mapping",
        "1\n");
}

static void all_changes_hide_the_before_rows_unless_asked(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a'); UPDATE dbo.item SET name = N'b'; DELETE dbo.item");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(
        sa,
        RANGE
        "SELECT [__$operation], [__$update_mask], id, name FROM cdc.fn_cdc_get_all_changes_dbo_item(@a, "
        "@b, N'all') ORDER BY [__$start_lsn], [__$seqval], [__$operation]",
        "2|0x03|1|a\n4|0x02|1|b\n1|0x03|1|b\n");
    assert_answer(
        sa,
        RANGE
        "SELECT [__$operation], name FROM cdc.fn_cdc_get_all_changes_dbo_item(@a, @b, N'all update old') "
        "ORDER BY [__$start_lsn], [__$seqval], [__$operation]",
        "2|a\n3|a\n4|b\n1|b\n");
}

static void the_range_is_checked_even_when_there_is_no_row(void **state) {
    (void)state;
    static const char *const bad[] = {
        "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_item(0x00000000000000000001, @b, N'all')",
        "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_item(@a, sys.fn_cdc_increment_lsn(@b), N'all')",
        "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_item(NULL, @b, N'all')",
        "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_item(@a, @b, N'nix')",
        "SELECT COUNT(*) FROM cdc.fn_cdc_get_all_changes_dbo_item(sys.fn_cdc_increment_lsn(@b), @b, N'all')",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP_FREE char *sql = x_asprintf(RANGE "%s", bad[i]);
        const char *answer = ask(sa, sql);
        if (strcmp(answer, SHORT_313) != 0) fail_msg("%s\n%s", sql, answer);
    }
}

static void an_instance_that_is_gone_is_an_invalid_object(void **state) {
    (void)state;
    assert_answer(sa, "SELECT * FROM cdc.fn_cdc_get_all_changes_nix(0x01, 0x02, N'all')",
                  "ERROR 208: Invalid object name 'cdc.fn_cdc_get_all_changes_nix'.\n");
    assert_answer(sa, "SELECT * FROM shop.cdc.fn_cdc_get_all_changes_nix(0x01, 0x02, N'all')",
                  "ERROR 208: Invalid object name 'shop.cdc.fn_cdc_get_all_changes_nix'.\n");
}

static void functions_are_found_from_another_database(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a'); EXEC sys.sp_cdc_scan; USE master");
    assert_answer(sa,
                  "DECLARE @a binary(10) = shop.sys.fn_cdc_get_min_lsn('dbo_item'), @b binary(10) = "
                  "[shop].sys.fn_cdc_get_max_lsn(); "
                  "SELECT id FROM [shop].cdc.[fn_cdc_get_all_changes_dbo_item](@a, @b, N'all update old')",
                  "1\n");
    assert_answer(sa, "SELECT COUNT(*) FROM [shop].cdc.[dbo_item_CT]", "1\n");
}

static void net_changes_keep_the_last_state_of_each_key(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a'), (2, N'b'), (3, N'c'), (4, N'd')");
    run(sa, "EXEC sys.sp_cdc_scan");
    run(sa, "DECLARE @x int");
    run(sa, "BEGIN TRAN; UPDATE dbo.item SET name = N'a2' WHERE id = 1; UPDATE dbo.item SET name = N'a3' "
            "WHERE id = 1; "
            "DELETE dbo.item WHERE id = 2; INSERT INTO dbo.item VALUES(5, N'e'); INSERT INTO dbo.item "
            "VALUES(6, N'f'); "
            "DELETE dbo.item WHERE id = 6; DELETE dbo.item WHERE id = 3; INSERT INTO dbo.item VALUES(3, "
            "N'c2'); COMMIT");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(
        sa,
        "DECLARE @b binary(10) = sys.fn_cdc_get_max_lsn(); SELECT id, [__$operation], [__$update_mask], name "
        "FROM cdc.fn_cdc_get_net_changes_dbo_item(@b, @b, N'all') ORDER BY id",
        "1|4|NULL|a3\n2|1|NULL|b\n3|4|NULL|c2\n5|2|NULL|e\n");
    assert_answer(sa,
                  "DECLARE @b binary(10) = sys.fn_cdc_get_max_lsn(); SELECT id, [__$operation] FROM "
                  "cdc.fn_cdc_get_net_changes_dbo_item(@b, @b, N'all with merge') ORDER BY id",
                  "1|5\n2|1\n3|5\n5|5\n");
}

static void times_and_lsns_map_to_each_other(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a')");
    run(sa, "EXEC sys.sp_cdc_scan");
    assert_answer(sa,
                  "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_end_time = "
                  "sys.fn_cdc_map_lsn_to_time(start_lsn)",
                  "2\n");
    assert_answer(sa, "SELECT sys.fn_cdc_map_lsn_to_time(0x01)", "NULL\n");
    assert_answer(sa,
                  "DECLARE @t datetime = DATEADD(day, 1, GETDATE()); SELECT CASE WHEN "
                  "sys.fn_cdc_map_time_to_lsn('largest "
                  "less than or equal', @t) = sys.fn_cdc_get_max_lsn() THEN 1 END, "
                  "sys.fn_cdc_map_time_to_lsn('smallest "
                  "greater than', @t)",
                  "1|NULL\n");
    assert_answer(sa,
                  "SELECT CASE WHEN ABS(DATEDIFF(second, "
                  "sys.fn_cdc_map_lsn_to_time(sys.fn_cdc_get_max_lsn()), GETDATE())) "
                  "< 60 THEN 1 END",
                  "1\n");
}

static void masks_are_read_by_ordinal(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT sys.fn_cdc_get_column_ordinal('dbo_item', 'NAME'), sys.fn_cdc_get_column_ordinal('dbo_item', "
        "'nix'), sys.fn_cdc_is_bit_set(2, 0x02), sys.fn_cdc_is_bit_set(1, 0x02), "
        "sys.fn_cdc_has_column_changed('dbo_item', 'name', 0x02), sys.fn_cdc_is_bit_set(9, 0x0100)",
        "2|NULL|1|0|1|1\n");
}

static void cleanup_raises_the_low_end_and_deletes_below_it(void **state) {
    (void)state;
    run(sa, "INSERT INTO dbo.item VALUES(1, N'a'); EXEC sys.sp_cdc_scan; WAITFOR DELAY '00:00:00.020'");
    run(sa, "INSERT INTO dbo.item VALUES(2, N'b'); EXEC sys.sp_cdc_scan");
    assert_non_null(
        strstr(ask(sa, "EXEC sys.sp_cdc_cleanup_change_table N'dbo_item', 0x0000000100000000000A"),
               "ERROR 22964: LSN 0X0000000100000000000A, specified as the new low end point"));
    run(sa, "DECLARE @m binary(10) = (SELECT [__$start_lsn] FROM cdc.dbo_item_CT WHERE id = 2); "
            "EXEC sys.sp_cdc_cleanup_change_table N'dbo_item', @m");
    assert_answer(sa, "SELECT id FROM cdc.dbo_item_CT", "2\n");
    assert_answer(sa,
                  "SELECT CASE WHEN sys.fn_cdc_get_min_lsn('dbo_item') = [__$start_lsn] THEN 1 END FROM "
                  "cdc.dbo_item_CT",
                  "1\n");
}

static void a_reader_outside_the_gating_role_sees_nothing(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.secret(id int NOT NULL PRIMARY KEY)");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'secret', @role_name = N'cleared'");
    run(sa, "INSERT INTO dbo.secret VALUES(1)");
    run(sa, "EXEC sys.sp_cdc_scan");
    run(sa, "CREATE LOGIN reader WITH PASSWORD = 'p'; CREATE USER reader FOR LOGIN reader; GRANT SELECT ON "
            "dbo.secret TO "
            "reader");
    Client *reader = client_open_as(&engine, "reader", "p", "shop");
    static const char all[] = "DECLARE @b binary(10) = sys.fn_cdc_get_max_lsn(); SELECT id FROM "
                              "cdc.fn_cdc_get_all_changes_dbo_secret(@b, @b, N'all')";
    assert_answer(reader, "SELECT sys.fn_cdc_get_min_lsn('dbo_secret')", "0x00000000000000000000\n");
    assert_answer(
        reader, all,
        "ERROR 229: The SELECT permission was denied on the object 'fn_cdc_get_all_changes_dbo_secret', "
        "database 'shop', schema 'cdc'.\n");
    assert_answer(reader, "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE start_lsn IS NULL", "0\n");
    assert_answer(reader, "SELECT COUNT(*) FROM cdc.change_tables",
                  "ERROR 229: The SELECT permission was denied on the object 'change_tables', database "
                  "'shop', schema 'cdc'.\n");
    run(sa, "ALTER ROLE cleared ADD MEMBER reader");
    assert_answer(reader, all, "1\n");
    client_close(reader);
}

#define ON_ITEMS(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_ITEMS(lsns_count_as_eighty_bit_numbers),
        ON_ITEMS(the_ends_of_the_range_are_known_after_the_first_scan),
        ON_ITEMS(all_changes_hide_the_before_rows_unless_asked),
        ON_ITEMS(the_range_is_checked_even_when_there_is_no_row),
        ON_ITEMS(an_instance_that_is_gone_is_an_invalid_object),
        ON_ITEMS(functions_are_found_from_another_database),
        ON_ITEMS(net_changes_keep_the_last_state_of_each_key),
        ON_ITEMS(times_and_lsns_map_to_each_other),
        ON_ITEMS(masks_are_read_by_ordinal),
        ON_ITEMS(cleanup_raises_the_low_end_and_deletes_below_it),
        ON_ITEMS(a_reader_outside_the_gating_role_sees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
