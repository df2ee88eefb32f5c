/* OBJECT_ID() and its kin, server and session properties, SET options. */
#include "collector_sa.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open_shop(state);
    ASK(&a,
        "CREATE TABLE t (id int IDENTITY(5, 2) CONSTRAINT pk PRIMARY KEY, n nvarchar(10), d decimal(9,3))",
        "");
    return 0;
}

static void objects_have_ids_and_names(void **state) {
    (void)state;
    ASK(&a,
        "SELECT OBJECT_NAME(OBJECT_ID('dbo.t')), OBJECT_SCHEMA_NAME(OBJECT_ID('[dbo].[t]')), "
        "OBJECT_ID('nix'), OBJECT_ID('t', 'V'), "
        "OBJECT_NAME(OBJECT_ID('shop.dbo.t'), DB_ID('shop')), CASE WHEN OBJECT_ID('pk') > 0 THEN 1 END",
        "t|dbo|NULL|NULL|t|1\n#1\n");
    ASK(&a, "SELECT DB_NAME(), DB_ID('MASTER'), DB_NAME(4), SCHEMA_ID('sys'), SCHEMA_NAME(1), DB_ID('nix')",
        "shop|1|msdb|4|dbo|NULL\n#1\n");
    ASK(&a,
        "SELECT COL_LENGTH('t', 'n'), COL_NAME(OBJECT_ID('t'), 3), COLUMNPROPERTY(OBJECT_ID('t'), 'id', "
        "'IsIdentity'), "
        "COLUMNPROPERTY(OBJECT_ID('t'), 'n', 'AllowsNull'), COLUMNPROPERTY(OBJECT_ID('t'), 'n', 'nix'), "
        "INDEX_COL('t', 1, 1)",
        "20|d|1|1|NULL|id\n#1\n");
    ASK(&a,
        "SELECT OBJECTPROPERTY(OBJECT_ID('t'), 'IsTable'), OBJECTPROPERTY(OBJECT_ID('t'), "
        "'TableHasPrimaryKey'), "
        "INDEXPROPERTY(OBJECT_ID('t'), 'pk', 'IsClustered'), IDENT_SEED('t'), IDENT_INCR('t'), "
        "IDENT_CURRENT('t'), TYPE_ID('int')",
        "1|1|1|5|2|5|56\n#1\n");
}

static void the_server_tells_what_it_is(void **state) {
    (void)state;
    ASK(&a,
        "SELECT SERVERPROPERTY('EngineEdition'), SERVERPROPERTY('Collation'), "
        "SERVERPROPERTY('IsHadrEnabled'), SERVERPROPERTY('nix')",
        "3|SQL_Latin1_General_CP1_CI_AS|0|NULL\n#1\n");
    ASK(&a,
        "SELECT CASE WHEN @@VERSION LIKE '%' + CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(30)) + '%' "
        "THEN 1 ELSE 0 END",
        "1\n#1\n");
    ASK(&a,
        "SELECT DATABASEPROPERTYEX('shop', 'Status'), DATABASEPROPERTYEX('shop', 'Collation'), "
        "DATABASEPROPERTYEX('nix', 'Status')",
        "ONLINE|SQL_Latin1_General_CP1_CI_AS|NULL\n#1\n");
    ASK(&a,
        "SELECT SUSER_SNAME(), USER_NAME(), IS_SRVROLEMEMBER('sysadmin'), HAS_PERMS_BY_NAME('t', 'OBJECT', "
        "'SELECT')",
        "sa|dbo|1|1\n#1\n");
}

static void options_can_be_read_back(void **state) {
    (void)state;
    ASK(&a,
        "SET LOCK_TIMEOUT 1500 SET TEXTSIZE 100 SET DATEFIRST 1 SELECT @@LOCK_TIMEOUT, @@TEXTSIZE, "
        "@@DATEFIRST",
        "1500|100|1\n#1\n");
    ASK(&a,
        "SET LOCK_TIMEOUT -1 SET TEXTSIZE 0 SELECT @@LOCK_TIMEOUT, @@TEXTSIZE, SESSIONPROPERTY('ANSI_NULLS')",
        "-1|4096|1\n#1\n");
    ASK(&a, "SET LANGUAGE us_english", "-5703 Changed language setting to us_english.\n");
    ASK(&a, "SET NOCOUNT, XACT_ABORT ON SELECT @@OPTIONS & (512 | 16384)", "16896\n");
    ASK(&a,
        "SET NOCOUNT, XACT_ABORT OFF SET ROWCOUNT 1 SELECT n FROM (VALUES (1), (2)) AS v(n) SET ROWCOUNT 0",
        "1\n#1\n");
    ASK(&a, "SET IDENTITY_INSERT nix ON",
        "!1088 Cannot find the object \"nix\" because it does not exist or you do not have permissions.\n");
    ASK(&a, "SET NOEXEC ON SELECT 1 SET NOEXEC OFF SELECT 2", "2\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(objects_have_ids_and_names),
        TEST(the_server_tells_what_it_is),
        TEST(options_can_be_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
