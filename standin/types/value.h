/*
 * value.h - one SQL value in memory, in the same form as it is stored in SQLite. A plain value that may
 * borrow bytes.
 *
 * Forms by type (all order-preserving within a type, so SQLite compares them itself):
 */
// clang-format off
/*
 *   bit tinyint smallint int bigint    VALUE_INT   the number
 *   decimal, numeric, p <= 18; money   VALUE_INT   unscaled (money, smallmoney: scale 4)
 *   decimal, numeric, p > 18           VALUE_BLOB  16 bytes big-endian: unscaled int128, sign bit flipped
 *   real float                         VALUE_REAL  real already rounded to float
 *   date                               VALUE_INT   days since 0001-01-01
 *   time(n)                            VALUE_INT   100 ns ticks since midnight, rounded to n digits
 *   smalldatetime                      VALUE_INT   minutes since 1900-01-01
 *   datetime                           VALUE_INT   1/300 s ticks since 1900-01-01 (negative before)
 *   datetime2(n)                       VALUE_INT   100 ns ticks since 0001-01-01, rounded to n digits
 *   datetimeoffset(n)                  VALUE_BLOB  10 bytes: 100 ns UTC ticks since 0001-01-01, 8 bytes
 *                                                  big-endian, then offset minutes + 840, 2 bytes big-endian
 *                                                  (compare by the first 8)
 *   char ... nvarchar(max), text, xml  VALUE_TEXT  UTF-8 (an unpaired surrogate as its 3-byte form, wtf8.h);
 *                                                  compared by collation
 *   binary varbinary image rowversion  VALUE_BLOB  as they are; so hierarchyid, geometry, geography
 *   sql_variant                        VALUE_TEXT  variant.h's bytes, compared by its order
 *   uniqueidentifier                   VALUE_BLOB  16 bytes in SQL Server's sort order (guid.h maps it)
 */
// clang-format on
#ifndef STANDIN_TYPES_VALUE_H
#define STANDIN_TYPES_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

typedef enum ValueKind { VALUE_NULL, VALUE_INT, VALUE_REAL, VALUE_TEXT, VALUE_BLOB } ValueKind;

typedef struct Value {
    ValueKind kind;
    union {
        int64_t i;
        double d;
        Str s; /* TEXT and BLOB: borrowed */
    } v;
} Value;

#define VALUE_OF_INT(x)  ((Value){.kind = VALUE_INT, .v = {.i = (x)}})
#define VALUE_OF_REAL(x) ((Value){.kind = VALUE_REAL, .v = {.d = (x)}})
#define VALUE_OF_TEXT(x) ((Value){.kind = VALUE_TEXT, .v = {.s = (x)}})
#define VALUE_OF_BLOB(x) ((Value){.kind = VALUE_BLOB, .v = {.s = (x)}})

#endif
