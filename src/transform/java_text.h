/*
 * java_text.h - numbers from and to text as Java's own classes do it: Double.toString, Float.parseFloat,
 * Integer.parseInt, BigDecimal.toString and new BigDecimal. Plain values; any thread.
 */
#ifndef TRANSFORM_JAVA_TEXT_H
#define TRANSFORM_JAVA_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "record/numtext.h"

enum { JAVA_TEXT_SIZE = 64 };
__extension__ typedef unsigned __int128 JavaUInt128;

/* Double.toString, Float.toString (JDK 19 and later: the shortest digits that give the number back). */
const char *java_text_double(double d, char buf[static JAVA_TEXT_SIZE]);
const char *java_text_float(float f, char buf[static JAVA_TEXT_SIZE]);
/* Double.parseDouble, Float.parseFloat. false: not a number. */
bool java_text_to_double(Str s, double *ret);
bool java_text_to_float(Str s, float *ret);
/* Long.parseLong and its kin; false: another text, or out of the range. */
bool java_text_to_long(Str s, int64_t lo, int64_t hi, int64_t *ret);

/* A decimal of Connect: unscaled, two's complement, big-endian. false: longer than 16 bytes, or empty. */
bool java_text_unscaled(Str bytes, NumInt128 *ret);
/* The other way: as few bytes as it takes, into buf; returns how many. */
uint32_t java_text_to_unscaled(NumInt128 v, char buf[static 16]);
/* BigDecimal.toString; |scale| at most 9999. */
const char *java_text_decimal(NumInt128 unscaled, int scale, char buf[static JAVA_TEXT_SIZE]);
/* new BigDecimal(text), brought to that scale. false: not a number, digits beyond the scale, too large. */
bool java_text_to_decimal(Str s, int scale, NumInt128 *ret);
/* new BigDecimal(text).longValue(): the whole part's lowest 64 bits. false: not a number, past 38 digits. */
bool java_text_whole(Str s, int64_t *ret);

#endif
