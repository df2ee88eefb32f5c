/*
 * Opening the data directory and its connections. Counters that live in memory (identity, rowid, row count)
 * are written at a clean close to m_state and taken from the tables themselves after anything else.
 */
#include "standin/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "standin/store/row_version.h"
#include "standin/store/schema_undo.h"
#include "standin/store/sqlite_collation.h"
#include "standin/types/decimal.h"

struct Store {
    char *path, *pending_path;
    int dir;     /* holds the data directory's lock */
    sqlite3 *db; /* for opening and closing */
    Catalog *catalog;
    LockTable *locks;
    Log *log;
    pthread_mutex_t writer;
    atomic_ullong commits, transactions;
    RowVersions *versions;
    size_t snapshots; /* open SNAPSHOT transactions */
};

Catalog *store_catalog(Store *st) {
    return st->catalog;
}
LockTable *store_locks(Store *st) {
    return st->locks;
}
Log *store_log(Store *st) {
    return st->log;
}

bool store_sqlite_error(struct sqlite3 *db, const char *what, SqlError *e) {
    return sql_error_set(e, 823, 24, 2, "The storage failed to %s: %s", what, sqlite3_errmsg(db));
}

/* ---- connections */

/* Debian's SQLite has secure_delete on: what is deleted would be overwritten, and each page go to the
 * journal. */
static const char connection_pragmas[] =
    "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE;"
    "PRAGMA secure_delete = OFF; PRAGMA temp.secure_delete = OFF;"
    "PRAGMA cache_size = -16384; PRAGMA temp.cache_size = -4096; PRAGMA temp.journal_mode = MEMORY;"
    "PRAGMA mmap_size = 0; PRAGMA wal_autocheckpoint = 2000; PRAGMA journal_size_limit = 67108864;"
    "PRAGMA automatic_index = ON; PRAGMA cell_size_check = OFF; PRAGMA foreign_keys = OFF;"
    "PRAGMA legacy_alter_table = ON;";
static const char pending_pragmas[] =
    "PRAGMA pending.page_size = 8192; PRAGMA pending.journal_mode = WAL; PRAGMA pending.synchronous = OFF;"
    "PRAGMA pending.secure_delete = OFF; PRAGMA pending.cache_size = -4096;"
    "PRAGMA pending.journal_size_limit = 67108864;";

static bool attach_pending(sqlite3 *db, const char *path) {
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(db, "ATTACH ?1 AS pending", -1, &st, NULL) == SQLITE_OK &&
              sqlite3_bind_text(st, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(st) == SQLITE_DONE;
    (void)sqlite3_finalize(st);
    return ok && sqlite3_exec(db, pending_pragmas, NULL, NULL, NULL) == SQLITE_OK;
}

struct sqlite3 *store_connect(Store *st, Err *e) {
    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    bool ok = sqlite3_open_v2(st->path, &db, flags, NULL) == SQLITE_OK &&
              sqlite3_busy_timeout(db, 60000) == SQLITE_OK && sqlitecollation_register(db) == SQLITE_OK &&
              sqlite3_exec(db, connection_pragmas, NULL, NULL, NULL) == SQLITE_OK &&
              attach_pending(db, st->pending_path);
    if (ok) return db;
    (void)err_set(e, ERR_IO, true, "%s: %s", st->path, db ? sqlite3_errmsg(db) : "out of memory");
    (void)sqlite3_close(db);
    return NULL;
}

void store_disconnect(struct sqlite3 *db) {
    (void)sqlite3_close_v2(db);
}

/* ---- writing */

void store_write_lock(Store *st) {
    (void)pthread_mutex_lock(&st->writer);
}
void store_write_unlock(Store *st) {
    (void)pthread_mutex_unlock(&st->writer);
}

bool store_write_begin(Store *st, struct sqlite3 *db, SqlError *e) {
    store_write_lock(st);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) == SQLITE_OK) return true;
    (void)store_sqlite_error(db, "begin a write", e);
    store_write_unlock(st);
    return false;
}

