/*
 * select_override.h - snapshot.select.statement.overrides: a SELECT of one's own that gives a table's rows
 * for its copy. It is read as a derived table, FROM (…), in chunks by the table's key as any other. Read-only
 * once made; any thread.
 */
#ifndef SQLSERVER_SELECT_OVERRIDE_H
#define SQLSERVER_SELECT_OVERRIDE_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"

typedef struct SelectOverrides SelectOverrides;

/* *ret is NULL when there are none. Errors: ERR_INVALID for a table without its statement or the reverse, and
 * for a statement that can't be a derived table (WITH at its beginning). */
MUST_CHECK bool select_overrides_new(const Options *o, SelectOverrides **ret, Err *e);
SelectOverrides *select_overrides_free(SelectOverrides *s); /* NULL is fine; returns NULL */
/* The statement of the table "schema.table" (ASCII case ignored) as it may stand in parentheses, or NULL;
 * borrowed. s may be NULL. */
const char *select_overrides_find(const SelectOverrides *s, Str qualified);

#endif
