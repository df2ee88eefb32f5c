/* What all transforms share. */
#include "test.h"

#include <string.h>

#include "transform/smt.h"

static void test_a_struct_is_needed(void **state) {
    (void)state;
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    Value v = value_bytes("x", 1), null = value_null();
    Err e = {0};
    assert_false(smt_need_struct(text, &v, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "this is string"));
    assert_false(smt_need_struct(NULL, &v, &e));
    assert_non_null(strstr(e.msg, "no schema"));
    assert_false(smt_need_struct(text, &null, &e));
    assert_non_null(strstr(e.msg, "null"));
    connect_schema_unref(text);
}

static void test_logical_types_have_version_1(void **state) {
    (void)state;
    const ConnectSchema *s = smt_logical(CONNECT_INT64, CONNECT_TIMESTAMP, true);
    assert_true(s->is_optional && s->version == 1 && connect_schema_is(s, CONNECT_TIMESTAMP));
    connect_schema_unref(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_struct_is_needed),
        cmocka_unit_test(test_logical_types_have_version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
