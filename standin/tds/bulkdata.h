/*
 * bulkdata.h - bulk load data ([MS-TDS] 2.2.6.1): COLMETADATA, rows, DONE, read as they come in, row by row,
 * so that a load of any size needs little memory. Owner thread only.
 */
#ifndef STANDIN_TDS_BULKDATA_H
#define STANDIN_TDS_BULKDATA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "standin/exec/out.h"

/* Where the decoded load goes. Borrowed for the call; false stops the load. */
typedef struct BulkDataSink {
    void *user;
    bool (*columns)(void *user, const OutColumn *columns, size_t count);
    bool (*row)(void *user, const Value *values);
} BulkDataSink;

typedef struct BulkData BulkData;

BulkData *bulkdata_new(const BulkDataSink *sink);
BulkData *bulkdata_free(BulkData *b);
/* More of the message; is_last: there is no more. Errors: ERR_INVALID malformed, ERR_RANGE a row of over 256
 * MiB, ERR_CANCELLED the sink stopped it. */
MUST_CHECK bool bulkdata_feed(BulkData *b, Str bytes, bool is_last, Err *e);

#endif
