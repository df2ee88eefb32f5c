/*
 * txn.h - one session's transaction: its write sets, locks, savepoints, isolation and place in the log.
 *
 * Explicit transactions write to a write set, per table an overlay (overlay.c). The session reads base minus
 * overlay plus overlay (txn_source_sql); all others go on reading the base, unless they ask for more. COMMIT
 * applies the overlays and the gathered log records in one SQLite write transaction. A single autocommitted
 * statement writes to the base directly, inside one SQLite write transaction. Either way the writer mutex is
 * held while a statement changes rows, so that base tables stand still under it; it is let go whenever the
 * statement has to wait for a lock, and then the statement starts over:
 *
 *     do {
 *         ok = txn_write_begin(...) && <read rows, change them by row_writer.h> && txn_write_end(...);
 *     } while (!ok && txn_must_retry(txn, e));
 *
 * Owner thread only. Errors are SQL Server's; after 1205 and 3960 the caller rolls everything back.
 */
#ifndef STANDIN_STORE_TXN_H
#define STANDIN_STORE_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "standin/store/schema_undo.h"
#include "standin/store/sql_error.h"
#include "standin/store/stmt_cache.h"
#include "standin/store/store.h"

typedef struct Txn Txn;

typedef enum TxnIsolation { /* numbers as in [MS-TDS] and sys.dm_exec_sessions */
                            TXN_READ_UNCOMMITTED = 1,
                            TXN_READ_COMMITTED = 2,
                            TXN_REPEATABLE_READ = 3,
                            TXN_SERIALIZABLE = 4,
                            TXN_SNAPSHOT = 5,
} TxnIsolation;

typedef enum TxnMode {
    TXN_DIRECT,  /* the statement writes to the base, in an SQLite write transaction of its own */
    TXN_OVERLAY, /* it writes to the write set */
    TXN_LOCAL, /* it writes to a table of the session alone (table variable; #table outside a transaction) */
} TxnMode;

Txn *txn_new(Store *st, struct sqlite3 *db, int spid);
Txn *txn_free(Txn *t); /* rolls back; returns NULL */
Store *txn_store(Txn *t);
struct sqlite3 *txn_db(Txn *t);
StmtCache *txn_statements(Txn *t);

/* ---- the transaction */
int txn_count(const Txn *t);           /* @@TRANCOUNT */
uint64_t txn_descriptor(const Txn *t); /* 0 = none */
Str txn_name(const Txn *t);            /* of the outermost; "user_transaction" where none was given */
bool txn_is_doomed(const Txn *t);      /* XACT_STATE() = -1: only ROLLBACK is allowed */
void txn_doom(Txn *t);                 /* nothing outside a transaction */
TxnIsolation txn_isolation(const Txn *t);
void txn_set_isolation(Txn *t, TxnIsolation level);
int64_t txn_lock_timeout_ms(const Txn *t); /* -1 = for ever */
void txn_set_lock_timeout_ms(Txn *t, int64_t ms);
void txn_set_cancel(Txn *t, bool (*is_cancelled)(void *arg), void *arg); /* asked while waiting */
bool txn_is_undoing(const Txn *t); /* a rollback runs, which isn't to be interrupted */

void txn_begin(Txn *t, Str name); /* counts up when one is open */
/* Counts down; at 0 the work is applied. On failure all is rolled back (count 0) and *e says why. 3902, 3930.
 */
MUST_CHECK bool txn_commit(Txn *t, SqlError *e);
/* To a savepoint (name) or, with an empty name or the outermost transaction's, all of it. 6401, 3903. */
MUST_CHECK bool txn_rollback(Txn *t, Str name, SqlError *e);
MUST_CHECK bool txn_save(Txn *t, Str name, SqlError *e); /* 628 outside a transaction */
void txn_rollback_all(Txn *t);                           /* whatever is open; count 0 */

/* What becomes of a schema change: undo, newest first, when the transaction or its savepoint is rolled back;
 * keep when it commits, outside a transaction at once. Either may be NULL; exactly one is called, and it
 * frees arg. */
typedef void TxnEnd(void *arg);
void txn_on_end(Txn *t, TxnEnd *undo, TxnEnd *keep, void *arg);

/* A note of what a schema change replaces (schema_undo.h), in db's write transaction that makes it, before it
 * is made: for a start of the server that finds the transaction open. *ret_note: 0 outside a transaction. */
MUST_CHECK bool txn_note_schema(Txn *t, SchemaObject kind, int32_t id, const char *undo_sql,
                                int64_t *ret_note, SqlError *e);

