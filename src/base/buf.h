/* buf.h - an owned byte buffer that grows. {0} is an empty one. Owner thread only. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

typedef struct Buf {
    uint8_t *p; /* owned */
    size_t n;   /* bytes used */
    size_t cap;
} Buf;

void buf_done(Buf *b);           /* free; b is {0} again */
void buf_clear(Buf *b);          /* keep the memory */
void buf_grow(Buf *b, size_t n); /* buf_reserve's slow way */
/* Room for n more bytes; returns where they go (count them in with b->n += n). */
static inline uint8_t *buf_reserve(Buf *b, size_t n) {
    if (n > b->cap - b->n || !b->p) buf_grow(b, n);
    return b->p + b->n;
}
static inline void buf_add(Buf *b, const void *p, size_t n) {
    if (n == 0) return;
    memcpy(buf_reserve(b, n), p, n);
    b->n += n;
}
static inline void buf_str(Buf *b, Str s) {
    buf_add(b, s.p, s.n);
}
void buf_cstr(Buf *b, const char *s);
void buf_printf(Buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline void buf_u8(Buf *b, uint8_t v) {
    *buf_reserve(b, 1) = v;
    b->n++;
}
void buf_le16(Buf *b, uint16_t v);
void buf_le32(Buf *b, uint32_t v);
void buf_le64(Buf *b, uint64_t v);
void buf_be16(Buf *b, uint16_t v);
void buf_be32(Buf *b, uint32_t v);
void buf_be64(Buf *b, uint64_t v);
/* The text so far, NUL-terminated (the NUL isn't counted in n); borrowed until the next call. */
const char *buf_text(Buf *b);
Str buf_view(const Buf *b); /* borrowed */

#endif
