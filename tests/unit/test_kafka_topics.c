#include "transport/kafka_topics.h"

#include <string.h>

#include "config/option_connect.h"
#include "mock_kafka.h"
#include "test.h"
#include "transport/kafka_option.h"

static Options *parse(const char *text) {
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    const OptionTable tables[] = {kafka_option_worker_table(), kafka_option_source_table(),
                                  option_connect_table()};
    if (!props_parse_properties(props, "source", str_from(text), &e) ||
        !options_parse_tables(tables, 3, props, &o, &e))
        fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

#define NAMED "name=s\nconnector.class=x\nbootstrap.servers=a:1\n"

static void assert_config(const KafkaTopicSpec *spec, const char *name, const char *value) {
    for (size_t i = 0; i < spec->config_count; i++)
        if (strcmp(spec->config[i][0], name) == 0) {
            assert_string_equal(spec->config[i][1], value);
            return;
        }
    fail_msg("%s isn't set", name);
}

static void without_properties_topics_have_three_partitions_and_a_week(void **state) {
    (void)state;
    Options *o = parse(NAMED);
    KafkaTopicRules *r = NULL;
    KafkaTopicSpec spec;
    Err e = {0};
    assert_true(kafka_topic_rules_new(o, &r, &e));
    assert_true(kafka_topic_rules_find(r, "p.d.s.t", &spec));
    assert_int_equal(spec.partitions, 3);
    assert_int_equal(spec.replication, -1);
    assert_config(&spec, "retention.ms", "604800000");
    kafka_topic_rules_free(r);
    options_free(o);
}

static void groups_take_their_topics_and_leave_the_rest_to_default(void **state) {
    (void)state;
    Options *o = parse(NAMED "topic.creation.groups=big,big.logs\n"
                             "topic.creation.default.partitions=5\n"
                             "topic.creation.default.replication.factor=2\n"
                             "topic.creation.default.retention.ms=1000\n"
                             "topic.creation.big.include=p[.]d[.]big.*\n"
                             "topic.creation.big.exclude=p[.]d[.]bigger\n"
                             "topic.creation.big.partitions=12\n"
                             "topic.creation.big.cleanup.policy=compact\n"
                             "topic.creation.big.logs.include=logs\n");
    KafkaTopicRules *r = NULL;
    KafkaTopicSpec spec;
    Err e = {0};
    if (!kafka_topic_rules_new(o, &r, &e)) fail_msg("%s", e.msg);
    assert_true(kafka_topic_rules_find(r, "p.d.big1", &spec));
    assert_int_equal(spec.partitions, 12);
    assert_int_equal(spec.replication, 2);
    assert_config(&spec, "cleanup.policy", "compact");
    assert_true(kafka_topic_rules_find(r, "p.d.bigger", &spec));
    assert_int_equal(spec.partitions, 5);
    assert_config(&spec, "retention.ms", "1000");
    assert_true(kafka_topic_rules_find(r, "logs", &spec));
    assert_int_equal(spec.partitions, 5);
    assert_int_equal(spec.config_count, 0);
    assert_true(kafka_topic_rules_find(r, "P.D.big1", &spec)); /* letter case counts: the default's */
    assert_int_equal(spec.partitions, 5);
    kafka_topic_rules_free(r);
    options_free(o);
}

static void nothing_is_made_when_the_worker_says_so(void **state) {
    (void)state;
    Options *o = parse(NAMED "topic.creation.enable=false\n");
    KafkaTopicRules *r = NULL;
    KafkaTopicSpec spec;
    Err e = {0};
    assert_true(kafka_topic_rules_new(o, &r, &e));
    assert_false(kafka_topic_rules_find(r, "t", &spec));
    kafka_topic_rules_free(r);
    options_free(o);
}

static void mistakes_are_named(void **state) {
    (void)state;
    static const char *const wrong[] = {
        "topic.creation.groups=a\ntopic.creation.b.partitions=3\n", "topic.creation.default.partitions=0\n",
        "topic.creation.default.replication.factor=many\n",         "topic.creation.default.include=.*\n",
        "topic.creation.groups=a\ntopic.creation.a.include=(\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, NAMED "%s", wrong[i]);
        Options *o = parse(text);
        KafkaTopicRules *r = NULL;
        Err e = {0};
        assert_false(kafka_topic_rules_new(o, &r, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, "source:"));
        assert_non_null(strstr(e.msg, "topic.creation."));
        options_free(o);
    }
}

enum { LIST_OFFSETS = 2 }; /* Kafka's protocol: API keys */

static rd_kafka_t *client_of(const MockKafka *m) {
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, mock_kafka_conf(m), why, sizeof why);
    if (!rk) fail_msg("%s", why);
    return rk;
}

/* The metadata name a leader at once; it answers only the third time. */
static void leaders_are_awaited_until_they_answer(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "t", 3, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_mock_push_request_errors(m.cluster, LIST_OFFSETS, 2, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
                                      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    rd_kafka_t *rk = client_of(&m);
    assert_true(kafka_topics_await(rk, "t", /* most= */ 0));
    assert_true(kafka_topics_await(rk, "t", 1));
    rd_kafka_destroy(rk);
    mock_kafka_done(&m);
}

static void a_partition_without_a_leader_counts_where_it_is_asked_for(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "t", 2, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_mock_partition_set_leader(m.cluster, "t", 1, -1), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_t *rk = client_of(&m);
    assert_true(kafka_topics_await(rk, "t", 1));
    assert_false(kafka_topics_await(rk, "t", /* most= */ 0));
    rd_kafka_destroy(rk);
    mock_kafka_done(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_properties_topics_have_three_partitions_and_a_week),
        cmocka_unit_test(groups_take_their_topics_and_leave_the_rest_to_default),
        cmocka_unit_test(nothing_is_made_when_the_worker_says_so),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(leaders_are_awaited_until_they_answer),
        cmocka_unit_test(a_partition_without_a_leader_counts_where_it_is_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
