/*
 * One hash table of resources under one mutex. Each resource has its grants (one per owner, in the joined
 * mode of what the owner asked for) and a queue of waiters; a release grants from the queue's head as far as
 * it goes. A waiter sleeps on its owner's condition.
 *
 * Deadlocks are found when a wait begins: an owner waits for at most one resource, so the graph of waiters is
 * walked from the requester over blockers that wait themselves. A victim that is asleep is woken and leaves;
 * then the search is made again, as there may be another circle. No background search is needed.
 *
 * A partitioned table of mutexes was not taken: the search for circles would need all of them at once.
 */
#include "standin/store/lock.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

enum { FIRST_BUCKETS = 1024, ESCALATION_RETRY = 1250, WAIT_SLICE_MS = 500, DURATIONS = 3 };

typedef struct Head Head;

typedef struct Grant {
    struct Grant *next_of_head;
    struct Grant *newer, *older; /* in the owner's list */
    Head *head;
    LockOwner *owner;
    LockMode mode;
    LockDuration duration;
    uint32_t times; /* asked for: application locks are given back as often */
    uint64_t seq;
} Grant;

typedef struct Waiter {
    struct Waiter *next; /* in the queue, oldest first; converters stand in front */
    Head *head;
    LockOwner *owner;
    LockMode mode; /* joined with what the owner has already */
    LockDuration duration;
    bool is_conversion, is_granted, is_victim;
    int64_t since_us;
} Waiter;

struct Head {
    Head *next; /* in the bucket */
    LockResource resource;
    Grant *grants;
    Waiter *queue;
};

typedef struct TableCount { /* row locks of an owner in one table */
    int32_t object_id;
    uint32_t rows;
    uint32_t try_at;
} TableCount;

struct LockOwner {
    LockTable *table;
    int spid;
    atomic_int priority;
    uint64_t work;
    pthread_cond_t wake;
    Grant *newest[DURATIONS]; /* by LockDuration */
    Waiter *waiting;          /* NULL = not waiting */
    uint64_t next_seq;
    uint64_t visited; /* number of the last search that came by */
    TableCount *counts;
    size_t count_used, count_cap;
    LockOwner *next;
};

struct LockTable {
    pthread_mutex_t mutex;
    Head **buckets;
    size_t bucket_count, head_count;
    uint64_t grant_count, search;
    Head *free_heads;
    Grant *free_grants;
    LockOwner *owners;
};

/* Rows: held; columns: asked. */
static const bool compatible[8][8] = {
    /*             SCH_S  IS     IX     S      U      SIX    X      SCH_M */
    /* SCH_S */ {true, true, true, true, true, true, true, false},
    /* IS    */ {true, true, true, true, true, true, false, false},
    /* IX    */ {true, true, true, false, false, false, false, false},
    /* S     */ {true, true, false, true, true, false, false, false},
    /* U     */ {true, true, false, true, false, false, false, false},
    /* SIX   */ {true, true, false, false, false, false, false, false},
    /* X     */ {true, false, false, false, false, false, false, false},
    /* SCH_M */ {false, false, false, false, false, false, false, false},
};

static LockMode join(LockMode a, LockMode b) {
    LockMode low = a < b ? a : b, high = a < b ? b : a;
    if (low == high || low <= LOCK_IS) return high;
    if (low == LOCK_IX && high == LOCK_S) return LOCK_SIX;
    if (low == LOCK_IX && high == LOCK_U) return LOCK_X; /* SQL Server's UIX; only tables have IX */
    if (low == LOCK_U && high == LOCK_SIX) return LOCK_X;
    return high;
}

static bool covers(LockMode table_mode, LockMode row_mode) {
    if (table_mode >= LOCK_X) return true;
    if (row_mode != LOCK_S) return false;
    return table_mode == LOCK_S || table_mode == LOCK_U || table_mode == LOCK_SIX;
}

/* ---- resources */

static size_t bucket_of(const LockTable *t, LockResource r) {
    uint64_t h = hash_mix((uint64_t)(uint32_t)r.object_id << 32 | (uint32_t)r.space, (uint64_t)r.key);
    return (size_t)(h & (t->bucket_count - 1));
}

