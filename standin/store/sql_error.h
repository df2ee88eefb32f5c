/*
 * sql_error.h - filling in a SQL Server error (tsql/sqlerror.h) with any severity. Any thread.
 */
#ifndef STANDIN_STORE_SQL_ERROR_H
#define STANDIN_STORE_SQL_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "standin/tsql/sqlerror.h"

/* Fill *e, return false: `return sql_error_set(e, 208, 16, 1, "Invalid object name '%s'.", name);`. */
bool sql_error_set(SqlError *e, int32_t number, uint8_t class_, uint8_t state, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
