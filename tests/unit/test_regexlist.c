#include "config/regexlist.h"

#include "test.h"

static RegexList *compiled(const char *text) {
    RegexList *l = NULL;
    Err e = {0};
    if (!regexlist_compile(str_from(text), &l, &e)) fail_msg("%s", e.msg);
    return l;
}

static void an_expression_matches_the_whole_text_in_any_letter_case(void **state) {
    (void)state;
    RegexList *l = compiled(" dbo\\.orders , Sales\\..* ");
    assert_int_equal(regexlist_count(l), 2);
    assert_true(regexlist_match(l, STR_LIT("dbo.orders")));
    assert_true(regexlist_match(l, STR_LIT("DBO.Orders")));
    assert_false(regexlist_match(l, STR_LIT("dbo.orders2")));
    assert_false(regexlist_match(l, STR_LIT("xdbo.orders")));
    assert_false(regexlist_match(l, STR_LIT("dbo.orders\n")));
    assert_false(regexlist_match(l, STR_LIT("dboxorders")));
    assert_int_equal(regexlist_find(l, STR_LIT("sales.Line Items")), 1);
    assert_int_equal(regexlist_find(l, STR_LIT("nothing")), 2);
    assert_string_equal(regexlist_text(l, 1), "Sales\\..*");
    (void)regexlist_free(l);
}

static void alternatives_are_anchored_as_a_whole(void **state) {
    (void)state;
    RegexList *l = compiled("a|bc");
    assert_true(regexlist_match(l, STR_LIT("bc")));
    assert_false(regexlist_match(l, STR_LIT("ac")));
    assert_false(regexlist_match(l, STR_LIT("abc")));
    (void)regexlist_free(l);
}

static void an_escaped_comma_belongs_to_the_expression(void **state) {
    (void)state;
    RegexList *l = compiled("dbo.t\\d{1\\,3},a\\\\,b");
    assert_int_equal(regexlist_count(l), 3);
    assert_string_equal(regexlist_text(l, 0), "dbo.t\\d{1,3}");
    assert_string_equal(regexlist_text(l, 1), "a\\\\");
    assert_true(regexlist_match(l, STR_LIT("dbo.t123")));
    assert_false(regexlist_match(l, STR_LIT("dbo.t1234")));
    assert_true(regexlist_match(l, STR_LIT("a\\")));
    (void)regexlist_free(l);
}

static void an_empty_list_matches_nothing(void **state) {
    (void)state;
    RegexList *l = compiled(" , ");
    assert_int_equal(regexlist_count(l), 0);
    assert_false(regexlist_match(l, STR_LIT("")));
    l = regexlist_free(l);
    assert_null(l);
    assert_false(regexlist_match(NULL, STR_LIT("a")));
    assert_int_equal(regexlist_count(NULL), 0);
}

static void text_beyond_ascii_is_matched_by_character(void **state) {
    (void)state;
    RegexList *l = compiled("dbo\\.\xc3\x84.");
    assert_true(regexlist_match(l, STR_LIT("dbo.\xc3\xa4\xc3\xb6")));
    assert_false(regexlist_match(l, STR_LIT("dbo.\xc3\xa4\xff"))); /* not UTF-8: no match, no crash */
    (void)regexlist_free(l);
}

static void a_broken_expression_is_named(void **state) {
    (void)state;
    static const struct {
        const char *list, *message;
    } cases[] = {
        {"dbo.ok,dbo.(x", "bad regular expression 'dbo.(x': missing closing parenthesis at character 7"},
        {"a[", "bad regular expression 'a[': missing terminating ] for character class at character 3"},
        {"[a-z&&[^b]]",
         "bad regular expression '[a-z&&[^b]]': intersections of classes (&&) are not supported"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        RegexList *l = NULL;
        Err e = {0};
        assert_false(regexlist_compile(str_from(cases[i].list), &l, &e));
        assert_null(l);
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(e.msg, cases[i].message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_expression_matches_the_whole_text_in_any_letter_case),
        cmocka_unit_test(alternatives_are_anchored_as_a_whole),
        cmocka_unit_test(an_escaped_comma_belongs_to_the_expression),
        cmocka_unit_test(an_empty_list_matches_nothing),
        cmocka_unit_test(text_beyond_ascii_is_matched_by_character),
        cmocka_unit_test(a_broken_expression_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
