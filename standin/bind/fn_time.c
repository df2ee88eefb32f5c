/* Date functions over temporal.h and datepart.h. */
#include "standin/bind/datepart.h"
#include "standin/bind/fn_internal.h"
#include "standin/bind/timezone.h"
#include "standin/types/temporal.h"

static void give(sqlite3_context *c, const Type *t, Temporal x) {
    uint8_t blob[TEMPORAL_OFFSET_BYTES];
    Value v;
    if (temporal_pack(t, x, blob, &v)) fn_result(c, v);
    else fn_fail(c, 517, 1, "Adding a value to a '%s' column caused an overflow.", type_name(t->id));
}

/* (part, n, date, type) */
static void fn_dateadd(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 3, v)) return;
    Type t = fn_type(v[3]);
    Temporal x;
    DatePart part = (DatePart)sqlite3_value_int(v[0]);
    if (part == DATEPART_TZOFFSET)
        fn_fail(c, 9810, 1,
                "The datepart tzoffset is not supported by date function dateadd for data type %s.",
                type_name(t.id));
    else if (datepart_add(part, sqlite3_value_int64(v[1]), temporal_unpack(&t, fn_value(v[2])), &x))
        give(c, &t, x);
    else fn_fail(c, 517, 1, "Adding a value to a '%s' column caused an overflow.", type_name(t.id));
}

/* (part, from, to, type of from, type of to, is_big) */
static void fn_datediff(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 3, v)) return;
    Type from = fn_type(v[3]), to = fn_type(v[4]);
    bool is_big = sqlite3_value_int(v[5]) != 0;
    int64_t ret;
    bool ok = datepart_difference((DatePart)sqlite3_value_int(v[0]), temporal_unpack(&from, fn_value(v[1])),
                                  temporal_unpack(&to, fn_value(v[2])), &ret);
    if (ok && (is_big || (ret >= INT32_MIN && ret <= INT32_MAX))) sqlite3_result_int64(c, ret);
    else
        fn_fail(
            c, 535, 0,
            "The datediff function resulted in an overflow. The number of dateparts separating two date/time "
            "instances is too large. Try to use datediff with a less precise datepart.");
}

/* (part, date, type, datefirst) */
static void fn_datepart(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Type t = fn_type(v[2]);
    sqlite3_result_int(c, datepart_get((DatePart)sqlite3_value_int(v[0]), temporal_unpack(&t, fn_value(v[1])),
                                       sqlite3_value_int(v[3])));
}

static void fn_datename(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Type t = fn_type(v[2]);
    char buf[TEMPORAL_TEXT_SIZE];
    const char *text = datepart_format((DatePart)sqlite3_value_int(v[0]), temporal_unpack(&t, fn_value(v[1])),
                                       sqlite3_value_int(v[3]), buf);
    sqlite3_result_text(c, text, -1, SQLITE_TRANSIENT);
}

/* (date, type, months) */
static void fn_eomonth(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    static const Type date = {.id = TYPE_DATE};
    if (fn_has_null(c, 3, v)) return;
    Type t = fn_type(v[1]);
    Temporal x = temporal_unpack(&t, fn_value(v[0])), y;
    int32_t year, month, day;
    if (!datepart_add(DATEPART_MONTH, sqlite3_value_int64(v[2]), x, &y)) {
        fn_fail(c, 517, 1, "Adding a value to a 'date' column caused an overflow.");
        return;
    }
    temporal_civil(y.days, &year, &month, &day);
    for (day = 31; !temporal_is_date(year, month, day); day--) {}
    y = (Temporal){.days = temporal_days(year, month, day)};
    give(c, &date, y);
}

static void fn_datefromparts(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 3, v)) return;
    int32_t year = sqlite3_value_int(v[0]), month = sqlite3_value_int(v[1]), day = sqlite3_value_int(v[2]);
    if (temporal_is_date(year, month, day)) sqlite3_result_int(c, temporal_days(year, month, day));
    else
        fn_fail(c, 289, 1,
                "Cannot construct data type date, some of the arguments have values which are not valid.");
}

