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

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "transport/kafka_consumer.h"
#include "transport/kafka_reach.h"
#include "worker/sink_batch.h"
#include "worker/sink_conf.h"
#include "worker/sink_letters.h"
#include "worker/sink_partitions.h"

enum {
    BATCH_RECORDS = 6000, /* more give no more rows a second, and hold memory */
    POLL_MS = 500,
    COMMIT_EVERY_US = 1000000,
    CHECK_EVERY_US = 10000000, /* without records */
    SLICE_MS = 100,
    TELL_EVERY_US = 60000000,
};

struct SinkMember {
    SinkMemberSpec spec;
    TopicWriter *writer;
    KafkaConsumer *consumer;
    Converter *key, *value;
    TransformChain *chain;
    ChangeMaker *maker;
    SinkBatch *batch;
    SinkLetters *letters;
    PartitionReset reset;
    bool is_reset_asked;

    SinkPartitions *parts;
    uint64_t generation; /* counts rebalances */
    TopicOffset *taken;  /* what is stored of partitions that are being given; NULL = none */
    size_t taken_count;
    rd_kafka_message_t **messages;
    size_t message_count;

    Backoff backoff;
    Rng rng;
    int64_t max_retries, commit_us, check_us;
    Metric *records, *repeats, *skipped;
    int64_t dropped;            /* of `repeats`, counted already */
    uint64_t skips, told_skips; /* of `skipped`, counted already, and logged already */
    int64_t tell_us;            /* the next log line of them, monotonic */
};

/* ---- partitions ---- */

/* Its offset is in the target: with the next commit the group hears of it. */
static void tell_group(void *arg, const SinkPartition *p) {
    SinkMember *m = arg;
    char metadata[PARTITION_METADATA_SIZE];
    Str target = str_from(m->spec.writer->target(m->writer));
    kafka_consumer_commit_set(m->consumer, p->topic, p->partition, partition_stored(p->state),
                              partition_metadata(target, p->epoch, metadata));
}

/* A start that can't be is believed only of a partition that is still ours: another owner may have gone on
 * with it since its offset was read. */
static bool fail_start(SinkMember *m, const KafkaAssigned *part, int64_t epoch, Err *e) {
    const Err why = *e;
    TopicOffset now = {.topic = part->topic, .partition = part->partition};
    bool ok = m->spec.writer->look(m->writer, &now, 1, e);
    buf_done(&now.guard);
    if (ok && now.epoch != epoch) (void)err_set(e, ERR_FENCED, false, "another task has taken it");
    else if (ok) *e = why;
    return err_wrap(e, "%s-%d", part->topic, (int)part->partition);
}

static bool begin_one(SinkMember *m, KafkaAssigned *part, const TopicOffset *stored, Err *e) {
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
    SinkPartition *p = sink_partitions_add(m->parts, part->topic, part->partition);
    if (!partition_begin(p->state, &facts, &start, e)) {
        sink_partitions_drop(m->parts, part->topic, part->partition);
        return fail_start(m, part, stored->epoch, e);
    }
    p->epoch = stored->epoch;
    part->start = start.offset;
    if (start.must_store) sink_partitions_move(m->parts, p);
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
    TopicPut put = {0};
    put.moves = sink_partitions_moves(m->parts, &put.move_count);
    if (put.move_count == 0) return true;
    if (!m->spec.writer->put(m->writer, &put, e)) return false;
    sink_partitions_committed(m->parts);
    return kafka_consumer_commit_send(m->consumer, /* is_sync= */ true, e);
}

static bool begin_all(SinkMember *m, KafkaAssigned *parts, const TopicOffset *stored, size_t count, Err *e) {
    sink_partitions_clear_moves(m->parts);
    for (size_t i = 0; i < count; i++)
        if (!begin_one(m, &parts[i], &stored[i], e)) return false;
    return store_starts(m, e);
}

static void forget_taken(SinkMember *m) {
    for (size_t i = 0; i < m->taken_count; i++) buf_done(&m->taken[i].guard);
    free(m->taken);
    m->taken = NULL;
    m->taken_count = 0;
}

