/* What drivers and tools ask about tables: ODBC's catalog procedures, sys.* and INFORMATION_SCHEMA. */
#include "engine_sa.h"

static int open_database(void **state) {
    (void)sa_open(state, 1000000);
    run(sa, "CREATE DATABASE shop");
    run(sa, "USE shop");
    run(sa,
        "CREATE TABLE dbo.customer(id int IDENTITY(5,2) NOT NULL CONSTRAINT pk_customer PRIMARY KEY, email "
        "nvarchar(200) NOT NULL CONSTRAINT uq_email UNIQUE, born date, balance money NOT NULL CONSTRAINT "
        "df_balance "
        "DEFAULT (0), bio nvarchar(max), twice AS (id * 2))");
    run(sa, "CREATE TABLE dbo.orders(no bigint NOT NULL PRIMARY KEY, customer_id int NOT NULL CONSTRAINT "
            "fk_customer "
            "FOREIGN KEY REFERENCES dbo.customer(id), seen datetime2(3), v rowversion)");
    return 0;
}

static void sp_tables_lists_by_pattern_and_type(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_tables N'c%', N'dbo', N'shop', N'''TABLE'''",
                  "shop|dbo|customer|TABLE|NULL\n");
    assert_answer(sa, "EXEC sp_tables N'c%', N'dbo', N'shop', N'''''''TABLE'''''''",
                  "shop|dbo|customer|TABLE|NULL\n");
    assert_answer(sa, "EXEC sp_tables N'c%', N'dbo', N'shop', N'''SYSTEM TABLE'',''VIEW'''", "");
    assert_answer(sa, "EXEC sp_tables @table_name = N'columns', @table_owner = N'sys'",
                  "shop|sys|columns|VIEW|NULL\n");
    assert_non_null(strstr(ask(sa, "EXEC sp_tables N'', N'', N'%'"), "shop|NULL|NULL|NULL|NULL\n"));
}

static void sp_columns_100_describes_each_column(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sys.sp_columns_100 N'customer', N'dbo', N'shop', NULL, @ODBCVer = 3",
                  "shop|dbo|customer|id|4|int "
                  "identity|10|4|0|10|0|NULL|NULL|4|NULL|NULL|1|NO|0|0|0|1|NULL|NULL|NULL|NULL|NULL|NULL|56\n"
                  "shop|dbo|customer|email|-9|nvarchar|200|400|NULL|NULL|0|NULL|NULL|-9|NULL|400|2|NO|0|0|0|"
                  "0|NULL|NULL|NULL|NULL|NULL|NULL|39\n"
                  "shop|dbo|customer|born|91|date|10|6|0|NULL|1|NULL|NULL|9|1|NULL|3|YES|0|0|0|0|NULL|NULL|"
                  "NULL|NULL|NULL|NULL|0\n"
                  "shop|dbo|customer|balance|3|money|19|21|4|10|0|NULL|((0))|3|NULL|NULL|4|NO|0|0|0|0|NULL|"
                  "NULL|NULL|NULL|NULL|NULL|60\n"
                  "shop|dbo|customer|bio|-9|nvarchar|0|0|NULL|NULL|1|NULL|NULL|-9|NULL|0|5|YES|0|0|0|0|NULL|"
                  "NULL|NULL|NULL|NULL|NULL|39\n"
                  "shop|dbo|customer|twice|4|int|10|4|0|10|1|NULL|NULL|4|NULL|NULL|6|YES|0|0|1|0|NULL|NULL|"
                  "NULL|NULL|NULL|NULL|38\n");
    assert_int_equal(sa->column_count, 29);
    run(sa, "EXEC sp_columns N'orders'");
    assert_int_equal(sa->column_count, 19);
    assert_int_equal(sa->rows, 4);
}

static void keys_and_indexes_are_listed(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_pkeys N'customer', N'dbo'", "shop|dbo|customer|id|1|pk_customer\n");
    assert_answer(sa, "EXEC sp_fkeys @pktable_name = N'customer'",
                  "shop|dbo|customer|id|shop|dbo|orders|customer_id|1|1|1|fk_customer|pk_customer|7\n");
    assert_answer(sa, "EXEC sp_statistics N'customer', N'dbo', N'shop', N'%', N'Y', N'Q'",
                  "shop|dbo|customer|NULL|NULL|NULL|0|NULL|NULL|NULL|0|NULL|NULL\n"
                  "shop|dbo|customer|0|customer|pk_customer|1|1|id|A|0|NULL|NULL\n"
                  "shop|dbo|customer|0|customer|uq_email|3|1|email|A|0|NULL|NULL\n");
    assert_answer(sa, "EXEC sp_special_columns N'customer', N'dbo'", "1|id|4|int identity|10|4|0|1\n");
    assert_answer(sa, "EXEC sp_special_columns_100 N'orders', @col_type = 'V'",
                  "NULL|v|-2|timestamp|8|8|NULL|1\n");
}