static bool same(LockResource a, LockResource b) {
    return a.key == b.key && a.object_id == b.object_id && a.space == b.space;
}

static Head *find(const LockTable *t, LockResource r) {
    for (Head *h = t->buckets[bucket_of(t, r)]; h; h = h->next)
        if (same(h->resource, r)) return h;
    return NULL;
}

static void grow(LockTable *t) {
    size_t old_count = t->bucket_count;
    Head **old = t->buckets;
    t->bucket_count = old_count * 2;
    t->buckets = x_calloc(t->bucket_count, sizeof(Head *));
    for (size_t i = 0; i < old_count; i++)
        for (Head *h = old[i], *next; h; h = next) {
            next = h->next;
            size_t at = bucket_of(t, h->resource);
            h->next = t->buckets[at];
            t->buckets[at] = h;
        }
    free(old);
}

static Head *find_or_make(LockTable *t, LockResource r) {
    Head *h = find(t, r);
    if (h) return h;
    if (t->head_count >= t->bucket_count) grow(t);
    h = t->free_heads;
    if (h) t->free_heads = h->next;
    else h = x_malloc(sizeof *h);
    size_t at = bucket_of(t, r);
    *h = (Head){.next = t->buckets[at], .resource = r};
    t->buckets[at] = h;
    t->head_count++;
    return h;
}

static void drop_if_unused(LockTable *t, Head *h) {
    if (h->grants || h->queue) return;
    Head **at = &t->buckets[bucket_of(t, h->resource)];
    while (*at != h) at = &(*at)->next;
    *at = h->next;
    t->head_count--;
    h->next = t->free_heads;
    t->free_heads = h;
}

/* ---- grants */

static Grant *grant_of(const Head *h, const LockOwner *o) {
    for (Grant *g = h->grants; g; g = g->next_of_head)
        if (g->owner == o) return g;
    return NULL;
}

static void list_add(Grant *g) {
    LockOwner *o = g->owner;
    g->newer = NULL;
    g->older = o->newest[g->duration];
    if (g->older) g->older->newer = g;
    o->newest[g->duration] = g;
}

static void list_remove(Grant *g) {
    if (g->newer) g->newer->older = g->older;
    else g->owner->newest[g->duration] = g->older;
    if (g->older) g->older->newer = g->newer;
}

static TableCount *count_of(LockOwner *o, int32_t object_id) {
    for (size_t i = 0; i < o->count_used; i++)
        if (o->counts[i].object_id == object_id) return &o->counts[i];
    if (o->count_used == o->count_cap) {
        o->count_cap = o->count_cap ? o->count_cap * 2 : 8;
        o->counts = x_reallocarray(o->counts, o->count_cap, sizeof *o->counts);
    }
    o->counts[o->count_used] = (TableCount){.object_id = object_id, .try_at = LOCK_ESCALATION};
    return &o->counts[o->count_used++];
}

/* Give the owner the lock, or raise the one it has. */
static void grant(LockOwner *o, Head *h, LockMode mode, LockDuration duration) {
    LockTable *t = o->table;
    Grant *g = grant_of(h, o);
    if (g) {
        g->times++;
        g->mode = join(g->mode, mode);
        if (duration > g->duration) {
            list_remove(g);
            g->duration = duration;
            g->seq = o->next_seq++;
            list_add(g);
        }
        return;
    }
    g = t->free_grants;
    if (g) t->free_grants = g->next_of_head;
    else g = x_malloc(sizeof *g);
    *g = (Grant){.next_of_head = h->grants,
                 .head = h,
                 .owner = o,
                 .mode = mode,
                 .duration = duration,
                 .times = 1,
                 .seq = o->next_seq++};
    h->grants = g;
    list_add(g);
    t->grant_count++;
    if (h->resource.space != LOCK_TABLE_SPACE) count_of(o, h->resource.object_id)->rows++;
}

