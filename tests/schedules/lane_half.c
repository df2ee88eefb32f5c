/* A lane: what src/postgres and src/worker do around pipeline/lane.h. */
#include <assert.h>
#include <string.h>

#include "proc.h"

void lane_start(Proc *p, size_t number) {
    ProcLane *l = &p->lane[number];
    *l = (ProcLane){.number = number, .sink = SINK_OWN, .lane = lane_new()};
    lane_set_count(l->lane, p->lane_count);
}

void lane_end(Proc *p, ProcLane *l) {
    (void)p;
    l->lane = lane_free(l->lane);
    l->sink = SINK_OFF;
}

static bool is_committing(const ProcLane *l) {
    return l->sink == SINK_STEPS && l->step < l->work.count && l->work.steps[l->step] == LANE_COMMIT;
}

/* The COMMIT may have been sent: then it is done though nobody hears of it. */
void lane_cut(Sim *s, Proc *p, ProcLane *l) {
    FakeTarget *t = sim_target(s);
    bool arrives = is_committing(l) && rng_chance(sim_rng(s), 50);
    if (arrives) (void)fake_target_do(s, t, p->number, l->number, LANE_COMMIT, &l->work, l->hand);
    if (is_committing(l))
        sim_trace(s, "proc %zu.%zu: the commit on its way %s", p->number, l->number,
                  arrives ? "is in" : "is lost");
    fake_target_cut(t, p->number, l->number);
}

/* ---- verdicts ---- */

static void restart_source(Sim *s, Proc *p, ProcLane *l) {
    if (p->lanes) {
        l->sink = SINK_OFF; /* nothing of it is under way */
        proc_again(s, p);
        return;
    }
    sim_trace(s, "proc %zu: the source starts again", p->number);
    proc_drop_all(p);
    if (!sim_is_broken(s, BREAK_NO_RESTART)) {
        source_stop(p);
        source_start(s, p, lane_stored(l->lane));
    }
    lane_source_restarted(l->lane);
    l->sink = SINK_TAKE;
}

static void batch_is_through(Proc *p, ProcLane *l) {
    if (l->hand) proc_release(p, l->hand);
    l->hand = NULL;
    l->is_again = false;
    l->sink = SINK_TAKE;
}

static void batch_is_in(Sim *s, Proc *p, ProcLane *l) {
    if (l->hand) share_committed(s, p, l, l->hand);
    batch_is_through(p, l);
}

static void follow(Sim *s, Proc *p, ProcLane *l, LaneVerdict verdict) {
    static const char *const names[] = {"go on", "put again", "is in", "restart the source"};
    sim_trace(s, "proc %zu.%zu: verdict: %s", p->number, l->number, names[verdict]);
    if (sim_is_broken(s, BREAK_COMMIT_ASSUMED) && verdict == LANE_PUT_AGAIN) verdict = LANE_IS_IN;
    switch (verdict) {
    case LANE_GO_ON: l->sink = SINK_TAKE; break;
    case LANE_PUT_AGAIN: l->sink = SINK_PUT; break;
    case LANE_IS_IN: batch_is_in(s, p, l); break;
    case LANE_RESTART_SOURCE: restart_source(s, p, l); break;
    }
}

/* The one lane takes the pipeline whoever has it; several only what is still this process's. */
static void own(Sim *s, Proc *p, ProcLane *l) {
    FakeTarget *t = sim_target(s);
    if (!p->lanes && l->was_owned) (void)fake_target_own_all(s, t, p->number, p->wanted);
    if (t->now.lane_count != p->lane_count) {
        proc_again(s, p);
        return;
    }
    bool is_first_of_first = !l->was_owned && l->number == 0;
    if (is_first_of_first && !fake_target_is_owner(t, p->number)) {
        proc_end(p);
        return;
    }
    if (p->lanes && !is_first_of_first && fake_target_own(t, p->number, l->number) == FAKE_NO_ROW) {
        sim_trace(s, "proc %zu.%zu: fenced", p->number, l->number);
        proc_end(p);
        return;
    }
    l->was_owned = true;
    StoredState stored = fake_target_stored(t, l->number);
    int64_t epoch = t->now.lanes[l->number].epoch;
    sim_trace(s, "proc %zu.%zu: owns under epoch %d at %u", p->number, l->number, (int)epoch,
              sim_lsn_number(&stored.position.commit_lsn));
    follow(s, p, l, lane_owned(l->lane, epoch, &stored));
}

/* ---- batches ---- */

static void trace_put(Sim *s, const Proc *p, const ProcLane *l) {
    static const char *const kinds[] = {"changes", "rows", "table", "end", "answer"};
    const Batch *b = l->hand;
    sim_trace(s, "proc %zu.%zu: puts %s, %zu, (%u, %u]%s%s: %zu steps", p->number, l->number, kinds[b->kind],
              b->count, sim_lsn_number(&b->from.commit_lsn), sim_lsn_number(&b->to.commit_lsn),
              b->ends_transaction ? "" : ", to go on", b->is_consistent ? ", consistent" : "", l->work.count);
}

/* The lane says it is in: applied all the same. */
static void force(const ProcLane *l, LaneWork *w) {
    const Batch *b = l->hand;
    if (w->count || b->kind != BATCH_CHANGES || b->count == 0 || !b->ends_transaction) return;
    w->steps[w->count++] = LANE_BEGIN_LOCKED;
    w->steps[w->count++] = LANE_APPLY;
    w->steps[w->count++] = LANE_COMMIT;
}

