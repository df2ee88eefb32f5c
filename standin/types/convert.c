/*
 * The target's family decides: numbers and binary have files of their own, text, dates and GUIDs are here.
 * The text form of a value (convert_to_text) serves CAST to text and whoever prints values.
 */
#include "standin/types/convert.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "standin/types/collation.h"
#include "standin/types/convert_internal.h"
#include "standin/types/decimal.h"
#include "standin/types/guid.h"
#include "standin/types/temporal.h"
#include "standin/types/variant.h"
#include "standin/types/wtf8.h"

bool convert_fail(ConvertError *e, int32_t number, uint8_t state, const char *fmt, ...) {
    e->number = number;
    e->state = state;
    e->class_ = 16;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return false;
}

const char *convert_type_name(TypeId id) {
    return id == TYPE_DECIMAL ? "numeric" : type_name(id);
}

Str convert_shown(Str s) {
    if (s.n <= CONVERT_SHOWN_BYTES) return s;
    s.n = CONVERT_SHOWN_BYTES;
    while (s.n > 0 && ((uint8_t)s.p[s.n] & 0xc0) == 0x80) s.n--; /* not in the middle of a character */
    return s;
}

/* --- to text ----------------------------------------------------------------------------------------------
 */

/* "1.5e+300": SQL Server writes at least three digits of exponent. */
static void add_exponent_form(const char *text, Buf *out) {
    const char *e = strchr(text, 'e');
    if (!e || strlen(e + 2) >= 3) {
        buf_cstr(out, text);
        return;
    }
    buf_add(out, text, (size_t)(e - text) + 2);
    for (size_t n = strlen(e + 2); n < 3; n++) buf_u8(out, '0');
    buf_cstr(out, e + 2);
}

static bool float_to_text(const Type *t, double d, int style, Buf *out) {
    char text[64];
    switch (style) {
    case CONVERT_STYLE_DEFAULT:
    case 0: (void)snprintf(text, sizeof text, "%.6g", d); break;
    case 1: (void)snprintf(text, sizeof text, "%.7e", d); break;
    case 2: (void)snprintf(text, sizeof text, "%.15e", d); break;
    case 3: (void)snprintf(text, sizeof text, t->id == TYPE_REAL ? "%.8e" : "%.16e", d); break;
    default: return false;
    }
    add_exponent_form(text, out);
    return true;
}

static bool money_to_text(int64_t x, int style, Buf *out) {
    if (style > 2) return false;
    char text[DECIMAL_TEXT_SIZE];
    Decimal d = {x, 19, 4};
    if (style != 2 && !decimal_rescale(d, 19, 2, &d)) return false;
    (void)decimal_format(d, text);
    if (style != 1) {
        buf_cstr(out, text);
        return true;
    }
    const char *p = text;
    if (*p == '-') buf_u8(out, (uint8_t)*p++);
    for (size_t whole = strcspn(p, "."); whole > 0; whole--, p++) {
        buf_u8(out, (uint8_t)*p);
        if (whole > 1 && whole % 3 == 1) buf_u8(out, ',');
    }
    buf_cstr(out, p);
    return true;
}

static void bytes_to_hex(Str s, Buf *out) {
    static const char hex[] = "0123456789ABCDEF";
    uint8_t *p = buf_reserve(out, 2 * s.n);
    for (size_t i = 0; i < s.n; i++) {
        p[2 * i] = (uint8_t)hex[(uint8_t)s.p[i] >> 4];
        p[2 * i + 1] = (uint8_t)hex[(uint8_t)s.p[i] & 15];
    }
    out->n += 2 * s.n;
}

