/* A wait ends early when a server that was gone is back, and for no other reason. */
#include "worker/outage.h"

#include "test.h"

static struct Script {
    int looks, waits, back_at,
        ends_at; /* the look that finds the server, 0 = never gone; the wait that ends */
} script;

static bool answers(void *arg) {
    (void)arg;
    return ++script.looks >= script.back_at;
}

static bool wait(void *arg, int64_t ms) {
    (void)arg;
    assert_true(ms > 0 && ms <= OUTAGE_LOOK_MS);
    return ++script.waits != script.ends_at;
}

static bool run(int64_t ms, int back_at, int ends_at) {
    script = (struct Script){.back_at = back_at, .ends_at = ends_at};
    const Outage o = {.wait = wait, .ends = {{.answers = answers}}};
    return outage_wait(&o, ms);
}

static void a_server_that_is_back_ends_the_wait(void **state) {
    (void)state;
    assert_true(run(3600 * 1000, 4, 0));
    assert_int_equal(script.looks, 4);
    assert_int_equal(script.waits, 3);
}

static void one_that_answers_all_the_time_does_not(void **state) {
    (void)state;
    assert_false(run(3600 * 1000, 0, 100)); /* waited on until it was told to end */
    assert_int_equal(script.waits, 100);
}

static void one_that_stays_away_does_not(void **state) {
    (void)state;
    assert_false(run(3600 * 1000, 1000000, 100));
    assert_int_equal(script.waits, 100);
}

static void a_short_wait_asks_nobody(void **state) {
    (void)state;
    assert_false(run(OUTAGE_LOOK_MS, 1000000, 3)); /* this wait takes no time: it is called again and again */
    assert_int_equal(script.looks, 0);
    assert_true(run(0, 1000000, 1));
    assert_int_equal(script.waits, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_is_back_ends_the_wait),
        cmocka_unit_test(one_that_answers_all_the_time_does_not),
        cmocka_unit_test(one_that_stays_away_does_not),
        cmocka_unit_test(a_short_wait_asks_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
