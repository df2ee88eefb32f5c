/*
 * A chunk's parts must not be mixed with another's: the target commits a chunk as one transaction. Nearly all
 * chunks are one part, so readers work side by side and take turns at the door only; a table without a paging
 * key comes in many parts, and its reader holds the door until the last. The door is a lock held over a wait
 * for room in the queue: that wait ends when the queue is closed, and nothing else is ever locked inside it.
 */
#include "sqlserver/copier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "sqlserver/reading.h"

enum {
    QUEUE_ITEMS = 1024,
    IDLE_CLOSE_MS = 30000, /* an idle reader closes its connection */
};

typedef struct Reader {
    Copier *copier;
    pthread_t thread;
    Odbc *odbc;
    const ChunkJob *job; /* being read */
    bool has_door;
} Reader;

struct Copier {
    CopierSpec spec;
    Queue *jobs, *out;
    Reader *readers; /* owned */
    size_t busy;     /* owner thread only */
    pthread_mutex_t door;
    bool is_stopping; /* this and the next: atomic access */
};

static CopyItem WAKE; /* its address only */

/* ---- reader threads ---- */

static void drop_item(void *pointer) {
    CopyItem *item = pointer;
    if (item == &WAKE) return;
    batch_free(item->batch);
    free(item);
}

static void drop_job(void *job) {
    chunk_job_free(job);
}

static bool put_item(Copier *c, CopyItem *item, size_t bytes) {
    if (queue_put(c->out, item, bytes, /* timeout_ms= */ -1) == QUEUE_OK) return true;
    drop_item(item);
    return false;
}

static bool read_source_clock(Reader *r, bool is_last_part, int64_t *ret, Err *e) {
    *ret = 0;
    return !is_last_part || reading_clock(r->odbc, ret, e);
}

static bool put_part(void *self, Batch *part, Err *e) {
    Reader *r = self;
    CopyItem *item = x_calloc(1, sizeof *item);
    item->batch = part;
    item->table = r->job->table;
    bool is_last = part->chunk.is_last_part;
    /* An exact chunk's clock is asked for inside its transaction: no harm. */
    if (!read_source_clock(r, is_last, &item->now_us, e)) {
        drop_item(item);
        return false;
    }
    if (!r->has_door) pthread_mutex_lock(&r->copier->door);
    r->has_door = true;
    bool ok = put_item(r->copier, item, batch_bytes(part));
    if (is_last || !ok) {
        r->has_door = false;
        pthread_mutex_unlock(&r->copier->door);
    }
    return ok || err_set(e, ERR_CANCELLED, false, "stopping");
}

static bool connect_reader(Reader *r, Err *e) {
    if (r->odbc) return true;
    if (!odbc_connect(&r->copier->spec.target, &r->odbc, e)) return false;
    if (r->copier->spec.isolation != COPY_SNAPSHOT) return true;
    return odbc_exec(r->odbc, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT", e);
}

static bool read_job(Reader *r, const ChunkJob *job, bool *ret_is_dropped, Err *e) {
    const CopierSpec *spec = &r->copier->spec;
    ChunkContext context = {.target = &spec->target,
                            .uses_snapshot = spec->allows_snapshot,
                            .lock_timeout_ms = spec->lock_timeout_ms,
                            .is_stopping = &r->copier->is_stopping,
                            .put = put_part,
                            .metrics = spec->metrics,
                            .self = r};
    if (!connect_reader(r, e)) return false;
    context.odbc = r->odbc;
    r->job = job;
    return chunk_read(job, &context, ret_is_dropped, e);
}

static void *reader_main(void *self) {
    Reader *r = self;
    for (;;) {
        void *job;
        QueueResult got = queue_take(r->copier->jobs, &job, IDLE_CLOSE_MS);
        if (got == QUEUE_CLOSED) break;
        if (got == QUEUE_TIMEOUT) {
            r->odbc = odbc_close(r->odbc);
            continue;
        }
        Err e = {0};
        bool is_dropped = false, ok = read_job(r, job, &is_dropped, &e);
        size_t table = ((const ChunkJob *)job)->table;
        bool has_filter = ((const ChunkJob *)job)->filter != NULL;
        chunk_job_free(job);
        if (r->has_door) { /* failed between two parts */
            r->has_door = false;
            pthread_mutex_unlock(&r->copier->door);
        }
        if (ok && !is_dropped) continue;
        CopyItem *item = x_calloc(1, sizeof *item);
        item->table = table;
        if (!ok) item->err = e;
        item->is_refused = !ok && has_filter && e.code == ERR_INVALID;
        (void)put_item(r->copier, item, 0);
    }
    r->odbc = odbc_close(r->odbc);
    return NULL;
}

/* ---- the owner's side ---- */

Copier *copier_new(const CopierSpec *spec) {
    Copier *c = x_calloc(1, sizeof *c);
    c->spec = *spec;
    c->jobs = queue_new(QUEUE_ITEMS, SIZE_MAX);
    c->out = queue_new(QUEUE_ITEMS, spec->queue_bytes);
    pthread_mutex_init(&c->door, NULL);
    c->readers = x_calloc(spec->threads, sizeof *c->readers);
    for (size_t i = 0; i < spec->threads; i++) {
        c->readers[i].copier = c;
        if (pthread_create(&c->readers[i].thread, NULL, reader_main, &c->readers[i]) == 0) continue;
        LOG_ERROR("thread_failed", LOG_S("what", "snapshot reader"));
        c->spec.threads = i; /* go on with fewer; with none the caller never finds a free one */
        break;
    }
    return c;
}

Copier *copier_free(Copier *c) {
    if (!c) return NULL;
    __atomic_store_n(&c->is_stopping, true, __ATOMIC_RELAXED);
    queue_close(c->jobs);
    queue_close(c->out);
    for (size_t i = 0; i < c->spec.threads; i++) pthread_join(c->readers[i].thread, NULL);
    queue_free(c->jobs, drop_job);
    queue_free(c->out, drop_item);
    pthread_mutex_destroy(&c->door);
    free(c->readers);
    free(c);
    return NULL;
}

size_t copier_free_readers(const Copier *c) {
    return c->spec.threads - c->busy;
}

void copier_give(Copier *c, ChunkJob *job) {
    c->busy++;
    if (queue_put(c->jobs, job, 0, /* timeout_ms= */ 0) != QUEUE_OK) chunk_job_free(job);
}

CopyEvent copier_take(Copier *c, int64_t timeout_ms, CopyItem *ret) {
    void *pointer;
    if (queue_take(c->out, &pointer, timeout_ms) != QUEUE_OK || pointer == &WAKE) return COPY_NOTHING;
    CopyItem *item = pointer;
    *ret = *item;
    free(item);
    bool has_failed = !ret->batch && ret->err.code != ERR_OK;
    if (has_failed && !ret->is_refused) return COPY_FAILED;
    if (!ret->batch || ret->batch->chunk.is_last_part) c->busy--;
    if (has_failed) return COPY_REFUSED;
    return ret->batch ? COPY_BATCH : COPY_DROPPED;
}

void copier_wake(Copier *c) {
    (void)queue_put(c->out, &WAKE, 0, /* timeout_ms= */ 0);
}
