#include "shop.h"
#include "standin/system/view_odbc.h"

static void columns_differ_by_form_and_version(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a datetime2(7), b datetime, c float)");
    assert_answer(
        sa, "SELECT COLUMN_NAME, DATA_TYPE, PRECISION FROM sys.spt_columns(1, 3) WHERE TABLE_NAME = 't'",
        "a|93|27\nb|93|23\nc|6|53\n");
    assert_answer(
        sa, "SELECT COLUMN_NAME, DATA_TYPE, PRECISION FROM sys.spt_columns(0, 2) WHERE TABLE_NAME = 't'",
        "a|-9|27\nb|11|23\nc|6|15\n");
}

static void each_table_has_a_row_of_statistics_before_its_keys(void **state) {
    (void)state;
    run(sa, "CREATE TABLE dbo.t(a int NOT NULL CONSTRAINT pk_t PRIMARY KEY)");
    assert_answer(sa,
                  "SELECT INDEX_NAME, TYPE, COLUMN_NAME, CARDINALITY, IS_PRIMARY_KEY FROM sys.spt_indexes",
                  "NULL|0|NULL|0|0\npk_t|1|a|0|1\n");
}

static void types_that_can_count_come_twice(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT TYPE_NAME, AUTO_INCREMENT, USERTYPE FROM sys.spt_datatypes(1, 3) WHERE DATA_TYPE IN (2, 4) "
        "ORDER BY TYPE_NAME",
        "int|0|7\nint identity|1|7\nnumeric|0|10\nnumeric() identity|1|10\n");
}

static void system_views_are_tables_too(void **state) {
    (void)state;
    assert_answer(
        sa, "SELECT TABLE_TYPE FROM sys.spt_tables WHERE TABLE_OWNER = 'sys' AND TABLE_NAME = 'databases'",
        "VIEW\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(columns_differ_by_form_and_version),
        IN_SHOP(each_table_has_a_row_of_statistics_before_its_keys),
        IN_SHOP(types_that_can_count_come_twice),
        IN_SHOP(system_views_are_tables_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
