/* wire_rig.h - what goes into topics in tests: options of a source with topics, and librdkafka's mock. */
#ifndef WIRE_RIG_H
#define WIRE_RIG_H

#include "config/option_connect.h"
#include "convert/wire_option.h"
#include "mock_kafka.h"
#include "transport/kafka_option.h"

static const OptionDef wire_rig_source[] = {
    {.key = "topic.prefix", .type = OPTION_STRING},
    {.key = "database.names", .type = OPTION_LIST},
    {.key = "table.include.list", .type = OPTION_REGEXES},
    {.key = "table.exclude.list", .type = OPTION_REGEXES},
    {.key = "signal.data.collection", .type = OPTION_STRING},
    {.key = "signal.enabled.channels", .type = OPTION_LIST, .standard = "source"},
    {.key = "heartbeat.interval.ms", .type = OPTION_DURATION, .standard = "0"},
};

/* worker's and connector's in one, as text lines; servers may be NULL. */
static inline Options *wire_rig_options(const char *servers, const char *text) {
    Props *props = props_new();
    Options *o = NULL;
    Err e = {0};
    const OptionTable tables[] = {{wire_options_table, WIRE_OPTION_COUNT},
                                  kafka_option_source_table(),
                                  {wire_rig_source, sizeof wire_rig_source / sizeof *wire_rig_source},
                                  option_connect_table(),
                                  kafka_option_worker_table()};
    props_set(props, "name", STR_LIT("src"), "rig", 0);
    props_set(props, "connector.class", STR_LIT("x"), "rig", 0);
    props_set(props, "topic.prefix", STR_LIT("p"), "rig", 0);
    props_set(props, "database.names", STR_LIT("db"), "rig", 0);
    props_set(props, "group.id", STR_LIT("g"), "rig", 0);
    props_set(props, "offset.storage.topic", STR_LIT("offsets"), "rig", 0);
    props_set(props, "bootstrap.servers", str_from(servers ? servers : "127.0.0.1:1"), "rig", 0);
    if (!props_parse_properties(props, "rig", str_from(text), &e) ||
        !options_parse_tables(tables, sizeof tables / sizeof *tables, props, &o, &e))
        fail_msg("%s", e.msg);
    props_free(props);
    return o;
}

typedef struct TopicRecord {
    int32_t partition;
    char key[256], value[2048]; /* cut; "" = null */
    size_t header_count;
} TopicRecord;

/* All of a topic, committed or not (the mock doesn't filter). */
static inline size_t wire_rig_read(const MockKafka *m, const char *topic, int partitions, TopicRecord *ret,
                                   size_t most) {
    char why[256];
    rd_kafka_conf_t *conf = mock_kafka_conf(m);
    (void)rd_kafka_conf_set(conf, "group.id", "rig", why, sizeof why);
    (void)rd_kafka_conf_set(conf, "enable.partition.eof", "true", why, sizeof why);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    size_t n = 0;
    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(rk, list), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int open = partitions; open > 0;) {
        rd_kafka_message_t *r = rd_kafka_consumer_poll(rk, 20000);
        assert_non_null(r);
        if (r->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) open--;
        else {
            assert_int_equal(r->err, RD_KAFKA_RESP_ERR_NO_ERROR);
            assert_true(n < most);
            rd_kafka_headers_t *headers = NULL;
            TopicRecord *to = &ret[n++];
            *to = (TopicRecord){.partition = r->partition};
            (void)snprintf(to->key, sizeof to->key, "%.*s", (int)r->key_len, r->key ? (char *)r->key : "");
            (void)snprintf(to->value, sizeof to->value, "%.*s", (int)r->len,
                           r->payload ? (char *)r->payload : "");
            if (rd_kafka_message_headers(r, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR)
                to->header_count = rd_kafka_header_cnt(headers);
        }
        rd_kafka_message_destroy(r);
    }
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_destroy(rk);
    return n;
}

#endif
