/*
 * Which column a field becomes is decided in two steps: by what every consumer of the topic can see (type and
 * semantic name), then by the source's own type where it was propagated. The second only ever narrows what
 * the first allows, and only where the wire form is the one that such a column has; so a parameter that lies
 * costs a refused value, never a wrong one.
 */
#include "convert/wire_column.h"

#include <string.h>

#include "record/civil.h"

__extension__ typedef unsigned __int128 UnsignedInt128;

#define PARAM_TYPE   "__debezium.source.column.type"
#define PARAM_LENGTH "__debezium.source.column.length"
#define PARAM_SCALE  "__debezium.source.column.scale"

enum { MAX_LENGTH = 8000, MAX_FRACTION = 7, MS_TICKS = 10000, US_TICKS = 10, TICK_NS = 100 };

#define EPOCH_TICKS (-(int64_t)CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY)
#define MAX_TICKS   (((int64_t)CIVIL_DAY_9999 - CIVIL_DAY_0001 + 1) * CIVIL_TICKS_PER_DAY)

/* ---- values ---- */

static bool out_of_range(const WireColumn *w, const char *what, Err *e) {
    return err_set(e, ERR_DATA, false, "field " STR_FMT ": its value is out of the range of %s",
                   STR_ARG(w->column.name), what);
}

static bool wrong_text(const WireColumn *w, const char *what, Err *e) {
    return err_set(e, ERR_DATA, false, "field " STR_FMT ": its text isn't %s", STR_ARG(w->column.name), what);
}

static bool put_decimal(const WireColumn *w, NumInt128 v, Arena *a, Value *ret, Err *e) {
    for (int i = 0; i < w->shift; i++)
        if (__builtin_mul_overflow(v, 10, &v)) return out_of_range(w, "decimal", e);
    if (v >= w->limit || v <= -w->limit) return out_of_range(w, "its decimal's precision", e);
    if (sqltype_form(SQLTYPE_DECIMAL, w->column.precision) == FORM_INT) {
        *ret = value_int((int64_t)v);
        return true;
    }
    char *p = arena_alloc(a, sizeof v);
    memcpy(p, &v, sizeof v);
    *ret = value_bytes(p, sizeof v);
    return true;
}

/* Two's complement, big-endian. */
static bool decimal_of_bytes(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    const uint8_t *p = (const uint8_t *)v->v.p;
    size_t n = v->n;
    if (n == 0)
        return err_set(e, ERR_DATA, false, "field " STR_FMT ": a decimal of no bytes",
                       STR_ARG(w->column.name));
    uint8_t fill = p[0] & 0x80 ? 0xFF : 0;
    for (; n > sizeof(NumInt128); p++, n--)
        if (p[0] != fill || ((p[1] ^ fill) & 0x80)) return out_of_range(w, "decimal", e);
    UnsignedInt128 u = fill ? ~(UnsignedInt128)0 : 0;
    for (size_t i = 0; i < n; i++) u = u << 8 | p[i];
    return put_decimal(w, (NumInt128)u, a, ret, e);
}

static bool decimal_of_text(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    NumInt128 number;
    Err why = {0};
    if (!numtext_parse(value_str(v), w->column.scale, &number, &why))
        return why.code == ERR_RANGE ? out_of_range(w, "its decimal", e) : wrong_text(w, "a number", e);
    return put_decimal(w, number, a, ret, e);
}

static bool date_of_days(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    if (v->v.i < CIVIL_DAY_0001 || v->v.i > CIVIL_DAY_9999) return out_of_range(w, "date", e);
    *ret = *v;
    return true;
}

static int64_t floor_div(int64_t v, int64_t by) {
    return v / by - (v % by < 0);
}

/* Wire units to ticks of 100 ns. */
static bool to_ticks(const WireColumn *w, int64_t v, int64_t *ret) {
    if (w->per_tick == -TICK_NS) {
        *ret = floor_div(v, TICK_NS);
        return true;
    }
    return !__builtin_mul_overflow(v, w->per_tick, ret);
}

static bool time_of_number(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    int64_t ticks;
    if (!to_ticks(w, v->v.i, &ticks) || ticks < 0 || ticks >= CIVIL_TICKS_PER_DAY)
        return out_of_range(w, "a time of day", e);
    *ret = value_int(ticks);
    return true;
}

