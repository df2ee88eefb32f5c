/*
 * copier.h - the threads that read chunks: each has a connection of its own, takes jobs from one queue and
 * moves batches to another, bounded in bytes. The owner (the source) hands out jobs and takes what comes, on
 * one thread.
 */
#ifndef SQLSERVER_COPIER_H
#define SQLSERVER_COPIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "observe/metrics.h"
#include "record/batch.h"
#include "sqlserver/chunk.h"
#include "sqlserver/odbc_target.h"

typedef struct Copier Copier;

typedef enum CopyIsolation { COPY_SNAPSHOT, COPY_READ_COMMITTED } CopyIsolation;

typedef struct CopierSpec {
    OdbcTarget target; /* its texts outlive the copier */
    size_t threads;
    size_t queue_bytes; /* of batches read ahead */
    CopyIsolation isolation;
    bool allows_snapshot; /* the database does */
    int64_t lock_timeout_ms;
    Metrics *metrics; /* borrowed: what was wrong with rows is counted there */
} CopierSpec;

typedef enum CopyEvent {
    COPY_NOTHING, /* none came in time, or copier_wake */
    COPY_BATCH,   /* a batch; with batch->chunk.is_last_part its chunk is complete and the reader free */
    COPY_DROPPED, /* the table's exact chunk wasn't read (chunk.h); the reader is free */
    COPY_REFUSED, /* SQL Server refuses the job's statement, which has a filter: err says why; the reader is
                     free */
    COPY_FAILED,  /* err says why; the copier is of no more use */
} CopyEvent;

typedef struct CopyItem {
    Batch *batch;   /* moved to the caller */
    size_t table;   /* of the job */
    int64_t now_us; /* the source's clock after the chunk's read; set with is_last_part */
    Err err;
    bool is_refused; /* the statement with its filter, not the connection */
} CopyItem;

/* Threads connect at their first job. */
Copier *copier_new(const CopierSpec *spec);
/* Stop what is being read, join, free; returns NULL. NULL is fine. */
Copier *copier_free(Copier *c);
size_t copier_free_readers(const Copier *c);
/* Moved in; only when a reader is free. */
void copier_give(Copier *c, ChunkJob *job);
CopyEvent copier_take(Copier *c, int64_t timeout_ms, CopyItem *ret);
void copier_wake(Copier *c); /* any thread: copier_take returns soon */

#endif
