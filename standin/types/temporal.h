/*
 * temporal.h - dates and times: between value.h's numbers, their parts, and text. Plain values; any thread.
 * The proleptic Gregorian calendar, years 1 … 9999. A tick is 100 ns.
 */
#ifndef STANDIN_TYPES_TEMPORAL_H
#define STANDIN_TYPES_TEMPORAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

#define TEMPORAL_TICKS_PER_SECOND INT64_C(10000000)
#define TEMPORAL_TICKS_PER_DAY    (INT64_C(86400) * TEMPORAL_TICKS_PER_SECOND)
enum {
    TEMPORAL_DAYS_1753 = 639905, /* days since 0001-01-01 of datetime's first day */
    TEMPORAL_DAYS_1900 = 693595,
    TEMPORAL_DAYS_1970 = 719162,
    TEMPORAL_DAYS_MAX = 3652058, /* 9999-12-31 */
    TEMPORAL_300THS_PER_DAY = 86400 * 300,
    TEMPORAL_MAX_OFFSET = 840,  /* minutes: ±14:00 */
    TEMPORAL_TEXT_SIZE = 64,    /* room for any format */
    TEMPORAL_OFFSET_BYTES = 10, /* datetimeoffset's blob */
};

/* A moment in parts. Local to its offset: the wall clock there. */
typedef struct Temporal {
    int32_t days;   /* since 0001-01-01, 0 … TEMPORAL_DAYS_MAX */
    int64_t ticks;  /* since midnight */
    int16_t offset; /* minutes east of UTC; 0 for types without one */
} Temporal;

bool temporal_is_date(int32_t year, int32_t month, int32_t day); /* exists, years 1 … 9999 */
int32_t temporal_days(int32_t year, int32_t month, int32_t day); /* of an existing date */
void temporal_civil(int32_t days, int32_t *ret_year, int32_t *ret_month, int32_t *ret_day);

/* Ticks rounded (half up) to digits 0 … 7 behind the second's point. */
int64_t temporal_round(int64_t ticks, uint8_t digits);
/* The parts of a value of temporal type t (a date has ticks 0, a time has days of 1900-01-01). */
Temporal temporal_unpack(const Type *t, Value v);
/* The value of type t; what t doesn't hold is dropped, the rest rounded to t's digits. blob: room for
 * datetimeoffset's bytes, borrowed by the result. False: out of t's range. */
MUST_CHECK bool temporal_pack(const Type *t, Temporal x, uint8_t blob[static TEMPORAL_OFFSET_BYTES],
                              Value *ret);
/* The value now (µs since 1970-01-01 UTC; offset minutes for datetimeoffset): GETDATE(), SYSDATETIME(). */
Temporal temporal_from_unix_us(int64_t us, int16_t offset);

typedef struct TemporalText {
    Temporal at;
    bool has_date, has_time, has_offset;
    int fraction_digits; /* as written */
} TemporalText;
typedef enum TemporalParse { TEMPORAL_PARSED, TEMPORAL_BAD_TEXT, TEMPORAL_OUT_OF_RANGE } TemporalParse;
/* Text in any of the forms SQL Server reads under us_english (dates m/d/y unless the year is first): ISO
 * 8601, 'yyyymmdd', 'mon dd yyyy hh:miAM', 'mm/dd/yyyy', time alone … style as for CONVERT (103, 104, 105
 * read day first); -1 = any. A missing date is 1900-01-01. */
TemporalParse temporal_parse(Str text, int style, TemporalText *ret);
/* Text of x as a value of type t (its digits, its kind) by a CONVERT style; -1: the type's default (datetime,
 * smalldatetime: 0; others 121). NUL-terminated into buf. False: no such style for t. */
MUST_CHECK bool temporal_format(const Type *t, Temporal x, int style, char buf[static TEMPORAL_TEXT_SIZE]);

#endif
