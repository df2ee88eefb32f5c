/*
 * sink_letters.h - what becomes of records of a sink that can't be carried over: stopped at, logged, or sent
 * to the dead letter topic, as errors.tolerance, errors.log.* and errors.deadletterqueue.* say. Owner thread
 * only.
 *
 * Letters are flushed before their records' offsets are stored (sink_letters_flush). A flush that failed is
 * asked for again: it sends what was lost once more, so records stay until one has succeeded.
 */
#ifndef WORKER_SINK_LETTERS_H
#define WORKER_SINK_LETTERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/option.h"
#include "config/textlist.h"
#include "connector/topic_writer_class.h"
#include "observe/metrics.h"
#include "worker/sink_batch.h"

typedef struct SinkLetters SinkLetters;

typedef struct SinkLettersSpec {
    const char *connector; /* borrowed as long as the letters live */
    int task;
    const Options *options; /* borrowed for the call */
    Metrics *metrics;
} SinkLettersSpec;

/* Nothing is connected to yet. warnings: what is ignored of the producer's properties. Errors: ERR_INVALID.
 */
MUST_CHECK bool sink_letters_open(const SinkLettersSpec *spec, TextList *warnings, SinkLetters **ret, Err *e);
SinkLetters *sink_letters_close(SinkLetters *l); /* NULL is fine; returns NULL; unflushed ones are dropped */

/* There is a topic for them: the writer may leave out what the target refuses. */
bool sink_letters_has_topic(const SinkLetters *l);
/* Before the put: unreadable, or no row can be made of it. True: it is dealt with, the rest goes on; in's
 * message and texts are borrowed until the next flush has succeeded. Errors: the fault's own with the
 * record's place, where it isn't tolerated; as kafka_error. */
MUST_CHECK bool sink_letters_failed(SinkLetters *l, const SinkInput *in, const SinkFault *fault, Err *e);
/* Inside the put: the target refuses it. Errors: as kafka_error. */
MUST_CHECK bool sink_letters_refused(SinkLetters *l, const SinkInput *in, const TopicRefusal *why, Err *e);
/* All that were sent are safe. Errors: as kafka_error. */
MUST_CHECK bool sink_letters_flush(SinkLetters *l, Err *e);
/* The offsets of all records are in the target. Until then a record that is told again gets no second letter.
 */
void sink_letters_stored(SinkLetters *l);

#endif
