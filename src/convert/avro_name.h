/*
 * avro_name.h - what Avro in Java takes for a name: letters of any script, digits and _, no digit first.
 * Avro's specification allows ASCII alone; Java's library, and with it the registries and converters, has
 * always taken more. Any thread.
 */
#ifndef CONVERT_AVRO_NAME_H
#define CONVERT_AVRO_NAME_H

#include <stdbool.h>

#include "base/str.h"

/* Whether it is the name of a field, or of a type without its namespace. No name is empty. */
bool avro_name_is_valid(Str name);

#endif
