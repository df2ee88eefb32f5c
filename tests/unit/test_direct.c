#include "worker/direct.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "test.h"

/* A source of `script.batches` batches numbered by their `to` LSN and a sink that stores the last one it has
 * put: each can be told to fail at certain calls. One thread at a time uses either side, and asserts run
 * after direct_stop. */
static struct Script {
    int batches;         /* the source's last number */
    int fail_poll_at;    /* the poll that would give this number fails once */
    int fail_put_at;     /* the put of this number fails once */
    bool is_fatal;       /* failures aren't retriable */
    bool in_transaction; /* the put before the failing one began a transaction that goes on */
    int64_t fail_start;  /* this many sink starts fail, */
    bool has_time;       /*   and are worth other tries for ever */
    int stored, owned, source_starts, puts, idles, order_errors;
    bool begins_paused;  /* an operator's last word */
    int resume_at_idle;  /* that many idle calls later `resume` comes */
    bool takes_signals;  /* the source answers what it is told */
    int last_answer;     /* 1 + number of the last signal that was answered */
    char outcome[2][40]; /* of the signals */
    int rows_each;       /* changes of a batch */
    int made;            /* the last batch that the source gave */
    int wants_ahead;     /* the first put waits until the source is that far */
    int most_ahead;      /* of the source, at a put's end */
} script;

struct Source {
    int next;
    bool is_ended;
    char told[8]; /* id of a signal to answer; "" = none */
};

static bool source_start(const Options *o, const ConnectorContext *c, const StoredState *state, Source **ret,
                         Err *e) {
    (void)o;
    (void)c;
    (void)e;
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->next = state->has_position ? state->position.commit_lsn.b[9] + 1 : 1;
    script.source_starts++;
    return true;
}

static bool source_poll(Source *s, int64_t timeout_ms, Batch **ret, Err *e) {
    (void)timeout_ms;
    if (s->next == script.fail_poll_at) {
        script.fail_poll_at = 0;
        return err_set(e, ERR_IO, !script.is_fatal, "source went away");
    }
    if (s->told[0]) {
        *ret = batch_new(BATCH_ANSWER);
        (*ret)->answer_to = arena_str(&(*ret)->arena, str_from(s->told));
        (*ret)->answer = STR_LIT("obeyed");
        s->told[0] = '\0';
        return true;
    }
    if (s->next > script.batches) {
        if (s->is_ended || script.takes_signals) return true;
        s->is_ended = true;
        *ret = batch_new(BATCH_END);
        return true;
    }
    Batch *b = batch_new(BATCH_CHANGES);
    b->to.commit_lsn.b[9] = (uint8_t)s->next++;
    b->ends_transaction = true;
    for (int i = 0; i < script.rows_each; i++) (void)batch_add(b);
    __atomic_store_n(&script.made, s->next - 1, __ATOMIC_RELEASE);
    *ret = b;
    return true;
}

static void source_signal(Source *s, const SignalText *signal) {
    (void)snprintf(s->told, sizeof s->told, "%s", signal->id);
}

static void source_wake(Source *s) {
    (void)s;
}
static Source *source_stop(Source *s) {
    free(s);
    return NULL;
}

struct Sink {
    bool in_transaction;
};

static bool sink_start(const Options *o, const ConnectorContext *c, Sink **ret, Err *e) {
    (void)o;
    (void)c;
    if (script.fail_start > 0) {
        script.fail_start--;
        (void)err_set(e, ERR_IO, !script.is_fatal, "target is down");
        if (script.has_time) e->retry_until_us = INT64_MAX;
        return false;
    }
    *ret = x_calloc(1, sizeof **ret);
    return true;
}

static bool sink_own(Sink *s, StoredState *ret, Err *e) {
    (void)s;
    (void)e;
    script.owned++;
    ret->has_position = script.stored > 0;
    ret->is_paused = script.begins_paused;
    ret->position.commit_lsn.b[9] = (uint8_t)script.stored;
    return true;
}

