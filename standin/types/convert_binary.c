/*
 * Binary as a target, and the bytes that other types are made of. Numbers are big-endian and stand at the
 * right end of binary(n); text and binary stand at the left end.
 */
#include "standin/types/convert_internal.h"

#include <string.h>

#include "standin/types/collation.h"
#include "standin/types/decimal.h"
#include "standin/types/guid.h"
#include "standin/types/temporal.h"
#include "standin/types/wtf8.h"

enum { CONVERT_PLAIN_BYTES = 24 }; /* the most that a value of fixed size takes */

static size_t put_be(uint8_t *out, size_t n, uint64_t x) {
    for (size_t i = n; i-- > 0; x >>= 8) out[i] = (uint8_t)x;
    return n;
}

static size_t put_le(uint8_t *out, size_t n, uint64_t x) {
    for (size_t i = 0; i < n; i++, x >>= 8) out[i] = (uint8_t)x;
    return n;
}

static size_t put_decimal(uint8_t *out, const Type *t, Value v) {
    Decimal d = decimal_from_value(v, t->precision, t->scale);
    UInt128 m = d.unscaled < 0 ? -(UInt128)d.unscaled : (UInt128)d.unscaled;
    size_t n = (size_t)type_max_length_bytes(t) - 1; /* the magnitude: 4, 8, 12, 16 */
    out[0] = d.precision;
    out[1] = d.scale;
    out[2] = 0;
    out[3] = d.unscaled < 0 ? 0 : 1;
    for (size_t i = 0; i < n; i++, m >>= 8) out[4 + i] = (uint8_t)m;
    return 4 + n;
}

static size_t put_float(uint8_t *out, TypeId id, double d) {
    if (id == TYPE_REAL) {
        float f = (float)d;
        uint32_t bits;
        memcpy(&bits, &f, sizeof bits);
        return put_be(out, 4, bits);
    }
    uint64_t bits;
    memcpy(&bits, &d, sizeof bits);
    return put_be(out, 8, bits);
}

