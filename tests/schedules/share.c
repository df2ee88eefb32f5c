/* Several lanes: what src/worker does around pipeline/lanes.h. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "proc.h"

static void release_parent(void *object) {
    ((ProcBatch *)object)->users--;
}

static bool has_room(const Proc *p) {
    for (size_t i = 0; i < p->lane_count; i++)
        if (p->lane[i].queued == PROC_LANE_QUEUE) return false;
    return true;
}

static void give(ProcLane *l, Batch *b) {
    assert(l->queued < PROC_LANE_QUEUE);
    l->queue[l->queued++] = b;
}

/* The delete of a changed key goes where its create goes. */
static void break_key_changes(Sim *s, Proc *p, Batch **shares, const Batch *b) {
    if (!sim_is_broken(s, BREAK_KEY_MOVES_WHOLE)) return;
    for (size_t i = 0; i < p->lane_count; i++) shares[i]->count = 0;
    Route *route = lanes_route(p->lanes);
    for (size_t i = 0; i < b->count; i++) {
        const Change *c = &b->changes[i], *next = i + 1 < b->count ? c + 1 : c;
        bool is_pair = next->position.command_id == c->position.command_id &&
                       lsn_cmp(&next->position.commit_lsn, &c->position.commit_lsn) == 0 &&
                       next->schema == c->schema;
        const Change *key = is_pair ? next : c;
        size_t lane = route_key_hash(key) % p->lane_count;
        (void)route_is_whole(route, c->schema->schema, c->schema->table, &lane);
        shares[lane]->changes = shares[lane]->cap < b->count
                                    ? x_reallocarray(shares[lane]->changes, b->count, sizeof *b->changes)
                                    : shares[lane]->changes;
        if (shares[lane]->cap < b->count) shares[lane]->cap = b->count;
        shares[lane]->changes[shares[lane]->count++] = *c;
    }
}

static void spread(Sim *s, Proc *p) {
    Batch *shares[ROUTE_LANES_MAX];
    Err e;
    if (!route_split(lanes_route(p->lanes), &p->share->batch, shares, &e)) {
        sim_fail(s, "route: %s", e.msg);
        return;
    }
    break_key_changes(s, p, shares, &p->share->batch);
    for (size_t i = 0; i < p->lane_count; i++) {
        p->share->users++;
        batch_hold(shares[i], p->share, release_parent, /* bytes= */ 0);
        give(&p->lane[i], shares[i]);
    }
    proc_release(p, &p->share->batch);
    p->share = NULL;
}

static bool all_are_quiet(const Proc *p) {
    for (size_t i = 0; i < p->lane_count; i++) {
        const ProcLane *l = &p->lane[i];
        bool is_idle = l->sink == SINK_TAKE || (l->sink == SINK_STEPS && !l->hand && l->work.count == 0);
        if (l->queued > 0 || l->hand || !is_idle) return false;
    }
    return true;
}

/* Each lane writes its position; then they have met. */
static void meet(Sim *s, Proc *p) {
    if (sim_is_broken(s, BREAK_NO_MEETING)) {
        lanes_met(p->lanes);
        return;
    }
    if (!p->is_meeting) {
        if (!has_room(p)) return;
        p->is_meeting = true;
        sim_trace(s, "proc %zu: its lanes meet", p->number);
        for (size_t i = 0; i < p->lane_count && !sim_is_broken(s, BREAK_MEET_UNWRITTEN); i++)
            give(&p->lane[i], batch_new(BATCH_END));
        return;
    }
    if (!all_are_quiet(p)) return;
    p->is_meeting = false;
    lanes_met(p->lanes);
}

static void find_routes(Sim *s, Proc *p) {
    RouteTable tables[SIM_TABLES];
    RouteJoin joins[1];
    const StoredState *known = lanes_known(p->lanes);
    size_t join_count = fake_target_links(sim_target(s), known, tables, joins);
    if (!lanes_routed(p->lanes, tables, joins, join_count)) return;
    sim_trace(s, "proc %zu: new routes", p->number);
    if (!fake_target_store_routes(s, sim_target(s), p->number, known)) proc_end(p);
}

void share_step(Sim *s, Proc *p) {
    if (!p->share && p->queued > 0) {
        p->share = proc_pop(p);
        if (p->share->batch.kind == BATCH_END) p->ends++;
    }
    if (!p->share) {
        if (p->source == SOURCE_FAILED && all_are_quiet(p)) proc_again(s, p);
        return;
    }
    if (!has_room(p)) return;
    LanesStep step;
    size_t lane = 0;
    Err e;
    if (!lanes_next(p->lanes, &p->share->batch, &step, &lane, &e)) {
        sim_fail(s, "lanes: %s", e.msg);
        return;
    }
    switch (step) {
    case LANES_SPREAD: spread(s, p); break;
    case LANES_GIVE:
        give(&p->lane[lane], &p->share->batch);
        p->share = NULL;
        break;
    case LANES_ANSWER:
        proc_answer(s, p, p->share);
        p->share = NULL;
        break;
    case LANES_MEET: meet(s, p); break;
    case LANES_ROUTE: find_routes(s, p); break;
    case LANES_AGAIN:
        sim_trace(s, "proc %zu: all lanes stand together, their number changes", p->number);
        proc_again(s, p);
        break;
    }
}

void share_committed(Sim *s, Proc *p, const ProcLane *by, const Batch *batch) {
    if (!p->lanes || !lanes_committed(p->lanes, batch)) return;
    for (size_t i = 0; i < p->lane_count; i++) {
        ProcLane *l = &p->lane[i];
        if (l == by) continue;
        if (l->note_count == PROC_NOTES) {
            sim_fail(s, "lane %zu learns nothing", i);
            return;
        }
        ProcNote *note = &l->notes[l->note_count++];
        *note = (ProcNote){.batch = {.kind = batch->kind,
                                     .schema = batch->schema,
                                     .from = batch->from,
                                     .to = batch->to,
                                     .table = batch->table,
                                     .chunk = batch->chunk}};
        Str *key = &note->batch.chunk.upper_key;
        if (key->n > 0) memcpy(note->key, key->p, key->n);
        key->p = note->key;
    }
}
