/*
 * Write sets as tables of the session's TEMP schema. temp.w<id> has the base's columns and rowid, and
 * `deleted`: a row there hides the base's row of the same rowid and, unless deleted, takes its place.
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

static bool make_table(Txn *t, const Table *table, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "DROP TABLE IF EXISTS temp.w%d; DROP TABLE IF EXISTS temp.u%d;", table->object_id,
               table->object_id);
    buf_printf(&sql, "CREATE TABLE temp.w%d(deleted", table->object_id);
    for (size_t i = 0; i < table->column_count; i++) {
        buf_cstr(&sql, ", ");
        tablesql_column(table, i, &sql);
    }
    buf_cstr(&sql, ");");
    for (size_t i = 0; i < table->index_count; i++) {
        if (tablesql_is_rowid_index(table, &table->indexes[i])) continue;
        buf_printf(&sql, "CREATE INDEX temp.x%d_%d ON w%d(", table->object_id, table->indexes[i].id,
                   table->object_id);
        tablesql_index_columns(table, &table->indexes[i], &sql);
        buf_cstr(&sql, ");");
    }
    return run(t, &sql, e);
}

bool overlay_make(Txn *t, const Table *table, SqlError *e) {
    Overlay *o = overlay_find(t, table->object_id);
    if (o && o->version == table->version) return true;
    if (o && o->has_rows) return txn_overlay_follow(t, table, e);
    if (!make_table(t, table, e)) return false;
    if (!o) {
        t->overlays = x_reallocarray(t->overlays, t->overlay_count + 1, sizeof *t->overlays);
        o = &t->overlays[t->overlay_count++];
        *o = (Overlay){0};
    }
    overlay_done(o);
    (void)atomic_fetch_add(&table->state->reference_count, 1);
    *o = (Overlay){.object_id = table->object_id,
                   .version = table->version,
                   .base = x_strdup(table->sql_name),
                   .columns = column_list(table),
                   .physical = column_list(table),
                   .state = table->state};
    return true;
}

void overlay_mark_used(Txn *t, Overlay *o) {
    if (o->has_rows) return;
    o->has_rows = true;
    t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
}

bool txn_has_overlay(const Txn *t, int32_t object_id) {
    const Overlay *o = overlay_find(t, object_id);
    return o && o->has_rows;
}

uint64_t txn_source_version(const Txn *t) {
    return t->source_version;
}

void txn_source_sql(const Txn *t, const Table *table, const char *filter, Buf *out) {
    const Overlay *o = overlay_find(t, table->object_id);
    bool has_rows = o && o->has_rows;
    if (!has_rows && !filter) {
        buf_cstr(out, table->sql_name);
        return;
    }
    CLEANUP_FREE char *columns = column_list(table);
    buf_printf(out, "(SELECT rowid AS rowid, rowid AS _rid_, %s FROM %s WHERE ", columns, table->sql_name);
    if (has_rows) buf_printf(out, "rowid NOT IN (SELECT rowid FROM temp.w%d)", table->object_id);
    if (filter) buf_printf(out, "%s%s", has_rows ? " AND " : "", filter);
    if (has_rows)
        buf_printf(out, " UNION ALL SELECT rowid, rowid, %s FROM temp.w%d WHERE deleted = 0", columns,
                   table->object_id);
    buf_cstr(out, ")");
}

/* ---- savepoints */

static bool make_undo(Txn *t, Overlay *o, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql,
               "CREATE TABLE temp.u%d AS SELECT 0 AS seq, 0 AS rid, 0 AS present, deleted, %s FROM temp.w%d "
               "WHERE 0; "
               "CREATE UNIQUE INDEX temp.us%d ON u%d(seq);",
               o->object_id, o->physical, o->object_id, o->object_id, o->object_id);
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
               "FROM (SELECT 1) LEFT JOIN temp.w%d AS w ON w.rowid = ?2",
               o->object_id, o->physical, o->physical, o->object_id);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    (void)sqlite3_bind_int64(st, 1, ++t->undo_seq);
    (void)sqlite3_bind_int64(st, 2, rowid);
    int rc = sqlite3_step(st);
    stmtcache_put(t->statements, st);
    return rc == SQLITE_DONE || store_sqlite_error(t->db, "keep a savepoint", e);
}

