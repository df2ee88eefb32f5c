/*
 * kafka_mock.h - librdkafka's own cluster of mock brokers, for tests of clients: one broker on a loopback
 * port, topics of some partitions, records put into them by a producer.
 */
#ifndef TESTS_KAFKA_MOCK_H
#define TESTS_KAFKA_MOCK_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <string.h>

#include "test.h"
#include "transport/kafka_error.h"

typedef struct KafkaMock {
    rd_kafka_t *rk; /* a producer; it has the cluster */
    rd_kafka_mock_cluster_t *cluster;
} KafkaMock;

__attribute__((unused)) static void kafka_mock_silent(const rd_kafka_t *rk, int level, const char *fac,
                                                      const char *buf) {
    (void)rk;
    (void)level;
    (void)fac;
    (void)buf;
}

static inline rd_kafka_conf_t *kafka_mock_conf(const KafkaMock *m) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[128];
    rd_kafka_conf_set_log_cb(conf, kafka_mock_silent);
    if (m->cluster &&
        rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(m->cluster), why,
                          sizeof why) != RD_KAFKA_CONF_OK)
        fail_msg("%s", why);
    return conf;
}

static inline void kafka_mock_open(KafkaMock *m, const char *topic, int partitions) {
    char why[128];
    *m = (KafkaMock){0};
    rd_kafka_conf_t *conf = kafka_mock_conf(m);
    m->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!m->rk) fail_msg("%s", why);
    m->cluster = rd_kafka_mock_cluster_new(m->rk, 1);
    assert_non_null(m->cluster);
    assert_int_equal(rd_kafka_mock_topic_create(m->cluster, topic, partitions, 1),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(rd_kafka_brokers_add(m->rk, rd_kafka_mock_cluster_bootstraps(m->cluster)) > 0);
}

static inline void kafka_mock_close(KafkaMock *m) {
    (void)rd_kafka_flush(m->rk, 10000);
    rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
}

static inline void kafka_mock_put(KafkaMock *m, const char *topic, int partition, const char *key,
                                  const char *value) {
    void *k = (void *)(uintptr_t)key, *v = (void *)(uintptr_t)value; /* copied */
    const rd_kafka_vu_t message[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = topic},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {k, key ? strlen(key) : 0}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {v, value ? strlen(value) : 0}},
        {.vtype = RD_KAFKA_VTYPE_HEADER, .u.header = {.name = "h", .val = "1", .size = 1}},
    };
    rd_kafka_resp_err_t code =
        kafka_error_code(rd_kafka_produceva(m->rk, message, sizeof message / sizeof *message));
    assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

static inline void kafka_mock_flush(KafkaMock *m) {
    assert_int_equal(rd_kafka_flush(m->rk, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* The first record of a topic; the caller destroys it, and the client that read it. */
static inline rd_kafka_message_t *kafka_mock_first(const KafkaMock *m, const char *topic,
                                                   rd_kafka_t **ret_rk) {
    char why[128];
    rd_kafka_conf_t *conf = kafka_mock_conf(m);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "look", why, sizeof why), RD_KAFKA_CONF_OK);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!rk) fail_msg("%s", why);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, topic, 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(rk, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_message_t *message = NULL;
    for (int i = 0; i < 100 && (!message || message->err); i++) {
        if (message) rd_kafka_message_destroy(message);
        message = rd_kafka_consumer_poll(rk, 100);
    }
    *ret_rk = rk;
    return message;
}

#endif
