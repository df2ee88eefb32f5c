/*
 * Write sets as tables w<object_id>, with the base's columns and rowid, `own` (whose row it is: the session)
 * and `deleted`. A row there hides the base's row of the same rowid from its owner and, unless deleted, takes
 * its place. They are in the database `pending`, so that others can see what isn't committed: READ
 * UNCOMMITTED shows it, and those who wait for locked rows find the new ones there. A row belongs to one
 * session at a time, as it holds its lock. Temporary tables' write sets, and those of SNAPSHOT transactions
 * (which keep SQLite's read view open and so can't commit what they write to `pending`), are in the session's
 * own TEMP.
 *
 * temp.u<id> keeps what a row of the write set was before each change made while a savepoint stands, so that
 * a rollback to it can bring that back: SQLite's own savepoints would need its transaction, hence one read
 * view, to stay open between statements.
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "standin/store/table_sql.h"
#include "standin/store/txn_internal.h"

enum { APPLY_ROWS = 100000 }; /* deleted by one statement: SQLite gathers their rowids in memory */

static bool run(Txn *t, Buf *sql, SqlError *e) {
    bool ok = sqlite3_exec(t->db, buf_text(sql), NULL, NULL, NULL) == SQLITE_OK ||
              store_sqlite_error(t->db, "use a write set", e);
    buf_clear(sql);
    return ok;
}

Overlay *overlay_find(const Txn *t, int32_t object_id) {
    for (size_t i = 0; i < t->overlay_count; i++)
        if (t->overlays[i].object_id == object_id) return &t->overlays[i];
    return NULL;
}

static void drop_state(TableState *s) {
    if (s && atomic_fetch_sub(&s->reference_count, 1) == 1) free(s);
}

static void overlay_done(Overlay *o) {
    free(o->table);
    free(o->base);
    free(o->columns);
    free(o->physical);
    drop_state(o->state);
    *o = (Overlay){0};
}

static char *column_list(const Table *table) {
    CLEANUP(buf_done) Buf b = {0};
    for (size_t i = 0; i < table->column_count; i++)
        buf_printf(&b, "%sc%d", i ? ", " : "", table->columns[i].id);
    return x_strdup(buf_text(&b));
}

/* ---- making */

static bool make_table(Txn *t, const Table *table, const char *schema, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "DROP TABLE IF EXISTS %s.w%d;", schema, table->object_id);
    buf_printf(&sql, "CREATE TABLE %s.w%d(own, deleted", schema, table->object_id);
    for (size_t i = 0; i < table->column_count; i++) {
        buf_cstr(&sql, ", ");
        tablesql_column(table, i, &sql);
    }
    buf_cstr(&sql, ");");
    for (size_t i = 0; i < table->index_count; i++) {
        if (tablesql_is_rowid_index(table, &table->indexes[i])) continue;
        buf_printf(&sql, "CREATE INDEX %s.x%d_%d ON w%d(", schema, table->object_id, table->indexes[i].id,
                   table->object_id);
        tablesql_index_columns(table, &table->indexes[i], &sql);
        buf_cstr(&sql, ");");
    }
    return run(t, &sql, e);
}

/* Nobody has rows in it when the version differs: whoever changes a table has it to himself. */
static bool make_shared(Txn *t, const Table *table, SqlError *e) {
    TableState *state = table->state;
    store_write_lock(t->store);
    bool ok = atomic_load(&state->pending_version) == table->version;
    if (!ok && (ok = make_table(t, table, "pending", e)))
        atomic_store(&state->pending_version, table->version);
    store_write_unlock(t->store);
    return ok;
}

static bool is_current(const Overlay *o, const Table *table, bool is_shared) {
    return o->version == table->version && o->is_shared == is_shared &&
           (!is_shared || atomic_load(&table->state->pending_version) == table->version);
}

bool overlay_make(Txn *t, const Table *table, SqlError *e) {
    Overlay *o = overlay_find(t, table->object_id);
    bool is_shared = table->kind != TABLE_TEMP && !t->has_snapshot;
    if (o && o->has_rows) return txn_overlay_follow(t, table, e);
    if (o && is_current(o, table, is_shared)) return true;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "DROP TABLE IF EXISTS temp.u%d;", table->object_id);
    if (!run(t, &sql, e)) return false;
    if (!(is_shared ? make_shared(t, table, e) : make_table(t, table, "temp", e))) return false;
    if (!o) {
        t->overlays = x_reallocarray(t->overlays, t->overlay_count + 1, sizeof *t->overlays);
        o = &t->overlays[t->overlay_count++];
        *o = (Overlay){0};
    }
    overlay_done(o);
    (void)atomic_fetch_add(&table->state->reference_count, 1);
    *o = (Overlay){.object_id = table->object_id,
                   .version = table->version,
                   .is_shared = is_shared,
                   .table = x_asprintf("%s.w%d", is_shared ? "pending" : "temp", table->object_id),
                   .base = x_strdup(table->sql_name),
                   .columns = column_list(table),
                   .physical = column_list(table),
                   .state = table->state};
    return true;
}

