/*
 * progress.h - how far a pipeline has come: what the source's capture job has reached, what was read from it,
 * what is committed in the target. Set by the source's and the sink's threads, a few times a second; read by
 * any thread. Every function takes NULL for "nobody asks" and does nothing then.
 *
 * The lag falls into three parts by these marks. Captured is behind the source's commits by what the capture
 * job takes (nobody but the source can tell that), read is behind captured, applied is behind read.
 */
#ifndef OBSERVE_PROGRESS_H
#define OBSERVE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "record/lsn.h"

typedef struct Progress Progress;

typedef struct ProgressMark {
    Lsn lsn;           /* zero = not known yet */
    int64_t commit_us; /* its commit time in the source, µs since 1970 UTC; 0 = unknown */
} ProgressMark;

typedef struct ProgressView {
    ProgressMark captured, read, applied; /* applied: of the lane that is furthest behind */
    int64_t asked_us;                     /* our clock when the source told `captured`; 0 = never */
    int64_t source_us;                    /* the source's clock at the same moment */
    bool is_copying;                      /* a first copy isn't done */
} ProgressView;

enum { PROGRESS_MAX_LANES = 64 };

Progress *progress_new(void);
Progress *progress_free(Progress *p); /* NULL is fine; returns NULL */

/* commit_us 0: unknown, or the LSN set before still stands. */
void progress_captured(Progress *p, ProgressMark mark, int64_t source_us);
void progress_read(Progress *p, ProgressMark mark);
void progress_applied(Progress *p, int lane, ProgressMark mark);
void progress_copying(Progress *p, bool is_copying);

ProgressView progress_view(Progress *p); /* all zero for NULL */
/* How much later `ahead` was committed than `behind`, µs; 0 when they are one, -1 when it isn't known. */
int64_t progress_lag_us(const ProgressMark *ahead, const ProgressMark *behind);

#endif
