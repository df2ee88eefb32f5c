/*
 * module.h - views and procedures that users make. Each is a Table of the catalog whose view_sql is the whole
 * CREATE text: a view has the columns its query gives; a procedure has none. Owner thread only, catalog
 * pinned.
 */
#ifndef STANDIN_EXEC_MODULE_H
#define STANDIN_EXEC_MODULE_H

#include <stdbool.h>

#include "standin/exec/proc.h"
#include "standin/tsql/ast.h"

/* STMT_CREATE_MODULE, STMT_DROP_MODULE */
MUST_CHECK bool module_statement(Session *s, const AstStmt *st, SqlError *e);
/* What a view stands for: its SELECT, in the arena. */
MUST_CHECK bool module_query(const Table *view, Arena *a, Str *ret, SqlError *e);
/* A procedure by name; NULL: there is none (*e untouched), or *e says why not. */
const Table *module_procedure(Session *s, const AstName *name, SqlError *e);
/* As what calls expect: made in the arena, lives as long. NULL: *e. */
const Proc *module_proc(Session *s, const Table *procedure, Arena *a, SqlError *e);

#endif
