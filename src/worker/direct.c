/*
 * The pipeline's master loop. What may be lost or doubled isn't decided here: the sink's lane
 * (pipeline/lane.h) knows what is stored and skips or refuses what doesn't fit. This loop only knows three
 * ways on after a failure:
 *   - the sink failed and no open transaction was lost with it: own the pipeline again and put the same batch
 * again;
 *   - the sink failed in the midst of a transaction of several batches: they are gone, so the source goes
 * back to what is stored;
 *   - the source failed: what it had read before is put, then it starts anew from what is stored.
 * With several lanes it gives the batches out to their threads (worker/spread.h), and a lane that can't go on
 * where it was sends all back to what is stored.
 * All waiting is on the queue or on `changed`, so that a stop is seen at once.
 */
#include "worker/direct.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "worker/outage.h"
#include "worker/pulse.h"
#include "worker/putter.h"
#include "worker/spread.h"
#include "worker/topics.h"

/* Each wait that ends for nothing is a wake-up: they are what an idle pipeline costs. */
enum { SMALL_CHANGES = 1000 }; /* a batch's */
enum { POLL_MS = 500, PUT_MS = 250, IDLE_MS = 500, DRAIN_LIMIT_MS = 60000 };

struct Direct {
    DirectSpec spec;
    char *name, *database, *label; /* label: in log lines */
    pthread_t master;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* state, is_stopping, source_failed */
    DirectState state;      /* lock */
    Err why;                /* lock: last failure */
    bool is_stopping;       /* atomic, set once */
    ConnectorContext context;
    Ownership ownership;
    Topics *topics; /* of the attempt; NULL without sink options */

    /* One attempt's source; the master makes and ends them. */
    Queue *queue;
    Source *source;
    pthread_t reader;
    bool has_reader;
    bool is_reader_told; /* atomic: end the reader's loop */
    Err source_err;      /* written by the reader before it closes the queue */
    Metric *queue_batches, *queue_bytes;
    int64_t drain_until_us; /* the master's; 0 = not told to stop yet */
    Pulse *pulse;
    bool was_owned; /* lock: the pipeline was taken at least once */

    /* Signals: the pulse's thread takes them, the source's gives them to the source. */
    bool is_paused;        /* atomic */
    SignalList signals;    /* lock: not given yet */
    int64_t signals_after; /* lock: id of the last one; -1 = there is no source */
    uint32_t source_run;   /* lock */
};

const char *direct_state_name(DirectState s) {
    static const char *const names[] = {"starting", "running", "paused", "waiting",
                                        "draining", "stopped", "failed"};
    return names[s];
}

static bool may_step(DirectState from, DirectState to) {
    if (from == DIRECT_STOPPED || from == DIRECT_FAILED) return false;
    return from != DIRECT_DRAINING || to == DIRECT_STOPPED || to == DIRECT_FAILED;
}

static void set_state(Direct *d, DirectState to, const Err *why) {
    pthread_mutex_lock(&d->lock);
    if (d->state != to && may_step(d->state, to)) {
        LOG_INFO("pipeline_state", LOG_S("pipeline", d->label), LOG_S("from", direct_state_name(d->state)),
                 LOG_S("to", direct_state_name(to)), LOG_S("why", why ? why->msg : ""));
        d->state = to;
    }
    if (why) d->why = *why;
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    pulse_wake(d->pulse);
}

static void note_owned(Direct *d) {
    pthread_mutex_lock(&d->lock);
    d->was_owned = true;
    pthread_mutex_unlock(&d->lock);
}

/* For the pulse. */
static void tell_state(void *arg, PulseState *ret) {
    Direct *d = arg;
    pthread_mutex_lock(&d->lock);
    ret->state = d->state == DIRECT_DRAINING ? "stopping" : direct_state_name(d->state);
    ret->is_running = d->state == DIRECT_RUNNING;
    ret->was_owned = d->was_owned;
    ret->signals_after = d->signals_after;
    ret->source_run = d->source_run;
    if (d->state == DIRECT_WAITING || d->state == DIRECT_FAILED)
        (void)snprintf(ret->why, sizeof ret->why, "%s", d->why.msg);
    pthread_mutex_unlock(&d->lock);
}

static bool is_stopping(const Direct *d) {
    return __atomic_load_n(&d->is_stopping, __ATOMIC_ACQUIRE);
}

static bool is_paused(const Direct *d) {
    return __atomic_load_n(&d->is_paused, __ATOMIC_ACQUIRE);
}

/* ---- signals ---- */

