/*
 * avro_to_connect.h - Avro's schemas as Connect's, by the rules of Confluent's AvroData: what millrace or a
 * JVM stack wrote comes back as it was, what others wrote becomes the nearest there is (an enum a text, a
 * fixed bytes, timestamp-millis Connect's Timestamp, a union of several types a struct of one field each).
 * Any thread.
 */
#ifndef CONVERT_AVRO_TO_CONNECT_H
#define CONVERT_AVRO_TO_CONNECT_H

#include <stdbool.h>

#include "base/err.h"
#include "convert/avro_type.h"
#include "record/connect_schema.h"

/* Owned. has_meta: documentation and parameters too (connect.meta.data). Errors: ERR_DATA, not retriable: a
 * schema that refers to itself, null alone, a property connect.* that contradicts its type, past
 * connect_schema.h's bounds. */
MUST_CHECK bool avro_to_connect(const AvroSchema *from, bool has_meta, const ConnectSchema **ret, Err *e);
/* Whether a list's items are the entries of a map. */
bool avro_to_connect_is_entry(const AvroType *t);

#endif
