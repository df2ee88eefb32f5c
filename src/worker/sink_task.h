/*
 * sink_task.h - the tasks of a sink that is fed from topics: tasks.max threads, each a member of the group
 * (sink_member.h), started again after failures that may pass. Calls from one thread; states from any.
 */
#ifndef WORKER_SINK_TASK_H
#define WORKER_SINK_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "config/props.h"
#include "connector/topic_writer_class.h"
#include "observe/metrics.h"

typedef enum SinkTaskState {
    SINK_TASK_STARTING,
    SINK_TASK_RUNNING,
    SINK_TASK_WAITING, /* for something to come back */
    SINK_TASK_FAILED,
    SINK_TASK_STOPPED,
} SinkTaskState;

/* Borrowed as long as the tasks live. */
typedef struct SinkTasksSpec {
    const char *connector;
    const Options
        *options; /* tables: the worker's Kafka table, sink_task_option_table(), the sink's, Connect's */
    const Props *props; /* what options was parsed from */
    const TopicWriterClass *writer;
    Metrics *metrics;
} SinkTasksSpec;

typedef struct SinkTasks SinkTasks;

/* Start tasks.max threads; what fails later is seen by sink_tasks_state. Errors: ERR_INVALID
 * (sink_task_option_check). */
MUST_CHECK bool sink_tasks_start(const SinkTasksSpec *spec, SinkTasks **ret, Err *e);
size_t sink_tasks_count(const SinkTasks *t);
/* *ret_why (may be NULL) gets the last failure when the state is WAITING or FAILED. */
SinkTaskState sink_tasks_state(SinkTasks *t, size_t task, Err *ret_why);
const char *sink_task_state_name(SinkTaskState s); /* "running" */
/* All as one: FAILED if one is, else WAITING, STARTING, RUNNING, STOPPED likewise. */
SinkTaskState sink_tasks_state_of_all(SinkTasks *t, Err *ret_why);
/* Tell all to stop: what is in hand is committed. Returns at once. */
void sink_tasks_drain(SinkTasks *t);
/* Drain, wait for the threads, free; NULL is fine; returns NULL. */
SinkTasks *sink_tasks_stop(SinkTasks *t);

#endif