/* Minutes, or '+hh:mm'. */
static bool offset_of(sqlite3_value *v, int16_t *ret) {
    int64_t minutes;
    if (sqlite3_value_type(v) == SQLITE_INTEGER) {
        minutes = sqlite3_value_int64(v);
    } else {
        Str s = fn_text(v), hours;
        Err ignored;
        int64_t h, m;
        if (s.n != 6 || (s.p[0] != '+' && s.p[0] != '-')) return false;
        bool is_negative = s.p[0] == '-';
        s = str_sub(s, 1, 5);
        if (!str_split(&s, ':', &hours) || !str_to_i64(hours, 0, 14, &h, &ignored) ||
            !str_to_i64(s, 0, 59, &m, &ignored))
            return false;
        minutes = is_negative ? -(h * 60 + m) : h * 60 + m;
    }
    if (minutes < -TEMPORAL_MAX_OFFSET || minutes > TEMPORAL_MAX_OFFSET) return false;
    *ret = (int16_t)minutes;
    return true;
}

static void bad_offset(sqlite3_context *c, const char *function) {
    fn_fail(c, 9812, 0, "The timezone provided to builtin function %s is invalid.", function);
}

/* (date, offset, type of date, type of the result): the wall clock stays */
static void fn_todatetimeoffset(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Type from = fn_type(v[2]), to = fn_type(v[3]);
    Temporal x = temporal_unpack(&from, fn_value(v[0]));
    if (offset_of(v[1], &x.offset)) give(c, &to, x);
    else bad_offset(c, "todatetimeoffset");
}

/* (date, offset, type of date, type of the result): the moment stays */
static void fn_switchoffset(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Type from = fn_type(v[2]), to = fn_type(v[3]);
    Temporal x = temporal_unpack(&from, fn_value(v[0])), y;
    int16_t offset;
    if (!offset_of(v[1], &offset)) bad_offset(c, "switchoffset");
    else if (datepart_add(DATEPART_MINUTE, offset - x.offset, x, &y)) {
        y.offset = offset;
        give(c, &to, y);
    } else {
        fn_fail(c, 9812, 0, "The timezone provided to builtin function switchoffset is invalid.");
    }
}

/* (date, zone, type of date, type of the result): without an offset the wall clock is the zone's; with one
 * the moment stays */
static void fn_at_time_zone(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Type from = fn_type(v[2]), to = fn_type(v[3]);
    Temporal x = temporal_unpack(&from, fn_value(v[0]));
    const TimeZone *zone = timezone_by_name(fn_text(v[1]));
    Temporal y = x;
    if (!zone) {
        fn_fail(c, 9820, 1, "The time zone parameter '%.*s' provided to AT TIME ZONE clause is invalid.",
                STR_ARG(fn_text(v[1])));
        return;
    }
    if (from.id != TYPE_DATETIMEOFFSET) {
        y.offset = timezone_offset_of_local(zone, x);
    } else {
        Temporal utc;
        if (!datepart_add(DATEPART_MINUTE, -x.offset, x, &utc)) utc = x;
        int16_t offset = timezone_offset_of_utc(zone, utc);
        if (!datepart_add(DATEPART_MINUTE, offset, utc, &y)) y = x;
        y.offset = offset;
    }
    give(c, &to, y);
}

/* (part, date, type, datefirst) */
static void fn_datetrunc(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    if (fn_has_null(c, 2, v)) return;
    Type t = fn_type(v[2]);
    Temporal x;
    if (datepart_truncate((DatePart)sqlite3_value_int(v[0]), temporal_unpack(&t, fn_value(v[1])),
                          sqlite3_value_int(v[3]), &x))
        give(c, &t, x);
    else
        fn_fail(c, 9837, 3,
                "An invalid date value was encountered: The date value is less than the minimum date.");
}

