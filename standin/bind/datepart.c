#include "standin/bind/datepart.h"

#include <stdio.h>

static const struct {
    const char *name;
    DatePart part;
} names[] = {
    {"year", DATEPART_YEAR},
    {"yy", DATEPART_YEAR},
    {"yyyy", DATEPART_YEAR},
    {"quarter", DATEPART_QUARTER},
    {"qq", DATEPART_QUARTER},
    {"q", DATEPART_QUARTER},
    {"month", DATEPART_MONTH},
    {"mm", DATEPART_MONTH},
    {"m", DATEPART_MONTH},
    {"dayofyear", DATEPART_DAYOFYEAR},
    {"dy", DATEPART_DAYOFYEAR},
    {"y", DATEPART_DAYOFYEAR},
    {"day", DATEPART_DAY},
    {"dd", DATEPART_DAY},
    {"d", DATEPART_DAY},
    {"week", DATEPART_WEEK},
    {"wk", DATEPART_WEEK},
    {"ww", DATEPART_WEEK},
    {"iso_week", DATEPART_ISO_WEEK},
    {"isowk", DATEPART_ISO_WEEK},
    {"isoww", DATEPART_ISO_WEEK},
    {"weekday", DATEPART_WEEKDAY},
    {"dw", DATEPART_WEEKDAY},
    {"w", DATEPART_WEEKDAY},
    {"hour", DATEPART_HOUR},
    {"hh", DATEPART_HOUR},
    {"minute", DATEPART_MINUTE},
    {"mi", DATEPART_MINUTE},
    {"n", DATEPART_MINUTE},
    {"second", DATEPART_SECOND},
    {"ss", DATEPART_SECOND},
    {"s", DATEPART_SECOND},
    {"millisecond", DATEPART_MILLISECOND},
    {"ms", DATEPART_MILLISECOND},
    {"microsecond", DATEPART_MICROSECOND},
    {"mcs", DATEPART_MICROSECOND},
    {"nanosecond", DATEPART_NANOSECOND},
    {"ns", DATEPART_NANOSECOND},
    {"tzoffset", DATEPART_TZOFFSET},
    {"tz", DATEPART_TZOFFSET},
};

DatePart datepart_by_name(Str name) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_icase(name, str_from(names[i].name))) return names[i].part;
    return DATEPART_NONE;
}

const char *datepart_name(DatePart part) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].part == part) return names[i].name;
    return "";
}

/* 1 = the day on which weeks begin; 0001-01-01 was a Monday. */
static int32_t weekday(int32_t days, int datefirst) {
    return (days + 8 - datefirst) % 7 + 1;
}

static int32_t first_of_year(int32_t days, int32_t *ret_year) {
    int32_t month, day;
    temporal_civil(days, ret_year, &month, &day);
    return temporal_days(*ret_year, 1, 1);
}

/* The first week of a year may be short. */
static int32_t week(int32_t days, int datefirst) {
    int32_t year, first = first_of_year(days, &year);
    return (days - first + weekday(first, datefirst) - 1) / 7 + 1;
}

/* The week of its Thursday, counted in that Thursday's year. */
static int32_t iso_week(int32_t days) {
    int32_t thursday = days - days % 7 + 3, year;
    if (thursday > TEMPORAL_DAYS_MAX) return 1;
    return (thursday - first_of_year(thursday, &year)) / 7 + 1;
}

int32_t datepart_get(DatePart part, Temporal x, int datefirst) {
    int32_t year, month, day;
    int64_t second = x.ticks / TEMPORAL_TICKS_PER_SECOND, fraction = x.ticks % TEMPORAL_TICKS_PER_SECOND;
    temporal_civil(x.days, &year, &month, &day);
    switch (part) {
    case DATEPART_NONE: break;
    case DATEPART_YEAR: return year;
    case DATEPART_QUARTER: return (month - 1) / 3 + 1;
    case DATEPART_MONTH: return month;
    case DATEPART_DAYOFYEAR: return x.days - first_of_year(x.days, &year) + 1;
    case DATEPART_DAY: return day;
    case DATEPART_WEEK: return week(x.days, datefirst);
    case DATEPART_ISO_WEEK: return iso_week(x.days);
    case DATEPART_WEEKDAY: return weekday(x.days, datefirst);
    case DATEPART_HOUR: return (int32_t)(second / 3600);
    case DATEPART_MINUTE: return (int32_t)(second / 60 % 60);
    case DATEPART_SECOND: return (int32_t)(second % 60);
    case DATEPART_MILLISECOND: return (int32_t)(fraction / 10000);
    case DATEPART_MICROSECOND: return (int32_t)(fraction / 10);
    case DATEPART_NANOSECOND: return (int32_t)(fraction * 100);
    case DATEPART_TZOFFSET: return x.offset;
    }
    return 0;
}

