#include "standin/store/sql_error.h"

#include <stdarg.h>
#include <stdio.h>

bool sql_error_set(SqlError *e, int32_t number, uint8_t class_, uint8_t state, const char *fmt, ...) {
    va_list args;
    e->number = number;
    e->class_ = class_;
    e->state = state;
    e->line = 0;
    va_start(args, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return false;
}
