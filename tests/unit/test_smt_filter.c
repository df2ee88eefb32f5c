/* Filter drops what its predicate lets through to it. */
#include "transform_rig.h"

#define KAFKA "org.apache.kafka.connect.transforms."

static void test_drops(void **state) {
    (void)state;
    expect("type=" KAFKA "Filter", "{'topic':'x'}", "null");
    expect("type=" KAFKA "Filter\npredicate=p\npredicates=p\npredicates.p.type=" KAFKA
           "predicates.RecordIsTombstone",
           "{'topic':'x','value_schema':'int8','value':1}", "{'topic':'x','value_schema':'int8','value':1}");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drops),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