static bool stamp_of_number(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    int64_t ticks;
    if (!to_ticks(w, v->v.i, &ticks) || __builtin_add_overflow(ticks, EPOCH_TICKS, &ticks) || ticks < 0 ||
        ticks >= MAX_TICKS)
        return out_of_range(w, "datetime2 (years 1 to 9999)", e);
    *ret = value_int(ticks);
    return true;
}

/* A text of civil.h with any number of digits behind the second; those past the 7th are cut off. */
static bool parse_civil(Str text, CivilText *ret) {
    if (civil_parse(text, ret)) return true;
    char cut[64];
    size_t dot = str_find(text, '.'), keep = dot + 1 + MAX_FRACTION, at = keep;
    if (text.n >= sizeof cut || keep >= text.n) return false;
    while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9') at++;
    memcpy(cut, text.p, keep);
    memcpy(cut + keep, text.p + at, text.n - at);
    return civil_parse((Str){cut, keep + text.n - at}, ret);
}

static bool date_of_text(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    CivilText t;
    Str text = value_str(v);
    if (str_ends(text, STR_LIT("Z"))) text.n--; /* Debezium's IsoDate has the zone behind it */
    if (!parse_civil(text, &t) || !t.has_date || t.has_time) return wrong_text(w, "a date", e);
    *ret = value_int(t.days);
    return true;
}

static bool time_of_text(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    CivilText t;
    if (!parse_civil(value_str(v), &t) || t.has_date || !t.has_time || t.offset_minutes != 0)
        return wrong_text(w, "a time of day", e);
    *ret = value_int(t.ticks);
    return true;
}

