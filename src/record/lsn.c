#include "record/lsn.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool lsn_parse(const char *text, Lsn *ret, Err *e) {
    assert(text && ret && e);
    Lsn lsn;
    const char *p = text;
    for (size_t i = 0; i < LSN_BYTES; i++) {
        if ((i == 4 || i == 8) && *p++ != ':') goto bad;
        int hi = hex_digit(*p);
        int lo = hi < 0 ? -1 : hex_digit(p[1]); /* at the NUL, do not look one further */
        if (lo < 0) goto bad;
        lsn.b[i] = (uint8_t)(hi << 4 | lo);
        p += 2;
    }
    if (*p != '\0') goto bad;
    *ret = lsn;
    return true;
bad:
    return err_set(e, ERR_INVALID, false, "not an LSN: '%.32s'", text);
}

/* By hand, not by snprintf: positions are formatted for every transaction that is written. */
const char *lsn_format(const Lsn *lsn, char buf[static LSN_TEXT_SIZE]) {
    static const char digits[] = "0123456789abcdef";
    char *p = buf;
    for (size_t i = 0; i < LSN_BYTES; i++) {
        if (i == 4 || i == 8) *p++ = ':';
        *p++ = digits[lsn->b[i] >> 4];
        *p++ = digits[lsn->b[i] & 15];
    }
    *p = '\0';
    return buf;
}

int lsn_cmp(const Lsn *a, const Lsn *b) {
    return memcmp(a->b, b->b, LSN_BYTES);
}

bool lsn_is_zero(const Lsn *lsn) {
    static const Lsn zero;
    return lsn_cmp(lsn, &zero) == 0;
}

bool lsn_next(const Lsn *lsn, Lsn *ret, Err *e) {
    Lsn next = *lsn;
    for (size_t i = LSN_BYTES; i-- > 0;) {
        if (++next.b[i] == 0) continue; /* wrapped: carry into the byte before */
        *ret = next;
        return true;
    }
    return err_set(e, ERR_RANGE, false, "no LSN after the largest");
}

Lsn lsn_prev(const Lsn *lsn) {
    Lsn prev = *lsn;
    if (lsn_is_zero(lsn)) return prev;
    for (size_t i = LSN_BYTES; i-- > 0;)
        if (prev.b[i]-- != 0) break; /* else borrowed from the byte before */
    return prev;
}
