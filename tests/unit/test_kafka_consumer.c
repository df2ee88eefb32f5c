#include "transport/kafka_consumer.h"

#include "base/mem.h"
#include "kafka_mock.h"

enum { TOPIC_PARTITIONS = 2, POLLS = 400 };

typedef struct Seen {
    int given, taken_away;
    KafkaMock *late; /* somebody writes to t-0 while partitions are taken */
    int64_t start;   /* where partitions begin; -1 = refuse them */
    int64_t committed[TOPIC_PARTITIONS];
    char metadata[TOPIC_PARTITIONS][32];
    int64_t high[TOPIC_PARTITIONS];
} Seen;

static bool given(void *arg, KafkaAssigned *parts, size_t count, Err *e) {
    Seen *s = arg;
    for (size_t i = 0; i < count; i++) {
        int32_t p = parts[i].partition;
        s->given++;
        s->committed[p] = parts[i].has_commit ? parts[i].committed : -1;
        (void)snprintf(s->metadata[p], sizeof s->metadata[p], "%s", parts[i].metadata);
        s->high[p] = parts[i].high;
        parts[i].start = s->start;
    }
    return s->start >= 0 || err_set(e, ERR_RANGE, false, "no start");
}

static void taken_away(void *arg, const KafkaAssigned *parts, size_t count, bool is_lost) {
    (void)parts;
    (void)is_lost;
    ((Seen *)arg)->taken_away += (int)count;
}

static bool taken(void *arg, const KafkaAssigned *parts, size_t count, Err *e) {
    const Seen *s = arg;
    (void)e;
    for (size_t i = 0; i < count; i++) assert_string_equal(parts[i].topic, "t");
    if (!s->late) return true;
    kafka_mock_put(s->late, "t", 0, "k", "late");
    kafka_mock_flush(s->late);
    return true;
}

static bool open_of(const KafkaMock *m, Seen *seen, KafkaConsumer **ret, Err *e) {
    char *items[] = {(char[]){"t"}, NULL};
    const TextList topics = {items, 1};
    char why[128];
    rd_kafka_conf_t *conf = kafka_mock_conf(m);
    static const char *const settings[][2] = {{"group.id", "g"},
                                              {"client.id", "millrace-a-0"},
                                              {"auto.offset.reset", "error"},
                                              {"enable.auto.commit", "false"},
                                              {"partition.assignment.strategy", "cooperative-sticky"}};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        assert_int_equal(rd_kafka_conf_set(conf, settings[i][0], settings[i][1], why, sizeof why),
                         RD_KAFKA_CONF_OK);
    const KafkaConsumerSpec spec = {
        .conf = conf,
        .own_prefix = "millrace-",
        .topics = &topics,
        .host = {.taken = taken, .assigned = given, .revoked = taken_away, .arg = seen}};
    return kafka_consumer_open(&spec, ret, e);
}

/* Records until there are `want`; returns how many came. */
static size_t read_some(KafkaConsumer *c, size_t want, Err *e) {
    rd_kafka_message_t *messages[16];
    size_t total = 0, count = 0;
    for (int i = 0; i < POLLS && total < want; i++) {
        if (!kafka_consumer_poll(c, messages, 16, 100, &count, e)) return SIZE_MAX;
        kafka_consumer_done(messages, count);
        total += count;
    }
    return total;
}

