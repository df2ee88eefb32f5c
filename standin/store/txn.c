/*
 * The life of a transaction: begin, savepoints, commit, rollback; the frame around each statement that
 * writes. What the write sets hold is overlay.c's business, how rows are changed row_writer.c's.
 *
 * The writer mutex is held from txn_write_begin to txn_write_end, in every mode but TXN_LOCAL: no base table
 * changes under a statement that reads rows, locks them and writes. Nothing waits for a lock meanwhile:
 * txn_try_lock notes what it wanted, the statement is given up, txn_must_retry waits, and the statement
 * starts over.
 */
#include "standin/store/txn.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/store/txn_internal.h"

enum { STATEMENTS_KEPT = 200 };

/* ---- life */

Txn *txn_new(Store *st, struct sqlite3 *db, int spid) {
    Txn *t = x_calloc(1, sizeof *t);
    t->store = st;
    t->db = db;
    t->statements = stmtcache_new(db, STATEMENTS_KEPT);
    t->owner = lockowner_new(store_locks(st), spid);
    t->spid = spid;
    t->isolation = TXN_READ_COMMITTED;
    t->lock_timeout_ms = -1;
    t->log = logwriter_new(store_log(st));
    return t;
}

Txn *txn_free(Txn *t) {
    if (!t) return NULL;
    txn_write_cancel(t);
    txn_rollback_all(t);
    t->owner = lockowner_free(t->owner);
    t->log = logwriter_free(t->log);
    overlay_free_all(t);
    t->statements = stmtcache_free(t->statements);
    free(t->savepoints);
    free(t->ends);
    free(t->touched);
    free(t->name);
    free(t);
    return NULL;
}

Store *txn_store(Txn *t) {
    return t->store;
}
struct sqlite3 *txn_db(Txn *t) {
    return t->db;
}
StmtCache *txn_statements(Txn *t) {
    return t->statements;
}
LockOwner *txn_owner(Txn *t) {
    return t->owner;
}
int txn_count(const Txn *t) {
    return t->count;
}
uint64_t txn_descriptor(const Txn *t) {
    return t->count ? t->id : 0;
}
Str txn_name(const Txn *t) {
    return str_from(t->name ? t->name : "user_transaction");
}
bool txn_is_doomed(const Txn *t) {
    return t->is_doomed;
}
void txn_doom(Txn *t) {
    t->is_doomed = t->count > 0;
}
bool txn_is_undoing(const Txn *t) {
    return t->is_undoing;
}
TxnIsolation txn_isolation(const Txn *t) {
    return t->isolation;
}
void txn_set_isolation(Txn *t, TxnIsolation level) {
    t->isolation = level;
}
int64_t txn_lock_timeout_ms(const Txn *t) {
    return t->lock_timeout_ms;
}
void txn_set_lock_timeout_ms(Txn *t, int64_t ms) {
    t->lock_timeout_ms = ms;
}
bool txn_is_writing(const Txn *t) {
    return t->is_writing;
}
TxnMode txn_mode(const Txn *t) {
    return t->mode;
}
bool txn_has_snapshot(const Txn *t) {
    return t->has_snapshot;
}

void txn_set_cancel(Txn *t, bool (*is_cancelled)(void *arg), void *arg) {
    t->is_cancelled = is_cancelled;
    t->cancel_arg = arg;
}

/* ---- locks */

bool txn_lock(Txn *t, LockResource r, LockMode mode, LockDuration duration, SqlError *e) {
    assert(!t->is_writing || t->mode == TXN_LOCAL);
    LockResult result =
        lock_take(t->owner, r, mode, duration, t->lock_timeout_ms, t->is_cancelled, t->cancel_arg);
    return result == LOCK_GRANTED || lock_error(t->owner, result, e);
}

LockResult txn_wait_lock(Txn *t, LockResource r, LockMode mode, LockDuration duration, int64_t timeout_ms) {
    return lock_take(t->owner, r, mode, duration, timeout_ms, t->is_cancelled, t->cancel_arg);
}

