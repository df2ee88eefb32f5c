/* Values to the wire: one small function per wire form. Each gets room for typeinfo_room bytes at p. */
#include "standin/tds/typeinfo.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "standin/tds/typeinfo_token.h"
#include "standin/types/collation.h"
#include "standin/types/decimal.h"
#include "standin/types/guid.h"
#include "standin/types/temporal.h"
#include "standin/types/variant.h"
#include "standin/types/wtf8.h"

static const int64_t ticks_per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};

enum { STORE_SLACK = 8 }; /* room behind each value for put_le */

/* n bytes, by one store of 8: what is written behind them is written over by what comes next. */
static uint8_t *put_le(uint8_t *p, size_t n, uint64_t x) {
    uint64_t bytes = htole64(x);
    memcpy(p, &bytes, sizeof bytes);
    return p + n;
}

/* 4 bytes in front of others that are there already. */
static void put_count(uint8_t *p, size_t n) {
    uint32_t bytes = htole32((uint32_t)n);
    memcpy(p, &bytes, sizeof bytes);
}

/* Where the value begins, behind its length byte if there is one; NULL for a NULL that can't be written. */
#define BEGIN_FIXED(x, v, p)                                                                                 \
    do {                                                                                                     \
        if ((v)->kind == VALUE_NULL) return write_short_null((x), (p));                                      \
        if ((x)->is_nullable) *(p)++ = (x)->width;                                                           \
    } while (0)

static uint8_t *write_short_null(const TypeInfoEncoder *x, uint8_t *p) {
    if (!x->is_nullable) return NULL;
    *p = 0;
    return p + 1;
}

static uint8_t *write_int1(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    *p = (uint8_t)v->v.i;
    return p + 1;
}

static uint8_t *write_int2(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    return put_le(p, 2, (uint64_t)v->v.i);
}

static uint8_t *write_int4(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    return put_le(p, 4, (uint64_t)v->v.i);
}

static uint8_t *write_int8(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    return put_le(p, 8, (uint64_t)v->v.i);
}

static uint8_t *write_real(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    float f = (float)v->v.d;
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return put_le(p, 4, bits);
}

static uint8_t *write_float(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    uint64_t bits;
    memcpy(&bits, &v->v.d, sizeof bits);
    return put_le(p, 8, bits);
}

static uint8_t *write_money(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    p = put_le(p, 4, (uint64_t)v->v.i >> 32); /* the high half first */
    return put_le(p, 4, (uint64_t)v->v.i);
}

static uint8_t *write_datetime(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    int64_t days = v->v.i / TEMPORAL_300THS_PER_DAY, part = v->v.i % TEMPORAL_300THS_PER_DAY;
    if (part < 0) {
        days--;
        part += TEMPORAL_300THS_PER_DAY;
    }
    p = put_le(p, 4, (uint64_t)days);
    return put_le(p, 4, (uint64_t)part);
}

static uint8_t *write_smalldatetime(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    BEGIN_FIXED(x, v, p);
    p = put_le(p, 2, (uint64_t)v->v.i / 1440);
    return put_le(p, 2, (uint64_t)v->v.i % 1440);
}

/* These wire types have a length byte always. */
static uint8_t *write_decimal(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_short_null(x, p);
    *p++ = x->width;
    if (v->kind == VALUE_INT) {
        uint64_t m = v->v.i < 0 ? -(uint64_t)v->v.i : (uint64_t)v->v.i;
        *p++ = v->v.i < 0 ? 0 : 1;
        if (x->width > 9) memset(p + 8, 0, x->width - 9);
        return put_le(p, (size_t)x->width - 1, m);
    }
    Decimal d = decimal_from_value(*v, x->type.precision, x->type.scale);
    UInt128 m = d.unscaled < 0 ? -(UInt128)d.unscaled : (UInt128)d.unscaled;
    *p++ = d.unscaled < 0 ? 0 : 1;
    (void)put_le(p, 8, (uint64_t)m);
    if (x->width > 9) (void)put_le(p + 8, 8, (uint64_t)(m >> 64));
    return p + x->width - 1;
}

