/*
 * One table says for each SQL Server type which Connect type and which conversion it gets under which mode;
 * values then go by a switch over few conversions. Source of the types: Debezium 2.7's manual ("Data type
 * mappings") and what its records look like.
 */
#include "convert/wire_field.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "convert/default_text.h"
#include "convert/jdbc_column.h"
#include "record/civil.h"
#include "record/hierarchy.h"
#include "record/numtext.h"

enum { MAX_PARAMS = 8, TICKS_PER_US = 10, TICKS_PER_MS = 10000 };

#define EPOCH_TICKS (-(int64_t)CIVIL_DAY_0001 * CIVIL_TICKS_PER_DAY) /* 1970 in ticks since 0001 */

/* ---- values ---- */

Value wire_unscaled(NumInt128 v, Arena *a) {
    char *p = arena_bytes(a, sizeof v);
    size_t n = sizeof v;
    for (size_t i = 0; i < sizeof v; i++) p[i] = (char)(uint8_t)(v >> (8 * (sizeof v - 1 - i)));
    size_t skip = 0;
    for (; skip + 1 < n; skip++) { /* a byte that only repeats the sign of the next */
        uint8_t byte = (uint8_t)p[skip], next = (uint8_t)p[skip + 1];
        if (!(byte == 0 && next < 0x80) && !(byte == 0xff && next >= 0x80)) break;
    }
    return value_bytes(p + skip, (uint32_t)(n - skip));
}

Value wire_zoned(int64_t utc_ticks, int offset_minutes, Arena *a) {
    int64_t local = utc_ticks + (int64_t)offset_minutes * 60 * CIVIL_TICKS_PER_SECOND;
    char text[CIVIL_TEXT_SIZE];
    civil_format_datetime(local, 7, text); /* "2026-01-31 23:59:59.1234567" */
    size_t n = strlen(text);
    while (text[n - 1] == '0') n--;
    if (text[n - 1] == '.') n--;
    text[10] = 'T';
    char *p = arena_bytes(a, n + 7);
    memcpy(p, text, n);
    if (offset_minutes == 0) {
        p[n] = 'Z';
        return value_bytes(p, (uint32_t)n + 1);
    }
    int minutes = abs(offset_minutes);
    (void)snprintf(p + n, 7, "%c%02d:%02d", offset_minutes < 0 ? '-' : '+', minutes / 60 % 100, minutes % 60);
    return value_bytes(p, (uint32_t)n + 6);
}

static int64_t floor_div(int64_t v, int64_t by) {
    int64_t q = v / by;
    return q - (v % by < 0);
}

static NumInt128 unscaled_of(const WireField *c, const Value *v) {
    NumInt128 wide;
    if (!c->is_wide) return v->v.i;
    memcpy(&wide, v->v.p, sizeof wide);
    return wide;
}

static Value number_text(const WireField *c, const Value *v, Arena *a) {
    char text[NUMTEXT_SIZE];
    Str made = arena_str(a, str_from(numtext_format(unscaled_of(c, v), c->scale, text)));
    return value_bytes(made.p, (uint32_t)made.n);
}

static Value guid_text(const Value *v, Arena *a) {
    static const char digits[] = "0123456789ABCDEF";
    char *p = arena_bytes(a, 36), *at = p;
    for (size_t i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
        uint8_t b = (uint8_t)v->v.p[i];
        *at++ = digits[b >> 4];
        *at++ = digits[b & 15];
    }
    return value_bytes(p, 36);
}

static Value hex_text(const Value *v, Arena *a) {
    static const char digits[] = "0123456789abcdef";
    char *p = arena_bytes(a, 2 * (size_t)v->n + 1);
    for (size_t i = 0; i < v->n; i++) {
        p[2 * i] = digits[(uint8_t)v->v.p[i] >> 4];
        p[2 * i + 1] = digits[(uint8_t)v->v.p[i] & 15];
    }
    return value_bytes(p, 2 * v->n);
}