static bool fits(const Head *h, const LockOwner *o, LockMode mode) {
    for (const Grant *g = h->grants; g; g = g->next_of_head)
        if (g->owner != o && !compatible[g->mode][mode]) return false;
    return true;
}

/* Who minds nobody that waits needn't stand behind them: Sch-S goes past a waiting IX, as in SQL Server
 * (transaction locking guide, relaxed FIFO). */
static bool passes_queue(const Head *h, LockMode mode) {
    for (const Waiter *w = h->queue; w; w = w->next)
        if (!compatible[w->mode][mode]) return false;
    return true;
}

/* Grant from the head of the queue as far as it goes. */
static void serve_queue(Head *h) {
    while (h->queue && fits(h, h->queue->owner, h->queue->mode)) {
        Waiter *w = h->queue;
        h->queue = w->next;
        grant(w->owner, h, w->mode, w->duration);
        w->is_granted = true;
        w->owner->waiting = NULL;
        (void)pthread_cond_signal(&w->owner->wake);
    }
}

static void release(Grant *g) {
    LockTable *t = g->owner->table;
    Head *h = g->head;
    if (h->resource.space != LOCK_TABLE_SPACE) count_of(g->owner, h->resource.object_id)->rows--;
    list_remove(g);
    Grant **at = &h->grants;
    while (*at != g) at = &(*at)->next_of_head;
    *at = g->next_of_head;
    g->next_of_head = t->free_grants;
    t->free_grants = g;
    t->grant_count--;
    serve_queue(h);
    drop_if_unused(t, h);
}

/* ---- waiting */

/* Of a circle of waiters the one to give up: *victim, or this one. */
static void choose_victim(LockOwner *o, LockOwner **victim) {
    int priority = atomic_load(&o->priority), lowest = atomic_load(&(*victim)->priority);
    if (priority < lowest || (priority == lowest && o->work < (*victim)->work)) *victim = o;
}

/* Whom does `from` wait for, who waits itself and wasn't asked yet? */
static const Waiter *next_of_search(LockTable *t, LockOwner *o) {
    const Waiter *w = o->waiting;
    if (!w || w->is_victim || o->visited == t->search) return NULL;
    o->visited = t->search;
    return w;
}

/* Does a wait of `from` for `h` in this mode lead back to `start`? Then *victim, at first start, is chosen.
 */
static bool leads_to(LockTable *t, const LockOwner *start, const LockOwner *from, const Head *h,
                     LockMode mode, const Waiter *until, LockOwner **victim) {
    for (const Grant *g = h->grants; g; g = g->next_of_head) {
        if (g->owner == from || compatible[g->mode][mode]) continue;
        if (g->owner == start) return true;
        const Waiter *w = next_of_search(t, g->owner);
        if (w && leads_to(t, start, w->owner, w->head, w->mode, w, victim)) {
            choose_victim(g->owner, victim);
            return true;
        }
    }
    for (Waiter *q = h->queue; q && q != until;
         q = q->next) { /* whoever stands in front must be served first */
        if (q->owner == from) continue;
        if (q->owner == start) return true;
        if (next_of_search(t, q->owner) && leads_to(t, start, q->owner, q->head, q->mode, q, victim)) {
            choose_victim(q->owner, victim);
            return true;
        }
    }
    return false;
}

/* Wake victims until w closes no circle any more. false: its own owner is the victim. */
static bool break_circles(LockOwner *o, Waiter *w) {
    LockTable *t = o->table;
    for (;;) {
        LockOwner *victim = o;
        t->search++;
        o->visited = t->search;
        if (!leads_to(t, o, o, w->head, w->mode, w, &victim)) return true;
        if (victim == o) return false;
        victim->waiting->is_victim = true;
        (void)pthread_cond_signal(&victim->wake);
    }
}

static void enqueue(Head *h, Waiter *w) {
    Waiter **at = &h->queue;
    while (*at && (!w->is_conversion || (*at)->is_conversion)) at = &(*at)->next;
    w->next = *at;
    *at = w;
}

static void dequeue(Head *h, Waiter *w) {
    Waiter **at = &h->queue;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    w->owner->waiting = NULL;
}

