/*
 * A variant's bytes: type id, precision, scale, collation (2), length (2), then the value: 8 bytes for
 * integers and floats, the rest as it is. Within the family of exact numbers everything is compared as a
 * decimal, within the dates as a moment in UTC.
 */
#include "standin/types/variant.h"

#include <string.h>

#include "base/mem.h"
#include "standin/types/collation.h"
#include "standin/types/convert.h"
#include "standin/types/decimal.h"
#include "standin/types/temporal.h"
#include "standin/types/wtf8.h"

enum { VARIANT_HEADER = 8 };

bool variant_holds(const Type *t) {
    switch (t->id) {
    case TYPE_TEXT:
    case TYPE_NTEXT:
    case TYPE_IMAGE:
    case TYPE_XML:
    case TYPE_ROWVERSION:
    case TYPE_SQL_VARIANT: return false;
    default: return !type_is_clr(t->id) && t->length != TYPE_MAX_LENGTH;
    }
}

Value variant_pack(const Type *t, Value v, Arena *a) {
    if (v.kind == VALUE_NULL) return v;
    Str bytes = v.kind == VALUE_INT || v.kind == VALUE_REAL ? (Str){(const char *)&v.v, 8} : v.v.s;
    uint8_t *p = (uint8_t *)arena_bytes(a, VARIANT_HEADER + bytes.n);
    p[0] = (uint8_t)t->id;
    p[1] = t->precision;
    p[2] = t->scale;
    p[3] = (uint8_t)t->collation;
    p[4] = (uint8_t)(t->collation >> 8);
    p[5] = (uint8_t)t->length;
    p[6] = (uint8_t)(t->length >> 8);
    p[7] = (uint8_t)v.kind;
    if (bytes.n > 0) memcpy(p + VARIANT_HEADER, bytes.p, bytes.n);
    return VALUE_OF_TEXT(((Str){(const char *)p, VARIANT_HEADER + bytes.n}));
}

static bool unpack(Str s, Type *ret_type, Value *ret) {
    if (s.n < VARIANT_HEADER) return false;
    const uint8_t *p = (const uint8_t *)s.p;
    *ret_type = (Type){.id = (TypeId)p[0],
                       .precision = p[1],
                       .scale = p[2],
                       .collation = (uint16_t)(p[3] | p[4] << 8),
                       .length = p[5] | p[6] << 8};
    Value v = {.kind = (ValueKind)p[7]};
    Str bytes = str_sub(s, VARIANT_HEADER, s.n);
    if (v.kind == VALUE_TEXT || v.kind == VALUE_BLOB) v.v.s = bytes;
    else if (bytes.n != 8) return false;
    else memcpy(&v.v, bytes.p, 8);
    *ret = v;
    return true;
}

bool variant_unpack(Value v, Type *ret_type, Value *ret) {
    return v.kind == VALUE_TEXT && unpack(v.v.s, ret_type, ret);
}

/* --- order ------------------------------------------------------------------------------------------------
 */

typedef enum VariantFamily { /* rising */
                             VARIANT_GUID,
                             VARIANT_BINARY,
                             VARIANT_TEXT,
                             VARIANT_EXACT,
                             VARIANT_FLOAT,
                             VARIANT_DATE,
} VariantFamily;

static VariantFamily family_of(TypeId id) {
    if (type_is_temporal(id)) return VARIANT_DATE;
    if (type_is_exact(id)) return VARIANT_EXACT;
    if (type_is_text(id)) return VARIANT_TEXT;
    if (type_is_binary(id)) return VARIANT_BINARY;
    return id == TYPE_UNIQUEIDENTIFIER ? VARIANT_GUID : VARIANT_FLOAT;
}

static Decimal exact_of(const Type *t, Value v) {
    switch (t->id) {
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return decimal_from_value(v, t->precision, t->scale);
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return (Decimal){v.v.i, 19, 4};
    default: return (Decimal){v.v.i, 19, 0};
    }
}

/* 100 ns ticks in UTC. */
static int64_t moment_of(const Type *t, Value v) {
    Temporal x = temporal_unpack(t, v);
    return x.days * TEMPORAL_TICKS_PER_DAY + x.ticks - x.offset * 60 * TEMPORAL_TICKS_PER_SECOND;
}

