/* strmap.h - a hash map from text to a borrowed pointer; keys are copied. Owner thread only, or under the
 * owner's lock. */
#ifndef BASE_STRMAP_H
#define BASE_STRMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

typedef struct StrMap StrMap;

StrMap *strmap_new(bool ignore_case); /* ASCII letters */
StrMap *strmap_free(StrMap *m);       /* values are the caller's; returns NULL */
StrMap *strmap_free_all(StrMap *m);   /* and its values with free() */
/* Set, returning the former value or NULL. value must not be NULL. */
void *strmap_set(StrMap *m, Str key, void *value);
void *strmap_get(const StrMap *m, Str key); /* NULL = absent */
void *strmap_del(StrMap *m, Str key);       /* the removed value or NULL */
size_t strmap_count(const StrMap *m);
/* Walk in the order of insertion (a removed and set key goes last): *at starts at 0; false at the end. The
 * key is the copy, NUL-terminated. */
bool strmap_next(const StrMap *m, size_t *at, Str *ret_key, void **ret_value);

#endif
