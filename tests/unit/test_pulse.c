#include "worker/pulse.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "test.h"

/* A reporter that keeps the last report; its fields are read after pulse_stop, or after `arrived`. */
static struct Kept {
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    int count, fail;
    char state[20], why[40], owner[20];
    int64_t inserts, expected;
    size_t tables;
} kept = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, "", "", "", 0, 0, 0};

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
    pthread_mutex_lock(&kept.lock);
    bool ok = kept.fail == 0;
    if (!ok) kept.fail--;
    kept.count++;
    (void)snprintf(kept.state, sizeof kept.state, "%s", report->state);
    (void)snprintf(kept.why, sizeof kept.why, "%s", report->why);
    (void)snprintf(kept.owner, sizeof kept.owner, "%s", report->owner);
    kept.tables = report->table_count;
    if (report->table_count) {
        kept.inserts = report->tables[0].inserts;
        kept.expected = report->tables[0].expected;
    }
    pthread_cond_signal(&kept.arrived);
    pthread_mutex_unlock(&kept.lock);
    return ok || err_set(e, ERR_IO, true, "down");
}

static Reporter *report_close(Reporter *r) {
    free(r);
    return NULL;
}

static const SinkClass sink = {
    .report_open = report_open, .report = report_put, .report_close = report_close};
static const SinkClass silent;

/* Signals: two wait, and the first try to answer fails. */
static struct Desk {
    int64_t asked_after;
    int fail_answers;
    char answered[40];
    size_t taken;
} desk;

static bool report_signals(Reporter *r, int64_t after, SignalList *ret, Err *e) {
    (void)r;
    (void)e;
    desk.asked_after = after;
    if (after < 6) signal_list_add(ret, signal_text(STR_LIT("6"), STR_LIT("log"), (Str){0}));
    if (after < 7) signal_list_add(ret, signal_text(STR_LIT("7"), STR_LIT("pause"), STR_LIT("{}")));
    return true;
}

static bool report_answer(Reporter *r, const char *id, const char *outcome, Err *e) {
    (void)r;
    if (desk.fail_answers > 0) {
        desk.fail_answers--;
        return err_set(e, ERR_IO, true, "down");
    }
    (void)snprintf(desk.answered, sizeof desk.answered, "%s: %s", id, outcome);
    return true;
}

static const SinkClass with_signals = {.report_open = report_open,
                                       .report = report_put,
                                       .report_close = report_close,
                                       .signals = report_signals,
                                       .answer = report_answer};

static void take_signals(void *arg, uint32_t source_run, SignalList *signals) {
    Pulse **p = arg;
    desk.taken += signals->count;
    assert(source_run == 3);
    pulse_answer(*p, str_from(signals->items[0].id), STR_LIT("done"));
}

static PulseState now;
static void tell(void *arg, PulseState *ret) {
    (void)arg;
    *ret = now;
}

static Ownership ownership = {.owner = "me"};

static ConnectorContext context_with(Metrics *m, Progress *p) {
    return (ConnectorContext){.name = "t", .metrics = m, .progress = p, .ownership = &ownership};
}

static void wait_for_report(void) {
    pthread_mutex_lock(&kept.lock);
    while (kept.count == 0) pthread_cond_wait(&kept.arrived, &kept.lock);
    pthread_mutex_unlock(&kept.lock);
}

static void run_with(const SinkClass *class, Metrics *metrics, Progress *progress, bool is_woken) {
    ConnectorContext context = context_with(metrics, progress);
    kept.count = 0;
    Pulse *p = pulse_start(&(PulseSpec){.sink = class, .context = &context, .tell = tell});
    if (is_woken) {
        pulse_wake(p);
        wait_for_report();
    }
    assert_null(pulse_stop(p));
}

static void signals_are_taken_and_answered_until_the_answer_is_kept(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    ConnectorContext context = context_with(m, NULL);
    memset(&desk, 0, sizeof desk);
    desk.fail_answers = 1;
    now = (PulseState){.state = "running", .was_owned = true, .signals_after = 5, .source_run = 3};
    kept.count = 0;
    Pulse *p = NULL;
    p = pulse_start(&(PulseSpec){
        .sink = &with_signals, .context = &context, .tell = tell, .take_signals = take_signals, .arg = &p});
    for (int i = 0; i < 3; i++) { /* signals are looked for behind each report */
        kept.count = 0;
        pulse_wake(p);
        wait_for_report();
    }
    assert_null(pulse_stop(p));
    assert_int_equal(desk.asked_after, 5);
    assert_true(desk.taken >= 2);
    assert_string_equal(desk.answered, "6: done");
    metrics_free(m);
}

