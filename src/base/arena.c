/*
 * A batch makes hundreds of thousands of small pieces and forgets them together, so a piece is a pointer
 * moved forward in a block. Blocks are kept newest first, and only the newest is filled; a piece that would
 * waste much of a block gets one of its own, put behind the newest so that filling goes on there. The first
 * block is small and the next ones grow to the full size: most arenas are a plan's, of a few kilobytes.
 * Clearing keeps the largest block: a batch that is filled again and again asks malloc for nothing. A few
 * full blocks that were freed are kept for whoever needs one next: they wander from the thread that reads to
 * the one that writes, and the pages of a new one would have to be made by the kernel each time. Under
 * AddressSanitizer the free room is poisoned, so a pointer kept past arena_clear is caught, and a piece is
 * full of bytes that make no pointer, no count and no truth, so one that isn't filled is, too.
 */
#include "base/arena.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#ifndef __has_feature
#define __has_feature(x) 0 /* clang's */
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
enum { ARENA_UNFILLED = 0xA5 };
#define mark_unfilled(p, n) ((void)memset((p), ARENA_UNFILLED, (n)))
#else
#define mark_unfilled(p, n)               ((void)(p), (void)(n))
#define ASAN_POISON_MEMORY_REGION(p, n)   ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

enum {
    ARENA_ALIGN = _Alignof(max_align_t),
    ARENA_FIRST_BYTES = 4 * 1024,
    ARENA_GROWTH = 4,
    ARENA_SPARES = 16,                       /* full blocks kept, of all threads together */
    ARENA_OWN_BYTES = ARENA_BLOCK_BYTES / 4, /* from here a piece that doesn't fit gets a block of its own */
};

struct ArenaBlock {
    ArenaBlock *next;
    size_t size; /* of data */
    _Alignas(max_align_t) char data[];
};

static pthread_mutex_t spares_lock = PTHREAD_MUTEX_INITIALIZER;
static ArenaBlock *spares; /* spares_lock, as the next */
static size_t spare_count;

static bool is_plain(const ArenaBlock *block) {
    return block->size == ARENA_BLOCK_BYTES - sizeof(ArenaBlock);
}

static ArenaBlock *spare_take(void) {
    pthread_mutex_lock(&spares_lock);
    ArenaBlock *block = spares;
    if (block) {
        spares = block->next;
        spare_count--;
    }
    pthread_mutex_unlock(&spares_lock);
    return block;
}

static bool spare_put(ArenaBlock *block) {
    pthread_mutex_lock(&spares_lock);
    bool has_room = spare_count < ARENA_SPARES;
    if (has_room) {
        block->next = spares;
        spares = block;
        spare_count++;
    }
    pthread_mutex_unlock(&spares_lock);
    return has_room;
}

static ArenaBlock *block_new(size_t size) {
    size_t bytes;
    if (__builtin_add_overflow(size, sizeof(ArenaBlock), &bytes)) bytes = SIZE_MAX; /* x_malloc stops us */
    ArenaBlock *block = x_malloc(bytes);
    block->size = size;
    ASAN_POISON_MEMORY_REGION(block->data, size);
    return block;
}

static void block_free(ArenaBlock *block) {
    ASAN_POISON_MEMORY_REGION(block->data, block->size);
    if (is_plain(block) && spare_put(block)) return;
    ASAN_UNPOISON_MEMORY_REGION(block->data, block->size);
    free(block);
}

static char *own_block(Arena *a, size_t n) {
    ArenaBlock *block = block_new(n);
    ArenaBlock **behind = a->blocks ? &a->blocks->next : &a->blocks;
    block->next = *behind;
    *behind = block;
    return block->data;
}

/* Bytes of the block to be filled next, its head included: n fits. */
static size_t next_bytes(const Arena *a, size_t n) {
    size_t bytes = ARENA_FIRST_BYTES;
    if (a->blocks) bytes = (a->blocks->size + sizeof(ArenaBlock)) * ARENA_GROWTH;
    while (bytes < n + sizeof(ArenaBlock)) bytes *= ARENA_GROWTH;
    return bytes < ARENA_BLOCK_BYTES ? bytes : ARENA_BLOCK_BYTES;
}

static __attribute__((noinline)) char *piece_slow(Arena *a, size_t n) {
    if (n >= ARENA_OWN_BYTES) return own_block(a, n);
    size_t bytes = next_bytes(a, n);
    ArenaBlock *block = bytes == ARENA_BLOCK_BYTES ? spare_take() : NULL;
    if (!block) block = block_new(bytes - sizeof(ArenaBlock));
    block->next = a->blocks;
    a->blocks = block;
    a->at = block->data + n;
    a->end = block->data + block->size;
    return block->data;
}

void arena_room(Arena *a, size_t n) {
    assert(!a->blocks);
    a->blocks = block_new(n);
    a->blocks->next = NULL;
    a->at = a->blocks->data;
    a->end = a->at + n;
}

static char *piece(Arena *a, size_t n, size_t align) {
    size_t pad = -(uintptr_t)a->at & (align - 1);
    size_t room = (size_t)(a->end - a->at);
    char *p;
    if (a->at && pad <= room && n <= room - pad) {
        p = a->at + pad;
        a->at = p + n;
    } else {
        p = piece_slow(a, n);
    }
    a->bytes += n;
    ASAN_UNPOISON_MEMORY_REGION(p, n);
    mark_unfilled(p, n);
    return p;
}

void *arena_alloc(Arena *a, size_t n) {
    return piece(a, n, ARENA_ALIGN);
}

char *arena_bytes(Arena *a, size_t n) {
    return piece(a, n, 1);
}

void *arena_zalloc(Arena *a, size_t n) {
    return memset(arena_alloc(a, n), 0, n);
}

void *arena_array(Arena *a, size_t size, size_t count) {
    size_t bytes;
    if (__builtin_mul_overflow(size, count, &bytes)) bytes = SIZE_MAX; /* x_malloc stops the program */
    return arena_alloc(a, bytes);
}

Str arena_str(Arena *a, Str s) {
    char *p = arena_bytes(a, s.n + 1);
    if (s.n) memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (Str){p, s.n};
}

char *arena_printf(Arena *a, const char *fmt, ...) {
    assert(fmt);
    char text[256]; /* mostly enough: then one pass */
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(text, sizeof text, fmt, args);
    size_t len = n > 0 ? (size_t)n : 0;
    char *p = arena_bytes(a, len + 1);
    if (len < sizeof text) memcpy(p, text, len);
    else (void)vsnprintf(p, len + 1, fmt, again);
    p[len] = '\0';
    va_end(again);
    va_end(args);
    return p;
}

void arena_clear(Arena *a) {
    ArenaBlock *kept = NULL;
    for (ArenaBlock *block = a->blocks; block; block = block->next) {
        bool is_of_its_own = block->size > ARENA_BLOCK_BYTES - sizeof(ArenaBlock);
        if (!is_of_its_own && (!kept || block->size > kept->size)) kept = block;
    }
    for (ArenaBlock *block = a->blocks, *next; block; block = next) {
        next = block->next;
        if (block != kept) block_free(block);
    }
    *a = (Arena){.blocks = kept};
    if (!kept) return;
    kept->next = NULL;
    a->at = kept->data;
    a->end = kept->data + kept->size;
    ASAN_POISON_MEMORY_REGION(kept->data, kept->size);
}

void arena_done(Arena *a) {
    for (ArenaBlock *block = a->blocks, *next; block; block = next) {
        next = block->next;
        block_free(block);
    }
    *a = (Arena){0};
}
