/*
 * What makes a batch part of the topics exactly once is decided by pipeline/lane.h, as for a database: here
 * its transactions are Kafka's. Records and position are one transaction: the position stands in the topic of
 * offsets, under keys of ours (source_offsets.h), beside Debezium's, which says the last event of the last
 * complete transaction.
 *
 * The fence is Kafka's own: whoever opens a producer of the same transactional.id ends the former one's
 * transaction and leaves it unable to write. Only then the offsets are read, and what is stored is written
 * again in a committed transaction: readers of uncommitted records (JVM workers) would see an aborted offset.
 * So after any failure the producer is closed, and owning the task again is all there is to do. Who has owned
 * it before looks first whether another has since: it stops then, and doesn't fence the new owner.
 *
 * A transaction of the source that is too large for one of Kafka's is written in several: pipeline/parts.h.
 */
#include "kafka/topic_sink.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "connector/notices.h"
#include "convert/change_events.h"
#include "convert/common_records.h"
#include "convert/schema_log.h"
#include "convert/wire_option.h"
#include "kafka/history_writer.h"
#include "kafka/record_writer.h"
#include "kafka/source_offsets.h"
#include "kafka/source_start.h"
#include "pipeline/lane.h"
#include "pipeline/parts.h"
#include "transport/kafka_option.h"
#include "transport/kafka_producer.h"
#include "transport/kafka_reach.h"
#include "transport/kafka_topics.h"

enum {
    PENDING_MAX = 256,
    OVER_TIME_MAX = 3,
    STRETCH = 1024, /* changes made records at a time: what they take stays in the processor's cache */
};

/* What a commit adds to a counter. */
typedef struct Pending {
    Metric *metric;
    int64_t count;
} Pending;

struct Sink {
    const Options *options;
    const bool *is_stopping;
    Metrics *metrics;
    Progress *progress;
    char *name, *prefix, *database, *transactional_id, *offsets_topic;
    WireOptions wire;
    RecordWriter *writer;
    ChangeEvents *events;
    RecordBatch *records, *notes;
    Notices *notices;        /* NULL = nobody wants any */
    KafkaProducer *producer; /* NULL = closed */
    KafkaTopic *offsets;
    Lane *lane;
    int64_t epoch;
    Parts parts;
    Ownership *memory; /* the caller's, or &own */
    Ownership own;
    Buf debezium; /* Debezium's value as it is stored */
    Buf key, value, history;
    HistoryWriter *histories; /* NULL: nothing to write so far */
    bool has_begun_copy;
    int64_t heartbeat_us, last_heartbeat_us;
    int64_t reached_us;
    Pending pending[PENDING_MAX];
    size_t pending_count;
    const Schema *last_schema; /* compared only */
    Metric *counter;           /* of that table */
    Metric *transactions, *position_time;
};

/* ---- life ---- */

static Sink *sink_stop(Sink *s) {
    if (!s) return NULL;
    kafka_producer_close(s->producer);
    record_writer_free(s->writer);
    record_batch_free(s->records);
    record_batch_free(s->notes);
    notices_free(s->notices);
    change_events_free(s->events);
    lane_free(s->lane);
    buf_done(&s->debezium);
    buf_done(&s->key);
    buf_done(&s->value);
    buf_done(&s->history);
    history_writer_close(s->histories);
    free(s->name);
    free(s->prefix);
    free(s->database);
    free(s->transactional_id);
    free(s->offsets_topic);
    free(s);
    return NULL;
}

static void log_warnings(TextList *warnings) {
    for (size_t i = 0; i < warnings->count; i++) LOG_WARN("property", LOG_S("what", warnings->items[i]));
    textlist_done(warnings);
}

