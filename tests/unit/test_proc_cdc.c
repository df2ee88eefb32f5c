/* sys.sp_cdc_enable_db, sp_cdc_enable_table and their opposites: what they make, and what they refuse. */
#include "shop.h"

static int open_database(void **state) {
    (void)shop_open(state);
    run(sa, "CREATE TABLE dbo.item(id int NOT NULL CONSTRAINT pk_item PRIMARY KEY, name nvarchar(40) NOT "
            "NULL, [odd, "
            "name] int, total AS (id * 2))");
    run(sa, "CREATE TABLE dbo.heap(a int, b int NOT NULL)");
    run(sa, "CREATE UNIQUE INDEX ux_heap ON dbo.heap(b)");
    return 0;
}

static int open_enabled(void **state) {
    (void)open_database(state);
    run(sa, "EXEC sys.sp_cdc_enable_db");
    return 0;
}

#define ENABLE_ITEM                                                                                          \
    "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'item', @role_name = NULL"

static void enabling_a_database_makes_schema_user_and_tables(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_db");
    assert_answer(sa, "SELECT is_cdc_enabled FROM sys.databases WHERE name = N'shop'", "1\n");
    assert_answer(sa, "SELECT name FROM sys.schemas WHERE name = N'cdc'", "cdc\n");
    assert_answer(sa, "SELECT name, type FROM sys.database_principals WHERE name = N'cdc'", "cdc|S\n");
    assert_answer(sa,
                  "SELECT t.name FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE "
                  "s.name = 'cdc' "
                  "AND t.is_ms_shipped = 1 ORDER BY t.name",
                  "captured_columns\nchange_tables\nddl_history\nindex_columns\nlsn_time_mapping\n");
}

static void a_system_database_cannot_be_enabled(void **state) {
    (void)state;
    run(sa, "USE master");
    assert_answer(
        sa, "EXEC sys.sp_cdc_enable_db",
        "ERROR 22989: Could not enable Change Data Capture for database 'master'. Change data capture is not "
        "supported on system databases, or on a distribution database.\n");
}

static void procedures_of_a_database_without_cdc_say_so(void **state) {
    (void)state;
    static const char wanted[] = "ERROR 22901: The database 'shop' is not enabled for Change Data Capture. "
                                 "Ensure that the correct database "
                                 "context is set and retry the operation. To report on the databases enabled "
                                 "for Change Data Capture, query the "
                                 "is_cdc_enabled column in the sys.databases catalog view.\n";
    assert_answer(sa, ENABLE_ITEM, wanted);
    assert_answer(sa, "EXEC sys.sp_cdc_help_change_data_capture", wanted);
    assert_answer(sa, "EXEC sys.sp_cdc_help_jobs", wanted);
    assert_answer(sa, "SELECT sys.fn_cdc_get_max_lsn()",
                  "ERROR 208: Invalid object name 'cdc.lsn_time_mapping'.\n");
    assert_answer(sa, "SELECT * FROM msdb.dbo.cdc_jobs",
                  "ERROR 208: Invalid object name 'msdb.dbo.cdc_jobs'.\n");
}

