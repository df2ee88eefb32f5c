/*
 * One lock for all that the threads share: what pipeline/lanes.h knows, how many batches are under way, notes
 * of marks for lanes that haven't learned them yet, and the first failure, which ends all. It is taken once a
 * batch. So is the lock of a lane's sink: of lane 0's the giving thread reads and stores the routes, and a
 * lane with nothing to do looks after its connection now and then.
 *
 * A batch of changes is shared out into parts that borrow its rows: each holds a reference to it.
 */
#include "worker/spread.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/queue.h"
#include "worker/outage.h"

enum { LANE_QUEUE = 1, IDLE_MS = 500, SLICE_MS = 100 };

/* A mark that another lane has set. */
typedef struct Note {
    Batch *batch; /* owned; without its rows */
    struct Note *next;
} Note;

typedef struct SpreadLane {
    Spread *spread;
    size_t number;
    ConnectorContext context;
    LanePeers peers;
    Putter putter;
    pthread_mutex_t sink_lock; /* never taken with the spread's lock held */
    Sink *sink;                /* sink_lock, once the threads are there */
    Queue *queue;
    pthread_t thread;
    bool has_thread;
    Note *notes, **notes_end; /* lock */
} SpreadLane;

struct Spread {
    SpreadSpec spec;
    SpreadLane *lanes; /* owned */
    size_t count;
    bool is_whole; /* what was given out last ended a transaction or a chunk */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Lanes *core;      /* lock */
    size_t under_way; /* lock: batches given out and not done */
    bool has_failed;  /* lock; also that all is to end */
    bool again;       /* lock: of the failure */
    Err why;          /* lock */
    bool has_moved;   /* lock */
};

/* ---- waiting ---- */

/* Until something changes, at most ms. With the lock. */
static void wait_slice(Spread *s, int64_t ms) {
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + ms % 1000 * 1000000;
    until.tv_sec += ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(&s->changed, &s->lock, &until);
}

static bool is_stopping(const Spread *s) {
    return __atomic_load_n(s->spec.context->is_stopping, __ATOMIC_ACQUIRE);
}

/* A lane's wait between two tries. */
static bool wait_ms(void *arg, int64_t ms) {
    Spread *s = ((SpreadLane *)arg)->spread;
    int64_t until_us = clock_mono_us() + ms * 1000;
    pthread_mutex_lock(&s->lock);
    while (!s->has_failed && !is_stopping(s) && clock_mono_us() < until_us) wait_slice(s, SLICE_MS);
    bool goes_on = !s->has_failed && !is_stopping(s);
    pthread_mutex_unlock(&s->lock);
    return goes_on;
}

static bool sink_answers(void *arg) {
    const Spread *s = ((SpreadLane *)arg)->spread;
    return s->spec.class->answers(s->spec.options, s->spec.context);
}

/* The same, or until a target that was gone is back. */
static bool wait_for_target(void *arg, int64_t ms) {
    const SpreadLane *l = arg;
    const Outage o = {
        .wait = wait_ms, .arg = arg, .ends = {{l->spread->spec.class->answers ? sink_answers : NULL, arg}}};
    return outage_wait(&o, ms);
}

static void tell(void *arg, const Err *why) {
    const Spread *s = ((SpreadLane *)arg)->spread;
    s->spec.putter.tell(s->spec.putter.arg, why);
}

/* The first failure is what counts; then all end. */
static void fail(Spread *s, bool again, const Err *why) {
    pthread_mutex_lock(&s->lock);
    if (!s->has_failed) {
        s->has_failed = true;
        s->again = again;
        s->why = *why;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->count; i++)
        if (s->lanes[i].queue) queue_close(s->lanes[i].queue);
}

/* ---- what lanes ask of each other ---- */

static bool lanes_end(Err *e) {
    return err_set(e, ERR_IO, true, "another lane has failed");
}

static bool await_chunk(const LanePeers *p, const Batch *chunk, Err *e) {
    Spread *s = ((SpreadLane *)p->arg)->spread;
    pthread_mutex_lock(&s->lock);
    while (!s->has_failed && !lanes_chunk_is_next(s->core, chunk)) wait_slice(s, IDLE_MS);
    bool ok = !s->has_failed;
    pthread_mutex_unlock(&s->lock);
    return ok || lanes_end(e);
}

