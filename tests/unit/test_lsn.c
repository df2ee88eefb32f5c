#include "record/lsn.h"
#include "test.h"

static Lsn lsn(const char *text) {
    Lsn v = {{0}};
    Err e = {0};
    if (!lsn_parse(text, &v, &e)) fail_msg("%s", e.msg);
    return v;
}

static void format_gives_back_what_was_parsed(void **state) {
    (void)state;
    char buf[LSN_TEXT_SIZE];
    Lsn v = lsn("0000002A:000001f0:0003");
    assert_int_equal(v.b[3], 0x2a);
    assert_string_equal(lsn_format(&v, buf), "0000002a:000001f0:0003");
}

static void parse_refuses_other_text_and_leaves_the_result_alone(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "0",
                                      "0000002a:000001f0:000",
                                      "0000002a:000001f0:00031",
                                      "0000002a-000001f0:0003",
                                      "0000002g:000001f0:0003"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Lsn v = {{7}};
        Err e = {0};
        assert_false(lsn_parse(bad[i], &v, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_int_equal(v.b[0], 7);
    }
}

static void order_is_that_of_unsigned_bytes(void **state) {
    (void)state;
    static const char *const rising[] = {"00000000:00000000:0001", "00000000:00000000:ffff",
                                         "00000000:00000001:0000", "0000007f:ffffffff:ffff",
                                         "00000080:00000000:0000", "ffffffff:ffffffff:ffff"};
    for (size_t i = 0; i + 1 < sizeof rising / sizeof *rising; i++) {
        Lsn a = lsn(rising[i]), b = lsn(rising[i + 1]);
        assert_true(lsn_cmp(&a, &b) < 0);
        assert_true(lsn_cmp(&b, &a) > 0);
        assert_int_equal(lsn_cmp(&a, &a), 0);
    }
}

static void only_the_all_zero_lsn_is_zero(void **state) {
    (void)state;
    Lsn zero = lsn("00000000:00000000:0000"), one = lsn("00000000:00000000:0001");
    assert_true(lsn_is_zero(&zero));
    assert_false(lsn_is_zero(&one));
}

static void next_carries_and_stops_after_the_largest(void **state) {
    (void)state;
    Lsn n, a = lsn("0000002a:ffffffff:ffff"), b = lsn("0000002b:00000000:0000"),
           max = lsn("ffffffff:ffffffff:ffff");
    Err e = {0};
    assert_true(lsn_next(&a, &n, &e));
    assert_int_equal(lsn_cmp(&n, &b), 0);
    assert_true(lsn_cmp(&a, &n) < 0);
    assert_false(lsn_next(&max, &n, &e));
    assert_int_equal(e.code, ERR_RANGE);
}

static void prev_undoes_next_and_stops_at_zero(void **state) {
    (void)state;
    static const char *const texts[] = {"0000002a:ffffffff:ffff", "0000002a:000001f0:0003",
                                        "00000000:00000000:0000"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        Lsn n, v = lsn(texts[i]);
        Err e = {0};
        assert_true(lsn_next(&v, &n, &e));
        n = lsn_prev(&n);
        assert_int_equal(lsn_cmp(&n, &v), 0);
    }
    Lsn zero = lsn("00000000:00000000:0000"), before = lsn_prev(&zero);
    assert_true(lsn_is_zero(&before));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(format_gives_back_what_was_parsed),
        cmocka_unit_test(parse_refuses_other_text_and_leaves_the_result_alone),
        cmocka_unit_test(order_is_that_of_unsigned_bytes),
        cmocka_unit_test(only_the_all_zero_lsn_is_zero),
        cmocka_unit_test(next_carries_and_stops_after_the_largest),
        cmocka_unit_test(prev_undoes_next_and_stops_at_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
