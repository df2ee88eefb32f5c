/*
 * own_tables.h - making the tables of schema `millrace`, and asking whether they are there: the same for all
 * that keep something in the target. Owner thread of the connection. Errors: as pgconn.h.
 */
#ifndef POSTGRES_OWN_TABLES_H
#define POSTGRES_OWN_TABLES_H

#include <stdbool.h>

#include "base/err.h"
#include "postgres/pgconn.h"

/* Whether all of these tables of the schema are there: names with a comma between, "status,table_stats". */
MUST_CHECK bool own_tables_exist(PgConn *c, const char *names, bool *ret, Err *e);
/* Run sql (IF NOT EXISTS throughout: somebody else may have been faster) in a transaction of its own, one
 * process at a time. On failure it is rolled back; pgconn_sqlstate tells why. */
MUST_CHECK bool own_tables_make(PgConn *c, const char *sql, Err *e);

#endif
