/*
 * connect_schema.h - Kafka Connect's data model: the schema of what is in a topic, and the form its values
 * have here. Immutable once built, reference-counted. Any thread.
 *
 * A value is a Value (value.h) again, in the form of its Connect type; VALUE_NULL is null:
 *
 *   Connect type            form      content
 *   INT8 INT16 INT32 INT64  i         the number
 *   BOOLEAN                 i         0 or 1
 *   FLOAT32 FLOAT64         d
 *   STRING                  p, n      UTF-8
 *   BYTES                   p, n
 *   STRUCT                  p, n      a Value for each field: n = field_count
 *   ARRAY                   p, n      n values
 *   MAP                     p, n      n entries of two values each: key, value
 *
 * Logical types keep the form of the type they are built on: org.apache.kafka.connect.data.Decimal is BYTES
 * (unscaled, two's complement, big-endian, as few bytes as it takes, at least one), Date is INT32 of days,
 * Time INT32 and Timestamp INT64 of milliseconds; Debezium's io.debezium.time.* likewise. Source of the
 * rules: Kafka's javadoc, org.apache.kafka.connect.data.Schema.
 */
#ifndef RECORD_CONNECT_SCHEMA_H
#define RECORD_CONNECT_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "record/value.h"

typedef enum ConnectType {
    CONNECT_INT8,
    CONNECT_INT16,
    CONNECT_INT32,
    CONNECT_INT64,
    CONNECT_FLOAT32,
    CONNECT_FLOAT64,
    CONNECT_BOOLEAN,
    CONNECT_STRING,
    CONNECT_BYTES,
    CONNECT_ARRAY,
    CONNECT_MAP,
    CONNECT_STRUCT,
} ConnectType;

#define CONNECT_DECIMAL         "org.apache.kafka.connect.data.Decimal"
#define CONNECT_DATE            "org.apache.kafka.connect.data.Date"
#define CONNECT_TIME            "org.apache.kafka.connect.data.Time"
#define CONNECT_TIMESTAMP       "org.apache.kafka.connect.data.Timestamp"
#define CONNECT_PARAM_SCALE     "scale" /* of a Decimal */
#define CONNECT_PARAM_PRECISION "connect.decimal.precision"

enum { CONNECT_MAX_FIELDS = 4096, CONNECT_MAX_DEPTH = 32 };

typedef struct ConnectSchema ConnectSchema;

typedef struct ConnectParam {
    Str name, value;
} ConnectParam;

typedef struct ConnectField {
    Str name;
    const ConnectSchema *schema; /* the parent holds a reference */
} ConnectField;

struct ConnectSchema {
    ConnectType type;
    bool is_optional;
    bool has_default;
    Value default_value;        /* in the form of the type; may be null where it is optional */
    Str name;                   /* "" = none */
    int32_t version;            /* 0 = none */
    Str doc;                    /* "" = none */
    const ConnectParam *params; /* in the order given */
    size_t param_count;
    const ConnectField *fields; /* STRUCT */
    size_t field_count;
    const ConnectSchema *key;   /* MAP: of its keys */
    const ConnectSchema *value; /* MAP, ARRAY: of its values, items */
    uint64_t fingerprint;       /* of all of the above: equal schemas, equal number */
};

/* What a schema is built from: a ConnectSchema filled by hand, whose texts, default and arrays are copied and
 * whose inner schemas get a reference each (fingerprint isn't looked at). The result is owned, one reference.
 * Errors: ERR_INVALID (no inner schema where one is needed, a field named twice, too many fields, too deep, a
 * null default of what isn't optional). */
MUST_CHECK bool connect_schema_new(const ConnectSchema *spec, const ConnectSchema **ret, Err *e);
const ConnectSchema *connect_schema_ref(const ConnectSchema *s);   /* returns s */
const ConnectSchema *connect_schema_unref(const ConnectSchema *s); /* NULL is fine; returns NULL */
/* A plain one, required or optional: STRING, INT64 … Owned, as above. */
const ConnectSchema *connect_schema_plain(ConnectType type, bool is_optional);
/* With the other optionality, all else alike; a reference to s itself when it has it already. Owned. */
const ConnectSchema *connect_schema_with_optional(const ConnectSchema *s, bool is_optional);

/* Memory that it takes, about, in bytes, with the schemas inside it; one that is there twice counts twice. At
 * most CONNECT_SCHEMA_BYTES_MAX, so that a few of them can be summed up. */
#define CONNECT_SCHEMA_BYTES_MAX (SIZE_MAX / 8)
size_t connect_schema_bytes(const ConnectSchema *s);
bool connect_schema_equal(const ConnectSchema *a, const ConnectSchema *b);
/* Index of the field of that name (exact), or -1. */
int connect_schema_find(const ConnectSchema *s, Str field);
/* The parameter of that name; {NULL, 0} when there is none. */
Str connect_schema_param(const ConnectSchema *s, const char *name);
static inline bool connect_schema_is(const ConnectSchema *s, const char *name) {
    return str_eq_c(s->name, name);
}
const char *connect_type_name(ConnectType t); /* as in JsonConverter's schemas: "int32", "struct" */
/* false: there is no such type. */
bool connect_type_by_name(Str name, ConnectType *ret);

/* A copy of a value and all it points to. */
Value connect_value_copy(const ConnectSchema *s, const Value *v, Arena *a);
bool connect_value_equal(const ConnectSchema *s, const Value *a, const Value *b);

#endif
