#include "standin/store/lock.h"
#include "test.h"

#include <pthread.h>

#include "base/clock.h"

static const LockResource table = {.object_id = 7},
                          row1 = {.object_id = 7, .space = LOCK_ROW_SPACE, .key = 1},
                          row2 = {.object_id = 7, .space = LOCK_ROW_SPACE, .key = 2};

static LockResult try_lock(LockOwner *o, LockResource r, LockMode mode) {
    return lock_take(o, r, mode, LOCK_FOR_TRANSACTION, 0, NULL, NULL);
}

typedef struct Fixture {
    LockTable *t;
    LockOwner *a, *b, *c;
} Fixture;

static int setup(void **state) {
    static Fixture f;
    f.t = locktable_new();
    f.a = lockowner_new(f.t, 51);
    f.b = lockowner_new(f.t, 52);
    f.c = lockowner_new(f.t, 53);
    *state = &f;
    return 0;
}

static int teardown(void **state) {
    Fixture *f = *state;
    f->a = lockowner_free(f->a);
    f->b = lockowner_free(f->b);
    f->c = lockowner_free(f->c);
    f->t = locktable_free(f->t);
    return 0;
}

static void readers_share_and_a_writer_keeps_all_out(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, row1, LOCK_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row1, LOCK_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row1, LOCK_X), LOCK_BUSY);
    lock_release_all(f->a);
    assert_int_equal(try_lock(f->b, row1, LOCK_X), LOCK_GRANTED);
    assert_int_equal(try_lock(f->a, row1, LOCK_S), LOCK_BUSY);
    assert_int_equal(try_lock(f->a, row2, LOCK_X), LOCK_GRANTED);
}

static void update_locks_go_with_shared_ones_but_not_with_each_other(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, row1, LOCK_U), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row1, LOCK_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->c, row1, LOCK_U), LOCK_BUSY);
}

static void intent_locks_keep_table_locks_out(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, table, LOCK_IX), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, table, LOCK_IX), LOCK_GRANTED);
    assert_int_equal(try_lock(f->c, table, LOCK_S), LOCK_BUSY);
    assert_int_equal(try_lock(f->c, table, LOCK_SCH_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->a, table, LOCK_SCH_M), LOCK_BUSY);
    assert_true(lock_has_writers(f->c, 7));
    lock_release_all(f->a);
    lock_release_all(f->b);
    assert_false(lock_has_writers(f->c, 7));
}

static void a_table_lock_covers_its_rows(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, table, LOCK_X), LOCK_GRANTED);
    uint64_t before = locktable_count(f->t);
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    assert_int_equal(locktable_count(f->t), before);
}

static void many_row_locks_become_one_of_the_table(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, table, LOCK_IX), LOCK_GRANTED);
    for (int64_t i = 0; i < LOCK_ESCALATION + 10; i++) {
        LockResource r = {.object_id = 7, .space = LOCK_ROW_SPACE, .key = i};
        assert_int_equal(try_lock(f->a, r, LOCK_X), LOCK_GRANTED);
    }
    assert_true(locktable_count(f->t) < 100);
    assert_int_equal(try_lock(f->b, table, LOCK_IS), LOCK_BUSY);
}

static void row_locks_stay_while_others_are_in_the_table(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->b, table, LOCK_IX), LOCK_GRANTED);
    assert_int_equal(try_lock(f->a, table, LOCK_IX), LOCK_GRANTED);
    for (int64_t i = 0; i < LOCK_ESCALATION + 10; i++) {
        LockResource r = {.object_id = 7, .space = LOCK_ROW_SPACE, .key = i};
        assert_int_equal(try_lock(f->a, r, LOCK_X), LOCK_GRANTED);
    }
    assert_true(locktable_count(f->t) > LOCK_ESCALATION);
}

