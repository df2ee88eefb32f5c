/* sp_describe_first_result_set by whole-engine sessions. */
#include "shop.h"

static int open_database(void **state) {
    (void)shop_open(state);
    run(sa, "CREATE TABLE dbo.item(id int IDENTITY NOT NULL PRIMARY KEY, name nvarchar(40))");
    return 0;
}

#define NULLS_6 "NULL|NULL|NULL|NULL|NULL|NULL"

static void columns_are_told_without_running_the_statement(void **state) {
    (void)state;
    assert_answer(
        sa, "EXEC sp_describe_first_result_set N'SELECT id, name FROM dbo.item WHERE id = @a', N'@a int'",
        "0|1|id|0|56|int|4|10|0|NULL|" NULLS_6 "|NULL|NULL|NULL|0|0|0|NULL|NULL|NULL|NULL|NULL|1|NULL|0|0|0|"
        "NULL|NULL|NULL|56|4|NULL|NULL\n"
        "0|2|name|1|231|nvarchar(40)|80|0|0|SQL_Latin1_General_CP1_CI_AS|" NULLS_6
        "|NULL|NULL|NULL|0|0|0|NULL|NULL|NULL|NULL|NULL|0|NULL|1|0|0|NULL|NULL|NULL|231|80|13632521|52\n");
    assert_answer(sa, "EXEC sp_describe_first_result_set N'INSERT INTO dbo.item(name) VALUES(N''a'')'", "");
    assert_answer(sa, "SELECT COUNT(*) FROM dbo.item", "0\n");
}

static void a_wrong_statement_is_told_with_its_error(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_describe_first_result_set N'SELECT nix FROM dbo.item'",
                  "ERROR 207: Invalid column name 'nix'.\n");
}

#define ON_SHOP(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHOP(columns_are_told_without_running_the_statement),
        ON_SHOP(a_wrong_statement_is_told_with_its_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
