/* SERVERPROPERTY and its kin give variants with the base types of the manual. */
#include "standin/exec/property.h"

#include "collector_sa.h"
#include "standin/exec/server.h"
#include "test.h"

static int setup(void **state) {
    (void)sa_open(state);
    ASK(&a, "CREATE DATABASE ja COLLATE Japanese_CI_AS", "");
    return 0;
}

static void properties_have_the_base_types_of_the_manual(void **state) {
    (void)state;
    static const struct {
        const char *property, *type;
    } cases[] = {{"SERVERPROPERTY('ProductVersion')", "nvarchar"},
                 {"SERVERPROPERTY('EngineEdition')", "int"},
                 {"SERVERPROPERTY('EditionID')", "bigint"},
                 {"SERVERPROPERTY('SqlSortOrder')", "tinyint"},
                 {"SERVERPROPERTY('nix')", "NULL"},
                 {"DATABASEPROPERTYEX('ja', 'Status')", "nvarchar"},
                 {"DATABASEPROPERTYEX('ja', 'Version')", "int"},
                 {"SESSIONPROPERTY('ANSI_NULLS')", "int"},
                 {"COLLATIONPROPERTY('Japanese_CI_AS', 'Version')", "tinyint"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[200], want[40];
        (void)snprintf(sql, sizeof sql, "SELECT SQL_VARIANT_PROPERTY(%s, 'BaseType')", cases[i].property);
        (void)snprintf(want, sizeof want, "%s\n#1\n", cases[i].type);
        ASK(&a, sql, want);
    }
}

static void a_databases_properties_follow_its_collation(void **state) {
    (void)state;
    ASK(&a,
        "SELECT DATABASEPROPERTYEX('ja', 'Collation'), DATABASEPROPERTYEX('ja', 'LCID'), "
        "DATABASEPROPERTYEX('master', 'SQLSortOrder'), DATABASEPROPERTYEX('nix', 'LCID')",
        "Japanese_CI_AS|1041|52|NULL\n#1\n");
    ASK(&a,
        "SELECT COLLATIONPROPERTY('Japanese_CI_AS', 'CodePage'), COLLATIONPROPERTY('Japanese_CI_AS', "
        "'ComparisonStyle'), COLLATIONPROPERTY('Latin1_General_BIN2', 'ComparisonStyle'), "
        "COLLATIONPROPERTY('Klingon_CI_AS', 'LCID')",
        "932|196609|0|NULL\n#1\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, sa_close)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(properties_have_the_base_types_of_the_manual),
        TEST(a_databases_properties_follow_its_collation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
