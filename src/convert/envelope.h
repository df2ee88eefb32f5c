/*
 * envelope.h - changes of a table as Debezium's records: key, envelope with its source block, tombstones, the
 * three records of a changed key. Compiled once per schema; read-only then: any thread.
 *
 * Records borrow texts and bytes from the change's batch: the caller keeps that alive with the records
 * (record_batch_hold). The envelope keeps itself alive as long as they live.
 */
#ifndef CONVERT_ENVELOPE_H
#define CONVERT_ENVELOPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "convert/wire_option.h"
#include "record/change.h"
#include "record/record.h"

/* source.snapshot */
typedef enum SnapshotMark {
    SNAPSHOT_MARK_FALSE, /* a change */
    SNAPSHOT_MARK_TRUE,
    SNAPSHOT_MARK_FIRST,
    SNAPSHOT_MARK_FIRST_IN_DATA_COLLECTION,
    SNAPSHOT_MARK_LAST_IN_DATA_COLLECTION,
    SNAPSHOT_MARK_LAST,
    SNAPSHOT_MARK_INCREMENTAL,
} SnapshotMark;

/* The envelope's `transaction` block. */
typedef struct EventTransaction {
    Str id; /* the commit LSN's text */
    int64_t total_order, data_collection_order;
} EventTransaction;

/* What stands around a row. */
typedef struct EventMeta {
    SnapshotMark mark;
    int64_t source_us;     /* source.ts_*: commit time, or the server's clock for a snapshot */
    int64_t now_us;        /* ts_*: our clock */
    const Lsn *commit_lsn; /* NULL: left out, as the next one */
    const Lsn *change_lsn;
    int64_t serial_no;                   /* event_serial_no; 0: left out */
    const EventTransaction *transaction; /* NULL: none */
    const Change *other; /* of a changed key: the delete's create, the create's delete; else NULL */
} EventMeta;

typedef struct Envelope Envelope;

/* schema is referenced; o is borrowed as long as the envelope lives. Errors: ERR_INVALID (two columns of one
 * name once adjusted). */
MUST_CHECK bool envelope_new(const Schema *schema, const WireOptions *o, Envelope **ret, Err *e);
/* Drop the maker's reference; records have their own. NULL is fine; returns NULL */
Envelope *envelope_free(Envelope *v);

Str envelope_topic(const Envelope *v);
const ConnectSchema *envelope_key_schema(const Envelope *v); /* NULL: keyless */
const ConnectSchema *envelope_row_schema(const Envelope *v); /* of before and after */
const ConnectSchema *envelope_schema(const Envelope *v);

/* Add the change's record to out, and after a delete its tombstone (tombstones.on.delete). The record's
 * `source` is the change. An update without `before` has none in its envelope either.
 * Errors: ERR_DATA for a value that doesn't fit (wire_field.h); out is as it was then. */
MUST_CHECK bool envelope_add(const Envelope *v, const Change *c, const EventMeta *meta, RecordBatch *out,
                             Err *e);

/* ---- parts that other records share ---- */

const char *snapshot_mark_name(SnapshotMark mark);
/* The schema of the source block; owned (a reference). */
const ConnectSchema *envelope_source_schema(const WireOptions *o);
/* Its value for a table, in the arena; texts are borrowed from o and the arguments. */
Value envelope_source(const WireOptions *o, Str database, Str schema, Str table, const EventMeta *meta,
                      Arena *a);
/* "prefix.database.schema.table", sanitised; in the arena. */
Str envelope_topic_of(const WireOptions *o, Str database, Str schema, Str table, Arena *a);
Value envelope_lsn(const Lsn *lsn, Arena *a); /* its text */

#endif
