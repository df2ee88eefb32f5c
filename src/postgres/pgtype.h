/*
 * pgtype.h - which PostgreSQL type a SQL Server column gets, and whether and how it fits a column that is
 * there already. Nothing is silently lost but a datetime's 7th digit and a datetimeoffset's offset, which no
 * PostgreSQL type holds. Plain functions; any thread.
 */
#ifndef POSTGRES_PGTYPE_H
#define POSTGRES_PGTYPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "postgres/pgencode.h"
#include "record/schema.h"

/* What a type is to us: types that share a binary form are one kind. */
typedef enum PgKind {
    PGKIND_OTHER = 0, /* one we have no encoder for */
    PGKIND_BOOL,
    PGKIND_INT2,
    PGKIND_INT4,
    PGKIND_INT8,
    PGKIND_NUMERIC,
    PGKIND_FLOAT4,
    PGKIND_FLOAT8,
    PGKIND_DATE,
    PGKIND_TIME,
    PGKIND_TIMESTAMP,
    PGKIND_TIMESTAMPTZ,
    PGKIND_TEXT, /* text, varchar, char, citext, enums */
    PGKIND_JSON,
    PGKIND_JSONB,
    PGKIND_XML,
    PGKIND_BYTEA,
    PGKIND_UUID,
    PGKIND_LTREE,   /* extension ltree */
    PGKIND_SPATIAL, /* PostGIS' geometry and geography */
    PGKIND_COUNT,
} PgKind;

/* A type as a column has it; of a domain, its base type. */
typedef struct PgType {
    uint32_t oid, array_oid;
    int32_t typmod; /* -1 = none */
    PgKind kind;
    char name[64]; /* as format_type writes it, "numeric(12,2)"; for messages */
} PgType;

/* The kind of a base type. is_enum: pg_type.typtype = 'e'; name: pg_type.typname (citext has no fixed OID).
 */
PgKind pgtype_kind(uint32_t oid, bool is_enum, const char *name);
/* Append the native type for c, "numeric(12,2)". Errors: ERR_INVALID, SQL Server's type can't be carried
 * over. */
MUST_CHECK bool pgtype_ddl(const Column *c, Buf *out, Err *e);
/* How values of c are written into a column of type t. what: "dbo.orders.total", borrowed by the field.
 * Errors: ERR_INVALID, the pair is incompatible or would lose digits; names both types. */
MUST_CHECK bool pgtype_field(const Column *c, const PgType *t, const char *what, PgField *ret, Err *e);
/* Whether t, the type of a column whose source column has become c, can be widened to c's native type without
 * touching a value: integers upwards, numeric with no digit fewer on either side, longer varchar, more digits
 * of a second. */
bool pgtype_is_widening(const Column *c, const PgType *t);
/* Digits of numeric or of a second's fraction that t keeps; numeric without (p,s): -1 in both. */
typedef struct PgDigits {
    int precision, scale;
} PgDigits;
PgDigits pgtype_digits(const PgType *t);
/* Whether the type has an equality that SQL can use to find a row again (xml and json have none). */
bool pgtype_is_comparable(PgKind kind);

#endif
