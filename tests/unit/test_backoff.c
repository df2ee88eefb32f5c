#include "base/backoff.h"

#include "test.h"

static void waits_double_up_to_the_ceiling_with_jitter(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        Rng rng;
        rng_seed(&rng, seed);
        Backoff b;
        backoff_init(&b, 100, 1500);
        static const int64_t steps[] = {100, 200, 400, 800, 1500, 1500, 1500};
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            assert_in_range(backoff_next_ms(&b, &rng), steps[i] / 2, steps[i]);
            assert_int_equal(b.tries, i + 1);
        }
        backoff_reset(&b);
        assert_in_range(backoff_next_ms(&b, &rng), 50, 100);
    }
}

static void many_failures_and_the_largest_ceiling_do_not_overflow(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 1);
    Backoff b;
    backoff_init(&b, 1, INT64_MAX);
    for (int i = 0; i < 1000; i++) assert_true(backoff_next_ms(&b, &rng) >= 0);
    assert_true(backoff_next_ms(&b, &rng) >= INT64_MAX / 2);
    b.tries = UINT32_MAX;
    (void)backoff_next_ms(&b, &rng);
    assert_true(b.tries == UINT32_MAX);
}

static void odd_settings_are_made_even(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 1);
    Backoff b;
    backoff_init(&b, 0, 0);
    assert_in_range(backoff_next_ms(&b, &rng), 0, 1);
    backoff_init(&b, 5000, 100); /* the first wait is over the longest: then all are like it */
    for (int i = 0; i < 5; i++) assert_in_range(backoff_next_ms(&b, &rng), 2500, 5000);
}

static Err until(int64_t us) {
    Err e = {0};
    (void)err_set(&e, ERR_TIMEOUT, true, "refused");
    e.retry_until_us = us;
    return e;
}

static void a_wait_ends_where_the_failures_time_does(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 1);
    Backoff b;
    backoff_init(&b, 1000, 60000);
    const Err plain = until(0), soon = until(20001), over = until(10), ever = until(INT64_MAX);
    assert_in_range(backoff_after_ms(&b, &rng, &plain, 10000), 500, 1000);
    assert_int_equal(backoff_after_ms(&b, &rng, &soon, 10000), 11); /* 10.001 ms */
    assert_int_equal(backoff_after_ms(&b, &rng, &over, 10000), 0);
    assert_in_range(backoff_after_ms(&b, &rng, &ever, 10000), 4000, 8000);
}

static void tries_up_to_a_time_are_not_counted(void **state) {
    (void)state;
    Rng rng;
    rng_seed(&rng, 1);
    Backoff b;
    backoff_init(&b, 1, 1);
    const Err plain = until(0), ever = until(INT64_MAX);
    assert_true(backoff_is_used_up(&b, &plain, 0));
    assert_false(backoff_is_used_up(&b, &ever, 0));
    for (int i = 0; i < 100; i++) (void)backoff_after_ms(&b, &rng, &ever, 0);
    assert_false(backoff_is_used_up(&b, &plain, 1));
    (void)backoff_after_ms(&b, &rng, &plain, 0);
    assert_true(backoff_is_used_up(&b, &plain, 1));
    assert_false(backoff_is_used_up(&b, &plain, -1));
    (void)backoff_after_ms(&b, &rng, &ever, 0); /* the server answers: what was before isn't in a row with */
    assert_false(backoff_is_used_up(&b, &plain, 1)); /* what comes */
    assert_int_equal(b.tries, 102);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_double_up_to_the_ceiling_with_jitter),
        cmocka_unit_test(many_failures_and_the_largest_ceiling_do_not_overflow),
        cmocka_unit_test(odd_settings_are_made_even),
        cmocka_unit_test(a_wait_ends_where_the_failures_time_does),
        cmocka_unit_test(tries_up_to_a_time_are_not_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