void overlay_mark_used(Txn *t, Overlay *o) {
    if (o->has_rows) return;
    o->has_rows = true;
    if (o->is_shared) (void)atomic_fetch_add(&o->state->pending_owners, 1);
    t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
}

/* ---- reading */

const char *txn_overlay_name(const Txn *t, int32_t object_id) {
    const Overlay *o = overlay_find(t, object_id);
    return o && o->has_rows ? o->table : NULL;
}

uint64_t txn_source_version(const Txn *t) {
    return t->source_version;
}

bool txn_others_write(const Txn *t, const Table *table) {
    const Overlay *o = overlay_find(t, table->object_id);
    int own = o && o->has_rows && o->is_shared;
    return atomic_load(&table->state->pending_owners) > own &&
           atomic_load(&table->state->pending_version) == table->version;
}

/* The rows of the write set that belong to the session, or (others) to any other. */
static void write_rows(const Txn *t, const char *from, const char *columns, bool others, Buf *out) {
    buf_printf(out, " UNION ALL SELECT rowid, rowid, %s FROM %s WHERE own %s %d AND deleted = 0", columns,
               from, others ? "<>" : "=", t->spid);
}

void txn_source_sql(const Txn *t, const Table *table, TxnRows rows, Buf *out) {
    const Overlay *o = overlay_find(t, table->object_id);
    bool has_rows = o && o->has_rows;
    int id = table->object_id;
    if (!has_rows && rows == TXN_ROWS_COMMITTED) {
        buf_cstr(out, table->sql_name);
        return;
    }
    CLEANUP_FREE char *columns = column_list(table);
    buf_printf(out, "(SELECT b.rowid AS rowid, b.rowid AS _rid_, %s FROM %s AS b WHERE 1", columns,
               table->sql_name);
    if (has_rows)
        buf_printf(out, " AND NOT EXISTS (SELECT 1 FROM %s AS o WHERE o.rowid = b.rowid AND o.own = %d)",
                   o->table, t->spid);
    if (rows == TXN_ROWS_DIRTY)
        buf_printf(out,
                   " AND NOT EXISTS (SELECT 1 FROM pending.w%d AS p WHERE p.rowid = b.rowid AND p.own <> %d)",
                   id, t->spid);
    else if (rows != TXN_ROWS_COMMITTED) buf_printf(out, " AND standin_lock(%d, b.rowid, 0)", id);
    if (has_rows) write_rows(t, o->table, columns, /* others= */ false, out);
    if (rows == TXN_ROWS_DIRTY || rows == TXN_ROWS_LOCKED_NEW) {
        CLEANUP_FREE char *shared = x_asprintf("pending.w%d", id);
        write_rows(t, shared, columns, /* others= */ true, out);
        if (rows == TXN_ROWS_LOCKED_NEW) buf_printf(out, " AND standin_lock(%d, rowid, 1)", id);
    }
    buf_cstr(out, ")");
}

/* ---- savepoints */

static bool make_undo(Txn *t, Overlay *o, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(
        &sql,
        "CREATE TABLE temp.u%d AS SELECT 0 AS seq, 0 AS rid, 0 AS present, deleted, %s FROM %s WHERE 0; "
        "CREATE UNIQUE INDEX temp.us%d ON u%d(seq);",
        o->object_id, o->physical, o->table, o->object_id, o->object_id);
    o->has_undo = run(t, &sql, e);
    return o->has_undo;
}

bool overlay_make_undo(Txn *t, const Table *table, SqlError *e) {
    Overlay *o = overlay_find(t, table->object_id);
    return !t->savepoint_count || !o || o->has_undo || make_undo(t, o, e);
}

bool overlay_remember(Txn *t, Overlay *o, int64_t rowid, SqlError *e) {
    if (!t->savepoint_count) return true;
    if (!o->has_undo && !make_undo(t, o, e)) return false;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "INSERT INTO temp.u%d(seq, rid, present, deleted, %s) SELECT ?1, ?2, w.rowid IS NOT NULL, "
               "w.deleted, %s "
               "FROM (SELECT 1) LEFT JOIN %s AS w ON w.rowid = ?2",
               o->object_id, o->physical, o->physical, o->table);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    (void)sqlite3_bind_int64(st, 1, ++t->undo_seq);
    (void)sqlite3_bind_int64(st, 2, rowid);
    int rc = sqlite3_step(st);
    stmtcache_put(t->statements, st);
    return rc == SQLITE_DONE || store_sqlite_error(t->db, "keep a savepoint", e);
}

