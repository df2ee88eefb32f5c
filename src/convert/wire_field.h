/*
 * wire_field.h - a column as a field of a Connect struct: its schema, and its values' way into it. Compiled
 * once per schema; read-only then: any thread.
 *
 * In come values as record/value.h has them, out go values as record/connect_schema.h has them. Texts and
 * bytes that stay as they are are borrowed from the value; what has to be made is bytes in the arena.
 */
#ifndef CONVERT_WIRE_FIELD_H
#define CONVERT_WIRE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "convert/wire_option.h"
#include "record/connect_schema.h"
#include "record/numtext.h"
#include "record/schema.h"

/* Debezium's semantic types, all of version 1. */
#define WIRE_DATE            "io.debezium.time.Date"
#define WIRE_TIME            "io.debezium.time.Time"
#define WIRE_MICRO_TIME      "io.debezium.time.MicroTime"
#define WIRE_NANO_TIME       "io.debezium.time.NanoTime"
#define WIRE_TIMESTAMP       "io.debezium.time.Timestamp"
#define WIRE_MICRO_TIMESTAMP "io.debezium.time.MicroTimestamp"
#define WIRE_NANO_TIMESTAMP  "io.debezium.time.NanoTimestamp"
#define WIRE_ZONED_TIMESTAMP "io.debezium.time.ZonedTimestamp"

typedef enum WireHow {
    WIRE_SAME,         /* numbers, text, bytes */
    WIRE_UNSCALED,     /* int64 or __int128 to a Decimal's bytes */
    WIRE_AS_DOUBLE,    /* unscaled to double */
    WIRE_AS_TEXT,      /* unscaled to text */
    WIRE_DIVIDE,       /* ticks / divisor, rounded down */
    WIRE_DIVIDE_EPOCH, /* ticks since 0001 to 1970, / divisor */
    WIRE_NANOS,        /* ticks * 100 */
    WIRE_NANOS_EPOCH,  /* ticks since 0001 to ns since 1970: may not fit */
    WIRE_ZONED,        /* datetimeoffset to ISO text */
    WIRE_GUID,         /* 16 bytes to text, upper case */
    WIRE_PATH,         /* hierarchyid's path to SQL Server's bytes */
    WIRE_CODE,         /* bytes to base64 or hex text */
} WireHow;

typedef struct WireField {
    const ConnectSchema *schema; /* owned; NULL: Debezium leaves the column out */
    WireHow how;
    bool is_wide; /* the value is an __int128 */
    bool nulls_unfit;
    uint8_t scale;
    WireBinary code;
    int64_t divisor;
    Value fallback; /* what stands for NULL: null, or where the field is required its default or a zero */
    const Column *column; /* borrowed, as the next one */
    const Schema *table;
} WireField;

/* is_key: as a field of the key: no propagated parameters there. ret is done by wire_field_done, also after
 * a failure. Errors: ERR_INVALID, ERR_INTERNAL from the schema's making. */
MUST_CHECK bool wire_field_init(const Schema *table, size_t column, bool is_key, const WireOptions *o,
                                WireField *ret, Err *e);
void wire_field_done(WireField *c);
/* Errors: ERR_DATA for a value that the field's type can't hold, naming table and column. */
MUST_CHECK bool wire_field_value(const WireField *c, const Value *v, Arena *a, Value *ret, Err *e);

/* Parts, for tests and for others who write such values. */
/* Two's complement, big-endian, as few bytes as it takes, at least one; into the arena. */
Value wire_unscaled(NumInt128 v, Arena *a);
/* "2026-01-31T23:59:59.1234567+02:00"; Z for +00:00; as many digits of the second as there are. */
Value wire_zoned(int64_t utc_ticks, int offset_minutes, Arena *a);

#endif
