/*
 * Every base type is converted to its own type first, and from there by a style that loses nothing: CONVERT
 * of a variant ignores styles. SQL Server evaluates only the branch of CASE that it takes. (Style 3 of float
 * and real has been there since SQL Server 2016.)
 */
#include "sqlserver/sqlvariant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NUMBER = 64 };

typedef enum Written { AS_NUMBER, AS_BOOL, AS_TEXT, AS_FLOAT, AS_REAL, AS_TIME, AS_BINARY } Written;
enum { HAS_PRECISION = 1, HAS_SCALE = 2, HAS_LENGTH = 4, HAS_COLLATION = 8 };

typedef struct BaseType {
    const char *name;
    Written written;
    unsigned has;
    const char *through; /* the type it is converted to first; NULL = none */
    const char *style;   /* of the conversion to text, ", 121" */
} BaseType;

static const BaseType BASE_TYPES[] = {
    {"bit", AS_BOOL, 0, NULL, ""},
    {"tinyint", AS_NUMBER, 0, NULL, ""},
    {"smallint", AS_NUMBER, 0, NULL, ""},
    {"int", AS_NUMBER, 0, NULL, ""},
    {"bigint", AS_NUMBER, 0, NULL, ""},
    {"decimal", AS_NUMBER, HAS_PRECISION | HAS_SCALE, NULL, ""},
    {"numeric", AS_NUMBER, HAS_PRECISION | HAS_SCALE, NULL, ""},
    {"money", AS_NUMBER, 0, "money", ", 2"},
    {"smallmoney", AS_NUMBER, 0, "smallmoney", ", 2"},
    {"real", AS_REAL, 0, "real", ", 3"},
    {"float", AS_FLOAT, 0, "float", ", 3"},
    {"date", AS_TIME, 0, "date", ", 23"},
    {"time", AS_TIME, HAS_SCALE, "time(7)", ", 121"},
    {"smalldatetime", AS_TIME, 0, "smalldatetime", ", 120"},
    {"datetime", AS_TIME, 0, "datetime", ", 121"},
    {"datetime2", AS_TIME, HAS_SCALE, "datetime2(7)", ", 121"},
    {"datetimeoffset", AS_TIME, HAS_SCALE, "datetimeoffset(7)", ", 121"},
    {"char", AS_TEXT, HAS_LENGTH | HAS_COLLATION, NULL, ""},
    {"varchar", AS_TEXT, HAS_LENGTH | HAS_COLLATION, NULL, ""},
    {"nchar", AS_TEXT, HAS_LENGTH | HAS_COLLATION, NULL, ""},
    {"nvarchar", AS_TEXT, HAS_LENGTH | HAS_COLLATION, NULL, ""},
    {"binary", AS_BINARY, HAS_LENGTH, "varbinary(8000)", ", 2"},
    {"varbinary", AS_BINARY, HAS_LENGTH, "varbinary(8000)", ", 2"},
    {"uniqueidentifier", AS_TEXT, 0, NULL, ""},
};
enum { BASE_TYPE_COUNT = sizeof BASE_TYPES / sizeof *BASE_TYPES };

/* ---- asking ---- */

static void add_property(Str quoted, const char *name, int length, Buf *sql) {
    buf_printf(sql, "CONVERT(nvarchar(%d), SQL_VARIANT_PROPERTY(" STR_FMT ", '%s'))", length, STR_ARG(quoted),
               name);
}

static void add_value(Str quoted, Buf *sql) {
    buf_cstr(sql, "CASE ");
    add_property(quoted, "BaseType", 128, sql);
    for (size_t i = 0; i < BASE_TYPE_COUNT; i++) {
        const BaseType *t = &BASE_TYPES[i];
        if (t->through)
            buf_printf(sql, " WHEN N'%s' THEN CONVERT(nvarchar(max), CONVERT(%s, " STR_FMT ")%s)", t->name,
                       t->through, STR_ARG(quoted), t->style);
    }
    buf_printf(sql, " ELSE CONVERT(nvarchar(max), " STR_FMT ") END", STR_ARG(quoted));
}

void sqlvariant_select(Str quoted, Buf *sql) {
    static const char *const properties[] = {"Precision", "Scale", "MaxLength", "Collation"};
    buf_printf(sql, "CASE WHEN " STR_FMT " IS NOT NULL THEN CONCAT(", STR_ARG(quoted));
    add_property(quoted, "BaseType", 128, sql);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        buf_cstr(sql, ", N'|', ");
        add_property(quoted, properties[i], 128, sql);
    }
    buf_cstr(sql, ", N'|', ");
    add_value(quoted, sql);
    buf_cstr(sql, ") END");
}

/* ---- answering ---- */

/* As PostgreSQL's escape_json: what need not be escaped isn't. */
static void put_string(Str s, Buf *out) {
    buf_u8(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        switch (c) {
        case '"': buf_cstr(out, "\\\""); break;
        case '\\': buf_cstr(out, "\\\\"); break;
        case '\b': buf_cstr(out, "\\b"); break;
        case '\f': buf_cstr(out, "\\f"); break;
        case '\n': buf_cstr(out, "\\n"); break;
        case '\r': buf_cstr(out, "\\r"); break;
        case '\t': buf_cstr(out, "\\t"); break;
        default: /* U+0000 stays: what becomes of it is decided for all texts alike */
            if (c > 0 && c < 0x20) buf_printf(out, "\\u%04x", c);
            else buf_u8(out, c);
        }
    }
    buf_u8(out, '"');
}

