/*
 * notices.h - Debezium's notifications of snapshots, told from the batches that pass: begun, at work on a
 * table, a table read, all read, stopped. Owner thread only.
 *
 * Told by the source, what is told was read; it may not be in the target yet, and after a failure what is
 * read again is told again.
 *
 * "Initial Snapshot": first copies, and blocking ones. "Incremental Snapshot": copies beside the stream.
 */
#ifndef CONNECTOR_NOTICES_H
#define CONNECTOR_NOTICES_H

#include <stdbool.h>

#include "pipeline/stored.h"
#include "record/batch.h"

enum { NOTICE_ID_SIZE = 37 }; /* a UUID's text and NUL */

typedef struct Notice {
    char id[NOTICE_ID_SIZE]; /* those of one incremental snapshot share it */
    const char *aggregate_type, *type;
    const char *data; /* a JSON object of texts; borrowed */
} Notice;

typedef void NoticeFn(void *arg, const Notice *notice);

typedef struct Notices Notices;

/* connector: its logical name (topic.prefix), copied as all here. stored: copies under way go on. */
Notices *notices_new(const char *connector, const char *database, const StoredState *stored, NoticeFn *tell,
                     void *arg);
Notices *notices_free(Notices *n); /* NULL is fine; returns NULL */
/* The source begins with nothing to copy. */
void notices_skipped(Notices *n);
/* A batch leaves, in stream order; those that tell nothing are passed over. n may be NULL. */
void notices_batch(Notices *n, const Batch *b);
/* NoticeFn: a line in the log. */
void notices_log(void *arg, const Notice *notice);

#endif
