/* Classes by name; unknown ones are refused with those there are. */
#include "test.h"

#include <string.h>

#include "transform/smt_table.h"

static void test_sides(void **state) {
    (void)state;
    const SmtClass *c = NULL;
    bool is_key = false;
    Err e = {0};
    assert_true(smt_table_find(STR_LIT("org.apache.kafka.connect.transforms.Cast$Key"), &c, &is_key, &e));
    assert_ptr_equal(c, &smt_cast);
    assert_true(is_key);
    assert_true(smt_table_find(STR_LIT("org.apache.kafka.connect.transforms.Cast$Value"), &c, &is_key, &e));
    assert_false(is_key);
    assert_false(smt_table_find(STR_LIT("org.apache.kafka.connect.transforms.Cast"), &c, &is_key, &e));
    assert_non_null(strstr(e.msg, "$Key or"));
    assert_false(smt_table_find(STR_LIT("org.apache.kafka.connect.transforms.Filter$Key"), &c, &is_key, &e));
    assert_non_null(strstr(e.msg, "it is plain"));
}

static void test_unknown_ones(void **state) {
    (void)state;
    const SmtClass *c = NULL;
    bool is_key = false;
    Err e = {0};
    assert_false(smt_table_find(STR_LIT("io.debezium.transforms.ExtractNewRecordStat"), &c, &is_key, &e));
    assert_non_null(strstr(e.msg, "did you mean io.debezium.transforms.ExtractNewRecordState?"));
    assert_false(smt_table_find(STR_LIT("com.example.Mine"), &c, &is_key, &e));
    assert_null(strstr(e.msg, "did you mean"));
    assert_non_null(strstr(e.msg, "io.debezium.transforms.{ExtractNewRecordState, ByLogicalTableRouter}"));
    assert_non_null(strstr(e.msg, "DropHeaders}")); /* the last of the list: it isn't cut */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sides),
        cmocka_unit_test(test_unknown_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
