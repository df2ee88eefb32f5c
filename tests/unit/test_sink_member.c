#include "worker/sink_member.h"

#include "base/clock.h"
#include "sink_rig.h"

enum { STEPS = 100 };
#define SCHEMA                                                                                               \
    "{\"type\":\"struct\",\"optional\":false,\"fields\":[{\"field\":\"id\",\"type\":\"int64\",\"optional\":" \
    "false}]}"

static int waits;

static void note_waiting(void *arg, const Err *why) {
    (void)arg;
    if (why) waits++;
}

static int64_t oldest_us, worst_us; /* told last; the oldest that was told */

static void note_oldest(void *arg, int64_t us) {
    (void)arg;
    oldest_us = us;
    if (us > 0 && (worst_us == 0 || us < worst_us)) worst_us = us;
}

static bool is_stopping;

static bool open_of(const SinkRig *r, SinkMember **ret, Err *e) {
    const SinkMemberSpec spec = {.connector = "s",
                                 .options = r->options,
                                 .props = r->props,
                                 .writer = &kept_class,
                                 .metrics = r->metrics,
                                 .is_stopping = &is_stopping,
                                 .waiting = note_waiting,
                                 .oldest = note_oldest};
    waits = 0;
    oldest_us = worst_us = 0;
    return sink_member_open(&spec, ret, e);
}

static SinkMember *opened(const SinkRig *r) {
    SinkMember *m = NULL;
    Err e = {0};
    if (!open_of(r, &m, &e)) fail_msg("%s", e.msg);
    return m;
}

static void put_id(SinkRig *r, int id) {
    char key[256], value[256];
    (void)snprintf(key, sizeof key, "{\"schema\":%s,\"payload\":{\"id\":%d}}", SCHEMA, id);
    (void)snprintf(value, sizeof value, "%s", key);
    kafka_mock_put(&r->mock, "t", id % 2, key, value);
}

/* Until so many rows are in the target. */
static bool step_to(SinkMember *m, size_t rows, Err *e) {
    for (int i = 0; i < STEPS && target.row_count < rows; i++)
        if (!sink_member_step(m, e)) return false;
    return target.row_count >= rows;
}

static void rows_and_offsets_reach_the_target_once(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"pk.mode", "record_key"}, {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    for (int i = 0; i < 10; i++) put_id(&r, i);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    int64_t put_us = clock_wall_us();
    if (!sink_member_step(m, &e)) fail_msg("%s", e.msg);
    assert_true(oldest_us != 0); /* it isn't in its group yet, or has records in hand */
    if (!step_to(m, 10, &e)) fail_msg("%s", e.msg);
    assert_true(worst_us > put_us - 60000000 && worst_us <= put_us + 1000);
    for (int i = 0; i < STEPS && oldest_us != 0; i++)
        if (!sink_member_step(m, &e)) fail_msg("%s", e.msg);
    assert_int_equal(oldest_us, 0);
    sink_member_close(m);
    assert_int_equal(target.row_count, 10);
    assert_int_equal(target.partitions[0].offset, 5);
    assert_int_equal(target.partitions[1].offset, 5);
    sink_rig_close(&r);
}

