/* Flatten: names joined, optionality and defaults carried down. */
#include "transform_rig.h"

#define TYPE "type=org.apache.kafka.connect.transforms.Flatten$Value\n"
#define ROW                                                                                                  \
    "{'t':'struct','n':'r','f':[['a','int32'],['s',{'t':'struct?','f':[['x',{'t':'int8','def':4}],['y',"     \
    "{'t':'struct','f':[['z','string']]}]]}]]}"
#define FLAT(sep)                                                                                            \
    "{'t':'struct','n':'r','f':[['a','int32'],['s" sep "x',{'t':'int8?','def':4}],['s" sep "y" sep           \
    "z','string?']]}"

static void test_flat(void **state) {
    (void)state;
    expect(TYPE, "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'s':{'x':2,'y':{'z':'q'}}}}",
           "{'topic':'t','value_schema':" FLAT(".") ",'value':{'a':1,'s.x':2,'s.y.z':'q'}}");
    expect(TYPE "delimiter=_", "{'topic':'t','value_schema':" ROW ",'value':{'a':1,'s':null}}",
           "{'topic':'t','value_schema':" FLAT("_") ",'value':{'a':1,'s_x':null,'s_y_z':null}}");
    expect(TYPE, "{'topic':'t'}", "{'topic':'t'}");
    expect_error(TYPE,
                 "{'topic':'t','value_schema':{'t':'struct','f':[['m',{'t':'map','k':'string','e':'int8'}]]},"
                 "'value':{'m':[]}}",
                 "field \"m\" is a map");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