static void learn(ProcLane *l) {
    for (size_t i = 0; i < l->note_count; i++) lane_learn(l->lane, &l->notes[i].batch);
    l->note_count = 0;
}

static void put(Sim *s, Proc *p, ProcLane *l) {
    Err e;
    learn(l);
    if (!lane_put(l->lane, l->hand, sim_source(s)->now_us, &l->work, &e)) {
        if (e.code == ERR_FENCED) proc_end(p);
        else sim_fail(s, "lane: %s", e.msg);
        return;
    }
    trace_put(s, p, l);
    if (!p->lanes && l->hand->kind == BATCH_END) p->ends++;
    if (sim_is_broken(s, BREAK_NO_SKIP) && !lane_needs_source_back(l->lane)) force(l, &l->work);
    l->step = 0;
    l->sink = SINK_STEPS;
}

static void take(Sim *s, Proc *p, ProcLane *l) {
    if (p->lanes && l->queued > 0) {
        l->hand = l->queue[0];
        memmove(l->queue, l->queue + 1, --l->queued * sizeof(Batch *));
        put(s, p, l);
        return;
    }
    if (!p->lanes && p->queued > 0) {
        ProcBatch *b = proc_pop(p);
        if (b->batch.kind == BATCH_ANSWER) {
            proc_answer(s, p, b);
            return;
        }
        l->hand = &b->batch;
        put(s, p, l);
        return;
    }
    if (!p->lanes && p->source == SOURCE_FAILED) {
        proc_again(s, p); /* what was read before is put: now anew */
        return;
    }
    learn(l);
    lane_idle(l->lane, sim_source(s)->now_us, &l->work);
    l->step = 0;
    l->sink = SINK_STEPS;
}

static void lost(Sim *s, Proc *p, ProcLane *l) {
    sim_trace(s, "proc %zu.%zu: connection lost at step %zu", p->number, l->number, l->step);
    lane_cut(s, p, l);
    lane_lost(l->lane);
    l->sink = SINK_OWN;
}

static void refused(Sim *s, Proc *p, ProcLane *l) {
    sim_trace(s, "proc %zu.%zu: rolled back at step %zu", p->number, l->number, l->step);
    fake_target_rollback(sim_target(s), p->number, l->number);
    follow(s, p, l, lane_rolled_back(l->lane));
}

static void steps_are_done(Sim *s, Proc *p, ProcLane *l) {
    lane_done(l->lane);
    if (p->lanes) lanes_passed(p->lanes, l->number, lane_passed(l->lane));
    /* BREAK_COMMIT_PARTS: each batch is a transaction, whether it ends one of the source's or not. */
    FakeSession *in = &sim_target(s)->sessions[p->number][l->number];
    if (sim_is_broken(s, BREAK_COMMIT_PARTS) && in->is_in_transaction) {
        FakeSession kept = *in;
        (void)fake_target_do(s, sim_target(s), p->number, l->number, LANE_COMMIT, &l->work, NULL);
        *in = kept;
    }
    /* A part in the midst of a chunk can't be told from the next one: parts come once, by the contract. */
    bool may_come_again =
        l->hand && !l->is_again && (l->hand->kind != BATCH_ROWS || l->hand->chunk.is_last_part);
    bool is_again = may_come_again && !sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->duplicate);
    if (is_again) {
        sim_trace(s, "proc %zu.%zu: the same batch comes once more", p->number, l->number);
        share_committed(s, p, l, l->hand);
        l->is_again = true;
        l->sink = SINK_PUT;
        return;
    }
    batch_is_in(s, p, l);
}

static bool waits_for_chunk(Sim *s, const Proc *p, const ProcLane *l) {
    if (l->work.steps[l->step] != LANE_AWAIT_CHUNK || sim_is_broken(s, BREAK_CHUNK_ORDER)) return false;
    return !lanes_chunk_is_next(p->lanes, l->hand);
}

static void step_work(Sim *s, Proc *p, ProcLane *l) {
    const SimShape *shape = sim_shape(s);
    FakeTarget *t = sim_target(s);
    bool may_fail = !sim_is_quiet(s);
    if (l->step == l->work.count) {
        steps_are_done(s, p, l);
        return;
    }
    if (may_fail && rng_chance(sim_rng(s), shape->lose)) {
        lost(s, p, l);
        return;
    }
    if (may_fail && rng_chance(sim_rng(s), shape->refuse)) {
        refused(s, p, l);
        return;
    }
    if (waits_for_chunk(s, p, l)) return;
    switch (fake_target_do(s, t, p->number, l->number, l->work.steps[l->step], &l->work, l->hand)) {
    case FAKE_OK: l->step++; break;
    case FAKE_WAITS: break;
    case FAKE_LOST: lost(s, p, l); break;
    case FAKE_NO_ROW:
        sim_trace(s, "proc %zu.%zu: fenced", p->number, l->number);
        lane_fenced(l->lane);
        proc_end(p);
        break;
    }
}

void lane_step(Sim *s, Proc *p, ProcLane *l) {
    switch (l->sink) {
    case SINK_OFF: break;
    case SINK_OWN: own(s, p, l); break;
    case SINK_TAKE: take(s, p, l); break;
    case SINK_PUT: put(s, p, l); break;
    case SINK_STEPS: step_work(s, p, l); break;
    }
}
