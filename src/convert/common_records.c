#include "convert/common_records.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "convert/java_map.h"

/* Schemas of ours: a failure is a bug. */
static const ConnectSchema *make(const ConnectSchema *spec) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    if (!connect_schema_new(spec, &s, &e)) assert(!"a schema of ours isn't one");
    return s;
}

static const ConnectSchema *struct_schema(const WireOptions *o, const char *name, ConnectField *fields,
                                          size_t count) {
    CLEANUP(arena_done) Arena a = {0};
    const ConnectSchema *s =
        make(&(ConnectSchema){.type = CONNECT_STRUCT,
                              .name = name_adjust_schema(o->schema_names, str_from(name), &a),
                              .version = 1,
                              .fields = fields,
                              .field_count = count});
    for (size_t i = 0; i < count; i++) connect_schema_unref(fields[i].schema);
    return s;
}

/* The record's schemas become the batch's. */
static void put_schemas(Record *r, const ConnectSchema *key, const ConnectSchema *value, RecordBatch *out) {
    record_batch_hold_schema(out, key);
    record_batch_hold_schema(out, value);
    r->key_schema = key;
    r->value_schema = value;
    connect_schema_unref(key);
    connect_schema_unref(value);
}

static Value text(Str s, Arena *a) {
    Str copy = arena_str(a, s);
    return value_bytes(copy.p, (uint32_t)copy.n);
}

static Value one_field(Value v, RecordBatch *out) {
    Value *f = record_batch_row(out, 1);
    f[0] = v;
    return record_struct(f, 1);
}

void common_records_heartbeat(const WireOptions *o, int64_t now_ms, RecordBatch *out) {
    ConnectField key[] = {{STR_LIT("serverName"), connect_schema_plain(CONNECT_STRING, false)}};
    ConnectField value[] = {{STR_LIT("ts_ms"), connect_schema_plain(CONNECT_INT64, false)}};
    Record *r = record_batch_add(out);
    r->topic = str_from(arena_printf(&out->arena, "%s%s%s", o->heartbeat_prefix, o->delimiter, o->prefix));
    r->partition = 0;
    put_schemas(r, struct_schema(o, "io.debezium.connector.common.ServerNameKey", key, 1),
                struct_schema(o, "io.debezium.connector.common.Heartbeat", value, 1), out);
    r->key = one_field(text(str_from(o->prefix), &out->arena), out);
    r->value = one_field(value_int(now_ms), out);
}

static const ConnectSchema *count_schema(void) {
    ConnectField fields[] = {{STR_LIT("data_collection"), connect_schema_plain(CONNECT_STRING, false)},
                             {STR_LIT("event_count"), connect_schema_plain(CONNECT_INT64, false)}};
    const ConnectSchema *s = make(&(ConnectSchema){.type = CONNECT_STRUCT,
                                                   .is_optional = true,
                                                   .name = STR_LIT("event.collection"),
                                                   .version = 1,
                                                   .fields = fields,
                                                   .field_count = 2});
    for (size_t i = 0; i < 2; i++) connect_schema_unref(fields[i].schema);
    return s;
}

static const ConnectSchema *transaction_schema(const WireOptions *o) {
    const ConnectSchema *item = count_schema();
    const ConnectSchema *list =
        make(&(ConnectSchema){.type = CONNECT_ARRAY, .is_optional = true, .value = item});
    connect_schema_unref(item);
    ConnectField fields[] = {{STR_LIT("status"), connect_schema_plain(CONNECT_STRING, false)},
                             {STR_LIT("id"), connect_schema_plain(CONNECT_STRING, false)},
                             {STR_LIT("event_count"), connect_schema_plain(CONNECT_INT64, true)},
                             {STR_LIT("data_collections"), list},
                             {STR_LIT("ts_ms"), connect_schema_plain(CONNECT_INT64, false)}};
    return struct_schema(o, "io.debezium.connector.common.TransactionMetadataValue", fields, 5);
}

