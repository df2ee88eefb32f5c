/*
 * putter.h - one batch into one sink, over connection losses and other failures that pass: own again, put
 * again, with growing waits. A plain value; the sink's thread.
 */
#ifndef WORKER_PUTTER_H
#define WORKER_PUTTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"
#include "connector/connector.h"

typedef struct Putter {
    const SinkClass *class;
    Sink *sink;
    const char *pipeline;                    /* borrowed, as all here */
    int64_t wait_ms, wait_max_ms;            /* first wait; doubles up to the second */
    int32_t max_tries;                       /* failures in a row before it gives up; -1 = no end. Those with
                                                a time of their own (Err.retry_until_us) don't count */
    bool (*wait)(void *arg, int64_t ms);     /* false: told to end */
    void (*tell)(void *arg, const Err *why); /* it waits because of that; NULL = it goes on */
    void *arg;
} Putter;

/* Put the batch, going on with the same one for as long as nothing but this batch was lost. false: *e says
 * why; *ret_again: the source has to start over from what is stored. */
MUST_CHECK bool putter_put(const Putter *p, Rng *rng, const Batch *batch, bool *ret_again, Err *e);

#endif
