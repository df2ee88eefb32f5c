/*
 * Every temporal value passes through one struct of parts (days, ticks of the day, offset): each type has a
 * way in (unpack) and out (pack), and text has one reader and one writer, so n types need no n*n conversions.
 *
 * Days from civil dates and back: the 400-year cycle counted from 1 March (Howard Hinnant's
 * "chrono-compatible low-level date algorithms").
 */
#include "standin/types/temporal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const int64_t ticks_per_digit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

bool temporal_is_date(int32_t year, int32_t month, int32_t day) {
    static const int8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day <= lengths[month - 1] + (month == 2 && is_leap ? 1 : 0);
}

int32_t temporal_days(int32_t year, int32_t month, int32_t day) {
    int32_t y = month <= 2 ? year - 1 : year; /* years begin in March: the leap day is the last */
    int32_t era = y / 400, of_era = y % 400;
    int32_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int32_t of_cycle = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    return era * 146097 + of_cycle - 306; /* 306 days from 0000-03-01 to 0001-01-01 */
}

void temporal_civil(int32_t days, int32_t *ret_year, int32_t *ret_month, int32_t *ret_day) {
    int32_t z = days + 306, era = z / 146097, of_cycle = z % 146097;
    int32_t of_era = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    int32_t of_year = of_cycle - (365 * of_era + of_era / 4 - of_era / 100);
    int32_t shifted = (5 * of_year + 2) / 153;
    *ret_day = of_year - (153 * shifted + 2) / 5 + 1;
    *ret_month = shifted < 10 ? shifted + 3 : shifted - 9;
    *ret_year = of_era + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

int64_t temporal_round(int64_t ticks, uint8_t digits) {
    assert(digits <= 7);
    int64_t unit = ticks_per_digit[digits];
    return (ticks + unit / 2) / unit * unit;
}

/* --- values -----------------------------------------------------------------------------------------------
 */

static uint64_t read_be(const char *p, size_t n) {
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++) x = x << 8 | (uint8_t)p[i];
    return x;
}

static void write_be(uint8_t *p, size_t n, uint64_t x) {
    for (size_t i = n; i-- > 0; x >>= 8) p[i] = (uint8_t)x;
}

static Temporal from_ticks(int64_t ticks, int16_t offset) {
    return (Temporal){(int32_t)(ticks / TEMPORAL_TICKS_PER_DAY), ticks % TEMPORAL_TICKS_PER_DAY, offset};
}

static Temporal unpack_datetime(int64_t x) {
    int64_t days = x / TEMPORAL_300THS_PER_DAY, part = x % TEMPORAL_300THS_PER_DAY;
    if (part < 0) {
        days--;
        part += TEMPORAL_300THS_PER_DAY;
    }
    return (Temporal){(int32_t)(TEMPORAL_DAYS_1900 + days), (part * 100000 + 1) / 3, 0};
}

static Temporal unpack_offset(Str blob) {
    assert(blob.n == TEMPORAL_OFFSET_BYTES);
    int16_t offset = (int16_t)((int)read_be(blob.p + 8, 2) - TEMPORAL_MAX_OFFSET);
    int64_t local = (int64_t)read_be(blob.p, 8) + offset * 60 * TEMPORAL_TICKS_PER_SECOND;
    return from_ticks(local, offset);
}

Temporal temporal_unpack(const Type *t, Value v) {
    switch (t->id) {
    case TYPE_DATE: return (Temporal){(int32_t)v.v.i, 0, 0};
    case TYPE_TIME: return (Temporal){TEMPORAL_DAYS_1900, v.v.i, 0};
    case TYPE_SMALLDATETIME:
        return (Temporal){(int32_t)(TEMPORAL_DAYS_1900 + v.v.i / 1440),
                          v.v.i % 1440 * 60 * TEMPORAL_TICKS_PER_SECOND, 0};
    case TYPE_DATETIME: return unpack_datetime(v.v.i);
    case TYPE_DATETIME2: return from_ticks(v.v.i, 0);
    case TYPE_DATETIMEOFFSET: return unpack_offset(v.v.s);
    default: break;
    }
    assert(!"not a temporal type");
    return (Temporal){0};
}