static bool sink_own_all(Sink *s, size_t wanted, LanesStart *ret_start, StoredState *ret, Err *e) {
    (void)wanted;
    *ret_start = (LanesStart){.count = 1};
    return sink_own(s, ret, e);
}

/* A slow sink; how far the source is ahead of it. */
static void see_ahead(int number) {
    int ahead = 0;
    for (int i = 0; i < 20000 && (i < 3 || (number == 1 && ahead < script.wants_ahead)); i++) {
        (void)usleep(1000);
        ahead = __atomic_load_n(&script.made, __ATOMIC_ACQUIRE) - number;
    }
    if (ahead > script.most_ahead) script.most_ahead = ahead;
}

static bool sink_put(Sink *s, const Batch *batch, Err *e) {
    if (batch->kind == BATCH_END) return true;
    int number = batch->to.commit_lsn.b[9];
    if (script.rows_each) see_ahead(number);
    script.puts++;
    if (number == script.fail_put_at) {
        script.fail_put_at = 0;
        return err_set(e, ERR_IO, !script.is_fatal, "target went away");
    }
    if (number != script.stored + 1) script.order_errors++;
    script.stored = number;
    /* A transaction of several batches is open from the one before the failure on. */
    s->in_transaction = script.in_transaction && number + 1 == script.fail_put_at;
    if (s->in_transaction) script.stored = number - 1;
    return true;
}

static bool sink_idle(Sink *s, Err *e) {
    (void)s;
    (void)e;
    __atomic_add_fetch(&script.idles, 1, __ATOMIC_RELEASE);
    return true;
}

/* Where reports are kept: signal 1 is `resume`, once it is time, signal 2 is the source's. */
struct Reporter {
    int unused;
};

static bool report_open(const Options *o, const ConnectorContext *c, Reporter **ret, Err *e) {
    (void)o;
    (void)c;
    (void)e;
    *ret = x_calloc(1, sizeof **ret);
    return true;
}

static bool report_put(Reporter *r, const Report *report, Err *e) {
    (void)r;
    (void)report;
    (void)e;
    return true;
}

static Reporter *report_close(Reporter *r) {
    free(r);
    return NULL;
}

static bool report_signals(Reporter *r, int64_t after, SignalList *ret, Err *e) {
    (void)r;
    (void)e;
    bool is_time = __atomic_load_n(&script.idles, __ATOMIC_ACQUIRE) >= script.resume_at_idle;
    if (script.begins_paused && is_time && after < 1)
        signal_list_add(ret, signal_text(STR_LIT("1"), STR_LIT("resume"), (Str){0}));
    if (script.takes_signals && after < 2)
        signal_list_add(ret, signal_text(STR_LIT("2"), STR_LIT("stop-snapshot"), (Str){0}));
    return true;
}

static bool report_answer(Reporter *r, const char *id, const char *outcome, Err *e) {
    (void)r;
    (void)e;
    (void)snprintf(script.outcome[id[0] - '1'], sizeof script.outcome[0], "%s", outcome);
    __atomic_store_n(&script.last_answer, id[0] - '0' + 1, __ATOMIC_RELEASE);
    return true;
}
static bool sink_needs_source_back(const Sink *s) {
    return s->in_transaction;
}
static Sink *sink_stop(Sink *s) {
    free(s);
    return NULL;
}

static const SourceClass source_class = {.start = source_start,
                                         .poll = source_poll,
                                         .wake = source_wake,
                                         .signal = source_signal,
                                         .stop = source_stop};
static const SinkClass sink_class = {.start = sink_start,
                                     .own = sink_own,
                                     .own_all = sink_own_all,
                                     .put = sink_put,
                                     .idle = sink_idle,
                                     .needs_source_back = sink_needs_source_back,
                                     .stop = sink_stop,
                                     .report_open = report_open,
                                     .report = report_put,
                                     .report_close = report_close,
                                     .signals = report_signals,
                                     .answer = report_answer};