/* The connection goes away with the answer: what was in isn't written again, what wasn't is. */
static void a_lost_answer(bool is_in) {
    static const char *const settings[][2] = {{"pk.mode", "record_key"}, {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    target.fails = 2;
    target.is_in = is_in;
    target.was_lost = true;
    for (int i = 0; i < 10; i++) put_id(&r, i);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    if (!step_to(m, 10, &e)) fail_msg("%s", e.msg);
    for (int i = 0; i < 3; i++) assert_true(sink_member_step(m, &e));
    sink_member_close(m);
    assert_int_equal(target.row_count, 10);
    assert_true(waits >= 1);
    sink_rig_close(&r);
}

static void a_lost_answer_of_a_put_that_is_in(void **state) {
    (void)state;
    a_lost_answer(true);
}

static void a_lost_answer_of_a_put_that_is_not(void **state) {
    (void)state;
    a_lost_answer(false);
}

static const char *const HOURS[][2] = {{"pk.mode", "record_key"},
                                       {"retry.backoff.ms", "3600000"},
                                       {"errors.retry.delay.max.ms", "3600000"},
                                       {NULL, NULL}};

static void a_target_that_is_back_ends_an_hour_s_wait(void **state) {
    (void)state;
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, HOURS);
    target.fails = 1;
    target.is_in = false;
    target.was_lost = true;
    put_id(&r, 1);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    if (!step_to(m, 1, &e)) fail_msg("%s", e.msg);
    sink_member_close(m);
    assert_int_equal(waits, 1);
    assert_int_equal(target.looks, 2);
    sink_rig_close(&r);
}

static void refuse_for(int times, int64_t patience_ms) {
    target.fails = times;
    target.is_in = target.was_lost = false;
    target.patience_ms = patience_ms;
}

/* max.retries is 5. */
static void tries_of_a_row_that_waits_do_not_count(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"pk.mode", "record_key"},
                                              {"retry.backoff.ms", "1"},
                                              {"errors.retry.delay.max.ms", "1"},
                                              {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    refuse_for(8, 3600000);
    put_id(&r, 1);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    if (!step_to(m, 1, &e)) fail_msg("%s", e.msg);
    assert_int_equal(waits, 8);
    refuse_for(8, 0);
    put_id(&r, 2);
    kafka_mock_flush(&r.mock);
    assert_false(step_to(m, 2, &e));
    assert_false(e.retriable);
    assert_non_null(strstr(e.msg, "after 5 tries (max.retries)"));
    sink_member_close(m);
    sink_rig_close(&r);
}

static void a_wait_is_cut_to_the_time_that_is_left(void **state) {
    (void)state;
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, HOURS);
    refuse_for(1, 20);
    put_id(&r, 1);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    if (!step_to(m, 1, &e)) fail_msg("%s", e.msg);
    assert_int_equal(waits, 1);
    assert_int_equal(target.looks, 0);
    sink_member_close(m);
    sink_rig_close(&r);
}

static void a_stop_ends_it_too(void **state) {
    (void)state;
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, HOURS);
    target.fails = 1;
    target.stops = &is_stopping;
    put_id(&r, 1);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    assert_false(step_to(m, 1, &e));
    assert_int_equal(e.code, ERR_CANCELLED);
    assert_int_equal(target.looks, 1);
    sink_member_close(m);
    is_stopping = false;
    sink_rig_close(&r);
}

static void a_record_that_cannot_be_read_fails_with_its_place(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"pk.mode", "record_key"}, {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    kafka_mock_put(&r.mock, "t", 1, NULL, "not JSON");
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    assert_false(step_to(m, 1, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "t-1 at offset 0"));
    sink_member_close(m);
    assert_false(target.partitions[1].offset > 0);
    sink_rig_close(&r);
}

