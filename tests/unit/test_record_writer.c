#include "kafka/record_writer.h"

#include <string.h>

#include "base/mem.h"
#include "transport/kafka_option.h"
#include "wire_rig.h"

#define PLAIN "key.converter.schemas.enable=false\nvalue.converter.schemas.enable=false\n"

typedef struct Rig {
    MockKafka mock;
    Options *options;
    KafkaProducer *producer;
    RecordWriter *writer;
    RecordBatch *records;
} Rig;

static Rig rig(const char *text) {
    Rig r = {.mock = mock_kafka_new(), .records = record_batch_new()};
    Err e = {0};
    r.options = wire_rig_options(rd_kafka_mock_cluster_bootstraps(r.mock.cluster), text);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "t", 2, 1), 0);
    if (!kafka_producer_open(mock_kafka_conf(&r.mock), "g-src-0", NULL, &r.producer, &e) ||
        !record_writer_new(r.options, NULL, NULL, &r.writer, &e))
        fail_msg("%s", e.msg);
    record_writer_use(r.writer, r.producer);
    return r;
}

static void done(Rig *r) {
    record_writer_free(r->writer);
    kafka_producer_close(r->producer);
    record_batch_free(r->records);
    options_free(r->options);
    mock_kafka_done(&r->mock);
}

static Record *add(Rig *r, const char *topic, const ConnectSchema *schema, const char *key,
                   const char *value) {
    Record *to = record_batch_add(r->records);
    to->topic = str_from(topic);
    to->key_schema = schema;
    to->key = value_bytes(key, (uint32_t)strlen(key));
    to->value_schema = value ? schema : NULL;
    to->value = value ? value_bytes(value, (uint32_t)strlen(value)) : value_null();
    return to;
}

static void records_become_bytes_but_for_dropped_ones(void **state) {
    (void)state;
    Rig r = rig(PLAIN);
    Err e = {0};
    size_t sent = 0;
    TopicRecord found[8];
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    add(&r, "t", text, "a", "1")->partition = 1;
    add(&r, "t", text, "b", "2")->is_dropped = true;
    Record *last = add(&r, "t", text, "c", NULL);
    last->partition = 1;
    record_add_header(r.records, last, (RecordHeader){STR_LIT("h"), text, value_bytes("x", 1)});
    assert_true(kafka_producer_begin(r.producer, &e));
    if (!record_writer_put(r.writer, r.records, &sent, &e)) fail_msg("%s", e.msg);
    assert_true(kafka_producer_commit(r.producer, &e));
    assert_int_equal(sent, 2);
    assert_int_equal(wire_rig_read(&r.mock, "t", 2, found, 8), 2);
    assert_string_equal(found[0].key, "\"a\"");
    assert_string_equal(found[0].value, "\"1\"");
    assert_string_equal(found[1].value, "");
    assert_int_equal(found[1].header_count, 1);
    assert_int_equal(found[1].partition, 1);
    connect_schema_unref(text);
    done(&r);
}

/* Their order is all they have. The mock's brokers keep both partitions available, so nothing else decides.
 */
static void records_without_a_key_go_to_one_partition(void **state) {
    (void)state;
    enum { COUNT = 20 };
    Rig r = rig(PLAIN);
    Err e = {0};
    bool is_used[2] = {false, false};
    TopicRecord found[2 * COUNT + 1];
    rd_kafka_conf_t *conf = NULL; /* a real one's */
    kafka_producer_close(r.producer);
    if (!kafka_option_client(r.options, KAFKA_PRODUCER, NULL, &conf, &e) ||
        !kafka_producer_open(conf, "g-src-0", NULL, &r.producer, &e))
        fail_msg("%s", e.msg);
    record_writer_use(r.writer, r.producer);
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    static const char *const keys[COUNT] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j",
                                            "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"};
    for (int i = 0; i < COUNT; i++) {
        Record *loose = add(&r, "t", text, "", "loose");
        loose->key_schema = NULL;
        loose->key = value_null();
        add(&r, "t", text, keys[i], "keyed");
        if (i % 5 < 4) continue;
        assert_true(kafka_producer_begin(r.producer, &e));
        if (!record_writer_put(r.writer, r.records, NULL, &e)) fail_msg("%s", e.msg);
        if (!kafka_producer_commit(r.producer, &e)) fail_msg("%s", e.msg);
        record_batch_clear(r.records);
    }
    assert_int_equal(wire_rig_read(&r.mock, "t", 2, found, 2 * COUNT + 1), 2 * COUNT);
    const TopicRecord *first = NULL;
    for (int i = 0; i < 2 * COUNT; i++) {
        if (found[i].key[0]) is_used[found[i].partition] = true;
        else if (!first) first = &found[i];
        else assert_int_equal(found[i].partition, first->partition);
    }
    assert_true(is_used[0] && is_used[1]);
    connect_schema_unref(text);
    done(&r);
}

static void transforms_come_before_the_converters(void **state) {
    (void)state;
    Rig r =
        rig(PLAIN "transforms=route\ntransforms.route.type=org.apache.kafka.connect.transforms.RegexRouter\n"
                  "transforms.route.regex=old\ntransforms.route.replacement=t\n");
    Err e = {0};
    TopicRecord found[8];
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    add(&r, "old", text, "a", "1");
    assert_true(kafka_producer_begin(r.producer, &e));
    if (!record_writer_put(r.writer, r.records, NULL, &e)) fail_msg("%s", e.msg);
    assert_true(kafka_producer_commit(r.producer, &e));
    assert_int_equal(wire_rig_read(&r.mock, "t", 2, found, 8), 1);
    connect_schema_unref(text);
    done(&r);
}

static void a_topic_that_is_missing_and_not_to_be_made_is_told(void **state) {
    (void)state;
    Rig r = rig(PLAIN "topic.creation.enable=false\n");
    Err e = {0};
    const ConnectSchema *text = connect_schema_plain(CONNECT_STRING, false);
    add(&r, "none", text, "a", "1");
    assert_true(kafka_producer_begin(r.producer, &e));
    assert_false(record_writer_put(r.writer, r.records, NULL, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "topic none"));
    assert_non_null(strstr(e.msg, "topic.creation.enable"));
    connect_schema_unref(text);
    done(&r);
}

static void properties_that_can_not_be_are_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"key.converter=com.example.No\n", "key.converter"},
        {"value.converter=com.example.No\n", "value.converter"},
        {"transforms=a\ntransforms.a.type=com.example.No\n", "com.example.No"},
        {"topic.creation.default.partitions=0\n", "topic.creation.default.partitions"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        Options *o = wire_rig_options(NULL, wrong[i][0]);
        RecordWriter *w = NULL;
        Err e = {0};
        assert_false(record_writer_new(o, NULL, NULL, &w, &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_non_null(strstr(e.msg, wrong[i][1]));
        options_free(o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_become_bytes_but_for_dropped_ones),
        cmocka_unit_test(records_without_a_key_go_to_one_partition),
        cmocka_unit_test(transforms_come_before_the_converters),
        cmocka_unit_test(a_topic_that_is_missing_and_not_to_be_made_is_told),
        cmocka_unit_test(properties_that_can_not_be_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
