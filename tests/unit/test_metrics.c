#include "observe/metrics.h"

#include <pthread.h>
#include <stdlib.h>

#include "test.h"

static void the_same_name_and_table_give_the_same_metric(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Metric *a = metrics_get(m, METRIC_COUNTER, "rows_total", STR_LIT("dbo.a"), "rows");
    assert_ptr_equal(metrics_get(m, METRIC_COUNTER, "rows_total", STR_LIT("dbo.a"), "rows"), a);
    assert_ptr_not_equal(metrics_get(m, METRIC_COUNTER, "rows_total", STR_LIT("dbo.b"), "rows"), a);
    assert_ptr_not_equal(metrics_get(m, METRIC_COUNTER, "rows_total", STR_LIT(""), "rows"), a);
    assert_ptr_equal(metrics_find(m, "rows_total", STR_LIT("dbo.a")), a);
    assert_null(metrics_find(m, "rows_total", STR_LIT("dbo.c")));
    assert_null(metrics_free(m));
}

static void counters_add_and_gauges_are_set(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Metric *c = metrics_get(m, METRIC_COUNTER, "c", STR_LIT(""), ""),
           *g = metrics_get(m, METRIC_GAUGE, "g", STR_LIT(""), "");
    metric_add(c, 3);
    metric_add(c, 4);
    metric_set(g, 10);
    metric_add(g, -4);
    assert_int_equal(metric_value(c), 7);
    assert_int_equal(metric_value(g), 6);
    metrics_free(m);
}

static void a_walk_meets_each_metric_once_in_the_order_they_were_made(void **state) {
    (void)state;
    static const char *const names[] = {"zebra", "ant", "mole"};
    Metrics *m = metrics_new();
    for (size_t i = 0; i < 3; i++) metrics_get(m, METRIC_COUNTER, names[i], STR_LIT("t"), "help");
    MetricInfo info;
    size_t at = 0, met = 0;
    for (; metrics_next(m, &at, &info); met++) {
        assert_string_equal(info.name, names[met]);
        assert_string_equal(info.help, "help");
        assert_true(str_eq_c(info.table, "t"));
    }
    assert_int_equal(met, 3);
    metrics_free(m);
}

static void assert_near(int64_t is, int64_t should) {
    int64_t off = is > should ? is - should : should - is;
    if ((double)off > 0.04 * (double)should)
        fail_msg("%lld is over 4 %% off %lld", (long long)is, (long long)should);
}

static void a_quantile_of_one_value_is_within_four_percent_at_every_size(void **state) {
    (void)state;
    for (int64_t us = 1; us < INT64_MAX / 64; us = us * 21 / 20 + 1) {
        Metrics *m = metrics_new();
        Metric *h = metrics_get(m, METRIC_HISTOGRAM_US, "h", STR_LIT(""), "");
        metric_observe_us(h, us, 2);
        assert_near(metric_quantile_us(h, 0.5), us);
        assert_int_equal(metric_value(h), 2);
        metrics_free(m);
    }
}

static void quantiles_of_many_values_are_within_four_percent(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Metric *h = metrics_get(m, METRIC_HISTOGRAM_US, "h", STR_LIT(""), "");
    for (int64_t us = 1; us <= 100000; us++) metric_observe_us(h, us, 1);
    assert_near(metric_quantile_us(h, 0.5), 50000);
    assert_near(metric_quantile_us(h, 0.95), 95000);
    assert_near(metric_quantile_us(h, 0.99), 99000);
    assert_near(metric_quantile_us(h, 1), 100000);
    assert_int_equal(metric_quantile_us(h, 0), 1);
    metrics_free(m);
}

static void an_empty_histogram_and_times_that_went_back_give_zero(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Metric *h = metrics_get(m, METRIC_HISTOGRAM_US, "h", STR_LIT(""), "");
    assert_int_equal(metric_quantile_us(h, 0.5), 0);
    metric_observe_us(h, -5, 1);
    metric_observe_us(h, INT64_MAX, 1);
    assert_int_equal(metric_quantile_us(h, 0.5), 0);
    assert_near(metric_quantile_us(h, 1), INT64_MAX);
    metrics_free(m);
}

enum { THREADS = 4, ROUNDS = 20000 };

static void *count_up(void *registry) {
    for (int i = 0; i < ROUNDS; i++) {
        metric_add(metrics_get(registry, METRIC_COUNTER, "c", STR_LIT(""), ""), 1);
        metric_observe_us(metrics_get(registry, METRIC_HISTOGRAM_US, "h", STR_LIT(""), ""), i, 1);
    }
    return NULL;
}

static void nothing_is_lost_when_threads_count_at_once(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_create(&threads[i], NULL, count_up, m), 0);
    for (int i = 0; i < THREADS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(metric_value(metrics_find(m, "c", STR_LIT(""))), THREADS * ROUNDS);
    assert_int_equal(metric_value(metrics_find(m, "h", STR_LIT(""))), THREADS * ROUNDS);
    metrics_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_name_and_table_give_the_same_metric),
        cmocka_unit_test(counters_add_and_gauges_are_set),
        cmocka_unit_test(a_walk_meets_each_metric_once_in_the_order_they_were_made),
        cmocka_unit_test(a_quantile_of_one_value_is_within_four_percent_at_every_size),
        cmocka_unit_test(quantiles_of_many_values_are_within_four_percent),
        cmocka_unit_test(an_empty_histogram_and_times_that_went_back_give_zero),
        cmocka_unit_test(nothing_is_lost_when_threads_count_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
