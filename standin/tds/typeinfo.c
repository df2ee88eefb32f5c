/*
 * Values from the wire. All bytes are foreign: a value that its type can't hold is refused here, so that the
 * engine sees only legal ones. (typeinfo_write.c goes the other way.)
 */
#include "standin/tds/typeinfo.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "standin/tds/typeinfo_token.h"
#include "standin/types/collation.h"
#include "standin/types/decimal.h"
#include "standin/types/guid.h"
#include "standin/types/temporal.h"
#include "standin/types/variant.h"
#include "standin/types/wtf8.h"

static const int64_t ticks_per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

static bool not_an_instance(TypeId id, Err *e) {
    return err_set(e, ERR_RANGE, false, "The supplied value is not a valid instance of data type %s",
                   type_name(id));
}

static bool cut_short(Err *e) {
    return err_set(e, ERR_INVALID, false, "the value is cut short");
}

/* --- TYPE_INFO --------------------------------------------------------------------------------------------
 */

typedef struct FixedToken {
    uint8_t token, width;
    TypeId id;
} FixedToken;

static const FixedToken fixed_tokens[] = {
    {TOKEN_INT1, 1, TYPE_TINYINT},
    {TOKEN_BIT, 1, TYPE_BIT},
    {TOKEN_INT2, 2, TYPE_SMALLINT},
    {TOKEN_INT4, 4, TYPE_INT},
    {TOKEN_INT8, 8, TYPE_BIGINT},
    {TOKEN_FLT4, 4, TYPE_REAL},
    {TOKEN_FLT8, 8, TYPE_FLOAT},
    {TOKEN_MONEY, 8, TYPE_MONEY},
    {TOKEN_MONEY4, 4, TYPE_SMALLMONEY},
    {TOKEN_DATETIME, 8, TYPE_DATETIME},
    {TOKEN_DATETIM4, 4, TYPE_SMALLDATETIME},
};

/* The type of a nullable token by its greatest length; TYPE_NULL: no such length. */
static TypeId sized_type(uint8_t token, uint8_t max) {
    switch (token) {
    case TOKEN_INTN:
        return max == 1   ? TYPE_TINYINT
               : max == 2 ? TYPE_SMALLINT
               : max == 4 ? TYPE_INT
               : max == 8 ? TYPE_BIGINT
                          : 0;
    case TOKEN_BITN: return max == 1 ? TYPE_BIT : TYPE_NULL;
    case TOKEN_FLTN: return max == 4 ? TYPE_REAL : max == 8 ? TYPE_FLOAT : TYPE_NULL;
    case TOKEN_MONEYN: return max == 4 ? TYPE_SMALLMONEY : max == 8 ? TYPE_MONEY : TYPE_NULL;
    case TOKEN_DATETIMN: return max == 4 ? TYPE_SMALLDATETIME : max == 8 ? TYPE_DATETIME : TYPE_NULL;
    case TOKEN_GUID: /* mssql-jdbc announces a NULL with 0, as the server allows */
        return max == GUID_BYTES || max == 0 ? TYPE_UNIQUEIDENTIFIER : TYPE_NULL;
    default: return TYPE_NULL;
    }
}

static bool read_scaled(Cursor *c, TypeId id, TypeInfo *t, Err *e) {
    t->type = (Type){.id = id, .scale = cursor_u8(c)};
    if (t->type.scale > 7)
        return err_set(e, ERR_RANGE, false, "scale %u of %s", t->type.scale, type_name(id));
    return true;
}

static bool read_decimal_info(Cursor *c, TypeId id, TypeInfo *t, Err *e) {
    cursor_skip(c, 1);
    uint8_t precision = cursor_u8(c), scale = cursor_u8(c);
    if (c->failed) return cut_short(e);
    if (precision < 1 || precision > DECIMAL_MAX_PRECISION || scale > precision) {
        return err_set(e, ERR_RANGE, false, "%s(%u,%u)", type_name(id), precision, scale);
    }
    t->type = (Type){.id = id, .precision = precision, .scale = scale};
    return true;
}

