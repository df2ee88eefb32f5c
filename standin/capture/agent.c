/*
 * agent.c - one thread for all jobs. It sleeps until the next job is due; without any job it waits for the
 * log, since the enabling of a table, which makes the first job, is a transaction in it. What others change
 * (start, stop, lag) is under the mutex, and they wake the thread.
 */
#include "standin/capture/agent.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/capture/cleanup.h"

enum {
    MAX_JOBS = 256,
    LOOK_MS = 1000, /* for new jobs, when there is none */
    MIN_INTERVAL_MS = 10,
    RETRY_MS = 1000,     /* after a failed scan */
    IDLE_INTERVALS = 61, /* 305 s at the default interval of 5 s: what is seen on real servers */
    DEFAULT_IDLE_MS = 305000,
    CLEANUP_HOUR = 2,
};

typedef struct JobState {
    Job job;
    bool is_running;                /* capture: started; cleanup: to be run once, now */
    bool is_fresh;                  /* started, but not run yet: settings are still taken */
    bool is_known;                  /* found in the last look */
    int64_t due_us;                 /* monotonic clock */
    int64_t started_us, stopped_us; /* wall clock */
} JobState;

struct Agent {
    Server *server;
    Capture *capture;
    struct sqlite3 *db;
    StmtCache *statements;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t woken; /* monotonic clock */
    bool is_stopping, is_running;
    int64_t lag_ms;
    JobState jobs[MAX_JOBS];
    size_t job_count;
    int cleanup_day; /* of the year: the last one cleaned up on */
    uint64_t log_seen;
};

static int64_t interval_ms(const Agent *a, const Job *job) {
    int64_t forced = server_capture_interval_ms(a->server);
    int64_t ms = forced > 0 ? forced : job->polling_s * 1000;
    return ms > MIN_INTERVAL_MS ? ms : MIN_INTERVAL_MS;
}

int64_t agent_idle_ms(Agent *a, const Job *job) {
    int64_t ms = interval_ms(a, job);
    return ms > MIN_INTERVAL_MS ? ms * IDLE_INTERVALS : DEFAULT_IDLE_MS;
}

/* ---- the jobs there are. Mutex held. */

static JobState *find_job(Agent *a, int32_t database_id, JobType type) {
    for (size_t i = 0; i < a->job_count; i++)
        if (a->jobs[i].job.database_id == database_id && a->jobs[i].job.type == type) return &a->jobs[i];
    return NULL;
}

static void meet_job(Agent *a, const Job *job) {
    JobState *s = find_job(a, job->database_id, job->type);
    if (!s && a->job_count == MAX_JOBS) return;
    if (!s) {
        s = &a->jobs[a->job_count++];
        *s = (JobState){.job = *job, .is_running = job->type == JOB_CAPTURE, .is_fresh = true};
        if (s->is_running) s->started_us = clock_wall_us();
    }
    /* A running capture job keeps the settings it was started with. */
    if (!s->is_running || s->is_fresh || s->job.type == JOB_CLEANUP) s->job = *job;
    s->is_known = true;
}

static void look_for_jobs(Agent *a) {
    Job *jobs = x_calloc(MAX_JOBS, sizeof *jobs);
    size_t count = 0;
    SqlError e;
    CatalogPin pin;
    Catalog *catalog = server_catalog(a->server);
    catalog_pin(catalog, &pin);
    bool ok = jobs_load(a->statements, catalog, jobs, MAX_JOBS, &count, &e);
    catalog_unpin(catalog, &pin);
    (void)pthread_mutex_lock(&a->mutex);
    for (size_t i = 0; i < a->job_count; i++) a->jobs[i].is_known = !ok;
    for (size_t i = 0; i < count; i++) meet_job(a, &jobs[i]);
    for (size_t i = 0; i < a->job_count;) {
        if (a->jobs[i].is_known) i++;
        else a->jobs[i] = a->jobs[--a->job_count];
    }
    (void)pthread_mutex_unlock(&a->mutex);
    if (!ok) LOG_WARN("agent_jobs_unreadable", LOG_S("reason", e.text));
    free(jobs);
}

/* ---- running them */