bool txn_try_lock(Txn *t, LockResource r, LockMode mode, SqlError *e) {
    LockDuration duration = t->mode == TXN_OVERLAY ? LOCK_FOR_TRANSACTION : LOCK_FOR_STATEMENT;
    if (lock_take(t->owner, r, mode, duration, 0, NULL, NULL) == LOCK_GRANTED) return true;
    txn_want(t, r, mode, duration);
    e->number = TXN_MUST_WAIT;
    return false;
}

void txn_want(Txn *t, LockResource r, LockMode mode, LockDuration duration) {
    t->wanted.resource = r;
    t->wanted.mode = mode;
    t->wanted.duration = duration;
}

bool txn_must_retry(Txn *t, SqlError *e) {
    if (e->number != TXN_MUST_WAIT) return false;
    txn_write_cancel(t);
    return txn_lock(t, t->wanted.resource, t->wanted.mode, t->wanted.duration, e);
}

void txn_statement_end(Txn *t) {
    lock_release_statement(t->owner);
    t->alone_in = 0;
}

/* ---- reading */

static bool open_snapshot(Txn *t, SqlError *e) {
    /* Both under the writer mutex: the view must be the state after exactly that commit. */
    store_write_lock(t->store);
    t->snapshot_commit = store_last_commit(t->store);
    t->snapshot_catalog = catalog_version(store_catalog(t->store));
    bool ok =
        sqlite3_exec(t->db, "BEGIN; SELECT value FROM main.m_meta LIMIT 1", NULL, NULL, NULL) == SQLITE_OK;
    if (ok) store_snapshot_opened(t->store);
    else (void)store_sqlite_error(t->db, "open a snapshot", e);
    store_write_unlock(t->store);
    t->has_snapshot = ok;
    return ok;
}

static bool stale_snapshot(const Database *d, SqlError *e) {
    return sql_error_set(
        e, 3961, 16, 1,
        "Snapshot isolation transaction failed in database '%s' because the object accessed by the "
        "statement has been modified by a DDL statement in another concurrent transaction since the start "
        "of this transaction.  It is disallowed because the metadata is not versioned. A concurrent update "
        "to metadata can lead to inconsistency if mixed with snapshot isolation.",
        d->name);
}

bool txn_read_start(Txn *t, const Database *d, const Table *table, SqlError *e) {
    if (t->isolation == TXN_SNAPSHOT) {
        if (!d->is_snapshot_on)
            return sql_error_set(
                e, 3952, 16, 1,
                "Snapshot isolation transaction failed accessing database '%s' because snapshot "
                "isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot "
                "isolation.",
                d->name);
        if (t->count && t->has_read && !t->has_snapshot)
            return sql_error_set(
                e, 3951, 16, 1,
                "Transaction failed in database '%s' because the statement was run under snapshot "
                "isolation but the transaction did not start in snapshot isolation. You cannot "
                "change the isolation level of the transaction to snapshot after the transaction "
                "has started unless the transaction was originally started under snapshot isolation "
                "level.",
                d->name);
        if (t->count && !t->has_snapshot && !open_snapshot(t, e)) return false;
        if (t->has_snapshot && table->version > t->snapshot_catalog) return stale_snapshot(d, e);
    }
    t->has_read = t->count > 0;
    return true;
}

static void close_snapshot(Txn *t) {
    if (!t->has_snapshot) return;
    (void)sqlite3_exec(t->db, "COMMIT", NULL, NULL, NULL);
    store_write_lock(t->store);
    store_snapshot_closed(t->store);
    store_write_unlock(t->store);
    t->has_snapshot = false;
}

/* ---- begin, save */

static void set_name(char **to, Str name) {
    free(*to);
    *to = name.n ? str_dup(name) : NULL;
}

void txn_begin(Txn *t, Str name) {
    if (t->count++) return;
    set_name(&t->name, name);
    t->id = store_next_transaction(t->store);
    t->command_id = 0;
    t->is_doomed = t->has_read = false;
    t->begin_us = 0;
}

