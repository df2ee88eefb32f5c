#include "worker/pulse.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

enum { TICK_MS = 1000, RETRY_TICKS = 5 };

struct Pulse {
    PulseSpec spec;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_woken, is_stopping; /* lock */
    SignalList answers;         /* lock: id and, in `type`, outcome */

    /* The thread's own. */
    Reporter *reporter;
    int64_t started_us;
    bool has_failed; /* the last report */
    int skip;        /* ticks before the next try */
    ReportTable *tables;
    size_t table_count, table_cap;
    Metric *lag_capture, *lag_read, *lag_apply;
};

static int64_t value_of(const Metrics *m, const char *name, Str table, int64_t absent) {
    Metric *metric = metrics_find(m, name, table);
    return metric ? metric_value(metric) : absent;
}

/* A table is known by the metrics that bear its name; each is taken once, by its first one. */
static bool is_listed(const Pulse *p, Str name) {
    for (size_t i = 0; i < p->table_count; i++)
        if (str_eq(p->tables[i].name, name)) return true;
    return false;
}

static void list_tables(Pulse *p) {
    const Metrics *m = p->spec.context->metrics;
    MetricInfo info;
    p->table_count = 0;
    for (size_t at = 0; metrics_next(m, &at, &info);) {
        bool is_first = strcmp(info.name, "millrace_rows_copied_total") == 0 ||
                        strcmp(info.name, "millrace_rows_expected") == 0;
        if (info.table.n == 0 || !is_first || is_listed(p, info.table)) continue;
        if (p->table_count == p->table_cap) {
            p->table_cap = p->table_cap ? 2 * p->table_cap : 16;
            p->tables = x_reallocarray(p->tables, p->table_cap, sizeof *p->tables);
        }
        p->tables[p->table_count++] =
            (ReportTable){.name = info.table,
                          .inserts = value_of(m, "millrace_inserts_applied_total", info.table, 0),
                          .updates = value_of(m, "millrace_updates_applied_total", info.table, 0),
                          .deletes = value_of(m, "millrace_deletes_applied_total", info.table, 0),
                          .expected = value_of(m, "millrace_rows_expected", info.table, -1),
                          .last_change_us = value_of(m, "millrace_last_change_time_us", info.table, 0)};
    }
}

static void set_lag(Pulse *p, const ProgressView *view) {
    int64_t capture = view->captured.commit_us ? view->source_us - view->captured.commit_us : -1;
    metric_set(p->lag_capture, capture);
    metric_set(p->lag_read, progress_lag_us(&view->captured, &view->read));
    metric_set(p->lag_apply, progress_lag_us(&view->read, &view->applied));
}

/* What the log says of it: when it begins to fail, and when it works again. */
static void note_result(Pulse *p, bool ok, const Err *e) {
    if (!ok && !p->has_failed)
        LOG_WARN("status_not_kept", LOG_S("pipeline", p->spec.context->name), LOG_S("why", e->msg),
                 LOG_S("next", "millrace status shows old figures until it works again"));
    if (ok && p->has_failed) LOG_INFO("status_kept", LOG_S("pipeline", p->spec.context->name));
    p->has_failed = !ok;
    p->skip = ok ? 0 : RETRY_TICKS;
}

static bool connect_reporter(Pulse *p, Err *e) {
    return p->reporter || p->spec.sink->report_open(p->spec.sink_options, p->spec.context, &p->reporter, e);
}

static void report(Pulse *p, bool is_last) {
    const ConnectorContext *context = p->spec.context;
    const SinkClass *class = p->spec.sink;
    PulseState state = {.why = ""};
    p->spec.tell(p->spec.arg, &state);
    Report r = {.state = state.state,
                .why = state.why,
                .owner = state.was_owned && context->ownership ? context->ownership->owner : "",
                .started_us = p->started_us,
                .progress = progress_view(context->progress)};
    set_lag(p, &r.progress);
    if (state.is_running) r.state = r.progress.is_copying ? "copying" : "streaming";
    /* before it owns the pipeline a process has nothing to say but why it failed */
    if (!class->report || (!state.was_owned && !is_last)) return;
    if (p->skip > 0 && !is_last) {
        p->skip--;
        return;
    }
    if (state.was_owned) list_tables(p);
    r.tables = p->tables;
    r.table_count = p->table_count;
    Err e = {0};
    bool ok = connect_reporter(p, &e) && class->report(p->reporter, &r, &e);
    if (state.was_owned) note_result(p, ok, &e); /* else the failure itself is what the log tells */
}

