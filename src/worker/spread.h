/*
 * spread.h - several lanes of one sink, each with a thread and a connection of its own, behind a thread that
 * gives the source's batches out to them. What each gets, and when all wait for each other, is decided by
 * pipeline/lanes.h.
 *
 * All functions are the giving thread's (worker/direct.c's master).
 */
#ifndef WORKER_SPREAD_H
#define WORKER_SPREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "connector/connector.h"
#include "worker/putter.h"

typedef struct Spread Spread;

typedef struct SpreadSpec {
    const SinkClass *class;
    const Options *options;
    const ConnectorContext *context; /* lane 0's; borrowed, as all here, until spread_stop */
    const LanesStart *start;         /* during the call */
    const StoredState *stored;       /* the same: at the lowest position */
    size_t wanted;
    Putter putter; /* lane 0's, with its sink; the others' are like it. wait isn't used, tell comes from
                      any of the threads */
    bool (*is_late)(void *arg); /* told to stop, and too long ago to wait any longer */
} SpreadSpec;

/* Connect the other lanes, let each take its row, start the threads. Errors: as the sink's start and own. */
MUST_CHECK bool spread_start(const SpreadSpec *spec, Spread **ret, Err *e);
/* Give out one batch, moved. Waits where a lane's queue is full, and where the lanes have to meet. A failure
 * is the first lane's that failed, maybe with a batch given out before: *ret_again as putter_put.
 * *ret_relane: all lanes stand together, and their number is to change: begin anew at once. */
MUST_CHECK bool spread_put(Spread *s, Batch *batch, bool *ret_again, bool *ret_relane, Err *e);
/* All that was given out is committed and, if it ended with whole transactions, every lane's position
 * written.
 */
MUST_CHECK bool spread_meet(Spread *s, bool *ret_again, Err *e);
/* Nothing to give: has a lane failed? */
MUST_CHECK bool spread_check(Spread *s, bool *ret_again, Err *e);
bool spread_has_moved(Spread *s); /* a lane has written a batch */
/* End the threads where they stand, stop the sinks but lane 0's; NULL is fine; returns NULL. */
Spread *spread_stop(Spread *s);

#endif