static bool pack_smalldatetime(Temporal x, Value *ret) {
    int64_t minutes = (x.ticks + 30 * TEMPORAL_TICKS_PER_SECOND) / (60 * TEMPORAL_TICKS_PER_SECOND);
    int64_t all = ((int64_t)x.days - TEMPORAL_DAYS_1900) * 1440 + minutes;
    if (all < 0 || all >= INT64_C(65536) * 1440) return false;
    *ret = VALUE_OF_INT(all);
    return true;
}

static bool pack_datetime(Temporal x, Value *ret) {
    int64_t part = (x.ticks * 3 + 50000) / 100000; /* 1/300 s, half up */
    int64_t all = ((int64_t)x.days - TEMPORAL_DAYS_1900) * TEMPORAL_300THS_PER_DAY + part;
    int64_t end = ((int64_t)TEMPORAL_DAYS_MAX + 1 - TEMPORAL_DAYS_1900) * TEMPORAL_300THS_PER_DAY;
    if (x.days < TEMPORAL_DAYS_1753 || all >= end) return false;
    *ret = VALUE_OF_INT(all);
    return true;
}

/* Rounded to digits, or cut where rounding would leave year 9999. */
static int64_t round_moment(Temporal x, uint8_t digits) {
    int64_t start = x.days * TEMPORAL_TICKS_PER_DAY, all = start + temporal_round(x.ticks, digits);
    if (all < (INT64_C(1) + TEMPORAL_DAYS_MAX) * TEMPORAL_TICKS_PER_DAY) return all;
    return start + x.ticks / ticks_per_digit[digits] * ticks_per_digit[digits];
}

static bool pack_offset(Temporal x, uint8_t digits, uint8_t *blob, Value *ret) {
    int64_t utc = round_moment(x, digits) - x.offset * 60 * TEMPORAL_TICKS_PER_SECOND;
    if (utc < 0 || utc >= (INT64_C(1) + TEMPORAL_DAYS_MAX) * TEMPORAL_TICKS_PER_DAY) return false;
    write_be(blob, 8, (uint64_t)utc);
    write_be(blob + 8, 2, (uint64_t)(x.offset + TEMPORAL_MAX_OFFSET));
    *ret = VALUE_OF_BLOB(((Str){(const char *)blob, TEMPORAL_OFFSET_BYTES}));
    return true;
}

bool temporal_pack(const Type *t, Temporal x, uint8_t blob[static TEMPORAL_OFFSET_BYTES], Value *ret) {
    if (x.days < 0 || x.days > TEMPORAL_DAYS_MAX) return false;
    switch (t->id) {
    case TYPE_DATE: *ret = VALUE_OF_INT(x.days); return true;
    case TYPE_TIME:
        *ret =
            VALUE_OF_INT(temporal_round(x.ticks, t->scale) % TEMPORAL_TICKS_PER_DAY); /* over midnight: 0 */
        return true;
    case TYPE_SMALLDATETIME: return pack_smalldatetime(x, ret);
    case TYPE_DATETIME: return pack_datetime(x, ret);
    case TYPE_DATETIME2: *ret = VALUE_OF_INT(round_moment(x, t->scale)); return true;
    case TYPE_DATETIMEOFFSET: return pack_offset(x, t->scale, blob, ret);
    default: break;
    }
    assert(!"not a temporal type");
    return false;
}

Temporal temporal_from_unix_us(int64_t us, int16_t offset) {
    int64_t local = us + offset * INT64_C(60000000);
    int64_t ticks = TEMPORAL_DAYS_1970 * TEMPORAL_TICKS_PER_DAY + local * 10;
    return from_ticks(ticks, offset);
}

/* --- writing ----------------------------------------------------------------------------------------------
 */

/*
 * A style is a pattern for the date and one for the time. Y yyyy, y yy, M mm, N Mon, D dd, d day in two
 * columns; H hh of 24, h hour of 12 in two columns, m mi, s ss, f point and fraction, F the same with a colon
 * for datetime, p AM or PM; other characters stand for themselves.
 */
typedef struct Style {
    int16_t number;
    const char *date, *between, *time;
} Style;