static bool taken(void *arg, const KafkaAssigned *parts, size_t count, Err *e) {
    SinkMember *m = arg;
    m->generation++; /* what is being tried again is told apart by it */
    forget_taken(m);
    m->taken = x_calloc(count, sizeof *m->taken);
    m->taken_count = count;
    for (size_t i = 0; i < count; i++)
        m->taken[i] = (TopicOffset){.topic = parts[i].topic, .partition = parts[i].partition};
    return m->spec.writer->own(m->writer, m->taken, count, e);
}

static bool assigned(void *arg, KafkaAssigned *parts, size_t count, Err *e) {
    SinkMember *m = arg;
    bool ok = begin_all(m, parts, m->taken, count, e);
    forget_taken(m);
    return ok;
}

static void revoked(void *arg, const KafkaAssigned *parts, size_t count, bool is_lost) {
    SinkMember *m = arg;
    if (is_lost)
        LOG_WARN("partitions_lost", LOG_I("count", count), LOG_S("why", "the group took us for gone"));
    m->generation++;
    for (size_t i = 0; i < count; i++) sink_partitions_drop(m->parts, parts[i].topic, parts[i].partition);
}

/* ---- records that can't be carried over ---- */

static bool failed(void *arg, const SinkInput *in, const SinkFault *fault, Err *e) {
    SinkMember *m = arg;
    return sink_letters_failed(m->letters, in, fault, e);
}

static bool refused(void *arg, size_t at, const TopicRefusal *why, Err *e) {
    SinkMember *m = arg;
    return sink_letters_refused(m->letters, sink_batch_input_of(m->batch, at), why, e);
}

static bool flush_letters(void *arg, Err *e) {
    SinkMember *m = arg;
    return sink_letters_flush(m->letters, e);
}

/* ---- trying again ---- */

static bool is_stopping(const SinkMember *m) {
    return __atomic_load_n(m->spec.is_stopping, __ATOMIC_ACQUIRE);
}

static ConnectorContext context_of(const SinkMemberSpec *spec) {
    return (ConnectorContext){.name = spec->connector,
                              .has_topics = true,
                              .metrics = spec->metrics,
                              .is_stopping = spec->is_stopping};
}

static bool target_answers(void *arg) {
    const SinkMemberSpec *spec = arg;
    const ConnectorContext context = context_of(spec);
    return spec->writer->answers(spec->options, &context);
}

static bool cluster_answers(void *arg) {
    const SinkMemberSpec *spec = arg;
    return kafka_reach_any(spec->options, KAFKA_CONSUMER);
}

void sink_member_servers(const SinkMemberSpec *spec, OutageEnd ret[OUTAGE_ENDS]) {
    void *arg = (void *)(uintptr_t)spec; /* only read */
    ret[0] = (OutageEnd){spec->writer->answers ? target_answers : NULL, arg};
    ret[1] = (OutageEnd){cluster_answers, arg};
}

/* A wait in which the group is served, with all partitions paused. */
typedef struct Stay {
    SinkMember *m;
    uint64_t generation; /* when it began */
    Err *e;
} Stay;

/* False: the group has taken or given some. */
static bool serve_group(const Stay *stay, int ms) {
    SinkMember *m = stay->m;
    Err *e = stay->e;
    rd_kafka_message_t *stray[1];
    size_t count = 0;
    if (!kafka_consumer_poll(m->consumer, stray, 1, ms, &count, e)) return false;
    kafka_consumer_done(stray, count);
    if (count == 0 && m->generation == stay->generation) return true;
    return err_set(e, ERR_IO, true, "partitions came or went while records waited: they are read again");
}

static bool stay_in_group(void *arg, int64_t ms) {
    const Stay *stay = arg;
    int64_t until_us = clock_mono_us() + ms * 1000;
    for (;;) {
        int64_t left = (until_us - clock_mono_us() + 999) / 1000;
        if (is_stopping(stay->m)) return err_set(stay->e, ERR_CANCELLED, false, "told to stop");
        if (left <= 0) return true;
        if (!serve_group(stay, left < SLICE_MS ? (int)left : SLICE_MS)) return false;
    }
}