static struct timespec slice_end(int64_t ms) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += ms / 1000;
    ts.tv_nsec += (ms % 1000) * 1000000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_sec++;
        ts.tv_nsec -= 1000000000;
    }
    return ts;
}

static LockResult wait_for(LockOwner *o, Waiter *w, int64_t timeout_ms, bool (*is_cancelled)(void *),
                           void *arg) {
    LockTable *t = o->table;
    int64_t end_us = timeout_ms < 0 ? INT64_MAX : clock_mono_us() + timeout_ms * 1000;
    while (!w->is_granted) {
        int64_t left_ms = timeout_ms < 0 ? WAIT_SLICE_MS : (end_us - clock_mono_us()) / 1000;
        if (left_ms <= 0) return LOCK_TIMEOUT;
        struct timespec until = slice_end(left_ms < WAIT_SLICE_MS ? left_ms : WAIT_SLICE_MS);
        (void)pthread_cond_timedwait(&o->wake, &t->mutex, &until);
        if (w->is_victim && !w->is_granted) return LOCK_DEADLOCK;
        if (w->is_granted || !is_cancelled) continue;
        (void)pthread_mutex_unlock(&t->mutex);
        bool cancelled = is_cancelled(arg);
        (void)pthread_mutex_lock(&t->mutex);
        if (cancelled && !w->is_granted) return LOCK_CANCELLED;
    }
    return LOCK_GRANTED;
}

/* Above LOCK_ESCALATION row locks: the table instead, if no one minds. */
static void escalate(LockOwner *o, int32_t object_id, LockMode row_mode) {
    TableCount *c = count_of(o, object_id);
    if (c->rows < c->try_at) return;
    c->try_at = c->rows + ESCALATION_RETRY;
    Head *h = find(o->table, (LockResource){.object_id = object_id});
    Grant *g = h ? grant_of(h, o) : NULL;
    if (!g) return;
    LockMode mode = g->mode == LOCK_IX || g->mode == LOCK_SIX || row_mode != LOCK_S ? LOCK_X : LOCK_S;
    if (h->queue || !fits(h, o, join(g->mode, mode))) return;
    grant(o, h, mode, LOCK_FOR_TRANSACTION);
    for (int d = 0; d < DURATIONS; d++)
        for (Grant *at = o->newest[d], *older; at; at = older) {
            older = at->older;
            const LockResource *r = &at->head->resource;
            if (r->object_id == object_id && r->space != LOCK_TABLE_SPACE) release(at);
        }
    count_of(o, object_id)->try_at = LOCK_ESCALATION;
}

static LockResult take(LockOwner *o, LockResource r, LockMode mode, LockDuration duration, int64_t timeout_ms,
                       bool (*is_cancelled)(void *), void *arg) {
    LockTable *t = o->table;
    if (r.space != LOCK_TABLE_SPACE) {
        const Head *table = find(t, (LockResource){.object_id = r.object_id});
        const Grant *whole = table ? grant_of(table, o) : NULL;
        if (whole && covers(whole->mode, mode)) return LOCK_GRANTED;
    }
    Head *h = find_or_make(t, r);
    const Grant *mine = grant_of(h, o);
    LockMode want = mine ? join(mine->mode, mode) : mode;
    bool is_free = mine && want == mine->mode ? true : fits(h, o, want) && (mine || passes_queue(h, want));
    if (is_free) {
        grant(o, h, mode, duration);
        if (r.space != LOCK_TABLE_SPACE) escalate(o, r.object_id, mode);
        return LOCK_GRANTED;
    }
    if (timeout_ms == 0) {
        drop_if_unused(t, h);
        return LOCK_BUSY;
    }
    Waiter w = {.head = h,
                .owner = o,
                .mode = want,
                .duration = duration,
                .is_conversion = mine != NULL,
                .since_us = clock_mono_us()};
    enqueue(h, &w);
    o->waiting = &w;
    LockResult result = LOCK_DEADLOCK;
    if (break_circles(o, &w)) result = wait_for(o, &w, timeout_ms, is_cancelled, arg);
    if (result != LOCK_GRANTED) {
        dequeue(h, &w);
        serve_queue(h); /* those behind it may fit now */
        drop_if_unused(t, h);
    }
    return result;
}

