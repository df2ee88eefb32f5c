/*
 * Exactly once rests on three things: the position row moves in the transaction that writes what it stands
 * for; that transaction begins by finding the row under the lane's epoch and under the position the lane
 * knows; and a batch is compared with that position before anything is done. So whatever is lost, the target
 * says after owning it again which of the two possible states it is in: the one before the batch in hand, or
 * the one behind it. If another owner was in between, which the epoch tells, the source has to start
 * again from there whatever is stored: the same marks may stand for rows that were read later.
 *
 *            owned                    put (part of a transaction)
 *   CLOSED ─────────▶ OPEN ─────────────────────────▶ IN_CHANGES, IN_CHUNK
 *     ▲                │ ▲                                 │
 *     └──── lost ──────┘ └───── done (the last part) ──────┘
 *     └──── lost ──────────────────────────────────────────┘
 *   OPEN, IN_CHANGES, IN_CHUNK, CLOSED ── what was put before is gone ──▶ BEHIND ── source restarted ──▶ OPEN
 *   any ── fenced ──▶ FENCED
 *
 * `reached` is how far the stream has come: what is committed, what the open transaction holds, and idle
 * windows that aren't worth a write yet (nothing is lost with them: they are scanned again). Every
 * transaction takes the position along to `reached`, so that marks never stand before the position that they
 * were made at.
 *
 * One of several. The marks of tables are common to all, so what another lane has committed may be in the
 * target without being known here: what says whether the batch in hand is in is the lane's own row and the
 * mark that the batch itself sets. Chunks of one table are written by several lanes at once and committed in
 * order.
 */
#include "pipeline/lane.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

typedef enum LaneState { CLOSED, OPEN, IN_CHANGES, IN_CHUNK, BEHIND, FENCED } LaneState;

struct Lane {
    LaneState state;
    size_t count; /* of lanes */
    bool was_owned;
    bool lost_open; /* CLOSED: a transaction was open that had begun with an earlier batch */
    int64_t epoch;
    StoredState stored; /* committed, as far as is known */
    Position reached;
    const Batch *hand;    /* borrowed: put and not done; NULL = none */
    LaneWork work;        /* of the batch in hand, or of lane_idle */
    size_t chunk_table;   /* IN_CHUNK: index into stored.tables */
    uint32_t chunk;       /* IN_CHUNK: its number */
    int64_t hand_us;      /* when the work was given out */
    int64_t last_move_us; /* when the position was last written */
};

Lane *lane_new(void) {
    Lane *l = x_calloc(1, sizeof *l);
    l->count = 1;
    return l;
}

void lane_set_count(Lane *l, size_t count) {
    l->count = count;
}

Lane *lane_free(Lane *l) {
    if (!l) return NULL;
    stored_state_done(&l->stored);
    free(l);
    return NULL;
}

static void set_state(Lane *l, LaneState to) {
    static const unsigned char allowed[] = {
        [CLOSED] = 1 << CLOSED | 1 << OPEN | 1 << BEHIND | 1 << FENCED,
        [OPEN] = 1 << CLOSED | 1 << OPEN | 1 << IN_CHANGES | 1 << IN_CHUNK | 1 << BEHIND | 1 << FENCED,
        [IN_CHANGES] = 1 << CLOSED | 1 << OPEN | 1 << IN_CHANGES | 1 << BEHIND | 1 << FENCED,
        [IN_CHUNK] = 1 << CLOSED | 1 << OPEN | 1 << IN_CHUNK | 1 << BEHIND | 1 << FENCED,
        [BEHIND] = 1 << OPEN | 1 << BEHIND | 1 << FENCED,
        [FENCED] = 1 << FENCED,
    };
    assert(allowed[l->state] & 1 << to);
    l->state = to;
}

static bool is_in_transaction(const Lane *l) {
    return l->state == IN_CHANGES || l->state == IN_CHUNK;
}

/* ---- what a batch asks for ---- */

static void add_step(LaneWork *w, LaneStep step) {
    assert(w->count < LANE_MAX_STEPS);
    w->steps[w->count++] = step;
}

/* Begin a transaction that ends with the position at `to`, or leaves it to LANE_MOVE when it isn't known yet.
 */
static void add_begin(const Lane *l, LaneWork *w, const Position *to) {
    bool moves = position_cmp(to, &l->stored.position) != 0;
    w->new = *to;
    add_step(w, moves ? LANE_BEGIN_MOVED : LANE_BEGIN_LOCKED);
}

static bool out_of_order(Err *e, const char *what) {
    return err_set(e, ERR_INTERNAL, false, "a batch came out of order: %s", what);
}

