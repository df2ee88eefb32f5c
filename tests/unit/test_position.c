#include "record/position.h"
#include "test.h"

static Position position(const char *text) {
    Position p = {0};
    Err e = {0};
    if (!position_parse(text, &p, &e)) fail_msg("%s", e.msg);
    return p;
}

static void both_text_forms_come_back_as_they_were(void **state) {
    (void)state;
    static const char *const texts[] = {"0000002a:000001f0:0003",
                                        "0000002a:000001f0:0003/7/0000002a:000001f0:0001/4",
                                        "ffffffff:ffffffff:ffff/-2147483648/ffffffff:ffffffff:ffff/255"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char buf[POSITION_TEXT_SIZE];
        Position p = position(texts[i]);
        assert_string_equal(position_format(&p, buf), texts[i]);
        assert_int_equal(position_is_end(&p), i == 0);
    }
}

static void parse_refuses_other_text_and_leaves_the_result_alone(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "0000002a:000001f0:0003/",
                                      "0000002a:000001f0:0003/7",
                                      "0000002a:000001f0:0003/7/0000002a:000001f0:0001",
                                      "0000002a:000001f0:0003/x/0000002a:000001f0:0001/4",
                                      "0000002a:000001f0:0003/2147483647/0000002a:000001f0:0001/4",
                                      "0000002a:000001f0:0003/7/0000002a:000001f0:0001/256",
                                      "0000002a:000001f0:0003/7/0000002a:000001f0:0001/4/",
                                      "0000002a:000001f0:00033/7/0000002a:000001f0:0001/4"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Position p = {.operation = 9};
        Err e = {0};
        assert_false(position_parse(bad[i], &p, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_int_equal(p.operation, 9);
    }
}

static void order_is_commit_then_command_then_seqval_then_operation(void **state) {
    (void)state;
    static const char *const rising[] = {
        "0000002a:000001f0:0003/1/0000002a:000001f0:0002/4", /* a later seqval in an earlier command */
        "0000002a:000001f0:0003/2/0000002a:000001f0:0001/1",
        "0000002a:000001f0:0003/2/0000002a:000001f0:0001/2",
        "0000002a:000001f0:0003/2/0000002a:000001f0:0002/1",
        "0000002a:000001f0:0003",
        "0000002a:000001f0:0004/-1/00000000:00000000:0000/0"};
    for (size_t i = 0; i < sizeof rising / sizeof *rising; i++) {
        for (size_t k = 0; k < sizeof rising / sizeof *rising; k++) {
            Position a = position(rising[i]), b = position(rising[k]);
            int c = position_cmp(&a, &b);
            assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
        }
    }
}

static void the_end_of_a_commit_is_behind_its_changes_and_before_the_next(void **state) {
    (void)state;
    Position change = position("0000002a:000001f0:0003/2147483646/ffffffff:ffffffff:ffff/255");
    Position end = position_end_of(&change.commit_lsn);
    Position next = position("0000002a:000001f0:0004/0/00000000:00000000:0000/0");
    assert_true(position_cmp(&change, &end) < 0);
    assert_true(position_cmp(&end, &next) < 0);
    assert_true(position_is_end(&end));
}

static void zero_is_before_everything(void **state) {
    (void)state;
    Position zero = {0}, first = position("00000000:00000000:0001");
    assert_true(position_is_zero(&zero));
    assert_false(position_is_zero(&first));
    assert_true(position_cmp(&zero, &first) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_text_forms_come_back_as_they_were),
        cmocka_unit_test(parse_refuses_other_text_and_leaves_the_result_alone),
        cmocka_unit_test(order_is_commit_then_command_then_seqval_then_operation),
        cmocka_unit_test(the_end_of_a_commit_is_behind_its_changes_and_before_the_next),
        cmocka_unit_test(zero_is_before_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