static uint16_t read_collation(Cursor *c) {
    Str wire = cursor_bytes(c, COLLATION_WIRE_BYTES);
    return wire.n == COLLATION_WIRE_BYTES ? collation_from_wire((const uint8_t *)wire.p) : COLLATION_DEFAULT;
}

static bool read_sized(Cursor *c, TypeId id, TypeInfo *t, Err *e) {
    enum { MOST = 8000, MAX = 0xffff };
    uint16_t max = cursor_le16(c);
    bool may_be_max = id == TYPE_VARCHAR || id == TYPE_NVARCHAR || id == TYPE_VARBINARY;
    if (max > MOST && !(max == MAX && may_be_max))
        return err_set(e, ERR_INVALID, false, "%s of %u bytes", type_name(id), max);
    t->type = (Type){.id = id, .length = type_is_unicode(id) ? max / 2 : max};
    if (t->type.length == 0) t->type.length = 1;
    if (max == MAX) {
        t->type.length = TYPE_MAX_LENGTH;
        t->is_plp = true;
    }
    if (type_is_text(id)) t->type.collation = read_collation(c);
    return true;
}

static bool read_lob(Cursor *c, TypeId id, TypeInfo *t) {
    cursor_skip(c, 4);
    t->type = (Type){.id = id};
    t->is_old_lob = true;
    if (type_is_text(id)) t->type.collation = read_collation(c);
    return true;
}

static bool read_xml_info(Cursor *c, TypeInfo *t) {
    t->type = (Type){.id = TYPE_XML};
    t->is_plp = true;
    if (cursor_u8(c) != 0) { /* a schema collection's name: database, owner, collection */
        cursor_skip(c, 2 * (size_t)cursor_u8(c));
        cursor_skip(c, 2 * (size_t)cursor_u8(c));
        cursor_skip(c, 2 * (size_t)cursor_le16(c));
    }
    return true;
}

/* A CLR type by its name: database, schema, type; of a column also its most bytes and its assembly. */
static bool read_clr(Cursor *c, bool of_column, TypeInfo *t, Err *e) {
    if (of_column) cursor_skip(c, 2);
    cursor_skip(c, 2 * (size_t)cursor_u8(c));
    cursor_skip(c, 2 * (size_t)cursor_u8(c));
    Str wide = cursor_bytes(c, 2 * (size_t)cursor_u8(c));
    char name[3 * UINT8_MAX + 1];
    Str utf8 = {name, wtf8_from_utf16le((const uint8_t *)wide.p, wide.n, name)};
    if (of_column) cursor_skip(c, 2 * (size_t)cursor_le16(c));
    if (c->failed) return cut_short(e);
    t->type = (Type){.id = type_by_name(utf8)};
    t->is_plp = true;
    if (type_is_clr(t->type.id)) return true;
    return err_set(e, ERR_INVALID, false, "cannot find data type %.*s", STR_ARG(utf8));
}

static bool read_unsupported(uint8_t token, Err *e) {
    const char *name = token == TOKEN_TABLE ? "a table-valued parameter" : NULL;
    if (name) return err_set(e, ERR_INVALID, false, "%s is not supported", name);
    return err_set(e, ERR_INVALID, false, "Data type 0x%02X is unknown", token);
}

