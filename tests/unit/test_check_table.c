#include "sqlserver/check_table.h"

#include "check_rig.h"

static const char *found(const char *name) {
    return rig_found(check_table_defs(), name, NULL, NULL, 0);
}

static void tables_that_are_left_out_are_counted(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"table.include.list", "dbo\\..*"}};
    static const char *const only[][2] = {{"table.include.list", "dbo.T"}};
    shop_rules();
    FOUND_HAS(found("tables"), "ok 2 wanted");
    fake_rule((FakeRule){.match = "SELECT ct.capture_instance FROM", .results = {"t\ndbo_Hidden\n"}});
    FOUND_HAS(found("tables"),
              "warning capture instance dbo_Hidden is of a table that user reader doesn't see");
    FOUND_HAS(rig_found(check_table_defs(), "tables", NULL, only, 1), "note capture instance dbo_Hidden");
    FOUND_HAS(found("tables-captured"), "note 1 tables aren't captured");
    FOUND_HAS(rig_found(check_table_defs(), "tables-captured", NULL, pairs, 1),
              "error table dbo.U isn't captured; as db_owner, run | EXEC sys.sp_cdc_enable_table");
    FOUND_HAS(found("source-grants"), "ok ");
    fake_rule((FakeRule){.match = "sys.allocation_units", .results = {"iqq\n10|3|2097152\n99|1|1\n"}});
    FOUND_HAS(found("table-sizes"), "ok 3 rows, 2 MiB");
}

static void a_gating_role_without_us_is_a_note(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "ct.role_name IS NOT NULL", .results = {"itii\n10|readers|0|0\n"}});
    FOUND_HAS(found("gating-role"), "| ALTER ROLE [readers] ADD MEMBER [reader]");
    fake_rule((FakeRule){.match = "ct.role_name IS NOT NULL", .results = {"itii\n10|readers|1|0\n"}});
    assert_string_equal(found("gating-role"), "");
}

static void a_table_without_key_wants_db_owner_for_its_copy(void **state) {
    (void)state;
    shop_rules();
    assert_string_equal(found("table-keys"), "");
    fake_rule((FakeRule){.match = "FROM sys.indexes", .results = {"ibbiibt\n"}});
    FOUND_HAS(found("table-keys"), "| ALTER TABLE [dbo].[T] ADD PRIMARY KEY");
    fake_rule((FakeRule){.match = "SELECT IS_ROLEMEMBER", .results = {"i\n0\n"}});
    FOUND_HAS(found("keyless-copy"), "error 1 tables without a key");
    FOUND_HAS(rig_text, "ALTER ROLE [db_owner] ADD MEMBER [reader]");
    fake_rule((FakeRule){.match = "SELECT IS_ROLEMEMBER", .results = {"i\n1\n"}});
    assert_string_equal(found("keyless-copy"), "");
    StoredTable table = {.schema = "dbo", .table = "T", .is_done = true};
    StoredState stored = {.has_position = true, .tables = &table, .table_count = 1};
    fake_rule((FakeRule){.match = "SELECT IS_ROLEMEMBER", .results = {"i\n0\n"}});
    assert_string_equal(rig_found(check_table_defs(), "keyless-copy", &stored, NULL, 0), "");
}

static void collations_that_fold_are_told_of_keys_and_foreign_keys(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"message.key.columns", "dbo.T:Name"},
                                           {"table.include.list", "dbo.T,dbo.U"}};
    shop_rules();
    fake_rule((FakeRule){.match = "c.collation_name FROM sys.columns c",
                         .results = {"iitt\n10|2|Name|Latin1_General_CI_AS\n"}});
    assert_string_equal(found("key-collations"), ""); /* no key column */
    FOUND_HAS(rig_found(check_table_defs(), "key-collations", NULL, pairs, 1),
              "note table dbo.T, key column Name");
    static const char *const exact[] = {"iitt\n10|2|Name|Latin1_General_BIN2\n",
                                        "iitt\n10|2|Name|Latin1_General_CS_AS\n"};
    for (size_t i = 0; i < 2; i++) {
        fake_rule((FakeRule){.match = "c.collation_name FROM sys.columns c", .results = {exact[i]}});
        assert_string_equal(rig_found(check_table_defs(), "key-collations", NULL, pairs, 1), "");
    }
    fake_rule((FakeRule){.match = "FROM sys.foreign_keys f", .results = {"iittt\n10|20|fk|Name|X_CI_AI\n"}});
    FOUND_HAS(rig_found(check_table_defs(), "foreign-key-collations", NULL, pairs, 2),
              "warning table dbo.T, foreign key fk on Name");
}

