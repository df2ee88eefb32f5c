/*
 * Day counts by eras of 400 years (146,097 days), years taken from March so that the leap day is a year's
 * last: then the month is a linear function of the day of the year. (H. Hinnant, "chrono-compatible low-level
 * date algorithms".) No tables, no loops, right for negative years too.
 */
#include "record/civil.h"

#include <assert.h>
#include <stdio.h>

enum { ERA_DAYS = 146097, ERA_YEARS = 400, MARCH_1_0000 = -719468 /* 0000-03-01 in days since 1970 */ };

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

CivilDate civil_from_days(int64_t days) {
    int64_t z = days - MARCH_1_0000;
    int64_t era = floor_div(z, ERA_DAYS);
    int64_t day_of_era = z - era * ERA_DAYS;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / (ERA_DAYS - 1)) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153; /* 0 = March */
    int64_t month = m < 10 ? m + 3 : m - 9;
    return (CivilDate){.year = (int32_t)(era * ERA_YEARS + year_of_era + (month <= 2)),
                       .month = (uint8_t)month,
                       .day = (uint8_t)(day_of_year - (153 * m + 2) / 5 + 1)};
}

int64_t civil_to_days(CivilDate date) {
    int64_t year = date.year - (date.month <= 2);
    int64_t era = floor_div(year, ERA_YEARS);
    int64_t year_of_era = year - era * ERA_YEARS;
    int64_t m = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * m + 2) / 5 + date.day - 1;
    return era * ERA_DAYS + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year +
           MARCH_1_0000;
}

bool civil_is_valid(int64_t year, int64_t month, int64_t day) {
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > 31) return false;
    CivilDate date = {(int32_t)year, (uint8_t)month, (uint8_t)day};
    CivilDate back = civil_from_days(civil_to_days(date));
    return back.month == date.month && back.day == date.day;
}

enum { TICKS_PER_US = 10 };
#define UNIX_EPOCH_TICKS (-(int64_t)CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY)

int64_t civil_ticks_to_us(int64_t ticks) {
    return floor_div(ticks - UNIX_EPOCH_TICKS, TICKS_PER_US);
}

int64_t civil_us_to_ticks(int64_t us) {
    return us * TICKS_PER_US + UNIX_EPOCH_TICKS;
}

/* Both return the characters written. */
static int put_date(char *p, size_t size, int64_t days) {
    CivilDate d = civil_from_days(days);
    return snprintf(p, size, "%04d-%02d-%02d", d.year, d.month, d.day);
}

static int put_time(char *p, size_t size, int64_t ticks, int scale) {
    assert(scale >= 0 && scale <= 7 && ticks >= 0 && ticks < CIVIL_TICKS_PER_DAY);
    int64_t seconds = ticks / CIVIL_TICKS_PER_SECOND, fraction = ticks % CIVIL_TICKS_PER_SECOND;
    int n = snprintf(p, size, "%02d:%02d:%02d.%07d", (int)(seconds / 3600), (int)(seconds / 60 % 60),
                     (int)(seconds % 60), (int)fraction);
    int cut = scale == 0 ? 8 : 7 - scale; /* the point goes too */
    p[n - cut] = '\0';
    return n - cut;
}

const char *civil_format_date(int64_t days, char buf[static CIVIL_TEXT_SIZE]) {
    (void)put_date(buf, CIVIL_TEXT_SIZE, days);
    return buf;
}

const char *civil_format_time(int64_t ticks, int scale, char buf[static CIVIL_TEXT_SIZE]) {
    (void)put_time(buf, CIVIL_TEXT_SIZE, ticks, scale);
    return buf;
}

const char *civil_format_datetime(int64_t ticks, int scale, char buf[static CIVIL_TEXT_SIZE]) {
    int64_t day = floor_div(ticks, CIVIL_TICKS_PER_DAY);
    int n = put_date(buf, CIVIL_TEXT_SIZE, day + CIVIL_DAY_0001);
    buf[n++] = ' ';
    (void)put_time(buf + n, CIVIL_TEXT_SIZE - (size_t)n, ticks - day * CIVIL_TICKS_PER_DAY, scale);
    return buf;
}