void store_write_rollback(Store *st, struct sqlite3 *db) {
    (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    store_write_unlock(st);
}

bool store_write_commit(Store *st, struct sqlite3 *db, SqlError *e) {
    if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK) {
        store_write_unlock(st);
        return true;
    }
    (void)store_sqlite_error(db, "commit", e);
    store_write_rollback(st, db);
    return false;
}

uint64_t store_next_commit(Store *st) {
    return atomic_fetch_add(&st->commits, 1) + 1;
}
uint64_t store_next_transaction(Store *st) {
    return atomic_fetch_add(&st->transactions, 1) + 1;
}
uint64_t store_last_commit(const Store *st) {
    return atomic_load(&st->commits);
}

/* ---- row versions */

void store_snapshot_opened(Store *st) {
    st->snapshots++;
}

void store_snapshot_closed(Store *st) {
    if (--st->snapshots == 0) rowversions_clear(st->versions);
}

bool store_has_snapshots(const Store *st) {
    return st->snapshots != 0;
}

void store_note_change(Store *st, int32_t object_id, int64_t rowid, uint64_t commit) {
    if (st->snapshots) rowversions_note(st->versions, object_id, rowid, commit);
}

bool store_changed_since(const Store *st, int32_t object_id, int64_t rowid, uint64_t commit) {
    return rowversions_changed_since(st->versions, object_id, rowid, commit);
}

/* ---- counters */

/* A decimal of more than 18 digits is a blob. */
static int64_t whole_number(sqlite3_stmt *st, int i) {
    if (sqlite3_column_type(st, i) != SQLITE_BLOB || sqlite3_column_bytes(st, i) != DECIMAL_BLOB_BYTES)
        return sqlite3_column_int64(st, i);
    Str blob = {sqlite3_column_blob(st, i), DECIMAL_BLOB_BYTES};
    return (int64_t)decimal_from_value(VALUE_OF_BLOB(blob), DECIMAL_MAX_PRECISION, 0).unscaled;
}

static bool query_row(sqlite3 *db, const char *sql, int64_t *values, int count) {
    sqlite3_stmt *st = NULL;
    bool found = sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
    for (int i = 0; found && i < count; i++) values[i] = whole_number(st, i);
    (void)sqlite3_finalize(st);
    return found;
}

static void count_from_table(sqlite3 *db, const Table *t) {
    char sql[160];
    int64_t v[2] = {0};
    (void)snprintf(sql, sizeof sql, "SELECT count(*), max(rowid) FROM %s", t->sql_name);
    if (!query_row(db, sql, v, 2)) return;
    atomic_store(&t->state->row_count, v[0]);
    atomic_store(&t->state->rowid, v[1]);
    const Column *c = table_identity(t);
    if (!c || !v[0]) return;
    int64_t last;
    (void)snprintf(sql, sizeof sql, "SELECT %s(c%d) FROM %s", c->identity_step > 0 ? "max" : "min", c->id,
                   t->sql_name);
    if (!query_row(db, sql, &last, 1)) return;
    bool is_further = c->identity_step > 0 ? last > atomic_load(&t->state->identity)
                                           : last < atomic_load(&t->state->identity);
    if (!atomic_load(&t->state->has_identity) || is_further) atomic_store(&t->state->identity, last);
    atomic_store(&t->state->has_identity, true);
}

static bool load_state(Store *st) {
    static const char make[] =
        "CREATE TABLE IF NOT EXISTS m_state(id INTEGER PRIMARY KEY, rows, last, identity)";
    if (sqlite3_exec(st->db, make, NULL, NULL, NULL) != SQLITE_OK) return false;
    int32_t at = 0;
    for (const Table *t; (t = catalog_next_table(st->catalog, 0, &at));) {
        char sql[96];
        int64_t v[3];
        if (t->kind != TABLE_USER) continue;
        (void)snprintf(sql, sizeof sql, "SELECT rows, last, identity FROM m_state WHERE id = %d",
                       t->object_id);
        if (query_row(st->db, sql, v, 3)) {
            atomic_store(&t->state->row_count, v[0]);
            atomic_store(&t->state->rowid, v[1]);
            atomic_store(&t->state->identity, v[2]);
            atomic_store(&t->state->has_identity, table_identity(t) != NULL);
        } else {
            count_from_table(st->db, t);
        }
    }
    /* From here on the numbers are only in memory: after a crash they must not be found here. */
    return sqlite3_exec(st->db, "DELETE FROM m_state", NULL, NULL, NULL) == SQLITE_OK;
}

