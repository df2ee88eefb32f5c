/*
 * One table of pairs: what a value is in memory (and how many digits it has) against what PostgreSQL's
 * receive function for the target type wants. A pair that isn't in the table is refused at the start, by
 * name, and never found out by a row in the night.
 */
#include "postgres/pgtype.h"

#include <string.h>

#include "base/mem.h"

/* Fixed OIDs of built-in types (src/include/catalog/pg_type.dat). */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_JSON = 114,
    OID_XML = 142,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_BPCHAR = 1042,
    OID_VARCHAR = 1043,
    OID_DATE = 1082,
    OID_TIME = 1083,
    OID_TIMESTAMP = 1114,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950,
    OID_JSONB = 3802,
};

enum { TYPMOD_HEADER = 4, PG_FRACTION_DIGITS = 6 };

PgKind pgtype_kind(uint32_t oid, bool is_enum, const char *name) {
    static const struct {
        uint32_t oid;
        PgKind kind;
    } known[] = {
        {OID_BOOL, PGKIND_BOOL},     {OID_BYTEA, PGKIND_BYTEA},         {OID_INT8, PGKIND_INT8},
        {OID_INT2, PGKIND_INT2},     {OID_INT4, PGKIND_INT4},           {OID_TEXT, PGKIND_TEXT},
        {OID_NAME, PGKIND_OTHER},    {OID_JSON, PGKIND_JSON},           {OID_XML, PGKIND_XML},
        {OID_FLOAT4, PGKIND_FLOAT4}, {OID_FLOAT8, PGKIND_FLOAT8},       {OID_BPCHAR, PGKIND_TEXT},
        {OID_VARCHAR, PGKIND_TEXT},  {OID_DATE, PGKIND_DATE},           {OID_TIME, PGKIND_TIME},
        {OID_UUID, PGKIND_UUID},     {OID_TIMESTAMP, PGKIND_TIMESTAMP}, {OID_TIMESTAMPTZ, PGKIND_TIMESTAMPTZ},
        {OID_JSONB, PGKIND_JSONB},   {OID_NUMERIC, PGKIND_NUMERIC},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].oid == oid) return known[i].kind;
    static const struct { /* of extensions: no fixed OIDs */
        const char *name;
        PgKind kind;
    } extensions[] = {{"citext", PGKIND_TEXT},
                      {"ltree", PGKIND_LTREE},
                      {"geometry", PGKIND_SPATIAL},
                      {"geography", PGKIND_SPATIAL}};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++)
        if (strcmp(name, extensions[i].name) == 0) return extensions[i].kind;
    return is_enum ? PGKIND_TEXT : PGKIND_OTHER;
}

static int fraction_digits(const Column *c) {
    switch (c->type) {
    case SQLTYPE_SMALLDATETIME: return 0;
    case SQLTYPE_DATETIME: return 3;
    case SQLTYPE_TIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET: return c->scale < PG_FRACTION_DIGITS ? c->scale : PG_FRACTION_DIGITS;
    default: return 0;
    }
}

