/*
 * The log itself and its writing side. A transaction's records are gathered in one buffer in the form in
 * which they are stored, so that COMMIT only hands bytes to SQLite: a row per change would cost as much as
 * the change itself. What goes over SPILL_BYTES waits in a file without a name.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "standin/store/catalog_save.h"
#include "standin/store/log_internal.h"

enum {
    SPILL_BYTES = 1024 * 1024,
    /* How positions are spread over blocks and slots, in SQL Server's look: blocks count by 8, slots from 1.
     */
    SLOTS = 64,
    FIRST_BLOCK = 16,
    BLOCK_STEP = 8,
    FIRST_FILE = 0x22,
};

/* ---- positions */

int log_lsn_cmp(const LogLsn *a, const LogLsn *b) {
    return memcmp(a->b, b->b, LOG_LSN_BYTES);
}

LogLsn log_take_lsn(Log *l) {
    uint64_t n = atomic_fetch_add(&l->position, 1);
    uint64_t block = FIRST_BLOCK + n / SLOTS * BLOCK_STEP;
    uint32_t file = l->file + (uint32_t)(block >> 32);
    uint32_t low = (uint32_t)block, slot = (uint32_t)(n % SLOTS) + 1;
    return (LogLsn){{(uint8_t)(file >> 24), (uint8_t)(file >> 16), (uint8_t)(file >> 8), (uint8_t)file,
                     (uint8_t)(low >> 24), (uint8_t)(low >> 16), (uint8_t)(low >> 8), (uint8_t)low,
                     (uint8_t)(slot >> 8), (uint8_t)slot}};
}

/* ---- gathering */

typedef struct Layout {
    int32_t object_id;
    uint64_t version; /* of the table */
    uint64_t at;      /* where its record begins */
} Layout;

struct LogWriter {
    Log *log;
    Buf buf; /* records after the spilled ones */
    int fd;  /* of the spill file; -1 = none */
    uint64_t spilled;
    LogMark end;
    Layout *layouts;
    size_t layout_count, layout_cap;
};

LogWriter *logwriter_new(Log *l) {
    LogWriter *w = x_calloc(1, sizeof *w);
    w->log = l;
    w->fd = -1;
    return w;
}

LogWriter *logwriter_free(LogWriter *w) {
    if (!w) return NULL;
    if (w->fd >= 0) (void)close(w->fd);
    buf_done(&w->buf);
    free(w->layouts);
    free(w);
    return NULL;
}

