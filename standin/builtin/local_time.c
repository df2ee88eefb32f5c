#include "standin/builtin/local_time.h"

#include <time.h>

#include "standin/types/temporal.h"

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

int16_t local_time_offset(int64_t wall_us) {
    time_t seconds = (time_t)floor_div(wall_us, 1000000);
    struct tm tm;
    if (!localtime_r(&seconds, &tm)) return 0;
    return (int16_t)(tm.tm_gmtoff / 60);
}

int64_t local_time_datetime(int64_t wall_us) {
    static const int64_t days = TEMPORAL_DAYS_1970 - TEMPORAL_DAYS_1900;
    int64_t local_us = wall_us + (int64_t)local_time_offset(wall_us) * 60 * 1000000;
    /* 300 ticks a second: three in 10,000 µs, rounded half up. */
    return days * TEMPORAL_300THS_PER_DAY + floor_div(local_us * 3 + 5000, 10000);
}

int64_t local_time_datetime_minute(int64_t wall_us) {
    int64_t ticks = local_time_datetime(wall_us);
    return floor_div(ticks, 60 * 300) * 60 * 300;
}
