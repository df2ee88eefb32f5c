#include "sqlserver/heartbeat.h"

#include "test.h"

#include "base/clock.h"
#include "fake_odbc.h"

static const OdbcTarget target = {.driver = "FreeTDS", .hostname = "db1", .port = 1};

/* Waits until the statement was run so often. */
static bool was_run(const char *sql, size_t times) {
    for (int i = 0; i < 5000; i++) {
        pthread_mutex_lock(&fake.lock);
        size_t count = fake_logged(sql);
        pthread_mutex_unlock(&fake.lock);
        if (count >= times) return true;
        clock_sleep_ms(1);
    }
    return false;
}

static void the_statement_runs_again_and_again(void **state) {
    (void)state;
    fake_reset();
    fake_rule((FakeRule){.match = "UPDATE beat", .results = {"i\n"}});
    Heartbeat *h = heartbeat_new(&target, "UPDATE beat SET at = SYSUTCDATETIME()", 1);
    assert_true(was_run("UPDATE beat", 3));
    assert_null(heartbeat_free(h));
    assert_int_equal(fake.open, 0);
}

static void a_failure_is_tried_again_on_a_new_connection(void **state) {
    (void)state;
    fake_reset();
    fake_rule((FakeRule){.match = "UPDATE beat", .results = {"i\n"}});
    fake_rule((FakeRule){.match = "UPDATE beat", .native = 208, .state = "42S02", .left = 2});
    Heartbeat *h = heartbeat_new(&target, "UPDATE beat SET at = 1", 1);
    assert_true(was_run("UPDATE beat", 4));
    heartbeat_free(h);
    assert_int_equal(fake.open, 0);
}

static void it_can_be_ended_before_its_first_beat(void **state) {
    (void)state;
    fake_reset();
    heartbeat_free(heartbeat_new(&target, "UPDATE beat SET at = 1", 3600000));
    assert_int_equal(fake.open, 0);
    assert_null(heartbeat_free(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_statement_runs_again_and_again),
        cmocka_unit_test(a_failure_is_tried_again_on_a_new_connection),
        cmocka_unit_test(it_can_be_ended_before_its_first_beat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
