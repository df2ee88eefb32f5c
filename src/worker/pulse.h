/*
 * pulse.h - a pipeline's sign of life: a thread that looks at its state, metrics and progress once a second,
 * sets the lag metrics from them, and hands a report to the sink's reporter (connector.h), which keeps it for
 * `millrace status`. A report that can't be kept is no failure of the pipeline.
 */
#ifndef WORKER_PULSE_H
#define WORKER_PULSE_H

#include <stdbool.h>

#include "connector/connector.h"

typedef struct Pulse Pulse;

typedef struct PulseState {
    const char *state; /* static text */
    bool is_running;   /* told apart into copying and streaming by the progress */
    bool was_owned;    /* the process has owned the pipeline: Ownership.owner doesn't change any more */
    char why[ERR_MSG_SIZE];
} PulseState;

typedef struct PulseSpec {
    const SinkClass *sink; /* borrowed, as all here, until pulse_stop */
    const Options *sink_options;
    const ConnectorContext *context;
    void (*tell)(void *arg, PulseState *ret); /* the pipeline's thread-safe state */
    void *arg;
} PulseSpec;

Pulse *pulse_start(const PulseSpec *spec);
/* The state has changed: report it soon. Any thread. */
void pulse_wake(Pulse *p);
/* Report the last state, join, free; returns NULL. NULL is fine. */
Pulse *pulse_stop(Pulse *p);

#endif