/* After a failure that may pass. False: no more tries (*e stays), or the group's word. */
static bool wait_again(SinkMember *m, Err *e) {
    if (!e->retriable || e->code == ERR_FENCED || e->code == ERR_CANCELLED) return false;
    if (backoff_is_used_up(&m->backoff, e, m->max_retries)) {
        e->retriable = false;
        return err_wrap(e, "after %u tries (max.retries)", (unsigned)m->backoff.counted);
    }
    Stay stay = {.m = m, .generation = m->generation, .e = e};
    Outage outage = {.wait = stay_in_group, .arg = &stay};
    sink_member_servers(&m->spec, outage.ends);
    int64_t wait_ms = backoff_after_ms(&m->backoff, &m->rng, e, clock_mono_us());
    LOG_WARN("sink_waits", LOG_S("connector", m->spec.connector), LOG_I("task", m->spec.task),
             LOG_S("why", e->msg), LOG_I("try", m->backoff.tries), LOG_S("next", "the same records again"));
    m->spec.waiting(m->spec.arg, e);
    kafka_consumer_pause(m->consumer, true);
    bool ok = outage_wait(&outage, wait_ms);
    kafka_consumer_pause(m->consumer, false);
    m->spec.waiting(m->spec.arg, NULL);
    return ok;
}

/* ---- a put ---- */

typedef enum Outcome { OUTCOME_IN, OUTCOME_AGAIN, OUTCOME_FAILED } Outcome;

/* The connection went away with the answer: what does the target say? All partitions moved, or none. */
static Outcome settle(SinkMember *m, Err *e) {
    static const Outcome outcomes[] = {[PARTITION_IS_IN] = OUTCOME_IN,
                                       [PARTITION_IS_OUT] = OUTCOME_AGAIN,
                                       [PARTITION_FENCED] = OUTCOME_FAILED};
    Outcome outcome = OUTCOME_FAILED;
    size_t count = 0;
    const TopicMove *moves = sink_partitions_moves(m->parts, &count);
    TopicOffset *now = x_calloc(count + 1, sizeof *now);
    for (size_t i = 0; i < count; i++)
        now[i] = (TopicOffset){.topic = moves[i].topic, .partition = moves[i].partition};
    if (m->spec.writer->look(m->writer, now, count, e))
        outcome = outcomes[sink_partitions_settle(m->parts, now, e)];
    for (size_t i = 0; i < count; i++) buf_done(&now[i].guard);
    free(now);
    return outcome;
}

static Outcome put_once(SinkMember *m, Err *e) {
    TopicPut put = {
        .refused = sink_letters_has_topic(m->letters) ? refused : NULL, .settle = flush_letters, .arg = m};
    if (sink_partitions_is_unsure(m->parts)) {
        Outcome o = settle(m, e);
        if (o != OUTCOME_AGAIN) return o;
    }
    if (!sink_letters_flush(m->letters, e)) return OUTCOME_FAILED;
    sink_partitions_collect(m->parts);
    put.changes = sink_batch_changes(m->batch, &put.count);
    put.moves = sink_partitions_moves(m->parts, &put.move_count);
    if (put.move_count == 0) return OUTCOME_IN;
    if (m->spec.writer->put(m->writer, &put, e)) {
        sink_partitions_committed(m->parts);
        return OUTCOME_IN;
    }
    sink_partitions_failed(m->parts, m->spec.writer->is_open(m->writer));
    return OUTCOME_FAILED;
}

/* ---- a step ---- */

static void take(SinkMember *m) {
    for (size_t i = 0; i < m->message_count; i++) {
        rd_kafka_message_t *message = m->messages[i];
        SinkPartition *p =
            sink_partitions_find(m->parts, rd_kafka_topic_name(message->rkt), message->partition);
        if (!p || !partition_offer(p->state, message->offset)) continue; /* taken away; read before */
        sink_batch_add(m->batch, &(SinkInput){p->topic, p->partition, p->state, message});
    }
}

/* False: a topic was made anew. Other failures pass: the next one says more. */
static bool send_commits(SinkMember *m, bool has_records, Err *e) {
    Err why = {0};
    int64_t now_us = clock_mono_us();
    if (now_us < m->commit_us) return true;
    bool checks = !has_records && now_us >= m->check_us;
    m->commit_us = now_us + COMMIT_EVERY_US;
    if (checks || has_records) m->check_us = now_us + CHECK_EVERY_US;
    if (kafka_consumer_commit_send(m->consumer, /* is_sync= */ false, &why) &&
        (!checks || kafka_consumer_check(m->consumer, &why)))
        return true;
    if (why.code == ERR_RANGE) {
        *e = why;
        return false;
    }
    LOG_WARN("group_commit", LOG_S("why", why.msg), LOG_S("next", "the next one says more"));
    return true;
}