static void pause_or_resume(Direct *d, const SignalText *s, bool pauses) {
    __atomic_store_n(&d->is_paused, pauses, __ATOMIC_RELEASE);
    LOG_INFO("signal", LOG_S("pipeline", d->name), LOG_S("id", s->id), LOG_S("type", s->type));
    pulse_answer(d->pulse, str_from(s->id), pauses ? STR_LIT("paused") : STR_LIT("resumed"));
}

/* On the pulse's thread. */
static void take_signals(void *arg, uint32_t source_run, SignalList *signals) {
    Direct *d = arg;
    for (size_t i = 0; i < signals->count; i++) {
        SignalText *s = &signals->items[i];
        SignalKind kind = signal_kind_of(str_from(s->type));
        int64_t id = strtoll(s->id, NULL, 10);
        if (kind == SIGNAL_PAUSE || kind == SIGNAL_RESUME) pause_or_resume(d, s, kind == SIGNAL_PAUSE);
        pthread_mutex_lock(&d->lock);
        bool is_meant = source_run == d->source_run && d->signals_after >= 0;
        if (is_meant) d->signals_after = id;
        if (is_meant && kind != SIGNAL_PAUSE && kind != SIGNAL_RESUME) {
            signal_list_add(&d->signals, *s);
            *s = (SignalText){0};
        }
        pthread_mutex_unlock(&d->lock);
    }
}

/* What isn't answered comes again: to the next source. */
static void open_signals(Direct *d, int64_t after) {
    pthread_mutex_lock(&d->lock);
    signal_list_done(&d->signals);
    d->signals_after = after;
    d->source_run++;
    pthread_mutex_unlock(&d->lock);
}

/* On the source's thread. */
static void give_signals(Direct *d) {
    pthread_mutex_lock(&d->lock);
    SignalList signals = d->signals;
    d->signals = (SignalList){0};
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < signals.count; i++) {
        if (d->spec.source->signal) d->spec.source->signal(d->source, &signals.items[i]);
        else
            pulse_answer(d->pulse, str_from(signals.items[i].id),
                         STR_LIT("refused: the source takes no signals"));
    }
    signal_list_done(&signals);
}

/* Wait until told to stop, at most ms; false when told. */
static bool wait_ms(Direct *d, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&d->lock);
    int rc = 0;
    while (!is_stopping(d) && rc == 0) rc = pthread_cond_timedwait(&d->changed, &d->lock, &until);
    pthread_mutex_unlock(&d->lock);
    return !is_stopping(d);
}

static bool source_answers(void *arg) {
    const Direct *d = arg;
    return d->spec.source->answers(d->spec.source_options, &d->context);
}

static bool sink_answers(void *arg) {
    const Direct *d = arg;
    return d->spec.sink->answers(d->spec.sink_options, &d->context);
}

static bool wait_slice(void *d, int64_t ms) {
    return wait_ms(d, ms);
}

/* Before another try: as wait_ms, or until a server that was gone is back. */
static bool wait_for_servers(void *arg, int64_t ms) {
    const Direct *d = arg;
    const Outage o = {.wait = wait_slice,
                      .arg = arg,
                      .ends = {{d->spec.source->answers ? source_answers : NULL, arg},
                               {d->spec.sink->answers ? sink_answers : NULL, arg}}};
    return outage_wait(&o, ms);
}

/* ---- the source's thread ---- */

static bool reader_is_told(const Direct *d) {
    return is_stopping(d) || __atomic_load_n(&d->is_reader_told, __ATOMIC_ACQUIRE);
}

/* A sink that is slower than the source is for small batches gains by larger ones: until it is through with
 * one, what comes is left where it is, to be read as one. Read ahead, it would wait for a commit of its own.
 */
static void await_sink(Direct *d, bool is_small) {
    while (is_small && !reader_is_told(d) && queue_wait_taker(d->queue, PUT_MS) == QUEUE_TIMEOUT) continue;
}

static void *reader_main(void *arg) {
    Direct *d = arg;
    const SourceClass *class = d->spec.source;
    while (!reader_is_told(d)) {
        Batch *batch = NULL;
        give_signals(d);
        if (!class->poll(d->source, POLL_MS, &batch, &d->source_err)) break;
        if (!batch) continue;
        size_t bytes = batch_bytes(batch);
        bool is_small = batch->kind == BATCH_CHANGES && batch->count < SMALL_CHANGES;
        QueueResult put;
        do put = queue_put(d->queue, batch, bytes, PUT_MS);
        while (put == QUEUE_TIMEOUT && !__atomic_load_n(&d->is_reader_told, __ATOMIC_ACQUIRE));
        if (put != QUEUE_OK) {
            batch_free(batch);
            break;
        }
        await_sink(d, is_small);
    }
    queue_close(d->queue);
    return NULL;
}

