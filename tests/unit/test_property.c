/* SERVERPROPERTY and its kin give variants with the base types of the manual. */
#include "standin/exec/property.h"

#include "collector.h"
#include "standin/exec/server.h"
#include "test.h"

static TestServer server;
static TestClient a;

static int setup(void **state) {
    (void)state;
    server = (TestServer){0};
    testserver_open(&server, NULL);
    testclient_open(&a, server.server, "sa", "");
    ASK(&a, "CREATE DATABASE ja COLLATE Japanese_CI_AS", "");
    return 0;
}

static int teardown(void **state) {
    (void)state;
    testclient_close(&a);
    testserver_close(&server);
    return 0;
}

#define BASE(x) "CAST(SQL_VARIANT_PROPERTY(" x ", 'BaseType') AS varchar(20))"

static void properties_have_the_base_types_of_the_manual(void **state) {
    (void)state;
    ASK(&a,
        "SELECT " BASE("SERVERPROPERTY('ProductVersion')") ", " BASE(
            "SERVERPROPERTY('EngineEdition')") ", " BASE("SERVERPROPERTY('EditionID')") ", " BASE("SERVERPROP"
                                                                                                  "ERTY('"
                                                                                                  "SqlSortOrd"
                                                                                                  "er')") ","
                                                                                                          " " BASE("SERVERPROPERTY('nix')"),
        "nvarchar|int|bigint|tinyint|NULL\n#1\n");
    ASK(&a,
        "SELECT " BASE("DATABASEPROPERTYEX('ja', 'Status')") ", " BASE(
            "DATABASEPROPERTYEX('ja', 'Version')") ", " BASE("SESSIONPROPERTY('ANSI_NULLS')") ", " BASE("COLL"
                                                                                                        "ATIO"
                                                                                                        "NPRO"
                                                                                                        "PERT"
                                                                                                        "Y('"
                                                                                                        "Japa"
                                                                                                        "nese"
                                                                                                        "_CI_"
                                                                                                        "AS',"
                                                                                                        " '"
                                                                                                        "Vers"
                                                                                                        "ion'"
                                                                                                        ")"),
        "nvarchar|int|int|tinyint\n#1\n");
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

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    log_set_level(LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        TEST(properties_have_the_base_types_of_the_manual),
        TEST(a_databases_properties_follow_its_collation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
