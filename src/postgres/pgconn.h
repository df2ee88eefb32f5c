/*
 * pgconn.h - one connection to PostgreSQL: statements, pipelines, COPY, and what a failure means.
 * Owner thread only. A failure's text names SQLSTATE, constraint, table and column, never a row's data.
 *
 * Errors of every function that talks to the server, by SQLSTATE (pgconn_sqlstate tells it):
 *   ERR_DATA     22…, 23…, 54000    a row's fault; not retriable
 *   ERR_IO       08, 40, 53, 57, 58 and a lost connection; retriable
 *   ERR_TIMEOUT  55P03, 57014       a lock or a statement took too long; retriable
 *   ERR_FENCED   MR001              another owner has taken the pipeline (position_store.h)
 *   ERR_INVALID  28, 42, 3D, 3F …   names, types, grants: the configuration's fault
 *   ERR_INTERNAL the rest
 */
#ifndef POSTGRES_PGCONN_H
#define POSTGRES_PGCONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/err.h"

#define PGCONN_SQLSTATE_FENCED "MR001"
enum { PGCONN_SQLSTATE_SIZE = 6 };

typedef struct PgConn PgConn;

/* What the server said of a failure; "" where it said nothing. Names only, no row data. */
enum { PGCONN_NAME_SIZE = 192 }; /* a name of 63 bytes, quoted or not */
typedef struct PgFailure {
    char sqlstate[PGCONN_SQLSTATE_SIZE];
    char constraint[PGCONN_NAME_SIZE], column[PGCONN_NAME_SIZE];
} PgFailure;

typedef struct PgConnSpec {
    const char *conninfo;    /* a libpq URI or keyword=value text */
    const char *user;        /* over the one in conninfo; NULL = as it says */
    const char *password;    /* likewise */
    const char *application; /* application_name, unless conninfo has one */
} PgConnSpec;

/* Connect. Errors: ERR_IO, retriable (not reachable); ERR_INVALID (refused: password, database, pg_hba). */
MUST_CHECK bool pgconn_open(const PgConnSpec *spec, PgConn **ret, Err *e);
/* Whether the server takes connections (libpq's PQping: no login); within two seconds. true also for a
 * text that makes no sense: that is for pgconn_open to tell. */
bool pgconn_answers(const char *conninfo);
PgConn *pgconn_close(PgConn *c); /* NULL is fine; returns NULL */
bool pgconn_is_open(const PgConn *c);
/* Whether the server is still there, as far as the socket tells; doesn't wait. Errors: ERR_IO. */
MUST_CHECK bool pgconn_check(PgConn *c, Err *e);
bool pgconn_in_transaction(const PgConn *c);
PGconn *pgconn_raw(PgConn *c);
/* This session in pg_stat_activity: together they are never used twice. */
int pgconn_backend_pid(const PgConn *c);
const char *pgconn_backend_start(const PgConn *c); /* timestamptz as text; borrowed */
/* SQLSTATE of the last failure, "" if it had none (a lost connection). Borrowed until the next call. */
const char *pgconn_sqlstate(const PgConn *c);
const PgFailure *pgconn_failure(const PgConn *c); /* likewise */

/* What a SQLSTATE makes of *e (code and retriable): see the list above. */
ErrCode pgconn_classify(const char *sqlstate, bool *ret_is_retriable);

/* One or more statements whose rows aren't wanted. */
MUST_CHECK bool pgconn_exec(PgConn *c, const char *sql, Err *e);
/* End the open transaction, if the connection lives; a failure shows at the next statement. */
void pgconn_rollback(PgConn *c);
/* A statement with text parameters ($1 …; NULL is NULL) and text results. *ret is owned: PQclear, or
 * CLEANUP(pgconn_clear_cleanup). */
MUST_CHECK bool pgconn_query(PgConn *c, const char *sql, const char *const *params, size_t count,
                             PGresult **ret, Err *e);
void pgconn_clear_cleanup(PGresult **result);
struct PgParam;
/* The same with binary results, and parameters of given types. */
MUST_CHECK bool pgconn_query_binary(PgConn *c, const char *sql, const uint32_t *types,
                                    const struct PgParam *params, size_t count, PGresult **ret, Err *e);

/* ---- statements sent ahead (libpq's pipeline mode): one round trip for all of them ---- */

/* A statement that is prepared at its first use on a connection. Zeroed but for sql; borrowed by each call.
 */
typedef struct PgStatement {
    const char *sql;
    const uint32_t *types; /* of the parameters; NULL = the server infers them */
    uint64_t prepared_on;  /* the connection; 0 = none */
    uint32_t number;       /* of its name there */
} PgStatement;

typedef struct PgParam {
    const void *p; /* NULL = NULL; copied by the call */
    size_t n;
    bool is_binary; /* else NUL-terminated text */
} PgParam;

enum { PGCONN_MAX_PARAMS = 1700 }; /* a column each; PostgreSQL has at most 1,600 */

/* Enter pipeline mode; nothing to do when it is on. */
MUST_CHECK bool pgconn_pipe_begin(PgConn *c, Err *e);
/* Queue s. ret_rows (may be NULL) gets the number of rows it touched, at pgconn_pipe_end. */
MUST_CHECK bool pgconn_pipe_send(PgConn *c, PgStatement *s, const PgParam *params, size_t count,
                                 int64_t *ret_rows, Err *e);
/* Send the rest, wait for all answers, leave pipeline mode. Fails with the first failure; what stood behind
 * it was not done. To be called also after a failed send. */
MUST_CHECK bool pgconn_pipe_end(PgConn *c, Err *e);

/* ---- COPY ---- */

MUST_CHECK bool pgconn_copy_in(PgConn *c, const char *sql, Err *e);
/* Hand over what buf holds and clear it. */
MUST_CHECK bool pgconn_copy_put(PgConn *c, Buf *buf, Err *e);
MUST_CHECK bool pgconn_copy_end(PgConn *c, int64_t *ret_rows, Err *e);
/* End a COPY that is not to count: its statement fails. */
void pgconn_copy_abort(PgConn *c);
/* Begin COPY … TO STDOUT; the caller takes the rows (PQgetCopyData), to the end, then pgconn_drain. */
MUST_CHECK bool pgconn_copy_out(PgConn *c, const char *sql, Err *e);
/* Take what is left of the answer; fails if it was a failure. */
MUST_CHECK bool pgconn_drain(PgConn *c, Err *e);

#endif
