#include "cli/live.h"

#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "test.h"

static const char *number(int64_t n) {
    static Buf b;
    buf_clear(&b);
    live_number(n, &b);
    return buf_text(&b);
}

static const char *duration(int64_t us) {
    static Buf b;
    buf_clear(&b);
    live_duration(us, &b);
    return buf_text(&b);
}

static void numbers_are_grouped_by_thousands(void **state) {
    (void)state;
    assert_string_equal(number(0), "0");
    assert_string_equal(number(999), "999");
    assert_string_equal(number(1000), "1,000");
    assert_string_equal(number(-1234567), "-1,234,567");
}

static void durations_take_the_unit_that_reads_best(void **state) {
    (void)state;
    assert_string_equal(duration(830), "830 µs");
    assert_string_equal(duration(12540), "12.5 ms");
    assert_string_equal(duration(250000), "250 ms");
    assert_string_equal(duration(3200000), "3.2 s");
    assert_string_equal(duration(125000000), "2 min 05 s");
}

static Live sample(Metrics **ret) {
    Metrics *m = metrics_new();
    metric_add(metrics_get(m, METRIC_COUNTER, "millrace_rows_copied_total", STR_LIT("dbo.orders"), ""), 500);
    metric_set(metrics_get(m, METRIC_GAUGE, "millrace_rows_expected", STR_LIT("dbo.orders"), ""), 1000);
    metric_add(metrics_get(m, METRIC_COUNTER, "millrace_rows_copied_total", STR_LIT("dbo.customers"), ""),
               20);
    metric_add(metrics_get(m, METRIC_COUNTER, "millrace_changes_applied_total", STR_LIT("dbo.customers"), ""),
               7);
    metric_set(metrics_get(m, METRIC_GAUGE, "millrace_captured_time_us", (Str){0}, ""), 2500000);
    metric_set(metrics_get(m, METRIC_GAUGE, "millrace_position_time_us", (Str){0}, ""), 2000000);
    metric_set(metrics_get(m, METRIC_GAUGE, "millrace_lag_read_us", (Str){0}, ""), 200000);
    metric_set(metrics_get(m, METRIC_GAUGE, "millrace_lag_apply_us", (Str){0}, ""), 300000);
    Live l = {0};
    live_sample(&l, m);
    *ret = m;
    return l;
}

static void a_sample_gathers_tables_totals_and_lag(void **state) {
    (void)state;
    Metrics *m;
    Live l = sample(&m);
    assert_int_equal(l.table_count, 2);
    assert_int_equal(l.copied, 520);
    assert_int_equal(l.changes, 7);
    assert_int_equal(l.lag_us, 500000);
    assert_int_equal(l.lag_capture_us, -1);
    assert_int_equal(l.lag_read_us, 200000);
    assert_int_equal(l.tables[0].expected, 1000);
    assert_int_equal(l.tables[1].expected, -1);
    assert_true(l.rss_bytes > 0 && l.peak_rss_bytes >= l.rss_bytes);
    live_done(&l);
    metrics_free(m);
}

static void a_sink_s_lag_is_the_age_of_what_waits(void **state) {
    (void)state;
    Metrics *m = metrics_new();
    Live l = {0};
    Metric *oldest = metrics_get(m, METRIC_GAUGE, "millrace_oldest_waiting_time_us", (Str){0}, "");
    metric_set(oldest, -1);
    live_sample(&l, m);
    assert_int_equal(l.lag_us, -1);
    metric_set(oldest, 0);
    live_sample(&l, m);
    assert_int_equal(l.lag_us, 0);
    metric_set(oldest, l.wall_us - 7000000);
    live_sample(&l, m);
    assert_true(l.lag_us >= 7000000);
    metric_set(oldest, l.wall_us + 3600000000); /* a source whose clock is ahead */
    live_sample(&l, m);
    assert_int_equal(l.lag_us, 0);
    live_done(&l);
    metrics_free(m);
}

static void the_screen_has_a_line_a_table_and_fits_its_width(void **state) {
    (void)state;
    Metrics *m;
    Live l = sample(&m);
    CLEANUP(buf_done) Buf out = {0};
    live_screen(&l, &(LiveTitle){"warehouse", "running", "", NULL}, 1, 80, &out);
    const char *text = buf_text(&out);
    assert_non_null(strstr(text, "  dbo.orders"));
    assert_non_null(strstr(text, "  50 %"));
    assert_non_null(strstr(text, "lag 500 ms (read 200 ms, apply 300 ms)"));
    assert_non_null(strstr(text, "  total"));
    live_done(&l);
    metrics_free(m);
}

static void the_json_form_is_one_line_that_parses(void **state) {
    (void)state;
    Metrics *m;
    Live l = sample(&m);
    CLEANUP(buf_done) Buf out = {0};
    live_json(&l, &(LiveTitle){"ware\"house", "running", NULL, NULL}, "status", &out);
    const char *text = buf_text(&out);
    assert_ptr_equal(strchr(text, '\n'), text + out.n - 1);
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "pipeline")), "ware\"house");
    assert_int_equal(json_integer_value(json_object_get(o, "copied")), 520);
    assert_int_equal(json_array_size(json_object_get(o, "tables")), 2);
    json_decref(o);
    live_done(&l);
    metrics_free(m);
}

static void several_databases_stand_one_below_the_other(void **state) {
    (void)state;
    const Live lives[2] = {{.lag_us = -1}, {.lag_us = -1}};
    const LiveTitle titles[] = {{.pipeline = "shop", .state = "running", .database = "north"},
                                {.pipeline = "shop", .state = "failed", .why = "gone", .database = "south"}};
    CLEANUP(buf_done) Buf out = {0};
    live_screen(lives, titles, 2, 100, &out);
    const char *text = buf_text(&out), *north = strstr(text, "shop/north"),
               *south = strstr(text, "shop/south");
    assert_non_null(north);
    assert_true(south > north);
    assert_non_null(strstr(south, "gone"));
    assert_null(strstr(text + 1, "\x1b[H"));
    buf_clear(&out);
    live_json(&lives[1], &titles[1], "summary", &out);
    assert_non_null(strstr(buf_text(&out), "\"database\":\"south\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_grouped_by_thousands),
        cmocka_unit_test(durations_take_the_unit_that_reads_best),
        cmocka_unit_test(a_sample_gathers_tables_totals_and_lag),
        cmocka_unit_test(a_sink_s_lag_is_the_age_of_what_waits),
        cmocka_unit_test(the_screen_has_a_line_a_table_and_fits_its_width),
        cmocka_unit_test(the_json_form_is_one_line_that_parses),
        cmocka_unit_test(several_databases_stand_one_below_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