static bool sink_start(const Options *options, const ConnectorContext *context, Sink **ret, Err *e) {
    CLEANUP(textlist_done) TextList warnings = {0};
    Sink *s = x_calloc(1, sizeof *s);
    s->options = options;
    s->is_stopping = context->is_stopping;
    s->memory = context->ownership ? context->ownership : &s->own;
    s->metrics = context->metrics;
    s->progress = context->progress;
    s->name = x_strdup(context->name);
    s->prefix = x_strdup(context->topic_prefix);
    s->database = x_strdup(context->database ? context->database : "");
    s->offsets_topic = x_strdup(source_start_topic(options));
    s->transactional_id = source_start_transactional_id(options, context->name, context->task);
    s->parts.most = (size_t)options_int(options, "transaction.max.rows");
    s->heartbeat_us = options_int(options, "heartbeat.interval.ms") * 1000;
    s->last_heartbeat_us = clock_mono_us();
    s->lane = lane_new();
    s->records = record_batch_new();
    s->notes = record_batch_new();
    s->transactions = metrics_get(s->metrics, METRIC_COUNTER, "millrace_transactions_total", (Str){0},
                                  "Transactions committed in the target");
    s->position_time = metrics_get(s->metrics, METRIC_GAUGE, "millrace_position_time_us", (Str){0},
                                   "Commit time, in the source, of the position stored in the target");
    if (!wire_options(options, &s->wire, e) ||
        !record_writer_new(options, s->is_stopping, &warnings, &s->writer, e)) {
        sink_stop(s);
        return false;
    }
    if (source_start_history_is_elsewhere(options))
        textlist_printf(
            &warnings, "schema.history.internal.kafka.bootstrap.servers names none of bootstrap.servers: the "
                       "history is written through the latter, and Debezium would look for it elsewhere");
    log_warnings(&warnings);
    *ret = s;
    return true;
}

/* ---- what is stored ---- */

static SourceOffsetsKey offsets_key(const Sink *s) {
    return (SourceOffsetsKey){str_from(s->name), str_from(s->prefix), str_from(s->database)};
}

static bool store(Sink *s, Err *e) {
    const KafkaMessage m = {.key = buf_view(&s->key),
                            .value = s->value.n ? buf_view(&s->value) : (Str){0},
                            .partition = -1,
                            .timestamp_ms = -1};
    return kafka_producer_send(s->producer, s->offsets, &m, e);
}

static bool store_position(Sink *s, const Position *position, const Position *consistent,
                           const Position *inside, Err *e) {
    const SourceOffsetsKey key = offsets_key(s);
    const StoredState state = {.position = *position, .consistent = *consistent};
    buf_clear(&s->key);
    buf_clear(&s->value);
    source_offsets_position_key(&key, &s->key);
    source_offsets_position_value(s->epoch, &state, inside, buf_view(&s->debezium), &s->value);
    return store(s, e);
}

/* What the batch's marks make of its table. */
static bool store_table(Sink *s, const Batch *b, Err *e) {
    const SourceOffsetsKey key = offsets_key(s);
    StoredState behind = {0};
    stored_state_copy(&behind, lane_stored(s->lane));
    if (b->kind == BATCH_TABLE) stored_state_add_table(&behind, b);
    else stored_state_mark_chunk(&behind, b);
    const StoredTable *t = stored_state_table(&behind, b->schema->schema, b->schema->table);
    buf_clear(&s->key);
    buf_clear(&s->value);
    source_offsets_table_key(&key, b->schema->schema, b->schema->table, &s->key);
    if (t) source_offsets_table_value(t, &s->value);
    stored_state_done(&behind);
    return store(s, e);
}

/* Debezium's value under its key; "": that it has none. */
static bool store_debezium(Sink *s, Str value, Err *e) {
    const SourceOffsetsKey k = offsets_key(s);
    buf_clear(&s->key);
    buf_clear(&s->value);
    connect_offset_key(k.connector, k.prefix, k.database, &s->key);
    buf_str(&s->value, value);
    return store(s, e);
}

/* ---- owning ---- */

static bool open_producer(Sink *s, Err *e) {
    TextList warnings = {0};
    rd_kafka_conf_t *conf = NULL;
    char why[256];
    s->producer = kafka_producer_close(s->producer);
    if (!kafka_option_client(s->options, KAFKA_PRODUCER, &warnings, &conf, e)) {
        textlist_done(&warnings);
        return false;
    }
    if (s->epoch == 0) log_warnings(&warnings);
    else textlist_done(&warnings);
    CLEANUP_FREE char *client = x_asprintf("connector-producer-%s", s->transactional_id);
    (void)rd_kafka_conf_set(conf, "client.id", client, why, sizeof why);
    if (s->memory->batch_bytes > 0) {
        CLEANUP_FREE char *size = x_asprintf("%lld", (long long)s->memory->batch_bytes);
        (void)rd_kafka_conf_set(conf, "batch.size", size, why, sizeof why);
    }
    if (!kafka_producer_open(conf, s->transactional_id, s->is_stopping, &s->producer, e)) return false;
    record_writer_use(s->writer, s->producer);
    return true;
}

