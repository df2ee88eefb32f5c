/*
 * stmt_cache.h - prepared SQLite statements of one connection by their text, so that what runs often is
 * compiled once. Owner thread only.
 */
#ifndef STANDIN_STORE_STMT_CACHE_H
#define STANDIN_STORE_STMT_CACHE_H

#include "base/str.h"
#include "standin/store/sql_error.h"

struct sqlite3;
struct sqlite3_stmt;
typedef struct StmtCache StmtCache;

StmtCache *stmtcache_new(struct sqlite3 *db, size_t capacity);
StmtCache *stmtcache_free(StmtCache *c); /* finalizes all, before sqlite3_close; returns NULL */
/* The statement, reset and with no parameter bound; borrowed until stmtcache_put, kept by the caller alone
 * meanwhile. NULL: *e says what SQLite finds wrong with it (a bug of ours: number 8624). */
struct sqlite3_stmt *stmtcache_take(StmtCache *c, Str sql, SqlError *e);
void stmtcache_put(StmtCache *c, struct sqlite3_stmt *st); /* NULL is a no-op */
void stmtcache_clear(StmtCache *c);
/* Take, step once, put back: for statements without rows or parameters. */
bool stmtcache_run(StmtCache *c, const char *sql, SqlError *e);

#endif
