/*
 * A metric is a block of atomics that is never moved or freed before its registry, so that whoever counts
 * keeps the pointer and counts without a lock; the lock guards only the map from name and table to block.
 *
 * A histogram has buckets whose width grows with the value: 16 for each power of two, so a bucket is at most
 * 1/16 of its values wide and its middle at most 1/32 off, from 1 µs to the largest int64, in 8 KiB. Counting
 * is one atomic add and no comparison.
 */
#include "observe/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/strmap.h"

enum {
    SUB_BITS = 4,
    SUB_BUCKETS = 1 << SUB_BITS, /* of each power of two; values below are counted one by one */
    BUCKETS = (63 - SUB_BITS) * SUB_BUCKETS + SUB_BUCKETS,
};

struct Metric {
    MetricKind kind;
    char *name, *table; /* owned */
    const char *help;   /* static text */
    atomic_int_least64_t value;
    atomic_int_least64_t buckets[]; /* BUCKETS of them in a histogram, else none */
};

struct Metrics {
    pthread_mutex_t lock;
    StrMap *by_name; /* "name\ntable" to Metric *, owned */
};

Metrics *metrics_new(void) {
    Metrics *m = x_calloc(1, sizeof *m);
    (void)pthread_mutex_init(&m->lock, NULL);
    m->by_name = strmap_new(/* ignore_case= */ false);
    return m;
}

Metrics *metrics_free(Metrics *m) {
    if (!m) return NULL;
    void *value;
    Str key;
    for (size_t at = 0; strmap_next(m->by_name, &at, &key, &value);) {
        Metric *metric = value;
        free(metric->name);
        free(metric->table);
        free(metric);
    }
    strmap_free(m->by_name);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
    return NULL;
}

/* Locking doesn't change what a registry says. */
static pthread_mutex_t *lock_of(const Metrics *m) {
    return &((Metrics *)(uintptr_t)m)->lock;
}

static void put_key(Buf *key, const char *name, Str table) {
    buf_cstr(key, name);
    buf_u8(key, '\n');
    buf_str(key, table);
}

static Metric *metric_new(MetricKind kind, const char *name, Str table, const char *help) {
    size_t buckets = kind == METRIC_HISTOGRAM_US ? BUCKETS : 0;
    Metric *metric = x_calloc(1, sizeof *metric + buckets * sizeof *metric->buckets);
    metric->kind = kind;
    metric->name = x_strdup(name);
    metric->table = str_dup(table);
    metric->help = help;
    return metric;
}

Metric *metrics_get(Metrics *m, MetricKind kind, const char *name, Str table, const char *help) {
    CLEANUP(buf_done) Buf key = {0};
    put_key(&key, name, table);
    (void)pthread_mutex_lock(&m->lock);
    Metric *metric = strmap_get(m->by_name, buf_view(&key));
    if (!metric) {
        metric = metric_new(kind, name, table, help);
        (void)strmap_set(m->by_name, buf_view(&key), metric);
    }
    (void)pthread_mutex_unlock(&m->lock);
    assert(metric->kind == kind);
    return metric;
}

Metric *metrics_find(const Metrics *m, const char *name, Str table) {
    CLEANUP(buf_done) Buf key = {0};
    put_key(&key, name, table);
    (void)pthread_mutex_lock(lock_of(m));
    Metric *metric = strmap_get(m->by_name, buf_view(&key));
    (void)pthread_mutex_unlock(lock_of(m));
    return metric;
}

Metric *metrics_next(const Metrics *m, size_t *at, MetricInfo *ret) {
    Str key;
    void *value = NULL;
    (void)pthread_mutex_lock(lock_of(m));
    bool is_there = strmap_next(m->by_name, at, &key, &value);
    (void)pthread_mutex_unlock(lock_of(m));
    if (!is_there) return NULL;
    Metric *metric = value;
    *ret = (MetricInfo){
        .name = metric->name, .help = metric->help, .kind = metric->kind, .table = str_from(metric->table)};
    return metric;
}

void metric_add(Metric *c, int64_t n) {
    assert(c->kind != METRIC_HISTOGRAM_US);
    (void)atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

void metric_set(Metric *g, int64_t v) {
    assert(g->kind == METRIC_GAUGE);
    atomic_store_explicit(&g->value, v, memory_order_relaxed);
}

int64_t metric_value(const Metric *m) {
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

static size_t bucket_of(int64_t us) {
    if (us < SUB_BUCKETS) return us < 0 ? 0 : (size_t)us;
    int shift = 63 - SUB_BITS - __builtin_clzll((unsigned long long)us);
    return (size_t)(shift + 1) * SUB_BUCKETS + (size_t)((us >> shift) & (SUB_BUCKETS - 1));
}

static int64_t middle_of(size_t bucket) {
    if (bucket < SUB_BUCKETS) return (int64_t)bucket;
    int shift = (int)(bucket / SUB_BUCKETS) - 1;
    int64_t low = (int64_t)(SUB_BUCKETS + bucket % SUB_BUCKETS) << shift;
    return low + ((INT64_C(1) << shift) - 1) / 2;
}

void metric_observe_us(Metric *h, int64_t us, int64_t count) {
    assert(h->kind == METRIC_HISTOGRAM_US);
    (void)atomic_fetch_add_explicit(&h->buckets[bucket_of(us)], count, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&h->value, count, memory_order_relaxed);
}

/* Counted from the buckets alone, so that an event counted meanwhile can't point past the last of them. */
int64_t metric_quantile_us(const Metric *h, double q) {
    assert(h->kind == METRIC_HISTOGRAM_US);
    int64_t counts[BUCKETS], total = 0, below = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        counts[i] = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        total += counts[i];
    }
    if (total == 0) return 0;
    double rank = q * (double)total;
    size_t last = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        if (counts[i] == 0) continue;
        last = i;
        below += counts[i];
        if ((double)below >= rank) break;
    }
    return middle_of(last);
}
