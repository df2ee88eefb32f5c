/*
 * dead_topic.h - the dead letter topic of a sink: records as they came, with the reason in headers
 * (`__connect.errors.*`, Kafka's KIP-298, and what PostgreSQL said). Owner thread only.
 *
 * Letters are safe once dead_topic_flush has returned true: to be asked before the offsets of their records
 * are stored. Which are safe is remembered until they are stored (dead_topic_forget), so that a batch that is
 * written again needn't send them again. A letter of which the broker's answer was lost, and letters of a
 * process that ended before its offsets were stored, come twice: at least once. The topic is made at the
 * first letter where it is missing: one partition, 30 days.
 */
#ifndef TRANSPORT_DEAD_TOPIC_H
#define TRANSPORT_DEAD_TOPIC_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

typedef struct DeadTopic DeadTopic;

typedef struct DeadTopicSpec {
    rd_kafka_conf_t *conf; /* a producer's; moved */
    const char *topic;
    int32_t replication; /* when it is made; -1 = the cluster's default */
    bool has_context;    /* errors.deadletterqueue.context.headers.enable */
    const char *connector;
    int task;
} DeadTopicSpec;

/* Why a record is a letter. Texts are borrowed for the call, UTF-8, without row data; NULL or "" = no header.
 */
typedef struct DeadContext {
    const char *stage;      /* Connect's: "VALUE_CONVERTER", "TASK_PUT" … */
    const char *class_name; /* running the stage */
    const char *exception, *message;
    const char *sqlstate, *constraint, *column;
} DeadContext;

/* Nothing is connected to yet. Errors: ERR_INVALID. */
MUST_CHECK bool dead_topic_open(const DeadTopicSpec *spec, DeadTopic **ret, Err *e);
DeadTopic *dead_topic_close(DeadTopic *d); /* NULL is fine; returns NULL; what isn't flushed is dropped */
/* Copy the record: key, value, timestamp and headers as they are. Errors: as kafka_error. */
MUST_CHECK bool dead_topic_send(DeadTopic *d, const rd_kafka_message_t *record, const DeadContext *why,
                                Err *e);
/* All that was sent is acknowledged by all replicas. Errors: of the first that wasn't, with its record's
 * place. */
MUST_CHECK bool dead_topic_flush(DeadTopic *d, Err *e);
/* This record's letter is acknowledged, since the last dead_topic_forget. */
bool dead_topic_has(const DeadTopic *d, const rd_kafka_message_t *record);
/* The offsets of all their records are stored: none is asked for again. Nothing is sent and not flushed. */
void dead_topic_forget(DeadTopic *d);

#endif
