/*
 * reread.h - values that change tables don't carry (those of computed columns), read from the table itself by
 * key: many rows a statement. Owner thread only (the connection's).
 *
 * What is read is the row as it is now, which may be newer than the change; then a later change of that row
 * follows, and brings the same value or a newer one: the end is right. A row that is gone is left alone: its
 * delete follows.
 */
#ifndef SQLSERVER_REREAD_H
#define SQLSERVER_REREAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "record/value.h"
#include "sqlserver/catalog.h"
#include "sqlserver/odbc.h"

typedef struct Reread Reread;

typedef struct RereadRow {
    Value *values;          /* of the instance's schema; borrowed */
    const char *unreadable; /* set: why the row can't be read; in the arena */
} RereadRow;

/* *ret is NULL when there is nothing to read again (no computed columns, or the mode isn't reread) or nothing
 * to find a row by (no unique key). Errors: ERR_INVALID for a type that can't be carried. */
MUST_CHECK bool reread_new(const CatalogInstance *instance, OdbcDriverKind driver, Reread **ret, Err *e);
Reread *reread_free(Reread *r); /* NULL is fine; returns NULL */
/* The rows' absent computed columns are filled where the row is still there; texts go to the arena. A row
 * with one that can't be read is left as it is and told, or is an error, as the connection says (rowset.h).
 * No statement may run on odbc. Errors: as odbc.h and rowset.h. */
MUST_CHECK bool reread_rows(Reread *r, Odbc *odbc, RereadRow *rows, size_t count, Arena *arena, Err *e);

#endif