static bool is_number(Str s) {
    size_t digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool is_digit = s.p[i] >= '0' && s.p[i] <= '9';
        digits += is_digit;
        if (!is_digit && s.p[i] != '.' && !(i == 0 && s.p[i] == '-')) return false;
    }
    return digits > 0;
}

/* The fewest digits that read back as the same number. */
static bool put_float(Str s, bool is_real, Buf *out) {
    char text[MAX_NUMBER], shown[MAX_NUMBER];
    if (s.n == 0 || s.n >= sizeof text) return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    char *end;
    double d = strtod(text, &end);
    if (*end) return false;
    for (int digits = is_real ? 6 : 15; digits <= 17; digits++) {
        (void)snprintf(shown, sizeof shown, "%.*g", digits, d);
        if (is_real ? strtof(shown, NULL) == strtof(text, NULL) : strtod(shown, NULL) == d) break;
    }
    put_string(str_from(shown), out);
    return true;
}

/* "2026-01-02 03:04:05.1234567 +01:00" → "2026-01-02T03:04:05.123+01:00" by the scale. */
static void put_time(Str s, int64_t scale, bool has_scale, Buf *out) {
    size_t point = str_find(s, '.'), end = point;
    while (end < s.n && s.p[end] != ' ') end++;
    Str fraction = str_sub(s, point, end - point), head = str_sub(s, 0, point), zone = str_sub(s, end, s.n);
    buf_u8(out, '"');
    for (size_t i = 0; i < head.n; i++) buf_u8(out, head.p[i] == ' ' ? 'T' : (uint8_t)head.p[i]);
    if (!has_scale) buf_str(out, fraction);
    else if (scale > 0) buf_str(out, str_sub(fraction, 0, (size_t)scale + 1));
    buf_str(out, str_trim(zone));
    buf_u8(out, '"');
}

typedef struct Variant {
    Str type, precision, scale, length, collation, value;
} Variant;

static bool split(Str text, Variant *ret) {
    Str *fields[] = {&ret->type, &ret->precision, &ret->scale, &ret->length, &ret->collation};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t at = str_find(text, '|');
        if (at == text.n) return false;
        *fields[i] = str_sub(text, 0, at);
        text = str_sub(text, at + 1, text.n);
    }
    ret->value = text;
    return true;
}

static bool put_value(const BaseType *t, const Variant *v, Buf *out) {
    int64_t scale = 0;
    Err unused;
    if (t->has & HAS_SCALE && !str_to_i64(v->scale, 0, 38, &scale, &unused)) return false;
    switch (t->written) {
    case AS_NUMBER: buf_str(out, v->value); return is_number(v->value);
    case AS_BOOL:
        buf_cstr(out, str_eq_c(v->value, "1") ? "true" : "false");
        return str_eq_c(v->value, "1") || str_eq_c(v->value, "0");
    case AS_TEXT: put_string(v->value, out); return true;
    case AS_FLOAT:
    case AS_REAL: return put_float(v->value, t->written == AS_REAL, out);
    case AS_TIME: put_time(v->value, scale, (t->has & HAS_SCALE) != 0, out); return true;
    case AS_BINARY: buf_printf(out, "\"0x" STR_FMT "\"", STR_ARG(v->value)); return true;
    }
    return false;
}

/* The members in jsonb's order: by length, then by bytes. */
static bool put_object(const BaseType *t, const Variant *v, Buf *out) {
    buf_printf(out, "{\"type\": \"%s\"", t->name);
    if (t->has & HAS_SCALE) buf_printf(out, ", \"scale\": " STR_FMT, STR_ARG(v->scale));
    buf_cstr(out, ", \"value\": ");
    if (!put_value(t, v, out)) return false;
    if (t->has & HAS_COLLATION) {
        buf_cstr(out, ", \"collation\": ");
        put_string(v->collation, out);
    }
    if (t->has & HAS_PRECISION) buf_printf(out, ", \"precision\": " STR_FMT, STR_ARG(v->precision));
    if (t->has & HAS_LENGTH) buf_printf(out, ", \"max_length\": " STR_FMT, STR_ARG(v->length));
    buf_u8(out, '}');
    return (!(t->has & HAS_PRECISION) || is_number(v->precision)) &&
           (!(t->has & HAS_LENGTH) || is_number(v->length));
}

bool sqlvariant_json(Str text, Buf *out, Err *e) {
    Variant v;
    if (!split(text, &v))
        return err_set(e, ERR_DATA, false, "the server wrote a sql_variant in another form");
    for (size_t i = 0; i < BASE_TYPE_COUNT; i++) {
        if (!str_eq_c(v.type, BASE_TYPES[i].name)) continue;
        return put_object(&BASE_TYPES[i], &v, out) ||
               err_set(e, ERR_DATA, false, "the server wrote a sql_variant's %s in another form",
                       BASE_TYPES[i].name);
    }
    return err_set(e, ERR_DATA, false, "a sql_variant of unknown base type " STR_FMT,
                   STR_ARG(str_sub(v.type, 0, 128)));
}
