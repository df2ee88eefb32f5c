#include "standin/tsql/sqlerror.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

uint8_t sqlerror_class(int32_t number) {
    switch (number) {
    case 102:
    case 103:
    case 105:
    case 111:
    case 113:
    case 126:
    case 132:
    case 134:
    case 135:
    case 136:
    case 137:
    case 156:
    case 178:
    case 191:
    case 319:
    case 5324:
    case 10710:
    case 10711:
    case 10713:
    case 10714:
    case 10723:
    case 10739: return 15;
    case 229:
    case 230: return 14;
    default: return 16;
    }
}

bool sqlerror_set(SqlError *e, int32_t number, uint8_t state, uint32_t line, const char *fmt, ...) {
    e->number = number;
    e->state = state;
    e->class_ = sqlerror_class(number);
    e->line = line;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(e->text, sizeof e->text, fmt, args);
    va_end(args);
    return false;
}

bool sqlerror_from_convert(SqlError *e, const ConvertError *from, uint32_t line) {
    e->number = from->number;
    e->state = from->state;
    e->class_ = from->class_;
    e->line = line;
    memcpy(e->text, from->text, sizeof e->text);
    return false;
}
