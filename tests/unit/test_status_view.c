#include "cli/status_view.h"

#include <string.h>

#include <jansson.h>

#include "base/mem.h"
#include "test.h"

/* Literals stand where the list owns its texts; none of it is freed. */
#define TEXT(s) ((char *)(uintptr_t)(s))
#define T0      INT64_C(1767323045000000) /* 2026-01-02 03:04:05 UTC */

static StatusTable tables[] = {
    {.name = (char *)"dbo.orders",
     .copied = 1234567,
     .expected = 1200000,
     .is_done = true,
     .inserts = 3,
     .last_change_us = T0},
    {.name = (char *)"dbo.lines", .copied = 999, .expected = 1000},
    {.name = (char *)"dbo.odd", .expected = -1, .dead_letters = 4},
};

static StatusPipeline pipeline(void) {
    return (StatusPipeline){.pipeline = TEXT("shop"),
                            .database = TEXT("shopdb"),
                            .state = TEXT("streaming"),
                            .host = TEXT("h1"),
                            .version = TEXT("1"),
                            .process_id = 7,
                            .started_us = T0,
                            .heartbeat_us = T0,
                            .heartbeat_age_us = 400000,
                            .source_us = T0 + 2500000,
                            .captured = {TEXT("0000002a:00000001:0009"), T0},
                            .read = {TEXT("0000002a:00000001:0007"), T0 - 1000000},
                            .applied = {TEXT("0000002a:00000001:0005"), T0 - 4000000},
                            .lanes = 1,
                            .tables = tables,
                            .table_count = 3};
}

static void the_lag_falls_into_its_three_parts(void **state) {
    (void)state;
    StatusPipeline p = pipeline();
    StatusLag lag = status_view_lag(&p);
    assert_int_equal(lag.capture_us, 2500000);
    assert_int_equal(lag.read_us, 1000000);
    assert_int_equal(lag.apply_us, 3000000);
    p.applied = p.read;
    p.applied.commit_us = 0;
    assert_int_equal(status_view_lag(&p).apply_us, 0); /* the same LSN: no time is needed */
}

static void what_is_not_known_is_not_guessed(void **state) {
    (void)state;
    StatusPipeline p = pipeline();
    p.captured = (StatusMark){NULL, 0};
    p.read.commit_us = 0;
    StatusLag lag = status_view_lag(&p);
    assert_int_equal(lag.capture_us, -1);
    assert_int_equal(lag.read_us, -1);
    assert_int_equal(lag.apply_us, -1);
}

static void a_pipeline_that_was_idle_from_its_start_on_has_no_lag(void **state) {
    (void)state;
    StatusPipeline p = pipeline();
    p.read = (StatusMark){NULL, 0};
    p.applied = (StatusMark){p.captured.lsn, 0};
    StatusLag lag = status_view_lag(&p);
    assert_int_equal(lag.read_us, 0);
    assert_int_equal(lag.apply_us, 0);
}

static void failed_waiting_and_stale_are_not_healthy(void **state) {
    (void)state;
    static const struct {
        const char *state;
        int64_t age_us;
        bool is_healthy;
        const char *shown;
    } cases[] = {{"streaming", 1000, true, "streaming"},
                 {"copying", 1000, true, "copying"},
                 {"paused", 1000, true, "paused"},
                 {"waiting", 1000, false, "waiting"},
                 {"failed", 1000, false, "failed"},
                 {"failed", INT64_C(1) << 40, false, "failed"},
                 {"stopped", INT64_C(1) << 40, true, "stopped"},
                 {"streaming", 31000000, false, "stale"},
                 {"unknown", -1, false, "stale"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        StatusPipeline p = pipeline();
        p.state = TEXT(cases[i].state);
        p.heartbeat_age_us = cases[i].age_us;
        assert_int_equal(status_view_is_healthy(&p), cases[i].is_healthy);
        assert_string_equal(status_view_state(&p), cases[i].shown);
    }
}

static void the_text_names_all_of_it(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    StatusPipeline p = pipeline();
    const StatusList l = {.pipelines = &p, .count = 1, .now_us = T0};
    const StatusSource source = {
        .was_asked = true,
        .lag = {.max_age_us = 1500000, .has_scan = true, .scan_latency_s = 3, .scan_age_s = 1}};
    status_view_text(&l, &source, "\n", &out);
    static const char *const parts[] = {"shop  database shopdb  streaming",
                                        "1,234,567",
                                        "100 %",
                                        " 99 %",
                                        "2026-01-02 03:04:05",
                                        "capture at most 2.5 s, read 1.0 s, apply 3.0 s",
                                        "3 s from commit to capture",
                                        "committed 2026-01-02 03:04:01 UTC, 4.0 s ago",
                                        "4 dead letters"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (!strstr(buf_text(&out), parts[i])) fail_msg("no '%s' in:\n%s", parts[i], buf_text(&out));
}

static void the_json_has_numbers_and_nulls(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    StatusPipeline p = pipeline();
    p.applied.commit_us = 0;
    const StatusList l = {.pipelines = &p, .count = 1, .now_us = T0};
    status_view_json(&l, NULL, &out);
    json_t *o = json_loads(buf_text(&out), 0, NULL);
    assert_non_null(o);
    const json_t *got = json_array_get(json_object_get(o, "pipelines"), 0);
    const json_t *lag = json_object_get(got, "lag");
    assert_true(json_is_null(json_object_get(lag, "apply_s")));
    assert_float_equal(json_real_value(json_object_get(lag, "read_s")), 1.0, 0.001);
    const json_t *odd = json_array_get(json_object_get(got, "tables"), 2);
    assert_true(json_is_null(json_object_get(odd, "expected")));
    assert_null(json_object_get(o, "source"));
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lag_falls_into_its_three_parts),
        cmocka_unit_test(what_is_not_known_is_not_guessed),
        cmocka_unit_test(a_pipeline_that_was_idle_from_its_start_on_has_no_lag),
        cmocka_unit_test(failed_waiting_and_stale_are_not_healthy),
        cmocka_unit_test(the_text_names_all_of_it),
        cmocka_unit_test(the_json_has_numbers_and_nulls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
