/*
 * kafka_topics.h - topics that are to be there before records are written: looked up, and made where
 * topic.creation.* lets it. Connect's rules (KIP-158): groups of topics by expressions, each with partitions,
 * replication factor and configuration; `default` for the rest. Here there is a default without any property,
 * too: 3 partitions, 7 days (records of changes), the cluster's own replication factor.
 * Owner thread only.
 */
#ifndef TRANSPORT_KAFKA_TOPICS_H
#define TRANSPORT_KAFKA_TOPICS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strmap.h"
#include "config/option.h"

typedef struct KafkaTopicRules KafkaTopicRules;

typedef struct KafkaTopicSpec {
    int32_t partitions;
    int32_t replication;            /* -1 = the cluster's default */
    const char *const (*config)[2]; /* names and values; borrowed */
    size_t config_count;
} KafkaTopicSpec;

/* From the rows "topic.creation.groups", "topic.creation.enable" and "topic.creation.*". Errors: ERR_INVALID
 * with place and property (a group that isn't named, an expression, a number, an unknown part). */
MUST_CHECK bool kafka_topic_rules_new(const Options *options, KafkaTopicRules **ret, Err *e);
KafkaTopicRules *kafka_topic_rules_free(KafkaTopicRules *r); /* NULL is fine; returns NULL */
/* What a topic of changes of that name is made with; false: it isn't to be made. Borrowed. */
bool kafka_topic_rules_find(const KafkaTopicRules *r, const char *topic, KafkaTopicSpec *ret);

/* The names of all topics that may be seen, into the set (their values mean nothing). Asking by name would
 * have some brokers make what isn't there. Errors: as kafka_error. */
MUST_CHECK bool kafka_topics_list(rd_kafka_t *rk, int timeout_ms, StrMap *into, Err *e);
/* Make it; one that is there by now is fine. Waits for its leaders, as below. Errors: as kafka_error, with
 * the topic's name. */
MUST_CHECK bool kafka_topics_create(rd_kafka_t *rk, const char *topic, const KafkaTopicSpec *spec, Err *e);
/* Wait, for two seconds at most, until the client knows the leaders of the topic's partitions and each of
 * them answers; most: only the first so many count, 0 = all. Else the first records wait for the client's
 * next look at the cluster, up to a second, or are refused by a broker that doesn't know yet. False: not seen
 * in time, which is no failure: librdkafka goes on looking. */
bool kafka_topics_await(rd_kafka_t *rk, const char *topic, int32_t most);

#endif
