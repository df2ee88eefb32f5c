/*
 * json_decode.h - values and schemas out of Kafka's JSON (json_plan.h). Foreign bytes: what a plan doesn't
 * expect is refused, fields it doesn't know are skipped, of a field that comes twice the last one counts (as
 * Jackson's). Any thread; values are in the arena, or in the text, or (defaults) in the plan's schema.
 */
#ifndef CONVERT_JSON_DECODE_H
#define CONVERT_JSON_DECODE_H

#include "base/arena.h"
#include "base/err.h"
#include "convert/json_plan.h"
#include "convert/json_reader.h"

enum { JSON_DECODE_MAX_SCHEMAS = 65536 }; /* in a schema, itself included */

/* The next value of r, which is UTF-8. Errors: ERR_DATA; names the field, never the value. */
MUST_CHECK bool json_decode(const JsonPlan *p, JsonReader *r, Arena *a, Value *ret, Err *e);
/* A schema's text. *ret: owned; NULL for the text null. Errors: ERR_DATA. */
MUST_CHECK bool json_decode_schema(Str text, const JsonRules *rules, const ConnectSchema **ret, Err *e);

#endif
