/*
 * status_view.h - what `millrace status` shows of a StatusList: text for people, JSON for programs, and
 * whether all is well. Only formats and judges; any thread.
 *
 * Lag, by commit times of the source: read is what is captured but not read, apply what is read but not in
 * the target. What isn't captured yet only the source can tell: asked (StatusSource), the capture job says
 * how long its last scan with changes took; unasked there is an upper bound, the age of the newest captured
 * commit when the pipeline last looked, which in a quiet database only tells how long ago something was
 * committed.
 */
#ifndef CLI_STATUS_VIEW_H
#define CLI_STATUS_VIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"
#include "postgres/status_store.h"
#include "sqlserver/capture_lag.h"

/* What the source itself said just now. */
typedef struct StatusSource {
    bool was_asked;
    char why[ERR_MSG_SIZE]; /* it couldn't tell; "" = it did */
    CaptureLag lag;
} StatusSource;

typedef struct StatusLag {
    int64_t capture_us, read_us, apply_us; /* -1 = unknown */
} StatusLag;

StatusLag status_view_lag(const StatusPipeline *p);
/* "streaming", "stale", …: what is stored, or "stale" where nobody keeps it up. */
const char *status_view_state(const StatusPipeline *p);
/* At work, paused or stopped on purpose: not failed, not waiting after a failure, not stale. */
bool status_view_is_healthy(const StatusPipeline *p);

/* eol: what ends a line ("\n"; on a screen that is drawn over, with the code that clears its rest). source
 * may be NULL. */
void status_view_text(const StatusList *l, const StatusSource *source, const char *eol, Buf *out);
/* The source's own word alone: a line (nothing where it wasn't asked), and an object. */
void status_view_source(const StatusSource *s, const char *eol, Buf *out);
json_t *status_view_source_json(const StatusSource *s);
/* One object, one line. */
void status_view_json(const StatusList *l, const StatusSource *source, Buf *out);

#endif
