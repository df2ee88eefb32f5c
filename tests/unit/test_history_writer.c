/* The history's own producer, before librdkafka's own broker for tests: a record is in once put returns. */
#include "test.h"

#include <librdkafka/rdkafka.h>

#include "kafka/history_writer.h"

static rd_kafka_conf_t *conf_of(const char *name, const char *value) {
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, name, value, why, sizeof why), RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "log_level", "0", why, sizeof why), RD_KAFKA_CONF_OK);
    return conf;
}

static void a_record_is_acknowledged(void **state) {
    (void)state;
    HistoryWriter *w = NULL;
    Err e = {0};
    assert_true(history_writer_open(conf_of("test.mock.num.brokers", "1"), &w, &e));
    if (!history_writer_put(w, "history", STR_LIT("{}"), &e)) fail_msg("%s", e.msg);
    assert_true(history_writer_put(w, "history", STR_LIT("{}"), &e));
    history_writer_close(w);
}

static void no_broker_is_an_error(void **state) {
    (void)state;
    char why[256];
    rd_kafka_conf_t *conf = conf_of("bootstrap.servers", "127.0.0.1:1");
    HistoryWriter *w = NULL;
    Err e = {0};
    assert_int_equal(rd_kafka_conf_set(conf, "message.timeout.ms", "200", why, sizeof why), RD_KAFKA_CONF_OK);
    assert_true(history_writer_open(conf, &w, &e));
    assert_false(history_writer_put(w, "history", STR_LIT("{}"), &e));
    assert_int_not_equal(e.code, ERR_OK);
    history_writer_close(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_acknowledged),
        cmocka_unit_test(no_broker_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
