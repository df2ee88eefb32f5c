#include "worker/sink_letters.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "sink_rig.h"

static SinkLetters *letters_of(const SinkRig *r) {
    const SinkLettersSpec spec = {.connector = "s", .options = r->options, .metrics = r->metrics};
    CLEANUP(textlist_done) TextList warnings = {0};
    SinkLetters *l = NULL;
    Err e = {0};
    if (!sink_letters_open(&spec, &warnings, &l, &e)) fail_msg("%s", e.msg);
    return l;
}

/* A record that can't be read, at its place. Without a topic nobody looks into librdkafka's part of it. */
static bool fail_at(SinkLetters *l, SinkStage stage, Err *e) {
    rd_kafka_message_t message = {.offset = 41};
    const SinkInput in = {.topic = "t", .partition = 1, .message = &message};
    SinkFault fault = {.stage = stage, .transform = "T"};
    (void)err_set(&fault.why, ERR_DATA, false, "it isn't JSON");
    return sink_letters_failed(l, &in, &fault, e);
}

static void without_tolerance_a_failure_is_told_with_its_place(void **state) {
    (void)state;
    static const char *const settings[][2] = {{NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    SinkLetters *l = letters_of(&r);
    assert_false(sink_letters_has_topic(l));
    assert_false(fail_at(l, SINK_VALUE, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_string_equal(e.msg, "t-1 at offset 41, VALUE_CONVERTER: it isn't JSON; with "
                               "errors.tolerance=all the sink goes on without it");
    assert_true(sink_letters_flush(l, &e));
    sink_letters_close(l);
    sink_rig_close(&r);
}

static void with_tolerance_and_no_topic_only_what_is_unreadable_is_passed_over(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"errors.tolerance", "all"}, {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    SinkLetters *l = letters_of(&r);
    assert_true(fail_at(l, SINK_KEY, &e));
    assert_true(fail_at(l, SINK_VALUE, &e));
    assert_true(fail_at(l, SINK_TRANSFORM, &e));
    assert_false(fail_at(l, SINK_PUT, &e));
    assert_non_null(strstr(e.msg, "TASK_PUT"));
    assert_non_null(strstr(e.msg, "errors.deadletterqueue.topic.name"));
    sink_letters_close(l);
    sink_rig_close(&r);
}

/* A dead letter topic, and a real record to send there: a letter takes its headers and time along. */
typedef struct DeadRig {
    SinkRig sink;
    rd_kafka_t *reader;
    SinkInput in;
    SinkLetters *letters;
} DeadRig;

static void dead_rig_open(DeadRig *r) {
    static const char *const settings[][2] = {{"errors.tolerance", "all"},
                                              {"errors.deadletterqueue.topic.name", "dead"},
                                              {"errors.log.enable", "true"},
                                              {"errors.log.include.messages", "true"},
                                              {NULL, NULL}};
    KafkaMock *mock = &r->sink.mock;
    sink_rig_open(&r->sink, settings);
    assert_int_equal(rd_kafka_mock_topic_create(mock->cluster, "dead", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_mock_put(mock, "t", 0, "the key", "the value");
    kafka_mock_flush(mock);
    r->in = (SinkInput){.topic = "t", .message = kafka_mock_first(mock, "t", &r->reader)};
    assert_non_null(r->in.message);
    r->letters = letters_of(&r->sink);
}

static void dead_rig_close(DeadRig *r) {
    rd_kafka_message_destroy(r->in.message);
    rd_kafka_destroy(r->reader);
    sink_letters_close(r->letters);
    sink_rig_close(&r->sink);
}

static int64_t letters_in_topic(const DeadRig *r) {
    int64_t low = 0, high = 0;
    assert_int_equal(rd_kafka_query_watermark_offsets(r->sink.mock.rk, "dead", 0, &low, &high, 10000),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    return high;
}

static void letters_are_in_the_topic_once_until_their_offsets_are_stored(void **state) {
    (void)state;
    const TopicRefusal refusal = {.sqlstate = "23505", .constraint = "c", .column = "", .message = "taken"};
    const SinkFault fault = {.stage = SINK_PUT, .why = {.code = ERR_DATA, .msg = "no row"}};
    DeadRig r;
    Err e = {0};
    dead_rig_open(&r);
    assert_true(sink_letters_has_topic(r.letters));
    assert_true(sink_letters_failed(r.letters, &r.in, &fault, &e));
    if (!sink_letters_flush(r.letters, &e)) fail_msg("%s", e.msg);
    assert_int_equal(letters_in_topic(&r), 1);
    assert_true(sink_letters_refused(r.letters, &r.in, &refusal, &e)); /* the put is tried again */
    if (!sink_letters_flush(r.letters, &e)) fail_msg("%s", e.msg);
    assert_int_equal(letters_in_topic(&r), 1);
    sink_letters_stored(r.letters); /* what comes now is another reading of it */
    assert_true(sink_letters_refused(r.letters, &r.in, &refusal, &e));
    if (!sink_letters_flush(r.letters, &e)) fail_msg("%s", e.msg);
    assert_int_equal(letters_in_topic(&r), 2);
    dead_rig_close(&r);
    sink_letters_close(NULL);
}

/* The broker refuses the first try; nothing of the record is told again by the batch. */
static void a_letter_that_a_flush_lost_is_sent_again(void **state) {
    (void)state;
    enum { PRODUCE = 0 }; /* Kafka's ApiKey */
    const SinkFault fault = {.stage = SINK_VALUE, .why = {.code = ERR_DATA, .msg = "no row"}};
    rd_kafka_t *letter_reader = NULL;
    DeadRig r;
    Err e = {0};
    dead_rig_open(&r);
    rd_kafka_mock_push_request_errors(r.sink.mock.cluster, PRODUCE, 1,
                                      RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE);
    assert_true(sink_letters_failed(r.letters, &r.in, &fault, &e));
    assert_false(sink_letters_flush(r.letters, &e));
    assert_non_null(strstr(e.msg, "the letter of t-0 at offset 0"));
    if (!sink_letters_flush(r.letters, &e)) fail_msg("%s", e.msg);
    rd_kafka_message_t *letter = kafka_mock_first(&r.sink.mock, "dead", &letter_reader);
    assert_non_null(letter);
    assert_int_equal(letter->len, 9);
    assert_memory_equal(letter->payload, "the value", 9);
    rd_kafka_message_destroy(letter);
    rd_kafka_destroy(letter_reader);
    dead_rig_close(&r);
}

static void the_log_has_the_records_place_and_time_and_none_of_its_data(void **state) {
    (void)state;
    const TopicRefusal refusal = {.sqlstate = "23505", .constraint = "c", .column = "", .message = "taken"};
    char text[2000];
    int fds[2];
    DeadRig r;
    Err e = {0};
    dead_rig_open(&r);
    assert_int_equal(pipe(fds), 0);
    log_set_fd(fds[1]);
    bool ok = sink_letters_refused(r.letters, &r.in, &refusal, &e);
    log_set_fd(STDERR_FILENO);
    close(fds[1]);
    ssize_t n = read(fds[0], text, sizeof text - 1);
    close(fds[0]);
    assert_true(ok && n > 0);
    text[n] = '\0';
    const char *const said[] = {"event=record_failed",      "topic=t",  "partition=0", "offset=0",
                                "timestamp=\"CreateTime 1", "TASK_PUT", "taken"};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (!strstr(text, said[i])) fail_msg("%s: %s", said[i], text);
    assert_null(strstr(text, "the key"));
    assert_null(strstr(text, "the value"));
    dead_rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_tolerance_a_failure_is_told_with_its_place),
        cmocka_unit_test(with_tolerance_and_no_topic_only_what_is_unreadable_is_passed_over),
        cmocka_unit_test(letters_are_in_the_topic_once_until_their_offsets_are_stored),
        cmocka_unit_test(a_letter_that_a_flush_lost_is_sent_again),
        cmocka_unit_test(the_log_has_the_records_place_and_time_and_none_of_its_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
