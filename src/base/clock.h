/* clock.h - time, as numbers with their unit in the name. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 28 }; /* "2026-01-02T03:04:05.123456Z" and NUL */

int64_t clock_wall_us(void); /* µs since 1970-01-01 UTC */
int64_t clock_mono_us(void); /* µs since some start; never goes back */
/* ISO 8601 UTC with microseconds into buf; returns buf. */
const char *clock_format(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE]);
/* Sleep; wakes early only on a signal. Not for waiting on an event: that is a condition's work. */
void clock_sleep_ms(int64_t ms);

#endif
