#include "sqlserver/reading.h"

#include "record/civil.h"
#include "test.h"

#include "fake_odbc.h"

static Odbc *connect_now(void) {
    const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};
    Odbc *c;
    Err e = {0};
    if (!odbc_connect(&target, &c, &e)) fail_msg("%s", e.msg);
    return c;
}

#define LSN(n) "0000002a0000000100" #n
static const char clock_result[] = "xss\n" LSN(03) "|2020,1,1,12,0,0,0|2020,1,1,14,0,0,1000\n";

static void one_batch_tells_commits_instances_and_ddl_in_utc(void **state) {
    (void)state;
    Reading r = {0};
    Err e = {0};
    fake_reset();
    fake_rule(
        (FakeRule){.match = "fn_cdc_get_max_lsn",
                   .results = {clock_result,
                               "xd\n" LSN(01) "|43829,15120000\n" LSN(03) "|43829,15120300\n" LSN(04) "|~\n",
                               "ix\n100|" LSN(01) "\n200|~\n", "x\n~\n"}});
    Odbc *c = connect_now();
    if (!reading_take(&r, c, &(Lsn){{0}}, 500, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.offset_minutes, 120);
    assert_int_equal(r.commit_count, 2);      /* the third came after the maximum was read */
    assert_true(r.commits[0].us == r.now_us); /* 14:00 there is 12:00 UTC */
    assert_int_equal(r.commits[1].us - r.commits[0].us, 1000000);
    assert_false(r.is_full);
    Lsn start = reading_start(&r, 200);
    assert_true(lsn_is_zero(&start));
    start = reading_start(&r, 100);
    assert_false(lsn_is_zero(&start));
    assert_true(lsn_is_zero(&r.ddl_lsn));
    size_t at = 0;
    assert_true(reading_commit_us(&r, &r.commits[1].lsn, &at) == r.commits[1].us);
    reading_done(&r);
    odbc_close(c);
}

static void as_many_commits_as_asked_for_mean_that_there_may_be_more(void **state) {
    (void)state;
    Reading r = {0};
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "TOP (1)",
                         .results = {clock_result, "xd\n" LSN(01) "|43829,0\n", "ix\n", "x\n~\n"}});
    Odbc *c = connect_now();
    assert_true(reading_take(&r, c, &(Lsn){{0}}, 1, &e));
    assert_true(r.is_full);
    reading_done(&r);
    odbc_close(c);
}

static void a_database_never_scanned_has_no_maximum(void **state) {
    (void)state;
    Lsn lsn = {{1}};
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "fn_cdc", .results = {"xss\n~|2020,1,1,12,0,0,0|2020,1,1,12,0,0,0\n"}});
    Odbc *c = connect_now();
    assert_true(reading_max_lsn(c, &lsn, &e));
    assert_true(lsn_is_zero(&lsn));
    odbc_close(c);
}

static void a_missing_result_is_an_error(void **state) {
    (void)state;
    Reading r = {0};
    Err e = {0};
    fake_reset();
    fake_rule((FakeRule){.match = "fn_cdc", .results = {clock_result}});
    Odbc *c = connect_now();
    assert_false(reading_take(&r, c, &(Lsn){{0}}, 1, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    reading_done(&r);
    odbc_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_tells_commits_instances_and_ddl_in_utc),
        cmocka_unit_test(as_many_commits_as_asked_for_mean_that_there_may_be_more),
        cmocka_unit_test(a_database_never_scanned_has_no_maximum),
        cmocka_unit_test(a_missing_result_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
