/* A process: its life, its queue, and which of its parts takes the next step. */
#include "proc.h"

#include <assert.h>
#include <string.h>

/* ---- batches ---- */

ProcBatch *proc_batch(Proc *p, BatchKind kind) {
    for (size_t i = 0; i < PROC_POOL; i++) {
        ProcBatch *b = &p->pool[i];
        if (b->users > 0) continue;
        b->users = 1;
        b->batch = (Batch){.kind = kind, .changes = b->changes, .cap = PROC_BATCH};
        return b;
    }
    assert(!"the pool is large enough");
    return NULL;
}

static bool is_of_pool(const Proc *p, const Batch *b) {
    return (const char *)b >= (const char *)p->pool && (const char *)b < (const char *)(p->pool + PROC_POOL);
}

void proc_release(Proc *p, Batch *b) {
    if (is_of_pool(p, b)) ((ProcBatch *)b)->users--;
    else batch_free(b);
}

void proc_push(Proc *p, ProcBatch *b) {
    assert(p->queued < PROC_QUEUE);
    p->queue[p->queued++] = b;
}

ProcBatch *proc_pop(Proc *p) {
    ProcBatch *b = p->queue[0];
    memmove(p->queue, p->queue + 1, --p->queued * sizeof(ProcBatch *));
    return b;
}

void proc_drop_all(Proc *p) {
    for (size_t i = 0; i < p->lane_count; i++) {
        ProcLane *l = &p->lane[i];
        for (size_t k = 0; k < l->queued; k++) proc_release(p, l->queue[k]);
        if (l->hand) proc_release(p, l->hand);
        l->queued = 0;
        l->hand = NULL;
        l->is_again = false;
    }
    p->queued = 0;
    p->share = NULL;
    p->is_meeting = false;
    for (size_t i = 0; i < PROC_POOL; i++) p->pool[i].users = 0;
}

/* ---- life ---- */

void proc_start(Sim *s, Proc *p) {
    assert(!p->is_alive);
    p->lane_count = 0;
    proc_drop_all(p);
    p->is_alive = true;
    p->is_stopped = p->has_taken = false;
    p->leaves_out = !sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->left_out);
    p->wanted = sim_lane_count(s);
    p->ends = 0;
    p->source = SOURCE_OFF;
    sim_trace(s, "proc %zu: starts, %zu lanes", p->number, p->wanted);
}

void proc_end(Proc *p) {
    source_stop(p);
    proc_drop_all(p);
    for (size_t i = 0; i < p->lane_count; i++) lane_end(p, &p->lane[i]);
    p->lane_count = 0;
    p->lanes = lanes_free(p->lanes);
    p->is_alive = false;
}

void proc_crash(Sim *s, Proc *p) {
    sim_trace(s, "proc %zu: crashes", p->number);
    for (size_t i = 0; i < p->lane_count; i++) lane_cut(s, p, &p->lane[i]);
    proc_end(p);
}

void proc_again(Sim *s, Proc *p) {
    proc_crash(s, p);
    proc_start(s, p);
}

/* ---- the beginning ---- */

static StoredState stored_of(const FakeTarget *t, const LanesStart *start) {
    StoredState stored = fake_target_stored(t, 0);
    stored.position = start->lowest;
    stored.ahead = start->highest;
    stored.consistent = start->consistent;
    return stored;
}

static void take_pipeline(Sim *s, Proc *p) {
    FakeTarget *t = sim_target(s);
    LanesStart start = fake_target_own_all(s, t, p->number, p->wanted);
    StoredState stored = stored_of(t, &start);
    sim_trace(s, "proc %zu: owns under epoch %d at %u … %u, %zu lanes", p->number, (int)t->now.lanes[0].epoch,
              sim_lsn_number(&start.lowest.commit_lsn), sim_lsn_number(&start.highest.commit_lsn),
              start.count);
    if (sim_is_broken(s, BREAK_START_AT_HIGHEST)) stored.position = start.highest;
    if (sim_is_broken(s, BREAK_NEW_ROUTES_AT_ONCE)) start.highest = start.lowest;
    if (sim_is_broken(s, BREAK_HOLD_NOTHING)) stored.ahead = (Position){0};
    p->has_taken = true;
    p->lane_count = start.count;
    if (start.count > 1) p->lanes = lanes_new(&start, p->wanted, &stored);
    for (size_t i = 0; i < start.count; i++) lane_start(p, i);
    source_start(s, p, &stored);
}