static uint8_t *write_guid(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_short_null(x, p);
    if (v->v.s.n != GUID_BYTES) return NULL;
    *p++ = GUID_BYTES;
    guid_to_wire((const uint8_t *)v->v.s.p, p);
    return p + GUID_BYTES;
}

static uint8_t *write_date(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_short_null(x, p);
    *p++ = 3;
    return put_le(p, 3, (uint64_t)v->v.i);
}

static uint8_t *write_time(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_short_null(x, p);
    *p++ = x->width;
    return put_le(p, x->width, (uint64_t)(v->v.i / ticks_per_unit[x->type.scale]));
}

static uint8_t *write_datetime2(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_short_null(x, p);
    *p++ = x->width;
    int64_t days = v->v.i / TEMPORAL_TICKS_PER_DAY, ticks = v->v.i % TEMPORAL_TICKS_PER_DAY;
    p = put_le(p, (size_t)x->width - 3, (uint64_t)(ticks / ticks_per_unit[x->type.scale]));
    return put_le(p, 3, (uint64_t)days);
}

static uint8_t *write_datetimeoffset(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_short_null(x, p);
    if (v->v.s.n != TEMPORAL_OFFSET_BYTES) return NULL;
    uint64_t utc = 0;
    for (size_t i = 0; i < 8; i++) utc = utc << 8 | (uint8_t)v->v.s.p[i];
    int offset = ((uint8_t)v->v.s.p[8] << 8 | (uint8_t)v->v.s.p[9]) - TEMPORAL_MAX_OFFSET;
    uint64_t days = utc / (uint64_t)TEMPORAL_TICKS_PER_DAY, ticks = utc % (uint64_t)TEMPORAL_TICKS_PER_DAY;
    *p++ = x->width;
    p = put_le(p, (size_t)x->width - 5, ticks / (uint64_t)ticks_per_unit[x->type.scale]);
    p = put_le(p, 3, days);
    return put_le(p, 2, (uint64_t)offset);
}

/* --- text and binary: the bytes first, then their number before them -------------------------------------
 */

static bool is_ascii(Str s) {
    size_t i = 0;
    for (; i + 8 <= s.n; i += 8) {
        uint64_t word;
        memcpy(&word, s.p + i, sizeof word);
        if (word & UINT64_C(0x8080808080808080)) return false;
    }
    for (; i < s.n; i++) {
        if ((uint8_t)s.p[i] >= 0x80) return false;
    }
    return true;
}

/* The value's bytes as the wire has them. */
static size_t put_content(const TypeInfoEncoder *x, Str s, uint8_t *p) {
    if (type_is_unicode(x->type.id)) return wtf8_to_utf16le(s, p);
    if (type_is_text(x->type.id) && !is_ascii(s)) {
        return collation_encode_to(collation_get(x->type.collation), s, p);
    }
    if (s.n > 0) memcpy(p, s.p, s.n);
    return s.n;
}

static uint8_t *write_u16_null(const TypeInfoEncoder *x, uint8_t *p) {
    return x->is_nullable ? put_le(p, 2, 0xffff) : NULL;
}

static uint8_t *end_u16(uint8_t *p, size_t n) {
    if (n >= 0xffff) return NULL;
    p[0] = (uint8_t)n;
    p[1] = (uint8_t)(n >> 8);
    return p + 2 + n;
}

static uint8_t *write_nvarchar(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_u16_null(x, p);
    return end_u16(p, wtf8_to_utf16le(v->v.s, p + 2));
}

static uint8_t *write_varchar(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_u16_null(x, p);
    return end_u16(p, put_content(x, v->v.s, p + 2));
}

