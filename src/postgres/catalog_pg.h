/*
 * catalog_pg.h - what PostgreSQL says of a table: columns, types, unique indexes, foreign keys. A PgTable is
 * a snapshot of the catalog, read-only once read; owner thread only.
 */
#ifndef POSTGRES_CATALOG_PG_H
#define POSTGRES_CATALOG_PG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "postgres/pgconn.h"
#include "postgres/pgtype.h"

typedef struct PgColumn {
    char *name;
    PgType type; /* of a domain: its base type */
    bool is_not_null;
    bool has_default;  /* a default or an identity: may be left out of an INSERT though NOT NULL */
    bool is_generated; /* GENERATED … STORED: can't be written */
    bool is_identity;
} PgColumn;

/* A unique index that ON CONFLICT can use: valid, immediate, on plain columns, not partial. */
typedef struct PgUnique {
    uint16_t *columns; /* places in PgTable.columns */
    size_t count;
    bool is_primary;
} PgUnique;

typedef struct PgTable {
    char *schema, *name;
    uint32_t oid;
    char relkind; /* r table, p partitioned, v view, f foreign */
    PgColumn *columns;
    size_t column_count;
    PgUnique *uniques;
    size_t unique_count;
    uint32_t *parents; /* OIDs of the tables its foreign keys point to, without itself */
    size_t parent_count;
    bool has_identity;
} PgTable;

/* The table, owned; *ret is NULL when there is none of that name. */
MUST_CHECK bool catalog_pg_table(PgConn *c, const char *schema, const char *name, PgTable **ret, Err *e);
PgTable *catalog_pg_free(PgTable *t); /* NULL is fine; returns NULL */
/* Place of the column of that name: exact, else ASCII case ignored when that is unique; -1 = none. */
int catalog_pg_find(const PgTable *t, Str name);
/* A type by its name in SQL, "numeric(12,2)". Errors: ERR_INVALID, PostgreSQL has no such type. Not inside a
 * transaction that is to go on after an error. */
MUST_CHECK bool catalog_pg_type(PgConn *c, const char *type, PgType *ret, Err *e);
/* Whether a unique index is on exactly these columns (in any order). */
bool catalog_pg_has_unique(const PgTable *t, const uint16_t *columns, size_t count);
/* The schema that an unqualified name is made in, owned. Errors: ERR_INVALID when the search path leads
 * nowhere. */
MUST_CHECK bool catalog_pg_current_schema(PgConn *c, char **ret, Err *e);
MUST_CHECK bool catalog_pg_has_schema(PgConn *c, const char *schema, bool *ret, Err *e);
MUST_CHECK bool catalog_pg_is_empty(PgConn *c, const PgTable *t, bool *ret, Err *e);
/* Delete all rows, in the open transaction: TRUNCATE, or DELETE where foreign keys of other tables point to
 * it. Errors: ERR_INVALID, with the cure, when rows of those do. */
MUST_CHECK bool catalog_pg_delete_all(PgConn *c, const PgTable *t, Err *e);

#endif
