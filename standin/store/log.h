/*
 * log.h - the transaction log of the tables that CDC tracks: what the capture job reads.
 *
 * Positions (LogLsn) come from one counter of the server: a change takes its own when it is written (the
 * later
 * __$seqval), a transaction takes a later one when it commits (the later __$start_lsn). Commits are in the
 * log in the order of their commit LSNs, and a transaction is visible in the log exactly when its rows are
 * visible in its tables: both are one SQLite commit. A restart of the server begins a new virtual log file,
 * so positions go on upwards without the counter being written.
 *
 * A change carries whole row images; a layout says which column_id each value of an image belongs to, as the
 * table was when the change was written. An update of a column of a unique or clustered index is a delete and
 * an insert with the same position.
 *
 * Thread rule: log_take_lsn by any thread; a LogWriter belongs to one session; a LogReader to one thread with
 * a connection of its own.
 */
#ifndef STANDIN_STORE_LOG_H
#define STANDIN_STORE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/store/catalog.h"
#include "standin/store/sql_error.h"
#include "standin/types/value.h"

struct sqlite3;
typedef struct Log Log;

enum { LOG_LSN_BYTES = 10 };
typedef struct LogLsn {
    uint8_t b[LOG_LSN_BYTES]; /* big-endian: virtual log file 4, block 4, slot 2 */
} LogLsn;

int log_lsn_cmp(const LogLsn *a, const LogLsn *b);
LogLsn log_take_lsn(Log *l); /* the next position, larger than all before; any thread */

typedef enum LogOp { LOG_INSERT, LOG_DELETE, LOG_UPDATE, LOG_DDL } LogOp;

typedef struct LogLayout {
    int32_t object_id;
    const int32_t *column_ids;
    const Type *types;
    size_t count;
} LogLayout;

typedef struct LogChange {
    LogLsn seqval;
    LogOp op;
    int32_t object_id;
    int32_t command_id;      /* of the statement within its transaction: 1, 2, … */
    const LogLayout *layout; /* of before and after; NULL for LOG_DDL */
    const Value *before;     /* LOG_DELETE, LOG_UPDATE */
    const Value *after;      /* LOG_INSERT, LOG_UPDATE */
    /* LOG_DDL: the statement's text (for ddl_history); the column whose type changes, 0 = none; the table is
     * gone. */
    Str ddl;
    int32_t ddl_altered_column;
    bool ddl_is_drop;
} LogChange;

typedef struct LogTransaction {
    LogLsn begin_lsn, commit_lsn;
    int64_t begin_us, commit_us; /* wall clock, µs since 1970 UTC */
    uint64_t id;                 /* the server's transaction number: tran_id of lsn_time_mapping */
    int32_t database_id;         /* of the first change */
    uint64_t change_count;
} LogTransaction;

/* ---- reading. Everything returned is borrowed until the next call on the reader. */
typedef struct LogReader LogReader;
LogReader *log_reader_new(Log *l, struct sqlite3 *db); /* db: borrowed, the reader's thread only */
LogReader *log_reader_free(LogReader *r);              /* returns NULL */
/* The first committed transaction after *after; false: there is none (or, *e filled with number != 0, SQLite
 * failed). Skips what is left of the one before. */
bool log_reader_next_transaction(LogReader *r, const LogLsn *after, LogTransaction *ret, SqlError *e);
/* Its next change in the order of writing; false at its end (or failure, likewise). */
bool log_reader_next_change(LogReader *r, LogChange *ret, SqlError *e);
/* Forget transactions up to and with this commit LSN. Call inside the SQLite write transaction that holds
 * what was made of them, so that capture is exact over a crash. */
MUST_CHECK bool log_trim(Log *l, struct sqlite3 *db, const LogLsn *upto, SqlError *e);
/* Transactions waiting to be read: an estimate, any thread. */
uint64_t log_backlog(const Log *l);
/* Wait until something was committed that *seen (the caller's, 0 at first) hasn't counted, or timeout; any
 * thread. True: something came. */
bool log_wait(Log *l, uint64_t *seen, int64_t timeout_ms);
void log_wake(Log *l); /* wakes all waiters, e.g. to stop them */

/* ---- writing (txn.c). A LogWriter gathers one transaction's changes, in memory up to a bound, then in a
 * file without a name. */
typedef struct LogWriter LogWriter;
LogWriter *logwriter_new(Log *l);
LogWriter *logwriter_free(LogWriter *w);
/* Values are in table column order, computed columns that aren't stored NULL. */
bool logwriter_add(LogWriter *w, const Table *t, LogOp op, const LogLsn *seqval, int32_t command_id,
                   const Value *before, const Value *after, SqlError *e);
bool logwriter_add_ddl(LogWriter *w, const Table *t, Str text, int32_t altered_column, bool is_drop,
                       SqlError *e);
typedef struct LogMark { /* {0}: the transaction's beginning */
    uint64_t bytes, changes;
} LogMark;
LogMark logwriter_mark(const LogWriter *w);
void logwriter_rollback(LogWriter *w, LogMark mark);
bool logwriter_is_empty(const LogWriter *w);
/* Write the gathered changes as one transaction into db's open SQLite write transaction. */
MUST_CHECK bool logwriter_commit(LogWriter *w, struct sqlite3 *db, const LogTransaction *txn, SqlError *e);

/* ---- life (store.h) */
MUST_CHECK bool log_open(struct sqlite3 *db, Log **ret, SqlError *e);
Log *log_close(Log *l);
/* To be called after the SQLite commit that carried a transaction of the log. */
void log_committed(Log *l);

#endif