/* Those that can't be written are kept for the next time. */
static void write_answers(Pulse *p) {
    pthread_mutex_lock(&p->lock);
    SignalList answers = p->answers;
    p->answers = (SignalList){0};
    pthread_mutex_unlock(&p->lock);
    size_t i = 0;
    Err e;
    while (i < answers.count && connect_reporter(p, &e) &&
           p->spec.sink->answer(p->reporter, answers.items[i].id, answers.items[i].type, &e))
        i++;
    for (; i < answers.count; i++)
        pulse_answer(p, str_from(answers.items[i].id), str_from(answers.items[i].type));
    signal_list_done(&answers);
}

/* A failure shows with the reports. */
static void look_for_signals(Pulse *p) {
    PulseState state = {.why = ""};
    SignalList signals = {0};
    Err e;
    if (!p->spec.sink->signals || !p->spec.take_signals || p->skip > 0) return;
    write_answers(p);
    p->spec.tell(p->spec.arg, &state);
    if (!state.was_owned || state.signals_after < 0) return;
    if (connect_reporter(p, &e) && p->spec.sink->signals(p->reporter, state.signals_after, &signals, &e) &&
        signals.count)
        p->spec.take_signals(p->spec.arg, state.source_run, &signals);
    signal_list_done(&signals);
}

/* Until the next tick, a wake, or the end; true when it is the end. */
static bool wait_tick(Pulse *p) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += TICK_MS / 1000;
    pthread_mutex_lock(&p->lock);
    int rc = 0;
    while (!p->is_woken && !p->is_stopping && rc == 0)
        rc = pthread_cond_timedwait(&p->changed, &p->lock, &until);
    bool is_end = p->is_stopping;
    p->is_woken = false;
    pthread_mutex_unlock(&p->lock);
    return is_end;
}

static void *pulse_main(void *arg) {
    Pulse *p = arg;
    while (!wait_tick(p)) {
        report(p, /* is_last= */ false);
        look_for_signals(p);
    }
    report(p, /* is_last= */ true);
    if (p->spec.sink->answer) write_answers(p);
    return NULL;
}

static Metric *lag_metric(const Pulse *p, const char *name, const char *help) {
    return metrics_get(p->spec.context->metrics, METRIC_GAUGE, name, (Str){0}, help);
}

Pulse *pulse_start(const PulseSpec *spec) {
    Pulse *p = x_calloc(1, sizeof *p);
    p->spec = *spec;
    p->started_us = clock_wall_us();
    p->lag_capture =
        lag_metric(p, "millrace_lag_capture_us",
                   "Age of the newest captured commit when the source was last asked; -1 = unknown");
    p->lag_read = lag_metric(p, "millrace_lag_read_us",
                             "Commit time of what is captured less that of what was read; -1 = unknown");
    p->lag_apply =
        lag_metric(p, "millrace_lag_apply_us",
                   "Commit time of what was read less that of what the target holds; -1 = unknown");
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&p->thread, NULL, pulse_main, p);
    assert(rc == 0);
    (void)rc;
    return p;
}

void pulse_wake(Pulse *p) {
    if (!p) return;
    pthread_mutex_lock(&p->lock);
    p->is_woken = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

void pulse_answer(Pulse *p, Str id, Str outcome) {
    pthread_mutex_lock(&p->lock);
    signal_list_add(&p->answers, signal_text(id, outcome, (Str){0}));
    pthread_mutex_unlock(&p->lock);
}

Pulse *pulse_stop(Pulse *p) {
    if (!p) return NULL;
    pthread_mutex_lock(&p->lock);
    p->is_stopping = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    if (p->reporter) p->spec.sink->report_close(p->reporter);
    signal_list_done(&p->answers);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->changed);
    free(p->tables);
    free(p);
    return NULL;
}
