/*
 * functions.h - the SQLite functions that bound SQL calls: T-SQL's conversions, arithmetic, built-in
 * functions and aggregates, and the collations. One connection, its thread.
 */
#ifndef STANDIN_BIND_FUNCTIONS_H
#define STANDIN_BIND_FUNCTIONS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "standin/bind/bind.h"
#include "standin/tsql/sqlerror.h"

typedef struct Functions Functions;

/* Register everything on db: functions, aggregates, and every collation of collation.h under its name. The
 * object must outlive db's use of them; functions_free after sqlite3_close. NULL: SQLite's error in *e. */
Functions *functions_register(sqlite3 *db, Err *e);
Functions *functions_free(Functions *f);
/* Whose session runs the statements from now on (NULL: none; functions that need one then fail). Borrowed. */
void functions_set_host(Functions *f, const BindHost *host);
/* After sqlite3_step failed: true if a function raised a SQL Server error; moved to *ret. */
bool functions_take_error(Functions *f, SqlError *ret);
/* Bind v as parameter i (1-based) of st; bytes are borrowed until the statement is reset. */
int functions_bind_value(sqlite3_stmt *st, int i, const Value *v);
/* Column i (0-based) of the current row; bytes are borrowed until the next step. */
Value functions_column_value(sqlite3_stmt *st, int i);
/* The first `count` columns, likewise. */
void functions_row_values(sqlite3_stmt *st, size_t count, Value *ret_values);

#endif
