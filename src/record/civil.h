/*
 * civil.h - dates and times of the proleptic Gregorian calendar, SQL Server's range (years 1 to 9999), in the
 * forms of record/value.h: days since 1970-01-01, and ticks of 100 ns since midnight or since
 * 0001-01-01T00:00. Plain values; any thread.
 */
#ifndef RECORD_CIVIL_H
#define RECORD_CIVIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

#define CIVIL_TICKS_PER_SECOND INT64_C(10000000)
#define CIVIL_TICKS_PER_DAY    (INT64_C(86400) * CIVIL_TICKS_PER_SECOND)
enum {
    CIVIL_DAY_0001 = -719162, /* 0001-01-01 in days since 1970-01-01 */
    CIVIL_DAY_9999 = 2932896, /* 9999-12-31 */
    CIVIL_TEXT_SIZE = 40,     /* the longest form below and its NUL */
};

typedef struct CivilDate {
    int32_t year;       /* 1 … 9999 */
    uint8_t month, day; /* from 1 */
} CivilDate;

CivilDate civil_from_days(int64_t days); /* days since 1970-01-01; any that give a year of int32 */
int64_t civil_to_days(CivilDate date);   /* the inverse; the date must be a real one */
bool civil_is_valid(int64_t year, int64_t month, int64_t day); /* within years 1 to 9999 */

/* Ticks since 0001-01-01T00:00 to µs since 1970-01-01T00:00, the 7th digit cut off (exactly: towards the
 * past). */
int64_t civil_ticks_to_us(int64_t ticks);
int64_t civil_us_to_ticks(int64_t us);

/* Texts as SQL Server prints them, with `scale` (0…7) digits of the second, further digits cut off; into buf,
 * returned. "2026-01-31", "23:59:59.1234567", "2026-01-31 23:59:59.123", "2026-01-31 23:59:59.123 +02:00" */
const char *civil_format_date(int64_t days, char buf[static CIVIL_TEXT_SIZE]);
const char *civil_format_time(int64_t ticks, int scale, char buf[static CIVIL_TEXT_SIZE]);
const char *civil_format_datetime(int64_t ticks, int scale, char buf[static CIVIL_TEXT_SIZE]);
/* ticks are UTC; the text is local time at that offset. */
const char *civil_format_offset(int64_t ticks, int scale, int offset_minutes,
                                char buf[static CIVIL_TEXT_SIZE]);

/* A text in the forms above, with 'T' or a blank between date and time, and "Z", or an offset with or without
 * a blank before it. What isn't in the text is 0 and its has_… false. false: another text. */
typedef struct CivilText {
    bool has_date, has_time, has_offset;
    int64_t days;  /* since 1970-01-01 */
    int64_t ticks; /* since midnight */
    int offset_minutes;
} CivilText;
bool civil_parse(Str text, CivilText *ret);

#endif