static bool undo_to(Txn *t, const Overlay *o, long long seq, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    int id = o->object_id;
    buf_printf(&sql,
               "SAVEPOINT back; DELETE FROM %s WHERE rowid IN (SELECT rid FROM temp.u%d WHERE seq > %lld);",
               o->table, id, seq);
    buf_printf(
        &sql,
        "INSERT INTO %s(rowid, own, deleted, %s) SELECT rid, %d, deleted, %s FROM temp.u%d WHERE present "
        "AND seq IN (SELECT min(seq) FROM temp.u%d WHERE seq > %lld GROUP BY rid);",
        o->table, o->physical, t->spid, o->physical, id, id, seq);
    buf_printf(&sql, "DELETE FROM temp.u%d WHERE seq > %lld; RELEASE back;", id, seq);
    if (run(t, &sql, e)) return true;
    (void)sqlite3_exec(t->db, "ROLLBACK TO back; RELEASE back", NULL, NULL, NULL);
    return false;
}

bool overlay_rollback_to(Txn *t, int64_t undo_seq, SqlError *e) {
    bool ok = true;
    store_write_lock(t->store);
    for (size_t i = 0; ok && i < t->overlay_count; i++) {
        const Overlay *o = &t->overlays[i];
        if (o->has_rows && o->has_undo) ok = undo_to(t, o, undo_seq, e);
    }
    store_write_unlock(t->store);
    return ok;
}

/* ---- the end of the transaction */

static bool note_changes(Txn *t, const Overlay *o, uint64_t commit, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT rowid FROM %s WHERE own = %d", o->table, t->spid);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        store_note_change(t->store, o->object_id, sqlite3_column_int64(st, 0), commit);
    stmtcache_put(t->statements, st);
    return rc == SQLITE_DONE || store_sqlite_error(t->db, "read a write set", e);
}

static bool apply_failed(Txn *t, int rc, SqlError *e) {
    if ((rc & 0xff) == SQLITE_CONSTRAINT)
        return sql_error_set(
            e, 2601, 14, 1,
            "Cannot insert duplicate key row: another transaction has inserted the key meanwhile.");
    return store_sqlite_error(t->db, "apply a transaction", e);
}

/* The last rowid of the next piece of the write set behind `from`; *ret is INT64_MAX when that is the last.
 */
static bool piece_end(Txn *t, const Overlay *o, int64_t from, int64_t *ret, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT rowid FROM %s WHERE rowid >= ?1 ORDER BY rowid LIMIT 1 OFFSET %d", o->table,
               APPLY_ROWS);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    (void)sqlite3_bind_int64(st, 1, from);
    int rc = sqlite3_step(st);
    *ret = rc == SQLITE_ROW ? sqlite3_column_int64(st, 0) : INT64_MAX;
    stmtcache_put(t->statements, st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE || store_sqlite_error(t->db, "read a write set", e);
}

static bool delete_from_base(Txn *t, Overlay *o, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(
        &sql,
        "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s WHERE own = %d AND rowid BETWEEN ?1 AND ?2)",
        o->base, o->table, t->spid);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    int rc = SQLITE_DONE;
    bool ok = true;
    for (int64_t from = INT64_MIN, to = 0; ok && rc == SQLITE_DONE && to != INT64_MAX;
         from = to < INT64_MAX ? to + 1 : to) {
        if (!(ok = piece_end(t, o, from, &to, e))) break;
        (void)sqlite3_bind_int64(st, 1, from);
        (void)sqlite3_bind_int64(st, 2, to);
        rc = sqlite3_step(st);
        (void)sqlite3_reset(st);
        o->rows_at_apply -= (int64_t)sqlite3_changes(t->db);
    }
    if (ok && rc != SQLITE_DONE) ok = apply_failed(t, rc, e);
    stmtcache_put(t->statements, st);
    return ok;
}

static bool insert_into_base(Txn *t, Overlay *o, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "INSERT INTO %s(rowid, %s) SELECT rowid, %s FROM %s WHERE own = %d AND deleted = 0",
               o->base, o->columns, o->columns, o->table, t->spid);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    int rc = sqlite3_step(st);
    o->rows_at_apply += (int64_t)sqlite3_changes(t->db);
    bool ok = rc == SQLITE_DONE || apply_failed(t, rc, e);
    stmtcache_put(t->statements, st);
    return ok;
}

