#include "transport/kafka_config.h"

#include <stdlib.h>
#include <string.h>

#include "test.h"

enum { SIZE = 256 };

static void set(KafkaConfig *c, const char *key, const char *value, TextList *warnings) {
    Err e = {0};
    if (!kafka_config_set(c, key, value, "w.properties:1", warnings, &e)) fail_msg("%s", e.msg);
}

static void assert_is(const KafkaConfig *c, const char *name, const char *value) {
    char buf[SIZE];
    assert_string_equal(kafka_config_get(c, name, buf, sizeof buf), value);
}

static void names_and_units_are_librdkafka_s_then(void **state) {
    (void)state;
    static const char *const given[][4] = {
        {"bootstrap.servers", "a:1,b:2", "bootstrap.servers", "a:1,b:2"},
        {"buffer.memory", "33554433", "queue.buffering.max.kbytes", "32769"},
        {"batch.size", "0", "batch.size", "1"},
        {"compression.type", "none", "compression.codec", "none"},
        {"compression.type", "zstd", "compression.codec", "zstd"},
        {"max.request.size", "10485760", "message.max.bytes", "10485760"},
        {"security.protocol", "SASL_SSL", "security.protocol", "sasl_ssl"},
        {"sasl.mechanism", "SCRAM-SHA-512", "sasl.mechanisms", "SCRAM-SHA-512"},
        {"send.buffer.bytes", "-1", "socket.send.buffer.bytes", "0"},
        {"ssl.endpoint.identification.algorithm", "", "ssl.endpoint.identification.algorithm", "none"},
        {"linger.ms", "20", "linger.ms", "20"},
    };
    KafkaConfig *c = kafka_config_new(KAFKA_PRODUCER);
    TextList warnings = {0};
    assert_is(c, "compression.codec", "lz4"); /* unless it is set */
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        set(c, given[i][0], given[i][1], &warnings);
        assert_is(c, given[i][2], given[i][3]);
    }
    assert_int_equal(warnings.count, 0);
    assert_is(c, "partitioner", "murmur2");
    assert_is(c, "max.in.flight.requests.per.connection", "5");
    set(c, "max.in.flight.requests.per.connection", "2", &warnings);
    assert_int_equal(warnings.count, 0);
    assert_is(c, "max.in.flight.requests.per.connection", "2");
    textlist_done(&warnings);
    kafka_config_free(c);
}

static void a_consumer_s_names_too(void **state) {
    (void)state;
    KafkaConfig *c = kafka_config_new(KAFKA_CONSUMER);
    TextList warnings = {0};
    set(c, "fetch.max.wait.ms", "7", &warnings);
    set(c, "auto.offset.reset", "none", &warnings);
    set(c, "partition.assignment.strategy",
        "org.apache.kafka.clients.consumer.RangeAssignor, "
        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
        &warnings);
    assert_int_equal(warnings.count, 0);
    assert_is(c, "fetch.wait.max.ms", "7");
    assert_is(c, "auto.offset.reset", "error");
    assert_is(c, "partition.assignment.strategy", "range,cooperative-sticky");
    assert_is(c, "isolation.level", "read_committed");
    kafka_config_free(c);
}

static void what_has_no_counterpart_is_said(void **state) {
    (void)state;
    KafkaConfig *c = kafka_config_new(KAFKA_PRODUCER);
    TextList w = {0};
    set(c, "max.block.ms", "1000", &w);
    set(c, "acks", "1", &w);
    set(c, "enable.idempotence", "false", &w);
    set(c, "enable.idempotence", "true", &w);
    set(c, "acks", "all", &w);
    set(c, "lingerr.ms", "1", &w);
    assert_int_equal(w.count, 4);
    assert_non_null(strstr(w.items[0], "w.properties:1: max.block.ms: has no effect"));
    assert_non_null(strstr(w.items[1], "acks=all"));
    assert_non_null(strstr(w.items[2], "enable.idempotence"));
    assert_non_null(strstr(w.items[3], "did you mean 'linger.ms'?"));
    assert_is(c, "acks", "-1");
    textlist_done(&w);
    kafka_config_free(c);
}

static void wrong_values_are_refused_and_not_shown(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"compression.type", "secret"},
        {"batch.size", "secret"},
        {"security.protocol", "secret"},
        {"acks", "secret"},
        {"linger.ms", "-5"},
        {"sasl.jaas.config", "secret"},
    };
    KafkaConfig *c = kafka_config_new(KAFKA_PRODUCER);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Err e = {0};
        assert_false(kafka_config_set(c, wrong[i][0], wrong[i][1], "f:3", NULL, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_int_equal(strncmp(e.msg, "f:3: ", 5), 0);
        if (i != 1) assert_null(strstr(e.msg, "secret"));
    }
    kafka_config_free(c);
}

static void logins_come_from_jaas(void **state) {
    (void)state;
    KafkaConfig *c = kafka_config_new(KAFKA_ADMIN);
    set(c, "sasl.jaas.config",
        "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"p\";",
        NULL);
    assert_is(c, "sasl.username", "u");
    assert_is(c, "sasl.password", "p");
    kafka_config_free(c);
}

