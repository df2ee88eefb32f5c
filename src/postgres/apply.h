/*
 * apply.h - rows and changes into their targets, inside a transaction that the caller opens and ends. What
 * can be sent ahead is queued into the connection's pipeline; what is too much for that goes by COPY. Owner
 * thread only.
 *
 * Schema `millrace` (position_store.h) must be there: removals from a table without a key are counted by its
 * function.
 *
 * All functions: the errors of pgconn.h, and ERR_DATA for a value that PostgreSQL can't hold. After an error
 * the transaction is to be rolled back (or to a savepoint).
 */
#ifndef POSTGRES_APPLY_H
#define POSTGRES_APPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "postgres/pgconn.h"
#include "postgres/target_set.h"
#include "record/change.h"

typedef struct Apply Apply;

typedef enum ApplyOrder {
    APPLY_COMPACTED, /* the last state of each key: one delete and one put a table */
    APPLY_IN_ORDER,  /* every change, in the order of the source */
} ApplyOrder;

/* Rows up to this number go as array parameters, more by COPY to a temporary table (measured: see apply.c).
 */
enum { APPLY_SMALL_ROWS = 1500 };
/* Of new rows more than this go by COPY straight into their table. */
enum { APPLY_SMALL_NEW_ROWS = 200 };

Apply *apply_new(TargetSet *targets);             /* borrowed */
Apply *apply_free(Apply *a);                      /* NULL is fine; returns NULL */
void apply_set_small_rows(Apply *a, size_t rows); /* for tests and measurements */
void apply_set_batch_rows(Apply *a, size_t rows); /* most rows of one statement */
/* A new transaction has begun (temporary tables are empty). */
void apply_begun(Apply *a);

MUST_CHECK bool apply_changes(Apply *a, PgConn *c, const Change *changes, size_t count, ApplyOrder order,
                              Err *e);
/* After a failed apply_changes or apply_copy: the row (as its change has it) and the source column whose
 * value can't be encoded; NULL: it failed for another reason. Borrowed as the rows are. */
const Value *apply_culprit(const Apply *a, uint16_t *ret_column);
/* Stream rows straight into the table; the COPY stays open for the next part. */
MUST_CHECK bool apply_copy(Apply *a, PgConn *c, const Schema *schema, const Change *rows, size_t count,
                           Err *e);
/* End that COPY, if one is open. */
MUST_CHECK bool apply_copy_end(Apply *a, PgConn *c, Err *e);
/* Give it up: for a rollback. */
void apply_copy_abort(Apply *a, PgConn *c);

#endif
