#include "worker/putter.h"

#include <string.h>

#include "base/log.h"
#include "test.h"

/* A sink that fails its first puts, and then says whether more than the batch was lost. */
static struct Script {
    int failures, puts, owns, waits, told_waiting, told_going;
    bool is_fatal, goes_back, ends, has_time;
} script;

struct Sink {
    int unused;
};

static bool own(Sink *s, StoredState *ret, Err *e) {
    (void)s;
    (void)e;
    *ret = (StoredState){0};
    script.owns++;
    return true;
}

static bool put(Sink *s, const Batch *batch, Err *e) {
    (void)s;
    (void)batch;
    script.puts++;
    if (script.failures-- <= 0) return true;
    (void)err_set(e, ERR_IO, !script.is_fatal, "target went away");
    if (script.has_time) e->retry_until_us = INT64_MAX;
    return false;
}

static bool needs_source_back(const Sink *s) {
    (void)s;
    return script.goes_back && script.owns > 0;
}

static bool wait(void *arg, int64_t ms) {
    (void)arg;
    assert_true(ms >= 0);
    script.waits++;
    return !script.ends;
}

static void tell(void *arg, const Err *why) {
    (void)arg;
    if (why) script.told_waiting++;
    else script.told_going++;
}

static bool run(int32_t max_tries, bool *ret_again, Err *e) {
    static const SinkClass class = {.own = own, .put = put, .needs_source_back = needs_source_back};
    static Sink sink;
    const Putter p = {.class = &class,
                      .sink = &sink,
                      .pipeline = "p",
                      .wait_ms = 1,
                      .wait_max_ms = 2,
                      .max_tries = max_tries,
                      .wait = wait,
                      .tell = tell};
    Rng rng;
    rng_seed(&rng, 1);
    Batch *b = batch_new(BATCH_CHANGES);
    bool ok = putter_put(&p, &rng, b, ret_again, e);
    batch_free(b);
    return ok;
}

static int quiet(void **state) {
    (void)state;
    memset(&script, 0, sizeof script);
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

static void a_batch_is_put_again_until_it_is_in(void **state) {
    (void)state;
    Err e = {0};
    bool again = true;
    script.failures = 3;
    assert_true(run(-1, &again, &e));
    assert_false(again);
    assert_int_equal(script.puts, 4);
    assert_int_equal(script.owns, 3);
    assert_int_equal(script.waits, 3);
    assert_int_equal(script.told_waiting, 3);
    assert_int_equal(script.told_going, 1);
}

static void what_no_retry_cures_ends_at_once(void **state) {
    (void)state;
    Err e = {0};
    bool again = true;
    script.failures = 1;
    script.is_fatal = true;
    assert_false(run(-1, &again, &e));
    assert_false(again);
    assert_int_equal(script.puts, 1);
    assert_string_equal(e.msg, "target went away");
}

static void more_than_the_batch_was_lost_so_the_source_goes_back(void **state) {
    (void)state;
    Err e = {0};
    bool again = false;
    script.failures = 1;
    script.goes_back = true;
    assert_false(run(-1, &again, &e));
    assert_true(again);
    assert_int_equal(script.puts, 1);
}

static void tries_run_out_and_an_end_is_an_end(void **state) {
    (void)state;
    Err e = {0};
    bool again = false;
    script.failures = 100;
    assert_false(run(2, &again, &e));
    assert_int_equal(script.puts, 3);
    assert_string_equal(e.msg,
                        "after 3 failures in a row (errors.max.retries, max.retries): target went away");
    script.ends = true;
    script.puts = 0;
    assert_false(run(-1, &again, &e));
    assert_int_equal(script.puts, 1);
}

static void tries_of_a_failure_with_a_time_do_not_count(void **state) {
    (void)state;
    Err e = {0};
    bool again = true;
    script.failures = 10;
    script.has_time = true;
    assert_true(run(2, &again, &e));
    assert_false(again);
    assert_int_equal(script.puts, 11);
    assert_int_equal(script.told_going, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_batch_is_put_again_until_it_is_in, quiet),
        cmocka_unit_test_setup(what_no_retry_cures_ends_at_once, quiet),
        cmocka_unit_test_setup(more_than_the_batch_was_lost_so_the_source_goes_back, quiet),
        cmocka_unit_test_setup(tries_run_out_and_an_end_is_an_end, quiet),
        cmocka_unit_test_setup(tries_of_a_failure_with_a_time_do_not_count, quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
