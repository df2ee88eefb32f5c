/* ExtractField and HoistField. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.ExtractField$Value\n"
#define ROW                                                                                                  \
    "{'t':'struct?','f':[['a',{'t':'int32?','def':5}],['s',{'t':'struct?','n':'in','f':[['x','string']]}]]}"

static void test_extract(void **state) {
    (void)state;
    expect(TYPE "field=a", "{'topic':'t','value_schema':" ROW ",'value':{'a':null,'s':null}}",
           "{'topic':'t','value_schema':{'t':'int32?','def':5},'value':5}");
    expect(TYPE "field=a\nreplace.null.with.default=false",
           "{'topic':'t','value_schema':" ROW ",'value':{'a':null,'s':null}}",
           "{'topic':'t','value_schema':{'t':'int32?','def':5}}");
    expect(TYPE "field=s.x\nfield.syntax.version=V2",
           "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'s':{'x':'y'}}}",
           "{'topic':'t','value_schema':'string','value':'y'}");
    expect(TYPE "field=s", "{'topic':'t','value_schema':" ROW "}",
           "{'topic':'t','value_schema':{'t':'struct?','n':'in','f':[['x','string']]}}");
    expect(TYPE "field=s", "{'topic':'t'}", "{'topic':'t'}");
    expect_error(TYPE "field=s.x", "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'s':null}}",
                 "there is no field \"s.x\"");
    expect_error(TYPE "field=s", "{'topic':'t','value_schema':'int8','value':1}", "this is int8");
}

static void test_hoist(void **state) {
    (void)state;
    expect("type=org.apache.kafka.connect.transforms.HoistField$Key\nfield=id",
           "{'topic':'t','key_schema':'int64','key':3}",
           "{'topic':'t','key_schema':{'t':'struct','f':[['id','int64']]},'key':{'id':3}}");
    expect_error("type=org.apache.kafka.connect.transforms.HoistField$Value\nfield=id", "{'topic':'t'}",
                 "no schema");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract),
        cmocka_unit_test(test_hoist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
