/*
 * SQL Server keeps a default as it was written, normalised: a number within two pairs of parentheses, a text
 * in quotes within one. Debezium cuts these off by type; dates it has the server parse, of which the
 * unambiguous forms are read here.
 */
#include "convert/default_text.h"

#include <stdlib.h>
#include <string.h>

#include "record/civil.h"
#include "record/numtext.h"

enum { MAX_NUMBER = 64, TICKS_PER_MS = 10000 };

/* sysname or an alias type's: Debezium goes by the name, and knows those of plain types. */
static bool has_other_name(const Column *c) {
    if (c->type_name.n == 0 || str_eq_c(c->type_name, sqltype_name(c->type))) return false;
    return c->type != SQLTYPE_DECIMAL || !str_eq_c(c->type_name, "numeric");
}

/* Between the last "(" and the first ")", as Debezium looks for values. false: they stand the wrong way. */
static bool innermost(Str s, Str *ret) {
    size_t from = 0, end = str_find(s, ')');
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '(') from = i + 1;
    *ret = end < from ? (Str){NULL, 0} : str_sub(s, from, end - from);
    return end >= from;
}

/* What stands between the first and the last quote. */
static bool quoted(Str s, Str *ret) {
    size_t from = str_find(s, '\''), end = s.n;
    while (end > 0 && s.p[end - 1] != '\'') end--;
    if (from == s.n || end < from + 2) return false;
    *ret = str_sub(s, from + 1, end - from - 2);
    return true;
}

/* What lies past int is stored with a point, ((3147483648.)); only of a bigint Debezium takes it off. */
static Str without_point(Str text) {
    if (text.n && text.p[text.n - 1] == '.') text.n--;
    return text;
}

static bool int_value(Str text, int64_t lo, int64_t hi, Value *ret) {
    Err ignored = {0};
    int64_t v;
    if (!str_to_i64(text, lo, hi, &v, &ignored)) return false;
    *ret = value_int(v);
    return true;
}

bool default_text_number(const Column *c, Str *ret) {
    Err ignored = {0};
    NumInt128 v;
    if (c->default_text.n < 4 || has_other_name(c)) return false;
    Str text = without_point(str_sub(c->default_text, 2, c->default_text.n - 4)); /* ((1.5)) */
    *ret = text;
    return numtext_parse(text, c->scale, &v, &ignored);
}

static bool decimal_value(const Column *c, Arena *a, Value *ret) {
    Err ignored = {0};
    NumInt128 v;
    Str text;
    if (!default_text_number(c, &text) || !numtext_parse(text, c->scale, &v, &ignored)) return false;
    if (sqltype_form(c->type, c->precision) != FORM_INT128) {
        *ret = value_int((int64_t)v);
        return true;
    }
    NumInt128 *wide = arena_alloc(a, sizeof *wide);
    *wide = v;
    *ret = value_bytes((const char *)wide, sizeof *wide);
    return true;
}

