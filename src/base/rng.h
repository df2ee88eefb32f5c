/* rng.h - a seeded random number generator (xoshiro256**): same seed, same numbers. Not for secrets. Owner
 * thread only. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Rng {
    uint64_t s[4];
} Rng;

void rng_seed(Rng *r, uint64_t seed);
uint64_t rng_u64(Rng *r);
uint64_t rng_below(Rng *r, uint64_t n);    /* 0 … n-1; n > 0 */
bool rng_chance(Rng *r, uint32_t percent); /* true in percent of 100 calls */

#endif