/* Records that are no row's change, and deletes where they aren't wanted: visible, but not a line each. */
static void tell_skipped(SinkMember *m) {
    if (m->skips == m->told_skips) return;
    m->told_skips = m->skips;
    LOG_INFO("records_skipped", LOG_S("connector", m->spec.connector), LOG_I("task", m->spec.task),
             LOG_I("tombstones", change_maker_skipped(m->maker, CHANGE_SKIP_TOMBSTONE)),
             LOG_I("deletes", change_maker_skipped(m->maker, CHANGE_SKIP_DELETE)),
             LOG_I("truncates", change_maker_skipped(m->maker, CHANGE_SKIP_TRUNCATE)),
             LOG_I("heartbeats", change_maker_skipped(m->maker, CHANGE_SKIP_HEARTBEAT)),
             LOG_I("schema_changes", change_maker_skipped(m->maker, CHANGE_SKIP_SCHEMA)),
             LOG_I("transactions", change_maker_skipped(m->maker, CHANGE_SKIP_TRANSACTION)),
             LOG_I("messages", change_maker_skipped(m->maker, CHANGE_SKIP_MESSAGE)));
}

static void count_skipped(SinkMember *m) {
    uint64_t all = 0;
    int64_t now_us = clock_mono_us();
    for (ChangeSkip s = CHANGE_SKIP_NONE + 1; s < CHANGE_SKIPS; s++) all += change_maker_skipped(m->maker, s);
    if (all > m->skips) metric_add(m->skipped, (int64_t)(all - m->skips));
    m->skips = all;
    if (all == m->told_skips || now_us < m->tell_us) return;
    m->tell_us = now_us + TELL_EVERY_US;
    tell_skipped(m);
}

static void count_batch(SinkMember *m) {
    int64_t dropped = sink_partitions_dropped(m->parts);
    count_skipped(m);
    metric_add(m->records, (int64_t)sink_batch_inputs(m->batch));
    if (dropped > m->dropped) metric_add(m->repeats, dropped - m->dropped);
    m->dropped = dropped;
}

/* By the records alone, until it is known what they say. */
static void tell_oldest_record(SinkMember *m) {
    rd_kafka_timestamp_type_t type;
    int64_t us = kafka_consumer_is_current(m->consumer) ? 0 : -1;
    if (m->message_count > 0) {
        int64_t ms = rd_kafka_message_timestamp(m->messages[0], &type);
        us = ms > 0 ? ms * 1000 : -1;
    }
    m->spec.oldest(m->spec.arg, us);
}

static void tell_oldest_change(SinkMember *m) {
    size_t count = 0;
    const Change *changes = sink_batch_changes(m->batch, &count);
    if (count > 0 && changes[0].source_us > 0) m->spec.oldest(m->spec.arg, changes[0].source_us);
}

static bool write_batch(SinkMember *m, Err *e) {
    backoff_reset(&m->backoff);
    while (!sink_batch_make(m->batch, e))
        if (!wait_again(m, e)) return false;
    tell_oldest_change(m);
    for (;;) {
        Outcome o = put_once(m, e);
        if (o == OUTCOME_IN) break;
        if (!wait_again(m, e)) return false;
    }
    sink_letters_stored(m->letters);
    count_batch(m);
    return true;
}

bool sink_member_step(SinkMember *m, Err *e) {
    if (!kafka_consumer_poll(m->consumer, m->messages, BATCH_RECORDS, POLL_MS, &m->message_count, e))
        return false;
    tell_oldest_record(m);
    bool ok = true, has_records = m->message_count > 0;
    if (has_records) {
        take(m);
        ok = write_batch(m, e);
        sink_batch_clear(m->batch);
        kafka_consumer_done(m->messages, m->message_count);
        m->message_count = 0;
    }
    return ok && send_commits(m, has_records, e);
}

/* ---- life ---- */

