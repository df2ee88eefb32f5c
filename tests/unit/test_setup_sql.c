#include "sqlserver/setup_sql.h"

#include "test.h"

static void assert_sql(Buf *sql, const char *wanted) {
    assert_string_equal(buf_text(sql), wanted);
    buf_clear(sql);
}

static void statements_name_what_they_are_about_and_quote_it(void **state) {
    (void)state;
    Buf sql = {0};
    setup_sql_enable_database(&sql);
    assert_sql(&sql, "EXEC sys.sp_cdc_enable_db");
    setup_sql_enable_table(STR_LIT("dbo"), STR_LIT("O'Hara"), (Str){0}, &sql);
    assert_sql(&sql, "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'O''Hara', "
                     "@role_name = NULL");
    setup_sql_enable_table(STR_LIT("dbo"), STR_LIT("T"), STR_LIT("dbo_T_v2"), &sql);
    assert_sql(
        &sql, "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'T', @role_name = NULL, "
              "@capture_instance = N'dbo_T_v2'");
    setup_sql_grant_table(STR_LIT("dbo"), STR_LIT("T"), STR_LIT("mill]race"), &sql);
    assert_sql(&sql, "GRANT SELECT ON [dbo].[T] TO [mill]]race]");
    setup_sql_grant_cdc(STR_LIT("u"), &sql);
    assert_sql(&sql, "GRANT SELECT ON SCHEMA::[cdc] TO [u]");
    setup_sql_allow_snapshot(STR_LIT("Shop"), &sql);
    assert_sql(&sql, "ALTER DATABASE [Shop] SET ALLOW_SNAPSHOT_ISOLATION ON");
    setup_sql_create_user(STR_LIT("u"), &sql);
    assert_sql(&sql, "CREATE USER [u] FOR LOGIN [u]");
    buf_done(&sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(statements_name_what_they_are_about_and_quote_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
