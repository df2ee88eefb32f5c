/*
 * What is spread by key may be applied side by side, as one row's changes meet in one lane and nothing in the
 * target joins rows of different lanes. All else waits for all lanes: what was given out before is committed
 * and every position row written, so that all stand at one place, then one lane does it. So there are
 * stretches of the stream, each of one kind, and between two of them the lanes meet: changes   spread chunks
 * whole ones dealt out in turn; several of one table at once, committed in order alone     by lane 0: a
 * table's schema and marks, the stream's start, the end
 *
 * After a failure the lanes stand at different positions, and changes between the lowest and the highest are
 * in the target or not, according to the lane that they went to. So they have to go there again: the routes
 * in use are stored before anything is spread by them, and until the stream has come to the highest position
 * those are used, with the number of lanes that they were made for. Then the lanes meet, and what is to
 * change (number of lanes, hash, routes) changes there. As they meet before every mark too, no table's
 * schema changes between the lowest and the highest position.
 */
#include "pipeline/lanes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

typedef enum Stretch { STRETCH_CHANGES, STRETCH_CHUNKS, STRETCH_ALONE } Stretch;

struct Lanes {
    size_t count, wanted;
    StoredState known; /* marks of tables and routes */
    Route *route;      /* NULL = has to be read */
    bool is_level;     /* all lanes stood at one position when they last met */
    Position highest;  /* !is_level: where they become so */
    Stretch stretch;
    bool is_quiet;     /* nothing was given out since the lanes met */
    size_t chunk_lane; /* that the chunk at hand goes to */
    size_t turn;       /* … and the next one, dealt out in turn */
    Position passed[ROUTE_LANES_MAX];
};

static bool is_level(const LanesStored *stored) {
    for (size_t i = 1; i < stored->count; i++)
        if (position_cmp(&stored->positions[i], &stored->positions[0]) != 0) return false;
    return true;
}

bool lanes_settle(const LanesStored *stored, size_t wanted, LanesStart *ret, Err *e) {
    assert(wanted >= 1 && wanted <= ROUTE_LANES_MAX);
    if (stored->count < 1 || stored->count > ROUTE_LANES_MAX)
        return err_set(e, ERR_INTERNAL, false, "millrace.position has %zu lanes", stored->count);
    LanesStart s = {.count = wanted, .lowest = stored->positions[0], .highest = stored->positions[0]};
    s.consistent = stored->consistent[0];
    for (size_t i = 1; i < stored->count; i++) {
        const Position *p = &stored->positions[i];
        if (position_is_zero(p) != position_is_zero(&s.lowest))
            return err_set(e, ERR_INTERNAL, false, "millrace.position: only some lanes have a position");
        if (position_cmp(p, &s.lowest) < 0) s.lowest = *p;
        if (position_cmp(p, &s.highest) > 0) s.highest = *p;
        if (position_is_zero(&stored->consistent[i])) s.consistent = (Position){0};
        else if (!position_is_zero(&s.consistent) && position_cmp(&stored->consistent[i], &s.consistent) > 0)
            s.consistent = stored->consistent[i];
    }
    bool is_other_hash = stored->hash_version != ROUTE_HASH_VERSION;
    if (is_level(stored)) {
        s.rewrites = stored->count != wanted || is_other_hash;
        if (s.rewrites) s.consistent = (Position){0};
    } else if (is_other_hash) {
        return err_set(
            e, ERR_INVALID, false,
            "the lanes stand at different positions, and their rows were spread by hash version %d, "
            "which this version of millrace doesn't have: stop the version that wrote them in order "
            "(SIGTERM) first",
            (int)stored->hash_version);
    } else {
        s.count = stored->count;
    }
    *ret = s;
    return true;
}

Lanes *lanes_new(const LanesStart *start, size_t wanted, const StoredState *stored) {
    Lanes *l = x_calloc(1, sizeof *l);
    l->count = start->count;
    l->wanted = wanted;
    stored_state_copy(&l->known, stored);
    l->is_level = position_cmp(&start->lowest, &start->highest) == 0;
    l->highest = start->highest;
    l->stretch = STRETCH_ALONE;
    l->is_quiet = true;
    if (l->is_level) return l;
    l->route = route_new(l->count, &l->known);
    route_insist_on_keys(l->route);
    return l;
}

Lanes *lanes_free(Lanes *l) {
    if (!l) return NULL;
    route_free(l->route);
    stored_state_done(&l->known);
    free(l);
    return NULL;
}

Route *lanes_route(Lanes *l) {
    return l->route;
}
const StoredState *lanes_known(const Lanes *l) {
    return &l->known;
}

/* ---- giving out ---- */

static Stretch stretch_of(const Lanes *l, const Batch *b) {
    switch (b->kind) {
    case BATCH_CHANGES: return l->known.has_position ? STRETCH_CHANGES : STRETCH_ALONE;
    case BATCH_ROWS: return STRETCH_CHUNKS;
    case BATCH_TABLE:
    case BATCH_ANSWER:
    case BATCH_END: break;
    }
    return STRETCH_ALONE;
}

