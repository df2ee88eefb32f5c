/*
 * schema.h - one version of a table's columns. Immutable once built, reference-counted, shared by all changes
 * read under it. Any thread.
 */
#ifndef RECORD_SCHEMA_H
#define RECORD_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "record/lsn.h"

typedef enum SqlType {
    SQLTYPE_UNKNOWN = 0, /* a type that can't be carried yet: named in an error at start */
    SQLTYPE_BIT,
    SQLTYPE_TINYINT,
    SQLTYPE_SMALLINT,
    SQLTYPE_INT,
    SQLTYPE_BIGINT,
    SQLTYPE_DECIMAL, /* and numeric */
    SQLTYPE_MONEY,
    SQLTYPE_SMALLMONEY,
    SQLTYPE_REAL,
    SQLTYPE_FLOAT,
    SQLTYPE_DATE,
    SQLTYPE_TIME,
    SQLTYPE_SMALLDATETIME,
    SQLTYPE_DATETIME,
    SQLTYPE_DATETIME2,
    SQLTYPE_DATETIMEOFFSET,
    SQLTYPE_CHAR,
    SQLTYPE_VARCHAR,
    SQLTYPE_TEXT,
    SQLTYPE_NCHAR,
    SQLTYPE_NVARCHAR,
    SQLTYPE_NTEXT,
    SQLTYPE_XML,
    SQLTYPE_BINARY,
    SQLTYPE_VARBINARY,
    SQLTYPE_IMAGE,
    SQLTYPE_ROWVERSION,
    SQLTYPE_UNIQUEIDENTIFIER,
    SQLTYPE_SQL_VARIANT,
    SQLTYPE_HIERARCHYID,
    SQLTYPE_GEOGRAPHY,
    SQLTYPE_GEOMETRY,
    SQLTYPE_CLR, /* a user's own type from an assembly: its bytes */
    SQLTYPE_COUNT,
} SqlType;

/* Which member of Value a type uses. */
typedef enum ValueForm { FORM_INT, FORM_DOUBLE, FORM_INT128, FORM_GUID, FORM_TEXT, FORM_BYTES } ValueForm;

typedef struct Column {
    Str name;     /* as in SQL Server, UTF-8; owned by the schema */
    SqlType type; /* an alias type's base type */
    int32_t
        length; /* char: bytes, nchar: UTF-16 units, binary: bytes; -1 = (max); 0 where it has no meaning */
    uint8_t precision; /* decimal: 1…38 (money 19, smallmoney 10) */
    uint8_t scale;     /* decimal: digits; time, datetime2, datetimeoffset: 0…7; money 4 */
    bool is_nullable;  /* of the source table, not of the change table */
    bool is_identity;
    bool is_computed;  /* CDC carries NULL for it: changes have VALUE_ABSENT */
    bool is_lob;       /* (max), text, ntext, image, xml */
    int32_t column_id; /* sys.columns.column_id */
    int16_t key;       /* 1… = place in the key, 0 = not in it */
    int16_t table_key; /* 1… = place in the table's own key, where `key` is another one (has_table_key) */
    bool is_masked,
        is_cut; /* its values are a mask or hashes; are cut to cut_chars. For topics only, as these: */
    uint32_t cut_chars;
    Str type_name; /* as sys.types has it ("numeric", "timestamp", an alias type's own); "" = of `type`. Not
                    * in the fingerprint; owned by the schema, as the next one */
    Str default_text; /* its default constraint's definition, "((0))"; "" = none, or not read */
} Column;

typedef struct Schema {
    Str database, schema, table; /* source names; of a foreign record without any, "" but the table */
    Str topic;                   /* that it was read from; "" = none (direct mode) */
    char *qualified;             /* "schema.table", for messages and lists; "table" without a schema */
    uint32_t version;            /* counts up with each change of the table's columns within a run, from 1 */
    uint64_t fingerprint; /* of names, types, nullability and key: equal columns, equal number; stored in
                             targets */
    size_t column_count;
    const Column *columns;
    size_t key_count;    /* 0 = keyless */
    const uint16_t *key; /* column indexes in key order */
    bool has_table_key;  /* rows go by message.key.columns, and the table has a key of its own, or none: */
    size_t table_key_count;
    const uint16_t *table_key; /* likewise. For topics only: not in the fingerprint */
} Schema;

/* What a schema is built from; everything is copied. Columns carry `key` and `table_key`. */
typedef struct SchemaSpec {
    Str database, schema, table, topic;
    uint32_t version;
    const Column *columns;
    size_t column_count;
    bool has_table_key;
} SchemaSpec;

enum { SCHEMA_MAX_COLUMNS = 1024 };

/* A new schema with one reference, owned. Errors: ERR_INVALID (no columns, too many, gaps in the key order).
 */
MUST_CHECK bool schema_new(const SchemaSpec *spec, const Schema **ret, Err *e);
const Schema *schema_ref(const Schema *s);   /* returns s */
const Schema *schema_unref(const Schema *s); /* NULL is fine; returns NULL */
/* Index of the column of that name (exact, else ASCII case ignored when that is unique), or -1. */
int schema_find(const Schema *s, Str name);

/* The names of the key's columns, with commas between; "" for a table without a key. Owned. */
char *schema_key_text(const Schema *s);

ValueForm sqltype_form(SqlType type, uint8_t precision);
const char *sqltype_name(SqlType type); /* "nvarchar" */
/* By sys.types.name ("nvarchar", "timestamp", "sysname"…), ASCII case ignored; SQLTYPE_UNKNOWN for others. */
SqlType sqltype_by_name(Str name);
/* As the manual writes it: "nvarchar(40)", "decimal(12,2)", "datetime2(7)", "varbinary(max)". */
void column_type_format(const Column *c, Buf *out);

#endif
