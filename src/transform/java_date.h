/*
 * java_date.h - java.text.SimpleDateFormat in UTC, English names, lenient: patterns of y M L d D E u a H k K
 * h m s S G z Z X, quoted text, and anything that is no letter. The calendar is the proleptic Gregorian one
 * (Java's is Julian before 1582-10-15). Read-only once made: any thread.
 */
#ifndef TRANSFORM_JAVA_DATE_H
#define TRANSFORM_JAVA_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

typedef struct JavaDate JavaDate;

/* Errors: ERR_INVALID, naming the letter that isn't supported. */
MUST_CHECK bool java_date_new(const char *pattern, JavaDate **ret, Err *e);
JavaDate *java_date_free(JavaDate *f); /* returns NULL */
/* Append ms since 1970-01-01T00:00 UTC. */
void java_date_format(const JavaDate *f, int64_t ms, Buf *out);
/* What stands behind the pattern's end is ignored, as DateFormat.parse does. now_ms: two-digit years lie from
 * 80 years before it to 20 after. false: the text doesn't match. */
bool java_date_parse(const JavaDate *f, Str text, int64_t now_ms, int64_t *ret_ms);

#endif
