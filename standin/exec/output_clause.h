/*
 * output_clause.h - OUTPUT inserted.x, deleted.y [INTO table]: a row for each row that a statement changes.
 * To the client they go when the statement has ended well. One object a statement; the session's thread.
 */
#ifndef STANDIN_EXEC_OUTPUT_CLAUSE_H
#define STANDIN_EXEC_OUTPUT_CLAUSE_H

#include "standin/exec/session_internal.h"

typedef struct OutputClause OutputClause;

/* Takes locks, before txn_write_begin. *ret is NULL without a clause (o NULL). */
bool outputclause_open(Session *s, const BoundOutput *o, OutputClause **ret, SqlError *e);
OutputClause *outputclause_close(OutputClause *c); /* NULL is a no-op; returns NULL */
void outputclause_restart(OutputClause *c);
bool outputclause_row(OutputClause *c, const Value *inserted, const Value *deleted, SqlError *e);
/* Within the statement's frame, after the last row. */
bool outputclause_finish(OutputClause *c, SqlError *e);
/* After it: the rows to the client. */
bool outputclause_send(OutputClause *c, SqlError *e);

#endif
