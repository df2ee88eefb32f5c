/*
 * type.h - SQL Server's data types as the stand-in knows them. Plain values; any thread.
 * Sources: sys.types (system_type_id), [MS-TDS] 2.2.5.4 (wire type tokens), the T-SQL manual's "Data types"
 * pages.
 */
#ifndef STANDIN_TYPES_TYPE_H
#define STANDIN_TYPES_TYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* Values are sys.types.system_type_id; the CLR types share one (240) and are their user_type_id here. */
typedef enum TypeId {
    TYPE_NULL = 0, /* an untyped NULL literal */
    TYPE_IMAGE = 34,
    TYPE_TEXT = 35,
    TYPE_UNIQUEIDENTIFIER = 36,
    TYPE_DATE = 40,
    TYPE_TIME = 41,
    TYPE_DATETIME2 = 42,
    TYPE_DATETIMEOFFSET = 43,
    TYPE_TINYINT = 48,
    TYPE_SMALLINT = 52,
    TYPE_INT = 56,
    TYPE_SMALLDATETIME = 58,
    TYPE_REAL = 59,
    TYPE_MONEY = 60,
    TYPE_DATETIME = 61,
    TYPE_FLOAT = 62,
    TYPE_SQL_VARIANT = 98,
    TYPE_NTEXT = 99,
    TYPE_BIT = 104,
    TYPE_DECIMAL = 106,
    TYPE_NUMERIC = 108,
    TYPE_SMALLMONEY = 122,
    TYPE_BIGINT = 127,
    TYPE_HIERARCHYID = 128,
    TYPE_GEOMETRY = 129,
    TYPE_GEOGRAPHY = 130,
    TYPE_VARBINARY = 165,
    TYPE_VARCHAR = 167,
    TYPE_BINARY = 173,
    TYPE_CHAR = 175,
    TYPE_ROWVERSION = 189, /* "timestamp" in sys.types */
    TYPE_NVARCHAR = 231,
    TYPE_NCHAR = 239,
    TYPE_XML = 241,
} TypeId;

enum { TYPE_MAX_LENGTH = -1 }; /* length of varchar(max) and its kin */

typedef struct Type {
    TypeId id;
    int32_t length;     /* char, binary: bytes; nchar: UTF-16 units; TYPE_MAX_LENGTH; else 0 */
    uint8_t precision;  /* decimal, numeric */
    uint8_t scale;      /* decimal, numeric: digits; time, datetime2, datetimeoffset: 0…7 */
    uint16_t collation; /* text types: index into collation.h's table; 0 = the database's default */
    bool is_sysname;    /* nvarchar(128) declared as sysname: shown by that name */
} Type;

/* "nvarchar(40)", "decimal(12,2)", … as the manual writes it. */
void type_format(const Type *t, Buf *out);
bool type_is_id(int id); /* is there a type with this user_type_id? */
/* The bare name, "nvarchar". */
const char *type_name(TypeId id);
/* By name, any letter case, synonyms too (integer, dec, character varying, sysname, rowversion, timestamp…).
 * TYPE_NULL if none. */
TypeId type_by_name(Str name);
bool type_is_text(TypeId id);    /* char … ntext, xml */
bool type_is_unicode(TypeId id); /* nchar, nvarchar, ntext, xml */
bool type_is_binary(TypeId id);  /* binary, varbinary, image, rowversion */
bool type_is_exact(TypeId id);   /* bit … bigint, decimal, money */
bool type_is_integer(TypeId id); /* bit, tinyint … bigint */
bool type_is_temporal(TypeId id);
bool type_is_clr(TypeId id); /* hierarchyid, geometry, geography: opaque bytes */
/* sys.types.system_type_id. */
int type_system_id(TypeId id);
/* Data type precedence (T-SQL manual): higher wins in a mixed expression. */
int type_precedence(TypeId id);
/* sys.columns.max_length: bytes, -1 for (max) and xml, 16 for text, ntext, image. */
int type_max_length_bytes(const Type *t);
/* sys.columns.precision and scale: digits of numbers and of times in text; 0 for others. */
uint8_t type_sys_precision(const Type *t);
uint8_t type_sys_scale(const Type *t);

#endif
