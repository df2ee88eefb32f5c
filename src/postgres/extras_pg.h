/*
 * extras_pg.h - what a target table has besides columns: names of its indexes and constraints, and the
 * sequence behind a column. Only reads; owner thread only.
 */
#ifndef POSTGRES_EXTRAS_PG_H
#define POSTGRES_EXTRAS_PG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "config/textlist.h"
#include "postgres/pgconn.h"

typedef struct ExtrasPgSequence {
    char *name;      /* owned, quoted and qualified; NULL = the column has none */
    char *increment; /* owned */
    bool is_called;  /* last is the value handed out last, else the first to be */
    char *last;      /* owned; decimal */
} ExtrasPgSequence;

/* Names of the table's indexes and constraints are added to ret, each once or more. Errors: as pgconn.h's. */
MUST_CHECK bool extras_pg_names(PgConn *c, uint32_t table_oid, TextList *ret, Err *e);
/* The sequence of an identity or serial column. table: quoted and qualified; column: its plain name. */
MUST_CHECK bool extras_pg_sequence(PgConn *c, const char *table, const char *column, ExtrasPgSequence *ret,
                                   Err *e);
void extras_pg_sequence_done(ExtrasPgSequence *s);

#endif
