/*
 * sqlerror.h - a SQL Server error on its way to the client: what OutMessage needs, owned by the caller, no
 * allocation. Written only on failure. Any thread.
 */
#ifndef STANDIN_TSQL_SQLERROR_H
#define STANDIN_TSQL_SQLERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "standin/types/convert.h"

typedef struct SqlError {
    int32_t number;
    uint8_t state, class_;
    uint32_t line; /* within the batch; 0: not known here, the statement's */
    char text[CONVERT_MESSAGE_SIZE];
} SqlError;

/* Fill *e (class 16 but for number 102, 105, 156 …: 15), return false. */
bool sqlerror_set(SqlError *e, int32_t number, uint8_t state, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
bool sqlerror_from_convert(SqlError *e, const ConvertError *from, uint32_t line);
/* Severity of the errors that tsql/ and bind/ raise. */
uint8_t sqlerror_class(int32_t number);

#endif
