/* Records of a made-up converter: "NUMBER" is a struct with one field id, "bad" can't be read, "down" fails
 * once. A message's headers are what its _private says: librdkafka makes none but by reading. */
#include "worker/sink_batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

static bool is_down;

static bool make_it(const ConverterSpec *spec, const Options *o, TextList *warnings, Converter **ret,
                    Err *e) {
    (void)o;
    (void)warnings;
    (void)e;
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->foreign_header = spec->is_key ? "__key" : "__value";
    return true;
}

/* In place of librdkafka's. */
rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *m, rd_kafka_headers_t **ret) {
    *ret = m->_private;
    return m->_private ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR__NOENT;
}

static bool encode_it(Converter *c, Str topic, const ConnectSchema *schema, const Value *v, Buf *out,
                      bool *ret_is_null, Err *e) {
    (void)c;
    (void)topic;
    (void)schema;
    (void)v;
    (void)out;
    (void)ret_is_null;
    return err_set(e, ERR_INTERNAL, false, "not called");
}

static const ConnectSchema *row_schema(void) {
    const ConnectSchema *id = connect_schema_plain(CONNECT_INT32, false), *s = NULL;
    const ConnectField field = {STR_LIT("id"), id};
    const ConnectSchema spec = {
        .type = CONNECT_STRUCT, .name = STR_LIT("row"), .fields = &field, .field_count = 1};
    Err e = {0};
    if (!connect_schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    connect_schema_unref(id);
    return s;
}

static bool decode_it(Converter *c, Str topic, Str bytes, RecordBatch *into, const ConnectSchema **ret_schema,
                      Value *ret, Err *e) {
    (void)c;
    (void)topic;
    if (str_eq_c(bytes, "bad")) return err_set(e, ERR_DATA, false, "unknown magic byte");
    if (str_eq_c(bytes, "down") && is_down) return err_set(e, ERR_IO, true, "the registry is down");
    int64_t id = str_eq_c(bytes, "down") ? 99 : strtoll(bytes.p, NULL, 10);
    const ConnectSchema *s = row_schema();
    Value *row = record_batch_row(into, 1);
    row[0] = value_int(id);
    record_batch_hold_schema(into, s);
    connect_schema_unref(s);
    *ret_schema = s;
    *ret = record_struct(row, 1);
    return true;
}

static void free_it(Converter *c) {
    free(c);
}

static const ConverterClass class = {
    .name = "test", .make = make_it, .encode = encode_it, .decode = decode_it, .free = free_it};

typedef struct Rig {
    Converter *key, *value;
    TransformChain *chain;
    ChangeMaker *maker;
    Props *props;
    Partition *partition;
    SinkBatch *batch;
    bool is_tolerant, is_dead_down;
    int failures;
    SinkStage stage;
    rd_kafka_message_t messages[8];
    size_t count;
} Rig;

static bool note_failed(void *arg, const SinkInput *at, const SinkFault *fault, Err *e) {
    Rig *r = arg;
    if (r->is_dead_down) return err_set(e, ERR_IO, true, "the dead letter topic is down");
    r->failures++;
    r->stage = fault->stage;
    if (r->is_tolerant) return true;
    *e = fault->why;
    return err_wrap(e, "offset %lld", (long long)at->message->offset);
}

static void rig_open(Rig *r) {
    *r = (Rig){.props = props_new(), .partition = partition_new(), .is_tolerant = true};
    const ConverterSpec spec = {.class_name = STR_LIT("test"), .props = r->props, .prefix = "x."};
    const ConverterSpec key_spec = {STR_LIT("test"), /* is_key= */ true, r->props, "x.", NULL};
    const ChangeRules rules = {.key_mode = CHANGE_KEY_RECORD_KEY, .may_delete = true};
    const PartitionFacts facts = {.epoch = 1, .high = 1000, .reset = PARTITION_EARLIEST};
    const TransformSetup setup = {.is_sink = true};
    PartitionStart start;
    Err e = {0};
    if (!converter_new_of(&class, &key_spec, &r->key, &e) ||
        !converter_new_of(&class, &spec, &r->value, &e) ||
        !transform_chain_new(r->props, &setup, &r->chain, &e) ||
        !partition_begin(r->partition, &facts, &start, &e))
        fail_msg("%s", e.msg);
    r->maker = change_maker_new(&rules);
    r->batch = sink_batch_new(&(SinkBatchSpec){.key = r->key,
                                               .value = r->value,
                                               .chain = r->chain,
                                               .maker = r->maker,
                                               .failed = note_failed,
                                               .arg = r});
}

static void rig_close(Rig *r) {
    sink_batch_free(r->batch);
    converter_free(r->key);
    converter_free(r->value);
    transform_chain_free(r->chain);
    change_maker_free(r->maker);
    partition_free(r->partition);
    props_free(r->props);
}

static void put(Rig *r, const char *key, const char *value) {
    rd_kafka_message_t *m = &r->messages[r->count];
    *m = (rd_kafka_message_t){.key = (void *)(uintptr_t)key,
                              .key_len = strlen(key),
                              .payload = (void *)(uintptr_t)value,
                              .len = strlen(value),
                              .offset = (int64_t)r->count++};
    sink_batch_add(r->batch, &(SinkInput){"t", 0, r->partition, m});
}

static int64_t id_of(const Rig *r, size_t at) {
    size_t count = 0;
    const Change *changes = sink_batch_changes(r->batch, &count);
    assert_true(at < count);
    return changes[at].after[0].v.i;
}

static size_t count_of(const Rig *r) {
    size_t count = 0;
    (void)sink_batch_changes(r->batch, &count);
    return count;
}

static void a_record_that_cannot_be_read_is_left_out(void **state) {
    (void)state;
    Rig r;
    Err e = {0};
    rig_open(&r);
    put(&r, "1", "1");
    put(&r, "2", "bad");
    put(&r, "bad", "3");
    put(&r, "4", "4");
    assert_true(sink_batch_make(r.batch, &e));
    assert_int_equal(count_of(&r), 2);
    assert_int_equal(id_of(&r, 1), 4);
    assert_int_equal(sink_batch_input_of(r.batch, 1)->message->offset, 3);
    assert_int_equal(r.failures, 2);
    assert_int_equal(r.stage, SINK_KEY);
    sink_batch_clear(r.batch);
    assert_int_equal(count_of(&r), 0);
    rig_close(&r);
}

static void a_record_whose_header_tells_of_another_form_is_left_out(void **state) {
    (void)state;
    Rig r;
    Err e = {0};
    rd_kafka_headers_t *of_key = rd_kafka_headers_new(1), *of_value = rd_kafka_headers_new(1),
                       *other = rd_kafka_headers_new(1);
    (void)rd_kafka_header_add(of_key, "__key", -1, "x", 1);
    (void)rd_kafka_header_add(of_value, "__value", -1, "x", 1);
    (void)rd_kafka_header_add(other, "trace", -1, "x", 1);
    rd_kafka_headers_t *headers[] = {other, of_key, of_value, NULL};
    rig_open(&r);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        put(&r, "1", "1");
        r.messages[i]._private = headers[i];
    }
    assert_true(sink_batch_make(r.batch, &e));
    assert_int_equal(r.failures, 2);
    assert_int_equal(r.stage, SINK_VALUE);
    assert_int_equal(count_of(&r), 2);
    assert_int_equal(sink_batch_input_of(r.batch, 1)->message->offset, 3);
    r.is_tolerant = false;
    sink_batch_clear(r.batch);
    r.count = 0;
    put(&r, "1", "1");
    r.messages[0]._private = of_value;
    assert_false(sink_batch_make(r.batch, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "header __value"));
    rig_close(&r);
    for (size_t i = 0; i < 3; i++) rd_kafka_headers_destroy(headers[i]);
}