/* Bytes to text; as_unicode: style 0 reads them as UTF-16, else as the code page. */
static bool binary_to_text(Str s, int style, bool as_unicode, const Collation *collation, Buf *out) {
    switch (style) {
    case CONVERT_STYLE_DEFAULT:
    case 0:
        if (as_unicode) {
            uint8_t *p = buf_reserve(out, 3 * (s.n / 2) + 1);
            out->n += wtf8_from_utf16le((const uint8_t *)s.p, s.n, (char *)p);
        } else collation_decode(collation, s, out);
        return true;
    case 1:
        buf_cstr(out, "0x");
        bytes_to_hex(s, out);
        return true;
    case 2: bytes_to_hex(s, out); return true;
    default: return false;
    }
}

static bool is_hijri(int style) {
    return style == 130 || style == 131;
}

static bool hijri(ConvertError *e) {
    return convert_fail(e, 40517, 1, "The styles 130 and 131 of CONVERT aren't supported by this server.");
}

static bool bad_style(const Type *from, int style, ConvertError *e) {
    if (is_hijri(style) && type_is_temporal(from->id)) return hijri(e);
    return convert_fail(e, 281, 1,
                        "%d is not a valid style number when converting from %s to a character string.",
                        style, convert_type_name(from->id));
}

static bool plain_to_text(const Type *from, Value v, int style, Buf *out, ConvertError *e) {
    char text[TEMPORAL_TEXT_SIZE];
    switch (from->id) {
    case TYPE_REAL:
    case TYPE_FLOAT: return float_to_text(from, v.v.d, style, out) || bad_style(from, style, e);
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return money_to_text(v.v.i, style, out) || bad_style(from, style, e);
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
        buf_cstr(out, decimal_format(decimal_from_value(v, from->precision, from->scale), text));
        return true;
    case TYPE_UNIQUEIDENTIFIER: buf_cstr(out, guid_format((const uint8_t *)v.v.s.p, text)); return true;
    default: break;
    }
    if (!type_is_temporal(from->id)) {
        buf_printf(out, "%" PRId64, v.v.i);
        return true;
    }
    if (!temporal_format(from, temporal_unpack(from, v), style, text)) return bad_style(from, style, e);
    buf_cstr(out, text);
    return true;
}

bool convert_to_text(const Type *from, Value v, int style, Buf *out, ConvertError *e) {
    Type base;
    if (v.kind == VALUE_NULL) return true;
    if (from->id == TYPE_SQL_VARIANT) {
        if (!variant_unpack(v, &base, &v)) return bad_style(from, style, e);
        from = &base;
    }
    if (v.kind == VALUE_TEXT) {
        buf_str(out, v.v.s);
        return true;
    }
    if (!type_is_binary(from->id) && !type_is_clr(from->id)) return plain_to_text(from, v, style, out, e);
    return binary_to_text(v.v.s, style, true, collation_get(0), out) || bad_style(from, style, e);
}

static bool is_ascii(Str s) {
    uint8_t all = 0;
    for (size_t i = 0; i < s.n; i++) all |= (uint8_t)s.p[i];
    return all < 0x80;
}

/* What a code page lacks becomes '?' when text enters a char or varchar. */
static Str through_code_page(const Collation *collation, Str s, Arena *a) {
    if (collation->is_utf8 || is_ascii(s)) return s;
    CLEANUP(buf_done) Buf bytes = {0};
    CLEANUP(buf_done) Buf back = {0};
    collation_encode(collation, s, &bytes);
    collation_decode(collation, buf_view(&bytes), &back);
    return arena_str(a, buf_view(&back));
}

/* The length of s in the target's unit. */
static size_t length_in(const Type *t, Str s) {
    return type_is_unicode(t->id) ? wtf8_units(s) : collation_encoded_bytes(collation_get(t->collation), s);
}

/* The start of s that takes at most limit of the target's units. */
static Str cut(const Type *t, Str s, size_t limit, Arena *a) {
    if (type_is_unicode(t->id)) return wtf8_prefix(s, limit, a);
    return collation_prefix(collation_get(t->collation), s, limit);
}

