/*
 * compact.h - what is left to do of a run of changes: the last state of each key. Of a table without a key,
 * the rows that came and the rows that went, counted. Pure: no database. Owner thread only; no allocation per
 * row once warmed up.
 */
#ifndef POSTGRES_COMPACT_H
#define POSTGRES_COMPACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "record/schema.h"
#include "record/value.h"

typedef struct CompactKey {
    uint16_t column;
    ValueForm form;
} CompactKey;

/* A table to compact for, and, after compact_finish, its results: borrowed until compact_clear. */
typedef struct CompactTable {
    const CompactKey *key; /* borrowed; of a bag: all columns in which a row can be found again */
    size_t key_count;
    size_t column_count; /* of a row */
    bool is_bag;         /* no key: equal rows are counted, not replaced */
    bool is_bag_whole;   /* the key is the whole row */
    const char *what;    /* for messages */

    const Value **puts; /* rows to write, in order of their keys' first appearance */
    size_t put_count;
    const Value **gone;  /* rows to remove: only the key columns count */
    int64_t *gone_times; /* of a bag: how many of each */
    size_t gone_count;
    bool is_touched;
} CompactTable;

typedef struct Compact Compact;

Compact *compact_new(void);
Compact *compact_free(Compact *c); /* NULL is fine; returns NULL */
/* Forget everything; tables may be freed after it. */
void compact_clear(Compact *c);
/* One change: row (borrowed until compact_clear) is written or removed. A column that is ABSENT keeps what an
 * earlier change gave it. Errors (bags): ERR_DATA, more than one row fits and they differ where a change
 * doesn't tell. */
MUST_CHECK bool compact_add(Compact *c, CompactTable *t, const Value *row, bool is_removed, Err *e);
/* Whether the key of row has come already since compact_clear. */
bool compact_has(const Compact *c, const CompactTable *t, const Value *row);
/* Fill the results of the touched tables; they are ret[0…], in order of first appearance. Borrowed. */
void compact_finish(Compact *c, CompactTable ***ret, size_t *ret_count);

#endif