static bool read_by_token(Cursor *c, bool of_column, TypeInfo *t, Err *e) {
    for (size_t i = 0; i < sizeof fixed_tokens / sizeof *fixed_tokens; i++) {
        if (fixed_tokens[i].token != t->token) continue;
        t->type = (Type){.id = fixed_tokens[i].id};
        t->width = fixed_tokens[i].width;
        return true;
    }
    switch (t->token) {
    case TOKEN_NULL: t->type = (Type){.id = TYPE_NULL}; return true;
    case TOKEN_INTN:
    case TOKEN_BITN:
    case TOKEN_FLTN:
    case TOKEN_MONEYN:
    case TOKEN_DATETIMN:
    case TOKEN_GUID: {
        uint8_t max = cursor_u8(c);
        t->type = (Type){.id = sized_type(t->token, max)};
        if (t->type.id != TYPE_NULL) return true;
        return err_set(e, ERR_INVALID, false, "data type 0x%02X of length %u", t->token, max);
    }
    case TOKEN_DECIMALN: return read_decimal_info(c, TYPE_DECIMAL, t, e);
    case TOKEN_NUMERICN: return read_decimal_info(c, TYPE_NUMERIC, t, e);
    case TOKEN_DATE: t->type = (Type){.id = TYPE_DATE}; return true;
    case TOKEN_TIME: return read_scaled(c, TYPE_TIME, t, e);
    case TOKEN_DATETIME2: return read_scaled(c, TYPE_DATETIME2, t, e);
    case TOKEN_DATETIMEOFFSET: return read_scaled(c, TYPE_DATETIMEOFFSET, t, e);
    case TOKEN_NVARCHAR: return read_sized(c, TYPE_NVARCHAR, t, e);
    case TOKEN_NCHAR: return read_sized(c, TYPE_NCHAR, t, e);
    case TOKEN_BIGVARCHAR: return read_sized(c, TYPE_VARCHAR, t, e);
    case TOKEN_BIGCHAR: return read_sized(c, TYPE_CHAR, t, e);
    case TOKEN_BIGVARBINARY: return read_sized(c, TYPE_VARBINARY, t, e);
    case TOKEN_BIGBINARY: return read_sized(c, TYPE_BINARY, t, e);
    case TOKEN_TEXT: return read_lob(c, TYPE_TEXT, t);
    case TOKEN_NTEXT: return read_lob(c, TYPE_NTEXT, t);
    case TOKEN_IMAGE: return read_lob(c, TYPE_IMAGE, t);
    case TOKEN_XML: return read_xml_info(c, t);
    case TOKEN_VARIANT:
        cursor_skip(c, 4);
        t->type = (Type){.id = TYPE_SQL_VARIANT};
        return true;
    case TOKEN_UDT: return read_clr(c, of_column, t, e);
    default: return read_unsupported(t->token, e);
    }
}

bool typeinfo_read(Cursor *c, bool of_column, TypeInfo *ret, Err *e) {
    TypeInfo t = {.token = cursor_u8(c)};
    if (c->failed) return cut_short(e);
    if (!read_by_token(c, of_column, &t, e)) return false;
    if (c->failed) return cut_short(e);
    *ret = t;
    return true;
}

/* --- values -----------------------------------------------------------------------------------------------
 */

static uint64_t le(Str s) {
    uint64_t x = 0;
    for (size_t i = s.n; i-- > 0;) x = x << 8 | (uint8_t)s.p[i];
    return x;
}

static Str part(Str s, size_t from, size_t n) {
    return (Str){s.p + from, n};
}

static bool read_float(TypeId id, Str s, Value *ret, Err *e) {
    double d;
    uint64_t bits = le(s);
    if (s.n == 4) {
        uint32_t low = (uint32_t)bits;
        float f;
        memcpy(&f, &low, sizeof f);
        d = (double)f;
    } else memcpy(&d, &bits, sizeof d);
    if (!isfinite(d)) return not_an_instance(id, e);
    *ret = VALUE_OF_REAL(d);
    return true;
}

static bool read_datetime(TypeId id, Str s, Value *ret, Err *e) {
    if (s.n == 4) {
        uint64_t minutes = le(part(s, 2, 2));
        if (minutes >= 1440) return not_an_instance(id, e);
        *ret = VALUE_OF_INT((int64_t)(le(part(s, 0, 2)) * 1440 + minutes));
        return true;
    }
    int64_t days = (int32_t)le(part(s, 0, 4)), ticks = (int64_t)le(part(s, 4, 4));
    if (days < TEMPORAL_DAYS_1753 - TEMPORAL_DAYS_1900 || days > TEMPORAL_DAYS_MAX - TEMPORAL_DAYS_1900 ||
        ticks >= TEMPORAL_300THS_PER_DAY) {
        return not_an_instance(id, e);
    }
    *ret = VALUE_OF_INT(days * TEMPORAL_300THS_PER_DAY + ticks);
    return true;
}