static Value base64_text(const Value *v, bool is_url_safe, Arena *a) {
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *digits = is_url_safe ? safe : plain;
    char *p = arena_bytes(a, ((size_t)v->n + 2) / 3 * 4 + 1), *at = p;
    for (size_t i = 0; i < v->n; i += 3) {
        size_t left = v->n - i;
        uint32_t b = (uint32_t)(uint8_t)v->v.p[i] << 16;
        if (left > 1) b |= (uint32_t)(uint8_t)v->v.p[i + 1] << 8;
        if (left > 2) b |= (uint8_t)v->v.p[i + 2];
        *at++ = digits[b >> 18];
        *at++ = digits[b >> 12 & 63];
        *at++ = left > 1 ? digits[b >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[b & 63] : '=';
    }
    return value_bytes(p, (uint32_t)(at - p));
}

static Value coded(const WireField *c, const Value *v, Arena *a) {
    if (c->code == WIRE_BINARY_HEX) return hex_text(v, a);
    return base64_text(v, c->code == WIRE_BINARY_URL_SAFE, a);
}

static bool unfit(const WireField *c, Value *ret, Err *e) {
    if (c->nulls_unfit && c->schema && c->schema->is_optional) {
        *ret = value_null();
        return true;
    }
    return err_set(e, ERR_DATA, false,
                   "table %s, column " STR_FMT
                   ": a date of a datetime2(7) before 1677-09-21 or after 2262-04-11 "
                   "doesn't fit nanoseconds in 64 bits; set time.precision.mode=connect (milliseconds), or "
                   "event.converting.failure.handling.mode=warn to write null",
                   c->table->qualified, STR_ARG(c->column->name));
}

static bool path_value(const WireField *c, const Value *v, Arena *a, Value *ret, Err *e) {
    CLEANUP(buf_done) Buf bytes = {0}; /* the one type whose values allocate; it is rare */
    if (!hierarchy_bytes(value_str(v), &bytes, e))
        return err_wrap(e, "table %s, column " STR_FMT, c->table->qualified, STR_ARG(c->column->name));
    Str copy = arena_str(a, buf_view(&bytes));
    Value plain = value_bytes(copy.p, (uint32_t)copy.n);
    *ret = c->code == WIRE_BINARY_BYTES ? plain : coded(c, &plain, a);
    return true;
}

bool wire_field_value(const WireField *c, const Value *v, Arena *a, Value *ret, Err *e) {
    if (value_is_null(v)) {
        *ret = c->fallback;
        return true;
    }
    int64_t ns;
    switch (c->how) {
    case WIRE_SAME: *ret = *v; return true;
    case WIRE_UNSCALED: *ret = wire_unscaled(unscaled_of(c, v), a); return true;
    case WIRE_AS_TEXT: *ret = number_text(c, v, a); return true;
    case WIRE_AS_DOUBLE: {
        char text[NUMTEXT_SIZE];
        *ret = value_double(strtod(numtext_format(unscaled_of(c, v), c->scale, text), NULL));
        return true;
    }
    case WIRE_DIVIDE: *ret = value_int(v->v.i / c->divisor); return true;
    case WIRE_DIVIDE_EPOCH: *ret = value_int(floor_div(v->v.i - EPOCH_TICKS, c->divisor)); return true;
    case WIRE_NANOS: *ret = value_int(v->v.i * 100); return true;
    case WIRE_NANOS_EPOCH:
        if (__builtin_mul_overflow(v->v.i - EPOCH_TICKS, INT64_C(100), &ns)) return unfit(c, ret, e);
        *ret = value_int(ns);
        return true;
    case WIRE_ZONED: *ret = wire_zoned(v->v.i, v->aux, a); return true;
    case WIRE_GUID: *ret = guid_text(v, a); return true;
    case WIRE_PATH: return path_value(c, v, a, ret, e);
    case WIRE_CODE: *ret = coded(c, v, a); return true;
    }
    assert(!"no such conversion");
    return false;
}

/* ---- schemas ---- */

/* A schema being built, and the room of its parameters. */
typedef struct Spec {
    ConnectSchema s;
    ConnectParam params[MAX_PARAMS];
    char scale[8], precision[8], length[16], digits[8];
    char type[256];
} Spec;

static void put_param(Spec *spec, const char *name, const char *value) {
    assert(spec->s.param_count < MAX_PARAMS);
    spec->params[spec->s.param_count++] = (ConnectParam){str_from(name), str_from(value)};
}

static void semantic(Spec *spec, ConnectType type, const char *name) {
    spec->s.type = type;
    spec->s.name = str_from(name);
    spec->s.version = 1;
}

static void decimal_spec(Spec *spec, WireField *c, const WireOptions *o) {
    const Column *column = c->column;
    c->scale = column->scale;
    c->is_wide = sqltype_form(column->type, column->precision) == FORM_INT128;
    switch (o->decimal) {
    case WIRE_DECIMAL_DOUBLE:
        spec->s.type = CONNECT_FLOAT64;
        c->how = WIRE_AS_DOUBLE;
        return;
    case WIRE_DECIMAL_STRING:
        spec->s.type = CONNECT_STRING;
        c->how = WIRE_AS_TEXT;
        return;
    case WIRE_DECIMAL_PRECISE: break;
    }
    semantic(spec, CONNECT_BYTES, CONNECT_DECIMAL);
    (void)snprintf(spec->scale, sizeof spec->scale, "%d", column->scale);
    (void)snprintf(spec->precision, sizeof spec->precision, "%d", column->precision);
    put_param(spec, CONNECT_PARAM_SCALE, spec->scale);
    put_param(spec, CONNECT_PARAM_PRECISION, spec->precision);
    c->how = WIRE_UNSCALED;
}

static void divide(WireField *c, WireHow how, int64_t divisor) {
    c->how = how;
    c->divisor = divisor;
}

static void time_spec(Spec *spec, WireField *c, const WireOptions *o) {
    uint8_t digits = c->column->scale;
    if (o->time == WIRE_TIME_CONNECT) {
        semantic(spec, CONNECT_INT32, CONNECT_TIME);
        divide(c, WIRE_DIVIDE, TICKS_PER_MS);
    } else if (o->time == WIRE_TIME_MICROSECONDS || (digits > 3 && digits <= 6)) {
        semantic(spec, CONNECT_INT64, WIRE_MICRO_TIME);
        divide(c, WIRE_DIVIDE, TICKS_PER_US);
    } else if (digits <= 3) {
        semantic(spec, CONNECT_INT32, "io.debezium.time.Time");
        divide(c, WIRE_DIVIDE, TICKS_PER_MS);
    } else {
        semantic(spec, CONNECT_INT64, WIRE_NANO_TIME);
        c->how = WIRE_NANOS;
    }
}

static void timestamp_spec(Spec *spec, WireField *c, const WireOptions *o, uint8_t digits) {
    if (o->time == WIRE_TIME_CONNECT) {
        semantic(spec, CONNECT_INT64, CONNECT_TIMESTAMP);
        divide(c, WIRE_DIVIDE_EPOCH, TICKS_PER_MS);
    } else if (digits <= 3) {
        semantic(spec, CONNECT_INT64, WIRE_TIMESTAMP);
        divide(c, WIRE_DIVIDE_EPOCH, TICKS_PER_MS);
    } else if (digits <= 6) {
        semantic(spec, CONNECT_INT64, WIRE_MICRO_TIMESTAMP);
        divide(c, WIRE_DIVIDE_EPOCH, TICKS_PER_US);
    } else {
        semantic(spec, CONNECT_INT64, WIRE_NANO_TIMESTAMP);
        c->how = WIRE_NANOS_EPOCH;
    }
}

static void binary_spec(Spec *spec, WireField *c, const WireOptions *o) {
    bool is_path = c->column->type == SQLTYPE_HIERARCHYID;
    c->code = o->binary;
    spec->s.type = o->binary == WIRE_BINARY_BYTES ? CONNECT_BYTES : CONNECT_STRING;
    if (is_path) c->how = WIRE_PATH;
    else c->how = o->binary == WIRE_BINARY_BYTES ? WIRE_SAME : WIRE_CODE;
}

static void plain(Spec *spec, WireField *c, ConnectType type) {
    spec->s.type = type;
    c->how = WIRE_SAME;
}

/* false: Debezium leaves such a column out. */
static bool type_spec(Spec *spec, WireField *c, const WireOptions *o) {
    switch (c->column->type) {
    case SQLTYPE_BIT: plain(spec, c, CONNECT_BOOLEAN); return true;
    case SQLTYPE_TINYINT:
    case SQLTYPE_SMALLINT: plain(spec, c, CONNECT_INT16); return true;
    case SQLTYPE_INT: plain(spec, c, CONNECT_INT32); return true;
    case SQLTYPE_BIGINT: plain(spec, c, CONNECT_INT64); return true;
    case SQLTYPE_DECIMAL:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: decimal_spec(spec, c, o); return true;
    case SQLTYPE_REAL: plain(spec, c, CONNECT_FLOAT32); return true;
    case SQLTYPE_FLOAT: plain(spec, c, CONNECT_FLOAT64); return true;
    case SQLTYPE_DATE:
        semantic(spec, CONNECT_INT32, o->time == WIRE_TIME_CONNECT ? CONNECT_DATE : WIRE_DATE);
        c->how = WIRE_SAME;
        return true;
    case SQLTYPE_TIME: time_spec(spec, c, o); return true;
    case SQLTYPE_SMALLDATETIME: timestamp_spec(spec, c, o, 0); return true;
    case SQLTYPE_DATETIME: timestamp_spec(spec, c, o, 3); return true;
    case SQLTYPE_DATETIME2: timestamp_spec(spec, c, o, c->column->scale); return true;
    case SQLTYPE_DATETIMEOFFSET:
        semantic(spec, CONNECT_STRING, WIRE_ZONED_TIMESTAMP);
        c->how = WIRE_ZONED;
        return true;
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_TEXT:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR:
    case SQLTYPE_NTEXT:
    case SQLTYPE_XML: plain(spec, c, CONNECT_STRING); return true;
    case SQLTYPE_UNIQUEIDENTIFIER:
        plain(spec, c, CONNECT_STRING);
        c->how = WIRE_GUID;
        return true;
    case SQLTYPE_BINARY:
    case SQLTYPE_VARBINARY:
    case SQLTYPE_IMAGE:
    case SQLTYPE_ROWVERSION:
    case SQLTYPE_HIERARCHYID:
    case SQLTYPE_CLR: binary_spec(spec, c, o); return true;
    default: return false; /* sql_variant, geography, geometry */
    }
}

/* Whether a list has "schema.table.<last>", or the same with the database in front. */
static bool is_listed(const RegexList *list, const Schema *table, Str last) {
    CLEANUP(buf_done) Buf name = {0};
    if (!list) return false;
    buf_printf(&name, STR_FMT "." STR_FMT "." STR_FMT "." STR_FMT, STR_ARG(table->database),
               STR_ARG(table->schema), STR_ARG(table->table), STR_ARG(last));
    Str whole = buf_view(&name);
    return regexlist_match(list, whole) ||
           regexlist_match(list, str_sub(whole, table->database.n + 1, whole.n));
}

static void propagate(Spec *spec, const WireField *c, const WireOptions *o) {
    const Column *column = c->column;
    JdbcColumn jdbc;
    jdbc_column(column, &jdbc);
    if (!is_listed(o->propagated_columns, c->table, column->name) &&
        !is_listed(o->propagated_types, c->table, str_from(jdbc.type_name)))
        return;
    (void)snprintf(spec->type, sizeof spec->type, "%s", jdbc.type_name);
    for (char *p = spec->type; *p; p++)
        if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
    put_param(spec, "__debezium.source.column.type", spec->type);
    (void)snprintf(spec->length, sizeof spec->length, "%ld", (long)jdbc.length);
    put_param(spec, "__debezium.source.column.length", spec->length);
    if (jdbc.has_scale) {
        (void)snprintf(spec->digits, sizeof spec->digits, "%d", jdbc.scale);
        put_param(spec, "__debezium.source.column.scale", spec->digits);
    }
    spec->params[spec->s.param_count++] =
        (ConnectParam){STR_LIT("__debezium.source.column.name"), column->name};
}

/* A column has one mapper in Debezium: one that is masked or cut is not propagated. */
static bool mark_mapped(Spec *spec, const WireField *c) {
    const Column *column = c->column;
    JdbcColumn jdbc;
    if (column->is_masked) put_param(spec, "masked", "true");
    if (column->is_masked || !column->is_cut) return column->is_masked;
    jdbc_column(column, &jdbc);
    if (jdbc.length >= 0 && (uint32_t)jdbc.length <= column->cut_chars) return true;
    (void)snprintf(spec->length, sizeof spec->length, "%u", (unsigned)column->cut_chars);
    put_param(spec, "truncateLength", spec->length);
    return true;
}

static bool default_of(const WireField *c, Arena *a, Value *ret) {
    Err ignored = {0};
    Value raw;
    Str number;
    if (c->how == WIRE_AS_TEXT && default_text_number(c->column, &number)) { /* with the digits it has */
        *ret = value_bytes(number.p, (uint32_t)number.n);
        return true;
    }
    return default_text_value(c->column, a, &raw) && wire_field_value(c, &raw, a, ret, &ignored);
}

/* What a required field has in NULL's place, when there is no default. */
static Value zero_of(const WireField *c) {
    static const char unscaled_zero[1] = {0};
    if (c->how == WIRE_UNSCALED) return value_bytes(unscaled_zero, 1);
    if (c->how == WIRE_ZONED) return value_bytes("1970-01-01T00:00:00Z", 20);
    switch (c->schema->type) {
    case CONNECT_FLOAT32:
    case CONNECT_FLOAT64: return value_double(0);
    case CONNECT_STRING:
    case CONNECT_BYTES: return value_bytes("", 0);
    default: return value_int(0);
    }
}

bool wire_field_init(const Schema *table, size_t column, bool is_key, const WireOptions *o, WireField *ret,
                     Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    Spec spec = {.s = {.is_optional = table->columns[column].is_nullable}};
    *ret = (WireField){.column = &table->columns[column],
                       .table = table,
                       .nulls_unfit = o->unfit == WIRE_UNFIT_NULL,
                       .fallback = value_null()};
    if (!type_spec(&spec, ret, o)) return true;
    if (!is_key && !mark_mapped(&spec, ret)) propagate(&spec, ret, o);
    spec.s.params = spec.params;
    spec.s.has_default = default_of(ret, &arena, &spec.s.default_value);
    if (!connect_schema_new(&spec.s, &ret->schema, e))
        return err_wrap(e, "table %s, column " STR_FMT, table->qualified, STR_ARG(ret->column->name));
    if (!ret->schema->is_optional)
        ret->fallback = ret->schema->has_default ? ret->schema->default_value : zero_of(ret);
    return true;
}

void wire_field_done(WireField *c) {
    c->schema = connect_schema_unref(c->schema);
}
