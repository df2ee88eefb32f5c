/*
 * report.h - what a pipeline tells of itself to those who look at the target only (`millrace status`): plain
 * data, borrowed during the call that takes it.
 */
#ifndef CONNECTOR_REPORT_H
#define CONNECTOR_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "observe/progress.h"

/* Of one table, since the process began. */
typedef struct ReportTable {
    Str name; /* "dbo.orders", as the source has it */
    int64_t inserts, updates, deletes;
    int64_t expected;       /* rows when its copy began, about; -1 = unknown */
    int64_t last_change_us; /* commit time in the source; 0 = none yet */
} ReportTable;

typedef struct Report {
    const char *owner; /* of the process (Ownership); "" = it has never owned the pipeline */
    const char *state; /* "starting", "copying", "streaming", "waiting", "stopping", "stopped", "failed", … */
    const char *why;   /* of waiting and failed; "" = no reason to tell */
    int64_t started_us; /* wall clock, of the process */
    ProgressView progress;
    const ReportTable *tables;
    size_t table_count;
} Report;

typedef struct Reporter Reporter; /* a sink's: where reports are kept */

#endif
