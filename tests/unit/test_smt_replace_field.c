/* ReplaceField: out, in, renamed; the schema's basics stay, optionality and default of the whole don't. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.ReplaceField$Value\n"
#define ROW  "{'t':'struct?','n':'r','v':2,'f':[['a','int32'],['b',{'t':'string?','def':'x'}],['c','int8?']]}"

static void test_fields(void **state) {
    (void)state;
    expect(TYPE "exclude=c", "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'b':null,'c':3}}",
           "{'topic':'t','value_schema':{'t':'struct','n':'r','v':2,'f':[['a','int32'],['b',{'t':'string?','"
           "def':"
           "'x'}]]},'value':{'a':1,'b':'x'}}");
    expect(TYPE "include=b,c\nexclude=c\nrenames=b:B\nreplace.null.with.default=false",
           "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'b':null,'c':3}}",
           "{'topic':'t','value_schema':{'t':'struct','n':'r','v':2,'f':[['B',{'t':'string?','def':'x'}]]},"
           "'value':{'B':null}}");
    expect("type=org.apache.kafka.connect.transforms.ReplaceField$Key\nblacklist=a",
           "{'topic':'t','key_schema':" ROW ",'key':{'a':1,'b':'y','c':null}}",
           "{'topic':'t','key_schema':{'t':'struct','n':'r','v':2,'f':[['b',{'t':'string?','def':'x'}],['c',"
           "'int8?']]},'key':{'b':'y','c':null}}");
}

static void test_null_stays(void **state) {
    (void)state;
    expect(TYPE "exclude=a", "{'topic':'t'}", "{'topic':'t'}");
    expect(TYPE "exclude=a", "{'topic':'t','value_schema':" ROW "}", "{'topic':'t','value_schema':" ROW "}");
}

static void test_bad(void **state) {
    (void)state;
    expect_error(TYPE "exclude=a", "{'topic':'t','value_schema':'int8','value':1}", "this is int8");
    expect_error(TYPE "renames=a:b\nexclude=a", "{'topic':'t','value_schema':" ROW ",'value':{'a':1}}",
                 "field \"b\" can't take the value of \"a\"");
    expect(TYPE "renames=c:b\nexclude=c",
           "{'topic':'t','value_schema':{'t':'struct','f':[['b','string?'],['c','int8?']]},'value':{'b':'x','"
           "c':null}}",
           "{'topic':'t','value_schema':{'t':'struct','f':[['b','string?']]},'value':{'b':null}}");
    expect_error(TYPE "renames=z:a", "{'topic':'t','value_schema':" ROW ",'value':{'a':1}}",
                 "no field \"z\"");
    expect_config_error(TYPE "renames=a", SINK, "'a' isn't old:new");
    expect_config_error(TYPE "renames=a:b:c", SINK, "isn't old:new");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_null_stays),
        cmocka_unit_test(test_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
