/* Heartbeats, and transactions' notes: exact shapes. */
#include "test.h"

#include "connect_text.h"
#include "convert/common_records.h"

static void a_heartbeat(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    RecordBatch *b = record_batch_new();
    common_records_heartbeat(&o, 1700000000123, b);
    Record *r = &b->records[0];
    assert_true(str_eq_c(r->topic, "__debezium-heartbeat.sales"));
    assert_int_equal(r->partition, 0);
    connect_text_expect_schema(
        r->key_schema, "{'type':'struct','fields':[{'type':'string','optional':false,'field':'serverName'}],"
                       "'optional':false,'name':'io.debezium.connector.common.ServerNameKey','version':1}");
    connect_text_expect_schema(
        r->value_schema, "{'type':'struct','fields':[{'type':'int64','optional':false,'field':'ts_ms'}],"
                         "'optional':false,'name':'io.debezium.connector.common.Heartbeat','version':1}");
    connect_text_expect_value(r->key_schema, &r->key, "{'serverName':'sales'}");
    connect_text_expect_value(r->value_schema, &r->value, "{'ts_ms':1700000000123}");
    record_batch_free(b);
}

static void a_transaction(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    RecordBatch *b = record_batch_new();
    ConnectOffsetCount counts[] = {{STR_LIT("b"), 2}, {STR_LIT("a"), 1}}; /* Java's map has a first */
    TransactionSchemas schemas = common_records_transaction_schemas(&o);
    common_records_transaction(&o, &schemas, &(TransactionNote){.id = STR_LIT("27"), .ts_ms = 5}, b);
    common_records_transaction(&o, &schemas,
                               &(TransactionNote){.is_end = true,
                                                  .id = STR_LIT("27"),
                                                  .event_count = 3,
                                                  .counts = counts,
                                                  .count_count = 2,
                                                  .ts_ms = 6},
                               b);
    common_records_transaction_schemas_done(&schemas); /* the records have theirs */
    Record *begin = &b->records[0], *end = &b->records[1];
    assert_true(str_eq_c(begin->topic, "sales.transaction"));
    assert_int_equal(begin->partition, -1);
    connect_text_expect_schema(
        begin->key_schema, "{'type':'struct','fields':[{'type':'string','optional':false,'field':'id'}],"
                           "'optional':false,'name':'io.debezium.connector.common.TransactionMetadataKey',"
                           "'version':1}");
    connect_text_expect_schema(
        begin->value_schema,
        "{'type':'struct','fields':[{'type':'string','optional':false,'field':'status'},"
        "{'type':'string','optional':false,'field':'id'},{'type':'int64','optional':true,'field':'event_"
        "count'},"
        "{'type':'array','items':{'type':'struct','fields':[{'type':'string','optional':false,'field':"
        "'data_collection'},{'type':'int64','optional':false,'field':'event_count'}],'optional':true,'name':"
        "'event.collection','version':1},'optional':true,'field':'data_collections'},"
        "{'type':'int64','optional':false,'field':'ts_ms'}],'optional':false,"
        "'name':'io.debezium.connector.common.TransactionMetadataValue','version':1}");
    connect_text_expect_value(
        begin->value_schema, &begin->value,
        "{'status':'BEGIN','id':'27','event_count':null,'data_collections':null,'ts_ms':5}");
    connect_text_expect_value(
        end->value_schema, &end->value,
        "{'status':'END','id':'27','event_count':3,'data_collections':[{'data_collection':"
        "'a','event_count':1},{'data_collection':'b','event_count':2}],'ts_ms':6}");
    record_batch_free(b);
}

static void a_notification(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    RecordBatch *b = record_batch_new();
    const NotificationNote note = {.topic = STR_LIT("notes"),
                                   .id = STR_LIT("1-2"),
                                   .aggregate_type = STR_LIT("Initial Snapshot"),
                                   .type = STR_LIT("STARTED"),
                                   .keys = {STR_LIT("connector_name")},
                                   .values = {STR_LIT("sales")},
                                   .count = 1,
                                   .ts_ms = 7};
    common_records_notification(&o, &note, b);
    Record *r = &b->records[0];
    assert_true(str_eq_c(r->topic, "notes"));
    connect_text_expect_schema(
        r->key_schema, "{'type':'struct','fields':[{'type':'string','optional':false,'field':'id'}],"
                       "'optional':false,'name':'io.debezium.connector.common.NotificationKey','version':1}");
    connect_text_expect_schema(
        r->value_schema, "{'type':'struct','fields':[{'type':'string','optional':false,'field':'id'},"
                         "{'type':'string','optional':false,'field':'type'},"
                         "{'type':'string','optional':false,'field':'aggregate_type'},"
                         "{'type':'map','optional':true,'field':'additional_data'},{'type':'int64','optional'"
                         ":false,'field':'timestamp'}],"
                         "'optional':false,'name':'io.debezium.connector.common.Notification','version':1}");
    connect_text_expect_value(r->key_schema, &r->key, "{'id':'1-2'}");
    const ConnectSchema *map = r->value_schema->fields[3].schema; /* its insides aren't in that text */
    assert_true(map->key->type == CONNECT_STRING && map->value->type == CONNECT_STRING);
    const Value *data = record_field(&r->value, 3);
    assert_int_equal(data->n, 1);
    assert_memory_equal(record_field(data, 0)->v.p, "connector_name", 14);
    assert_memory_equal(record_field(data, 1)->v.p, "sales", 5);
    assert_memory_equal(record_field(&r->value, 1)->v.p, "STARTED", 7);
    assert_memory_equal(record_field(&r->value, 2)->v.p, "Initial Snapshot", 16);
    assert_int_equal(record_field(&r->value, 4)->v.i, 7);
    record_batch_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_heartbeat), cmocka_unit_test(a_transaction),
                                       cmocka_unit_test(a_notification)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