/* In the order in which Debezium's map gives them. */
static Value counts_value(const TransactionNote *note, RecordBatch *out) {
    size_t n = note->count_count;
    CLEANUP_FREE Str *names = x_calloc(n + 1, sizeof *names);
    CLEANUP_FREE size_t *order = x_calloc(n + 1, sizeof *order);
    for (size_t i = 0; i < n; i++) names[i] = note->counts[i].table;
    java_map_order(names, n, order);
    Value *items = record_batch_row(out, n);
    for (size_t i = 0; i < n; i++) {
        const ConnectOffsetCount *c = &note->counts[order[i]];
        Value *f = record_batch_row(out, 2);
        f[0] = text(c->table, &out->arena);
        f[1] = value_int(c->events);
        items[i] = record_struct(f, 2);
    }
    return record_struct(items, n);
}

TransactionSchemas common_records_transaction_schemas(const WireOptions *o) {
    ConnectField key[] = {{STR_LIT("id"), connect_schema_plain(CONNECT_STRING, false)}};
    return (TransactionSchemas){
        .key = struct_schema(o, "io.debezium.connector.common.TransactionMetadataKey", key, 1),
        .value = transaction_schema(o)};
}

void common_records_transaction_schemas_done(TransactionSchemas *s) {
    connect_schema_unref(s->key);
    connect_schema_unref(s->value);
    *s = (TransactionSchemas){0};
}

void common_records_transaction(const WireOptions *o, const TransactionSchemas *schemas,
                                const TransactionNote *note, RecordBatch *out) {
    Record *r = record_batch_add(out);
    Value id = text(note->id, &out->arena);
    r->topic = str_from(arena_printf(&out->arena, "%s%s%s", o->prefix, o->delimiter, o->transaction));
    put_schemas(r, connect_schema_ref(schemas->key), connect_schema_ref(schemas->value), out);
    r->key = one_field(id, out);
    Value *f = record_batch_row(out, 5);
    f[0] = note->is_end ? value_bytes("END", 3) : value_bytes("BEGIN", 5);
    f[1] = id;
    f[2] = note->is_end ? value_int(note->event_count) : value_null();
    f[3] = note->is_end ? counts_value(note, out) : value_null();
    f[4] = value_int(note->ts_ms);
    r->value = record_struct(f, 5);
}

static const ConnectSchema *notification_schema(const WireOptions *o) {
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    const ConnectSchema *data =
        make(&(ConnectSchema){.type = CONNECT_MAP, .is_optional = true, .key = text, .value = text});
    ConnectField fields[] = {{STR_LIT("id"), text},
                             {STR_LIT("type"), connect_schema_ref(text)},
                             {STR_LIT("aggregate_type"), connect_schema_ref(text)},
                             {STR_LIT("additional_data"), data},
                             {STR_LIT("timestamp"), connect_schema_plain(CONNECT_INT64, false)}};
    return struct_schema(o, "io.debezium.connector.common.Notification", fields, 5);
}

/* In the order in which Debezium's map gives them. */
static Value data_value(const NotificationNote *note, RecordBatch *out) {
    size_t order[NOTIFICATION_DATA_MAX];
    java_map_order(note->keys, note->count, order);
    Value *entries = record_batch_row(out, 2 * note->count);
    for (size_t i = 0; i < note->count; i++) {
        entries[2 * i] = text(note->keys[order[i]], &out->arena);
        entries[2 * i + 1] = text(note->values[order[i]], &out->arena);
    }
    return record_struct(entries, note->count);
}

void common_records_notification(const WireOptions *o, const NotificationNote *note, RecordBatch *out) {
    ConnectField key[] = {{STR_LIT("id"), connect_schema_plain(CONNECT_STRING, false)}};
    Record *r = record_batch_add(out);
    Value id = text(note->id, &out->arena);
    r->topic = arena_str(&out->arena, note->topic);
    put_schemas(r, struct_schema(o, "io.debezium.connector.common.NotificationKey", key, 1),
                notification_schema(o), out);
    r->key = one_field(id, out);
    Value *f = record_batch_row(out, 5);
    f[0] = id;
    f[1] = text(note->type, &out->arena);
    f[2] = text(note->aggregate_type, &out->arena);
    f[3] = data_value(note, out);
    f[4] = value_int(note->ts_ms);
    r->value = record_struct(f, 5);
}
