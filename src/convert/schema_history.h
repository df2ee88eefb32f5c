/*
 * schema_history.h - what Debezium's schema history topic says tables looked like at a position: read when
 * millrace takes over from Debezium. Owner thread only.
 */
#ifndef CONVERT_SCHEMA_HISTORY_H
#define CONVERT_SCHEMA_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "convert/connect_offset.h"
#include "record/schema.h"

enum { SCHEMA_HISTORY_MAX_RECORD = 16 * 1024 * 1024 }; /* bytes of one record */

typedef struct SchemaHistory SchemaHistory;

/* Of one source: records of other servers and databases are passed over. until NULL = all records. */
SchemaHistory *schema_history_new(Str prefix, Str database, const ConnectOffset *until);
SchemaHistory *schema_history_free(SchemaHistory *h); /* returns NULL */
/* The topic's next record, in order. Records past `until` are passed over, as Debezium does.
 * Errors: ERR_DATA (not a history record). */
MUST_CHECK bool schema_history_read(SchemaHistory *h, Str json, Err *e);
size_t schema_history_count(const SchemaHistory *h); /* records read that were this source's */
/* The table as it was, or NULL. Borrowed. A column of a type that is unknown here has SQLTYPE_UNKNOWN. */
const Schema *schema_history_table(const SchemaHistory *h, Str schema, Str table);
/* Walk the tables; *at starts at 0. */
bool schema_history_next(const SchemaHistory *h, size_t *at, const Schema **ret);

#endif
