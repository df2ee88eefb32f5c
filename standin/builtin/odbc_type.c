#include "standin/builtin/odbc_type.h"

enum { /* sql.h, sqlext.h and sqlncli.h */
       ODBC_CHAR = 1,
       ODBC_NUMERIC = 2,
       ODBC_DECIMAL = 3,
       ODBC_INTEGER = 4,
       ODBC_SMALLINT = 5,
       ODBC_FLOAT = 6,
       ODBC_REAL = 7,
       ODBC_DATETIME = 9, /* also: DATE in ODBC 2 */
       ODBC_TIMESTAMP2 = 11,
       ODBC_VARCHAR = 12,
       ODBC_DATE3 = 91,
       ODBC_TIMESTAMP3 = 93,
       ODBC_LONGVARCHAR = -1,
       ODBC_BINARY = -2,
       ODBC_VARBINARY = -3,
       ODBC_LONGVARBINARY = -4,
       ODBC_BIGINT = -5,
       ODBC_TINYINT = -6,
       ODBC_BIT = -7,
       ODBC_WCHAR = -8,
       ODBC_WVARCHAR = -9,
       ODBC_WLONGVARCHAR = -10,
       ODBC_GUID = -11,
       ODBC_SS_VARIANT = -150,
       ODBC_SS_UDT = -151,
       ODBC_SS_XML = -152,
       ODBC_SS_TIME2 = -154,
       ODBC_SS_TIMESTAMPOFFSET = -155,
};

enum {
    SUB_DATE = 1,
    SUB_TIMESTAMP = 3,
    LOB_BYTES = INT32_MAX,
    LOB_UNITS = INT32_MAX / 2,
    NONE = ODBC_TYPE_NONE
};

static OdbcType number(int32_t code, int32_t precision, int32_t length, int32_t scale, int32_t ss) {
    return (OdbcType){code, code, NONE, precision, length, scale, 10, NONE, ss};
}

static OdbcType floating(int32_t code, int odbc_version, int32_t bits, int32_t digits, int32_t length,
                         int32_t ss) {
    bool is_v3 = odbc_version >= 3;
    return (OdbcType){code, code, NONE, is_v3 ? bits : digits, length, NONE, is_v3 ? 2 : 10, NONE, ss};
}

static OdbcType bytes(int32_t code, int32_t precision, int32_t length, int32_t ss) {
    return (OdbcType){code, code, NONE, precision, length, NONE, NONE, length, ss};
}

/* char … varbinary; (max) is 0 in the new form, the largest size in the old one. */
static OdbcType string_of(int32_t code, int32_t max_code, const Type *t, OdbcTypeForm form, int32_t ss) {
    int32_t unit = type_is_unicode(t->id) ? 2 : 1;
    if (t->length != TYPE_MAX_LENGTH) return bytes(code, t->length, t->length * unit, ss);
    if (form == ODBC_TYPE_NEW) return bytes(code, 0, 0, ss);
    return unit == 2 ? bytes(max_code, LOB_UNITS, LOB_UNITS * 2, ss)
                     : bytes(max_code, LOB_BYTES, LOB_BYTES, ss);
}

static OdbcType temporal(const Type *t, bool is_nullable, OdbcTypeForm form, int odbc_version) {
    bool is_v3 = odbc_version >= 3;
    int32_t stamp = is_v3 ? ODBC_TIMESTAMP3 : ODBC_TIMESTAMP2;
    if (t->id == TYPE_DATETIME)
        return (OdbcType){stamp, ODBC_DATETIME, SUB_TIMESTAMP, 23, 16, 3, NONE, NONE, is_nullable ? 111 : 61};
    if (t->id == TYPE_SMALLDATETIME)
        return (OdbcType){stamp, ODBC_DATETIME, SUB_TIMESTAMP, 16, 16, 0, NONE, NONE, is_nullable ? 111 : 58};
    int32_t digits = type_sys_precision(t);
    if (form == ODBC_TYPE_OLD) /* older clients get them as text */
        return (OdbcType){ODBC_WVARCHAR, ODBC_WVARCHAR, NONE, digits, digits * 2, NONE, NONE, NONE, 0};
    switch (t->id) {
    case TYPE_DATE:
        return (OdbcType){
            is_v3 ? ODBC_DATE3 : ODBC_DATETIME, ODBC_DATETIME, SUB_DATE, 10, 6, 0, NONE, NONE, 0};
    case TYPE_TIME: return (OdbcType){ODBC_SS_TIME2, ODBC_SS_TIME2, 0, digits, 12, t->scale, NONE, NONE, 0};
    case TYPE_DATETIME2:
        return (OdbcType){stamp, ODBC_DATETIME, SUB_TIMESTAMP, digits, 16, t->scale, NONE, NONE, 0};
    default:
        return (OdbcType){
            ODBC_SS_TIMESTAMPOFFSET, ODBC_SS_TIMESTAMPOFFSET, 0, digits, 20, t->scale, NONE, NONE, 0};
    }
}

