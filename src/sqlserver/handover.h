/*
 * handover.h - reading a table at an exact LSN: a view of it that holds all changes up to W and none after,
 * so that a table without a key can be copied and then streamed with nothing lost or doubled.
 *
 * An X lock on the table is held while the capture job's scan is brought up to date and the captured maximum
 * W is read; with snapshot isolation the view is fixed then and the lock let go, else it is held until the
 * table is read. Needs db_owner (sys.sp_cdc_scan). Owner thread only.
 */
#ifndef SQLSERVER_HANDOVER_H
#define SQLSERVER_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "record/lsn.h"
#include "sqlserver/odbc.h"
#include "sqlserver/odbc_target.h"

typedef struct HandoverSpec {
    const OdbcTarget *target; /* for the second connection */
    Str schema, table;
    bool uses_snapshot;      /* the database allows snapshot isolation */
    int64_t lock_timeout_ms; /* of the X lock */
} HandoverSpec;

/* Open the view on `reader`: what it reads of the table until handover_end is the state at *ret_watermark;
 * zero when nothing was captured yet: then the state is that of wherever the capture job has been. Errors: as
 * odbc.h; ERR_INVALID, naming the cure, when sp_cdc_scan isn't permitted. */
MUST_CHECK bool handover_begin(Odbc *reader, const HandoverSpec *spec, Lsn *ret_watermark, Err *e);
/* Give up the view, and the lock. */
MUST_CHECK bool handover_end(Odbc *reader, Err *e);

#endif
