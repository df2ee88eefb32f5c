#include "convert/schema_log.h"

#include "convert/schema_event.h"

static bool is_news(const SchemaLogNews *n, SchemaEventType *ret) {
    *ret = n->is_known ? SCHEMA_EVENT_ALTER : SCHEMA_EVENT_CREATE;
    if (n->batch->table.copy == BATCH_COPY_GONE) return false; /* Debezium says nothing of it either */
    return !n->is_known || n->fingerprint != n->batch->schema->fingerprint;
}

bool schema_log_add(const SchemaLogNews *n, const WireOptions *o, RecordBatch *events, Buf *history) {
    SchemaEventType type;
    if (!is_news(n, &type)) return false;
    ConnectOffset at = *n->at;
    bool has_offset = !lsn_is_zero(&at.commit_lsn);
    if (!has_offset) at.is_snapshot = true; /* before the first row of a copy */
    bool is_copying = at.is_snapshot && !at.is_snapshot_completed;
    SchemaEvent ev = {.type = type,
                      .schema = n->batch->schema,
                      .ts_ms = n->now_us / 1000,
                      .is_streaming = !is_copying,
                      .meta = {.mark = is_copying ? SNAPSHOT_MARK_TRUE : SNAPSHOT_MARK_FALSE,
                               .source_us = n->now_us / 1000 * 1000,
                               .commit_lsn = has_offset ? &at.commit_lsn : NULL,
                               .change_lsn = at.is_snapshot || !at.has_change ? NULL : &at.change_lsn,
                               .serial_no = at.is_snapshot ? 0 : at.event_serial_no}};
    if (o->schema_changes) schema_event_add(&ev, o, events);
    buf_clear(history);
    schema_event_history(&ev, &at, o, history);
    return true;
}
