#include "kafka/topic_sink.h"

#include <stdlib.h>
#include <string.h>

#include "wire_rig.h"

#define PLAIN "key.converter.schemas.enable=false\nvalue.converter.schemas.enable=false\n"
#define TOPIC "p.db.dbo.t"

typedef struct Rig {
    MockKafka mock;
    Options *options;
    Metrics *metrics;
    ConnectorContext context;
    const Schema *schema;
    Sink *sink;
} Rig;

static const Schema *make_schema(void) {
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = 1},
        {.name = STR_LIT("n"), .type = SQLTYPE_INT, .is_nullable = true},
    };
    const SchemaSpec spec = {.database = STR_LIT("db"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("t"),
                             .version = 1,
                             .columns = columns,
                             .column_count = 2};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void open_sink(Rig *r, StoredState *ret) {
    LanesStart start;
    Err e = {0};
    if (!topic_sink_class.start(r->options, &r->context, &r->sink, &e) ||
        !topic_sink_class.own_all(r->sink, 1, &start, ret, &e))
        fail_msg("%s", e.msg);
}

static Rig rig(const char *text) {
    Rig r = {.mock = mock_kafka_new(), .metrics = metrics_new(), .schema = make_schema()};
    r.options = wire_rig_options(rd_kafka_mock_cluster_bootstraps(r.mock.cluster), text);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "offsets", 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, "p", 1, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(r.mock.cluster, TOPIC, 1, 1), 0);
    r.context =
        (ConnectorContext){.name = "src", .database = "db", .topic_prefix = "p", .metrics = r.metrics};
    return r;
}

static void done(Rig *r) {
    topic_sink_class.stop(r->sink);
    schema_unref(r->schema);
    metrics_free(r->metrics);
    options_free(r->options);
    mock_kafka_done(&r->mock);
}

static void put(Rig *r, Batch *b) {
    Err e = {0};
    if (!topic_sink_class.put(r->sink, b, &e)) fail_msg("%s", e.msg);
    batch_free(b);
}

static Lsn lsn(uint8_t n) {
    return (Lsn){.b = {[9] = n}};
}

static Batch *table_batch(const Rig *r) {
    Batch *b = batch_new(BATCH_TABLE);
    b->schema = schema_ref(r->schema);
    b->table = (BatchTable){.copy = BATCH_COPY_NONE, .instance = 5};
    return b;
}

static void add_insert(const Rig *r, Batch *b, uint8_t commit, int32_t command, int64_t id) {
    Value *row = batch_row(b, 2);
    row[0] = value_int(id);
    row[1] = value_null();
    Change *c = batch_add(b);
    batch_hold_schema(b, r->schema);
    *c = (Change){.op = OP_CREATE,
                  .schema = r->schema,
                  .after = row,
                  .source_us = 1000,
                  .position = {.commit_lsn = lsn(commit),
                               .command_id = command,
                               .seqval = lsn((uint8_t)command),
                               .operation = 2}};
}

static Batch *changes(const Position *from, const Position *to, bool ends) {
    Batch *b = batch_new(BATCH_CHANGES);
    b->from = *from;
    b->to = *to;
    b->ends_transaction = ends;
    return b;
}

static Position end_of(uint8_t commit) {
    const Lsn l = lsn(commit);
    return position_end_of(&l);
}

static void begin_stream(Rig *r) {
    const Position from = {0}, to = end_of(1);
    put(r, table_batch(r));
    put(r, changes(&from, &to, true));
}

static bool has(const TopicRecord *found, size_t n, const char *key, const char *value) {
    for (size_t i = 0; i < n; i++)
        if (strstr(found[i].key, key) && strstr(found[i].value, value)) return true;
    return false;
}

