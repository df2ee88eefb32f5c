/*
 * Which pairs may be converted, by the matrix of the "CAST and CONVERT" page, folded into families: within a
 * family all types behave alike but for the exceptions written out.
 */
#include "standin/types/convert_internal.h"

#include <assert.h>

#include "standin/types/collation.h"
#include "standin/types/decimal.h"
#include "standin/types/variant.h"

typedef enum Family {
    FAMILY_TEXT,     /* char varchar nchar nvarchar */
    FAMILY_OLD_TEXT, /* text ntext */
    FAMILY_XML,
    FAMILY_NUMBER,   /* bit … bigint decimal money */
    FAMILY_FLOAT,    /* real float */
    FAMILY_OLD_DATE, /* datetime smalldatetime */
    FAMILY_DATE,
    FAMILY_TIME,
    FAMILY_DATETIME2, /* datetime2 datetimeoffset */
    FAMILY_GUID,
    FAMILY_BINARY, /* binary varbinary */
    FAMILY_IMAGE,
    FAMILY_ROWVERSION,
    FAMILY_VARIANT,
    FAMILY_CLR,
    FAMILY_COUNT,
} Family;

static Family family_of(TypeId id) {
    switch (id) {
    case TYPE_TEXT:
    case TYPE_NTEXT: return FAMILY_OLD_TEXT;
    case TYPE_XML: return FAMILY_XML;
    case TYPE_REAL:
    case TYPE_FLOAT: return FAMILY_FLOAT;
    case TYPE_DATETIME:
    case TYPE_SMALLDATETIME: return FAMILY_OLD_DATE;
    case TYPE_DATE: return FAMILY_DATE;
    case TYPE_TIME: return FAMILY_TIME;
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET: return FAMILY_DATETIME2;
    case TYPE_UNIQUEIDENTIFIER: return FAMILY_GUID;
    case TYPE_IMAGE: return FAMILY_IMAGE;
    case TYPE_ROWVERSION: return FAMILY_ROWVERSION;
    case TYPE_SQL_VARIANT: return FAMILY_VARIANT;
    case TYPE_HIERARCHYID:
    case TYPE_GEOMETRY:
    case TYPE_GEOGRAPHY: return FAMILY_CLR;
    case TYPE_BINARY:
    case TYPE_VARBINARY: return FAMILY_BINARY;
    default: return type_is_text(id) ? FAMILY_TEXT : FAMILY_NUMBER;
    }
}

/* I implicit, E explicit only, - never. Columns in the order of Family. */
static const char rules[FAMILY_COUNT][FAMILY_COUNT + 1] = {
    [FAMILY_TEXT] = "IIIIIIIIIIEIEII",       [FAMILY_OLD_TEXT] = "III------------",
    [FAMILY_XML] = "E-I-------E----",        [FAMILY_NUMBER] = "I--III----I-II-",
    [FAMILY_FLOAT] = "I--III----I--I-",      [FAMILY_OLD_DATE] = "I--EEIIII-E-EI-",
    [FAMILY_DATE] = "I----II-I-E--I-",       [FAMILY_TIME] = "I----I-II-E--I-",
    [FAMILY_DATETIME2] = "I----IIII-E--I-",  [FAMILY_GUID] = "I--------II--I-",
    [FAMILY_BINARY] = "I-II-IEEEIIIIII",     [FAMILY_IMAGE] = "----------III--",
    [FAMILY_ROWVERSION] = "I--I-I----III--", [FAMILY_VARIANT] = "E--EEEEEEEE--I-",
    [FAMILY_CLR] = "E-E-------E----",
};