static bool check_changes(const Lane *l, const Batch *b, Err *e) {
    if (l->state == IN_CHUNK) return out_of_order(e, "changes inside a chunk");
    if (b->ends_transaction && !position_is_end(&b->to))
        return out_of_order(e, "it ends inside a transaction");
    if (b->count > 0 && (position_cmp(&b->changes[0].position, &b->from) <= 0 ||
                         position_cmp(&b->changes[b->count - 1].position, &b->to) > 0))
        return out_of_order(e, "a change lies outside its bounds");
    if (position_cmp(&b->from, &l->reached) > 0) {
        char from[POSITION_TEXT_SIZE], reached[POSITION_TEXT_SIZE];
        return err_set(e, ERR_RANGE, false,
                       "changes are missing: a batch begins after %s, the target holds %s",
                       position_format(&b->from, from), position_format(&l->reached, reached));
    }
    return true;
}

static bool put_changes(const Lane *l, const Batch *b, int64_t now_us, LaneWork *w, Err *e) {
    if (!check_changes(l, b, e)) return false;
    if (position_cmp(&b->to, &l->reached) <= 0) return true; /* it is in */
    while (w->first < b->count && position_cmp(&b->changes[w->first].position, &l->reached) <= 0) w->first++;

    bool is_empty = w->first == b->count;
    bool is_idle = is_empty && l->state == OPEN && b->ends_transaction && l->stored.has_position;
    if (is_idle && !b->is_consistent && now_us - l->last_move_us < LANE_IDLE_WRITE_US) return true;

    if (l->state == OPEN) add_begin(l, w, b->ends_transaction ? &b->to : &l->stored.position);
    if (!is_empty) add_step(w, LANE_APPLY);
    if (!b->ends_transaction) return true;
    if (l->state == IN_CHANGES) add_step(w, LANE_MOVE);
    w->new = b->to;
    if (!l->stored.has_position && l->count > 1) add_step(w, LANE_MOVE_OTHERS);
    if (b->is_consistent) add_step(w, LANE_MARK_CONSISTENT);
    add_step(w, LANE_COMMIT);
    return true;
}

static bool put_table(const Lane *l, const Batch *b, LaneWork *w, Err *e) {
    if (l->state != OPEN) return out_of_order(e, "a table inside a transaction");
    add_begin(l, w, &l->reached);
    add_step(w, LANE_TABLE);
    add_step(w, LANE_MARK_TABLE);
    if (b->table.copy == BATCH_COPY_BESIDE && (!position_is_zero(&l->stored.consistent) || l->count > 1))
        add_step(w, LANE_CLEAR_CONSISTENT);
    add_step(w, LANE_COMMIT);
    return true;
}

static bool check_chunk(const Lane *l, const BatchChunk *c, const StoredTable *t, Err *e) {
    if (l->state == IN_CHANGES) return out_of_order(e, "a chunk inside a transaction");
    if (!l->stored.has_position) return out_of_order(e, "a chunk before the stream has a position");
    if (l->state == IN_CHUNK) {
        bool goes_on = t == &l->stored.tables[l->chunk_table] && l->chunk == c->number && !c->is_first_part;
        return goes_on || out_of_order(e, "another chunk inside a chunk");
    }
    if (c->number < t->chunks_done) return true;
    if (c->number > t->chunks_done && l->count == 1) return out_of_order(e, "a chunk before its predecessor");
    if (t->is_done) return out_of_order(e, "a chunk after the last");
    return c->is_first_part || out_of_order(e, "a chunk without its first part");
}

static bool put_rows(const Lane *l, const Batch *b, LaneWork *w, Err *e) {
    const BatchChunk *c = &b->chunk;
    const StoredTable *t = stored_state_table(&l->stored, b->schema->schema, b->schema->table);
    if (!t) return out_of_order(e, "a chunk of a table that isn't known");
    if (!check_chunk(l, c, t, e)) return false;
    if (c->number < t->chunks_done) return true; /* it is in */
    if (l->state == OPEN) add_begin(l, w, &l->reached);
    if (b->count > 0) add_step(w, c->is_plain ? LANE_COPY_PLAIN : LANE_UPSERT_ROWS);
    if (!c->is_last_part) return true;
    if (l->count > 1) add_step(w, LANE_AWAIT_CHUNK);
    add_step(w, LANE_MARK_CHUNK);
    add_step(w, LANE_COMMIT);
    return true;
}

/* The position is written when it lies behind what is reached. */
static void add_move(const Lane *l, LaneWork *w) {
    if (position_cmp(&l->reached, &l->stored.position) <= 0) return;
    add_begin(l, w, &l->reached);
    add_step(w, LANE_COMMIT);
}

