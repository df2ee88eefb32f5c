#include "shop.h"
#include "standin/capture/instance_edit.h"

static void only_marks_of_the_log_name_an_instance(void **state) {
    (void)state;
    assert_int_equal(instance_of_mark(STR_LIT("ALTER TABLE dbo.t ADD a int")), 0);
    assert_int_equal(instance_of_mark(STR_LIT("\001cdc instance 1000008")), 1000008);
    assert_int_equal(instance_of_mark(STR_LIT("\001cdc instance x")), 0);
    assert_int_equal(instance_of_mark((Str){0}), 0);
}

static void a_second_instance_keeps_the_source_tracked_when_the_first_goes(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', N'second', @role_name = NULL");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'dbo_item'");
    assert_answer(sa, "SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 'item'", "1\n");
    run(sa, "INSERT INTO dbo.item(id) VALUES(1); EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.second_CT", "1\n");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'second'");
    assert_answer(sa, "SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 'item'", "0\n");
}

static void odd_names_and_many_types_make_a_change_table(void **state) {
    (void)state;
    run(sa, "CREATE SCHEMA [s p]");
    run(sa, "CREATE TABLE [s p].[o]]dd](id int IDENTITY NOT NULL PRIMARY KEY, [a b] nvarchar(20), d date, t "
            "time(3), z "
            "datetimeoffset, g uniqueidentifier, m money, f float, b varbinary(max), c char(3) COLLATE "
            "Latin1_General_BIN2, v rowversion)");
    run(sa, "EXEC sys.sp_cdc_enable_table N's p', N'o]dd', @role_name = NULL");
    run(sa, "INSERT INTO [s p].[o]]dd]([a b], c) VALUES(N'x', 'abc'); EXEC sys.sp_cdc_scan");
    assert_answer(sa, "SELECT [a b], c, id FROM cdc.[s p_o]]dd_CT]", "x|abc|1\n");
    assert_answer(
        sa,
        "SELECT [a b] FROM cdc.[fn_cdc_get_all_changes_s p_o]]dd](sys.fn_cdc_get_min_lsn('s p_o]dd'), "
        "sys.fn_cdc_get_max_lsn(), N'all')",
        "x\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_marks_of_the_log_name_an_instance),
        IN_CAPTURED_SHOP(a_second_instance_keeps_the_source_tracked_when_the_first_goes),
        IN_CAPTURED_SHOP(odd_names_and_many_types_make_a_change_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
