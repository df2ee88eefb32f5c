/*
 * reading.h - one look at how far the capture job has come: a single round trip of four results, in the order
 * in which plan.h wants them (max LSN first, instances after it). Owner thread only.
 */
#ifndef SQLSERVER_READING_H
#define SQLSERVER_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "record/lsn.h"
#include "sqlserver/odbc.h"

/* A transaction's commit, of cdc.lsn_time_mapping. */
typedef struct CommitTime {
    Lsn lsn;
    int64_t us; /* µs since 1970 UTC, by the source's clock and its present offset */
} CommitTime;

typedef struct InstanceStart {
    int32_t object_id;
    Lsn start_lsn; /* zero = not reached by the capture job yet */
} InstanceStart;

/* {0} is an empty one; arrays are kept for the next reading. */
typedef struct Reading {
    Lsn max_lsn;            /* sys.fn_cdc_get_max_lsn(); zero = none yet */
    int64_t now_us;         /* the source's clock, UTC */
    int32_t offset_minutes; /* of its local time, now */
    CommitTime *commits;    /* owned: after the position asked from, up to max_lsn, in order */
    size_t commit_count, commit_cap;
    bool is_full;             /* as many commits as asked for: there may be more */
    InstanceStart *instances; /* owned: all of cdc.change_tables, by object_id */
    size_t instance_count, instance_cap;
    Lsn ddl_lsn; /* newest of cdc.ddl_history */
} Reading;

/* At most `most` commits (> 0) with an LSN above `above`. Errors: as odbc.h. On failure the reading is void.
 */
MUST_CHECK bool reading_take(Reading *r, Odbc *odbc, const Lsn *above, int64_t most, Err *e);
void reading_done(Reading *r);                                              /* {0} again */
const InstanceStart *reading_instance(const Reading *r, int32_t object_id); /* or NULL */
/* start_lsn of an instance, zero when it isn't there. */
Lsn reading_start(const Reading *r, int32_t object_id);
/* The commit time at lsn, 0 when unknown. *at is a hint that moves up: start at 0, ask in order. */
int64_t reading_commit_us(const Reading *r, const Lsn *lsn, size_t *at);

/* The commit time of a captured LSN, 0 when it isn't known. offset_minutes: of the server's local time. */
MUST_CHECK bool reading_time_of(Odbc *odbc, const Lsn *lsn, int32_t offset_minutes, int64_t *ret_us, Err *e);
/* The source's clock, UTC µs. */
MUST_CHECK bool reading_clock(Odbc *odbc, int64_t *ret_us, Err *e);
/* sys.fn_cdc_get_max_lsn(); zero when there is none yet. */
MUST_CHECK bool reading_max_lsn(Odbc *odbc, Lsn *ret, Err *e);

#endif
