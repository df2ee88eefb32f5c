/* Records of a table's changes: the shapes of the reference's example, by version. */
#include "test.h"

#include "connect_text.h"
#include "convert/envelope.h"
#include "item_table.h"

#define SOURCE_2_7                                                                                           \
    "{'type':'struct','fields':[{'type':'string','optional':false,'field':'version'},"                       \
    "{'type':'string','optional':false,'field':'connector'},{'type':'string','optional':false,'field':"      \
    "'name'},{'type':'int64','optional':false,'field':'ts_ms'},"                                             \
    "{'type':'string','optional':true,'name':'io.debezium.data.Enum','version':1,'parameters':{'allowed':"   \
    "'true,last,false,incremental'},'default':'false','field':'snapshot'},"                                  \
    "{'type':'string','optional':false,'field':'db'},{'type':'string','optional':true,'field':'sequence'},"  \
    "{'type':'int64','optional':true,'field':'ts_us'},{'type':'int64','optional':true,'field':'ts_ns'},"     \
    "{'type':'string','optional':false,'field':'schema'},{'type':'string','optional':false,'field':"         \
    "'table'},{'type':'string','optional':true,'field':'change_lsn'},"                                       \
    "{'type':'string','optional':true,'field':'commit_lsn'},"                                                \
    "{'type':'int64','optional':true,'field':'event_serial_no'}],'optional':false,"                          \
    "'name':'io.debezium.connector.sqlserver.Source','field':'source'}"
#define ROW(field)                                                                                           \
    "{'type':'struct','fields':[{'type':'int32','optional':false,'field':'Id'},"                             \
    "{'type':'bytes','optional':true,'name':'org.apache.kafka.connect.data.Decimal','version':1,"            \
    "'parameters':{'scale':'2','connect.decimal.precision':'9'},'field':'Price'},"                           \
    "{'type':'int64','optional':true,'name':'io.debezium.time.NanoTimestamp','version':1,'field':'Seen'}],"  \
    "'optional':true,'name':'sales.Shop.dbo.Item.Value','field':'" field "'}"
#define BLOCK                                                                                                \
    "{'type':'struct','fields':[{'type':'string','optional':false,'field':'id'},"                            \
    "{'type':'int64','optional':false,'field':'total_order'},"                                               \
    "{'type':'int64','optional':false,'field':'data_collection_order'}],'optional':true,'name':"             \
    "'event.block','version':1,'field':'transaction'}"

typedef struct Rig {
    WireOptions o;
    const Schema *schema;
    Envelope *envelope;
    RecordBatch *out;
    Lsn commit, change;
    EventMeta meta;
    Value before[3], after[3];
} Rig;

static void begin(Rig *r, const char *table, bool has_key) {
    Err e = {0};
    r->schema = item_schema(table, has_key);
    if (!envelope_new(r->schema, &r->o, &r->envelope, &e)) fail_msg("%s", e.msg);
    r->o.version_text = "2.7.4.Final";
    r->out = record_batch_new();
    r->commit = item_lsn("00000027:00000a10:0003");
    r->change = item_lsn("00000027:00000a10:0002");
    r->meta = (EventMeta){.source_us = 1700000001000000,
                          .now_us = 1700000002345678,
                          .commit_lsn = &r->commit,
                          .change_lsn = &r->change,
                          .serial_no = 2};
    item_row(7, 1223, r->before);
    item_row(7, 1224, r->after);
}

static void end(Rig *r) {
    envelope_free(r->envelope); /* records hold it on */
    record_batch_free(r->out);
    schema_unref(r->schema);
}

static void add(Rig *r, ChangeOp op, const Value *before, const Value *after) {
    static Change changes[8]; /* records point to them */
    static size_t next;
    Err e = {0};
    Change *c = &changes[next++ % 8];
    *c = (Change){.op = (uint8_t)op, .schema = r->schema, .before = before, .after = after};
    if (!envelope_add(r->envelope, c, &r->meta, r->out, &e)) fail_msg("%s", e.msg);
}