bool pgtype_ddl(const Column *c, Buf *out, Err *e) {
    static const char *const plain[SQLTYPE_COUNT] = {
        [SQLTYPE_BIT] = "boolean",
        [SQLTYPE_TINYINT] = "smallint",
        [SQLTYPE_SMALLINT] = "smallint",
        [SQLTYPE_INT] = "integer",
        [SQLTYPE_BIGINT] = "bigint",
        [SQLTYPE_MONEY] = "numeric(19,4)",
        [SQLTYPE_SMALLMONEY] = "numeric(10,4)",
        [SQLTYPE_REAL] = "real",
        [SQLTYPE_FLOAT] = "double precision",
        [SQLTYPE_DATE] = "date",
        [SQLTYPE_TEXT] = "text",
        [SQLTYPE_NTEXT] = "text",
        [SQLTYPE_XML] = "xml",
        [SQLTYPE_BINARY] = "bytea",
        [SQLTYPE_VARBINARY] = "bytea",
        [SQLTYPE_IMAGE] = "bytea",
        [SQLTYPE_ROWVERSION] = "bytea",
        [SQLTYPE_UNIQUEIDENTIFIER] = "uuid",
        [SQLTYPE_SQL_VARIANT] = "jsonb",
        [SQLTYPE_HIERARCHYID] = "text",
        [SQLTYPE_GEOGRAPHY] = "bytea",
        [SQLTYPE_GEOMETRY] = "bytea",
        [SQLTYPE_CLR] = "bytea",
    };
    switch (c->type) {
    case SQLTYPE_DECIMAL: buf_printf(out, "numeric(%d,%d)", c->precision, c->scale); return true;
    case SQLTYPE_TIME: buf_printf(out, "time(%d)", fraction_digits(c)); return true;
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_DATETIME:
    case SQLTYPE_DATETIME2: buf_printf(out, "timestamp(%d)", fraction_digits(c)); return true;
    case SQLTYPE_DATETIMEOFFSET:
        buf_printf(out, "timestamp(%d) with time zone", fraction_digits(c));
        return true;
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR: /* bytes of a code page or UTF-16 units: never fewer than characters */
        if (c->length > 0) buf_printf(out, "varchar(%d)", (int)c->length);
        else buf_cstr(out, "text");
        return true;
    default: break;
    }
    if (!plain[c->type])
        return err_set(e, ERR_INVALID, false,
                       "column " STR_FMT ": SQL Server's type %s has no counterpart yet; exclude the column",
                       STR_ARG(c->name), sqltype_name(c->type));
    buf_cstr(out, plain[c->type]);
    return true;
}

PgDigits pgtype_digits(const PgType *t) {
    switch (t->kind) {
    case PGKIND_NUMERIC:
        if (t->typmod < TYPMOD_HEADER) return (PgDigits){-1, -1};
        return (PgDigits){(t->typmod - TYPMOD_HEADER) >> 16 & 0xFFFF, (t->typmod - TYPMOD_HEADER) & 0x7FF};
    case PGKIND_TIME:
    case PGKIND_TIMESTAMP:
    case PGKIND_TIMESTAMPTZ: return (PgDigits){-1, t->typmod < 0 ? PG_FRACTION_DIGITS : t->typmod};
    default: return (PgDigits){-1, -1};
    }
}

bool pgtype_is_comparable(PgKind kind) {
    return kind != PGKIND_OTHER && kind != PGKIND_XML && kind != PGKIND_JSON && kind != PGKIND_SPATIAL;
}

/* ---- pairs ---- */

static bool fits_integer(const Column *c, PgKind kind) {
    int digits = c->type == SQLTYPE_BIT        ? 1
                 : c->type == SQLTYPE_TINYINT  ? 3
                 : c->type == SQLTYPE_SMALLINT ? 5
                 : c->type == SQLTYPE_INT      ? 10
                 : c->type == SQLTYPE_BIGINT   ? 19
                                               : c->precision;
    bool is_decimal =
        c->type == SQLTYPE_DECIMAL; /* 9…9 of p digits must fit, not the binary type's maximum */
    switch (kind) {
    case PGKIND_INT2: return digits <= (is_decimal ? 4 : 5);
    case PGKIND_INT4: return digits <= (is_decimal ? 9 : 10);
    case PGKIND_INT8: return digits <= (is_decimal ? 18 : 19);
    default: return false;
    }
}

static PgEncode integer_encoder(PgKind kind) {
    return kind == PGKIND_INT2   ? pgencode_int_int2
           : kind == PGKIND_INT4 ? pgencode_int_int4
                                 : pgencode_int_int8;
}

static PgEncode encoder_of_integer(const Column *c, const PgType *t) {
    switch (t->kind) {
    case PGKIND_BOOL: return c->type == SQLTYPE_BIT ? pgencode_int_bool : NULL;
    case PGKIND_INT2:
    case PGKIND_INT4:
    case PGKIND_INT8: return fits_integer(c, t->kind) ? integer_encoder(t->kind) : NULL;
    case PGKIND_NUMERIC: return pgencode_int_numeric;
    case PGKIND_TEXT: return pgencode_int_text;
    default: return NULL;
    }
}