static void changes_and_position_stand_in_the_topics(void **state) {
    (void)state;
    Rig r = rig(PLAIN);
    StoredState stored = {0};
    TopicRecord found[64];
    open_sink(&r, &stored);
    assert_false(stored.has_position);
    begin_stream(&r);
    const Position from = end_of(1), to = end_of(2);
    Batch *b = changes(&from, &to, true);
    add_insert(&r, b, 2, 1, 41);
    add_insert(&r, b, 2, 2, 42);
    put(&r, b);
    assert_int_equal(wire_rig_read(&r.mock, TOPIC, 1, found, 64), 2);
    assert_string_equal(found[0].key, "{\"id\":41}");
    assert_non_null(strstr(found[1].value, "\"after\":{\"id\":42,\"n\":null}"));
    size_t n = wire_rig_read(&r.mock, "offsets", 1, found, 64);
    assert_true(has(found, n, "[\"src\",{\"server\":\"p\",\"database\":\"db\"}]", "00000000:00000000:0002"));
    assert_true(has(found, n, "\"millrace\":\"position\"", "\"position\":\"00000000:00000000:0002\""));
    assert_true(has(found, n, "\"millrace\":\"table\"", "\"is_done\":true"));
    stored_state_done(&stored);
    done(&r);
}

static void the_next_owner_goes_on_where_the_former_one_was(void **state) {
    (void)state;
    Rig r = rig(PLAIN);
    StoredState stored = {0};
    open_sink(&r, &stored);
    begin_stream(&r);
    topic_sink_class.stop(r.sink);
    open_sink(&r, &stored);
    assert_true(stored.has_position);
    assert_int_equal(stored.table_count, 1);
    assert_true(stored.tables[0].is_done);
    const Position at = end_of(1);
    assert_int_equal(position_cmp(&stored.position, &at), 0);
    stored_state_done(&stored);
    done(&r);
}

static size_t count_of_key(const TopicRecord *found, size_t n, const char *key) {
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += strcmp(found[i].key, key) == 0;
    return count;
}

/* Who reads the topic uncommitted would go on from the offset of a transaction that was aborted. */
static void the_next_owner_also_writes_that_debezium_has_no_offset(void **state) {
    static const char key[] = "[\"src\",{\"server\":\"p\",\"database\":\"db\"}]";
    (void)state;
    Rig r = rig(PLAIN);
    StoredState stored = {0};
    TopicRecord found[64];
    open_sink(&r, &stored);
    begin_stream(&r);
    assert_int_equal(count_of_key(found, wire_rig_read(&r.mock, "offsets", 1, found, 64), key), 0);
    topic_sink_class.stop(r.sink);
    open_sink(&r, &stored);
    size_t n = wire_rig_read(&r.mock, "offsets", 1, found, 64);
    assert_int_equal(count_of_key(found, n, key), 1);
    for (size_t i = 0; i < n; i++)
        if (strcmp(found[i].key, key) == 0) assert_string_equal(found[i].value, "");
    stored_state_done(&stored);
    done(&r);
}

