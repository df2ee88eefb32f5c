#include "worker/sink_task.h"

#include "base/clock.h"
#include "sink_rig.h"

static SinkTasks *started(const SinkRig *r) {
    const SinkTasksSpec spec = {.connector = "s",
                                .options = r->options,
                                .props = r->props,
                                .writer = &kept_class,
                                .metrics = r->metrics};
    SinkTasks *t = NULL;
    Err e = {0};
    if (!sink_tasks_start(&spec, &t, &e)) fail_msg("%s", e.msg);
    return t;
}

static void a_task_that_cannot_start_fails_with_the_reason(void **state) {
    (void)state;
    static const char *const settings[][2] = {
        {"key.converter", "no.such.Converter"}, {"tasks.max", "2"}, {NULL, NULL}};
    SinkRig r;
    Err why = {0};
    sink_rig_open(&r, settings);
    SinkTasks *t = started(&r);
    assert_int_equal(sink_tasks_count(t), 2);
    for (int i = 0; i < 1000 && sink_tasks_state(t, 1, NULL) != SINK_TASK_FAILED; i++) clock_sleep_ms(10);
    assert_int_equal(sink_tasks_state_of_all(t, &why), SINK_TASK_FAILED);
    assert_non_null(strstr(why.msg, "no.such.Converter"));
    assert_string_equal(sink_task_state_name(SINK_TASK_FAILED), "failed");
    assert_null(sink_tasks_stop(t));
    sink_rig_close(&r);
}

static void tasks_run_until_they_are_stopped(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"pk.mode", "record_key"}, {NULL, NULL}};
    SinkRig r;
    sink_rig_open(&r, settings);
    SinkTasks *t = started(&r);
    for (int i = 0; i < 1000 && sink_tasks_state_of_all(t, NULL) != SINK_TASK_RUNNING; i++)
        clock_sleep_ms(10);
    assert_int_equal(sink_tasks_state(t, 0, NULL), SINK_TASK_RUNNING);
    const Metric *oldest = metrics_find(r.metrics, "millrace_oldest_waiting_time_us", (Str){0});
    for (int i = 0; i < 1000 && metric_value(oldest) != 0; i++) clock_sleep_ms(10);
    assert_int_equal(metric_value(oldest), 0); /* all tasks are in their group, and nothing waits */
    sink_tasks_drain(t);
    for (int i = 0; i < 1000 && sink_tasks_state_of_all(t, NULL) != SINK_TASK_STOPPED; i++)
        clock_sleep_ms(10);
    assert_int_equal(sink_tasks_state(t, 0, NULL), SINK_TASK_STOPPED);
    assert_int_equal(metric_value(oldest), -1);
    sink_tasks_stop(t);
    sink_rig_close(&r);
}

static void a_target_that_is_back_ends_an_hour_s_wait(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"pk.mode", "record_key"},
                                              {"retry.backoff.ms", "3600000"},
                                              {"errors.retry.delay.max.ms", "3600000"},
                                              {NULL, NULL}};
    SinkRig r;
    sink_rig_open(&r, settings);
    target.is_away = true;
    SinkTasks *t = started(&r);
    for (int i = 0; i < 3000 && sink_tasks_state(t, 0, NULL) != SINK_TASK_RUNNING; i++) clock_sleep_ms(10);
    assert_int_equal(sink_tasks_state(t, 0, NULL), SINK_TASK_RUNNING);
    sink_tasks_stop(t);
    assert_int_equal(target.looks, 2);
    sink_rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_that_cannot_start_fails_with_the_reason),
        cmocka_unit_test(tasks_run_until_they_are_stopped),
        cmocka_unit_test(a_target_that_is_back_ends_an_hour_s_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
