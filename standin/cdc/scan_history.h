/*
 * scan_history.h - what the dynamic management views remember of log scans since the server's start: the last
 * scans of sys.dm_cdc_log_scan_sessions with their totals, and the errors of sys.dm_cdc_errors. Any thread; a
 * lock inside.
 */
#ifndef STANDIN_CDC_SCAN_HISTORY_H
#define STANDIN_CDC_SCAN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/cdc/lsn10.h"

enum { SCAN_HISTORY_SESSIONS = 32, SCAN_HISTORY_MESSAGE_SIZE = 512, SCAN_HISTORY_AGGREGATE = 0 };

typedef struct ScanRecord {
    int32_t session_id; /* 1, 2, …; SCAN_HISTORY_AGGREGATE: the sum since the start */
    int32_t database_id;
    int64_t start_us, end_us; /* µs since 1970 UTC; of consecutive empty scans: the first's, the last's */
    uint64_t transactions, log_records, commands;
    uint32_t schema_changes, errors, empty_scans, failed_sessions;
    Lsn10 first_lsn, current_lsn; /* the scan's range in the log; zero: nothing was read */
    Lsn10 last_commit_lsn;
    int64_t last_commit_us;
    Lsn10 first_begin_lsn; /* of transactions with change rows */
} ScanRecord;

typedef struct ScanError {
    int32_t session_id, database_id;
    int64_t at_us;
    int32_t number;
    uint8_t class_, state;
    char text[SCAN_HISTORY_MESSAGE_SIZE];
    Lsn10 lsn; /* of the transaction being read */
} ScanError;

typedef struct ScanHistory ScanHistory;

ScanHistory *scan_history_new(void);
ScanHistory *scan_history_free(ScanHistory *h); /* returns NULL */
/* A scan has ended; its session_id is given here and returned. An empty scan after an empty one of the same
 * database shares its record. */
int32_t scan_history_add(ScanHistory *h, const ScanRecord *scan);
void scan_history_add_error(ScanHistory *h, const ScanError *error);
/* Copy what there is of a database: the aggregate first, then scans from old to new. Room for
 * SCAN_HISTORY_SESSIONS + 1; returns how many. */
size_t scan_history_scans(ScanHistory *h, int32_t database_id, ScanRecord *ret);
/* Likewise errors, from old to new; room for SCAN_HISTORY_SESSIONS. */
size_t scan_history_errors(ScanHistory *h, int32_t database_id, ScanError *ret);

#endif