static void enabling_a_table_makes_its_change_table(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    assert_answer(
        sa,
        "SELECT c.name, t.name, c.max_length, c.is_nullable FROM sys.columns c JOIN sys.types t ON "
        "t.user_type_id = c.user_type_id WHERE c.object_id = OBJECT_ID('cdc.dbo_item_CT') ORDER BY "
        "c.column_id",
        "__$start_lsn|binary|10|0\n__$end_lsn|binary|10|1\n__$seqval|binary|10|0\n__$operation|int|4|0\n"
        "__$update_mask|varbinary|128|1\nid|int|4|1\nname|nvarchar|80|1\nodd, name|int|4|1\ntotal|int|4|1\n"
        "__$command_id|int|4|1\n");
    assert_answer(sa, "SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 'item'", "1\n");
    assert_answer(
        sa,
        "SELECT column_name, column_id, column_type, column_ordinal, is_computed FROM cdc.captured_columns "
        "ORDER BY column_ordinal",
        "id|1|int|1|0\nname|2|nvarchar|2|0\nodd, name|3|int|3|0\ntotal|4|int|4|1\n");
    assert_answer(sa, "SELECT column_name, index_ordinal, column_id FROM cdc.index_columns", "id|1|1\n");
    assert_answer(sa,
                  "SELECT capture_instance, start_lsn, end_lsn, supports_net_changes, role_name, index_name, "
                  "partition_switch FROM cdc.change_tables",
                  "dbo_item|NULL|NULL|1|NULL|pk_item|1\n");
    assert_answer(
        sa,
        "SELECT i.name, i.type_desc, i.is_unique, c.name, k.key_ordinal FROM sys.indexes i JOIN "
        "sys.index_columns k ON k.object_id = i.object_id AND k.index_id = i.index_id JOIN sys.columns c ON "
        "c.object_id = k.object_id AND c.column_id = k.column_id WHERE i.object_id = "
        "OBJECT_ID('cdc.dbo_item_CT') AND i.type = 1 ORDER BY k.key_ordinal",
        "dbo_item_CT_clustered_idx|CLUSTERED|1|__$start_lsn|1\n"
        "dbo_item_CT_clustered_idx|CLUSTERED|1|__$command_id|2\n"
        "dbo_item_CT_clustered_idx|CLUSTERED|1|__$seqval|3\n"
        "dbo_item_CT_clustered_idx|CLUSTERED|1|__$operation|4\n");
    assert_answer(
        sa,
        "SELECT c.name FROM sys.index_columns k JOIN sys.columns c ON c.object_id = k.object_id AND "
        "c.column_id = k.column_id WHERE k.object_id = OBJECT_ID('cdc.dbo_item_CT') AND k.is_included_column "
        "= 1",
        "__$update_mask\n");
}

static void with_the_agent_stopped_enabling_says_so(void **state) {
    (void)state;
    static const char notice[] =
        "INFO SQLServerAgent is not currently running so it cannot be notified of this action.\n";
    const char *answer = ask(sa, ENABLE_ITEM);
    int count = 0;
    for (const char *at = answer; (at = strstr(at, notice)) != NULL; at++) count++;
    assert_int_equal(count, 4);
    assert_non_null(strstr(answer, "INFO Update mask evaluation will be disabled in net_changes_function"));
    run(sa, "CREATE TABLE dbo.keyless(v int)");
    assert_answer(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'keyless', @role_name = NULL", "");
}

static void names_are_taken_without_blanks_at_their_end(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', N'one  ', @role_name = N'readers  '");
    assert_answer(sa, "SELECT capture_instance + '.', role_name + '.' FROM cdc.change_tables",
                  "one.|readers.\n");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'ONE '");
}

static void a_key_of_its_own_choice_is_checked(void **state) {
    (void)state;
    run(sa,
        "CREATE TABLE dbo.k(a int NULL, b int NOT NULL); CREATE UNIQUE INDEX ua ON dbo.k(a); CREATE INDEX "
        "nb ON dbo.k(b)");
    static const char enable[] =
        "EXEC sys.sp_cdc_enable_table N'dbo', N'k', @role_name = NULL, @index_name = N'%s'";
    static const struct {
        const char *index, *error;
    } cases[] = {{"ua", "ERROR 22838:"}, {"nb", "ERROR 22929:"}, {"nosuch", "ERROR 22928:"}};
    for (size_t i = 0; i < 3; i++) {
        char sql[128];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(sql, sizeof sql, enable, cases[i].index);
#pragma GCC diagnostic pop
        assert_non_null(strstr(ask(sa, sql), cases[i].error));
    }
}

static void system_tables_are_not_there_to_be_captured(void **state) {
    (void)state;
    assert_non_null(
        strstr(ask(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'systranschemas', @role_name = NULL"),
               "ERROR 22931:"));
}

static void a_switch_setting_is_ignored_with_a_warning(void **state) {
    (void)state;
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL, "
                                   "@allow_partition_switch = 0"),
                           "INFO Warning: The @allow_partition_switch parameter must be 1 for tables"));
    assert_answer(sa, "SELECT partition_switch FROM cdc.change_tables", "1\n");
}

