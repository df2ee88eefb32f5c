/* The procedures and their parameters, as ODBC's catalog functions ask for them. */
#include "engine_sa.h"

static int open_engine(void **state) {
    return sa_open(state, 1000000);
}

static void procedures_are_listed_with_their_group_number(void **state) {
    (void)state;
    assert_answer(sa, "EXEC sp_stored_procedures N'sp_pke%'", "master|sys|sp_pkeys;1|-1|-1|-1|NULL|2\n");
    assert_answer(sa, "EXEC sp_stored_procedures N'sp_pke_s', NULL, NULL, 0", "");
    assert_answer(sa, "EXEC sp_stored_procedures N'agent%'", ""); /* not SQL Server's */
    assert_answer(
        sa, "EXEC sp_stored_procedures N'%', NULL, N'tempdb'",
        "ERROR 15250: The database name component of the object qualifier must be the name of the current "
        "database.\n");
}

static void parameters_are_described_after_the_return_value(void **state) {
    (void)state;
    assert_answer(
        sa, "EXEC sp_sproc_columns N'sp_pkeys', @ODBCVer = 3",
        "master|sys|sp_pkeys;1|@RETURN_VALUE|5|4|int|10|4|0|10|0|NULL|NULL|4|NULL|NULL|0|NO|56\n"
        "master|sys|sp_pkeys;1|@table_name|1|-9|sysname|128|256|NULL|NULL|1|NULL|NULL|-9|NULL|256|1|YES|39\n"
        "master|sys|sp_pkeys;1|@table_owner|1|-9|sysname|128|256|NULL|NULL|1|NULL|NULL|-9|NULL|256|2|YES|39\n"
        "master|sys|sp_pkeys;1|@table_qualifier|1|-9|sysname|128|256|NULL|NULL|1|NULL|NULL|-9|NULL|256|3|YES|"
        "39\n");
    run(sa, "EXEC sp_sproc_columns_100 N'sp_prepare', NULL, NULL, N'@handle'");
    assert_int_equal(sa->column_count, 28);
    assert_answer(sa,
                  "SELECT COLUMN_TYPE FROM sys.spt_procedure_columns(1, 3) WHERE NAME = N'sp_prepare' AND "
                  "COLUMN_NAME = N'@handle'",
                  "2\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(procedures_are_listed_with_their_group_number, open_engine, sa_close),
        cmocka_unit_test_setup_teardown(parameters_are_described_after_the_return_value, open_engine,
                                        sa_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
