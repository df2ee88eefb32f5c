#include "standin/exec/fault.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "test.h"

static Fault *fault;

static int set_up(void **state) {
    (void)state;
    fault = fault_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fault = fault_free(fault);
    return 0;
}

static bool never(void *arg) {
    (void)arg;
    return false;
}

/* True when asked for the n-th time. */
static bool count_to_zero(void *arg) {
    int *n = arg;
    return --*n == 0;
}

static int32_t fails_with(int spid, const char *statement) {
    SqlError e = {0};
    return fault_of_statement(fault, spid, str_from(statement), &e) ? e.number : 0;
}

static void statements_fail_as_often_as_was_said(void **state) {
    (void)state;
    fault_add(fault, &(FaultRule){.kind = FAULT_FAIL, .but_spid = 51, .times = 2, .error = {.number = 1205}});
    assert_int_equal(fails_with(51, "select 1"), 0);
    assert_int_equal(fails_with(52, "select 1"), 1205);
    assert_int_equal(fails_with(53, "select 1"), 1205);
    assert_int_equal(fails_with(52, "select 1"), 0);
}

static void a_rule_may_be_for_one_session(void **state) {
    (void)state;
    fault_add(fault, &(FaultRule){.kind = FAULT_FAIL, .spid = 51, .error = {.number = 596}});
    assert_int_equal(fails_with(52, "select 1"), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(fails_with(51, "select 1"), 596);
    fault_end_all(fault);
    assert_int_equal(fails_with(51, "select 1"), 0);
}

static void a_pattern_chooses_statements(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool fits;
    } cases[] = {
        {"select%", "SELECT 1", true},
        {"select%", " select 1", false},
        {"%from dbo.t", "select a from DBO.T", true},
        {"%", "", true},
        {"", "", true},
        {"", "a", false},
        {"_", "a", true},
        {"_", "", false},
        {"a_c%", "abc", true},
        {"%a%b%", "xaxxbx", true},
        {"%a%b%", "xbxxax", false},
        {"%%a", "aaa", true},
        {"%ab", "aab", true},
        {"ab%ab", "abab", true},
        {"ab%ab", "aba", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fault_add(fault,
                  &(FaultRule){.kind = FAULT_FAIL, .pattern = cases[i].pattern, .error = {.number = 50000}});
        if ((fails_with(51, cases[i].text) != 0) != cases[i].fits)
            fail_msg("%s %s", cases[i].pattern, cases[i].text);
        fault_end_all(fault);
    }
}

static void a_delay_takes_the_place_of_an_earlier_one_and_ends_early(void **state) {
    (void)state;
    int asked = 3;
    fault_add(fault, &(FaultRule){.kind = FAULT_DELAY, .ms = 3600000});
    fault_delay(fault, 51, count_to_zero, &asked);
    assert_int_equal(asked, 0);
    fault_add(fault, &(FaultRule){.kind = FAULT_DELAY, .ms = 0});
    fault_delay(fault, 51, never, NULL);
    int64_t start = clock_mono_us();
    fault_add(fault, &(FaultRule){.kind = FAULT_DELAY, .ms = 20});
    fault_delay(fault, 51, never, NULL);
    assert_true(clock_mono_us() - start >= 20000);
}

static void *hold(void *arg) {
    fault_hold(fault, 51, *(bool *)arg, never, NULL);
    return NULL;
}

static void a_held_session_goes_on_when_the_faults_end(void **state) {
    (void)state;
    pthread_t thread;
    bool within_answer = true;
    fault_add(fault, &(FaultRule){.kind = FAULT_HALF_OPEN, .but_spid = 52, .has_rows = true, .rows = 5});
    fault_hold(fault, 51, /* within_answer= */ false, never, NULL); /* its rows are within an answer */
    fault_hold(fault, 52, true, never, NULL);
    assert_int_equal(pthread_create(&thread, NULL, hold, &within_answer), 0);
    fault_end_all(fault);
    (void)pthread_join(thread, NULL);
}

static void a_cut_goes_before_a_stop_and_counts(void **state) {
    (void)state;
    FaultRule r = {0};
    assert_false(fault_of_answer(fault, 51, &r));
    fault_add(fault, &(FaultRule){.kind = FAULT_HALF_OPEN});
    assert_false(fault_of_answer(fault, 51, &r)); /* strikes before the answer */
    fault_add(fault, &(FaultRule){.kind = FAULT_CUT, .bytes = 100, .times = 1});
    assert_true(fault_of_answer(fault, 51, &r));
    assert_int_equal(r.kind, FAULT_CUT);
    assert_int_equal(r.bytes, 100);
    fault_strike(fault, FAULT_CUT, 51);
    assert_false(fault_of_answer(fault, 51, &r));
}

static bool is_shut(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static void a_failover_closes_all_but_the_one_that_asks_and_passes(void **state) {
    (void)state;
    int a[2], b[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    fault_connect(fault, 51, a[0]);
    fault_connect(fault, 52, b[0]);
    fault_failover(fault, 51, 3600000, 3600000);
    assert_true(is_shut(b[1]));
    assert_false(is_shut(a[1]));
    assert_true(fault_is_dropped(fault, 51));
    assert_true(fault_is_unavailable(fault) && fault_is_read_only(fault));
    fault_disconnect(fault, 51);
    assert_false(fault_is_dropped(fault, 51));
    fault_failover(fault, 51, 0, 3600000);
    assert_true(!fault_is_unavailable(fault) && fault_is_read_only(fault));
    fault_failover(fault, 51, 0, 0);
    assert_true(!fault_is_unavailable(fault) && !fault_is_read_only(fault));
    for (int i = 0; i < 2; i++) {
        (void)close(a[i]);
        (void)close(b[i]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(statements_fail_as_often_as_was_said),
        TEST(a_rule_may_be_for_one_session),
        TEST(a_pattern_chooses_statements),
        TEST(a_delay_takes_the_place_of_an_earlier_one_and_ends_early),
        TEST(a_held_session_goes_on_when_the_faults_end),
        TEST(a_cut_goes_before_a_stop_and_counts),
        TEST(a_failover_closes_all_but_the_one_that_asks_and_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
