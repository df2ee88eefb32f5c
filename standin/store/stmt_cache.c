/* A small table searched from the last used on; the one unused for longest goes when it is full. */
#include "standin/store/stmt_cache.h"

#include <sqlite3.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

typedef struct Entry {
    uint64_t hash;
    char *sql;
    sqlite3_stmt *st;
    uint64_t used; /* tick of the last use */
    bool is_taken;
} Entry;

struct StmtCache {
    sqlite3 *db;
    Entry *entries;
    size_t count, capacity;
    uint64_t tick;
};

StmtCache *stmtcache_new(struct sqlite3 *db, size_t capacity) {
    StmtCache *c = x_calloc(1, sizeof *c);
    c->db = db;
    c->capacity = capacity;
    c->entries = x_calloc(capacity, sizeof *c->entries);
    return c;
}

static void drop(Entry *entry) {
    (void)sqlite3_finalize(entry->st);
    free(entry->sql);
}

void stmtcache_clear(StmtCache *c) {
    size_t kept = 0;
    for (size_t i = 0; i < c->count; i++) {
        if (c->entries[i].is_taken) c->entries[kept++] = c->entries[i];
        else drop(&c->entries[i]);
    }
    c->count = kept;
}

StmtCache *stmtcache_free(StmtCache *c) {
    if (!c) return NULL;
    for (size_t i = 0; i < c->count; i++) drop(&c->entries[i]);
    free(c->entries);
    free(c);
    return NULL;
}

/* A slot for a new entry, or NULL when all are taken. */
static Entry *slot_for_new(StmtCache *c) {
    if (c->count < c->capacity) return &c->entries[c->count++];
    Entry *oldest = NULL;
    for (size_t i = 0; i < c->count; i++)
        if (!c->entries[i].is_taken && (!oldest || c->entries[i].used < oldest->used))
            oldest = &c->entries[i];
    if (oldest) drop(oldest);
    return oldest;
}

struct sqlite3_stmt *stmtcache_take(StmtCache *c, Str sql, SqlError *e) {
    uint64_t hash = hash_bytes(sql.p, sql.n, 0);
    for (size_t i = 0; i < c->count; i++) {
        Entry *entry = &c->entries[i];
        if (entry->hash != hash || entry->is_taken || !str_eq_c(sql, entry->sql)) continue;
        entry->is_taken = true;
        entry->used = ++c->tick;
        return entry->st;
    }
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v3(c->db, sql.p, (int)sql.n, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
        (void)sql_error_set(e, 8624, 16, 1, "Internal Query Processor Error: %s", sqlite3_errmsg(c->db));
        return NULL;
    }
    Entry *entry = slot_for_new(c);
    if (entry)
        *entry = (Entry){.hash = hash, .sql = str_dup(sql), .st = st, .used = ++c->tick, .is_taken = true};
    return st;
}

void stmtcache_put(StmtCache *c, struct sqlite3_stmt *st) {
    if (!st) return;
    (void)sqlite3_reset(st);
    for (size_t i = 0; i < c->count; i++)
        if (c->entries[i].st == st) {
            (void)sqlite3_clear_bindings(st);
            c->entries[i].is_taken = false;
            return;
        }
    (void)sqlite3_finalize(st);
}

bool stmtcache_run(StmtCache *c, const char *sql, SqlError *e) {
    sqlite3_stmt *st = stmtcache_take(c, str_from(sql), e);
    if (!st) return false;
    int rc = sqlite3_step(st);
    stmtcache_put(c, st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ||
           sql_error_set(e, 823, 24, 2, "The storage failed: %s", sqlite3_errmsg(c->db));
}
