#include "worker/sink_task.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/outage.h"
#include "worker/sink_member.h"
#include "worker/sink_task_option.h"

enum { WAIT_SLICE_MS = 50 };
#define SOUND_AFTER_US                                                                                       \
    (INT64_C(60) * 1000 * 1000) /* a member that lived so long: failures are counted anew */

typedef struct SinkTask {
    struct SinkTasks *all;
    int number;
    pthread_t thread;
    bool is_started;
    SinkTaskState state; /* all->lock */
    Err why;
    int64_t oldest_us; /* all->lock; as SinkMemberSpec's */
} SinkTask;

struct SinkTasks {
    SinkTasksSpec spec;
    SinkTask *tasks;
    size_t count;
    pthread_mutex_t lock;
    Metric *oldest;
    bool is_stopping; /* __atomic */
};

static void set_state(SinkTask *t, SinkTaskState state, const Err *why) {
    pthread_mutex_lock(&t->all->lock);
    t->state = state;
    if (why) t->why = *why;
    pthread_mutex_unlock(&t->all->lock);
}

static bool is_stopping(const SinkTask *t) {
    return __atomic_load_n(&t->all->is_stopping, __ATOMIC_ACQUIRE);
}

static void waiting(void *arg, const Err *why) {
    set_state(arg, why ? SINK_TASK_WAITING : SINK_TASK_RUNNING, why);
}

/* Of all tasks the oldest; not known, where one doesn't know. */
static void tell_oldest(void *arg, int64_t us) {
    SinkTask *t = arg;
    SinkTasks *all = t->all;
    int64_t oldest_us = us;
    pthread_mutex_lock(&all->lock);
    t->oldest_us = us;
    for (size_t i = 0; i < all->count; i++) {
        int64_t other_us = all->tasks[i].oldest_us;
        if (oldest_us < 0 || other_us < 0) oldest_us = -1;
        else if (oldest_us == 0 || (other_us > 0 && other_us < oldest_us)) oldest_us = other_us;
    }
    metric_set(all->oldest, oldest_us);
    pthread_mutex_unlock(&all->lock);
}

static SinkMemberSpec member_spec(SinkTask *t) {
    const SinkTasks *all = t->all;
    return (SinkMemberSpec){.connector = all->spec.connector,
                            .task = t->number,
                            .options = all->spec.options,
                            .props = all->spec.props,
                            .writer = all->spec.writer,
                            .metrics = all->spec.metrics,
                            .is_stopping = &all->is_stopping,
                            .waiting = waiting,
                            .oldest = tell_oldest,
                            .arg = t};
}

/* One member, from its beginning to its end. True: told to stop. */
static bool run_member(SinkTask *t, Err *e) {
    const SinkMemberSpec spec = member_spec(t);
    SinkMember *m = NULL;
    if (!sink_member_open(&spec, &m, e)) return false;
    set_state(t, SINK_TASK_RUNNING, NULL);
    bool ok = true;
    while (ok && !is_stopping(t)) ok = sink_member_step(m, e);
    sink_member_close(m);
    tell_oldest(t, -1);
    return ok;
}

static bool wait_ms(void *arg, int64_t ms) {
    const SinkTask *t = arg;
    for (int64_t until_us = clock_mono_us() + ms * 1000; !is_stopping(t) && clock_mono_us() < until_us;)
        clock_sleep_ms(WAIT_SLICE_MS);
    return !is_stopping(t);
}

/* The same, or until a server that was gone is back. */
static void wait_for_servers(SinkTask *t, int64_t ms) {
    const SinkMemberSpec spec = member_spec(t);
    Outage o = {.wait = wait_ms, .arg = t};
    sink_member_servers(&spec, o.ends);
    (void)outage_wait(&o, ms);
}

/* Whether another member may fare better. */
static bool may_start_again(const SinkTask *t, const Backoff *b, const Err *e) {
    int64_t max = options_int(t->all->spec.options, "max.retries");
    if (!e->retriable && e->code != ERR_FENCED) return false;
    return max < 0 || b->tries < (uint64_t)max;
}