static const Style styles[] = {
    {0, "N d Y", " ", "h:mp"},      {1, "M/D/y", "", NULL},        {2, "y.M.D", "", NULL},
    {3, "D/M/y", "", NULL},         {4, "D.M.y", "", NULL},        {5, "D-M-y", "", NULL},
    {6, "D N y", "", NULL},         {7, "N D, y", "", NULL},       {8, NULL, "", "H:m:s"},
    {9, "N d Y", " ", "h:m:sFp"},   {10, "M-D-y", "", NULL},       {11, "y/M/D", "", NULL},
    {12, "yMD", "", NULL},          {13, "D N Y", " ", "H:m:sF"},  {14, NULL, "", "H:m:sF"},
    {20, "Y-M-D", " ", "H:m:s"},    {21, "Y-M-D", " ", "H:m:sf"},  {22, "M/D/y", " ", "h:m:s p"},
    {23, "Y-M-D", "", NULL},        {24, NULL, "", "H:m:s"},       {25, "Y-M-D", " ", "H:m:sf"},
    {100, "N d Y", " ", "h:mp"},    {101, "M/D/Y", "", NULL},      {102, "Y.M.D", "", NULL},
    {103, "D/M/Y", "", NULL},       {104, "D.M.Y", "", NULL},      {105, "D-M-Y", "", NULL},
    {106, "D N Y", "", NULL},       {107, "N D, Y", "", NULL},     {108, NULL, "", "H:m:s"},
    {109, "N d Y", " ", "h:m:sFp"}, {110, "M-D-Y", "", NULL},      {111, "Y/M/D", "", NULL},
    {112, "YMD", "", NULL},         {113, "D N Y", " ", "H:m:sF"}, {114, NULL, "", "H:m:sF"},
    {120, "Y-M-D", " ", "H:m:s"},   {121, "Y-M-D", " ", "H:m:sf"}, {126, "Y-M-D", "T", "H:m:sf"},
    {127, "Y-M-D", "T", "H:m:sf"},
};

static const char month_names[12][10] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};

typedef struct Writer {
    const Type *type;
    int32_t year, month, day;
    int64_t ticks;
    bool drops_zero_fraction; /* ISO styles of datetime */
    char *p, *end;
} Writer;

static void put(Writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(Writer *w, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(w->p, (size_t)(w->end - w->p), fmt, args);
    va_end(args);
    assert(n >= 0 && n < w->end - w->p);
    w->p += n;
}

static void put_fraction(Writer *w, char colon) {
    bool is_old = w->type->id == TYPE_DATETIME || w->type->id == TYPE_SMALLDATETIME;
    int digits = is_old ? 3 : w->type->scale;
    int64_t fraction = w->ticks % TEMPORAL_TICKS_PER_SECOND;
    if (is_old) fraction = (fraction + 5000) / 10000 * 10000;
    if (digits == 0 || (w->drops_zero_fraction && fraction == 0)) return;
    put(w, "%c%0*d", is_old ? colon : '.', digits, (int)(fraction / ticks_per_digit[digits]));
}

static void put_pattern(Writer *w, const char *pattern) {
    int seconds = (int)(w->ticks / TEMPORAL_TICKS_PER_SECOND), hour = seconds / 3600;
    for (const char *c = pattern; *c; c++) {
        switch (*c) {
        case 'Y': put(w, "%04d", w->year); break;
        case 'y': put(w, "%02d", w->year % 100); break;
        case 'M': put(w, "%02d", w->month); break;
        case 'N': put(w, "%.3s", month_names[w->month - 1]); break;
        case 'D': put(w, "%02d", w->day); break;
        case 'd': put(w, "%2d", w->day); break;
        case 'H': put(w, "%02d", hour); break;
        case 'h': put(w, "%2d", hour % 12 == 0 ? 12 : hour % 12); break;
        case 'm': put(w, "%02d", seconds / 60 % 60); break;
        case 's': put(w, "%02d", seconds % 60); break;
        case 'f': put_fraction(w, '.'); break;
        case 'F': put_fraction(w, ':'); break;
        case 'p': put(w, "%s", hour < 12 ? "AM" : "PM"); break;
        default: put(w, "%c", *c);
        }
    }
}

static const Style *find_style(const Type *t, int number) {
    if (number < 0) number = t->id == TYPE_DATETIME || t->id == TYPE_SMALLDATETIME ? 0 : 121;
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        if (styles[i].number == number) return &styles[i];
    }
    return NULL;
}