static void types_are_listed_by_their_odbc_number(void **state) {
    (void)state;
    assert_answer(
        sa, "EXEC sp_datatype_info_100 -9, @ODBCVer = 3",
        "nvarchar|-9|4000|N'|'|max length|1|0|3|NULL|0|NULL|nvarchar|NULL|NULL|-9|NULL|NULL|NULL|0\n"
        "sysname|-9|128|N'|'|NULL|0|0|3|NULL|0|NULL|sysname|NULL|NULL|-9|NULL|NULL|NULL|18\n");
    run(sa, "EXEC sp_datatype_info");
    assert_int_equal(sa->column_count, 20);
    assert_true(sa->rows > 30);
}

static void catalog_views_join_to_a_table_description(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT s.name, t.name, c.name, y.name, c.max_length, c.precision, c.scale, c.is_nullable, "
                  "c.is_identity, "
                  "c.is_computed FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id JOIN "
                  "sys.columns c ON "
                  "c.object_id = t.object_id JOIN sys.types y ON y.user_type_id = c.user_type_id WHERE "
                  "t.name = 'customer' "
                  "ORDER BY c.column_id",
                  "dbo|customer|id|int|4|10|0|0|1|0\n"
                  "dbo|customer|email|nvarchar|400|0|0|0|0|0\n"
                  "dbo|customer|born|date|3|10|0|1|0|0\n"
                  "dbo|customer|balance|money|8|19|4|0|0|0\n"
                  "dbo|customer|bio|nvarchar|-1|0|0|1|0|0\n"
                  "dbo|customer|twice|int|4|10|0|1|0|1\n");
    assert_answer(sa, "SELECT name, seed_value, increment_value FROM sys.identity_columns", "id|5|2\n");
    assert_answer(sa, "SELECT name, definition FROM sys.default_constraints", "df_balance|((0))\n");
    assert_answer(sa, "SELECT name, OBJECT_NAME(referenced_object_id) FROM sys.foreign_keys",
                  "fk_customer|customer\n");
    assert_answer(
        sa,
        "SELECT name, type FROM sys.key_constraints WHERE parent_object_id = OBJECT_ID('customer') ORDER BY "
        "name",
        "pk_customer|PK\nuq_email|UQ\n");
    run(sa, "INSERT INTO dbo.customer(email) VALUES(N'a'), (N'b')");
    assert_answer(
        sa, "SELECT rows FROM sys.partitions WHERE object_id = OBJECT_ID('dbo.customer') AND index_id = 1",
        "2\n");
}

static void the_standards_views_tell_the_same(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT TABLE_CATALOG, TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE FROM INFORMATION_SCHEMA.TABLES "
                  "ORDER BY 3",
                  "shop|dbo|customer|BASE TABLE\nshop|dbo|orders|BASE TABLE\n");
    assert_answer(
        sa,
        "SELECT COLUMN_NAME, DATA_TYPE, IS_NULLABLE, CHARACTER_MAXIMUM_LENGTH, NUMERIC_PRECISION, "
        "DATETIME_PRECISION FROM INFORMATION_SCHEMA.COLUMNS WHERE TABLE_NAME = 'orders' ORDER BY "
        "ORDINAL_POSITION",
        "no|bigint|NO|NULL|19|NULL\ncustomer_id|int|NO|NULL|10|NULL\nseen|datetime2|YES|NULL|NULL|3\n"
        "v|timestamp|NO|NULL|NULL|NULL\n");
    assert_answer(
        sa,
        "SELECT CONSTRAINT_NAME, COLUMN_NAME FROM INFORMATION_SCHEMA.KEY_COLUMN_USAGE WHERE TABLE_NAME = "
        "'customer' ORDER BY 1",
        "pk_customer|id\nuq_email|email\n");
    run(sa, "USE master");
    assert_answer(sa, "SELECT COUNT(*) FROM shop.INFORMATION_SCHEMA.TABLES", "2\n");
    assert_answer(sa, "SELECT COUNT(*) FROM [shop].sys.tables", "2\n");
}

