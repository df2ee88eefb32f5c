/* A table made known: the event's shape, and the history record's very text. */
#include "test.h"

#include "base/mem.h"
#include "connect_text.h"
#include "convert/schema_event.h"
#include "item_table.h"

static SchemaEvent event_of(const Schema *s, const Lsn *lsn) {
    return (SchemaEvent){
        .schema = s,
        .meta = {.mark = SNAPSHOT_MARK_TRUE, .source_us = 1700000001000000, .commit_lsn = lsn},
        .ts_ms = 1700000002345};
}

static void an_event(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    const Schema *s = item_schema("Item", true);
    Lsn lsn = item_lsn("00000027:00000a10:0003");
    RecordBatch *b = record_batch_new();
    SchemaEvent ev = event_of(s, &lsn);
    o.version_text = "V";
    schema_event_add(&ev, &o, b);
    ev.type = SCHEMA_EVENT_DROP;
    ev.is_streaming = true;
    schema_event_add(&ev, &o, b);
    Record *r = &b->records[0];
    assert_true(str_eq_c(r->topic, "sales"));
    assert_int_equal(r->partition, 0);
    assert_true(str_eq_c(r->key_schema->name, "io.debezium.connector.sqlserver.SchemaChangeKey"));
    assert_true(str_eq_c(r->value_schema->name, "io.debezium.connector.sqlserver.SchemaChangeValue"));
    connect_text_expect_value(r->key_schema, &r->key, "{'databaseName':'Shop'}");
    connect_text_expect_value(
        r->value_schema, &r->value,
        "{'source':{'version':'V','connector':'sqlserver','name':'sales','ts_ms':1700000001000,'snapshot':'"
        "true',"
        "'db':'Shop','sequence':null,'ts_us':1700000001000000,'ts_ns':1700000001000000000,'schema':'dbo','"
        "table':"
        "'Item','change_lsn':null,'commit_lsn':'00000027:00000a10:0003','event_serial_no':null},"
        "'ts_ms':1700000002345,'databaseName':'Shop','schemaName':'dbo','ddl':null,'tableChanges':[{'type':'"
        "CREATE',"
        "'id':'\"Shop\".\"dbo\".\"Item\"','table':{'defaultCharsetName':null,'primaryKeyColumnNames':['Id'],"
        "'columns':[{'name':'Id','jdbcType':4,'nativeType':null,'typeName':'int','typeExpression':'int',"
        "'charsetName':null,'length':10,'scale':0,'position':1,'optional':false,'autoIncremented':false,"
        "'generated':false,'comment':null,'defaultValueExpression':null,'enumValues':null},"
        "{'name':'Price','jdbcType':3,'nativeType':null,'typeName':'decimal','typeExpression':'decimal',"
        "'charsetName':null,'length':9,'scale':2,'position':2,'optional':true,'autoIncremented':false,"
        "'generated':false,'comment':null,'defaultValueExpression':null,'enumValues':null},"
        "{'name':'Seen','jdbcType':93,'nativeType':null,'typeName':'datetime2','typeExpression':'datetime2',"
        "'charsetName':null,'length':27,'scale':7,'position':3,'optional':true,'autoIncremented':false,"
        "'generated':false,'comment':null,'defaultValueExpression':null,'enumValues':null}],'comment':null}}]"
        "}");
    const Value *dropped = record_field(&b->records[1].value, 5);
    assert_true(str_eq_c(value_str(record_field(record_field(dropped, 0), 0)), "DROP"));
    assert_true(value_is_null(record_field(record_field(dropped, 0), 2)));
    assert_true(str_eq_c(value_str(record_field(&b->records[1].value, 4)), "N/A"));
    record_batch_free(b);
    schema_unref(s);
}