static void put_offset(Writer *w, const Style *style, int offset) {
    int minutes = offset < 0 ? -offset : offset;
    put(w, "%s%c%02d:%02d", style->number == 126 ? "" : " ", offset < 0 ? '-' : '+', minutes / 60,
        minutes % 60);
}

bool temporal_format(const Type *t, Temporal x, int style_number, char buf[static TEMPORAL_TEXT_SIZE]) {
    const Style *style = find_style(t, style_number);
    if (!style) return false;
    bool wants_date = style->date && t->id != TYPE_TIME, wants_time = style->time && t->id != TYPE_DATE;
    if (!wants_date && !wants_time) return false;
    bool as_utc = style->number == 127;
    if (as_utc && t->id == TYPE_DATETIMEOFFSET) {
        int64_t local = x.days * TEMPORAL_TICKS_PER_DAY + x.ticks;
        x = from_ticks(local - x.offset * 60 * TEMPORAL_TICKS_PER_SECOND, 0);
    }
    Writer w = {.type = t, .ticks = x.ticks, .p = buf, .end = buf + TEMPORAL_TEXT_SIZE};
    if (t->id == TYPE_DATETIME) { /* shown in milliseconds; 59.9983… never rounds up past 59.997 */
        w.ticks = (x.ticks + 5000) / 10000 * 10000;
        w.drops_zero_fraction = style->number >= 126;
    }
    temporal_civil(x.days, &w.year, &w.month, &w.day);
    if (wants_date) put_pattern(&w, style->date);
    if (wants_date && wants_time) put_pattern(&w, style->between);
    if (wants_time) put_pattern(&w, style->time);
    if (!wants_date && buf[0] == ' ') memmove(buf, buf + 1, (size_t)(w.p-- - buf)); /* ' 4:05PM' of a time */
    if (wants_time && t->id == TYPE_DATETIMEOFFSET && !as_utc) put_offset(&w, style, x.offset);
    if (as_utc && wants_time && t->id != TYPE_TIME) put(&w, "Z");
    *w.p = '\0';
    return true;
}

/* --- reading ----------------------------------------------------------------------------------------------
 */

/* A date's parts as they are met, to be ordered when all are there. */
typedef struct Reader {
    const char *p, *end;
    int style;
    int32_t numbers[3];
    int lengths[3]; /* digits of each */
    int count;
    int32_t month; /* named; 0 = none */
    bool is_solid; /* yyyymmdd, yymmdd: the year is first */
    TemporalText *ret;
} Reader;

static void skip_blanks(Reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t')) r->p++;
}

