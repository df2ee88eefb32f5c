#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "test.h"

enum { WRITERS = 3, READERS = 2, PER_WRITER = 5000, PATIENT_MS = 20000 };

static int numbers[64];
static int dropped;

static void count_drop(void *item) {
    (void)item;
    dropped++;
}

static void items_come_out_in_order_and_are_counted(void **state) {
    (void)state;
    Queue *q = queue_new(1000, 1000);
    for (int round = 0; round < 50; round++) { /* the ring wraps and grows */
        for (int i = 0; i <= round; i++) assert_int_equal(queue_put(q, &numbers[i], 2, 0), QUEUE_OK);
        assert_int_equal(queue_items(q), round + 1);
        assert_int_equal(queue_bytes(q), 2 * (round + 1));
        for (int i = 0; i <= round; i++) {
            void *item = NULL;
            assert_int_equal(queue_take(q, &item, 0), QUEUE_OK);
            assert_ptr_equal(item, &numbers[i]);
        }
    }
    assert_int_equal(queue_bytes(q), 0);
    q = queue_free(q, NULL);
    assert_null(q);
    assert_null(queue_free(NULL, NULL));
}

static void a_full_queue_keeps_the_writer_out(void **state) {
    (void)state;
    Queue *q = queue_new(2, 100);
    assert_int_equal(queue_put(q, &numbers[0], 10, 0), QUEUE_OK);
    assert_int_equal(queue_put(q, &numbers[1], 91, 0), QUEUE_TIMEOUT); /* by bytes */
    assert_int_equal(queue_put(q, &numbers[1], 90, 0), QUEUE_OK);
    assert_int_equal(queue_put(q, &numbers[2], 0, 0), QUEUE_TIMEOUT); /* by items */
    int64_t start = clock_mono_us();
    assert_int_equal(queue_put(q, &numbers[2], 0, 20), QUEUE_TIMEOUT);
    assert_true(clock_mono_us() - start >= 20000);
    dropped = 0;
    (void)queue_free(q, count_drop);
    assert_int_equal(dropped, 2);
}

static void one_item_always_fits_and_then_fills_the_queue(void **state) {
    (void)state;
    Queue *q = queue_new(10, 100);
    assert_int_equal(queue_put(q, &numbers[0], SIZE_MAX, 0), QUEUE_OK);
    assert_int_equal(queue_put(q, &numbers[1], 1, 0), QUEUE_TIMEOUT);
    void *item = NULL;
    assert_int_equal(queue_take(q, &item, 0), QUEUE_OK);
    assert_int_equal(queue_put(q, &numbers[1], 1, 0), QUEUE_OK);
    (void)queue_free(q, NULL);
}

static void an_empty_queue_times_out_and_leaves_the_result_alone(void **state) {
    (void)state;
    Queue *q = queue_new(1, 1);
    void *item = &numbers[7];
    assert_int_equal(queue_take(q, &item, 0), QUEUE_TIMEOUT);
    assert_int_equal(queue_take(q, &item, 10), QUEUE_TIMEOUT);
    assert_ptr_equal(item, &numbers[7]);
    (void)queue_free(q, NULL);
}

static void a_closed_queue_is_drained_then_says_closed(void **state) {
    (void)state;
    Queue *q = queue_new(4, 100);
    assert_int_equal(queue_put(q, &numbers[0], 1, 0), QUEUE_OK);
    queue_close(q);
    queue_close(q);
    assert_int_equal(queue_put(q, &numbers[1], 1, -1), QUEUE_CLOSED);
    void *item = NULL;
    assert_int_equal(queue_take(q, &item, -1), QUEUE_OK);
    assert_int_equal(queue_take(q, &item, -1), QUEUE_CLOSED);
    (void)queue_free(q, NULL);
}

static void *wait_to_take(void *arg) {
    void *item = NULL;
    return (void *)(uintptr_t)queue_take(arg, &item, -1);
}

static void *wait_to_put(void *arg) {
    return (void *)(uintptr_t)queue_put(arg, &numbers[1], 1, PATIENT_MS);
}

