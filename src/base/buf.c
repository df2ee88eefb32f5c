#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { BUF_FIRST_BYTES = 64 };

void buf_done(Buf *b) {
    free(b->p);
    *b = (Buf){0};
}

void buf_clear(Buf *b) {
    b->n = 0;
}

void buf_grow(Buf *b, size_t n) {
    size_t need, cap;
    if (__builtin_add_overflow(b->n, n, &need)) need = SIZE_MAX; /* x_realloc stops the program */
    if (__builtin_mul_overflow(b->cap, 2, &cap) || cap < need) cap = need;
    if (cap < BUF_FIRST_BYTES) cap = BUF_FIRST_BYTES;
    b->p = x_realloc(b->p, cap);
    b->cap = cap;
}

void buf_cstr(Buf *b, const char *s) {
    buf_add(b, s, strlen(s));
}

void buf_printf(Buf *b, const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    uint8_t *at = buf_reserve(b, BUF_FIRST_BYTES);
    size_t room = b->cap - b->n;
    int n = vsnprintf((char *)at, room, fmt, args);
    if (n >= 0 && (size_t)n >= room) {
        at = buf_reserve(b, (size_t)n + 1);
        n = vsnprintf((char *)at, (size_t)n + 1, fmt, again);
    }
    va_end(again);
    va_end(args);
    if (n > 0) b->n += (size_t)n;
}

/* The loops below become one store each: gcc and clang know the pattern. */
static void add_le(Buf *b, uint64_t v, size_t bytes) {
    uint8_t *p = buf_reserve(b, bytes);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> 8 * i);
    b->n += bytes;
}

static void add_be(Buf *b, uint64_t v, size_t bytes) {
    uint8_t *p = buf_reserve(b, bytes);
    for (size_t i = 0; i < bytes; i++) p[i] = (uint8_t)(v >> 8 * (bytes - 1 - i));
    b->n += bytes;
}

void buf_le16(Buf *b, uint16_t v) {
    add_le(b, v, 2);
}
void buf_le32(Buf *b, uint32_t v) {
    add_le(b, v, 4);
}
void buf_le64(Buf *b, uint64_t v) {
    add_le(b, v, 8);
}
void buf_be16(Buf *b, uint16_t v) {
    add_be(b, v, 2);
}
void buf_be32(Buf *b, uint32_t v) {
    add_be(b, v, 4);
}
void buf_be64(Buf *b, uint64_t v) {
    add_be(b, v, 8);
}

const char *buf_text(Buf *b) {
    *buf_reserve(b, 1) = '\0';
    return (const char *)b->p;
}

Str buf_view(const Buf *b) {
    return (Str){(const char *)b->p, b->n};
}
