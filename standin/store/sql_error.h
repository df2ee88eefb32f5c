/*
 * sql_error.h - a SQL Server error on its way to the client: number, severity, state, text. The form is the
 * one of the type layer, so an error passes through all layers unchanged. Caller-owned; written only on
 * failure. Any thread.
 */
#ifndef STANDIN_STORE_SQL_ERROR_H
#define STANDIN_STORE_SQL_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/types/convert.h"

typedef ConvertError SqlError;

/* Fill *e, return false: `return sql_error_set(e, 208, 16, 1, "Invalid object name '%s'.", name);`. */
bool sql_error_set(SqlError *e, int32_t number, uint8_t class_, uint8_t state, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
