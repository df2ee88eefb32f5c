/*
 * variant.h - sql_variant: a value together with its base type, as one run of bytes (value.h: a VALUE_TEXT
 * whose order is variant_compare's, so that SQLite compares, groups and indexes it by a collation of that
 * name). Plain functions; any thread.
 * Source: the T-SQL manual, "sql_variant" (what it holds, how values compare) and "SQL_VARIANT_PROPERTY".
 */
#ifndef STANDIN_TYPES_VARIANT_H
#define STANDIN_TYPES_VARIANT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "standin/types/type.h"
#include "standin/types/value.h"

#define VARIANT_COLLATION "sql_variant" /* the name that SQLite knows variant_compare by */

/* May a value of this type be put in? Not text, ntext, image, xml, (max), rowversion, CLR types, a variant.
 */
bool variant_holds(const Type *t);
/* v of type t (variant_holds) as a variant, in the arena. NULL stays NULL. */
Value variant_pack(const Type *t, Value v, Arena *a);
/* The base type and the value in it (borrowed). False: bytes that variant_pack didn't make. */
MUST_CHECK bool variant_unpack(Value v, Type *ret_type, Value *ret);
/* <0, 0, >0: families of types in the manual's order, within one the values whatever their types. */
int variant_compare(Str a, Str b);
/* Append bytes that are equal where variant_compare gives 0. */
void variant_key(Str s, Buf *out);
/* SQL_VARIANT_PROPERTY(v, name) as a variant; NULL for a name that there isn't. */
Value variant_property(Value v, Str name, Arena *a);
/* Bytes of a value (of any type but sql_variant, not NULL) as DATALENGTH counts them. */
int64_t variant_data_bytes(const Type *t, Value v);

#endif
