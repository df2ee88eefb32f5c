/* A process: its life, and the sink's half, what src/postgres and src/worker do around a lane. */
#include "proc.h"

#include <assert.h>
#include <string.h>

/* ---- batches ---- */

ProcBatch *proc_batch(Proc *p, BatchKind kind) {
    for (size_t i = 0; i < PROC_POOL; i++) {
        ProcBatch *b = &p->pool[i];
        if (b->is_taken) continue;
        b->is_taken = true;
        b->batch = (Batch){.kind = kind, .changes = b->changes, .cap = PROC_BATCH};
        return b;
    }
    assert(!"the pool is large enough");
    return NULL;
}

void proc_drop(Proc *p, ProcBatch *b) {
    (void)p;
    b->is_taken = false;
}

void proc_push(Proc *p, ProcBatch *b) {
    assert(p->queued < PROC_QUEUE);
    p->queue[p->queued++] = b;
}

static ProcBatch *pop(Proc *p) {
    ProcBatch *b = p->queue[0];
    memmove(p->queue, p->queue + 1, --p->queued * sizeof *p->queue);
    return b;
}

static void drop_all(Proc *p) {
    p->queued = 0;
    p->hand = NULL;
    for (size_t i = 0; i < PROC_POOL; i++) p->pool[i].is_taken = false;
}

/* ---- life ---- */

void proc_start(Sim *s, Proc *p) {
    assert(!p->is_alive);
    sim_trace(s, "proc %zu: starts", p->number);
    drop_all(p);
    p->is_alive = true;
    p->is_stopped = p->is_again = false;
    p->leaves_out = !sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->left_out);
    p->ends = 0;
    p->lane = lane_new();
    p->sink = SINK_OWN;
    p->source = SOURCE_OFF;
}

static void end(Proc *p) {
    source_stop(p);
    p->lane = lane_free(p->lane);
    drop_all(p);
    p->sink = SINK_OFF;
    p->is_alive = false;
}

static bool is_committing(const Proc *p) {
    return p->sink == SINK_STEPS && p->step < p->work.count && p->work.steps[p->step] == LANE_COMMIT;
}

/* The COMMIT may have been sent: then it is done though nobody hears of it. */
static void cut(Sim *s, Proc *p) {
    FakeTarget *t = sim_target(s);
    bool arrives = is_committing(p) && rng_chance(sim_rng(s), 50);
    if (arrives)
        (void)fake_target_do(s, t, p->number, LANE_COMMIT, &p->work, p->hand ? &p->hand->batch : NULL);
    if (is_committing(p))
        sim_trace(s, "proc %zu: the commit on its way %s", p->number, arrives ? "is in" : "is lost");
    fake_target_cut(t, p->number);
}

void proc_crash(Sim *s, Proc *p) {
    sim_trace(s, "proc %zu: crashes", p->number);
    cut(s, p);
    end(p);
}

/* ---- the sink ---- */

static void restart_source(Sim *s, Proc *p) {
    sim_trace(s, "proc %zu: the source starts again", p->number);
    drop_all(p);
    if (!sim_is_broken(s, BREAK_NO_RESTART)) {
        source_stop(p);
        source_start(s, p, lane_stored(p->lane));
    }
    lane_source_restarted(p->lane);
    p->sink = SINK_TAKE;
}

static void batch_is_through(Proc *p) {
    if (p->hand) proc_drop(p, p->hand);
    p->hand = NULL;
    p->is_again = false;
    p->sink = SINK_TAKE;
}

static void follow(Sim *s, Proc *p, LaneVerdict verdict) {
    static const char *const names[] = {"go on", "put again", "is in", "restart the source"};
    sim_trace(s, "proc %zu: verdict: %s", p->number, names[verdict]);
    if (sim_is_broken(s, BREAK_COMMIT_ASSUMED) && verdict == LANE_PUT_AGAIN) verdict = LANE_IS_IN;
    switch (verdict) {
    case LANE_GO_ON: p->sink = SINK_TAKE; break;
    case LANE_PUT_AGAIN: p->sink = SINK_PUT; break;
    case LANE_IS_IN: batch_is_through(p); break;
    case LANE_RESTART_SOURCE: restart_source(s, p); break;
    }
}

static void own(Sim *s, Proc *p) {
    FakeTarget *t = sim_target(s);
    int64_t epoch = fake_target_own(s, t, p->number);
    p->epoch = epoch;
    StoredState stored = fake_target_stored(t);
    sim_trace(s, "proc %zu: owns under epoch %d at %u", p->number, (int)epoch,
              sim_lsn_number(&stored.position.commit_lsn));
    bool is_first = p->source == SOURCE_OFF;
    LaneVerdict verdict = lane_owned(p->lane, epoch, &stored);
    if (is_first) source_start(s, p, lane_stored(p->lane));
    follow(s, p, verdict);
}

static void trace_put(Sim *s, const Proc *p) {
    static const char *const kinds[] = {"changes", "rows", "table", "end", "answer"};
    const Batch *b = &p->hand->batch;
    sim_trace(s, "proc %zu: puts %s, %zu, (%u, %u]%s%s: %zu steps", p->number, kinds[b->kind], b->count,
              sim_lsn_number(&b->from.commit_lsn), sim_lsn_number(&b->to.commit_lsn),
              b->ends_transaction ? "" : ", to go on", b->is_consistent ? ", consistent" : "", p->work.count);
}

/* The lane says it is in: applied all the same. */
static void force(const Proc *p, LaneWork *w) {
    const Batch *b = &p->hand->batch;
    if (w->count || b->kind != BATCH_CHANGES || b->count == 0 || !b->ends_transaction) return;
    w->steps[w->count++] = LANE_BEGIN_LOCKED;
    w->steps[w->count++] = LANE_APPLY;
    w->steps[w->count++] = LANE_COMMIT;
}

