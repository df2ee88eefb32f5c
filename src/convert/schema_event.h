/*
 * schema_event.h - a table's columns, made known: the event on the topic "<topic.prefix>", and the record of
 * Debezium's schema history, which Debezium needs to go on from an offset. Any thread.
 *
 * A history record is JSON without a schema; the topic has one partition and no keys.
 */
#ifndef CONVERT_SCHEMA_EVENT_H
#define CONVERT_SCHEMA_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "convert/connect_offset.h"
#include "convert/envelope.h"
#include "record/record.h"
#include "record/schema.h"

typedef enum SchemaEventType { SCHEMA_EVENT_CREATE, SCHEMA_EVENT_ALTER, SCHEMA_EVENT_DROP } SchemaEventType;

typedef struct SchemaEvent {
    SchemaEventType type;
    const Schema *schema; /* after the change */
    EventMeta meta;       /* of the source block: mark, source_us, LSNs, serial_no */
    int64_t ts_ms;        /* when it was made */
    bool is_streaming;    /* while streaming Debezium writes the ddl "N/A", in a snapshot null */
} SchemaEvent;

/* The event, to partition 0 of the topic "<topic.prefix>". */
void schema_event_add(const SchemaEvent *ev, const WireOptions *o, RecordBatch *out);
/* The history record; at = the offset that stands for its position. */
void schema_event_history(const SchemaEvent *ev, const ConnectOffset *at, const WireOptions *o, Buf *out);

#endif