static void save_state(Store *st) {
    (void)sqlite3_exec(st->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    int32_t at = 0;
    for (const Table *t; (t = catalog_next_table(st->catalog, 0, &at));) {
        char sql[160];
        bool is_plain = !table_identity(t) || atomic_load(&t->state->has_identity);
        if (t->kind != TABLE_USER || !is_plain) continue;
        (void)snprintf(sql, sizeof sql, "INSERT INTO m_state VALUES(%d, %lld, %lld, %lld)", t->object_id,
                       atomic_load(&t->state->row_count), atomic_load(&t->state->rowid),
                       atomic_load(&t->state->identity));
        (void)sqlite3_exec(st->db, sql, NULL, NULL, NULL);
    }
    (void)sqlite3_exec(st->db, "COMMIT", NULL, NULL, NULL);
}

/* ---- life */

/* No transaction is older than the server. */
static void remove_pending(const char *path) {
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        CLEANUP_FREE char *file = x_asprintf("%s%s", path, suffixes[i]);
        (void)unlink(file);
    }
}

/* A connection has its socket and two files of each database. */
static void allow_many_files(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static bool open_parts(Store *st, Err *e) {
    SqlError sql;
    if (!schemaundo_recover(st->db, &sql)) return err_set(e, ERR_DATA, false, "%s", sql.text);
    if (!catalog_open(st->db, &st->catalog, &sql)) return err_set(e, ERR_DATA, false, "%s", sql.text);
    if (!log_open(st->db, &st->log, &sql)) return err_set(e, ERR_DATA, false, "%s", sql.text);
    if (!load_state(st)) return err_set(e, ERR_IO, false, "%s", sqlite3_errmsg(st->db));
    return true;
}

/* The data directory is one server's: a second one would throw away the first one's write sets. -1: failed.
 */
static int lock_dir(const char *dir, Err *e) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    if (fd < 0) (void)err_set(e, ERR_IO, false, "%s: %s", dir, strerror(errno));
    else
        (void)err_set(e, ERR_IO, false,
                      "%s is in use by another server: stop it, or give this one a directory of its own",
                      dir);
    if (fd >= 0) (void)close(fd);
    return -1;
}

bool store_open(const char *dir, Store **ret, Err *e) {
    /* Before SQLite's first use; later calls are refused, which does no harm. */
    (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (mkdir(dir, 0777) != 0 && errno != EEXIST)
        return err_set(e, ERR_IO, false, "%s: %s", dir, strerror(errno));
    int lock = lock_dir(dir, e);
    if (lock < 0) return false;
    Store *st = x_calloc(1, sizeof *st);
    st->dir = lock;
    (void)pthread_mutex_init(&st->writer, NULL);
    st->path = x_asprintf("%s/data.db", dir);
    st->pending_path = x_asprintf("%s/pending.db", dir);
    remove_pending(st->pending_path);
    allow_many_files();
    st->locks = locktable_new();
    st->versions = rowversions_new();
    st->db = store_connect(st, e);
    if (!st->db || !open_parts(st, e)) {
        if (st->db) (void)sqlite3_close_v2(st->db);
        st->db = NULL;
        (void)store_close(st);
        return false;
    }
    *ret = st;
    return true;
}

Store *store_close(Store *st) {
    if (!st) return NULL;
    if (st->db) {
        save_state(st);
        (void)sqlite3_close_v2(st->db);
    }
    st->log = log_close(st->log);
    st->catalog = catalog_close(st->catalog);
    st->locks = locktable_free(st->locks);
    st->versions = rowversions_free(st->versions);
    (void)pthread_mutex_destroy(&st->writer);
    remove_pending(st->pending_path);
    (void)close(st->dir);
    free(st->pending_path);
    free(st->path);
    free(st);
    return NULL;
}
