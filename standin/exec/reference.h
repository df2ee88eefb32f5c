/*
 * reference.h - the other end of FOREIGN KEYs: what becomes of rows that point to rows deleted or given
 * another key. NO ACTION is checked when the statement has changed all its rows, CASCADE, SET NULL and SET
 * DEFAULT are done then. One object a statement and table; the session's thread.
 */
#ifndef STANDIN_EXEC_REFERENCE_H
#define STANDIN_EXEC_REFERENCE_H

#include "standin/exec/session_internal.h"

typedef struct References References;

/* columns: positions of what an UPDATE sets; NULL: DELETE. Takes locks, before txn_write_begin. *ret is NULL
 * when nothing points to the table (or to the columns that are set). */
bool references_open(Session *s, const Table *t, const size_t *columns, size_t count, References **ret,
                     SqlError *e);
void references_set_statement(References *r, const char *name); /* as rowcheck_set_statement; r may be NULL */
References *references_close(References *r);                    /* NULL is a no-op; returns NULL */
void references_restart(References *r);                         /* the statement starts over */
/* A row was deleted (after NULL) or changed. */
bool references_note(References *r, const Value *before, const Value *after, SqlError *e);
/* After the last row. */
bool references_finish(References *r, SqlError *e);

#endif
