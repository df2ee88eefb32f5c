#include "standin/exec/fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum { FAULT_LOOK_EVERY_MS = 10 };

typedef struct Peer {
    int spid, fd;
    bool is_dropped;
} Peer;

struct Fault {
    atomic_bool is_quiet;  /* no rules and no failover: nobody need look further */
    pthread_mutex_t mutex; /* of all that follows */
    pthread_cond_t changed;
    FaultRule *rules; /* pattern is owned */
    size_t count;
    Peer *peers;
    size_t peer_count;
    int64_t unavailable_until_us, read_only_until_us; /* of the steady clock */
};

Fault *fault_new(void) {
    Fault *f = x_calloc(1, sizeof *f);
    pthread_condattr_t attr;
    atomic_store(&f->is_quiet, true);
    (void)pthread_mutex_init(&f->mutex, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&f->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    return f;
}

static void lock(Fault *f) {
    (void)pthread_mutex_lock(&f->mutex);
}

/* With its consequences for is_quiet. */
static void unlock(Fault *f) {
    bool is_over = f->read_only_until_us == 0 && f->unavailable_until_us == 0;
    atomic_store(&f->is_quiet, f->count == 0 && is_over);
    (void)pthread_mutex_unlock(&f->mutex);
}

static bool is_quiet(Fault *f) {
    return atomic_load_explicit(&f->is_quiet, memory_order_relaxed);
}

static void drop_rules(Fault *f) {
    for (size_t i = 0; i < f->count; i++) free((char *)f->rules[i].pattern);
    f->count = 0;
}

Fault *fault_free(Fault *f) {
    if (!f) return NULL;
    drop_rules(f);
    (void)pthread_cond_destroy(&f->changed);
    (void)pthread_mutex_destroy(&f->mutex);
    free(f->rules);
    free(f->peers);
    free(f);
    return NULL;
}

/* --- rules ------------------------------------------------------------------------------------------------
 */

static void drop_rule(Fault *f, FaultRule *r) {
    free((char *)r->pattern);
    *r = f->rules[--f->count];
}

/* A session has one delay. */
static void drop_delay(Fault *f, int spid) {
    for (size_t i = f->count; i-- > 0;) {
        if (f->rules[i].kind == FAULT_DELAY && f->rules[i].spid == spid) drop_rule(f, &f->rules[i]);
    }
}

void fault_add(Fault *f, const FaultRule *rule) {
    lock(f);
    if (rule->kind == FAULT_DELAY) drop_delay(f, rule->spid);
    f->rules = x_reallocarray(f->rules, f->count + 1, sizeof *f->rules);
    f->rules[f->count] = *rule;
    f->rules[f->count].pattern = rule->pattern ? x_strdup(rule->pattern) : NULL;
    f->count++;
    unlock(f);
}

void fault_end_all(Fault *f) {
    lock(f);
    drop_rules(f);
    f->unavailable_until_us = f->read_only_until_us = 0;
    (void)pthread_cond_broadcast(&f->changed);
    unlock(f);
}

static bool is_for(const FaultRule *r, int spid) {
    return r->spid != 0 ? r->spid == spid : r->but_spid != spid;
}

static FaultRule *find(Fault *f, FaultKind kind, int spid) {
    for (size_t i = 0; i < f->count; i++) {
        if (f->rules[i].kind == kind && is_for(&f->rules[i], spid)) return &f->rules[i];
    }
    return NULL;
}

static void count_down(Fault *f, FaultRule *r) {
    if (r->times > 0 && --r->times == 0) drop_rule(f, r);
}

void fault_strike(Fault *f, FaultKind kind, int spid) {
    lock(f);
    FaultRule *r = find(f, kind, spid);
    if (r) count_down(f, r);
    unlock(f);
}

bool fault_of_answer(Fault *f, int spid, FaultRule *ret) {
    if (is_quiet(f)) return false;
    lock(f);
    const FaultRule *r = find(f, FAULT_CUT, spid), *held = find(f, FAULT_HALF_OPEN, spid);
    if (!r && held && held->has_rows) r = held;
    if (r) *ret = *r;
    unlock(f);
    return r != NULL;
}

/* --- waiting ----------------------------------------------------------------------------------------------
 */

/* A moment, or until the rules change. */
static void wait_a_little(Fault *f) {
    enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000 };
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += FAULT_LOOK_EVERY_MS * NS_PER_MS;
    if (until.tv_nsec >= NS_PER_S) {
        until.tv_nsec -= NS_PER_S;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&f->changed, &f->mutex, &until);
}

static int64_t delay_us(Fault *f, int spid) {
    const FaultRule *r = find(f, FAULT_DELAY, spid);
    return r ? r->ms * 1000 : 0;
}

