/*
 * One row at a time through prepared statements. In TXN_DIRECT and TXN_LOCAL mode SQLite's own unique indexes
 * refuse a duplicate, and only then is it looked for; in TXN_OVERLAY mode each unique key is looked for
 * beforehand in what the transaction sees, and locked, so that COMMIT meets no surprise.
 *
 * NULL counts as a value in SQL Server's unique indexes and doesn't in SQLite's: a key with a NULL is always
 * looked for.
 */
#include "standin/store/row_writer.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "standin/store/table_sql.h"
#include "standin/store/txn_internal.h"
#include "standin/types/convert.h"

struct RowWriter {
    Txn *txn;
    const Table *table;
    const char *schema;
    Overlay *overlay; /* TXN_OVERLAY */
    bool is_alone;    /* no row or key locks are needed: the table is locked or the session's own */
    bool is_overlapping;
    sqlite3_stmt *insert, *update, *delete_, *read;
    sqlite3_stmt **find; /* by index: a row with this key */
    sqlite3_stmt **fits; /* by index: a filtered one takes such a row */
    size_t *set;         /* positions of the columns an update sets */
    size_t set_count;
    bool changes_keys, changes_filters; /* an update: of unique indexes */
    bool is_split;                      /* an update is logged as a delete and an insert */
    Buf scratch;
};

RowWriter *rowwriter_open(Txn *t, const Table *table, const char *schema) {
    RowWriter *w = x_calloc(1, sizeof *w);
    w->txn = t;
    w->table = table;
    w->schema = schema;
    w->find = x_calloc(table->index_count, sizeof(sqlite3_stmt *));
    w->fits = x_calloc(table->index_count, sizeof(sqlite3_stmt *));
    bool is_own = table->kind == TABLE_TEMP || table->kind == TABLE_VARIABLE;
    w->overlay = t->mode == TXN_OVERLAY ? overlay_find(t, table->object_id) : NULL;
    w->is_alone = is_own || (t->mode == TXN_DIRECT && t->alone_in == table->object_id);
    return w;
}

RowWriter *rowwriter_close(RowWriter *w) {
    if (!w) return NULL;
    StmtCache *c = w->txn->statements;
    stmtcache_put(c, w->insert);
    stmtcache_put(c, w->update);
    stmtcache_put(c, w->delete_);
    stmtcache_put(c, w->read);
    for (size_t i = 0; i < w->table->index_count; i++) {
        stmtcache_put(c, w->find[i]);
        stmtcache_put(c, w->fits[i]);
    }
    free(w->find);
    free(w->fits);
    free(w->set);
    buf_done(&w->scratch);
    free(w);
    return NULL;
}

/* ---- statements */

