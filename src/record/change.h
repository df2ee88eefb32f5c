/*
 * change.h - one change of one row: the universal record between source, transforms, converters and sink.
 * Lives in its batch's arena; belongs to whoever holds the batch.
 */
#ifndef RECORD_CHANGE_H
#define RECORD_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "record/position.h"
#include "record/schema.h"
#include "record/value.h"

typedef enum ChangeOp {                /* Debezium's letters */
                        OP_READ = 'r', /* a snapshot's row */
                        OP_CREATE = 'c',
                        OP_UPDATE = 'u',
                        OP_DELETE = 'd',
                        OP_TOMBSTONE = 't',
                        OP_UPSERT = 's', /* a foreign flat record: no envelope */
} ChangeOp;

typedef struct Change {
    uint8_t op;           /* ChangeOp */
    const Schema *schema; /* borrowed: the batch holds a reference */
    const Value *before;  /* schema->column_count values, or NULL when not read. OP_DELETE always has it */
    const Value *after;   /* likewise; NULL for OP_DELETE */
    Position position;    /* OP_READ: end of the chunk's watermark W */
    int64_t source_us;    /* commit time in the source, µs since 1970 UTC; 0 = unknown */
} Change;

/* Where a change comes from, for a guard against what was written twice. */
typedef struct ChangeOrigin {
    bool is_envelope;
    bool is_snapshot; /* op r, or source.snapshot says so (true, last, incremental …) */
    bool has_lsn;     /* commit_lsn and change_lsn were there: SQL Server's, while streaming */
    Lsn commit_lsn, change_lsn;
    int64_t event_serial_no; /* 0 = none */
    uint64_t source;         /* hash of the source's name and database */
} ChangeOrigin;

/* An update whose key differs arrives as OP_DELETE of the old key and OP_CREATE of the new one, so a change
 * has one key: */
static inline const Value *change_row(const Change *c) {
    return c->after ? c->after : c->before;
}
/* The key's i-th value (i < schema->key_count). */
static inline const Value *change_key(const Change *c, size_t i) {
    return &change_row(c)[c->schema->key[i]];
}

#endif
