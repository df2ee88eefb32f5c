#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

static void assert_str(Str s, const char *expected) {
    if (!str_eq_c(s, expected)) fail_msg("'" STR_FMT "' is not '%s'", STR_ARG(s), expected);
}

static void null_is_the_empty_text(void **state) {
    (void)state;
    assert_int_equal(str_from(NULL).n, 0);
    assert_true(str_eq(str_from(NULL), STR_LIT("")));
    assert_str(str_sub(str_from(NULL), 3, 4), "");
    assert_str(str_trim(str_from(NULL)), "");
    assert_int_equal(str_find(str_from(NULL), 'a'), 0);
    char *copy = str_dup(str_from(NULL));
    assert_string_equal(copy, "");
    free(copy);
}

static void comparing_is_bytewise_and_shorter_first(void **state) {
    (void)state;
    assert_true(str_eq_icase(STR_LIT("dbo.ORDERS"), STR_LIT("DBO.orders")));
    assert_false(str_eq_icase(STR_LIT("a"), STR_LIT("ab")));
    assert_false(str_eq_icase(STR_LIT("["), STR_LIT("{"))); /* 0x20 apart, yet no letters */
    assert_true(str_cmp(STR_LIT("a"), STR_LIT("ab")) < 0);
    assert_true(str_cmp(STR_LIT("b"), STR_LIT("ab")) > 0);
    assert_true(str_cmp(STR_LIT("\xff"), STR_LIT("a")) > 0);
    assert_int_equal(str_cmp(STR_LIT(""), str_from(NULL)), 0);
    assert_true(str_starts(STR_LIT("mssql://x"), STR_LIT("mssql://")));
    assert_false(str_starts(STR_LIT("ms"), STR_LIT("mssql://")));
    assert_true(str_ends(STR_LIT("a.json"), STR_LIT(".json")));
    assert_false(str_ends(STR_LIT("json"), STR_LIT(".json")));
}

static void parts_are_clamped_to_the_text(void **state) {
    (void)state;
    assert_str(str_sub(STR_LIT("abcdef"), 2, 3), "cde");
    assert_str(str_sub(STR_LIT("abcdef"), 4, 9), "ef");
    assert_str(str_sub(STR_LIT("abcdef"), 9, SIZE_MAX), "");
    assert_str(str_trim(STR_LIT(" \t\r\n a b \v\f")), "a b");
    assert_str(str_trim(STR_LIT("   ")), "");
    assert_int_equal(str_find(STR_LIT("a=b=c"), '='), 1);
    assert_int_equal(str_find(STR_LIT("abc"), '='), 3);
}

static void split_gives_each_piece_once(void **state) {
    (void)state;
    static const struct {
        const char *text, *joined;
    } cases[] = {{"", ""}, {"a", "[a]"}, {"a,b", "[a][b]"}, {",a,,b,", "[][a][][b]"}, {",", "[]"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        char joined[64] = "";
        size_t n = 0;
        Str rest = str_from(cases[i].text), head;
        while (str_split(&rest, ',', &head))
            n += (size_t)snprintf(joined + n, sizeof joined - n, "[" STR_FMT "]", STR_ARG(head));
        assert_string_equal(joined, cases[i].joined);
    }
}

static void whole_numbers_are_read_to_the_ends_of_int64(void **state) {
    (void)state;
    int64_t v = 0;
    Err e = {0};
    assert_true(str_to_i64(STR_LIT("-9223372036854775808"), INT64_MIN, INT64_MAX, &v, &e));
    assert_true(v == INT64_MIN);
    assert_true(str_to_i64(STR_LIT("9223372036854775807"), INT64_MIN, INT64_MAX, &v, &e));
    assert_true(v == INT64_MAX);
    assert_true(str_to_i64(STR_LIT("+007"), 0, 7, &v, &e));
    assert_int_equal(v, 7);
    assert_true(str_to_i64(STR_LIT("-0"), 0, 0, &v, &e));
    assert_int_equal(v, 0);
}

static void numbers_past_the_range_are_refused(void **state) {
    (void)state;
    static const char *const past[] = {"9223372036854775808", "-9223372036854775809",
                                       "99999999999999999999999", "11", "-1"};
    for (size_t i = 0; i < COUNT(past); i++) {
        int64_t v = 42, lo = i < 3 ? INT64_MIN : 0, hi = i < 3 ? INT64_MAX : 10;
        Err e = {0};
        assert_false(str_to_i64(str_from(past[i]), lo, hi, &v, &e));
        assert_int_equal(e.code, ERR_RANGE);
        assert_int_equal(v, 42);
        if (i == 3) assert_string_equal(e.msg, "11 is not in 0..10");
    }
}

static void other_text_is_no_number(void **state) {
    (void)state;
    static const char *const bad[] = {"",   "-",   "+",   " 1",  "1 ",
                                      "1x", "0x1", "1.0", "--1", "99999999999999999999x"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        int64_t v = 42;
        Err e = {0};
        assert_false(str_to_i64(str_from(bad[i]), 0, 100, &v, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_int_equal(v, 42);
    }
}

static void nearest_finds_the_slip_of_the_pen_and_nothing_far(void **state) {
    (void)state;
    static const char *const names[] = {"table.include.list", "table.exclude.list", "topic.prefix", "run",
                                        "setup"};
    assert_string_equal(str_nearest(STR_LIT("tabel.include.list"), names, COUNT(names)),
                        "table.include.list");
    assert_string_equal(str_nearest(STR_LIT("TOPIC.PREFX"), names, COUNT(names)), "topic.prefix");
    assert_string_equal(str_nearest(STR_LIT("rnu"), names, COUNT(names)), "run");
    assert_null(str_nearest(STR_LIT("xyz"), names, COUNT(names)));
    assert_null(str_nearest(STR_LIT(""), names, COUNT(names)));
    assert_null(str_nearest(STR_LIT("poll.interval.ms"), names, COUNT(names)));
    char longer[300];
    memset(longer, 'a', sizeof longer);
    assert_null(str_nearest((Str){longer, sizeof longer}, names, COUNT(names)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_is_the_empty_text),
        cmocka_unit_test(comparing_is_bytewise_and_shorter_first),
        cmocka_unit_test(parts_are_clamped_to_the_text),
        cmocka_unit_test(split_gives_each_piece_once),
        cmocka_unit_test(whole_numbers_are_read_to_the_ends_of_int64),
        cmocka_unit_test(numbers_past_the_range_are_refused),
        cmocka_unit_test(other_text_is_no_number),
        cmocka_unit_test(nearest_finds_the_slip_of_the_pen_and_nothing_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
