#include "standin/capture/lsn10.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

Lsn10 lsn10_from(Str bytes) {
    Lsn10 lsn = {{0}};
    if (bytes.n) memcpy(lsn.b, bytes.p, bytes.n < LSN10_BYTES ? bytes.n : LSN10_BYTES);
    return lsn;
}

Str lsn10_view(const Lsn10 *lsn) {
    return (Str){(const char *)lsn->b, LSN10_BYTES};
}

int lsn10_cmp(const Lsn10 *a, const Lsn10 *b) {
    return memcmp(a->b, b->b, LSN10_BYTES);
}

bool lsn10_is_zero(const Lsn10 *lsn) {
    static const Lsn10 zero = {{0}};
    return lsn10_cmp(lsn, &zero) == 0;
}

bool lsn10_next(const Lsn10 *lsn, Lsn10 *ret) {
    Lsn10 next = *lsn;
    for (size_t i = LSN10_BYTES; i-- > 0;) {
        if (++next.b[i] == 0) continue; /* wrapped: carry into the byte before */
        *ret = next;
        return true;
    }
    return false;
}

bool lsn10_prior(const Lsn10 *lsn, Lsn10 *ret) {
    Lsn10 prior = *lsn;
    for (size_t i = LSN10_BYTES; i-- > 0;) {
        if (prior.b[i]-- == 0) continue; /* borrow from the byte before */
        *ret = prior;
        return true;
    }
    return false;
}

const char *lsn10_colon(const Lsn10 *lsn, char buf[static LSN10_COLON_SIZE]) {
    const uint8_t *b = lsn->b;
    (void)snprintf(buf, LSN10_COLON_SIZE, "%02x%02x%02x%02x:%02x%02x%02x%02x:%02x%02x", b[0], b[1], b[2],
                   b[3], b[4], b[5], b[6], b[7], b[8], b[9]);
    return buf;
}

const char *lsn10_hex(const Lsn10 *lsn, char buf[static LSN10_HEX_SIZE]) {
    const uint8_t *b = lsn->b;
    (void)snprintf(buf, LSN10_HEX_SIZE, "0x%02X%02X%02X%02X%02X%02X%02X%02X%02X%02X", b[0], b[1], b[2], b[3],
                   b[4], b[5], b[6], b[7], b[8], b[9]);
    return buf;
}
