/*
 * signal_store.h - commands to a running pipeline, in the target: millrace.signal, a row each. A row is a
 * command's until it has an outcome: the process that owns the pipeline takes it (again after each start),
 * and answers it once it has had its effect. Whether the pipeline is paused is told by the last row of type
 * pause or resume. Plain statements on the caller's connection; its thread.
 */
#ifndef POSTGRES_SIGNAL_STORE_H
#define POSTGRES_SIGNAL_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "pipeline/signal.h"
#include "postgres/pgconn.h"

/* Which pipeline; borrowed. database: the source's, NULL = ''. */
typedef struct SignalKey {
    const char *pipeline, *database;
} SignalKey;

/* A row as it is shown. */
typedef struct SignalRow {
    char *id, *type, *data, *created, *taken, *outcome; /* owned; "" = none */
} SignalRow;

/* Make the table where it is missing. Errors: as pgconn.h's. */
MUST_CHECK bool signal_store_create(PgConn *c, Err *e);
/* *ret_id: of the row. */
MUST_CHECK bool signal_store_add(PgConn *c, SignalKey key, const char *type, const char *data,
                                 int64_t *ret_id, Err *e);
/* Those without an outcome behind id `after`, oldest first; marked as taken. Only the owner's (Ownership)
 * process gets any. */
MUST_CHECK bool signal_store_take(PgConn *c, SignalKey key, const char *owner, int64_t after, SignalList *ret,
                                  Err *e);
MUST_CHECK bool signal_store_answer(PgConn *c, const char *id, const char *outcome, Err *e);
/* False also where there is no table. */
MUST_CHECK bool signal_store_is_paused(PgConn *c, SignalKey key, bool *ret, Err *e);
/* The newest `most`, newest first. *ret is owned: signal_rows_free. Reads only; no table: none. */
MUST_CHECK bool signal_store_list(PgConn *c, SignalKey key, int64_t most, SignalRow **ret, size_t *ret_count,
                                  Err *e);
SignalRow *signal_rows_free(SignalRow *rows, size_t count); /* returns NULL */
/* The outcome of one: "" = none yet; owned. */
MUST_CHECK bool signal_store_outcome(PgConn *c, int64_t id, char **ret, Err *e);

#endif
