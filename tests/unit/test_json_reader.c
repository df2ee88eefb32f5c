#include "convert/json_reader.h"

#include <string.h>

#include "test.h"

static Arena arena;

static Str string_of(const char *text, const char **why) {
    JsonReader r = json_reader_over(str_from(text));
    Str s = {NULL, 0};
    bool ok = json_reader_string(&r, &arena, &s) && json_reader_end(&r);
    *why = r.why;
    return ok ? s : (Str){NULL, 0};
}

static void assert_string(const char *text, const char *expected, size_t n) {
    const char *why;
    Str s = string_of(text, &why);
    if (why) fail_msg("%s: %s", text, why);
    assert_int_equal(s.n, n);
    assert_memory_equal(s.p, expected, n);
}

static void texts_lose_their_escapes(void **state) {
    (void)state;
    assert_string("\"\"", "", 0);
    assert_string(" \"plain\xc3\xa9\" ", "plain\xc3\xa9", 7);
    assert_string("\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz, and a longer rest of it\"",
                  "a\"\\/\b\f\n\r\tz, and a longer rest of it", 35);
    assert_string("\"\\u0000\\u00e9\\u20AC\\ud83d\\ude00\"", "\0\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10);
    assert_string("\"\\ud83dx\\ude00\"", "\xef\xbf\xbdx\xef\xbf\xbd", 7);
    assert_string("\"\\ud83d\\u0041\"",
                  "\xef\xbf\xbd"
                  "A",
                  4);
}

static void texts_that_are_none_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",           "x",       "\"",        "\"a",         "\"a\\\"",
                                      "\"\\",       "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"a\nb\"",
                                      "\"a\\n\n\"", "\"a\"b"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *why;
        if (string_of(bad[i], &why).p || !why) fail_msg("%s was taken", bad[i]);
    }
}

static void whole_numbers_are_bounded(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t lo, hi, expected;
        bool ok;
    } cases[] = {{"0", -1, 1, 0, true},
                 {"-0", -1, 1, 0, true},
                 {"127", -128, 127, 127, true},
                 {"128", -128, 127, 0, false},
                 {"-128", -128, 127, -128, true},
                 {"9223372036854775807", INT64_MIN, INT64_MAX, INT64_MAX, true},
                 {"9223372036854775808", INT64_MIN, INT64_MAX, 0, false},
                 {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, true},
                 {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, false},
                 {"99999999999999999999999", INT64_MIN, INT64_MAX, 0, false},
                 {"1.0", -9, 9, 0, false},
                 {"1e0", -9, 9, 0, false},
                 {"01", -9, 9, 0, false},
                 {"-", -9, 9, 0, false},
                 {"+1", -9, 9, 0, false},
                 {"", -9, 9, 0, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        JsonReader r = json_reader_over(str_from(cases[i].text));
        int64_t v = 0;
        assert_int_equal(json_reader_int(&r, cases[i].lo, cases[i].hi, &v), cases[i].ok);
        assert_int_equal(v, cases[i].expected);
        assert_int_equal(r.why != NULL, !cases[i].ok);
    }
}

static bool skips(const char *text) {
    JsonReader r = json_reader_over(str_from(text));
    Str s;
    return json_reader_skip(&r, &s) && json_reader_end(&r);
}

static void values_are_skipped_only_when_they_are_json(void **state) {
    (void)state;
    static const char *const good[] = {"null",
                                       "true",
                                       "-1.5e-3",
                                       "\"\\u00e9\"",
                                       "[]",
                                       "{}",
                                       " [ 1 , [ ] , { } ] ",
                                       "{\"a\":{\"b\":[{\"c\":null}]},\"d\":0}"};
    static const char *const bad[] = {
        "",      "nul",   "tru", "[",         "[1", "[1,]", "[,1]",    "{\"a\"}",    "{\"a\":}", "{\"a\":1,}",
        "{a:1}", "{1:1}", "[1}", "{\"a\":1]", "1.", "1e",   "\"\\z\"", "[\"a\nb\"]", "1 2"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!skips(good[i])) fail_msg("%s was refused", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (skips(bad[i])) fail_msg("%s was taken", bad[i]);
}

static void depth_is_bounded(void **state) {
    (void)state;
    char text[2 * JSON_MAX_DEPTH + 3];
    memset(text, '[', JSON_MAX_DEPTH);
    memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
    text[2 * JSON_MAX_DEPTH] = '\0';
    assert_true(skips(text));
    memset(text, '[', JSON_MAX_DEPTH + 1);
    memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
    text[2 * JSON_MAX_DEPTH + 2] = '\0';
    assert_false(skips(text));
}

static int tear_down(void **state) {
    (void)state;
    arena_done(&arena);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_lose_their_escapes),
        cmocka_unit_test(texts_that_are_none_are_refused),
        cmocka_unit_test(whole_numbers_are_bounded),
        cmocka_unit_test(values_are_skipped_only_when_they_are_json),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
