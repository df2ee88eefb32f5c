/*
 * direct.h - one pipeline in direct mode: a source and a sink in this process, joined by a bounded queue of
 * batches.
 *
 * Two threads, and one for each lane where the sink has several. The sink's thread is the pipeline's master:
 * it takes the pipeline in the target (sink.own), starts the source's thread at what is stored there, and
 * puts batch after batch. The source's thread reads and waits when the queue is full.
 *
 *   STARTING ─▶ RUNNING ─▶ DRAINING ─▶ STOPPED
 *      │  ▲        │ ▲         │
 *      ▼  │        ▼ │         ▼
 *     WAITING ◀──────┘      FAILED        WAITING: backing off after a retriable failure, then STARTING again
 *
 * RUNNING ⇄ PAUSED at an operator's word (signal_store.h): the position stays, the connections are kept.
 */
#ifndef WORKER_DIRECT_H
#define WORKER_DIRECT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "connector/connector.h"

typedef enum DirectState {
    DIRECT_STARTING,
    DIRECT_RUNNING,
    DIRECT_PAUSED,
    DIRECT_WAITING,
    DIRECT_DRAINING,
    DIRECT_STOPPED,
    DIRECT_FAILED,
} DirectState;

typedef struct DirectSpec {
    const char *name;     /* the pipeline's: with the database the key of what the target stores */
    const char *database; /* the source's; NULL = it has none; copied */
    bool has_siblings;    /* other pipelines of the same name carry other databases */
    int task;             /* which of them: 0 … */
    bool wants_before;    /* updates with the row before them: for topics */
    bool sets_aside;      /* the sink takes marked values: ConnectorContext's */
    const SourceClass *source;
    const Options *source_options; /* borrowed as long as the pipeline lives */
    const SinkClass *sink;
    const Options *sink_options;
    const char *topic_prefix; /* the source's; borrowed; may be NULL */
    TransformRoute *route;    /* borrowed; NULL = no transforms */
    Metrics *metrics;         /* borrowed */
    Claims *claims;           /* borrowed; of all pipelines of the process; may be NULL */
    size_t lanes;             /* of the sink; 0, 1: one. Each further one has a thread and a connection */
    size_t queue_batches, queue_bytes;
    int32_t max_restarts;    /* retriable failures in a row before FAILED; -1 = no end */
    int64_t restart_wait_ms; /* first wait; doubles up to restart_wait_max_ms */
    int64_t restart_wait_max_ms;
    bool stop_at_end; /* the source's end (snapshot.mode=initial_only) stops the pipeline */
} DirectSpec;

typedef struct Direct Direct;

/* Start both threads; what fails later is seen by direct_state. */
Direct *direct_start(const DirectSpec *spec);
/* Any thread. *ret_why (may be NULL) gets the last failure when the state is WAITING or FAILED. */
DirectState direct_state(Direct *d, Err *ret_why);
const char *direct_state_name(DirectState s); /* "running" */
/* Wait for the end of the pipeline (STOPPED, FAILED), or timeout_ms. */
DirectState direct_wait(Direct *d, int64_t timeout_ms);
/* Ask for a drain: the source reads no more, what was read is committed, then STOPPED. Any thread, returns at
 * once. */
void direct_drain(Direct *d);
/* Drain, join both threads, free; returns NULL. */
Direct *direct_stop(Direct *d);

#endif