/* What the group has of t-0. */
static void check_commit(const KafkaMock *m, int64_t offset, const char *metadata) {
    char why[128];
    rd_kafka_conf_t *conf = kafka_mock_conf(m);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "g", why, sizeof why), RD_KAFKA_CONF_OK);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!rk) fail_msg("%s", why);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, "t", 0);
    assert_int_equal(rd_kafka_committed(rk, list, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(list->elems[0].offset, offset);
    assert_int_equal(list->elems[0].metadata_size, strlen(metadata));
    assert_memory_equal(list->elems[0].metadata, metadata, strlen(metadata));
    rd_kafka_topic_partition_list_destroy(list);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

static void partitions_begin_where_the_host_says(void **state) {
    (void)state;
    KafkaMock m;
    Seen seen = {.start = 1};
    KafkaConsumer *c = NULL;
    Err e = {0};
    kafka_mock_open(&m, "t", TOPIC_PARTITIONS);
    for (int i = 0; i < 6; i++) kafka_mock_put(&m, "t", i % TOPIC_PARTITIONS, "k", "v");
    kafka_mock_flush(&m);
    if (!open_of(&m, &seen, &c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(read_some(c, 4, &e), 4);
    assert_int_equal(seen.given, TOPIC_PARTITIONS);
    assert_int_equal(seen.high[0], 3);
    assert_int_equal(seen.committed[1], -1);
    kafka_consumer_commit_set(c, "t", 0, 2, "first");
    kafka_consumer_commit_set(c, "t", 0, 3, "ours");
    if (!kafka_consumer_commit_send(c, /* is_sync= */ true, &e)) fail_msg("%s", e.msg);
    kafka_consumer_close(c);
    assert_int_equal(seen.taken_away, TOPIC_PARTITIONS);
    check_commit(&m, 3, "ours");
    kafka_mock_close(&m);
}

/* One that was lost with its topic would be put back by it, and nobody would notice. */
static void nothing_is_committed_while_the_last_commit_cannot_be_seen(void **state) {
    (void)state;
    enum { OFFSET_FETCH = 9 }; /* Kafka's protocol: API key */
    KafkaMock m;
    Seen seen = {.start = 0};
    KafkaConsumer *c = NULL;
    Err e = {0};
    kafka_mock_open(&m, "t", TOPIC_PARTITIONS);
    for (int i = 0; i < 2; i++) kafka_mock_put(&m, "t", i % TOPIC_PARTITIONS, "k", "v");
    kafka_mock_flush(&m);
    if (!open_of(&m, &seen, &c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(read_some(c, 2, &e), 2);
    assert_true(kafka_consumer_check(c, &e)); /* the group has none of ours yet */
    kafka_consumer_commit_set(c, "t", 0, 1, "ours");
    if (!kafka_consumer_commit_send(c, /* is_sync= */ true, &e)) fail_msg("%s", e.msg);
    if (!kafka_consumer_check(c, &e)) fail_msg("%s", e.msg);
    kafka_consumer_commit_set(c, "t", 0, 2, "unseen");
    rd_kafka_mock_push_request_errors(m.cluster, OFFSET_FETCH, 1,
                                      RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    assert_false(kafka_consumer_commit_send(c, /* is_sync= */ true, &e));
    assert_non_null(strstr(e.msg, "the group's commits"));
    check_commit(&m, 1, "ours");
    kafka_consumer_close(c); /* it can be asked again: what is set is told after all */
    check_commit(&m, 2, "unseen");
    kafka_mock_close(&m);
}

/* By a former owner, before it was fenced: else its offset would lie past the end. */
static void ends_are_asked_for_once_partitions_are_taken(void **state) {
    (void)state;
    KafkaMock m;
    Seen seen = {.late = &m};
    KafkaConsumer *c = NULL;
    Err e = {0};
    kafka_mock_open(&m, "t", TOPIC_PARTITIONS);
    for (int i = 0; i < 4; i++) kafka_mock_put(&m, "t", i % TOPIC_PARTITIONS, "k", "v");
    kafka_mock_flush(&m);
    if (!open_of(&m, &seen, &c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(read_some(c, 5, &e), 5);
    assert_int_equal(seen.high[0], 3);
    kafka_consumer_close(c);
    kafka_mock_close(&m);
}

static void a_partition_that_the_host_refuses_delivers_nothing(void **state) {
    (void)state;
    KafkaMock m;
    Seen seen = {.start = -1};
    KafkaConsumer *c = NULL;
    Err e = {0};
    kafka_mock_open(&m, "t", TOPIC_PARTITIONS);
    kafka_mock_put(&m, "t", 0, "k", "v");
    kafka_mock_flush(&m);
    if (!open_of(&m, &seen, &c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(read_some(c, 1, &e), SIZE_MAX);
    assert_int_equal(e.code, ERR_RANGE);
    kafka_consumer_close(c);
    kafka_mock_close(&m);
}

static void ends_that_are_not_told_say_why(void **state) {
    (void)state;
    enum { LIST_OFFSETS = 2, ERRORS = 8 }; /* Kafka's protocol: API key */
    KafkaMock m;
    Seen seen = {.start = 0};
    KafkaConsumer *c = NULL;
    Err e = {0};
    rd_kafka_resp_err_t errors[ERRORS];
    for (int i = 0; i < ERRORS; i++) errors[i] = RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
    kafka_mock_open(&m, "t", TOPIC_PARTITIONS);
    rd_kafka_mock_push_request_errors_array(m.cluster, LIST_OFFSETS, ERRORS, errors);
    if (!open_of(&m, &seen, &c, &e)) fail_msg("%s", e.msg);
    assert_int_equal(read_some(c, 1, &e), SIZE_MAX);
    static const char *const words[] = {"t-0: ", "asking for its ends", "Topic authorization failed", "READ"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strstr(e.msg, words[i])) fail_msg("no '%s': %s", words[i], e.msg);
    kafka_consumer_close(c);
    kafka_mock_close(&m);
}

/* It has joined, and each SyncGroup that would give it partitions fails. librdkafka 2.0 would end the
 * process. */
static void a_member_that_was_given_nothing_yet_goes_quietly(void **state) {
    (void)state;
    enum { SYNC_GROUP = 14, ERRORS = 40 }; /* Kafka's protocol: API key */
    KafkaMock m;
    Seen seen = {.start = 0};
    KafkaConsumer *c = NULL;
    Err e = {0};
    rd_kafka_resp_err_t errors[ERRORS];
    for (int i = 0; i < ERRORS; i++) errors[i] = RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS;
    kafka_mock_open(&m, "t", TOPIC_PARTITIONS);
    rd_kafka_mock_push_request_errors_array(m.cluster, SYNC_GROUP, ERRORS, errors);
    if (!open_of(&m, &seen, &c, &e)) fail_msg("%s", e.msg);
    for (int i = 0; i < POLLS && !kafka_consumer_has_joined(c); i++) {
        rd_kafka_message_t *messages[1];
        size_t count = 0;
        assert_true(kafka_consumer_poll(c, messages, 1, 100, &count, &e));
    }
    assert_true(kafka_consumer_has_joined(c));
    assert_int_equal(seen.given, 0);
    kafka_consumer_close(c);
    kafka_mock_close(&m);
}

/* 20,000 records or 1,024 KiB are where it stops. */
static void a_queue_that_was_full_is_half_empty(void **state) {
    (void)state;
    assert_true(kafka_consumer_queue_slept(20000, 10000, 10, 20000, 1024));
    assert_false(kafka_consumer_queue_slept(20000, 10001, 10, 20000, 1024)); /* there is time */
    assert_false(kafka_consumer_queue_slept(900, 0, 10, 20000, 1024));       /* it never was full */
    assert_true(kafka_consumer_queue_slept(10000, 0, 10, 20000, 1024));      /* the next fetch filled it */
    assert_true(kafka_consumer_queue_slept(900, 400, 1000, 20000, 1024));    /* large ones, by their bytes */
    assert_false(kafka_consumer_queue_slept(0, 0, 0, 20000, 1024));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_begin_where_the_host_says),
        cmocka_unit_test(nothing_is_committed_while_the_last_commit_cannot_be_seen),
        cmocka_unit_test(ends_are_asked_for_once_partitions_are_taken),
        cmocka_unit_test(a_partition_that_the_host_refuses_delivers_nothing),
        cmocka_unit_test(ends_that_are_not_told_say_why),
        cmocka_unit_test(a_member_that_was_given_nothing_yet_goes_quietly),
        cmocka_unit_test(a_queue_that_was_full_is_half_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
