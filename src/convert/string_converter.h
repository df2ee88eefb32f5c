/*
 * string_converter.h - Kafka's org.apache.kafka.connect.storage.StringConverter: a value's text, in UTF-8.
 * Written: what Java's toString gives of texts, numbers, truth values, decimals, and structs, arrays and maps
 * of them ("Struct{Id=7,Name=x}"); bytes and Connect's own dates have none that anyone could read, and are
 * ERR_DATA. Read: an optional STRING.
 */
#ifndef CONVERT_STRING_CONVERTER_H
#define CONVERT_STRING_CONVERTER_H

#include "convert/converter.h"

extern const ConverterClass string_converter_class;

#endif