static void a_statements_locks_go_with_it(void **state) {
    Fixture *f = *state;
    assert_int_equal(lock_take(f->a, row1, LOCK_X, LOCK_FOR_STATEMENT, 0, NULL, NULL), LOCK_GRANTED);
    assert_int_equal(try_lock(f->a, row2, LOCK_X), LOCK_GRANTED);
    lock_release_statement(f->a);
    assert_int_equal(try_lock(f->b, row1, LOCK_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row2, LOCK_S), LOCK_BUSY);
}

static void a_rollback_to_a_savepoint_releases_what_came_after(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    uint64_t mark = lock_mark(f->a);
    assert_int_equal(try_lock(f->a, row2, LOCK_X), LOCK_GRANTED);
    lock_release_after(f->a, mark);
    assert_int_equal(try_lock(f->b, row2, LOCK_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row1, LOCK_S), LOCK_BUSY);
}

static void waiting_ends_after_the_timeout(void **state) {
    Fixture *f = *state;
    SqlError e;
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    LockResult r = lock_take(f->b, row1, LOCK_S, LOCK_FOR_TRANSACTION, 20, NULL, NULL);
    assert_int_equal(r, LOCK_TIMEOUT);
    assert_false(lock_error(f->b, r, &e));
    assert_int_equal(e.number, 1222);
    assert_false(lock_would_wait(f->a, row1, LOCK_X));
    assert_true(lock_would_wait(f->b, row1, LOCK_S));
}

static bool always(void *arg) {
    (void)arg;
    return true;
}

static void waiting_ends_when_it_is_cancelled(void **state) {
    Fixture *f = *state;
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    assert_int_equal(lock_take(f->b, row1, LOCK_S, LOCK_FOR_TRANSACTION, -1, always, NULL), LOCK_CANCELLED);
}

/* ---- in threads */

typedef struct Request {
    LockOwner *o;
    LockResource r;
    LockMode mode;
    LockResult result;
    pthread_t thread;
} Request;

static void *request_run(void *arg) {
    Request *q = arg;
    q->result = lock_take(q->o, q->r, q->mode, LOCK_FOR_TRANSACTION, -1, NULL, NULL);
    return NULL;
}

static void count_waiters(void *arg, const LockShown *l) {
    if (!l->is_granted) ++*(int *)arg;
}

static void wait_for_waiters(LockTable *t, int wanted) {
    int64_t end_us = clock_mono_us() + 10000000;
    for (int n = 0; n < wanted;) {
        n = 0;
        locktable_visit(t, count_waiters, &n);
        if (clock_mono_us() > end_us) fail_msg("%d of %d wait", n, wanted);
        clock_sleep_ms(1);
    }
}

static void start(Request *q) {
    assert_int_equal(pthread_create(&q->thread, NULL, request_run, q), 0);
}

static void whoever_waits_gets_it_when_it_is_free(void **state) {
    Fixture *f = *state;
    Request q = {.o = f->b, .r = row1, .mode = LOCK_X};
    assert_int_equal(try_lock(f->a, row1, LOCK_S), LOCK_GRANTED);
    start(&q);
    wait_for_waiters(f->t, 1);
    assert_int_equal(try_lock(f->c, row1, LOCK_S), LOCK_BUSY); /* not past the one who waits */
    lock_release_all(f->a);
    assert_int_equal(pthread_join(q.thread, NULL), 0);
    assert_int_equal(q.result, LOCK_GRANTED);
}

static void who_minds_none_that_waits_goes_past_them(void **state) {
    Fixture *f = *state;
    Request q = {.o = f->b, .r = table, .mode = LOCK_IX};
    assert_int_equal(try_lock(f->a, table, LOCK_X), LOCK_GRANTED);
    start(&q);
    wait_for_waiters(f->t, 1);
    assert_int_equal(try_lock(f->c, table, LOCK_SCH_S), LOCK_GRANTED);
    lock_release_all(f->a);
    assert_int_equal(pthread_join(q.thread, NULL), 0);
    assert_int_equal(q.result, LOCK_GRANTED);
}

