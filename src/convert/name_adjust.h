/*
 * name_adjust.h - names in topics as Debezium makes them: schema.name.adjustment.mode,
 * field.name.adjustment.mode, and what a topic's name may hold. Any thread.
 * Source: Debezium 2.7's manual and observed output. Characters are Java's, UTF-16 units: one beyond U+FFFF
 * counts twice.
 */
#ifndef CONVERT_NAME_ADJUST_H
#define CONVERT_NAME_ADJUST_H

#include "base/arena.h"
#include "base/str.h"

typedef enum NameAdjust {
    NAME_ADJUST_NONE,
    NAME_ADJUST_AVRO,         /* what Avro doesn't take becomes _; a digit in front gets one put before it */
    NAME_ADJUST_AVRO_UNICODE, /* _uXXXX, and _ itself is what escapes: _u005f */
} NameAdjust;

extern const char *const NAME_ADJUST_NAMES[]; /* as the properties write them; NULL-terminated */

/* A schema's name, with dots between its parts. The result is in the arena, or name itself. */
Str name_adjust_schema(NameAdjust how, Str name, Arena *a);
/* A field's name: dots are replaced, too. */
Str name_adjust_field(NameAdjust how, Str name, Arena *a);
/* A topic's name: letters, digits, ".", "_", "-"; others become _; cut at 249 characters. */
Str name_adjust_topic(Str name, Arena *a);

#endif