/* As Kafka Connect makes it. */
static bool open_offsets(Sink *s, Err *e) {
    static const char *const config[][2] = {{"cleanup.policy", "compact"}};
    const KafkaTopicSpec spec = {.partitions = (int32_t)options_int(s->options, "offset.storage.partitions"),
                                 .replication =
                                     (int32_t)options_int(s->options, "offset.storage.replication.factor"),
                                 .config = config,
                                 .config_count = 1};
    return record_writer_topic(s->writer, str_from(s->offsets_topic), &spec, &s->offsets, e);
}

/* Told at each start until our first offset takes the place of Debezium's. */
static void warn_incremental(const Sink *s, const ConnectOffset *o) {
    if (o->incremental.n == 0) return;
    CLEANUP_FREE char *tables = str_dup(o->incremental);
    LOG_WARN(
        "incremental_snapshot_dropped", LOG_S("connector", s->name), LOG_S("tables", tables),
        LOG_S("why", "Debezium was in the midst of an incremental snapshot: the rows of these tables that it "
                     "hasn't sent aren't sent here"),
        LOG_S("next", "ask for the tables again by an execute-snapshot signal; or stop now and let Debezium "
                      "finish first"));
}

/* Events are counted from Debezium's offset on. */
static bool start_events(Sink *s, const char *debezium, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    ConnectOffset offset;
    change_events_free(s->events);
    s->events = change_events_new(&s->wire);
    buf_clear(&s->debezium);
    if (!debezium) return true;
    if (!connect_offset_read(str_from(debezium), &arena, &offset, e))
        return err_wrap(e, "the stored offset of connector %s", s->name);
    change_events_start(s->events, &offset);
    warn_incremental(s, &offset);
    buf_cstr(&s->debezium, debezium);
    return true;
}

static bool forget_tables(Sink *s, const StoredState *gone, Err *e) {
    const SourceOffsetsKey key = offsets_key(s);
    buf_clear(&s->value);
    for (size_t i = 0; i < gone->table_count; i++) {
        buf_clear(&s->key);
        source_offsets_table_key(&key, str_from(gone->tables[i].schema), str_from(gone->tables[i].table),
                                 &s->key);
        if (!store(s, e)) return false;
    }
    return true;
}

static bool store_tables(Sink *s, const StoredState *state, Err *e) {
    const SourceOffsetsKey key = offsets_key(s);
    for (size_t i = 0; i < state->table_count; i++) {
        const StoredTable *t = &state->tables[i];
        buf_clear(&s->key);
        buf_clear(&s->value);
        source_offsets_table_key(&key, str_from(t->schema), str_from(t->table), &s->key);
        source_offsets_table_value(t, &s->value);
        if (!store(s, e)) return false;
    }
    return true;
}

/* Where something of ours is stored, that Debezium has no offset is written too: an aborted transaction may
 * have brought one where none is committed. */
static bool write_again(Sink *s, const SourceOffsets *found, Err *e) {
    bool tells_debezium = found->has_own || found->debezium;
    return kafka_producer_begin(s->producer, e) && forget_tables(s, &found->gone, e) &&
           store_tables(s, &found->state, e) &&
           store_position(s, &found->state.position, &found->state.consistent, &found->inside, e) &&
           (!tells_debezium || store_debezium(s, buf_view(&s->debezium), e)) &&
           kafka_producer_commit(s->producer, e);
}

/* A NoticeFn. */
static void add_note(void *arg, const Notice *notice) {
    Sink *s = arg;
    const char *key;
    json_t *value, *data = json_loads(notice->data, 0, NULL);
    NotificationNote note = {.topic = str_from(s->wire.notifications),
                             .id = str_from(notice->id),
                             .aggregate_type = str_from(notice->aggregate_type),
                             .type = str_from(notice->type),
                             .ts_ms = clock_wall_us() / 1000};
    json_object_foreach(data, key, value) {
        if (note.count == NOTIFICATION_DATA_MAX) break;
        note.keys[note.count] = str_from(key);
        note.values[note.count++] = str_from(json_string_value(value));
    }
    common_records_notification(&s->wire, &note, s->notes);
    json_decref(data);
}