void fault_delay(Fault *f, int spid, bool (*ends)(void *arg), void *arg) {
    if (is_quiet(f)) return;
    int64_t start = clock_mono_us();
    lock(f);
    while (clock_mono_us() - start < delay_us(f, spid) && !ends(arg)) wait_a_little(f);
    unlock(f);
}

static bool is_held(Fault *f, int spid, bool within_answer) {
    for (size_t i = 0; i < f->count; i++) {
        const FaultRule *r = &f->rules[i];
        if (r->kind == FAULT_HALF_OPEN && is_for(r, spid) && (within_answer || !r->has_rows)) return true;
    }
    return false;
}

void fault_hold(Fault *f, int spid, bool within_answer, bool (*ends)(void *arg), void *arg) {
    if (is_quiet(f)) return;
    lock(f);
    while (is_held(f, spid, within_answer) && !ends(arg)) wait_a_little(f);
    unlock(f);
}

/* --- statements -------------------------------------------------------------------------------------------
 */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* LIKE without classes: % any text, _ any character; letter case doesn't matter. */
static bool is_like(Str text, Str pattern) {
    size_t t = 0, p = 0, star = SIZE_MAX, resume = 0;
    while (t < text.n) {
        bool fits = p < pattern.n && (pattern.p[p] == '_' || lower(pattern.p[p]) == lower(text.p[t]));
        if (p < pattern.n && pattern.p[p] == '%') {
            star = p++;
            resume = t;
        } else if (fits) {
            p++;
            t++;
        } else if (star != SIZE_MAX) { /* let the last % take one more */
            p = star + 1;
            t = ++resume;
        } else return false;
    }
    while (p < pattern.n && pattern.p[p] == '%') p++;
    return p == pattern.n;
}

bool fault_of_statement(Fault *f, int spid, Str statement, SqlError *ret) {
    if (is_quiet(f)) return false;
    bool is_found = false;
    lock(f);
    for (size_t i = 0; i < f->count && !is_found; i++) {
        FaultRule *r = &f->rules[i];
        if (r->kind != FAULT_FAIL || !is_for(r, spid)) continue;
        if (r->pattern && !is_like(statement, str_from(r->pattern))) continue;
        *ret = r->error;
        is_found = true;
        count_down(f, r);
    }
    unlock(f);
    return is_found;
}

/* --- failover ---------------------------------------------------------------------------------------------
 */

void fault_connect(Fault *f, int spid, int fd) {
    lock(f);
    f->peers = x_reallocarray(f->peers, f->peer_count + 1, sizeof *f->peers);
    f->peers[f->peer_count++] = (Peer){.spid = spid, .fd = fd};
    unlock(f);
}

static Peer *find_peer(Fault *f, int spid) {
    for (size_t i = 0; i < f->peer_count; i++) {
        if (f->peers[i].spid == spid) return &f->peers[i];
    }
    return NULL;
}

void fault_disconnect(Fault *f, int spid) {
    lock(f);
    Peer *p = find_peer(f, spid);
    if (p) *p = f->peers[--f->peer_count];
    unlock(f);
}

void fault_failover(Fault *f, int by_spid, int64_t unavailable_ms, int64_t read_only_ms) {
    lock(f);
    f->unavailable_until_us = clock_mono_us() + unavailable_ms * 1000;
    f->read_only_until_us = f->unavailable_until_us + read_only_ms * 1000;
    for (size_t i = 0; i < f->peer_count; i++) {
        Peer *p = &f->peers[i];
        if (p->spid == by_spid) p->is_dropped = true;
        else (void)shutdown(p->fd, SHUT_RDWR);
    }
    unlock(f);
}

void fault_hang_up(Fault *f, int spid) {
    lock(f);
    const Peer *p = find_peer(f, spid);
    if (p) (void)shutdown(p->fd, SHUT_RDWR);
    unlock(f);
}

bool fault_is_dropped(Fault *f, int spid) {
    if (is_quiet(f)) return false;
    lock(f);
    const Peer *p = find_peer(f, spid);
    bool is_dropped = p && p->is_dropped;
    unlock(f);
    return is_dropped;
}

/* Whether *until is still to come; 0 from the first look after it. */
static bool is_before(Fault *f, int64_t *until) {
    if (is_quiet(f)) return false;
    lock(f);
    bool is_so = clock_mono_us() < *until;
    if (!is_so) *until = 0;
    unlock(f);
    return is_so;
}

bool fault_is_unavailable(Fault *f) {
    return is_before(f, &f->unavailable_until_us);
}

bool fault_is_read_only(Fault *f) {
    return is_before(f, &f->read_only_until_us);
}
