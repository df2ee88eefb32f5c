/*
 * capture.h - the log scan: reads committed transactions from the log and writes change rows and
 * lsn_time_mapping rows, as sp_cdc_scan and the capture jobs have it done. One for the server; any thread,
 * one scan at a time.
 */
#ifndef STANDIN_CAPTURE_CAPTURE_H
#define STANDIN_CAPTURE_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/capture/scan_history.h"
#include "standin/exec/server.h"

typedef struct Capture Capture;

/* Error of a scan that others' schema changes keep from going on: nothing was done, try again. */
enum { CAPTURE_BLOCKED = 1222 };

typedef struct CaptureLimits {
    int32_t max_transactions; /* a scan, that is one transaction of the capture's own */
    int32_t max_scans;        /* a run */
    int64_t lag_ms;           /* transactions younger than this aren't seen yet; 0 = none */
    int64_t idle_ms;          /* after so long without one, an empty lsn_time_mapping row is made */
} CaptureLimits;

/* Errors: as session_open_internal. */
MUST_CHECK bool capture_new(Server *server, ScanHistory *history, Capture **ret, Err *e);
Capture *capture_free(Capture *c); /* no scan runs; returns NULL */

/* Scan a database's log until its end or the limits. spid: whose scan, for error 22903, which is raised when
 * another one is still running after wait_ms. *ret_more: the limits ended it. An error is in the history too,
 * and nothing of the scan that met it is kept. */
MUST_CHECK bool capture_run(Capture *c, int32_t database_id, const CaptureLimits *limits, int spid,
                            int64_t wait_ms, bool *ret_more, SqlError *e);
/* For the capture job: what it adds to sys.dm_cdc_errors when its scan has failed. */
void capture_note_job_failure(Capture *c, int32_t database_id);
/* Wait until no scan is running. */
void capture_settle(Capture *c);
/* A database is dropped: forget how far it was read. Waits for a scan. */
MUST_CHECK bool capture_forget(Capture *c, int32_t database_id, SqlError *e);
/* Forget positions of databases that have no CDC any more, so that the log can be cut. */
void capture_forget_disabled(Capture *c);

#endif