ConvertRule convert_rule(TypeId from, TypeId to) {
    if (from == TYPE_NULL || from == to) return CONVERT_IMPLICIT;
    if (to == TYPE_NULL) return CONVERT_NEVER;
    Family f = family_of(from), t = family_of(to);
    if (from == TYPE_BINARY || from == TYPE_VARBINARY) {
        if (to == TYPE_DECIMAL || to == TYPE_NUMERIC) return CONVERT_IMPLICIT;
    }
    if (f == FAMILY_CLR && t == FAMILY_CLR) return CONVERT_NEVER;
    if (from == TYPE_NCHAR || from == TYPE_NVARCHAR) {
        if (to == TYPE_IMAGE) return CONVERT_NEVER;
    }
    switch (rules[f][t]) {
    case 'I': return CONVERT_IMPLICIT;
    case 'E': return CONVERT_EXPLICIT_ONLY;
    default: return CONVERT_NEVER;
    }
}

static bool is_max_into_variant(const Type *from, const Type *to) {
    return to->id == TYPE_SQL_VARIANT && from->length == TYPE_MAX_LENGTH;
}

/* Text forms of the CLR types: their values are nothing but bytes here. */
static bool needs_clr_code(const Type *from, const Type *to) {
    return (type_is_text(from->id) && type_is_clr(to->id)) || (type_is_clr(from->id) && type_is_text(to->id));
}

bool convert_is_allowed(const Type *from, const Type *to, bool is_explicit) {
    ConvertRule rule = convert_rule(from->id, to->id);
    if (is_max_into_variant(from, to) || needs_clr_code(from, to)) return false;
    return rule == CONVERT_IMPLICIT || (rule == CONVERT_EXPLICIT_ONLY && is_explicit);
}

void convert_refuse(const Type *from, const Type *to, bool is_explicit, ConvertError *e) {
    const char *f = convert_type_name(from->id), *t = convert_type_name(to->id);
    if (is_max_into_variant(from, to)) {
        (void)convert_fail(e, 206, 2, "Operand type clash: %s(max) is incompatible with %s", f, t);
    } else if (needs_clr_code(from, to) &&
               (is_explicit || convert_rule(from->id, to->id) == CONVERT_IMPLICIT)) {
        (void)convert_fail(e, 40517, 1,
                           "Keyword or statement option 'conversion from %s to %s' is not supported in this "
                           "version of SQL Server.",
                           f, t);
    } else if (is_explicit) {
        (void)convert_fail(e, 529, 2, "Explicit conversion from data type %s to %s is not allowed.", f, t);
    } else if (convert_rule(from->id, to->id) == CONVERT_EXPLICIT_ONLY) {
        (void)convert_fail(
            e, 257, 3,
            "Implicit conversion from data type %s to %s is not allowed. Use the CONVERT function "
            "to run this query.",
            f, t);
    } else {
        (void)convert_fail(e, 206, 2, "Operand type clash: %s is incompatible with %s", f, t);
    }
}

/* --- the type of two
 * ---------------------------------------------------------------------------------------- */

/* What an exact type is as a decimal(p,s). */
static Decimal decimal_shape(const Type *t) {
    switch (t->id) {
    case TYPE_BIT: return (Decimal){0, 1, 0};
    case TYPE_TINYINT: return (Decimal){0, 3, 0};
    case TYPE_SMALLINT: return (Decimal){0, 5, 0};
    case TYPE_INT: return (Decimal){0, 10, 0};
    case TYPE_BIGINT: return (Decimal){0, 19, 0};
    case TYPE_SMALLMONEY: return (Decimal){0, 10, 4};
    case TYPE_MONEY: return (Decimal){0, 19, 4};
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return (Decimal){0, t->precision, t->scale};
    default: return (Decimal){0, 38, 0};
    }
}

/* Characters (text) or bytes (binary) that a value of t may need as type `as`. */
static int32_t length_as(const Type *t, const Type *as) {
    if (t->id == TYPE_NULL) return 0;
    if (t->length == TYPE_MAX_LENGTH || t->id == TYPE_TEXT || t->id == TYPE_NTEXT || t->id == TYPE_IMAGE) {
        return TYPE_MAX_LENGTH;
    }
    if (type_is_text(t->id) || t->id == TYPE_BINARY || t->id == TYPE_VARBINARY) return t->length;
    if (type_is_text(as->id)) return 30; /* CONVERT's default length */
    return type_max_length_bytes(t);
}