const char *datepart_format(DatePart part, Temporal x, int datefirst, char buf[static TEMPORAL_TEXT_SIZE]) {
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    static const char *const days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                       "Thursday", "Friday", "Saturday"};
    int32_t n = datepart_get(part, x, part == DATEPART_WEEKDAY ? 7 : datefirst);
    if (part == DATEPART_MONTH) return months[n - 1];
    if (part == DATEPART_WEEKDAY) return days[n - 1];
    if (part == DATEPART_TZOFFSET)
        (void)snprintf(buf, TEMPORAL_TEXT_SIZE, "%c%02d:%02d", n < 0 ? '-' : '+', (n < 0 ? -n : n) / 60,
                       (n < 0 ? -n : n) % 60);
    else (void)snprintf(buf, TEMPORAL_TEXT_SIZE, "%d", (int)n);
    return buf;
}

bool datepart_truncate(DatePart part, Temporal x, int datefirst, Temporal *ret) {
    static const int64_t units[] = {[DATEPART_HOUR] = 3600 * (int64_t)TEMPORAL_TICKS_PER_SECOND,
                                    [DATEPART_MINUTE] = 60 * (int64_t)TEMPORAL_TICKS_PER_SECOND,
                                    [DATEPART_SECOND] = TEMPORAL_TICKS_PER_SECOND,
                                    [DATEPART_MILLISECOND] = TEMPORAL_TICKS_PER_SECOND / 1000,
                                    [DATEPART_MICROSECOND] = TEMPORAL_TICKS_PER_SECOND / 1000000};
    *ret = x;
    if (part >= DATEPART_HOUR) {
        if (part <= DATEPART_MICROSECOND) ret->ticks -= ret->ticks % units[part];
        return true;
    }
    int32_t year, month, day;
    temporal_civil(x.days, &year, &month, &day);
    ret->ticks = 0;
    switch (part) {
    case DATEPART_YEAR: ret->days = temporal_days(year, 1, 1); break;
    case DATEPART_QUARTER: ret->days = temporal_days(year, (month - 1) / 3 * 3 + 1, 1); break;
    case DATEPART_MONTH: ret->days = temporal_days(year, month, 1); break;
    case DATEPART_WEEK: ret->days = x.days - (weekday(x.days, datefirst) - 1); break;
    case DATEPART_ISO_WEEK: ret->days = x.days - x.days % 7; break;
    default: break;
    }
    return ret->days >= 0;
}

/* ---- DATEADD ---- */

static bool add_months(int64_t n, Temporal x, Temporal *ret) {
    int32_t year, month, day, last;
    temporal_civil(x.days, &year, &month, &day);
    int64_t total;
    if (__builtin_add_overflow((int64_t)year * 12 + month - 1, n, &total)) return false;
    if (total < 12 || total >= 10000 * 12) return false;
    year = (int32_t)(total / 12);
    month = (int32_t)(total % 12) + 1;
    for (last = day; !temporal_is_date(year, month, last); last--) {} /* the 31st of a shorter month */
    *ret = x;
    ret->days = temporal_days(year, month, last);
    return true;
}

static bool add_ticks(int64_t n, int64_t unit, Temporal x, Temporal *ret) {
    __extension__ typedef __int128 Wide;
    Wide total = (Wide)x.days * TEMPORAL_TICKS_PER_DAY + x.ticks + (Wide)n * unit;
    if (total < 0 || total >= ((Wide)TEMPORAL_DAYS_MAX + 1) * TEMPORAL_TICKS_PER_DAY) return false;
    *ret = x;
    ret->days = (int32_t)(total / TEMPORAL_TICKS_PER_DAY);
    ret->ticks = (int64_t)(total % TEMPORAL_TICKS_PER_DAY);
    return true;
}

