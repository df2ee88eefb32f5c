/*
 * claims.h - which source table writes to which target table in this process: two that would be mixed into
 * one are refused. Any thread.
 */
#ifndef CONNECTOR_CLAIMS_H
#define CONNECTOR_CLAIMS_H

#include "base/err.h"
#include "record/schema.h"

typedef struct Claims Claims;

Claims *claims_new(void);
Claims *claims_free(Claims *c); /* NULL is fine; returns NULL */
/* The target table is this source table's from now on; asking again is fine. c may be NULL: nothing is asked.
 * Errors: ERR_INVALID, with the cure, when it is another's. */
MUST_CHECK bool claims_take(Claims *c, const char *target, const Schema *source, Err *e);

#endif