/* Hour, minute, second, fraction of 10^digits; false: one of them is out of range. */
static bool clock_of(const int64_t *part, int64_t fraction, uint8_t digits, int64_t *ret_ticks) {
    int64_t unit = TEMPORAL_TICKS_PER_SECOND;
    for (uint8_t i = 0; i < digits; i++) unit /= 10;
    bool is_good = part[0] >= 0 && part[0] < 24 && part[1] >= 0 && part[1] < 60 && part[2] >= 0 &&
                   part[2] < 60 && fraction >= 0 && fraction * unit < TEMPORAL_TICKS_PER_SECOND;
    if (is_good)
        *ret_ticks = (part[0] * 3600 + part[1] * 60 + part[2]) * TEMPORAL_TICKS_PER_SECOND + fraction * unit;
    return is_good;
}

/* (type, numbers …): year to day unless it is a time, then hour to fraction, offset hours and minutes */
static void fn_fromparts(sqlite3_context *c, int n, sqlite3_value **v) {
    if (fn_has_null(c, n, v)) return;
    Type t = fn_type(v[0]);
    int64_t part[12] = {0};
    for (int i = 1; i < n && i <= 10; i++) part[i - 1] = sqlite3_value_int64(v[i]);
    const int64_t *clock = t.id == TYPE_TIME ? part : part + 3;
    uint8_t digits = t.id == TYPE_DATETIME ? 3 : t.id == TYPE_SMALLDATETIME ? 0 : t.scale;
    Temporal x = {.days = TEMPORAL_DAYS_1900};
    bool is_good = clock_of(clock, t.id == TYPE_SMALLDATETIME ? 0 : clock[3], digits, &x.ticks);
    if (t.id != TYPE_TIME) {
        is_good = is_good && part[0] > 0 && part[0] < 10000 && part[1] > 0 && part[1] < 13 && part[2] > 0 &&
                  part[2] < 32 && temporal_is_date((int32_t)part[0], (int32_t)part[1], (int32_t)part[2]);
        if (is_good) x.days = temporal_days((int32_t)part[0], (int32_t)part[1], (int32_t)part[2]);
    }
    int64_t offset = t.id == TYPE_DATETIMEOFFSET ? clock[4] * 60 + clock[5] : 0;
    is_good = is_good && offset >= -TEMPORAL_MAX_OFFSET && offset <= TEMPORAL_MAX_OFFSET;
    x.offset = is_good ? (int16_t)offset : 0;
    uint8_t blob[TEMPORAL_OFFSET_BYTES];
    Value ret;
    if (is_good && temporal_pack(&t, x, blob, &ret)) fn_result(c, ret);
    else
        fn_fail(c, 289, 1,
                "Cannot construct data type %s, some of the arguments have values which are not valid.",
                type_name(t.id));
}

/* datetime + days: is it still one? */
static void fn_check_datetime(sqlite3_context *c, int n, sqlite3_value **v) {
    (void)n;
    static const Type datetime = {.id = TYPE_DATETIME};
    if (fn_has_null(c, 1, v)) return;
    int64_t ticks = sqlite3_value_int64(v[0]);
    int64_t low = ((int64_t)TEMPORAL_DAYS_1753 - TEMPORAL_DAYS_1900) * TEMPORAL_300THS_PER_DAY;
    int64_t high = ((int64_t)TEMPORAL_DAYS_MAX + 1 - TEMPORAL_DAYS_1900) * TEMPORAL_300THS_PER_DAY;
    if (ticks >= low && ticks < high) sqlite3_result_int64(c, ticks);
    else fn_overflow(c, &datetime);
}

const FnRow fn_time_rows[] = {
    {"ts_check_datetime", 1, fn_check_datetime, false},
    {"ts_dateadd", 4, fn_dateadd, false},
    {"ts_datediff", 6, fn_datediff, false},
    {"ts_datefromparts", 3, fn_datefromparts, false},
    {"ts_at_time_zone", 4, fn_at_time_zone, false},
    {"ts_datename", 4, fn_datename, false},
    {"ts_datepart", 4, fn_datepart, false},
    {"ts_datetrunc", 4, fn_datetrunc, false},
    {"ts_fromparts", -1, fn_fromparts, false},
    {"ts_eomonth", 3, fn_eomonth, false},
    {"ts_switchoffset", 4, fn_switchoffset, false},
    {"ts_todatetimeoffset", 4, fn_todatetimeoffset, false},
    {NULL, 0, NULL, false},
};
