/*
 * capture_lag.h - what SQL Server itself tells of its capture job: how far it has come, and how long after
 * its commit the last scanned transaction was captured. For people who look; the run doesn't ask. Owner
 * thread only.
 */
#ifndef SQLSERVER_CAPTURE_LAG_H
#define SQLSERVER_CAPTURE_LAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "record/lsn.h"
#include "sqlserver/odbc.h"

typedef struct CaptureLag {
    Lsn max_lsn;        /* captured maximum; zero = nothing was captured yet */
    int64_t max_age_us; /* how long ago it was committed, by the source's clock; -1 = nothing yet */
    int64_t now_us;     /* the source's clock, UTC */
    bool has_scan;      /* the rest is known: it takes VIEW DATABASE STATE, and a scan that found something */
    int64_t scan_latency_s; /* commit to capture, of that scan's last transaction
                               (sys.dm_cdc_log_scan_sessions) */
    int64_t scan_age_s;     /* since the newest scan's end, empty ones too */
} CaptureLag;

/* Errors: as odbc.h. */
MUST_CHECK bool capture_lag_ask(Odbc *odbc, CaptureLag *ret, Err *e);
/* How long ago the first transaction that is captured behind `after` was committed; -1 = there is none. */
MUST_CHECK bool capture_lag_behind(Odbc *odbc, const Lsn *after, int64_t *ret_us, Err *e);

#endif