static bool put_by_kind(const Lane *l, const Batch *b, int64_t now_us, LaneWork *w, Err *e) {
    switch (b->kind) {
    case BATCH_CHANGES: return put_changes(l, b, now_us, w, e);
    case BATCH_TABLE: return put_table(l, b, w, e);
    case BATCH_ROWS: return put_rows(l, b, w, e);
    case BATCH_END:
        if (l->state != OPEN) return out_of_order(e, "the end inside a transaction");
        add_move(l, w);
        return true;
    case BATCH_ANSWER: break; /* the worker's */
    }
    return out_of_order(e, "of a kind that there isn't");
}

/* A chunk's transaction has taken the position along with its first part. */
static LaneWork work_begun(const Lane *l) {
    const Position *new = l->state == IN_CHUNK ? &l->reached : &l->stored.position;
    return (LaneWork){.epoch = l->epoch, .old = l->stored.position, .new = *new};
}

bool lane_put(Lane *l, const Batch *batch, int64_t now_us, LaneWork *ret, Err *e) {
    assert(!l->hand);
    if (l->state == FENCED) return err_set(e, ERR_FENCED, false, "another owner has taken the pipeline");
    if (l->state == CLOSED) return out_of_order(e, "the pipeline isn't owned");
    if (l->state == BEHIND)
        return err_set(e, ERR_IO, true, "the source has to start again from the stored position");
    LaneWork w = work_begun(l);
    if (!put_by_kind(l, batch, now_us, &w, e)) return false;
    l->hand = batch;
    l->hand_us = now_us;
    l->work = *ret = w;
    return true;
}

void lane_idle(Lane *l, int64_t now_us, LaneWork *ret) {
    assert(!l->hand);
    LaneWork w = work_begun(l);
    if (l->state == OPEN && now_us - l->last_move_us >= LANE_IDLE_WRITE_US) add_move(l, &w);
    l->hand_us = now_us;
    l->work = *ret = w;
}

/* ---- what became of it ---- */

static bool has_step(const LaneWork *w, LaneStep step) {
    for (size_t i = 0; i < w->count; i++)
        if (w->steps[i] == step) return true;
    return false;
}

/* What a commit of the work makes of the stored state. */
static void commit_to(StoredState *s, const LaneWork *w, const Batch *hand) {
    if (position_cmp(&w->new, &w->old) != 0) stored_state_move(s, &w->new);
    if (has_step(w, LANE_MARK_TABLE)) stored_state_add_table(s, hand);
    if (has_step(w, LANE_MARK_CHUNK)) stored_state_mark_chunk(s, hand);
    if (has_step(w, LANE_MARK_CONSISTENT)) s->consistent = w->new;
}

static size_t table_of(const Lane *l, const Batch *b) {
    return (size_t)(stored_state_table(&l->stored, b->schema->schema, b->schema->table) - l->stored.tables);
}

void lane_done(Lane *l) {
    const Batch *b = l->hand;
    const LaneWork *w = &l->work;
    if (has_step(w, LANE_COMMIT)) {
        if (position_cmp(&w->new, &w->old) != 0) l->last_move_us = l->hand_us;
        commit_to(&l->stored, w, b);
        set_state(l, OPEN);
    } else if (w->count > 0 && l->state == OPEN) {
        if (b->kind == BATCH_ROWS) {
            l->chunk_table = table_of(l, b);
            l->chunk = b->chunk.number;
        }
        set_state(l, b->kind == BATCH_ROWS ? IN_CHUNK : IN_CHANGES);
    }
    if (b && b->kind == BATCH_CHANGES && position_cmp(&b->to, &l->reached) > 0) l->reached = b->to;
    l->hand = NULL;
    l->work.count = 0;
}

static LaneVerdict forget_and_go_back(Lane *l) {
    l->hand = NULL;
    l->work.count = 0;
    l->reached = l->stored.position;
    set_state(l, BEHIND);
    return LANE_RESTART_SOURCE;
}

/* Nothing of the work is in; what was committed before is. */
static LaneVerdict take_back(Lane *l, bool had_begun_earlier) {
    if (had_begun_earlier) return forget_and_go_back(l);
    LaneVerdict verdict = l->hand ? LANE_PUT_AGAIN : LANE_GO_ON;
    l->hand = NULL;
    l->work.count = 0;
    set_state(l, OPEN);
    return verdict;
}

LaneVerdict lane_rolled_back(Lane *l) {
    if (l->state == BEHIND) return LANE_RESTART_SOURCE;
    assert(l->state == OPEN || is_in_transaction(l));
    return take_back(l, is_in_transaction(l));
}

void lane_lost(Lane *l) {
    if (l->state == BEHIND || l->state == FENCED || l->state == CLOSED) return;
    l->lost_open = is_in_transaction(l);
    set_state(l, CLOSED);
}

