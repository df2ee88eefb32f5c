#include "postgres/reporter.h"

#include <string.h>

#include "pg_rig.h"
#include "test.h"

static const Report hello = {.owner = "", .state = "failed", .why = "why not"};

static void a_report_connects_when_it_must(void **state) {
    (void)state;
    Rig rig;
    rig_open(&rig, UPSERT);
    const ConnectorContext context = {
        .name = "t", .topic_prefix = "srv", .metrics = rig.metrics, .is_stopping = &rig.is_stopping};
    Reporter *r = NULL;
    Err e = {0};
    if (!reporter_open(rig.options, &context, &r, &e)) fail_msg("%s", e.msg);
    if (!reporter_put(r, &hello, &e)) fail_msg("%s", e.msg);
    assert_string_equal(pg_fixture_text(rig.conn, "SELECT why FROM millrace.status"), "why not");
    pg_fixture_exec(rig.conn, "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                              " WHERE application_name = 'millrace report t'");
    Report again = hello;
    again.why = "not yet";
    assert_false(reporter_put(r, &again, &e)); /* the lost connection shows */
    assert_true(e.retriable);
    if (!reporter_put(r, &again, &e)) fail_msg("%s", e.msg);
    assert_string_equal(pg_fixture_text(rig.conn, "SELECT why FROM millrace.status"), "not yet");
    assert_null(reporter_close(r));
    rig_close(&rig);
}

static void a_target_that_is_down_is_an_error(void **state) {
    (void)state;
    Rig rig;
    rig_open(&rig, UPSERT);
    const Setting nowhere[] = {{"connection.url", "postgresql:///postgres?host=/nowhere&user=postgres"},
                               {NULL, NULL}};
    Options *options = options_of(nowhere);
    const ConnectorContext context = {
        .name = "t", .topic_prefix = "srv", .metrics = rig.metrics, .is_stopping = &rig.is_stopping};
    Reporter *r = NULL;
    Err e = {0};
    if (!reporter_open(options, &context, &r, &e)) fail_msg("%s", e.msg);
    assert_false(reporter_put(r, &hello, &e));
    assert_int_equal(e.code, ERR_IO);
    reporter_close(r);
    options_free(options);
    rig_close(&rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_connects_when_it_must),
        cmocka_unit_test(a_target_that_is_down_is_an_error),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
