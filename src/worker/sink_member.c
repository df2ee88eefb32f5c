/*
 * Each poll's records are one put: what was read is either in the target or will be read again, so between
 * two steps nothing is in hand, and a rebalance (which happens inside a poll) finds no transaction open. Only
 * a put that has to wait polls with records in hand; if partitions are taken away then, the member ends and a
 * new one begins from what is stored.
 *
 * Commits to the group are copies for lag monitors, sent at most once a second. Only the one that makes
 * somebody else's offset ours is waited for.
 */
#include "worker/sink_member.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "transport/dead_topic.h"
#include "transport/kafka_consumer.h"
#include "transport/kafka_option.h"
#include "worker/sink_batch.h"

enum {
    BATCH_RECORDS = 10000, /* more give no more rows a second, and hold memory */
    POLL_MS = 500,
    COMMIT_EVERY_US = 1000000,
    SLICE_MS = 100,
    LOGGED_BYTES = 1000,   /* of a record, errors.log.include.messages */
    QUEUE_KIB = 16 * 1024, /* of all tasks */
    QUEUE_KIB_MIN = 2 * 1024,
    QUEUE_RECORDS = 40000,
    PARTITION_FETCH_BYTES = 256 * 1024,
    HEARTBEAT_MS = 1000,
};
#define OWN_PREFIX "millrace-"

/* A partition that is ours. */
typedef struct Slot {
    char *topic;
    int32_t partition;
    int64_t epoch;
    Partition *state;
    Buf guard; /* of the put at hand */
} Slot;

struct SinkMember {
    SinkMemberSpec spec;
    TopicWriter *writer;
    KafkaConsumer *consumer;
    Converter *key, *value;
    TransformChain *chain;
    ChangeMaker *maker;
    SinkBatch *batch;
    DeadTopic *dead;
    bool has_letters; /* sent, not flushed */
    bool is_tolerant, logs, logs_rows;
    PartitionReset reset;
    bool is_reset_asked;
    char *key_class, *value_class;

    Slot *slots;
    size_t slot_count, slot_cap, last_slot;
    uint64_t generation; /* counts rebalances */
    rd_kafka_message_t **messages;
    size_t message_count;
    TopicMove *moves;
    size_t *move_slots;
    size_t move_count, move_cap;

    Backoff backoff;
    Rng rng;
    int64_t max_retries, commit_us;
    Metric *records, *repeats, *letters;
    int64_t dropped; /* of `repeats`, counted already */
};

/* ---- partitions ---- */

static Slot *slot_of(SinkMember *m, const char *topic, int32_t partition) {
    Slot *last = m->last_slot < m->slot_count ? &m->slots[m->last_slot] : NULL;
    if (last && last->partition == partition && strcmp(last->topic, topic) == 0) return last;
    for (size_t i = 0; i < m->slot_count; i++) {
        if (m->slots[i].partition != partition || strcmp(m->slots[i].topic, topic) != 0) continue;
        m->last_slot = i;
        return &m->slots[i];
    }
    return NULL;
}

static void slot_done(Slot *s) {
    free(s->topic);
    partition_free(s->state);
    buf_done(&s->guard);
}

static void drop_slot(SinkMember *m, const char *topic, int32_t partition) {
    Slot *s = slot_of(m, topic, partition);
    if (!s) return;
    slot_done(s);
    *s = m->slots[--m->slot_count];
    m->last_slot = 0;
}

static Slot *add_slot(SinkMember *m, const char *topic, int32_t partition) {
    drop_slot(m, topic, partition);
    if (m->slot_count == m->slot_cap) {
        m->slot_cap = m->slot_cap ? 2 * m->slot_cap : 8;
        m->slots = x_reallocarray(m->slots, m->slot_cap, sizeof *m->slots);
    }
    Slot *s = &m->slots[m->slot_count++];
    *s = (Slot){.topic = x_strdup(topic), .partition = partition, .state = partition_new()};
    return s;
}

