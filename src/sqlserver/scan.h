/*
 * scan.h - reading whole tables and single rows of the source, for comparison (`millrace verify`). A
 * connection of its own; owner thread only.
 */
#ifndef SQLSERVER_SCAN_H
#define SQLSERVER_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "config/option.h"
#include "record/batch.h"
#include "record/lsn.h"
#include "record/schema.h"
#include "sqlserver/capture_passed.h"
#include "sqlserver/extras.h"

typedef struct Scan Scan;

/* Connect and read the catalog by the source connector's options (borrowed until scan_close). Errors: as
 * precheck.h's; ERR_INVALID when CDC is off. */
MUST_CHECK bool scan_open(const Options *options, Scan **ret, Err *e);
Scan *scan_close(Scan *s); /* NULL is fine; returns NULL */

/* The captured tables, each with the columns of its newest capture instance. Borrowed. */
size_t scan_table_count(const Scan *s);
const Schema *scan_table(const Scan *s, size_t table);
/* Whether a run copies it when it is new to the pipeline. */
bool scan_is_copied(const Scan *s, size_t table);

/* Begin reading a table; one at a time. in_order: by its paging key, as SQL Server orders it. Errors: as
 * odbc.h. */
MUST_CHECK bool scan_begin(Scan *s, size_t table, bool in_order, Err *e);
/* The next rows, op r, a batch of about 2 MiB moved to the caller; NULL at the end. Computed columns have
 * values. */
MUST_CHECK bool scan_next(Scan *s, Batch **ret, Err *e);
/* The rows with these keys: count × schema->key_count values, in key order. Those that aren't there are left
 * out; rows come in no order. Errors: as odbc.h; ERR_INVALID for a table without a key. */
MUST_CHECK bool scan_rows_by_key(Scan *s, size_t table, const Value *keys, size_t count, Batch **ret, Err *e);
/* extras.h, of the whole database. */
MUST_CHECK bool scan_extras(Scan *s, Arena *arena, Extras *ret, Err *e);
/* Whether the table was changed after that LSN, as far as is captured. */
MUST_CHECK bool scan_has_changed(Scan *s, size_t table, const Lsn *after, bool *ret, Err *e);
/* capture_passed.h, on the scan's connection. */
MUST_CHECK bool scan_passed_begin(Scan *s, CapturePassed *p, Err *e);
MUST_CHECK bool scan_passed_ask(Scan *s, CapturePassed *p, Err *e);

#endif
