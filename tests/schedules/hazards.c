#include "hazards.h"

#include <string.h>

#include "pipeline/plan.h"

/* A world in which nothing goes wrong; each hazard adds its own. */
#define WORLD(m, n, c, k)                                                                                    \
    .mode = (m), .commits = (n), .commit = (c), .capture = (k), .tables = 2, .has_keyless = true
#define CALM  WORLD(PLAN_INITIAL, 30, 10, 12)
#define LANES CALM, .lanes = 3

static const SimShape hazards[] = {
    {CALM, .name = "calm"},
    {CALM, .name = "crash-at-any-step", .crash = 4},
    {CALM, .name = "commit-outcome-unknown", .lose = 15},
    {CALM, .name = "refused-and-rolled-back", .refuse = 15},
    {CALM, .name = "batch-comes-twice", .duplicate = 40},
    {CALM, .name = "stopped-owner-wakes-up", .stop = 4},
    {CALM, .name = "stopped-owner-and-lost-connections", .stop = 4, .lose = 10, .source_fails = 2},
    {CALM, .name = "source-fails", .source_fails = 4},
    {WORLD(PLAN_INITIAL, 30, 10, 2), .name = "capture-lags-far-behind", .crash = 1},
    {WORLD(PLAN_INITIAL, 60, 30, 12), .name = "transactions-larger-than-a-batch", .lose = 4, .refuse = 3},
    {WORLD(PLAN_INITIAL, 3, 1, 12), .name = "quiet-source", .crash = 1},
    {CALM, .name = "new-column-and-second-instance", .alter = 2, .enable = 6},
    {CALM, .name = "new-column-and-crashes", .alter = 2, .enable = 6, .crash = 3},
    {CALM, .name = "new-column-and-stopped-owner", .alter = 2, .enable = 6, .stop = 4},
    {CALM, .name = "older-instance-dropped", .alter = 2, .enable = 6, .drop = 8},
    {CALM, .name = "second-instance-of-the-same-columns", .enable = 6, .drop = 8, .crash = 2},
    {CALM, .name = "cleanup-overtakes", .cleanup = 3, .crash = 1},
    {WORLD(PLAN_INITIAL, 30, 10, 25), .name = "cleanup-while-a-page-is-read", .cleanup = 8},
    {CALM, .name = "table-added-later", .first_tables = 1, .crash = 2},
    {CALM, .name = "table-added-later-with-new-columns", .first_tables = 1, .crash = 2, .alter = 2,
     .enable = 6},
    {CALM, .name = "ad-hoc-copy-beside-changes", .ask = 20},
    {CALM, .name = "ad-hoc-copy-and-crashes", .ask = 15, .crash = 3, .lose = 5},
    {CALM, .name = "ad-hoc-copy-and-stopped-owner", .ask = 15, .stop = 4, .source_fails = 2},
    {WORLD(PLAN_INITIAL, 60, 30, 12), .name = "signal-in-mid-transaction", .ask = 20, .crash = 2,
     .refuse = 3},
    {WORLD(PLAN_NO_DATA, 30, 10, 12), .name = "ad-hoc-copy-without-a-first", .ask = 20, .crash = 2},
    {CALM, .name = "instance-switched-in-an-ad-hoc-copy", .ask = 20, .alter = 2, .enable = 6, .drop = 4,
     .crash = 1},
    {CALM, .name = "table-vanishes-in-an-ad-hoc-copy", .ask = 20, .vanish = 4, .enable = 3, .crash = 1},
    {CALM, .name = "table-vanishes", .vanish = 2, .crash = 1},
    {CALM, .name = "table-vanishes-and-comes-again", .vanish = 3, .enable = 3, .crash = 1, .source_fails = 1},
    {WORLD(PLAN_INITIAL, 30, 10, 25), .name = "table-vanishes-in-mid-chunk", .vanish = 6, .enable = 4,
     .alter = 1, .lose = 4},
    {CALM, .name = "table-left-out-and-put-back", .left_out = 40, .crash = 2},
    {CALM, .name = "table-left-out-with-new-columns", .left_out = 40, .crash = 2, .alter = 2, .enable = 6},
    {WORLD(PLAN_INITIAL, 60, 20, 12), .name = "source-goes-back", .restore = 2, .crash = 1},
    {WORLD(PLAN_NO_DATA, 60, 20, 12), .name = "source-goes-back-without-a-copy", .restore = 2, .enable = 3},
    {WORLD(PLAN_NO_DATA, 30, 10, 12), .name = "no-data", .crash = 2, .lose = 5, .alter = 1, .enable = 3},
    {WORLD(PLAN_INITIAL_ONLY, 30, 10, 12), .name = "copy-only", .crash = 2, .lose = 5, .alter = 1,
     .enable = 3},
    {CALM, .name = "gap-is-copied", .cleanup = 5, .crash = 2, .copies_gone = true},
    {WORLD(PLAN_INITIAL, 30, 10, 25), .name = "gap-in-mid-page-is-copied", .cleanup = 8, .copies_gone = true},
    {CALM, .name = "gap-of-changed-tables-is-copied", .cleanup = 4, .crash = 2, .alter = 2, .enable = 6,
     .drop = 8, .stop = 2, .copies_gone = true},
    {CALM, .name = "copied-anew-at-starts", .anew = 50, .crash = 3, .lose = 5, .refuse = 4},
    {CALM, .name = "copied-anew-with-everything", .anew = 40, .crash = 2, .stop = 2, .alter = 2, .enable = 5,
     .drop = 5, .source_fails = 2, .copies_gone = true, .cleanup = 2, .vanish = 1},
    {LANES, .name = "lanes-side-by-side"},
    {LANES, .name = "lanes-crash-at-any-step", .crash = 1},
    {LANES, .name = "lane-loses-its-connection", .lose = 12},
    {LANES, .name = "lanes-lose-connections-and-crash", .lose = 6, .crash = 1},
    {LANES, .name = "lane-is-refused-and-rolled-back", .refuse = 10},
    {LANES, .name = "batch-comes-to-a-lane-twice", .duplicate = 40},
    {LANES, .name = "lanes-of-a-stopped-owner-wake-up", .stop = 4},
    {LANES, .name = "stopped-owner-and-another-lane-count", .stop = 4, .relane = 80},
    {LANES, .name = "lane-count-changes", .relane = 80, .crash = 1},
    {LANES, .name = "lane-count-changes-and-connections-are-lost", .relane = 80, .crash = 1, .lose = 6},
    {LANES, .name = "constraints-change-between-runs", .constrain = 5, .crash = 1, .alter = 1, .enable = 4},
    {LANES, .name = "constraints-and-lane-count-change", .constrain = 5, .relane = 60, .crash = 1},
    {WORLD(PLAN_INITIAL, 60, 30, 12), .lanes = 3, .name = "lanes-and-transactions-larger-than-a-batch",
     .lose = 4, .refuse = 3, .crash = 1},
    {WORLD(PLAN_INITIAL, 12, 6, 12), .lanes = 4, .name = "chunks-side-by-side", .lose = 6, .crash = 1},
    {WORLD(PLAN_INITIAL, 3, 1, 12), .lanes = 4, .name = "idle-lanes", .crash = 1, .lose = 3},
    {LANES, .name = "lanes-and-new-columns", .alter = 2, .enable = 6, .crash = 1},
    {LANES, .name = "lanes-and-an-older-instance-dropped", .alter = 2, .enable = 6, .drop = 8, .crash = 1},
    {LANES, .name = "lanes-and-a-table-added-later", .first_tables = 1, .crash = 1, .relane = 30},
    {LANES, .name = "lanes-and-a-table-left-out", .left_out = 40, .crash = 1},
    {LANES, .name = "lanes-and-a-source-that-fails", .source_fails = 4},
    {LANES, .name = "lanes-and-cleanup", .cleanup = 3, .crash = 1},
    {WORLD(PLAN_INITIAL, 60, 20, 12), .lanes = 3, .name = "lanes-and-a-source-that-goes-back", .restore = 2,
     .crash = 1},
    {WORLD(PLAN_NO_DATA, 40, 12, 12), .lanes = 3, .name = "lanes-without-a-copy", .crash = 1, .lose = 5,
     .alter = 1, .enable = 3},
    {WORLD(PLAN_INITIAL_ONLY, 30, 10, 12), .lanes = 3, .name = "lanes-copy-only", .crash = 1, .lose = 5,
     .alter = 1, .enable = 3},
    {LANES, .name = "lanes-and-a-gap-that-is-copied", .cleanup = 5, .crash = 1, .copies_gone = true},
    {LANES, .name = "lanes-and-tables-copied-anew", .anew = 40, .crash = 1, .lose = 4, .relane = 30},
    {LANES, .name = "lanes-and-tables-that-vanish", .vanish = 2, .enable = 5, .crash = 1},
    {LANES, .name = "lanes-and-copies-on-demand", .ask = 6, .crash = 1, .lose = 3},
    {LANES, .name = "everything-at-once-in-lanes", .relane = 30, .constrain = 2, .left_out = 10, .restore = 1,
     .vanish = 1, .ask = 4, .crash = 1, .lose = 5, .refuse = 3, .stop = 2, .duplicate = 15, .source_fails = 1,
     .alter = 2, .enable = 5, .drop = 5, .cleanup = 1},
    {CALM, .name = "everything-at-once", .left_out = 10, .restore = 1, .vanish = 1, .ask = 4, .crash = 2,
     .lose = 6, .refuse = 4, .stop = 2, .duplicate = 15, .source_fails = 1, .alter = 2, .enable = 5,
     .drop = 5, .cleanup = 1},
};

const SimShape *hazard_at(size_t i) {
    return i < sizeof hazards / sizeof *hazards ? &hazards[i] : NULL;
}

const SimShape *hazard_named(const char *name) {
    for (size_t i = 0; hazard_at(i); i++)
        if (strcmp(hazards[i].name, name) == 0) return &hazards[i];
    return NULL;
}
