/*
 * connector.h - what a source or a sink is to the worker. The worker knows connectors only through these two
 * tables of functions; a source and its sink know each other only through record/ and pipeline/stored.h.
 *
 * Life of a pair in direct mode (worker/direct.h):
 *   sink.start → sink.own_all (takes the pipeline: epochs, stored state) → source.start(state)
 *   → { source.poll → sink.put }* → stop
 * With several lanes each has a Sink of its own: the first takes the pipeline for all (own_all) and joins its
 * peers, the others own their row (own). They are put what pipeline/lanes.h gives them.
 * source.poll runs on the source task's thread, own and put on the sink task's; wake on any. All else: the
 * task's thread.
 */
#ifndef CONNECTOR_CONNECTOR_H
#define CONNECTOR_CONNECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "connector/claims.h"
#include "connector/report.h"
#include "observe/metrics.h"
#include "observe/progress.h"
#include "pipeline/lanes.h"
#include "pipeline/signal.h"
#include "pipeline/stored.h"
#include "record/batch.h"
#include "transform/transform_route.h"

/* What a lane tries again and again because the target refuses a change in it. */
typedef struct RefusedBatch {
    uint64_t batch;   /* what it is known again by: the sink's */
    int64_t since_us; /* monotonic; 0 = none */
} RefusedBatch;

/* What a process remembers of a pipeline it owns, while its connectors are stopped and started again: so that
 * it doesn't take the pipeline back from another process that has taken it in between, and doesn't try for
 * ever what can't succeed. Zeroed at first; the sink's. */
typedef struct Ownership {
    char owner[17]; /* random; tells this process's connections from others' */
    bool was_owned;
    RefusedBatch refused[ROUTE_LANES_MAX]; /* by lane; each lane's own */
    int64_t batch_bytes; /* topics: at a time, as one of them takes less than is set; 0 = what is set */
    int64_t epoch;       /* topics: under which this process owned the task last; 0 = not yet */
    uint32_t over_time;  /* topics: copies of keyless tables that took too long for a transaction, in a row */
} Ownership;

/* The other lanes of a sink that has several; the worker's. */
typedef struct LanePeers {
    size_t lane, count;
    void *arg;
    /* Wait until the chunk before this one is committed. Errors: ERR_IO, retriable: the lanes end. */
    bool (*await_chunk)(const struct LanePeers *p, const Batch *chunk, Err *e);
    /* Wait until all other lanes have committed all they have up to the end of the commit at lsn. Errors:
     * ERR_TIMEOUT, retriable; ERR_IO, retriable: the lanes end. */
    bool (*await_commit)(const struct LanePeers *p, const Lsn *lsn, int64_t timeout_ms, Err *e);
} LanePeers;

typedef struct ConnectorContext {
    const char *name;     /* the connector's name: pipeline name in direct mode */
    const char *database; /* the source's, as its options name it; NULL = it has none */
    bool has_siblings;    /* other databases are carried under the same pipeline name */
    int task;             /* which of the source connector's tasks this one is: 0 … */
    bool wants_before;    /* the source: updates come with the row before them */
    bool sets_aside;      /* the source: a value that can't be read may come marked (VALUE_UNREADABLE), since
                             the sink makes a dead letter of its row */
    int lane;             /* which of the sink's lanes this one is: 0 … */
    const LanePeers *peers; /* the sink: its lane is one of several from the start; NULL = not, or not yet */
    const char *topic_prefix; /* the source's, for ${topic} in the sink; NULL when it has none */
    TransformRoute *route;    /* borrowed; what the transforms make of topics; NULL = they stay */
    bool has_topics;          /* the sink's: it is fed from topics, and each schema names its own */
    Metrics *metrics;         /* borrowed */
    Progress *progress;       /* borrowed; NULL = nobody asks */
    Ownership *ownership;     /* borrowed; NULL = the connectors are started once */
    bool is_restart;          /* the source: what a start of this process begins with (BATCH_TABLE) is in the
                                 target; this one goes on after a failure */
    Claims *claims;           /* borrowed; of the process; NULL = none are kept */
    const bool *is_stopping;  /* borrowed; set when the process is told to stop: read with __atomic_load_n */
} ConnectorContext;

