#include "sqlserver/heartbeat.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sqlserver/odbc.h"

enum { STATEMENT_LIMIT_MS = 10000, MAX_WAIT_MS = 300000 };

struct Heartbeat {
    OdbcTarget target;
    const char *sql;
    int64_t interval_ms;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t told;
    bool is_stopping; /* lock */
    Odbc *odbc;       /* the thread's */
};

/* False: told to stop. */
static bool wait_for_next(Heartbeat *h, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_mutex_lock(&h->lock);
    for (int rc = 0; !h->is_stopping && rc == 0;) rc = pthread_cond_timedwait(&h->told, &h->lock, &until);
    bool goes_on = !h->is_stopping;
    pthread_mutex_unlock(&h->lock);
    return goes_on;
}

static bool beat(Heartbeat *h, Err *e) {
    if (!h->odbc && !odbc_connect(&h->target, &h->odbc, e)) return false;
    return odbc_exec(h->odbc, h->sql, e);
}

static void *heartbeat_main(void *self) {
    Heartbeat *h = self;
    Rng rng;
    Backoff backoff;
    rng_seed(&rng, (uint64_t)clock_wall_us());
    backoff_init(&backoff, h->interval_ms, h->interval_ms > MAX_WAIT_MS ? h->interval_ms : MAX_WAIT_MS);
    for (int64_t wait_ms = h->interval_ms; wait_for_next(h, wait_ms);) {
        Err e;
        if (beat(h, &e)) {
            backoff_reset(&backoff);
            wait_ms = h->interval_ms;
            continue;
        }
        wait_ms = backoff_next_ms(&backoff, &rng);
        h->odbc = odbc_close(h->odbc);
        LOG_WARN("heartbeat_failed", LOG_S("why", e.msg), LOG_I("try", backoff.tries),
                 LOG_I("wait_ms", wait_ms),
                 LOG_S("next", "reading goes on; the statement is heartbeat.action.query"));
    }
    h->odbc = odbc_close(h->odbc);
    return NULL;
}

Heartbeat *heartbeat_new(const OdbcTarget *target, const char *sql, int64_t interval_ms) {
    Heartbeat *h = x_calloc(1, sizeof *h);
    h->target = *target;
    h->target.query_timeout_ms = STATEMENT_LIMIT_MS;
    h->sql = sql;
    h->interval_ms = interval_ms;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->told, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&h->thread, NULL, heartbeat_main, h) == 0) return h;
    LOG_ERROR("thread_failed", LOG_S("what", "heartbeat"));
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->told);
    free(h);
    return NULL;
}

Heartbeat *heartbeat_free(Heartbeat *h) {
    if (!h) return NULL;
    pthread_mutex_lock(&h->lock);
    h->is_stopping = true;
    pthread_cond_signal(&h->told);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    pthread_mutex_destroy(&h->lock);
    pthread_cond_destroy(&h->told);
    free(h);
    return NULL;
}