static void with_tolerance_it_goes_to_the_dead_letter_topic(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"pk.mode", "record_key"},
                                              {"errors.tolerance", "all"},
                                              {"errors.deadletterqueue.topic.name", "dead"},
                                              {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "dead", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_mock_put(&r.mock, "t", 1, NULL, "not JSON");
    put_id(&r, 3);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    if (!step_to(m, 1, &e)) fail_msg("%s", e.msg);
    sink_member_close(m);
    assert_int_equal(target.ids[0], 3);
    assert_int_equal(target.partitions[1].offset, 2);
    int64_t low = 0, high = 0;
    assert_int_equal(rd_kafka_query_watermark_offsets(r.mock.rk, "dead", 0, &low, &high, 10000),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(high, 1);
    sink_rig_close(&r);
}

static void a_letter_names_the_transform_that_failed(void **state) {
    (void)state;
#define SMT "org.apache.kafka.connect.transforms."
    static const char *const settings[][2] = {{"pk.mode", "record_key"},
                                              {"transforms", "s,c"},
                                              {"transforms.s.type", SMT "SetSchemaMetadata$Value"},
                                              {"transforms.s.schema.name", "n"},
                                              {"transforms.c.type", " " SMT "Cast$Value "},
                                              {"transforms.c.spec", "id:int8"},
                                              {"errors.tolerance", "all"},
                                              {"errors.deadletterqueue.topic.name", "dead"},
                                              {"errors.deadletterqueue.context.headers.enable", "true"},
                                              {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "dead", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_mock_put(&r.mock, "t", 1, NULL,
                   "{\"schema\":{\"type\":\"struct\",\"fields\":[{\"field\":\"id\",\"type\":\"string\"}]},"
                   "\"payload\":{\"id\":\"x\"}}");
    put_id(&r, 3);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    if (!step_to(m, 1, &e)) fail_msg("%s", e.msg);
    sink_member_close(m);
    rd_kafka_t *reader = NULL;
    rd_kafka_headers_t *headers = NULL;
    const void *value = NULL;
    size_t n = 0;
    rd_kafka_message_t *letter = kafka_mock_first(&r.mock, "dead", &reader);
    assert_non_null(letter);
    assert_int_equal(rd_kafka_message_headers(letter, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_get_last(headers, "__connect.errors.stage", &value, &n),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_memory_equal(value, "TRANSFORMATION", n);
    assert_int_equal(rd_kafka_header_get_last(headers, "__connect.errors.class.name", &value, &n),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(n, strlen(SMT "Cast$Value"));
    assert_memory_equal(value, SMT "Cast$Value", n);
    rd_kafka_message_destroy(letter);
    rd_kafka_destroy(reader);
    sink_rig_close(&r);
}

/* Of a partition that another has taken since, what was read says nothing: it isn't for good. */
static void a_start_that_cannot_be(bool has_rival, ErrCode expected) {
    static const char *const settings[][2] = {{"pk.mode", "record_key"}, {NULL, NULL}};
    SinkRig r;
    Err e = {0};
    sink_rig_open(&r, settings);
    target.has_rival = has_rival;
    target.partitions[0] = (Kept){.has_offset = true, .offset = 1000};
    put_id(&r, 0);
    kafka_mock_flush(&r.mock);
    SinkMember *m = opened(&r);
    assert_false(step_to(m, 1, &e));
    assert_int_equal(e.code, expected);
    assert_non_null(strstr(e.msg, "t-0"));
    sink_member_close(m);
    target.has_rival = false;
    sink_rig_close(&r);
}

static void an_offset_past_the_end_stops(void **state) {
    (void)state;
    a_start_that_cannot_be(/* has_rival= */ false, ERR_RANGE);
}

static void an_offset_past_the_end_of_a_lost_partition_does_not(void **state) {
    (void)state;
    a_start_that_cannot_be(/* has_rival= */ true, ERR_FENCED);
}

static void an_unknown_converter_is_refused(void **state) {
    (void)state;
    static const char *const settings[][2] = {{"key.converter", "no.such.Converter"}, {NULL, NULL}};
    SinkRig r;
    SinkMember *m = NULL;
    Err e = {0};
    sink_rig_open(&r, settings);
    assert_false(open_of(&r, &m, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "no.such.Converter"));
    sink_rig_close(&r);
}

static void transforms_are_of_the_version_that_the_file_names(void **state) {
    (void)state;
#define UNWRAP_SETTINGS                                                                                      \
    {"transforms", "unwrap"}, {"transforms.unwrap.type", "io.debezium.transforms.ExtractNewRecordState"},    \
        {"transforms.unwrap.delete.tombstone.handling.mode", "rewrite"}, {                                   \
        "transforms.unwrap.replace.null.with.default", "false"                                               \
    }
    static const char *const later[][2] = {{"debezium.version", "3.0"}, UNWRAP_SETTINGS, {NULL, NULL}},
                             *const standard[][2] = {UNWRAP_SETTINGS, {NULL, NULL}};
    SinkRig r;
    SinkMember *m = NULL;
    Err e = {0};
    sink_rig_open(&r, later);
    sink_member_close(opened(&r));
    sink_rig_close(&r);
    sink_rig_open(&r, standard);
    assert_false(open_of(&r, &m, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "debezium.version=3.0"));
    sink_rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_offsets_reach_the_target_once),
        cmocka_unit_test(a_lost_answer_of_a_put_that_is_in),
        cmocka_unit_test(a_lost_answer_of_a_put_that_is_not),
        cmocka_unit_test(a_target_that_is_back_ends_an_hour_s_wait),
        cmocka_unit_test(a_stop_ends_it_too),
        cmocka_unit_test(tries_of_a_row_that_waits_do_not_count),
        cmocka_unit_test(a_wait_is_cut_to_the_time_that_is_left),
        cmocka_unit_test(a_record_that_cannot_be_read_fails_with_its_place),
        cmocka_unit_test(with_tolerance_it_goes_to_the_dead_letter_topic),
        cmocka_unit_test(a_letter_names_the_transform_that_failed),
        cmocka_unit_test(an_offset_past_the_end_stops),
        cmocka_unit_test(an_offset_past_the_end_of_a_lost_partition_does_not),
        cmocka_unit_test(an_unknown_converter_is_refused),
        cmocka_unit_test(transforms_are_of_the_version_that_the_file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
