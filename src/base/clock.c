#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t now_us(clockid_t id) {
    struct timespec t;
    (void)clock_gettime(id, &t); /* can't fail for these clocks */
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_wall_us(void) {
    return now_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void) {
    return now_us(CLOCK_MONOTONIC);
}

/* Days since 1970-01-01 to a date of the proleptic Gregorian calendar: gmtime without its locks and its
 * limits. */
static void civil_date(int64_t days, int64_t *year, int *month, int *day) {
    int64_t z = days + 719468; /* days since 0000-03-01, so that the leap day ends a year */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * years + years / 4 - years / 100);
    int shifted = (int)((5 * of_year + 2) / 153); /* 0 = March */
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = years + era * 400 + (*month <= 2);
}

const char *clock_format(int64_t wall_us, char buf[static CLOCK_TEXT_SIZE]) {
    const int64_t day_us = INT64_C(86400000000);
    int64_t days = wall_us / day_us, us = wall_us % day_us, year;
    if (us < 0) {
        us += day_us;
        days--;
    }
    int month, day;
    civil_date(days, &year, &month, &day);
    if (year < 0 || year > 9999) { /* not a time that a clock of ours can show */
        (void)snprintf(buf, CLOCK_TEXT_SIZE, "@%lld", (long long)(wall_us / 1000000));
        return buf;
    }
    (void)snprintf(buf, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%06uZ", (unsigned)year % 10000,
                   (unsigned)month % 100, (unsigned)day % 100, (unsigned)(us / 3600000000) % 100,
                   (unsigned)(us / 60000000 % 60), (unsigned)(us / 1000000 % 60), (unsigned)(us % 1000000));
    return buf;
}

void clock_sleep_ms(int64_t ms) {
    if (ms <= 0) return;
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}
