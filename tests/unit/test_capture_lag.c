#include "sqlserver/capture_lag.h"

#include "test.h"

#include "fake_odbc.h"

static Odbc *connect_now(void) {
    const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};
    Odbc *c;
    Err e = {0};
    if (!odbc_connect(&target, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

#define LSN "0000002a000000010003"

static CaptureLag ask(const char *max, const char *scan) {
    CaptureLag lag = {0};
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "'19700101'", .results = {"t\n1600000000000000\n"}});
    fake_rule((FakeRule){.match = "cdc.lsn_time_mapping", .results = {max}});
    if (scan) fake_rule((FakeRule){.match = "dm_cdc_log_scan_sessions", .results = {scan}});
    Odbc *c = connect_now();
    if (!capture_lag_ask(c, &lag, &e)) fail_msg("%s", e.msg);
    odbc_close(c);
    return lag;
}

static void the_capture_job_tells_its_latency(void **state) {
    (void)state;
    CaptureLag lag = ask("xt\n" LSN "|2500000\n", "ii\n7|3\n");
    assert_int_equal(lag.max_lsn.b[3], 0x2a);
    assert_int_equal(lag.max_age_us, 2500000);
    assert_int_equal(lag.now_us, 1600000000000000);
    assert_true(lag.has_scan);
    assert_int_equal(lag.scan_latency_s, 7);
    assert_int_equal(lag.scan_age_s, 3);
}

static void nothing_captured_yet_has_no_age(void **state) {
    (void)state;
    CaptureLag lag = ask("xt\n", "ii\n~|~\n");
    assert_true(lsn_is_zero(&lag.max_lsn));
    assert_int_equal(lag.max_age_us, -1);
    assert_false(lag.has_scan);
}

static int64_t behind(const char *rows) {
    const Lsn after = {{0}};
    int64_t us = 0;
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "tran_id <> 0x00", .results = {rows}});
    Odbc *c = connect_now();
    if (!capture_lag_behind(c, &after, &us, &e)) fail_msg("%s", e.msg);
    odbc_close(c);
    return us;
}

static void what_was_captured_behind_a_position_waits_since_its_first_commit(void **state) {
    (void)state;
    assert_int_equal(behind("t\n1500000\n"), 1500000);
    assert_int_equal(behind("t\n-3\n"), 0);
    assert_int_equal(behind("t\n"), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_capture_job_tells_its_latency),
        cmocka_unit_test(what_was_captured_behind_a_position_waits_since_its_first_commit),
        cmocka_unit_test(nothing_captured_yet_has_no_age),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