static void run_capture(Agent *a, const Job *job, int64_t lag_ms) {
    CaptureLimits limits = {.max_transactions = job->maxtrans,
                            .max_scans = job->maxscans,
                            .lag_ms = lag_ms,
                            .idle_ms = agent_idle_ms(a, job)};
    SqlError e;
    bool has_more;
    int64_t wait_ms = interval_ms(a, job);
    bool ok =
        capture_run(a->capture, job->database_id, &limits, /* spid= */ 0, /* wait_ms= */ 0, &has_more, &e);
    if (!ok && e.number != 22903 && e.number != CAPTURE_BLOCKED) {
        LOG_WARN("capture_failed", LOG_I("database_id", job->database_id), LOG_I("number", e.number),
                 LOG_S("reason", e.text));
        capture_note_job_failure(a->capture, job->database_id);
        if (wait_ms < RETRY_MS) wait_ms = RETRY_MS;
    }
    (void)pthread_mutex_lock(&a->mutex);
    JobState *s = find_job(a, job->database_id, JOB_CAPTURE);
    if (s) {
        s->due_us = clock_mono_us() + wait_ms * 1000;
        s->is_running = s->is_running && job->is_continuous;
    }
    (void)pthread_mutex_unlock(&a->mutex);
}

static void run_cleanup(Agent *a, const Job *job) {
    Err err;
    SqlError e = {0};
    Session *session = session_open_internal(a->server, job->database_id, &err);
    if (!session) {
        LOG_WARN("cleanup_failed", LOG_S("reason", err.msg));
        return;
    }
    CatalogPin pin;
    catalog_pin(session_catalog(session), &pin);
    bool ok = cleanup_database(session, job->database_id, job->retention_min, job->threshold, &e);
    if (!ok && !server_is_stopping(a->server))
        LOG_WARN("cleanup_failed", LOG_I("database_id", job->database_id), LOG_S("reason", e.text));
    catalog_unpin(session_catalog(session), &pin);
    (void)session_close(session);
}

/* At two in the morning all cleanup jobs are to run once. Mutex held. */
static void see_the_clock(Agent *a) {
    time_t now = time(NULL);
    struct tm tm;
    if (!localtime_r(&now, &tm) || tm.tm_hour != CLEANUP_HOUR || tm.tm_yday == a->cleanup_day) return;
    a->cleanup_day = tm.tm_yday;
    for (size_t i = 0; i < a->job_count; i++)
        if (a->jobs[i].job.type == JOB_CLEANUP) a->jobs[i].is_running = true;
}

/* The next job to run, copied; false: none is due. Mutex held. */
static bool take_due(Agent *a, Job *ret) {
    int64_t now = clock_mono_us();
    for (size_t i = 0; a->is_running && i < a->job_count; i++) {
        JobState *s = &a->jobs[i];
        if (!s->is_running || s->due_us > now) continue;
        if (s->job.type == JOB_CLEANUP) s->is_running = false;
        s->is_fresh = false;
        *ret = s->job;
        return true;
    }
    return false;
}

/* When to look again, µs of the monotonic clock; 0: there is no capture job that runs. Mutex held. */
static int64_t next_due(const Agent *a) {
    int64_t due = 0;
    for (size_t i = 0; a->is_running && i < a->job_count; i++) {
        const JobState *s = &a->jobs[i];
        if (s->is_running && (due == 0 || s->due_us < due)) due = s->due_us > 0 ? s->due_us : 1;
    }
    return due;
}

/* --capture-at-once: something was committed. */
static void make_captures_due(Agent *a) {
    (void)pthread_mutex_lock(&a->mutex);
    for (size_t i = 0; i < a->job_count; i++)
        if (a->jobs[i].job.type == JOB_CAPTURE) a->jobs[i].due_us = 0;
    (void)pthread_mutex_unlock(&a->mutex);
}

static void wait_for_work(Agent *a) {
    (void)pthread_mutex_lock(&a->mutex);
    int64_t due = a->is_running ? next_due(a) : clock_mono_us() + LOOK_MS * 1000;
    bool at_once = server_captures_at_once(a->server) && a->is_running;
    bool waits_for_log = (due == 0 || at_once) && !a->is_stopping;
    if (!a->is_stopping && !waits_for_log && due > clock_mono_us()) {
        struct timespec ts = {.tv_sec = due / 1000000, .tv_nsec = due % 1000000 * 1000};
        (void)pthread_cond_timedwait(&a->woken, &a->mutex, &ts);
    }
    (void)pthread_mutex_unlock(&a->mutex);
    if (waits_for_log) (void)log_wait(server_log(a->server), &a->log_seen, LOOK_MS);
    if (waits_for_log && at_once) make_captures_due(a);
}

static bool is_stopping(Agent *a) {
    (void)pthread_mutex_lock(&a->mutex);
    bool answer = a->is_stopping;
    (void)pthread_mutex_unlock(&a->mutex);
    return answer;
}

static void *run(void *arg) {
    Agent *a = arg;
    while (!is_stopping(a)) {
        look_for_jobs(a);
        Job job;
        (void)pthread_mutex_lock(&a->mutex);
        see_the_clock(a);
        bool has_job = take_due(a, &job);
        int64_t lag_ms = a->lag_ms;
        (void)pthread_mutex_unlock(&a->mutex);
        if (!has_job) wait_for_work(a);
        else if (job.type == JOB_CAPTURE) run_capture(a, &job, lag_ms);
        else run_cleanup(a, &job);
        capture_forget_disabled(a->capture);
    }
    return NULL;
}

