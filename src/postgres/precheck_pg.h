/*
 * precheck_pg.h - the target's checks by name: what would stop a run, what may lose or stop later, and what
 * is only to be known; each with the statement that mends it. `millrace check` runs all of them in a session
 * that can't write, a run those that could stop it. And the grants that `millrace setup` prints. Owner thread
 * only.
 */
#ifndef POSTGRES_PRECHECK_PG_H
#define POSTGRES_PRECHECK_PG_H

#include <stdbool.h>
#include <stddef.h>

#include "config/textlist.h"
#include "connector/connector.h"
#include "connector/finding.h"
#include "postgres/pgconn.h"
#include "postgres/sink_option.h"
#include "record/schema.h"

/* What is to be written. All borrowed. */
typedef struct PrecheckPgTables {
    const Schema *const *schemas;
    size_t count;
    const bool *is_copied; /* by table: rows are to be copied into it, so it must be empty; NULL = none */
    int64_t source_rows, source_bytes; /* of all of them, about; 0 = unknown */
} PrecheckPgTables;

/* A table as the checks find it. */
typedef struct PrecheckPgLook {
    const Schema *schema;
    bool is_copied;
    PgTableName name; /* owned */
    PgTable *table;   /* owned; NULL = it is to be made */
    Target *target;   /* owned; NULL = it is to be made or altered first, or doesn't fit */
    char *qualified;  /* owned, quoted */
    Buf ddl;          /* what makes it or makes it fit */
    Err why;          /* it doesn't fit: code isn't ERR_OK */
} PrecheckPgLook;

typedef struct PrecheckPg {
    PgConn *conn;
    const SinkConfig *config;
    const ConnectorContext *context;
    const PrecheckPgTables *tables;
    PrecheckPgLook *looks; /* owned, by table; NULL while the server's checks run */
} PrecheckPg;

typedef struct PrecheckPgDef {
    const char *name;
    bool is_before_run; /* may stop a run: part of its start */
    bool is_trial;      /* writes, in a transaction that is taken back: only before a run, never to look */
    /* Append findings; one that appends none has found nothing wrong. Errors: the connection is gone. */
    bool (*run)(const PrecheckPg *p, const char *name, Findings *out, Err *e);
} PrecheckPgDef;

typedef struct PrecheckPgDefs {
    const PrecheckPgDef *defs;
    size_t count;
} PrecheckPgDefs;

typedef void PrecheckPgProgress(void *arg, const char *name); /* a check begins */

/* The server as such: version, encoding, a primary, temporary tables allowed. The first problem is the
 * failure. Errors: ERR_INVALID; ERR_IO, retriable, for a standby. */
MUST_CHECK bool precheck_pg_server(PgConn *c, Err *e);
/* All checks, through a connection of their own that can't write. That it can't be made is a finding, too.
 * progress may be NULL. */
void precheck_pg_all(const Options *o, const ConnectorContext *context, const PrecheckPgTables *tables,
                     PrecheckPgProgress *progress, void *arg, Findings *out);
/* Those that may stop a run. Errors: not connected, options wrong. */
MUST_CHECK bool precheck_pg_start(const Options *o, const ConnectorContext *context,
                                  const PrecheckPgTables *tables, Findings *out, Err *e);
/* Names of all checks, in order; the number of them is returned. */
size_t precheck_pg_names(const char **ret, size_t most);

/* Append the statements that give the connection's role what it needs, for an administrator to run: on
 * database, schema `millrace`, the targets' schemas and those tables that are there. Errors: as above. */
MUST_CHECK bool precheck_pg_grants(const Options *o, const ConnectorContext *context,
                                   const Schema *const *schemas, size_t count, Buf *out, Err *e);

/* ---- for the checks themselves ---- */

/* One row of texts. Errors: as pgconn_query. */
MUST_CHECK bool precheck_pg_ask(const PrecheckPg *p, const char *sql, const char *const *params, size_t count,
                                PGresult **ret, Err *e);
/* Whether the query's first cell is true. */
MUST_CHECK bool precheck_pg_is(const PrecheckPg *p, const char *sql, const char *const *params, size_t count,
                               bool *ret, Err *e);
const char *precheck_pg_role(const PrecheckPg *p); /* the connection's */

#endif
