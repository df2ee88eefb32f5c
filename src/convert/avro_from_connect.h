/*
 * avro_from_connect.h - Connect's schemas as Avro's, to the letter as Confluent's AvroData writes them: the
 * registry knows a schema by its text, so a property in another place would be another schema. Any thread.
 * Source: seen in AvroData 7.9 and in Apicurio's converter 2.6, which is its twin; both with
 * enhanced.avro.schema.support off.
 */
#ifndef CONVERT_AVRO_FROM_CONNECT_H
#define CONVERT_AVRO_FROM_CONNECT_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "record/connect_schema.h"

#define AVRO_CONNECT_NAMESPACE    "io.confluent.connect.avro"
#define AVRO_CONNECT_DEFAULT      AVRO_CONNECT_NAMESPACE ".ConnectDefault"
#define AVRO_CONNECT_MAP_ENTRY    "MapEntry"
#define AVRO_CONNECT_UNION        AVRO_CONNECT_NAMESPACE ".Union"
#define AVRO_CONNECT_ENUM         AVRO_CONNECT_NAMESPACE ".Enum"
#define AVRO_CONNECT_RECORD_DOC   AVRO_CONNECT_NAMESPACE ".record.doc"
#define AVRO_CONNECT_FIELD_DOC    AVRO_CONNECT_NAMESPACE ".field.doc."
#define AVRO_CONNECT_DEFAULT_FLAG AVRO_CONNECT_NAMESPACE ".field.default"
#define AVRO_CONNECT_FIXED_SIZE   "connect.fixed.size"
enum { AVRO_CONNECT_PRECISION = 64 }; /* of a decimal that has none */

/* Append the schema's JSON. has_meta: with the properties connect.* (connect.meta.data). Errors: ERR_INVALID,
 * not retriable: a name that Avro doesn't allow (with the cure), two structs of one name that differ. */
MUST_CHECK bool avro_from_connect(const ConnectSchema *s, bool has_meta, Buf *out, Err *e);
/* Whether the schema is a struct that stands for a union of several types. */
bool avro_from_connect_is_union(const ConnectSchema *s);
/* Whether a map becomes Avro's map; others become lists of entries. */
bool avro_from_connect_is_map(const ConnectSchema *s);

#endif
