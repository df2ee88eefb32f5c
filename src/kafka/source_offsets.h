/*
 * source_offsets.h - what the topic of offsets holds of one source task, beside Debezium's own key: records
 * of keys of ours, which Kafka Connect keeps and never looks at.
 *
 *   ["connector",{"millrace":"position","server":"prefix","database":"db"}]
 *     {"epoch":3,"position":"…","inside":"…","consistent":"…","debezium":"{…}"}
 *   ["connector",{"millrace":"table","server":"prefix","database":"db","schema":"dbo","table":"orders"}]
 *     {"chunks_done":4,"upper_key":"…","is_done":false, …}; null: forgotten
 *
 * position is stored.h's: the end of a transaction, or null. inside: of the transaction behind it, changes up
 * to there are in the topics already (it was split); null = none are. Debezium's key has Debezium's value and
 * is passed through here as text. One thread.
 */
#ifndef KAFKA_SOURCE_OFFSETS_H
#define KAFKA_SOURCE_OFFSETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "config/table_filter.h"
#include "pipeline/stored.h"
#include "record/position.h"

/* Borrowed texts. */
typedef struct SourceOffsetsKey {
    Str connector, prefix, database;
} SourceOffsetsKey;

typedef struct SourceOffsets {
    bool has_own; /* a position of ours was found */
    int64_t epoch;
    Position inside; /* {0} = none */
    StoredState state;
    StoredState
        gone; /* its tables only: those that the topic still has an entry of, and that no longer counts */
    char *debezium; /* Debezium's value; NULL = none */
    char *written; /* the one that was written here last; NULL = none. If they differ, Debezium has gone on */
} SourceOffsets;

void source_offsets_done(SourceOffsets *o);
/* One record of the topic, in its partition's order: others' are passed over. Errors: ERR_INVALID (a value of
 * ours that can't be read: written by a newer version, or damaged). */
MUST_CHECK bool source_offsets_take(SourceOffsets *o, const SourceOffsetsKey *k, Str key, Str value, Err *e);
/* All are taken: what follows from them. */
void source_offsets_settle(SourceOffsets *o);
/* Go on from that state (moved): tables that it hasn't are gone. */
void source_offsets_replace(SourceOffsets *o, StoredState *state);
/* Tables that came with a takeover, that nothing was written of since, and that the filter doesn't want:
 * gone. */
void source_offsets_drop_unread(SourceOffsets *o, const TableFilter *filter);

void source_offsets_position_key(const SourceOffsetsKey *k, Buf *out);
/* debezium: the value under Debezium's key as it is after this transaction; empty = none. */
void source_offsets_position_value(int64_t epoch, const StoredState *state, const Position *inside,
                                   Str debezium, Buf *out);
void source_offsets_table_key(const SourceOffsetsKey *k, Str schema, Str table, Buf *out);
void source_offsets_table_value(const StoredTable *t, Buf *out);

#endif
