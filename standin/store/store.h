/*
 * store.h - the SQLite file under the server: one file DIR/data.db in WAL mode, one connection per session
 * and one for each job. Owns the catalog, the lock table and the log.
 *
 * One SQLite writer at a time: whoever writes to the file holds the store's writer mutex (store_write_begin …
 * _commit/_rollback), which is never held while waiting for a lock of lock.h or for a client. synchronous is
 * OFF: this is a test server; a killed process loses nothing, a crashed machine may. Beside it lies
 * pending.db, what open transactions have written.
 */
#ifndef STANDIN_STORE_STORE_H
#define STANDIN_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "standin/store/catalog.h"
#include "standin/store/lock.h"
#include "standin/store/log.h"

struct sqlite3;
typedef struct Store Store;

/* Errors: ERR_IO (SQLite, the directory, another server on it), ERR_DATA (written by another version). */
MUST_CHECK bool store_open(const char *dir, Store **ret, Err *e);
Store *store_close(Store *st); /* all connections are closed already; returns NULL */

Catalog *store_catalog(Store *st);
LockTable *store_locks(Store *st);
Log *store_log(Store *st);

/* A new connection, with collation.h's collations registered under their names. Attached as `pending` is the
 * database of the write sets that others may see (overlay.c): it begins empty with each start of the server.
 * Owner thread only. NULL: *e says why. Close with store_disconnect, after all its statements are finalized.
 */
struct sqlite3 *store_connect(Store *st, Err *e);
void store_disconnect(struct sqlite3 *db);

/* The writer mutex and BEGIN IMMEDIATE. Not reentrant. */
MUST_CHECK bool store_write_begin(Store *st, struct sqlite3 *db, SqlError *e);
MUST_CHECK bool store_write_commit(Store *st, struct sqlite3 *db, SqlError *e); /* failed: rolled back */
void store_write_rollback(Store *st, struct sqlite3 *db);
/* The mutex alone: base tables don't change while it is held. */
void store_write_lock(Store *st);
void store_write_unlock(Store *st);
/* Commits are numbered 1, 2, … (writer mutex held); the last number given, any thread. */
uint64_t store_next_commit(Store *st);
uint64_t store_last_commit(const Store *st);
uint64_t store_next_transaction(Store *st); /* a number never given before by this server's run; any thread */

/* ---- row versions: which rows changed since a SNAPSHOT transaction began (error 3960). Kept only while one
 * is open; writer mutex held for all. */
void store_snapshot_opened(Store *st);
void store_snapshot_closed(Store *st);
bool store_has_snapshots(const Store *st);
void store_note_change(Store *st, int32_t object_id, int64_t rowid, uint64_t commit);
bool store_changed_since(const Store *st, int32_t object_id, int64_t rowid, uint64_t commit);

/* SQLite's last error as a SQL Server error (state says where); returns false. */
bool store_sqlite_error(struct sqlite3 *db, const char *what, SqlError *e);

#endif