static void keys_that_are_used_stay_until_the_instance_goes(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'heap', @role_name = NULL, @index_name = N'ux_heap'");
    run(sa, ENABLE_ITEM);
    assert_non_null(strstr(ask(sa, "DROP INDEX ux_heap ON dbo.heap"),
                           "ERROR 22983: The unique index 'ux_heap' on source table 'heap' is used by"));
    assert_non_null(
        strstr(ask(sa, "ALTER TABLE dbo.item DROP CONSTRAINT pk_item"),
               "ERROR 22979: The unique index 'pk_item' on table 'item' is used by Change Data Capture. "
               "The constraint"));
    run(sa, "CREATE UNIQUE INDEX other ON dbo.heap(a); DROP INDEX other ON dbo.heap");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'heap', N'all'");
    run(sa, "DROP INDEX ux_heap ON dbo.heap");
}

static void tables_of_cdc_are_not_dropped_by_hand(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    assert_non_null(strstr(ask(sa, "DROP TABLE cdc.dbo_item_CT"),
                           "ERROR 3764: Cannot drop the table 'cdc.dbo_item_CT' because it is being used"));
    assert_non_null(
        strstr(ask(sa, "ALTER TABLE cdc.lsn_time_mapping ADD x int"), "ERROR 3764: Cannot alter"));
}

static void disabling_what_is_not_enabled_is_no_error(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_disable_db");
    const char *answer = ask(sa, "EXEC sys.sp_cdc_disable_db");
    assert_non_null(strstr(answer, "INFO The database 'shop' is not enabled for Change Data Capture."));
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_cleanup_change_table N'x', NULL"), "ERROR 22910:"));
}

static void the_jobs_table_goes_with_the_last_database(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    run(sa, "CREATE DATABASE other");
    run(sa, "USE other; EXEC sys.sp_cdc_enable_db; USE shop; EXEC sys.sp_cdc_disable_db");
    assert_answer(sa, "SELECT COUNT(*) FROM msdb.dbo.cdc_jobs", "0\n");
    run(sa, "USE other; EXEC sys.sp_cdc_disable_db; USE shop");
    assert_non_null(strstr(ask(sa, "SELECT * FROM msdb.dbo.cdc_jobs"), "ERROR 208:"));
}

static void the_first_table_brings_the_jobs_and_the_last_takes_them(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    assert_answer(
        sa,
        "SELECT job_type, maxtrans, maxscans, continuous, pollinginterval, retention, threshold FROM "
        "msdb.dbo.cdc_jobs ORDER BY job_type",
        "capture|500|10|1|5|0|0\ncleanup|0|0|0|0|4320|5000\n");
    run(sa, "EXEC sys.sp_cdc_change_job @job_type = N'capture', @pollinginterval = 1");
    assert_answer(sa, "SELECT pollinginterval FROM msdb.dbo.cdc_jobs WHERE job_type = 'capture'", "1\n");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'all'");
    assert_answer(sa, "SELECT COUNT(*) FROM msdb.dbo.cdc_jobs", "0\n");
    assert_answer(sa, "SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 'item'", "0\n");
}

static void a_third_instance_and_a_taken_name_are_refused(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    assert_non_null(strstr(ask(sa, ENABLE_ITEM), "ERROR 22926: Could not create a capture instance because"));
    run(sa, ENABLE_ITEM ", @capture_instance = N'two'");
    assert_non_null(strstr(ask(sa, ENABLE_ITEM ", @capture_instance = N'three'"),
                           "ERROR 22962: Two capture instances already exist for source table 'dbo.item'."));
}