static uint8_t *write_binary(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return write_u16_null(x, p);
    if (v->v.s.n > 0) memcpy(p + 2, v->v.s.p, v->v.s.n);
    return end_u16(p, v->v.s.n);
}

/* PLP: the whole length, one chunk, the end. */
static uint8_t *write_plp(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) return put_le(p, 8, UINT64_MAX);
    size_t n = put_content(x, v->v.s, p + 12);
    if (n > UINT32_MAX) return NULL;
    (void)put_le(p, 8, n);
    if (n == 0) return put_le(p + 8, 4, 0);
    put_count(p + 8, n);
    return put_le(p + 12 + n, 4, 0);
}

/* text, ntext, image: a text pointer and a timestamp that nobody looks into, then the data. */
static uint8_t *write_old_lob(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    if (v->kind == VALUE_NULL) {
        *p = 0;
        return p + 1;
    }
    *p++ = 16;
    memset(p, 0x2a, 24);
    p += 24;
    size_t n = put_content(x, v->v.s, p + 4);
    if (n > INT32_MAX) return NULL;
    put_count(p, n);
    return p + 4 + n;
}

/* --- sql_variant: the base type's token, its properties, the value without a length -----------------------
 */

static uint8_t token_of(TypeId id) {
    switch (id) {
    case TYPE_BIT: return TOKEN_BIT;
    case TYPE_TINYINT: return TOKEN_INT1;
    case TYPE_SMALLINT: return TOKEN_INT2;
    case TYPE_INT: return TOKEN_INT4;
    case TYPE_BIGINT: return TOKEN_INT8;
    case TYPE_REAL: return TOKEN_FLT4;
    case TYPE_FLOAT: return TOKEN_FLT8;
    case TYPE_MONEY: return TOKEN_MONEY;
    case TYPE_SMALLMONEY: return TOKEN_MONEY4;
    case TYPE_DATETIME: return TOKEN_DATETIME;
    case TYPE_SMALLDATETIME: return TOKEN_DATETIM4;
    case TYPE_DECIMAL: return TOKEN_DECIMALN;
    case TYPE_NUMERIC: return TOKEN_NUMERICN;
    case TYPE_UNIQUEIDENTIFIER: return TOKEN_GUID;
    case TYPE_DATE: return TOKEN_DATE;
    case TYPE_TIME: return TOKEN_TIME;
    case TYPE_DATETIME2: return TOKEN_DATETIME2;
    case TYPE_DATETIMEOFFSET: return TOKEN_DATETIMEOFFSET;
    case TYPE_CHAR: return TOKEN_BIGCHAR;
    case TYPE_VARCHAR: return TOKEN_BIGVARCHAR;
    case TYPE_NCHAR: return TOKEN_NCHAR;
    case TYPE_NVARCHAR: return TOKEN_NVARCHAR;
    case TYPE_BINARY: return TOKEN_BIGBINARY;
    case TYPE_VARBINARY: return TOKEN_BIGVARBINARY;
    default: return TOKEN_NULL;
    }
}

static uint8_t *put_properties(const Type *t, uint8_t *p) {
    switch (t->id) {
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
        *p++ = t->precision;
        *p++ = t->scale;
        return p;
    case TYPE_TIME:
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET: *p++ = t->scale; return p;
    default: break;
    }
    if (type_is_text(t->id)) {
        collation_to_wire(collation_get(t->collation), p);
        p += COLLATION_WIRE_BYTES;
    }
    if (type_is_text(t->id) || type_is_binary(t->id)) p = put_le(p, 2, (uint64_t)type_max_length_bytes(t));
    return p;
}

