/* datepart.h - the parts of a date that DATEADD, DATEDIFF, DATEPART and DATENAME know. Any thread. */
#ifndef STANDIN_BIND_DATEPART_H
#define STANDIN_BIND_DATEPART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "standin/types/temporal.h"

typedef enum DatePart {
    DATEPART_NONE,
    DATEPART_YEAR,
    DATEPART_QUARTER,
    DATEPART_MONTH,
    DATEPART_DAYOFYEAR,
    DATEPART_DAY,
    DATEPART_WEEK,
    DATEPART_ISO_WEEK,
    DATEPART_WEEKDAY,
    DATEPART_HOUR, /* from here on parts of the time of day */
    DATEPART_MINUTE,
    DATEPART_SECOND,
    DATEPART_MILLISECOND,
    DATEPART_MICROSECOND,
    DATEPART_NANOSECOND,
    DATEPART_TZOFFSET,
} DatePart;

DatePart datepart_by_name(Str name); /* abbreviations too: yy, mm, dd, hh, mi, ss, ms, tz … */
const char *datepart_name(DatePart part);
/* DATEPART of x; datefirst 1 … 7: the day (1 = Monday) on which weeks begin. Days count as of x's own wall
 * clock. */
int32_t datepart_get(DatePart part, Temporal x, int datefirst);
/* DATENAME: "January", "Monday", "+01:00"; else the number. */
const char *datepart_format(DatePart part, Temporal x, int datefirst, char buf[static TEMPORAL_TEXT_SIZE]);
/* DATETRUNC: what is smaller than the part becomes its least. False: before year 1. */
MUST_CHECK bool datepart_truncate(DatePart part, Temporal x, int datefirst, Temporal *ret);
/* DATEADD: false when the result leaves years 1 … 9999. */
MUST_CHECK bool datepart_add(DatePart part, int64_t n, Temporal x, Temporal *ret);
/* DATEDIFF: boundaries of the part between a and b, in UTC. False: more than 64 bits. */
MUST_CHECK bool datepart_difference(DatePart part, Temporal a, Temporal b, int64_t *ret);

#endif
