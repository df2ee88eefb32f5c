/*
 * wire_column.h - a field of a Connect schema as a column of a table: which SQL Server type comes nearest, so
 * that the target gets the type it gets in direct mode, and how a value goes from its wire form
 * (connect_schema.h) to the canonical form of that type (value.h). Plain functions; any thread.
 *
 *   Connect                                         column
 *   INT8, INT16 / INT32 / INT64 / BOOLEAN           smallint / int / bigint / bit
 *   FLOAT32 / FLOAT64                               real / float
 *   STRING / BYTES                                  nvarchar(max) / varbinary(max)
 *   Decimal                                         decimal(p,s); without a precision, or with one past 38,
 *                                                   decimal(38,s). A negative scale becomes 0
 *   Date of Connect, Debezium's Date                date
 *   Time; Debezium's Time, MicroTime, NanoTime      time(3); 3, 6, 7
 *   Timestamp; Debezium's Timestamp, Micro…, Nano…  datetime2(3); 3, 6, 7
 *   ZonedTimestamp                                  datetimeoffset(7)
 *   IsoDate, IsoTime, IsoTimestamp (texts)          date, time(7), datetime2(7)
 *   io.debezium.data.Uuid, .Xml                     uniqueidentifier, xml
 *
 * What column.propagate.source.type put into the parameters narrows that: __debezium.source.column.type,
 * .length, .scale give varchar(40), datetime, smalldatetime, time(2), uniqueidentifier, money … where the
 * value can have come of such a column. Arrays, maps and structs inside a row are refused.
 */
#ifndef CONVERT_WIRE_COLUMN_H
#define CONVERT_WIRE_COLUMN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "record/connect_schema.h"
#include "record/numtext.h"
#include "record/schema.h"

typedef struct WireColumn WireColumn;
/* v isn't null. What *ret points to is in a, or where v points to. Errors: ERR_DATA, out of range or not the
 * text it should be; says which column and type, never the value. */
typedef bool (*WireConvert)(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e);

struct WireColumn {
    WireConvert convert; /* NULL: the value as it is */
    Column column;       /* its name is borrowed from the schema's field; key is 0 */
    int64_t per_tick;    /* times: wire units in 100 ns (nanoseconds), or 100 ns in a wire unit */
    int16_t shift;       /* decimals: digits to add, of a negative scale */
    NumInt128 limit;     /* decimals: |unscaled| is below it */
};

/* Errors: ERR_DATA (a type that no column has). */
MUST_CHECK bool wire_column_of(Str name, const ConnectSchema *s, WireColumn *ret, Err *e);

/* v (may be null) converted. */
static inline bool wire_column_convert(const WireColumn *w, const Value *v, Arena *a, Value *ret, Err *e) {
    if (!w->convert || value_is_null(v) || value_is_absent(v)) {
        *ret = *v;
        return true;
    }
    return w->convert(w, v, a, ret, e);
}

#endif
