/* What a process's source gives: the table, the stream's start, chunks of the copy, then changes, cut as it
 * comes. */
#include <assert.h>
#include <string.h>

#include "topic_half.h"

enum { CHUNK_ROWS = 2, CHUNKS = TOPIC_ROWS / CHUNK_ROWS };

static TopicWorld *world_of(Sim *s) {
    return sim_topics(s);
}

void topic_source_start(TopicProc *p, const StoredState *stored) {
    stored_state_copy(&p->told, stored);
    p->next_part = 0;
    p->reached = stored->position;
    p->next = 0;
}

void topic_source_stop(TopicProc *p) {
    stored_state_done(&p->told);
}

static Batch *begin_batch(TopicProc *p, BatchKind kind) {
    p->batch = (Batch){.kind = kind, .changes = p->changes, .cap = TOPIC_BATCH, .schema = sim_schema(0, 1)};
    return &p->batch;
}

static Batch *next_table(TopicProc *p) {
    Batch *b = begin_batch(p, BATCH_TABLE);
    b->table = (BatchTable){.copy = BATCH_COPY_FIRST, .instance = 1};
    stored_state_add_table(&p->told, b);
    return b;
}

static Batch *next_start(TopicProc *p) {
    Batch *b = begin_batch(p, BATCH_CHANGES);
    const Lsn lsn = sim_lsn(TOPIC_START);
    p->reached = b->to = position_end_of(&lsn);
    b->ends_transaction = true;
    stored_state_move(&p->told, &b->to);
    return b;
}

/* A chunk in one batch, or a row at a time. */
static Batch *next_rows(Sim *s, TopicProc *p, const StoredTable *t) {
    Batch *b = begin_batch(p, BATCH_ROWS);
    bool is_whole = p->next_part == 0 && rng_chance(sim_rng(s), 50);
    b->count = is_whole ? CHUNK_ROWS : 1;
    b->chunk = (BatchChunk){.number = t->chunks_done,
                            .is_first_part = p->next_part == 0,
                            .is_last_part = is_whole || p->next_part == CHUNK_ROWS - 1,
                            .is_last_chunk = t->chunks_done == CHUNKS - 1,
                            .upper_key = STR_LIT("k")};
    for (size_t i = 0; i < b->count; i++)
        p->events[i] = t->chunks_done * CHUNK_ROWS + p->next_part + (uint32_t)i;
    p->next_part = b->chunk.is_last_part ? 0 : p->next_part + (uint32_t)b->count;
    if (b->chunk.is_last_part) stored_state_mark_chunk(&p->told, b);
    return b;
}

static Position position_of(const TopicEvent *e) {
    return (Position){.commit_lsn = sim_lsn(e->lsn),
                      .command_id = (int32_t)e->serial,
                      .seqval = sim_lsn(e->serial),
                      .operation = 2};
}

static Position end_of(uint32_t n) {
    const Lsn lsn = sim_lsn(n);
    return position_end_of(&lsn);
}

/* Up to so many changes; a transaction's end may be told with its last one, or later. */
static void fill(Sim *s, TopicProc *p, Batch *b) {
    const TopicWorld *w = world_of(s);
    size_t most = 1 + rng_below(sim_rng(s), TOPIC_BATCH);
    uint32_t inside = 0; /* the transaction whose end isn't told */
    for (; p->next < w->captured; p->next++) {
        const TopicEvent *e = &w->events[p->next];
        if (e->kind == TOPIC_NOTE) {
            if (b->count > 0 && rng_chance(sim_rng(s), 50)) break;
            if (inside) b->to = end_of(inside);
            inside = 0;
            continue;
        }
        if (b->count == most) break;
        p->events[b->count] = p->next;
        p->changes[b->count++] = (Change){.position = position_of(e), .op = OP_CREATE};
        b->to = position_of(e);
        inside = e->lsn;
    }
    bool is_whole = p->next == w->captured || w->events[p->next].kind == TOPIC_NOTE;
    b->ends_transaction = !inside || (is_whole && rng_chance(sim_rng(s), 60));
    if (!inside || !b->ends_transaction) return;
    b->to = p->next == w->captured ? end_of(w->captured_lsn) : end_of(inside);
}

/* What it gave comes again, cut otherwise. */
static void go_back(Sim *s, TopicProc *p) {
    const TopicWorld *w = world_of(s);
    uint32_t most = p->next - p->first;
    if (most == 0 || sim_is_quiet(s) || !rng_chance(sim_rng(s), sim_shape(s)->repeat)) return;
    p->next -= 1 + (uint32_t)rng_below(sim_rng(s), most < TOPIC_BATCH ? most : TOPIC_BATCH);
    if (w->events[p->next].kind == TOPIC_CHANGE && w->events[p->next].serial == 1) p->next--;
    const TopicEvent *before = &w->events[p->next - 1];
    p->reached = before->kind == TOPIC_CHANGE ? position_of(before) : end_of(TOPIC_START);
    sim_trace(s, "proc %zu: the source goes back to place %u", p->number, p->next);
}

static Batch *next_changes(Sim *s, TopicProc *p) {
    const TopicWorld *w = world_of(s);
    Position all = end_of(w->captured_lsn);
    if (p->next == 0) p->first = p->next = topic_place_of_position(w, &p->reached);
    go_back(s, p);
    if (position_cmp(&p->reached, &all) >= 0) return NULL;
    Batch *b = begin_batch(p, BATCH_CHANGES);
    b->from = b->to = p->reached;
    fill(s, p, b);
    if (b->count == 0) { /* what came before has ended, or an idle window */
        b->ends_transaction = true;
        b->to = p->next == w->captured ? all : end_of(w->events[p->next].lsn - 1);
    }
    p->reached = b->to;
    return b;
}

Batch *topic_source_next(Sim *s, TopicProc *p) {
    const Schema *schema = sim_schema(0, 1);
    const StoredTable *t = stored_state_table(&p->told, schema->schema, schema->table);
    if (!t) return next_table(p);
    if (!p->told.has_position) return next_start(p);
    if (!t->is_done) return next_rows(s, p, t);
    return next_changes(s, p);
}