static void add_move(SinkMember *m, size_t slot) {
    Slot *s = &m->slots[slot];
    const PartitionMove move = partition_writing(s->state);
    if (m->move_count == m->move_cap) {
        m->move_cap = m->move_cap ? 2 * m->move_cap : 8;
        m->moves = x_reallocarray(m->moves, m->move_cap, sizeof *m->moves);
        m->move_slots = x_reallocarray(m->move_slots, m->move_cap, sizeof *m->move_slots);
    }
    buf_clear(&s->guard);
    partition_guard_write(s->state, &s->guard);
    m->move_slots[m->move_count] = slot;
    m->moves[m->move_count++] = (TopicMove){.topic = s->topic,
                                            .partition = s->partition,
                                            .has_old = move.has_old,
                                            .old = move.old,
                                            .new = move.new,
                                            .epoch = move.epoch,
                                            .guard = buf_view(&s->guard)};
}

/* What a group commit of the slot says. */
static void set_commit(SinkMember *m, const Slot *s) {
    char metadata[PARTITION_METADATA_SIZE];
    Str target = str_from(m->spec.writer->target(m->writer));
    kafka_consumer_commit_set(m->consumer, s->topic, s->partition, partition_stored(s->state),
                              partition_metadata(target, s->epoch, metadata));
}

static void committed(SinkMember *m) {
    for (size_t i = 0; i < m->move_count; i++) {
        Slot *s = &m->slots[m->move_slots[i]];
        partition_committed(s->state);
        set_commit(m, s);
    }
    m->move_count = 0;
}

static bool begin_slot(SinkMember *m, KafkaAssigned *part, const TopicOffset *stored, bool *ret_must_store,
                       Err *e) {
    const PartitionFacts facts = {
        .has_stored = stored->has_offset,
        .stored = stored->offset,
        .epoch = stored->epoch,
        .guard = buf_view(&stored->guard),
        .group = !part->has_commit ? PARTITION_GROUP_NONE
                                   : partition_group_of(str_from(part->metadata),
                                                        str_from(m->spec.writer->target(m->writer))),
        .committed = part->committed,
        .low = part->low,
        .high = part->high,
        .reset = m->reset,
        .is_reset_asked = m->is_reset_asked,
    };
    PartitionStart start = {0};
    Slot *s = add_slot(m, part->topic, part->partition);
    if (!partition_begin(s->state, &facts, &start, e)) {
        drop_slot(m, part->topic, part->partition);
        return err_wrap(e, "%s-%d", part->topic, (int)part->partition);
    }
    s->epoch = stored->epoch;
    part->start = start.offset;
    *ret_must_store = start.must_store;
    if (start.is_adopted && stored->has_offset)
        LOG_WARN("group_offset_taken", LOG_S("topic", part->topic), LOG_I("partition", part->partition),
                 LOG_I("offset", start.offset), LOG_I("stored", stored->offset),
                 LOG_S("why", "the group's commit isn't ours: another program went on, or it was reset"));
    LOG_INFO("partition_begins", LOG_S("topic", part->topic), LOG_I("partition", part->partition),
             LOG_I("offset", start.offset), LOG_I("epoch", stored->epoch));
    return true;
}

/* Offsets that aren't the target's own: into the target first, then marked as ours in the group. */
static bool store_starts(SinkMember *m, Err *e) {
    if (m->move_count == 0) return true;
    const TopicPut put = {.moves = m->moves, .move_count = m->move_count};
    if (!m->spec.writer->put(m->writer, &put, e)) return false;
    committed(m);
    return kafka_consumer_commit_send(m->consumer, /* is_sync= */ true, e);
}