bool txn_save(Txn *t, Str name, SqlError *e) {
    if (!t->count)
        return sql_error_set(e, 628, 16, 0,
                             "Cannot issue SAVE TRANSACTION when there is no active transaction.");
    t->savepoints = x_reallocarray(t->savepoints, t->savepoint_count + 1, sizeof *t->savepoints);
    t->savepoints[t->savepoint_count++] = (Savepoint){.name = str_dup(name),
                                                      .locks = lock_mark(t->owner),
                                                      .log = logwriter_mark(t->log),
                                                      .undo_seq = t->undo_seq,
                                                      .end_count = t->end_count};
    return true;
}

void txn_on_end(Txn *t, TxnEnd *undo, TxnEnd *keep, void *arg) {
    if (!t->count) {
        if (keep) keep(arg);
        return;
    }
    t->ends = x_reallocarray(t->ends, t->end_count + 1, sizeof *t->ends);
    t->ends[t->end_count++] = (EndAction){undo, keep, arg};
}

bool txn_note_schema(Txn *t, SchemaObject kind, int32_t id, const char *undo_sql, int64_t *ret_note,
                     SqlError *e) {
    *ret_note = 0;
    if (!t->count) return true;
    t->has_schema_notes = true;
    return schemaundo_note(t->db, t->spid, kind, id, undo_sql, ret_note, e);
}

/* Undo schema changes down to this many. */
static void undo_ends(Txn *t, size_t left) {
    while (t->end_count > left) {
        EndAction a = t->ends[--t->end_count];
        if (a.undo) a.undo(a.arg);
    }
}

static void drop_savepoints(Txn *t, size_t left) {
    while (t->savepoint_count > left) free(t->savepoints[--t->savepoint_count].name);
}

/* ---- rollback */

/* What is left to do when the transaction is over, either way. */
static void finish(Txn *t) {
    close_snapshot(t);
    overlay_clear_all(t);
    logwriter_rollback(t->log, (LogMark){0});
    drop_savepoints(t, 0);
    t->undo_seq = 0;
    t->has_schema_notes = false;
    t->count = 0;
    t->is_doomed = t->has_read = false;
    t->begin_us = 0;
    set_name(&t->name, (Str){0});
    lock_release_all(t->owner);
}

void txn_rollback_all(Txn *t) {
    if (!t->count) return;
    t->is_undoing = true;
    close_snapshot(t);
    overlay_clear_all(t);
    undo_ends(t, 0);
    finish(t);
    t->is_undoing = false;
}

static bool rollback_to(Txn *t, size_t at, SqlError *e) {
    Savepoint *s = &t->savepoints[at];
    t->is_undoing = true;
    bool ok = overlay_rollback_to(t, s->undo_seq, e);
    if (ok) undo_ends(t, s->end_count);
    t->is_undoing = false;
    if (!ok) return false;
    logwriter_rollback(t->log, s->log);
    lock_release_after(t->owner, s->locks);
    drop_savepoints(t, at + 1); /* itself stands on */
    return true;
}

