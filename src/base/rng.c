/*
 * xoshiro256** 1.0 (Blackman and Vigna, https://prng.di.unimi.it/), seeded by splitmix64 as its authors
 * advise, so that neighbouring seeds give unlike sequences.
 */
#include "base/rng.h"

#include <assert.h>

static uint64_t splitmix64(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t rotl(uint64_t x, int k) {
    return x << k | x >> (64 - k);
}

void rng_seed(Rng *r, uint64_t seed) {
    for (int i = 0; i < 4; i++) r->s[i] = splitmix64(&seed);
}

uint64_t rng_u64(Rng *r) {
    uint64_t *s = r->s;
    uint64_t result = rotl(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

uint64_t rng_below(Rng *r, uint64_t n) {
    assert(n > 0);
    uint64_t uneven = -n % n; /* 2^64 mod n: below it, a remainder would come up once too often */
    for (;;) {
        uint64_t v = rng_u64(r);
        if (v >= uneven) return v % n;
    }
}

bool rng_chance(Rng *r, uint32_t percent) {
    return rng_below(r, 100) < percent;
}
