/* mock_kafka.h - librdkafka's own mock of a cluster, for tests without a broker. */
#ifndef MOCK_KAFKA_H
#define MOCK_KAFKA_H

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "test.h"

typedef struct MockKafka {
    rd_kafka_t *rk;
    rd_kafka_mock_cluster_t *cluster;
} MockKafka;

static inline MockKafka mock_kafka_new(void) {
    char why[256];
    MockKafka m = {.rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof why)};
    if (!m.rk) fail_msg("%s", why);
    m.cluster = rd_kafka_mock_cluster_new(m.rk, 1);
    assert_non_null(m.cluster);
    return m;
}

static inline void mock_kafka_done(MockKafka *m) {
    rd_kafka_mock_cluster_destroy(m->cluster);
    rd_kafka_destroy(m->rk);
}

static inline rd_kafka_conf_t *mock_kafka_conf(const MockKafka *m) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(m->cluster), why,
                          sizeof why) != RD_KAFKA_CONF_OK)
        fail_msg("%s", why);
    return conf;
}

#endif
