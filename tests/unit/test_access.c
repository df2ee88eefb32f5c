#include "shop.h"
#include "standin/cdc/access.h"

static const char MIN_LSN[] = "SELECT CASE WHEN sys.fn_cdc_get_min_lsn('dbo_gated') = 0x00000000000000000000 "
                              "THEN 'hidden' ELSE 'seen' END";

static Client *reader_of_gated(void) {
    run(sa, "CREATE TABLE dbo.gated(id int NOT NULL PRIMARY KEY)");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'gated', @role_name = N'cleared'");
    run(sa,
        "EXEC sys.sp_cdc_scan; CREATE LOGIN reader WITH PASSWORD = 'p'; CREATE USER reader FOR LOGIN reader");
    return client_open_as(&engine, "reader", "p", "shop");
}

static void both_role_and_select_on_the_source_are_needed(void **state) {
    (void)state;
    Client *reader = reader_of_gated();
    assert_answer(reader, MIN_LSN, "hidden\n");
    run(sa, "GRANT SELECT ON dbo.gated TO reader");
    assert_answer(reader, MIN_LSN, "hidden\n");
    run(sa, "ALTER ROLE cleared ADD MEMBER reader");
    assert_answer(reader, MIN_LSN, "seen\n");
    run(sa, "REVOKE SELECT ON dbo.gated FROM reader");
    assert_answer(reader, MIN_LSN, "hidden\n");
    client_close(reader);
}

static void the_database_owner_needs_neither(void **state) {
    (void)state;
    Client *reader = reader_of_gated();
    run(sa, "ALTER ROLE db_owner ADD MEMBER reader");
    assert_answer(reader, MIN_LSN, "seen\n");
    client_close(reader);
}

static void only_the_captured_columns_must_be_readable(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.wide(id int NOT NULL PRIMARY KEY, a int, secret int)");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'wide', N'dbo_gated', @role_name = NULL, "
            "@captured_column_list = "
            "N'id, a'");
    run(sa,
        "EXEC sys.sp_cdc_scan; CREATE LOGIN reader WITH PASSWORD = 'p'; CREATE USER reader FOR LOGIN reader");
    Client *reader = client_open_as(&engine, "reader", "p", "shop");
    run(sa, "GRANT SELECT ON dbo.wide(id) TO reader");
    assert_answer(reader, MIN_LSN, "hidden\n");
    run(sa, "GRANT SELECT ON dbo.wide(a) TO reader");
    assert_answer(reader, MIN_LSN, "seen\n");
    run(sa, "DENY SELECT ON dbo.wide(a) TO reader");
    assert_answer(reader, MIN_LSN, "hidden\n");
    client_close(reader);
}

static void help_lists_only_what_may_be_read(void **state) {
    (void)state;
    Client *reader = reader_of_gated();
    assert_answer(reader, "EXEC sys.sp_cdc_help_change_data_capture", "");
    run(sa, "EXEC sys.sp_cdc_help_change_data_capture");
    assert_int_equal(sa->rows, 2);
    client_close(reader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_CAPTURED_SHOP(both_role_and_select_on_the_source_are_needed),
        IN_CAPTURED_SHOP(the_database_owner_needs_neither),
        IN_CAPTURED_SHOP(only_the_captured_columns_must_be_readable),
        IN_CAPTURED_SHOP(help_lists_only_what_may_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
