/*
 * decimal.h - SQL Server's decimal(p,s): an unscaled 128-bit integer with a precision and a scale. Plain
 * values; any thread. Source: T-SQL manual, "Precision, scale, and length". Rounding is half away from zero.
 * Every false result is an arithmetic overflow (error 8115), or for divide a zero divisor (8134).
 */
#ifndef STANDIN_TYPES_DECIMAL_H
#define STANDIN_TYPES_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "standin/types/value.h"

enum { DECIMAL_MAX_PRECISION = 38, DECIMAL_TEXT_SIZE = 48, DECIMAL_BLOB_BYTES = 16 };

__extension__ typedef __int128 Int128;
__extension__ typedef unsigned __int128 UInt128;

typedef struct Decimal {
    Int128 unscaled; /* |unscaled| < 10^precision */
    uint8_t precision, scale;
} Decimal;

Int128 decimal_power(unsigned digits); /* 10^digits, digits <= 38 */
/* Does |unscaled| < 10^precision hold? */
bool decimal_fits(Int128 unscaled, uint8_t precision);

typedef enum DecimalParse { DECIMAL_PARSED, DECIMAL_BAD_TEXT, DECIMAL_OVERFLOW } DecimalParse;
/* "-12.345" with blanks around, an exponent only if may_have_exponent; exact, precision and scale as written
 * (at least 1). More than 38 digits before the point: DECIMAL_OVERFLOW; digits past 38 are rounded away. */
DecimalParse decimal_parse(Str text, bool may_have_exponent, Decimal *ret);
/* Text with exactly scale digits behind the point; NUL-terminated; returns buf. */
const char *decimal_format(Decimal d, char buf[static DECIMAL_TEXT_SIZE]);

/* To another precision and scale. */
MUST_CHECK bool decimal_rescale(Decimal d, uint8_t precision, uint8_t scale, Decimal *ret);
/* The type of a result by the manual's table, 38 digits at most (scale reduced to no less than 6 for
 * multiply and divide). Only precision and scale of the operands are read; unscaled of the result is 0. */
Decimal decimal_add_type(Decimal a, Decimal b); /* also of subtract */
Decimal decimal_multiply_type(Decimal a, Decimal b);
Decimal decimal_divide_type(Decimal a, Decimal b);
Decimal decimal_modulo_type(Decimal a, Decimal b);
Decimal decimal_union_type(Decimal a, Decimal b); /* CASE, UNION, comparison */
MUST_CHECK bool decimal_add(Decimal a, Decimal b, Decimal *ret);
MUST_CHECK bool decimal_subtract(Decimal a, Decimal b, Decimal *ret);
MUST_CHECK bool decimal_multiply(Decimal a, Decimal b, Decimal *ret);
MUST_CHECK bool decimal_divide(Decimal a, Decimal b, Decimal *ret); /* digits past the scale are cut off */
MUST_CHECK bool decimal_modulo(Decimal a, Decimal b, Decimal *ret);
int decimal_compare(Decimal a, Decimal b); /* <0, 0, >0 by number, whatever the scales */

double decimal_to_double(Decimal d);
/* Exact binary value rounded to 17 significant digits, then to scale. False for out of range, NaN, infinity.
 */
MUST_CHECK bool decimal_from_double(double x, uint8_t precision, uint8_t scale, Decimal *ret);

/* Between Decimal and Value (value.h's two forms). blob: room for the 16 bytes of precision > 18, which the
 * result borrows. */
Value decimal_to_value(Decimal d, uint8_t blob[static DECIMAL_BLOB_BYTES]);
Decimal decimal_from_value(Value v, uint8_t precision, uint8_t scale);

#endif
