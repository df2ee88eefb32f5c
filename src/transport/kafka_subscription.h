/*
 * kafka_subscription.h - the topics that a consumer is subscribed to: names, or whatever there is that
 * matches an expression, which is looked for again and again. Owner thread only.
 */
#ifndef TRANSPORT_KAFKA_SUBSCRIPTION_H
#define TRANSPORT_KAFKA_SUBSCRIPTION_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/textlist.h"
#include "transform/java_regex.h"

enum { KAFKA_SUBSCRIPTION_TOPICS_MAX = 10000 };

typedef struct KafkaSubscription KafkaSubscription;

/* Whether an expression takes a topic: all of its name, as in Java; Kafka's own topics never. */
bool kafka_subscription_takes(JavaRegex *regex, Str topic);

/* One of both; names are borrowed for good, the expression (NULL or "" = none) for the call. look_ms: the
 * time between two looks; -1 = one look. Errors: ERR_INVALID, of the expression. */
MUST_CHECK bool kafka_subscription_new(const TextList *names, const char *regex, int64_t look_ms,
                                       KafkaSubscription **ret, Err *e);
KafkaSubscription *kafka_subscription_free(KafkaSubscription *s); /* NULL is fine; returns NULL */

/* Subscribe. Where nothing matches yet, the consumer is in no group. Errors: as kafka_error; ERR_RANGE: more
 * than KAFKA_SUBSCRIPTION_TOPICS_MAX topics match. */
MUST_CHECK bool kafka_subscription_begin(KafkaSubscription *s, rd_kafka_t *rk, Err *e);
/* Between polls: once it is time, look again and subscribe to what is new; a topic that two looks in a row
 * didn't show is left. Takes a second at most; a failure is a warning, and the next look is for it. */
void kafka_subscription_look(KafkaSubscription *s, rd_kafka_t *rk);
/* Before the consumer is closed: what librdkafka may still hold back of the looks is dropped. */
void kafka_subscription_end(const KafkaSubscription *s, rd_kafka_t *rk);
/* How many topics it is subscribed to. */
size_t kafka_subscription_count(const KafkaSubscription *s);

#endif