LockResult lock_take(LockOwner *o, LockResource r, LockMode mode, LockDuration duration, int64_t timeout_ms,
                     bool (*is_cancelled)(void *arg), void *arg) {
    (void)pthread_mutex_lock(&o->table->mutex);
    LockResult result = take(o, r, mode, duration, timeout_ms, is_cancelled, arg);
    (void)pthread_mutex_unlock(&o->table->mutex);
    return result;
}

bool lock_would_wait(LockOwner *o, LockResource r, LockMode mode) {
    LockTable *t = o->table;
    (void)pthread_mutex_lock(&t->mutex);
    const Head *h = find(t, r);
    const Grant *mine = h ? grant_of(h, o) : NULL;
    bool waits = h && !fits(h, o, mine ? join(mine->mode, mode) : mode);
    (void)pthread_mutex_unlock(&t->mutex);
    return waits;
}

bool lock_has_writers(LockOwner *o, int32_t object_id) {
    LockTable *t = o->table;
    (void)pthread_mutex_lock(&t->mutex);
    const Head *h = find(t, (LockResource){.object_id = object_id});
    bool found = false;
    for (const Grant *g = h ? h->grants : NULL; g && !found; g = g->next_of_head)
        found = g->owner != o && g->mode != LOCK_SCH_S && g->mode != LOCK_IS && g->mode != LOCK_S;
    (void)pthread_mutex_unlock(&t->mutex);
    return found;
}

static void release_list(LockOwner *o, LockDuration d, uint64_t mark) {
    (void)pthread_mutex_lock(&o->table->mutex);
    while (o->newest[d] && o->newest[d]->seq >= mark) release(o->newest[d]);
    if (!o->newest[LOCK_FOR_STATEMENT] && !o->newest[LOCK_FOR_TRANSACTION] && !o->newest[LOCK_FOR_SESSION])
        o->count_used = 0;
    (void)pthread_mutex_unlock(&o->table->mutex);
}

void lock_release_statement(LockOwner *o) {
    if (o->newest[LOCK_FOR_STATEMENT]) release_list(o, LOCK_FOR_STATEMENT, 0);
}

void lock_release_all(LockOwner *o) {
    if (o->newest[LOCK_FOR_STATEMENT]) release_list(o, LOCK_FOR_STATEMENT, 0);
    if (o->newest[LOCK_FOR_TRANSACTION]) release_list(o, LOCK_FOR_TRANSACTION, 0);
    o->work = 0;
}

void lock_release_session(LockOwner *o) {
    if (o->newest[LOCK_FOR_SESSION]) release_list(o, LOCK_FOR_SESSION, 0);
}

bool lock_release_one(LockOwner *o, LockResource r, LockDuration duration) {
    (void)pthread_mutex_lock(&o->table->mutex);
    const Head *h = find(o->table, r);
    Grant *g = h ? grant_of(h, o) : NULL;
    bool is_held = g && g->duration == duration;
    if (is_held && --g->times == 0) release(g);
    (void)pthread_mutex_unlock(&o->table->mutex);
    return is_held;
}

void lock_note_work(LockOwner *o) {
    o->work++;
}

void lockowner_set_priority(LockOwner *o, int priority) {
    atomic_store(&o->priority, priority);
}
int lockowner_priority(const LockOwner *o) {
    return atomic_load(&o->priority);
}

uint64_t lock_mark(const LockOwner *o) {
    return o->next_seq;
}

void lock_release_after(LockOwner *o, uint64_t mark) {
    release_list(o, LOCK_FOR_TRANSACTION, mark);
}

bool lock_error(const LockOwner *o, LockResult result, SqlError *e) {
    switch (result) {
    case LOCK_DEADLOCK:
        return sql_error_set(
            e, 1205, 13, 51,
            "Transaction (Process ID %d) was deadlocked on lock resources with another process "
            "and has been chosen as the deadlock victim. Rerun the transaction.",
            o->spid);
    case LOCK_CANCELLED: return sql_error_set(e, 0, 16, 1, "cancelled");
    default: return sql_error_set(e, 1222, 16, 51, "Lock request time out period exceeded.");
    }
}