static void bind(sqlite3_stmt *st, int i, const Value *v) {
    switch (v->kind) {
    case VALUE_NULL: (void)sqlite3_bind_null(st, i); break;
    case VALUE_INT: (void)sqlite3_bind_int64(st, i, v->v.i); break;
    case VALUE_REAL: (void)sqlite3_bind_double(st, i, v->v.d); break;
    case VALUE_TEXT:
        (void)sqlite3_bind_text64(st, i, v->v.s.p ? v->v.s.p : "", v->v.s.n, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case VALUE_BLOB:
        (void)sqlite3_bind_blob64(st, i, v->v.s.p ? v->v.s.p : "", v->v.s.n, SQLITE_STATIC);
        break;
    }
}

static Value column_value(sqlite3_stmt *st, int i) {
    switch (sqlite3_column_type(st, i)) {
    case SQLITE_INTEGER: return VALUE_OF_INT(sqlite3_column_int64(st, i));
    case SQLITE_FLOAT: return VALUE_OF_REAL(sqlite3_column_double(st, i));
    case SQLITE_TEXT: {
        const char *p = (const char *)sqlite3_column_text(st, i);
        return VALUE_OF_TEXT(((Str){p, (size_t)sqlite3_column_bytes(st, i)}));
    }
    case SQLITE_BLOB: {
        const char *p = sqlite3_column_blob(st, i);
        return VALUE_OF_BLOB(((Str){p, (size_t)sqlite3_column_bytes(st, i)}));
    }
    default: return (Value){.kind = VALUE_NULL};
    }
}

static bool prepare(RowWriter *w, sqlite3_stmt **st, SqlError *e) {
    if (!*st) *st = stmtcache_take(w->txn->statements, buf_view(&w->scratch), e);
    return *st != NULL;
}

static void write_target(RowWriter *w) {
    if (w->overlay) buf_cstr(&w->scratch, w->overlay->table);
    else buf_cstr(&w->scratch, w->table->sql_name);
}

static void write_columns(RowWriter *w) {
    for (size_t i = 0; i < w->table->column_count; i++)
        buf_printf(&w->scratch, "%sc%d", i ? ", " : "", w->table->columns[i].id);
}

/* INSERT INTO target(rowid, columns) VALUES(?1, ?2 …); with a rowid column, its parameter is left out. */
static bool prepare_insert(RowWriter *w, SqlError *e) {
    if (w->insert) return true;
    buf_clear(&w->scratch);
    buf_cstr(&w->scratch, w->overlay ? "REPLACE INTO " : "INSERT INTO ");
    write_target(w);
    buf_cstr(&w->scratch, "(");
    if (w->overlay) buf_cstr(&w->scratch, "own, deleted, ");
    if (!w->table->has_rowid_column) buf_cstr(&w->scratch, "rowid, ");
    write_columns(w);
    buf_cstr(&w->scratch, ") VALUES(");
    if (w->overlay) buf_printf(&w->scratch, "%d, 0, ", w->txn->spid);
    if (!w->table->has_rowid_column) buf_cstr(&w->scratch, "?1, ");
    for (size_t i = 0; i < w->table->column_count; i++)
        buf_printf(&w->scratch, "%s?%zu", i ? ", " : "", i + 2);
    buf_cstr(&w->scratch, ")");
    return prepare(w, &w->insert, e);
}

static bool prepare_update(RowWriter *w, SqlError *e) {
    if (w->update) return true;
    buf_clear(&w->scratch);
    buf_printf(&w->scratch, "UPDATE %s SET ", w->table->sql_name);
    for (size_t i = 0; i < w->set_count; i++)
        buf_printf(&w->scratch, "%sc%d = ?%zu", i ? ", " : "", w->table->columns[w->set[i]].id,
                   w->set[i] + 2);
    buf_cstr(&w->scratch, " WHERE rowid = ?1");
    return prepare(w, &w->update, e);
}

static bool prepare_delete(RowWriter *w, SqlError *e) {
    if (w->delete_) return true;
    buf_clear(&w->scratch);
    if (w->overlay)
        buf_printf(&w->scratch, "REPLACE INTO %s(rowid, own, deleted) VALUES(?1, %d, 1)", w->overlay->table,
                   w->txn->spid);
    else buf_printf(&w->scratch, "DELETE FROM %s WHERE rowid = ?1", w->table->sql_name);
    return prepare(w, &w->delete_, e);
}

static bool prepare_read(RowWriter *w, SqlError *e) {
    if (w->read) return true;
    buf_clear(&w->scratch);
    buf_cstr(&w->scratch, "SELECT ");
    write_columns(w);
    if (w->overlay) {
        const char *name = w->overlay->table;
        int spid = w->txn->spid;
        buf_printf(
            &w->scratch,
            " FROM %s WHERE rowid = ?1 AND NOT EXISTS (SELECT 1 FROM %s WHERE rowid = ?1 AND own = %d) "
            "UNION ALL SELECT ",
            w->table->sql_name, name, spid);
        write_columns(w);
        buf_printf(&w->scratch, " FROM %s WHERE rowid = ?1 AND own = %d AND deleted = 0", name, spid);
    } else {
        buf_printf(&w->scratch, " FROM %s WHERE rowid = ?1", w->table->sql_name);
    }
    return prepare(w, &w->read, e);
}

static void write_key_condition(RowWriter *w, const Index *x) {
    for (size_t i = 0; i < x->key_count; i++)
        buf_printf(&w->scratch, "%sc%d IS ?%zu", i ? " AND " : "", x->columns[i].column_id, i + 1);
    if (x->filter_sql) buf_printf(&w->scratch, " AND %s", x->filter_sql);
}

/* The rowid of a row with this key, as the transaction sees it. */
static bool prepare_find(RowWriter *w, size_t at, SqlError *e) {
    if (w->find[at]) return true;
    const Index *x = &w->table->indexes[at];
    buf_clear(&w->scratch);
    buf_printf(&w->scratch, "SELECT rowid FROM %s AS b WHERE ", w->table->sql_name);
    write_key_condition(w, x);
    if (w->overlay) {
        const char *name = w->overlay->table;
        int spid = w->txn->spid;
        buf_printf(&w->scratch,
                   " AND NOT EXISTS (SELECT 1 FROM %s AS o WHERE o.rowid = b.rowid AND o.own = %d) "
                   "UNION ALL SELECT rowid FROM %s WHERE own = %d AND deleted = 0 AND ",
                   name, spid, name, spid);
        write_key_condition(w, x);
    }
    buf_cstr(&w->scratch, " LIMIT 1");
    return prepare(w, &w->find[at], e);
}

static bool step(RowWriter *w, sqlite3_stmt *st, int *ret_rc, SqlError *e) {
    int rc = sqlite3_step(st);
    (void)sqlite3_reset(st);
    *ret_rc = rc & 0xff;
    if (*ret_rc == SQLITE_DONE || *ret_rc == SQLITE_CONSTRAINT) return true;
    return store_sqlite_error(w->txn->db, "write a row", e);
}

/* ---- locks */

static bool lock_row(RowWriter *w, int64_t rowid, SqlError *e) {
    if (w->is_alone) return true;
    LockResource r = {.object_id = w->table->object_id, .space = LOCK_ROW_SPACE, .key = rowid};
    return txn_try_lock(w->txn, r, LOCK_X, e);
}

static uint64_t key_hash(RowWriter *w, const Index *x, const Value *values) {
    uint64_t h = (uint64_t)x->id;
    for (size_t i = 0; i < x->key_count; i++) {
        size_t at = table_column_index(w->table, x->columns[i].column_id);
        const Value *v = &values[at];
        buf_clear(&w->scratch);
        switch (v->kind) {
        case VALUE_NULL: break;
        case VALUE_INT:
        case VALUE_REAL: buf_add(&w->scratch, &v->v, sizeof v->v.i); break;
        case VALUE_TEXT: convert_text_key(&w->table->columns[at].type, v->v.s, &w->scratch); break;
        case VALUE_BLOB: buf_str(&w->scratch, v->v.s); break;
        }
        h = hash_bytes(w->scratch.p, w->scratch.n, h);
    }
    return h;
}

static bool lock_key(RowWriter *w, const Index *x, const Value *values, SqlError *e) {
    if (w->is_alone) return true;
    LockResource r = {.object_id = w->table->object_id,
                      .space = LOCK_KEY_SPACE + x->id,
                      .key = (int64_t)key_hash(w, x, values)};
    return txn_try_lock(w->txn, r, LOCK_X, e);
}

/* A SNAPSHOT transaction may not change what others changed since it began. */
static bool check_conflict(RowWriter *w, int64_t rowid, SqlError *e) {
    Txn *t = w->txn;
    if (!t->has_snapshot || !store_changed_since(t->store, w->table->object_id, rowid, t->snapshot_commit))
        return true;
    const Database *d = catalog_database_by_id(store_catalog(t->store), w->table->database_id);
    return sql_error_set(
        e, 3960, 16, 2,
        "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot "
        "isolation to access table '%s.%s' directly or indirectly in database '%s' to update, "
        "delete, or insert the row that has been modified or deleted by another transaction. Retry "
        "the transaction or change the isolation level for the update/delete statement.",
        w->schema, w->table->name, d ? d->name : "");
}

bool rowwriter_read(RowWriter *w, int64_t rowid, Value *ret_values, SqlError *e) {
    if (!lock_row(w, rowid, e) || !check_conflict(w, rowid, e) || !prepare_read(w, e)) return false;
    (void)sqlite3_reset(w->read);
    (void)sqlite3_bind_int64(w->read, 1, rowid);
    int rc = sqlite3_step(w->read);
    e->number = 0;
    if (rc == SQLITE_DONE) return false;
    if (rc != SQLITE_ROW) return store_sqlite_error(w->txn->db, "read a row", e);
    for (size_t i = 0; i < w->table->column_count; i++) ret_values[i] = column_value(w->read, (int)i);
    return true;
}

/* ---- unique keys */

bool rowwriter_duplicate_error(const RowWriter *w, const Index *x, const Value *values, SqlError *e) {
    CLEANUP(buf_done) Buf key = {0};
    for (size_t i = 0; i < x->key_count; i++) {
        size_t at = table_column_index(w->table, x->columns[i].column_id);
        ConvertError ignored;
        if (i) buf_cstr(&key, ", ");
        if (values[at].kind == VALUE_NULL) buf_cstr(&key, "<NULL>");
        else if (!convert_to_text(&w->table->columns[at].type, values[at], CONVERT_STYLE_DEFAULT, &key,
                                  &ignored))
            buf_cstr(&key, "?");
    }
    if (x->is_primary_key || x->is_unique_constraint)
        return sql_error_set(
            e, 2627, 14, 1,
            "Violation of %s constraint '%s'. Cannot insert duplicate key in object '%s.%s'. The "
            "duplicate key value is (%s).",
            x->is_primary_key ? "PRIMARY KEY" : "UNIQUE KEY", x->name, w->schema, w->table->name,
            buf_text(&key));
    return sql_error_set(
        e, 2601, 14, 1,
        "Cannot insert duplicate key row in object '%s.%s' with unique index '%s'. The duplicate key "
        "value is (%s).",
        w->schema, w->table->name, x->name, buf_text(&key));
}

static bool has_null(RowWriter *w, const Index *x, const Value *values) {
    for (size_t i = 0; i < x->key_count; i++)
        if (values[table_column_index(w->table, x->columns[i].column_id)].kind == VALUE_NULL) return true;
    return false;
}

/* Is there another row (than `self`) with the values' key in index `at`? */
static bool check_unique(RowWriter *w, size_t at, const Value *values, int64_t self, SqlError *e) {
    const Index *x = &w->table->indexes[at];
    if (!prepare_find(w, at, e)) return false;
    sqlite3_stmt *st = w->find[at];
    for (size_t i = 0; i < x->key_count; i++)
        bind(st, (int)i + 1, &values[table_column_index(w->table, x->columns[i].column_id)]);
    int rc = sqlite3_step(st);
    bool is_taken = rc == SQLITE_ROW && sqlite3_column_int64(st, 0) != self;
    (void)sqlite3_reset(st);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return store_sqlite_error(w->txn->db, "look for a key", e);
    return !is_taken || rowwriter_duplicate_error(w, x, values, e);
}

/* Does index `at` take the row, as those without a filter do? */
static bool fits(RowWriter *w, size_t at, const Value *values, bool *ret, SqlError *e) {
    const Index *x = &w->table->indexes[at];
    *ret = true;
    if (!x->filter_sql) return true;
    if (!w->fits[at]) {
        buf_clear(&w->scratch);
        buf_cstr(&w->scratch, "SELECT 1 FROM (SELECT ");
        for (size_t i = 0; i < w->table->column_count; i++)
            buf_printf(&w->scratch, "%s?%zu AS c%d", i ? ", " : "", i + 1, w->table->columns[i].id);
        buf_printf(&w->scratch, ") WHERE %s", x->filter_sql);
        if (!prepare(w, &w->fits[at], e)) return false;
    }
    sqlite3_stmt *st = w->fits[at];
    for (size_t i = 0; i < w->table->column_count; i++) bind(st, (int)i + 1, &values[i]);
    int rc = sqlite3_step(st);
    (void)sqlite3_reset(st);
    *ret = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE || store_sqlite_error(w->txn->db, "look at a filter", e);
}

/* Lock and look for the keys beforehand, where SQLite wouldn't find the duplicate itself. */
static bool check_keys(RowWriter *w, const Value *values, int64_t self, SqlError *e) {
    for (size_t i = 0; i < w->table->index_count; i++) {
        const Index *x = &w->table->indexes[i];
        bool is_taken;
        if (!x->is_unique) continue;
        if (!fits(w, i, values, &is_taken, e)) return false;
        if (!is_taken) continue;
        bool is_rowid = tablesql_is_rowid_index(w->table, x);
        if (!is_rowid && !lock_key(w, x, values, e)) return false;
        if ((w->overlay || has_null(w, x, values)) && !check_unique(w, i, values, self, e)) return false;
    }
    return true;
}

/* SQLite has refused a row: which key was it? */
static bool name_duplicate(RowWriter *w, const Value *values, int64_t self, SqlError *e) {
    for (size_t i = 0; i < w->table->index_count; i++) {
        bool is_taken;
        if (!w->table->indexes[i].is_unique) continue;
        if (!fits(w, i, values, &is_taken, e) || (is_taken && !check_unique(w, i, values, self, e)))
            return false;
    }
    return store_sqlite_error(w->txn->db, "insert a row", e);
}

/* ---- the log */

static bool log_change(RowWriter *w, LogOp op, const LogLsn *at, const Value *before, const Value *after,
                       SqlError *e) {
    Txn *t = w->txn;
    return logwriter_add(t->log, w->table, op, at, t->command_id, before, after, e);
}

static bool log_one(RowWriter *w, LogOp op, const Value *before, const Value *after, SqlError *e) {
    if (!w->table->is_tracked_by_cdc) return true;
    txn_note_logging(w->txn, w->table);
    LogLsn lsn = log_take_lsn(store_log(w->txn->store));
    return log_change(w, op, &lsn, before, after, e);
}

/* A changed key: the delete and the insert of one position. */
static bool log_pair(RowWriter *w, const Value *before, const Value *after, SqlError *e) {
    if (!w->table->is_tracked_by_cdc) return true;
    txn_note_logging(w->txn, w->table);
    LogLsn lsn = log_take_lsn(store_log(w->txn->store));
    return log_change(w, LOG_DELETE, &lsn, before, NULL, e) &&
           log_change(w, LOG_INSERT, &lsn, NULL, after, e);
}

static bool same_value(const Value *a, const Value *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case VALUE_NULL: return true;
    case VALUE_INT: return a->v.i == b->v.i;
    case VALUE_REAL: return memcmp(&a->v.d, &b->v.d, sizeof a->v.d) == 0;
    default: return str_eq(a->v.s, b->v.s);
    }
}

