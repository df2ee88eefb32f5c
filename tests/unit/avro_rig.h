/* avro_rig.h - schemas for the tests of Avro, built in a line each. Every one is owned by the rig until
 * avro_rig_done. */
#ifndef TESTS_AVRO_RIG_H
#define TESTS_AVRO_RIG_H

#include <string.h>

#include "convert/avro_type.h"
#include "record/connect_schema.h"
#include "record/record.h"
#include "test.h"

static const ConnectSchema *rig_schemas[512];
static size_t rig_count;

static inline const ConnectSchema *rig_schema(const ConnectSchema *spec) {
    Err e = {0};
    const ConnectSchema *s = NULL;
    if (!connect_schema_new(spec, &s, &e)) fail_msg("%s", e.msg);
    assert_true(rig_count < sizeof rig_schemas / sizeof *rig_schemas);
    rig_schemas[rig_count++] = s;
    return s;
}

static inline void avro_rig_done(void) {
    while (rig_count) connect_schema_unref(rig_schemas[--rig_count]);
}

static inline const ConnectSchema *rig_plain(ConnectType type, bool is_optional) {
    return rig_schema(&(ConnectSchema){.type = type, .is_optional = is_optional});
}

static inline const ConnectSchema *rig_named(ConnectType type, bool is_optional, const char *name) {
    return rig_schema(
        &(ConnectSchema){.type = type, .is_optional = is_optional, .name = str_from(name), .version = 1});
}

static inline const ConnectSchema *rig_struct(const char *name, int version, const ConnectField *fields,
                                              size_t count) {
    return rig_schema(&(ConnectSchema){.type = CONNECT_STRUCT,
                                       .name = str_from(name),
                                       .version = version,
                                       .fields = fields,
                                       .field_count = count});
}
#define RIG_STRUCT(name, version, ...)                                                                       \
    rig_struct((name), (version), (ConnectField[]){__VA_ARGS__},                                             \
               sizeof((ConnectField[]){__VA_ARGS__}) / sizeof(ConnectField))
#define RIG_FIELD(name, schema) ((ConnectField){STR_LIT(name), (schema)})

static inline const ConnectSchema *rig_optional(const ConnectSchema *s) {
    const ConnectSchema *o = connect_schema_with_optional(s, true);
    rig_schemas[rig_count++] = o;
    return o;
}

static inline const ConnectSchema *rig_decimal(const char *scale, const char *precision, bool is_optional) {
    return rig_schema(&(ConnectSchema){
        .type = CONNECT_BYTES,
        .is_optional = is_optional,
        .name = STR_LIT(CONNECT_DECIMAL),
        .version = 1,
        .params = (ConnectParam[]){{STR_LIT("scale"), str_from(scale)},
                                   {STR_LIT("connect.decimal.precision"), str_from(precision)}},
        .param_count = precision ? 2 : 1});
}

/* Debezium's envelope of a table Item(Id int, Price decimal(9,2) NULL, Seen datetime2 NULL), version 2.7. */
static inline const ConnectSchema *rig_envelope(void) {
    const ConnectSchema *string = rig_plain(CONNECT_STRING, false), *text = rig_plain(CONNECT_STRING, true);
    const ConnectSchema *int64 = rig_plain(CONNECT_INT64, false), *number = rig_plain(CONNECT_INT64, true);
    const ConnectSchema *value = rig_optional(
        RIG_STRUCT("sales.Shop.dbo.Item.Value", 0, RIG_FIELD("Id", rig_plain(CONNECT_INT32, false)),
                   RIG_FIELD("Price", rig_decimal("2", "9", true)),
                   RIG_FIELD("Seen", rig_named(CONNECT_INT64, true, "io.debezium.time.NanoTimestamp"))));
    const ConnectSchema *snapshot = rig_schema(&(ConnectSchema){
        .type = CONNECT_STRING,
        .is_optional = true,
        .has_default = true,
        .default_value = value_bytes("false", 5),
        .name = STR_LIT("io.debezium.data.Enum"),
        .version = 1,
        .params = (ConnectParam[]){{STR_LIT("allowed"), STR_LIT("true,last,false,incremental")}},
        .param_count = 1});
    const ConnectSchema *source =
        RIG_STRUCT("io.debezium.connector.sqlserver.Source", 0, RIG_FIELD("version", string),
                   RIG_FIELD("connector", string), RIG_FIELD("name", string), RIG_FIELD("ts_ms", int64),
                   RIG_FIELD("snapshot", snapshot), RIG_FIELD("db", string), RIG_FIELD("sequence", text),
                   RIG_FIELD("ts_us", number), RIG_FIELD("ts_ns", number), RIG_FIELD("schema", string),
                   RIG_FIELD("table", string), RIG_FIELD("change_lsn", text), RIG_FIELD("commit_lsn", text),
                   RIG_FIELD("event_serial_no", number));
    const ConnectSchema *block =
        rig_optional(RIG_STRUCT("event.block", 1, RIG_FIELD("id", string), RIG_FIELD("total_order", int64),
                                RIG_FIELD("data_collection_order", int64)));
    return RIG_STRUCT("sales.Shop.dbo.Item.Envelope", 2, RIG_FIELD("before", value),
                      RIG_FIELD("after", value), RIG_FIELD("source", source), RIG_FIELD("transaction", block),
                      RIG_FIELD("op", string), RIG_FIELD("ts_ms", number), RIG_FIELD("ts_us", number),
                      RIG_FIELD("ts_ns", number));
}

