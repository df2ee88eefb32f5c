/* capture_internal.h - the inside of the log scan, shared by capture.c, capture_scan.c and capture_ddl.c. */
#ifndef STANDIN_CAPTURE_CAPTURE_INTERNAL_H
#define STANDIN_CAPTURE_CAPTURE_INTERNAL_H

#include <pthread.h>

#include "standin/capture/capture.h"
#include "standin/capture/change_writer.h"
#include "standin/capture/instance_cache.h"

/* How far a database's log has been captured. */
typedef struct CapturePosition {
    int32_t database_id;
    LogLsn mark;             /* commit LSN of the last transaction done with */
    int64_t last_mapping_us; /* when its lsn_time_mapping last got a row; 0: not known yet */
    bool has_mapping;        /* there is a row */
    bool has_schema_work;    /* capture_finish_ddl is still to be done: nothing is read before */
} CapturePosition;

struct Capture {
    Server *server;
    Store *store;
    Catalog *catalog;
    Log *log;
    ScanHistory *history;
    Session *session;   /* of the server itself: schema changes of change tables go through it */
    struct sqlite3 *db; /* the session's connection */
    StmtCache *statements;
    LogReader *reader;
    InstanceCache *instances;
    ChangeWriter **writers; /* one a change table, kept from scan to scan */
    size_t writer_count;
    CapturePosition *positions; /* one a database */
    size_t position_count;
    pthread_mutex_t mutex; /* held by who scans */
    pthread_cond_t idle;
    bool is_busy;
    int spid; /* of who scans */
};

typedef struct CaptureTarget { /* an instance of the scanned database */
    const Instance *instance;
    ChangeWriter *writer; /* NULL until the first change */
    bool is_active;       /* its beginning is behind */
    bool has_begun;       /* the transaction has rows of it */
    bool needs_types;     /* an ALTER COLUMN was met */
    bool is_dropped;      /* the source table was */
} CaptureTarget;

typedef struct CaptureScan { /* one batch: one SQLite transaction */
    Capture *c;
    const CaptureLimits *limits;
    CapturePosition at;     /* what the position will be */
    const InstanceSet *set; /* the cache's; NULL before it was read */
    CaptureTarget *targets; /* as many as set->count */
    const Table *mapping;   /* cdc.lsn_time_mapping */
    const Table *history;   /* cdc.ddl_history */
    const Table *changes;   /* cdc.change_tables */
    const LogTransaction *txn;
    bool reads_foreign;   /* other databases have CDC too: their transactions may hold our changes */
    int32_t commands;     /* of the transaction so far */
    bool needs_mapping;   /* the transaction gets a mapping row though it has no change rows */
    bool has_schema_work; /* targets have something for capture_finish_ddl: end the batch */
    bool reached_end;
    /* Where it is, for what is told of an error. */
    LogLsn begin_lsn, seqval; /* of the transaction, of the change being written */
    int32_t failed_wrapper;   /* the message that goes on from the error of this place; 0 = none */
    int32_t failed_change_table, failed_column; /* whose ALTER failed, ids; 0 = none */
    int64_t mapping_rows, history_rows;         /* written by the batch */
    ScanRecord record;
} CaptureScan;

/* capture_scan.c: a target for each instance of the set; then read and write one batch, inside the store's
 * write transaction. */
void capture_set_targets(CaptureScan *s);
MUST_CHECK bool capture_scan(CaptureScan *s, SqlError *e);
/* Add a row to lsn_time_mapping; id 0: an entry without changes. */
MUST_CHECK bool capture_add_mapping(CaptureScan *s, const LogTransaction *t, SqlError *e);

/* capture_ddl.c: a DDL record of the log, inside the write transaction; then, after it, what needs a session.
 */
MUST_CHECK bool capture_see_ddl(CaptureScan *s, const LogChange *change, SqlError *e);
MUST_CHECK bool capture_finish_ddl(CaptureScan *s, SqlError *e);
/* Find out again what that is, from the tables as they are. The catalog is pinned. */
MUST_CHECK bool capture_find_schema_work(CaptureScan *s, SqlError *e);

#endif
