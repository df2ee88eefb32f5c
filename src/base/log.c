/*
 * A line is built whole in a buffer on the stack and goes out in one write(2), so lines of several threads
 * never mix and no lock is held over I/O. A line longer than the buffer is cut, with "…" to show it. Level
 * and descriptor are atomics: a level that is off costs one load.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { LINE_BYTES = 4096 };

static atomic_int log_level = LOG_LEVEL_INFO;
static atomic_int log_fd = STDERR_FILENO;

typedef struct Line {
    char text[LINE_BYTES];
    size_t n;
    bool is_cut;
} Line;

void log_set_level(LogLevel level) {
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool log_is_on(LogLevel level) {
    return (int)level >= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void log_set_fd(int fd) {
    atomic_store(&log_fd, fd);
}

/* All or nothing, with room kept for the mark and the line's end. */
static void put(Line *line, const char *p, size_t n) {
    if (line->is_cut || n > LINE_BYTES - 8 - line->n) {
        line->is_cut = true;
        return;
    }
    memcpy(line->text + line->n, p, n);
    line->n += n;
}

static void put_cstr(Line *line, const char *s) {
    put(line, s, strlen(s));
}

static __attribute__((format(printf, 2, 3))) void put_printf(Line *line, const char *fmt, ...) {
    char text[64];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0) put(line, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static bool needs_quotes(const char *s) {
    if (!*s) return true;
    for (const unsigned char *p = (const unsigned char *)s; *p; p++)
        if (*p <= ' ' || *p == '"' || *p == '=' || *p == '\\' || *p == 0x7f) return true;
    return false;
}

static void put_text(Line *line, const char *s) {
    if (!s) s = "";
    if (!needs_quotes(s)) {
        for (; *s; s++) put(line, s, 1); /* by byte, so that an overlong value is cut and not left out */
        return;
    }
    put(line, "\"", 1);
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\') put_printf(line, "\\%c", c);
        else if (c == '\n') put(line, "\\n", 2);
        else if (c == '\r') put(line, "\\r", 2);
        else if (c == '\t') put(line, "\\t", 2);
        else if (c < 0x20 || c == 0x7f) put_printf(line, "\\u%04x", c);
        else put(line, s, 1);
    }
    put(line, "\"", 1);
}

static void put_field(Line *line, const LogField *field) {
    put(line, " ", 1);
    put_cstr(line, field->key);
    put(line, "=", 1);
    switch (field->kind) {
    case LOG_FIELD_STR: put_text(line, field->v.s); break;
    case LOG_FIELD_INT: put_printf(line, "%lld", (long long)field->v.i); break;
    case LOG_FIELD_DOUBLE: put_printf(line, "%.6g", field->v.d); break;
    }
}

static const char *level_name(LogLevel level) {
    switch (level) {
    case LOG_LEVEL_DEBUG: return "debug";
    case LOG_LEVEL_INFO: return "info";
    case LOG_LEVEL_WARN: return "warn";
    case LOG_LEVEL_ERROR: return "error";
    }
    return "unknown";
}

/* Whole, or not at all: there is nowhere to report that a log line could not be written. */
static void send_line(const Line *line) {
    int fd = atomic_load(&log_fd), saved = errno;
    for (size_t at = 0; at < line->n;) {
        ssize_t n = write(fd, line->text + at, line->n - at);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        at += (size_t)n;
    }
    errno = saved;
}

void log_write(LogLevel level, const char *event, const LogField *fields, size_t count) {
    if (!log_is_on(level)) return;
    Line line;
    line.n = 0;
    line.is_cut = false;
    char ts[CLOCK_TEXT_SIZE];
    put(&line, "ts=", 3);
    put_cstr(&line, clock_format(clock_wall_us(), ts));
    put(&line, " level=", 7);
    put_cstr(&line, level_name(level));
    put(&line, " event=", 7);
    put_text(&line, event);
    for (size_t i = 0; i < count; i++) put_field(&line, &fields[i]);
    if (line.is_cut) {
        while (line.n > 0 && ((unsigned char)line.text[line.n - 1] & 0xc0) == 0x80)
            line.n--; /* whole characters */
        if (line.n > 0 && (unsigned char)line.text[line.n - 1] >= 0xc0) line.n--;
        memcpy(line.text + line.n, "\xe2\x80\xa6", 3);
        line.n += 3;
    }
    line.text[line.n++] = '\n';
    send_line(&line);
}