static void a_key_of_another_code_page_is_not_copied(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "N'CodePage'", .results = {"iitt\n10|1|Id|Polish_CI_AS\n"}});
    assert_string_equal(found("key-code-pages"), ""); /* a number: nothing is asked */
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns",
                         .results = {"iititiiiibbbt\n100|1|Id|1|varchar|10|0|0|1|0|1|0|varchar\n"
                                     "100|2|Name|2|nvarchar|20|0|0|2|1|0|0|nvarchar\n"}});
    FOUND_HAS(found("key-code-pages"), "error table dbo.T, key column Id: its collation Polish_CI_AS");
    StoredTable table = {.schema = "dbo", .table = "T", .is_done = true};
    StoredState stored = {.has_position = true, .tables = &table, .table_count = 1};
    FOUND_HAS(rig_found(check_table_defs(), "key-code-pages", &stored, NULL, 0), "warning table dbo.T");
}

static void columns_that_change_on_the_way_are_named(void **state) {
    (void)state;
    shop_rules();
    assert_string_equal(found("column-types"), "");
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns cc JOIN",
                         .results = {"iititiiiibbbt\n100|1|Id|1|int|4|10|0|1|0|1|0|int\n"
                                     "100|2|At|2|datetime2|8|27|7|2|1|0|0|datetime2\n"
                                     "100|3|Sum|3|int|4|10|0|3|1|0|1|int\n"
                                     "100|4|Text|4|nvarchar|-1|0|0|4|1|0|0|nvarchar\n"}});
    FOUND_HAS(found("column-types"), "note table dbo.T, column At datetime2(7) PostgreSQL keeps 6 digits");
    FOUND_HAS(found("computed-columns"), "warning table dbo.T, column Sum is computed");
    fake_rule((FakeRule){.match = "max text repl size", .results = {"q\n65536\n"}});
    FOUND_HAS(found("lob-columns"), "warning max text repl size is 65536 bytes");
    FOUND_HAS(rig_text, "dbo.T.Text | EXEC sp_configure N'max text repl size (B)', -1");
    fake_rule((FakeRule){.match = "max text repl size", .results = {"q\n-1\n"}});
    FOUND_HAS(found("lob-columns"), "ok ");
}

static void columns_outside_the_instance_and_instances_in_use_are_told(void **state) {
    (void)state;
    shop_rules();
    fake_rule((FakeRule){.match = "so.name FROM cdc.change_tables ct", .results = {"it\n100|Later\n"}});
    FOUND_HAS(found("columns-captured"), "warning table dbo.T, column Later isn't in capture instance dbo_T");
    FOUND_HAS(rig_text, "@capture_instance = N'dbo_T_2'");
    assert_string_equal(found("capture-instances"), "");
    fake_rule(
        (FakeRule){.match = "ORDER BY source_object_id, create_date",
                   .results = {"iitx\n100|10|dbo_T|" SHOP_LSN(01) "\n101|10|dbo_T_2|" SHOP_LSN(02) "\n"}});
    fake_rule((FakeRule){.match = "FROM cdc.captured_columns cc JOIN",
                         .results = {"iititiiiibbbt\n100|1|Id|1|int|4|10|0|1|0|1|0|int\n"
                                     "101|1|Id|1|int|4|10|0|1|0|1|0|int\n"}});
    FOUND_HAS(found("capture-instances"), "@capture_instance = N'dbo_T'");
    fake_rule((FakeRule){.match = "ct.partition_switch = 1", .results = {"it\n10|dbo_T\n"}});
    FOUND_HAS(found("partition-switching"), "warning table dbo.T is partitioned");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_that_are_left_out_are_counted),
        cmocka_unit_test(a_gating_role_without_us_is_a_note),
        cmocka_unit_test(a_table_without_key_wants_db_owner_for_its_copy),
        cmocka_unit_test(collations_that_fold_are_told_of_keys_and_foreign_keys),
        cmocka_unit_test(a_key_of_another_code_page_is_not_copied),
        cmocka_unit_test(columns_that_change_on_the_way_are_named),
        cmocka_unit_test(columns_outside_the_instance_and_instances_in_use_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
