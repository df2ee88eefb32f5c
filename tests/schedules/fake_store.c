/* PostgreSQL behind the sink's half: a row of an offset that a transaction has moved is its own until it
 * ends, so that rows of a partition have one writer; a connection that was lost may still bring its COMMIT.
 */
#include <assert.h>
#include <string.h>

#include "record/change.h"
#include "sink_half.h"

StoreBackend *fake_store_connect(SinkStore *st, size_t member) {
    for (size_t i = 0; i < SINK_BACKENDS; i++) {
        StoreBackend *b = &st->backends[i];
        if (b->is_used) continue;
        *b = (StoreBackend){.is_used = true, .member = member};
        return b;
    }
    return NULL; /* too many connections: later */
}

void fake_store_leave(StoreBackend *b, bool is_commit_sent) {
    b->is_left = true;
    b->is_sent = is_commit_sent && b->is_open;
    b->is_used = b->is_open;
}

void fake_store_rollback(StoreBackend *b) {
    b->is_open = b->has_rows = false;
    memset(b->has, 0, sizeof b->has);
}

static void end_backend(StoreBackend *b) {
    fake_store_rollback(b);
    b->is_ended = true;
    b->is_used = !b->is_left;
}

static StoreBackend *holder_of(SinkStore *st, const StoreBackend *but, size_t partition) {
    for (size_t i = 0; i < SINK_BACKENDS; i++) {
        StoreBackend *b = &st->backends[i];
        if (b != but && b->is_used && b->is_open && b->has[partition]) return b;
    }
    return NULL;
}

void fake_store_step(Sim *s, SinkStore *st) {
    StoreBackend *b = &st->backends[rng_below(sim_rng(s), SINK_BACKENDS)];
    if (!b->is_used || !b->is_left || !rng_chance(sim_rng(s), 30)) return;
    if (b->is_sent && rng_chance(sim_rng(s), 60)) {
        sim_trace(s, "store: the commit of member %zu, sent before, is in", b->member);
        (void)fake_store_commit(s, st, b);
    }
    end_backend(b);
}

StoreResult fake_store_own(Sim *s, SinkStore *st, StoreBackend *b, size_t partition, bool ends,
                           StoreOffset *ret) {
    if (b->is_ended) return STORE_LOST;
    StoreBackend *holder = holder_of(st, b, partition);
    if (holder && !sim_is_broken(s, BREAK_SINK_NO_FENCE)) {
        if (!ends) return STORE_WAITS;
        sim_trace(s, "store: the backend of member %zu is ended", holder->member);
        end_backend(holder);
    }
    StoreOffset *o = &st->offsets[partition];
    o->epoch++;
    o->owner = b->member;
    *ret = *o;
    return STORE_OK;
}

static bool stands(Sim *s, const StoreOffset *o, const PartitionMove *m) {
    bool is_epoch = o->epoch == m->epoch || sim_is_broken(s, BREAK_SINK_NO_EPOCH);
    bool is_old = o->is_there == m->has_old && (!m->has_old || o->offset == m->old);
    return is_epoch && (is_old || sim_is_broken(s, BREAK_SINK_NO_OLD));
}

StoreResult fake_store_move(Sim *s, SinkStore *st, StoreBackend *b,
                            const PartitionMove moves[static SINK_PARTITIONS],
                            const Buf guards[static SINK_PARTITIONS]) {
    bool is_fenced = false, is_broken = sim_is_broken(s, BREAK_SINK_NO_FENCE);
    if (b->is_ended) return STORE_LOST;
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        if (moves[p].epoch == 0) continue;
        if (holder_of(st, b, p) && !is_broken) return STORE_WAITS;
        is_fenced = is_fenced || !stands(s, &st->offsets[p], &moves[p]);
    }
    if (is_fenced && !is_broken) return STORE_FENCED;
    b->is_open = true;
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        if (moves[p].epoch == 0) continue;
        b->has[p] = true;
        StoreOffset *o = &b->moved[p];
        *o = st->offsets[p];
        o->is_there = true;
        o->offset = moves[p].new;
        assert(guards[p].n <= SINK_GUARD);
        o->guard_bytes = guards[p].n;
        if (guards[p].n) memcpy(o->guard, guards[p].p, guards[p].n);
    }
    return STORE_OK;
}

void sink_rows_apply(Sim *s, SinkRows *rows, const SinkEvent *e) {
    if (e->partition != SINK_KEYLESS) {
        rows->of[e->key] = e->op == OP_DELETE ? 0 : e->after;
        return;
    }
    if (e->before) {
        if (rows->of[e->before] == 0) {
            if (s) sim_fail(s, "table without a key: the row to change isn't there");
            return;
        }
        rows->of[e->before]--;
    }
    if (e->after) rows->of[e->after]++;
}

StoreResult fake_store_write(Sim *s, SinkStore *st, StoreBackend *b, const SinkEvent *e) {
    if (b->is_ended) return STORE_LOST;
    if (!b->has_rows) memcpy(b->rows, st->rows, sizeof b->rows);
    b->has_rows = true;
    sink_rows_apply(s, &b->rows[e->partition], e);
    return STORE_OK;
}

static void merge_rows(SinkStore *st, const StoreBackend *b) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (b->has[p] && b->has_rows) st->rows[p] = b->rows[p];
}

StoreResult fake_store_commit(Sim *s, SinkStore *st, StoreBackend *b) {
    if (b->is_ended) return STORE_LOST;
    bool are_apart = sim_is_broken(s, BREAK_SINK_OFFSET_OUTSIDE); /* the offsets behind the rows, or never */
    merge_rows(st, b);
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        if (!b->has[p] || (are_apart && rng_chance(sim_rng(s), 10))) continue;
        bool is_forgotten = sim_is_broken(s, BREAK_SINK_FORGET_GUARD);
        int64_t epoch = st->offsets[p].epoch;
        size_t owner = st->offsets[p].owner;
        st->offsets[p] = b->moved[p];
        st->offsets[p].epoch = epoch;
        st->offsets[p].owner = owner;
        if (is_forgotten) st->offsets[p].guard_bytes = 0;
    }
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (b->has[p]) sink_world_committed(s, sim_sink(s), p, b->member, b->moved[p].offset);
    fake_store_rollback(b);
    return STORE_OK;
}