static bool stamp_of_text(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    CivilText t;
    if (!parse_civil(value_str(v), &t) || !t.has_date || !t.has_time || t.offset_minutes != 0)
        return wrong_text(w, "a date and time", e);
    *ret = value_int((t.days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY + t.ticks);
    return true;
}

static bool zoned_of_text(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    (void)a;
    CivilText t;
    if (str_starts(value_str(v), STR_LIT("0000-")))
        return out_of_range(w, "datetimeoffset", e); /* Java's year 0 */
    if (!parse_civil(value_str(v), &t) || !t.has_date || !t.has_time || !t.has_offset)
        return wrong_text(w, "a date and time with an offset", e);
    int64_t ticks = (t.days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY + t.ticks -
                    t.offset_minutes * 60 * CIVIL_TICKS_PER_SECOND;
    if (ticks < 0 || ticks >= MAX_TICKS || t.offset_minutes < -840 || t.offset_minutes > 840)
        return out_of_range(w, "datetimeoffset", e);
    *ret = value_int(ticks);
    ret->aux = (int16_t)t.offset_minutes;
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "6F9619FF-8B86-D011-B42D-00C04FC964FF" */
static bool guid_of_text(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    enum { TEXT_BYTES = 36, GUID_BYTES = 16 };
    uint8_t *out = (uint8_t *)arena_bytes(a, GUID_BYTES);
    const char *p = v->v.p;
    bool ok = v->n == TEXT_BYTES;
    for (size_t i = 0, at = 0; ok && i < TEXT_BYTES;) {
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            ok = p[i++] == '-';
            continue;
        }
        int hi = hex_digit(p[i]), lo = hex_digit(p[i + 1]);
        ok = hi >= 0 && lo >= 0;
        out[at++] = (uint8_t)((hi & 15) << 4 | (lo & 15));
        i += 2;
    }
    if (!ok) return wrong_text(w, "a UUID", e);
    *ret = value_bytes((const char *)out, GUID_BYTES);
    return true;
}

/* ---- columns ---- */

static int64_t param_number(const ConnectSchema *s, const char *name, int64_t lo, int64_t hi, int64_t other) {
    int64_t v;
    Err e = {0};
    Str text = connect_schema_param(s, name);
    return text.p && str_to_i64(text, lo, hi, &v, &e) ? v : other;
}

static bool decimal_column(const ConnectSchema *s, WireColumn *w, Err *e) {
    int64_t scale = param_number(s, CONNECT_PARAM_SCALE, -NUMTEXT_MAX_DIGITS, INT16_MAX, INT16_MAX);
    if (scale > NUMTEXT_MAX_DIGITS)
        return err_set(e, ERR_DATA, false,
                       "field " STR_FMT
                       ": a decimal whose scale isn't given or is past %d digits can't be a column",
                       STR_ARG(w->column.name), NUMTEXT_MAX_DIGITS);
    int64_t precision = param_number(s, CONNECT_PARAM_PRECISION, 1, INT32_MAX, NUMTEXT_MAX_DIGITS);
    if (scale < 0) {
        w->shift = (int16_t)-scale;
        precision -= scale;
        scale = 0;
    }
    if (precision > NUMTEXT_MAX_DIGITS) precision = NUMTEXT_MAX_DIGITS;
    if (precision < scale) precision = scale;
    w->column.type = SQLTYPE_DECIMAL;
    w->column.precision = (uint8_t)precision;
    w->column.scale = (uint8_t)scale;
    w->limit = numtext_power10((int)precision);
    w->convert = decimal_of_bytes;
    return true;
}

/* Semantic names and what becomes of them; the first digit of scale is that of the column. */
static const struct {
    const char *name;
    ConnectType wire;
    SqlType type;
    uint8_t scale;
    int32_t per_tick; /* -100: nanoseconds */
    WireConvert convert;
} semantics[] = {
    {CONNECT_DATE, CONNECT_INT32, SQLTYPE_DATE, 0, 0, date_of_days},
    {CONNECT_TIME, CONNECT_INT32, SQLTYPE_TIME, 3, MS_TICKS, time_of_number},
    {CONNECT_TIMESTAMP, CONNECT_INT64, SQLTYPE_DATETIME2, 3, MS_TICKS, stamp_of_number},
    {"io.debezium.time.Date", CONNECT_INT32, SQLTYPE_DATE, 0, 0, date_of_days},
    {"io.debezium.time.Time", CONNECT_INT32, SQLTYPE_TIME, 3, MS_TICKS, time_of_number},
    {"io.debezium.time.MicroTime", CONNECT_INT64, SQLTYPE_TIME, 6, US_TICKS, time_of_number},
    {"io.debezium.time.NanoTime", CONNECT_INT64, SQLTYPE_TIME, 7, -TICK_NS, time_of_number},
    {"io.debezium.time.Timestamp", CONNECT_INT64, SQLTYPE_DATETIME2, 3, MS_TICKS, stamp_of_number},
    {"io.debezium.time.MicroTimestamp", CONNECT_INT64, SQLTYPE_DATETIME2, 6, US_TICKS, stamp_of_number},
    {"io.debezium.time.NanoTimestamp", CONNECT_INT64, SQLTYPE_DATETIME2, 7, -TICK_NS, stamp_of_number},
    {"io.debezium.time.ZonedTimestamp", CONNECT_STRING, SQLTYPE_DATETIMEOFFSET, 7, 0, zoned_of_text},
    {"io.debezium.time.IsoDate", CONNECT_STRING, SQLTYPE_DATE, 0, 0, date_of_text},
    {"io.debezium.time.IsoTime", CONNECT_STRING, SQLTYPE_TIME, 7, 0, time_of_text},
    {"io.debezium.time.IsoTimestamp", CONNECT_STRING, SQLTYPE_DATETIME2, 7, 0, stamp_of_text},
    {"io.debezium.data.Uuid", CONNECT_STRING, SQLTYPE_UNIQUEIDENTIFIER, 0, 0, guid_of_text},
    {"io.debezium.data.Xml", CONNECT_STRING, SQLTYPE_XML, 0, 0, NULL},
};

static bool semantic_column(const ConnectSchema *s, WireColumn *w) {
    for (size_t i = 0; s->name.n > 0 && i < sizeof semantics / sizeof *semantics; i++) {
        if (s->type != semantics[i].wire || !str_eq_c(s->name, semantics[i].name)) continue;
        w->column.type = semantics[i].type;
        w->column.scale = semantics[i].scale;
        w->per_tick = semantics[i].per_tick;
        w->convert = semantics[i].convert;
        return true;
    }
    return false;
}

static bool plain_column(const ConnectSchema *s, WireColumn *w, Err *e) {
    static const SqlType plain[] = {
        [CONNECT_INT8] = SQLTYPE_SMALLINT,   [CONNECT_INT16] = SQLTYPE_SMALLINT,
        [CONNECT_INT32] = SQLTYPE_INT,       [CONNECT_INT64] = SQLTYPE_BIGINT,
        [CONNECT_FLOAT32] = SQLTYPE_REAL,    [CONNECT_FLOAT64] = SQLTYPE_FLOAT,
        [CONNECT_BOOLEAN] = SQLTYPE_BIT,     [CONNECT_STRING] = SQLTYPE_NVARCHAR,
        [CONNECT_BYTES] = SQLTYPE_VARBINARY,
    };
    if (s->type >= CONNECT_ARRAY)
        return err_set(
            e, ERR_DATA, false,
            "field " STR_FMT " is of Connect's type %s%s" STR_FMT
            ", which no column holds; leave it out (field.exclude.list, ReplaceField) or make a text of it",
            STR_ARG(w->column.name), connect_type_name(s->type), s->name.n ? " " : "", STR_ARG(s->name));
    w->column.type = plain[s->type];
    w->column.is_lob = s->type == CONNECT_STRING || s->type == CONNECT_BYTES;
    w->column.length = w->column.is_lob ? -1 : 0;
    return true;
}

/* ---- the propagated source type ---- */

static void set_length(const ConnectSchema *s, SqlType type, WireColumn *w) {
    int64_t length = param_number(s, PARAM_LENGTH, 1, MAX_LENGTH, -1);
    w->column.type = type;
    w->column.length = (int32_t)length;
    w->column.is_lob = length < 0;
}

static void set_decimal(int64_t precision, int64_t scale, WireColumn *w) {
    if (precision < scale) return;
    w->column.type = SQLTYPE_DECIMAL;
    w->column.precision = (uint8_t)precision;
    w->column.scale = (uint8_t)scale;
    w->column.length = 0;
    w->column.is_lob = false;
    w->limit = numtext_power10((int)precision);
    w->convert = decimal_of_text;
}

static void narrow_text(const ConnectSchema *s, SqlType type, WireColumn *w) {
    switch (type) {
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR: set_length(s, type, w); return;
    case SQLTYPE_TEXT:
    case SQLTYPE_NTEXT:
    case SQLTYPE_XML:
        w->column.type = type;
        w->column.length = 0;
        return;
    case SQLTYPE_UNIQUEIDENTIFIER:
        w->column.type = type;
        w->column.length = 0;
        w->column.is_lob = false;
        w->convert = guid_of_text;
        return;
    case SQLTYPE_MONEY: set_decimal(19, 4, w); return; /* decimal.handling.mode=string */
    case SQLTYPE_SMALLMONEY: set_decimal(10, 4, w); return;
    case SQLTYPE_DECIMAL:
        set_decimal(param_number(s, PARAM_LENGTH, 1, NUMTEXT_MAX_DIGITS, -1),
                    param_number(s, PARAM_SCALE, 0, NUMTEXT_MAX_DIGITS, 0), w);
        return;
    default: return;
    }
}

static void narrow_bytes(const ConnectSchema *s, SqlType type, WireColumn *w) {
    if (type == SQLTYPE_BINARY || type == SQLTYPE_VARBINARY) set_length(s, type, w);
    if (type != SQLTYPE_ROWVERSION && type != SQLTYPE_IMAGE) return;
    w->column.type = type;
    w->column.length = 0;
    w->column.is_lob = type == SQLTYPE_IMAGE;
}

static void narrow_time(const ConnectSchema *s, SqlType type, WireColumn *w) {
    SqlType has = w->column.type;
    if (has == SQLTYPE_DATETIME2 && (type == SQLTYPE_DATETIME || type == SQLTYPE_SMALLDATETIME)) {
        w->column.type = type;
        w->column.scale = type == SQLTYPE_DATETIME ? 3 : 0; /* as SQL Server tells it */
    }
    if (type == has && (has == SQLTYPE_TIME || has == SQLTYPE_DATETIME2 || has == SQLTYPE_DATETIMEOFFSET))
        w->column.scale = (uint8_t)param_number(s, PARAM_SCALE, 0, MAX_FRACTION, w->column.scale);
}

static void narrow(const ConnectSchema *s, WireColumn *w) {
    Str name = connect_schema_param(s, PARAM_TYPE);
    size_t blank = str_find(name, ' '); /* "int identity" */
    SqlType type = sqltype_by_name(str_sub(name, 0, blank));
    if (type == SQLTYPE_UNKNOWN) return;
    if (s->type == CONNECT_STRING && s->name.n == 0) narrow_text(s, type, w);
    else if (s->type == CONNECT_BYTES && s->name.n == 0) narrow_bytes(s, type, w);
    else narrow_time(s, type, w);
}

bool wire_column_of(Str name, const ConnectSchema *s, WireColumn *ret, Err *e) {
    *ret = (WireColumn){.column = {.name = name, .is_nullable = s->is_optional}};
    if (s->type == CONNECT_BYTES && str_eq_c(s->name, CONNECT_DECIMAL)) return decimal_column(s, ret, e);
    if (!semantic_column(s, ret) && !plain_column(s, ret, e)) return false;
    narrow(s, ret);
    return true;
}
