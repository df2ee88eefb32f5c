#include "kafka/source_start.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "convert/schema_history.h"
#include "kafka/takeover.h"
#include "transport/kafka_option.h"
#include "transport/kafka_reader.h"

/* One topic that is read; the first error is kept, the rest is passed over. */
typedef struct Reading {
    SourceOffsets *found;
    const SourceOffsetsKey *key;
    SchemaHistory *history;
    Err e;
} Reading;

static void take_offset(void *arg, int32_t partition, int64_t offset, Str key, Str value) {
    Reading *r = arg;
    (void)partition;
    (void)offset;
    if (r->e.code == ERR_OK && !source_offsets_take(r->found, r->key, key, value, &r->e)) assert(r->e.code);
}

static void take_history(void *arg, int32_t partition, int64_t offset, Str key, Str value) {
    Reading *r = arg;
    (void)partition;
    (void)offset;
    (void)key;
    if (r->e.code == ERR_OK && value.p && !schema_history_read(r->history, value, &r->e)) assert(r->e.code);
}

static bool read_topic(const Options *o, const char *topic, const bool *is_stopping, KafkaReaderFn fn,
                       Reading *r, bool *ret_exists, Err *e) {
    rd_kafka_conf_t *conf = NULL;
    if (!kafka_option_client(o, KAFKA_CONSUMER, /* warnings= */ NULL, &conf, e) ||
        !kafka_reader_all(conf, topic, is_stopping, fn, r, ret_exists, e))
        return false;
    if (r->e.code == ERR_OK) return true;
    *e = r->e;
    return err_wrap(e, "topic %s", topic);
}

/* ---- taking over from Debezium ---- */

/* Its offset isn't the one that was written here last: it, or somebody by hand, has set another since. */
static bool has_gone_on(const SourceOffsets *o) {
    if (!o->debezium) return false;
    return !o->has_own || !o->written || strcmp(o->written, o->debezium) != 0;
}

/* Without an offset that can be gone on from nothing is changed. */
static bool take_over(SourceOffsets *o, const ConnectOffset *offset, const SchemaHistory *history,
                      const SourceOffsetsKey *key) {
    StoredState state = {0};
    if (!takeover_state(offset, history, &state)) return false;
    CLEANUP_FREE char *name = str_dup(key->connector);
    LOG_INFO("offset_taken_over", LOG_S("connector", name), LOG_S("offset", o->debezium),
             LOG_I("tables", state.table_count));
    stored_state_done(&o->state);
    o->state = state;
    o->inside = (Position){0};
    return true;
}

static bool go_on_from_debezium(const Options *options, const SourceOffsetsKey *key, const bool *is_stopping,
                                SourceOffsets *o, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    ConnectOffset offset;
    const char *topic = options_str(options, "schema.history.internal.kafka.topic");
    bool exists = false, ok = true;
    if (!connect_offset_read(str_from(o->debezium), &arena, &offset, e))
        return err_wrap(e, "the stored offset of connector " STR_FMT, STR_ARG(key->connector));
    Reading r = {.history = schema_history_new(key->prefix, key->database, &offset)};
    if (topic) ok = read_topic(options, topic, is_stopping, take_history, &r, &exists, e);
    if (ok) (void)take_over(o, &offset, exists ? r.history : NULL, key);
    schema_history_free(r.history);
    return ok;
}

bool source_start_read(const Options *options, const SourceOffsetsKey *key, const char *topic,
                       const bool *is_stopping, SourceOffsets *ret, Err *e) {
    SourceOffsets found = {0};
    Reading r = {.found = &found, .key = key};
    bool ok = read_topic(options, topic, is_stopping, take_offset, &r, /* ret_exists= */ NULL, e);
    if (ok) source_offsets_settle(&found);
    if (ok && has_gone_on(&found)) ok = go_on_from_debezium(options, key, is_stopping, &found, e);
    if (ok) *ret = found;
    else source_offsets_done(&found);
    return ok;
}

const char *source_start_topic(const Options *options) {
    bool has_own = options_is_set(options, "offsets.storage.topic");
    return options_str(options, has_own ? "offsets.storage.topic" : "offset.storage.topic");
}

char *source_start_transactional_id(const Options *options, const char *connector, int task) {
    return x_asprintf("%s-%s-%d", options_str(options, "group.id"), connector, task);
}
