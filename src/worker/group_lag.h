/*
 * group_lag.h - how far a sink's group is behind the ends of its topics, as the broker tells it: committed
 * offsets, ends, and when the oldest record that waits was written. For people who look: no group is joined,
 * nothing is committed, no topic is made. Owner thread only.
 */
#ifndef WORKER_GROUP_LAG_H
#define WORKER_GROUP_LAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"

typedef struct GroupPart {
    char *topic; /* owned */
    int32_t partition;
    int64_t committed; /* -1 = nothing is */
    int64_t low, end;
    int64_t ahead;     /* records that wait, about: transactions' marks count where there are records, too */
    int64_t oldest_ms; /* timestamp of the first of them; -1 = none waits, or it has none */
    bool is_looked_into; /* ahead and oldest_ms are told by the records; else by offsets alone */
} GroupPart;

typedef struct GroupMember {
    char *client, *host; /* owned */
    bool is_ours;        /* a millrace's */
} GroupMember;

typedef struct GroupLag {
    char *group; /* owned */
    bool knows_members;
    Err why_no_members; /* where it doesn't; ERR_OK: the broker doesn't tell them */
    GroupMember *members;
    size_t member_count;
    GroupPart *parts; /* by topic and partition */
    size_t part_count;
} GroupLag;

/* All borrowed. */
typedef struct GroupLagSpec {
    const char *connector;
    const Options *options;               /* the worker's and the connector's in one, as SinkMemberSpec's */
    bool looks_into;                      /* read the first record that waits of each partition */
    const struct rd_kafka_metadata *seen; /* topics that another user sees; NULL = as the sink's does */
} GroupLagSpec;

/* *ret is the caller's after success: group_lag_done. Errors: as kafka_error; ERR_INVALID (options). */
MUST_CHECK bool group_lag_ask(const GroupLagSpec *spec, GroupLag *ret, Err *e);
void group_lag_done(GroupLag *g);
GroupPart *group_lag_part(const GroupLag *g, const char *topic, int32_t partition); /* borrowed, or NULL */
/* Of all members. */
size_t group_lag_members(const GroupLag *g, bool is_ours);

#endif