OdbcType odbc_type_of(const Type *t, bool is_nullable, OdbcTypeForm form, int odbc_version) {
    int32_t intn = is_nullable ? 38 : 0;
    switch (t->id) {
    case TYPE_BIT: return (OdbcType){ODBC_BIT, ODBC_BIT, NONE, 1, 1, NONE, NONE, NONE, 50};
    case TYPE_TINYINT: return number(ODBC_TINYINT, 3, 1, 0, intn ? intn : 48);
    case TYPE_SMALLINT: return number(ODBC_SMALLINT, 5, 2, 0, intn ? intn : 52);
    case TYPE_INT: return number(ODBC_INTEGER, 10, 4, 0, intn ? intn : 56);
    case TYPE_BIGINT: return number(ODBC_BIGINT, 19, 8, 0, is_nullable ? 108 : 63);
    case TYPE_DECIMAL: return number(ODBC_DECIMAL, t->precision, t->precision + 2, t->scale, 106);
    case TYPE_NUMERIC: return number(ODBC_NUMERIC, t->precision, t->precision + 2, t->scale, 108);
    case TYPE_MONEY: return number(ODBC_DECIMAL, 19, 21, 4, is_nullable ? 110 : 60);
    case TYPE_SMALLMONEY: return number(ODBC_DECIMAL, 10, 12, 4, is_nullable ? 110 : 122);
    case TYPE_REAL: return floating(ODBC_REAL, odbc_version, 24, 7, 4, is_nullable ? 109 : 59);
    case TYPE_FLOAT: return floating(ODBC_FLOAT, odbc_version, 53, 15, 8, is_nullable ? 109 : 62);
    case TYPE_CHAR: return string_of(ODBC_CHAR, ODBC_CHAR, t, form, is_nullable ? 39 : 47);
    case TYPE_VARCHAR: return string_of(ODBC_VARCHAR, ODBC_LONGVARCHAR, t, form, 39);
    case TYPE_NCHAR: return string_of(ODBC_WCHAR, ODBC_WCHAR, t, form, is_nullable ? 39 : 47);
    case TYPE_NVARCHAR: return string_of(ODBC_WVARCHAR, ODBC_WLONGVARCHAR, t, form, 39);
    case TYPE_BINARY: return string_of(ODBC_BINARY, ODBC_BINARY, t, form, is_nullable ? 37 : 45);
    case TYPE_VARBINARY: return string_of(ODBC_VARBINARY, ODBC_LONGVARBINARY, t, form, 37);
    case TYPE_ROWVERSION: return bytes(ODBC_BINARY, 8, 8, is_nullable ? 37 : 45);
    case TYPE_TEXT: return bytes(ODBC_LONGVARCHAR, LOB_BYTES, LOB_BYTES, 35);
    case TYPE_NTEXT: return bytes(ODBC_WLONGVARCHAR, LOB_UNITS, LOB_UNITS * 2, 35);
    case TYPE_IMAGE: return bytes(ODBC_LONGVARBINARY, LOB_BYTES, LOB_BYTES, 34);
    case TYPE_XML:
        return form == ODBC_TYPE_NEW ? bytes(ODBC_SS_XML, 0, 0, 0)
                                     : bytes(ODBC_WLONGVARCHAR, LOB_UNITS, LOB_UNITS * 2, 0);
    case TYPE_UNIQUEIDENTIFIER: return (OdbcType){ODBC_GUID, ODBC_GUID, NONE, 36, 16, NONE, NONE, NONE, 37};
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_DATETIME2:
    case TYPE_DATETIMEOFFSET:
    case TYPE_SMALLDATETIME:
    case TYPE_DATETIME: return temporal(t, is_nullable, form, odbc_version);
    case TYPE_SQL_VARIANT:
        return (OdbcType){ODBC_SS_VARIANT, ODBC_SS_VARIANT, NONE, 8000, 8000, NONE, NONE, NONE, 39};
    case TYPE_HIERARCHYID:
        return form == ODBC_TYPE_NEW ? bytes(ODBC_SS_UDT, 892, 892, 23) : bytes(ODBC_VARBINARY, 892, 892, 23);
    case TYPE_GEOMETRY:
    case TYPE_GEOGRAPHY:
        return form == ODBC_TYPE_NEW ? bytes(ODBC_SS_UDT, 0, 0, 23)
                                     : bytes(ODBC_LONGVARBINARY, LOB_BYTES, LOB_BYTES, 23);
    case TYPE_NULL: break;
    }
    return number(ODBC_INTEGER, 10, 4, 0, 56); /* an untyped NULL is an int to clients */
}
