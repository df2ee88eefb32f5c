/*
 * sink_task_option.h - a sink connector's properties that have sense where there is a broker: they stand
 * behind the worker's Kafka table and before the sink's own and Connect's common ones. Static data; any
 * thread.
 */
#ifndef WORKER_SINK_TASK_OPTION_H
#define WORKER_SINK_TASK_OPTION_H

#include "base/err.h"
#include "config/option.h"

OptionTable sink_task_option_table(void);
/* What a table can't say: topics given once and only once, the dead letter topic not among them. Errors:
 * ERR_INVALID, naming place and property. */
MUST_CHECK bool sink_task_option_check(const Options *o, Err *e);

#endif
