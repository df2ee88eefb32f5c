/* ByLogicalTableRouter: topic, key with its field more, schemas' names; tombstones and other records. */
#include "transform_rig.h"

#define TYPE                                                                                                 \
    "type=io.debezium.transforms.ByLogicalTableRouter\ntopic.regex=(.*)_shard\\\\d+\ntopic.replacement=$1\n"
#define KEY     "{'t':'struct','n':'a.t_shard1.Key','f':[['id','int32']]}"
#define ROWS(n) "{'t':'struct?','n':'" n ".Value','f':[['id','int32']]}"
#define ENV(n)                                                                                               \
    "{'t':'struct','n':'" n                                                                                  \
    ".Envelope','v':1,'f':[['before'," ROWS(n) "],['after'," ROWS(n) "],['op','string']]}"

static void test_an_envelope(void **state) {
    (void)state;
    expect(TYPE,
           "{'topic':'a.t_shard1','key_schema':" KEY ",'key':{'id':1},'value_schema':" ENV(
               "a.t_shard1") ",'value':{'before':null,'after':{'id':1},'op':'c'}}",
           "{'topic':'a.t','key_schema':{'t':'struct','n':'a.t.Key','f':[['id','int32'],["
           "'__dbz__physicalTableIdentifier','string']]},'key':{'id':1,'__dbz__physicalTableIdentifier':"
           "'a.t_shard1'},'value_schema':" ENV("a.t") ",'value':{'before':null,'after':{'id':1},'op':'c'}}");
}

static void test_options(void **state) {
    (void)state;
    expect(TYPE "key.field.name=shard\nkey.field.regex=.*_shard(.*)\nkey.field.replacement=$1",
           "{'topic':'a.t_shard1','key_schema':" KEY ",'key':{'id':1}}",
           "{'topic':'a.t','key_schema':{'t':'struct','n':'a.t.Key','f':[['id','int32'],['shard','string']]},"
           "'key':{'id':1,'shard':'1'}}");
    expect(TYPE "key.enforce.uniqueness=false", "{'topic':'a.t_shard1','key_schema':" KEY ",'key':{'id':1}}",
           "{'topic':'a.t','key_schema':{'t':'struct','n':'a.t.Key','f':[['id','int32']]},'key':{'id':1}}");
    expect("type=io.debezium.transforms.ByLogicalTableRouter\ntopic.regex=.*\ntopic.replacement=1-x\n"
           "key.enforce.uniqueness=false\nschema.name.adjustment.mode=avro",
           "{'topic':'t','key_schema':" KEY ",'key':{'id':1}}",
           "{'topic':'1-x','key_schema':{'t':'struct','n':'__x.Key','f':[['id','int32']]},'key':{'id':1}}");
    expect_config_error(TYPE "key.field.regex=x", SINK, "key.field.replacement isn't");
}

static void test_what_passes(void **state) {
    (void)state;
    expect(TYPE, "{'topic':'other','value_schema':'int8','value':1}",
           "{'topic':'other','value_schema':'int8','value':1}");
    expect(TYPE, "{'topic':'a.t_shard1','value_schema':'int8','value':1}",
           "{'topic':'a.t','value_schema':'int8','value':1}");
    expect_error(TYPE, "{'topic':'a.t_shard1','key_schema':'int8','key':1}", "key: a struct is needed");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_envelope),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_what_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
