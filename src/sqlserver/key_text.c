#include "sqlserver/key_text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "record/civil.h"
#include "record/hierarchy.h"
#include "record/numtext.h"

enum { SHOWN_BYTES = 40 };

static NumInt128 decimal_of(const Column *c, const Value *v) {
    if (sqltype_form(c->type, c->precision) == FORM_INT) return v->v.i;
    NumInt128 n;
    memcpy(&n, v->v.p, sizeof n);
    return n;
}

static char *guid_text(Arena *arena, const Value *v) {
    const uint8_t *b = (const uint8_t *)v->v.p;
    return arena_printf(arena, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", b[0],
                        b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13],
                        b[14], b[15]);
}

/* A number or a time, as SQL Server reads it under every language and date format. */
static const char *plain_text(const Column *c, const Value *v, Arena *arena) {
    char civil[CIVIL_TEXT_SIZE], number[NUMTEXT_SIZE];
    switch (c->type) {
    case SQLTYPE_DECIMAL:
        return arena_printf(arena, "%s", numtext_format(decimal_of(c, v), c->scale, number));
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: return arena_printf(arena, "%s", numtext_format(v->v.i, 4, number));
    case SQLTYPE_DATE: return arena_printf(arena, "%s", civil_format_date(v->v.i, civil));
    case SQLTYPE_TIME: return arena_printf(arena, "%s", civil_format_time(v->v.i, c->scale, civil));
    case SQLTYPE_DATETIME2: return arena_printf(arena, "%s", civil_format_datetime(v->v.i, c->scale, civil));
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_DATETIME: {
        /* With the T: else the old types read day and month by SET DATEFORMAT. */
        char *text = arena_printf(arena, "%s",
                                  civil_format_datetime(v->v.i, c->type == SQLTYPE_DATETIME ? 3 : 0, civil));
        text[10] = 'T';
        return text;
    }
    case SQLTYPE_DATETIMEOFFSET:
        return arena_printf(arena, "%s", civil_format_offset(v->v.i, c->scale, v->aux, civil));
    case SQLTYPE_UNIQUEIDENTIFIER: return guid_text(arena, v);
    default: return arena_printf(arena, "%lld", (long long)v->v.i);
    }
}

static bool hierarchy_param(const Value *v, Arena *arena, OdbcParam *ret, Err *e) {
    CLEANUP(buf_done) Buf bytes = {0};
    if (!hierarchy_bytes(value_str(v), &bytes, e)) return false;
    Str kept = arena_str(arena, buf_view(&bytes));
    *ret = odbc_bytes(kept.p, kept.n);
    return true;
}

bool key_text_param(const Column *c, const Value *v, Arena *arena, OdbcParam *ret, Err *e) {
    if (v->flags) return err_set(e, ERR_DATA, false, "key column " STR_FMT " is NULL", STR_ARG(c->name));
    if (c->type == SQLTYPE_HIERARCHYID) return hierarchy_param(v, arena, ret, e);
    if (c->type == SQLTYPE_SQL_VARIANT)
        return err_set(e, ERR_INVALID, false,
                       "key column " STR_FMT
                       " is a sql_variant, by which rows can't be looked up: name other "
                       "columns by message.key.columns",
                       STR_ARG(c->name));
    switch (sqltype_form(c->type, c->precision)) {
    case FORM_TEXT: *ret = odbc_text(value_str(v)); return true;
    case FORM_BYTES: *ret = odbc_bytes(v->v.p, v->n); return true;
    case FORM_DOUBLE: *ret = (OdbcParam){.kind = ODBC_PARAM_DOUBLE, .number = v->v.d}; return true;
    default: *ret = odbc_text(str_from(plain_text(c, v, arena))); return true;
    }
}

void key_text_marker(const Column *c, Buf *sql) {
    Column as = *c;
    if (c->type == SQLTYPE_ROWVERSION) as = (Column){.type = SQLTYPE_BINARY, .length = 8};
    buf_cstr(sql, "CAST(? AS ");
    column_type_format(&as, sql);
    buf_cstr(sql, ")");
}

static void write_escaped(Str text, Buf *out) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        if (c > 0x20 && c < 0x7f && c != '%' && c != '&' && c != '=') buf_u8(out, c);
        else buf_printf(out, "%%%02X", c);
    }
}