/* The error, or the asterisk, for a number that is too long as text. True: cut it like any text. */
static bool may_cut(const Convert *c, Value v, Str s, Str *ret, ConvertError *e) {
    TypeId from = c->from.id;
    *ret = s;
    if (from == TYPE_UNIQUEIDENTIFIER) {
        return convert_fail(e, 8170, 2,
                            "Insufficient result space to convert uniqueidentifier value to char.");
    }
    if (from == TYPE_MONEY || from == TYPE_SMALLMONEY) {
        return convert_fail(e, 234, 2, "There is insufficient result space to convert a money value to %s.",
                            type_name(c->to.id));
    }
    bool is_small = from == TYPE_TINYINT || from == TYPE_SMALLINT || from == TYPE_INT || from == TYPE_BIT;
    if (is_small && !type_is_unicode(c->to.id)) {
        *ret = STR_LIT("*");
        return true;
    }
    if (from == TYPE_REAL || from == TYPE_FLOAT) {
        return convert_fail(e, 232, 2, "Arithmetic overflow error for type %s, value = %f.",
                            type_name(c->to.id), v.v.d);
    }
    if (type_is_exact(from)) {
        bool is_decimal = from == TYPE_DECIMAL || from == TYPE_NUMERIC;
        return convert_fail(e, 8115, is_decimal ? 5 : 2,
                            "Arithmetic overflow error converting %s to data type %s.",
                            is_decimal ? "numeric" : "expression", type_name(c->to.id));
    }
    return true;
}

static Str pad(Str s, size_t blanks, Arena *a) {
    char *out = arena_bytes(a, s.n + blanks);
    if (s.n > 0) memcpy(out, s.p, s.n);
    memset(out + s.n, ' ', blanks);
    return (Str){out, s.n + blanks};
}

static Str without_blanks_past(Str s, size_t keep) {
    while (s.n > keep && s.p[s.n - 1] == ' ') s.n--;
    return s;
}

/* To the target's length: cut (or refused) when longer, padded for char and nchar. */
static bool fit_text(const Convert *c, Value v, Str s, Arena *a, Value *ret, ConvertError *e) {
    const Type *t = &c->to;
    *ret = VALUE_OF_TEXT(s);
    if (t->id == TYPE_TEXT || t->id == TYPE_NTEXT || t->id == TYPE_XML || t->length == TYPE_MAX_LENGTH)
        return true;
    size_t limit = (size_t)t->length;
    bool is_fixed = t->id == TYPE_CHAR || t->id == TYPE_NCHAR;
    if (!is_fixed && s.n <= limit) return true; /* no text has more units than bytes */
    size_t length = length_in(t, s);
    if (length > limit) {
        if (!may_cut(c, v, s, &s, e)) return false;
        if (c->is_assignment && length_in(t, without_blanks_past(s, 0)) > limit) {
            return convert_fail(e, 2628, 1, "String or binary data would be truncated.");
        }
        s = length_in(t, s) > limit ? cut(t, s, limit, a) : s;
        length = length_in(t, s);
    }
    if (is_fixed && length < limit) s = pad(s, limit - length, a);
    *ret = VALUE_OF_TEXT(s);
    return true;
}

/* xml keeps no declaration. */
static Str without_xml_declaration(Str s) {
    if (!str_starts(s, STR_LIT("<?xml"))) return s;
    size_t end = str_find(s, '>');
    return end < s.n ? str_sub(s, end + 1, s.n) : s;
}

static bool to_text(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    const Collation *collation = collation_get(c->to.collation);
    Str s;
    if (v.kind == VALUE_TEXT) {
        s = v.v.s;
        bool is_same_page = !type_is_unicode(c->from.id) &&
                            collation_get(c->from.collation)->code_page == collation->code_page;
        if (!type_is_unicode(c->to.id) && !is_same_page) s = through_code_page(collation, s, a);
        if (c->to.id == TYPE_XML) s = without_xml_declaration(s);
    } else {
        CLEANUP(buf_done) Buf out = {0};
        bool is_binary = type_is_binary(c->from.id);
        if (is_binary && !binary_to_text(v.v.s, c->style, type_is_unicode(c->to.id), collation, &out)) {
            return bad_style(&c->from, c->style, e);
        }
        if (!is_binary && !plain_to_text(&c->from, v, c->style, &out, e)) return false;
        s = arena_str(a, buf_view(&out));
    }
    return fit_text(c, v, s, a, ret, e);
}

