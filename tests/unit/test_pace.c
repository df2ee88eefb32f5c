#include "sqlserver/pace.h"
#include "test.h"

enum { MOST_US = 500 * 1000, BEGIN_US = 1000000 };

static void after_news_the_next_look_comes_at_once(void **state) {
    (void)state;
    Pace p = pace_new(MOST_US, BEGIN_US);
    int64_t now = BEGIN_US + 3600 * INT64_C(1000000);
    assert_int_equal(pace_next_us(&p, now, /* cost_us= */ 300), now + MOST_US);
    pace_news(&p, now + 700); /* what that look brought is read now */
    assert_int_equal(pace_next_us(&p, now, /* cost_us= */ 300), now + PACE_LEAST_US);
}

static void without_news_the_wait_grows_with_the_quiet_up_to_the_interval(void **state) {
    (void)state;
    Pace p = pace_new(MOST_US, BEGIN_US);
    int64_t now = BEGIN_US, last_wait = 0;
    size_t looks = 0;
    while (now - BEGIN_US < 3000000) {
        int64_t next = pace_next_us(&p, now, /* cost_us= */ 300), wait = next - now;
        assert_true(wait >= last_wait && wait <= MOST_US);
        assert_true(wait <= PACE_LEAST_US || wait <= (now - BEGIN_US) / 4 + 1);
        last_wait = wait;
        now = next;
        looks++;
    }
    assert_int_equal(last_wait, MOST_US);
    assert_in_range(looks, 10, 40); /* a burst of changes costs few looks */
}

static void a_quiet_source_is_asked_once_an_interval(void **state) {
    (void)state;
    Pace p = pace_new(MOST_US, BEGIN_US);
    int64_t now = BEGIN_US + 60 * INT64_C(1000000);
    for (int i = 0; i < 10; i++) {
        int64_t next = pace_next_us(&p, now, /* cost_us= */ 300);
        assert_int_equal(next - now, MOST_US);
        now = next;
    }
}

static void a_dear_look_is_not_repeated_faster_than_it_takes(void **state) {
    (void)state;
    Pace p = pace_new(MOST_US, BEGIN_US);
    assert_int_equal(pace_next_us(&p, BEGIN_US, /* cost_us= */ 40000), BEGIN_US + 40000);
    assert_int_equal(pace_next_us(&p, BEGIN_US, 4 * MOST_US), BEGIN_US + MOST_US);
}

static void an_interval_below_the_least_wait_is_kept(void **state) {
    (void)state;
    Pace p = pace_new(1000, BEGIN_US);
    assert_int_equal(pace_next_us(&p, BEGIN_US, 300), BEGIN_US + 1000);
    p = pace_new(0, BEGIN_US);
    assert_int_equal(pace_next_us(&p, BEGIN_US + 5000000, 300), BEGIN_US + 5000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_news_the_next_look_comes_at_once),
        cmocka_unit_test(without_news_the_wait_grows_with_the_quiet_up_to_the_interval),
        cmocka_unit_test(a_quiet_source_is_asked_once_an_interval),
        cmocka_unit_test(a_dear_look_is_not_repeated_faster_than_it_takes),
        cmocka_unit_test(an_interval_below_the_least_wait_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