static void tell_warnings(const SinkMember *m, const TextList *list) {
    for (size_t i = 0; m->spec.task == 0 && i < list->count; i++)
        LOG_WARN("option_ignored", LOG_S("connector", m->spec.connector), LOG_S("why", list->items[i]));
}

static bool open_converter(SinkMember *m, bool is_key, Converter **ret, Err *e) {
    const ConverterSpec spec = {
        .class_name = str_from(options_str(m->spec.options, is_key ? "key.converter" : "value.converter")),
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
    const TransformSetup setup = {.is_sink = true, .debezium_version = options_str(o, "debezium.version")};
    const TextList *whitelist = options_list(o, "fields.whitelist"),
                   *include = options_list(o, "field.include.list");
    const TopicWriterClass *writer = m->spec.writer;
    const TopicFieldRules fields = writer->field_rules ? writer->field_rules(o) : (TopicFieldRules){0};
    const ChangeRules rules = {
        .key_mode = (ChangeKeyMode)options_enum(o, "pk.mode"),
        .key_fields = options_list(o, "pk.fields"),
        .include = include && include->count > 0       ? include
                   : whitelist && whitelist->count > 0 ? whitelist
                                                       : NULL,
        .exclude = options_list(o, "field.exclude.list"),
        .may_delete = options_bool(o, "delete.enabled"),
        .names_from_source = format && strstr(format, "${source."),
        .source_names_columns = fields.source_names_columns,
        .fills_defaults = fields.fills_defaults,
    };
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

static bool open_letters(SinkMember *m, Err *e) {
    CLEANUP(textlist_done) TextList warnings = {0};
    const SinkLettersSpec spec = {.connector = m->spec.connector,
                                  .task = m->spec.task,
                                  .options = m->spec.options,
                                  .metrics = m->spec.metrics};
    if (!sink_letters_open(&spec, &warnings, &m->letters, e)) return false;
    tell_warnings(m, &warnings);
    return true;
}

static bool open_consumer(SinkMember *m, Err *e) {
    CLEANUP(textlist_done) TextList warnings = {0};
    const Options *o = m->spec.options;
    SinkConsumerConf made = {0};
    if (!sink_conf_consumer(o, m->spec.connector, m->spec.task, &warnings, &made, e)) return false;
    tell_warnings(m, &warnings);
    m->reset = made.reset;
    m->is_reset_asked = made.is_reset_asked;
    const KafkaConsumerSpec spec = {
        .conf = made.conf,
        .own_prefix = SINK_CONF_OWN_PREFIX,
        .topics = options_list(o, "topics"),
        .regex = options_str(o, "topics.regex"),
        .host = {.taken = taken, .assigned = assigned, .revoked = revoked, .arg = m},
        .is_stopping = m->spec.is_stopping};
    return kafka_consumer_open(&spec, &m->consumer, e);
}

static bool open_writer(SinkMember *m, Err *e) {
    const ConnectorContext context = context_of(&m->spec);
    return m->spec.writer->start(m->spec.options, &context, &m->writer, e);
}

static void read_options(SinkMember *m) {
    const Options *o = m->spec.options;
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
    m->skipped = metrics_get(metrics, METRIC_COUNTER, "millrace_records_skipped_total", (Str){0},
                             "Records of topics that change no row: tombstones, heartbeats and their kin, "
                             "deletes without delete.enabled");
    m->messages = x_calloc(BATCH_RECORDS, sizeof(rd_kafka_message_t *));
    m->parts = sink_partitions_new(tell_group, m);
    if (!open_front(m, e) || !open_writer(m, e) || !open_letters(m, e) || !open_consumer(m, e)) {
        sink_member_close(m);
        return false;
    }
    *ret = m;
    return true;
}

SinkMember *sink_member_close(SinkMember *m) {
    if (!m) return NULL;
    if (m->maker) tell_skipped(m);
    sink_batch_free(m->batch);
    kafka_consumer_done(m->messages, m->message_count);
    kafka_consumer_close(m->consumer);
    sink_partitions_free(m->parts);
    sink_letters_close(m->letters);
    forget_taken(m);
    if (m->writer) m->spec.writer->stop(m->writer);
    converter_free(m->key);
    converter_free(m->value);
    transform_chain_free(m->chain);
    change_maker_free(m->maker);
    free(m->messages);
    free(m);
    return NULL;
}
