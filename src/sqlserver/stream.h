/*
 * stream.h - a window of changes to batches: which instances have any, their pages, merged by position, cut
 * at source transactions. Owner thread only (the source's).
 */
#ifndef SQLSERVER_STREAM_H
#define SQLSERVER_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "observe/metrics.h"
#include "pipeline/plan.h"
#include "record/batch.h"
#include "sqlserver/catalog.h"
#include "sqlserver/change_page.h"
#include "sqlserver/odbc.h"
#include "sqlserver/reading.h"

typedef struct Stream Stream;

typedef struct StreamLimits {
    size_t max_changes; /* of a batch */
    size_t max_bytes;   /* of a batch */
    size_t page_bytes;  /* of all pages being merged */
    ChangeHow how;
    bool skips_unchanged; /* updates that changed none of the columns that are read */
    Metrics *metrics;     /* borrowed: what was wrong with rows is counted there */
} StreamLimits;

Stream *stream_new(const StreamLimits *limits);
Stream *stream_free(Stream *s); /* NULL is fine; returns NULL */

/* Begin the window of a PLAN_WINDOW action. plan, catalog and reading are borrowed until it is done; the
 * reading gives commit times. Errors: as odbc.h; those of plan_check_page. */
MUST_CHECK bool stream_begin(Stream *s, Odbc *odbc, const Plan *plan, const Catalog *catalog,
                             const Reading *reading, const PlanAction *window, Err *e);
/*
 * The window's next batch, moved to the caller. *ret_is_done: it is the last one, which ends at the window's
 * `to`. Batches end at ends of source transactions; one that alone is over the limits goes over several.
 * Errors: as stream_begin; rowset.h's of a row.
 */
MUST_CHECK bool stream_next(Stream *s, Batch **ret, bool *ret_is_done, Err *e);
/* Forget readers of instances that are no longer in the catalog, and the window. */
void stream_reset(Stream *s);

#endif