bool overlay_rollback_to(Txn *t, int64_t undo_seq, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    for (size_t i = 0; i < t->overlay_count; i++) {
        const Overlay *o = &t->overlays[i];
        int id = o->object_id;
        if (!o->has_rows || !o->has_undo) continue;
        long long seq = undo_seq;
        buf_printf(&sql,
                   "SAVEPOINT back; DELETE FROM temp.w%d WHERE rowid IN (SELECT rid FROM temp.u%d WHERE seq "
                   "> %lld);",
                   id, id, seq);
        buf_printf(&sql,
                   "INSERT INTO temp.w%d(rowid, deleted, %s) SELECT rid, deleted, %s FROM temp.u%d WHERE "
                   "present AND "
                   "seq IN (SELECT min(seq) FROM temp.u%d WHERE seq > %lld GROUP BY rid);",
                   id, o->physical, o->physical, id, id, seq);
        buf_printf(&sql, "DELETE FROM temp.u%d WHERE seq > %lld; RELEASE back;", id, seq);
        if (!run(t, &sql, e)) {
            (void)sqlite3_exec(t->db, "ROLLBACK TO back; RELEASE back", NULL, NULL, NULL);
            return false;
        }
    }
    return true;
}

/* ---- the end of the transaction */

static bool note_changes(Txn *t, const Overlay *o, uint64_t commit, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "SELECT rowid FROM temp.w%d", o->object_id);
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(&sql), e);
    if (!st) return false;
    int rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW)
        store_note_change(t->store, o->object_id, sqlite3_column_int64(st, 0), commit);
    stmtcache_put(t->statements, st);
    return rc == SQLITE_DONE || store_sqlite_error(t->db, "read a write set", e);
}

/* Run one statement; the rows it changed are added to *rows, times sign. */
static bool change_base(Txn *t, Buf *sql, int sign, int64_t *rows, SqlError *e) {
    sqlite3_stmt *st = stmtcache_take(t->statements, buf_view(sql), e);
    buf_clear(sql);
    if (!st) return false;
    int rc = sqlite3_step(st);
    *rows += sign * (int64_t)sqlite3_changes(t->db);
    bool is_duplicate = (rc & 0xff) == SQLITE_CONSTRAINT;
    if (is_duplicate)
        (void)sql_error_set(
            e, 2601, 14, 1,
            "Cannot insert duplicate key row: another transaction has inserted the key meanwhile.");
    else if (rc != SQLITE_DONE) (void)store_sqlite_error(t->db, "apply a transaction", e);
    stmtcache_put(t->statements, st);
    return rc == SQLITE_DONE;
}

bool overlay_apply_all(Txn *t, uint64_t commit, SqlError *e) {
    CLEANUP(buf_done) Buf sql = {0};
    for (size_t i = 0; i < t->overlay_count; i++) {
        Overlay *o = &t->overlays[i];
        if (!o->has_rows) continue;
        o->rows_at_apply = 0;
        if (store_has_snapshots(t->store) && !note_changes(t, o, commit, e)) return false;
        buf_printf(&sql, "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM temp.w%d)", o->base, o->object_id);
        if (!change_base(t, &sql, -1, &o->rows_at_apply, e)) return false;
        buf_printf(&sql, "INSERT INTO %s(rowid, %s) SELECT rowid, %s FROM temp.w%d WHERE deleted = 0",
                   o->base, o->columns, o->columns, o->object_id);
        if (!change_base(t, &sql, 1, &o->rows_at_apply, e)) return false;
    }
    return true;
}

void overlay_clear_all(Txn *t) {
    SqlError ignored;
    CLEANUP(buf_done) Buf sql = {0};
    for (size_t i = 0; i < t->overlay_count; i++) {
        Overlay *o = &t->overlays[i];
        if (!o->has_rows) continue;
        buf_printf(&sql, "DELETE FROM temp.w%d", o->object_id);
        (void)stmtcache_run(t->statements, buf_text(&sql), &ignored);
        buf_clear(&sql);
        if (o->has_undo) {
            buf_printf(&sql, "DELETE FROM temp.u%d", o->object_id);
            (void)stmtcache_run(t->statements, buf_text(&sql), &ignored);
            buf_clear(&sql);
        }
        o->has_rows = false;
    }
    t->source_version = 0;
}

void txn_overlay_discard(Txn *t, int32_t object_id) {
    Overlay *o = overlay_find(t, object_id);
    if (!o) return;
    CLEANUP(buf_done) Buf sql = {0};
    buf_printf(&sql, "DROP TABLE IF EXISTS temp.w%d; DROP TABLE IF EXISTS temp.u%d", object_id, object_id);
    stmtcache_clear(t->statements);
    (void)sqlite3_exec(t->db, buf_text(&sql), NULL, NULL, NULL);
    if (o->has_rows) t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
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
            buf_printf(&sql, "ALTER TABLE temp.%c%d ADD COLUMN ", undo ? 'u' : 'w', now->object_id);
            tablesql_column(now, i, &sql);
            buf_cstr(&sql, ";");
        }
    }
    if (sql.n && !run(t, &sql, e)) return false;
    free(o->physical);
    free(o->columns);
    o->physical = x_strdup(buf_text(&physical));
    o->columns = column_list(now);
    t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
    o->version = now->version;
    t->source_version ^= hash_mix((uint64_t)(uint32_t)o->object_id, o->version);
    return true;
}
