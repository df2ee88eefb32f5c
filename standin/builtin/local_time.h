/*
 * local_time.h - the server's local time, in which change data capture keeps its times. Any thread.
 */
#ifndef STANDIN_BUILTIN_LOCAL_TIME_H
#define STANDIN_BUILTIN_LOCAL_TIME_H

#include <stdint.h>

/* Minutes east of UTC that hold at a moment (µs since 1970 UTC), summer time included. */
int16_t local_time_offset(int64_t wall_us);
/* The datetime value (1/300 s since 1900-01-01, value.h) of a moment on the server's clock. */
int64_t local_time_datetime(int64_t wall_us);
/* The same without seconds, as ddl_time has it. */
int64_t local_time_datetime_minute(int64_t wall_us);

#endif