static void *run(void *arg) {
    SinkTask *t = arg;
    const Options *o = t->all->spec.options;
    Backoff backoff;
    Rng rng;
    backoff_init(&backoff, options_int(o, "retry.backoff.ms"), options_int(o, "errors.retry.delay.max.ms"));
    rng_seed(&rng, (uint64_t)clock_mono_us() ^ (uint64_t)t->number);
    for (;;) {
        Err e = {0};
        int64_t began_us = clock_mono_us();
        if (run_member(t, &e) || is_stopping(t)) break;
        if (clock_mono_us() - began_us > SOUND_AFTER_US) backoff_reset(&backoff);
        if (!may_start_again(t, &backoff, &e)) {
            LOG_ERROR("task_failed", LOG_S("connector", t->all->spec.connector), LOG_I("task", t->number),
                      LOG_S("code", err_code_name(e.code)), LOG_S("why", e.msg));
            set_state(t, SINK_TASK_FAILED, &e);
            return NULL;
        }
        LOG_WARN("task_restarts", LOG_S("connector", t->all->spec.connector), LOG_I("task", t->number),
                 LOG_S("why", e.msg), LOG_S("next", "goes on from what is stored"));
        set_state(t, SINK_TASK_WAITING, &e);
        wait_for_servers(t, backoff_next_ms(&backoff, &rng));
    }
    set_state(t, SINK_TASK_STOPPED, NULL);
    return NULL;
}

bool sink_tasks_start(const SinkTasksSpec *spec, SinkTasks **ret, Err *e) {
    if (!sink_task_option_check(spec->options, e)) return false;
    SinkTasks *all = x_calloc(1, sizeof *all);
    all->spec = *spec;
    all->count = (size_t)options_int(spec->options, "tasks.max");
    all->tasks = x_calloc(all->count, sizeof *all->tasks);
    all->oldest = metrics_get(spec->metrics, METRIC_GAUGE, "millrace_oldest_waiting_time_us", (Str){0},
                              "when the oldest change that waits was committed; 0 none waits, -1 not known");
    metric_set(all->oldest, -1);
    pthread_mutex_init(&all->lock, NULL);
    for (size_t i = 0; i < all->count; i++)
        all->tasks[i] = (SinkTask){.all = all, .number = (int)i, .oldest_us = -1};
    for (size_t i = 0; i < all->count; i++) {
        SinkTask *t = &all->tasks[i];
        t->is_started = pthread_create(&t->thread, NULL, run, t) == 0;
        if (t->is_started) continue;
        sink_tasks_stop(all);
        return err_set(e, ERR_INTERNAL, false, "no thread for task %zu of %s", i, spec->connector);
    }
    *ret = all;
    return true;
}

size_t sink_tasks_count(const SinkTasks *t) {
    return t->count;
}

SinkTaskState sink_tasks_state(SinkTasks *t, size_t task, Err *ret_why) {
    pthread_mutex_lock(&t->lock);
    SinkTaskState state = t->tasks[task].state;
    if (ret_why && (state == SINK_TASK_WAITING || state == SINK_TASK_FAILED)) *ret_why = t->tasks[task].why;
    pthread_mutex_unlock(&t->lock);
    return state;
}

const char *sink_task_state_name(SinkTaskState s) {
    static const char *const names[] = {"starting", "running", "waiting", "failed", "stopped"};
    return names[s];
}

SinkTaskState sink_tasks_state_of_all(SinkTasks *t, Err *ret_why) {
    static const SinkTaskState order[] = {SINK_TASK_FAILED, SINK_TASK_WAITING, SINK_TASK_STARTING,
                                          SINK_TASK_RUNNING};
    for (size_t k = 0; k < sizeof order / sizeof *order; k++)
        for (size_t i = 0; i < t->count; i++)
            if (sink_tasks_state(t, i, ret_why) == order[k]) return order[k];
    return SINK_TASK_STOPPED;
}

void sink_tasks_drain(SinkTasks *t) {
    __atomic_store_n(&t->is_stopping, true, __ATOMIC_RELEASE);
}

SinkTasks *sink_tasks_stop(SinkTasks *t) {
    if (!t) return NULL;
    sink_tasks_drain(t);
    for (size_t i = 0; i < t->count; i++)
        if (t->tasks[i].is_started) pthread_join(t->tasks[i].thread, NULL);
    pthread_mutex_destroy(&t->lock);
    free(t->tasks);
    free(t);
    return NULL;
}
