#include "transform/java_date.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/civil.h"

enum { MS_PER_DAY = 86400000, MAX_DIGITS = 9 };

typedef struct DateField {
    char letter; /* 0: the text */
    int width;
    Str text;
} DateField;

struct JavaDate {
    char *texts; /* owned: the literal texts */
    DateField *fields;
    size_t count;
};

static const char LETTERS[] = "yMLdDEuaHkKhmsSGzZX";
static const char *const MONTHS[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const DAYS[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                   "Thursday", "Friday", "Saturday"};

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static DateField *add_field(JavaDate *f, char letter) {
    f->fields = x_reallocarray(f->fields, f->count + 1, sizeof *f->fields);
    f->fields[f->count] = (DateField){.letter = letter};
    return &f->fields[f->count++];
}

static void add_literal(JavaDate *f, char **at, char c) {
    if (f->count == 0 || f->fields[f->count - 1].letter) add_field(f, 0)->text.p = *at;
    f->fields[f->count - 1].text.n++;
    *(*at)++ = c;
}

static bool compile(JavaDate *f, const char *pattern, Err *e) {
    char *at = f->texts;
    bool is_quoted = false;
    for (const char *p = pattern; *p; p++) {
        if (*p == '\'') {
            if (p[1] == '\'') add_literal(f, &at, *p++);
            else is_quoted = !is_quoted;
        } else if (is_quoted || !is_letter(*p)) add_literal(f, &at, *p);
        else if (f->count && f->fields[f->count - 1].letter == *p && p[-1] == *p)
            f->fields[f->count - 1].width++;
        else if (!strchr(LETTERS, *p))
            return err_set(e, ERR_INVALID, false, "date format '%s': letter '%c' is not supported; of %s",
                           pattern, *p, LETTERS);
        else add_field(f, *p)->width = 1;
    }
    if (is_quoted) return err_set(e, ERR_INVALID, false, "date format '%s': a quote is missing", pattern);
    return true;
}

bool java_date_new(const char *pattern, JavaDate **ret, Err *e) {
    JavaDate *f = x_calloc(1, sizeof *f);
    f->texts = x_malloc(strlen(pattern) + 1);
    if (!compile(f, pattern, e)) {
        (void)java_date_free(f);
        return false;
    }
    *ret = f;
    return true;
}

JavaDate *java_date_free(JavaDate *f) {
    if (!f) return NULL;
    free(f->texts);
    free(f->fields);
    free(f);
    return NULL;
}

/* ---- formatting ---- */

typedef struct Moment {
    int64_t days, ms; /* of the day */
    CivilDate date;
} Moment;

static Moment moment_of(int64_t ms) {
    int64_t in_day = ((ms % MS_PER_DAY) + MS_PER_DAY) % MS_PER_DAY;
    Moment m = {.days = (ms - in_day) / MS_PER_DAY, .ms = in_day};
    m.date = civil_from_days(m.days);
    return m;
}

static void put_name(Buf *out, const char *name, int width) {
    buf_str(out, str_sub(str_from(name), 0, width >= 4 ? 99 : 3));
}

static void put_year(Buf *out, int64_t year, int width) {
    if (width == 2) buf_printf(out, "%02d", (int)((year <= 0 ? 1 - year : year) % 100));
    else buf_printf(out, "%0*lld", width, (long long)(year <= 0 ? 1 - year : year));
}

static void put_field(const DateField *d, const Moment *m, Buf *out) {
    int hour = (int)(m->ms / 3600000), week_day = (int)(((m->days + 4) % 7 + 7) % 7);
    int n = 0;
    switch (d->letter) {
    case 'y': put_year(out, m->date.year, d->width); return;
    case 'M':
    case 'L':
        if (d->width >= 3) {
            put_name(out, MONTHS[m->date.month - 1], d->width);
            return;
        }
        n = m->date.month;
        break;
    case 'd': n = m->date.day; break;
    case 'D': n = (int)(m->days - civil_to_days((CivilDate){m->date.year, 1, 1})) + 1; break;
    case 'E': put_name(out, DAYS[week_day], d->width); return;
    case 'u': n = week_day ? week_day : 7; break;
    case 'a': buf_cstr(out, hour < 12 ? "AM" : "PM"); return;
    case 'H': n = hour; break;
    case 'k': n = hour ? hour : 24; break;
    case 'K': n = hour % 12; break;
    case 'h': n = hour % 12 ? hour % 12 : 12; break;
    case 'm': n = (int)(m->ms / 60000 % 60); break;
    case 's': n = (int)(m->ms / 1000 % 60); break;
    case 'S': n = (int)(m->ms % 1000); break;
    case 'G': buf_cstr(out, m->date.year > 0 ? "AD" : "BC"); return;
    case 'z': buf_cstr(out, d->width >= 4 ? "Coordinated Universal Time" : "UTC"); return;
    case 'Z': buf_cstr(out, "+0000"); return;
    default: buf_cstr(out, "Z"); return;
    }
    buf_printf(out, "%0*d", d->width, n);
}

void java_date_format(const JavaDate *f, int64_t ms, Buf *out) {
    Moment m = moment_of(ms);
    for (size_t i = 0; i < f->count; i++) {
        if (f->fields[i].letter) put_field(&f->fields[i], &m, out);
        else buf_str(out, f->fields[i].text);
    }
}

/* ---- parsing ---- */

typedef struct Parsed {
    int64_t year, month, day, year_day, hour, minute, second, milli, offset_ms;
    int half; /* 0 AM, 1 PM, -1 not told */
    bool has_year_day, is_bc, is_half_day;
} Parsed;

/* A number at *s: all its digits; just within the next width characters when another field follows at once.
 */
static bool take_number(Str *s, int width, bool is_tight, int64_t *ret, size_t *ret_digits) {
    if (is_tight && s->n < (size_t)width) return false;
    size_t i = 0, end = is_tight ? (size_t)width : s->n;
    while (i < end && (s->p[i] == ' ' || s->p[i] == '\t')) i++;
    bool is_negative = i < end && s->p[i] == '-';
    size_t from = i += is_negative;
    int64_t v = 0;
    for (; i < end && s->p[i] >= '0' && s->p[i] <= '9' && i - from < MAX_DIGITS; i++)
        v = v * 10 + (s->p[i] - '0');
    if (i == from) return false;
    *ret = is_negative ? -v : v;
    *ret_digits = i - from;
    *s = str_sub(*s, i, s->n);
    return true;
}

static bool take_name(Str *s, const char *const *names, int count, int64_t *ret) {
    for (int full = 1; full >= 0; full--)
        for (int i = 0; i < count; i++) {
            Str name = str_sub(str_from(names[i]), 0, full ? 99 : 3);
            if (s->n >= name.n && str_eq_icase(str_sub(*s, 0, name.n), name)) {
                *s = str_sub(*s, name.n, s->n);
                *ret = i;
                return true;
            }
        }
    return false;
}

/* Z, UTC, GMT, +hh, +hhmm, +hh:mm */
static bool take_zone(Str *s, int64_t *ret_ms) {
    static const char *const names[] = {"UTC", "GMT"};
    int64_t i = 0;
    *ret_ms = 0;
    if (s->n && s->p[0] == 'Z') {
        *s = str_sub(*s, 1, s->n);
        return true;
    }
    bool has_name = take_name(s, names, 2, &i);
    if (s->n < 3 || (s->p[0] != '+' && s->p[0] != '-')) return has_name;
    int sign = s->p[0] == '-' ? -1 : 1;
    *s = str_sub(*s, 1, s->n);
    int64_t hours = 0, minutes = 0;
    size_t digits = 0;
    if (!take_number(s, 2, true, &hours, &digits)) return false;
    if (s->n && s->p[0] == ':') *s = str_sub(*s, 1, s->n);
    if (s->n && s->p[0] >= '0' && s->p[0] <= '9' && !take_number(s, 2, true, &minutes, &digits)) return false;
    *ret_ms = sign * (hours * 3600000 + minutes * 60000);
    return true;
}

static int64_t full_year(int64_t year, int64_t now_ms) {
    int64_t start = moment_of(now_ms).date.year - 80;
    int64_t ret = start - (start % 100 + 100) % 100 + year;
    return ret < start ? ret + 100 : ret;
}

static bool take_text(const DateField *d, Str *s, Parsed *p) {
    int64_t i = 0;
    switch (d->letter) {
    case 'E': return take_name(s, DAYS, 7, &i);
    case 'M':
    case 'L':
        if (!take_name(s, MONTHS, 12, &i)) return false;
        p->month = i + 1;
        return true;
    case 'a': {
        static const char *const halves[] = {"AM", "PM"};
        if (!take_name(s, halves, 2, &i)) return false;
        p->half = (int)i;
        return true;
    }
    case 'G': {
        static const char *const eras[] = {"BC", "AD"};
        if (!take_name(s, eras, 2, &i)) return false;
        p->is_bc = i == 0;
        return true;
    }
    default: return take_zone(s, &p->offset_ms);
    }
}

static bool is_number(const DateField *d) {
    return d->letter && strchr("ydDuHkKhmsS", d->letter)
               ? true
               : d->letter && strchr("ML", d->letter) && d->width < 3;
}

static bool take_field(const DateField *d, bool is_tight, Str *s, int64_t now_ms, Parsed *p) {
    if (!is_number(d)) return take_text(d, s, p);
    int64_t n = 0;
    size_t digits = 0;
    if (!take_number(s, d->width, is_tight, &n, &digits)) return false;
    switch (d->letter) {
    case 'y': p->year = d->width <= 2 && digits == 2 && n >= 0 ? full_year(n, now_ms) : n; break;
    case 'M':
    case 'L': p->month = n; break;
    case 'd': p->day = n; break;
    case 'D':
        p->year_day = n;
        p->has_year_day = true;
        break;
    case 'H': p->hour = n; break;
    case 'k': p->hour = n == 24 ? 0 : n; break;
    case 'K':
    case 'h':
        p->hour = d->letter == 'h' && n == 12 ? 0 : n;
        p->is_half_day = true;
        break;
    case 'm': p->minute = n; break;
    case 's': p->second = n; break;
    case 'S': p->milli = n; break;
    default: break; /* u: the date tells it */
    }
    return true;
}

static int64_t parsed_ms(const Parsed *p) {
    int64_t hour = p->hour + (p->is_half_day && p->half == 1 ? 12 : 0);
    int64_t months = (p->is_bc ? 1 - p->year : p->year) * 12 + p->month - 1;
    int64_t year = (months - ((months % 12) + 12) % 12) / 12;
    int64_t days = civil_to_days((CivilDate){(int32_t)year, (uint8_t)(months - year * 12 + 1), 1});
    days += p->has_year_day ? p->year_day - 1 : p->day - 1;
    return days * MS_PER_DAY + hour * 3600000 + p->minute * 60000 + p->second * 1000 + p->milli -
           p->offset_ms;
}

bool java_date_parse(const JavaDate *f, Str text, int64_t now_ms, int64_t *ret_ms) {
    Parsed p = {.year = 1970, .month = 1, .day = 1, .half = -1};
    for (size_t i = 0; i < f->count; i++) {
        const DateField *d = &f->fields[i];
        if (!d->letter) {
            if (!str_starts(text, d->text)) return false;
            text = str_sub(text, d->text.n, text.n);
            continue;
        }
        bool is_tight = i + 1 < f->count && f->fields[i + 1].letter;
        if (!take_field(d, is_tight, &text, now_ms, &p)) return false;
    }
    if (p.year < -290000 || p.year > 290000 || p.month < -99999 || p.month > 99999) return false;
    if (p.has_year_day) p.month = 1;
    *ret_ms = parsed_ms(&p);
    return true;
}
