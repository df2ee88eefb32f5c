/*
 * schema_log.h - which tables that a source makes known (BATCH_TABLE) are news to the topics, and what is
 * written of them: the schema change event, and the record of schema history. Any thread.
 */
#ifndef CONVERT_SCHEMA_LOG_H
#define CONVERT_SCHEMA_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "convert/connect_offset.h"
#include "convert/wire_option.h"
#include "record/batch.h"
#include "record/record.h"

typedef struct SchemaLogNews {
    const Batch *batch;      /* BATCH_TABLE */
    bool is_known;           /* the table was made known before, */
    uint64_t fingerprint;    /* with the columns of this schema (record/schema.h) */
    const ConnectOffset *at; /* behind all that was written before */
    int64_t now_us;
} SchemaLogNews;

/* Nothing new (a table at a start of the process, with the columns it had): false, nothing is added. Else the
 * event is added to `events` (with include.schema.changes), and *history, cleared first, is the record of
 * schema history. */
bool schema_log_add(const SchemaLogNews *news, const WireOptions *o, RecordBatch *events, Buf *history);

#endif