static void a_circle_of_two_ends_with_the_one_who_closes_it(void **state) {
    Fixture *f = *state;
    SqlError e;
    Request q = {.o = f->a, .r = row2, .mode = LOCK_X};
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row2, LOCK_X), LOCK_GRANTED);
    start(&q);
    wait_for_waiters(f->t, 1);
    LockResult r = lock_take(f->b, row1, LOCK_X, LOCK_FOR_TRANSACTION, -1, NULL, NULL);
    assert_int_equal(r, LOCK_DEADLOCK);
    assert_false(lock_error(f->b, r, &e));
    assert_int_equal(e.number, 1205);
    lock_release_all(f->b);
    assert_int_equal(pthread_join(q.thread, NULL), 0);
    assert_int_equal(q.result, LOCK_GRANTED);
}

/* a waits for b, then b for a. */
static void close_circle(Fixture *f, Request *q, LockResult *ret) {
    *q = (Request){.o = f->a, .r = row2, .mode = LOCK_X};
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row2, LOCK_X), LOCK_GRANTED);
    start(q);
    wait_for_waiters(f->t, 1);
    if (*ret == LOCK_DEADLOCK) {
        assert_int_equal(lock_take(f->b, row1, LOCK_X, LOCK_FOR_TRANSACTION, -1, NULL, NULL), LOCK_DEADLOCK);
        lock_release_all(f->b);
        assert_int_equal(pthread_join(q->thread, NULL), 0);
        return;
    }
    Request second = {.o = f->b, .r = row1, .mode = LOCK_X};
    start(&second);
    assert_int_equal(pthread_join(q->thread, NULL), 0);
    lock_release_all(f->a);
    assert_int_equal(pthread_join(second.thread, NULL), 0);
    *ret = second.result;
}

static void the_lower_priority_is_the_victim(void **state) {
    Fixture *f = *state;
    Request q;
    LockResult closer = LOCK_GRANTED;
    lockowner_set_priority(f->a, -5);
    lock_note_work(f->a);
    close_circle(f, &q, &closer);
    assert_int_equal(q.result, LOCK_DEADLOCK);
    assert_int_equal(closer, LOCK_GRANTED);
}

static void of_one_priority_it_is_who_has_done_less(void **state) {
    Fixture *f = *state;
    Request q;
    LockResult closer = LOCK_GRANTED;
    lock_note_work(f->b);
    close_circle(f, &q, &closer);
    assert_int_equal(q.result, LOCK_DEADLOCK);
    lock_release_all(f->a);
    lock_release_all(f->b);
    lock_note_work(f->a);
    closer = LOCK_DEADLOCK;
    close_circle(f, &q, &closer);
    assert_int_equal(q.result, LOCK_GRANTED);
}

static void an_application_lock_is_given_back_as_often_as_it_was_taken(void **state) {
    Fixture *f = *state;
    const LockResource job = {.object_id = LOCK_APPLICATION - 5, .space = LOCK_ROW_SPACE, .key = 77};
    for (int i = 0; i < 2; i++)
        assert_int_equal(lock_take(f->a, job, LOCK_X, LOCK_FOR_SESSION, 0, NULL, NULL), LOCK_GRANTED);
    lock_release_all(f->a); /* a transaction's end: the session keeps it */
    assert_false(lock_release_one(f->a, job, LOCK_FOR_TRANSACTION));
    assert_true(lock_release_one(f->a, job, LOCK_FOR_SESSION));
    assert_int_equal(try_lock(f->b, job, LOCK_S), LOCK_BUSY);
    assert_true(lock_release_one(f->a, job, LOCK_FOR_SESSION));
    assert_int_equal(try_lock(f->b, job, LOCK_S), LOCK_GRANTED);
    assert_false(lock_release_one(f->a, job, LOCK_FOR_SESSION));
}

