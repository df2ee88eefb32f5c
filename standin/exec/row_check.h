/*
 * row_check.h - what a row must have before it may be written: defaults, identity, rowversion and computed
 * columns filled in; NOT NULL, CHECK and FOREIGN KEY held. One object a statement and table; the session's
 * thread.
 */
#ifndef STANDIN_EXEC_ROW_CHECK_H
#define STANDIN_EXEC_ROW_CHECK_H

#include "standin/exec/session_internal.h"

typedef struct RowCheck RowCheck;

typedef enum RowAction { ROW_INSERT, ROW_UPDATE } RowAction;

/* columns: positions of what the statement gives or sets. Takes the locks on referenced tables: before
 * txn_write_begin. NULL: *e. */
RowCheck *rowcheck_open(Session *s, const Table *t, RowAction action, const size_t *columns, size_t count,
                        SqlError *e);
RowCheck *rowcheck_close(RowCheck *c); /* returns NULL */
/* Bulk load without CHECK_CONSTRAINTS: no CHECK, no FOREIGN KEY. Without KEEP_NULLS: a NULL given to a column
 * with a default becomes the default. */
void rowcheck_skip_constraints(RowCheck *c);
bool rowcheck_default_nulls(RowCheck *c, SqlError *e);
/* Messages name the statement by its action; MERGE by this. */
void rowcheck_set_statement(RowCheck *c, const char *name);
/* The statement starts over: forget what was noted. */
void rowcheck_restart(RowCheck *c);
/* Fill in what isn't given (bytes live until the next call), then check NOT NULL, CHECK and, but for
 * references of the table to itself, FOREIGN KEY: 515, 547, 8115. */
bool rowcheck_row(RowCheck *c, Value *row, SqlError *e);
/* After the last row: the table's references to itself. */
bool rowcheck_finish(RowCheck *c, SqlError *e);

#endif
