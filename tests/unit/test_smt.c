/* What all transforms share. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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

static int plans_made;

static void *count_plan(const Smt *s, const ConnectSchema *in, Err *e) {
    (void)s;
    if (in->type != CONNECT_STRING) {
        (void)err_set(e, ERR_DATA, false, "not this one");
        return NULL;
    }
    plans_made++;
    return x_calloc(1, 1);
}

static void test_a_schema_has_one_plan_and_a_failure_none(void **state) {
    (void)state;
    const SmtClass class_ = {.plan = count_plan};
    Smt s = {.class_ = &class_, .cache = {.free_plan = free}};
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false),
                        *number = connect_schema_plain(CONNECT_INT32, false);
    Err e = {0};
    plans_made = 0;
    const void *plan = smt_plan(&s, text, &e);
    assert_non_null(plan);
    assert_ptr_equal(smt_plan(&s, text, &e), plan);
    assert_int_equal(plans_made, 1);
    assert_null(smt_plan(&s, number, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_ptr_equal(smt_plan(&s, text, &e), plan);
    schema_cache_done(&s.cache);
    connect_schema_unref(text);
    connect_schema_unref(number);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_struct_is_needed),
        cmocka_unit_test(test_logical_types_have_version_1),
        cmocka_unit_test(test_a_schema_has_one_plan_and_a_failure_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