static bool begin_all(SinkMember *m, KafkaAssigned *parts, const TopicOffset *stored, size_t count, Err *e) {
    m->move_count = 0;
    for (size_t i = 0; i < count; i++) {
        bool must_store = false;
        if (!begin_slot(m, &parts[i], &stored[i], &must_store, e)) return false;
        if (must_store) add_move(m, m->slot_count - 1);
    }
    return store_starts(m, e);
}

static bool assigned(void *arg, KafkaAssigned *parts, size_t count, Err *e) {
    SinkMember *m = arg;
    m->generation++; /* what is being tried again is told apart by it */
    TopicOffset *stored = x_calloc(count + 1, sizeof *stored);
    for (size_t i = 0; i < count; i++)
        stored[i] = (TopicOffset){.topic = parts[i].topic, .partition = parts[i].partition};
    bool ok = m->spec.writer->own(m->writer, stored, count, e) && begin_all(m, parts, stored, count, e);
    for (size_t i = 0; i < count; i++) buf_done(&stored[i].guard);
    free(stored);
    return ok;
}

static void revoked(void *arg, const KafkaAssigned *parts, size_t count, bool is_lost) {
    SinkMember *m = arg;
    if (is_lost)
        LOG_WARN("partitions_lost", LOG_I("count", count), LOG_S("why", "the group took us for gone"));
    m->generation++;
    for (size_t i = 0; i < count; i++) drop_slot(m, parts[i].topic, parts[i].partition);
}

/* ---- records that can't be carried over ---- */

static const char *stage_name(SinkStage stage) {
    static const char *const names[] = {"KEY_CONVERTER", "VALUE_CONVERTER", "TRANSFORMATION", "TASK_PUT"};
    return names[stage];
}

static const char *stage_class(const SinkMember *m, SinkStage stage) {
    switch (stage) {
    case SINK_KEY: return m->key_class;
    case SINK_VALUE: return m->value_class;
    case SINK_TRANSFORM: return "org.apache.kafka.connect.runtime.TransformationChain";
    case SINK_PUT: break;
    }
    return "org.apache.kafka.connect.sink.SinkTask";
}

static void log_failure(const SinkMember *m, const SinkInput *in, SinkStage stage, const char *why) {
    CLEANUP(buf_done) Buf text = {0};
    if (m->logs_rows) {
        const uint8_t *p = in->message->payload;
        for (size_t i = 0; i < in->message->len && i < LOGGED_BYTES; i++)
            buf_u8(&text, p[i] >= ' ' && p[i] < 0x7f ? p[i] : '.');
    }
    LOG_ERROR("record_failed", LOG_S("topic", in->topic), LOG_I("partition", in->partition),
              LOG_I("offset", in->message->offset), LOG_S("stage", stage_name(stage)), LOG_S("why", why),
              LOG_S("value", m->logs_rows ? buf_text(&text) : "(errors.log.include.messages=false)"));
}

/* To the dead letter topic, if there is one; the flush comes before the offsets are stored. */
static bool send_letter(SinkMember *m, const SinkInput *in, const DeadContext *why, Err *e) {
    if (!m->dead) return true;
    if (!dead_topic_send(m->dead, in->message, why, e)) return false;
    m->has_letters = true;
    metric_add(m->letters, 1);
    return true;
}

static bool flush_letters(void *arg, Err *e) {
    SinkMember *m = arg;
    if (m->has_letters && !dead_topic_flush(m->dead, e)) return false;
    m->has_letters = false;
    return true;
}

/* Before the put: unreadable, or no row can be made of it. */
static bool failed(void *arg, const SinkInput *in, SinkStage stage, const Err *why, Err *e) {
    SinkMember *m = arg;
    const DeadContext context = {.stage = stage_name(stage),
                                 .class_name = stage_class(m, stage),
                                 .exception = "org.apache.kafka.connect.errors.DataException",
                                 .message = why->msg};
    if (m->logs || (m->is_tolerant && !m->dead)) log_failure(m, in, stage, why->msg);
    if (!send_letter(m, in, &context, e)) return false;
    if (m->is_tolerant && (m->dead || stage != SINK_PUT)) return true;
    if (!flush_letters(m, e)) return false;
    *e = *why;
    (void)err_wrap(e, "%s-%d at offset %lld, %s", in->topic, (int)in->partition,
                   (long long)in->message->offset, stage_name(stage));
    return false;
}