const char *civil_format_offset(int64_t ticks, int scale, int offset_minutes,
                                char buf[static CIVIL_TEXT_SIZE]) {
    char local[CIVIL_TEXT_SIZE];
    int minutes = offset_minutes < 0 ? -offset_minutes : offset_minutes;
    assert(minutes < 24 * 60);
    (void)civil_format_datetime(ticks + offset_minutes * 60 * CIVIL_TICKS_PER_SECOND, scale, local);
    (void)snprintf(buf, CIVIL_TEXT_SIZE, "%.30s %c%02d:%02d", local, offset_minutes < 0 ? '-' : '+',
                   minutes / 60, minutes % 60);
    return buf;
}

/* ---- reading ---- */

/* `digits` digits at the text's start, which go from it. */
static bool take_digits(Str *text, size_t digits, int64_t *ret) {
    int64_t v = 0;
    if (text->n < digits) return false;
    for (size_t i = 0; i < digits; i++) {
        if (text->p[i] < '0' || text->p[i] > '9') return false;
        v = v * 10 + (text->p[i] - '0');
    }
    *text = str_sub(*text, digits, text->n);
    *ret = v;
    return true;
}

static bool take_char(Str *text, char c) {
    if (text->n == 0 || text->p[0] != c) return false;
    *text = str_sub(*text, 1, text->n);
    return true;
}

static bool take_date(Str *text, int64_t *ret_days) {
    int64_t year, month, day;
    if (!take_digits(text, 4, &year) || !take_char(text, '-') || !take_digits(text, 2, &month) ||
        !take_char(text, '-') || !take_digits(text, 2, &day) || !civil_is_valid(year, month, day))
        return false;
    *ret_days = civil_to_days((CivilDate){(int32_t)year, (uint8_t)month, (uint8_t)day});
    return true;
}

static bool take_time(Str *text, int64_t *ret_ticks) {
    int64_t hour, minute, second, fraction = 0, digit;
    if (!take_digits(text, 2, &hour) || !take_char(text, ':') || !take_digits(text, 2, &minute) ||
        !take_char(text, ':') || !take_digits(text, 2, &second) || hour > 23 || minute > 59 || second > 59)
        return false;
    if (take_char(text, '.'))
        for (int64_t unit = CIVIL_TICKS_PER_SECOND / 10; unit > 0 && take_digits(text, 1, &digit); unit /= 10)
            fraction += digit * unit;
    *ret_ticks = ((hour * 60 + minute) * 60 + second) * CIVIL_TICKS_PER_SECOND + fraction;
    return true;
}

static bool take_offset(Str *text, int *ret_minutes) {
    int64_t hours, minutes;
    (void)take_char(text, ' ');
    if (take_char(text, 'Z')) return true;
    bool is_west = take_char(text, '-');
    if ((!is_west && !take_char(text, '+')) || !take_digits(text, 2, &hours) || !take_char(text, ':') ||
        !take_digits(text, 2, &minutes))
        return false;
    *ret_minutes = (int)(is_west ? -(hours * 60 + minutes) : hours * 60 + minutes);
    return true;
}

bool civil_parse(Str text, CivilText *ret) {
    *ret = (CivilText){0};
    ret->has_date = text.n > 4 && text.p[4] == '-';
    if (ret->has_date) {
        if (!take_date(&text, &ret->days)) return false;
        if (text.n == 0) return true;
        if (!take_char(&text, 'T') && !take_char(&text, ' ')) return false;
    }
    ret->has_time = true;
    if (!take_time(&text, &ret->ticks)) return false;
    ret->has_offset = text.n > 0;
    return !ret->has_offset || (take_offset(&text, &ret->offset_minutes) && text.n == 0);
}
