/*
 * kafka_reader.h - a whole topic from its beginning to the end it has now, as a compacted topic of offsets or
 * a schema history is read. Only what is committed, and all that is: it waits for transactions that are open
 * at the start. One thread.
 */
#ifndef TRANSPORT_KAFKA_READER_H
#define TRANSPORT_KAFKA_READER_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Records come in a partition's order; texts are borrowed for the call, p NULL = null. */
typedef void (*KafkaReaderFn)(void *arg, int32_t partition, int64_t offset, Str key, Str value);

/* conf (a consumer's) is moved. *ret_exists (may be NULL: it must exist) says whether there is such a topic.
 * Errors: as kafka_error; ERR_TIMEOUT, retriable: a transaction of another producer stays open, or the broker
 * doesn't answer; ERR_CANCELLED: is_stopping was set, seen between two records as well. */
MUST_CHECK bool kafka_reader_all(rd_kafka_conf_t *conf, const char *topic, const bool *is_stopping,
                                 KafkaReaderFn fn, void *arg, bool *ret_exists, Err *e);

/* The same of what is committed now: transactions that are open aren't waited for, and what stands behind the
 * first of them isn't read. */
MUST_CHECK bool kafka_reader_committed(rd_kafka_conf_t *conf, const char *topic, const bool *is_stopping,
                                       KafkaReaderFn fn, void *arg, bool *ret_exists, Err *e);

#endif
