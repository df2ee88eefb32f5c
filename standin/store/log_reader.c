/* The log's reading side: walks m_log in the order of ids and decodes records, whole pieces at a time. */
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cursor.h"
#include "base/mem.h"
#include "standin/store/log_internal.h"

typedef struct ReadLayout {
    LogLayout shown;
    int32_t *ids;
    Type *types;
} ReadLayout;

struct LogReader {
    Log *log;
    sqlite3 *db;
    sqlite3_stmt *next;  /* the first transaction after an id and a position */
    sqlite3_stmt *piece; /* one row by id */
    int64_t id;          /* of the piece read last; ids before it are done with */
    LogLsn last;         /* commit LSN of the transaction that has it */
    Buf buf;             /* bytes not yet decoded, from `at` on */
    size_t at;
    bool has_transaction;
    ReadLayout *layouts;
    size_t layout_count;
    Arena arena;   /* of the change returned last */
    uint64_t left; /* changes of the transaction not yet returned */
};

LogReader *log_reader_new(Log *l, struct sqlite3 *db) {
    LogReader *r = x_calloc(1, sizeof *r);
    r->log = l;
    r->db = db;
    return r;
}

static void forget_layouts(LogReader *r) {
    for (size_t i = 0; i < r->layout_count; i++) {
        free(r->layouts[i].ids);
        free(r->layouts[i].types);
    }
    free(r->layouts);
    r->layouts = NULL;
    r->layout_count = 0;
}

LogReader *log_reader_free(LogReader *r) {
    if (!r) return NULL;
    (void)sqlite3_finalize(r->next);
    (void)sqlite3_finalize(r->piece);
    forget_layouts(r);
    buf_done(&r->buf);
    arena_done(&r->arena);
    free(r);
    return NULL;
}

static bool failed(LogReader *r, SqlError *e) {
    return sql_error_set(e, 9001, 17, 3, "The log could not be read: %s", sqlite3_errmsg(r->db));
}

static bool prepare(LogReader *r, sqlite3_stmt **st, const char *sql, SqlError *e) {
    return *st || sqlite3_prepare_v3(r->db, sql, -1, SQLITE_PREPARE_PERSISTENT, st, NULL) == SQLITE_OK ||
           failed(r, e);
}

static void take_bytes(LogReader *r, sqlite3_stmt *st, int column) {
    if (r->at == r->buf.n) {
        buf_clear(&r->buf);
    } else {
        memmove(r->buf.p, r->buf.p + r->at, r->buf.n - r->at);
        r->buf.n -= r->at;
    }
    r->at = 0;
    buf_add(&r->buf, sqlite3_column_blob(st, column), (size_t)sqlite3_column_bytes(st, column));
}

static LogLsn read_lsn(Cursor *c) {
    LogLsn lsn = {{0}};
    Str s = cursor_bytes(c, LOG_LSN_BYTES);
    if (s.n == LOG_LSN_BYTES) memcpy(lsn.b, s.p, LOG_LSN_BYTES);
    return lsn;
}

static void read_header(LogReader *r, LogTransaction *ret) {
    Cursor c = cursor_over(r->buf.p, r->buf.n);
    ret->commit_lsn = r->last;
    ret->begin_lsn = read_lsn(&c);
    ret->begin_us = (int64_t)cursor_le64(&c);
    ret->commit_us = (int64_t)cursor_le64(&c);
    ret->id = cursor_le64(&c);
    ret->database_id = (int32_t)cursor_le32(&c);
    ret->change_count = cursor_le64(&c);
    r->left = ret->change_count;
    r->at = LOG_HEADER_BYTES;
}

bool log_reader_next_transaction(LogReader *r, const LogLsn *after, LogTransaction *ret, SqlError *e) {
    e->number = 0;
    if (!prepare(r, &r->next,
                 "SELECT id, lsn, body FROM m_log WHERE id > ?1 AND lsn > ?2 ORDER BY id LIMIT 1", e))
        return false;
    /* Ids begin again when the log was emptied and the server restarted, so only a position that this reader
     * has gone past itself says where to go on. */
    int64_t from = log_lsn_cmp(after, &r->last) >= 0 ? r->id : 0;
    (void)sqlite3_bind_int64(r->next, 1, from);
    (void)sqlite3_bind_blob(r->next, 2, after->b, LOG_LSN_BYTES, SQLITE_TRANSIENT);
    r->has_transaction = false;
    r->at = r->buf.n;
    forget_layouts(r);
    int rc = sqlite3_step(r->next);
    if (rc == SQLITE_ROW && sqlite3_column_bytes(r->next, 1) == LOG_LSN_BYTES &&
        sqlite3_column_bytes(r->next, 2) >= LOG_HEADER_BYTES) {
        r->id = sqlite3_column_int64(r->next, 0);
        memcpy(r->last.b, sqlite3_column_blob(r->next, 1), LOG_LSN_BYTES);
        take_bytes(r, r->next, 2);
        read_header(r, ret);
        r->has_transaction = true;
    }
    (void)sqlite3_reset(r->next);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) return failed(r, e);
    return r->has_transaction;
}

/* Append the next piece of the transaction's records. */
static bool next_piece(LogReader *r, SqlError *e) {
    if (!prepare(r, &r->piece, "SELECT body FROM m_log WHERE id = ?1 AND lsn IS NULL", e)) return false;
    (void)sqlite3_bind_int64(r->piece, 1, r->id + 1);
    int rc = sqlite3_step(r->piece);
    if (rc == SQLITE_ROW) {
        r->id++;
        take_bytes(r, r->piece, 0);
    }
    (void)sqlite3_reset(r->piece);
    return rc == SQLITE_ROW || failed(r, e);
}