/* --- to dates and times -----------------------------------------------------------------------------------
 */

static bool out_of_range(const Convert *c, ConvertError *e) {
    return convert_fail(
        e, 242, 3, "The conversion of a %s data type to a %s data type resulted in an out-of-range value.",
        type_name(c->from.id), type_name(c->to.id));
}

static bool is_old_date(TypeId id) {
    return id == TYPE_DATETIME || id == TYPE_SMALLDATETIME;
}

static bool text_to_moment(const Convert *c, Str s, Temporal *ret, ConvertError *e) {
    TemporalText text;
    if (is_hijri(c->style)) return hijri(e);
    TemporalParse parsed = temporal_parse(s, c->style, &text);
    if (parsed == TEMPORAL_OUT_OF_RANGE && is_old_date(c->to.id)) return out_of_range(c, e);
    if (parsed == TEMPORAL_PARSED && is_old_date(c->to.id)) {
        if (text.fraction_digits > 3 || text.at.offset != 0) parsed = TEMPORAL_BAD_TEXT;
    }
    if (parsed != TEMPORAL_PARSED) {
        return convert_fail(e, 241, 1,
                            "Conversion failed when converting date and/or time from character string.");
    }
    *ret = text.at;
    return true;
}

/* Days since 1900-01-01 as a number. */
static bool number_to_moment(const Convert *c, Value v, Arena *a, Temporal *ret, ConvertError *e) {
    Convert to_float = {.from = c->from, .to = {.id = TYPE_FLOAT}, .style = c->style};
    Value days;
    if (!convert_to_number(&to_float, v, a, &days, e)) return false;
    double whole = floor(days.v.d);
    if (!(whole >= -TEMPORAL_DAYS_1900 && whole <= TEMPORAL_DAYS_MAX - TEMPORAL_DAYS_1900)) {
        return convert_fail(e, 8115, 2, "Arithmetic overflow error converting expression to data type %s.",
                            type_name(c->to.id));
    }
    int64_t part = (int64_t)floor((days.v.d - whole) * TEMPORAL_300THS_PER_DAY + 0.5);
    *ret = (Temporal){(int32_t)whole + TEMPORAL_DAYS_1900, (part * 100000 + 1) / 3, 0};
    return true;
}

/* Eight bytes days and 1/300 s, as datetime's own binary form; fewer stand for the last. */
static bool binary_to_moment(const Convert *c, Str s, Temporal *ret, ConvertError *e) {
    uint64_t x = 0;
    for (size_t i = s.n > 8 ? s.n - 8 : 0; i < s.n; i++) x = x << 8 | (uint8_t)s.p[i];
    int64_t days = (int32_t)(x >> 32), part = (uint32_t)x;
    if (c->to.id == TYPE_SMALLDATETIME) {
        days = (x >> 16) & 0xffff;
        part = (int64_t)(x & 0xffff) * 60 * 300;
    }
    if (!is_old_date(c->to.id) || part >= TEMPORAL_300THS_PER_DAY || days < -TEMPORAL_DAYS_1900 ||
        days > TEMPORAL_DAYS_MAX - TEMPORAL_DAYS_1900) {
        return convert_fail(e, 210, 1, "Conversion failed when converting %s from binary/varbinary string.",
                            type_name(c->to.id));
    }
    *ret = (Temporal){(int32_t)(days + TEMPORAL_DAYS_1900), (part * 100000 + 1) / 3, 0};
    return true;
}

