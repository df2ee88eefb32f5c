/*
 * snapshot_mode.h - what Debezium's snapshot.mode means for a pipeline at its start: which tables are copied,
 * whether changes are read, and what a gap is. Pure; any thread.
 */
#ifndef PIPELINE_SNAPSHOT_MODE_H
#define PIPELINE_SNAPSHOT_MODE_H

#include <stdbool.h>

#include "base/err.h"
#include "pipeline/plan.h"

typedef enum SnapshotMode {
    SNAPSHOT_ALWAYS,
    SNAPSHOT_INITIAL,
    SNAPSHOT_INITIAL_ONLY,
    SNAPSHOT_NO_DATA, /* and schema_only */
    SNAPSHOT_RECOVERY,
    SNAPSHOT_WHEN_NEEDED,
    SNAPSHOT_CONFIGURATION_BASED,
} SnapshotMode;

/* snapshot.mode.configuration.based.…; counts for that mode alone. */
typedef struct SnapshotFlags {
    bool data;          /* .snapshot.data: copy at every start */
    bool schema;        /* .snapshot.schema */
    bool stream;        /* .start.stream */
    bool on_data_error; /* .snapshot.on.data.error: copy what changes are gone of */
} SnapshotFlags;

/* What is so at a start. */
typedef struct SnapshotStart {
    bool has_position; /* something is stored of the pipeline */
    bool is_restart;   /* this process had begun before, and goes on after a failure */
} SnapshotStart;

typedef struct SnapshotPolicy {
    PlanMode plan;
    bool copies_anew; /* tables that are stored are copied again, from empty */
    bool copies_gone; /* a table whose changes are gone is copied again, from empty; else the run stops there
                       */
} SnapshotPolicy;

/* Errors: ERR_INVALID when the mode can't be at this start (recovery without a position; flags that leave
 * nothing to do). */
MUST_CHECK bool snapshot_mode_policy(SnapshotMode mode, const SnapshotFlags *flags,
                                     const SnapshotStart *start, SnapshotPolicy *ret, Err *e);
/* What holds of a mode at every start: for checks before a run. */
bool snapshot_mode_copies(SnapshotMode mode, const SnapshotFlags *flags);
bool snapshot_mode_streams(SnapshotMode mode, const SnapshotFlags *flags);

#endif