static bool double_value(Str text, Value *ret) {
    char copy[MAX_NUMBER], *end;
    if (text.n == 0 || text.n >= sizeof copy) return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    double d = strtod(copy, &end);
    if (*end) return false;
    *ret = value_double(d);
    return true;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool bytes_value(Str s, Arena *a, Value *ret) {
    if (s.n < 4 || !str_starts(s, STR_LIT("(0x")) || (s.n - 4) % 2) return false; /* (0x0102) */
    size_t n = (s.n - 4) / 2;
    char *p = arena_bytes(a, n + 1);
    for (size_t i = 0; i < n; i++) {
        int hi = hex_digit(s.p[3 + 2 * i]), lo = hex_digit(s.p[4 + 2 * i]);
        if (hi < 0 || lo < 0) return false;
        p[i] = (char)(hi << 4 | lo);
    }
    *ret = value_bytes(p, (uint32_t)n);
    return true;
}

/* Quotes off, then parentheses: of 'a(b)c' Debezium leaves b. */
static bool text_value(Str s, Arena *a, Value *ret) {
    Str text = s, inner;
    if (str_find(s, '\'') < s.n && !quoted(s, &text)) return false;
    if (!innermost(text, &inner) || str_eq_icase(inner, STR_LIT("NULL"))) return false;
    Str copy = arena_str(a, inner);
    *ret = value_bytes(copy.p, (uint32_t)copy.n);
    return true;
}

static int64_t rounded(int64_t ticks, int scale) {
    int64_t unit = 1;
    for (int i = scale; i < 7; i++) unit *= 10;
    return (ticks + unit / 2) / unit * unit;
}

/* With ":00" for seconds that aren't there. */
static bool parse_time(Str text, CivilText *ret) {
    char copy[CIVIL_TEXT_SIZE];
    if (civil_parse(text, ret)) return true;
    if (text.n + sizeof ":00" > sizeof copy) return false;
    memcpy(copy, text.p, text.n);
    memcpy(copy + text.n, ":00", sizeof ":00");
    return civil_parse(str_from(copy), ret);
}

static bool time_value(const Column *c, Str s, Value *ret) {
    Str text;
    CivilText t;
    if (!quoted(s, &text) || !parse_time(text, &t)) return false;
    int64_t ticks = (t.days - CIVIL_DAY_0001) * CIVIL_TICKS_PER_DAY + t.ticks;
    switch (c->type) {
    case SQLTYPE_DATE: *ret = value_int(t.days); return t.has_date;
    case SQLTYPE_TIME:
        *ret = value_int(rounded(t.ticks, c->scale));
        return t.has_time && t.ticks < CIVIL_TICKS_PER_DAY;
    case SQLTYPE_DATETIMEOFFSET:
        *ret = value_int(rounded(ticks - (int64_t)t.offset_minutes * 60 * CIVIL_TICKS_PER_SECOND, c->scale));
        ret->aux = (int16_t)t.offset_minutes;
        return t.has_date;
    case SQLTYPE_DATETIME: {
        int64_t ms = ticks / TICKS_PER_MS; /* its tick is 1/300 s */
        int64_t third = (ms % 1000 * 3 + 5) / 10;
        *ret = value_int(((ms - ms % 1000) + (third * 10 + 1) / 3) * TICKS_PER_MS);
        return t.has_date && !t.has_offset;
    }
    case SQLTYPE_SMALLDATETIME:
        *ret = value_int((ticks + 30 * CIVIL_TICKS_PER_SECOND) / (60 * CIVIL_TICKS_PER_SECOND) *
                         (60 * CIVIL_TICKS_PER_SECOND));
        return t.has_date && !t.has_offset;
    default: *ret = value_int(rounded(ticks, c->scale)); return t.has_date && !t.has_offset;
    }
}

bool default_text_value(const Column *c, Arena *a, Value *ret) {
    Str s = c->default_text;
    if (s.n == 0 || has_other_name(c)) return false;
    Str inner;
    bool has_inner = innermost(s, &inner);
    switch (c->type) {
    case SQLTYPE_BIT: *ret = value_int(str_eq_c(s, "((1))")); return true;
    case SQLTYPE_TINYINT:
    case SQLTYPE_SMALLINT: return has_inner && int_value(inner, INT16_MIN, INT16_MAX, ret);
    case SQLTYPE_INT: return has_inner && int_value(inner, INT32_MIN, INT32_MAX, ret);
    case SQLTYPE_BIGINT: return has_inner && int_value(without_point(inner), INT64_MIN, INT64_MAX, ret);
    case SQLTYPE_DECIMAL:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: return decimal_value(c, a, ret);
    case SQLTYPE_REAL:
    case SQLTYPE_FLOAT: return has_inner && double_value(inner, ret);
    case SQLTYPE_DATE:
    case SQLTYPE_TIME:
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_DATETIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET: return time_value(c, s, ret);
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_TEXT:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR:
    case SQLTYPE_NTEXT: return text_value(s, a, ret);
    case SQLTYPE_BINARY:
    case SQLTYPE_VARBINARY:
    case SQLTYPE_IMAGE: return bytes_value(s, a, ret);
    default: return false; /* xml, uniqueidentifier and others: Debezium has none */
    }
}
