/*
 * backoff.h - how long to wait before trying again: exponential with full jitter between half and all of the
 * step. A plain value; owner thread only. Randomness is passed in so that tests are repeatable.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

#include "base/rng.h"

typedef struct Backoff {
    int64_t first_ms, max_ms; /* first step, ceiling */
    uint32_t tries;           /* failures since the last reset */
} Backoff;

/* Both as an operator may have set them: a first step below 1 is 1, a ceiling below it is it. */
void backoff_init(Backoff *b, int64_t first_ms, int64_t max_ms);
/* Count a failure; milliseconds to wait now. */
int64_t backoff_next_ms(Backoff *b, Rng *rng);
void backoff_reset(Backoff *b); /* after a success */

#endif
