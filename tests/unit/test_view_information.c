#include "shop.h"
#include "standin/system/view_information.h"

static void make_tables(void) {
    run(sa, "CREATE TABLE dbo.customer(id bigint NOT NULL CONSTRAINT pk_customer PRIMARY KEY, name "
            "nvarchar(40) DEFAULT "
            "(N'x'), bio text, score float, seen datetime2(3))");
    run(sa, "CREATE TABLE dbo.orders(customer_id bigint CONSTRAINT fk_customer FOREIGN KEY REFERENCES "
            "dbo.customer(id))");
}

static void tables_and_schemata_name_their_database(void **state) {
    (void)state;
    make_tables();
    assert_answer(sa, "SELECT * FROM INFORMATION_SCHEMA.TABLES ORDER BY TABLE_NAME",
                  "shop|dbo|customer|BASE TABLE\nshop|dbo|orders|BASE TABLE\n");
    assert_answer(
        sa, "SELECT CATALOG_NAME, SCHEMA_OWNER FROM INFORMATION_SCHEMA.SCHEMATA WHERE SCHEMA_NAME = 'dbo'",
        "shop|dbo\n");
    run(sa, "USE master");
    assert_answer(sa, "SELECT COUNT(*) FROM shop.INFORMATION_SCHEMA.TABLES", "2\n");
}

static void columns_are_described_by_kind(void **state) {
    (void)state;
    make_tables();
    assert_answer(
        sa,
        "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, CHARACTER_MAXIMUM_LENGTH, "
        "CHARACTER_OCTET_LENGTH, NUMERIC_PRECISION, NUMERIC_PRECISION_RADIX, NUMERIC_SCALE, "
        "DATETIME_PRECISION "
        "FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'customer' ORDER BY ORDINAL_POSITION",
        "id|bigint|NO|NULL|NULL|NULL|19|10|0|NULL\nname|nvarchar|YES|(N'x')|40|80|NULL|NULL|NULL|NULL\n"
        "bio|text|YES|NULL|2147483647|2147483647|NULL|NULL|NULL|NULL\n"
        "score|float|YES|NULL|NULL|NULL|53|2|NULL|NULL\nseen|datetime2|YES|NULL|NULL|NULL|NULL|NULL|NULL|"
        "3\n");
}

static void constraints_and_their_columns_are_listed(void **state) {
    (void)state;
    make_tables();
    assert_answer(
        sa, "SELECT CONSTRAINT_NAME, CONSTRAINT_TYPE FROM INFORMATION_SCHEMA.TABLE_CONSTRAINTS ORDER BY 1",
        "fk_customer|FOREIGN KEY\npk_customer|PRIMARY KEY\n");
    assert_answer(sa,
                  "SELECT CONSTRAINT_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE ORDER BY 1",
                  "fk_customer|customer_id\npk_customer|id\n");
    assert_answer(sa,
                  "SELECT CONSTRAINT_NAME, UNIQUE_CONSTRAINT_NAME, DELETE_RULE FROM "
                  "INFORMATION_SCHEMA.REFERENTIAL_CONSTRAINTS",
                  "fk_customer|pk_customer|NO ACTION\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(tables_and_schemata_name_their_database),
        IN_SHOP(columns_are_described_by_kind),
        IN_SHOP(constraints_and_their_columns_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
