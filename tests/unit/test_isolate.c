#include "postgres/isolate.h"

#include <string.h>

#include "test.h"

enum { MOST = 100000 };

typedef struct Fake {
    bool is_bad[MOST], is_in[MOST], was_refused[MOST];
    bool tells_culprit;
    size_t attempts, next; /* next: everything before it is settled */
    size_t breaks_at;      /* this attempt is lost with its connection */
} Fake;

static Fake fake;

static bool attempt(void *arg, size_t from, size_t to, size_t *ret_culprit, Err *e) {
    Fake *f = arg;
    assert_int_equal(from, f->next); /* in order */
    if (++f->attempts == f->breaks_at) return err_set(e, ERR_IO, true, "connection lost");
    for (size_t i = from; i < to; i++) {
        if (!f->is_bad[i]) continue;
        if (f->tells_culprit) *ret_culprit = i;
        return err_set(e, ERR_DATA, false, "bad");
    }
    for (size_t i = from; i < to; i++) f->is_in[i] = true;
    f->next = to;
    return true;
}

static bool refused(void *arg, size_t at, Err *e) {
    Fake *f = arg;
    assert_int_equal(e->code, ERR_DATA);
    assert_int_equal(at, f->next);
    f->was_refused[at] = true;
    f->next = at + 1;
    return true;
}

static bool run(size_t n, Err *e) {
    const IsolateHost host = {.attempt = attempt, .refused = refused, .arg = &fake};
    return isolate(&host, 0, n, e);
}

static void must_settle(size_t n) {
    Err e = {0};
    assert_true(run(n, &e));
    assert_int_equal(fake.next, n);
    for (size_t i = 0; i < n; i++) {
        assert_true(fake.is_in[i] == !fake.is_bad[i]);
        assert_true(fake.was_refused[i] == fake.is_bad[i]);
    }
}

static void every_pattern_of_eight_is_told_apart(void **state) {
    (void)state;
    for (unsigned bits = 0; bits < 512; bits++) {
        memset(&fake, 0, sizeof fake);
        fake.tells_culprit = bits & 256;
        for (size_t i = 0; i < 8; i++) fake.is_bad[i] = bits >> i & 1;
        must_settle(8);
    }
}

static void one_in_a_hundred_thousand_takes_some_dozens_of_attempts(void **state) {
    (void)state;
    const size_t places[] = {0, 1, MOST / 3, MOST / 2, MOST - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        memset(&fake, 0, sizeof fake);
        fake.is_bad[places[i]] = true;
        must_settle(MOST);
        assert_true(fake.attempts <= 2 * 17 + 2);
    }
}

static void the_culprit_that_is_known_is_not_searched(void **state) {
    (void)state;
    memset(&fake, 0, sizeof fake);
    fake.tells_culprit = true;
    for (size_t i = 0; i < MOST; i += 100) fake.is_bad[i] = true;
    must_settle(MOST);
    assert_true(fake.attempts <= 2 * (MOST / 100) + 1);
}

static void bad_ones_cost_by_the_logarithm(void **state) {
    (void)state;
    memset(&fake, 0, sizeof fake);
    for (size_t i = 0; i < 50; i++) fake.is_bad[i * 1999] = true;
    must_settle(MOST);
    assert_true(fake.attempts <= 50 * 2 * 17);
}

static void another_failure_ends_it(void **state) {
    (void)state;
    for (size_t at = 1; at < 8; at++) {
        memset(&fake, 0, sizeof fake);
        fake.is_bad[5] = true;
        fake.breaks_at = at;
        Err e = {0};
        bool ok = run(8, &e);
        if (fake.attempts < at) break;
        assert_false(ok);
        assert_int_equal(e.code, ERR_IO);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pattern_of_eight_is_told_apart),
        cmocka_unit_test(one_in_a_hundred_thousand_takes_some_dozens_of_attempts),
        cmocka_unit_test(the_culprit_that_is_known_is_not_searched),
        cmocka_unit_test(bad_ones_cost_by_the_logarithm),
        cmocka_unit_test(another_failure_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