static bool await_commit(const LanePeers *p, const Lsn *lsn, int64_t timeout_ms, Err *e) {
    Spread *s = ((SpreadLane *)p->arg)->spread;
    int64_t until_us = clock_mono_us() + timeout_ms * 1000;
    pthread_mutex_lock(&s->lock);
    bool is_there = false;
    while (!s->has_failed && !(is_there = lanes_others_have_passed(s->core, p->lane, lsn)) &&
           clock_mono_us() < until_us)
        wait_slice(s, SLICE_MS);
    bool has_failed = s->has_failed;
    pthread_mutex_unlock(&s->lock);
    if (has_failed) return lanes_end(e);
    return is_there || err_set(e, ERR_TIMEOUT, true, "the other lanes don't come to the same commit");
}

/* ---- a lane's thread ---- */

/* With the sink's lock. */
static void learn(SpreadLane *l) {
    Spread *s = l->spread;
    pthread_mutex_lock(&s->lock);
    Note *notes = l->notes;
    l->notes = NULL;
    l->notes_end = &l->notes;
    pthread_mutex_unlock(&s->lock);
    while (notes) {
        Note *next = notes->next;
        s->spec.class->learn(l->sink, notes->batch);
        batch_free(notes->batch);
        free(notes);
        notes = next;
    }
}

/* With the lock. */
static void leave_notes(Spread *s, const SpreadLane *by, const Batch *batch) {
    for (size_t i = 0; i < s->count; i++) {
        SpreadLane *l = &s->lanes[i];
        if (l == by) continue;
        Note *note = x_calloc(1, sizeof *note);
        note->batch = batch_share(batch, /* cap= */ 0);
        *l->notes_end = note;
        l->notes_end = &note->next;
    }
}