static bool spill(LogWriter *w, SqlError *e) {
    if (w->fd < 0) w->fd = open(w->log->directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    size_t done = 0;
    while (w->fd >= 0 && done < w->buf.n) {
        ssize_t n = pwrite(w->fd, w->buf.p + done, w->buf.n - done, (off_t)(w->spilled + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    if (w->fd < 0 || done < w->buf.n)
        return sql_error_set(e, 9002, 17, 1, "The transaction log could not be extended: %s",
                             strerror(errno));
    w->spilled += done;
    buf_clear(&w->buf);
    return true;
}

static void put_value(Buf *b, const Value *v) {
    buf_u8(b, (uint8_t)v->kind);
    switch (v->kind) {
    case VALUE_NULL: break;
    case VALUE_INT: buf_le64(b, (uint64_t)v->v.i); break;
    case VALUE_REAL: {
        uint64_t bits;
        memcpy(&bits, &v->v.d, sizeof bits);
        buf_le64(b, bits);
        break;
    }
    case VALUE_TEXT:
    case VALUE_BLOB:
        buf_le32(b, (uint32_t)v->v.s.n);
        buf_str(b, v->v.s);
        break;
    }
}

static void put_layout(LogWriter *w, const Table *t) {
    if (w->layout_count == w->layout_cap) {
        w->layout_cap = w->layout_cap ? w->layout_cap * 2 : 8;
        w->layouts = x_reallocarray(w->layouts, w->layout_cap, sizeof *w->layouts);
    }
    w->layouts[w->layout_count++] = (Layout){t->object_id, t->version, w->spilled + w->buf.n};
    buf_u8(&w->buf, 'L');
    buf_le32(&w->buf, (uint32_t)t->object_id);
    buf_le16(&w->buf, (uint16_t)t->column_count);
    for (size_t i = 0; i < t->column_count; i++) {
        const Type *type = &t->columns[i].type;
        buf_le32(&w->buf, (uint32_t)t->columns[i].id);
        buf_u8(&w->buf, (uint8_t)type->id);
        buf_le32(&w->buf, (uint32_t)type->length);
        buf_u8(&w->buf, type->precision);
        buf_u8(&w->buf, type->scale);
        buf_le16(&w->buf, type->collation);
        buf_u8(&w->buf, type->is_sysname);
    }
}

static bool layout_of(LogWriter *w, const Table *t, uint16_t *ret, SqlError *e) {
    for (size_t i = w->layout_count; i-- > 0;)
        if (w->layouts[i].object_id == t->object_id && w->layouts[i].version == t->version) {
            *ret = (uint16_t)i;
            return true;
        }
    if (w->layout_count == LOG_MAX_LAYOUTS)
        return sql_error_set(e, 9002, 17, 2, "The transaction writes to too many versions of tables.");
    *ret = (uint16_t)w->layout_count;
    put_layout(w, t);
    return true;
}

static bool finish_record(LogWriter *w, SqlError *e) {
    w->end.changes++;
    w->end.bytes = w->spilled + w->buf.n;
    return w->buf.n < SPILL_BYTES || spill(w, e);
}

bool logwriter_add(LogWriter *w, const Table *t, LogOp op, const LogLsn *seqval, int32_t command_id,
                   const Value *before, const Value *after, SqlError *e) {
    static const char marks[] = {[LOG_INSERT] = 'I', [LOG_DELETE] = 'D', [LOG_UPDATE] = 'U'};
    assert(op != LOG_DDL && (before != NULL) == (op != LOG_INSERT) && (after != NULL) == (op != LOG_DELETE));
    uint16_t layout = 0;
    if (!layout_of(w, t, &layout, e)) return false;
    Buf *b = &w->buf;
    buf_u8(b, (uint8_t)marks[op]);
    buf_add(b, seqval->b, LOG_LSN_BYTES);
    buf_le32(b, (uint32_t)command_id);
    buf_le16(b, layout);
    for (size_t i = 0; before && i < t->column_count; i++) put_value(b, &before[i]);
    for (size_t i = 0; after && i < t->column_count; i++) put_value(b, &after[i]);
    return finish_record(w, e);
}

bool logwriter_add_ddl(LogWriter *w, const Table *t, Str text, int32_t altered_column, bool is_drop,
                       SqlError *e) {
    LogLsn lsn = log_take_lsn(w->log);
    buf_u8(&w->buf, 'A');
    buf_add(&w->buf, lsn.b, LOG_LSN_BYTES);
    buf_le32(&w->buf, (uint32_t)t->object_id);
    buf_u8(&w->buf, is_drop ? LOG_DDL_DROP : 0);
    buf_le32(&w->buf, (uint32_t)altered_column);
    buf_le32(&w->buf, (uint32_t)text.n);
    buf_str(&w->buf, text);
    return finish_record(w, e);
}

LogMark logwriter_mark(const LogWriter *w) {
    return w->end;
}

void logwriter_rollback(LogWriter *w, LogMark mark) {
    if (mark.bytes >= w->spilled) {
        w->buf.n = mark.bytes - w->spilled;
    } else {
        buf_clear(&w->buf);
        w->spilled = mark.bytes;
    }
    w->end = mark;
    while (w->layout_count && w->layouts[w->layout_count - 1].at >= mark.bytes) w->layout_count--;
    if (!mark.bytes && w->fd >= 0) {
        (void)close(w->fd);
        w->fd = -1;
    }
}

bool logwriter_is_empty(const LogWriter *w) {
    return w->end.changes == 0;
}

/* ---- commit */

static bool write_piece(Log *l, struct sqlite3 *db, const LogLsn *lsn, const Buf *piece, SqlError *e) {
    Str text = lsn ? (Str){(const char *)lsn->b, LOG_LSN_BYTES} : (Str){0};
    return catalog_save_row(db, "INSERT INTO m_log(id, lsn, body) VALUES (?1, CAST(?2 AS BLOB), ?3)",
                            l->next_id++, text, piece, e);
}

/* Bytes [at, at + n) of the records behind what piece holds. */
static bool read_records(const LogWriter *w, uint64_t at, size_t n, Buf *piece, SqlError *e) {
    if (at >= w->spilled) {
        buf_add(piece, w->buf.p + (at - w->spilled), n);
        return true;
    }
    size_t from_file = w->spilled - at < n ? (size_t)(w->spilled - at) : n;
    uint8_t *to = buf_reserve(piece, from_file);
    for (size_t done = 0; done < from_file;) {
        ssize_t got = pread(w->fd, to + done, from_file - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return sql_error_set(e, 9001, 17, 1, "The transaction log could not be read back.");
        done += (size_t)got;
    }
    piece->n += from_file;
    if (from_file < n) buf_add(piece, w->buf.p, n - from_file);
    return true;
}

static void put_header(Buf *b, const LogTransaction *txn, uint64_t changes) {
    buf_add(b, txn->begin_lsn.b, LOG_LSN_BYTES);
    buf_le64(b, (uint64_t)txn->begin_us);
    buf_le64(b, (uint64_t)txn->commit_us);
    buf_le64(b, txn->id);
    buf_le32(b, (uint32_t)txn->database_id);
    buf_le64(b, changes);
}

bool logwriter_commit(LogWriter *w, struct sqlite3 *db, const LogTransaction *txn, SqlError *e) {
    CLEANUP(buf_done) Buf piece = {0};
    put_header(&piece, txn, w->end.changes);
    for (uint64_t at = 0; at < w->end.bytes;) {
        uint64_t left = w->end.bytes - at;
        size_t n = left < LOG_PIECE_BYTES ? (size_t)left : LOG_PIECE_BYTES;
        if (!read_records(w, at, n, &piece, e)) return false;
        if (!write_piece(w->log, db, at ? NULL : &txn->commit_lsn, &piece, e)) return false;
        buf_clear(&piece);
        at += n;
    }
    return true;
}

/* ---- waiting for commits */

void log_committed(Log *l) {
    (void)atomic_fetch_add(&l->unread, 1);
    (void)pthread_mutex_lock(&l->mutex);
    (void)atomic_fetch_add(&l->commits, 1);
    (void)pthread_cond_broadcast(&l->woken);
    (void)pthread_mutex_unlock(&l->mutex);
}

void log_wake(Log *l) {
    (void)pthread_mutex_lock(&l->mutex);
    l->wakes++;
    (void)pthread_cond_broadcast(&l->woken);
    (void)pthread_mutex_unlock(&l->mutex);
}

uint64_t log_backlog(const Log *l) {
    return atomic_load(&l->unread);
}

bool log_wait(Log *l, uint64_t *seen, int64_t timeout_ms) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&l->mutex);
    uint64_t wakes = l->wakes;
    int rc = 0;
    while (atomic_load(&l->commits) == *seen && l->wakes == wakes && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&l->woken, &l->mutex, &until);
    bool came = atomic_load(&l->commits) != *seen;
    *seen = atomic_load(&l->commits);
    (void)pthread_mutex_unlock(&l->mutex);
    return came;
}

/* ---- life */

static bool query_int(struct sqlite3 *db, const char *sql, int64_t *ret) {
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
    if (ok) *ret = sqlite3_column_int64(st, 0);
    (void)sqlite3_finalize(st);
    return ok;
}

bool log_open(struct sqlite3 *db, Log **ret, SqlError *e) {
    int64_t file, last_id, unread;
    bool ok = sqlite3_exec(db, "CREATE TABLE IF NOT EXISTS m_log(id INTEGER PRIMARY KEY, lsn, body)", NULL,
                           NULL, NULL) == SQLITE_OK &&
              query_int(db, "SELECT coalesce(max(value), 0) FROM m_meta WHERE key = 'log_file'", &file) &&
              query_int(db, "SELECT coalesce(max(id), 0) FROM m_log", &last_id) &&
              query_int(db, "SELECT count(lsn) FROM m_log", &unread);
    if (!ok) return sql_error_set(e, 9001, 17, 2, "The log could not be opened: %s", sqlite3_errmsg(db));
    file = file ? file + 1 : FIRST_FILE;
    if (!catalog_save_row(db, "INSERT OR REPLACE INTO m_meta(value, key) VALUES (?1, 'log_file')", file,
                          (Str){0}, NULL, e))
        return false;
    Log *l = x_calloc(1, sizeof *l);
    l->file = (uint32_t)file;
    l->next_id = last_id + 1;
    atomic_store(&l->unread, (uint64_t)unread);
    CLEANUP_FREE char *path = x_strdup(sqlite3_db_filename(db, "main"));
    l->directory = x_strdup(*path ? dirname(path) : "/tmp");
    (void)pthread_mutex_init(&l->mutex, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&l->woken, &attr);
    (void)pthread_condattr_destroy(&attr);
    *ret = l;
    return true;
}

Log *log_close(Log *l) {
    if (!l) return NULL;
    (void)pthread_cond_destroy(&l->woken);
    (void)pthread_mutex_destroy(&l->mutex);
    free(l->directory);
    free(l);
    return NULL;
}