static void what_cannot_be_captured_is_refused_with_its_number(void **state) {
    (void)state;
    static const struct {
        const char *sql, *error;
    } cases[] = {
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'none', @role_name = NULL",
         "ERROR 22931: Source table 'dbo.none' does not exist in the current database."},
        {"EXEC sys.sp_cdc_enable_table N'cdc', N'change_tables', @role_name = NULL", "ERROR 22974:"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = N''", "ERROR 22907:"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'heap', @role_name = NULL, @supports_net_changes = 1",
         "ERROR 22939:"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'heap', @role_name = NULL, @index_name = N'nix'",
         "ERROR 22928:"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL, @captured_column_list = N'id, "
         "nix'",
         "ERROR 22930: Could not locate 'nix' as a column"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL, @captured_column_list = N'[id'",
         "ERROR 22965:"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL, @captured_column_list = N'name'",
         "ERROR 22943:"},
        {"EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = NULL, @filegroup_name = N'nix'",
         "ERROR 22973:"},
        {"EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'all'", "ERROR 22985:"},
        {"EXEC sys.sp_cdc_get_captured_columns N'nix'",
         "ERROR 22981: Object does not exist or access is denied."},
        {"EXEC sys.sp_cdc_help_change_data_capture N'dbo'", "ERROR 22972:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strstr(ask(sa, cases[i].sql), cases[i].error))
            fail_msg("%s\n%s", cases[i].sql, buf_text(&sa->answer));
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.change_tables", "0\n");
    run(sa, ENABLE_ITEM);
    assert_non_null(
        strstr(ask(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'item', N'nix'"),
               "ERROR 22960: Change data capture instance 'nix' has not been enabled for the source table "
               "'dbo.item'."));
}

static void a_column_list_may_quote_names_with_commas(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM ", @captured_column_list = N' id , [odd, name], \"name\"'");
    assert_answer(sa, "SELECT column_name, column_ordinal FROM cdc.captured_columns ORDER BY column_ordinal",
                  "id|1\nname|2\nodd, name|3\n");
}

static void a_unique_index_may_stand_in_for_the_primary_key(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'heap', @role_name = NULL, @index_name = N'ux_heap'");
    assert_answer(sa, "SELECT supports_net_changes, index_name FROM cdc.change_tables", "1|ux_heap\n");
    run(sa, "EXEC sys.sp_cdc_disable_table N'dbo', N'heap', N'all'");
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'heap', @role_name = NULL");
    assert_answer(sa, "SELECT supports_net_changes, index_name FROM cdc.change_tables", "0|NULL\n");
}

static void the_gating_role_is_made(void **state) {
    (void)state;
    run(sa, "EXEC sys.sp_cdc_enable_table N'dbo', N'item', @role_name = N'readers'");
    assert_answer(sa, "SELECT name, type FROM sys.database_principals WHERE name = N'readers'",
                  "readers|R\n");
}

static void help_tells_columns_and_key(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM ", @capture_instance = N'x'");
    assert_answer(sa, "EXEC sys.sp_cdc_get_captured_columns N'x'",
                  "dbo|item|x|id|1|1|int|NULL|10|10|0|NULL\n"
                  "dbo|item|x|name|2|2|nvarchar|40|NULL|NULL|NULL|NULL\n"
                  "dbo|item|x|odd, name|3|3|int|NULL|10|10|0|NULL\n"
                  "dbo|item|x|total|4|4|int|NULL|10|10|0|NULL\n");
    const char *help = ask(sa, "EXEC sys.sp_cdc_help_change_data_capture N'dbo', N'item'");
    assert_non_null(strstr(help, "dbo|item|x|"));
    assert_non_null(strstr(help, "|[id]|[id], [name], [odd, name], [total]\n"));
    assert_int_equal(sa->column_count, 15);
}