static bool has_clustered(const Table *t) {
    for (size_t i = 0; i < t->index_count; i++)
        if (t->indexes[i].is_clustered) return true;
    return false;
}

/* An update that changes nothing is logged only for heaps, (max) columns and row versioning (CDC: sources
 * there). */
static bool is_worth_logging(const RowWriter *w, const Value *before, const Value *after) {
    bool has_max = false;
    for (size_t i = 0; i < w->set_count; i++) {
        if (!same_value(&before[w->set[i]], &after[w->set[i]])) return true;
        if (w->table->columns[w->set[i]].type.length == TYPE_MAX_LENGTH) has_max = true;
    }
    const Database *d = catalog_database_by_id(store_catalog(w->txn->store), w->table->database_id);
    return has_max || !has_clustered(w->table) ||
           (d && (d->is_snapshot_on || d->is_read_committed_snapshot_on));
}

/* ---- changes */

static void note(RowWriter *w, int64_t rowid, int64_t rows) {
    Txn *t = w->txn;
    if (t->mode == TXN_OVERLAY) lock_note_work(t->owner);
    if (t->mode == TXN_DIRECT && store_has_snapshots(t->store))
        store_note_change(t->store, w->table->object_id, rowid, store_last_commit(t->store) + 1);
    if (w->overlay) overlay_mark_used(t, w->overlay);
    else if (rows) txn_count_rows(t, w->table->state, rows);
}

