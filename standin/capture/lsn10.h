/*
 * lsn10.h - a log sequence number as the CDC functions see it: binary(10), an 80-bit big-endian number.
 * A plain value; any thread. Layout: 4 bytes virtual log file, 4 bytes log block, 2 bytes slot; byte order is
 * log order.
 */
#ifndef STANDIN_CAPTURE_LSN10_H
#define STANDIN_CAPTURE_LSN10_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum { LSN10_BYTES = 10, LSN10_COLON_SIZE = 8 + 1 + 8 + 1 + 4 + 1, LSN10_HEX_SIZE = 2 + 20 + 1 };

typedef struct Lsn10 {
    uint8_t b[LSN10_BYTES];
} Lsn10;

/* From binary of any length, as CAST(x AS binary(10)) does: cut, or padded with zeros, at the right. */
Lsn10 lsn10_from(Str bytes);
Str lsn10_view(const Lsn10 *lsn); /* borrowed from *lsn */
int lsn10_cmp(const Lsn10 *a, const Lsn10 *b);
bool lsn10_is_zero(const Lsn10 *lsn);
/* The number after or before. False, leaving *ret alone, past the largest or below zero. */
bool lsn10_next(const Lsn10 *lsn, Lsn10 *ret);
bool lsn10_prior(const Lsn10 *lsn, Lsn10 *ret);
/* "0000002d:00000580:001d", the form of the dynamic management views; returns buf. */
const char *lsn10_colon(const Lsn10 *lsn, char buf[static LSN10_COLON_SIZE]);
/* "0x0000002D00000580001D", the form of messages and tools; returns buf. */
const char *lsn10_hex(const Lsn10 *lsn, char buf[static LSN10_HEX_SIZE]);

#endif
