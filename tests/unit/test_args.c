#include "cli/args.h"

#include <string.h>

#include "test.h"

static const ArgDef defs[] = {
    {"from", "URL", "where the rows are"}, {"to", "URL", "where they go"}, {"json", NULL, "for programs"}};
enum { DEFS = sizeof defs / sizeof *defs };

static bool parse(Args *a, Err *e, int argc, const char **argv) {
    return args_parse(defs, DEFS, argc, argv, a, e);
}

static void options_and_operands_mix(void **state) {
    (void)state;
    const char *argv[] = {"run", "a.json", "--from=x=y", "--json", "--to", "z", "--", "--b.json"};
    Args a;
    Err e = {0};
    assert_true(parse(&a, &e, 8, argv));
    assert_string_equal(args_value(&a, "from"), "x=y");
    assert_string_equal(args_value(&a, "to"), "z");
    assert_true(args_has(&a, "json"));
    assert_int_equal(a.operand_count, 2);
    assert_string_equal(a.operands[0], "a.json");
    assert_string_equal(a.operands[1], "--b.json");
}

static void a_mistyped_option_gets_the_nearest_name(void **state) {
    (void)state;
    const char *argv[] = {"run", "--form=x"};
    Args a;
    Err e = {0};
    assert_false(parse(&a, &e, 2, argv));
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.msg, "no option '--form'; did you mean '--from'?");
}

static void values_are_asked_for_and_refused(void **state) {
    (void)state;
    Args a;
    Err e = {0};
    assert_false(parse(&a, &e, 2, (const char *[]){"run", "--from"}));
    assert_string_equal(e.msg, "option '--from' wants a value: --from=URL");
    assert_false(parse(&a, &e, 2, (const char *[]){"run", "--json=1"}));
    assert_string_equal(e.msg, "option '--json' takes no value");
    assert_false(parse(&a, &e, 3, (const char *[]){"run", "--json", "--json"}));
    assert_string_equal(e.msg, "option '--json' stands twice");
    assert_false(parse(&a, &e, 2, (const char *[]){"run", "-j"}));
}

static void a_number_is_within_its_bounds(void **state) {
    (void)state;
    Args a;
    int64_t n = 0;
    Err e = {0};
    assert_true(parse(&a, &e, 2, (const char *[]){"run", "--from=70"}));
    assert_true(args_number(&a, "to", 5, 60, &n, &e));
    assert_int_equal(n, 5);
    assert_true(args_number(&a, "from", 5, 70, &n, &e));
    assert_int_equal(n, 70);
    assert_false(args_number(&a, "from", 5, 60, &n, &e));
    assert_int_equal(e.code, ERR_RANGE);
    assert_non_null(strstr(e.msg, "option '--from'"));
    assert_true(parse(&a, &e, 2, (const char *[]){"run", "--from=-1"}));
    assert_false(args_number(&a, "from", 5, 60, &n, &e));
}

static void the_help_lines_up(void **state) {
    (void)state;
    Buf out = {0};
    args_help(defs, DEFS, &out);
    assert_string_equal(buf_text(&out), "  --from=URL  where the rows are\n"
                                        "  --to=URL    where they go\n"
                                        "  --json      for programs\n");
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_mix),
        cmocka_unit_test(a_mistyped_option_gets_the_nearest_name),
        cmocka_unit_test(values_are_asked_for_and_refused),
        cmocka_unit_test(a_number_is_within_its_bounds),
        cmocka_unit_test(the_help_lines_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