bool datepart_add(DatePart part, int64_t n, Temporal x, Temporal *ret) {
    switch (part) {
    case DATEPART_YEAR: return n > -10000 && n < 10000 && add_months(n * 12, x, ret);
    case DATEPART_QUARTER: return n > -40000 && n < 40000 && add_months(n * 3, x, ret);
    case DATEPART_MONTH: return add_months(n, x, ret);
    case DATEPART_DAYOFYEAR:
    case DATEPART_DAY:
    case DATEPART_WEEKDAY: return add_ticks(n, TEMPORAL_TICKS_PER_DAY, x, ret);
    case DATEPART_WEEK:
    case DATEPART_ISO_WEEK: return add_ticks(n, 7 * TEMPORAL_TICKS_PER_DAY, x, ret);
    case DATEPART_HOUR: return add_ticks(n, 3600 * TEMPORAL_TICKS_PER_SECOND, x, ret);
    case DATEPART_MINUTE: return add_ticks(n, 60 * TEMPORAL_TICKS_PER_SECOND, x, ret);
    case DATEPART_SECOND: return add_ticks(n, TEMPORAL_TICKS_PER_SECOND, x, ret);
    case DATEPART_MILLISECOND: return add_ticks(n, 10000, x, ret);
    case DATEPART_MICROSECOND: return add_ticks(n, 10, x, ret);
    case DATEPART_NANOSECOND: return add_ticks(n / 100, 1, x, ret);
    case DATEPART_NONE:
    case DATEPART_TZOFFSET: break;
    }
    return false;
}

/* ---- DATEDIFF ---- */

static Temporal in_utc(Temporal x) {
    Temporal ret = x;
    if (!add_ticks(-(int64_t)x.offset, 60 * TEMPORAL_TICKS_PER_SECOND, x, &ret)) ret = x;
    return ret;
}

/* How many whole units of the clock lie before x. */
static int64_t units(Temporal x, int64_t per_day, int64_t ticks_per_unit) {
    return (int64_t)x.days * per_day + x.ticks / ticks_per_unit;
}

bool datepart_difference(DatePart part, Temporal a, Temporal b, int64_t *ret) {
    int32_t y1, m1, d1, y2, m2, d2;
    const int64_t second = TEMPORAL_TICKS_PER_SECOND;
    a = in_utc(a);
    b = in_utc(b);
    temporal_civil(a.days, &y1, &m1, &d1);
    temporal_civil(b.days, &y2, &m2, &d2);
    int64_t days = (int64_t)b.days - a.days;
    switch (part) {
    case DATEPART_YEAR: *ret = y2 - y1; return true;
    case DATEPART_QUARTER: *ret = (y2 - y1) * 4 + (m2 - 1) / 3 - (m1 - 1) / 3; return true;
    case DATEPART_MONTH: *ret = (y2 - y1) * 12 + m2 - m1; return true;
    case DATEPART_DAYOFYEAR:
    case DATEPART_DAY:
    case DATEPART_WEEKDAY: *ret = days; return true;
    case DATEPART_WEEK:
    case DATEPART_ISO_WEEK: *ret = (b.days + 1) / 7 - (a.days + 1) / 7; return true; /* Sundays between */
    case DATEPART_HOUR: *ret = units(b, 24, 3600 * second) - units(a, 24, 3600 * second); return true;
    case DATEPART_MINUTE: *ret = units(b, 1440, 60 * second) - units(a, 1440, 60 * second); return true;
    case DATEPART_SECOND: *ret = units(b, 86400, second) - units(a, 86400, second); return true;
    case DATEPART_MILLISECOND: *ret = units(b, 86400000, 10000) - units(a, 86400000, 10000); return true;
    case DATEPART_MICROSECOND:
        *ret = units(b, INT64_C(86400000000), 10) - units(a, INT64_C(86400000000), 10);
        return true;
    case DATEPART_NANOSECOND:
        return !__builtin_mul_overflow(
            units(b, TEMPORAL_TICKS_PER_DAY, 1) - units(a, TEMPORAL_TICKS_PER_DAY, 1), 100, ret);
    case DATEPART_NONE:
    case DATEPART_TZOFFSET: break;
    }
    return false;
}
