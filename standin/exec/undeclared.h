/*
 * undeclared.h - the types of parameters that a text uses and nobody declares: what their uses ask for. The
 * session's thread only.
 */
#ifndef STANDIN_EXEC_UNDECLARED_H
#define STANDIN_EXEC_UNDECLARED_H

#include "standin/exec/proc.h"

/* What the binder learns while Session.undeclared points here. */
typedef struct Undeclared Undeclared;

Undeclared *undeclared_new(void);
Undeclared *undeclared_free(Undeclared *u);
/* BindHost's questions about a variable that no scope has. */
void undeclared_meet(Undeclared *u, Str name);
void undeclared_deduce(Undeclared *u, Str name, const Type *type);

/* A text's undeclared parameters, in the order in which they stand in it: it is bound, not run. In the arena.
 * Errors: those of binding; 11502, 11503, 11508. */
MUST_CHECK bool undeclared_describe(Session *s, Str text, const SessionParam *params, size_t count, Arena *a,
                                    ProcUndeclared **ret, size_t *ret_count, SqlError *e);

#endif