/* ---- locks */
LockOwner *txn_owner(Txn *t);
/* Take a lock, waiting with the session's timeout: 1205, 1222. Not while the writer mutex is held. */
MUST_CHECK bool txn_lock(Txn *t, LockResource r, LockMode mode, LockDuration duration, SqlError *e);
/* The same with a timeout of its own, and the result as it is. */
LockResult txn_wait_lock(Txn *t, LockResource r, LockMode mode, LockDuration duration, int64_t timeout_ms);
/* Take it without waiting, inside txn_write_begin … end. false: the statement must be given up and started
 * over. */
MUST_CHECK bool txn_try_lock(Txn *t, LockResource r, LockMode mode, SqlError *e);
/* The statement must be given up, wait for this lock and start over: the caller fails with TXN_MUST_WAIT. */
void txn_want(Txn *t, LockResource r, LockMode mode, LockDuration duration);
/* After a failed statement and txn_write_cancel: was it for a lock? Then wait for it; true: start over. */
bool txn_must_retry(Txn *t, SqlError *e);
/* The end of a statement: its locks go. */
void txn_statement_end(Txn *t);

/* ---- reading */
/* Before a statement's access to a user table of d: opens the SNAPSHOT view at the first (3952, 3951; 3961:
 * the table got another form since the view was opened). */
MUST_CHECK bool txn_read_start(Txn *t, const Database *d, const Table *table, SqlError *e);
bool txn_has_snapshot(const Txn *t);
/* The SQLite name of the session's write set of the table; NULL: it has written nothing to it. */
const char *txn_overlay_name(const Txn *t, int32_t object_id);
/* Has another session written rows that it hasn't committed? */
bool txn_others_write(const Txn *t, const Table *table);
/* Which rows of a table are read; the session's own writes are among them always. */
typedef enum TxnRows {
    TXN_ROWS_COMMITTED,
    TXN_ROWS_LOCKED,     /* standin_lock(object_id, rowid, 0) looks at each: 1 = take the row */
    TXN_ROWS_LOCKED_NEW, /* and standin_lock(object_id, rowid, 1) at each that another has written: 0 */
    TXN_ROWS_DIRTY,      /* others' writes instead of what they hide */
} TxnRows;
/* What stands in FROM for the table in generated SQL: t17 while the session has no overlay of it, else a
 * parenthesised query with rowid (also as _rid_) and the columns c1, c2, …. */
void txn_source_sql(const Txn *t, const Table *table, TxnRows rows, Buf *out);
/* A number of the set of tables that have an overlay: SQL generated under another number is stale. */
uint64_t txn_source_version(const Txn *t);

/* ---- writing: see row_writer.h */
/* Before txn_write_begin, may wait: the table's lock, its overlay. TXN_TABLE_CHANGED: it got another form
 * since `table` was looked up; the statement is to be bound again. */
enum { TXN_TABLE_CHANGED = 2801 };
MUST_CHECK bool txn_prepare_write(Txn *t, const Table *table, SqlError *e);
MUST_CHECK bool txn_write_begin(Txn *t, const Table *target, SqlError *e);
MUST_CHECK bool txn_write_end(Txn *t, SqlError *e); /* keeps the work; TXN_DIRECT commits it. false: undone */
void txn_write_cancel(Txn *t);                      /* undoes it; nothing if none was begun */
bool txn_is_writing(const Txn *t);
TxnMode txn_mode(const Txn *t);
/* A log record for a schema change of a tracked table; within the transaction or, outside one, committed with
 * db's open SQLite write transaction. */
MUST_CHECK bool txn_log_ddl(Txn *t, const Table *table, Str text, int32_t altered_column, bool is_drop,
                            SqlError *e);
/* For schema changes outside a transaction: writes the log records gathered by txn_log_ddl into db's open
 * SQLite write transaction; call log_committed after it. */
MUST_CHECK bool txn_flush_log(Txn *t, SqlError *e);
/* Around a schema change: what a failed one has gathered is forgotten. */
LogMark txn_log_mark(const Txn *t);
void txn_log_rollback(Txn *t, LogMark mark);
/* Is there anything for txn_flush_log or COMMIT to write? */
bool txn_has_log(const Txn *t);
/* The table is gone: what the transaction wrote to it is forgotten. */
void txn_overlay_discard(Txn *t, int32_t object_id);
/* The table got a new version inside the transaction: the overlay follows (columns added or gone). */
MUST_CHECK bool txn_overlay_follow(Txn *t, const Table *now, SqlError *e);

#endif