static void schemas_of_2_7(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, "Item", true);
    assert_true(str_eq_c(envelope_topic(r.envelope), "sales.Shop.dbo.Item"));
    connect_text_expect_schema(
        envelope_schema(r.envelope),
        "{'type':'struct','fields':[" ROW("before") "," ROW(
            "after") "," SOURCE_2_7 "," BLOCK ","
                     "{'type':'string','optional':false,'field':'op'},{'type':'int64','optional':true,'field'"
                     ":'ts_ms'},"
                     "{'type':'int64','optional':true,'field':'ts_us'},{'type':'int64','optional':true,'"
                     "field':'ts_ns'}],"
                     "'optional':false,'name':'sales.Shop.dbo.Item.Envelope','version':2}");
    connect_text_expect_schema(envelope_key_schema(r.envelope),
                               "{'type':'struct','fields':[{'type':'int32','optional':false,'field':'Id'}],"
                               "'optional':false,'name':'sales.Shop.dbo.Item.Key'}");
    end(&r);
}

static void schemas_of_2_5_and_3_0(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    r.o.version = WIRE_2_5;
    begin(&r, "Item", true);
    const ConnectSchema *s = envelope_schema(r.envelope);
    static const char *const names[] = {"before", "after", "source", "op", "ts_ms", "transaction"};
    assert_int_equal(s->version, 1);
    assert_int_equal(s->field_count, 6);
    for (size_t i = 0; i < 6; i++) assert_true(str_eq_c(s->fields[i].name, names[i]));
    assert_int_equal(s->fields[2].schema->field_count, 12);
    add(&r, OP_UPDATE, r.before, r.after);
    connect_text_expect_value(
        s, &r.out->records[0].value,
        "{'before':{'Id':7,'Price':x'04c7','Seen':1700000000123456700},"
        "'after':{'Id':7,'Price':x'04c8','Seen':1700000000123456700},'source':{'version':'2.7.4.Final','"
        "connector':"
        "'sqlserver','name':'sales','ts_ms':1700000001000,'snapshot':null,'db':'Shop','sequence':null,'"
        "schema':"
        "'dbo','table':'Item','change_lsn':'00000027:00000a10:0002','commit_lsn':'00000027:00000a10:0003',"
        "'event_serial_no':2},'op':'u','ts_ms':1700000002345,'transaction':null}");
    end(&r);
    r.o.version = WIRE_3_0;
    begin(&r, "Item", true);
    const ConnectSchema *source = envelope_schema(r.envelope)->fields[2].schema;
    assert_true(
        str_eq_c(connect_schema_param(source->fields[4].schema, "allowed"),
                 "true,first,first_in_data_collection,last_in_data_collection,last,false,incremental"));
    end(&r);
}

static void an_update(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, "Item", true);
    add(&r, OP_UPDATE, r.before, r.after);
    Record *rec = &r.out->records[0];
    assert_int_equal(r.out->count, 1);
    connect_text_expect_value(rec->key_schema, &rec->key, "{'Id':7}");
    connect_text_expect_value(
        rec->value_schema, &rec->value,
        "{'before':{'Id':7,'Price':x'04c7','Seen':1700000000123456700},"
        "'after':{'Id':7,'Price':x'04c8','Seen':1700000000123456700},"
        "'source':{'version':'2.7.4.Final','connector':'sqlserver','name':'sales','ts_ms':1700000001000,"
        "'snapshot':null,'db':'Shop','sequence':null,'ts_us':1700000001000000,'ts_ns':1700000001000000000,"
        "'schema':'dbo','table':'Item','change_lsn':'00000027:00000a10:0002','commit_lsn':"
        "'00000027:00000a10:0003','event_serial_no':2},'transaction':null,'op':'u','ts_ms':1700000002345,"
        "'ts_us':1700000002345678,'ts_ns':1700000002345678000}");
    end(&r);
}

static void a_delete_is_followed_by_a_tombstone_unless_it_is_not_wanted(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, "Item", true);
    add(&r, OP_DELETE, r.before, NULL);
    assert_int_equal(r.out->count, 2);
    Record *tombstone = &r.out->records[1];
    assert_true(value_is_null(&tombstone->value));
    assert_null(tombstone->value_schema);
    connect_text_expect_value(tombstone->key_schema, &tombstone->key, "{'Id':7}");
    assert_true(value_is_null(record_field(&r.out->records[0].value, 1)));
    end(&r);
    r.o.tombstones = false;
    begin(&r, "Item", true);
    add(&r, OP_DELETE, r.before, NULL);
    assert_int_equal(r.out->count, 1);
    end(&r);
}