static bool is_digit(const Reader *r) {
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

/* A run of digits; *ret_len of them. Past 9 digits the number is meaningless: the caller looks at the length.
 */
static int32_t read_number(Reader *r, int *ret_len) {
    int32_t x = 0;
    int len = 0;
    for (; is_digit(r); r->p++, len++) {
        if (len < 9) x = 10 * x + (*r->p - '0');
    }
    *ret_len = len;
    return x;
}

static bool take(Reader *r, char c) {
    if (r->p >= r->end || *r->p != c) return false;
    r->p++;
    return true;
}

/* A word of letters is a month's name, whole or its first three. */
static bool read_month(Reader *r) {
    const char *start = r->p;
    while (r->p < r->end && ((*r->p | 32) >= 'a' && (*r->p | 32) <= 'z')) r->p++;
    Str word = {start, (size_t)(r->p - start)};
    for (int i = 0; i < 12; i++) {
        Str name = str_from(month_names[i]);
        if (word.n != 3 && word.n != name.n) continue;
        if (!str_eq_icase(word, str_sub(name, 0, word.n))) continue;
        if (r->month != 0) return false;
        r->month = i + 1;
        (void)take(r, ',');
        return true;
    }
    return false;
}

static bool read_meridian(Reader *r, int32_t *hour) {
    skip_blanks(r);
    Str two = {r->p, (size_t)(r->end - r->p) >= 2 ? 2 : 0};
    bool is_am = str_eq_icase(two, STR_LIT("am")), is_pm = str_eq_icase(two, STR_LIT("pm"));
    if (!is_am && !is_pm) return true;
    if (*hour > 12 || (*hour == 0 && is_pm)) return false;
    r->p += 2;
    if (is_am && *hour == 12) *hour = 0;
    if (is_pm && *hour < 12) *hour += 12;
    return true;
}

/* The fraction behind '.' (decimal) or ':' (thousandths); ticks. */
static bool read_fraction(Reader *r, int64_t *ret_ticks) {
    bool is_colon = r->p < r->end && *r->p == ':';
    if (!take(r, '.') && !take(r, ':')) return true;
    int len;
    int32_t x = read_number(r, &len);
    if (len == 0 || len > 7 || (is_colon && len > 3)) return false;
    *ret_ticks = x * (is_colon ? INT64_C(10000) : ticks_per_digit[len]);
    r->ret->fraction_digits = is_colon ? 3 : len;
    return true;
}

static TemporalParse read_offset(Reader *r) {
    skip_blanks(r);
    TemporalText *t = r->ret;
    if (take(r, 'Z')) {
        t->has_offset = true;
        return TEMPORAL_PARSED;
    }
    bool is_negative = r->p < r->end && *r->p == '-';
    if (!is_negative && !(r->p < r->end && *r->p == '+')) return TEMPORAL_PARSED;
    r->p++;
    int hour_len, minute_len;
    int32_t hour = read_number(r, &hour_len);
    if (!take(r, ':')) return TEMPORAL_BAD_TEXT;
    int32_t minute = read_number(r, &minute_len);
    if (hour_len != 2 || minute_len != 2) return TEMPORAL_BAD_TEXT;
    int32_t all = hour * 60 + minute;
    if (all > TEMPORAL_MAX_OFFSET || minute > 59) return TEMPORAL_BAD_TEXT;
    t->at.offset = (int16_t)(is_negative ? -all : all);
    t->has_offset = true;
    return TEMPORAL_PARSED;
}

/* The rest of a time whose hour was read: ":mi[:ss[.f]] [AM]" or just "AM". */
static TemporalParse read_time(Reader *r, int32_t hour, int hour_len) {
    int32_t minute = 0, second = 0;
    int64_t fraction = 0;
    int len;
    if (r->ret->has_time || hour_len > 2) return TEMPORAL_BAD_TEXT;
    if (take(r, ':')) {
        minute = read_number(r, &len);
        if (len == 0 || len > 2) return TEMPORAL_BAD_TEXT;
        if (take(r, ':')) {
            second = read_number(r, &len);
            if (len == 0 || len > 2) return TEMPORAL_BAD_TEXT;
            if (!read_fraction(r, &fraction)) return TEMPORAL_BAD_TEXT;
        }
    }
    if (!read_meridian(r, &hour)) return TEMPORAL_BAD_TEXT;
    r->ret->has_time = true;
    if (hour > 23 || minute > 59 || second > 59) return TEMPORAL_OUT_OF_RANGE;
    r->ret->at.ticks = (hour * 3600 + minute * 60 + second) * TEMPORAL_TICKS_PER_SECOND + fraction;
    return read_offset(r);
}

static bool add_date_number(Reader *r, int32_t x, int len) {
    if (r->count == 3) return false;
    r->numbers[r->count] = x;
    r->lengths[r->count++] = len;
    return true;
}

/* yyyymmdd, yymmdd, yyyy without separators. */
static bool add_solid_date(Reader *r, int32_t x, int len) {
    if (r->count != 0) return false;
    r->is_solid = true;
    if (len == 4) return add_date_number(r, x, 4) && add_date_number(r, 1, 1) && add_date_number(r, 1, 1);
    return add_date_number(r, x / 10000, len - 4) && add_date_number(r, x / 100 % 100, 2) &&
           add_date_number(r, x % 100, 2);
}

static bool is_meridian_next(const Reader *r) {
    const char *p = r->p;
    while (p < r->end && *p == ' ') p++;
    Str two = {p, (size_t)(r->end - p) >= 2 ? 2 : 0};
    return str_eq_icase(two, STR_LIT("am")) || str_eq_icase(two, STR_LIT("pm"));
}

/* One item that starts with a digit: part of a date, or a time. */
static TemporalParse read_item(Reader *r) {
    int len;
    int32_t x = read_number(r, &len);
    if (r->p < r->end && *r->p == ':') return read_time(r, x, len);
    if (len <= 2 && is_meridian_next(r)) return read_time(r, x, len);
    char separator = r->p < r->end ? *r->p : '\0';
    bool is_named = r->month != 0 || r->count > 0;
    if (separator == '-' || separator == '/' || separator == '.') {
        if (!add_date_number(r, x, len)) return TEMPORAL_BAD_TEXT;
        r->p++;
        return TEMPORAL_PARSED;
    }
    (void)take(r, ',');
    bool is_solid = !is_named && (len == 8 || len == 6 || len == 4) && !r->ret->has_date;
    bool is_month_next =
        r->p + 1 < r->end && (*r->p == ' ') && ((r->p[1] | 32) >= 'a' && (r->p[1] | 32) <= 'z');
    bool is_added = is_solid && !is_month_next ? add_solid_date(r, x, len) : add_date_number(r, x, len);
    return is_added ? TEMPORAL_PARSED : TEMPORAL_BAD_TEXT;
}

static int32_t whole_year(int32_t year, int len) {
    if (len > 2) return year;
    return year < 50 ? 2000 + year : 1900 + year; /* "two digit year cutoff" 2049 */
}

/* Put the numbers met into year, month, day. */
static TemporalParse settle_date(Reader *r) {
    int year_at, month_at = -1, day_at;
    if (r->month != 0) {
        if (r->count == 1) { /* "Nov 2026": its first day */
            if (!add_date_number(r, 1, 1)) return TEMPORAL_BAD_TEXT;
        }
        if (r->count != 2) return TEMPORAL_BAD_TEXT;
        year_at = r->lengths[0] == 4 ? 0 : 1;
        day_at = 1 - year_at;
    } else {
        if (r->count != 3) return TEMPORAL_BAD_TEXT;
        int style = r->style % 100;
        bool is_year_first = r->is_solid || r->lengths[0] == 4 ||
                             (r->lengths[2] != 4 && (style == 2 || style == 11 || style == 12));
        bool is_day_first = style == 3 || style == 4 || style == 5;
        year_at = is_year_first ? 0 : 2;
        month_at = is_year_first ? 1 : is_day_first ? 1 : 0;
        day_at = 3 - year_at - month_at;
    }
    if (r->lengths[year_at] != 4 && r->lengths[year_at] > 2) return TEMPORAL_BAD_TEXT;
    if (r->lengths[day_at] > 2 || (month_at >= 0 && r->lengths[month_at] > 2)) return TEMPORAL_BAD_TEXT;
    int32_t year = whole_year(r->numbers[year_at], r->lengths[year_at]);
    int32_t month = month_at >= 0 ? r->numbers[month_at] : r->month, day = r->numbers[day_at];
    if (!temporal_is_date(year, month, day)) return TEMPORAL_OUT_OF_RANGE;
    r->ret->at.days = temporal_days(year, month, day);
    r->ret->has_date = true;
    return TEMPORAL_PARSED;
}

TemporalParse temporal_parse(Str text, int style, TemporalText *ret) {
    Str s = str_trim(text);
    TemporalText found = {.at = {.days = TEMPORAL_DAYS_1900}};
    Reader r = {.p = s.p, .end = s.p + s.n, .style = style, .ret = &found};
    if (s.n == 0) r.p = r.end = "";
    while (skip_blanks(&r), r.p < r.end) {
        TemporalParse result = TEMPORAL_PARSED;
        if (is_digit(&r)) result = read_item(&r);
        else if (*r.p == 'T' && r.count == 3 && !found.has_time) r.p++;
        else if (*r.p == '-' && r.count > 0 && r.month != 0) r.p++;
        else if (!read_month(&r)) result = TEMPORAL_BAD_TEXT;
        if (result != TEMPORAL_PARSED) return result;
    }
    if (r.count > 0 || r.month != 0) {
        TemporalParse result = settle_date(&r);
        if (result != TEMPORAL_PARSED) return result;
    }
    *ret = found;
    return TEMPORAL_PARSED;
}