void key_text_write(const OdbcParam *params, size_t count, Buf *out) {
    for (size_t i = 0; i < count; i++) {
        if (i) buf_u8(out, '&');
        switch (params[i].kind) {
        case ODBC_PARAM_TEXT:
            buf_cstr(out, "t=");
            write_escaped(params[i].value, out);
            break;
        case ODBC_PARAM_BYTES:
            buf_cstr(out, "b=");
            for (size_t k = 0; k < params[i].value.n; k++)
                buf_printf(out, "%02x", (unsigned char)params[i].value.p[k]);
            break;
        case ODBC_PARAM_DOUBLE: buf_printf(out, "d=%.17g", params[i].number); break;
        }
    }
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool hex_byte(Str text, size_t at, char *ret) {
    if (at + 2 > text.n) return false;
    int hi = hex_digit(text.p[at]), lo = hex_digit(text.p[at + 1]);
    if (hi < 0 || lo < 0) return false;
    *ret = (char)(hi << 4 | lo);
    return true;
}

static bool parse_escaped(Str text, Arena *arena, Str *ret) {
    char *out = arena_bytes(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '%') {
            out[n++] = text.p[i];
            continue;
        }
        if (!hex_byte(text, i + 1, &out[n++])) return false;
        i += 2;
    }
    *ret = (Str){out, n};
    return true;
}

static bool parse_hex(Str text, Arena *arena, Str *ret) {
    if (text.n % 2) return false;
    char *out = arena_bytes(arena, text.n / 2 + 1);
    for (size_t i = 0; i < text.n; i += 2)
        if (!hex_byte(text, i, &out[i / 2])) return false;
    *ret = (Str){out, text.n / 2};
    return true;
}

static bool parse_double(Str text, Arena *arena, double *ret) {
    Str copy = arena_str(arena, text);
    char *end;
    errno = 0;
    *ret = strtod(copy.p, &end);
    return copy.n && *end == '\0' && isfinite(*ret);
}

static bool parse_field(Str field, Arena *arena, OdbcParam *ret) {
    if (field.n < 2 || field.p[1] != '=') return false;
    Str body = str_sub(field, 2, field.n);
    switch (field.p[0]) {
    case 't': ret->kind = ODBC_PARAM_TEXT; return parse_escaped(body, arena, &ret->value);
    case 'b': ret->kind = ODBC_PARAM_BYTES; return parse_hex(body, arena, &ret->value);
    case 'd': ret->kind = ODBC_PARAM_DOUBLE; return parse_double(body, arena, &ret->number);
    default: return false;
    }
}

bool key_text_parse(Str text, Arena *arena, OdbcParam *ret, size_t count, Err *e) {
    Str rest = text, field;
    for (size_t i = 0; i < count; i++) {
        ret[i] = (OdbcParam){0};
        if (!str_split(&rest, '&', &field) || !parse_field(field, arena, &ret[i]))
            return err_set(e, ERR_INVALID, false, "field %zu of the stored key isn't readable", i + 1);
    }
    if (rest.n) return err_set(e, ERR_INVALID, false, "the stored key has more than %zu fields", count);
    return true;
}

void key_text_show(const Column *c, const Value *v, Buf *out) {
    if (v->flags) {
        buf_cstr(out, value_is_unreadable(v) ? "(unreadable)" : "NULL");
        return;
    }
    if (c->type == SQLTYPE_HIERARCHYID || c->type == SQLTYPE_SQL_VARIANT) {
        buf_str(out, str_sub(value_str(v), 0, SHOWN_BYTES));
        return;
    }
    CLEANUP(arena_done) Arena arena = {0};
    OdbcParam p = {0};
    Err ignored;
    if (!key_text_param(c, v, &arena, &p, &ignored)) return;
    Str shown = str_sub(p.value, 0, SHOWN_BYTES);
    switch (p.kind) {
    case ODBC_PARAM_TEXT: buf_str(out, shown); break;
    case ODBC_PARAM_BYTES:
        buf_cstr(out, "0x");
        for (size_t i = 0; i < shown.n; i++) buf_printf(out, "%02X", (unsigned char)shown.p[i]);
        break;
    case ODBC_PARAM_DOUBLE: buf_printf(out, "%.17g", p.number); break;
    }
}