/* What is told counts from what is stored: an aborted transaction's was never told. */
static void begin_notes(Sink *s, const StoredState *state) {
    s->notices = notices_free(s->notices);
    record_batch_clear(s->notes);
    if (s->wire.notifications) s->notices = notices_new(s->prefix, s->database, state, add_note, s);
}

/* In the transaction of what it tells. */
static bool send_notes(Sink *s, const Batch *b, Err *e) {
    notices_batch(s->notices, b);
    if (s->notes->count == 0) return true;
    bool ok = record_writer_put(s->writer, s->notes, /* ret_sent= */ NULL, e);
    record_batch_clear(s->notes);
    return ok;
}

static bool note_owned(Sink *s, const SourceOffsets *o, StoredState *ret, Err *e) {
    char position[POSITION_TEXT_SIZE];
    s->epoch = s->memory->epoch = o->epoch + 1;
    parts_owned(&s->parts, &o->inside);
    if (!start_events(s, o->debezium, e) || !write_again(s, o, e)) return false;
    LOG_INFO(
        "pipeline_owned", LOG_S("connector", s->name), LOG_I("epoch", s->epoch),
        LOG_S("position", o->state.has_position ? position_format(&o->state.position, position) : "none"));
    (void)lane_owned(s->lane, s->epoch, &o->state);
    begin_notes(s, &o->state);
    s->pending_count = 0;
    progress_copying(s->progress, !o->state.is_snapshot_done);
    stored_state_copy(ret, &o->state);
    return true;
}

/* Opening a producer fences whoever has one. A process that was stopped for a while, and lost its source in
 * the meantime, would take the task back from the one that has taken it over: so it looks before. */
static bool is_still_ours(const Sink *s, Err *e) {
    const SourceOffsetsKey key = offsets_key(s);
    int64_t epoch = 0;
    if (s->memory->epoch == 0) return true;
    if (!source_start_epoch(s->options, &key, s->offsets_topic, s->is_stopping, &epoch, e)) return false;
    return epoch <= s->memory->epoch ||
           err_set(e, ERR_FENCED, false,
                   "another process runs this connector's task since (epoch %lld, here it was %lld): only "
                   "one may, so this one stops",
                   (long long)epoch, (long long)s->memory->epoch);
}

static bool sink_own(Sink *s, StoredState *ret, Err *e) {
    const SourceOffsetsKey key = offsets_key(s);
    SourceOffsets found = {0};
    bool ok = is_still_ours(s, e) && open_producer(s, e) && open_offsets(s, e) &&
              source_start_read(s->options, &key, s->offsets_topic, s->is_stopping, &found, e) &&
              note_owned(s, &found, ret, e);
    source_offsets_done(&found);
    if (!ok) s->producer = kafka_producer_close(s->producer);
    if (!ok && e->code == ERR_FENCED) lane_fenced(s->lane);
    return ok || err_wrap(e, "connector %s", s->name);
}

static bool sink_own_all(Sink *s, size_t wanted, LanesStart *ret_start, StoredState *ret, Err *e) {
    (void)wanted;
    if (!sink_own(s, ret, e)) return false;
    *ret_start = (LanesStart){
        .count = 1, .lowest = ret->position, .highest = ret->position, .consistent = ret->consistent};
    return true;
}

/* ---- counters ---- */

static void count(Sink *s, const Schema *schema, bool is_copy) {
    if (schema != s->last_schema) {
        const char *name = is_copy ? "millrace_rows_copied_total" : "millrace_changes_applied_total";
        s->counter = metrics_get(s->metrics, METRIC_COUNTER, name, str_from(schema->qualified),
                                 is_copy ? "Rows copied" : "Changes applied");
        s->last_schema = schema;
    }
    Pending *last = s->pending_count > 0 ? &s->pending[s->pending_count - 1] : NULL;
    if (last && last->metric == s->counter) last->count++;
    else if (s->pending_count < PENDING_MAX) s->pending[s->pending_count++] = (Pending){s->counter, 1};
    else metric_add(s->counter, 1);
}

static void count_batch(Sink *s, const Batch *b, size_t first) {
    s->last_schema = NULL;
    for (size_t i = first; i < b->count; i++) count(s, b->changes[i].schema, b->kind == BATCH_ROWS);
}

