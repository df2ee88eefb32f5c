/*
 * numtext.h - exact decimals (record/value.h: an unscaled whole number and a scale) from and to text. No
 * double in between. Plain values; any thread.
 */
#ifndef RECORD_NUMTEXT_H
#define RECORD_NUMTEXT_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

__extension__ typedef __int128 NumInt128;

enum {
    NUMTEXT_MAX_DIGITS = 38,                       /* SQL Server's largest precision */
    NUMTEXT_SIZE = 1 + NUMTEXT_MAX_DIGITS + 3 + 1, /* sign, digits, "0.", one spare, NUL */
};

/* 10^n; n ≤ 38. */
NumInt128 numtext_power10(int n);
/* Digits of |v| without leading zeros; 0 has one. */
int numtext_digits(NumInt128 v);
/* "-12.34" for -1234 with scale 2; "0.05" for 5. |v| < 10^38, scale ≤ 38. Into buf, returned. */
const char *numtext_format(NumInt128 v, int scale, char buf[static NUMTEXT_SIZE]);
/* "-12.34", "+5", ".5" to an unscaled number of that scale; missing digits are zeros.
 * Errors: ERR_INVALID for other text, ERR_RANGE past 38 digits or for digits beyond the scale that aren't 0.
 */
MUST_CHECK bool numtext_parse(Str text, int scale, NumInt128 *ret, Err *e);

#endif
