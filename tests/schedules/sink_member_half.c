/* A member: what src/worker/sink_member.c does around pipeline/partition.h, in steps as small as a statement.
 */
#include <assert.h>
#include <string.h>

#include "record/change.h"
#include "sink_half.h"

enum { OWN_TRIES = 5, STEP_MOVE = 0, STEP_WRITE = 1, STEP_COMMIT = 2 };
#define TARGET STR_LIT("7c0e-1")

static FakeGroup *group_of(Sim *s) {
    return &sim_sink(s)->group;
}

static void drop_slot(MemberSlot *slot) {
    slot->state = partition_free(slot->state);
    buf_done(&slot->guard);
    *slot = (MemberSlot){0};
}

static void forget_all(Member *m, bool is_commit_sent) {
    if (m->backend) fake_store_leave(m->backend, is_commit_sent);
    m->backend = NULL;
    for (size_t p = 0; p < SINK_PARTITIONS; p++) drop_slot(&m->slots[p]);
    m->hand_count = 0;
}

/* ---- life ---- */

void member_start(Sim *s, Member *m) {
    sim_trace(s, "member %zu: starts", m->number);
    m->is_alive = true;
    m->is_stopped = false;
    m->state = MEMBER_POLL;
}

static bool is_committing(const Member *m) {
    return m->state == MEMBER_PUT && m->put_step == STEP_COMMIT;
}

void member_crash(Sim *s, Member *m) {
    sim_trace(s, "member %zu: crashes", m->number);
    forget_all(m, is_committing(m));
    m->is_alive = m->is_stopped = false;
    m->state = MEMBER_OFF;
}

/* Its partitions are given to others, and it begins as a new member. */
static void again(Sim *s, Member *m, const char *why) {
    sim_trace(s, "member %zu: ends and begins anew: %s", m->number, why);
    forget_all(m, is_committing(m));
    fake_group_leave(group_of(s), m->number);
    m->state = MEMBER_POLL;
}

static void tell_commit(Sim *s, Member *m, size_t p) {
    char metadata[PARTITION_METADATA_SIZE];
    MemberSlot *slot = &m->slots[p];
    if (!slot->has_commit) return;
    slot->has_commit = false;
    (void)fake_group_commit(group_of(s), p, m->number, slot->generation, partition_stored(slot->state),
                            partition_metadata(TARGET, slot->epoch, metadata));
}

void member_leave(Sim *s, Member *m) {
    sim_trace(s, "member %zu: leaves", m->number);
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (m->slots[p].is_held) tell_commit(s, m, p);
    forget_all(m, /* is_commit_sent= */ false);
    fake_group_leave(group_of(s), m->number);
    m->is_alive = false;
    m->state = MEMBER_OFF;
}

bool member_is_at_rest(const Member *m) {
    return !m->is_alive || (m->state == MEMBER_POLL && m->hand_count == 0);
}

/* ---- rebalancing: inside a poll ---- */

static bool is_mine(const FakeGroup *g, const Member *m, size_t p) {
    return g->owner[p] == m->number && g->wanted[p] == m->number;
}

static bool has_news(Sim *s, const Member *m) {
    const FakeGroup *g = group_of(s);
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        const MemberSlot *slot = &m->slots[p];
        if (slot->is_held != is_mine(g, m, p)) return true;
        if (slot->is_held && slot->generation != g->generation[p]) return true;
    }
    return false;
}

static void take_away(Sim *s, Member *m, size_t p) {
    FakeGroup *g = group_of(s);
    bool is_lost = g->owner[p] != m->number || g->generation[p] != m->slots[p].generation;
    sim_trace(s, "member %zu: partition %zu is %s", m->number, p, is_lost ? "lost" : "revoked");
    if (!is_lost) tell_commit(s, m, p);
    drop_slot(&m->slots[p]);
    if (!is_lost) fake_group_given_back(g, p);
}

static bool rebalance(Sim *s, Member *m) {
    FakeGroup *g = group_of(s);
    bool is_given = false;
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        MemberSlot *slot = &m->slots[p];
        bool is_same = slot->is_held && is_mine(g, m, p) && slot->generation == g->generation[p];
        if (slot->is_held && !is_same) take_away(s, m, p);
        else if (!slot->is_held && g->owner[p] == m->number && !is_mine(g, m, p)) fake_group_given_back(g, p);
        m->is_given[p] = !slot->is_held && is_mine(g, m, p);
        m->is_owned[p] = false;
        if (!m->is_given[p]) continue;
        slot->generation = g->generation[p];
        is_given = true;
    }
    return is_given;
}

