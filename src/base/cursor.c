#include "base/cursor.h"

Cursor cursor_over(const void *p, size_t n) {
    const uint8_t *bytes = p;
    return (Cursor){.p = bytes, .end = n ? bytes + n : bytes};
}

size_t cursor_left(const Cursor *c) {
    return (size_t)(c->end - c->p);
}

/* The next n bytes, or NULL; the cursor stands at its end from the first underrun on. */
static const uint8_t *take(Cursor *c, size_t n) {
    const uint8_t *p = c->p;
    if (c->failed || n > cursor_left(c)) {
        c->failed = true;
        c->p = c->end;
        return NULL;
    }
    c->p += n;
    return p;
}

static uint64_t read_le(Cursor *c, size_t n) {
    const uint8_t *p = take(c, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++) v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static uint64_t read_be(Cursor *c, size_t n) {
    const uint8_t *p = take(c, n);
    uint64_t v = 0;
    for (size_t i = 0; p && i < n; i++) v = v << 8 | p[i];
    return v;
}

uint8_t cursor_u8(Cursor *c) {
    const uint8_t *p = take(c, 1);
    return p ? *p : 0;
}

uint16_t cursor_le16(Cursor *c) {
    return (uint16_t)read_le(c, 2);
}
uint32_t cursor_le32(Cursor *c) {
    return (uint32_t)read_le(c, 4);
}
uint64_t cursor_le64(Cursor *c) {
    return read_le(c, 8);
}
uint16_t cursor_be16(Cursor *c) {
    return (uint16_t)read_be(c, 2);
}
uint32_t cursor_be32(Cursor *c) {
    return (uint32_t)read_be(c, 4);
}
uint64_t cursor_be64(Cursor *c) {
    return read_be(c, 8);
}

Str cursor_bytes(Cursor *c, size_t n) {
    const uint8_t *p = n ? take(c, n) : NULL;
    return (Str){(const char *)p, p ? n : 0};
}

void cursor_skip(Cursor *c, size_t n) {
    if (n) (void)take(c, n);
}
