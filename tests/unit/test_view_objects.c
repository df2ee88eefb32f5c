#include "shop.h"
#include "standin/system/view_objects.h"

static void make_tables(void) {
    run(sa, "CREATE TABLE dbo.customer(id int NOT NULL CONSTRAINT pk_customer PRIMARY KEY, email "
            "nvarchar(200) CONSTRAINT "
            "uq_email UNIQUE, age int CONSTRAINT df_age DEFAULT (1) CONSTRAINT ck_age CHECK (age > 0))");
    run(sa, "CREATE TABLE dbo.orders(no int NOT NULL, customer_id int CONSTRAINT fk_customer FOREIGN KEY "
            "REFERENCES "
            "dbo.customer(id) ON DELETE CASCADE)");
}

static void every_table_and_constraint_is_an_object(void **state) {
    (void)state;
    make_tables();
    assert_answer(
        sa, "SELECT name, type, type_desc, OBJECT_NAME(parent_object_id) FROM sys.objects ORDER BY name",
        "ck_age|C |CHECK_CONSTRAINT|customer\ncustomer|U |USER_TABLE|NULL\n"
        "df_age|D |DEFAULT_CONSTRAINT|customer\nfk_customer|F |FOREIGN_KEY_CONSTRAINT|orders\n"
        "orders|U |USER_TABLE|NULL\npk_customer|PK|PRIMARY_KEY_CONSTRAINT|customer\n"
        "uq_email|UQ|UNIQUE_CONSTRAINT|customer\n");
    assert_answer(sa, "SELECT name FROM sys.procedures UNION ALL SELECT name FROM sys.views", "");
}

static void constraints_tell_what_they_are_about(void **state) {
    (void)state;
    make_tables();
    assert_answer(
        sa,
        "SELECT name, delete_referential_action_desc, update_referential_action_desc, is_disabled FROM "
        "sys.foreign_keys",
        "fk_customer|CASCADE|NO_ACTION|0\n");
    assert_answer(sa,
                  "SELECT COL_NAME(parent_object_id, parent_column_id), COL_NAME(referenced_object_id, "
                  "referenced_column_id) FROM sys.foreign_key_columns",
                  "customer_id|id\n");
    assert_answer(sa, "SELECT name, definition FROM sys.default_constraints", "df_age|((1))\n");
    assert_answer(sa, "SELECT name, COL_NAME(parent_object_id, parent_column_id) FROM sys.check_constraints",
                  "ck_age|age\n");
    assert_answer(sa, "SELECT name, type FROM sys.key_constraints ORDER BY name",
                  "pk_customer|PK\nuq_email|UQ\n");
}

static void partitions_count_rows_of_heaps_and_of_each_index(void **state) {
    (void)state;
    make_tables();
    run(sa, "INSERT INTO dbo.customer(id) VALUES(1); INSERT INTO dbo.orders VALUES(1, 1), (2, 1)");
    assert_answer(sa, "SELECT OBJECT_NAME(object_id), index_id, rows FROM sys.partitions ORDER BY 1, 2",
                  "customer|1|1\ncustomer|2|1\norders|0|2\n");
    assert_answer(
        sa,
        "SELECT SUM(row_count) FROM sys.dm_db_partition_stats WHERE object_id = OBJECT_ID('dbo.orders') AND "
        "index_id < 2",
        "2\n");
}

static void schemas_belong_to_their_database(void **state) {
    (void)state;
    run(sa, "CREATE SCHEMA sales");
    assert_answer(sa, "SELECT name FROM sys.schemas WHERE name IN ('dbo', 'sales', 'sys') ORDER BY name",
                  "dbo\nsales\nsys\n");
    assert_answer(sa, "SELECT COUNT(*) FROM master.sys.schemas WHERE name = 'sales'", "0\n");
}

static void the_change_functions_of_an_instance_are_objects(void **state) {
    (void)state;
    assert_answer(
        sa,
        "SELECT name, type, SCHEMA_NAME(schema_id), is_ms_shipped FROM sys.objects WHERE object_id = "
        "OBJECT_ID('cdc.fn_cdc_get_all_changes_dbo_item')",
        "fn_cdc_get_all_changes_dbo_item|IF|cdc|0\n");
}

static void temporary_tables_are_in_tempdb(void **state) {
    (void)state;
    run(sa, "CREATE TABLE #t(a int, b int); DECLARE @v TABLE(c int)");
    assert_answer(sa,
                  "SELECT LEFT(name, 4), LEN(name) FROM tempdb.sys.tables WHERE object_id = "
                  "OBJECT_ID('tempdb..[#t]')",
                  "#t__|128\n");
    assert_answer(sa, "SELECT name FROM tempdb.sys.columns WHERE object_id = OBJECT_ID('tempdb..#t')",
                  "a\nb\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.tables", "0\n");
    run(sa, "DROP TABLE #t");
    assert_answer(sa, "SELECT COUNT(*) FROM tempdb.sys.tables", "0\n");
}

static void what_comes_with_the_server_is_an_object_of_the_system(void **state) {
    (void)state;
    assert_answer(sa, "SELECT name FROM sys.system_views WHERE name = 'dm_exec_sessions'",
                  "dm_exec_sessions\n");
    assert_answer(sa, "SELECT type FROM sys.all_objects WHERE object_id = OBJECT_ID('sp_executesql')",
                  "P \n");
    assert_answer(
        sa,
        "SELECT c.name FROM sys.all_columns AS c WHERE c.object_id = OBJECT_ID('sys.schemas') ORDER BY "
        "c.column_id",
        "name\nschema_id\nprincipal_id\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.objects WHERE name = 'dm_exec_sessions'", "0\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_SHOP(every_table_and_constraint_is_an_object),
        IN_SHOP(constraints_tell_what_they_are_about),
        IN_SHOP(partitions_count_rows_of_heaps_and_of_each_index),
        IN_SHOP(schemas_belong_to_their_database),
        IN_CAPTURED_SHOP(the_change_functions_of_an_instance_are_objects),
        IN_SHOP(temporary_tables_are_in_tempdb),
        IN_SHOP(what_comes_with_the_server_is_an_object_of_the_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
