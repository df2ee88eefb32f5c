/*
 * record_writer.h - records through the connector's transforms and converters into topics, which are made
 * where they aren't there yet. Owner thread only.
 */
#ifndef KAFKA_RECORD_WRITER_H
#define KAFKA_RECORD_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/option.h"
#include "config/textlist.h"
#include "record/record.h"
#include "transport/kafka_producer.h"
#include "transport/kafka_topics.h"

typedef struct RecordWriter RecordWriter;

/* options: worker's and connector's merged (kafka_option_merge), borrowed. is_stopping: borrowed, may be
 * NULL. Errors: ERR_INVALID (converters, transforms, topic.creation). Nothing is connected to. */
MUST_CHECK bool record_writer_new(const Options *options, const bool *is_stopping, TextList *warnings,
                                  RecordWriter **ret, Err *e);
RecordWriter *record_writer_free(RecordWriter *w); /* NULL is fine; returns NULL */
/* Write through this producer from now on (borrowed): after a new one was opened. NULL: none, until then. */
void record_writer_use(RecordWriter *w, KafkaProducer *producer);

/* All records that aren't dropped, in order, inside the producer's open transaction. *ret_sent (may be NULL)
 * counts those that went. Errors: of transforms, converters, topics, the producer, naming the topic. */
MUST_CHECK bool record_writer_put(RecordWriter *w, RecordBatch *records, size_t *ret_sent, Err *e);
/* A topic of the connector's own; made as spec says (NULL: by topic.creation.*) if it isn't there. Borrowed
 * as long as the producer lives. */
MUST_CHECK bool record_writer_topic(RecordWriter *w, Str name, const KafkaTopicSpec *spec, KafkaTopic **ret,
                                    Err *e);

#endif
