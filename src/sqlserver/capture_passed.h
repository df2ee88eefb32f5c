/*
 * capture_passed.h - has the capture job seen everything that was committed before a moment? The captured
 * maximum alone doesn't tell: what was committed just now may not have been scanned. Two things prove it: a
 * captured commit that is later than the moment, or two log scans that ended after it, one behind the other
 * (the second one began after the moment; sys.dm_cdc_log_scan_sessions, which takes VIEW DATABASE STATE). In
 * a quiet database without that grant nothing proves it, and the caller can only wait for longer than the
 * job's interval. Owner thread only.
 */
#ifndef SQLSERVER_CAPTURE_PASSED_H
#define SQLSERVER_CAPTURE_PASSED_H

#include <stdbool.h>

#include "base/err.h"
#include "record/lsn.h"
#include "sqlserver/odbc.h"

enum { CAPTURE_PASSED_TIME = 40 };

typedef struct CapturePassed {
    char moment[CAPTURE_PASSED_TIME]; /* the source's local clock, as text that sorts */
    char scan[CAPTURE_PASSED_TIME];   /* end of the first scan that ended after it; "" = none yet */
    bool knows_scans;                 /* the scans can be seen */
    bool is_passed;
    Lsn max_lsn; /* captured maximum, at the last question; holds all of before the moment once is_passed */
} CapturePassed;

/* The moment is now. Errors, of both: as odbc.h. */
MUST_CHECK bool capture_passed_begin(Odbc *odbc, CapturePassed *p, Err *e);
/* Look once more; sets is_passed, knows_scans and max_lsn. */
MUST_CHECK bool capture_passed_ask(Odbc *odbc, CapturePassed *p, Err *e);

#endif