/* ---- steps ---- */

/* The sink looks for commands that nobody has answered, and tells the source. */
static void look_for_commands(Sim *s, Proc *p) {
    const FakeTarget *t = sim_target(s);
    if (!rng_chance(sim_rng(s), 20)) return;
    for (size_t i = 0; i < t->command_count; i++) {
        if (t->commands[i].is_answered || (p->told & 1u << i)) continue;
        p->told |= 1u << i;
        p->mail |= 1u << i;
    }
}

void proc_answer(Sim *s, Proc *p, ProcBatch *b) {
    fake_target_answer(s, sim_target(s), b->command, b->batch.ends_transaction);
    proc_release(p, &b->batch);
}

static void sink_step(Sim *s, Proc *p) {
    if (!p->has_taken) {
        take_pipeline(s, p);
        return;
    }
    look_for_commands(s, p);
    uint64_t part = rng_below(sim_rng(s), p->lane_count + (p->lanes != NULL));
    if (part == p->lane_count) share_step(s, p);
    else lane_step(s, p, &p->lane[part]);
}

static bool is_owning(const Proc *p) {
    for (size_t i = 0; i < p->lane_count; i++)
        if (p->lane[i].sink == SINK_OWN) return true;
    return false;
}

void proc_step(Sim *s, Proc *p) {
    const SimShape *shape = sim_shape(s);
    if (!p->is_alive || p->is_stopped) return;
    bool source_runs = p->source == SOURCE_NEXT || p->source == SOURCE_PAGES || p->source == SOURCE_EMIT;
    if (!sim_is_quiet(s) && source_runs && rng_chance(sim_rng(s), shape->source_fails)) {
        sim_trace(s, "proc %zu: the source loses its connection", p->number);
        p->source = SOURCE_FAILED;
        return;
    }
    uint32_t sink_chance = p->lanes ? 75 : 55;
    if (is_owning(p) || p->source == SOURCE_OFF || rng_chance(sim_rng(s), sink_chance)) sink_step(s, p);
    else source_step(s, p);
}

static bool is_at_rest(const Proc *p) {
    for (size_t i = 0; i < p->lane_count; i++)
        if (p->lane[i].queued || p->lane[i].hand) return false;
    return p->queued == 0 && !p->share;
}

bool proc_is_through(Sim *s, const Proc *p) {
    if (!p->is_alive || !p->has_taken || !is_at_rest(p)) return false;
    if (sim_shape(s)->mode == PLAN_INITIAL_ONLY) return p->ends > 0;
    if (p->source != SOURCE_NEXT) return false;
    const FakeTarget *t = sim_target(s);
    for (size_t i = 0; i < SIM_TABLES; i++)
        if (t->now.tables[i].is_known && !t->now.tables[i].is_done) return false;
    for (size_t i = 0; i < t->command_count; i++)
        if (!t->commands[i].is_answered) return false;
    for (size_t i = 0; i < SIM_TABLES; i++) /* gone ones are forgotten, those that came are known */
        if (t->now.tables[i].is_known != fake_source_is_captured(sim_source(s), i)) return false;
    if (sim_shape(s)->mode == PLAN_INITIAL && !fake_target_is_consistent(t)) return false;
    Position lowest = fake_target_lowest(t);
    return sim_lsn_number(&lowest.commit_lsn) >= sim_source(s)->max_lsn;
}
