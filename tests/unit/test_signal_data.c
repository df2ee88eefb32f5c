#include "cli/signal_data.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

static char *made(const SignalAsked *asked) {
    char *text = NULL;
    Err e = {0};
    if (!signal_data_make(asked, &text, &e)) fail_msg("%s", e.msg);
    return text;
}

static void tables_have_a_filter_each(void **state) {
    (void)state;
    CLEANUP_FREE char *text =
        made(&(SignalAsked){.tables = "dbo.a, ,dbo.b", .filter = "x > \"1\"", .is_blocking = true});
    assert_string_equal(
        text, "{\"additional-conditions\":[{\"data-collection\":\"dbo.a\",\"filter\":\"x > \\\"1\\\"\"},"
              "{\"data-collection\":\"dbo.b\",\"filter\":\"x > \\\"1\\\"\"}],"
              "\"data-collections\":[\"dbo.a\",\"dbo.b\"],\"type\":\"blocking\"}");
}

static void without_options_there_is_no_data(void **state) {
    (void)state;
    assert_null(made(&(SignalAsked){.tables = " , "}));
    CLEANUP_FREE char *text = made(&(SignalAsked){.message = "at {}"});
    assert_string_equal(text, "{\"message\":\"at {}\"}");
}

static void whole_data_goes_as_it_is(void **state) {
    (void)state;
    CLEANUP_FREE char *text = made(&(SignalAsked){.data = "{ }", .tables = "dbo.a"});
    assert_string_equal(text, "{ }");
}

static void what_json_cannot_hold_is_refused_and_not_left_out(void **state) {
    (void)state;
    const SignalAsked asked[] = {
        {.tables = "dbo.a", .filter = "n = '\xff'"}, {.tables = "\xc3"}, {.message = "\x80"}};
    static const char *const says[] = {"--filter", "--tables", "--message"};
    for (size_t i = 0; i < 3; i++) {
        char *text = NULL;
        Err e = {0};
        assert_false(signal_data_make(&asked[i], &text, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, says[i]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_have_a_filter_each),
        cmocka_unit_test(without_options_there_is_no_data),
        cmocka_unit_test(whole_data_goes_as_it_is),
        cmocka_unit_test(what_json_cannot_hold_is_refused_and_not_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