static bool put_row(RowWriter *w, int64_t rowid, const Value *values, SqlError *e) {
    if (w->overlay && !overlay_remember(w->txn, w->overlay, rowid, e)) return false;
    if (!prepare_insert(w, e)) return false;
    if (!w->table->has_rowid_column) (void)sqlite3_bind_int64(w->insert, 1, rowid);
    for (size_t i = 0; i < w->table->column_count; i++) bind(w->insert, (int)i + 2, &values[i]);
    int rc;
    if (!step(w, w->insert, &rc, e)) return false;
    return rc != SQLITE_CONSTRAINT || name_duplicate(w, values, INT64_MIN, e);
}

static bool drop_row(RowWriter *w, int64_t rowid, SqlError *e) {
    if (w->overlay && !overlay_remember(w->txn, w->overlay, rowid, e)) return false;
    if (!prepare_delete(w, e)) return false;
    (void)sqlite3_bind_int64(w->delete_, 1, rowid);
    int rc;
    return step(w, w->delete_, &rc, e);
}

bool rowwriter_insert(RowWriter *w, const Value *values, int64_t *ret_rowid, SqlError *e) {
    const Table *t = w->table;
    int64_t rowid =
        t->has_rowid_column ? values[t->rowid_column].v.i : atomic_fetch_add(&t->state->rowid, 1) + 1;
    /* A row that only this session can see needs no lock, unless its rowid is a key that others may want. */
    if (t->has_rowid_column && !lock_row(w, rowid, e)) return false;
    if (!check_keys(w, values, INT64_MIN, e) || !put_row(w, rowid, values, e)) return false;
    note(w, rowid, 1);
    *ret_rowid = rowid;
    return log_one(w, LOG_INSERT, NULL, values, e);
}

