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
    int64_t half = step / 2;
    return half + (int64_t)rng_below(rng, (uint64_t)(step - half) + 1);
}

void backoff_reset(Backoff *b) {
    b->tries = 0;
}
