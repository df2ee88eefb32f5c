/*
 * The modes are rows of a table. `always` copies once a process, not after each failure that a restart cures:
 * else a failure in a copy that takes hours would begin it again for ever.
 */
#include "pipeline/snapshot_mode.h"

#include <assert.h>

typedef struct ModeRow {
    PlanMode plan;
    bool copies_anew, copies_gone, needs_position;
} ModeRow;

static const ModeRow ROWS[] = {
    [SNAPSHOT_ALWAYS] = {.plan = PLAN_INITIAL, .copies_anew = true, .copies_gone = true},
    [SNAPSHOT_INITIAL] = {.plan = PLAN_INITIAL},
    [SNAPSHOT_INITIAL_ONLY] = {.plan = PLAN_INITIAL_ONLY},
    [SNAPSHOT_NO_DATA] = {.plan = PLAN_NO_DATA},
    [SNAPSHOT_RECOVERY] = {.plan = PLAN_NO_DATA, .needs_position = true},
    [SNAPSHOT_WHEN_NEEDED] = {.plan = PLAN_INITIAL, .copies_gone = true},
};

static ModeRow row_of(SnapshotMode mode, const SnapshotFlags *flags) {
    if (mode != SNAPSHOT_CONFIGURATION_BASED) {
        assert((size_t)mode < sizeof ROWS / sizeof *ROWS);
        return ROWS[mode];
    }
    PlanMode plan = flags->stream ? PLAN_NO_DATA : PLAN_TABLES_ONLY;
    if (flags->data) plan = flags->stream ? PLAN_INITIAL : PLAN_INITIAL_ONLY;
    return (ModeRow){.plan = plan, .copies_anew = flags->data, .copies_gone = flags->on_data_error};
}

bool snapshot_mode_copies(SnapshotMode mode, const SnapshotFlags *flags) {
    PlanMode plan = row_of(mode, flags).plan;
    return plan == PLAN_INITIAL || plan == PLAN_INITIAL_ONLY;
}

bool snapshot_mode_streams(SnapshotMode mode, const SnapshotFlags *flags) {
    PlanMode plan = row_of(mode, flags).plan;
    return plan == PLAN_INITIAL || plan == PLAN_NO_DATA;
}

bool snapshot_mode_policy(SnapshotMode mode, const SnapshotFlags *flags, const SnapshotStart *start,
                          SnapshotPolicy *ret, Err *e) {
    const ModeRow row = row_of(mode, flags);
    if (row.needs_position && !start->has_position)
        return err_set(
            e, ERR_INVALID, false,
            "snapshot.mode=recovery goes on from a stored position, and of this pipeline none is stored: "
            "use initial, or no_data to begin with the changes from now on");
    if (row.plan == PLAN_TABLES_ONLY && !flags->schema)
        return err_set(e, ERR_INVALID, false,
                       "snapshot.mode=configuration_based with all of snapshot.data, snapshot.schema and "
                       "start.stream false leaves nothing to do: set one of "
                       "snapshot.mode.configuration.based.… to true");
    *ret = (SnapshotPolicy){.plan = row.plan,
                            .copies_anew = row.copies_anew && start->has_position && !start->is_restart,
                            .copies_gone = row.copies_gone};
    return true;
}
