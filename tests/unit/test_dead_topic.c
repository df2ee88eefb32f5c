#include "transport/dead_topic.h"

#include "base/mem.h"
#include "kafka_mock.h"

static const char *header_of(const rd_kafka_message_t *m, const char *name) {
    static char text[256];
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t n = 0;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        rd_kafka_header_get_last(headers, name, &value, &n) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return NULL;
    (void)snprintf(text, sizeof text, "%.*s", (int)n, (const char *)value);
    return text;
}

/* One record of "t" becomes a letter in "dead". */
static rd_kafka_message_t *letter(KafkaMock *m, bool has_context, rd_kafka_t **ret_rk) {
    rd_kafka_t *source = NULL;
    DeadTopic *d = NULL;
    Err e = {0};
    kafka_mock_open(m, "t", 1);
    assert_int_equal(rd_kafka_mock_topic_create(m->cluster, "dead", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_mock_put(m, "t", 0, "the key", "\xff not Avro");
    kafka_mock_flush(m);
    rd_kafka_message_t *record = kafka_mock_first(m, "t", &source);
    assert_non_null(record);
    const DeadTopicSpec spec = {.conf = kafka_mock_conf(m),
                                .topic = "dead",
                                .replication = -1,
                                .has_context = has_context,
                                .connector = "sink",
                                .task = 2};
    const DeadContext why = {.stage = "VALUE_CONVERTER",
                             .class_name = "a.Converter",
                             .exception = "an.Exception",
                             .message = "unknown magic byte",
                             .sqlstate = "",
                             .constraint = "c"};
    if (!dead_topic_open(&spec, &d, &e) || !dead_topic_send(d, record, &why, &e)) fail_msg("%s", e.msg);
    assert_false(dead_topic_has(d, record));
    if (!dead_topic_flush(d, &e)) fail_msg("%s", e.msg);
    assert_true(dead_topic_has(d, record));
    dead_topic_forget(d);
    assert_false(dead_topic_has(d, record));
    dead_topic_close(d);
    rd_kafka_message_destroy(record);
    (void)rd_kafka_consumer_close(source);
    rd_kafka_destroy(source);
    rd_kafka_message_t *found = kafka_mock_first(m, "dead", ret_rk);
    assert_non_null(found);
    return found;
}

static void done(KafkaMock *m, rd_kafka_message_t *found, rd_kafka_t *rk) {
    rd_kafka_message_destroy(found);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    kafka_mock_close(m);
}

static void a_letter_is_the_record_with_the_reason(void **state) {
    (void)state;
    KafkaMock m;
    rd_kafka_t *rk = NULL;
    rd_kafka_message_t *found = letter(&m, true, &rk);
    assert_int_equal(found->len, 10);
    assert_memory_equal(found->payload, "\xff not Avro", 10);
    assert_memory_equal(found->key, "the key", found->key_len);
    assert_string_equal(header_of(found, "h"), "1");
    assert_string_equal(header_of(found, "__connect.errors.topic"), "t");
    assert_string_equal(header_of(found, "__connect.errors.partition"), "0");
    assert_string_equal(header_of(found, "__connect.errors.offset"), "0");
    assert_string_equal(header_of(found, "__connect.errors.connector.name"), "sink");
    assert_string_equal(header_of(found, "__connect.errors.task.id"), "2");
    assert_string_equal(header_of(found, "__connect.errors.stage"), "VALUE_CONVERTER");
    assert_string_equal(header_of(found, "__connect.errors.class.name"), "a.Converter");
    assert_string_equal(header_of(found, "__connect.errors.exception.class.name"), "an.Exception");
    assert_string_equal(header_of(found, "__connect.errors.exception.message"), "unknown magic byte");
    assert_non_null(header_of(found, "__connect.errors.exception.stacktrace"));
    assert_null(header_of(found, "__millrace.errors.sqlstate"));
    assert_string_equal(header_of(found, "__millrace.errors.constraint"), "c");
    done(&m, found, rk);
}

static void without_context_only_the_record_is_kept(void **state) {
    (void)state;
    KafkaMock m;
    rd_kafka_t *rk = NULL;
    rd_kafka_message_t *found = letter(&m, false, &rk);
    assert_string_equal(header_of(found, "h"), "1");
    assert_null(header_of(found, "__connect.errors.topic"));
    done(&m, found, rk);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_is_the_record_with_the_reason),
        cmocka_unit_test(without_context_only_the_record_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
