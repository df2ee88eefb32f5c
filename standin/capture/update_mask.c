#include "standin/capture/update_mask.h"

#include <assert.h>

UpdateMask update_mask_none(size_t columns) {
    assert(columns > 0 && columns <= UPDATE_MASK_MAX_COLUMNS);
    return (UpdateMask){.n = (columns + 7) / 8};
}

UpdateMask update_mask_all(size_t columns) {
    UpdateMask m = update_mask_none(columns);
    for (size_t i = 1; i < m.n; i++) m.b[i] = 0xff;
    m.b[0] = (uint8_t)(0xff >> (m.n * 8 - columns));
    return m;
}

void update_mask_set(UpdateMask *m, size_t ordinal) {
    assert(ordinal > 0 && ordinal <= m->n * 8);
    m->b[m->n - 1 - (ordinal - 1) / 8] |= (uint8_t)(1U << ((ordinal - 1) % 8));
}

Str update_mask_view(const UpdateMask *m) {
    return (Str){(const char *)m->b, m->n};
}

bool update_mask_has(Str mask, int64_t ordinal) {
    if (ordinal < 1 || (uint64_t)(ordinal - 1) / 8 >= mask.n) return false;
    size_t byte = mask.n - 1 - (size_t)(ordinal - 1) / 8;
    return ((uint8_t)mask.p[byte] >> ((ordinal - 1) % 8) & 1) != 0;
}
