/*
 * mem.h - allocation that aborts on exhaustion, and clean-up at scope end. Any thread.
 * A process that has run out of memory restarts from the committed position, which is a tested path; so sizes
 * that come from outside are bounded before they reach these functions.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>

/* Owned memory; never NULL (size 0 gives a pointer to free). Abort with one log line on exhaustion or
 * overflow. */
void *x_malloc(size_t size) __attribute__((malloc, returns_nonnull));
void *x_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *x_realloc(void *p, size_t size) __attribute__((returns_nonnull));
/* realloc of count * size with an overflow check: for arrays that grow. */
void *x_reallocarray(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *x_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *x_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
/* printf into an owned string. */
char *x_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));
char *x_vasprintf(const char *fmt, va_list args)
    __attribute__((format(printf, 1, 0), malloc, returns_nonnull));

/* Free at scope end: `CLEANUP_FREE char *s = x_strdup(...)`; `CLEANUP(buf_done) Buf b = {0}`. */
#define CLEANUP(fn) __attribute__((cleanup(fn), unused))
void mem_free_cleanup(void *pointer_to_pointer);
#define CLEANUP_FREE CLEANUP(mem_free_cleanup)
/* Move a pointer out of a variable, leaving NULL: `return TAKE(p);`. */
#define TAKE(p)                                                                                              \
    __extension__({                                                                                          \
        __typeof__(p) taken_ = p;                                                                            \
        (p) = NULL;                                                                                          \
        taken_;                                                                                              \
    })

#endif
