/*
 * java_map.h - the order in which a java.util.HashMap of text keys gives its entries. Connect writes offsets
 * and Debezium its lists of tables in that order, and offsets' keys are found by their bytes. Any thread.
 * Source: the javadoc of String.hashCode and the table of HashMap (16 places, twice as many past 3/4).
 */
#ifndef CONVERT_JAVA_MAP_H
#define CONVERT_JAVA_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* String.hashCode of UTF-8 text. */
int32_t java_map_hash(Str text);
/* ret[i] = index of the key that comes i-th; keys are put in the order given, no two alike. */
void java_map_order(const Str *keys, size_t count, size_t *ret);

#endif
