#include "convert/jdbc_column.h"

#include <stdio.h>
#include <string.h>

enum { /* java.sql.Types; the last is microsoft.sql.Types.DATETIMEOFFSET */
       JDBC_BIT = -7,
       JDBC_TINYINT = -6,
       JDBC_BIGINT = -5,
       JDBC_LONGVARBINARY = -4,
       JDBC_VARBINARY = -3,
       JDBC_BINARY = -2,
       JDBC_LONGVARCHAR = -1,
       JDBC_CHAR = 1,
       JDBC_NUMERIC = 2,
       JDBC_DECIMAL = 3,
       JDBC_INTEGER = 4,
       JDBC_SMALLINT = 5,
       JDBC_REAL = 7,
       JDBC_DOUBLE = 8,
       JDBC_VARCHAR = 12,
       JDBC_DATE = 91,
       JDBC_TIME = 92,
       JDBC_TIMESTAMP = 93,
       JDBC_NCHAR = -15,
       JDBC_NVARCHAR = -9,
       JDBC_LONGNVARCHAR = -16,
       JDBC_DATETIMEOFFSET = -155,
       JDBC_SQL_VARIANT = -150, /* ODBC's code, which the driver hands on */
       JDBC_GEOMETRY = -157,
       JDBC_GEOGRAPHY = -158,
};

enum { LOB_BYTES = INT32_MAX, LOB_UNITS = INT32_MAX / 2, DAY_TEXT = 10, MAX_HIERARCHY = 892 };

static void set(JdbcColumn *ret, int type, int32_t length, int scale) {
    ret->jdbc_type = type;
    ret->length = length;
    ret->has_scale = scale >= 0;
    ret->scale = scale;
}

/* The characters of a time with that many digits of the second. */
static int32_t time_size(int32_t whole, int scale) {
    return scale ? whole + 1 + scale : whole;
}

static int32_t size_or(const Column *c, int32_t most) {
    return c->length < 0 ? most : c->length;
}

