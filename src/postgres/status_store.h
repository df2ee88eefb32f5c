/*
 * status_store.h - what `millrace status` needs, kept in the target: millrace.status (a row a pipeline) and
 * millrace.table_stats (a row a table). Written through a connection of its own, so that it goes on while the
 * sink's is in a long transaction, and read by anybody. Owner thread only.
 *
 * A report is written when it says something new, else every STATUS_HEARTBEAT_S; asynchronously committed. It
 * is written only by the pipeline's owner: a process that was overtaken changes nothing. One that never owned
 * the pipeline (its start failed) writes only where no live process has written lately.
 */
#ifndef POSTGRES_STATUS_STORE_H
#define POSTGRES_STATUS_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "connector/report.h"
#include "postgres/pgconn.h"

enum {
    STATUS_HEARTBEAT_S = 10, /* an idle pipeline's report */
    STATUS_STALE_S = 30,     /* older than that: the process is dead, stopped, or can't reach the target */
};

typedef struct StatusStore StatusStore;

/* Both are copied; database: the source's, NULL = ''. */
StatusStore *status_store_new(const char *pipeline, const char *database);
StatusStore *status_store_free(StatusStore *s); /* NULL is fine; returns NULL */
/* Make the tables where they are missing and read what earlier processes have counted. Errors: as pgconn.h's.
 */
MUST_CHECK bool status_store_open(StatusStore *s, PgConn *c, Err *e);
/* *ret_written (may be NULL): it was new, or due, and ours to write. Errors: as pgconn.h's. */
MUST_CHECK bool status_store_write(StatusStore *s, PgConn *c, const Report *report, bool *ret_written,
                                   Err *e);

/* ---- reading ---- */

/* A point in the stream as it is stored. */
typedef struct StatusMark {
    char *lsn;         /* owned; NULL = not known */
    int64_t commit_us; /* 0 = unknown */
} StatusMark;

typedef struct StatusTable {
    char *name;                 /* owned */
    int64_t copied, expected;   /* rows; expected -1 = unknown */
    bool is_done, is_streaming; /* the copy; changes are applied */
    int64_t inserts, updates, deletes;
    int64_t last_change_us; /* 0 = none */
    int64_t dead_letters;   /* open ones */
} StatusTable;

typedef struct StatusPipeline {
    char *pipeline, *database, *state, *why, *host,
        *version; /* owned; state "unknown": nothing was reported */
    int64_t process_id;
    int64_t started_us, heartbeat_us, asked_us, source_us; /* 0 = unknown; heartbeat by the target's clock */
    int64_t heartbeat_age_us;                              /* -1 = never */
    StatusMark captured, read, applied;
    char *consistent; /* owned; NULL = not yet */
    int lanes;
    StatusTable *tables; /* owned, by name */
    size_t table_count;
} StatusPipeline;

typedef struct StatusList {
    StatusPipeline *pipelines; /* owned, by name */
    size_t count;
    int64_t now_us; /* the target's clock */
} StatusList;

/* All pipelines that the target knows, or the one named (NULL = all). None: count is 0, also without the
 * schema. Only reads. */
MUST_CHECK bool status_store_read(PgConn *c, const char *pipeline, StatusList *ret, Err *e);
void status_list_done(StatusList *l);
/* The row is old, and not that of a pipeline that was stopped in order or has failed: nobody keeps it. */
bool status_is_stale(const StatusPipeline *p);

#endif
