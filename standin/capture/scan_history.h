/*
 * scan_history.h - what the dynamic management views remember of log scans since the server's start: the last
 * scans of sys.dm_cdc_log_scan_sessions with their totals, and the errors of sys.dm_cdc_errors. Any thread; a
 * lock inside.
 */
#ifndef STANDIN_CAPTURE_SCAN_HISTORY_H
#define STANDIN_CAPTURE_SCAN_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "standin/capture/lsn10.h"

enum {
    SCAN_HISTORY_SESSIONS = 32,
    SCAN_HISTORY_MESSAGE_SIZE = 512,
    SCAN_HISTORY_AGGREGATE = 0,
    SCAN_HISTORY_ERRORS_A_SESSION = 5, /* the cause and what fails because of it */
    SCAN_HISTORY_ERRORS = SCAN_HISTORY_SESSIONS * SCAN_HISTORY_ERRORS_A_SESSION,
};

/* How far a scan has come, by the numbers of sys.dm_cdc_log_scan_sessions. */
typedef enum ScanPhase {
    SCAN_PHASE_CONFIGURATION = 1,
    SCAN_PHASE_FIRST = 2,
    SCAN_PHASE_SECOND = 4,
    SCAN_PHASE_SCHEMA = 6,
    SCAN_PHASE_LAST = 7,
    SCAN_PHASE_DONE = 8,
} ScanPhase;

typedef struct ScanRecord {
    int32_t session_id; /* 1, 2, …; SCAN_HISTORY_AGGREGATE: the sum since the start */
    int32_t database_id;
    ScanPhase phase;
    int64_t start_us, end_us; /* µs since 1970 UTC; of consecutive empty scans: the first's, the last's;
                                 end_us 0: it goes on */
    uint64_t transactions, log_records, commands;
    uint32_t schema_changes, errors, empty_scans, failed_sessions;
    Lsn10 first_lsn, current_lsn; /* the scan's range in the log; zero: nothing was read */
    Lsn10 last_commit_lsn;        /* of all that was read */
    int64_t last_commit_us;
    /* Of transactions with change rows. */
    Lsn10 first_begin_cdc_lsn, last_commit_cdc_lsn;
    int64_t last_commit_cdc_us;
    int64_t latency_s; /* of the aggregate: the last that wasn't 0 */
    int64_t duration_s;
} ScanRecord;

typedef struct ScanError {
    int32_t session_id; /* 0: outside a scan */
    int32_t database_id;
    ScanPhase phase;
    int64_t at_us;
    int32_t number;
    uint8_t class_, state;
    char text[SCAN_HISTORY_MESSAGE_SIZE];
    Lsn10 start_lsn, begin_lsn, seqval; /* of the transaction that was being read, and of its change */
} ScanError;

typedef struct ScanHistory ScanHistory;

ScanHistory *scan_history_new(void);
ScanHistory *scan_history_free(ScanHistory *h); /* returns NULL */
/* A scan has ended; its session_id is given here and returned. An empty scan after an empty one of the same
 * database shares its record. */
int32_t scan_history_add(ScanHistory *h, const ScanRecord *scan);
/* A scan goes on: it is shown, with the id it will get, until scan_history_add ends it. */
void scan_history_set_active(ScanHistory *h, const ScanRecord *scan);
void scan_history_add_error(ScanHistory *h, const ScanError *error);
/* The database is dropped: another one may get its id. */
void scan_history_forget(ScanHistory *h, int32_t database_id);
/* Copy what there is of a database: the aggregate first, then scans from old to new, then the one that goes
 * on. Room for SCAN_HISTORY_SESSIONS + 2; returns how many. */
size_t scan_history_scans(ScanHistory *h, int32_t database_id, ScanRecord *ret);
/* Likewise errors, from old to new; room for SCAN_HISTORY_ERRORS. */
size_t scan_history_errors(ScanHistory *h, int32_t database_id, ScanError *ret);

#endif