static void stores_are_pem_or_pkcs12(void **state) {
    (void)state;
    Err e = {0};
    rd_kafka_conf_t *conf = NULL;
    char text[SIZE];
    size_t n = sizeof text;
    KafkaConfig *c = kafka_config_new(KAFKA_CONSUMER);
    set(c, "ssl.truststore.location", "/ca.jks", NULL);
    assert_false(kafka_config_take(c, NULL, &conf, &e));
    assert_non_null(strstr(e.msg, "keytool"));
    set(c, "ssl.truststore.location", "/ca", NULL);
    set(c, "ssl.truststore.type", "PEM", NULL);
    set(c, "ssl.keystore.location", "/key.p12", NULL);
    set(c, "ssl.keystore.password", "x", NULL);
    assert_true(kafka_config_take(c, NULL, &conf, &e));
    assert_int_equal(rd_kafka_conf_get(conf, "ssl.ca.location", text, &n), RD_KAFKA_CONF_OK);
    assert_string_equal(text, "/ca");
    n = sizeof text;
    assert_int_equal(rd_kafka_conf_get(conf, "ssl.keystore.location", text, &n), RD_KAFKA_CONF_OK);
    assert_string_equal(text, "/key.p12");
    rd_kafka_conf_destroy(conf);
    kafka_config_free(c);
}

/* What the finished configuration has; c is freed. */
static void check_finished(KafkaConfig *c, const char *name, const char *expected, size_t warnings) {
    Err e = {0};
    rd_kafka_conf_t *conf = NULL;
    TextList w = {0};
    char text[SIZE];
    assert_true(kafka_config_take(c, &w, &conf, &e));
    assert_string_equal(kafka_conf_get(conf, name, text, sizeof text), expected);
    assert_int_equal(kafka_conf_number(conf, name), strtoll(expected, NULL, 10));
    assert_int_equal(w.count, warnings);
    textlist_done(&w);
    rd_kafka_conf_destroy(conf);
    kafka_config_free(c);
}

static void five_requests_in_flight_are_the_most(void **state) {
    (void)state;
    static const char *const given[] = {"1", "5", "6", "100"};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        KafkaConfig *c = kafka_config_new(KAFKA_PRODUCER);
        set(c, "max.in.flight.requests.per.connection", given[i], NULL);
        check_finished(c, "max.in.flight.requests.per.connection", i < 2 ? given[i] : "5", i < 2 ? 0 : 1);
    }
}

static void a_record_s_time_stays_within_its_transaction_s(void **state) {
    (void)state;
    KafkaConfig *c = kafka_config_new(KAFKA_PRODUCER);
    set(c, "transaction.timeout.ms", "60000", NULL);
    set(c, "delivery.timeout.ms", "90000", NULL);
    check_finished(c, "delivery.timeout.ms", "60000", 1);
}

static void what_a_client_has_not_is_no_number(void **state) {
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    Err e = {0};
    assert_int_equal(kafka_conf_number(conf, "no.such.property"), -1);
    assert_int_equal(kafka_conf_number(conf, "client.id"), -1);
    assert_false(kafka_conf_set(conf, "linger.ms", "soon", &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    rd_kafka_conf_destroy(conf);
}

static void queue_of(const char *memory, const char *record, const char *expected, size_t warnings) {
    KafkaConfig *c = kafka_config_new(KAFKA_PRODUCER);
    if (memory) set(c, "buffer.memory", memory, NULL);
    if (record) set(c, "max.request.size", record, NULL);
    check_finished(c, "queue.buffering.max.kbytes", expected, warnings);
}

static void the_queue_takes_the_largest_record(void **state) {
    (void)state;
    queue_of(NULL, NULL, "5120", 0);
    queue_of("33554432", NULL, "32768", 0);
    queue_of(NULL, "12288000", "13024", 0);
    queue_of("1048576", "4096000", "5024", 1);
}

static void fetch_of(const char *bytes, const char *name, const char *expected) {
    KafkaConfig *c = kafka_config_new(KAFKA_CONSUMER);
    set(c, "fetch.max.bytes", bytes, NULL);
    check_finished(c, name, expected, 0);
}

static void any_size_of_a_fetch_is_taken_as_java_does(void **state) {
    (void)state;
    fetch_of("2048", "fetch.max.bytes", "2048");
    fetch_of("2048", "message.max.bytes", "2048");
    fetch_of("0", "fetch.max.bytes", "1000");
    fetch_of("52428800", "message.max.bytes", "1000000");
    fetch_of("52428800", "receive.message.max.bytes", "100000000");
    fetch_of("200000000", "receive.message.max.bytes", "200000512");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_units_are_librdkafka_s_then),
        cmocka_unit_test(what_a_client_has_not_is_no_number),
        cmocka_unit_test(the_queue_takes_the_largest_record),
        cmocka_unit_test(any_size_of_a_fetch_is_taken_as_java_does),
        cmocka_unit_test(a_consumer_s_names_too),
        cmocka_unit_test(what_has_no_counterpart_is_said),
        cmocka_unit_test(wrong_values_are_refused_and_not_shown),
        cmocka_unit_test(logins_come_from_jaas),
        cmocka_unit_test(stores_are_pem_or_pkcs12),
        cmocka_unit_test(a_record_s_time_stays_within_its_transaction_s),
        cmocka_unit_test(five_requests_in_flight_are_the_most),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
