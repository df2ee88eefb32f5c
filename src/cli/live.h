/*
 * live.h - what a running pipeline looks like: a screen for a terminal, a line for a log, a JSON object for a
 * program. live_sample reads the metrics once; the three writers only format, so that they can be tested. One
 * thread.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "observe/metrics.h"

typedef struct LiveTable {
    Str name;                           /* "dbo.orders"; borrowed from the metrics */
    int64_t copied, changes;            /* rows written by the snapshot, changes applied */
    int64_t expected;                   /* rows the table is thought to have; -1 = unknown */
    double copied_per_s, changes_per_s; /* since the sample before */
} LiveTable;

typedef struct Live {
    int64_t at_us;      /* monotonic */
    int64_t started_us; /* monotonic, of the first sample */
    int64_t wall_us;
    LiveTable *tables; /* owned */
    size_t table_count;
    int64_t copied, changes, transactions;
    double copied_per_s, changes_per_s;
    int64_t lag_us; /* captured but not yet written, by commit times; of a sink of topics the age of the
                     * oldest change that waits; -1 = not known yet */
    int64_t lag_capture_us, lag_read_us,
        lag_apply_us;               /* worker/pulse.h's, a second old at most; -1 likewise */
    int64_t p50_us, p95_us, p99_us; /* commit in SQL Server to commit in PostgreSQL; 0 = no change yet */
    int64_t latency_count;
    int64_t queue_bytes;
    int64_t rss_bytes, peak_rss_bytes;
} Live;

void live_done(Live *l);
/* Take a sample into *l, which holds the sample before it (or {0}), for the rates. */
void live_sample(Live *l, const Metrics *metrics);

typedef struct LiveTitle {
    const char *pipeline, *state, *why; /* why may be empty */
    const char *database;               /* one of several of the pipeline; NULL = its only one */
} LiveTitle;

/* A whole screen for a terminal of that width, of one pipeline or several, one below the other: moves to its
 * top left, clears what stood there. */
void live_screen(const Live *l, const LiveTitle *titles, size_t count, int columns, Buf *out);
/* One line for people who read a log. */
void live_line(const Live *l, const LiveTitle *title, Buf *out);
/* One JSON object, one line. */
void live_json(const Live *l, const LiveTitle *title, const char *event, Buf *out);

/* "1,234,567" */
void live_number(int64_t n, Buf *out);
/* "830 µs", "12.5 ms", "3.2 s" */
void live_duration(int64_t us, Buf *out);

#endif
