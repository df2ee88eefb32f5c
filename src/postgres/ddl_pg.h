/*
 * ddl_pg.h - statements that make a target table, or make it fit a changed source table. Only what loses
 * nothing: columns are added and widened, NOT NULL is dropped; never a column, a row or a digit. Plain
 * functions that write text; any thread.
 */
#ifndef POSTGRES_DDL_PG_H
#define POSTGRES_DDL_PG_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "postgres/catalog_pg.h"
#include "postgres/pgname.h"
#include "record/schema.h"

/* What the target table is for; all borrowed. */
typedef struct DdlPgSource {
    const Schema *schema;
    const PgNameRule *names;
    const uint16_t *key; /* columns of the schema */
    size_t key_count;    /* 0 = no primary key */
    const char *const
        *types;       /* by column: the type to make it of, NULL = the native one; NULL = all native */
    int fillfactor;   /* percent; 0 or 100 = PostgreSQL's own */
    bool was_written; /* the pipeline has written it before: a NOT NULL column that isn't among these was the
                       * source's once, and must not block rows any more */
    bool is_trial;    /* what is created won't hold rows: as a partitioned table, which has no files */
} DdlPgSource;

/* "CREATE SCHEMA …;". Only for one that isn't there: IF NOT EXISTS wants the right to create all the same. */
void ddl_pg_create_schema(const char *schema, Buf *out);
/* "CREATE TABLE …;". Errors: ERR_INVALID: a type that can't be carried over, or two columns that get one
 * name. */
MUST_CHECK bool ddl_pg_create(const DdlPgSource *s, const PgTableName *name, Buf *out, Err *e);
/* Statements that make have fit s; nothing when it does. Errors: as ddl_pg_create. */
MUST_CHECK bool ddl_pg_evolve(const DdlPgSource *s, const PgTable *have, Buf *out, Err *e);
/* Append the type that column is made of. Errors: as ddl_pg_create. */
MUST_CHECK bool ddl_pg_type(const DdlPgSource *s, size_t column, Buf *out, Err *e);

#endif
