/*
 * source_start.h - what a source task goes on from: the topic of offsets read to its end, and where Debezium
 * has gone on since, its offset and its schema history. One thread.
 */
#ifndef KAFKA_SOURCE_START_H
#define KAFKA_SOURCE_START_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"
#include "kafka/source_offsets.h"

/* To be called once the former owner is fenced. topic: of the offsets; a connector's own one that has nothing
 * of it gives way to the worker's. *ret is {0} before, and owned by the
 * caller after success. Errors: as kafka_reader_all; ERR_INVALID (a record that can't be read; Debezium's
 * offset is to be gone on from, and its history isn't named, missing, of another cluster or without this
 * source); ERR_DATA (the history's). */
MUST_CHECK bool source_start_read(const Options *options, const SourceOffsetsKey *key, const char *topic,
                                  const bool *is_stopping, SourceOffsets *ret, Err *e);

/* The epoch of the task's last owner that has committed; 0 = there is none. Waits for nobody's transaction.
 * Errors: as kafka_reader_committed. */
MUST_CHECK bool source_start_epoch(const Options *options, const SourceOffsetsKey *key, const char *topic,
                                   const bool *is_stopping, int64_t *ret, Err *e);

/* schema.history.internal.kafka.bootstrap.servers names none of the worker's brokers, through which the
 * history is read and written. */
bool source_start_history_is_elsewhere(const Options *options);
/* The topic of offsets, as the options name it. Borrowed. */
const char *source_start_topic(const Options *options);
/* The transactional.id of a connector's task: who may write there is fenced by it. Owned. */
char *source_start_transactional_id(const Options *options, const char *connector, int task);

#endif
