#include "sqlserver/capture_lag.h"

#include "base/mem.h"

/* tran_end_time is the server's local time, as SYSDATETIME() is. */
static const char MAX_SQL[] =
    "SELECT TOP (1) start_lsn, DATEDIFF_BIG(microsecond, tran_end_time, SYSDATETIME()) "
    "FROM cdc.lsn_time_mapping ORDER BY start_lsn DESC";
/* A row without a transaction is the capture job's sign of life. */
static const char BEHIND_SQL[] =
    "SELECT TOP (1) DATEDIFF_BIG(microsecond, tran_end_time, SYSDATETIME()) FROM cdc.lsn_time_mapping "
    "WHERE start_lsn > CAST(? AS binary(10)) AND tran_id <> 0x00 ORDER BY start_lsn";
static const char CLOCK_SQL[] = "SELECT DATEDIFF_BIG(microsecond, '19700101', SYSUTCDATETIME())";
/* Session 0 is the sum of all. */
static const char SCAN_SQL[] = "SELECT (SELECT TOP (1) latency FROM sys.dm_cdc_log_scan_sessions WHERE "
                               "session_id > 0 AND tran_count > 0 "
                               "ORDER BY session_id DESC), "
                               "(SELECT DATEDIFF(second, MAX(end_time), GETDATE()) FROM "
                               "sys.dm_cdc_log_scan_sessions WHERE session_id > 0)";

bool capture_lag_ask(Odbc *odbc, CaptureLag *ret, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    OdbcCells max, clock, scan;
    Err ignored;
    if (!odbc_cells(odbc, &arena, CLOCK_SQL, NULL, 0, &clock, e) ||
        !odbc_cells(odbc, &arena, MAX_SQL, NULL, 0, &max, e))
        return err_wrap(e, "asking how far the capture job has come");
    CaptureLag lag = {.max_age_us = -1};
    if (clock.rows) lag.now_us = odbc_cell_int(&clock, 0, 0, 0);
    if (max.rows) {
        lag.max_lsn = odbc_cell_lsn(&max, 0, 0);
        lag.max_age_us = odbc_cell_int(&max, 0, 1, -1);
        if (lag.max_age_us < 0) lag.max_age_us = 0; /* datetime rounds to 1/300 s */
    }
    if (odbc_cells(odbc, &arena, SCAN_SQL, NULL, 0, &scan, &ignored) && scan.rows) {
        lag.scan_latency_s = odbc_cell_int(&scan, 0, 0, -1);
        lag.scan_age_s = odbc_cell_int(&scan, 0, 1, -1);
        lag.has_scan = lag.scan_latency_s >= 0;
    }
    *ret = lag;
    return true;
}

bool capture_lag_behind(Odbc *odbc, const Lsn *after, int64_t *ret_us, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    OdbcParam params[] = {odbc_bytes(after->b, LSN_BYTES)};
    OdbcCells t;
    if (!odbc_cells(odbc, &arena, BEHIND_SQL, params, 1, &t, e))
        return err_wrap(e, "asking what was captured since");
    *ret_us = t.rows ? odbc_cell_int(&t, 0, 0, -1) : -1;
    if (t.rows && *ret_us < 0) *ret_us = 0; /* datetime rounds to 1/300 s */
    return true;
}
