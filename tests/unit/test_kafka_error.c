#include "transport/kafka_error.h"

#include <string.h>

#include "test.h"

static void errors_are_classed_and_say_what_to_do(void **state) {
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        ErrCode as;
        bool retriable;
        const char *says;
    } cases[] = {
        {RD_KAFKA_RESP_ERR__TRANSPORT, ERR_IO, true, "bootstrap.servers"},
        {RD_KAFKA_RESP_ERR__FENCED, ERR_FENCED, false, "another process"},
        {RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, ERR_FENCED, false, "another process"},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, ERR_INVALID, false, "WRITE"},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, ERR_DATA, false, "max.request.size"},
        {RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR, ERR_INVALID, true, "replication.factor"},
        {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, ERR_IO, true, "NOT_ENOUGH_REPLICAS"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Err e = {0};
        assert_false(kafka_error(cases[i].code, "topic t", NULL, &e));
        assert_int_equal(e.code, cases[i].as);
        assert_int_equal(e.retriable, cases[i].retriable);
        assert_non_null(strstr(e.msg, "Kafka: topic t: "));
        assert_non_null(strstr(e.msg, cases[i].says));
    }
}

static void what_the_broker_says_is_kept(void **state) {
    (void)state;
    Err e = {0};
    assert_false(kafka_error(RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "making topic t", "no more than 2", &e));
    assert_non_null(strstr(e.msg, "no more than 2 (POLICY_VIOLATION)"));
}

static void a_list_has_the_error_of_its_partitions(void **state) {
    (void)state;
    Err e = {0};
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(2);
    rd_kafka_topic_partition_list_add(list, "t", 0)->offset = RD_KAFKA_OFFSET_INVALID;
    rd_kafka_topic_partition_list_add(list, "t", 7);
    assert_true(kafka_error_none_in(list, "the group's commit", &e));
    list->elems[1].err = RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED;
    assert_false(kafka_error_none_in(list, "the group's commit", &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "t-7"));
    rd_kafka_topic_partition_list_destroy(list);
}

static void a_record_without_an_offset_was_not_written(void **state) {
    (void)state;
    rd_kafka_message_t m = {.offset = 0};
    assert_int_equal(kafka_error_delivery(&m), RD_KAFKA_RESP_ERR_NO_ERROR);
    m.offset = RD_KAFKA_OFFSET_INVALID;
    assert_int_equal(kafka_error_delivery(&m), RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
    m.err = RD_KAFKA_RESP_ERR__MSG_TIMED_OUT;
    assert_int_equal(kafka_error_delivery(&m), RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
}

static void a_login_that_is_refused_is_hopeless(void **state) {
    (void)state;
    assert_true(kafka_error_is_hopeless(RD_KAFKA_RESP_ERR__AUTHENTICATION, "Invalid username or password"));
    assert_true(kafka_error_is_hopeless(RD_KAFKA_RESP_ERR__SSL, "certificate verify failed"));
    assert_false(kafka_error_is_hopeless(RD_KAFKA_RESP_ERR__SSL, "connection closed by peer"));
    assert_false(kafka_error_is_hopeless(RD_KAFKA_RESP_ERR__SSL, NULL));
    assert_false(kafka_error_is_hopeless(RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "1/1 brokers are down"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_that_is_refused_is_hopeless),
        cmocka_unit_test(errors_are_classed_and_say_what_to_do),
        cmocka_unit_test(what_the_broker_says_is_kept),
        cmocka_unit_test(a_list_has_the_error_of_its_partitions),
        cmocka_unit_test(a_record_without_an_offset_was_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
