#include "shop.h"
#include "standin/exec/configuration.h"

static void an_option_is_found_by_its_beginning(void **state) {
    (void)state;
    Configuration *c = configuration_new();
    SqlError e;
    const ConfigurationOption *o = configuration_find(c, STR_LIT("MAX TEXT"), &e);
    assert_non_null(o);
    assert_int_equal(o->id, CONFIGURATION_MAX_TEXT_REPL_SIZE);
    o = configuration_find(c, STR_LIT("re"), &e); /* recovery interval isn't shown */
    assert_non_null(o);
    assert_string_equal(o->name, "remote access");
    assert_null(configuration_find(c, STR_LIT("nosuch"), &e));
    assert_int_equal(e.number, 15123);
    c = configuration_free(c);
}

static void a_value_is_in_use_from_reconfigure_on_and_kept(void **state) {
    (void)state;
    static const char shown[] =
        "SELECT CAST(value AS int), CAST(value_in_use AS int) FROM sys.configurations "
        "WHERE configuration_id = 1536";
    assert_answer(sa, shown, "65536|65536\n");
    assert_answer(
        sa, "EXEC sp_configure 'max text repl size', -1",
        "INFO Configuration option 'max text repl size (B)' changed from 65536 to -1. Run the RECONFIGURE "
        "statement to install.\n");
    assert_answer(sa, shown, "-1|65536\n");
    run(sa, "RECONFIGURE WITH OVERRIDE");
    assert_answer(sa, "EXEC sp_configure 'max text repl size'",
                  "max text repl size (B)|-1|2147483647|-1|-1\n");
    assert_non_null(strstr(ask(sa, "EXEC sp_configure 'max text', -2"), "ERROR 15129:"));
    assert_non_null(strstr(ask(sa, "EXEC sp_configure 'nested triggers', 0"), "ERROR 40517:"));
    assert_non_null(strstr(ask(sa, "BEGIN TRAN; RECONFIGURE"), "ERROR 574:"));
    client_close(sa);
    engine.server = server_close(engine.server);
    engine_open(&engine, 1000000);
    sa = client_open(&engine, "shop");
    assert_answer(sa, shown, "-1|-1\n");
}

static void advanced_options_are_shown_when_asked_for(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "EXEC sp_configure 'Agent XPs'"), "ERROR 15123:"));
    assert_null(strstr(ask(sa, "EXEC sp_configure"), "recovery interval"));
    run(sa, "EXEC sp_configure 'show advanced options', 1; RECONFIGURE");
    assert_answer(sa, "EXEC sp_configure 'Agent XPs'", "Agent XPs|0|1|1|1\n");
    assert_non_null(strstr(ask(sa, "EXEC sp_configure"), "recovery interval"));
}

static void large_values_of_captured_columns_are_limited(void **state) {
    (void)state;
    run(sa, "EXEC sp_configure 'max text repl size', 10; RECONFIGURE");
    run(sa, "CREATE TABLE dbo.lob(id int NOT NULL PRIMARY KEY, c varchar(max), n nvarchar(max), b "
            "varbinary(max), "
            "other varchar(max))");
    run(sa, "INSERT dbo.lob(id, c) VALUES(1, REPLICATE('x', 11))"); /* not captured yet */
    run(sa,
        "EXEC sys.sp_cdc_enable_table N'dbo', N'lob', @role_name = NULL, @captured_column_list = N'id, c, n, "
        "b'");
    run(sa, "INSERT dbo.lob(id, c, n, b) VALUES(2, REPLICATE('x', 10), REPLICATE(N'x', 5), "
            "0x0102030405060708090A)");
    assert_non_null(
        strstr(ask(sa, "INSERT dbo.lob(id, c) VALUES(3, REPLICATE('x', 11))"),
               "ERROR 7139: Length of LOB data (11) to be replicated exceeds configured maximum 10."));
    assert_non_null(strstr(ask(sa, "INSERT dbo.lob(id, n) VALUES(3, REPLICATE(N'x', 6))"),
                           "ERROR 7139: Length of LOB data (12)"));
    assert_non_null(strstr(ask(sa, "UPDATE dbo.lob SET b = 0x0102030405060708090A0B"), "ERROR 7139:"));
    run(sa, "UPDATE dbo.lob SET other = REPLICATE('x', 11), n = NULL");
    run(sa, "EXEC sp_configure 'max text repl size', -1; RECONFIGURE");
    run(sa, "UPDATE dbo.lob SET c = REPLICATE(CAST('x' AS varchar(max)), 70000)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_option_is_found_by_its_beginning),
        IN_SHOP(a_value_is_in_use_from_reconfigure_on_and_kept),
        IN_SHOP(advanced_options_are_shown_when_asked_for),
        IN_CAPTURED_SHOP(large_values_of_captured_columns_are_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