/* Inside the put: PostgreSQL refuses it. */
static bool refused(void *arg, size_t at, const TopicRefusal *why, Err *e) {
    SinkMember *m = arg;
    const SinkInput *in = sink_batch_input_of(m->batch, at);
    const DeadContext context = {.stage = stage_name(SINK_PUT),
                                 .class_name = stage_class(m, SINK_PUT),
                                 .exception = "org.postgresql.util.PSQLException",
                                 .message = why->message,
                                 .sqlstate = why->sqlstate,
                                 .constraint = why->constraint,
                                 .column = why->column};
    if (m->logs) log_failure(m, in, SINK_PUT, why->message);
    return send_letter(m, in, &context, e);
}

/* ---- trying again ---- */

static bool is_stopping(const SinkMember *m) {
    return __atomic_load_n(m->spec.is_stopping, __ATOMIC_ACQUIRE);
}

/* Serve the group, with all partitions paused. False: it has taken or given some. */
static bool stay_in_group(SinkMember *m, uint64_t generation, Err *e) {
    rd_kafka_message_t *stray[1];
    size_t count = 0;
    if (!kafka_consumer_poll(m->consumer, stray, 1, SLICE_MS, &count, e)) return false;
    kafka_consumer_done(stray, count);
    if (count == 0 && m->generation == generation) return true;
    return err_set(e, ERR_IO, true, "partitions came or went while records waited: they are read again");
}

/* After a failure that may pass. False: no more tries (*e stays), or the group's word. */
static bool wait_again(SinkMember *m, Err *e) {
    if (!e->retriable || e->code == ERR_FENCED || e->code == ERR_CANCELLED) return false;
    if (m->max_retries >= 0 && m->backoff.tries >= (uint64_t)m->max_retries) {
        e->retriable = false;
        return err_wrap(e, "after %u tries (max.retries)", (unsigned)m->backoff.tries);
    }
    uint64_t generation = m->generation;
    int64_t until_us = clock_mono_us() + backoff_next_ms(&m->backoff, &m->rng) * 1000;
    LOG_WARN("sink_waits", LOG_S("connector", m->spec.connector), LOG_I("task", m->spec.task),
             LOG_S("why", e->msg), LOG_I("try", m->backoff.tries), LOG_S("next", "the same records again"));
    m->spec.waiting(m->spec.arg, e);
    kafka_consumer_pause(m->consumer, true);
    bool ok = true;
    while (ok && clock_mono_us() < until_us) {
        if (is_stopping(m)) ok = err_set(e, ERR_CANCELLED, false, "told to stop");
        else ok = stay_in_group(m, generation, e);
    }
    kafka_consumer_pause(m->consumer, false);
    m->spec.waiting(m->spec.arg, NULL);
    return ok;
}

/* ---- a put ---- */

typedef enum Outcome { OUTCOME_IN, OUTCOME_AGAIN, OUTCOME_FAILED } Outcome;

static void note_failure(SinkMember *m) {
    bool is_open = m->spec.writer->is_open(m->writer);
    for (size_t i = 0; i < m->move_count; i++) {
        Partition *p = m->slots[m->move_slots[i]].state;
        if (is_open) partition_rolled_back(p);
        else partition_lost(p);
    }
}

