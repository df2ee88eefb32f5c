/*
 * value.h - one column's value, 16 bytes, in the one canonical form of its type. A plain value that may
 * borrow bytes from its batch's arena; any thread that holds the batch.
 *
 *   SQL Server type                     form       content
 *   bit tinyint smallint int bigint     i          the number (bit 0/1, tinyint 0…255)
 *   decimal(p,s), numeric, p ≤ 18       i          unscaled: 12.34 with s=2 is 1234
 *   decimal(p,s), numeric, p > 18       bytes, 16  unscaled __int128, host byte order, aligned 16
 *   money, smallmoney                   i          unscaled, scale 4
 *   real, float                         d          (real: a float's value)
 *   date                                i          days since 1970-01-01: -719162 … 2932896 (9999-12-31)
 *   time(n)                             i          100 ns ticks since midnight
 *   smalldatetime datetime datetime2(n) i          100 ns ticks since 0001-01-01T00:00, no zone; datetime's
 *                                                  1/300 s tick is rounded to ms, as SQL Server shows it
 *   datetimeoffset(n)                   i, aux     the same, UTC; aux = offset in minutes, ±840
 *   uniqueidentifier                    bytes, 16  in the order of its text form (as PostgreSQL's uuid)
 *   char … nvarchar(max), text, xml     bytes      UTF-8, not NUL-terminated; may contain U+0000; an
 *                                                  unpaired surrogate has become U+FFFD
 *   hierarchyid                         bytes      its path in UTF-8, "/1/2.5/"
 *   sql_variant                         bytes      a JSON object in UTF-8 (sqlserver/sqlvariant.h)
 *   geometry, geography                 bytes      EWKB, little-endian (sqlserver/spatial.h)
 *   binary varbinary image rowversion … bytes      as they are
 */
#ifndef RECORD_VALUE_H
#define RECORD_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* Flags. ABSENT: the source doesn't carry it; never write it over a value. UNREADABLE (alone): it is there,
 * but couldn't be read; a row with it may only be set aside. Never in a key column of the schema, and only
 * where the target says that it sets such rows aside (ConnectorContext.sets_aside). */
enum { VALUE_NULL = 1, VALUE_ABSENT = 2, VALUE_UNREADABLE = 4 };

/* What is known of an UNREADABLE value. */
typedef struct ValueFault {
    const char *why; /* "the value has over …"; no row data */
    int64_t bytes;   /* its length in the source; -1 = unknown */
} ValueFault;

typedef struct Value {
    union {
        int64_t i;
        double d;
        const char *p; /* borrowed */
    } v;
    uint32_t n;    /* bytes at p */
    int16_t aux;   /* datetimeoffset: minutes east of UTC */
    uint8_t flags; /* VALUE_NULL | VALUE_ABSENT, VALUE_UNREADABLE, or 0; NULL and ABSENT have v zeroed */
    uint8_t pad;   /* 0 */
} Value;

_Static_assert(sizeof(Value) == 16, "rows are arrays of 16-byte values");

static inline bool value_is_null(const Value *v) {
    return (v->flags & VALUE_NULL) != 0;
}
static inline bool value_is_absent(const Value *v) {
    return (v->flags & VALUE_ABSENT) != 0;
}
static inline bool value_is_unreadable(const Value *v) {
    return (v->flags & VALUE_UNREADABLE) != 0;
}
static inline const ValueFault *value_fault(const Value *v) { /* of an UNREADABLE one; borrowed */
    return (const ValueFault *)(const void *)v->v.p;
}
static inline Value value_unreadable(const ValueFault *fault) { /* fault: borrowed as bytes are */
    return (Value){.v = {.p = (const char *)fault}, .flags = VALUE_UNREADABLE};
}
static inline Str value_str(const Value *v) {
    return (Str){v->v.p, v->n};
}
static inline Value value_null(void) {
    return (Value){.flags = VALUE_NULL};
}
/* It isn't carried: by the source, or not into the row at hand. */
static inline Value value_unread(void) {
    return (Value){.flags = VALUE_NULL | VALUE_ABSENT};
}
static inline Value value_int(int64_t i) {
    return (Value){.v = {.i = i}};
}
static inline Value value_double(double d) {
    return (Value){.v = {.d = d}};
}
static inline Value value_bytes(const char *p, uint32_t n) {
    return (Value){.v = {.p = p}, .n = n};
}

#endif
