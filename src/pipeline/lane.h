/*
 * lane.h - the sink's side of one lane: which statements make a batch part of the target exactly once. Pure:
 * it decides, its caller talks to PostgreSQL. Owner thread only; no allocation but for a table's first batch.
 * One lane is all there is by default; of several (pipeline/lanes.h) each has a position row and a connection
 * of its own, and they share the marks of tables.
 *
 * The caller's loop
 *   own the pipeline (raise the epoch, end the former owner's backend, read what is stored) → lane_owned
 *   for each batch:  lane_put → do the steps in order → lane_done
 *     the target refused, transaction rolled back         → lane_rolled_back → the verdict below
 *     connection lost, at any point                       → lane_lost → own again → lane_owned → the verdict
 *     LANE_BEGIN_… found no row                           → roll back, lane_fenced: stop for good
 *     the verdict is LANE_RESTART_SOURCE  → start the source from lane_stored → lane_source_restarted
 *   now and then, with no batch at hand:  lane_idle → do the steps → lane_done
 *   another lane has committed a mark → lane_learn, before the next lane_put
 *
 * A batch is the caller's until lane_done, or until the verdict says that it is in or that the source goes
 * back. One that comes twice is skipped the second time, but for a part in the midst of a chunk: parts have
 * no number.
 *
 * The position row holds epoch and position (NULL = none yet, here {0}). Every transaction's first statement
 * finds it under the lane's epoch and under the position that the lane knows, or nothing is written: so an
 * owner that was stopped and wakes up writes nothing, and no batch is applied on top of another state than
 * the one it was read for.
 */
#ifndef PIPELINE_LANE_H
#define PIPELINE_LANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/stored.h"
#include "record/batch.h"

typedef struct Lane Lane;

typedef enum LaneStep {
    /* Begin, and in one statement take the position row where epoch = work.epoch and position = work.old: */
    LANE_BEGIN_MOVED,  /*   … and set it to work.new; */
    LANE_BEGIN_LOCKED, /*   … and lock it (work.new is work.old). No such row → lane_fenced. */
    LANE_TABLE,        /* create or evolve the batch's table */
    LANE_MARK_TABLE,   /* store the table's entry: as stored_state_add_table */
    LANE_COPY_PLAIN,   /* COPY the batch's rows: none of them is there */
    LANE_UPSERT_ROWS,  /* upsert the batch's rows */
    LANE_APPLY,        /* apply the batch's changes from work.first on */
    LANE_AWAIT_CHUNK,  /* wait until the chunk before the batch's is committed by another lane */
    LANE_MARK_CHUNK,  /* store the done mark: as stored_state_mark_chunk. Only over chunks_done = chunk.number
                       */
    LANE_MOVE,        /* set the position row, locked by this transaction, to work.new */
    LANE_MOVE_OTHERS, /* set the other lanes' rows, which have no position yet, to work.new */
    LANE_MARK_CONSISTENT,  /* store consistent = work.new */
    LANE_CLEAR_CONSISTENT, /* store consistent = none, in all lanes' rows */
    LANE_COMMIT,
} LaneStep;

enum { LANE_MAX_STEPS = 6 };

typedef struct LaneWork {
    LaneStep steps[LANE_MAX_STEPS]; /* in order; none: nothing to do, call lane_done all the same */
    size_t count;
    int64_t epoch;
    Position old, new; /* of the position row */
    size_t first;      /* LANE_APPLY: index of the first change that isn't in yet; may be the batch's count */
} LaneWork;

typedef enum LaneVerdict {
    LANE_GO_ON,          /* no batch was in hand, nothing is lost: take the next */
    LANE_PUT_AGAIN,      /* nothing of the batch in hand is in: lane_put it once more */
    LANE_IS_IN,          /* the batch in hand was committed: drop it, take the next */
    LANE_RESTART_SOURCE, /* drop it; the source has to start again from what is stored now */
} LaneVerdict;

enum { LANE_IDLE_WRITE_US = 1000 * 1000 }; /* an idle lane writes its position at most once in this time */

Lane *lane_new(void);
Lane *lane_free(Lane *l);
/* It is one of so many; to be told before it is owned. 1 is what a new one takes for granted. */
void lane_set_count(Lane *l, size_t count);

/* The pipeline is ours under epoch, one more than the row had, and this is what the target holds (copied).
 * Ends any earlier transaction in the lane's eyes: it was on another connection. */
LaneVerdict lane_owned(Lane *l, int64_t epoch, const StoredState *stored);
/* After LANE_RESTART_SOURCE: the next batch comes from a source that began at lane_stored. */
void lane_source_restarted(Lane *l);
/* What to do with the batch. now_us: any monotonic clock.
 * Errors: ERR_FENCED after lane_fenced; ERR_RANGE when the batch begins beyond what is in: a gap, never
 * applied; ERR_INTERNAL for a batch that breaks the stream's order or its own bounds, or without owning;
 * ERR_IO, retriable, between LANE_RESTART_SOURCE and lane_source_restarted. */
MUST_CHECK bool lane_put(Lane *l, const Batch *batch, int64_t now_us, LaneWork *ret, Err *e);
/* No batch for a while: a position not written yet is due, or not (no steps). In a transaction: no steps. */
void lane_idle(Lane *l, int64_t now_us, LaneWork *ret);
/* The steps were done; with LANE_COMMIT among them, committed. */
void lane_done(Lane *l);
LaneVerdict lane_rolled_back(Lane *l);
void lane_lost(Lane *l);
void lane_fenced(Lane *l);
/* Another lane has committed this: a BATCH_TABLE, the stream's start, or the last part of a BATCH_ROWS. Only
 * its marks are looked at. Not with a batch at hand. */
void lane_learn(Lane *l, const Batch *batch);

/* What is known to be committed. Borrowed until the next call. */
const StoredState *lane_stored(const Lane *l);
/* The fence alone: ret->epoch and the position as it is stored, for a transaction that moves nothing. Not
 * inside a transaction. */
void lane_look(const Lane *l, LaneWork *ret);
/* All of the lane's changes up to here are committed; idle windows count that aren't written yet. */
const Position *lane_passed(const Lane *l);
/* After a failure now, or after the one that was, the source has to start again from what is stored: a
 * transaction that began with an earlier batch is open, or the verdict was LANE_RESTART_SOURCE. */
bool lane_needs_source_back(const Lane *l);

#endif
