/*
 * A ring under one lock, with one condition for each side. The ring grows to max_items only as far as it is
 * used. A timeout is a deadline on the monotonic clock, so that setting the wall clock moves nothing.
 */
#include "base/queue.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

enum { QUEUE_FIRST_SLOTS = 16 };

typedef struct Slot {
    void *item;
    size_t bytes;
} Slot;

struct Queue {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t may_put, may_take;
    Slot *slots; /* owned ring */
    size_t cap, first, count, bytes;
    size_t max_items, max_bytes;
    size_t takers; /* that wait, or are about to */
    bool is_closed;
};

Queue *queue_new(size_t max_items, size_t max_bytes) {
    assert(max_items > 0);
    Queue *q = x_calloc(1, sizeof *q);
    q->max_items = max_items;
    q->max_bytes = max_bytes;
    pthread_condattr_t attr;
    int failed = pthread_condattr_init(&attr);
    failed |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    failed |= pthread_mutex_init(&q->lock, NULL);
    failed |= pthread_cond_init(&q->may_put, &attr);
    failed |= pthread_cond_init(&q->may_take, &attr);
    assert(!failed);
    (void)failed;
    (void)pthread_condattr_destroy(&attr);
    return q;
}

Queue *queue_free(Queue *q, void (*drop)(void *item)) {
    if (!q) return NULL;
    for (size_t i = 0; drop && i < q->count; i++) drop(q->slots[(q->first + i) % q->cap].item);
    (void)pthread_cond_destroy(&q->may_take);
    (void)pthread_cond_destroy(&q->may_put);
    (void)pthread_mutex_destroy(&q->lock);
    free(q->slots);
    free(q);
    return NULL;
}

static struct timespec deadline_after(int64_t ms) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += ms % 1000 * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static bool has_room(const Queue *q, size_t bytes) {
    if (q->count == 0) return true;
    return q->count < q->max_items && q->bytes <= q->max_bytes && bytes <= q->max_bytes - q->bytes;
}

/* Lock held. false when the deadline has passed (NULL: there is none). */
static bool wait_on(Queue *q, pthread_cond_t *cond, const struct timespec *deadline) {
    if (!deadline) return pthread_cond_wait(cond, &q->lock) == 0;
    return pthread_cond_timedwait(cond, &q->lock, deadline) != ETIMEDOUT;
}

static void push(Queue *q, void *item, size_t bytes) {
    if (q->count == q->cap) {
        size_t cap = q->cap ? q->cap * 2 : QUEUE_FIRST_SLOTS;
        Slot *slots = x_reallocarray(NULL, cap, sizeof *slots);
        for (size_t i = 0; i < q->count; i++) slots[i] = q->slots[(q->first + i) % q->cap];
        free(q->slots);
        q->slots = slots;
        q->cap = cap;
        q->first = 0;
    }
    q->slots[(q->first + q->count++) % q->cap] = (Slot){item, bytes};
    q->bytes += bytes;
}

QueueResult queue_put(Queue *q, void *item, size_t bytes, int64_t timeout_ms) {
    struct timespec deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
    (void)pthread_mutex_lock(&q->lock);
    bool in_time = true;
    while (!q->is_closed && !has_room(q, bytes) && in_time)
        in_time = timeout_ms != 0 && wait_on(q, &q->may_put, timeout_ms < 0 ? NULL : &deadline);
    QueueResult result = q->is_closed ? QUEUE_CLOSED : has_room(q, bytes) ? QUEUE_OK : QUEUE_TIMEOUT;
    if (result == QUEUE_OK) {
        push(q, item, bytes);
        (void)pthread_cond_signal(&q->may_take);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return result;
}

QueueResult queue_take(Queue *q, void **ret, int64_t timeout_ms) {
    struct timespec deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
    (void)pthread_mutex_lock(&q->lock);
    bool in_time = timeout_ms != 0;
    q->takers++;
    if (q->count == 0 && in_time) (void)pthread_cond_broadcast(&q->may_put); /* who waits for a taker */
    while (q->count == 0 && !q->is_closed && in_time)
        in_time = wait_on(q, &q->may_take, timeout_ms < 0 ? NULL : &deadline);
    q->takers--;
    QueueResult result = q->count ? QUEUE_OK : q->is_closed ? QUEUE_CLOSED : QUEUE_TIMEOUT;
    if (result == QUEUE_OK) {
        *ret = q->slots[q->first].item;
        q->bytes -= q->slots[q->first].bytes;
        q->first = (q->first + 1) % q->cap;
        q->count--;
        /* All: a freed large item may let in several writers, and one woken alone may not fit. */
        (void)pthread_cond_broadcast(&q->may_put);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return result;
}

static bool has_taker(const Queue *q) {
    return q->count == 0 && q->takers > 0;
}

QueueResult queue_wait_taker(Queue *q, int64_t timeout_ms) {
    struct timespec deadline = deadline_after(timeout_ms > 0 ? timeout_ms : 0);
    (void)pthread_mutex_lock(&q->lock);
    bool in_time = true;
    while (!q->is_closed && !has_taker(q) && in_time)
        in_time = timeout_ms != 0 && wait_on(q, &q->may_put, timeout_ms < 0 ? NULL : &deadline);
    QueueResult result = q->is_closed ? QUEUE_CLOSED : has_taker(q) ? QUEUE_OK : QUEUE_TIMEOUT;
    (void)pthread_mutex_unlock(&q->lock);
    return result;
}

void queue_close(Queue *q) {
    (void)pthread_mutex_lock(&q->lock);
    q->is_closed = true;
    (void)pthread_cond_broadcast(&q->may_put);
    (void)pthread_cond_broadcast(&q->may_take);
    (void)pthread_mutex_unlock(&q->lock);
}

/* The lock is all that changes: the queue is const to the caller. */
static size_t read_locked(const Queue *q, const size_t *field) {
    pthread_mutex_t *lock = &((Queue *)q)->lock;
    (void)pthread_mutex_lock(lock);
    size_t v = *field;
    (void)pthread_mutex_unlock(lock);
    return v;
}

size_t queue_items(const Queue *q) {
    return read_locked(q, &q->count);
}

size_t queue_bytes(const Queue *q) {
    return read_locked(q, &q->bytes);
}
