/*
 * kafka_config.h - properties of a Kafka client by Java's names and units, made into librdkafka's.
 *
 * Names and units are those of Kafka's ProducerConfig, ConsumerConfig, AdminClientConfig, SslConfigs and
 * SaslConfigs; librdkafka's are of its CONFIGURATION.md. What has no counterpart gives a warning that names
 * it, and what would weaken exactly once (acks=1, enable.idempotence=false) one that says what is done
 * instead. Nothing is ignored in silence. No I/O. Owner thread only.
 */
#ifndef TRANSPORT_KAFKA_CONFIG_H
#define TRANSPORT_KAFKA_CONFIG_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "config/textlist.h"

typedef enum KafkaRole {
    KAFKA_PRODUCER = 1,
    KAFKA_CONSUMER = 2,
    KAFKA_ADMIN = 4,
} KafkaRole;

typedef struct KafkaConfig KafkaConfig;

/* With this project's defaults: bounded queues, Java's partitioner, logs through base/log.h. */
KafkaConfig *kafka_config_new(KafkaRole role);
KafkaConfig *kafka_config_free(KafkaConfig *c); /* NULL is fine; returns NULL */

/* One property by Java's name. place: where it was given, for messages ("worker.properties:12"). warnings may
 * be NULL. A later one of the same name wins. Errors: ERR_INVALID (a value that can't be; a keystore that
 * librdkafka can't read, with the way out); no error holds a value. */
MUST_CHECK bool kafka_config_set(KafkaConfig *c, const char *key, const char *value, const char *place,
                                 TextList *warnings, Err *e);
/* All properties that begin with prefix (a row with '*', as "producer.override.*"), without it. */
MUST_CHECK bool kafka_config_set_all(KafkaConfig *c, const Options *options, const char *pattern,
                                     TextList *warnings, Err *e);
/* A property by librdkafka's own name: what the caller decides. Errors: ERR_INTERNAL. */
MUST_CHECK bool kafka_config_own(KafkaConfig *c, const char *name, const char *value, Err *e);
/* The finished configuration, moved to the caller: what several properties say together is settled now
 * (stores of certificates, time-outs of transactions). Errors: ERR_INVALID. */
MUST_CHECK bool kafka_config_take(KafkaConfig *c, TextList *warnings, rd_kafka_conf_t **ret, Err *e);

/* What is set now under librdkafka's name; "" = nothing. Into buf; returns buf. For tests and messages. */
const char *kafka_config_get(const KafkaConfig *c, const char *name, char *buf, size_t size);

/* The same of a finished configuration, by librdkafka's names. */
const char *kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *buf, size_t size);
int64_t kafka_conf_number(const rd_kafka_conf_t *conf, const char *name); /* -1 = none */
/* Errors: ERR_INTERNAL. */
MUST_CHECK bool kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, Err *e);

#endif
