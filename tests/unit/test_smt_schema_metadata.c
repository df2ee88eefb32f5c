/* SetSchemaMetadata: name and version change, all else stays. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.SetSchemaMetadata$Value\n"

static void test_name_and_version(void **state) {
    (void)state;
    expect(TYPE "schema.name=n\nschema.version=4",
           "{'topic':'t','value_schema':{'t':'struct?','n':'r','v':1,'doc':'d','f':[['a',{'t':'int8?','def':"
           "2}]]},"
           "'value':{'a':null}}",
           "{'topic':'t','value_schema':{'t':'struct?','n':'n','v':4,'doc':'d','f':[['a',{'t':'int8?','def':"
           "2}]]},"
           "'value':{'a':2}}");
    expect(TYPE "schema.version=4", "{'topic':'t','value_schema':{'t':'struct?','n':'x','f':[]}}",
           "{'topic':'t','value_schema':{'t':'struct?','n':'x','v':4,'f':[]}}");
    expect(TYPE "schema.version=4", "{'topic':'t'}", "{'topic':'t'}");
    expect("type=org.apache.kafka.connect.transforms.SetSchemaMetadata$Key\nschema.name=k",
           "{'topic':'t','key_schema':{'t':'struct','f':[['a','int8']]},'key':{'a':1}}",
           "{'topic':'t','key_schema':{'t':'struct','n':'k','f':[['a','int8']]},'key':{'a':1}}");
}

static void test_bad(void **state) {
    (void)state;
    expect_error(TYPE "schema.name=n", "{'topic':'t','value':'x'}", "no schema");
    expect_error(TYPE "schema.name=n", "{'topic':'t','value_schema':'int8','value':1}", "this is int8");
    expect_config_error(TYPE "replace.null.with.default=true", SINK, "schema.name or schema.version");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_name_and_version),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