/* The connection went away with the answer: what does the target say? All partitions moved, or none. */
static Outcome settle(SinkMember *m, Err *e) {
    Outcome outcome = OUTCOME_AGAIN;
    TopicOffset *now = x_calloc(m->move_count + 1, sizeof *now);
    for (size_t i = 0; i < m->move_count; i++)
        now[i] = (TopicOffset){.topic = m->moves[i].topic, .partition = m->moves[i].partition};
    bool ok = m->spec.writer->look(m->writer, now, m->move_count, e);
    for (size_t i = 0; ok && i < m->move_count && outcome != OUTCOME_FAILED; i++) {
        Slot *s = &m->slots[m->move_slots[i]];
        switch (partition_settle(s->state, now[i].has_offset, now[i].offset, now[i].epoch)) {
        case PARTITION_IS_IN: outcome = OUTCOME_IN; break;
        case PARTITION_IS_OUT: break;
        case PARTITION_FENCED:
            (void)err_set(e, ERR_FENCED, false, "another task has taken %s-%d", s->topic, (int)s->partition);
            outcome = OUTCOME_FAILED;
            break;
        }
        if (outcome == OUTCOME_IN) set_commit(m, s);
    }
    for (size_t i = 0; i < m->move_count; i++) buf_done(&now[i].guard);
    free(now);
    return ok ? outcome : OUTCOME_FAILED;
}

static bool is_unsure(const SinkMember *m) {
    return m->move_count > 0 && partition_is_unsure(m->slots[m->move_slots[0]].state);
}

static void collect_moves(SinkMember *m) {
    m->move_count = 0;
    for (size_t i = 0; i < m->slot_count; i++)
        if (partition_is_behind(m->slots[i].state)) add_move(m, i);
}

static Outcome put_once(SinkMember *m, Err *e) {
    TopicPut put = {.refused = m->dead ? refused : NULL, .settle = flush_letters, .arg = m};
    if (is_unsure(m)) {
        Outcome o = settle(m, e);
        if (o == OUTCOME_IN) m->move_count = 0;
        if (o != OUTCOME_AGAIN) return o;
    }
    if (!flush_letters(m, e)) return OUTCOME_FAILED;
    collect_moves(m);
    put.changes = sink_batch_changes(m->batch, &put.count);
    put.moves = m->moves;
    put.move_count = m->move_count;
    if (m->move_count == 0) return OUTCOME_IN;
    if (m->spec.writer->put(m->writer, &put, e)) {
        committed(m);
        return OUTCOME_IN;
    }
    note_failure(m);
    return OUTCOME_FAILED;
}

/* ---- a step ---- */

static void take(SinkMember *m) {
    for (size_t i = 0; i < m->message_count; i++) {
        rd_kafka_message_t *message = m->messages[i];
        Slot *s = slot_of(m, rd_kafka_topic_name(message->rkt), message->partition);
        if (!s || !partition_offer(s->state, message->offset)) continue; /* taken away; read before */
        sink_batch_add(m->batch, &(SinkInput){s->topic, s->partition, s->state, message});
    }
}

static void send_commits(SinkMember *m) {
    Err e = {0};
    int64_t now_us = clock_mono_us();
    if (now_us < m->commit_us) return;
    m->commit_us = now_us + COMMIT_EVERY_US;
    if (!kafka_consumer_commit_send(m->consumer, /* is_sync= */ false, &e))
        LOG_WARN("group_commit", LOG_S("why", e.msg), LOG_S("next", "the next one says more"));
}

static void count_batch(SinkMember *m) {
    int64_t dropped = 0;
    metric_add(m->records, (int64_t)sink_batch_inputs(m->batch));
    for (size_t i = 0; i < m->slot_count; i++) dropped += partition_dropped(m->slots[i].state);
    if (dropped > m->dropped) metric_add(m->repeats, dropped - m->dropped);
    m->dropped = dropped;
}

static bool write_batch(SinkMember *m, Err *e) {
    backoff_reset(&m->backoff);
    while (!sink_batch_make(m->batch, e))
        if (!wait_again(m, e)) return false;
    for (;;) {
        Outcome o = put_once(m, e);
        if (o == OUTCOME_IN) break;
        if (!wait_again(m, e)) return false;
    }
    count_batch(m);
    return true;
}

