#include "standin/builtin/proc_arg.h"
#include "test.h"

static void absent_and_null_arguments_have_their_substitutes(void **state) {
    (void)state;
    const ProcArg args[] = {
        {.value = VALUE_OF_TEXT(STR_LIT("x"))}, {.value = VALUE_OF_INT(5)}, {.value = {.kind = VALUE_NULL}}};
    const ProcCall call = {.args = args, .count = 3};
    assert_true(str_eq_c(proc_arg_text(&call, 0), "x"));
    assert_int_equal(proc_arg_int(&call, 1, 9), 5);
    assert_true(proc_arg_is_null(&call, 2));
    assert_int_equal(proc_arg_text(&call, 2).n, 0);
    assert_int_equal(proc_arg_int(&call, 2, 9), 9);
    assert_true(proc_arg_is_null(&call, 3));
    assert_int_equal(proc_arg_int(&call, 3, 9), 9);
}

static void a_parameter_carries_name_type_and_value(void **state) {
    (void)state;
    SessionParam p = proc_arg_param("@a", &(Type){.id = TYPE_INT}, VALUE_OF_INT(3));
    assert_true(str_eq_c(p.name, "@a"));
    assert_int_equal(p.type.id, TYPE_INT);
    assert_int_equal(p.value.v.i, 3);
    assert_false(p.is_output);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_and_null_arguments_have_their_substitutes),
        cmocka_unit_test(a_parameter_carries_name_type_and_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
