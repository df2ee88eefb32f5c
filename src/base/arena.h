/*
 * arena.h - memory that is freed in one go. {0} is an empty arena. Owner thread only; moves with the object
 * it is part of. Small pieces share blocks, of 4 KiB at first and up to ARENA_BLOCK_BYTES; a larger one gets
 * a block of its own. Nothing in it may outlive it.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

enum { ARENA_BLOCK_BYTES = 256 * 1024 };

typedef struct ArenaBlock ArenaBlock;
typedef struct Arena {
    ArenaBlock *blocks; /* newest first; the one being filled */
    char *at, *end;     /* free room of that block */
    size_t bytes;       /* handed out since the last clear */
} Arena;

/* Of an empty arena: n bytes of room in a block of that size, for what is small and lives long. More than
 * that goes on in further blocks. */
void arena_room(Arena *a, size_t n);
/* n bytes aligned for any object; not zeroed; never NULL. */
void *arena_alloc(Arena *a, size_t n);
/* n bytes without alignment: for text and bytes. */
char *arena_bytes(Arena *a, size_t n);
void *arena_zalloc(Arena *a, size_t n);
#define ARENA_ARRAY(a, type, count) ((type *)arena_array((a), sizeof(type), (count)))
void *arena_array(Arena *a, size_t size, size_t count); /* checks the product; not zeroed */
/* A copy in the arena, NUL-terminated (the NUL isn't counted). */
Str arena_str(Arena *a, Str s);
char *arena_printf(Arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void arena_clear(Arena *a); /* forget all, keep the largest block for reuse */
void arena_done(Arena *a);  /* free all; a is {0} again */

#endif
