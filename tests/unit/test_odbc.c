#include "sqlserver/odbc.h"

#include "base/mem.h"
#include "test.h"

#include "fake_odbc.h"

static const OdbcTarget target = {
    .driver = "FreeTDS", .hostname = "db1", .port = 1433, .user = "sa", .password = "p"};

static Odbc *connect_now(void) {
    Odbc *c;
    Err e = {0};
    if (!odbc_connect(&target, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

static void a_session_is_told_how_much_of_a_value_is_wanted(void **state) {
    (void)state;
    fake_reset();
    Odbc *c = connect_now();
    assert_int_equal(fake_logged("SET TEXTSIZE 33554434"), 1);
    assert_int_equal(odbc_max_value_bytes(c), 16 * 1024 * 1024);
    odbc_close(c);
    assert_int_equal(fake.open, 0);
}

static void a_refused_connection_names_the_server_and_not_the_password(void **state) {
    (void)state;
    Odbc *c;
    Err e = {0};
    fake_reset();
    fake.refuses = true;
    assert_false(odbc_connect(&target, &c, &e));
    assert_true(e.retriable);
    assert_string_equal(e.msg, "SQL Server db1: said no (error 20009, SQLSTATE 08001)");
}

static void cells_are_texts_bytes_and_null(void **state) {
    (void)state;
    Arena arena = {0};
    Err e = {0};
    OdbcCells t;
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT", .results = {"tixt\nname|42|0102030405060708090a|~\n|-7|ff|x\n"}});
    Odbc *c = connect_now();
    if (!odbc_cells(c, &arena, "SELECT 1", NULL, 0, &t, &e)) fail_msg("%s", e.msg);
    assert_int_equal(t.rows, 2);
    assert_true(str_eq_c(odbc_cell(&t, 0, 0), "name"));
    assert_int_equal(odbc_cell_int(&t, 0, 1, 0), 42);
    assert_int_equal(odbc_cell_int(&t, 1, 1, 0), -7);
    assert_int_equal(odbc_cell_int(&t, 0, 3, 99), 99);
    Lsn lsn = odbc_cell_lsn(&t, 0, 2), none = odbc_cell_lsn(&t, 1, 2);
    assert_int_equal(lsn.b[9], 10);
    assert_true(lsn_is_zero(&none));
    assert_null(odbc_cell(&t, 0, 3).p);
    arena_done(&arena);
    odbc_close(c);
}

static void parameters_reach_the_server_as_text_bytes_and_double(void **state) {
    (void)state;
    Err e = {0};
    fake_reset();
    Odbc *c = connect_now();
    const OdbcParam params[] = {odbc_text(STR_LIT("ab")),
                                odbc_bytes("\x01\xff\x02", 3),
                                odbc_text(STR_LIT("")),
                                {.kind = ODBC_PARAM_DOUBLE, .number = 1.5}};
    assert_true(odbc_query(c, "SELECT ?, ?, ?, ?", params, 4, &e));
    assert_int_equal(fake_logged("SELECT ?, ?, ?, ? {ab 0x01ff02  1.5 }"), 1);
    odbc_close(c);
}

static void an_error_keeps_the_servers_number(void **state) {
    (void)state;
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "gone", .native = 208, .state = "42S02"});
    Odbc *c = connect_now();
    assert_false(odbc_exec(c, "SELECT * FROM gone", &e));
    assert_int_equal(odbc_last_native(c), 208);
    assert_false(e.retriable);
    odbc_close(c);
}

static void an_unknown_error_on_a_dead_connection_is_retriable(void **state) {
    (void)state;
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT", .native = 1, .state = "HY000"});
    Odbc *c = connect_now();
    fake.is_dead = true;
    assert_false(odbc_exec(c, "SELECT 1", &e));
    assert_int_equal(e.code, ERR_IO);
    assert_true(e.retriable);
    odbc_close(c);
}

static void a_batch_has_several_results(void **state) {
    (void)state;
    Err e = {0};
    Arena arena = {0};
    OdbcCells t;
    bool more = false;
    fake_reset();
    fake_rule((FakeRule){.match = "SELECT 1", .results = {"i\n1\n", "ii\n2|3\n"}});
    Odbc *c = connect_now();
    assert_true(odbc_query(c, "SELECT 1; SELECT 2, 3", NULL, 0, &e));
    assert_true(odbc_read_cells(c, &arena, &t, &e));
    assert_true(odbc_next_result(c, &more, &e));
    assert_true(more);
    assert_true(odbc_read_cells(c, &arena, &t, &e));
    assert_int_equal(odbc_cell_int(&t, 0, 1, 0), 3);
    assert_true(odbc_next_result(c, &more, &e));
    assert_false(more);
    arena_done(&arena);
    odbc_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_told_how_much_of_a_value_is_wanted),
        cmocka_unit_test(a_refused_connection_names_the_server_and_not_the_password),
        cmocka_unit_test(cells_are_texts_bytes_and_null),
        cmocka_unit_test(parameters_reach_the_server_as_text_bytes_and_double),
        cmocka_unit_test(an_error_keeps_the_servers_number),
        cmocka_unit_test(an_unknown_error_on_a_dead_connection_is_retriable),
        cmocka_unit_test(a_batch_has_several_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
