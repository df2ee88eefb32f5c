/*
 * common_records.h - Debezium's records that are of no table: heartbeats, a transaction's begin and end,
 * and notifications.
 * Any thread. Each adds one record to out, whose schemas it holds.
 */
#ifndef CONVERT_COMMON_RECORDS_H
#define CONVERT_COMMON_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "convert/connect_offset.h"
#include "convert/wire_option.h"
#include "record/record.h"

/* To "<topic.heartbeat.prefix>.<topic.prefix>", partition 0. */
void common_records_heartbeat(const WireOptions *o, int64_t now_ms, RecordBatch *out);

typedef struct TransactionNote {
    bool is_end;
    Str id;              /* the commit LSN's text; copied, as the next ones */
    int64_t event_count; /* END */
    const ConnectOffsetCount *counts;
    size_t count_count;
    int64_t ts_ms; /* of the event that made it known */
} TransactionNote;

/* The schemas of such notes, made once; owned. */
typedef struct TransactionSchemas {
    const ConnectSchema *key, *value;
} TransactionSchemas;
TransactionSchemas common_records_transaction_schemas(const WireOptions *o);
void common_records_transaction_schemas_done(TransactionSchemas *s); /* {0} again; {0} is fine */

/* To "<topic.prefix>.<topic.transaction>". */
void common_records_transaction(const WireOptions *o, const TransactionSchemas *schemas,
                                const TransactionNote *note, RecordBatch *out);

enum { NOTIFICATION_DATA_MAX = 16 };

/* Borrowed texts: copied. */
typedef struct NotificationNote {
    Str topic, id, aggregate_type, type;
    Str keys[NOTIFICATION_DATA_MAX], values[NOTIFICATION_DATA_MAX]; /* additional_data */
    size_t count;
    int64_t ts_ms;
} NotificationNote;

/* To the topic it names, keyed by its id. */
void common_records_notification(const WireOptions *o, const NotificationNote *note, RecordBatch *out);

#endif
