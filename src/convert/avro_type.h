/*
 * avro_type.h - an Avro schema, parsed from its JSON text: what a topic's bytes are laid out by, with the
 * properties that Connect's converters put beside. libavro's own schemas forget those.
 *
 * Immutable once parsed; any thread. Names are resolved: a reference by name is the type itself, so a schema
 * that refers to itself is a cycle (is_recursive). Source: Avro's specification 1.11, "Schema Declaration".
 */
#ifndef CONVERT_AVRO_TYPE_H
#define CONVERT_AVRO_TYPE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Bounds on what is parsed. */
enum {
    AVRO_TYPE_MAX_TEXT = 4 * 1024 * 1024,
    AVRO_TYPE_MAX_DEPTH = 64,
    AVRO_TYPE_MAX_FIELDS = 4096,  /* fields of a record, symbols of an enum */
    AVRO_TYPE_MAX_BRANCHES = 256, /* of a union */
    AVRO_TYPE_MAX_TYPES = 65536,  /* in a schema */
    AVRO_TYPE_MAX_FIXED = 1024 * 1024,
};

typedef enum AvroKind { /* the primitive ones first; a union's order is its own */
                        AVRO_KIND_NULL,
                        AVRO_KIND_BOOLEAN,
                        AVRO_KIND_INT,
                        AVRO_KIND_LONG,
                        AVRO_KIND_FLOAT,
                        AVRO_KIND_DOUBLE,
                        AVRO_KIND_BYTES,
                        AVRO_KIND_STRING,
                        AVRO_KIND_RECORD,
                        AVRO_KIND_ENUM,
                        AVRO_KIND_FIXED,
                        AVRO_KIND_ARRAY,
                        AVRO_KIND_MAP,
                        AVRO_KIND_UNION,
} AvroKind;

typedef struct AvroType AvroType;

typedef struct AvroField {
    Str name;
    Str doc; /* p NULL = none */
    const AvroType *type;
    const json_t *standard; /* the default; NULL = none */
} AvroField;

struct AvroType {
    AvroKind kind;
    unsigned number;                 /* of this type in its schema, from 0 */
    Str name;                        /* RECORD, ENUM, FIXED: the full name */
    Str doc;                         /* of those; p NULL = none */
    const json_t *props;             /* the object it was written as; NULL = it was a bare word */
    const AvroField *fields;         /* RECORD: count of them */
    const Str *symbols;              /* ENUM: count of them */
    const AvroType *const *branches; /* UNION: count of them */
    size_t count;
    const AvroType *items; /* ARRAY, MAP: of its items, values */
    size_t size;           /* FIXED: bytes */
};

typedef struct AvroSchema AvroSchema;

/*
 * Parse a schema. texts: those it refers to by name first, itself last; at least one. Errors: ERR_DATA, not
 * retriable: no JSON, not a schema, a name that nothing defines or two things do, past a bound.
 */
MUST_CHECK bool avro_type_parse(const Str *texts, size_t count, AvroSchema **ret, Err *e);
AvroSchema *avro_type_free(AvroSchema *s); /* NULL is fine; returns NULL */
const AvroType *avro_type_root(const AvroSchema *s);
size_t avro_type_count(const AvroSchema *s); /* types it has: their numbers are below */
bool avro_type_is_recursive(const AvroSchema *s);
/* A type's property of that name; NULL = it has none. */
const json_t *avro_type_prop(const AvroType *t, const char *name);
/* The same where it is a text; p NULL otherwise. */
Str avro_type_text(const AvroType *t, const char *name);
const char *avro_type_kind_name(AvroKind kind); /* "int", "record": static */
/* Of a union of null and one more: that one, and null's place (0 or 1) in *ret_null; NULL for others. */
const AvroType *avro_type_nullable(const AvroType *t, unsigned *ret_null);

#endif
