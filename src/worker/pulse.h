/*
 * pulse.h - a pipeline's sign of life: a thread that looks at its state, metrics and progress once a second,
 * sets the lag metrics from them, and hands a report to the sink's reporter (connector.h), which keeps it for
 * `millrace status`. A report that can't be kept is no failure of the pipeline.
 *
 * On the way it looks for signals: commands that an operator has left where the reports are kept. They are
 * given to the pipeline, whose answers go back the same way.
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
    int64_t
        signals_after;   /* id of the last signal that was taken since the source began; -1 = take none now */
    uint32_t source_run; /* which source that is */
    char why[ERR_MSG_SIZE];
} PulseState;

typedef struct PulseSpec {
    const SinkClass *sink; /* borrowed, as all here, until pulse_stop */
    const Options *sink_options;
    const ConnectorContext *context;
    void (*tell)(void *arg, PulseState *ret); /* the pipeline's thread-safe state */
    /* Signals were taken for that source (moved). NULL = none are wanted. */
    void (*take_signals)(void *arg, uint32_t source_run, SignalList *signals);
    void *arg;
} PulseSpec;

Pulse *pulse_start(const PulseSpec *spec);
/* The state has changed: report it soon. Any thread. */
void pulse_wake(Pulse *p);
/* What became of a signal (copied): written soon, and again until it is. Any thread. */
void pulse_answer(Pulse *p, Str id, Str outcome);
/* Report the last state, join, free; returns NULL. NULL is fine. */
Pulse *pulse_stop(Pulse *p);

#endif
