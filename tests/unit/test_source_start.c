#include "kafka/source_start.h"

#include <string.h>

#include "base/mem.h"
#include "wire_rig.h"

static const SourceOffsetsKey KEY = {{"src", 3}, {"p", 1}, {"db", 2}};

#define THEIRS_KEY "[\"src\",{\"server\":\"p\",\"database\":\"db\"}]"
#define STREAMED                                                                                             \
    "{\"event_serial_no\":1,\"commit_lsn\":\"00000022:00000010:0007\",\"change_lsn\":\"00000022:00000010:"   \
    "0006\"}"
#define UNFINISHED                                                                                           \
    "{\"commit_lsn\":\"00000022:00000010:0007\",\"snapshot\":true,\"snapshot_completed\":false}"

#define HISTORY "schema.history.internal.kafka.topic=history\n"
#define CREATED(prefix)                                                                                      \
    "{\"source\":{\"server\":\"" prefix                                                                      \
    "\",\"database\":\"db\"},\"position\":{\"commit_lsn\":\"00000022:00000010:0001\",\"snapshot\":true},"    \
    "\"tableChanges\":[{\"type\":\"CREATE\",\"id\":\"\\\"db\\\".\\\"dbo\\\".\\\"t\\\"\",\"table\":{"         \
    "\"primaryKeyColumnNames\":[\"id\"],\"columns\":[{\"name\":\"id\",\"jdbcType\":4,\"typeName\":\"int\"}]" \
    "}}]}"

typedef struct Rig {
    MockKafka mock;
    Options *options;
} Rig;

static Rig rig(const char *text) {
    Rig r = {.mock = mock_kafka_new()};
    r.options = wire_rig_options(rd_kafka_mock_cluster_bootstraps(r.mock.cluster), text);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "offsets", 1, 1), 0);
    return r;
}

static void done(Rig *r) {
    options_free(r->options);
    mock_kafka_done(&r->mock);
}

static void write_to(const Rig *r, const char *topic, Str key, Str value) {
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, mock_kafka_conf(&r->mock), why, sizeof why);
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    assert_int_equal(
        rd_kafka_produce(t, 0, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value.p, value.n, key.p, key.n, NULL),
        0);
    assert_int_equal(rd_kafka_flush(rk, 20000), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_destroy(t);
    rd_kafka_destroy(rk);
}

static void write_offset(const Rig *r, Str key, Str value) {
    write_to(r, "offsets", key, value);
}

static void write_history(const Rig *r, Str value) {
    write_to(r, "history", (Str){0}, value);
}

/* Our position at 22:10:5, with what stood under Debezium's key then. */
static void write_own(const Rig *r, Str written) {
    CLEANUP(buf_done) Buf key = {0};
    CLEANUP(buf_done) Buf value = {0};
    Err e = {0};
    StoredState state = {0};
    assert_true(position_parse("00000022:00000010:0005", &state.position, &e));
    source_offsets_position_key(&KEY, &key);
    source_offsets_position_value(4, &state, &(Position){0}, written, &value);
    write_offset(r, buf_view(&key), buf_view(&value));
}

static SourceOffsets start(const Rig *r) {
    SourceOffsets found = {0};
    Err e = {0};
    if (!source_start_read(r->options, &KEY, "offsets", NULL, &found, &e)) fail_msg("%s", e.msg);
    return found;
}

static void is_refused(const Rig *r, const char *why) {
    SourceOffsets found = {0};
    Err e = {0};
    assert_false(source_start_read(r->options, &KEY, "offsets", NULL, &found, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_false(e.retriable);
    if (!strstr(e.msg, why)) fail_msg("%s", e.msg);
    assert_non_null(strstr(e.msg, "write null into the topic of offsets under " THEIRS_KEY));
}

static void assert_position(const SourceOffsets *o, const char *text) {
    char buf[POSITION_TEXT_SIZE];
    assert_true(o->state.has_position);
    assert_string_equal(position_format(&o->state.position, buf), text);
}

static void nothing_stored_is_a_beginning(void **state) {
    (void)state;
    Rig r = rig("");
    SourceOffsets o = start(&r);
    assert_false(o.has_own);
    assert_false(o.state.has_position);
    source_offsets_done(&o);
    done(&r);
}

static void our_position_counts_while_debezium_s_offset_is_the_one_we_wrote(void **state) {
    (void)state;
    Rig r = rig("");
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    write_own(&r, STR_LIT(STREAMED));
    SourceOffsets o = start(&r);
    assert_position(&o, "00000022:00000010:0005");
    assert_int_equal(o.epoch, 4);
    assert_true(o.state.is_in_topic);
    source_offsets_done(&o);
    done(&r);
}

static void an_offset_that_was_set_since_is_taken_over(void **state) {
    (void)state;
    Rig r = rig(HISTORY);
    write_own(&r, STR_LIT("{}"));
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    write_history(&r, STR_LIT(CREATED("p")));
    SourceOffsets o = start(&r);
    assert_int_equal(o.state.table_count, 1);
    assert_position(&o, "00000022:00000010:0006"); /* the commit is read again from its beginning */
    assert_int_equal(o.epoch, 4);
    assert_string_equal(o.debezium, STREAMED);
    source_offsets_done(&o);
    done(&r);
}

/* The property was added when Debezium or an earlier run had written into the worker's topic. */
static void a_topic_of_the_connectors_own_goes_on_from_the_workers(void **state) {
    (void)state;
    Rig r = rig("offsets.storage.topic=own\n");
    SourceOffsets o = {0};
    Err e = {0};
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "own", 1, 1), 0);
    assert_string_equal(source_start_topic(r.options), "own");
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    write_own(&r, STR_LIT(STREAMED));
    if (!source_start_read(r.options, &KEY, "own", NULL, &o, &e)) fail_msg("%s", e.msg);
    assert_position(&o, "00000022:00000010:0005");
    assert_string_equal(o.debezium, STREAMED);
    source_offsets_done(&o);

    write_to(&r, "own", STR_LIT(THEIRS_KEY), STR_LIT(UNFINISHED)); /* the connector's counts */
    if (!source_start_read(r.options, &KEY, "own", NULL, &o, &e)) fail_msg("%s", e.msg);
    assert_false(o.has_own);
    assert_string_equal(o.debezium, UNFINISHED);
    source_offsets_done(&o);
    done(&r);
}

