/* ValueToKey: a nameless struct of the fields, in the order asked for. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.ValueToKey\n"
#define ROW  "{'t':'struct','n':'r','f':[['a','int32'],['b',{'t':'string?','def':'x'}],['c','int8']]}"

static void test_key(void **state) {
    (void)state;
    expect(TYPE "fields=c,b",
           "{'topic':'t','key_schema':'int8','key':1,'value_schema':" ROW ",'value':{'a':1,'b':null,'c':2}}",
           "{'topic':'t','key_schema':{'t':'struct','f':[['c','int8'],['b',{'t':'string?','def':'x'}]]},"
           "'key':{'c':2,'b':'x'},'value_schema':" ROW ",'value':{'a':1,'b':null,'c':2}}");
}

static void test_bad(void **state) {
    (void)state;
    expect_error(TYPE "fields=z", "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'c':2}}",
                 "the value has no field \"z\"");
    expect_error(TYPE "fields=a", "{'topic':'t'}", "this is null");
    expect_config_error(TYPE, SINK, "fields is required");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
