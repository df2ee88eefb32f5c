#include "standin/exec/number_set.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/mem.h"

void numberset_done(NumberSet *set) {
    free(set->slots);
    *set = (NumberSet){0};
}

static uint64_t *slot_of(const NumberSet *set, uint64_t v) {
    size_t at = (size_t)hash_mix(v, 1) & (set->slot_count - 1);
    while (set->slots[at] && set->slots[at] != v) at = (at + 1) & (set->slot_count - 1);
    return &set->slots[at];
}

bool numberset_has(const NumberSet *set, uint64_t v) {
    return v ? set->slot_count && *slot_of(set, v) == v : set->has_zero;
}

bool numberset_add(NumberSet *set, uint64_t v) {
    if (numberset_has(set, v)) return false;
    if (!v) {
        set->has_zero = true;
        return true;
    }
    if ((set->used + 1) * 2 > set->slot_count) {
        NumberSet old = *set;
        set->slot_count = old.slot_count ? old.slot_count * 2 : 64;
        set->slots = x_calloc(set->slot_count, sizeof *set->slots);
        for (size_t i = 0; i < old.slot_count; i++)
            if (old.slots[i]) *slot_of(set, old.slots[i]) = old.slots[i];
        free(old.slots);
    }
    *slot_of(set, v) = v;
    set->used++;
    return true;
}
