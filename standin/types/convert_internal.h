/* convert_internal.h - what the parts of convert.c share. Used by convert*.c only. */
#ifndef STANDIN_TYPES_CONVERT_INTERNAL_H
#define STANDIN_TYPES_CONVERT_INTERNAL_H

#include "standin/types/convert.h"

enum { CONVERT_SHOWN_BYTES = 256 }; /* of a value inside a message */

/* Fill *e with class 16, return false. */
bool convert_fail(ConvertError *e, int32_t number, uint8_t state, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* type_name, but SQL Server's messages say numeric for decimal too. */
const char *convert_type_name(TypeId id);
/* s for "%.*s" in a message: cut to CONVERT_SHOWN_BYTES. */
Str convert_shown(Str s);

/* Targets bit … bigint, decimal, numeric, money, smallmoney, real, float. */
bool convert_to_number(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e);
/* Targets binary, varbinary, image, rowversion. */
bool convert_to_binary(const Convert *c, Value v, Arena *a, Value *ret, ConvertError *e);

#endif