static void drop_batch(void *item) {
    batch_free(item);
}

static void stop_source(Direct *d) {
    open_signals(d, -1);
    if (d->has_reader) {
        __atomic_store_n(&d->is_reader_told, true, __ATOMIC_RELEASE);
        queue_close(d->queue);
        d->spec.source->wake(d->source);
        pthread_join(d->reader, NULL);
        d->has_reader = false;
    }
    d->source = d->source ? d->spec.source->stop(d->source) : NULL;
    d->queue = d->queue ? queue_free(d->queue, drop_batch) : NULL;
}

static bool start_source(Direct *d, const StoredState *state, Err *e) {
    assert(!d->source && !d->queue);
    if (!d->spec.source->start(d->spec.source_options, &d->context, state, &d->source, e)) return false;
    d->queue = queue_new(d->spec.queue_batches, d->spec.queue_bytes);
    d->source_err = (Err){0};
    __atomic_store_n(&d->is_reader_told, false, __ATOMIC_RELEASE);
    if (pthread_create(&d->reader, NULL, reader_main, d) != 0)
        return err_set(e, ERR_INTERNAL, true, "no thread for the source of pipeline %s", d->name);
    d->has_reader = true;
    open_signals(d, 0);
    return true;
}

/* ---- the sink's thread: the master ---- */

/* Count a failure and wait. False: not retriable, tries used up, or told to stop. */
static bool back_off(Direct *d, Backoff *backoff, Rng *rng, Err *e) {
    if (e->code == ERR_CANCELLED || is_stopping(d)) return false;
    bool is_last = backoff_is_used_up(backoff, e, d->spec.max_restarts);
    if (e->retriable && is_last)
        (void)err_wrap(e, "after %u failures in a row (errors.max.retries, max.retries)",
                       backoff->counted + 1);
    if (!e->retriable || is_last) {
        LOG_ERROR("pipeline_failed", LOG_S("pipeline", d->label), LOG_S("why", e->msg),
                  LOG_I("tries", backoff->tries + 1));
        set_state(d, DIRECT_FAILED, e);
        return false;
    }
    int64_t ms = backoff_after_ms(backoff, rng, e, clock_mono_us());
    LOG_WARN("pipeline_retry", LOG_S("pipeline", d->label), LOG_S("why", e->msg),
             LOG_I("try", backoff->tries), LOG_I("wait_ms", ms));
    set_state(d, DIRECT_WAITING, e);
    return wait_for_servers(d, ms);
}

static void tell_of_putter(void *d, const Err *why) {
    set_state(d, why ? DIRECT_WAITING : DIRECT_RUNNING, why);
}

static bool is_drained_too_late(void *arg) {
    const Direct *d = arg;
    return is_stopping(d) && d->drain_until_us != 0 && clock_mono_us() > d->drain_until_us;
}

static Putter putter_of(Direct *d, Sink *sink) {
    return (Putter){.class = d->spec.sink,
                    .sink = sink,
                    .pipeline = d->name,
                    .wait_ms = d->spec.restart_wait_ms,
                    .wait_max_ms = d->spec.restart_wait_max_ms,
                    .max_tries = d->spec.max_restarts,
                    .wait = wait_for_servers,
                    .tell = tell_of_putter,
                    .arg = d};
}

/* One attempt: the sink's lanes, and how it went. */
typedef struct Attempt {
    Sink *sink;     /* of the only lane, or of lane 0 */
    Spread *spread; /* NULL = one lane */
    Rng *rng;
    bool has_moved; /* something was written */
    bool again;     /* it failed, and is to be begun anew from what is stored */
    bool relanes;   /* … at once: with another number of lanes */
} Attempt;

static bool put_batch(Direct *d, Attempt *a, Batch *batch, Err *e) {
    if (a->spread) return spread_put(a->spread, batch_ref(batch), &a->again, &a->relanes, e);
    const Putter putter = putter_of(d, a->sink);
    bool ok = putter_put(&putter, a->rng, batch, &a->again, e);
    a->has_moved = a->has_moved || ok;
    return ok;
}

static bool idle(Direct *d, Attempt *a, Err *e) {
    if (a->spread) return spread_check(a->spread, &a->again, e);
    a->again = true;
    return d->spec.sink->idle(a->sink, e);
}

/* All that was taken is committed. */
static bool settle(Attempt *a, Err *e) {
    return !a->spread || spread_meet(a->spread, &a->again, e);
}

