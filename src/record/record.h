/*
 * record.h - what stands in a topic: key and value, each with its schema, headers, and where it came from.
 * What transforms edit, and converters write to bytes and read from them.
 *
 * A RecordBatch is an arena and its records. Built by one thread, moved on whole, freed in one go: no
 * allocation per record. Records may borrow from other arenas only where record_batch_hold keeps those alive.
 */
#ifndef RECORD_RECORD_H
#define RECORD_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "record/connect_schema.h"
#include "record/position.h"

typedef struct RecordHeader {
    Str key;
    const ConnectSchema *schema; /* NULL: value is a STRING without a schema */
    Value value;
} RecordHeader;

typedef struct Record {
    Str topic;
    const ConnectSchema
        *key_schema; /* borrowed: the batch holds a reference; NULL = no key, or none has a schema */
    Value key;       /* null: no key */
    const ConnectSchema *value_schema; /* likewise */
    Value value;                       /* null: a tombstone */
    RecordHeader *headers;             /* in the batch's arena */
    size_t header_count;
    int64_t timestamp_ms;   /* of the record; -1 = the broker's or producer's choice */
    int32_t partition;      /* of the topic; -1 = by the key's hash (to write) */
    int64_t offset;         /* read: its offset; written: -1 */
    Str raw_key, raw_value; /* read: the bytes it came as, for dead letters; p NULL = null */
    const void *source;     /* whoever made the batch knows it: the change, the message; may be NULL */
    bool is_dropped;        /* a transform dropped it: nobody looks at it any more */
} Record;

typedef struct RecordHold RecordHold;

typedef struct RecordBatch {
    Arena arena;
    Record *records; /* owned */
    size_t count, cap;
    RecordHold *holds;
    const ConnectSchema *held_schemas[4]; /* held last: of keys and values, one topic or two */
    unsigned held_at;
} RecordBatch;

RecordBatch *record_batch_new(void);
RecordBatch *record_batch_free(RecordBatch *b); /* NULL is fine; returns NULL */
/* Forget all records and holds, keep memory for reuse. */
void record_batch_clear(RecordBatch *b);
/* Room for one more, zeroed but for partition, offset and timestamp_ms: -1. Borrowed until another is added.
 */
Record *record_batch_add(RecordBatch *b);
/* An uninitialised row of n values in the arena. */
Value *record_batch_row(RecordBatch *b, size_t n);
/* Keep the schema alive as long as the records; cheap when it is one of those held last. */
void record_batch_hold_schema(RecordBatch *b, const ConnectSchema *schema);
/* Whether it is one of those. */
bool record_batch_holds_schema(const RecordBatch *b, const ConnectSchema *schema);
/* Keep any object alive: release(object) runs when the batch is cleared or freed. */
void record_batch_hold(RecordBatch *b, void *object, void (*release)(void *object));
/* A header more, behind those there are. */
void record_add_header(RecordBatch *b, Record *r, RecordHeader header);

/* A struct's field by index. */
static inline const Value *record_field(const Value *v, size_t i) {
    return &((const Value *)(const void *)v->v.p)[i];
}
static inline Value record_struct(const Value *fields, size_t count) {
    return (Value){.v = {.p = (const char *)(const void *)fields}, .n = (uint32_t)count};
}

#endif
