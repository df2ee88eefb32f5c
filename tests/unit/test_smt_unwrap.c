/* ExtractNewRecordState: every way a delete and a tombstone can go, and all that can be added. */
#include "transform_rig.h"

#define TYPE   "type=io.debezium.transforms.ExtractNewRecordState\n"
#define FIELDS "['id','int32'],['name',{'t':'string?','def':'x'}]"
#define ROW    "{'t':'struct?','n':'s.dbo.t.Value','f':[" FIELDS "]}"
#define ENV                                                                                                  \
    "{'t':'struct','n':'s.dbo.t.Envelope','v':1,'f':[['before'," ROW "],['after'," ROW                       \
    "],['source',{'t':'struct','n':'src','f':[['table','string'],['ts_ms','int64'],['lsn',{'t':'string?'}]]" \
    "}],"                                                                                                    \
    "['transaction',{'t':'struct?','f':[['id','string']]}],['op','string'],['ts_ms','int64?']]}"
#define SOURCE "'source':{'table':'t','ts_ms':7,'lsn':null},'transaction':null"
#define CREATED                                                                                              \
    "{'topic':'s.dbo.t','value_schema':" ENV ",'value':{'before':null,'after':{'id':1,'name':null}," SOURCE  \
    ",'op':'c','ts_ms':8}}"
#define DELETED                                                                                              \
    "{'topic':'s.dbo.t','value_schema':" ENV ",'value':{'before':{'id':1,'name':null},'after':null," SOURCE  \
    ",'op':'d','ts_ms':8}}"
#define TOMBSTONE "{'topic':'s.dbo.t','key_schema':'int8','key':1}"
#define OUT(more) "{'t':'struct','n':'s.dbo.t.Value','f':[" FIELDS more "]}"

static void test_defaults(void **state) {
    (void)state;
    expect(TYPE, CREATED, "{'topic':'s.dbo.t','value_schema':" OUT("") ",'value':{'id':1,'name':null}}");
    expect(TYPE, DELETED, "null");
    expect(TYPE, TOMBSTONE, "null");
    expect(TYPE,
           "{'topic':'x','value_schema':{'t':'struct','n':'Heartbeat','f':[['a','int8']]},'value':{'a':1}}",
           "{'topic':'x','value_schema':{'t':'struct','n':'Heartbeat','f':[['a','int8']]},'value':{'a':1}}");
    expect(TYPE,
           "{'topic':'s.dbo.t','value_schema':" ENV ",'value':{'before':null,'after':null," SOURCE
           ",'op':'t','ts_ms':8}}",
           "null");
}

static void test_deletes_and_tombstones(void **state) {
    (void)state;
    static const char null_row[] = "{'topic':'s.dbo.t','value_schema':" ROW "}";
    static const char rewritten[] = "{'topic':'s.dbo.t','value_schema':" OUT(
        ",['__deleted','string?']") ",'value':{'id':1,'name':'x','__deleted':'true'}}";
    expect(TYPE "drop.tombstones=false\ndelete.handling.mode=none", DELETED, null_row);
    expect(TYPE "drop.tombstones=false\ndelete.handling.mode=none", TOMBSTONE, TOMBSTONE);
    expect(TYPE "delete.handling.mode=rewrite", DELETED, rewritten);
    expect(TYPE "delete.handling.mode=rewrite", TOMBSTONE, "null");
    expect(TYPE "delete.handling.mode=rewrite", CREATED,
           "{'topic':'s.dbo.t','value_schema':" OUT(
               ",['__deleted','string?']") ",'value':{'id':1,'name':'x','__deleted':'false'}}");
    expect(TYPE "delete.tombstone.handling.mode=tombstone\ndelete.handling.mode=rewrite", DELETED, null_row);
    expect(TYPE "delete.tombstone.handling.mode=tombstone\ndrop.tombstones=false", TOMBSTONE, "null");
    expect(TYPE "delete.tombstone.handling.mode=drop", DELETED, "null");
    expect(TYPE "delete.tombstone.handling.mode=rewrite-with-tombstone", DELETED, rewritten);
    expect(TYPE "delete.tombstone.handling.mode=rewrite-with-tombstone", TOMBSTONE, TOMBSTONE);
    expect_config_error(TYPE "delete.tombstone.handling.mode=keep", SINK, "expected drop, tombstone");
}

