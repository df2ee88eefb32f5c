#include "observe/progress.h"

#include "test.h"

static ProgressMark mark(uint8_t n, int64_t us) {
    return (ProgressMark){.lsn = {{0, 0, 0, 1, 0, 0, 0, n, 0, 1}}, .commit_us = us};
}

static void marks_are_kept_apart(void **state) {
    (void)state;
    Progress *p = progress_new();
    progress_captured(p, mark(9, 900), 950);
    progress_read(p, mark(7, 700));
    progress_applied(p, 0, mark(5, 500));
    progress_copying(p, true);
    ProgressView v = progress_view(p);
    assert_int_equal(v.captured.lsn.b[7], 9);
    assert_int_equal(v.source_us, 950);
    assert_true(v.asked_us > 0 && v.is_copying);
    assert_int_equal(progress_lag_us(&v.captured, &v.read), 200);
    assert_int_equal(progress_lag_us(&v.read, &v.applied), 200);
    progress_free(p);
}

static void the_lane_furthest_behind_tells_what_is_applied(void **state) {
    (void)state;
    Progress *p = progress_new();
    progress_applied(p, 0, mark(5, 500));
    progress_applied(p, 2, mark(3, 300));
    progress_applied(p, 1, mark(4, 400));
    assert_int_equal(progress_view(p).applied.commit_us, 300);
    progress_applied(p, 2, mark(8, 800));
    assert_int_equal(progress_view(p).applied.commit_us, 400);
    progress_free(p);
}

static void a_lane_without_a_position_is_behind_all(void **state) {
    (void)state;
    Progress *p = progress_new();
    progress_applied(p, 1, mark(4, 400));
    ProgressView v = progress_view(p);
    assert_true(lsn_is_zero(&v.applied.lsn));
    progress_free(p);
}

static void an_unknown_time_takes_none_away(void **state) {
    (void)state;
    Progress *p = progress_new();
    progress_read(p, mark(7, 700));
    progress_read(p, mark(7, 0));
    assert_int_equal(progress_view(p).read.commit_us, 700);
    progress_read(p, mark(8, 0));
    assert_int_equal(progress_view(p).read.commit_us, 0);
    progress_free(p);
}

static void a_lag_that_is_not_known_is_said_to_be(void **state) {
    (void)state;
    ProgressMark none = {0}, a = mark(1, 0), b = mark(2, 20), c = mark(2, 0);
    assert_int_equal(progress_lag_us(&none, &a), -1);
    assert_int_equal(progress_lag_us(&b, &a), -1);
    assert_int_equal(progress_lag_us(&b, &c), 0);
    assert_int_equal(progress_lag_us(&a, &b), 0);
}

static void nobody_asks(void **state) {
    (void)state;
    progress_captured(NULL, mark(1, 1), 1);
    progress_read(NULL, mark(1, 1));
    progress_applied(NULL, 0, mark(1, 1));
    progress_copying(NULL, true);
    ProgressView v = progress_view(NULL);
    assert_true(lsn_is_zero(&v.applied.lsn));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_are_kept_apart),
        cmocka_unit_test(the_lane_furthest_behind_tells_what_is_applied),
        cmocka_unit_test(a_lane_without_a_position_is_behind_all),
        cmocka_unit_test(an_unknown_time_takes_none_away),
        cmocka_unit_test(a_lag_that_is_not_known_is_said_to_be),
        cmocka_unit_test(nobody_asks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
