/*
 * chunk.h - one chunk of a table's copy: what is to be read, and reading it. A ChunkJob is a plain object
 * moved from thread to thread; reading happens on the thread that owns the connection.
 */
#ifndef SQLSERVER_CHUNK_H
#define SQLSERVER_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "observe/metrics.h"
#include "record/batch.h"
#include "record/schema.h"
#include "sqlserver/catalog.h"
#include "sqlserver/odbc.h"
#include "sqlserver/odbc_target.h"

typedef struct ChunkJob {
    size_t table;         /* the plan's number of it */
    int32_t instance;     /* object id of the change table whose columns these are */
    const Schema *schema; /* a reference */
    bool *is_gone;        /* owned; by column */
    uint16_t *paging;     /* owned: schema columns of the paging key; NULL = the whole table in one chunk */
    size_t paging_count;
    const MaskRule **masks; /* owned array; by column */
    BatchChunk chunk;       /* as the plan gave it; upper_key unused */
    char *lower_key;        /* owned: where the chunk before ended; NULL = at the beginning */
    char *select;           /* owned: gives the rows in place of the table; NULL = none */
    char *filter;           /* owned: an SQL condition on the rows; NULL = all */
    uint64_t top;           /* rows; without a paging key unused */
    size_t part_bytes;      /* a batch of about this size */
} ChunkJob;

ChunkJob *chunk_job_new(const CatalogInstance *instance, const CatalogTable *table); /* owned */
ChunkJob *chunk_job_free(ChunkJob *job); /* NULL is fine; returns NULL */

typedef struct ChunkContext {
    Odbc *odbc;
    const OdbcTarget *target; /* for the exact copy's second connection */
    bool uses_snapshot;
    int64_t lock_timeout_ms;
    const bool *is_stopping;
    /* Takes each part (moved, also on failure). */
    bool (*put)(void *self, Batch *part, Err *e);
    void *self;
    Metrics *metrics; /* what was wrong with rows is counted there */
} ChunkContext;

/* Read the chunk and put its parts. *ret_is_dropped: an exact one whose instance is no longer the newest of
 * its table; nothing was put. Errors: as odbc.h, rowset.h, handover.h; ERR_CANCELLED when told to stop;
 * ERR_INVALID for a stored key that doesn't fit the table; ERR_DATA for a key that can't be told apart
 * (unpaired surrogates). */
MUST_CHECK bool chunk_read(const ChunkJob *job, const ChunkContext *context, bool *ret_is_dropped, Err *e);

#endif
