/*
 * partition.h - one topic partition in the sink: where it begins, what of it is in the target, and which
 * records are dropped because they are proven to be there already. Pure: no I/O, no clock. Owner thread only.
 *
 * Life
 *   new → begin(what the target and the group know) → { offer* → writing → committed | rolled_back | lost }*
 *   → free (revoked, or lost to the group: nothing of it may be written any more)
 *   lost → settle(what the target says now): the commit is in, or it isn't, or another owner has the
 * partition
 *
 * Who wins at the beginning. The offset that is in the target, in the rows' own transaction, is exact. The
 * group's commit is a copy of it for lag monitors, behind by up to a commit interval, and carries metadata
 * that names the target (partition_metadata). So:
 *   our own metadata → the target's offset
 *   no commit, and the target's offset is the log's first → that one
 *   no commit, and records before it → stops: a commit stood there, and went with its topic or by time
 *   somebody else's (another program's sink went on from here, an operator's reset) → the group's, logged
 *   neither → the reset policy
 * An offset of the group that wins is first stored in the target and then marked as ours in the group, before
 * the first record is put: after a crash in between it is found again, after both it doesn't win again.
 * An offset past the log's end, or before its start, stops: records are missing, or the topic is another one.
 *
 * Repeats. Offsets make the sink exact, but what a producer writes twice has two offsets. A change of an
 * envelope (op c, u, d) is dropped when its commit LSN lies below the last one of its source in this
 * partition (a source writes a partition in the order of commits), or when this very event has come before
 * within that commit. Events of a commit are remembered up to PARTITION_EVENTS in memory and
 * PARTITION_STORED_EVENTS in the target; what isn't remembered isn't proven, and is applied. It may then be
 * an old event that comes again and stands before remembered ones, whose own repeats have to follow it into
 * the target: so where a commit isn't remembered from its beginning on, an event that stands before the last
 * one (by change LSN and serial number) makes all of the commit be forgotten. Never dropped: snapshot rows
 * (op r), incremental ones, tombstones, records without an envelope: partition_event_of. But a tombstone
 * right behind its own delete is left out, be that one applied or dropped: the key may have a row again by
 * now, whose insert is dropped as well if it comes again. So the key is remembered, also in the target: a
 * restart may lie between the two. A long run of drops fails: a source that was set back would lose all its
 * changes so.
 */
#ifndef PIPELINE_PARTITION_H
#define PIPELINE_PARTITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "record/change.h"
#include "record/lsn.h"

enum {
    PARTITION_EVENTS = 65536,      /* of one commit that are remembered */
    PARTITION_STORED_EVENTS = 128, /* of them, the last ones, in the target */
    PARTITION_SOURCES = 16,        /* databases whose changes come in one partition */
    PARTITION_RUN_MAX = 100000,    /* drops one behind the other */
    PARTITION_METADATA_SIZE = 96,
};

typedef struct Partition Partition;

typedef enum PartitionReset { PARTITION_EARLIEST, PARTITION_LATEST, PARTITION_NONE } PartitionReset;

typedef enum PartitionGroup {
    PARTITION_GROUP_NONE,   /* no commit */
    PARTITION_GROUP_OURS,   /* with our metadata, naming this target */
    PARTITION_GROUP_OTHERS, /* anything else */
} PartitionGroup;

/* What is known when the partition is assigned. */
typedef struct PartitionFacts {
    bool has_stored;       /* the target has an offset */
    int64_t stored, epoch; /* epoch: raised for us */
    Str guard;             /* as partition_guard_write made it; "" = nothing */
    PartitionGroup group;
    int64_t committed; /* the group's offset, unless PARTITION_GROUP_NONE */
    int64_t low, high; /* the log: its first offset, and the one behind its last */
    PartitionReset reset;
    bool is_reset_asked; /* by a property: then it also counts where the log begins behind the offset */
} PartitionFacts;

typedef struct PartitionStart {
    int64_t offset;
    bool must_store; /* in the target, and then mark the group's commit as ours, before anything is put */
    bool is_adopted; /* the group's offset won over the target's, or where the target has none */
    bool is_reset;
} PartitionStart;

Partition *partition_new(void);
Partition *partition_free(Partition *p); /* NULL is fine; returns NULL */
/* Errors: ERR_RANGE, with the cure. */
MUST_CHECK bool partition_begin(Partition *p, const PartitionFacts *facts, PartitionStart *ret, Err *e);

/* A record has been read at this offset: false, it lies before the partition's position and is left out (a
 * fetch that was under way when the position was set). */
bool partition_offer(Partition *p, int64_t offset);
/* Without a record: all below `next` is passed (a transaction's marker, a compacted gap). */
void partition_pass(Partition *p, int64_t next);

/* An envelope's change. */
typedef struct PartitionEvent {
    uint64_t source; /* of server and database */
    Lsn commit_lsn;
    Lsn change_lsn; /* with `serial` its place in the commit, as far as that tells one */
    int64_t serial;
    uint64_t id[2]; /* a hash of what tells it from every other event of the commit */
} PartitionEvent;

/* What tells the change from all others. key: the record's, as it was written. false: a change that can't be
 * proven to be a repeat, and isn't offered to the guard. */
bool partition_event_of(const ChangeOrigin *origin, uint8_t op, Str key, PartitionEvent *ret);

typedef enum PartitionVerdict { PARTITION_APPLY, PARTITION_DROP } PartitionVerdict;

/* Errors: ERR_INVALID, PARTITION_RUN_MAX one behind the other. */
MUST_CHECK bool partition_guard(Partition *p, const PartitionEvent *event, PartitionVerdict *ret, Err *e);
/* The record offered last was a change that deleted the row of a key: a hash of it; 0 = it wasn't. */
void partition_note_delete(Partition *p, uint64_t key);
/* Whether a tombstone of that key, offered now, stands right behind its delete. */
bool partition_is_behind_delete(const Partition *p, uint64_t key);
int64_t partition_dropped(const Partition *p); /* since partition_begin */
/* What is to be stored beside the offset. Appends. */
void partition_guard_write(const Partition *p, Buf *out);

/* The transaction that moves the offset from what is stored to what has been read. */
typedef struct PartitionMove {
    bool has_old; /* the target has an offset already */
    int64_t old, new, epoch;
} PartitionMove;

bool partition_is_behind(const Partition *p); /* something has been read that isn't stored */
PartitionMove partition_writing(Partition *p);
void partition_committed(Partition *p);
void partition_rolled_back(Partition *p);
void partition_lost(Partition *p); /* the answer to the commit never came */

typedef enum PartitionSettled {
    PARTITION_IS_IN,
    PARTITION_IS_OUT, /* the same is written again */
    PARTITION_FENCED, /* another owner: write nothing */
} PartitionSettled;

/* After partition_lost: what the target holds now. */
PartitionSettled partition_settle(Partition *p, bool has_stored, int64_t stored, int64_t epoch);

bool partition_is_unsure(const Partition *p);
int64_t partition_stored(const Partition *p);   /* the next offset, as the target has it; -1 = none */
int64_t partition_position(const Partition *p); /* the next to be read */

/* The text of a group commit. target: an identity of the database, of letters, digits and '-'. */
const char *partition_metadata(Str target, int64_t epoch, char buf[static PARTITION_METADATA_SIZE]);
PartitionGroup partition_group_of(Str metadata, Str target);

#endif