typedef enum Found { FOUND_BEFORE, FOUND_BEHIND, FOUND_OTHER } Found;

static bool is_same_place(const StoredState *a, const StoredState *b) {
    return a->has_position == b->has_position && position_cmp(&a->position, &b->position) == 0 &&
           position_cmp(&a->consistent, &b->consistent) == 0;
}

/* Of several lanes: whether the mark that the batch in hand sets is stored, others' marks aside. A table's
 * that was the same before says nothing: it is made once more. */
static bool is_marked(const Lane *l, const StoredState *behind, const StoredState *stored) {
    const Schema *s = l->hand->schema;
    const StoredTable *now = stored_state_table(stored, s->schema, s->table);
    if (l->hand->kind == BATCH_ROWS) return now && now->chunks_done > l->hand->chunk.number;
    const StoredTable *before = stored_state_table(&l->stored, s->schema, s->table);
    const StoredTable *should = stored_state_table(behind, s->schema, s->table);
    bool was_so = before && now ? stored_table_equal(before, now) : before == now;
    bool is_so = should && now ? stored_table_equal(now, should) : should == now;
    return is_so && !was_so;
}

/* Where the target stands: before the work, behind it, or elsewhere. */
static Found find_place(const Lane *l, const StoredState *stored) {
    bool is_one = l->count == 1, commits = has_step(&l->work, LANE_COMMIT);
    bool has_mark = has_step(&l->work, LANE_MARK_TABLE) || has_step(&l->work, LANE_MARK_CHUNK);
    StoredState behind = {0};
    stored_state_copy(&behind, &l->stored);
    if (commits) commit_to(&behind, &l->work, l->hand);
    bool has_marked = !is_one && commits && has_mark && is_marked(l, &behind, stored);
    bool is_before =
        is_one ? stored_state_equal(&l->stored, stored) : is_same_place(&l->stored, stored) && !has_marked;
    bool is_behind = commits && (is_one ? stored_state_equal(&behind, stored)
                                        : is_same_place(&behind, stored) && (!has_mark || has_marked));
    stored_state_done(&behind);
    return is_before ? FOUND_BEFORE : is_behind ? FOUND_BEHIND : FOUND_OTHER;
}

LaneVerdict lane_owned(Lane *l, int64_t epoch, const StoredState *stored) {
    lane_lost(l);
    bool is_next_owner = epoch == l->epoch + 1;
    l->epoch = epoch;
    if (l->state == FENCED) return LANE_RESTART_SOURCE;
    if (!l->was_owned || l->state == BEHIND) {
        stored_state_copy(&l->stored, stored);
        l->reached = stored->position;
        l->was_owned = true;
        if (l->state == BEHIND) return LANE_RESTART_SOURCE;
        set_state(l, OPEN);
        return LANE_GO_ON;
    }
    Found found = is_next_owner ? find_place(l, stored) : FOUND_OTHER;
    if (found == FOUND_BEHIND) {
        LaneVerdict verdict = l->hand ? LANE_IS_IN : LANE_GO_ON;
        lane_done(l);
        if (l->count > 1) stored_state_copy(&l->stored, stored);
        return verdict;
    }
    if (found == FOUND_BEFORE) {
        if (l->count > 1) stored_state_copy(&l->stored, stored);
        return take_back(l, l->lost_open);
    }
    stored_state_copy(&l->stored, stored);
    return forget_and_go_back(l);
}

void lane_source_restarted(Lane *l) {
    if (l->state == BEHIND) set_state(l, OPEN);
}

void lane_fenced(Lane *l) {
    l->hand = NULL;
    l->work.count = 0;
    set_state(l, FENCED);
}

void lane_learn(Lane *l, const Batch *batch) {
    assert(!l->hand && l->count > 1);
    if (batch->kind == BATCH_TABLE) stored_state_add_table(&l->stored, batch);
    if (batch->kind == BATCH_ROWS) stored_state_mark_chunk(&l->stored, batch);
    if (batch->kind != BATCH_CHANGES || l->stored.has_position) return;
    stored_state_move(&l->stored, &batch->to);
    l->reached = batch->to;
}

const StoredState *lane_stored(const Lane *l) {
    return &l->stored;
}

void lane_look(const Lane *l, LaneWork *ret) {
    assert(!is_in_transaction(l));
    *ret = (LaneWork){.epoch = l->epoch, .old = l->stored.position, .new = l->stored.position};
}

const Position *lane_passed(const Lane *l) {
    return l->state == OPEN ? &l->reached : &l->stored.position;
}

bool lane_needs_source_back(const Lane *l) {
    return is_in_transaction(l) || l->state == BEHIND || (l->state == CLOSED && l->lost_open);
}
