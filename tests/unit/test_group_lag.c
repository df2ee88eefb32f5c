/* Before librdkafka's mock of a cluster. What a transaction's marks do to ends is for the tests of topics. */
#include "worker/group_lag.h"

#include <string.h>

#include "base/clock.h"
#include "sink_rig.h"

static GroupLag ask(const SinkRig *r, bool looks_into) {
    const GroupLagSpec spec = {.connector = "s", .options = r->options, .looks_into = looks_into};
    GroupLag g = {0};
    Err e = {0};
    if (!group_lag_ask(&spec, &g, &e)) fail_msg("%s", e.msg);
    return g;
}

/* As a member would. */
static void commit(const SinkRig *r, int64_t offset) {
    char why[128];
    rd_kafka_conf_t *conf = kafka_mock_conf(&r->mock);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "connect-s", why, sizeof why), RD_KAFKA_CONF_OK);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    assert_non_null(rk);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "t", 0)->offset = offset;
    assert_int_equal(rd_kafka_commit(rk, list, /* async= */ 0), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
}

static void what_waits_is_counted_from_what_is_committed(void **state) {
    (void)state;
    static const char *const settings[][2] = {{NULL, NULL}};
    SinkRig r;
    sink_rig_open(&r, settings);
    int64_t before_ms = clock_wall_us() / 1000;
    for (int i = 0; i < 3; i++) kafka_mock_put(&r.mock, "t", 0, "k", "v");
    kafka_mock_put(&r.mock, "t", 1, "k", "v");
    kafka_mock_flush(&r.mock);
    commit(&r, 1);
    GroupLag g = ask(&r, /* looks_into= */ true);
    assert_string_equal(g.group, "connect-s");
    assert_int_equal(g.member_count, 0);
    assert_int_equal(g.part_count, 2);
    assert_string_equal(g.parts[0].topic, "t");
    assert_int_equal(g.parts[0].committed, 1);
    assert_int_equal(g.parts[0].end, 3);
    assert_int_equal(g.parts[0].ahead, 2);
    assert_true(g.parts[0].is_looked_into && g.parts[0].oldest_ms >= before_ms);
    assert_int_equal(g.parts[1].committed, -1);
    assert_int_equal(g.parts[1].ahead, 1);
    group_lag_done(&g);
    commit(&r, 3);
    g = ask(&r, /* looks_into= */ true);
    assert_int_equal(g.parts[0].ahead, 0);
    assert_int_equal(g.parts[0].oldest_ms, -1);
    group_lag_done(&g);
    sink_rig_close(&r);
}

static void topics_go_by_the_expression_too(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"topics", ""}, {"topics.regex", "[a-z]"}, {NULL, NULL}};
    SinkRig r;
    sink_rig_open(&r, settings);
    GroupLag g = ask(&r, /* looks_into= */ false);
    assert_int_equal(g.part_count, 2);
    assert_false(g.parts[0].is_looked_into);
    group_lag_done(&g);
    sink_rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_is_counted_from_what_is_committed),
        cmocka_unit_test(topics_go_by_the_expression_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
