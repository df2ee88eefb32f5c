/*
 * json_converter.h - Kafka's org.apache.kafka.connect.json.JsonConverter: {"schema":…,"payload":…}, or with
 * schemas.enable=false the payload alone. What it writes is byte for byte what Kafka's writes, but for the
 * shortest digits of some floats (json_text.h).
 *
 * Read without a schema, a value can't become a row: ERR_DATA with the cure, but for null. A key can: texts,
 * whole numbers (INT64), other numbers (FLOAT64), truth values, and objects of those get a schema of their
 * own, all optional.
 */
#ifndef CONVERT_JSON_CONVERTER_H
#define CONVERT_JSON_CONVERTER_H

#include "convert/converter.h"

extern const ConverterClass json_converter_class;

#endif
