#include "kafka/source_start.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "convert/schema_history.h"
#include "kafka/takeover.h"
#include "transport/kafka_option.h"
#include "transport/kafka_reader.h"

#define WORKER_TOPIC    "offset.storage.topic"
#define HISTORY_TOPIC   "schema.history.internal.kafka.topic"
#define HISTORY_SERVERS "schema.history.internal.kafka.bootstrap.servers"

enum {
    DAMAGED_MAX = 64, /* keys remembered; one is named */
    KEY_SHOWN = 200,
};

/* One topic that is read; of errors the first is kept, which isn't in the way of what follows. */
typedef struct Reading {
    SourceOffsets *found;
    const SourceOffsetsKey *key;
    SchemaHistory *history;
    bool waits_for_none; /* what is committed now will do */
    StrMap *damaged;     /* key of an offset whose last value can't be read → Err, owned */
    Err e;
} Reading;

/* Debezium's value is kept as it is; whether it is one shows here, where its place is known. */
static bool is_sound(const Reading *r, Str key, Str value, Err *e) {
    CLEANUP(buf_done) Buf debezium = {0};
    CLEANUP(arena_done) Arena arena = {0};
    ConnectOffset offset;
    connect_offset_key(r->key->connector, r->key->prefix, r->key->database, &debezium);
    return !value.p || !str_eq(key, buf_view(&debezium)) || connect_offset_read(value, &arena, &offset, e);
}

/* A later value of the key takes the place of a damaged one: that is how it is mended. */
static void take_offset(void *arg, int32_t partition, int64_t offset, Str key, Str value) {
    Reading *r = arg;
    Err e = {0};
    if (!key.p) return;
    free(strmap_del(r->damaged, key));
    if (source_offsets_take(r->found, r->key, key, value, &e) && is_sound(r, key, value, &e)) return;
    (void)err_wrap(
        &e,
        "partition %d, offset %lld, key %.*s: the stored offset is damaged; write the value before "
        "it under that key again, or null to forget it",
        (int)partition, (long long)offset, (int)(key.n < KEY_SHOWN ? key.n : KEY_SHOWN), key.p);
    if (strmap_count(r->damaged) >= DAMAGED_MAX) return;
    Err *kept = x_malloc(sizeof *kept);
    *kept = e;
    strmap_set(r->damaged, key, kept);
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
        !(r->waits_for_none ? kafka_reader_committed : kafka_reader_all)(conf, topic, is_stopping, fn, r,
                                                                         ret_exists, e))
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

static void take_over(SourceOffsets *o, const ConnectOffset *offset, const SchemaHistory *history,
                      const Options *options, const SourceOffsetsKey *key) {
    StoredState state = {0};
    const TableFilter filter = table_filter_of(options);
    if (!takeover_state(offset, history, &filter, &state)) return;
    CLEANUP_FREE char *name = str_dup(key->connector);
    LOG_INFO("offset_taken_over", LOG_S("connector", name), LOG_S("offset", o->debezium),
             LOG_I("tables", state.table_count));
    source_offsets_replace(o, &state);
    o->inside = (Position){0};
}

bool source_start_history_is_elsewhere(const Options *options) {
    const TextList *own = options_list(options, HISTORY_SERVERS),
                   *all = options_list(options, KAFKA_OPTION_SERVERS);
    if (!own || own->count == 0) return false;
    for (size_t i = 0; i < own->count; i++)
        for (size_t k = 0; all && k < all->count; k++)
            if (str_eq_icase(str_trim(str_from(own->items[i])), str_trim(str_from(all->items[k]))))
                return false; /* an address is of one cluster */
    return true;
}

/* Which tables Debezium has copied stands in its history alone: without it all would be copied once more,
 * those without a key twice. */
static bool refuse(const SourceOffsetsKey *key, const char *why, Err *e) {
    CLEANUP(buf_done) Buf theirs = {0};
    connect_offset_key(key->connector, key->prefix, key->database, &theirs);
    return err_set(e, ERR_INVALID, false,
                   "Debezium's offset can't be gone on from without its schema history, which says what it "
                   "has copied: %s. Or give the offset up: write null into the topic of offsets under %s",
                   why, buf_text(&theirs));
}

