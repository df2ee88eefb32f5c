/* bind_dml.h - the data-changing statements, for bind.c; see bind.h for what comes out. */
#ifndef STANDIN_BIND_BIND_DML_H
#define STANDIN_BIND_BIND_DML_H

#include "standin/bind/bind_internal.h"

MUST_CHECK bool binddml_insert(Binder *b, const AstStmt *s, BoundInsert *ret);
MUST_CHECK bool binddml_update(Binder *b, const AstStmt *s, BoundUpdate *ret);
MUST_CHECK bool binddml_delete(Binder *b, const AstStmt *s, BoundDelete *ret);
/* One row of r as a source named alias: its columns are parameters. */
void binddml_row_source(Binder *b, Scope *scope, const BindRelation *r, Str alias, BoundParamKind kind);

#endif