/* Alone in it, all at once: that costs nothing by the row. */
static bool empty(Txn *t, const Overlay *o, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    bool is_alone = !o->is_shared || atomic_load(&o->state->pending_owners) == 1;
    buf_printf(&sql, "DELETE FROM %s", o->table);
    if (!is_alone) buf_printf(&sql, " WHERE own = %d", t->spid);
    if (!stmtcache_run(t->statements, buf_text(&sql), e)) return false;
    buf_clear(&sql);
    buf_printf(&sql, "DELETE FROM temp.u%d", o->object_id);
    return !o->has_undo || stmtcache_run(t->statements, buf_text(&sql), e);
}

bool overlay_apply_all(Txn *t, uint64_t commit, SqlError *e) {
    for (size_t i = 0; i < t->overlay_count; i++) {
        Overlay *o = &t->overlays[i];
        if (!o->has_rows) continue;
        o->rows_at_apply = 0;
        (void)atomic_fetch_add(&o->state->changes, 1);
        if (store_has_snapshots(t->store) && !note_changes(t, o, commit, e)) return false;
        if (!delete_from_base(t, o, e) || !insert_into_base(t, o, e) || !empty(t, o, e)) return false;
    }
    return true;
}

void overlay_forget_all(Txn *t) {
    for (size_t i = 0; i < t->overlay_count; i++) {
        Overlay *o = &t->overlays[i];
        if (o->has_rows && o->is_shared) (void)atomic_fetch_sub(&o->state->pending_owners, 1);
        o->has_rows = false;
    }
    t->source_version = 0;
}

void overlay_clear_all(Txn *t) {
    SqlError ignored;
    if (!t->source_version) return;
    store_write_lock(t->store);
    for (size_t i = 0; i < t->overlay_count; i++)
        if (t->overlays[i].has_rows) (void)empty(t, &t->overlays[i], &ignored);
    overlay_forget_all(t);
    store_write_unlock(t->store);
}

void txn_overlay_discard(Txn *t, int32_t object_id) {
    Overlay *o = overlay_find(t, object_id);
    if (!o) return;
    CLEANUP(buf_done) Buf sql = {0};
    SqlError ignored;
    stmtcache_clear(t->statements);
    store_write_lock(t->store);
    if (o->has_rows) {
        (void)empty(t, o, &ignored);
        t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
        if (o->is_shared) (void)atomic_fetch_sub(&o->state->pending_owners, 1);
    }
    if (!o->is_shared) buf_printf(&sql, "DROP TABLE IF EXISTS temp.w%d;", object_id);
    buf_printf(&sql, "DROP TABLE IF EXISTS temp.u%d", object_id);
    (void)run(t, &sql, &ignored);
    store_write_unlock(t->store);
    overlay_done(o);
    *o = t->overlays[--t->overlay_count];
}

void overlay_free_all(Txn *t) {
    for (size_t i = 0; i < t->overlay_count; i++) overlay_done(&t->overlays[i]);
    free(t->overlays);
    t->overlays = NULL;
    t->overlay_count = 0;
}

/* ---- schema changes inside the transaction */

static bool has_column(const char *list, int32_t id) {
    char name[16];
    int n = snprintf(name, sizeof name, "c%d", id);
    for (const char *at = list; (at = strstr(at, name)); at += n)
        if (at[n] == ',' || at[n] == '\0') return true;
    return false;
}

/* Columns come to the SQLite table and stay there; the ones that count are the version's. */
bool txn_overlay_follow(Txn *t, const Table *now, SqlError *e) {
    Overlay *o = overlay_find(t, now->object_id);
    if (!o || !o->has_rows || o->version == now->version) return true;
    CLEANUP(buf_done) Buf sql = {0};
    CLEANUP(buf_done) Buf physical = {0};
    buf_cstr(&physical, o->physical);
    for (size_t i = 0; i < now->column_count; i++) {
        if (has_column(o->physical, now->columns[i].id)) continue;
        buf_printf(&physical, ", c%d", now->columns[i].id);
        for (int undo = 0; undo <= o->has_undo; undo++) {
            if (undo) buf_printf(&sql, "ALTER TABLE temp.u%d ADD COLUMN ", now->object_id);
            else buf_printf(&sql, "ALTER TABLE %s ADD COLUMN ", o->table);
            tablesql_column(now, i, &sql);
            buf_cstr(&sql, ";");
        }
    }
    store_write_lock(t->store);
    bool ok = !sql.n || run(t, &sql, e);
    if (ok && o->is_shared) atomic_store(&o->state->pending_version, now->version);
    store_write_unlock(t->store);
    if (!ok) return false;
    free(o->physical);
    free(o->columns);
    o->physical = x_strdup(buf_text(&physical));
    o->columns = column_list(now);
    t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
    o->version = now->version;
    t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
    return true;
}