bool rowwriter_delete(RowWriter *w, int64_t rowid, const Value *before, SqlError *e) {
    if (!drop_row(w, rowid, e)) return false;
    note(w, rowid, -1);
    return log_one(w, LOG_DELETE, before, NULL, e);
}

static bool is_set(const RowWriter *w, int32_t column_id) {
    for (size_t i = 0; i < w->set_count; i++)
        if (w->table->columns[w->set[i]].id == column_id) return true;
    return false;
}

void rowwriter_set_columns(RowWriter *w, const size_t *columns, size_t count) {
    w->set = x_reallocarray(w->set, count, sizeof *w->set);
    memcpy(w->set, columns, count * sizeof *w->set);
    w->set_count = count;
    w->changes_keys = w->changes_filters = false;
    for (size_t i = 0; i < w->table->index_count; i++) {
        const Index *x = &w->table->indexes[i];
        w->changes_filters |= x->is_unique && x->filter_sql;
        for (size_t k = 0; (x->is_unique || x->is_clustered) && k < x->key_count; k++)
            if (is_set(w, x->columns[k].column_id)) w->changes_keys = true;
    }
}

bool rowwriter_changes_keys(const RowWriter *w) {
    return w->changes_keys;
}

void rowwriter_set_merging(RowWriter *w) {
    for (size_t i = 0; i < w->table->index_count; i++) w->is_split |= w->table->indexes[i].is_unique;
}