/* Run the script to its end; the final state and the last failure. */
static DirectState run(int32_t max_restarts, Err *why) {
    Metrics *metrics = metrics_new();
    DirectSpec spec = {.name = "test",
                       .source = &source_class,
                       .sink = &sink_class,
                       .metrics = metrics,
                       .queue_batches = 2,
                       .queue_bytes = 1 << 20,
                       .max_restarts = max_restarts,
                       .restart_wait_ms = 1,
                       .restart_wait_max_ms = 2,
                       .stop_at_end = true};
    Direct *d = direct_start(&spec);
    DirectState s = direct_wait(d, 20000);
    (void)direct_state(d, why);
    direct_stop(d);
    metrics_free(metrics);
    return s;
}

static int quiet(void **state) {
    (void)state;
    memset(&script, 0, sizeof script);
    script.batches = 10;
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

static void batches_arrive_in_order_and_the_end_stops(void **state) {
    (void)state;
    Err why = {0};
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_int_equal(script.puts, 10);
    assert_int_equal(script.owned, 1);
    assert_int_equal(script.order_errors, 0);
}

static void a_failed_put_is_owned_again_and_put_again(void **state) {
    (void)state;
    Err why = {0};
    script.fail_put_at = 4;
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_int_equal(script.puts, 11);
    assert_int_equal(script.owned, 2);
    assert_int_equal(script.source_starts, 1);
    assert_int_equal(script.order_errors, 0);
}

static void a_failure_within_a_transaction_of_batches_sends_the_source_back(void **state) {
    (void)state;
    Err why = {0};
    script.fail_put_at = 6;
    script.in_transaction = true;
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_int_equal(script.source_starts, 2);
    assert_int_equal(script.order_errors, 0);
}

static void a_source_that_fails_starts_again_from_what_is_stored(void **state) {
    (void)state;
    Err why = {0};
    script.fail_poll_at = 7;
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_int_equal(script.source_starts, 2);
    assert_int_equal(script.order_errors, 0);
}

static void a_failure_that_no_retry_cures_fails_with_its_reason(void **state) {
    (void)state;
    Err why = {0};
    script.fail_put_at = 3;
    script.is_fatal = true;
    assert_int_equal(run(-1, &why), DIRECT_FAILED);
    assert_string_equal(why.msg, "target went away");
    assert_int_equal(script.stored, 2);
}

static void a_target_that_stays_down_fails_after_the_last_try(void **state) {
    (void)state;
    Err why = {0};
    script.fail_start = 100;
    assert_int_equal(run(3, &why), DIRECT_FAILED);
    assert_int_equal(script.fail_start, 96);
    assert_string_equal(why.msg,
                        "after 4 failures in a row (errors.max.retries, max.retries): target is down");
}

static void tries_of_a_failure_with_a_time_do_not_count(void **state) {
    (void)state;
    Err why = {0};
    script.fail_start = 10;
    script.has_time = true;
    assert_int_equal(run(3, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
}

static void a_target_that_comes_back_is_used(void **state) {
    (void)state;
    Err why = {0};
    script.fail_start = 3;
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
}

/* What comes while a small batch is put is left to be read as one; large ones are read ahead of the sink. */
static void only_large_batches_are_read_ahead(void **state) {
    (void)state;
    Err why = {0};
    script.rows_each = 10;
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_int_equal(script.most_ahead, 0);
    script.stored = script.made = 0;
    script.rows_each = 1000;
    script.wants_ahead = 2; /* one more than the queue holds is in the source's hand */
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_in_range(script.most_ahead, 2, 3);
}

static void a_paused_pipeline_puts_nothing_until_it_is_resumed(void **state) {
    (void)state;
    Err why = {0};
    script.begins_paused = true;
    script.resume_at_idle = 2;
    assert_int_equal(run(-1, &why), DIRECT_STOPPED);
    assert_int_equal(script.stored, 10);
    assert_true(script.idles >= 2); /* the connection was kept alive meanwhile */
    assert_string_equal(script.outcome[0], "resumed");
}

static void a_paused_pipeline_can_be_stopped(void **state) {
    (void)state;
    script.begins_paused = true;
    script.resume_at_idle = 1000000;
    Metrics *metrics = metrics_new();
    DirectSpec spec = {.name = "test",
                       .source = &source_class,
                       .sink = &sink_class,
                       .metrics = metrics,
                       .queue_batches = 2,
                       .queue_bytes = 1 << 20,
                       .restart_wait_ms = 1,
                       .restart_wait_max_ms = 2};
    Direct *d = direct_start(&spec);
    while (direct_state(d, NULL) != DIRECT_PAUSED) (void)direct_wait(d, 1);
    direct_drain(d);
    assert_int_equal(direct_wait(d, 20000), DIRECT_STOPPED);
    direct_stop(d);
    assert_int_equal(script.puts, 0);
    metrics_free(metrics);
}

static void a_signal_goes_to_the_source_and_its_answer_comes_back(void **state) {
    (void)state;
    script.takes_signals = true;
    Metrics *metrics = metrics_new();
    DirectSpec spec = {.name = "test",
                       .source = &source_class,
                       .sink = &sink_class,
                       .metrics = metrics,
                       .queue_batches = 2,
                       .queue_bytes = 1 << 20,
                       .restart_wait_ms = 1,
                       .restart_wait_max_ms = 2};
    Direct *d = direct_start(&spec);
    for (int i = 0; i < 20000 && !__atomic_load_n(&script.last_answer, __ATOMIC_ACQUIRE); i++)
        (void)direct_wait(d, 1);
    direct_stop(d);
    assert_string_equal(script.outcome[1], "obeyed");
    metrics_free(metrics);
}

static void a_drain_ends_a_pipeline_that_waits(void **state) {
    (void)state;
    script.fail_start = 1000000;
    Metrics *metrics = metrics_new();
    DirectSpec spec = {.name = "test",
                       .source = &source_class,
                       .sink = &sink_class,
                       .metrics = metrics,
                       .queue_batches = 2,
                       .queue_bytes = 1 << 20,
                       .max_restarts = -1,
                       .restart_wait_ms = 3600000,
                       .restart_wait_max_ms = 3600000};
    Direct *d = direct_start(&spec);
    Err why = {0};
    while (direct_state(d, &why) != DIRECT_WAITING) (void)direct_wait(d, 1);
    assert_string_equal(why.msg, "target is down");
    direct_drain(d);
    assert_int_equal(direct_wait(d, 20000), DIRECT_STOPPED);
    direct_stop(d);
    metrics_free(metrics);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(batches_arrive_in_order_and_the_end_stops, quiet),
        cmocka_unit_test_setup(a_failed_put_is_owned_again_and_put_again, quiet),
        cmocka_unit_test_setup(a_failure_within_a_transaction_of_batches_sends_the_source_back, quiet),
        cmocka_unit_test_setup(a_source_that_fails_starts_again_from_what_is_stored, quiet),
        cmocka_unit_test_setup(a_failure_that_no_retry_cures_fails_with_its_reason, quiet),
        cmocka_unit_test_setup(a_target_that_stays_down_fails_after_the_last_try, quiet),
        cmocka_unit_test_setup(tries_of_a_failure_with_a_time_do_not_count, quiet),
        cmocka_unit_test_setup(a_target_that_comes_back_is_used, quiet),
        cmocka_unit_test_setup(only_large_batches_are_read_ahead, quiet),
        cmocka_unit_test_setup(a_paused_pipeline_puts_nothing_until_it_is_resumed, quiet),
        cmocka_unit_test_setup(a_paused_pipeline_can_be_stopped, quiet),
        cmocka_unit_test_setup(a_signal_goes_to_the_source_and_its_answer_comes_back, quiet),
        cmocka_unit_test_setup(a_drain_ends_a_pipeline_that_waits, quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
