/*
 * cursor.h - reading foreign bytes: every step checks what is left. A plain value over borrowed bytes; owner
 * thread only. After an underrun `failed` stays set and every further read gives zeros: check once at the end
 * of a structure.
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef struct Cursor {
    const uint8_t *p, *end;
    bool failed;
} Cursor;

Cursor cursor_over(const void *p, size_t n);
size_t cursor_left(const Cursor *c);
uint8_t cursor_u8(Cursor *c);
uint16_t cursor_le16(Cursor *c);
uint32_t cursor_le32(Cursor *c);
uint64_t cursor_le64(Cursor *c);
uint16_t cursor_be16(Cursor *c);
uint32_t cursor_be32(Cursor *c);
uint64_t cursor_be64(Cursor *c);
/* The next n bytes (borrowed from what the cursor reads), or an empty Str and `failed`. */
Str cursor_bytes(Cursor *c, size_t n);
void cursor_skip(Cursor *c, size_t n);

#endif
