#include "transport/kafka_reader.h"

#include <string.h>

#include "mock_kafka.h"

typedef struct Seen {
    size_t count, nulls;
    int64_t sum;
    bool is_stopping; /* set by the record number `last` */
    size_t last;
} Seen;

static void see(void *arg, int32_t partition, int64_t offset, Str key, Str value) {
    Seen *s = arg;
    (void)offset;
    assert_in_range(partition, 0, 3);
    assert_int_equal(key.n, 1);
    if (++s->count == s->last) s->is_stopping = true;
    if (!value.p) s->nulls++;
    else s->sum += value.p[0];
}

static void fill(const MockKafka *m, int records) {
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, mock_kafka_conf(m), why, sizeof why);
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, "offsets", NULL);
    for (int i = 0; i < records; i++) {
        char value = (char)i;
        assert_int_equal(rd_kafka_produce(t, i % 4, RD_KAFKA_MSG_F_COPY, i == 5 ? NULL : &value,
                                          i == 5 ? 0 : 1, "k", 1, NULL),
                         0);
    }
    assert_int_equal(rd_kafka_flush(rk, 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(t);
    rd_kafka_destroy(rk);
}

static void all_partitions_are_read_to_their_ends(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    Seen seen = {0};
    bool exists = false;
    Err e = {0};
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "offsets", 4, 1), 0);
    fill(&m, 100);
    if (!kafka_reader_all(mock_kafka_conf(&m), "offsets", NULL, see, &seen, &exists, &e))
        fail_msg("%s", e.msg);
    assert_true(exists);
    assert_int_equal(seen.count, 100);
    assert_int_equal(seen.nulls, 1);
    assert_int_equal(seen.sum, 99 * 100 / 2 - 5);
    mock_kafka_done(&m);
}

static void an_empty_topic_has_nothing(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    Seen seen = {0};
    Err e = {0};
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "offsets", 4, 1), 0);
    assert_true(kafka_reader_all(mock_kafka_conf(&m), "offsets", NULL, see, &seen, NULL, &e));
    assert_int_equal(seen.count, 0);
    mock_kafka_done(&m);
}

static void a_topic_that_is_not_there_is_told(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    Seen seen = {0};
    bool exists = true;
    Err e = {0};
    rd_kafka_mock_topic_set_error(m.cluster, "none", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    assert_true(kafka_reader_all(mock_kafka_conf(&m), "none", NULL, see, &seen, &exists, &e));
    assert_false(exists);
    assert_false(kafka_reader_all(mock_kafka_conf(&m), "none", NULL, see, &seen, NULL, &e));
    assert_int_equal(e.code, ERR_IO);
    mock_kafka_done(&m);
}

/* Though records come without a pause. */
static void a_stop_is_seen_between_two_records(void **state) {
    (void)state;
    MockKafka m = mock_kafka_new();
    Seen seen = {.last = 10};
    Err e = {0};
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "offsets", 4, 1), 0);
    fill(&m, 100);
    assert_false(kafka_reader_all(mock_kafka_conf(&m), "offsets", &seen.is_stopping, see, &seen, NULL, &e));
    assert_int_equal(e.code, ERR_CANCELLED);
    assert_int_equal(seen.count, 10);
    mock_kafka_done(&m);
}

/* A group has to be named, librdkafka looks for its coordinator, and nothing here needs it. */
static void no_right_on_the_group_is_no_error(void **state) {
    (void)state;
    enum { FIND_COORDINATOR = 10 };
    MockKafka m = mock_kafka_new();
    Seen seen = {0};
    Err e = {0};
    assert_int_equal(rd_kafka_mock_topic_create(m.cluster, "offsets", 4, 1), 0);
    fill(&m, 50);
    for (int i = 0; i < 50; i++)
        rd_kafka_mock_push_request_errors(m.cluster, FIND_COORDINATOR, 1,
                                          RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED);
    rd_kafka_mock_broker_set_rtt(m.cluster, 1, 200); /* so that it is heard of before the end */
    if (!kafka_reader_all(mock_kafka_conf(&m), "offsets", NULL, see, &seen, NULL, &e)) fail_msg("%s", e.msg);
    assert_int_equal(seen.count, 50);
    mock_kafka_done(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_partitions_are_read_to_their_ends),
        cmocka_unit_test(an_empty_topic_has_nothing),
        cmocka_unit_test(a_topic_that_is_not_there_is_told),
        cmocka_unit_test(a_stop_is_seen_between_two_records),
        cmocka_unit_test(no_right_on_the_group_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