bool sink_member_step(SinkMember *m, Err *e) {
    if (!kafka_consumer_poll(m->consumer, m->messages, BATCH_RECORDS, POLL_MS, &m->message_count, e))
        return false;
    bool ok = true;
    if (m->message_count > 0) {
        take(m);
        ok = write_batch(m, e);
        sink_batch_clear(m->batch);
        kafka_consumer_done(m->messages, m->message_count);
        m->message_count = 0;
    }
    send_commits(m);
    return ok;
}

/* ---- life ---- */

static void tell_warnings(const SinkMember *m, const TextList *list) {
    for (size_t i = 0; m->spec.task == 0 && i < list->count; i++)
        LOG_WARN("option_ignored", LOG_S("connector", m->spec.connector), LOG_S("why", list->items[i]));
}

static bool open_converter(SinkMember *m, bool is_key, Converter **ret, Err *e) {
    const ConverterSpec spec = {
        .class_name = str_from(is_key ? m->key_class : m->value_class),
        .is_key = is_key,
        .props = m->spec.props,
        .prefix = is_key ? "key.converter." : "value.converter.",
        .is_stopping = m->spec.is_stopping,
    };
    if (!converter_new(&spec, ret, e)) return false;
    tell_warnings(m, converter_warnings(*ret));
    return true;
}

static bool open_front(SinkMember *m, Err *e) {
    const Options *o = m->spec.options;
    const char *format = options_str(o, "table.name.format");
    const TransformSetup setup = {.is_sink = true};
    const TextList *whitelist = options_list(o, "fields.whitelist"),
                   *include = options_list(o, "field.include.list");
    const ChangeRules rules = {
        .key_mode = (ChangeKeyMode)options_enum(o, "pk.mode"),
        .key_fields = options_list(o, "pk.fields"),
        .include = include && include->count > 0       ? include
                   : whitelist && whitelist->count > 0 ? whitelist
                                                       : NULL,
        .exclude = options_list(o, "field.exclude.list"),
        .may_delete = options_bool(o, "delete.enabled"),
        .names_from_source = format && strstr(format, "${source."),
    };
    m->key_class = x_strdup(options_str(o, "key.converter"));
    m->value_class = x_strdup(options_str(o, "value.converter"));
    m->maker = change_maker_new(&rules);
    if (!open_converter(m, true, &m->key, e) || !open_converter(m, false, &m->value, e) ||
        !transform_chain_new(m->spec.props, &setup, &m->chain, e))
        return false;
    tell_warnings(m, transform_chain_warnings(m->chain));
    const SinkBatchSpec spec = {
        .key = m->key, .value = m->value, .chain = m->chain, .maker = m->maker, .failed = failed, .arg = m};
    m->batch = sink_batch_new(&spec);
    return true;
}

static bool conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, Err *e) {
    char why[256] = "";
    return rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK ||
           err_set(e, ERR_INTERNAL, false, "librdkafka: %s: %s", name, why);
}