static bool to_moment(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    Temporal x;
    if (v.kind == VALUE_TEXT) {
        if (!text_to_moment(c, v.v.s, &x, e)) return false;
    } else if (type_is_temporal(c->from.id)) {
        x = temporal_unpack(&c->from, v);
    } else if (type_is_binary(c->from.id)) {
        if (!binary_to_moment(c, v.v.s, &x, e)) return false;
    } else if (!number_to_moment(c, v, a, &x, e)) return false;
    if (c->to.id == TYPE_SMALLDATETIME) { /* text is rounded to datetime's ticks first */
        x.ticks = ((x.ticks * 3 + 50000) / 100000 * 100000 + 1) / 3;
    }
    uint8_t *blob = (uint8_t *)arena_bytes(a, TEMPORAL_OFFSET_BYTES);
    return temporal_pack(&c->to, x, blob, ret) || out_of_range(c, e);
}

static bool to_guid(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    uint8_t *stored = (uint8_t *)arena_bytes(a, GUID_BYTES);
    if (v.kind == VALUE_TEXT) {
        if (!guid_parse(v.v.s, stored)) {
            return convert_fail(e, 8169, 2,
                                "Conversion failed when converting from a character string to "
                                "uniqueidentifier.");
        }
    } else {
        uint8_t wire[GUID_BYTES] = {0};
        assert(type_is_binary(c->from.id));
        if (v.v.s.n > 0) memcpy(wire, v.v.s.p, v.v.s.n < GUID_BYTES ? v.v.s.n : GUID_BYTES);
        guid_from_wire(wire, stored);
    }
    *ret = VALUE_OF_BLOB(((Str){(const char *)stored, GUID_BYTES}));
    return true;
}

/* --- the way in -------------------------------------------------------------------------------------------
 */

static bool is_same_type(const Type *a, const Type *b) {
    return a->id == b->id && a->length == b->length && a->precision == b->precision && a->scale == b->scale &&
           a->collation == b->collation;
}

/* The value in it, converted as a value of its base type. */
static bool from_variant(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    Convert inner = *c;
    if (!variant_unpack(v, &inner.from, &v)) {
        return convert_fail(e, 8114, 5, "Error converting data type %s to %s.", type_name(c->from.id),
                            convert_type_name(c->to.id));
    }
    return convert_value(&inner, v, a, ret, e);
}

/* A CLR type's bytes as they are, as many as it takes. */
static bool to_clr(const Convert *c, Value v, Value *ret, ConvertError *e) {
    int most = type_max_length_bytes(&c->to);
    if (most > 0 && v.v.s.n > (size_t)most) {
        return convert_fail(e, 6522, 16, "A value of %zu bytes isn't a valid %s.", v.v.s.n,
                            type_name(c->to.id));
    }
    *ret = VALUE_OF_BLOB(v.v.s);
    return true;
}

bool convert_value(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e) {
    if (v.kind == VALUE_NULL || is_same_type(&c->from, &c->to)) {
        *ret = v;
        return true;
    }
    if (!convert_is_allowed(&c->from, &c->to, /* is_explicit= */ true)) {
        convert_refuse(&c->from, &c->to, !c->is_assignment, e);
        return false;
    }
    if (c->from.id == TYPE_SQL_VARIANT) return from_variant(c, v, a, ret, e);
    if (c->to.id == TYPE_SQL_VARIANT) {
        *ret = variant_pack(&c->from, v, a);
        return true;
    }
    if (type_is_clr(c->to.id)) return to_clr(c, v, ret, e);
    if (type_is_text(c->to.id)) return to_text(c, v, a, ret, e);
    if (type_is_binary(c->to.id)) return convert_to_binary(c, v, a, ret, e);
    if (type_is_temporal(c->to.id)) return to_moment(c, v, a, ret, e);
    if (c->to.id == TYPE_UNIQUEIDENTIFIER) return to_guid(c, v, a, ret, e);
    return convert_to_number(c, v, a, ret, e);
}