static PgEncode encoder_of_decimal(const Column *c, const PgType *t) {
    bool is_wide = sqltype_form(c->type, c->precision) == FORM_INT128;
    int kept = pgtype_digits(t).scale;
    switch (t->kind) {
    case PGKIND_INT2:
    case PGKIND_INT4:
    case PGKIND_INT8: return c->scale == 0 && fits_integer(c, t->kind) ? integer_encoder(t->kind) : NULL;
    case PGKIND_NUMERIC:
        if (kept >= 0 && kept < c->scale)
            return NULL; /* would be rounded silently; too few digits before the point
                            raise an error instead */
        return is_wide ? pgencode_int128_numeric : pgencode_int_numeric;
    case PGKIND_TEXT: return is_wide ? pgencode_int128_text : pgencode_int_text;
    default: return NULL;
    }
}

static PgEncode encoder_of_temporal(const Column *c, const PgType *t) {
    bool keeps_digits = pgtype_digits(t).scale >= fraction_digits(c);
    switch (t->kind) {
    case PGKIND_DATE: return c->type == SQLTYPE_DATE ? pgencode_date_date : NULL;
    case PGKIND_TIME: return c->type == SQLTYPE_TIME && keeps_digits ? pgencode_time_time : NULL;
    case PGKIND_TIMESTAMP:
        if (c->type == SQLTYPE_DATE) return pgencode_date_timestamp;
        return c->type != SQLTYPE_TIME && c->type != SQLTYPE_DATETIMEOFFSET && keeps_digits
                   ? pgencode_ticks_timestamp
                   : NULL;
    case PGKIND_TIMESTAMPTZ: /* zone-less values are taken as UTC, as Debezium's sink does */
        return c->type != SQLTYPE_TIME && c->type != SQLTYPE_DATE && keeps_digits ? pgencode_ticks_timestamp
                                                                                  : NULL;
    case PGKIND_INT4:
        return c->type == SQLTYPE_DATE                    ? pgencode_date_epoch4
               : c->type == SQLTYPE_TIME && c->scale <= 3 ? pgencode_time_epoch4
                                                          : NULL;
    case PGKIND_INT8:
        if (c->type == SQLTYPE_DATE || c->type == SQLTYPE_DATETIMEOFFSET) return NULL;
        return c->type == SQLTYPE_TIME ? pgencode_time_epoch8 : pgencode_ticks_epoch8;
    case PGKIND_TEXT:
        return c->type == SQLTYPE_DATE             ? pgencode_date_text
               : c->type == SQLTYPE_TIME           ? pgencode_time_text
               : c->type == SQLTYPE_DATETIMEOFFSET ? pgencode_offset_text
                                                   : pgencode_ticks_text;
    default: return NULL;
    }
}

static PgEncode encoder_of_text(const PgType *t) {
    switch (t->kind) {
    case PGKIND_TEXT:
    case PGKIND_JSON:
    case PGKIND_XML: return pgencode_text_text;
    case PGKIND_JSONB: return pgencode_text_jsonb;
    case PGKIND_UUID: return pgencode_text_uuid;
    default: return NULL;
    }
}

static PgEncode encoder_of_float(const PgType *t) {
    if (t->kind == PGKIND_FLOAT8) return pgencode_double_float8;
    return t->kind == PGKIND_TEXT ? pgencode_double_text : NULL;
}

static PgEncode encoder_of(const Column *c, const PgType *t) {
    switch (c->type) {
    case SQLTYPE_BIT:
    case SQLTYPE_TINYINT:
    case SQLTYPE_SMALLINT:
    case SQLTYPE_INT:
    case SQLTYPE_BIGINT: return encoder_of_integer(c, t);
    case SQLTYPE_DECIMAL:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: return encoder_of_decimal(c, t);
    case SQLTYPE_REAL:
        if (t->kind == PGKIND_FLOAT4) return pgencode_double_float4;
        return encoder_of_float(t);
    case SQLTYPE_FLOAT: return encoder_of_float(t);
    case SQLTYPE_DATE:
    case SQLTYPE_TIME:
    case SQLTYPE_SMALLDATETIME:
    case SQLTYPE_DATETIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET: return encoder_of_temporal(c, t);
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_TEXT:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR:
    case SQLTYPE_NTEXT:
    case SQLTYPE_XML: return encoder_of_text(t);
    case SQLTYPE_ROWVERSION:
        if (t->kind == PGKIND_INT8) return pgencode_bytes_int8;
        return t->kind == PGKIND_BYTEA ? pgencode_bytes_bytea : NULL;
    case SQLTYPE_BINARY:
    case SQLTYPE_VARBINARY:
    case SQLTYPE_IMAGE:
    case SQLTYPE_CLR: return t->kind == PGKIND_BYTEA ? pgencode_bytes_bytea : NULL;
    case SQLTYPE_GEOGRAPHY:
    case SQLTYPE_GEOMETRY:
        return t->kind == PGKIND_BYTEA || t->kind == PGKIND_SPATIAL ? pgencode_bytes_bytea : NULL;
    case SQLTYPE_HIERARCHYID:
        if (t->kind == PGKIND_LTREE) return pgencode_path_ltree;
        return t->kind == PGKIND_TEXT ? pgencode_text_text : NULL;
    case SQLTYPE_SQL_VARIANT:
        if (t->kind == PGKIND_JSONB) return pgencode_text_jsonb;
        return t->kind == PGKIND_TEXT || t->kind == PGKIND_JSON ? pgencode_text_text : NULL;
    case SQLTYPE_UNIQUEIDENTIFIER:
        if (t->kind == PGKIND_UUID) return pgencode_guid_uuid;
        return t->kind == PGKIND_TEXT ? pgencode_guid_text : NULL;
    case SQLTYPE_UNKNOWN:
    case SQLTYPE_COUNT: return NULL;
    }
    return NULL;
}

