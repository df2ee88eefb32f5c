/*
 * batch.h - what is carried at a time: an arena, its changes in stream order, and the positions it covers.
 * Built by one thread, then moved on whole; freed in one go. No allocation per row or value.
 *
 * Kinds
 *   BATCH_CHANGES  changes of a stream, (from, to]. `to` counts only once `ends_transaction` is set: until
 * then the batch's last transaction goes on in the next batch. May be empty: then only the position moves.
 *   BATCH_ROWS     rows of one chunk of one table (op r), in key order as SQL Server orders them; `chunk`
 * says which. BATCH_TABLE    a table's schema is made known to the target before its first row; no changes.
 *   BATCH_END      the source has no more to give (snapshot.mode=initial_only); no changes.
 *   BATCH_ANSWER   what became of a signal (`answer_to`, `answer`): behind all that it brought about. For the
 *                  worker; no sink's put sees one.
 */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "record/change.h"

typedef enum BatchKind { BATCH_CHANGES, BATCH_ROWS, BATCH_TABLE, BATCH_END, BATCH_ANSWER } BatchKind;

/* What becomes of the table's done marks when its schema is made known. */
typedef enum BatchCopy {
    BATCH_COPY_KEEP,   /* as they are */
    BATCH_COPY_NONE,   /* nothing is to be copied: done */
    BATCH_COPY_FIRST,  /* from chunk 0 on; the table streams only once all tables are copied */
    BATCH_COPY_BESIDE, /* from chunk 0 on, while the table's changes are applied: rows are upserted */
    BATCH_COPY_GONE, /* the source has the table no more: its entry is deleted, its rows stay. Of the batch's
                      * schema only the names count */
    BATCH_COPY_STOP, /* an ad-hoc copy ends where it is: done */
} BatchCopy;

/* Whether a signal asked for the copy: then it may be paused and stopped. */
typedef enum BatchAsked {
    BATCH_NOT_ASKED,
    BATCH_ASKED,          /* beside the stream */
    BATCH_ASKED_BLOCKING, /* the stream stands still until it is done */
} BatchAsked;

typedef struct BatchTable {
    BatchCopy copy;
    int32_t instance; /* object id of the change table whose columns these are */
    Position floor;   /* changes of the table at or under it are never read; {0} = none */
    bool empties; /* the target's rows are deleted first: the table is copied anew (BATCH_COPY_FIRST, _BESIDE)
                   */
    bool is_new;  /* the target has no entry of it: rows that it has are nobody's, so there must be none
                   * (BATCH_COPY_FIRST, BATCH_COPY_BESIDE) */
    BatchAsked asked; /* BATCH_COPY_BESIDE */
    bool is_paused;   /* the ad-hoc copy that is now, or that begins here */
    Str filter; /* asked: only rows for which this SQL condition holds; empty = all; in the batch's arena */
} BatchTable;

typedef struct BatchChunk {
    uint32_t number;    /* 0, 1, … within the table's snapshot */
    bool is_first_part; /* a chunk may come in several batches; */
    bool is_last_part;  /*   it is committed with its last part, as one transaction */
    bool is_last_chunk; /* of the table */
    bool is_plain; /* the table doesn't stream yet and held no rows: COPY straight into it. Else upsert */
    bool is_exact; /* the rows are those of `watermark` and of nothing later: the table's changes up to it are
                      never applied (tables without a key) */
    Position watermark; /* W: captured max LSN before the chunk was read */
    Str upper_key;      /* opaque text: where the next chunk starts (is_last_part); in the batch's arena */
} BatchChunk;

typedef struct BatchHold BatchHold;

typedef struct Batch {
    BatchKind kind;
    Arena arena;
    Change *changes; /* owned */
    size_t count, cap;
    const Schema *schema; /* BATCH_ROWS, BATCH_TABLE: the table (a reference is held) */
    Position from, to;    /* BATCH_CHANGES: (from, to] */
    bool ends_transaction;
    bool is_consistent;        /* from `to` on the target shows states that the source had */
    bool is_final;             /* BATCH_END: the source's own; else lanes only meet */
    BatchTable table;          /* BATCH_TABLE */
    BatchChunk chunk;          /* BATCH_ROWS */
    Str answer_to, answer;     /* BATCH_ANSWER: a signal's id, and the outcome; in the arena */
    int64_t to_us;             /* commit time of `to`, µs since 1970 UTC; 0 = unknown */
    int64_t read_us;           /* when it was read, wall clock */
    size_t held_bytes;         /* of the holds; batch_bytes() gives all */
    BatchHold *holds;          /* schemas and pages kept alive */
    const Schema *held_schema; /* the one held last */
    int refs;                  /* atomic; of the batch itself */
} Batch;

Batch *batch_new(BatchKind kind); /* owned: one reference */
Batch *batch_ref(Batch *b);       /* returns b; any thread */
/* Drop a reference; the last one frees it. Any thread. NULL is fine; returns NULL. */
Batch *batch_free(Batch *b);
/* A batch of the same kind, bounds and marks with room for `cap` changes but none yet: a part of `of`, or a
 * note of it. Changes copied into it borrow their rows from `of`, which has to live as long. */
Batch *batch_share(const Batch *of, size_t cap);
/* Room for one more change, zeroed. Borrowed until the batch is freed or another is added. */
Change *batch_add(Batch *b);
/* An uninitialised row of n values in the arena. */
Value *batch_row(Batch *b, size_t n);
/* Keep schema alive as long as the batch; cheap when it is the one held last. */
void batch_hold_schema(Batch *b, const Schema *schema);
/* Keep any object alive: release(object) runs when the batch is freed, on the thread that frees it. bytes are
 * counted. */
void batch_hold(Batch *b, void *object, void (*release)(void *object), size_t bytes);
/* Memory the batch takes, for queues bounded in bytes. */
size_t batch_bytes(const Batch *b);

#endif