static uint8_t *write_variant(const TypeInfoEncoder *x, const Value *v, uint8_t *p) {
    (void)x;
    Type base;
    Value inner;
    if (v->kind == VALUE_NULL) return put_le(p, 4, 0);
    if (!variant_unpack(*v, &base, &inner)) return NULL;
    uint8_t token = token_of(base.id), *head = p + 4;
    if (token == TOKEN_NULL) return NULL;
    uint8_t *value = put_properties(&base, head + 2);
    head[0] = token;
    head[1] = (uint8_t)(value - head - 2);
    TypeInfoEncoder encoder = typeinfo_encoder(&base, false);
    uint8_t *end = encoder.write(&encoder, &inner, value);
    if (!end) return NULL;
    bool has_u16 = type_is_text(base.id) || type_is_binary(base.id);
    bool has_u8 = token == TOKEN_GUID || (token >= TOKEN_DATE && token <= TOKEN_DATETIMEOFFSET) ||
                  token == TOKEN_DECIMALN || token == TOKEN_NUMERICN;
    size_t prefix = has_u16 ? 2 : has_u8 ? 1 : 0;
    memmove(value, value + prefix, (size_t)(end - value) - prefix);
    end -= prefix;
    put_count(p, (size_t)(end - head));
    return end;
}

/* --- the choice -------------------------------------------------------------------------------------------
 */

static uint8_t time_width(uint8_t scale) {
    return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}

static TypeInfoEncoder fixed(const Type *t, bool is_nullable, TypeInfoWrite write, int width) {
    return (TypeInfoEncoder){.write = write,
                             .type = *t,
                             .is_nullable = is_nullable,
                             .width = (uint8_t)width,
                             .base_bytes = (uint32_t)width + 1 + STORE_SLACK};
}

static TypeInfoEncoder variable(const Type *t, bool is_nullable, TypeInfoWrite write, uint32_t base_bytes) {
    return (TypeInfoEncoder){.write = write,
                             .type = *t,
                             .is_nullable = is_nullable,
                             .is_variable = true,
                             .base_bytes = base_bytes + STORE_SLACK};
}

TypeInfoEncoder typeinfo_encoder(const Type *t, bool is_nullable) {
    bool n = is_nullable;
    switch (t->id) {
    case TYPE_NULL: return fixed(&(Type){.id = TYPE_INT}, true, write_int4, 4); /* SELECT NULL is an int */
    case TYPE_BIT:
    case TYPE_TINYINT: return fixed(t, n, write_int1, 1);
    case TYPE_SMALLINT: return fixed(t, n, write_int2, 2);
    case TYPE_INT:
    case TYPE_SMALLMONEY: return fixed(t, n, write_int4, 4);
    case TYPE_BIGINT: return fixed(t, n, write_int8, 8);
    case TYPE_REAL: return fixed(t, n, write_real, 4);
    case TYPE_FLOAT: return fixed(t, n, write_float, 8);
    case TYPE_MONEY: return fixed(t, n, write_money, 8);
    case TYPE_DATETIME: return fixed(t, n, write_datetime, 8);
    case TYPE_SMALLDATETIME: return fixed(t, n, write_smalldatetime, 4);
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return fixed(t, n, write_decimal, type_max_length_bytes(t));
    case TYPE_UNIQUEIDENTIFIER: return fixed(t, n, write_guid, GUID_BYTES);
    case TYPE_DATE: return fixed(t, n, write_date, 3);
    case TYPE_TIME: return fixed(t, n, write_time, time_width(t->scale));
    case TYPE_DATETIME2: return fixed(t, n, write_datetime2, time_width(t->scale) + 3);
    case TYPE_DATETIMEOFFSET: return fixed(t, n, write_datetimeoffset, time_width(t->scale) + 5);
    case TYPE_TEXT:
    case TYPE_NTEXT:
    case TYPE_IMAGE: return variable(t, n, write_old_lob, 1 + 24 + 4);
    case TYPE_XML:
    case TYPE_HIERARCHYID:
    case TYPE_GEOMETRY:
    case TYPE_GEOGRAPHY: return variable(t, n, write_plp, 16);
    case TYPE_SQL_VARIANT: return variable(t, n, write_variant, 40);
    case TYPE_NVARCHAR:
    case TYPE_NCHAR:
        if (t->length != TYPE_MAX_LENGTH) return variable(t, n, write_nvarchar, 2);
        return variable(t, n, write_plp, 16);
    case TYPE_VARCHAR:
    case TYPE_CHAR: return variable(t, n, t->length == TYPE_MAX_LENGTH ? write_plp : write_varchar, 16);
    case TYPE_VARBINARY:
    case TYPE_BINARY:
    case TYPE_ROWVERSION: return variable(t, n, t->length == TYPE_MAX_LENGTH ? write_plp : write_binary, 16);
    }
    assert(!"no such type");
    return (TypeInfoEncoder){0};
}

