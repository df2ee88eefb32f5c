/*
 * json_text.h - JSON's scalars as Jackson writes them, which is what Kafka's JsonConverter puts into a topic:
 * text raw but for what has to be escaped, base64 with padding, numbers as Java's toString has them. Any
 * thread; appends only.
 */
#ifndef CONVERT_JSON_TEXT_H
#define CONVERT_JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* A quoted text; s is UTF-8. \b \t \n \f \r \" \\, other control characters \u001F, what lies beyond U+FFFF
 * \uD83D\uDE00. */
void json_text_string(Buf *out, Str s);
void json_text_int(Buf *out, int64_t v);
/* Java's Double.toString and Float.toString: "1.0", "1.0E10", "1.234E-5", the fewest digits that give the
 * number again (as from Java 19 on). Not finite: "NaN", "Infinity", "-Infinity", without quotes. */
void json_text_double(Buf *out, double v);
void json_text_float(Buf *out, float v);
/* Base64 (RFC 4648, with padding), without quotes. */
void json_text_base64(Buf *out, Str bytes);
/* The unscaled number of bytes (two's complement, big-endian) with that scale, as BigDecimal.toString has it.
 * Errors: ERR_DATA, no bytes, or more than 16. */
MUST_CHECK bool json_text_decimal(Buf *out, Str bytes, int scale, Err *e);

#endif
