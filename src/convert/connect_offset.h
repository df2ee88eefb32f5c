/*
 * connect_offset.h - where a source stands, as Kafka Connect's offsets topic has it of Debezium: key and
 * value in the very bytes of Connect's JsonConverter (a key is found by its bytes). Plain values; any thread.
 */
#ifndef CONVERT_CONNECT_OFFSET_H
#define CONVERT_CONNECT_OFFSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "convert/wire_option.h"
#include "record/lsn.h"
#include "record/position.h"

/* Events so far of one table in the transaction (provide.transaction.metadata). */
typedef struct ConnectOffsetCount {
    Str table; /* "database.schema.table" */
    int64_t events;
} ConnectOffsetCount;

typedef struct ConnectOffset {
    bool is_snapshot;           /* a snapshot's: only the next one and commit_lsn count */
    bool is_snapshot_completed; /* set by the last row's offset */
    Lsn commit_lsn;
    bool has_change; /* false: change_lsn is "NULL" */
    Lsn change_lsn;
    int64_t event_serial_no;
    Str transaction_id; /* "" = none */
    const ConnectOffsetCount *counts;
    size_t count_count;
    Str incremental; /* read only: tables of an incremental snapshot in progress, with commas; "" = there is
                        none */
} ConnectOffset;

/* ["connector",{"server":"prefix","database":"db"}] */
void connect_offset_key(Str connector, Str prefix, Str database, Buf *out);
void connect_offset_value(const ConnectOffset *o, WireVersion version, Buf *out);
/* The same, only the partition's and the offset's own object: as schema history has them. */
void connect_offset_partition(Str prefix, Str database, Buf *out);

/* An offset's entries in the order of the map; the value is JSON. For others who write such an object. */
typedef struct ConnectOffsetEntry {
    Str key;
    const char *json;
} ConnectOffsetEntry;
/* Into the arena, ret_count of them. */
const ConnectOffsetEntry *connect_offset_entries(const ConnectOffset *o, WireVersion version, Arena *a,
                                                 size_t *ret_count);

/* Whether a key is one of this connector's; its database in the arena. Errors: none, other keys give false.
 */
bool connect_offset_read_key(Str json, Str connector, Str prefix, Arena *a, Str *ret_database);
/* Any version's value. Texts are in the arena. Unknown keys are passed over.
 * Errors: ERR_INVALID (not an offset of this source). */
MUST_CHECK bool connect_offset_read(Str json, Arena *a, ConnectOffset *ret, Err *e);

/* Whether Debezium, going on from here, passes a change by: its own order (commit LSN, change LSN, rows of
 * the same pair). serial is the row's number within its pair, from 1. */
bool connect_offset_covers(const ConnectOffset *o, const Lsn *commit, const Lsn *change, int64_t serial);

#endif
