/*
 * avro_converter.h - Avro with a schema registry, in Confluent's wire format: a zero byte, the schema's
 * number in four (big-endian), the data. Classes io.confluent.connect.avro.AvroConverter and
 * io.apicurio.registry.utils.converter.AvroConverter, the latter as far as it writes that format.
 */
#ifndef CONVERT_AVRO_CONVERTER_H
#define CONVERT_AVRO_CONVERTER_H

#include "convert/converter.h"

enum { AVRO_CONVERTER_HEADER_BYTES = 5 };

extern const ConverterClass avro_converter_class, avro_converter_apicurio_class;

#endif