static void a_fenced_one_stops_for_good(void **state) {
    (void)state;
    enum { END_TRANSACTION = 26 }; /* Kafka's protocol: API keys */
    Rig r = rig(PLAIN);
    StoredState stored = {0};
    Err e = {0};
    open_sink(&r, &stored);
    begin_stream(&r);
    const Position from = end_of(1), to = end_of(2);
    Batch *b = changes(&from, &to, true);
    add_insert(&r, b, 2, 1, 41);
    rd_kafka_mock_push_request_errors(r.mock.cluster, END_TRANSACTION, 1,
                                      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
    assert_false(topic_sink_class.put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_false(e.retriable);
    assert_false(topic_sink_class.put(r.sink, b, &e));
    batch_free(b);
    stored_state_done(&stored);
    done(&r);
}

/* One process was stopped, another took over; then the first one's source is gone, so it begins anew. */
static void who_was_taken_over_does_not_take_the_task_back(void **state) {
    (void)state;
    Rig r = rig(PLAIN);
    Ownership first = {.owner = "0123456789abcdef"}, second = {.owner = "fedcba9876543210"};
    StoredState stored = {0};
    Err e = {0};
    r.context.ownership = &first;
    open_sink(&r, &stored);
    assert_int_equal(first.epoch, 1);
    topic_sink_class.stop(r.sink);
    open_sink(&r, &stored); /* nobody was in between */
    assert_int_equal(first.epoch, 2);
    topic_sink_class.stop(r.sink);
    r.context.ownership = &second;
    open_sink(&r, &stored);
    assert_int_equal(second.epoch, 3);
    Sink *taken = r.sink;
    r.context.ownership = &first;
    assert_true(topic_sink_class.start(r.options, &r.context, &r.sink, &e));
    assert_false(topic_sink_class.own(r.sink, &stored, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_false(e.retriable);
    assert_non_null(strstr(e.msg, "another process runs"));
    topic_sink_class.stop(r.sink);
    r.sink = taken; /* whose producer nobody has fenced */
    begin_stream(&r);
    stored_state_done(&stored);
    done(&r);
}

/* The mock keeps what was aborted, so that only what is sent counts here. */
static void a_large_transaction_is_written_in_several_and_each_change_once(void **state) {
    (void)state;
    Rig r = rig(PLAIN "transaction.max.rows=2\n");
    StoredState stored = {0};
    TopicRecord found[64];
    open_sink(&r, &stored);
    begin_stream(&r);
    const Position from = end_of(1), to = end_of(2);
    Batch *part = changes(&from, &to, false);
    for (int i = 1; i <= 3; i++) add_insert(&r, part, 2, i, i);
    part->to = part->changes[2].position;
    put(&r, part);
    size_t n = wire_rig_read(&r.mock, "offsets", 1, found, 64);
    assert_true(has(found, n, "\"millrace\":\"position\"", "\"inside\":\"00000000:00000000:0002/3/"));
    assert_false(has(found, n, "{\"server\":\"p\",\"database\":\"db\"}]", "00000000:00000000:0002"));

    /* the process dies; the next one's source begins before the transaction */
    topic_sink_class.stop(r.sink);
    open_sink(&r, &stored);
    assert_int_equal(position_cmp(&stored.position, &from), 0);
    Batch *whole = changes(&from, &to, true);
    for (int i = 1; i <= 5; i++) add_insert(&r, whole, 2, i, i);
    put(&r, whole);
    assert_int_equal(wire_rig_read(&r.mock, TOPIC, 1, found, 64), 5);
    for (int i = 0; i < 5; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "{\"id\":%d}", i + 1);
        assert_string_equal(found[i].key, key);
    }
    n = wire_rig_read(&r.mock, "offsets", 1, found, 64);
    assert_true(has(found, n, "\"millrace\":\"position\"",
                    "\"position\":\"00000000:00000000:0002\",\"inside\":null"));
    stored_state_done(&stored);
    done(&r);
}

static void what_was_refused_is_owned_again_and_put_once(void **state) {
    (void)state;
    Rig r = rig(PLAIN);
    StoredState stored = {0};
    TopicRecord found[64];
    Err e = {0};
    open_sink(&r, &stored);
    begin_stream(&r);
    const Position from = end_of(1), to = end_of(2);
    Batch *b = changes(&from, &to, true);
    add_insert(&r, b, 2, 1, 41);
    /* before anything is written: the mock would show what was aborted */
    enum { ADD_PARTITIONS = 24 };
    rd_kafka_mock_push_request_errors(r.mock.cluster, ADD_PARTITIONS, 1,
                                      RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_false(topic_sink_class.put(r.sink, b, &e));
    assert_int_equal(e.code, ERR_INVALID); /* whenever it is seen */
    assert_true(topic_sink_class.own(r.sink, &stored, &e));
    assert_false(topic_sink_class.needs_source_back(r.sink));
    assert_true(topic_sink_class.put(r.sink, b, &e));
    batch_free(b);
    assert_int_equal(wire_rig_read(&r.mock, TOPIC, 1, found, 64), 1);
    assert_non_null(strstr(found[0].value, "\"event_serial_no\":1"));
    stored_state_done(&stored);
    done(&r);
}

static void begin_copy(Rig *r) {
    const Position from = {0}, to = end_of(1);
    Batch *table = table_batch(r);
    table->table.copy = BATCH_COPY_FIRST;
    put(r, table);
    put(r, changes(&from, &to, true));
}

static void put_chunk(Rig *r, uint32_t number, int rows, bool is_last) {
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = schema_ref(r->schema);
    b->chunk = (BatchChunk){.number = number,
                            .is_first_part = true,
                            .is_last_part = true,
                            .is_last_chunk = is_last,
                            .is_plain = true,
                            .watermark = end_of(1),
                            .upper_key = STR_LIT("k")};
    for (int i = 0; i < rows; i++) {
        add_insert(r, b, 1, 0, i);
        b->changes[i].op = OP_READ;
        b->changes[i].position = end_of(1);
    }
    put(r, b);
}

/* Else Debezium would copy all tables again. */
static void a_copy_whose_last_chunk_is_empty_is_finished_for_debezium_too(void **state) {
    static const char key[] = "{\"server\":\"p\",\"database\":\"db\"}]";
    (void)state;
    for (int rows = 0; rows < 2; rows++) {
        Rig r = rig(PLAIN);
        StoredState stored = {0};
        TopicRecord found[64];
        open_sink(&r, &stored);
        begin_copy(&r);
        if (rows) put_chunk(&r, 0, rows, /* is_last= */ false);
        size_t n = wire_rig_read(&r.mock, "offsets", 1, found, 64);
        assert_int_equal(has(found, n, key, "\"snapshot_completed\":false"), rows > 0);
        put_chunk(&r, (uint32_t)rows, 0, /* is_last= */ true);
        n = wire_rig_read(&r.mock, "offsets", 1, found, 64);
        assert_true(has(found, n, key, "\"snapshot_completed\":true"));
        assert_true(has(found, n, key, "\"commit_lsn\":\"00000000:00000000:0001\""));
        assert_int_equal(wire_rig_read(&r.mock, TOPIC, 1, found, 64), rows);
        stored_state_done(&stored);
        done(&r);
    }
}

static void whether_the_cluster_answers_is_told(void **state) {
    (void)state;
    const ConnectorContext context = {.name = "src"};
    MockKafka m = mock_kafka_new();
    Options *o = wire_rig_options(rd_kafka_mock_cluster_bootstraps(m.cluster), PLAIN);
    assert_true(topic_sink_class.answers(o, &context));
    mock_kafka_done(&m);
    assert_false(topic_sink_class.answers(o, &context));
    options_free(o);
}

static void what_is_too_much_at_a_time_is_put_again_in_less(void **state) {
    (void)state;
    enum { PRODUCE = 0 };
    Rig r = rig(PLAIN);
    Ownership memory = {0};
    StoredState stored = {0};
    TopicRecord found[64];
    Err e = {0};
    r.context.ownership = &memory;
    open_sink(&r, &stored);
    begin_stream(&r);
    const Position from = end_of(1), to = end_of(2);
    Batch *b = changes(&from, &to, true);
    add_insert(&r, b, 2, 1, 41);
    /* whatever is sent: the mock would show the position of what was aborted */
    for (int i = 0; i < 8; i++)
        rd_kafka_mock_push_request_errors(r.mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
    assert_false(topic_sink_class.put(r.sink, b, &e));
    rd_kafka_mock_clear_request_errors(r.mock.cluster, PRODUCE);
    assert_true(e.retriable);
    assert_int_equal(memory.batch_bytes, 16384);
    assert_true(topic_sink_class.own(r.sink, &stored, &e));
    assert_true(topic_sink_class.put(r.sink, b, &e));
    batch_free(b);
    assert_int_equal(wire_rig_read(&r.mock, TOPIC, 1, found, 64), 1);
    assert_non_null(strstr(found[0].value, "\"event_serial_no\":1"));
    stored_state_done(&stored);
    done(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_and_position_stand_in_the_topics),
        cmocka_unit_test(the_next_owner_goes_on_where_the_former_one_was),
        cmocka_unit_test(the_next_owner_also_writes_that_debezium_has_no_offset),
        cmocka_unit_test(a_fenced_one_stops_for_good),
        cmocka_unit_test(who_was_taken_over_does_not_take_the_task_back),
        cmocka_unit_test(a_large_transaction_is_written_in_several_and_each_change_once),
        cmocka_unit_test(what_was_refused_is_owned_again_and_put_once),
        cmocka_unit_test(a_copy_whose_last_chunk_is_empty_is_finished_for_debezium_too),
        cmocka_unit_test(whether_the_cluster_answers_is_told),
        cmocka_unit_test(what_is_too_much_at_a_time_is_put_again_in_less),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
