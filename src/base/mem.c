#include "base/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Written without the logger, which could want memory itself; then a core, or a restart by the supervisor. */
static _Noreturn void out_of_memory(size_t size) {
    char line[96];
    int n = snprintf(line, sizeof line, "level=error event=out_of_memory bytes=%zu\n", size);
    ssize_t written = n > 0 ? write(STDERR_FILENO, line, (size_t)n) : 0;
    (void)written;
    abort();
}

void *x_malloc(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p) out_of_memory(size);
    return p;
}

void *x_calloc(size_t count, size_t size) {
    bool is_empty = count == 0 || size == 0;
    void *p = is_empty ? calloc(1, 1) : calloc(count, size); /* calloc checks the product */
    if (!p) out_of_memory(size);
    return p;
}

void *x_realloc(void *p, size_t size) {
    void *moved = realloc(p, size ? size : 1);
    if (!moved) out_of_memory(size);
    return moved;
}

void *x_reallocarray(void *p, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) out_of_memory(SIZE_MAX);
    return x_realloc(p, bytes);
}

char *x_strdup(const char *s) {
    return x_strndup(s, strlen(s));
}

char *x_strndup(const char *s, size_t n) {
    n = strnlen(s, n);
    char *copy = x_malloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

char *x_vasprintf(const char *fmt, va_list args) {
    char *s = NULL;
    int n = vasprintf(&s, fmt, args);
    if (n < 0 || !s) out_of_memory(0);
    return s;
}

char *x_asprintf(const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *s = x_vasprintf(fmt, args);
    va_end(args);
    return s;
}

void mem_free_cleanup(void *pointer_to_pointer) {
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p); /* whatever the pointed-to type, it is an object pointer */
    free(p);
}