static void test_added_fields_and_headers(void **state) {
    (void)state;
    expect(TYPE "add.fields=op,source.ts_ms,transaction.id,nothing,table:from\nadd.headers=op,table\n"
                "add.headers.prefix=h_",
           CREATED,
           "{'topic':'s.dbo.t','value_schema':" OUT(
               ",['__op','string?'],['__source_ts_ms','int64?'],['__transaction_id','string?'],['__from',"
               "'string?']") ",'value':{'id':1,'name':null,'__op':'c','__source_ts_ms':7,'__transaction_id':"
                             "null,"
                             "'__from':'t'},'headers':[['h_op','string?','c'],['h_table','string?','t']]}");
    expect(TYPE "drop.tombstones=false\nadd.headers=op,table", TOMBSTONE,
           "{'topic':'s.dbo.t','key_schema':'int8','key':1,'headers':[['__op','string','d']]}");
    expect(
        TYPE "delete.handling.mode=rewrite\nadd.fields=op", DELETED,
        "{'topic':'s.dbo.t','value_schema':" OUT(
            ",['__deleted','string?'],['__op','string?']") ",'value':{'id':1,'name':'x','__deleted':'true',"
                                                           "'__op':'d'}}");
    expect_error(TYPE "add.fields=source.table,nowhere.x", CREATED, "no struct \"nowhere\"");
}

static void test_routing(void **state) {
    (void)state;
    expect(TYPE "route.by.field=name",
           "{'topic':'s.dbo.t','value_schema':" ENV
           ",'value':{'before':null,'after':{'id':1,'name':'blue'}," SOURCE ",'op':'c','ts_ms':8}}",
           "{'topic':'blue','value_schema':" OUT("") ",'value':{'id':1,'name':'blue'}}");
    expect(TYPE "route.by.field=name\ndelete.handling.mode=none", DELETED,
           "{'topic':'s.dbo.t','value_schema':" ROW "}");
    expect(TYPE "route.by.field=name\ndelete.handling.mode=rewrite", CREATED,
           "{'topic':'x','value_schema':" OUT(
               ",['__deleted','string?']") ",'value':{'id':1,'name':'x','__deleted':'false'}}");
    expect_error(TYPE "route.by.field=id", CREATED, "no text column \"id\"");
}

static void test_dropped_fields(void **state) {
    (void)state;
    static const char created[] =
        "{'topic':'s.dbo.t','value_schema':" ENV ",'value':{'before':null,'after':{'id':1,'name':'n'}," SOURCE
        ",'op':'c','ts_ms':8},'headers':[['drop',{'t':'array','e':'string'},['name']]]}";
    expect(TYPE "drop.fields.header.name=drop\nadd.fields=op", created,
           "{'topic':'s.dbo.t','value_schema':{'t':'struct','n':'s.dbo.t.Value','f':[['id','int32'],['__op','"
           "string?'"
           "]]},'value':{'id':1,'__op':'c'},'headers':[['drop',{'t':'array','e':'string'},['name']]]}");
    static const char deleted[] =
        "{'topic':'s.dbo.t','value_schema':" ENV ",'value':{'before':{'id':1,'name':'n'},'after':null," SOURCE
        ",'op':'d','ts_ms':8},'headers':[['drop',{'t':'array','e':'string'},['name']]]}";
    expect(TYPE "drop.fields.header.name=drop\nadd.fields=op\ndelete.handling.mode=rewrite", deleted,
           "{'topic':'s.dbo.t','value_schema':{'t':'struct','n':'s.dbo.t.Value','f':[['id','int32'],['__"
           "deleted',"
           "'string?'],['__op','string?']]},'value':{'id':1,'__deleted':'true','__op':'d'},'headers':[['drop'"
           ",{'t':"
           "'array','e':'string'},['name']]]}");
}

static void test_by_version(void **state) {
    (void)state;
    expect_config_error(TYPE "replace.null.with.default=false", SINK, "debezium.version=3.0");
    run_chain(TYPE "replace.null.with.default=false\ndelete.handling.mode=rewrite",
              (TransformSetup){.is_sink = true, .debezium_version = "3.0"}, DELETED,
              "{'topic':'s.dbo.t','value_schema':" OUT(
                  ",['__deleted','string?']") ",'value':{'id':1,'name':null,'__deleted':'true'}}",
              NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_deletes_and_tombstones),
        cmocka_unit_test(test_added_fields_and_headers),
        cmocka_unit_test(test_routing),
        cmocka_unit_test(test_dropped_fields),
        cmocka_unit_test(test_by_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