/* ---- where partitions begin ---- */

static void ask(Sim *s, Member *m) {
    SinkWorld *w = sim_sink(s);
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        if (!m->is_given[p]) continue;
        m->commits[p] = w->group.commits[p];
        m->ends[p] = fake_kafka_stable(&w->kafka, p);
    }
}

static PartitionGroup whose(Sim *s, const KafkaCommit *c) {
    if (!c->is_there) return PARTITION_GROUP_NONE;
    PartitionGroup group = partition_group_of(str_from(c->metadata), TARGET);
    if (sim_is_broken(s, BREAK_SINK_GROUP_WINS)) group = PARTITION_GROUP_OTHERS;
    if (sim_is_broken(s, BREAK_SINK_TARGET_WINS)) group = PARTITION_GROUP_OURS;
    return group;
}

static void add_move(Member *m, size_t p) {
    MemberSlot *slot = &m->slots[p];
    m->moves[p] = partition_writing(slot->state);
    buf_clear(&slot->guard);
    partition_guard_write(slot->state, &slot->guard);
}

static bool begin(Sim *s, Member *m, size_t p, bool *ret_must_store) {
    const StoreOffset *o = &m->stored[p];
    const PartitionFacts facts = {.has_stored = o->is_there,
                                  .stored = o->offset,
                                  .epoch = o->epoch,
                                  .guard = {(const char *)o->guard, o->guard_bytes},
                                  .group = whose(s, &m->commits[p]),
                                  .committed = m->commits[p].offset,
                                  .high = m->ends[p],
                                  .reset = PARTITION_EARLIEST};
    MemberSlot *slot = &m->slots[p];
    PartitionStart start;
    Err e;
    slot->state = partition_new();
    slot->is_held = true;
    slot->epoch = o->epoch;
    if (!partition_begin(slot->state, &facts, &start, &e)) {
        bool is_ours = sim_sink(s)->store.offsets[p].epoch == o->epoch;
        if (is_ours || sim_is_broken(s, BREAK_SINK_START_BELIEVED))
            sim_fail(s, "partition %zu: %s", p, e.msg);
        else again(s, m, "another member has gone on with a partition");
        return false;
    }
    /* A fetch may be under way that was sent before. */
    int64_t back = rng_chance(sim_rng(s), 30) ? (int64_t)rng_below(sim_rng(s), 5) : 0;
    slot->fetch = start.offset > back ? start.offset - back : 0;
    sim_trace(s, "member %zu: partition %zu begins at %lld under epoch %lld%s%s", m->number, p,
              (long long)start.offset, (long long)o->epoch, start.is_adopted ? ", the group's" : "",
              start.must_store ? ", to be stored" : "");
    *ret_must_store = start.must_store;
    return true;
}

static void put(Member *m, bool is_start) {
    m->is_start = is_start;
    m->put_step = STEP_MOVE;
    m->state = MEMBER_PUT;
}

static bool mark(Sim *s, Member *m) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        if (m->moves[p].epoch == 0) continue;
        char metadata[PARTITION_METADATA_SIZE];
        MemberSlot *slot = &m->slots[p];
        slot->has_commit = false;
        if (!fake_group_commit(group_of(s), p, m->number, slot->generation, m->moves[p].new,
                               partition_metadata(TARGET, slot->epoch, metadata)))
            return false;
    }
    return true;
}

static void begin_all(Sim *s, Member *m) {
    bool has_moves = false;
    memset(m->moves, 0, sizeof m->moves);
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        bool must_store = false;
        if (!m->is_given[p]) continue;
        if (!begin(s, m, p, &must_store)) return;
        if (!must_store) continue;
        add_move(m, p);
        has_moves = true;
    }
    m->hand_count = 0;
    m->state = MEMBER_POLL;
    if (has_moves && sim_is_broken(s, BREAK_SINK_MARK_FIRST)) (void)mark(s, m);
    if (has_moves) put(m, /* is_start= */ true);
}

static bool connect_to(Sim *s, Member *m) {
    if (!m->backend) m->backend = fake_store_connect(&sim_sink(s)->store, m->number);
    return m->backend != NULL;
}

