#include "sqlserver/capture_passed.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

/* Style 121 is yyyy-mm-dd hh:mi:ss.mmm. Commit times and scan times are datetime (1/300 s), so the moment is
 * put a little later: never too early. */
static const char NOW_SQL[] = "SELECT CONVERT(varchar(23), DATEADD(millisecond, 10, GETDATE()), 121)";
static const char MAX_SQL[] =
    "SELECT TOP (1) start_lsn, CONVERT(varchar(23), tran_end_time, 121) FROM cdc.lsn_time_mapping "
    "ORDER BY start_lsn DESC";
static const char SCAN_SQL[] = "SELECT CONVERT(varchar(23), MAX(end_time), 121) FROM "
                               "sys.dm_cdc_log_scan_sessions WHERE session_id > 0";

static void keep(char out[static CAPTURE_PASSED_TIME], Str text) {
    (void)snprintf(out, CAPTURE_PASSED_TIME, "" STR_FMT "", STR_ARG(text));
}

bool capture_passed_begin(Odbc *odbc, CapturePassed *p, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    bool is_null;
    Str now;
    *p = (CapturePassed){.knows_scans = true};
    if (!odbc_scalar(odbc, &arena, NOW_SQL, NULL, 0, &now, &is_null, e))
        return err_wrap(e, "asking for the server's clock");
    keep(p->moment, now);
    return true;
}

/* A scan that ended after the moment may have begun before it; the next one hasn't. */
static void note_scan(CapturePassed *p, Str end) {
    char text[CAPTURE_PASSED_TIME];
    keep(text, end);
    if (strcmp(text, p->moment) <= 0) return;
    if (p->scan[0] && strcmp(text, p->scan) > 0) p->is_passed = true;
    if (!p->scan[0]) keep(p->scan, end);
}

bool capture_passed_ask(Odbc *odbc, CapturePassed *p, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    OdbcCells max, scan;
    Err refused = {0};
    /* the scans first: what they have captured is then in the maximum */
    p->knows_scans = odbc_cells(odbc, &arena, SCAN_SQL, NULL, 0, &scan, &refused) && scan.rows > 0 &&
                     odbc_cell(&scan, 0, 0).p != NULL;
    if (p->knows_scans) note_scan(p, odbc_cell(&scan, 0, 0));
    else if (refused.code == ERR_IO && refused.retriable) return (*e = refused, false);
    if (!odbc_cells(odbc, &arena, MAX_SQL, NULL, 0, &max, e))
        return err_wrap(e, "asking how far the capture job has come");
    if (max.rows == 0) return true;
    char committed[CAPTURE_PASSED_TIME];
    p->max_lsn = odbc_cell_lsn(&max, 0, 0);
    keep(committed, odbc_cell(&max, 0, 1));
    if (strcmp(committed, p->moment) > 0) p->is_passed = true;
    return true;
}
