/* InsertField: each kind, required and optional. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.InsertField$Value\n"
#define ROW  "{'t':'struct?','n':'r','f':[['a','int32']]}"

static void test_all_kinds(void **state) {
    (void)state;
    expect(TYPE "topic.field=t!\npartition.field=p\noffset.field=o?\ntimestamp.field=ts\nstatic.field=s\n"
                "static.value=x",
           "{'topic':'top','partition':3,'offset':9,'timestamp':77,'value_schema':" ROW ",'value':{'a':1}}",
           "{'topic':'top','partition':3,'offset':9,'timestamp':77,'value_schema':{'t':'struct','n':'r','f':["
           "['a',"
           "'int32'],['t','string'],['p','int32?'],['o','int64?'],['ts',{'t':'int64?','n':"
           "'org.apache.kafka.connect.data.Timestamp','v':1}],['s','string?']]},"
           "'value':{'a':1,'t':'top','p':3,'o':9,'ts':77,'s':'x'}}");
}

static void test_nulls(void **state) {
    (void)state;
    expect(TYPE "topic.field=t", "{'topic':'t','value_schema':" ROW "}",
           "{'topic':'t','value_schema':" ROW "}");
    expect(TYPE "partition.field=p", "{'topic':'t','value_schema':" ROW ",'value':{'a':1}}",
           "{'topic':'t','value_schema':{'t':'struct','n':'r','f':[['a','int32'],['p','int32?']]},"
           "'value':{'a':1,'p':null}}");
    expect_error(TYPE "partition.field=p!", "{'topic':'t','value_schema':" ROW ",'value':{'a':1}}",
                 "required field \"p\"");
    expect_error(TYPE "topic.field=a", "{'topic':'t','value_schema':" ROW ",'value':{'a':1}}", "two fields");
}

static void test_bad_options(void **state) {
    (void)state;
    expect_config_error(TYPE "static.value=x", SINK, "no field to insert");
    expect_config_error(TYPE "static.field=x", SINK, "static.value isn't");
    expect_config_error(TYPE "offset.field=o", (TransformSetup){.is_sink = false}, "for sinks");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_kinds),
        cmocka_unit_test(test_nulls),
        cmocka_unit_test(test_bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