static void close_wakes_all_who_wait(void **state) {
    (void)state;
    Queue *empty = queue_new(1, 1), *full = queue_new(1, 1);
    assert_int_equal(queue_put(full, &numbers[0], 1, 0), QUEUE_OK);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i % 2 ? wait_to_put : wait_to_take, i % 2 ? full : empty), 0);
    queue_close(empty);
    queue_close(full);
    for (int i = 0; i < 4; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_int_equal((uintptr_t)result, QUEUE_CLOSED);
    }
    (void)queue_free(empty, NULL);
    (void)queue_free(full, NULL);
}

static void a_taker_is_waited_for(void **state) {
    (void)state;
    Queue *q = queue_new(2, 10);
    void *item = NULL, *result = NULL;
    pthread_t taker;
    assert_int_equal(queue_wait_taker(q, 0), QUEUE_TIMEOUT); /* empty, but nobody wants more */
    assert_int_equal(queue_put(q, &numbers[0], 1, 0), QUEUE_OK);
    assert_int_equal(queue_wait_taker(q, 5), QUEUE_TIMEOUT);
    assert_int_equal(queue_take(q, &item, 0), QUEUE_OK);
    assert_int_equal(pthread_create(&taker, NULL, wait_to_take, q), 0);
    assert_int_equal(queue_wait_taker(q, PATIENT_MS), QUEUE_OK);
    assert_int_equal(queue_put(q, &numbers[0], 1, 0), QUEUE_OK);
    assert_int_equal(pthread_join(taker, &result), 0);
    assert_int_equal((uintptr_t)result, QUEUE_OK);
    assert_int_equal(queue_wait_taker(q, 0), QUEUE_TIMEOUT);
    queue_close(q);
    assert_int_equal(queue_wait_taker(q, -1), QUEUE_CLOSED);
    (void)queue_free(q, NULL);
}

static void *write_many(void *arg) {
    for (int i = 0; i < PER_WRITER; i++) {
        int *item = x_malloc(sizeof *item);
        *item = i;
        if (queue_put(arg, item, (size_t)(i % 50), PATIENT_MS) != QUEUE_OK) {
            free(item);
            return "put";
        }
    }
    return NULL;
}

static void *read_many(void *arg) {
    uintptr_t sum = 0;
    void *item = NULL;
    while (queue_take(arg, &item, PATIENT_MS) == QUEUE_OK) {
        sum += (uintptr_t) * (int *)item;
        free(item);
    }
    return (void *)sum;
}

static void threads_hand_over_everything_once(void **state) {
    (void)state;
    Queue *q = queue_new(7, 120);
    pthread_t writers[WRITERS], readers[READERS];
    for (int i = 0; i < READERS; i++) assert_int_equal(pthread_create(&readers[i], NULL, read_many, q), 0);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(pthread_create(&writers[i], NULL, write_many, q), 0);
    for (int i = 0; i < WRITERS; i++) {
        void *failed = NULL;
        assert_int_equal(pthread_join(writers[i], &failed), 0);
        assert_null(failed);
    }
    queue_close(q);
    uintptr_t sum = 0;
    for (int i = 0; i < READERS; i++) {
        void *part = NULL;
        assert_int_equal(pthread_join(readers[i], &part), 0);
        sum += (uintptr_t)part;
    }
    assert_int_equal(sum, (uintptr_t)WRITERS * PER_WRITER * (PER_WRITER - 1) / 2);
    assert_int_equal(queue_items(q), 0);
    assert_int_equal(queue_bytes(q), 0);
    (void)queue_free(q, free);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_come_out_in_order_and_are_counted),
        cmocka_unit_test(a_full_queue_keeps_the_writer_out),
        cmocka_unit_test(one_item_always_fits_and_then_fills_the_queue),
        cmocka_unit_test(an_empty_queue_times_out_and_leaves_the_result_alone),
        cmocka_unit_test(a_closed_queue_is_drained_then_says_closed),
        cmocka_unit_test(close_wakes_all_who_wait),
        cmocka_unit_test(a_taker_is_waited_for),
        cmocka_unit_test(threads_hand_over_everything_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