static void enabling_waits_for_transactions_that_wrote_the_table(void **state) {
    (void)state;
    Client *writer = client_open(&engine, "shop");
    run(writer, "BEGIN TRAN; INSERT INTO dbo.item(id, name) VALUES(1, N'a')");
    run(sa, "SET LOCK_TIMEOUT 50");
    assert_non_null(strstr(ask(sa, ENABLE_ITEM), "ERROR 1222:"));
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.change_tables", "0\n");
    run(writer, "COMMIT");
    run(sa, ENABLE_ITEM);
    run(writer, "BEGIN TRAN; INSERT INTO dbo.item(id, name) VALUES(2, N'b')");
    assert_non_null(strstr(ask(sa, ENABLE_ITEM ", @capture_instance = N'second'"), "ERROR 1222:"));
    run(writer, "COMMIT");
    run(sa, ENABLE_ITEM ", @capture_instance = N'second'");
    client_close(writer);
}

static void a_database_owner_may_enable_tables_but_not_the_database(void **state) {
    (void)state;
    run(sa, "CREATE LOGIN owner1 WITH PASSWORD = 'p'; CREATE USER owner1 FOR LOGIN owner1; ALTER ROLE "
            "db_owner ADD MEMBER "
            "owner1; CREATE LOGIN plain1 WITH PASSWORD = 'p'; CREATE USER plain1 FOR LOGIN plain1");
    Client *plain = client_open_as(&engine, "plain1", "p", "shop");
    assert_non_null(strstr(ask(plain, ENABLE_ITEM), "ERROR 22904:"));
    client_close(plain);
    Client *owner = client_open_as(&engine, "owner1", "p", "shop");
    run(owner, ENABLE_ITEM);
    assert_answer(
        owner, "EXEC sys.sp_cdc_disable_db",
        "ERROR 22902: Caller is not authorized to initiate the requested action. sysadmin privileges are "
        "required.\n");
    client_close(owner);
}

static void enabling_in_a_transaction_is_undone_with_it(void **state) {
    (void)state;
    run(sa, "BEGIN TRAN");
    run(sa, ENABLE_ITEM);
    run(sa, "ROLLBACK");
    assert_answer(sa, "SELECT COUNT(*) FROM cdc.change_tables", "0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.tables WHERE name = 'dbo_item_CT'", "0\n");
    assert_answer(sa, "SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 'item'", "0\n");
    run(sa, ENABLE_ITEM);
}

static void disabling_the_database_takes_all_of_it(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    run(sa, "EXEC sys.sp_cdc_disable_db");
    assert_answer(sa, "SELECT is_cdc_enabled FROM sys.databases WHERE name = N'shop'", "0\n");
    assert_answer(sa, "SELECT COUNT(*) FROM sys.schemas WHERE name = N'cdc'", "0\n");
    assert_answer(sa, "SELECT name FROM sys.tables ORDER BY name", "heap\nitem\n");
    run(sa, "INSERT INTO dbo.item(id, name) VALUES(1, N'a')");
    run(sa, "EXEC sys.sp_cdc_enable_db");
    run(sa, ENABLE_ITEM);
}

static void a_captured_table_cannot_be_truncated_nor_its_columns_renamed(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM ", @captured_column_list = N'id, name'");
    assert_answer(
        sa, "TRUNCATE TABLE dbo.item",
        "ERROR 4711: Cannot truncate table 'dbo.item' because it is published for replication or enabled for "
        "Change Data Capture.\n");
    assert_answer(sa, "EXEC sp_rename 'dbo.item.name', 'title', 'COLUMN'",
                  "ERROR 4928: Cannot alter column 'name' because it is 'REPLICATED'.\n");
    run(sa, "EXEC sp_rename 'dbo.item.[odd, name]', 'even', 'COLUMN'");
    run(sa, "EXEC sp_rename 'dbo.item', 'thing'");
    assert_answer(
        sa,
        "SELECT c.name FROM sys.columns c WHERE c.object_id = OBJECT_ID('dbo.thing') ORDER BY c.column_id",
        "id\nname\neven\ntotal\n");
    assert_non_null(strstr(ask(sa, "EXEC sys.sp_cdc_help_change_data_capture"), "dbo|thing|dbo_item|"));
}