static uint8_t scale_of(const Column *c) {
    switch (c->type) {
    case SQLTYPE_DECIMAL:
    case SQLTYPE_TIME:
    case SQLTYPE_DATETIME2:
    case SQLTYPE_DATETIMEOFFSET: return c->scale;
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: return 4;
    case SQLTYPE_DATETIME: return 3;
    default: return 0;
    }
}

bool pgtype_field(const Column *c, const PgType *t, const char *what, PgField *ret, Err *e) {
    PgEncode encode = encoder_of(c, t);
    if (!encode) {
        CLEANUP(buf_done) Buf type = {0};
        column_type_format(c, &type);
        return err_set(e, ERR_INVALID, false,
                       "%s is %s in SQL Server, which the target's type %s cannot hold whole", what,
                       buf_text(&type), t->name);
    }
    ValueForm form = sqltype_form(c->type, c->precision);
    *ret = (PgField){
        .encode = encode,
        .what = what,
        .type = c->type,
        .scale = scale_of(c),
        .is_variable = form == FORM_TEXT || form == FORM_BYTES,
        .oid = t->oid,
        .array_oid = t->array_oid,
    };
    return true;
}

bool pgtype_is_widening(const Column *c, const PgType *t) {
    PgDigits has = pgtype_digits(t);
    switch (t->kind) {
    case PGKIND_INT2: return c->type == SQLTYPE_INT || c->type == SQLTYPE_BIGINT;
    case PGKIND_INT4: return c->type == SQLTYPE_BIGINT;
    case PGKIND_NUMERIC: {
        bool is_numeric =
            c->type == SQLTYPE_DECIMAL || c->type == SQLTYPE_MONEY || c->type == SQLTYPE_SMALLMONEY;
        int scale = scale_of(c), precision = c->type == SQLTYPE_MONEY        ? 19
                                             : c->type == SQLTYPE_SMALLMONEY ? 10
                                                                             : c->precision;
        return is_numeric && has.precision >= 0 && scale >= has.scale &&
               precision - scale >= has.precision - has.scale && precision > has.precision;
    }
    case PGKIND_FLOAT4: return c->type == SQLTYPE_FLOAT;
    case PGKIND_TIME: return c->type == SQLTYPE_TIME && fraction_digits(c) > has.scale;
    case PGKIND_TIMESTAMP:
        return (c->type == SQLTYPE_DATETIME || c->type == SQLTYPE_DATETIME2) &&
               fraction_digits(c) > has.scale;
    case PGKIND_TIMESTAMPTZ: return c->type == SQLTYPE_DATETIMEOFFSET && fraction_digits(c) > has.scale;
    case PGKIND_TEXT: {
        bool is_text = c->type == SQLTYPE_VARCHAR || c->type == SQLTYPE_NVARCHAR || c->type == SQLTYPE_CHAR ||
                       c->type == SQLTYPE_NCHAR;
        return is_text && t->oid == OID_VARCHAR && t->typmod >= TYPMOD_HEADER &&
               (c->length < 0 || c->length > t->typmod - TYPMOD_HEADER);
    }
    default: return false;
    }
}