static bool has_length(TypeId id) {
    return id == TYPE_CHAR || id == TYPE_VARCHAR || id == TYPE_NCHAR || id == TYPE_NVARCHAR ||
           id == TYPE_BINARY || id == TYPE_VARBINARY;
}

Type convert_common_type(const Type *a, const Type *b) {
    const Type *high = type_precedence(b->id) > type_precedence(a->id) ? b : a, *low = high == a ? b : a;
    Type t = *high;
    if (low->id == TYPE_NULL) return t;
    if (t.id == TYPE_DECIMAL || t.id == TYPE_NUMERIC) {
        Decimal joined = type_is_exact(low->id) ? decimal_union_type(decimal_shape(a), decimal_shape(b))
                                                : (Decimal){0, t.precision, t.scale};
        t.precision = joined.precision;
        t.scale = joined.scale;
    } else if (t.id == TYPE_TIME || t.id == TYPE_DATETIME2 || t.id == TYPE_DATETIMEOFFSET) {
        uint8_t low_scale = low->id == TYPE_DATETIME ? 3 : type_is_temporal(low->id) ? low->scale : 0;
        if (low_scale > t.scale) t.scale = low_scale;
    } else if (has_length(t.id)) {
        int32_t x = length_as(a, &t), y = length_as(b, &t);
        t.length = x == TYPE_MAX_LENGTH || y == TYPE_MAX_LENGTH ? TYPE_MAX_LENGTH : x > y ? x : y;
        if (t.length > 4000 && type_is_unicode(t.id)) t.length = 4000;
        if (t.id == TYPE_CHAR && low->id == TYPE_CHAR) return t;
        if (t.length == TYPE_MAX_LENGTH && t.id == TYPE_CHAR) t.id = TYPE_VARCHAR;
        if (t.length == TYPE_MAX_LENGTH && t.id == TYPE_NCHAR) t.id = TYPE_NVARCHAR;
        if (t.length == TYPE_MAX_LENGTH && t.id == TYPE_BINARY) t.id = TYPE_VARBINARY;
        if (t.id == TYPE_NCHAR && low->id == TYPE_VARCHAR) t.id = TYPE_NVARCHAR;
        t.is_sysname = a->is_sysname && b->is_sysname;
    }
    return t;
}

static int compare_i64(int64_t a, int64_t b) {
    return a < b ? -1 : a > b;
}

/* Shorter binary counts as padded with zeros. */
static int compare_binary(Str a, Str b) {
    size_t n = a.n > b.n ? a.n : b.n;
    for (size_t i = 0; i < n; i++) {
        uint8_t x = i < a.n ? (uint8_t)a.p[i] : 0, y = i < b.n ? (uint8_t)b.p[i] : 0;
        if (x != y) return x < y ? -1 : 1;
    }
    return 0;
}

int convert_compare(const Type *t, Value a, Value b) {
    assert(a.kind != VALUE_NULL && b.kind != VALUE_NULL);
    if (t->id == TYPE_SQL_VARIANT) return variant_compare(a.v.s, b.v.s);
    switch (a.kind) {
    case VALUE_INT: return compare_i64(a.v.i, b.v.i);
    case VALUE_REAL: return a.v.d < b.v.d ? -1 : a.v.d > b.v.d;
    case VALUE_TEXT: return collation_compare(collation_get(t->collation), a.v.s, b.v.s);
    case VALUE_BLOB:
        if (t->id == TYPE_DATETIMEOFFSET) return str_cmp(str_sub(a.v.s, 0, 8), str_sub(b.v.s, 0, 8));
        return type_is_binary(t->id) ? compare_binary(a.v.s, b.v.s) : str_cmp(a.v.s, b.v.s);
    case VALUE_NULL: break;
    }
    return 0;
}

void convert_text_key(const Type *t, Str s, Buf *out) {
    if (t->id == TYPE_SQL_VARIANT) variant_key(s, out);
    else collation_key(collation_get(t->collation), s, out);
}