/* What AvroData makes of it, seen at a real converter. */
static const char rig_envelope_avro[] =
    "{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"sales.Shop.dbo.Item\",\"fields\":["
    "{\"name\":\"before\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"Value\",\"fields\":["
    "{\"name\":\"Id\",\"type\":\"int\"},"
    "{\"name\":\"Price\",\"type\":[\"null\",{\"type\":\"bytes\",\"scale\":2,\"precision\":9,\"connect."
    "version\":1,"
    "\"connect.parameters\":{\"scale\":\"2\",\"connect.decimal.precision\":\"9\"},"
    "\"connect.name\":\"org.apache.kafka.connect.data.Decimal\",\"logicalType\":\"decimal\"}],\"default\":"
    "null},"
    "{\"name\":\"Seen\",\"type\":[\"null\",{\"type\":\"long\",\"connect.version\":1,"
    "\"connect.name\":\"io.debezium.time.NanoTimestamp\"}],\"default\":null}],"
    "\"connect.name\":\"sales.Shop.dbo.Item.Value\"}],\"default\":null},"
    "{\"name\":\"after\",\"type\":[\"null\",\"Value\"],\"default\":null},"
    "{\"name\":\"source\",\"type\":{\"type\":\"record\",\"name\":\"Source\","
    "\"namespace\":\"io.debezium.connector.sqlserver\",\"fields\":["
    "{\"name\":\"version\",\"type\":\"string\"},{\"name\":\"connector\",\"type\":\"string\"},"
    "{\"name\":\"name\",\"type\":\"string\"},{\"name\":\"ts_ms\",\"type\":\"long\"},"
    "{\"name\":\"snapshot\",\"type\":[{\"type\":\"string\",\"connect.version\":1,"
    "\"connect.parameters\":{\"allowed\":\"true,last,false,incremental\"},\"connect.default\":\"false\","
    "\"connect.name\":\"io.debezium.data.Enum\"},\"null\"],\"default\":\"false\"},"
    "{\"name\":\"db\",\"type\":\"string\"},{\"name\":\"sequence\",\"type\":[\"null\",\"string\"],\"default\":"
    "null},"
    "{\"name\":\"ts_us\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"ts_ns\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"schema\",\"type\":\"string\"},{\"name\":\"table\",\"type\":\"string\"},"
    "{\"name\":\"change_lsn\",\"type\":[\"null\",\"string\"],\"default\":null},"
    "{\"name\":\"commit_lsn\",\"type\":[\"null\",\"string\"],\"default\":null},"
    "{\"name\":\"event_serial_no\",\"type\":[\"null\",\"long\"],\"default\":null}],"
    "\"connect.name\":\"io.debezium.connector.sqlserver.Source\"}},"
    "{\"name\":\"transaction\",\"type\":[\"null\",{\"type\":\"record\",\"name\":\"block\",\"namespace\":"
    "\"event\","
    "\"fields\":[{\"name\":\"id\",\"type\":\"string\"},{\"name\":\"total_order\",\"type\":\"long\"},"
    "{\"name\":\"data_collection_order\",\"type\":\"long\"}],\"connect.version\":1,"
    "\"connect.name\":\"event.block\"}],\"default\":null},"
    "{\"name\":\"op\",\"type\":\"string\"},{\"name\":\"ts_ms\",\"type\":[\"null\",\"long\"],\"default\":null}"
    ","
    "{\"name\":\"ts_us\",\"type\":[\"null\",\"long\"],\"default\":null},"
    "{\"name\":\"ts_ns\",\"type\":[\"null\",\"long\"],\"default\":null}],"
    "\"connect.version\":2,\"connect.name\":\"sales.Shop.dbo.Item.Envelope\"}";

static inline AvroSchema *rig_parse(const char *json) {
    AvroSchema *s = NULL;
    Err e = {0};
    Str text = str_from(json);
    if (!avro_type_parse(&text, 1, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

#endif
