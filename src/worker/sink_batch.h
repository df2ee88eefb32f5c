/*
 * sink_batch.h - the records of one poll made into changes: decoded, transformed, made, and what is proven to
 * be in the target left out. Owner thread only. Nothing is allocated for a record but in the batch's arena.
 *
 * A failure that may pass (a registry that is down) leaves everything where it was: sink_batch_make is called
 * again and goes on at the same record.
 */
#ifndef WORKER_SINK_BATCH_H
#define WORKER_SINK_BATCH_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "convert/change_maker.h"
#include "convert/converter.h"
#include "pipeline/partition.h"
#include "record/change.h"
#include "transform/transform.h"

typedef struct SinkBatch SinkBatch;

/* One record as it came; all borrowed until sink_batch_clear. */
typedef struct SinkInput {
    const char *topic;
    int32_t partition;
    Partition *state;
    rd_kafka_message_t *message;
} SinkInput;

typedef enum SinkStage { SINK_KEY, SINK_VALUE, SINK_TRANSFORM, SINK_PUT } SinkStage; /* of Connect's stages */

/* Why a record can't be carried over. */
typedef struct SinkFault {
    SinkStage stage;
    const char *transform; /* SINK_TRANSFORM: the Java class; borrowed as long as the chain lives */
    Err why;
} SinkFault;

typedef struct SinkBatchSpec { /* all borrowed as long as the batch lives */
    Converter *key, *value;
    TransformChain *chain;
    ChangeMaker *maker;
    /* The record at `at` can't be carried over. True: it is dealt with; false with *e: stop; the
     * next sink_batch_make begins with telling it again. */
    bool (*failed)(void *arg, const SinkInput *at, const SinkFault *fault, Err *e);
    void *arg;
} SinkBatchSpec;

SinkBatch *sink_batch_new(const SinkBatchSpec *spec);
SinkBatch *sink_batch_free(SinkBatch *b); /* NULL is fine; returns NULL */
/* One more record. */
void sink_batch_add(SinkBatch *b, const SinkInput *input);
size_t sink_batch_inputs(const SinkBatch *b);
/* Errors: the converters', transforms' and the guard's, and what `failed` makes of a record's own. */
MUST_CHECK bool sink_batch_make(SinkBatch *b, Err *e);
const Change *sink_batch_changes(const SinkBatch *b, size_t *ret_count);
/* Which record a change was. */
const SinkInput *sink_batch_input_of(const SinkBatch *b, size_t change);
void sink_batch_clear(SinkBatch *b); /* the messages stay the caller's */

#endif
