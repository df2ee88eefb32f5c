/* metadata_internal.h - arguments and results of the functions over the catalog. */
#ifndef STANDIN_EXEC_METADATA_INTERNAL_H
#define STANDIN_EXEC_METADATA_INTERNAL_H

#include "standin/exec/session_internal.h"

static const Value none = {.kind = VALUE_NULL};

static inline bool has(const Value *args, size_t count, size_t i) {
    return i < count && args[i].kind != VALUE_NULL;
}
static inline Value text(Arena *a, const char *s) {
    return s ? VALUE_OF_TEXT(arena_str(a, str_from(s))) : none;
}
static inline Value flag(bool b) {
    return VALUE_OF_INT(b);
}

#endif
