/*
 * scan_pg.h - reading target tables back, as values of the source's schema: for comparing the two sides. A
 * connection of its own that only reads. Owner thread only.
 *
 * Values are what PostgreSQL holds: times end at the microsecond, a datetimeoffset is its instant with offset
 * 0. Columns that the target computes itself (GENERATED) come as VALUE_ABSENT.
 */
#ifndef POSTGRES_SCAN_PG_H
#define POSTGRES_SCAN_PG_H

#include <stdbool.h>
#include <stddef.h>

#include "connector/connector.h"
#include "pipeline/stored.h"
#include "postgres/target.h"
#include "record/schema.h"
#include "record/value.h"

typedef struct ScanPg ScanPg;

/* One row, schema->column_count values, borrowed during the call. false ends the scan with *e. */
typedef bool ScanPgRow(void *arg, const Value *row, Err *e);

MUST_CHECK bool scan_pg_open(const Options *o, const ConnectorContext *context, ScanPg **ret, Err *e);
ScanPg *scan_pg_close(ScanPg *s); /* NULL is fine; returns NULL */
/* What is stored of the pipeline that context names, as of now; owned by the caller. No row: has_position is
 * false. */
MUST_CHECK bool scan_pg_stored(ScanPg *s, StoredState *ret, Err *e);
/* All rows of the schema's target, in no order, in one snapshot. Errors: as target_open; ERR_INVALID for a
 * column whose pair of types can't be compared. */
MUST_CHECK bool scan_pg_table(ScanPg *s, const Schema *schema, ScanPgRow *row, void *arg, Err *e);
/* The rows with these keys (each schema->key_count values, in key order); those that aren't there don't come.
 */
MUST_CHECK bool scan_pg_keys(ScanPg *s, const Schema *schema, const Value *const *keys, size_t count,
                             ScanPgRow *row, void *arg, Err *e);

/* The target of a schema, as it is; owned: target_free. Errors: as target_open. */
MUST_CHECK bool scan_pg_target(ScanPg *s, const Schema *schema, Target **ret, Err *e);
/* The same where text.unstorable.handling.mode changes texts; NULL where it doesn't. */
MUST_CHECK bool scan_pg_changing_target(ScanPg *s, const Schema *schema, Target **ret, Err *e);
PgConn *scan_pg_conn(ScanPg *s); /* borrowed; for queries that read */

#endif
