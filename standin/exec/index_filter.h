/*
 * index_filter.h - the WHERE of a filtered index: comparisons of columns with constants, IN, IS NULL, joined
 * by AND. Owner thread only.
 */
#ifndef STANDIN_EXEC_INDEX_FILTER_H
#define STANDIN_EXEC_INDEX_FILTER_H

#include "standin/exec/session_internal.h"

/* Put the filter into the index, as sys.indexes shows it and as SQLite's condition. Errors: 1911, 10609,
 * 10735. */
MUST_CHECK bool indexfilter_set(Session *s, const Table *t, Index *x, const AstExpr *where, SqlError *e);

#endif
