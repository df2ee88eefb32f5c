/* One table says all about a type; the functions read it. */
#include "standin/types/type.h"

#include <assert.h>

typedef enum TypeArgs { ARGS_NONE, ARGS_LENGTH, ARGS_DECIMAL, ARGS_SCALE } TypeArgs;

enum {
    TYPE_F_TEXT = 1,
    TYPE_F_UNICODE = 2,
    TYPE_F_BINARY = 4,
    TYPE_F_EXACT = 8,
    TYPE_F_INTEGER = 16,
    TYPE_F_TEMPORAL = 32,
    TYPE_F_CLR = 64,
};

typedef struct TypeRow {
    TypeId id;
    const char *name;
    TypeArgs args;
    uint8_t precedence; /* higher wins; the manual counts from 1 = highest */
    uint8_t flags;
    int16_t bytes; /* sys.columns.max_length where it is fixed; 0: by length, precision or scale */
} TypeRow;

static const TypeRow type_rows[] = {
    {TYPE_IMAGE, "image", ARGS_NONE, 17, TYPE_F_BINARY, 16},
    {TYPE_TEXT, "text", ARGS_NONE, 18, TYPE_F_TEXT, 16},
    {TYPE_UNIQUEIDENTIFIER, "uniqueidentifier", ARGS_NONE, 15, 0, 16},
    {TYPE_DATE, "date", ARGS_NONE, 33, TYPE_F_TEMPORAL, 3},
    {TYPE_TIME, "time", ARGS_SCALE, 32, TYPE_F_TEMPORAL, 0},
    {TYPE_DATETIME2, "datetime2", ARGS_SCALE, 36, TYPE_F_TEMPORAL, 0},
    {TYPE_DATETIMEOFFSET, "datetimeoffset", ARGS_SCALE, 37, TYPE_F_TEMPORAL, 0},
    {TYPE_TINYINT, "tinyint", ARGS_NONE, 22, TYPE_F_EXACT | TYPE_F_INTEGER, 1},
    {TYPE_SMALLINT, "smallint", ARGS_NONE, 23, TYPE_F_EXACT | TYPE_F_INTEGER, 2},
    {TYPE_INT, "int", ARGS_NONE, 24, TYPE_F_EXACT | TYPE_F_INTEGER, 4},
    {TYPE_SMALLDATETIME, "smalldatetime", ARGS_NONE, 34, TYPE_F_TEMPORAL, 4},
    {TYPE_REAL, "real", ARGS_NONE, 30, 0, 4},
    {TYPE_MONEY, "money", ARGS_NONE, 27, TYPE_F_EXACT, 8},
    {TYPE_DATETIME, "datetime", ARGS_NONE, 35, TYPE_F_TEMPORAL, 8},
    {TYPE_FLOAT, "float", ARGS_NONE, 31, 0, 8},
    {TYPE_NTEXT, "ntext", ARGS_NONE, 19, TYPE_F_TEXT | TYPE_F_UNICODE, 16},
    {TYPE_BIT, "bit", ARGS_NONE, 21, TYPE_F_EXACT | TYPE_F_INTEGER, 1},
    {TYPE_DECIMAL, "decimal", ARGS_DECIMAL, 29, TYPE_F_EXACT, 0},
    {TYPE_NUMERIC, "numeric", ARGS_DECIMAL, 28, TYPE_F_EXACT, 0},
    {TYPE_SMALLMONEY, "smallmoney", ARGS_NONE, 26, TYPE_F_EXACT, 4},
    {TYPE_BIGINT, "bigint", ARGS_NONE, 25, TYPE_F_EXACT | TYPE_F_INTEGER, 8},
    {TYPE_VARBINARY, "varbinary", ARGS_LENGTH, 9, TYPE_F_BINARY, 0},
    {TYPE_VARCHAR, "varchar", ARGS_LENGTH, 11, TYPE_F_TEXT, 0},
    {TYPE_BINARY, "binary", ARGS_LENGTH, 8, TYPE_F_BINARY, 0},
    {TYPE_CHAR, "char", ARGS_LENGTH, 10, TYPE_F_TEXT, 0},
    {TYPE_ROWVERSION, "timestamp", ARGS_NONE, 16, TYPE_F_BINARY, 8},
    {TYPE_NVARCHAR, "nvarchar", ARGS_LENGTH, 13, TYPE_F_TEXT | TYPE_F_UNICODE, 0},
    {TYPE_NCHAR, "nchar", ARGS_LENGTH, 12, TYPE_F_TEXT | TYPE_F_UNICODE, 0},
    {TYPE_XML, "xml", ARGS_NONE, 38, TYPE_F_TEXT | TYPE_F_UNICODE, -1},
    {TYPE_SQL_VARIANT, "sql_variant", ARGS_NONE, 39, 0, 8016},
    {TYPE_HIERARCHYID, "hierarchyid", ARGS_NONE, 40, TYPE_F_CLR, 892},
    {TYPE_GEOMETRY, "geometry", ARGS_NONE, 41, TYPE_F_CLR, -1},
    {TYPE_GEOGRAPHY, "geography", ARGS_NONE, 42, TYPE_F_CLR, -1},
    {TYPE_NULL, "NULL", ARGS_NONE, 0, 0, 0},
};

enum { TYPE_ROWS = sizeof type_rows / sizeof *type_rows };

