/*
 * foreign_keys.h - the target's foreign keys while tables are copied. Chunks are read one after the other, so
 * until the copy's end the target shows states that the source never had, and a key that is checked at once
 * would refuse rows that are right. So the foreign keys of and to a table are taken away when its copy
 * begins, kept in millrace.foreign_key, and made again once the target shows states that the source had.
 * Owner thread only; only lane 0 makes them again.
 *
 * Errors of all: as pgconn.h.
 */
#ifndef POSTGRES_FOREIGN_KEYS_H
#define POSTGRES_FOREIGN_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "postgres/pgconn.h"

typedef struct ForeignKeys ForeignKeys;

/* Texts are copied. suspends: false = foreign keys are left alone (those taken away before come back). */
ForeignKeys *foreign_keys_new(const char *pipeline, const char *database, bool suspends);
ForeignKeys *foreign_keys_free(ForeignKeys *f); /* NULL is fine; returns NULL */

/* Make the table where it is missing; the schema is there (position_store.h). */
MUST_CHECK bool foreign_keys_create(PgConn *c, Err *e);

/* Inside the caller's transaction, outside a pipeline: take away those of and to the table; the others' go on
 * being checked. One that the role may not drop is left, with a warning. */
MUST_CHECK bool foreign_keys_suspend(ForeignKeys *f, PgConn *c, uint32_t table, Err *e);

/*
 * Outside a transaction and a pipeline; asks at most once a second, and nothing when none is taken away. Made
 * again when every lane's position is consistent; where a snapshot mode never makes it so, when no copy is
 * going on and the position's commit time is a minute past the moment that was seen. is_end: nothing comes
 * any more, so as soon as no copy is going on; what can't be made then is warned of. *ret_made: some were
 * made, so what is known of the target's tables is old. One that its rows don't hold for is made NOT VALID,
 * with a warning. A lock that isn't had within two seconds: at the next call but some.
 */
MUST_CHECK bool foreign_keys_restore(ForeignKeys *f, PgConn *c, int64_t now_us, bool is_end, bool *ret_made,
                                     Err *e);

#endif