static void count_commit(Sink *s) {
    for (size_t i = 0; i < s->pending_count; i++) metric_add(s->pending[i].metric, s->pending[i].count);
    s->pending_count = 0;
    metric_add(s->transactions, 1);
    if (s->reached_us > 0) metric_set(s->position_time, s->reached_us);
}

/* ---- records ---- */

/* Where the batch's rows stand in the snapshot. */
static ChangeEventsPlace place_of(Sink *s, const Batch *b) {
    const StoredState *stored = lane_stored(s->lane);
    const StoredTable *own = stored_state_table(stored, b->schema->schema, b->schema->table);
    ChangeEventsPlace place = {.is_incremental = own && (own->is_streaming || own->asked != BATCH_NOT_ASKED),
                               .is_first = !s->has_begun_copy && own && own->chunks_done == 0};
    place.is_last = b->chunk.is_last_chunk && b->chunk.is_last_part;
    for (size_t i = 0; i < stored->table_count; i++) {
        const StoredTable *t = &stored->tables[i];
        if (t == own) continue;
        place.is_last = place.is_last && (t->is_done || t->is_streaming);
        place.is_first = place.is_first && t->chunks_done == 0 && !t->is_done;
    }
    return place;
}

static bool send_stretch(Sink *s, const Batch *b, size_t from, size_t to, const ChangeEventsPlace *place,
                         const Position *upto, Err *e) {
    size_t failed = 0, sent = 0;
    record_batch_clear(s->records);
    /* it takes a reference, and leaves the batch as it is */
    if (!change_events_add(s->events, (Batch *)(uintptr_t)b, from, to, place, clock_wall_us(), s->records,
                           &failed, e))
        return err_wrap(e, "table %s", b->changes[failed].schema->qualified);
    if (!position_is_zero(upto)) parts_drop(s->records, upto);
    if (!record_writer_put(s->writer, s->records, &sent, e)) return false;
    parts_sent(&s->parts, sent);
    return true;
}

static bool send_batch(Sink *s, const LaneWork *work, const Batch *b, Err *e) {
    ChangeEventsPlace place = {0};
    Position upto = {0};
    if (b->kind == BATCH_ROWS) place = place_of(s, b);
    else upto = parts_up_to(&s->parts, work, b);
    for (size_t i = 0; i < b->count; i += STRETCH) {
        size_t to = b->count - i < STRETCH ? b->count : i + STRETCH;
        if (!send_stretch(s, b, i, to, &place, &upto, e)) return false;
    }
    s->has_begun_copy = s->has_begun_copy || (b->kind == BATCH_ROWS && b->count > 0);
    count_batch(s, b, work->first);
    return true;
}

/* Of a chunk without rows there is nothing to send, and yet it may be the copy's last. */
static bool store_chunk(Sink *s, const Batch *b, Err *e) {
    const ChangeEventsPlace place = place_of(s, b);
    change_events_copied(s->events, b, &place);
    return store_table(s, b, e);
}

/* ---- tables ---- */

/* Debezium reads it whole: nothing of it may go. */
static bool send_history(Sink *s, Err *e) {
    static const char *const config[][2] = {{"cleanup.policy", "delete"}, {"retention.ms", "-1"}};
    const KafkaTopicSpec spec = {.partitions = 1, .replication = -1, .config = config, .config_count = 2};
    const char *name = options_str(s->options, "schema.history.internal.kafka.topic");
    KafkaTopic *topic = NULL;
    rd_kafka_conf_t *conf = NULL;
    if (!name) return true;
    if (!record_writer_topic(s->writer, str_from(name), &spec, &topic, e)) return false;
    if (!s->histories && (!kafka_option_client(s->options, KAFKA_PRODUCER, /* warnings= */ NULL, &conf, e) ||
                          !history_writer_open(conf, &s->histories, e)))
        return false;
    if (history_writer_put(s->histories, name, buf_view(&s->history), e)) return true;
    s->histories = history_writer_close(s->histories); /* with what it may still hold */
    return false;
}

/* Its columns, for who reads the topics. */
static bool send_table(Sink *s, const Batch *b, Err *e) {
    const StoredTable *known = stored_state_table(lane_stored(s->lane), b->schema->schema, b->schema->table);
    const SchemaLogNews news = {.batch = b,
                                .is_known = known != NULL,
                                .fingerprint = known ? known->fingerprint : 0,
                                .at = change_events_offset(s->events),
                                .now_us = clock_wall_us()};
    record_batch_clear(s->records);
    if (!schema_log_add(&news, &s->wire, s->records, &s->history)) return true;
    return record_writer_put(s->writer, s->records, /* ret_sent= */ NULL, e) && send_history(s, e);
}

