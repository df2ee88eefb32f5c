#include "worker/sink_conf.h"

#include <string.h>

#include "base/mem.h"
#include "config/option_connect.h"
#include "test.h"
#include "transport/kafka_option.h"
#include "worker/sink_task_option.h"

/* settings: pairs, NULL-terminated. */
static Options *options_of(const char *const (*settings)[2]) {
    const OptionTable tables[] = {sink_task_option_table(), kafka_option_worker_table(),
                                  option_connect_table()};
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    props_set(props, "name", STR_LIT("s"), "sink.json", 0);
    props_set(props, "connector.class", STR_LIT("x"), "sink.json", 0);
    props_set(props, "bootstrap.servers", STR_LIT("localhost:1"), "w", 0);
    for (; (*settings)[0]; settings++)
        props_set(props, (*settings)[0], str_from((*settings)[1]), "sink.json", 0);
    if (!options_parse_tables(tables, 3, props, &o, &e)) fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

static const char *value_of(const rd_kafka_conf_t *conf, const char *name) {
    static char text[256];
    size_t n = sizeof text;
    assert_int_equal(rd_kafka_conf_get(conf, name, text, &n), RD_KAFKA_CONF_OK);
    return text;
}

static SinkConsumerConf consumer_of(const char *const (*settings)[2]) {
    Options *o = options_of(settings);
    CLEANUP(textlist_done) TextList warnings = {0};
    SinkConsumerConf made = {0};
    Err e = {0};
    if (!sink_conf_consumer(o, "s", 2, &warnings, &made, &e)) fail_msg("%s", e.msg);
    options_free(o);
    return made;
}

static void the_group_is_the_connectors_and_offsets_are_ours(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"consumer.override.enable.auto.commit", "true"}, {NULL, NULL}};
    SinkConsumerConf made = consumer_of(settings);
    assert_string_equal(value_of(made.conf, "group.id"), "connect-s");
    assert_string_equal(value_of(made.conf, "client.id"), "millrace-s-2");
    assert_string_equal(value_of(made.conf, "enable.auto.commit"), "false");
    assert_string_equal(value_of(made.conf, "enable.auto.offset.store"), "false");
    assert_string_equal(value_of(made.conf, "auto.offset.reset"), "error");
    assert_string_equal(value_of(made.conf, "partition.assignment.strategy"), "cooperative-sticky");
    assert_false(made.is_reset_asked);
    assert_int_equal(made.reset, PARTITION_EARLIEST);
    rd_kafka_conf_destroy(made.conf);
}

static void a_group_of_the_users_stays(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"consumer.override.group.id", "mine"}, {NULL, NULL}};
    SinkConsumerConf made = consumer_of(settings);
    assert_string_equal(value_of(made.conf, "group.id"), "mine");
    rd_kafka_conf_destroy(made.conf);
}

static void tasks_share_the_queues_down_to_a_least_one(void **state) {
    (void)state;
    static const char *const two[][2] = {{"tasks.max", "2"}, {NULL, NULL}}, *const many[][2] = {
                                                                                {"tasks.max", "200"},
                                                                                {NULL, NULL}};
    SinkConsumerConf made = consumer_of(two);
    assert_string_equal(value_of(made.conf, "queued.max.messages.kbytes"), "3072");
    assert_string_equal(value_of(made.conf, "queued.min.messages"), "9000");
    rd_kafka_conf_destroy(made.conf);
    made = consumer_of(many);
    assert_string_equal(value_of(made.conf, "queued.max.messages.kbytes"), "2048");
    assert_string_equal(value_of(made.conf, "queued.min.messages"), "90");
    rd_kafka_conf_destroy(made.conf);
}

static void a_users_own_limits_stand(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"consumer.override.heartbeat.interval.ms", "2000"},
                                              {"consumer.override.max.partition.fetch.bytes", "99999"},
                                              {NULL, NULL}};
    SinkConsumerConf made = consumer_of(settings);
    assert_string_equal(value_of(made.conf, "heartbeat.interval.ms"), "2000");
    assert_string_equal(value_of(made.conf, "fetch.message.max.bytes"), "99999");
    rd_kafka_conf_destroy(made.conf);
}

static void a_reset_that_is_asked_for_is_told(void **state) {
    (void)state;
    static const struct {
        const char *text;
        PartitionReset reset;
    } cases[] = {{"latest", PARTITION_LATEST}, {"earliest", PARTITION_EARLIEST}, {"none", PARTITION_NONE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const settings[][2] = {{"consumer.override.auto.offset.reset", cases[i].text},
                                           {NULL, NULL}};
        SinkConsumerConf made = consumer_of(settings);
        assert_true(made.is_reset_asked);
        assert_int_equal(made.reset, cases[i].reset);
        rd_kafka_conf_destroy(made.conf);
    }
}

static void letters_have_a_client_of_their_own(void **state) {
    (void)state;
    static const char *const settings[][2] = {
        {"producer.override.linger.ms", "7"},
        {"producer.override.max.in.flight.requests.per.connection", "4"},
        {NULL, NULL}};
    Options *o = options_of(settings);
    CLEANUP(textlist_done) TextList warnings = {0};
    rd_kafka_conf_t *conf = NULL;
    Err e = {0};
    if (!sink_conf_letters(o, "s", 0, &warnings, &conf, &e)) fail_msg("%s", e.msg);
    assert_string_equal(value_of(conf, "client.id"), "millrace-dlq-s-0");
    assert_true(strncmp(value_of(conf, "linger.ms"), "7", 1) == 0);
    assert_string_equal(value_of(conf, "message.max.bytes"), "100000000");
    assert_string_equal(value_of(conf, "queue.buffering.max.kbytes"), "98680");
    assert_string_equal(value_of(conf, "max.in.flight.requests.per.connection"), "1");
    rd_kafka_conf_destroy(conf);
    options_free(o);
}

static void letters_are_bounded_as_the_user_says(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"producer.override.max.request.size", "20000000"},
                                              {NULL, NULL}};
    Options *o = options_of(settings);
    CLEANUP(textlist_done) TextList warnings = {0};
    rd_kafka_conf_t *conf = NULL;
    Err e = {0};
    if (!sink_conf_letters(o, "s", 0, &warnings, &conf, &e)) fail_msg("%s", e.msg);
    assert_string_equal(value_of(conf, "message.max.bytes"), "20000000");
    assert_string_equal(value_of(conf, "queue.buffering.max.kbytes"), "20555");
    rd_kafka_conf_destroy(conf);
    options_free(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_group_is_the_connectors_and_offsets_are_ours),
        cmocka_unit_test(a_group_of_the_users_stays),
        cmocka_unit_test(tasks_share_the_queues_down_to_a_least_one),
        cmocka_unit_test(a_users_own_limits_stand),
        cmocka_unit_test(a_reset_that_is_asked_for_is_told),
        cmocka_unit_test(letters_have_a_client_of_their_own),
        cmocka_unit_test(letters_are_bounded_as_the_user_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
