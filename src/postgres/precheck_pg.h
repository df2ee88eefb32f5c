/*
 * precheck_pg.h - what would stop a run, found before it starts: each problem in one line with its cure; and
 * the grants that `millrace setup` prints. Owner thread only.
 */
#ifndef POSTGRES_PRECHECK_PG_H
#define POSTGRES_PRECHECK_PG_H

#include <stdbool.h>
#include <stddef.h>

#include "config/textlist.h"
#include "connector/connector.h"
#include "postgres/pgconn.h"
#include "record/schema.h"

/* The server as such: version, encoding, a primary, temporary tables allowed. The first problem is the
 * failure. Errors: ERR_INVALID; ERR_IO, retriable, for a standby. */
MUST_CHECK bool precheck_pg_server(PgConn *c, Err *e);

/* All that can be told of the tables that these schemas will be written to. is_copied: by table, whether rows
 * are to be copied into it (then it must be empty); NULL = none. Problems are appended. Errors: not
 * connected, options wrong. */
MUST_CHECK bool precheck_pg_tables(const Options *o, const ConnectorContext *context,
                                   const Schema *const *schemas, size_t count, const bool *is_copied,
                                   TextList *problems, Err *e);

/* Append the statements that give the connection's role what it needs, for an administrator to run: on
 * database, schema `millrace`, the targets' schemas and those tables that are there. Errors: as above. */
MUST_CHECK bool precheck_pg_grants(const Options *o, const ConnectorContext *context,
                                   const Schema *const *schemas, size_t count, Buf *out, Err *e);

#endif