/* ---- steps ---- */

static bool begin(Sink *s, Err *e) {
    return kafka_producer_is_open(s->producer) || kafka_producer_begin(s->producer, e);
}

/* Debezium's offset, when it has moved. That of a copy is where the stream stands: chunks are read later than
 * that, each at its own time, and changes in between are still to come. */
static bool store_offset(Sink *s, const LaneWork *work, Err *e) {
    CLEANUP(buf_done) Buf value = {0};
    ConnectOffset o = *change_events_offset(s->events);
    if (lsn_is_zero(&o.commit_lsn)) return true;
    if (o.is_snapshot) o.commit_lsn = work->new.commit_lsn;
    connect_offset_value(&o, s->wire.version, &value);
    if (str_eq(buf_view(&value), buf_view(&s->debezium))) return true;
    if (!store_debezium(s, buf_view(&value), e)) return false;
    buf_clear(&s->debezium);
    buf_str(&s->debezium, buf_view(&value));
    return true;
}

static bool has_step(const LaneWork *work, LaneStep step) {
    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i] == step) return true;
    return false;
}

static bool commit(Sink *s, const LaneWork *work, Err *e) {
    Position consistent = lane_stored(s->lane)->consistent;
    if (has_step(work, LANE_MARK_CONSISTENT)) consistent = work->new;
    if (has_step(work, LANE_CLEAR_CONSISTENT)) consistent = (Position){0};
    const Position inside = parts_left(&s->parts, &work->new);
    if (!store_offset(s, work, e) || !store_position(s, &work->new, &consistent, &inside, e) ||
        !kafka_producer_commit(s->producer, e))
        return false;
    parts_committed(&s->parts, &inside);
    count_commit(s);
    return true;
}

/* The transaction goes on in the next batch. */
static bool split(Sink *s, const LaneWork *work, const Batch *b, Err *e) {
    if (!parts_are_due(&s->parts, b)) return true;
    const Position *inside = &b->changes[b->count - 1].position;
    if (!store_position(s, &work->old, &lane_stored(s->lane)->consistent, inside, e) ||
        !kafka_producer_commit(s->producer, e))
        return false;
    parts_committed(&s->parts, inside);
    count_commit(s);
    LOG_DEBUG("transaction_split", LOG_S("connector", s->name));
    return true;
}

static bool do_step(Sink *s, const LaneWork *work, LaneStep step, const Batch *b, Err *e) {
    switch (step) {
    case LANE_BEGIN_MOVED:
    case LANE_BEGIN_LOCKED: return begin(s, e);
    case LANE_MARK_TABLE: return store_table(s, b, e) && send_notes(s, b, e);
    case LANE_MARK_CHUNK: return store_chunk(s, b, e);
    case LANE_COPY_PLAIN:
    case LANE_UPSERT_ROWS: return send_batch(s, work, b, e) && send_notes(s, b, e);
    case LANE_APPLY:
        return begin(s, e) && send_batch(s, work, b, e) &&
               (has_step(work, LANE_COMMIT) || split(s, work, b, e));
    case LANE_TABLE: return send_table(s, b, e);
    case LANE_MOVE: /* with the commit */
    case LANE_MARK_CONSISTENT:
    case LANE_CLEAR_CONSISTENT: return true;
    case LANE_COMMIT: return begin(s, e) && commit(s, work, e);
    case LANE_AWAIT_CHUNK:
    case LANE_MOVE_OTHERS: break; /* of several lanes */
    }
    return err_set(e, ERR_INTERNAL, false, "a step that there isn't: %d", (int)step);
}

static void tell_progress(Sink *s) {
    const StoredState *stored = lane_stored(s->lane);
    progress_applied(s->progress, /* lane= */ 0,
                     (ProgressMark){.lsn = stored->position.commit_lsn, .commit_us = s->reached_us});
    progress_copying(s->progress, !stored->is_snapshot_done);
}

static bool is_keyless_copy(const Batch *b) {
    return b && b->kind == BATCH_ROWS && b->schema->key_count == 0;
}