/* A value of the types of fixed sizes; s has one of their lengths. */
static bool read_number(TypeId id, Str s, Arena *a, Value *ret, Err *e) {
    uint64_t x = s.n <= 8 ? le(s) : 0;
    switch (id) {
    case TYPE_BIT: *ret = VALUE_OF_INT(x != 0); return true;
    case TYPE_REAL:
    case TYPE_FLOAT: return read_float(id, s, ret, e);
    case TYPE_DATETIME:
    case TYPE_SMALLDATETIME: return read_datetime(id, s, ret, e);
    case TYPE_MONEY:
    case TYPE_SMALLMONEY:
        *ret = VALUE_OF_INT(s.n == 4 ? (int64_t)(int32_t)x : (int64_t)(x << 32 | x >> 32));
        return true;
    case TYPE_UNIQUEIDENTIFIER: {
        uint8_t *stored = (uint8_t *)arena_bytes(a, GUID_BYTES);
        guid_from_wire((const uint8_t *)s.p, stored);
        *ret = VALUE_OF_BLOB(((Str){(const char *)stored, GUID_BYTES}));
        return true;
    }
    default: break;
    }
    *ret = VALUE_OF_INT(s.n == 1   ? (int64_t)x /* tinyint has no sign */
                        : s.n == 2 ? (int16_t)x
                        : s.n == 4 ? (int32_t)x
                                   : (int64_t)x);
    return true;
}

static bool is_number_length(TypeId id, size_t n) {
    switch (id) {
    case TYPE_UNIQUEIDENTIFIER: return n == GUID_BYTES;
    case TYPE_BIT: return n == 1;
    case TYPE_REAL:
    case TYPE_FLOAT:
    case TYPE_MONEY:
    case TYPE_SMALLMONEY:
    case TYPE_DATETIME:
    case TYPE_SMALLDATETIME: {
        Type t = {.id = id};
        return n == (size_t)type_max_length_bytes(&t);
    }
    case TYPE_TINYINT: return n == 1;
    case TYPE_SMALLINT: return n == 1 || n == 2;
    case TYPE_INT: return n == 1 || n == 2 || n == 4;
    default: return n == 1 || n == 2 || n == 4 || n == 8;
    }
}

static bool read_decimal(const Type *t, Str s, Arena *a, Value *ret, Err *e) {
    if (s.n < 2 || s.n > 17) return not_an_instance(t->id, e);
    UInt128 m = 0;
    for (size_t i = s.n; i-- > 1;) m = m << 8 | (uint8_t)s.p[i];
    if (m >= (UInt128)decimal_power(t->precision)) return not_an_instance(t->id, e);
    Decimal d = {s.p[0] == 0 ? -(Int128)m : (Int128)m, t->precision, t->scale};
    *ret = decimal_to_value(d, (uint8_t *)arena_bytes(a, DECIMAL_BLOB_BYTES));
    return true;
}

static size_t time_width(uint8_t scale) {
    return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}

