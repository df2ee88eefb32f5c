/*
 * number_set.h - a set of 64-bit numbers: rows that a statement has seen, keys it has taken out. Zeroed
 * memory is an empty one. Owner thread only.
 */
#ifndef STANDIN_EXEC_NUMBER_SET_H
#define STANDIN_EXEC_NUMBER_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct NumberSet {
    uint64_t *slots; /* 0 = free; 0 itself is kept as a flag */
    size_t slot_count, used;
    bool has_zero;
} NumberSet;

void numberset_done(NumberSet *set);
bool numberset_has(const NumberSet *set, uint64_t v);
bool numberset_add(NumberSet *set, uint64_t v); /* true: it wasn't there yet */

#endif
