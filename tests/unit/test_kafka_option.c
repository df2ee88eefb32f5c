#include "transport/kafka_option.h"

#include <stdlib.h>
#include <string.h>

#include "config/option_connect.h"
#include "test.h"

typedef struct Rig {
    Props *worker, *connector, *merged;
    Options *options;
} Rig;

static Rig rig(const char *worker, const char *connector) {
    Rig r = {.worker = props_new(), .connector = props_new()};
    Err e = {0};
    if (!props_parse_properties(r.worker, "worker", str_from(worker), &e) ||
        !props_parse_properties(r.connector, "source", str_from(connector), &e))
        fail_msg("%s", e.msg);
    r.merged = kafka_option_merge(r.worker, r.connector);
    const OptionTable tables[] = {kafka_option_worker_table(), kafka_option_source_table(),
                                  option_connect_table()};
    if (!options_parse_tables(tables, 3, r.merged, &r.options, &e)) fail_msg("%s", e.msg);
    return r;
}

static void done(Rig *r) {
    props_free(r->worker);
    props_free(r->connector);
    props_free(r->merged);
    options_free(r->options);
}

#define NAMED "name=s\nconnector.class=x\n"

static void the_connector_s_converter_takes_none_of_the_worker_s(void **state) {
    (void)state;
    Rig r = rig("bootstrap.servers=a:1\nkey.converter=K\nkey.converter.x=1\nvalue.converter=V\n"
                "value.converter.y=2\nheartbeat.interval.ms=3000\nplugin.path=/p\n",
                NAMED "value.converter=W\nvalue.converter.z=3\n");
    assert_string_equal(props_value(r.merged, "key.converter.x", ""), "1");
    assert_string_equal(props_value(r.merged, "value.converter", ""), "W");
    assert_string_equal(props_value(r.merged, "value.converter.z", ""), "3");
    assert_null(props_get(r.merged, "value.converter.y"));
    assert_null(props_get(r.merged, "heartbeat.interval.ms")); /* the group's, not Debezium's */
    assert_null(props_get(r.merged, "plugin.path"));
    done(&r);
}

static void assert_conf(const rd_kafka_conf_t *conf, const char *name, const char *value) {
    char text[256];
    size_t n = sizeof text;
    assert_int_equal(rd_kafka_conf_get(conf, name, text, &n), RD_KAFKA_CONF_OK);
    assert_string_equal(text, value);
}

static void a_client_has_common_then_worker_s_then_its_own_properties(void **state) {
    (void)state;
    Rig r = rig("bootstrap.servers=a:1,b:2\nsecurity.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
                "producer.linger.ms=7\nproducer.batch.size=1000\nproducer.max.block.ms=5\n",
                NAMED "producer.override.linger.ms=9\n");
    Err e = {0};
    TextList warnings = {0};
    rd_kafka_conf_t *conf = NULL;
    assert_true(kafka_option_client(r.options, KAFKA_PRODUCER, &warnings, &conf, &e));
    assert_conf(conf, "bootstrap.servers", "a:1,b:2");
    assert_conf(conf, "security.protocol", "sasl_plaintext");
    assert_conf(conf, "sasl.mechanisms", "PLAIN");
    assert_conf(conf, "linger.ms", "9");
    assert_conf(conf, "batch.size", "1000");
    assert_int_equal(warnings.count, 1);
    assert_non_null(strstr(warnings.items[0], "worker:6: max.block.ms"));
    textlist_done(&warnings);
    rd_kafka_conf_destroy(conf);
    done(&r);
}

static void the_worker_may_forbid_a_connector_s_own(void **state) {
    (void)state;
    static const char *const policies[] = {"None", "Principal"};
    for (size_t i = 0; i < 2; i++) {
        char worker[128];
        (void)snprintf(worker, sizeof worker,
                       "bootstrap.servers=a:1\nconnector.client.config.override.policy=%s\n", policies[i]);
        Rig r = rig(worker, NAMED "producer.override.linger.ms=9\n");
        Err e = {0};
        rd_kafka_conf_t *conf = NULL;
        assert_false(kafka_option_client(r.options, KAFKA_PRODUCER, NULL, &conf, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, "source:3: producer.override.linger.ms"));
        done(&r);
    }
}

static void rows_with_a_star_become_properties_again(void **state) {
    (void)state;
    static const char *const names[] = {"transforms", "transforms.*", NULL};
    Rig r = rig("bootstrap.servers=a:1\n", NAMED "transforms=a, b\ntransforms.a.type=T\n");
    Props *p = kafka_option_props(r.options, names);
    assert_int_equal(props_count(p), 2);
    assert_string_equal(props_value(p, "transforms", ""), "a,b");
    assert_string_equal(props_value(p, "transforms.a.type", ""), "T");
    props_free(p);
    done(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_connector_s_converter_takes_none_of_the_worker_s),
        cmocka_unit_test(a_client_has_common_then_worker_s_then_its_own_properties),
        cmocka_unit_test(the_worker_may_forbid_a_connector_s_own),
        cmocka_unit_test(rows_with_a_star_become_properties_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
