/*
 * backoff.h - how long to wait before trying again: exponential with full jitter between half and all of the
 * step; and whether to. A plain value; owner thread only. Randomness and time are passed in so that tests are
 * repeatable.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/rng.h"

typedef struct Backoff {
    int64_t first_ms, max_ms; /* first step, ceiling */
    uint32_t tries;           /* failures since the last reset */
    uint32_t counted; /* the last of them, in a row, that aren't limited by a time (Err.retry_until_us) */
} Backoff;

/* Both as an operator may have set them: a first step below 1 is 1, a ceiling below it is it. */
void backoff_init(Backoff *b, int64_t first_ms, int64_t max_ms);
/* Count a failure; milliseconds to wait now. */
int64_t backoff_next_ms(Backoff *b, Rng *rng);
/* The same for failure e: the wait ends where its time does. */
int64_t backoff_after_ms(Backoff *b, Rng *rng, const Err *e, int64_t now_us);
/* Before that: e isn't limited by a time, and there were max_tries before it. max_tries: -1 = no end. */
bool backoff_is_used_up(const Backoff *b, const Err *e, int64_t max_tries);
void backoff_reset(Backoff *b); /* after a success */

#endif