static bool read_moment(const Type *t, Str s, Arena *a, Value *ret, Err *e) {
    bool has_time = t->id != TYPE_DATE, has_date = t->id != TYPE_TIME,
         has_offset = t->id == TYPE_DATETIMEOFFSET;
    size_t time = has_time ? time_width(t->scale) : 0;
    if (s.n != time + (has_date ? 3 : 0) + (has_offset ? 2 : 0)) return not_an_instance(t->id, e);
    uint64_t units = has_time ? le(part(s, 0, time)) : 0, days = has_date ? le(part(s, time, 3)) : 0;
    uint64_t per_day = (uint64_t)(TEMPORAL_TICKS_PER_DAY / ticks_per_unit[t->scale & 7]);
    if ((has_time && units >= per_day) || days > TEMPORAL_DAYS_MAX) return not_an_instance(t->id, e);
    int64_t ticks = has_time ? (int64_t)units * ticks_per_unit[t->scale] : 0;
    if (!has_offset) {
        *ret = VALUE_OF_INT(!has_time ? (int64_t)days : (int64_t)days * TEMPORAL_TICKS_PER_DAY + ticks);
        return true;
    }
    int16_t offset = (int16_t)le(part(s, time + 3, 2));
    int64_t local = (int64_t)days * TEMPORAL_TICKS_PER_DAY + ticks + offset * 60 * TEMPORAL_TICKS_PER_SECOND;
    if (offset < -TEMPORAL_MAX_OFFSET || offset > TEMPORAL_MAX_OFFSET || local < 0)
        return not_an_instance(t->id, e);
    Temporal x = {(int32_t)(local / TEMPORAL_TICKS_PER_DAY), local % TEMPORAL_TICKS_PER_DAY, offset};
    return temporal_pack(t, x, (uint8_t *)arena_bytes(a, TEMPORAL_OFFSET_BYTES), ret) ||
           not_an_instance(t->id, e);
}

/* char, nchar and binary have their whole length, however short a client sends them. */
static Str padded(Str s, size_t missing, char with, Arena *a) {
    char *out = arena_bytes(a, s.n + missing);
    if (s.n > 0) memcpy(out, s.p, s.n);
    memset(out + s.n, with, missing);
    return (Str){out, s.n + missing};
}

static size_t missing(const Type *t, TypeId fixed, size_t n) {
    size_t length = t->id == fixed ? (size_t)t->length : 0;
    return n < length ? length - n : 0;
}

/* Text or bytes as the type's in-memory form. */
static bool read_content(const Type *t, Str s, Arena *a, Value *ret, Err *e) {
    if (type_is_binary(t->id) || type_is_clr(t->id)) {
        size_t lacks = missing(t, TYPE_BINARY, s.n);
        *ret = VALUE_OF_BLOB(lacks == 0 ? s : padded(s, lacks, '\0', a));
        return true;
    }
    if (type_is_unicode(t->id)) {
        if (s.n % 2 != 0) return not_an_instance(t->id, e);
        const uint8_t *p = (const uint8_t *)s.p;
        size_t n = s.n;
        if (t->id == TYPE_XML && n >= 2 && p[0] == 0xff && p[1] == 0xfe) { /* byte order mark */
            p += 2;
            n -= 2;
        }
        char *out = arena_bytes(a, 3 * (n / 2) + 1);
        Str text = {out, wtf8_from_utf16le(p, n, out)};
        size_t lacks = missing(t, TYPE_NCHAR, n / 2);
        *ret = VALUE_OF_TEXT(lacks == 0 ? text : padded(text, lacks, ' ', a));
        return true;
    }
    CLEANUP(buf_done) Buf text = {0};
    collation_decode(collation_get(t->collation), s, &text);
    *ret = VALUE_OF_TEXT(padded(buf_view(&text), missing(t, TYPE_CHAR, s.n), ' ', a));
    return true;
}

/* The chunks of a PLP value as one piece; a single chunk is borrowed. */
static bool read_plp(Cursor *c, Arena *a, Str *ret, bool *ret_null, Err *e) {
    uint64_t total = cursor_le64(c);
    *ret_null = total == UINT64_MAX;
    *ret = (Str){0};
    if (*ret_null || c->failed) return !c->failed || cut_short(e);
    Cursor ahead = *c; /* first the length, then one copy */
    size_t chunks = 0, bytes = 0;
    for (uint32_t n = cursor_le32(&ahead); n != 0 && !ahead.failed; n = cursor_le32(&ahead)) {
        cursor_skip(&ahead, n);
        bytes += n;
        chunks++;
    }
    if (ahead.failed) {
        c->failed = true;
        return cut_short(e);
    }
    if (total != UINT64_MAX - 1 && total != bytes) {
        return err_set(e, ERR_INVALID, false, "a value's chunks don't add up to its length");
    }
    char *out = chunks > 1 ? arena_bytes(a, bytes) : NULL;
    size_t at = 0;
    for (uint32_t n = cursor_le32(c); n != 0; n = cursor_le32(c)) {
        Str chunk = cursor_bytes(c, n);
        if (!out) *ret = chunk;
        else memcpy(out + at, chunk.p, n);
        at += n;
    }
    if (out) *ret = (Str){out, bytes};
    return true;
}