static void describe(const Column *c, JdbcColumn *ret) {
    bool is_numeric = str_eq_icase(c->type_name, STR_LIT("numeric"));
    switch (c->type) {
    case SQLTYPE_BIT: set(ret, JDBC_BIT, 1, -1); return;
    case SQLTYPE_TINYINT: set(ret, JDBC_TINYINT, 3, 0); return;
    case SQLTYPE_SMALLINT: set(ret, JDBC_SMALLINT, 5, 0); return;
    case SQLTYPE_INT: set(ret, JDBC_INTEGER, 10, 0); return;
    case SQLTYPE_BIGINT: set(ret, JDBC_BIGINT, 19, 0); return;
    case SQLTYPE_DECIMAL: set(ret, is_numeric ? JDBC_NUMERIC : JDBC_DECIMAL, c->precision, c->scale); return;
    case SQLTYPE_MONEY: set(ret, JDBC_DECIMAL, 19, 4); return;
    case SQLTYPE_SMALLMONEY: set(ret, JDBC_DECIMAL, 10, 4); return;
    case SQLTYPE_REAL: set(ret, JDBC_REAL, 24, -1); return;
    case SQLTYPE_FLOAT: set(ret, JDBC_DOUBLE, 53, -1); return;
    case SQLTYPE_DATE: set(ret, JDBC_DATE, DAY_TEXT, 0); return;
    case SQLTYPE_TIME: set(ret, JDBC_TIME, time_size(8, c->scale), c->scale); return;
    case SQLTYPE_SMALLDATETIME: set(ret, JDBC_TIMESTAMP, 16, 0); return;
    case SQLTYPE_DATETIME: set(ret, JDBC_TIMESTAMP, 23, 3); return;
    case SQLTYPE_DATETIME2: set(ret, JDBC_TIMESTAMP, time_size(19, c->scale), c->scale); return;
    case SQLTYPE_DATETIMEOFFSET: set(ret, JDBC_DATETIMEOFFSET, time_size(26, c->scale), c->scale); return;
    case SQLTYPE_CHAR: set(ret, JDBC_CHAR, c->length, -1); return;
    case SQLTYPE_VARCHAR: set(ret, JDBC_VARCHAR, size_or(c, LOB_BYTES), -1); return;
    case SQLTYPE_TEXT: set(ret, JDBC_LONGVARCHAR, LOB_BYTES, -1); return;
    case SQLTYPE_NCHAR: set(ret, JDBC_NCHAR, c->length, -1); return;
    case SQLTYPE_NVARCHAR: set(ret, JDBC_NVARCHAR, size_or(c, LOB_BYTES), -1); return;
    case SQLTYPE_NTEXT: set(ret, JDBC_LONGNVARCHAR, LOB_UNITS, -1); return;
    case SQLTYPE_XML: set(ret, JDBC_LONGNVARCHAR, LOB_BYTES, -1); return;
    case SQLTYPE_BINARY: set(ret, JDBC_BINARY, c->length, -1); return;
    case SQLTYPE_VARBINARY: set(ret, JDBC_VARBINARY, size_or(c, LOB_BYTES), -1); return;
    case SQLTYPE_IMAGE: set(ret, JDBC_LONGVARBINARY, LOB_BYTES, -1); return;
    case SQLTYPE_ROWVERSION: set(ret, JDBC_BINARY, 8, -1); return;
    case SQLTYPE_UNIQUEIDENTIFIER: set(ret, JDBC_CHAR, 36, -1); return;
    case SQLTYPE_SQL_VARIANT: set(ret, JDBC_SQL_VARIANT, 8000, -1); return;
    case SQLTYPE_HIERARCHYID: set(ret, JDBC_VARBINARY, MAX_HIERARCHY, -1); return;
    case SQLTYPE_GEOGRAPHY: set(ret, JDBC_GEOGRAPHY, LOB_BYTES, -1); return;
    case SQLTYPE_GEOMETRY: set(ret, JDBC_GEOMETRY, LOB_BYTES, -1); return;
    case SQLTYPE_CLR:
    case SQLTYPE_UNKNOWN:
    case SQLTYPE_COUNT: set(ret, JDBC_VARBINARY, size_or(c, LOB_BYTES), -1); return;
    }
}

void jdbc_column(const Column *c, JdbcColumn *ret) {
    *ret = (JdbcColumn){0};
    describe(c, ret);
    const char *plain = c->type == SQLTYPE_ROWVERSION ? "timestamp" : sqltype_name(c->type);
    Str name = c->type_name.n ? c->type_name : str_from(plain);
    (void)snprintf(ret->type_name, sizeof ret->type_name, STR_FMT "%s", STR_ARG(name),
                   c->is_identity ? " identity" : "");
}

bool jdbc_column_read(const JdbcColumn *from, Column *ret) {
    Str name = str_from(from->type_name);
    ret->is_identity = str_ends(name, STR_LIT(" identity"));
    if (ret->is_identity) name.n -= sizeof " identity" - 1;
    ret->type = sqltype_by_name(name);
    ret->scale = (uint8_t)(from->has_scale ? from->scale : 0);
    ret->length = 0;
    ret->precision = 0;
    switch (ret->type) {
    case SQLTYPE_UNKNOWN: return false;
    case SQLTYPE_DECIMAL:
    case SQLTYPE_MONEY:
    case SQLTYPE_SMALLMONEY: ret->precision = (uint8_t)from->length; return true;
    case SQLTYPE_CHAR:
    case SQLTYPE_VARCHAR:
    case SQLTYPE_NCHAR:
    case SQLTYPE_NVARCHAR:
    case SQLTYPE_BINARY:
    case SQLTYPE_VARBINARY: ret->length = from->length >= LOB_UNITS ? -1 : from->length; return true;
    default: return true;
    }
}
