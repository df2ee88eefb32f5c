/*
 * stored.h - what the target has stored of a pipeline: where its source is to go on. Plain data whose texts
 * are owned; any thread that holds it.
 */
#ifndef PIPELINE_STORED_H
#define PIPELINE_STORED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "record/batch.h"
#include "record/position.h"

/* What is stored of one table. */
typedef struct StoredTable {
    char *schema, *table; /* source names */
    uint32_t chunks_done; /* chunks 0 … chunks_done-1 are committed */
    char *upper_key;      /* opaque: where the next chunk starts; NULL = at the beginning */
    bool is_done;         /* all chunks are committed */
    bool is_streaming;    /* chunks and changes come side by side (BATCH_COPY_BESIDE) */
    uint64_t fingerprint; /* of the schema last applied (record/schema.h) */
    int32_t instance;     /* object id of the change table it was that of; 0 = not known (a takeover) */
    Position floor;       /* changes of the table at or under it are never read; {0} = none */
    bool is_whole;        /* it was copied in full once, not only on a signal's demand */
    BatchAsked asked;     /* by a signal: the copy that isn't done */
    bool is_paused;       /* that copy */
    char *filter;         /* of that copy: an SQL condition; NULL = all rows */
    char *key;            /* names of its key's columns, with commas; NULL = not stored */
    char *route;          /* to which lanes its changes go (pipeline/route.h); NULL = not stored */
} StoredTable;

typedef struct StoredState {
    bool has_position;     /* false: never started: a snapshot mode decides */
    Position position;     /* all lanes hold everything up to here (an end) */
    Position ahead;        /* one of several lanes is up to here; {0} or `position` = none is further */
    bool is_snapshot_done; /* has_position, and every table is done or is_streaming */
    Position consistent;   /* from here on the target shows states that the source had; {0} = not known yet */
    bool is_paused;        /* an operator's last word: nothing is to be put. No part of what lanes compare */
    bool is_in_topic;      /* of offsets, not in tables: how it is mended by hand. No part of that either */
    StoredTable *tables;   /* owned */
    size_t table_count;
} StoredState;

void stored_state_done(StoredState *s); /* frees what it owns; *s is {0} again */
/* Replace *s, which may be {0}, by a copy of `from`. */
void stored_state_copy(StoredState *s, const StoredState *from);
/* Whatever the order of the tables; without `ahead`, key and route. */
bool stored_state_equal(const StoredState *a, const StoredState *b);
bool stored_table_equal(const StoredTable *a, const StoredTable *b); /* the marks */
/* The table's entry, or NULL. */
const StoredTable *stored_state_table(const StoredState *s, Str schema, Str table);

/* The three changes that a transaction makes to what is stored: the store's SQL says the same. */
void stored_state_move(StoredState *s, const Position *to);
/* A BATCH_TABLE is in: its schema applied, its marks set (the entry is made when there is none, or deleted).
 */
void stored_state_add_table(StoredState *s, const Batch *batch);
/* The last part of a BATCH_ROWS is in: its chunk is done, and those before it. Nothing when it was. */
void stored_state_mark_chunk(StoredState *s, const Batch *batch);

#endif