/* ---- life */

bool agent_new(Server *server, Capture *capture, Agent **ret, Err *e) {
    Agent *a = x_calloc(1, sizeof *a);
    pthread_condattr_t attr;
    (void)pthread_mutex_init(&a->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&a->woken, &attr);
    (void)pthread_condattr_destroy(&attr);
    a->server = server;
    a->capture = capture;
    a->is_running = true;
    a->cleanup_day = -1;
    a->db = store_connect(server_store(server), e);
    if (a->db) a->statements = stmtcache_new(a->db, 16);
    if (!a->db || pthread_create(&a->thread, NULL, run, a) != 0) {
        if (a->db) (void)err_set(e, ERR_INTERNAL, true, "no thread for the agent");
        a->capture = NULL; /* no thread to join */
        a = agent_free(a);
        return false;
    }
    *ret = a;
    return true;
}

static void wake(Agent *a) {
    (void)pthread_cond_signal(&a->woken);
    log_wake(server_log(a->server));
}

Agent *agent_free(Agent *a) {
    if (!a) return NULL;
    (void)pthread_mutex_lock(&a->mutex);
    a->is_stopping = true;
    wake(a);
    (void)pthread_mutex_unlock(&a->mutex);
    if (a->capture) (void)pthread_join(a->thread, NULL);
    if (a->statements) (void)stmtcache_free(a->statements);
    if (a->db) store_disconnect(a->db);
    (void)pthread_cond_destroy(&a->woken);
    (void)pthread_mutex_destroy(&a->mutex);
    free(a);
    return NULL;
}

/* ---- what others ask */

bool agent_is_running(Agent *a) {
    (void)pthread_mutex_lock(&a->mutex);
    bool answer = a->is_running;
    (void)pthread_mutex_unlock(&a->mutex);
    return answer;
}

void agent_set_running(Agent *a, bool is_running) {
    (void)pthread_mutex_lock(&a->mutex);
    for (size_t i = 0; is_running && !a->is_running && i < a->job_count; i++)
        a->jobs[i].is_running = a->jobs[i].job.type == JOB_CAPTURE;
    a->is_running = is_running;
    wake(a);
    (void)pthread_mutex_unlock(&a->mutex);
}

bool agent_start_job(Agent *a, int32_t database_id, JobType type) {
    (void)pthread_mutex_lock(&a->mutex);
    JobState *s = find_job(a, database_id, type);
    bool can = s && !s->is_running;
    if (can) {
        s->is_running = s->is_fresh = true;
        s->started_us = clock_wall_us();
        s->due_us = 0;
    }
    wake(a);
    (void)pthread_mutex_unlock(&a->mutex);
    return can;
}

bool agent_stop_job(Agent *a, int32_t database_id, JobType type) {
    (void)pthread_mutex_lock(&a->mutex);
    JobState *s = find_job(a, database_id, type);
    bool can = s && s->is_running;
    if (can) {
        s->is_running = false;
        s->stopped_us = clock_wall_us();
    }
    (void)pthread_mutex_unlock(&a->mutex);
    return can;
}

bool agent_job(Agent *a, int32_t database_id, JobType type, AgentJob *ret) {
    (void)pthread_mutex_lock(&a->mutex);
    const JobState *s = find_job(a, database_id, type);
    if (s)
        *ret = (AgentJob){.is_running = s->is_running && a->is_running,
                          .started_us = s->started_us,
                          .stopped_us = s->stopped_us};
    (void)pthread_mutex_unlock(&a->mutex);
    return s != NULL;
}

void agent_forget_jobs(Agent *a, int32_t database_id) {
    (void)pthread_mutex_lock(&a->mutex);
    for (size_t i = 0; i < a->job_count;) {
        if (a->jobs[i].job.database_id == database_id) a->jobs[i] = a->jobs[--a->job_count];
        else i++;
    }
    (void)pthread_mutex_unlock(&a->mutex);
}

void agent_set_lag_ms(Agent *a, int64_t lag_ms) {
    (void)pthread_mutex_lock(&a->mutex);
    a->lag_ms = lag_ms;
    wake(a);
    (void)pthread_mutex_unlock(&a->mutex);
}

int64_t agent_lag_ms(Agent *a) {
    (void)pthread_mutex_lock(&a->mutex);
    int64_t answer = a->lag_ms;
    (void)pthread_mutex_unlock(&a->mutex);
    return answer;
}