static void without_a_source_no_signal_is_taken(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    ConnectorContext context = context_with(m, NULL);
    memset(&desk, 0, sizeof desk);
    now = (PulseState){.state = "waiting", .was_owned = true, .signals_after = -1};
    Pulse *p = NULL;
    p = pulse_start(&(PulseSpec){
        .sink = &with_signals, .context = &context, .tell = tell, .take_signals = take_signals, .arg = &p});
    for (int i = 0; i < 2; i++) {
        kept.count = 0;
        pulse_wake(p);
        wait_for_report();
    }
    assert_null(pulse_stop(p));
    assert_int_equal(desk.taken, 0);
    metrics_free(m);
}

static void a_running_pipeline_copies_or_streams(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Progress *progress = progress_new();
    metric_set(metrics_get(m, METRIC_GAUGE, "millrace_rows_expected", STR_LIT("dbo.a"), ""), 70);
    metric_add(metrics_get(m, METRIC_COUNTER, "millrace_rows_copied_total", STR_LIT("dbo.a"), ""), 7);
    metric_add(metrics_get(m, METRIC_COUNTER, "millrace_inserts_applied_total", STR_LIT("dbo.a"), ""), 5);
    now = (PulseState){.state = "running", .is_running = true, .was_owned = true};
    progress_copying(progress, true);
    run_with(&sink, m, progress, true);
    assert_string_equal(kept.state, "copying");
    assert_string_equal(kept.owner, "me");
    assert_int_equal(kept.tables, 1);
    assert_int_equal(kept.inserts, 5);
    assert_int_equal(kept.expected, 70);
    progress_copying(progress, false);
    run_with(&sink, m, progress, true);
    assert_string_equal(kept.state, "streaming");
    metrics_free(m);
    progress_free(progress);
}

static void the_end_is_reported_and_why(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    now = (PulseState){.state = "failed", .was_owned = true, .why = "gap"};
    run_with(&sink, m, NULL, false);
    assert_int_equal(kept.count, 1);
    assert_string_equal(kept.state, "failed");
    assert_string_equal(kept.why, "gap");
    metrics_free(m);
}

static void a_process_that_owned_nothing_tells_only_its_end(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    now = (PulseState){.state = "failed", .why = "refused"};
    run_with(&sink, m, NULL, false);
    assert_int_equal(kept.count, 1);
    assert_string_equal(kept.owner, "");
    metrics_free(m);
}

static void a_report_that_fails_is_no_failure_of_the_pipeline(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    now = (PulseState){.state = "running", .is_running = true, .was_owned = true};
    kept.fail = 1;
    run_with(&sink, m, NULL, true);
    assert_int_equal(kept.count, 2); /* the last one is tried all the same */
    metrics_free(m);
}

static void the_lag_is_set_where_no_report_is_kept(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Progress *p = progress_new();
    const Lsn one = {{0, 0, 0, 1, 0, 0, 0, 1, 0, 1}}, two = {{0, 0, 0, 1, 0, 0, 0, 2, 0, 1}};
    progress_captured(p, (ProgressMark){two, 5000}, 5700);
    progress_read(p, (ProgressMark){two, 5000});
    progress_applied(p, 0, (ProgressMark){one, 2000});
    now = (PulseState){.state = "stopped", .was_owned = true};
    run_with(&silent, m, p, false);
    assert_int_equal(metric_value(metrics_find(m, "millrace_lag_capture_us", (Str){0})), 700);
    assert_int_equal(metric_value(metrics_find(m, "millrace_lag_read_us", (Str){0})), 0);
    assert_int_equal(metric_value(metrics_find(m, "millrace_lag_apply_us", (Str){0})), 3000);
    progress_free(p);
    metrics_free(m);
}

static int quiet(void **state) {
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_are_taken_and_answered_until_the_answer_is_kept),
        cmocka_unit_test(without_a_source_no_signal_is_taken),
        cmocka_unit_test(a_running_pipeline_copies_or_streams),
        cmocka_unit_test(the_end_is_reported_and_why),
        cmocka_unit_test(a_process_that_owned_nothing_tells_only_its_end),
        cmocka_unit_test(a_report_that_fails_is_no_failure_of_the_pipeline),
        cmocka_unit_test(the_lag_is_set_where_no_report_is_kept),
    };
    return cmocka_run_group_tests(tests, quiet, NULL);
}