typedef struct Source Source;
typedef struct SourceClass {
    const char *const *class_names; /* NULL-terminated: values of connector.class */
    const OptionDef *options;
    size_t option_count;
    /* Connect, check what would stop the run (each failure with its cure), and begin at `state`. */
    bool (*start)(const Options *options, const ConnectorContext *context, const StoredState *state,
                  Source **ret, Err *e);
    /* The next batch in stream order, moved to the caller; NULL when none came within timeout_ms. Errors:
     * retriable → the worker stops it and starts it anew from the stored state. */
    bool (*poll)(Source *s, int64_t timeout_ms, Batch **ret, Err *e);
    void (*wake)(Source *s); /* any thread: poll returns soon */
    /* Between polls, on their thread: an operator's signal (borrowed). Once it has had its effect a
     * BATCH_ANSWER comes. NULL = takes none. */
    void (*signal)(Source *s, const SignalText *signal);
    Source *(*stop)(Source *s); /* returns NULL; NULL is fine */
    /* Does the server answer at all? Asked between two tries, on the task's thread; takes about a second at
     * most. NULL: can't be told. */
    bool (*answers)(const Options *options, const ConnectorContext *context);
} SourceClass;

typedef struct Sink Sink;
typedef struct SinkClass {
    const char *const *class_names;
    const OptionDef *options;
    size_t option_count;
    /* Connect and check what would stop the run. */
    bool (*start)(const Options *options, const ConnectorContext *context, Sink **ret, Err *e);
    /* Take the pipeline, all its lanes, of which `wanted` are wanted: raise the epochs, end the former owner,
     * read what is stored. ret: at the lowest position. lane 0's. */
    bool (*own_all)(Sink *s, size_t wanted, LanesStart *ret_start, StoredState *ret, Err *e);
    /* Take the lane's own row, again too: if this process still has the pipeline. ret: the lane's. */
    bool (*own)(Sink *s, StoredState *ret, Err *e);
    /* Write one batch and commit what it completes. The batch stays the caller's: after a retriable error the
     * same batch is put again, once `own` has said that the stored position still is the one before it.
     * One with retry_until_us: the target answers, and a row of it waits for another writer's.
     * ERR_FENCED: another owner. */
    bool (*put)(Sink *s, const Batch *batch, Err *e);
    /* Nothing came for a while: commit what is due (idle position), keep the connection alive. */
    bool (*idle)(Sink *s, Err *e);
    /* Asked after a failed put, and after `own`: was a transaction lost that began with an earlier batch, or
     * does what is stored not fit the batch in hand? Then the source has to start again from what is stored.
     */
    bool (*needs_source_back)(const Sink *s);
    Sink *(*stop)(Sink *s);
    bool (*answers)(const Options *options, const ConnectorContext *context); /* as the source's */
    /* The rest is for several lanes; NULL: there is one.
     * The lane is one of several: lane 0, once it has taken the pipeline; peers are borrowed. */
    void (*join)(Sink *s, const LanePeers *peers);
    /* Another lane has committed a mark (lane_learn); not inside a transaction of this one. */
    void (*learn)(Sink *s, const Batch *batch);
    /* All of the lane's changes up to here are committed. */
    Position (*passed)(const Sink *s);
    /* What the target says of the known tables, in their order, and how they are joined (route.h).
     * ret_tables: room for known->table_count, names borrowed from known; *ret_joins is owned. */
    bool (*links)(Sink *s, const StoredState *known, RouteTable *ret_tables, RouteJoin **ret_joins,
                  size_t *ret_join_count, Err *e);
    /* Store the routes of the known tables, under lane 0's fence. */
    bool (*store_routes)(Sink *s, const StoredState *known, Err *e);
    /* Where reports are kept (report.h), through a connection of its own: one thread, not the sink's. All
     * NULL: nowhere. report_open connects to nothing yet; a failed report may be tried again. */
    bool (*report_open)(const Options *options, const ConnectorContext *context, Reporter **ret, Err *e);
    bool (*report)(Reporter *r, const Report *report, Err *e);
    Reporter *(*report_close)(Reporter *r);
    /* Commands to the pipeline that are kept there too, on the same connection and thread: those behind id
     * `after` that nobody has answered (added to *ret; none unless the process owns the pipeline), and their
     * answers. */
    bool (*signals)(Reporter *r, int64_t after, SignalList *ret, Err *e);
    bool (*answer)(Reporter *r, const char *id, const char *outcome, Err *e);
} SinkClass;

#endif
