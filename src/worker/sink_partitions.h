/*
 * sink_partitions.h - the partitions a sink's member has, and the moves of their offsets that are one put's.
 * What a record or an outcome means for a partition is pipeline/partition.h's; here are all of them together.
 * No I/O. Owner thread only.
 *
 *   { collect → put → committed | failed(is_open) → [is_unsure → settle] }*
 */
#ifndef WORKER_SINK_PARTITIONS_H
#define WORKER_SINK_PARTITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "connector/topic_writer_class.h"
#include "pipeline/partition.h"

/* A partition that is ours. */
typedef struct SinkPartition {
    char *topic;
    int32_t partition;
    int64_t epoch;
    Partition *state;
    Buf guard; /* of the put at hand */
} SinkPartition;

typedef struct SinkPartitions SinkPartitions;

/* stored: a partition's offset is in the target now (partition_stored), the group may be told. */
SinkPartitions *sink_partitions_new(void (*stored)(void *arg, const SinkPartition *p), void *arg);
SinkPartitions *sink_partitions_free(SinkPartitions *s); /* NULL is fine; returns NULL */

/* What is returned is borrowed until one is added or dropped. */
SinkPartition *sink_partitions_add(SinkPartitions *s, const char *topic, int32_t partition);  /* anew */
SinkPartition *sink_partitions_find(SinkPartitions *s, const char *topic, int32_t partition); /* or NULL */
/* One that isn't there is fine. No move of it may be in the put at hand. */
void sink_partitions_drop(SinkPartitions *s, const char *topic, int32_t partition);
/* Repeats left out since each began. */
int64_t sink_partitions_dropped(const SinkPartitions *s);

/* The moves of the next put: none; one more; of all that have read what isn't stored. */
void sink_partitions_clear_moves(SinkPartitions *s);
void sink_partitions_move(SinkPartitions *s, const SinkPartition *p);
void sink_partitions_collect(SinkPartitions *s);
/* Borrowed until the next call that changes them. */
const TopicMove *sink_partitions_moves(const SinkPartitions *s, size_t *ret_count);

/* What became of the put. After `committed` there are no moves. */
void sink_partitions_committed(SinkPartitions *s);
void sink_partitions_failed(SinkPartitions *s, bool is_open); /* is_open: it was rolled back for sure */
bool sink_partitions_is_unsure(const SinkPartitions *s);
/* now: what the target says of each move, in their order. All partitions have moved, or none, or one is
 * another owner's: PARTITION_FENCED, with ERR_FENCED in *e. */
PartitionSettled sink_partitions_settle(SinkPartitions *s, const TopicOffset *now, Err *e);

#endif