/* --- TYPE_INFO --------------------------------------------------------------------------------------------
 */

static void write_collation(const Type *t, Buf *out) {
    uint8_t wire[COLLATION_WIRE_BYTES];
    collation_to_wire(collation_get(t->collation), wire);
    buf_add(out, wire, sizeof wire);
}

static void write_numeric_info(const TypeInfoEncoder *x, uint8_t fixed_token, uint8_t nullable_token,
                               Buf *out) {
    buf_u8(out, x->is_nullable ? nullable_token : fixed_token);
    if (x->is_nullable) buf_u8(out, x->width);
}

/* Token, u16 most bytes (0xffff: PLP), collation for text. */
static void write_sized_info(const TypeInfoEncoder *x, uint8_t token, Buf *out) {
    const Type *t = &x->type;
    buf_u8(out, token);
    int bytes = type_max_length_bytes(t);
    buf_le16(out, bytes == TYPE_MAX_LENGTH ? 0xffff : (uint16_t)(bytes == 0 ? 1 : bytes));
    if (type_is_text(t->id)) write_collation(t, out);
}

static void write_lob_info(const TypeInfoEncoder *x, uint8_t token, Buf *out) {
    buf_u8(out, token);
    buf_le32(out, x->type.id == TYPE_NTEXT ? 0x7ffffffe : 0x7fffffff);
    if (type_is_text(x->type.id)) write_collation(&x->type, out);
}

static void write_scaled_info(const TypeInfoEncoder *x, uint8_t token, Buf *out) {
    buf_u8(out, token);
    buf_u8(out, x->type.scale);
}

static void add_b_varchar(Buf *out, Str s) {
    s = s.n > 255 ? str_sub(s, 0, 255) : s;
    uint8_t *p = buf_reserve(out, 1 + 2 * s.n);
    size_t bytes = wtf8_to_utf16le(s, p + 1);
    *p = (uint8_t)(bytes / 2);
    out->n += 1 + bytes;
}

/* Most bytes, the type's full name, the class behind it in the version that SQL Server 2012 and later name.
 */
static void write_clr_info(TypeId id, Str database, Buf *out) {
    const char *name = type_name(id);
    const char *class = id == TYPE_HIERARCHYID ? "SqlHierarchyId"
                        : id == TYPE_GEOMETRY  ? "SqlGeometry"
                                               : "SqlGeography";
    char assembly[160];
    int n = snprintf(
        assembly, sizeof assembly,
        "Microsoft.SqlServer.Types.%s, Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, "
        "PublicKeyToken=89845dcd8080cc91",
        class);
    buf_u8(out, TOKEN_UDT);
    buf_le16(out, (uint16_t)type_max_length_bytes(&(Type){.id = id})); /* -1: 0xffff */
    add_b_varchar(out, database);
    add_b_varchar(out, STR_LIT("sys"));
    add_b_varchar(out, str_from(name));
    buf_le16(out, (uint16_t)n);
    out->n += wtf8_to_utf16le((Str){assembly, (size_t)n}, buf_reserve(out, 2 * (size_t)n));
}

