#include "sqlserver/capture_passed.h"

#include <string.h>

#include "test.h"

#include "fake_odbc.h"

#define LSN(n) "0000002a0000000100" #n

static Odbc *connect_now(void) {
    const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};
    Odbc *c;
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "DATEADD", .results = {"t\n2026-01-01 00:00:10.000\n"}});
    if (!odbc_connect(&target, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

/* One look: the newest captured commit's time, the newest scan's end ("" = no grant). */
static bool look(Odbc *c, CapturePassed *p, const char *committed, const char *scanned) {
    static char max[100], scan[100];
    Err e = {0};
    (void)snprintf(max, sizeof max, "xt\n" LSN(03) "|2026-01-01 00:00:%s\n", committed);
    (void)snprintf(scan, sizeof scan, "t\n2026-01-01 00:00:%s\n", scanned);
    fake_rule((FakeRule){.match = "lsn_time_mapping", .results = {max}});
    if (scanned[0]) fake_rule((FakeRule){.match = "dm_cdc_log", .results = {scan}});
    else fake_rule((FakeRule){.match = "dm_cdc_log", .native = 262, .state = "42000"});
    if (!capture_passed_ask(c, p, &e)) fail_msg("%s", e.msg);
    return p->is_passed;
}

static void a_later_commit_proves_it(void **state) {
    (void)state;
    CapturePassed p;
    Err e = {0};
    Odbc *c = connect_now();
    assert_true(capture_passed_begin(c, &p, &e));
    assert_false(look(c, &p, "09.999", ""));
    assert_false(p.knows_scans);
    assert_false(look(c, &p, "10.000", ""));
    assert_true(look(c, &p, "10.003", ""));
    assert_int_equal(p.max_lsn.b[9], 3);
    odbc_close(c);
}

static void the_second_scan_that_ended_after_it_proves_it(void **state) {
    (void)state;
    CapturePassed p;
    Err e = {0};
    Odbc *c = connect_now();
    assert_true(capture_passed_begin(c, &p, &e));
    assert_false(look(c, &p, "01.000", "09.000"));
    assert_true(p.knows_scans);
    assert_false(look(c, &p, "01.000", "12.000")); /* it may have begun before */
    assert_false(look(c, &p, "01.000", "12.000"));
    assert_true(look(c, &p, "01.000", "17.000"));
    odbc_close(c);
}

static void nothing_captured_is_no_proof(void **state) {
    (void)state;
    CapturePassed p;
    Err e = {0};
    Odbc *c = connect_now();
    assert_true(capture_passed_begin(c, &p, &e));
    fake_rule((FakeRule){.match = "lsn_time_mapping", .results = {"xt\n"}});
    fake_rule((FakeRule){.match = "dm_cdc_log", .results = {"t\n~\n"}});
    assert_true(capture_passed_ask(c, &p, &e));
    assert_false(p.is_passed || p.knows_scans);
    assert_true(lsn_is_zero(&p.max_lsn));
    odbc_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_later_commit_proves_it),
        cmocka_unit_test(the_second_scan_that_ended_after_it_proves_it),
        cmocka_unit_test(nothing_captured_is_no_proof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
