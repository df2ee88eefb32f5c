/*
 * pgencode.h - values in PostgreSQL's binary form: as COPY rows and as array parameters (both give a field as
 * its length in 4 bytes and its bytes; big-endian). How a column is encoded is chosen once, by pgtype_field;
 * after that a value costs one indirect call. Any thread; the plan is borrowed and not changed, but for what
 * its `unstorable` count.
 */
#ifndef POSTGRES_PGENCODE_H
#define POSTGRES_PGENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "postgres/unstorable.h"
#include "record/schema.h"
#include "record/value.h"

typedef struct PgField PgField;
/* Write length and bytes of v (not NULL) at out, which has PGENCODE_ROOM bytes and, if f->is_variable, v->n
 * more, and
 * what f->unstorable makes it grow by. Returns the end, or NULL with *e filled: ERR_DATA, this one value
 * can't be stored. */
typedef uint8_t *(*PgEncode)(const PgField *f, const Value *v, uint8_t *out, Err *e);

enum { PGENCODE_ROOM = 64 };

/* How one column goes from its SQL Server type to its target type. */
struct PgField {
    PgEncode encode;
    const char *what; /* "schema.table.column" of the source, for messages; borrowed from the target */
    SqlType type;
    uint8_t scale;
    bool is_variable;       /* v->n counts into the room */
    Unstorable *unstorable; /* borrowed; NULL = U+0000 is refused */
    uint32_t oid;           /* of a parameter of this column's (base) type */
    uint32_t array_oid;
};

/* Which columns of a row are written, in which order. */
typedef struct PgRowPlan {
    const PgField *fields;   /* indexed by the source column's place in its schema */
    const uint16_t *columns; /* places of the columns to write */
    size_t count;
} PgRowPlan;

/* COPY … WITH (FORMAT binary): header, rows, trailer. */
void pgencode_copy_begin(Buf *out);
/* A row. On failure nothing is appended. Errors: ERR_DATA, for a value that wasn't read as well. */
MUST_CHECK bool pgencode_copy_row(const PgRowPlan *plan, const Value *row, Buf *out, Err *e);
void pgencode_copy_end(Buf *out);
/* An array parameter of one column over count rows (count ≥ 1). Errors: ERR_DATA. */
MUST_CHECK bool pgencode_array(const PgField *f, uint16_t column, const Value *const *rows, size_t count,
                               Buf *out, Err *e);

/* The encoders, for pgtype.c, which pairs them with types. Names: what the value is, then what PostgreSQL
 * reads. */
uint8_t *pgencode_int_bool(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_int_int2(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_int_int4(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_int_int8(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_int_numeric(const PgField *f, const Value *v, uint8_t *out,
                              Err *e); /* unscaled, f->scale */
uint8_t *pgencode_int128_numeric(const PgField *f, const Value *v, uint8_t *out,
                                 Err *e);                                           /* unscaled, f->scale */
uint8_t *pgencode_int_text(const PgField *f, const Value *v, uint8_t *out, Err *e); /* unscaled, f->scale */
uint8_t *pgencode_int128_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_double_float4(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_double_float8(const PgField *f, const Value *v, uint8_t *out, Err *e);
/* The fewest digits that give the same number again, of a real as a real. */
uint8_t *pgencode_double_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_date_date(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_date_timestamp(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_date_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_time_time(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_time_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_ticks_timestamp(const PgField *f, const Value *v, uint8_t *out,
                                  Err *e); /* and timestamptz, as UTC */
uint8_t *pgencode_ticks_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_offset_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
/* Debezium's numbers for times (adaptive mode), which Confluent's sink stores in integer columns. */
uint8_t *pgencode_time_epoch4(const PgField *f, const Value *v, uint8_t *out, Err *e); /* ms, scale ≤ 3 */
uint8_t *pgencode_time_epoch8(const PgField *f, const Value *v, uint8_t *out,
                              Err *e); /* ms, µs or ns by scale */
uint8_t *pgencode_ticks_epoch8(const PgField *f, const Value *v, uint8_t *out,
                               Err *e); /* since 1970, likewise */
uint8_t *pgencode_date_epoch4(const PgField *f, const Value *v, uint8_t *out, Err *e); /* days since 1970 */
uint8_t *pgencode_bytes_bytea(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_bytes_int8(const PgField *f, const Value *v, uint8_t *out,
                             Err *e); /* rowversion: 8 bytes */
uint8_t *pgencode_text_text(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_text_jsonb(const PgField *f, const Value *v, uint8_t *out, Err *e);
/* A hierarchyid's path, "/1/2.5/-3/", as "1.2_5.n3": no other path gives the same. */
uint8_t *pgencode_path_ltree(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_text_uuid(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_guid_uuid(const PgField *f, const Value *v, uint8_t *out, Err *e);
uint8_t *pgencode_guid_text(const PgField *f, const Value *v, uint8_t *out,
                            Err *e); /* upper case, as SQL Server */

/* The value's time in µs as PostgreSQL holds it: the 7th digit rounded half up, but never past the type's
 * last moment. For pgencode and for whoever compares the two sides. */
int64_t pgencode_ticks_us(int64_t ticks);     /* 100 ns since 0001-01-01 → µs since 0001-01-01 */
int64_t pgencode_time_us(int64_t time_ticks); /* 100 ns since midnight → µs since midnight */

#endif
