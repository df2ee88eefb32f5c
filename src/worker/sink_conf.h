/*
 * sink_conf.h - what librdkafka is told for a sink's task: the properties of its clients, as the options say,
 * with what a sink needs and its own defaults. Reads only; any thread.
 */
#ifndef WORKER_SINK_CONF_H
#define WORKER_SINK_CONF_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"
#include "config/textlist.h"
#include "pipeline/partition.h"

#define SINK_CONF_OWN_PREFIX "millrace-" /* of client.ids */

typedef struct SinkConsumerConf {
    rd_kafka_conf_t *conf; /* the caller's */
    PartitionReset reset;
    bool is_reset_asked; /* by auto.offset.reset */
} SinkConsumerConf;

/* warnings: what is ignored of the properties. Errors: ERR_INVALID; ret is untouched then. */
MUST_CHECK bool sink_conf_consumer(const Options *o, const char *connector, int task, TextList *warnings,
                                   SinkConsumerConf *ret, Err *e);
/* The producer of dead letters. *ret is the caller's. Errors: likewise. */
MUST_CHECK bool sink_conf_letters(const Options *o, const char *connector, int task, TextList *warnings,
                                  rd_kafka_conf_t **ret, Err *e);

#endif
