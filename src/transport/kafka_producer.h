/*
 * kafka_producer.h - records into topics, in transactions. One owner thread; librdkafka has its own ones.
 *
 *   open (fences whoever had the transactional.id, ends its open transaction)
 *   → { begin → send … → commit | abort }* → close
 *
 * A failure inside a transaction: abort, whatever it was; what was sent since begin is in no committed view.
 * Memory is bounded by buffer.memory: send waits while it is full.
 */
#ifndef TRANSPORT_KAFKA_PRODUCER_H
#define TRANSPORT_KAFKA_PRODUCER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

typedef struct KafkaProducer KafkaProducer;
typedef struct KafkaTopic KafkaTopic;

typedef struct KafkaHeader {
    Str name;
    Str value; /* p NULL = null */
} KafkaHeader;

typedef struct KafkaMessage {
    Str key, value;       /* p NULL = null; copied */
    int32_t partition;    /* -1 = by the key's hash, as Java's producer; a null key: always the same */
    int64_t timestamp_ms; /* -1 = now */
    const KafkaHeader *headers;
    size_t header_count;
} KafkaMessage;

/* conf is moved. is_stopping: borrowed, read atomically; ends waits. May be NULL. Errors: as kafka_error; a
 * broker that can't be reached is retriable. */
MUST_CHECK bool kafka_producer_open(rd_kafka_conf_t *conf, const char *transactional_id,
                                    const bool *is_stopping, KafkaProducer **ret, Err *e);
/* An open transaction is aborted if the broker answers soon, else by its time-out. NULL is fine; returns
 * NULL. */
KafkaProducer *kafka_producer_close(KafkaProducer *p);

/* The topic's handle, which lives as long as the producer; it is asked for nothing. */
KafkaTopic *kafka_producer_topic(KafkaProducer *p, Str name);

MUST_CHECK bool kafka_producer_begin(KafkaProducer *p, Err *e);
bool kafka_producer_is_open(const KafkaProducer *p); /* in a transaction */
/* Errors: as kafka_error: of this record, or of an earlier one of the transaction that was refused. */
MUST_CHECK bool kafka_producer_send(KafkaProducer *p, KafkaTopic *to, const KafkaMessage *m, Err *e);
/* All sent records are in, or none is. After a failure that isn't ERR_FENCED it may be in all the same: read
 * what is stored after opening anew. */
MUST_CHECK bool kafka_producer_commit(KafkaProducer *p, Err *e);
/* After a failure: the transaction was open for longer than transaction.timeout.ms. */
bool kafka_producer_is_over_time(const KafkaProducer *p);
/* After a failure: a batch was refused whose records may each be small enough, and the batch.size to open the
 * next producer with. 0 = it wasn't that. */
int64_t kafka_producer_smaller_batches(const KafkaProducer *p);
/* False: the producer is of no use any more; close it. */
MUST_CHECK bool kafka_producer_abort(KafkaProducer *p, Err *e);
/* Now and then when nothing is sent. Errors: fatal ones (ERR_FENCED). */
MUST_CHECK bool kafka_producer_check(KafkaProducer *p, Err *e);
rd_kafka_t *kafka_producer_handle(KafkaProducer *p); /* for the admin calls; borrowed */

#endif
