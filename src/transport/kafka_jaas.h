/*
 * kafka_jaas.h - the text of sasl.jaas.config, as Java's clients take it, made into librdkafka's properties:
 *   org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";
 * Plain data; owner thread only. Source: javax.security.auth.login.Configuration and Kafka's JaasConfig.
 */
#ifndef TRANSPORT_KAFKA_JAAS_H
#define TRANSPORT_KAFKA_JAAS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/textlist.h"

enum { KAFKA_JAAS_MAX = 8 };

typedef struct KafkaJaasItem {
    const char *name; /* librdkafka's; static */
    char *value;      /* owned; may be a secret */
} KafkaJaasItem;

typedef struct KafkaJaas {
    KafkaJaasItem items[KAFKA_JAAS_MAX];
    size_t count;
    TextList unknown; /* options of the module that have no counterpart: names */
} KafkaJaas;

/* Errors: ERR_INVALID (syntax; a login module that isn't PLAIN's, SCRAM's, Kerberos' or OAuth's); the text is
 * in no message. */
MUST_CHECK bool kafka_jaas_parse(Str text, KafkaJaas *ret, Err *e);
void kafka_jaas_done(KafkaJaas *j); /* wipes and frees */

#endif