static void a_keyless_table_has_no_key_and_its_tombstones_none(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, "Item", false);
    add(&r, OP_DELETE, r.before, NULL);
    assert_int_equal(r.out->count, 2);
    assert_null(r.out->records[0].key_schema);
    assert_true(value_is_null(&r.out->records[0].key) && value_is_null(&r.out->records[1].key));
    end(&r);
}

static void a_changed_key_is_a_delete_a_tombstone_and_a_create_that_name_each_other(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, "Item", true);
    item_row(8, 1224, r.after);
    Change old = {.op = OP_DELETE, .schema = r.schema, .before = r.before};
    Change new = {.op = OP_CREATE, .schema = r.schema, .after = r.after};
    Err e = {0};
    r.meta.other = &new;
    assert_true(envelope_add(r.envelope, &old, &r.meta, r.out, &e));
    r.meta.other = &old;
    assert_true(envelope_add(r.envelope, &new, &r.meta, r.out, &e));
    assert_int_equal(r.out->count, 3);
    static const char *const keys[] = {"{'Id':7}", "{'Id':7}", "{'Id':8}"};
    static const char *const headers[] = {"__debezium.newkey", "__debezium.newkey", "__debezium.oldkey"};
    static const char *const values[] = {"{'Id':8}", "{'Id':8}", "{'Id':7}"};
    for (size_t i = 0; i < 3; i++) {
        Record *rec = &r.out->records[i];
        connect_text_expect_value(rec->key_schema, &rec->key, keys[i]);
        assert_int_equal(rec->header_count, 1);
        assert_true(str_eq_c(rec->headers[0].key, headers[i]));
        assert_ptr_equal(rec->headers[0].schema, rec->key_schema);
        connect_text_expect_value(rec->key_schema, &rec->headers[0].value, values[i]);
    }
    end(&r);
}

static void names_are_adjusted_and_may_leave_the_database_out(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sql-server")};
    r.o.schema_names = NAME_ADJUST_AVRO;
    r.o.names_database = false;
    begin(&r, "Order Lines", true);
    assert_true(str_eq_c(envelope_topic(r.envelope), "sql-server.dbo.Order_Lines"));
    assert_true(str_eq_c(envelope_schema(r.envelope)->name, "sql_server.dbo.Order_Lines.Envelope"));
    end(&r);
}

static void a_snapshots_row_has_no_change_lsn(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    begin(&r, "Item", true);
    r.meta.mark = SNAPSHOT_MARK_FIRST;
    r.meta.change_lsn = NULL;
    r.meta.serial_no = 0;
    EventTransaction none = {STR_LIT("t1"), 1, 1};
    r.meta.transaction = &none;
    add(&r, OP_READ, NULL, r.after);
    const Value *value = &r.out->records[0].value;
    const Value *source = record_field(value, 2);
    assert_true(value_is_null(record_field(value, 0)));
    assert_true(str_eq_c(value_str(record_field(source, 4)), "first"));
    assert_true(value_is_null(record_field(source, 11)) && value_is_null(record_field(source, 13)));
    connect_text_expect_value(envelope_schema(r.envelope)->fields[3].schema, record_field(value, 3),
                              "{'id':'t1','total_order':1,'data_collection_order':1}");
    end(&r);
}

static void a_value_that_does_not_fit_adds_no_record(void **state) {
    (void)state;
    Rig r = {.o = wire_options_standard("sales")};
    Err e = {0};
    begin(&r, "Item", true);
    r.after[2] = value_int(0); /* 0001-01-01 */
    Change c = {.op = OP_CREATE, .schema = r.schema, .after = r.after};
    assert_false(envelope_add(r.envelope, &c, &r.meta, r.out, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_int_equal(r.out->count, 0);
    end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_of_2_7),
        cmocka_unit_test(schemas_of_2_5_and_3_0),
        cmocka_unit_test(an_update),
        cmocka_unit_test(a_delete_is_followed_by_a_tombstone_unless_it_is_not_wanted),
        cmocka_unit_test(a_keyless_table_has_no_key_and_its_tombstones_none),
        cmocka_unit_test(a_changed_key_is_a_delete_a_tombstone_and_a_create_that_name_each_other),
        cmocka_unit_test(names_are_adjusted_and_may_leave_the_database_out),
        cmocka_unit_test(a_snapshots_row_has_no_change_lsn),
        cmocka_unit_test(a_value_that_does_not_fit_adds_no_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