static void the_server_tells_of_databases_and_services(void **state) {
    (void)state;
    assert_answer(sa,
                  "SELECT name, is_cdc_enabled, snapshot_isolation_state, is_read_committed_snapshot_on, "
                  "collation_name "
                  "FROM sys.databases WHERE name = N'shop'",
                  "shop|0|0|0|SQL_Latin1_General_CP1_CI_AS\n");
    assert_answer(
        sa,
        "SELECT CASE WHEN status = 4 THEN 1 ELSE 0 END FROM sys.dm_server_services WHERE servicename LIKE "
        "N'SQL Server Agent (%'",
        "1\n");
    run(sa, "EXEC standin.agent_stop");
    assert_answer(
        sa, "SELECT status FROM sys.dm_server_services WHERE servicename LIKE N'SQL Server Agent (%'", "1\n");
    assert_answer(sa, "SELECT login_name FROM sys.dm_exec_sessions WHERE session_id = @@SPID", "sa\n");
}

static void table_types_and_schemas_are_lists_of_their_own(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_tables N'', N'', N'', N'%'",
                  "NULL|NULL|NULL|SYSTEM TABLE|NULL\nNULL|NULL|NULL|TABLE|NULL\nNULL|NULL|NULL|VIEW|NULL\n");
    assert_non_null(strstr(ask(sa, "EXEC sp_tables N'', N'%', N''"), "NULL|dbo|NULL|NULL|NULL\n"));
}

static void privileges_are_the_owners_and_those_granted(void **state) {
    (void)state;
    run(sa, "CREATE USER reader WITHOUT LOGIN");
    run(sa, "GRANT SELECT ON dbo.customer TO reader");
    assert_answer(sa, "EXEC sp_table_privileges N'customer'",
                  "shop|dbo|customer|dbo|dbo|DELETE|YES\nshop|dbo|customer|dbo|dbo|INSERT|YES\n"
                  "shop|dbo|customer|dbo|dbo|REFERENCES|YES\nshop|dbo|customer|dbo|dbo|SELECT|YES\n"
                  "shop|dbo|customer|dbo|reader|SELECT|NO\nshop|dbo|customer|dbo|dbo|UPDATE|YES\n");
    assert_answer(
        sa, "EXEC sp_column_privileges N'customer', N'dbo', NULL, N'em%'",
        "shop|dbo|customer|email|dbo|dbo|INSERT|YES\nshop|dbo|customer|email|dbo|dbo|REFERENCES|YES\n"
        "shop|dbo|customer|email|dbo|dbo|SELECT|YES\nshop|dbo|customer|email|dbo|reader|SELECT|NO\n"
        "shop|dbo|customer|email|dbo|dbo|UPDATE|YES\n");
}

static void special_columns_are_asked_by_the_manuals_names(void **state) {
    (void)state;
    assert_answer(
        sa,
        "EXEC sp_special_columns @table_name = N'customer', @table_owner = N'dbo', @qualifier = N'shop', "
        "@col_type = 'R', @scope = 'T', @nullable = 'U', @ODBCVer = 3",
        "1|id|4|int identity|10|4|0|1\n");
}

static void sp_help_tells_all_of_a_table(void **state) {
    (void)state;
    const char *answer = ask(sa, "EXEC sp_help N'dbo.customer'");
    assert_non_null(strstr(answer, "customer|dbo|user table|"));
    assert_non_null(strstr(answer, "id|int|no|4|10   |0    |no|(n/a)|(n/a)|NULL\n"));
    assert_non_null(strstr(answer, "id|5|2|0\nNo rowguidcol column defined.\nPRIMARY\n"));
    assert_non_null(strstr(answer, "pk_customer|clustered, unique, primary key located on PRIMARY|id\n"));
    assert_non_null(
        strstr(ask(sa, "EXEC sp_help N'dbo.orders'"), "No identity column defined.|NULL|NULL|NULL\n"));
    assert_answer(sa, "EXEC sp_help N'nix'",
                  "ERROR 15009: The object 'nix' does not exist in database 'shop' or is invalid for this "
                  "operation.\n");
}

#define ON_SHOP(test) cmocka_unit_test_setup_teardown(test, open_database, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_SHOP(sp_tables_lists_by_pattern_and_type),
        ON_SHOP(sp_columns_100_describes_each_column),
        ON_SHOP(keys_and_indexes_are_listed),
        ON_SHOP(types_are_listed_by_their_odbc_number),
        ON_SHOP(catalog_views_join_to_a_table_description),
        ON_SHOP(the_standards_views_tell_the_same),
        ON_SHOP(the_server_tells_of_databases_and_services),
        ON_SHOP(sp_help_tells_all_of_a_table),
        ON_SHOP(table_types_and_schemas_are_lists_of_their_own),
        ON_SHOP(privileges_are_the_owners_and_those_granted),
        ON_SHOP(special_columns_are_asked_by_the_manuals_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
