/*
 * avro_decode.h - Avro's bytes as Connect's values, by a plan that is compiled once for a writer's schema and
 * run for each record. The bytes are anybody's: every length and count is held against what is left. A plan
 * is immutable; any thread.
 */
#ifndef CONVERT_AVRO_DECODE_H
#define CONVERT_AVRO_DECODE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "convert/avro_type.h"
#include "record/value.h"

typedef struct AvroDecoder AvroDecoder;

/* Values that a record may have beyond one for each of its bytes: what takes no bytes is bounded too. */
enum { AVRO_DECODE_SPARE_VALUES = 1024 * 1024 };

/* A plan whose values follow what avro_to_connect makes of from, of which it keeps nothing. Errors: ERR_DATA
 * as there. */
MUST_CHECK bool avro_decode_plan(const AvroSchema *from, AvroDecoder **ret, Err *e);
size_t avro_decode_bytes(const AvroDecoder *p); /* memory that it takes, about */
AvroDecoder *avro_decode_free(AvroDecoder *p);  /* NULL is fine; returns NULL */
/* One value, of all the bytes; texts and bytes in it borrow from bytes, the rest is in a. Errors: ERR_DATA,
 * not retriable: the bytes aren't of that schema, with the place from their start. */
MUST_CHECK bool avro_decode(const AvroDecoder *p, Str bytes, Arena *a, Value *ret, Err *e);

#endif