static const struct {
    const char *name;
    TypeId id;
} type_synonyms[] = {
    {"integer", TYPE_INT},
    {"dec", TYPE_DECIMAL},
    {"double precision", TYPE_FLOAT},
    {"character", TYPE_CHAR},
    {"character varying", TYPE_VARCHAR},
    {"char varying", TYPE_VARCHAR},
    {"binary varying", TYPE_VARBINARY},
    {"national character", TYPE_NCHAR},
    {"national char", TYPE_NCHAR},
    {"national character varying", TYPE_NVARCHAR},
    {"national char varying", TYPE_NVARCHAR},
    {"national text", TYPE_NTEXT},
    {"rowversion", TYPE_ROWVERSION},
    {"sysname", TYPE_NVARCHAR},
};

static const TypeRow *row_of(TypeId id) {
    for (size_t i = 0; i < TYPE_ROWS; i++) {
        if (type_rows[i].id == id) return &type_rows[i];
    }
    assert(!"no such type");
    return &type_rows[TYPE_ROWS - 1];
}

bool type_is_id(int id) {
    for (size_t i = 0; i < TYPE_ROWS - 1; i++) {
        if ((int)type_rows[i].id == id) return true;
    }
    return false;
}

static bool has_flag(TypeId id, unsigned flag) {
    return (row_of(id)->flags & flag) != 0;
}

const char *type_name(TypeId id) {
    return row_of(id)->name;
}

void type_format(const Type *t, Buf *out) {
    const TypeRow *row = row_of(t->id);
    if (t->is_sysname) {
        buf_cstr(out, "sysname");
        return;
    }
    buf_cstr(out, row->name);
    switch (row->args) {
    case ARGS_NONE: break;
    case ARGS_LENGTH:
        if (t->length == TYPE_MAX_LENGTH) buf_cstr(out, "(max)");
        else buf_printf(out, "(%d)", t->length);
        break;
    case ARGS_DECIMAL: buf_printf(out, "(%u,%u)", t->precision, t->scale); break;
    case ARGS_SCALE: buf_printf(out, "(%u)", t->scale); break;
    }
}

TypeId type_by_name(Str name) {
    for (size_t i = 0; i < TYPE_ROWS - 1; i++) {
        if (str_eq_icase(name, str_from(type_rows[i].name))) return type_rows[i].id;
    }
    for (size_t i = 0; i < sizeof type_synonyms / sizeof *type_synonyms; i++) {
        if (str_eq_icase(name, str_from(type_synonyms[i].name))) return type_synonyms[i].id;
    }
    return TYPE_NULL;
}

bool type_is_text(TypeId id) {
    return has_flag(id, TYPE_F_TEXT);
}
bool type_is_unicode(TypeId id) {
    return has_flag(id, TYPE_F_UNICODE);
}
bool type_is_binary(TypeId id) {
    return has_flag(id, TYPE_F_BINARY);
}
bool type_is_exact(TypeId id) {
    return has_flag(id, TYPE_F_EXACT);
}
bool type_is_integer(TypeId id) {
    return has_flag(id, TYPE_F_INTEGER);
}
bool type_is_temporal(TypeId id) {
    return has_flag(id, TYPE_F_TEMPORAL);
}
bool type_is_clr(TypeId id) {
    return has_flag(id, TYPE_F_CLR);
}
int type_system_id(TypeId id) {
    enum { SYSTEM_TYPE_CLR = 240 };
    return type_is_clr(id) ? SYSTEM_TYPE_CLR : (int)id;
}
int type_precedence(TypeId id) {
    return row_of(id)->precedence;
}

static int decimal_bytes(uint8_t precision) {
    if (precision <= 9) return 5;
    if (precision <= 19) return 9;
    return precision <= 28 ? 13 : 17;
}

static int time_bytes(uint8_t scale) {
    if (scale <= 2) return 3;
    return scale <= 4 ? 4 : 5;
}

int type_max_length_bytes(const Type *t) {
    const TypeRow *row = row_of(t->id);
    switch (t->id) {
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return decimal_bytes(t->precision);
    case TYPE_TIME: return time_bytes(t->scale);
    case TYPE_DATETIME2: return time_bytes(t->scale) + 3;
    case TYPE_DATETIMEOFFSET: return time_bytes(t->scale) + 5;
    default: break;
    }
    if (row->args != ARGS_LENGTH) return row->bytes;
    if (t->length == TYPE_MAX_LENGTH) return -1;
    return type_is_unicode(t->id) ? 2 * t->length : t->length;
}

/* Digits of a time: hh:mm:ss, then a point and the fraction. */
static uint8_t with_fraction(int whole, uint8_t scale) {
    return (uint8_t)(whole + (scale ? 1 + scale : 0));
}

uint8_t type_sys_precision(const Type *t) {
    switch (t->id) {
    case TYPE_BIT: return 1;
    case TYPE_TINYINT: return 3;
    case TYPE_SMALLINT: return 5;
    case TYPE_INT: return 10;
    case TYPE_BIGINT: return 19;
    case TYPE_DECIMAL:
    case TYPE_NUMERIC: return t->precision;
    case TYPE_MONEY: return 19;
    case TYPE_SMALLMONEY: return 10;
    case TYPE_REAL: return 24;
    case TYPE_FLOAT: return 53;
    case TYPE_DATE: return 10;
    case TYPE_TIME: return with_fraction(8, t->scale);
    case TYPE_SMALLDATETIME: return 16;
    case TYPE_DATETIME: return 23;
    case TYPE_DATETIME2: return with_fraction(19, t->scale);
    case TYPE_DATETIMEOFFSET: return with_fraction(26, t->scale);
    default: return 0;
    }
}

uint8_t type_sys_scale(const Type *t) {
    switch (t->id) {
    case TYPE_DECIMAL:
    case TYPE_NUMERIC:
    case TYPE_TIME:
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET: return t->scale;
    case TYPE_MONEY:
    case TYPE_SMALLMONEY: return 4;
    case TYPE_DATETIME: return 3;
    default: return 0;
    }
}
