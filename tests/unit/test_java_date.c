/* SimpleDateFormat in UTC, both ways. */
#include "test.h"

#include <string.h>

#include "base/mem.h"
#include "transform/java_date.h"

static const int64_t NOW = 1769904000000; /* 2026-02-01 */

static void both(const char *pattern, int64_t ms, const char *text) {
    JavaDate *f = NULL;
    Err e = {0};
    CLEANUP(buf_done) Buf out = {0};
    if (!java_date_new(pattern, &f, &e)) fail_msg("%s", e.msg);
    java_date_format(f, ms, &out);
    assert_string_equal(buf_text(&out), text);
    int64_t back = 0;
    assert_true(java_date_parse(f, str_from(text), NOW, &back));
    assert_int_equal(back, ms);
    (void)java_date_free(f);
}

static void parses(const char *pattern, const char *text, int64_t want) {
    JavaDate *f = NULL;
    Err e = {0};
    assert_true(java_date_new(pattern, &f, &e));
    int64_t ms = -1;
    bool is_fine = java_date_parse(f, str_from(text), NOW, &ms);
    (void)java_date_free(f);
    assert_int_equal(is_fine, want != INT64_MIN);
    if (is_fine) assert_int_equal(ms, want);
}

static void test_patterns_both_ways(void **state) {
    (void)state;
    both("yyyy-MM-dd", 1769817600000, "2026-01-31");
    both("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", 1769817600123, "2026-01-31T00:00:00.123Z");
    both("yyyyMMddHHmmssSSS", 1769903999999, "20260131235959999");
    both("dd/MMM/yy hh:mm a", 1769861400000, "31/Jan/26 12:10 PM");
    both("EEEE, d MMMM yyyy", 1769817600000, "Saturday, 31 January 2026");
    both("yyyy-DDD", 1769817600000, "2026-031");
    both("yyyy-MM-dd HH:mm:ss Z", -86400000, "1969-12-31 00:00:00 +0000");
    both("yyyy-MM-dd'T'HH:mm:ssXXX", 0, "1970-01-01T00:00:00Z");
    both("''yyyy''", 0, "'1970'");
}

static void test_parsing_is_lenient(void **state) {
    (void)state;
    parses("yyyy-MM-dd", "2026-1-31 and more", 1769817600000);
    parses("yyyy-MM-dd", "2025-13-31", 1769817600000);
    parses("yyyy-MM-dd HH:mm XXX", "2026-01-31 02:00 +02:00", 1769817600000);
    parses("yyyy-MM-dd HH:mm z", "2026-01-31 00:00 UTC", 1769817600000);
    parses("yy", "47", -725846400000);                       /* 1947: more than 20 years ahead */
    parses("yyyyMMddHH", "2021-03-04 05:06", 1606939200000); /* as Java: month "-0", day "3-" */
    parses("yyyyMMdd", "202", INT64_MIN);
    parses("yyyy-MM-dd", "2026/01/31", INT64_MIN);
    parses("yyyy-MM-dd", "x", INT64_MIN);
    parses("HH:mm", "", INT64_MIN);
    parses("yyyy", "999999999", INT64_MIN);
}

static void test_bad_patterns(void **state) {
    (void)state;
    JavaDate *f = NULL;
    Err e = {0};
    assert_false(java_date_new("YYYY", &f, &e));
    assert_non_null(strstr(e.msg, "'Y' is not supported"));
    assert_false(java_date_new("yyyy'T", &f, &e));
    assert_non_null(strstr(e.msg, "quote"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns_both_ways),
        cmocka_unit_test(test_parsing_is_lenient),
        cmocka_unit_test(test_bad_patterns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