static bool read_old_lob(Cursor *c, bool has_pointer, Str *ret, bool *ret_null, Err *e) {
    *ret_null = false;
    if (has_pointer) {
        uint8_t pointer = cursor_u8(c);
        *ret_null = pointer == 0;
        if (*ret_null) return !c->failed || cut_short(e);
        cursor_skip(c, (size_t)pointer + 8);
    }
    uint32_t n = cursor_le32(c);
    *ret_null = n == UINT32_MAX;
    *ret = *ret_null ? (Str){0} : cursor_bytes(c, n);
    return !c->failed || cut_short(e);
}

static bool read_long(Cursor *c, const TypeInfo *t, bool has_pointer, Arena *a, Value *ret, Err *e) {
    Str s = {0};
    bool is_null = false;
    if (t->is_plp) {
        if (!read_plp(c, a, &s, &is_null, e)) return false;
    } else if (t->is_old_lob) {
        if (!read_old_lob(c, has_pointer, &s, &is_null, e)) return false;
    } else {
        uint16_t n = cursor_le16(c);
        is_null = n == 0xffff;
        if (!is_null) s = cursor_bytes(c, n);
        if (c->failed) return cut_short(e);
        if (s.n > (size_t)type_max_length_bytes(&t->type))
            return err_set(e, ERR_INVALID, false, "a value of %zu bytes is longer than its type", s.n);
    }
    *ret = (Value){0};
    return is_null || read_content(&t->type, s, a, ret, e);
}

/* --- sql_variant: the base type's token, its properties, the value without a length -----------------------
 */

/* The base type from its token and properties; *ret_width: bytes of a value, 0 where they vary. */
static bool read_base_type(uint8_t token, Cursor *properties, Type *ret, size_t *ret_width, Err *e) {
    TypeInfo t = {.token = token};
    *ret_width = 0;
    switch (token) {
    case TOKEN_GUID:
        t.type.id = TYPE_UNIQUEIDENTIFIER;
        *ret_width = GUID_BYTES;
        break;
    case TOKEN_DECIMALN:
    case TOKEN_NUMERICN: { /* no length among the properties */
        t.type = (Type){.id = token == TOKEN_DECIMALN ? TYPE_DECIMAL : TYPE_NUMERIC,
                        .precision = cursor_u8(properties),
                        .scale = cursor_u8(properties)};
        if (t.type.precision < 1 || t.type.precision > DECIMAL_MAX_PRECISION ||
            t.type.scale > t.type.precision)
            return not_an_instance(TYPE_SQL_VARIANT, e);
        break;
    }
    case TOKEN_BIGVARCHAR:
    case TOKEN_BIGCHAR:
    case TOKEN_NVARCHAR:
    case TOKEN_NCHAR: { /* the collation first */
        TypeId id = token == TOKEN_BIGVARCHAR ? TYPE_VARCHAR
                    : token == TOKEN_BIGCHAR  ? TYPE_CHAR
                    : token == TOKEN_NVARCHAR ? TYPE_NVARCHAR
                                              : TYPE_NCHAR;
        uint16_t collation = read_collation(properties), max = cursor_le16(properties);
        t.type = (Type){.id = id, .length = type_is_unicode(id) ? max / 2 : max, .collation = collation};
        break;
    }
    case TOKEN_BIGVARBINARY:
    case TOKEN_BIGBINARY:
        t.type = (Type){.id = token == TOKEN_BIGBINARY ? TYPE_BINARY : TYPE_VARBINARY,
                        .length = cursor_le16(properties)};
        break;
    case TOKEN_DATE:
    case TOKEN_TIME:
    case TOKEN_DATETIME2:
    case TOKEN_DATETIMEOFFSET:
        if (!read_by_token(properties, false, &t, e)) return false;
        break;
    default:
        if (token == TOKEN_NULL || !read_by_token(properties, false, &t, e) || t.width == 0)
            return not_an_instance(TYPE_SQL_VARIANT, e);
        *ret_width = t.width;
    }
    if (type_is_text(t.type.id) || type_is_binary(t.type.id)) {
        if (t.type.length > (type_is_unicode(t.type.id) ? 4000 : 8000))
            return not_an_instance(TYPE_SQL_VARIANT, e);
        if (t.type.length == 0) t.type.length = 1;
    }
    *ret = t.type;
    return true;
}

