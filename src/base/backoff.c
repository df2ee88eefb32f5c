#include "base/backoff.h"

void backoff_init(Backoff *b, int64_t first_ms, int64_t max_ms) {
    if (first_ms < 1) first_ms = 1;
    if (max_ms < first_ms) max_ms = first_ms;
    *b = (Backoff){.first_ms = first_ms, .max_ms = max_ms};
}

int64_t backoff_next_ms(Backoff *b, Rng *rng) {
    int64_t step = b->first_ms;
    for (uint32_t i = 0; i < b->tries && step < b->max_ms; i++)
        step = step > b->max_ms / 2 ? b->max_ms : step * 2;
    if (b->tries < UINT32_MAX) b->tries++;
    if (b->counted < UINT32_MAX) b->counted++;
    int64_t half = step / 2;
    return half + (int64_t)rng_below(rng, (uint64_t)(step - half) + 1);
}

int64_t backoff_after_ms(Backoff *b, Rng *rng, const Err *e, int64_t now_us) {
    int64_t ms = backoff_next_ms(b, rng);
    if (e->retry_until_us == 0) return ms;
    b->counted = 0;
    int64_t left_us = e->retry_until_us > now_us ? e->retry_until_us - now_us : 0;
    int64_t left_ms =
        left_us / 1000 + (left_us % 1000 > 0); /* not a moment too early: that try is the last */
    return ms < left_ms ? ms : left_ms;
}

bool backoff_is_used_up(const Backoff *b, const Err *e, int64_t max_tries) {
    return e->retry_until_us == 0 && max_tries >= 0 && b->counted >= (uint64_t)max_tries;
}

void backoff_reset(Backoff *b) {
    b->tries = b->counted = 0;
}