static void note_done(SpreadLane *l, const Batch *batch, const Position *passed) {
    Spread *s = l->spread;
    pthread_mutex_lock(&s->lock);
    lanes_passed(s->core, l->number, passed);
    if (batch) {
        if (lanes_committed(s->core, batch)) leave_notes(s, l, batch);
        if (batch->kind != BATCH_END) s->has_moved = true;
        s->under_way--;
    }
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static bool has_failed(Spread *s) {
    pthread_mutex_lock(&s->lock);
    bool ret = s->has_failed;
    pthread_mutex_unlock(&s->lock);
    return ret;
}

/* Put the batch; NULL: look after the connection. */
static bool use_sink(SpreadLane *l, Rng *rng, const Batch *batch, Position *ret_passed, bool *ret_again,
                     Err *e) {
    const SinkClass *class = l->spread->spec.class;
    *ret_again = true;
    pthread_mutex_lock(&l->sink_lock);
    learn(l);
    bool ok = batch ? putter_put(&l->putter, rng, batch, ret_again, e) : class->idle(l->sink, e);
    if (ok) *ret_passed = class->passed(l->sink);
    pthread_mutex_unlock(&l->sink_lock);
    return ok;
}

static void *lane_main(void *arg) {
    SpreadLane *l = arg;
    Spread *s = l->spread;
    Rng rng;
    rng_seed(&rng, (uint64_t)clock_wall_us() + l->number);
    while (!has_failed(s)) {
        void *item = NULL;
        QueueResult got = queue_take(l->queue, &item, IDLE_MS);
        if (got == QUEUE_CLOSED) break;
        Err e = {0};
        Position passed;
        bool again, ok = use_sink(l, &rng, item, &passed, &again, &e);
        if (ok) note_done(l, item, &passed);
        batch_free(item);
        if (ok) continue;
        fail(s, again, &e);
        break;
    }
    return NULL;
}

/* ---- giving out ---- */

static bool failure(Spread *s, bool *ret_again, Err *e) {
    pthread_mutex_lock(&s->lock);
    *e = s->why;
    *ret_again = s->again;
    pthread_mutex_unlock(&s->lock);
    return false;
}

static bool is_late(Spread *s, bool *ret_again, Err *e) {
    if (!s->spec.is_late(s->spec.putter.arg)) return false;
    *ret_again = false;
    (void)err_set(
        e, ERR_TIMEOUT, false,
        "pipeline %s: not drained in time; what is committed stays, the rest is read again at the next "
        "start",
        s->spec.putter.pipeline);
    return true;
}

/* Move the batch to a lane's queue. */
static bool give(Spread *s, size_t lane, Batch *batch, bool *ret_again, Err *e) {
    pthread_mutex_lock(&s->lock);
    s->under_way++;
    pthread_mutex_unlock(&s->lock);
    for (;;) {
        QueueResult put = queue_put(s->lanes[lane].queue, batch, /* bytes= */ 1, SLICE_MS);
        if (put == QUEUE_OK) return true;
        bool is_end = put == QUEUE_CLOSED;
        if (!is_end && !is_late(s, ret_again, e)) continue;
        batch_free(batch);
        return is_end ? failure(s, ret_again, e) : false;
    }
}

static bool wait_quiet(Spread *s, bool *ret_again, Err *e) {
    pthread_mutex_lock(&s->lock);
    while (!s->has_failed && s->under_way > 0) {
        wait_slice(s, SLICE_MS);
        if (s->under_way == 0 || !is_late(s, ret_again, e)) continue;
        pthread_mutex_unlock(&s->lock);
        return false;
    }
    bool ok = !s->has_failed;
    pthread_mutex_unlock(&s->lock);
    return ok || failure(s, ret_again, e);
}

static bool meet(Spread *s, bool *ret_again, Err *e) {
    for (size_t i = 0; i < s->count; i++)
        if (!give(s, i, batch_new(BATCH_END), ret_again, e)) return false;
    if (!wait_quiet(s, ret_again, e)) return false;
    pthread_mutex_lock(&s->lock);
    lanes_met(s->core);
    pthread_mutex_unlock(&s->lock);
    return true;
}

/* Nothing is under way, so nobody else touches what the core knows of tables. */
static bool find_routes(Spread *s, bool *ret_again, Err *e) {
    SpreadLane *first = &s->lanes[0];
    const StoredState *known = lanes_known(s->core);
    CLEANUP_FREE RouteTable *tables = x_calloc(known->table_count + 1, sizeof *tables);
    CLEANUP_FREE RouteJoin *joins = NULL;
    size_t join_count = 0;
    *ret_again = true;
    pthread_mutex_lock(&first->sink_lock);
    bool ok = s->spec.class->links(first->sink, known, tables, &joins, &join_count, e);
    if (ok && lanes_routed(s->core, tables, joins, join_count))
        ok = s->spec.class->store_routes(first->sink, known, e);
    pthread_mutex_unlock(&first->sink_lock);
    return ok;
}

static void release_batch(void *batch) {
    batch_free(batch);
}

static bool share_out(Spread *s, Batch *batch, bool *ret_again, Err *e) {
    Batch *shares[ROUTE_LANES_MAX];
    *ret_again = false;
    if (!route_split(lanes_route(s->core), batch, shares, e)) return false;
    bool ok = true;
    for (size_t i = 0; i < s->count; i++) {
        batch_hold(shares[i], batch_ref(batch), release_batch, /* bytes= */ 0);
        if (ok) ok = give(s, i, shares[i], ret_again, e);
        else batch_free(shares[i]);
    }
    return ok;
}

static bool ends_whole(const Batch *b) {
    if (b->kind == BATCH_CHANGES) return b->ends_transaction;
    return b->kind != BATCH_ROWS || b->chunk.is_last_part;
}

/* One step of it; *ret_is_given: nothing more to do. */
static bool put_step(Spread *s, Batch *batch, bool *ret_is_given, bool *ret_again, bool *ret_relane, Err *e) {
    LanesStep step;
    size_t lane = 0;
    pthread_mutex_lock(&s->lock);
    bool ok = lanes_next(s->core, batch, &step, &lane, e);
    pthread_mutex_unlock(&s->lock);
    if (!ok) return false;
    *ret_is_given = step == LANES_SPREAD || step == LANES_GIVE || step == LANES_ANSWER;
    if (*ret_is_given) s->is_whole = ends_whole(batch);
    switch (step) {
    case LANES_SPREAD: return share_out(s, batch, ret_again, e);
    case LANES_GIVE: return give(s, lane, batch_ref(batch), ret_again, e);
    case LANES_ANSWER: return true;
    case LANES_MEET: return meet(s, ret_again, e);
    case LANES_ROUTE: return find_routes(s, ret_again, e);
    case LANES_AGAIN: break;
    }
    *ret_again = *ret_relane = true;
    return err_set(e, ERR_IO, true, "all lanes stand at one position: their number changes");
}

bool spread_put(Spread *s, Batch *batch, bool *ret_again, bool *ret_relane, Err *e) {
    bool is_given = false, ok = true;
    *ret_again = *ret_relane = false;
    while (ok && !is_given) ok = put_step(s, batch, &is_given, ret_again, ret_relane, e);
    batch_free(batch);
    return ok;
}

bool spread_meet(Spread *s, bool *ret_again, Err *e) {
    *ret_again = false;
    return s->is_whole ? meet(s, ret_again, e) : wait_quiet(s, ret_again, e);
}

bool spread_check(Spread *s, bool *ret_again, Err *e) {
    *ret_again = false;
    return !has_failed(s) || failure(s, ret_again, e);
}

bool spread_has_moved(Spread *s) {
    pthread_mutex_lock(&s->lock);
    bool ret = s->has_moved;
    pthread_mutex_unlock(&s->lock);
    return ret;
}

/* ---- life ---- */

static bool start_lane(Spread *s, size_t number, Err *e) {
    SpreadLane *l = &s->lanes[number];
    const SinkClass *class = s->spec.class;
    l->peers = (LanePeers){.lane = number,
                           .count = s->count,
                           .arg = l,
                           .await_chunk = await_chunk,
                           .await_commit = await_commit};
    l->context = *s->spec.context;
    l->context.lane = (int)number;
    l->context.peers = &l->peers;
    if (number == 0) {
        l->sink = s->spec.putter.sink;
        class->join(l->sink, &l->peers);
    } else {
        StoredState state = {0};
        bool ok = class->start(s->spec.options, &l->context, &l->sink, e) && class->own(l->sink, &state, e);
        stored_state_done(&state);
        if (!ok) return err_wrap(e, "lane %zu", number);
    }
    l->putter.sink = l->sink;
    l->queue = queue_new(LANE_QUEUE, SIZE_MAX / 2);
    Position passed = class->passed(l->sink);
    lanes_passed(s->core, number, &passed);
    return true;
}

bool spread_start(const SpreadSpec *spec, Spread **ret, Err *e) {
    Spread *s = x_calloc(1, sizeof *s);
    s->spec = *spec;
    s->spec.start = NULL;
    s->spec.stored = NULL;
    s->count = spec->start->count;
    s->lanes = x_calloc(s->count, sizeof *s->lanes);
    s->core = lanes_new(spec->start, spec->wanted, spec->stored);
    s->is_whole = true;
    pthread_mutex_init(&s->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&s->changed, &attr);
    pthread_condattr_destroy(&attr);
    bool ok = true;
    for (size_t i = 0; i < s->count; i++) {
        SpreadLane *l = &s->lanes[i];
        *l = (SpreadLane){.spread = s, .number = i, .putter = spec->putter};
        pthread_mutex_init(&l->sink_lock, NULL);
        l->putter.wait = wait_for_target;
        l->putter.tell = tell;
        l->putter.arg = l;
        l->notes_end = &l->notes;
    }
    for (size_t i = 0; ok && i < s->count; i++) ok = start_lane(s, i, e);
    for (size_t i = 0; ok && i < s->count; i++) {
        SpreadLane *l = &s->lanes[i];
        l->has_thread = pthread_create(&l->thread, NULL, lane_main, l) == 0;
        ok = l->has_thread || err_set(e, ERR_INTERNAL, true, "no thread for lane %zu", i);
    }
    if (ok) LOG_INFO("lanes_started", LOG_S("pipeline", spec->putter.pipeline), LOG_I("lanes", s->count));
    if (ok) *ret = s;
    else spread_stop(s);
    return ok;
}

static void drop_batch(void *batch) {
    batch_free(batch);
}

/* No thread lives any more: one that fails closes the others' queues. */
static void stop_lane(Spread *s, SpreadLane *l) {
    if (l->queue) queue_free(l->queue, drop_batch);
    while (l->notes) {
        Note *next = l->notes->next;
        batch_free(l->notes->batch);
        free(l->notes);
        l->notes = next;
    }
    if (l->number > 0 && l->sink) (void)s->spec.class->stop(l->sink);
    pthread_mutex_destroy(&l->sink_lock);
}

Spread *spread_stop(Spread *s) {
    if (!s) return NULL;
    Err end;
    (void)err_set(&end, ERR_CANCELLED, false, "the lanes are stopped");
    fail(s, /* again= */ false, &end);
    for (size_t i = 0; i < s->count; i++)
        if (s->lanes[i].has_thread) pthread_join(s->lanes[i].thread, NULL);
    for (size_t i = 0; i < s->count; i++) stop_lane(s, &s->lanes[i]);
    lanes_free(s->core);
    free(s->lanes);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->changed);
    free(s);
    return NULL;
}