static void own(Sim *s, Member *m) {
    if (!connect_to(s, m)) return;
    for (size_t p = 0; p < SINK_PARTITIONS; p++) {
        if (!m->is_given[p] || m->is_owned[p]) continue;
        bool ends = m->tries == OWN_TRIES;
        switch (fake_store_own(s, &sim_sink(s)->store, m->backend, p, ends, &m->stored[p])) {
        case STORE_OK: m->is_owned[p] = true; return;
        case STORE_WAITS: m->tries++; return;
        case STORE_FENCED:
        case STORE_LOST: again(s, m, "the connection is lost while partitions are taken"); return;
        }
    }
    m->state = MEMBER_ASK;
}

/* ---- records ---- */

static bool guard(Sim *s, MemberSlot *slot, const SinkEvent *e) {
    ChangeOrigin origin = {.is_envelope = true,
                           .is_snapshot = sink_event_is_snapshot(e),
                           .has_lsn = true,
                           .commit_lsn = sim_lsn(e->lsn),
                           .change_lsn = sim_lsn(e->serial),
                           .event_serial_no = 1,
                           .source = 1u + e->source};
    uint8_t op = e->op;
    PartitionEvent event;
    PartitionVerdict verdict = PARTITION_APPLY;
    Err why;
    if (sim_is_broken(s, BREAK_SINK_GUARD_COPIES) && op == OP_READ) {
        op = OP_CREATE;
        origin.is_snapshot = false;
    }
    const char key = (char)e->key;
    if (partition_event_of(&origin, op, (Str){&key, 1}, &event) &&
        !partition_guard(slot->state, &event, &verdict, &why))
        sim_fail(s, "%s", why.msg);
    return verdict == PARTITION_APPLY || sim_is_broken(s, BREAK_SINK_NO_GUARD);
}

static void fetch(Sim *s, Member *m, size_t p, size_t limit) {
    SinkWorld *w = sim_sink(s);
    MemberSlot *slot = &m->slots[p];
    bool is_dirty = sim_is_broken(s, BREAK_SINK_READ_UNCOMMITTED);
    int64_t end = is_dirty ? w->kafka.logs[p].count : fake_kafka_stable(&w->kafka, p);
    for (; slot->fetch < end && m->hand_count < limit; slot->fetch++) {
        const KafkaRecord *r = &w->kafka.logs[p].records[slot->fetch];
        if (r->is_marker || (!is_dirty && !fake_kafka_is_visible(&w->kafka, p, slot->fetch))) continue;
        bool is_new = partition_offer(slot->state, slot->fetch);
        if (!is_new && !sim_is_broken(s, BREAK_SINK_NO_OFFER)) continue;
        const SinkEvent *e = &w->events[r->what];
        bool applies = guard(s, slot, e);
        sim_trace(s, "member %zu: reads %zu@%lld: event %u, %c of %u to %u, LSN %u%s", m->number, p,
                  (long long)slot->fetch, r->what, e->op, e->key, e->after, e->lsn,
                  applies ? "" : ", a repeat");
        if (applies) m->hand[m->hand_count++] = r->what;
    }
}

static void collect(Member *m) {
    memset(m->moves, 0, sizeof m->moves);
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (m->slots[p].is_held && partition_is_behind(m->slots[p].state)) add_move(m, p);
    put(m, /* is_start= */ false);
}

static bool is_behind(const Member *m) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (m->slots[p].is_held && partition_is_behind(m->slots[p].state)) return true;
    return false;
}

static void poll(Sim *s, Member *m) {
    if (rebalance(s, m)) {
        m->tries = 0;
        m->state = MEMBER_OWN;
        if (sim_is_broken(s, BREAK_SINK_ASK_FIRST)) ask(s, m);
        return;
    }
    size_t limit = 1 + rng_below(sim_rng(s), SINK_HAND), first = rng_below(sim_rng(s), SINK_PARTITIONS);
    for (size_t i = 0; i < SINK_PARTITIONS; i++) {
        size_t p = (first + i) % SINK_PARTITIONS;
        if (!m->slots[p].is_held) continue;
        if (rng_chance(sim_rng(s), 10)) tell_commit(s, m, p);
        fetch(s, m, p, limit);
    }
    if (is_behind(m)) collect(m);
}

/* ---- a put ---- */

static void note(Member *m, void (*what)(Partition *p)) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (m->moves[p].epoch != 0) what(m->slots[p].state);
}

static void put_failed(Sim *s, Member *m, bool is_lost) {
    sim_trace(s, "member %zu: %s at step %zu of its put", m->number,
              is_lost ? "the connection is lost" : "is refused", m->put_step);
    if (is_lost) {
        fake_store_leave(m->backend, is_committing(m));
        m->backend = NULL;
    } else {
        fake_store_rollback(m->backend);
    }
    note(m, is_lost ? partition_lost : partition_rolled_back);
    if (m->is_start) again(s, m, "where partitions begin isn't stored");
    else m->state = MEMBER_WAIT;
}