void rowwriter_set_overlapping(RowWriter *w) {
    w->is_overlapping = true;
}

static bool log_update(RowWriter *w, const Value *before, const Value *after, SqlError *e) {
    if (!w->table->is_tracked_by_cdc) return true;
    if (w->changes_keys || w->is_split) return log_pair(w, before, after, e);
    return !is_worth_logging(w, before, after) || log_one(w, LOG_UPDATE, before, after, e);
}

static int64_t rowid_after(const RowWriter *w, int64_t rowid, const Value *after) {
    return w->table->has_rowid_column ? after[w->table->rowid_column].v.i : rowid;
}

/* In place in the base; as a new image in the write set. */
static bool change_row(RowWriter *w, int64_t rowid, const Value *after, SqlError *e) {
    if (w->overlay) return put_row(w, rowid, after, e);
    if (!prepare_update(w, e)) return false;
    (void)sqlite3_bind_int64(w->update, 1, rowid);
    for (size_t i = 0; i < w->set_count; i++) bind(w->update, (int)w->set[i] + 2, &after[w->set[i]]);
    int rc;
    if (!step(w, w->update, &rc, e)) return false;
    return rc != SQLITE_CONSTRAINT || name_duplicate(w, after, rowid, e);
}

bool rowwriter_update(RowWriter *w, int64_t rowid, const Value *before, const Value *after, SqlError *e) {
    int64_t now = rowid_after(w, rowid, after);
    if (w->changes_keys || w->changes_filters) {
        if (now != rowid && !lock_row(w, now, e)) return false;
        if (!check_keys(w, after, rowid, e)) return false;
    }
    if (now != rowid) {
        if (!drop_row(w, rowid, e) || !put_row(w, now, after, e)) return false;
        note(w, now, 0);
    } else if (!change_row(w, rowid, after, e)) {
        return false;
    }
    note(w, rowid, 0);
    return log_update(w, before, after, e);
}

bool rowwriter_take_out(RowWriter *w, int64_t rowid, const Value *before, SqlError *e) {
    if (!drop_row(w, rowid, e)) return false;
    note(w, rowid, 0);
    return !w->is_overlapping || log_one(w, LOG_DELETE, before, NULL, e);
}

bool rowwriter_put_back(RowWriter *w, int64_t rowid, const Value *before, const Value *after, SqlError *e) {
    int64_t now = rowid_after(w, rowid, after);
    if (now != rowid && !lock_row(w, now, e)) return false;
    if (!check_keys(w, after, INT64_MIN, e) || !put_row(w, now, after, e)) return false;
    note(w, now, 0);
    return w->is_overlapping ? log_one(w, LOG_INSERT, NULL, after, e) : log_pair(w, before, after, e);
}
