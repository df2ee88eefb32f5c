/*
 * change_maker.h - records of topics into changes of rows: what a sink task does between its converters and
 * its target. Envelopes as Debezium writes them, flat records (ExtractNewRecordState's, other producers') and
 * tombstones. A plan is compiled once for each (topic, key schema, value schema); after that a record costs a
 * look at the last plan and a conversion for each of its columns. Owner thread only; nothing is allocated for
 * a record but in the caller's arena.
 *
 * Columns: in the order of the value's fields, then what only the key has. Their types are SQL Server's, as
 * near as the Connect schema tells (wire_column.h), so that the target gets the same types as in direct mode.
 *
 * Names: a Schema's `topic` is the topic. Its database, schema and table are those of the source block where
 * the name format asks for them (names_from_source), else the topic's parts: "a.b.c.d" is database "a.b",
 * schema "c", table "d"; "orders" is the table alone. Equal columns of one table are always the same Schema.
 *
 *   record                         change
 *   envelope, op c r u             OP_CREATE, OP_READ, OP_UPDATE: `after`; `before` where the table has no
 * key envelope, op d                 OP_DELETE: `before` has the key's columns (all, where there is no key)
 *   envelope, op t (truncate), m   skipped
 *   flat                           OP_UPSERT; with may_delete and a field __deleted that says true: OP_DELETE
 *   null value (tombstone)         may_delete: OP_DELETE by the record's key, since compaction of the topic
 *                                  may have left nothing else of the delete. (The one right behind its own
 *                                  delete isn't to be made: pipeline/partition.h)
 *   heartbeat, schema change,      skipped
 *   transaction mark
 */
#ifndef CONVERT_CHANGE_MAKER_H
#define CONVERT_CHANGE_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/textlist.h"
#include "record/change.h"
#include "record/record.h"

/* pk.mode. However it is, the key of the schemas made is final: a target takes all of it. */
typedef enum ChangeKeyMode {
    CHANGE_KEY_NONE,
    CHANGE_KEY_RECORD_KEY,   /* pk.fields of the record's key, or all; of an envelope without a key: none */
    CHANGE_KEY_RECORD_VALUE, /* pk.fields of the value, or all */
    CHANGE_KEY_KAFKA, /* columns __connect_topic, __connect_partition, __connect_offset, or as pk.fields
                         names them */
} ChangeKeyMode;

typedef struct ChangeRules {
    ChangeKeyMode key_mode;
    const TextList *key_fields; /* pk.fields; borrowed; NULL or empty = all */
    const TextList *include; /* fields.whitelist, field.include.list: "field" or "topic:field"; NULL = all */
    const TextList *exclude; /* field.exclude.list; key columns are always written */
    bool may_delete;         /* delete.enabled */
    bool names_from_source;  /* the format of target names has ${source.…} */
    /* A field's parameter __debezium.source.column.name names its column; key_fields, include and exclude go
     * by the field's own name all the same. */
    bool source_names_columns;
    bool fills_defaults; /* a null in a field that has a default is the default, as Kafka's Struct.get has it
                          */
} ChangeRules;

/* Why a record makes no change. Counted. */
typedef enum ChangeSkip {
    CHANGE_SKIP_NONE = 0,
    CHANGE_SKIP_TOMBSTONE, /* of a record without a key, or delete.enabled=false */
    CHANGE_SKIP_DELETE,    /* delete.enabled=false */
    CHANGE_SKIP_TRUNCATE,  /* op t */
    CHANGE_SKIP_MESSAGE,   /* op m: of PostgreSQL's log, not a row */
    CHANGE_SKIP_HEARTBEAT,
    CHANGE_SKIP_SCHEMA,      /* a schema change */
    CHANGE_SKIP_TRANSACTION, /* begin or end of a transaction */
    CHANGE_SKIPS,
} ChangeSkip;
const char *change_skip_name(ChangeSkip skip); /* "tombstone"; static */

typedef struct MadeChange {
    ChangeSkip skip; /* not NONE: there is no change */
    Change change;   /* its schema is the maker's: hold it (batch_hold_schema) */
    ChangeOrigin origin;
    bool is_key_only; /* a delete before any value of its topic was seen: the schema has the key's columns
                       * only. Where the target table isn't there, there is nothing to do */
} MadeChange;

typedef struct ChangeMaker ChangeMaker;

ChangeMaker *change_maker_new(const ChangeRules *rules); /* copied; what it points to is borrowed */
ChangeMaker *change_maker_free(ChangeMaker *m);          /* NULL is fine; returns NULL */
/*
 * The change that r is. Rows are in `a`; texts and bytes stay where the record's are, which therefore must
 * live as long. change.position has the origin's LSNs (command id: the event's serial number), zeroed
 * without. Errors: ERR_DATA, this record can't be written: no struct, an array in a row, a value out of
 * range, no key where one is needed; the message names topic and field.
 */
MUST_CHECK bool change_maker_make(ChangeMaker *m, const Record *r, Arena *a, MadeChange *ret, Err *e);
/* How many were skipped so far, by reason. */
uint64_t change_maker_skipped(const ChangeMaker *m, ChangeSkip skip);

#endif
