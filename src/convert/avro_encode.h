/*
 * avro_encode.h - Connect's values as Avro's bytes, by a plan that is compiled once for a pair of schemas and
 * run for each record: no allocation but the buffer's growth. A plan is immutable; any thread.
 * Source: Avro's specification 1.11, "Binary Encoding".
 */
#ifndef CONVERT_AVRO_ENCODE_H
#define CONVERT_AVRO_ENCODE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "convert/avro_type.h"
#include "record/connect_schema.h"

typedef struct AvroEncoder AvroEncoder;

/*
 * A plan for values of from, to be read by to: most often the schema that from became, or a newer one of the
 * topic's. It keeps a reference to from and nothing of to. keeps_null: a null in a field that has a default
 * stays one; otherwise the default is written, as Connect does (ignore.default.for.nullables). Errors:
 * ERR_INVALID, not retriable: a field of to that from doesn't have and that can't be null, a type that
 * doesn't fit, with the field's name.
 */
MUST_CHECK bool avro_encode_plan(const ConnectSchema *from, const AvroSchema *to, bool keeps_null,
                                 AvroEncoder **ret, Err *e);
size_t avro_encode_bytes(const AvroEncoder *p); /* memory that it takes, about, without its schema */
AvroEncoder *avro_encode_free(AvroEncoder *p);  /* NULL is fine; returns NULL */
/* Append v. Errors: ERR_DATA, not retriable: a null that may not be one, a number or a symbol that isn't of
 * its type; out may then hold a part of it. */
MUST_CHECK bool avro_encode(const AvroEncoder *p, const Value *v, Buf *out, Err *e);

/* Avro's long: zigzag, then 7 bits a byte, the lowest first. */
void avro_encode_long(Buf *out, int64_t n);

#endif