static size_t put_time(uint8_t *out, uint8_t scale, int64_t ticks) {
    static const int64_t ticks_per_unit[8] = {10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    return put_le(out, scale <= 2 ? 3 : scale <= 4 ? 4 : 5, (uint64_t)(ticks / ticks_per_unit[scale]));
}

static size_t put_temporal(uint8_t *out, const Type *t, Value v) {
    Temporal x = temporal_unpack(t, v);
    size_t n = 0;
    switch (t->id) {
    case TYPE_DATE: return put_le(out, 3, (uint64_t)x.days);
    case TYPE_SMALLDATETIME:
        n = put_be(out, 2, (uint64_t)(v.v.i / 1440));
        return n + put_be(out + n, 2, (uint64_t)(v.v.i % 1440));
    case TYPE_DATETIME: {
        int64_t part = v.v.i % TEMPORAL_300THS_PER_DAY;
        if (part < 0) part += TEMPORAL_300THS_PER_DAY;
        n = put_be(out, 4, (uint64_t)(x.days - TEMPORAL_DAYS_1900));
        return n + put_be(out + n, 4, (uint64_t)part);
    }
    default: break;
    }
    out[n++] = t->scale;
    if (t->id == TYPE_DATETIMEOFFSET) { /* in UTC on its own day */
        int64_t utc = x.days * TEMPORAL_TICKS_PER_DAY + x.ticks - x.offset * 60 * TEMPORAL_TICKS_PER_SECOND;
        x.days = (int32_t)(utc / TEMPORAL_TICKS_PER_DAY);
        x.ticks = utc % TEMPORAL_TICKS_PER_DAY;
    }
    n += put_time(out + n, t->scale, x.ticks);
    if (t->id != TYPE_TIME) n += put_le(out + n, 3, (uint64_t)x.days);
    if (t->id == TYPE_DATETIMEOFFSET) n += put_le(out + n, 2, (uint64_t)(uint16_t)x.offset);
    return n;
}

/* The bytes of a value that is neither text nor binary. */
static size_t plain_bytes(const Type *t, Value v, uint8_t out[static CONVERT_PLAIN_BYTES]) {
    switch (t->id) {
    case TYPE_REAL:
    case TYPE_FLOAT: return put_float(out, t->id, v.v.d);
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return put_decimal(out, t, v);
    case TYPE_UNIQUEIDENTIFIER: guid_to_wire((const uint8_t *)v.v.s.p, out); return GUID_BYTES;
    default: break;
    }
    if (type_is_temporal(t->id)) return put_temporal(out, t, v);
    return put_be(out, (size_t)type_max_length_bytes(t), (uint64_t)v.v.i);
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Styles 1 (with 0x) and 2 (without). */
static bool hex_to_bytes(const Convert *c, Str s, Arena *a, Str *ret, ConvertError *e) {
    if (c->style == 1) {
        if (!str_starts(s, STR_LIT("0x")) && !str_starts(s, STR_LIT("0X"))) goto bad;
        s = str_sub(s, 2, s.n);
    }
    if (s.n % 2 != 0) goto bad;
    char *out = arena_bytes(a, s.n / 2 + 1);
    for (size_t i = 0; i < s.n / 2; i++) {
        int hi = hex_value(s.p[2 * i]), lo = hex_value(s.p[2 * i + 1]);
        if (hi < 0 || lo < 0) goto bad;
        out[i] = (char)(hi << 4 | lo);
    }
    *ret = (Str){out, s.n / 2};
    return true;
bad:
    return convert_fail(e, 8114, 5, "Error converting data type %s to %s.", type_name(c->from.id),
                        type_name(c->to.id));
}

static bool text_to_bytes(const Convert *c, Str s, Arena *a, Str *ret, ConvertError *e) {
    if (c->style == 1 || c->style == 2) return hex_to_bytes(c, s, a, ret, e);
    uint8_t *out = (uint8_t *)arena_bytes(a, 2 * s.n + 1);
    size_t n = type_is_unicode(c->from.id) ? wtf8_to_utf16le(s, out)
                                           : collation_encode_to(collation_get(c->from.collation), s, out);
    *ret = (Str){(const char *)out, n};
    return true;
}

/* To the target's length: cut, or padded with zeros. at_right: numbers keep their last bytes. */
static bool fit(const Convert *c, Str s, bool at_right, Arena *a, Value *ret, ConvertError *e) {
    size_t limit = c->to.id == TYPE_ROWVERSION ? 8 : (size_t)c->to.length;
    bool is_fixed = c->to.id == TYPE_BINARY || c->to.id == TYPE_ROWVERSION;
    *ret = VALUE_OF_BLOB(s);
    if (c->to.id == TYPE_IMAGE || (c->to.length == TYPE_MAX_LENGTH && !is_fixed)) return true;
    if (s.n > limit) {
        if (c->is_assignment && !at_right) {
            return convert_fail(e, 2628, 1, "String or binary data would be truncated.");
        }
        *ret = VALUE_OF_BLOB(((Str){s.p + (at_right ? s.n - limit : 0), limit}));
    } else if (is_fixed && s.n < limit) {
        char *out = arena_bytes(a, limit);
        memset(out, 0, limit);
        if (s.n > 0) memcpy(out + (at_right ? limit - s.n : 0), s.p, s.n);
        *ret = VALUE_OF_BLOB(((Str){out, limit}));
    }
    return true;
}

bool convert_to_binary(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    if (type_is_binary(c->from.id) || type_is_clr(c->from.id)) return fit(c, v.v.s, false, a, ret, e);
    if (v.kind == VALUE_TEXT) {
        Str bytes;
        return text_to_bytes(c, v.v.s, a, &bytes, e) && fit(c, bytes, false, a, ret, e);
    }
    uint8_t plain[CONVERT_PLAIN_BYTES];
    size_t n = plain_bytes(&c->from, v, plain);
    Str bytes = arena_str(a, (Str){(const char *)plain, n});
    bool is_number = type_is_exact(c->from.id) || c->from.id == TYPE_REAL || c->from.id == TYPE_FLOAT;
    return fit(c, bytes, is_number || type_is_temporal(c->from.id), a, ret, e);
}
