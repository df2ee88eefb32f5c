#include "cli/compare.h"

#include "test.h"

static void equal_sides_are_equal_at_once(void **state) {
    (void)state;
    CompareTrack t = {0};
    assert_true(compare_track(&t, 7, 7, 100));
    CompareTrack gone = {0};
    assert_true(compare_track(&gone, 0, 0, 100));
}

static void a_difference_keeps_the_time_of_the_sources_last_change(void **state) {
    (void)state;
    CompareTrack t = {0};
    assert_false(compare_track(&t, 7, 8, 100));
    assert_false(compare_track(&t, 7, 8, 900));
    assert_false(compare_track(&t, 7, 9, 950));
    assert_int_equal(t.source_ms, 100); /* whatever the target does */
    assert_false(compare_track(&t, 6, 9, 990));
    assert_int_equal(t.source_ms, 990);
}

static void a_target_that_follows_a_hot_row_is_tracking(void **state) {
    (void)state;
    CompareTrack t = {0};
    assert_false(compare_track(&t, 1, 100, 0));
    assert_false(compare_track(&t, 2, 100, 200));
    assert_true(compare_track(&t, 3, 2, 400));
}

static void states_seen_long_ago_are_forgotten(void **state) {
    (void)state;
    CompareTrack t = {0};
    for (uint64_t i = 1; i <= COMPARE_SEEN + 1; i++) assert_false(compare_track(&t, i, 100, (int64_t)i));
    assert_false(compare_track(&t, COMPARE_SEEN + 1, 1, 50));
    assert_true(compare_track(&t, COMPARE_SEEN + 1, 2, 51));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_sides_are_equal_at_once),
        cmocka_unit_test(a_difference_keeps_the_time_of_the_sources_last_change),
        cmocka_unit_test(a_target_that_follows_a_hot_row_is_tracking),
        cmocka_unit_test(states_seen_long_ago_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