static bool read_history(const Options *options, const SourceOffsetsKey *key, const bool *is_stopping,
                         SchemaHistory *history, Err *e) {
    const char *topic = options_str(options, HISTORY_TOPIC);
    Reading r = {.history = history};
    bool exists = false;
    if (!topic || !*topic) return refuse(key, "set " HISTORY_TOPIC " as Debezium has it", e);
    if (source_start_history_is_elsewhere(options))
        return refuse(key,
                      HISTORY_SERVERS " has to name the worker's bootstrap.servers, whose topics are read "
                                      "(copy the history there if it is another cluster's)",
                      e);
    if (!read_topic(options, topic, is_stopping, take_history, &r, &exists, e)) return false;
    if (exists && schema_history_count(history) > 0) return true;
    CLEANUP_FREE char *why =
        x_asprintf("topic %s (" HISTORY_TOPIC ") %s", topic,
                   exists ? "has nothing of this topic.prefix and database" : "is missing");
    return refuse(key, why, e);
}

static bool go_on_from_debezium(const Options *options, const SourceOffsetsKey *key, const bool *is_stopping,
                                SourceOffsets *o, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    ConnectOffset offset;
    if (!connect_offset_read(str_from(o->debezium), &arena, &offset, e))
        return err_wrap(e, "the stored offset of connector " STR_FMT, STR_ARG(key->connector));
    if (!takeover_is_possible(&offset)) return true; /* nothing is changed */
    SchemaHistory *history = schema_history_new(key->prefix, key->database, &offset);
    bool ok = read_history(options, key, is_stopping, history, e);
    if (ok) take_over(o, &offset, history, options, key);
    schema_history_free(history);
    return ok;
}

static bool read_offsets(const Options *options, const SourceOffsetsKey *key, const char *topic,
                         const bool *is_stopping, SourceOffsets *found, bool *ret_exists, Err *e) {
    Reading r = {.found = found, .key = key, .damaged = strmap_new(/* ignore_case= */ false)};
    Str damaged;
    void *why;
    size_t at = 0;
    bool ok = read_topic(options, topic, is_stopping, take_offset, &r, ret_exists, e);
    if (ok && strmap_next(r.damaged, &at, &damaged, &why)) {
        *e = *(const Err *)why;
        ok = err_wrap(e, "topic %s", topic);
    }
    strmap_free_all(r.damaged);
    return ok;
}

/* A connector's own topic that has nothing of it yet: Kafka Connect goes on from the worker's then. */
static bool read_workers_offsets(const Options *options, const SourceOffsetsKey *key, const char *topic,
                                 const bool *is_stopping, SourceOffsets *found, Err *e) {
    const char *workers = options_str(options, WORKER_TOPIC);
    bool exists = false;
    if (found->has_own || found->debezium || !workers || strcmp(workers, topic) == 0) return true;
    if (!read_offsets(options, key, workers, is_stopping, found, &exists, e)) return false;
    if (found->has_own || found->debezium)
        LOG_INFO("offset_of_worker_topic", LOG_S("topic", workers), LOG_S("next", topic));
    return true;
}

bool source_start_epoch(const Options *options, const SourceOffsetsKey *key, const char *topic,
                        const bool *is_stopping, int64_t *ret, Err *e) {
    SourceOffsets found = {0};
    Reading r = {
        .found = &found, .key = key, .waits_for_none = true, .damaged = strmap_new(/* ignore_case= */ false)};
    bool exists = false, ok = read_topic(options, topic, is_stopping, take_offset, &r, &exists, e);
    if (ok) *ret = found.epoch;
    strmap_free_all(r.damaged); /* told by source_start_read */
    source_offsets_done(&found);
    return ok;
}

bool source_start_read(const Options *options, const SourceOffsetsKey *key, const char *topic,
                       const bool *is_stopping, SourceOffsets *ret, Err *e) {
    SourceOffsets found = {0};
    bool ok = read_offsets(options, key, topic, is_stopping, &found, /* ret_exists= */ NULL, e) &&
              read_workers_offsets(options, key, topic, is_stopping, &found, e);
    if (ok) source_offsets_settle(&found);
    if (ok && has_gone_on(&found)) ok = go_on_from_debezium(options, key, is_stopping, &found, e);
    const TableFilter filter = table_filter_of(options);
    if (ok) source_offsets_drop_unread(&found, &filter); /* of takeovers that took all of the history */
    found.state.is_in_topic = true;
    if (ok) *ret = found;
    else source_offsets_done(&found);
    return ok;
}

const char *source_start_topic(const Options *options) {
    bool has_own = options_is_set(options, "offsets.storage.topic");
    return options_str(options, has_own ? "offsets.storage.topic" : WORKER_TOPIC);
}

char *source_start_transactional_id(const Options *options, const char *connector, int task) {
    return x_asprintf("%s-%s-%d", options_str(options, "group.id"), connector, task);
}
