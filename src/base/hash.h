/* hash.h - 64-bit hashes of bytes (XXH3, libxxhash) and mixing of two. Any thread. Stable over versions:
 * stored in targets. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);
uint64_t hash_mix(uint64_t a, uint64_t b); /* order matters */

#endif