bool txn_rollback(Txn *t, Str name, SqlError *e) {
    if (!t->count)
        return sql_error_set(e, 3903, 16, 1,
                             "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    for (size_t i = t->savepoint_count; name.n && i-- > 0;)
        if (str_eq_icase(str_from(t->savepoints[i].name), name)) {
            if (!t->is_doomed) return rollback_to(t, i, e);
            return sql_error_set(e, 3931, 16, 1,
                                 "The current transaction cannot be committed and cannot be rolled back to a "
                                 "savepoint. Roll back the entire transaction.");
        }
    if (name.n && !(t->name && str_eq_icase(str_from(t->name), name)))
        return sql_error_set(e, 6401, 16, 1,
                             "Cannot roll back " STR_FMT
                             ". No transaction or savepoint of that name was found.",
                             STR_ARG(name));
    txn_rollback_all(t);
    return true;
}

/* ---- commit */

void txn_note_logging(Txn *t, const Table *table) {
    if (t->begin_us) return;
    t->begin_us = clock_wall_us();
    t->begin_lsn = log_take_lsn(store_log(t->store));
    t->log_database_id = table->database_id;
}

bool txn_flush_log(Txn *t, SqlError *e) {
    if (logwriter_is_empty(t->log)) return true;
    LogTransaction header = {.begin_lsn = t->begin_lsn,
                             .commit_lsn = log_take_lsn(store_log(t->store)),
                             .begin_us = t->begin_us,
                             .commit_us = clock_wall_us(),
                             .id = t->id ? t->id : store_next_transaction(t->store),
                             .database_id = t->log_database_id};
    if (!logwriter_commit(t->log, t->db, &header, e)) return false;
    logwriter_rollback(t->log, (LogMark){0});
    t->begin_us = 0;
    return true;
}

/* Write sets and log into the base: one SQLite transaction. */
static bool apply(Txn *t, SqlError *e) {
    bool has_log = !logwriter_is_empty(t->log);
    if (!t->source_version && !has_log && !t->has_schema_notes) return true;
    if (!store_write_begin(t->store, t->db, e)) return false;
    uint64_t commit = store_next_commit(t->store);
    bool forgets = t->has_schema_notes;
    if (!overlay_apply_all(t, commit, e) || !txn_flush_log(t, e) ||
        (forgets && !schemaundo_forget_all(t->db, t->spid, e))) {
        store_write_rollback(t->store, t->db);
        return false;
    }
    if (!store_write_commit(t->store, t->db, e)) return false;
    for (size_t i = 0; i < t->overlay_count; i++)
        if (t->overlays[i].has_rows)
            (void)atomic_fetch_add(&t->overlays[i].state->row_count, t->overlays[i].rows_at_apply);
    overlay_forget_all(t);
    if (has_log) log_committed(store_log(t->store));
    return true;
}

bool txn_commit(Txn *t, SqlError *e) {
    if (!t->count)
        return sql_error_set(e, 3902, 16, 1,
                             "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    if (t->is_doomed)
        return sql_error_set(
            e, 3930, 16, 1,
            "The current transaction cannot be committed and cannot support operations that write "
            "to the log file. Roll back the transaction.");
    if (t->count > 1) {
        t->count--;
        return true;
    }
    close_snapshot(t);
    if (!apply(t, e)) {
        txn_rollback_all(t);
        return false;
    }
    size_t ends = t->end_count;
    t->end_count = 0;
    t->count = 0;
    for (size_t i = 0; i < ends; i++)
        if (t->ends[i].keep) t->ends[i].keep(t->ends[i].arg);
    finish(t);
    return true;
}

/* ---- the frame of a statement that writes */

static TxnMode mode_for(const Txn *t, const Table *target) {
    if (target->kind == TABLE_VARIABLE) return TXN_LOCAL;
    if (t->count) return TXN_OVERLAY;
    return target->kind == TABLE_TEMP ? TXN_LOCAL : TXN_DIRECT;
}

/* Under its lock the table stays as it is. A write set in the form that it had before would take the place of
 * the others', with the rows in it. */
static bool is_still_so(const Txn *t, const Table *table, SqlError *e) {
    if (table->kind != TABLE_USER) return true;
    const Table *now = catalog_table_by_id(store_catalog(t->store), table->object_id);
    return (now && now->version == table->version) ||
           sql_error_set(e, TXN_TABLE_CHANGED, 16, 1,
                         "The definition of object '%s' has changed since it was compiled.", table->name);
}

bool txn_prepare_write(Txn *t, const Table *table, SqlError *e) {
    t->mode = mode_for(t, table);
    t->alone_in = 0;
    if (t->mode == TXN_LOCAL) return true;
    LockResource whole = {.object_id = table->object_id};
    if (t->mode == TXN_DIRECT) {
        /* Alone in the table: one lock instead of one a row. */
        if (table->kind == TABLE_TEMP) return true;
        if (lock_take(t->owner, whole, LOCK_X, LOCK_FOR_STATEMENT, 0, NULL, NULL) == LOCK_GRANTED) {
            t->alone_in = table->object_id;
            return is_still_so(t, table, e);
        }
        return txn_lock(t, whole, LOCK_IX, LOCK_FOR_STATEMENT, e) && is_still_so(t, table, e);
    }
    if (table->kind != TABLE_TEMP && !txn_lock(t, whole, LOCK_IX, LOCK_FOR_TRANSACTION, e)) return false;
    return is_still_so(t, table, e) && overlay_make(t, table, e) && overlay_make_undo(t, table, e);
}

bool txn_write_begin(Txn *t, const Table *target, SqlError *e) {
    assert(!t->is_writing);
    t->mode = mode_for(t, target);
    t->touched_count = 0;
    if (!t->count) {
        t->id = 0;
        t->command_id = 0;
        t->begin_us = 0;
    }
    if (t->is_doomed)
        return sql_error_set(
            e, 3930, 16, 1,
            "The current transaction cannot be committed and cannot support operations that write "
            "to the log file. Roll back the transaction.");
    if (t->mode == TXN_DIRECT) {
        if (!store_write_begin(t->store, t->db, e)) return false;
        (void)atomic_fetch_add(&target->state->changes, 1);
    } else {
        if (t->mode == TXN_OVERLAY) store_write_lock(t->store);
        if (!stmtcache_run(t->statements, "SAVEPOINT statement", e)) {
            if (t->mode == TXN_OVERLAY) store_write_unlock(t->store);
            return false;
        }
    }
    t->command_id++;
    t->statement_log = logwriter_mark(t->log);
    t->is_writing = true;
    return true;
}

static void undo_statement(Txn *t) {
    SqlError ignored;
    if (t->mode == TXN_DIRECT) {
        store_write_rollback(t->store, t->db);
    } else {
        (void)stmtcache_run(t->statements, "ROLLBACK TO statement", &ignored);
        (void)stmtcache_run(t->statements, "RELEASE statement", &ignored);
        if (t->mode == TXN_OVERLAY) store_write_unlock(t->store);
    }
}

void txn_write_cancel(Txn *t) {
    if (!t->is_writing) return;
    t->is_writing = false;
    undo_statement(t);
    logwriter_rollback(t->log, t->statement_log);
}

static bool end_direct(Txn *t, SqlError *e) {
    bool has_log = !logwriter_is_empty(t->log);
    (void)store_next_commit(t->store);
    if (!txn_flush_log(t, e)) {
        store_write_rollback(t->store, t->db);
        return false;
    }
    if (!store_write_commit(t->store, t->db, e)) return false;
    if (has_log) log_committed(store_log(t->store));
    return true;
}

bool txn_write_end(Txn *t, SqlError *e) {
    assert(t->is_writing);
    t->is_writing = false;
    bool ok;
    if (t->mode == TXN_DIRECT) {
        ok = end_direct(t, e);
        if (!ok) logwriter_rollback(t->log, t->statement_log);
    } else {
        ok = stmtcache_run(t->statements, "RELEASE statement", e);
        if (t->mode == TXN_OVERLAY) store_write_unlock(t->store);
    }
    for (size_t i = 0; ok && i < t->touched_count; i++)
        (void)atomic_fetch_add(&t->touched[i].state->row_count, t->touched[i].rows);
    return ok;
}

void txn_count_rows(Txn *t, TableState *state, int64_t change) {
    for (size_t i = 0; i < t->touched_count; i++)
        if (t->touched[i].state == state) {
            t->touched[i].rows += change;
            return;
        }
    t->touched = x_reallocarray(t->touched, t->touched_count + 1, sizeof *t->touched);
    t->touched[t->touched_count++] = (struct TouchedTable){state, change};
}

bool txn_log_ddl(Txn *t, const Table *table, Str text, int32_t altered_column, bool is_drop, SqlError *e) {
    if (!table->is_tracked_by_cdc) return true;
    if (!t->count) t->id = 0;
    txn_note_logging(t, table);
    return logwriter_add_ddl(t->log, table, text, altered_column, is_drop, e);
}

LogMark txn_log_mark(const Txn *t) {
    return logwriter_mark(t->log);
}

void txn_log_rollback(Txn *t, LogMark mark) {
    logwriter_rollback(t->log, mark);
    if (!t->count) t->begin_us = 0;
}

bool txn_has_log(const Txn *t) {
    return !logwriter_is_empty(t->log);
}
