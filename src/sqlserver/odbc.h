/*
 * odbc.h - one connection to SQL Server with one statement on it (there is no MARS). Owner thread only.
 *
 * A statement is run by odbc_query; its rows are then read through a Rowset (rowset.h, the data path) or as
 * texts by odbc_cells (catalog queries), and it ends by odbc_close_query or with the next odbc_query.
 * Errors of every function: what odbc_diag.h makes of the driver's diagnostics; retriable when the connection
 * or a busy server is at fault.
 */
#ifndef SQLSERVER_ODBC_H
#define SQLSERVER_ODBC_H

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "record/lsn.h"
#include "sqlserver/odbc_target.h"

typedef struct Odbc Odbc;

/* Connect and set the session up. ret is owned. Errors besides the above: ERR_INVALID for a target that can't
 * be written down (odbc_target.h). */
MUST_CHECK bool odbc_connect(const OdbcTarget *target, Odbc **ret, Err *e);
Odbc *odbc_close(Odbc *c); /* NULL is fine; returns NULL */

OdbcDriverKind odbc_driver(const Odbc *c);
const char *odbc_driver_name(const Odbc *c);
int64_t odbc_max_value_bytes(const Odbc *c);
UnreadableRow odbc_unreadable(const Odbc *c);
/* For rowset.c: the statement, and memory for its row array (borrowed until the next call; aligned to 16). */
SQLHSTMT odbc_stmt(const Odbc *c);
uint8_t *odbc_row_array(Odbc *c, size_t bytes);

/* A parameter: values reach the server in three types only, and the statement casts them to the column's. */
typedef struct OdbcParam {
    enum { ODBC_PARAM_TEXT, ODBC_PARAM_BYTES, ODBC_PARAM_DOUBLE } kind;
    Str value; /* UTF-8 or bytes; borrowed during odbc_query */
    double number;
} OdbcParam;

static inline OdbcParam odbc_text(Str text) {
    return (OdbcParam){.kind = ODBC_PARAM_TEXT, .value = text};
}
static inline OdbcParam odbc_bytes(const void *p, size_t n) {
    return (OdbcParam){.kind = ODBC_PARAM_BYTES, .value = {p, n}};
}

enum {
    ODBC_MAX_PARAMS = 64,   /* of most statements */
    ODBC_MOST_PARAMS = 2000 /* of any: SQL Server takes 2,100 */
};

/* Run sql (UTF-8) with the values of its ?s; count ≤ ODBC_MOST_PARAMS. */
MUST_CHECK bool odbc_query(Odbc *c, const char *sql, const OdbcParam *params, size_t count, Err *e);
/* Run it and throw its rows away; every result of a batch is run through, so that a late error shows. */
MUST_CHECK bool odbc_exec(Odbc *c, const char *sql, Err *e);
/* After SQLFetch or SQLGetData gave rc: false and e filled when it was an error. */
MUST_CHECK bool odbc_check(Odbc *c, SQLRETURN rc, Err *e);
/* The batch's next result; *ret_more = false when there is none. */
MUST_CHECK bool odbc_next_result(Odbc *c, bool *ret_more, Err *e);
/* End the statement; what is left of its rows is dropped. */
void odbc_close_query(Odbc *c);
/* SQL Server's number of the last error; 0 = none of its own. */
int32_t odbc_last_native(const Odbc *c);

/* A small result, whole: text in UTF-8, binary columns as bytes, all else as the server prints it. */
typedef struct OdbcCells {
    size_t rows, columns;
    Str *cells; /* row by row; .p == NULL is NULL. In the arena */
} OdbcCells;

enum { ODBC_MAX_CELLS = 1000000 };
/* Read the rows of the running statement's current result into the arena. */
MUST_CHECK bool odbc_read_cells(Odbc *c, Arena *arena, OdbcCells *ret, Err *e);
/* Run a query and read it all into the arena. Errors besides: ERR_RANGE past ODBC_MAX_CELLS. */
MUST_CHECK bool odbc_cells(Odbc *c, Arena *arena, const char *sql, const OdbcParam *params, size_t count,
                           OdbcCells *ret, Err *e);
/* One that isn't there is NULL, too. */
static inline Str odbc_cell(const OdbcCells *t, size_t row, size_t column) {
    return row < t->rows && column < t->columns ? t->cells[row * t->columns + column] : (Str){0};
}
/* A binary(10) cell; NULL or another length gives the zero LSN. */
Lsn odbc_cell_lsn(const OdbcCells *t, size_t row, size_t column);
/* A whole number, or `otherwise` when it is NULL or none. */
int64_t odbc_cell_int(const OdbcCells *t, size_t row, size_t column, int64_t otherwise);
/* One value of one row; *ret_is_null when there was no row, too. */
MUST_CHECK bool odbc_scalar(Odbc *c, Arena *arena, const char *sql, const OdbcParam *params, size_t count,
                            Str *ret, bool *ret_is_null, Err *e);

#endif
