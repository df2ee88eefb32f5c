/*
 * lanes.h - several lanes side by side: what each gets, when all have to wait for each other, where the
 * source starts again. Pure. One thread at a time: the caller holds a lock where there are several.
 *
 * Each lane is a connection with a position row and a state machine of its own (pipeline/lane.h); they share
 * the marks of tables. The caller's loop
 *   own all rows in one transaction → lanes_settle says how many lanes there are → each lane owns its row
 *   for each batch, until it is given out:  lanes_next →
 *     LANES_SPREAD  share it out (lanes_route, route_split): each lane gets its share, empty ones too
 *     LANES_GIVE    the whole batch to one lane
 *     LANES_ANSWER  a BATCH_ANSWER, all before it is committed: the caller's own
 *     LANES_MEET    give each lane a BATCH_END (it writes its position); once all lanes have done all they
 *                   were given → lanes_met, and ask again
 *     LANES_ROUTE   read what joins the target's tables, → lanes_routed; if it says so, store the routes
 *                   before anything else is given out; ask again
 *     LANES_AGAIN   all stand at one position, and their number is to change: take the pipeline anew
 *   a lane has committed a batch that sets a mark → lanes_committed; the other lanes learn it (lane_learn)
 *   a lane can't go on where it was (LANE_RESTART_SOURCE) → end all lanes and begin anew
 */
#ifndef PIPELINE_LANES_H
#define PIPELINE_LANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/route.h"
#include "pipeline/stored.h"
#include "record/batch.h"

/* The position rows of a pipeline, in lane order. */
typedef struct LanesStored {
    size_t count; /* at least 1 */
    int32_t hash_version;
    Position positions[ROUTE_LANES_MAX]; /* {0} = none yet */
    Position consistent[ROUTE_LANES_MAX];
} LanesStored;

/* What a new owner makes of them. */
typedef struct LanesStart {
    size_t count;             /* lanes to run with */
    bool rewrites;            /* first, in the same transaction: the rows are to be `count` ones at `lowest`,
                                 without `consistent` */
    Position lowest, highest; /* the source starts at the lowest */
    Position consistent;      /* of the whole; {0} = not known */
} LanesStart;

/* wanted: 1 … ROUTE_LANES_MAX. Another number of lanes, or another hash, comes only once all stand at one
 * position: until then the stored one goes on. Errors: ERR_INVALID (rows at different positions under a hash
 * that this version doesn't have); ERR_INTERNAL (rows that can't be). */
MUST_CHECK bool lanes_settle(const LanesStored *stored, size_t wanted, LanesStart *ret, Err *e);

typedef struct Lanes Lanes;

typedef enum LanesStep {
    LANES_SPREAD,
    LANES_GIVE,
    LANES_ANSWER,
    LANES_MEET,
    LANES_ROUTE,
    LANES_AGAIN,
} LanesStep;

/* stored: what is stored, at the lowest position; copied. */
Lanes *lanes_new(const LanesStart *start, size_t wanted, const StoredState *stored);
Lanes *lanes_free(Lanes *l); /* NULL is fine; returns NULL */

/* What to do with the source's next batch. LANES_SPREAD, _GIVE and _ANSWER count as done. *ret_lane: the one
 * that it is given to. Errors: ERR_INTERNAL for a batch that comes out of order. */
MUST_CHECK bool lanes_next(Lanes *l, const Batch *batch, LanesStep *ret, size_t *ret_lane, Err *e);
Route *lanes_route(Lanes *l); /* LANES_SPREAD; borrowed until the next call */
void lanes_met(Lanes *l);
/* What the tables of lanes_known look like in the target, in its order, and what joins them. true: routes
 * have changed and are to be stored (StoredTable.route of lanes_known). */
MUST_CHECK bool lanes_routed(Lanes *l, const RouteTable *tables, const RouteJoin *joins, size_t join_count);

/* A lane has committed this; true: it sets a mark that the other lanes have to learn. */
bool lanes_committed(Lanes *l, const Batch *batch);
/* LANE_AWAIT_CHUNK: whether the chunk before this one is committed. */
bool lanes_chunk_is_next(const Lanes *l, const Batch *batch);
/* What is known to be stored of the tables. Borrowed until the next call. */
const StoredState *lanes_known(const Lanes *l);

/* A lane has come so far (lane_passed). */
void lanes_passed(Lanes *l, size_t lane, const Position *position);
/* Whether all other lanes have come to the end of the commit at lsn. */
bool lanes_others_have_passed(const Lanes *l, size_t lane, const Lsn *lsn);

#endif