static void committed(Sim *s, Member *m) {
    note(m, partition_committed);
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (m->moves[p].epoch != 0) m->slots[p].has_commit = true;
    m->hand_count = 0;
    m->state = m->is_start ? MEMBER_MARK : MEMBER_POLL;
    sim_trace(s, "member %zu: its put is in", m->number);
}

static StoreResult put_step(Sim *s, Member *m) {
    SinkWorld *w = sim_sink(s);
    StoreResult r = STORE_OK;
    switch (m->put_step) {
    case STEP_MOVE: {
        Buf guards[SINK_PARTITIONS];
        for (size_t p = 0; p < SINK_PARTITIONS; p++) guards[p] = m->slots[p].guard;
        return fake_store_move(s, &w->store, m->backend, m->moves, guards);
    }
    case STEP_WRITE:
        for (size_t i = 0; i < m->hand_count && r == STORE_OK; i++)
            r = fake_store_write(s, &w->store, m->backend, &w->events[m->hand[i]]);
        return r;
    default: return fake_store_commit(s, &w->store, m->backend);
    }
}

static void step_put(Sim *s, Member *m) {
    const SimShape *shape = sim_shape(s);
    if (!connect_to(s, m)) return;
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), shape->lose)) {
        put_failed(s, m, /* is_lost= */ true);
        return;
    }
    if (!sim_is_quiet(s) && rng_chance(sim_rng(s), shape->refuse)) {
        put_failed(s, m, /* is_lost= */ false);
        return;
    }
    switch (put_step(s, m)) {
    case STORE_WAITS: return;
    case STORE_LOST: put_failed(s, m, /* is_lost= */ true); return;
    case STORE_FENCED:
        fake_store_rollback(m->backend);
        again(s, m, "another member has taken a partition");
        return;
    case STORE_OK: break;
    }
    if (m->put_step == STEP_COMMIT) committed(s, m);
    else m->put_step++;
}

/* The answer to a commit never came: what does the target say? */
static PartitionSettled settle(Sim *s, Member *m) {
    PartitionSettled all = PARTITION_IS_OUT;
    for (size_t p = 0; p < SINK_PARTITIONS && all != PARTITION_FENCED; p++) {
        if (m->moves[p].epoch == 0) continue;
        const StoreOffset *o = &sim_sink(s)->store.offsets[p];
        PartitionSettled one = partition_settle(m->slots[p].state, o->is_there, o->offset, o->epoch);
        if (one != PARTITION_IS_OUT) all = one;
    }
    if (all == PARTITION_IS_OUT && sim_is_broken(s, BREAK_SINK_COMMIT_ASSUMED)) all = PARTITION_IS_IN;
    return all;
}

static bool is_unsure(const Member *m) {
    for (size_t p = 0; p < SINK_PARTITIONS; p++)
        if (m->moves[p].epoch != 0) return partition_is_unsure(m->slots[p].state);
    return false;
}

static void wait(Sim *s, Member *m) {
    if (has_news(s, m)) {
        again(s, m, "partitions came or went while records waited");
        return;
    }
    if (rng_chance(sim_rng(s), 60) || !connect_to(s, m)) return;
    PartitionSettled now = is_unsure(m) ? settle(s, m) : PARTITION_IS_OUT;
    switch (now) {
    case PARTITION_IS_IN:
        sim_trace(s, "member %zu: the commit was in", m->number);
        m->hand_count = 0;
        m->state = MEMBER_POLL;
        break;
    case PARTITION_IS_OUT: collect(m); break;
    case PARTITION_FENCED: again(s, m, "another member has a partition"); break;
    }
}

void member_step(Sim *s, Member *m) {
    switch (m->state) {
    case MEMBER_OFF: break;
    case MEMBER_POLL: poll(s, m); break;
    case MEMBER_OWN: own(s, m); break;
    case MEMBER_ASK:
        if (!sim_is_broken(s, BREAK_SINK_ASK_FIRST)) ask(s, m);
        begin_all(s, m);
        break;
    case MEMBER_PUT: step_put(s, m); break;
    case MEMBER_MARK:
        m->state = MEMBER_POLL;
        if (!mark(s, m)) again(s, m, "the group's commit is refused");
        break;
    case MEMBER_WAIT: wait(s, m); break;
    }
}
