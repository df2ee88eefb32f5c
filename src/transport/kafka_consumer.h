/*
 * kafka_consumer.h - one member of a sink's group: partitions that come and go, records, commits for lag
 * monitors. Owner thread only; librdkafka has its own ones.
 *
 *   open (joins nothing yet) → { poll → … → commit }* → close
 *
 * Rebalancing is cooperative: partitions are added and taken away while the others go on. The host's
 * functions run inside poll and close, on the owner's thread. Where a partition begins is the host's word
 * alone: librdkafka's own offsets are never used.
 *
 * Queues are bounded in bytes (KAFKA_CONSUMER_QUEUE_KIB); a record that is larger comes alone.
 */
#ifndef TRANSPORT_KAFKA_CONSUMER_H
#define TRANSPORT_KAFKA_CONSUMER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/textlist.h"

enum { KAFKA_CONSUMER_QUEUE_KIB = 12 * 1024, KAFKA_CONSUMER_METADATA_MAX = 128 };

typedef struct KafkaConsumer KafkaConsumer;

typedef struct KafkaAssigned {
    const char *topic; /* borrowed for the call */
    int32_t partition;
    bool has_commit; /* the group's */
    int64_t committed;
    const char *metadata; /* "" = none */
    int64_t low, high;    /* the log: its first offset, and the one behind its last */
    int64_t start;        /* to be filled: where to begin */
} KafkaAssigned;

typedef struct KafkaConsumerHost {
    /* Partitions are given, of which names are known: when it returns, nobody else writes of them any more.
     * Only then the group's commits and the logs' ends are asked for: what a former owner, who may not have
     * heard yet that it is one, wrote and committed until then counts. False with *e: as `assigned`. */
    bool (*taken)(void *arg, const KafkaAssigned *parts, size_t count, Err *e);
    /* Say where each begins: the same partitions. False with *e: poll fails with it, and the consumer is to
     * be closed. */
    bool (*assigned)(void *arg, KafkaAssigned *parts, size_t count, Err *e);
    /* When it returns, nothing of theirs is written any more. is_lost: the group gave them to others already.
     */
    void (*revoked)(void *arg, const KafkaAssigned *parts, size_t count, bool is_lost);
    void *arg;
} KafkaConsumerHost;

typedef struct KafkaConsumerSpec {
    rd_kafka_conf_t *conf;  /* moved; group.id is set */
    const char *own_prefix; /* of the client.ids of our own kind: other live members stop the start */
    const TextList *topics; /* names; borrowed as long as the consumer lives */
    const char *regex;      /* or: what matches it, in Java's way; NULL or "" = none */
    KafkaConsumerHost host;
    const bool *is_stopping; /* borrowed; read atomically; may be NULL */
} KafkaConsumerSpec;

/* Errors: ERR_TIMEOUT, retriable: the group has live members of another program (a JVM worker's); as
 * kafka_error. */
MUST_CHECK bool kafka_consumer_open(const KafkaConsumerSpec *spec, KafkaConsumer **ret, Err *e);
/* Leaves the group: what is left is revoked first. NULL is fine; returns NULL. */
KafkaConsumer *kafka_consumer_close(KafkaConsumer *c);

/* Up to `max` records, in their partitions' order: as many as are there, waiting up to timeout_ms for the
 * first. They are the caller's: kafka_consumer_done. Errors: the host's, as kafka_error. */
MUST_CHECK bool kafka_consumer_poll(KafkaConsumer *c, rd_kafka_message_t **ret, size_t max, int timeout_ms,
                                    size_t *ret_count, Err *e);
void kafka_consumer_done(rd_kafka_message_t *const *messages, size_t count);
/* Fetch nothing, but stay in the group by polling; and again. */
void kafka_consumer_pause(KafkaConsumer *c, bool is_paused);
/* Tell the group how far a partition is: sent by kafka_consumer_commit_send, all that were set since. */
void kafka_consumer_commit_set(KafkaConsumer *c, const char *topic, int32_t partition, int64_t next,
                               const char *metadata);
/* Whether the group still has the commits that it had or was told. A topic's deletion takes them along, which
 * nothing else tells: a fetch from one that was made anew goes on at the old offset, if it has as many
 * records. Errors: ERR_RANGE: it was made anew; as kafka_error: it couldn't be asked, or the topic is away.
 */
MUST_CHECK bool kafka_consumer_check(KafkaConsumer *c, Err *e);
/* Checks first, since a commit would hide that one was lost. is_sync: wait for the answer. Errors: as
 * kafka_consumer_check and kafka_error; of one that isn't waited for none. */
MUST_CHECK bool kafka_consumer_commit_send(KafkaConsumer *c, bool is_sync, Err *e);
/* Whether librdkafka, which stops fetching at full_at records or full_kib KiB, may not have noticed yet that
 * there is room again: the queue had up to `peak` records, of record_bytes each, and has `now`. Pure. */
bool kafka_consumer_queue_slept(size_t peak, size_t now, size_t record_bytes, size_t full_at,
                                size_t full_kib);
/* Whether a poll without records means that none waits: the group has given what it gives, and a broker
 * answered last. */
bool kafka_consumer_is_current(const KafkaConsumer *c);
/* The group has answered that it knows this member; partitions may come only later. */
bool kafka_consumer_has_joined(const KafkaConsumer *c);
/* Partitions that this member has. */
size_t kafka_consumer_count(const KafkaConsumer *c);

#endif