static bool open_dead(SinkMember *m, Err *e) {
    const Options *o = m->spec.options;
    const char *topic = options_str(o, "errors.deadletterqueue.topic.name");
    CLEANUP(textlist_done) TextList warnings = {0};
    CLEANUP_FREE char *client = x_asprintf(OWN_PREFIX "dlq-%s-%d", m->spec.connector, m->spec.task);
    rd_kafka_conf_t *conf = NULL;
    if (!topic || !*topic) return true;
    if (!kafka_option_client(o, KAFKA_PRODUCER, &warnings, &conf, e)) return false;
    tell_warnings(m, &warnings);
    if (!conf_set(conf, "client.id", client, e)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    const DeadTopicSpec spec = {
        .conf = conf,
        .topic = topic,
        .replication = (int32_t)options_int(o, "errors.deadletterqueue.topic.replication.factor"),
        .has_context = options_bool(o, "errors.deadletterqueue.context.headers.enable"),
        .connector = m->spec.connector,
        .task = m->spec.task,
    };
    return dead_topic_open(&spec, &m->dead, e);
}

static void conf_get(const rd_kafka_conf_t *conf, const char *name, char *buf, size_t size) {
    if (rd_kafka_conf_get(conf, name, buf, &size) != RD_KAFKA_CONF_OK) buf[0] = '\0';
}

/* Whether consumer.override.… or consumer.… says auto.offset.reset. */
static bool asks_for_reset(const Options *o) {
    static const char *const patterns[] = {"consumer.*", "consumer.override.*"};
    const char *key = NULL, *value = NULL;
    for (size_t i = 0; i < 2; i++)
        for (size_t at = 0; options_next(o, patterns[i], &at, &key, &value);)
            if (str_ends(str_from(key), STR_LIT("auto.offset.reset"))) return true;
    return false;
}

/* A property that nobody has set: librdkafka's value still is `standard`. */
static bool conf_default(rd_kafka_conf_t *conf, const char *name, const char *standard, int64_t value,
                         Err *e) {
    char text[64];
    conf_get(conf, name, text, sizeof text);
    if (strcmp(text, standard) != 0) return true;
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return conf_set(conf, name, text, e);
}

/* The process's tasks share what queues may hold; and a member that comes or goes is known within a second.
 */
static bool set_defaults(const SinkMember *m, rd_kafka_conf_t *conf, Err *e) {
    int64_t tasks = options_int(m->spec.options, "tasks.max");
    int64_t kib = QUEUE_KIB / tasks, records = QUEUE_RECORDS / tasks;
    if (kib < QUEUE_KIB_MIN) kib = QUEUE_KIB_MIN;
    return conf_default(conf, "queued.max.messages.kbytes", "16384", kib, e) &&
           conf_default(conf, "fetch.max.bytes", "8388608", kib * 1024, e) &&
           /* compressed; what it unfolds to is bounded by nothing else */
           conf_default(conf, "fetch.message.max.bytes", "1048576", PARTITION_FETCH_BYTES, e) &&
           conf_default(conf, "queued.min.messages", "20000", records > 0 ? records : 1, e) &&
           conf_default(conf, "heartbeat.interval.ms", "3000", HEARTBEAT_MS, e);
}

static bool settle_conf(SinkMember *m, rd_kafka_conf_t *conf, Err *e) {
    char text[256];
    CLEANUP_FREE char *client = x_asprintf(OWN_PREFIX "%s-%d", m->spec.connector, m->spec.task);
    CLEANUP_FREE char *group = x_asprintf("connect-%s", m->spec.connector);
    m->is_reset_asked = asks_for_reset(m->spec.options);
    conf_get(conf, "auto.offset.reset", text, sizeof text);
    m->reset = PARTITION_EARLIEST; /* Connect's, not the client's */
    if (m->is_reset_asked && strcmp(text, "largest") == 0) m->reset = PARTITION_LATEST;
    if (m->is_reset_asked && strcmp(text, "latest") == 0) m->reset = PARTITION_LATEST;
    if (m->is_reset_asked && strcmp(text, "error") == 0) m->reset = PARTITION_NONE;
    conf_get(conf, "group.id", text, sizeof text);
    return (text[0] || conf_set(conf, "group.id", group, e)) && conf_set(conf, "client.id", client, e) &&
           set_defaults(m, conf, e) && conf_set(conf, "auto.offset.reset", "error", e) &&
           conf_set(conf, "enable.auto.offset.store", "false", e) &&
           conf_set(conf, "enable.auto.commit", "false", e) &&
           conf_set(conf, "partition.assignment.strategy", "cooperative-sticky", e);
}

static void list_topics(const SinkMember *m, TextList *ret) {
    const TextList *names = options_list(m->spec.options, "topics");
    const char *regex = options_str(m->spec.options, "topics.regex");
    for (size_t i = 0; names && i < names->count; i++) textlist_add(ret, str_from(names->items[i]));
    if (regex && *regex) textlist_printf(ret, "^(%s)$", regex); /* Java's must match the whole */
}

static bool open_consumer(SinkMember *m, Err *e) {
    CLEANUP(textlist_done) TextList warnings = {0}, topics = {0};
    rd_kafka_conf_t *conf = NULL;
    if (!kafka_option_client(m->spec.options, KAFKA_CONSUMER, &warnings, &conf, e)) return false;
    tell_warnings(m, &warnings);
    list_topics(m, &topics);
    if (!settle_conf(m, conf, e)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    const KafkaConsumerSpec spec = {.conf = conf,
                                    .own_prefix = OWN_PREFIX,
                                    .topics = &topics,
                                    .host = {.assigned = assigned, .revoked = revoked, .arg = m},
                                    .is_stopping = m->spec.is_stopping};
    return kafka_consumer_open(&spec, &m->consumer, e);
}

static bool open_writer(SinkMember *m, Err *e) {
    const ConnectorContext context = {.name = m->spec.connector,
                                      .has_topics = true,
                                      .metrics = m->spec.metrics,
                                      .is_stopping = m->spec.is_stopping};
    return m->spec.writer->start(m->spec.options, &context, &m->writer, e);
}

static void read_options(SinkMember *m) {
    const Options *o = m->spec.options;
    m->is_tolerant = options_enum(o, "errors.tolerance") == 1;
    m->logs = options_bool(o, "errors.log.enable");
    m->logs_rows = options_bool(o, "errors.log.include.messages");
    m->max_retries = options_int(o, "max.retries");
    backoff_init(&m->backoff, options_int(o, "retry.backoff.ms"),
                 options_int(o, "errors.retry.delay.max.ms"));
    rng_seed(&m->rng, (uint64_t)clock_mono_us() ^ (uint64_t)m->spec.task << 32);
}

bool sink_member_open(const SinkMemberSpec *spec, SinkMember **ret, Err *e) {
    SinkMember *m = x_calloc(1, sizeof *m);
    Metrics *metrics = spec->metrics;
    m->spec = *spec;
    read_options(m);
    m->records = metrics_get(metrics, METRIC_COUNTER, "millrace_topic_records_total", (Str){0},
                             "Records read from topics and dealt with");
    m->repeats = metrics_get(metrics, METRIC_COUNTER, "millrace_repeats_dropped_total", (Str){0},
                             "Changes left out because they are proven to be in the target");
    m->letters = metrics_get(metrics, METRIC_COUNTER, "millrace_dead_records_total", (Str){0},
                             "Records sent to the dead letter topic");
    m->messages = x_calloc(BATCH_RECORDS, sizeof(rd_kafka_message_t *));
    if (!open_front(m, e) || !open_writer(m, e) || !open_dead(m, e) || !open_consumer(m, e)) {
        sink_member_close(m);
        return false;
    }
    *ret = m;
    return true;
}

SinkMember *sink_member_close(SinkMember *m) {
    if (!m) return NULL;
    sink_batch_free(m->batch);
    kafka_consumer_done(m->messages, m->message_count);
    kafka_consumer_close(m->consumer);
    for (size_t i = 0; i < m->slot_count; i++) slot_done(&m->slots[i]);
    dead_topic_close(m->dead);
    if (m->writer) m->spec.writer->stop(m->writer);
    converter_free(m->key);
    converter_free(m->value);
    transform_chain_free(m->chain);
    change_maker_free(m->maker);
    free(m->slots);
    free(m->messages);
    free(m->moves);
    free(m->move_slots);
    free(m->key_class);
    free(m->value_class);
    free(m);
    return NULL;
}
