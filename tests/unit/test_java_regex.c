/* Java's regular expressions: what matches() and replaceFirst() give, and bad replacements. */
#include "test.h"

#include <string.h>

#include "transform/java_regex.h"

static void gives(const char *regex, const char *replacement, const char *text, const char *want) {
    JavaRegex *r = NULL;
    Err e = {0};
    if (!java_regex_new(regex, replacement, &r, &e)) fail_msg("%s", e.msg);
    for (int i = 0; i < 2; i++) {
        Str got = {0};
        bool is_match = java_regex_route(r, str_from(text), &got);
        assert_int_equal(is_match, want != NULL);
        if (want) assert_true(str_eq_c(got, want));
    }
    (void)java_regex_free(r);
}

static void refused(const char *regex, const char *replacement, const char *part) {
    JavaRegex *r = NULL;
    Err e = {0};
    assert_false(java_regex_new(regex, replacement, &r, &e));
    assert_int_equal(e.code, ERR_INVALID);
    if (!strstr(e.msg, part)) fail_msg("%s", e.msg);
}

static void test_the_whole_text_must_match(void **state) {
    (void)state;
    gives("dbo\\.(.*)", "$1", "sales.dbo.orders", NULL);
    gives("([^.]+)\\.([^.]+)\\.([^.]+)\\.([^.]+)", "$3_$4", "srv.shop.dbo.orders", "dbo_orders");
    gives("A", "x", "a", NULL);
}

static void test_groups_by_number_and_name(void **state) {
    (void)state;
    gives("(?<db>\\w+)\\.(\\w+)", "${db}/$2/$0", "a.b", "a/b/a.b");
    gives("(a)(b)?", "$1-$2-", "a", "a--");
    gives("(a)b", "$12", "ab", "a2"); /* there is no group 12 */
    gives("a.b", "\\$1\\\\", "a.b", "$1\\");
}

static void test_what_is_replaced_is_the_first_find(void **state) {
    (void)state;
    gives("a|ab", "X", "ab", "Xb");
}

static void test_bad_ones(void **state) {
    (void)state;
    refused("(a", "x", "character");
    refused("[a-z&&[^b]]", "x", "&&");
    refused("a", "$1", "no group 1");
    refused("a", "$x", "a $ stands before");
    refused("a", "${n}", "no group named 'n'");
    refused("a", "${n", "${ without }");
    refused("a", "x\\", "ends in a \\");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_text_must_match),
        cmocka_unit_test(test_groups_by_number_and_name),
        cmocka_unit_test(test_what_is_replaced_is_the_first_find),
        cmocka_unit_test(test_bad_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