static void jobs_check_their_settings(void **state) {
    (void)state;
    run(sa, ENABLE_ITEM);
    static const struct {
        const char *sql, *error;
    } cases[] = {
        {"EXEC sys.sp_cdc_change_job N'capture', @pollinginterval = 86400", "ERROR 22990:"},
        {"EXEC sys.sp_cdc_change_job N'capture', @maxtrans = 0", "ERROR 22991:"},
        {"EXEC sys.sp_cdc_change_job N'capture', @maxscans = 0", "ERROR 22970:"},
        {"EXEC sys.sp_cdc_change_job N'capture', @retention = 5", "ERROR 22995:"},
        {"EXEC sys.sp_cdc_change_job N'cleanup', @retention = 0", "ERROR 22994:"},
        {"EXEC sys.sp_cdc_change_job N'cleanup', @maxtrans = 5", "ERROR 22996:"},
        {"EXEC sys.sp_cdc_change_job N'nix'", "ERROR 22992:"},
        {"EXEC sys.sp_cdc_scan @pollinginterval = 3", "ERROR 22999:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (!strstr(ask(sa, cases[i].sql), cases[i].error))
            fail_msg("%s\n%s", cases[i].sql, buf_text(&sa->answer));
}

#define ON_PLAIN(test)   cmocka_unit_test_setup_teardown(test, open_database, sa_close)
#define ON_ENABLED(test) cmocka_unit_test_setup_teardown(test, open_enabled, sa_close)

int main(void) {
    const struct CMUnitTest tests[] = {
        ON_PLAIN(enabling_a_database_makes_schema_user_and_tables),
        ON_PLAIN(a_system_database_cannot_be_enabled),
        ON_PLAIN(procedures_of_a_database_without_cdc_say_so),
        ON_ENABLED(enabling_a_table_makes_its_change_table),
        ON_ENABLED(with_the_agent_stopped_enabling_says_so),
        ON_ENABLED(the_first_table_brings_the_jobs_and_the_last_takes_them),
        ON_ENABLED(a_third_instance_and_a_taken_name_are_refused),
        ON_ENABLED(what_cannot_be_captured_is_refused_with_its_number),
        ON_ENABLED(a_column_list_may_quote_names_with_commas),
        ON_ENABLED(a_unique_index_may_stand_in_for_the_primary_key),
        ON_ENABLED(the_gating_role_is_made),
        ON_ENABLED(help_tells_columns_and_key),
        ON_ENABLED(enabling_waits_for_transactions_that_wrote_the_table),
        ON_ENABLED(a_database_owner_may_enable_tables_but_not_the_database),
        ON_ENABLED(enabling_in_a_transaction_is_undone_with_it),
        ON_ENABLED(disabling_the_database_takes_all_of_it),
        ON_ENABLED(a_captured_table_cannot_be_truncated_nor_its_columns_renamed),
        ON_ENABLED(names_are_taken_without_blanks_at_their_end),
        ON_ENABLED(a_key_of_its_own_choice_is_checked),
        ON_ENABLED(system_tables_are_not_there_to_be_captured),
        ON_ENABLED(a_switch_setting_is_ignored_with_a_warning),
        ON_ENABLED(keys_that_are_used_stay_until_the_instance_goes),
        ON_ENABLED(tables_of_cdc_are_not_dropped_by_hand),
        ON_ENABLED(disabling_what_is_not_enabled_is_no_error),
        ON_ENABLED(the_jobs_table_goes_with_the_last_database),
        ON_ENABLED(jobs_check_their_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
