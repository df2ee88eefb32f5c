/*
 * timezone.h - the time zones that AT TIME ZONE knows, by the names Windows gives them: offsets from UTC and
 * the rule for daylight saving time that holds now, applied to all years. Static data; any thread.
 */
#ifndef STANDIN_BIND_TIMEZONE_H
#define STANDIN_BIND_TIMEZONE_H

#include <stdint.h>

#include "base/str.h"
#include "standin/types/temporal.h"

typedef struct TimeZone TimeZone;

const TimeZone *timezone_by_name(Str name); /* NULL: not known */
/* Minutes east of UTC at a wall clock there. In the hour that doesn't exist it is standard time's, in the one
 * that comes twice daylight saving time's. */
int16_t timezone_offset_of_local(const TimeZone *z, Temporal local);
int16_t timezone_offset_of_utc(const TimeZone *z, Temporal utc);

#endif