void typeinfo_write(const TypeInfoEncoder *x, Str database, Buf *out) {
    switch (x->type.id) {
    case TYPE_NULL:
    case TYPE_INT: write_numeric_info(x, TOKEN_INT4, TOKEN_INTN, out); break;
    case TYPE_TINYINT: write_numeric_info(x, TOKEN_INT1, TOKEN_INTN, out); break;
    case TYPE_SMALLINT: write_numeric_info(x, TOKEN_INT2, TOKEN_INTN, out); break;
    case TYPE_BIGINT: write_numeric_info(x, TOKEN_INT8, TOKEN_INTN, out); break;
    case TYPE_BIT: write_numeric_info(x, TOKEN_BIT, TOKEN_BITN, out); break;
    case TYPE_REAL: write_numeric_info(x, TOKEN_FLT4, TOKEN_FLTN, out); break;
    case TYPE_FLOAT: write_numeric_info(x, TOKEN_FLT8, TOKEN_FLTN, out); break;
    case TYPE_MONEY: write_numeric_info(x, TOKEN_MONEY, TOKEN_MONEYN, out); break;
    case TYPE_SMALLMONEY: write_numeric_info(x, TOKEN_MONEY4, TOKEN_MONEYN, out); break;
    case TYPE_DATETIME: write_numeric_info(x, TOKEN_DATETIME, TOKEN_DATETIMN, out); break;
    case TYPE_SMALLDATETIME: write_numeric_info(x, TOKEN_DATETIM4, TOKEN_DATETIMN, out); break;
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
        buf_u8(out, x->type.id == TYPE_DECIMAL ? TOKEN_DECIMALN : TOKEN_NUMERICN);
        buf_u8(out, x->width);
        buf_u8(out, x->type.precision);
        buf_u8(out, x->type.scale);
        break;
    case TYPE_UNIQUEIDENTIFIER:
        buf_u8(out, TOKEN_GUID);
        buf_u8(out, GUID_BYTES);
        break;
    case TYPE_DATE: buf_u8(out, TOKEN_DATE); break;
    case TYPE_TIME: write_scaled_info(x, TOKEN_TIME, out); break;
    case TYPE_DATETIME2: write_scaled_info(x, TOKEN_DATETIME2, out); break;
    case TYPE_DATETIMEOFFSET: write_scaled_info(x, TOKEN_DATETIMEOFFSET, out); break;
    case TYPE_TEXT: write_lob_info(x, TOKEN_TEXT, out); break;
    case TYPE_NTEXT: write_lob_info(x, TOKEN_NTEXT, out); break;
    case TYPE_IMAGE: write_lob_info(x, TOKEN_IMAGE, out); break;
    case TYPE_XML:
        buf_u8(out, TOKEN_XML);
        buf_u8(out, 0); /* no schema */
        break;
    case TYPE_SQL_VARIANT:
        buf_u8(out, TOKEN_VARIANT);
        buf_le32(out, 8009);
        break;
    case TYPE_HIERARCHYID:
    case TYPE_GEOMETRY:
    case TYPE_GEOGRAPHY: write_clr_info(x->type.id, database, out); break;
    case TYPE_NVARCHAR: write_sized_info(x, TOKEN_NVARCHAR, out); break;
    case TYPE_NCHAR: write_sized_info(x, TOKEN_NCHAR, out); break;
    case TYPE_VARCHAR: write_sized_info(x, TOKEN_BIGVARCHAR, out); break;
    case TYPE_CHAR: write_sized_info(x, TOKEN_BIGCHAR, out); break;
    case TYPE_VARBINARY: write_sized_info(x, TOKEN_BIGVARBINARY, out); break;
    case TYPE_BINARY:
    case TYPE_ROWVERSION: write_sized_info(x, TOKEN_BIGBINARY, out); break;
    }
}

uint32_t typeinfo_user_type(const Type *t) {
    return t->id == TYPE_ROWVERSION ? 0x50 : 0; /* [MS-TDS] 2.2.7.4 */
}
