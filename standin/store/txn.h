/*
 * txn.h - one session's transaction: its write sets, locks, savepoints, isolation and place in the log.
 *
 * Explicit transactions write to a write set: per table an overlay temp.w<object_id>(rowid, deleted, columns)
 * on the session's own connection. The session reads base minus overlay plus overlay (txn_source_sql); all
 * others go on reading the base. COMMIT applies the overlays and the gathered log records in one SQLite write
 * transaction. A single autocommitted statement writes to the base directly (TXN_DIRECT), inside one SQLite
 * write transaction. Either way the writer mutex is held while a DML statement runs, so that base tables
 * stand still under it, and let go whenever it has to wait for a lock (row_writer.h says how a statement
 * starts over).
 *
 * Owner thread only. Errors are SQL Server's (1205, 1222, 3952, 3960, 3903, …).
 */
#ifndef STANDIN_STORE_TXN_H
#define STANDIN_STORE_TXN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "standin/store/sql_error.h"
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
    TXN_DIRECT,  /* the statement writes to the base in its own SQLite transaction */
    TXN_OVERLAY, /* it writes to the write set */
} TxnMode;

Txn *txn_new(Store *st, struct sqlite3 *db, int spid);
Txn *txn_free(Txn *t); /* rolls back; returns NULL */

/* ---- the transaction */
int txn_count(const Txn *t);           /* @@TRANCOUNT */
uint64_t txn_descriptor(const Txn *t); /* 0 = none */
bool txn_is_doomed(const Txn *t);      /* XACT_STATE() = -1: only ROLLBACK is allowed */
void txn_doom(Txn *t);
TxnIsolation txn_isolation(const Txn *t);
void txn_set_isolation(Txn *t, TxnIsolation level);
int64_t txn_lock_timeout_ms(const Txn *t); /* -1 = for ever */
void txn_set_lock_timeout_ms(Txn *t, int64_t ms);
void txn_set_cancel(Txn *t, bool (*is_cancelled)(void *arg), void *arg); /* asked while waiting */

void txn_begin(Txn *t, Str name); /* counts up when one is open */
/* Counts down; at 0 the work is applied. On failure all is rolled back (count 0) and *e says why. */
MUST_CHECK bool txn_commit(Txn *t, SqlError *e);
/* To a savepoint (name) or, with an empty name or the outermost transaction's, all of it. false: 6401, 3903.
 */
MUST_CHECK bool txn_rollback(Txn *t, Str name, SqlError *e);
MUST_CHECK bool txn_save(Txn *t, Str name, SqlError *e);
void txn_rollback_all(Txn *t); /* whatever is open; count 0 */
/* Undo of a schema change, run (newest first) when the transaction or savepoint is rolled back; done (may be
 * NULL) when it commits. Outside a transaction `commit` is called at once. */
typedef void TxnUndo(void *arg);
void txn_on_end(Txn *t, TxnUndo *undo, TxnUndo *commit, TxnUndo *release, void *arg);

/* ---- reading */
LockOwner *txn_owner(Txn *t);
/* Take a lock with the session's timeout; false: 1205 (the transaction is rolled back), 1222. */
MUST_CHECK bool txn_lock(Txn *t, LockResource r, LockMode mode, LockDuration duration, SqlError *e);
/* Before the first data access of a statement: fixes the SNAPSHOT view (3952 when database d doesn't allow
 * it). */
MUST_CHECK bool txn_read_start(Txn *t, const Database *d, SqlError *e);
bool txn_has_overlay(const Txn *t, int32_t object_id);
/* What stands in FROM for the table in generated SQL: "t17" while the session has no overlay of it, else a
 * parenthesised query with rowid as _rid_ and the columns c1, c2, …. */
void txn_source_sql(const Txn *t, const Table *table, Buf *out);
/* Counts up whenever an answer of txn_source_sql changes: a prepared statement of another number is stale. */
uint64_t txn_source_version(const Txn *t);

/* ---- writing: row_writer.h */
/* Start a data-changing statement: the writer mutex, an SQLite transaction or savepoint. commands count
 * within the transaction. */
MUST_CHECK bool txn_write_begin(Txn *t, SqlError *e);
MUST_CHECK bool txn_write_end(Txn *t, SqlError *e); /* keeps the work; in TXN_DIRECT commits it */
void txn_write_cancel(Txn *t);                      /* undoes it */
TxnMode txn_mode(const Txn *t);
int32_t txn_command_id(const Txn *t);

#endif