static void two_readers_who_both_want_to_write_are_a_circle(void **state) {
    Fixture *f = *state;
    Request q = {.o = f->a, .r = row1, .mode = LOCK_X};
    assert_int_equal(try_lock(f->a, row1, LOCK_S), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row1, LOCK_S), LOCK_GRANTED);
    start(&q);
    wait_for_waiters(f->t, 1);
    assert_int_equal(lock_take(f->b, row1, LOCK_X, LOCK_FOR_TRANSACTION, -1, NULL, NULL), LOCK_DEADLOCK);
    lock_release_all(f->b);
    assert_int_equal(pthread_join(q.thread, NULL), 0);
    assert_int_equal(q.result, LOCK_GRANTED);
}

static void a_circle_of_three_is_found(void **state) {
    Fixture *f = *state;
    const LockResource row3 = {.object_id = 8, .space = LOCK_ROW_SPACE, .key = 3};
    Request q1 = {.o = f->a, .r = row2, .mode = LOCK_X}, q2 = {.o = f->b, .r = row3, .mode = LOCK_X};
    assert_int_equal(try_lock(f->a, row1, LOCK_X), LOCK_GRANTED);
    assert_int_equal(try_lock(f->b, row2, LOCK_X), LOCK_GRANTED);
    assert_int_equal(try_lock(f->c, row3, LOCK_X), LOCK_GRANTED);
    start(&q1);
    start(&q2);
    wait_for_waiters(f->t, 2);
    assert_int_equal(lock_take(f->c, row1, LOCK_S, LOCK_FOR_TRANSACTION, -1, NULL, NULL), LOCK_DEADLOCK);
    lock_release_all(f->c);
    assert_int_equal(pthread_join(q2.thread, NULL), 0);
    lock_release_all(f->b);
    assert_int_equal(pthread_join(q1.thread, NULL), 0);
}

/* Counting under one row's lock from several threads: none is lost, and ThreadSanitizer sees the order. */
typedef struct Adder {
    LockTable *t;
    int spid;
    long *sum;
    pthread_t thread;
} Adder;

static void *adder_run(void *arg) {
    Adder *a = arg;
    LockOwner *o = lockowner_new(a->t, a->spid);
    for (int i = 0; i < 2000; i++) {
        LockResult r = lock_take(o, row1, LOCK_X, LOCK_FOR_TRANSACTION, -1, NULL, NULL);
        if (r == LOCK_GRANTED) ++*a->sum;
        lock_release_all(o);
    }
    (void)lockowner_free(o);
    return NULL;
}

static void an_exclusive_lock_lets_one_in_at_a_time(void **state) {
    Fixture *f = *state;
    long sum = 0;
    Adder adders[3];
    for (int i = 0; i < 3; i++) {
        adders[i] = (Adder){.t = f->t, .spid = 60 + i, .sum = &sum};
        assert_int_equal(pthread_create(&adders[i].thread, NULL, adder_run, &adders[i]), 0);
    }
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(adders[i].thread, NULL), 0);
    assert_int_equal(sum, 6000);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(readers_share_and_a_writer_keeps_all_out),
        TEST(update_locks_go_with_shared_ones_but_not_with_each_other),
        TEST(intent_locks_keep_table_locks_out),
        TEST(a_table_lock_covers_its_rows),
        TEST(many_row_locks_become_one_of_the_table),
        TEST(row_locks_stay_while_others_are_in_the_table),
        TEST(a_statements_locks_go_with_it),
        TEST(a_rollback_to_a_savepoint_releases_what_came_after),
        TEST(waiting_ends_after_the_timeout),
        TEST(waiting_ends_when_it_is_cancelled),
        TEST(whoever_waits_gets_it_when_it_is_free),
        TEST(who_minds_none_that_waits_goes_past_them),
        TEST(a_circle_of_two_ends_with_the_one_who_closes_it),
        TEST(two_readers_who_both_want_to_write_are_a_circle),
        TEST(a_circle_of_three_is_found),
        TEST(the_lower_priority_is_the_victim),
        TEST(of_one_priority_it_is_who_has_done_less),
        TEST(an_application_lock_is_given_back_as_often_as_it_was_taken),
        TEST(an_exclusive_lock_lets_one_in_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