static void a_history_record(void **state) {
    (void)state;
    WireOptions o = wire_options_standard("sales");
    const Column column = {.name = STR_LIT("Id"),
                           .type = SQLTYPE_INT,
                           .key = 1,
                           .is_identity = true,
                           .default_text = STR_LIT("((0))")};
    SchemaSpec spec = {.database = STR_LIT("Shop"),
                       .schema = STR_LIT("dbo"),
                       .table = STR_LIT("I\"t"),
                       .columns = &column,
                       .column_count = 1};
    const Schema *s = NULL;
    Err e = {0};
    Buf text = {0};
    assert_true(schema_new(&spec, &s, &e));
    ConnectOffset at = {.is_snapshot = true, .commit_lsn = item_lsn("00000027:00000a10:0003")};
    SchemaEvent ev = event_of(s, &at.commit_lsn);
    ev.is_streaming = true;
    schema_event_history(&ev, &at, &o, &text);
    assert_string_equal(buf_text(&text), "{\n"
                                         "  \"source\" : {\n"
                                         "    \"server\" : \"sales\",\n"
                                         "    \"database\" : \"Shop\"\n"
                                         "  },\n"
                                         "  \"position\" : {\n"
                                         "    \"commit_lsn\" : \"00000027:00000a10:0003\",\n"
                                         "    \"snapshot\" : true,\n"
                                         "    \"snapshot_completed\" : false\n"
                                         "  },\n"
                                         "  \"ts_ms\" : 1700000002345,\n"
                                         "  \"databaseName\" : \"Shop\",\n"
                                         "  \"schemaName\" : \"dbo\",\n"
                                         "  \"ddl\" : \"N/A\",\n"
                                         "  \"tableChanges\" : [ {\n"
                                         "    \"type\" : \"CREATE\",\n"
                                         "    \"id\" : \"\\\"Shop\\\".\\\"dbo\\\".\\\"I\\\"\\\"t\\\"\",\n"
                                         "    \"table\" : {\n"
                                         "      \"defaultCharsetName\" : null,\n"
                                         "      \"primaryKeyColumnNames\" : [ \"Id\" ],\n"
                                         "      \"columns\" : [ {\n"
                                         "        \"name\" : \"Id\",\n"
                                         "        \"jdbcType\" : 4,\n"
                                         "        \"typeName\" : \"int identity\",\n"
                                         "        \"typeExpression\" : \"int identity\",\n"
                                         "        \"charsetName\" : null,\n"
                                         "        \"length\" : 10,\n"
                                         "        \"scale\" : 0,\n"
                                         "        \"position\" : 1,\n"
                                         "        \"optional\" : false,\n"
                                         "        \"autoIncremented\" : true,\n"
                                         "        \"generated\" : false,\n"
                                         "        \"comment\" : null,\n"
                                         "        \"hasDefaultValue\" : true,\n"
                                         "        \"defaultValueExpression\" : \"((0))\",\n"
                                         "        \"enumValues\" : [ ]\n"
                                         "      } ],\n"
                                         "      \"attributes\" : [ ]\n"
                                         "    },\n"
                                         "    \"comment\" : null\n"
                                         "  } ]\n"
                                         "}");
    buf_done(&text);
    schema_unref(s);
}

/* message.key.columns=dbo.Item:Price; the primary key is Id, or there is none. */
static void expect_table_key(int16_t id_place, const char *in_event, const char *in_history) {
    const Column columns[] = {
        {.name = STR_LIT("Id"), .type = SQLTYPE_INT, .table_key = id_place},
        {.name = STR_LIT("Price"), .type = SQLTYPE_DECIMAL, .precision = 9, .scale = 2, .key = 1}};
    const SchemaSpec spec = {.database = STR_LIT("Shop"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("Item"),
                             .version = 1,
                             .columns = columns,
                             .column_count = 2,
                             .has_table_key = true};
    WireOptions o = wire_options_standard("sales");
    CLEANUP(buf_done) Buf text = {0};
    Lsn lsn = item_lsn("00000027:00000a10:0003");
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    RecordBatch *b = record_batch_new();
    SchemaEvent ev = event_of(s, &lsn);
    schema_event_add(&ev, &o, b);
    const Value *change = record_field(record_field(&b->records[0].value, 5), 0);
    const Value *keys = record_field(record_field(change, 2), 1);
    assert_int_equal(keys->n, in_event ? 1 : 0);
    if (in_event) assert_true(str_eq_c(value_str(record_field(keys, 0)), in_event));
    const ConnectOffset at = {.is_snapshot = true};
    schema_event_history(&ev, &at, &o, &text);
    if (!strstr(buf_text(&text), in_history)) fail_msg("%s", buf_text(&text));
    record_batch_free(b);
    schema_unref(s);
}

static void the_key_is_the_tables_own_whatever_rows_go_by(void **state) {
    (void)state;
    expect_table_key(1, "Id", "\"primaryKeyColumnNames\" : [ \"Id\" ]");
    expect_table_key(0, NULL, "\"primaryKeyColumnNames\" : [ ]");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(an_event), cmocka_unit_test(a_history_record),
                                       cmocka_unit_test(the_key_is_the_tables_own_whatever_rows_go_by)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