/* ---- life */

LockTable *locktable_new(void) {
    LockTable *t = x_calloc(1, sizeof *t);
    (void)pthread_mutex_init(&t->mutex, NULL);
    t->bucket_count = FIRST_BUCKETS;
    t->buckets = x_calloc(t->bucket_count, sizeof(Head *));
    return t;
}

LockTable *locktable_free(LockTable *t) {
    if (!t) return NULL;
    assert(!t->owners && t->head_count == 0);
    for (Head *h = t->free_heads, *next; h; h = next) {
        next = h->next;
        free(h);
    }
    for (Grant *g = t->free_grants, *next; g; g = next) {
        next = g->next_of_head;
        free(g);
    }
    free(t->buckets);
    (void)pthread_mutex_destroy(&t->mutex);
    free(t);
    return NULL;
}

LockOwner *lockowner_new(LockTable *t, int spid) {
    LockOwner *o = x_calloc(1, sizeof *o);
    o->table = t;
    o->spid = spid;
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&o->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    o->next_seq = 1;
    (void)pthread_mutex_lock(&t->mutex);
    o->next = t->owners;
    t->owners = o;
    (void)pthread_mutex_unlock(&t->mutex);
    return o;
}

LockOwner *lockowner_free(LockOwner *o) {
    if (!o) return NULL;
    lock_release_all(o);
    lock_release_session(o);
    LockTable *t = o->table;
    (void)pthread_mutex_lock(&t->mutex);
    LockOwner **at = &t->owners;
    while (*at != o) at = &(*at)->next;
    *at = o->next;
    (void)pthread_mutex_unlock(&t->mutex);
    (void)pthread_cond_destroy(&o->wake);
    free(o->counts);
    free(o);
    return NULL;
}

uint64_t locktable_count(const LockTable *t) {
    LockTable *locked = (LockTable *)t; /* the mutex is not part of the table's value */
    (void)pthread_mutex_lock(&locked->mutex);
    uint64_t n = t->grant_count;
    (void)pthread_mutex_unlock(&locked->mutex);
    return n;
}

/* A session that the waiter waits for: one that has the lock, else the first in front of it. */
static int blocker_of(const Waiter *w) {
    for (const Grant *g = w->head->grants; g; g = g->next_of_head)
        if (g->owner != w->owner && !compatible[g->mode][w->mode]) return g->owner->spid;
    return w->head->queue && w->head->queue != w ? w->head->queue->owner->spid : 0;
}

static void show_waiter(const Waiter *w, int64_t now_us, LockVisit *visit, void *arg) {
    LockShown shown = {.spid = w->owner->spid,
                       .resource = w->head->resource,
                       .mode = w->mode,
                       .duration = w->duration,
                       .is_conversion = w->is_conversion,
                       .blocker = blocker_of(w),
                       .waiting_us = now_us - w->since_us};
    visit(arg, &shown);
}

void locktable_visit(LockTable *t, LockVisit *visit, void *arg) {
    int64_t now_us = clock_mono_us();
    (void)pthread_mutex_lock(&t->mutex);
    for (const LockOwner *o = t->owners; o; o = o->next) {
        for (int d = 0; d < DURATIONS; d++)
            for (const Grant *g = o->newest[d]; g; g = g->older)
                visit(arg, &(LockShown){.spid = o->spid,
                                        .resource = g->head->resource,
                                        .mode = g->mode,
                                        .duration = g->duration,
                                        .is_granted = true});
        if (o->waiting) show_waiter(o->waiting, now_us, visit, arg);
    }
    (void)pthread_mutex_unlock(&t->mutex);
}

const char *lock_mode_name(LockMode mode) {
    static const char *const names[] = {"Sch-S", "IS", "IX", "S", "U", "SIX", "X", "Sch-M"};
    return names[mode];
}
