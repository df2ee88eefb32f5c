#include "sqlserver/odbc_diag.h"

#include "test.h"

static OdbcDiag diag(const char *state, int32_t native, const char *message) {
    OdbcDiag d = {.native = native, .message = str_from(message)};
    for (size_t i = 0; i < 5; i++) d.state[i] = state[i];
    return d;
}

static void a_lost_connection_is_retriable_however_the_driver_tells_it(void **state) {
    (void)state;
    const OdbcDiag all[] = {
        diag("01000", 20017, "Unexpected EOF from the server"), /* FreeTDS */
        diag("08S01", 20004, "Read from the server failed"),
        diag("08S01", 10054, "TCP Provider: Error code 0x2746"), /* Microsoft */
        diag("08001", 0, "TCP Provider: No connection could be made"),
        diag("42000", 40613, "Database is not currently available"),
        diag("HY000", 0, "Unknown error"), /* FreeTDS, writing to a connection that is gone */
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        Err e = {0};
        assert_false(odbc_diag_err(&all[i], 1, &e));
        assert_int_equal(e.code, ERR_IO);
        assert_true(e.retriable);
    }
}

static void a_busy_server_is_retriable(void **state) {
    (void)state;
    const OdbcDiag all[] = {diag("40001", 1205, "deadlocked"), diag("42000", 1222, "Lock request time out"),
                            diag("HYT00", 0, "Query timeout expired"),
                            diag("42000", 3961, "DDL under snapshot")};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        Err e = {0};
        assert_false(odbc_diag_err(&all[i], 1, &e));
        assert_true(e.retriable);
    }
}

static void a_wrong_statement_is_not_retriable(void **state) {
    (void)state;
    Err e = {0};
    OdbcDiag d = diag("42S02", 208, "[FreeTDS][SQL Server]Invalid object name 'dbo.nothing'.");
    assert_false(odbc_diag_err(&d, 1, &e));
    assert_false(e.retriable);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.msg, "Invalid object name 'dbo.nothing'. (error 208, SQLSTATE 42S02)");
}

static void a_row_value_is_left_out(void **state) {
    (void)state;
    Err e = {0};
    OdbcDiag d =
        diag("22018", 245, "Conversion failed when converting the nvarchar value 'O'Neil' to data type int.");
    assert_false(odbc_diag_err(&d, 1, &e));
    assert_string_equal(e.msg, "Conversion failed when converting the nvarchar value '…' to data type int. "
                               "(error 245, SQLSTATE 22018)");
    d = diag("22003", 248, "overflowed");
    assert_false(odbc_diag_err(&d, 1, &e));
    assert_string_equal(e.msg, "overflowed (error 248, SQLSTATE 22003)");
}

static void the_cause_is_the_refusal_by_name_not_the_broken_connection_beside_it(void **state) {
    (void)state;
    const OdbcDiag all[] = {diag("08001", 20002, "[FreeTDS][SQL Server]Adaptive Server connection failed"),
                            diag("01000", 5701, "Changed database context to 'master'."),
                            diag("28000", 18456, "[FreeTDS][SQL Server]Login failed for user 'sa'.")};
    Err e = {0};
    assert_int_equal(odbc_diag_cause(all, 3), 2);
    assert_false(odbc_diag_err(all, 3, &e));
    assert_false(e.retriable);
}

static void a_certificate_that_is_not_trusted_is_not_tried_again(void **state) {
    (void)state;
    Err e = {0};
    OdbcDiag d = diag("08001", -1, "SSL Provider: [error:0A000086:SSL routines::certificate verify failed]");
    assert_false(odbc_diag_err(&d, 1, &e));
    assert_false(e.retriable);
}

static void information_is_no_fault(void **state) {
    (void)state;
    OdbcDiag context = diag("01000", 5701, "Changed database context"),
             truncated = diag("01004", 0, "truncated");
    assert_int_equal(odbc_diag_fault(&context), ODBC_FAULT_NONE);
    assert_int_equal(odbc_diag_fault(&truncated), ODBC_FAULT_NONE);
}

static void no_diagnostic_at_all_is_still_an_error(void **state) {
    (void)state;
    Err e = {0};
    assert_false(odbc_diag_err(NULL, 0, &e));
    assert_true(e.retriable);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_connection_is_retriable_however_the_driver_tells_it),
        cmocka_unit_test(a_busy_server_is_retriable),
        cmocka_unit_test(a_wrong_statement_is_not_retriable),
        cmocka_unit_test(a_row_value_is_left_out),
        cmocka_unit_test(the_cause_is_the_refusal_by_name_not_the_broken_connection_beside_it),
        cmocka_unit_test(a_certificate_that_is_not_trusted_is_not_tried_again),
        cmocka_unit_test(information_is_no_fault),
        cmocka_unit_test(no_diagnostic_at_all_is_still_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