static void without_tolerance_it_stops_there(void **state) {
    (void)state;
    Rig r;
    Err e = {0};
    rig_open(&r);
    r.is_tolerant = false;
    put(&r, "1", "1");
    put(&r, "2", "bad");
    assert_false(sink_batch_make(r.batch, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_non_null(strstr(e.msg, "offset 1"));
    rig_close(&r);
}

static void what_passes_goes_on_at_the_same_record(void **state) {
    (void)state;
    Rig r;
    Err e = {0};
    rig_open(&r);
    put(&r, "1", "1");
    put(&r, "99", "down");
    put(&r, "3", "3");
    is_down = true;
    assert_false(sink_batch_make(r.batch, &e));
    assert_true(e.retriable);
    assert_false(sink_batch_make(r.batch, &e));
    is_down = false;
    assert_true(sink_batch_make(r.batch, &e));
    assert_int_equal(count_of(&r), 3);
    assert_int_equal(id_of(&r, 1), 99);
    assert_int_equal(r.failures, 0);
    rig_close(&r);
}

static void a_failure_that_could_not_be_dealt_with_is_told_again(void **state) {
    (void)state;
    Rig r;
    Err e = {0};
    rig_open(&r);
    put(&r, "1", "bad");
    put(&r, "2", "2");
    r.is_dead_down = true;
    assert_false(sink_batch_make(r.batch, &e));
    assert_true(e.retriable);
    assert_false(sink_batch_make(r.batch, &e));
    assert_int_equal(r.failures, 0);
    r.is_dead_down = false;
    assert_true(sink_batch_make(r.batch, &e));
    assert_int_equal(r.failures, 1);
    assert_int_equal(r.stage, SINK_VALUE);
    assert_int_equal(count_of(&r), 1);
    assert_int_equal(id_of(&r, 0), 2);
    assert_true(sink_batch_make(r.batch, &e));
    assert_int_equal(r.failures, 1);
    rig_close(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_that_cannot_be_read_is_left_out),
        cmocka_unit_test(a_record_whose_header_tells_of_another_form_is_left_out),
        cmocka_unit_test(without_tolerance_it_stops_there),
        cmocka_unit_test(what_passes_goes_on_at_the_same_record),
        cmocka_unit_test(a_failure_that_could_not_be_dealt_with_is_told_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
