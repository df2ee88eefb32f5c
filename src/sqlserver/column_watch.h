/*
 * column_watch.h - columns that were added to a table after its capture instances were made, and so aren't
 * captured: told once each, with the statement that takes them in; or, if it is allowed to, run. Owner thread
 * only.
 *
 * A new instance is made like the newest one (role, index, filegroup), of its columns and the added ones. Of
 * a pair whose newer instance was made here the older is dropped once the target holds all changes before the
 * newer's start.
 */
#ifndef SQLSERVER_COLUMN_WATCH_H
#define SQLSERVER_COLUMN_WATCH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/strmap.h"
#include "config/schema_policy.h"
#include "record/lsn.h"
#include "sqlserver/catalog.h"
#include "sqlserver/odbc.h"
#include "sqlserver/reading.h"

/* {0} is a new one. */
typedef struct ColumnWatch {
    StrMap *told;         /* owned: "schema.table.column" */
    bool has_failed_drop; /* not tried again */
} ColumnWatch;

/* All borrowed. */
typedef struct ColumnWatchSpec {
    const Catalog *catalog; /* just loaded */
    const CatalogFilter *filter;
    const SchemaPolicy *policy; /* `fail` makes an added column an error */
    bool makes_instances;
} ColumnWatchSpec;

/* At the start, and when the catalog was read anew. Errors: as odbc.h; ERR_INVALID by policy. */
MUST_CHECK bool column_watch_look(ColumnWatch *w, Odbc *odbc, const ColumnWatchSpec *spec, Err *e);
/* Drop older instances that the target has left behind. A failure is logged, and no failure. */
void column_watch_drop_old(ColumnWatch *w, Odbc *odbc, const Catalog *c, const Reading *r,
                           const Lsn *applied);
void column_watch_done(ColumnWatch *w);

#endif
