#include "standin/bind/timezone.h"

#include <stdbool.h>

typedef enum Rule { RULE_NONE, RULE_EUROPE, RULE_AMERICA } Rule;

struct TimeZone {
    const char *name;
    int16_t offset; /* of standard time */
    Rule rule;
};

static const TimeZone zones[] = {
    {"UTC", 0, RULE_NONE},
    {"GMT Standard Time", 0, RULE_EUROPE},
    {"Greenwich Standard Time", 0, RULE_NONE},
    {"W. Europe Standard Time", 60, RULE_EUROPE},
    {"Central Europe Standard Time", 60, RULE_EUROPE},
    {"Romance Standard Time", 60, RULE_EUROPE},
    {"Central European Standard Time", 60, RULE_EUROPE},
    {"FLE Standard Time", 120, RULE_EUROPE},
    {"GTB Standard Time", 120, RULE_EUROPE},
    {"South Africa Standard Time", 120, RULE_NONE},
    {"Russian Standard Time", 180, RULE_NONE},
    {"Turkey Standard Time", 180, RULE_NONE},
    {"Arab Standard Time", 180, RULE_NONE},
    {"Arabian Standard Time", 240, RULE_NONE},
    {"Pakistan Standard Time", 300, RULE_NONE},
    {"India Standard Time", 330, RULE_NONE},
    {"Nepal Standard Time", 345, RULE_NONE},
    {"SE Asia Standard Time", 420, RULE_NONE},
    {"China Standard Time", 480, RULE_NONE},
    {"Singapore Standard Time", 480, RULE_NONE},
    {"Taipei Standard Time", 480, RULE_NONE},
    {"Tokyo Standard Time", 540, RULE_NONE},
    {"Korea Standard Time", 540, RULE_NONE},
    {"E. Australia Standard Time", 600, RULE_NONE},
    {"Newfoundland Standard Time", -210, RULE_AMERICA},
    {"Atlantic Standard Time", -240, RULE_AMERICA},
    {"Eastern Standard Time", -300, RULE_AMERICA},
    {"US Eastern Standard Time", -300, RULE_AMERICA},
    {"Central Standard Time", -360, RULE_AMERICA},
    {"Mountain Standard Time", -420, RULE_AMERICA},
    {"US Mountain Standard Time", -420, RULE_NONE},
    {"Pacific Standard Time", -480, RULE_AMERICA},
    {"Alaskan Standard Time", -540, RULE_AMERICA},
    {"Hawaiian Standard Time", -600, RULE_NONE},
    {"E. South America Standard Time", -180, RULE_NONE},
    {"Argentina Standard Time", -180, RULE_NONE},
    {"SA Pacific Standard Time", -300, RULE_NONE},
};

enum { MINUTES_A_DAY = 1440, SAVING = 60 };

const TimeZone *timezone_by_name(Str name) {
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        if (str_eq_icase(name, str_from(zones[i].name))) return &zones[i];
    return NULL;
}

/* The n-th Sunday of a month, from 1; 0: the last. */
static int32_t sunday(int32_t year, int32_t month, int n) {
    int32_t last = month == 12 ? temporal_days(year, 12, 31) : temporal_days(year, month + 1, 1) - 1;
    if (n == 0) return last - (last + 1) % 7; /* 0001-01-01 was a Monday: day % 7 == 6 is a Sunday */
    int32_t first = temporal_days(year, month, 1);
    return first + (6 - first % 7) + 7 * (n - 1);
}

/* First and last minute of daylight saving time in UTC, as minutes since 0001-01-01. */
static void saving_in_utc(const TimeZone *z, int32_t year, int64_t *ret_from, int64_t *ret_to) {
    if (z->rule == RULE_EUROPE) { /* at 01:00 UTC everywhere */
        *ret_from = (int64_t)sunday(year, 3, 0) * MINUTES_A_DAY + 60;
        *ret_to = (int64_t)sunday(year, 10, 0) * MINUTES_A_DAY + 60;
    } else { /* at 02:00 of the wall clock */
        *ret_from = (int64_t)sunday(year, 3, 2) * MINUTES_A_DAY + 120 - z->offset;
        *ret_to = (int64_t)sunday(year, 11, 1) * MINUTES_A_DAY + 120 - z->offset - SAVING;
    }
}

static int64_t minutes_of(Temporal x) {
    return (int64_t)x.days * MINUTES_A_DAY + x.ticks / TEMPORAL_TICKS_PER_SECOND / 60;
}

static bool is_saving(const TimeZone *z, int64_t utc_minutes) {
    if (z->rule == RULE_NONE || utc_minutes < 0) return false;
    int32_t year, month, day;
    int64_t from, to;
    temporal_civil((int32_t)(utc_minutes / MINUTES_A_DAY), &year, &month, &day);
    saving_in_utc(z, year, &from, &to);
    return utc_minutes >= from && utc_minutes < to;
}

int16_t timezone_offset_of_utc(const TimeZone *z, Temporal utc) {
    return (int16_t)(is_saving(z, minutes_of(utc)) ? z->offset + SAVING : z->offset);
}

int16_t timezone_offset_of_local(const TimeZone *z, Temporal local) {
    int64_t as_saving = minutes_of(local) - z->offset - SAVING;
    return (int16_t)(is_saving(z, as_saving) ? z->offset + SAVING : z->offset);
}