static void an_unfinished_snapshot_of_debezium_s_is_no_place_to_go_on_from(void **state) {
    (void)state;
    Rig r = rig("");
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(UNFINISHED));
    SourceOffsets o = start(&r);
    assert_false(o.state.has_position);
    source_offsets_done(&o);
    done(&r);
}

/* All tables would be copied again, and rows without a key be there twice. */
static void without_its_history_no_offset_is_taken_over(void **state) {
    (void)state;
    Rig r = rig("");
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    is_refused(&r, "set schema.history.internal.kafka.topic");
    write_own(&r, STR_LIT(STREAMED)); /* not to be taken over */
    SourceOffsets o = start(&r);
    source_offsets_done(&o);
    done(&r);

    r = rig(HISTORY);
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    rd_kafka_mock_topic_set_error(r.mock.cluster, "history", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    is_refused(&r, "topic history (schema.history.internal.kafka.topic) is missing");
    rd_kafka_mock_topic_set_error(r.mock.cluster, "history", RD_KAFKA_RESP_ERR_NO_ERROR);
    write_history(&r, STR_LIT(CREATED("q")));
    is_refused(&r, "has nothing of this topic.prefix");
    write_to(&r, "history", (Str){0}, STR_LIT(CREATED("p")));
    o = start(&r);
    assert_int_equal(o.state.table_count, 1);
    source_offsets_done(&o);
    done(&r);
}

static void a_history_on_other_brokers_is_not_the_one_that_is_read(void **state) {
    (void)state;
    Rig r = rig(HISTORY "schema.history.internal.kafka.bootstrap.servers=elsewhere:9092\n");
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    write_history(&r, STR_LIT(CREATED("p")));
    is_refused(&r, "bootstrap.servers");
    assert_true(source_start_history_is_elsewhere(r.options));
    done(&r);
    Options *o = wire_rig_options("a:1,b:2", "schema.history.internal.kafka.bootstrap.servers=c:3, B:2\n");
    assert_false(source_start_history_is_elsewhere(o));
    options_free(o);
    o = wire_rig_options("a:1", "");
    assert_false(source_start_history_is_elsewhere(o));
    options_free(o);
}

static void tables_that_are_not_read_are_not_taken_over(void **state) {
    (void)state;
    Rig r = rig(HISTORY "table.include.list=dbo\\\\.other\n");
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT(STREAMED));
    write_history(&r, STR_LIT(CREATED("p")));
    SourceOffsets o = start(&r);
    assert_true(o.state.has_position);
    assert_int_equal(o.state.table_count + o.gone.table_count, 0);
    source_offsets_done(&o);
    done(&r);
}

static void an_offset_that_is_none_is_an_error(void **state) {
    (void)state;
    Rig r = rig("");
    SourceOffsets o = {0};
    Err e = {0};
    write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT("[1]"));
    assert_false(source_start_read(r.options, &KEY, "offsets", NULL, &o, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.msg, "topic offsets: partition 0, offset 0, key " THEIRS_KEY ": "));
    assert_non_null(strstr(e.msg, "null to forget it"));
    done(&r);
}

/* Each key's last value counts, as it will once the topic is compacted. */
static void a_damaged_offset_is_mended_by_a_later_value_of_its_key(void **state) {
    (void)state;
    for (int null = 0; null < 2; null++) {
        Rig r = rig("");
        CLEANUP(buf_done) Buf own = {0};
        source_offsets_position_key(&KEY, &own);
        write_offset(&r, buf_view(&own), STR_LIT("\xff no JSON"));
        write_offset(&r, STR_LIT(THEIRS_KEY), STR_LIT("{}"));
        write_offset(&r, STR_LIT(THEIRS_KEY), null ? (Str){0} : STR_LIT(STREAMED));
        SourceOffsets o = {0};
        Err e = {0};
        assert_false(source_start_read(r.options, &KEY, "offsets", NULL, &o, &e));
        assert_non_null(strstr(e.msg, "offset 0, key [\"src\",{\"millrace\":\"position\""));
        if (null) write_offset(&r, buf_view(&own), (Str){0});
        else write_own(&r, STR_LIT(STREAMED));
        o = start(&r);
        assert_int_equal(o.has_own, !null);
        assert_int_equal(o.state.has_position, !null);
        source_offsets_done(&o);
        done(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_stored_is_a_beginning),
        cmocka_unit_test(our_position_counts_while_debezium_s_offset_is_the_one_we_wrote),
        cmocka_unit_test(an_offset_that_was_set_since_is_taken_over),
        cmocka_unit_test(a_topic_of_the_connectors_own_goes_on_from_the_workers),
        cmocka_unit_test(an_unfinished_snapshot_of_debezium_s_is_no_place_to_go_on_from),
        cmocka_unit_test(without_its_history_no_offset_is_taken_over),
        cmocka_unit_test(a_history_on_other_brokers_is_not_the_one_that_is_read),
        cmocka_unit_test(tables_that_are_not_read_are_not_taken_over),
        cmocka_unit_test(an_offset_that_is_none_is_an_error),
        cmocka_unit_test(a_damaged_offset_is_mended_by_a_later_value_of_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
