/*
 * parts.h - a transaction of the source in several of the target's: how far it is written, what of it isn't
 * written once more, and when a part is due. For targets whose own transactions are bounded (Kafka's); the
 * lane (lane.h) knows nothing of it. Pure plain values: nothing to free, any thread that holds them.
 *
 * The caller's part of the lane's loop
 *   owned           → parts_owned with what is stored, whoever stored it
 *   LANE_APPLY      → all changes are made records, from the batch's first on, since they are counted
 *                     (event_serial_no); parts_drop those up to parts_up_to; send the rest → parts_sent
 *   … no LANE_COMMIT and parts_are_due → store work.old and `inside` = the batch's last change, commit
 *                   → parts_committed
 *   LANE_COMMIT     → store work.new and parts_left(work.new), commit → parts_committed
 *   anything failed → parts_owned before anything else
 * The position, and what others than us go on from, stay before the transaction until all of it is in.
 */
#ifndef PIPELINE_PARTS_H
#define PIPELINE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/lane.h"
#include "record/batch.h"
#include "record/position.h"
#include "record/record.h"

typedef struct Parts {
    Position inside; /* stored: behind the position, changes up to there are in. {0} = none are */
    size_t most;     /* rows of a transaction from which on it is committed in mid-transaction; from 1 */
    size_t rows;     /* sent in the open one */
} Parts;

/* It is ours, and nothing is open. */
void parts_owned(Parts *p, const Position *inside);
/* Changes of the batch at or under it were sent: by an earlier transaction, or they came with an earlier
 * batch. {0}: none was. */
Position parts_up_to(const Parts *p, const LaneWork *work, const Batch *batch);
/* Mark as dropped the records of changes up to there (Record.source: a Change). What is of no change (NULL: a
 * transaction's beginning and end) goes with the change behind it. */
void parts_drop(RecordBatch *records, const Position *upto);
void parts_sent(Parts *p, size_t rows);
/* A batch with changes is sent whose transaction goes on in the next: what there is of it is to be committed
 * now. */
bool parts_are_due(const Parts *p, const Batch *batch);
/* The `inside` to be stored together with this position. */
Position parts_left(const Parts *p, const Position *position);
void parts_committed(Parts *p, const Position *inside);

#endif