static void put(Sim *s, Proc *p) {
    Err e;
    if (!lane_put(p->lane, &p->hand->batch, sim_source(s)->now_us, &p->work, &e)) {
        if (e.code == ERR_FENCED) end(p);
        else sim_fail(s, "lane: %s", e.msg);
        return;
    }
    trace_put(s, p);
    if (p->hand->batch.kind == BATCH_END) p->ends++;
    if (sim_is_broken(s, BREAK_NO_SKIP) && !lane_needs_source_back(p->lane)) force(p, &p->work);
    p->step = 0;
    p->sink = SINK_STEPS;
}

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

static void take(Sim *s, Proc *p) {
    look_for_commands(s, p);
    if (p->queued > 0) {
        p->hand = pop(p);
        if (p->hand->batch.kind == BATCH_ANSWER) {
            fake_target_answer(s, sim_target(s), p->hand->command, p->hand->batch.ends_transaction);
            batch_is_through(p);
            return;
        }
        put(s, p);
        return;
    }
    if (p->source == SOURCE_FAILED) { /* what was read before is put: now anew, with a sink of its own too */
        proc_crash(s, p);
        proc_start(s, p);
        return;
    }
    lane_idle(p->lane, sim_source(s)->now_us, &p->work);
    p->step = 0;
    p->sink = SINK_STEPS;
}

static void lost(Sim *s, Proc *p) {
    sim_trace(s, "proc %zu: connection lost at step %zu", p->number, p->step);
    cut(s, p);
    lane_lost(p->lane);
    p->sink = SINK_OWN;
}

static void refused(Sim *s, Proc *p) {
    sim_trace(s, "proc %zu: rolled back at step %zu", p->number, p->step);
    fake_target_rollback(sim_target(s), p->number);
    follow(s, p, lane_rolled_back(p->lane));
}

static bool ends_chunk(const ProcBatch *b) {
    return b->batch.chunk.is_last_part;
}

static void steps_are_done(Sim *s, Proc *p) {
    lane_done(p->lane);
    /* BREAK_COMMIT_PARTS: each batch is a transaction, whether it ends one of the source's or not. */
    FakeSession *in = &sim_target(s)->sessions[p->number];
    if (sim_is_broken(s, BREAK_COMMIT_PARTS) && in->is_in_transaction) {
        FakeState kept = in->state;
        (void)fake_target_do(s, sim_target(s), p->number, LANE_COMMIT, &p->work, NULL);
        in->is_in_transaction = true;
        in->state = kept;
    }
    /* A part in the midst of a chunk can't be told from the next one: parts come once, by the contract. */
    bool may_come_again =
        p->hand && !p->is_again && (p->hand->batch.kind != BATCH_ROWS || ends_chunk(p->hand));
    bool is_again = may_come_again && !sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->duplicate);
    if (is_again) {
        sim_trace(s, "proc %zu: the same batch comes once more", p->number);
        p->is_again = true;
        p->sink = SINK_PUT;
        return;
    }
    batch_is_through(p);
}

static void step_work(Sim *s, Proc *p) {
    const SimShape *shape = sim_shape(s);
    FakeTarget *t = sim_target(s);
    bool may_fail = !sim_is_quiet(s);
    if (p->step == p->work.count) {
        steps_are_done(s, p);
        return;
    }
    if (may_fail && rng_chance(sim_rng(s), shape->lose)) {
        lost(s, p);
        return;
    }
    if (may_fail && rng_chance(sim_rng(s), shape->refuse)) {
        refused(s, p);
        return;
    }
    const Batch *batch = p->hand ? &p->hand->batch : NULL;
    switch (fake_target_do(s, t, p->number, p->work.steps[p->step], &p->work, batch)) {
    case FAKE_OK: p->step++; break;
    case FAKE_WAITS: break;
    case FAKE_LOST: lost(s, p); break;
    case FAKE_NO_ROW:
        sim_trace(s, "proc %zu: fenced", p->number);
        lane_fenced(p->lane);
        end(p);
        break;
    }
}

static void sink_step(Sim *s, Proc *p) {
    switch (p->sink) {
    case SINK_OFF: break;
    case SINK_OWN: own(s, p); break;
    case SINK_TAKE: take(s, p); break;
    case SINK_PUT: put(s, p); break;
    case SINK_STEPS: step_work(s, p); break;
    }
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
    if (p->sink == SINK_OWN || p->source == SOURCE_OFF || rng_chance(sim_rng(s), 55)) sink_step(s, p);
    else source_step(s, p);
}

bool proc_is_through(Sim *s, const Proc *p) {
    if (!p->is_alive || p->queued || p->hand) return false;
    if (sim_shape(s)->mode == PLAN_INITIAL_ONLY) return p->ends > 0;
    if (p->source != SOURCE_NEXT) return false;
    const FakeTarget *t = sim_target(s);
    for (size_t i = 0; i < SIM_TABLES; i++)
        if (t->now.tables[i].is_known && !t->now.tables[i].is_done) return false;
    for (size_t i = 0; i < t->command_count; i++)
        if (!t->commands[i].is_answered) return false;
    for (size_t i = 0; i < SIM_TABLES; i++) /* gone ones are forgotten, those that came are known */
        if (t->now.tables[i].is_known != fake_source_is_captured(sim_source(s), i)) return false;
    if (sim_shape(s)->mode == PLAN_INITIAL && position_is_zero(&t->now.consistent)) return false;
    return sim_lsn_number(&t->now.position.commit_lsn) >= sim_source(s)->max_lsn;
}