static LanesStep give(Lanes *l, Stretch stretch, LanesStep step) {
    l->stretch = stretch;
    l->is_quiet = false;
    return step;
}

/* The stream's start and new marks: what is given out counts, so that what comes after is seen rightly. */
static LanesStep give_alone(Lanes *l, const Batch *b, size_t *ret_lane) {
    *ret_lane = 0;
    if (b->kind == BATCH_CHANGES) stored_state_move(&l->known, &b->to);
    if (b->kind == BATCH_TABLE && l->is_level) l->route = route_free(l->route);
    return give(l, STRETCH_ALONE, LANES_GIVE);
}

static LanesStep give_chunk(Lanes *l, const Batch *b, size_t *ret_lane) {
    if (b->chunk.is_first_part &&
        !route_is_whole(l->route, b->schema->schema, b->schema->table, &l->chunk_lane))
        l->chunk_lane = l->turn++ % l->count;
    *ret_lane = l->chunk_lane;
    return give(l, STRETCH_CHUNKS, LANES_GIVE);
}

/* What the lanes need before the batch can be given out; LANES_GIVE: nothing. */
static LanesStep need(Lanes *l, const Batch *b, Stretch stretch) {
    if ((stretch != l->stretch || b->kind == BATCH_ANSWER) && !l->is_quiet) return LANES_MEET;
    if (stretch == STRETCH_ALONE) return LANES_GIVE;
    bool becomes_level =
        !l->is_level && stretch == STRETCH_CHANGES && position_cmp(&b->from, &l->highest) >= 0;
    if (becomes_level && !l->is_quiet) return LANES_MEET;
    if (becomes_level) {
        l->is_level = true;
        l->route = route_free(l->route);
    }
    if (l->is_level && l->count != l->wanted) return LANES_AGAIN;
    if (l->route) return LANES_GIVE;
    return l->is_quiet ? LANES_ROUTE : LANES_MEET;
}

bool lanes_next(Lanes *l, const Batch *batch, LanesStep *ret, size_t *ret_lane, Err *e) {
    Stretch stretch = stretch_of(l, batch);
    if (stretch == STRETCH_CHUNKS && !batch->chunk.is_first_part &&
        (l->stretch != STRETCH_CHUNKS || l->is_quiet || !l->route))
        return err_set(e, ERR_INTERNAL, false, "a batch came out of order: a chunk without its first part");
    *ret = need(l, batch, stretch);
    if (*ret != LANES_GIVE) return true;
    if (batch->kind == BATCH_ANSWER) {
        *ret = LANES_ANSWER;
        return true;
    }
    switch (stretch) {
    case STRETCH_CHANGES: *ret = give(l, stretch, LANES_SPREAD); break;
    case STRETCH_CHUNKS: *ret = give_chunk(l, batch, ret_lane); break;
    case STRETCH_ALONE: *ret = give_alone(l, batch, ret_lane); break;
    }
    return true;
}

void lanes_met(Lanes *l) {
    l->is_quiet = true;
}

bool lanes_routed(Lanes *l, const RouteTable *tables, const RouteJoin *joins, size_t join_count) {
    assert(l->is_quiet && l->is_level && !l->route);
    size_t count = l->known.table_count;
    bool have_changed = false;
    CLEANUP_FREE char **texts = x_calloc(count + 1, sizeof *texts);
    route_texts(tables, count, joins, join_count, texts);
    for (size_t i = 0; i < count; i++) {
        StoredTable *t = &l->known.tables[i];
        if (!t->route || strcmp(t->route, texts[i]) != 0) have_changed = true;
        free(t->route);
        t->route = texts[i];
    }
    l->route = route_new(l->count, &l->known);
    return have_changed;
}

/* ---- what became of it ---- */

bool lanes_committed(Lanes *l, const Batch *batch) {
    switch (batch->kind) {
    case BATCH_TABLE: stored_state_add_table(&l->known, batch); return true;
    case BATCH_ROWS:
        if (!batch->chunk.is_last_part) return false;
        stored_state_mark_chunk(&l->known, batch);
        return true;
    case BATCH_CHANGES: return position_is_zero(&batch->from);
    case BATCH_ANSWER:
    case BATCH_END: break;
    }
    return false;
}

bool lanes_chunk_is_next(const Lanes *l, const Batch *batch) {
    const StoredTable *t = stored_state_table(&l->known, batch->schema->schema, batch->schema->table);
    return t && t->chunks_done >= batch->chunk.number;
}

void lanes_passed(Lanes *l, size_t lane, const Position *position) {
    assert(lane < l->count);
    l->passed[lane] = *position;
}

bool lanes_others_have_passed(const Lanes *l, size_t lane, const Lsn *lsn) {
    Position end = position_end_of(lsn);
    for (size_t i = 0; i < l->count; i++)
        if (i != lane && position_cmp(&l->passed[i], &end) < 0) return false;
    return true;
}