/* Several lanes: an answer comes behind all that was put before. */
static bool carry_batch(Direct *d, Attempt *a, Batch *batch, Err *e) {
    if (batch->kind == BATCH_TABLE && d->topics && !topics_check(d->topics, batch->schema, e)) return false;
    if (batch->kind == BATCH_ANSWER) {
        if (!settle(a, e)) return false;
        pulse_answer(d->pulse, batch->answer_to, batch->answer);
        pulse_wake(d->pulse);
        return true;
    }
    if (!put_batch(d, a, batch, e)) return false;
    if (batch->kind != BATCH_TABLE) d->context.is_restart = true;
    return true;
}

/* Nothing is put, the connection is kept. */
static bool stay_paused(Direct *d, Attempt *a, Err *e) {
    set_state(d, DIRECT_PAUSED, NULL);
    while (is_paused(d) && wait_ms(d, IDLE_MS))
        if (!idle(d, a, e)) return false;
    if (!is_stopping(d)) set_state(d, DIRECT_RUNNING, NULL);
    return true;
}

/* More of a transaction or chunk follows. */
static bool goes_on(const Batch *b) {
    return (b->kind == BATCH_CHANGES && !b->ends_transaction) ||
           (b->kind == BATCH_ROWS && !b->chunk.is_last_part);
}

/* Move batches until the source ends, fails or is told to stop. True: the end was reached in order. */
static bool carry(Direct *d, Attempt *a, Err *e) {
    bool is_open = false;
    d->drain_until_us = 0;
    for (;;) {
        void *item = NULL;
        if (!is_open && is_paused(d)) {
            if (!stay_paused(d, a, e)) return false;
            if (is_stopping(d)) return settle(a, e);
        }
        QueueResult got = queue_take(d->queue, &item, IDLE_MS);
        metric_set(d->queue_batches, (int64_t)queue_items(d->queue));
        metric_set(d->queue_bytes, (int64_t)queue_bytes(d->queue));
        if (is_stopping(d) && d->drain_until_us == 0) {
            d->drain_until_us = clock_mono_us() + (int64_t)DRAIN_LIMIT_MS * 1000;
            set_state(d, DIRECT_DRAINING, NULL);
        }
        if (got == QUEUE_CLOSED) break;
        if (got == QUEUE_TIMEOUT) {
            if (!idle(d, a, e)) return false;
            continue;
        }
        Batch *batch = item;
        is_open = goes_on(batch);
        bool is_end = batch->kind == BATCH_END, ok = carry_batch(d, a, batch, e);
        batch_free(batch);
        if (!ok) return false;
        if (is_end && d->spec.stop_at_end) return settle(a, e);
        if (is_drained_too_late(d))
            return err_set(e, ERR_TIMEOUT, false,
                           "pipeline %s: not drained within %d s; what is committed stays, "
                           "the rest is read again at the next start",
                           d->name, DRAIN_LIMIT_MS / 1000);
    }
    if (!settle(a, e)) return false;
    if (is_stopping(d) || d->source_err.code == ERR_OK) return true;
    *e = d->source_err;
    a->again = e->retriable;
    return false;
}

/* Take the pipeline, with all its lanes. */
static bool take(Direct *d, Attempt *a, StoredState *ret, Err *e) {
    const SinkClass *class = d->spec.sink;
    size_t wanted = class->join && d->spec.lanes > 1 ? d->spec.lanes : 1;
    LanesStart start;
    if (!class->start(d->spec.sink_options, &d->context, &a->sink, e) ||
        !class->own_all(a->sink, wanted, &start, ret, e))
        return false;
    note_owned(d);
    __atomic_store_n(&d->is_paused, ret->is_paused, __ATOMIC_RELEASE);
    if (start.count == 1) return true;
    const SpreadSpec spec = {.class = class,
                             .options = d->spec.sink_options,
                             .context = &d->context,
                             .start = &start,
                             .stored = ret,
                             .wanted = wanted,
                             .putter = putter_of(d, a->sink),
                             .is_late = is_drained_too_late};
    return spread_start(&spec, &a->spread, e);
}

/* From nothing to the end of one attempt. */
static bool attempt(Direct *d, Attempt *a, Err *e) {
    StoredState state = {0};
    set_state(d, DIRECT_STARTING, NULL);
    const Options *options = d->spec.sink_options;
    bool ok = (!options || topics_new(options, d->spec.topic_prefix, d->spec.route, &d->topics, e)) &&
              take(d, a, &state, e) && start_source(d, &state, e);
    a->again = !ok && e->retriable;
    stored_state_done(&state);
    if (ok) {
        set_state(d, DIRECT_RUNNING, NULL);
        ok = carry(d, a, e);
    }
    stop_source(d);
    if (a->spread) a->has_moved = spread_has_moved(a->spread);
    spread_stop(a->spread);
    if (a->sink) (void)d->spec.sink->stop(a->sink);
    d->topics = topics_free(d->topics);
    return ok;
}

