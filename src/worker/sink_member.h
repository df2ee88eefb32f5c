/*
 * sink_member.h - one task of a sink that is fed from topics: a member of the group, what turns its records
 * into changes, and the writer that puts them into the target with their offsets. Owner thread only.
 *
 *   open → step* → close
 *
 * A failure that may pass is retried inside the step (max.retries, but for one with a time of its own,
 * Err.retry_until_us; retry.backoff.ms … errors.retry.delay.max.ms; a server that is back ends the wait),
 * while the member stays in its group with its partitions paused. A step that fails leaves nothing half done:
 * close the member; a new one goes on from what is stored.
 */
#ifndef WORKER_SINK_MEMBER_H
#define WORKER_SINK_MEMBER_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"
#include "config/props.h"
#include "connector/topic_writer_class.h"
#include "observe/metrics.h"
#include "worker/outage.h"

/* All borrowed as long as the member lives. */
typedef struct SinkMemberSpec {
    const char *connector;
    int task;               /* 0 … */
    const Options *options; /* the worker's Kafka table, sink_task_option_table, the sink's, Connect's */
    const Props *props;     /* the same properties, for converters and transforms (kafka_option_merge) */
    const TopicWriterClass *writer;
    Metrics *metrics;
    const bool *is_stopping; /* read with __atomic_load_n */
    /* Why the member is waiting, and NULL when it goes on. */
    void (*waiting)(void *arg, const Err *why);
    /* After each poll: when the oldest change in hand was committed in the source (or its record written,
     * where that isn't told), µs since 1970 UTC; 0 = none waits; -1 = not known. */
    void (*oldest)(void *arg, int64_t us);
    void *arg;
} SinkMemberSpec;

typedef struct SinkMember SinkMember;

/* Whose return ends a wait between two tries (outage.h): the target and the cluster. spec is borrowed. */
void sink_member_servers(const SinkMemberSpec *spec, OutageEnd ret[OUTAGE_ENDS]);

/* Errors: what the options say that can't be (ERR_INVALID), servers that can't be reached (retriable). */
MUST_CHECK bool sink_member_open(const SinkMemberSpec *spec, SinkMember **ret, Err *e);
/* Poll once, and write what came. Errors: retriable, or ERR_FENCED: a new member may go on; others: it would
 * fail again. */
MUST_CHECK bool sink_member_step(SinkMember *m, Err *e);
SinkMember *sink_member_close(SinkMember *m); /* leaves the group; NULL is fine; returns NULL */

#endif