/* The value of a base type: all of s. */
static bool read_base_value(const Type *t, size_t width, Str s, Arena *a, Value *ret, Err *e) {
    if (type_is_text(t->id) || type_is_binary(t->id)) {
        size_t most = (size_t)type_max_length_bytes(t);
        return s.n <= most ? read_content(t, s, a, ret, e) : not_an_instance(TYPE_SQL_VARIANT, e);
    }
    if (width != 0) return s.n == width ? read_number(t->id, s, a, ret, e) : not_an_instance(t->id, e);
    if (t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC) return read_decimal(t, s, a, ret, e);
    return read_moment(t, s, a, ret, e);
}

static bool read_variant(Cursor *c, Arena *a, Value *ret, Err *e) {
    enum { MAX_BYTES = 8016 };
    uint32_t n = cursor_le32(c);
    if (n == 0) return !c->failed || cut_short(e);
    if (n > MAX_BYTES) return not_an_instance(TYPE_SQL_VARIANT, e);
    Str all = cursor_bytes(c, n);
    if (c->failed) return cut_short(e);
    Cursor v = cursor_over(all.p, all.n);
    uint8_t token = cursor_u8(&v);
    Str bytes = cursor_bytes(&v, cursor_u8(&v));
    Cursor properties = cursor_over(bytes.p, bytes.n);
    Type base;
    size_t width;
    Value x;
    if (v.failed || !read_base_type(token, &properties, &base, &width, e) || properties.failed ||
        cursor_left(&properties) > 0)
        return not_an_instance(TYPE_SQL_VARIANT, e);
    if (!read_base_value(&base, width, cursor_bytes(&v, cursor_left(&v)), a, &x, e)) return false;
    *ret = variant_pack(&base, x, a);
    return true;
}

bool typeinfo_read_value(Cursor *c, const TypeInfo *t, bool has_pointer, Arena *a, Value *ret, Err *e) {
    TypeId id = t->type.id;
    *ret = (Value){0};
    if (id == TYPE_NULL) return true;
    if (id == TYPE_SQL_VARIANT) return read_variant(c, a, ret, e);
    if (type_is_text(id) || type_is_binary(id) || type_is_clr(id))
        return read_long(c, t, has_pointer, a, ret, e);
    size_t n = t->width != 0 ? t->width : cursor_u8(c);
    if (n == 0) return !c->failed || cut_short(e);
    Str s = cursor_bytes(c, n);
    if (c->failed) return cut_short(e);
    if (id == TYPE_DECIMAL || id == TYPE_NUMERIC) return read_decimal(&t->type, s, a, ret, e);
    if (id == TYPE_DATE || id == TYPE_TIME || id == TYPE_DATETIME2 || id == TYPE_DATETIMEOFFSET) {
        return read_moment(&t->type, s, a, ret, e);
    }
    if (!is_number_length(id, n)) return not_an_instance(id, e);
    return read_number(id, s, a, ret, e);
}
