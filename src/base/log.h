/*
 * log.h - structured log lines on stderr, logfmt: `ts=… level=info event=snapshot_done table="dbo.Orders"
 * rows=1200`. The event name is stable and found once by grep; never row data or secrets. Any thread; one
 * write(2) a line. error = someone must act; warn = it goes on, and says how; info = once per life-cycle
 * step; debug = all but inner loops.
 *
 *   LOG_INFO("snapshot_done", LOG_S("table", name), LOG_I("rows", rows), LOG_F("seconds", s));
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef enum LogLevel { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR } LogLevel;

typedef struct LogField {
    const char *key;
    enum { LOG_FIELD_STR, LOG_FIELD_INT, LOG_FIELD_DOUBLE } kind;
    union {
        const char *s;
        int64_t i;
        double d;
    } v;
} LogField;

#define LOG_S(k, val) ((LogField){.key = (k), .kind = LOG_FIELD_STR, .v = {.s = (val)}})
#define LOG_I(k, val) ((LogField){.key = (k), .kind = LOG_FIELD_INT, .v = {.i = (int64_t)(val)}})
#define LOG_F(k, val) ((LogField){.key = (k), .kind = LOG_FIELD_DOUBLE, .v = {.d = (val)}})

void log_set_level(LogLevel level); /* default info */
bool log_is_on(LogLevel level);
/* Where lines go: a file descriptor (default 2, borrowed). A live screen moves it to a file. */
void log_set_fd(int fd);
void log_write(LogLevel level, const char *event, const LogField *fields, size_t count);

/* Each macro takes the event's name and at least one field. */
#define LOG_AT(level, event, ...)                                                                            \
    do {                                                                                                     \
        if (log_is_on(level)) {                                                                              \
            const LogField log_fields_[] = {__VA_ARGS__};                                                    \
            log_write((level), (event), log_fields_, sizeof log_fields_ / sizeof *log_fields_);              \
        }                                                                                                    \
    } while (0)
#define LOG_DEBUG(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define LOG_INFO(event, ...)  LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define LOG_WARN(event, ...)  LOG_AT(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define LOG_ERROR(event, ...) LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)

#endif
