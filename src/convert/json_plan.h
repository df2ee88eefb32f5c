/*
 * json_plan.h - a Connect schema, prepared for Kafka's JSON form of its values: which kind of JSON each has,
 * field names as they stand in the text. Compiled once for a schema, then read only; any thread.
 *
 * The form (Kafka's JsonConverter): structs, and maps whose keys are texts, are objects; other maps are
 * arrays of [key, value]; bytes are base64 text; a Decimal is base64 of its unscaled bytes, or a number
 * (decimal.format); other logical types are the numbers that they are here too.
 */
#ifndef CONVERT_JSON_PLAN_H
#define CONVERT_JSON_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "record/connect_schema.h"

typedef enum JsonKind {
    JSON_KIND_INT,
    JSON_KIND_BOOLEAN,
    JSON_KIND_FLOAT,
    JSON_KIND_DOUBLE,
    JSON_KIND_TEXT,
    JSON_KIND_BASE64,
    JSON_KIND_DECIMAL, /* written as is_numeric says, read in both forms */
    JSON_KIND_STRUCT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT, /* a map */
    JSON_KIND_PAIRS,  /* a map */
} JsonKind;

typedef struct JsonRules {
    bool is_numeric;     /* decimal.format=NUMERIC */
    bool fills_defaults; /* replace.null.with.default: null, where the schema has a default, is the default */
} JsonRules;

typedef struct JsonPlan JsonPlan;
struct JsonPlan {
    const ConnectSchema *schema;
    const JsonRules *rules;
    JsonKind kind;
    int64_t min, max;       /* INT */
    int scale;              /* DECIMAL */
    Str *labels;            /* STRUCT: "name": of each field, quotes and colon included; before it the { or
                             * comma that stands there */
    const JsonPlan *fields; /* STRUCT: field_count of them */
    const uint16_t *sorted; /* STRUCT: fields by name */
    const JsonPlan *key, *value;
};

/* Owned; holds a reference to schema; rules are borrowed. */
const JsonPlan *json_plan_new(const ConnectSchema *schema, const JsonRules *rules);
const JsonPlan *json_plan_free(const JsonPlan *p); /* of json_plan_new; NULL is fine; returns NULL */
/* Memory that it takes, about, in bytes, its schema's included. */
size_t json_plan_bytes(const JsonPlan *p);
/* Index of the field of that name, or -1. */
int json_plan_find(const JsonPlan *p, Str name);

#endif