/* A copy of one transaction that takes too long takes too long the next time, too; a few tries, as the broker
 * may have been away in between. Of other copies what is behind them is kept. */
static void note_over_time(Sink *s, const Batch *b, Err *e) {
    if (!is_keyless_copy(b) || !kafka_producer_is_over_time(s->producer)) return;
    if (++s->memory->over_time < OVER_TIME_MAX) return;
    e->retriable = false;
    (void)err_wrap(
        e,
        "table %s couldn't be copied in %u tries: without a key it is copied in one transaction. Raise "
        "producer.override.transaction.timeout.ms (at most the broker's transaction.max.timeout.ms), "
        "give it a key (message.key.columns), or filter its copy "
        "(snapshot.select.statement.overrides)",
        b->schema->qualified, (unsigned)s->memory->over_time);
}

/* Whatever failed: what the transaction had is read again by its next owner, which is us or another. */
static bool give_up(Sink *s, const Batch *b, Err *e) {
    int64_t smaller = kafka_producer_smaller_batches(s->producer);
    if (smaller > 0) s->memory->batch_bytes = smaller;
    note_over_time(s, b, e);
    s->producer = kafka_producer_close(s->producer);
    record_writer_use(s->writer, NULL);
    if (e->code == ERR_FENCED) lane_fenced(s->lane);
    else lane_lost(s->lane);
    return false;
}

static bool do_work(Sink *s, const LaneWork *work, const Batch *b, Err *e) {
    for (size_t i = 0; i < work->count; i++)
        if (!do_step(s, work, work->steps[i], b, e)) return give_up(s, b, e);
    bool is_committed = has_step(work, LANE_COMMIT);
    lane_done(s->lane);
    if (is_committed && is_keyless_copy(b)) s->memory->over_time = 0;
    if (is_committed) tell_progress(s);
    return true;
}

static bool not_owned(Err *e) {
    return err_set(e, ERR_IO, true, "no producer is open; the task is taken again first");
}

/* A heartbeat, and with it Debezium's offset once more: one that isn't written for long may be taken for
 * dead. */
static bool beat(Sink *s, Err *e) {
    int64_t now_us = clock_mono_us();
    if (s->heartbeat_us <= 0 || now_us - s->last_heartbeat_us < s->heartbeat_us) return true;
    s->last_heartbeat_us = now_us;
    record_batch_clear(s->records);
    common_records_heartbeat(&s->wire, clock_wall_us() / 1000, s->records);
    return begin(s, e) && record_writer_put(s->writer, s->records, /* ret_sent= */ NULL, e) &&
           (s->debezium.n == 0 || store_debezium(s, buf_view(&s->debezium), e)) &&
           kafka_producer_commit(s->producer, e);
}

static bool sink_put(Sink *s, const Batch *batch, Err *e) {
    LaneWork work;
    if (!s->producer) return not_owned(e);
    if (!kafka_producer_is_open(s->producer) && !beat(s, e)) return give_up(s, /* b= */ NULL, e);
    if (!lane_put(s->lane, batch, clock_mono_us(), &work, e)) return false;
    if (batch->kind == BATCH_CHANGES && batch->to_us > 0) s->reached_us = batch->to_us;
    return do_work(s, &work, batch, e);
}

static bool sink_idle(Sink *s, Err *e) {
    LaneWork work;
    if (!s->producer) return not_owned(e);
    if (!kafka_producer_is_open(s->producer) && (!kafka_producer_check(s->producer, e) || !beat(s, e)))
        return give_up(s, /* b= */ NULL, e);
    lane_idle(s->lane, clock_mono_us(), &work);
    return do_work(s, &work, /* b= */ NULL, e);
}

static bool sink_needs_source_back(const Sink *s) {
    return lane_needs_source_back(s->lane);
}

static bool sink_answers(const Options *options, const ConnectorContext *context) {
    (void)context;
    return kafka_reach_any(options, KAFKA_PRODUCER);
}

static const char *const names[] = {"millrace.TopicSink", NULL};

const SinkClass topic_sink_class = {
    .class_names = names,
    .start = sink_start,
    .own_all = sink_own_all,
    .own = sink_own,
    .put = sink_put,
    .idle = sink_idle,
    .needs_source_back = sink_needs_source_back,
    .stop = sink_stop,
    .answers = sink_answers,
};
