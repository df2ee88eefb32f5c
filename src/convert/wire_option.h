/*
 * wire_option.h - the properties of a source that decide how its changes look in a topic. Read-only once
 * made: any thread.
 *
 * wire_options_table stands before the source's own table (options_parse_tables) when there are topics; in
 * direct mode the source's table says of the same keys that they have nothing to act on (debezium.version
 * has: transforms go by it).
 */
#ifndef CONVERT_WIRE_OPTION_H
#define CONVERT_WIRE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "config/option.h"
#include "config/regexlist.h"
#include "convert/name_adjust.h"

/* Whose shapes: debezium.version. What differs is told in docs/kafka.md. */
typedef enum WireVersion { WIRE_2_5, WIRE_2_7, WIRE_3_0 } WireVersion;
typedef enum WireDecimal { WIRE_DECIMAL_PRECISE, WIRE_DECIMAL_DOUBLE, WIRE_DECIMAL_STRING } WireDecimal;
typedef enum WireTime { WIRE_TIME_ADAPTIVE, WIRE_TIME_MICROSECONDS, WIRE_TIME_CONNECT } WireTime;
typedef enum WireBinary {
    WIRE_BINARY_BYTES,
    WIRE_BINARY_BASE64,
    WIRE_BINARY_URL_SAFE,
    WIRE_BINARY_HEX
} WireBinary;
/* What a value does that the wire's type can't hold (a datetime2(7) beyond the years 1677 to 2262). */
typedef enum WireUnfit {
    WIRE_UNFIT_FAIL, /* an error */
    WIRE_UNFIT_NULL, /* null where the field is optional, else an error (warn, skip) */
} WireUnfit;

typedef struct WireOptions {
    WireVersion version;
    const char *version_text; /* source.version */
    const char *prefix;       /* topic.prefix */
    const char *delimiter;
    const char *heartbeat_prefix; /* "__debezium-heartbeat" */
    const char *transaction;      /* "transaction" */
    const char *notifications;    /* topic of notifications; NULL = they go into none */
    bool names_database;          /* the database's name is part of topics and schemas */
    WireDecimal decimal;
    WireTime time;
    WireBinary binary;
    WireUnfit unfit;
    NameAdjust schema_names, field_names;
    const RegexList *propagated_columns; /* NULL = none */
    const RegexList *propagated_types;
    bool tombstones;
    bool transactions;   /* provide.transaction.metadata */
    bool schema_changes; /* include.schema.changes */
} WireOptions;

enum { WIRE_OPTION_COUNT = 22 };
extern const OptionDef wire_options_table[WIRE_OPTION_COUNT];

/* From parsed properties; o is borrowed as long as ret is used. topic.prefix is the source table's.
 * Errors: ERR_INVALID, naming file, line and property. */
MUST_CHECK bool wire_options(const Options *o, WireOptions *ret, Err *e);
/* All defaults, for tests and tools. */
WireOptions wire_options_standard(const char *prefix);

#endif