static int order(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* Collations are compared as integers first: LCID, version, flags, sort id. */
static int compare_text(const Type *t, Str a, const Type *u, Str b) {
    const Collation *x = collation_get(t->collation), *y = collation_get(u->collation);
    if (x != y) {
        uint8_t p[COLLATION_WIRE_BYTES], q[COLLATION_WIRE_BYTES];
        collation_to_wire(x, p);
        collation_to_wire(y, q);
        int by_lcid = order(x->lcid, y->lcid);
        if (by_lcid != 0) return by_lcid;
        if (x->version != y->version) return order(x->version, y->version);
        int flags = order((p[3] & 15) << 8 | p[2], (q[3] & 15) << 8 | q[2]);
        return flags != 0 ? flags : order(p[4], q[4]);
    }
    return collation_compare(x, a, b);
}

static int compare_bytes(Str a, Str b) {
    return convert_compare(&(Type){.id = TYPE_VARBINARY}, VALUE_OF_BLOB(a), VALUE_OF_BLOB(b));
}

int variant_compare(Str a, Str b) {
    Type t, u;
    Value x, y;
    if (!unpack(a, &t, &x) || !unpack(b, &u, &y)) return str_cmp(a, b);
    VariantFamily f = family_of(t.id), g = family_of(u.id);
    if (f != g) return f < g ? -1 : 1;
    switch (f) {
    case VARIANT_GUID: return str_cmp(x.v.s, y.v.s);
    case VARIANT_BINARY: return compare_bytes(x.v.s, y.v.s);
    case VARIANT_TEXT: return compare_text(&t, x.v.s, &u, y.v.s);
    case VARIANT_EXACT: return decimal_compare(exact_of(&t, x), exact_of(&u, y));
    case VARIANT_FLOAT: return x.v.d < y.v.d ? -1 : x.v.d > y.v.d;
    case VARIANT_DATE: return order(moment_of(&t, x), moment_of(&u, y));
    }
    return 0;
}

/* The same number has the same unscaled digits and scale once its zeros at the end are gone. */
static void exact_key(Decimal d, Buf *out) {
    while (d.scale > 0 && d.unscaled % 10 == 0) {
        d.unscaled /= 10;
        d.scale--;
    }
    buf_u8(out, d.scale);
    buf_add(out, &d.unscaled, sizeof d.unscaled);
}

void variant_key(Str s, Buf *out) {
    Type t;
    Value v;
    if (!unpack(s, &t, &v)) {
        buf_str(out, s);
        return;
    }
    VariantFamily f = family_of(t.id);
    buf_u8(out, (uint8_t)f);
    switch (f) {
    case VARIANT_GUID: buf_str(out, v.v.s); break;
    case VARIANT_BINARY:
        while (v.v.s.n > 0 && v.v.s.p[v.v.s.n - 1] == '\0') v.v.s.n--;
        buf_str(out, v.v.s);
        break;
    case VARIANT_TEXT:
        buf_le16(out, t.collation);
        collation_key(collation_get(t.collation), v.v.s, out);
        break;
    case VARIANT_EXACT: exact_key(exact_of(&t, v), out); break;
    case VARIANT_FLOAT:
        if (v.v.d == 0) v.v.d = 0; /* no -0 */
        buf_add(out, &v.v.d, sizeof v.v.d);
        break;
    case VARIANT_DATE: buf_le64(out, (uint64_t)moment_of(&t, v)); break;
    }
}

/* --- properties -------------------------------------------------------------------------------------------
 */

int64_t variant_data_bytes(const Type *t, Value v) {
    if (type_is_unicode(t->id)) return (int64_t)(2 * wtf8_units(v.v.s));
    if (type_is_text(t->id)) return (int64_t)collation_encoded_bytes(collation_get(t->collation), v.v.s);
    return type_is_binary(t->id) || type_is_clr(t->id) ? (int64_t)v.v.s.n : type_max_length_bytes(t);
}

/* Two bytes for every value, then what the type needs to be read: a length and a collation, digits. */
static int metadata_bytes(const Type *t) {
    if (type_is_text(t->id)) return 8;
    if (type_is_binary(t->id) || t->id == TYPE_DECIMAL || t->id == TYPE_NUMERIC) return 4;
    bool has_scale = t->id == TYPE_TIME || t->id == TYPE_DATETIME2 || t->id == TYPE_DATETIMEOFFSET;
    return has_scale ? 3 : 2;
}

static Value number(int64_t x, Arena *a) {
    return variant_pack(&(Type){.id = TYPE_INT}, VALUE_OF_INT(x), a);
}

static Value name_of(const char *s, Arena *a) {
    return variant_pack(&(Type){.id = TYPE_NVARCHAR, .length = 128}, VALUE_OF_TEXT(str_from(s)), a);
}

Value variant_property(Value v, Str name, Arena *a) {
    Type t;
    if (!variant_unpack(v, &t, &v)) return (Value){0};
    if (str_eq_icase(name, STR_LIT("BaseType"))) return name_of(type_name(t.id), a);
    if (str_eq_icase(name, STR_LIT("Precision"))) return number(type_sys_precision(&t), a);
    if (str_eq_icase(name, STR_LIT("Scale"))) return number(type_sys_scale(&t), a);
    if (str_eq_icase(name, STR_LIT("MaxLength"))) return number(type_max_length_bytes(&t), a);
    if (str_eq_icase(name, STR_LIT("TotalBytes")))
        return number(variant_data_bytes(&t, v) + metadata_bytes(&t), a);
    if (str_eq_icase(name, STR_LIT("Collation")) && type_is_text(t.id))
        return name_of(collation_get(t.collation)->name, a);
    return (Value){0};
}