static void read_layout(LogReader *r, Cursor *c) {
    ReadLayout l = {.shown = {.object_id = (int32_t)cursor_le32(c), .count = cursor_le16(c)}};
    if (cursor_left(c) < l.shown.count * 13) {
        c->failed = true;
        return;
    }
    l.ids = x_calloc(l.shown.count, sizeof *l.ids);
    l.types = x_calloc(l.shown.count, sizeof *l.types);
    for (size_t i = 0; i < l.shown.count; i++) {
        l.ids[i] = (int32_t)cursor_le32(c);
        l.types[i].id = (TypeId)cursor_u8(c);
        l.types[i].length = (int32_t)cursor_le32(c);
        l.types[i].precision = cursor_u8(c);
        l.types[i].scale = cursor_u8(c);
        l.types[i].collation = cursor_le16(c);
        l.types[i].is_sysname = cursor_u8(c) != 0;
    }
    l.shown.column_ids = l.ids;
    l.shown.types = l.types;
    r->layouts = x_reallocarray(r->layouts, r->layout_count + 1, sizeof *r->layouts);
    r->layouts[r->layout_count++] = l;
}

static Value read_value(Cursor *c) {
    Value v = {.kind = (ValueKind)cursor_u8(c)};
    switch (v.kind) {
    case VALUE_NULL: break;
    case VALUE_INT: v.v.i = (int64_t)cursor_le64(c); break;
    case VALUE_REAL: {
        uint64_t bits = cursor_le64(c);
        memcpy(&v.v.d, &bits, sizeof bits);
        break;
    }
    case VALUE_TEXT:
    case VALUE_BLOB: v.v.s = cursor_bytes(c, cursor_le32(c)); break;
    }
    return v;
}

static const Value *read_image(LogReader *r, Cursor *c, size_t count) {
    Value *values = ARENA_ARRAY(&r->arena, Value, count);
    for (size_t i = 0; i < count; i++) values[i] = read_value(c);
    return values;
}

static void read_change(LogReader *r, Cursor *c, uint8_t mark, LogChange *ret) {
    ret->op = mark == 'I' ? LOG_INSERT : mark == 'D' ? LOG_DELETE : LOG_UPDATE;
    ret->seqval = read_lsn(c);
    ret->command_id = (int32_t)cursor_le32(c);
    size_t layout = cursor_le16(c);
    if (layout >= r->layout_count) {
        c->failed = true;
        return;
    }
    ret->layout = &r->layouts[layout].shown;
    ret->object_id = ret->layout->object_id;
    if (mark != 'I') ret->before = read_image(r, c, ret->layout->count);
    if (mark != 'D') ret->after = read_image(r, c, ret->layout->count);
}

static void read_ddl(Cursor *c, LogChange *ret) {
    ret->op = LOG_DDL;
    ret->seqval = read_lsn(c);
    ret->object_id = (int32_t)cursor_le32(c);
    uint8_t flags = cursor_u8(c);
    ret->ddl_altered_column = (int32_t)cursor_le32(c);
    ret->ddl_is_drop = (flags & LOG_DDL_DROP) != 0;
    ret->ddl = cursor_bytes(c, cursor_le32(c));
}

/* Decode one record; false: it isn't there as a whole. */
static bool read_record(LogReader *r, LogChange *ret, bool *ret_is_change) {
    Cursor c = cursor_over(r->buf.p + r->at, r->buf.n - r->at);
    uint8_t mark = cursor_u8(&c);
    *ret = (LogChange){0};
    if (mark == 'L') read_layout(r, &c);
    else if (mark == 'A') read_ddl(&c, ret);
    else read_change(r, &c, mark, ret);
    if (c.failed) return false;
    r->at = r->buf.n - cursor_left(&c);
    *ret_is_change = mark != 'L';
    return true;
}

bool log_reader_next_change(LogReader *r, LogChange *ret, SqlError *e) {
    e->number = 0;
    arena_clear(&r->arena);
    if (!r->has_transaction || r->left == 0) return false;
    for (bool is_change = false; !is_change;)
        if (!read_record(r, ret, &is_change) && !next_piece(r, e)) return false;
    r->left--;
    return true;
}

bool log_trim(Log *l, struct sqlite3 *db, const LogLsn *upto, SqlError *e) {
    static const char sql[] = "DELETE FROM m_log WHERE id < coalesce((SELECT id FROM m_log WHERE lsn > ?1 "
                              "ORDER BY id LIMIT 1), 9223372036854775807)";
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK &&
              sqlite3_bind_blob(st, 1, upto->b, LOG_LSN_BYTES, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(st) == SQLITE_DONE;
    (void)sqlite3_finalize(st);
    if (!ok) return sql_error_set(e, 9001, 17, 4, "The log could not be trimmed: %s", sqlite3_errmsg(db));
    int changed = sqlite3_changes(db);
    uint64_t unread = atomic_load(&l->unread);
    uint64_t gone = changed > 0 && (uint64_t)changed < unread ? (uint64_t)changed : unread;
    (void)atomic_fetch_sub(&l->unread, changed > 0 ? gone : 0);
    return true;
}
