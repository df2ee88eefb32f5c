/*
 * wtf8.h - text in memory is UTF-8, but SQL Server's nvarchar counts UTF-16 units and may hold an unpaired
 * surrogate: that one is kept as its 3-byte form ("WTF-8"). Malformed bytes count and convert as U+FFFD, so
 * no function fails. Any thread.
 */
#ifndef STANDIN_TYPES_WTF8_H
#define STANDIN_TYPES_WTF8_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

/* UTF-16 units that s takes. */
size_t wtf8_units(Str s);
/* The first units UTF-16 units of s. Borrows s, or copies to the arena when a surrogate pair is cut. */
Str wtf8_prefix(Str s, size_t units, Arena *a);
/* UTF-16 units from … from + count (0-based), clamped; likewise. */
Str wtf8_slice(Str s, size_t from, size_t count, Arena *a);
/* As UTF-16LE into out, which has room for 2 * s.n bytes; returns the bytes written. */
size_t wtf8_to_utf16le(Str s, uint8_t *out);
/* From n bytes of UTF-16LE into out, which has room for 3 * (n / 2) bytes; returns the bytes written. An odd
 * last byte is ignored. */
size_t wtf8_from_utf16le(const uint8_t *utf16, size_t n, char *out);
/* Decode one character at *at (< s.n), moving *at behind it. */
uint32_t wtf8_next(Str s, size_t *at);
/* Encode one; returns the bytes written (1 … 4). */
size_t wtf8_put(uint32_t c, char out[static 4]);

#endif
