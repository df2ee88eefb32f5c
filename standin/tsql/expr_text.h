/*
 * expr_text.h - an expression as the catalog shows it: SQL Server keeps defaults, checks and computed columns
 * not as they were written but printed from its own tree: ([a]>(0)), (getdate()), CONVERT([int],[b]). Any
 * thread.
 */
#ifndef STANDIN_TSQL_EXPR_TEXT_H
#define STANDIN_TSQL_EXPR_TEXT_H

#include <stdbool.h>

#include "base/buf.h"
#include "standin/tsql/ast.h"

/* Append it, without parentheses around the whole. False: something in it has no such form (a subquery, say);
 * what was appended is to be thrown away. */
bool exprtext_write(const AstExpr *x, Buf *out);

#endif