static void *master_main(void *arg) {
    Direct *d = arg;
    Rng rng;
    rng_seed(&rng, (uint64_t)clock_wall_us());
    Backoff backoff;
    backoff_init(&backoff, d->spec.restart_wait_ms, d->spec.restart_wait_max_ms);
    for (;;) {
        Err e = {0};
        Attempt a = {.rng = &rng};
        if (attempt(d, &a, &e)) break;
        if (a.relanes && !is_stopping(d)) continue;
        if (a.has_moved) backoff_reset(&backoff);
        if (is_stopping(d) && e.code != ERR_CANCELLED && !e.retriable) {
            set_state(d, DIRECT_FAILED, &e);
            return NULL;
        }
        if (is_stopping(d) && e.code != ERR_CANCELLED)
            LOG_WARN("stop_cut_short", LOG_S("pipeline", d->label), LOG_S("why", e.msg),
                     LOG_S("next", "what wasn't committed is read again at the next start"));
        e.retriable = e.retriable && a.again;
        if (!back_off(d, &backoff, &rng, &e)) break;
    }
    set_state(d, DIRECT_STOPPED, NULL);
    return NULL;
}

/* ---- life ---- */

Direct *direct_start(const DirectSpec *spec) {
    Direct *d = x_calloc(1, sizeof *d);
    d->spec = *spec;
    d->name = x_strdup(spec->name);
    d->database = spec->database ? x_strdup(spec->database) : NULL;
    d->label = spec->has_siblings ? x_asprintf("%s/%s", spec->name, d->database) : x_strdup(spec->name);
    pthread_mutex_init(&d->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attr);
    pthread_condattr_destroy(&attr);
    d->context = (ConnectorContext){.name = d->name,
                                    .database = d->database,
                                    .has_siblings = spec->has_siblings,
                                    .task = spec->task,
                                    .wants_before = spec->wants_before,
                                    .sets_aside = spec->sets_aside,
                                    .topic_prefix = spec->topic_prefix,
                                    .route = spec->route,
                                    .metrics = spec->metrics,
                                    .claims = spec->claims,
                                    .progress = progress_new(),
                                    .ownership = &d->ownership,
                                    .is_stopping = &d->is_stopping};
    d->queue_batches = metrics_get(spec->metrics, METRIC_GAUGE, "millrace_queue_batches", (Str){0},
                                   "Batches read and waiting to be written");
    d->queue_bytes = metrics_get(spec->metrics, METRIC_GAUGE, "millrace_queue_bytes", (Str){0},
                                 "Memory of the batches that wait");
    d->signals_after = -1;
    d->pulse = pulse_start(&(PulseSpec){.sink = spec->sink,
                                        .sink_options = spec->sink_options,
                                        .context = &d->context,
                                        .tell = tell_state,
                                        .take_signals = take_signals,
                                        .arg = d});
    int rc = pthread_create(&d->master, NULL, master_main, d);
    assert(rc == 0);
    (void)rc;
    return d;
}

DirectState direct_state(Direct *d, Err *ret_why) {
    pthread_mutex_lock(&d->lock);
    DirectState s = d->state;
    if (ret_why) *ret_why = d->why;
    pthread_mutex_unlock(&d->lock);
    return s;
}

DirectState direct_wait(Direct *d, int64_t timeout_ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (timeout_ms % 1000) * 1000000;
    until.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&d->lock);
    int rc = 0;
    while (d->state != DIRECT_STOPPED && d->state != DIRECT_FAILED && rc == 0)
        rc = pthread_cond_timedwait(&d->changed, &d->lock, &until);
    DirectState s = d->state;
    pthread_mutex_unlock(&d->lock);
    return s;
}

void direct_drain(Direct *d) {
    pthread_mutex_lock(&d->lock);
    __atomic_store_n(&d->is_stopping, true, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

Direct *direct_stop(Direct *d) {
    if (!d) return NULL;
    direct_drain(d);
    pthread_join(d->master, NULL);
    pulse_stop(d->pulse);
    signal_list_done(&d->signals);
    progress_free(d->context.progress);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    free(d->name);
    free(d->database);
    free(d->label);
    free(d);
    return NULL;
}
