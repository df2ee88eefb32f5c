/*
 * utf.h - UTF-8 and UTF-16LE (RFC 3629, RFC 2781). Any thread.
 * SQL Server's nvarchar may hold unpaired surrogates, which UTF-8 can't: the caller says what becomes of
 * them.
 */
#ifndef BASE_UTF_H
#define BASE_UTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

bool utf_valid8(Str s); /* no overlong form, no surrogate, ≤ U+10FFFF */
/* Most UTF-8 bytes that n UTF-16 bytes can become. */
#define UTF_MAX8(utf16_bytes) (((utf16_bytes) / 2) * 3)
/* Convert; out has room for UTF_MAX8(n). Returns the bytes written. An unpaired surrogate becomes U+FFFD and
 * is counted in *bad (may be NULL). An odd last byte is left out and counted. */
size_t utf_16le_to_8(const void *utf16, size_t n, char *out, size_t *bad);
/* Append s, which must be UTF-8, as UTF-16LE; malformed bytes become U+FFFD. Returns UTF-16 units appended.
 */
size_t utf_8_to_16le(Str s, Buf *out);
/* UTF-16 units that s takes. */
size_t utf_units16(Str s);

#endif
