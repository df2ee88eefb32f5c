#include "sqlserver/handover.h"

#include <string.h>

#include "test.h"

#include "fake_shop.h"

static const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};

static bool begin(bool uses_snapshot, Lsn *ret, Err *e) {
    Odbc *reader;
    if (!odbc_connect(&target, &reader, e)) return false;
    HandoverSpec spec = {.target = &target,
                         .schema = STR_LIT("dbo"),
                         .table = STR_LIT("T"),
                         .uses_snapshot = uses_snapshot,
                         .lock_timeout_ms = 100};
    bool ok = handover_begin(reader, &spec, ret, e);
    odbc_close(reader);
    return ok;
}

/* Where a statement stands in the log. */
static size_t at(const char *part) {
    const char *p = strstr(fake.log, part);
    if (!p) fail_msg("no statement with '%s'", part);
    return (size_t)(p - fake.log);
}

static void with_snapshots_the_view_is_fixed_under_the_lock_and_the_lock_let_go(void **state) {
    (void)state;
    Lsn lsn;
    Err e = {0};
    shop_rules();
    shop_reading_rules();
    if (!begin(true, &lsn, &e)) fail_msg("%s", e.msg);
    assert_int_equal(lsn.b[9], 3);
    assert_true(at("WITH (TABLOCKX)") < at("sp_cdc_scan"));
    assert_true(at("sp_cdc_scan") < at("ISOLATION LEVEL SNAPSHOT"));
    assert_true(at("ISOLATION LEVEL SNAPSHOT") < at("ROLLBACK"));
    assert_int_equal(fake.open, 0);
}

/* DDL that waits for the lock stands before the reader: both connections would wait for each other. */
static void the_wait_for_the_view_has_the_locks_limit(void **state) {
    (void)state;
    Lsn lsn;
    Err e = {0};
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "SET LOCK_TIMEOUT 100; SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
                         .native = 1222});
    assert_false(begin(true, &lsn, &e));
    assert_true(e.retriable);
    assert_int_equal(fake.open, 0);
}

static void without_them_the_lock_is_the_readers(void **state) {
    (void)state;
    Lsn lsn;
    Err e = {0};
    shop_rules();
    shop_reading_rules();
    if (!begin(false, &lsn, &e)) fail_msg("%s", e.msg);
    assert_int_equal(fake_logged("SNAPSHOT"), 0);
    assert_int_equal(fake_logged("ROLLBACK"), 0);
}

static void a_scan_that_is_not_permitted_has_its_cure(void **state) {
    (void)state;
    Lsn lsn;
    Err e = {0};
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "sp_cdc_scan", .native = 22904});
    assert_false(begin(false, &lsn, &e));
    assert_non_null(strstr(e.msg, "db_owner"));
    assert_false(e.retriable);
}

static void another_scan_is_waited_for(void **state) {
    (void)state;
    Lsn lsn;
    Err e = {0};
    shop_rules();
    shop_reading_rules();
    fake_rule((FakeRule){.match = "sp_cdc_scan", .native = 22903, .left = 2});
    assert_true(begin(false, &lsn, &e));
    assert_true(fake_logged("sp_cdc_scan") >= 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_snapshots_the_view_is_fixed_under_the_lock_and_the_lock_let_go),
        cmocka_unit_test(the_wait_for_the_view_has_the_locks_limit),
        cmocka_unit_test(without_them_the_lock_is_the_readers),
        cmocka_unit_test(a_scan_that_is_not_permitted_has_its_cure),
        cmocka_unit_test(another_scan_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
