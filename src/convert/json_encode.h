/*
 * json_encode.h - values and schemas as Kafka's JsonConverter writes them (json_plan.h). Any thread; appends
 * only, and on failure what was appended is to be cut off.
 */
#ifndef CONVERT_JSON_ENCODE_H
#define CONVERT_JSON_ENCODE_H

#include "base/buf.h"
#include "base/err.h"
#include "convert/json_plan.h"

/* Errors: ERR_DATA, null where the schema allows none; a decimal that is none. */
MUST_CHECK bool json_encode(const JsonPlan *p, const Value *v, Buf *out, Err *e);
/* The schema itself: type, fields | items | keys and values, optional, name, version, doc, parameters,
 * default, then `field` (its name in the struct it is part of; p NULL = it is in none). Errors: as
 * json_encode, of a default. */
MUST_CHECK bool json_encode_schema(const JsonPlan *p, Str field, Buf *out, Err *e);

#endif
