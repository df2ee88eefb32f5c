/*
 * Records are taken in two steps: one is waited for (which also serves rebalances), then all that is there is
 * taken without waiting. Records of a partition that is revoked in between are dropped by librdkafka, or,
 * when they were taken already, by the host, which knows what it holds.
 *
 * librdkafka stops fetching while its queue is full, and looks again when its broker's thread has something
 * to do, or after a second (fetch.queue.backoff.ms, from 2.2 on). A member that empties the queue faster than
 * that would wait for most of its time. So the older ones get something to do: a question for a partition's
 * ends, once the queue, full before, is half empty.
 *
 * Its main thread looks after the group once a second, or after anything else that it is asked. A group of
 * three takes three such looks to be spread, and joins one by one meanwhile. So, while there is a rebalance
 * to be expected, it is asked for the member's id.
 */
#include "transport/kafka_consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "transport/kafka_config.h"
#include "transport/kafka_error.h"
#include "transport/kafka_subscription.h"
#include "transport/kafka_topics.h"

enum {
    ASK_MS = 10000,
    CHECK_MS = 2000,
    SLICE_MS = 200,
    NUDGE_MS = 200,
    UNSETTLED_US = 5000000, /* after a rebalance the next one is near */
    UNSETTLED_SLICE_MS = 50,
};

struct KafkaConsumer {
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    KafkaSubscription *topics;
    KafkaConsumerHost host;
    const bool *is_stopping;
    rd_kafka_topic_partition_list_t *assigned; /* ours now */
    rd_kafka_topic_partition_list_t *commits;  /* set, not sent */
    rd_kafka_topic_partition_list_t *told;     /* of ours, those whose commit the group has */
    bool is_closing;                           /* the group's commits can't be asked for any more */
    bool is_missing_told;                      /* that a topic of them is gone */
    bool is_member;                            /* partitions were given, or that there are none */
    bool has_lost_topic;                       /* a topic whose partitions were ours was removed */
    bool has_failed;
    Err failure; /* of a rebalance, or fatal */
    bool is_paused;
    bool is_cut_off;          /* no broker answers: what waits there isn't known */
    bool nudges;              /* a queue that was full has to be told when it isn't */
    size_t full_at, full_kib; /* records, KiB: where librdkafka stops fetching */
    size_t peak;              /* most records in the queue since the last nudge */
    size_t record_bytes;      /* of the records taken last, a mean */
    int nudged;               /* the partition asked last */
    int64_t settled_us;       /* when the group is taken to be settled, monotonic */
};

/* ---- partitions come and go ---- */

static bool ask(KafkaConsumer *c, const rd_kafka_topic_partition_list_t *list, KafkaAssigned *parts, Err *e) {
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        KafkaAssigned *a = &parts[i];
        *a = (KafkaAssigned){.topic = p->topic,
                             .partition = p->partition,
                             .has_commit = p->offset >= 0,
                             .committed = p->offset,
                             .metadata = p->metadata ? p->metadata : ""};
        rd_kafka_resp_err_t code =
            rd_kafka_query_watermark_offsets(c->rk, a->topic, a->partition, &a->low, &a->high, ASK_MS);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
            (void)kafka_error(code, "asking for its ends", /* detail= */ NULL, e);
            return err_wrap(e, "%s-%d", a->topic, (int)a->partition);
        }
    }
    return true;
}

static void name_parts(const rd_kafka_topic_partition_list_t *list, KafkaAssigned *parts) {
    for (int i = 0; i < list->cnt; i++)
        parts[i] = (KafkaAssigned){
            .topic = list->elems[i].topic, .partition = list->elems[i].partition, .metadata = ""};
}

static void add_told(KafkaConsumer *c, const rd_kafka_topic_partition_list_t *list) {
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        if (p->offset >= 0 && !rd_kafka_topic_partition_list_find(c->told, p->topic, p->partition))
            rd_kafka_topic_partition_list_add(c->told, p->topic, p->partition);
    }
}

static bool ask_group(KafkaConsumer *c, rd_kafka_topic_partition_list_t *list, Err *e) {
    rd_kafka_resp_err_t code = rd_kafka_committed(c->rk, list, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "the group's commits", NULL, e);
    /* one that couldn't be told isn't one that isn't there */
    if (!kafka_error_none_in(list, "the group's commit", e)) return false;
    add_told(c, list);
    return true;
}

/* The list gets the offsets at which it begins. */
static bool choose_starts(KafkaConsumer *c, rd_kafka_topic_partition_list_t *list, Err *e) {
    size_t count = (size_t)list->cnt;
    if (count == 0) return true;
    KafkaAssigned *parts = x_calloc(count, sizeof *parts);
    name_parts(list, parts);
    /* names and metadata belong to the list: texts that the host's answer doesn't touch */
    bool ok = c->host.taken(c->host.arg, parts, count, e) && ask_group(c, list, e) &&
              ask(c, list, parts, e) && c->host.assigned(c->host.arg, parts, count, e);
    for (int i = 0; ok && i < list->cnt; i++) list->elems[i].offset = parts[i].start;
    free(parts);
    return ok;
}

static void assign(KafkaConsumer *c, rd_kafka_topic_partition_list_t *given) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(given);
    Err e = {0};
    if (!c->has_failed && !choose_starts(c, list, &e)) {
        c->has_failed = true;
        c->failure = e;
    }
    if (c->has_failed) /* nothing is delivered any more: poll fails, and the consumer is closed */
        for (int i = 0; i < list->cnt; i++) list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_error_t *error = rd_kafka_incremental_assign(c->rk, list);
    if (error && !c->has_failed) {
        c->has_failed = true;
        (void)kafka_error_of(error, "taking partitions", &c->failure);
        error = NULL;
    }
    if (error) rd_kafka_error_destroy(error);
    for (int i = 0; i < list->cnt; i++)
        rd_kafka_topic_partition_list_add(c->assigned, list->elems[i].topic, list->elems[i].partition);
    if (c->is_paused) (void)rd_kafka_pause_partitions(c->rk, c->assigned);
    rd_kafka_topic_partition_list_destroy(list);
}

static void tell_revoked(KafkaConsumer *c, const rd_kafka_topic_partition_list_t *list, bool is_lost) {
    KafkaAssigned *parts = x_calloc((size_t)list->cnt + 1, sizeof *parts);
    name_parts(list, parts);
    c->host.revoked(c->host.arg, parts, (size_t)list->cnt, is_lost);
    free(parts);
}

static void revoke(KafkaConsumer *c, rd_kafka_topic_partition_list_t *list) {
    bool is_lost = rd_kafka_assignment_lost(c->rk) != 0;
    Err why = {0};
    tell_revoked(c, list, is_lost);
    if (!is_lost && c->commits->cnt > 0 && !kafka_consumer_commit_send(c, /* is_sync= */ true, &why))
        LOG_WARN("group_commit", LOG_S("why", why.msg), LOG_S("next", "the target's offsets count"));
    if (is_lost) { /* others commit for them now */
        rd_kafka_topic_partition_list_destroy(c->commits);
        c->commits = rd_kafka_topic_partition_list_new(8);
    }
    rd_kafka_error_t *error = rd_kafka_incremental_unassign(c->rk, list);
    if (error) rd_kafka_error_destroy(error); /* not assigned: nothing to give back */
    for (int i = 0; i < list->cnt; i++) {
        (void)rd_kafka_topic_partition_list_del(c->assigned, list->elems[i].topic, list->elems[i].partition);
        (void)rd_kafka_topic_partition_list_del(c->commits, list->elems[i].topic, list->elems[i].partition);
        (void)rd_kafka_topic_partition_list_del(c->told, list->elems[i].topic, list->elems[i].partition);
    }
}

static void rebalanced(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                       void *arg) {
    KafkaConsumer *c = arg;
    (void)rk;
    LOG_INFO(code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? "partitions_given" : "partitions_taken_away",
             LOG_I("count", list->cnt));
    c->is_member = true;
    c->settled_us = clock_mono_us() + UNSETTLED_US;
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) assign(c, list);
    else revoke(c, list);
}

/* ---- life ---- */

static bool is_told_to_stop(const KafkaConsumer *c) {
    return c->is_stopping && __atomic_load_n(c->is_stopping, __ATOMIC_ACQUIRE);
}

/* librdkafka mends what it can; a member that was let in once waits for that. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    KafkaConsumer *c = opaque;
    LOG_WARN("kafka_consumer", LOG_S("client", rd_kafka_name(rk)),
             LOG_S("error", rd_kafka_err2name((rd_kafka_resp_err_t)code)), LOG_S("why", reason));
    if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) c->has_lost_topic = true;
    if (c->is_member || c->has_failed || !kafka_error_is_hopeless(code, reason)) return;
    c->has_failed = true;
    (void)kafka_error((rd_kafka_resp_err_t)code, "connecting", reason, &c->failure);
}

/* A call that failed by its time: the reason may have been told in an event. */
static bool failed(KafkaConsumer *c, rd_kafka_resp_err_t code, const char *what, Err *e) {
    rd_kafka_message_t *m = rd_kafka_consumer_poll(c->rk, 0);
    if (m) rd_kafka_message_destroy(m);
    if (!c->has_failed) return kafka_error(code, what, NULL, e);
    *e = c->failure;
    return false;
}

/* A JVM worker's consumers would share the partitions with ours, and neither would know what the other does.
 */
static bool check_members(KafkaConsumer *c, const char *group, const char *own_prefix, Err *e) {
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t code = rd_kafka_list_groups(c->rk, group, &list, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
        LOG_WARN("group_members_unknown", LOG_S("group", group), LOG_S("why", "the broker doesn't tell them"),
                 LOG_S("next", "make sure that no other program is a member"));
        return true;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return failed(c, code, "asking for the group's members", e);
    bool ok = true;
    for (int g = 0; ok && g < list->group_cnt; g++)
        for (int i = 0; ok && i < list->groups[g].member_cnt; i++) {
            const struct rd_kafka_group_member_info *m = &list->groups[g].members[i];
            const char *id = m->client_id ? m->client_id : "";
            if (strncmp(id, own_prefix, strlen(own_prefix)) == 0) continue;
            ok = err_set(
                e, ERR_TIMEOUT, true,
                "group %s has a live member of another program, '%s' at %s: stop that connector first "
                "(its rows would be written by both)",
                group, id, m->client_host ? m->client_host : "?");
        }
    rd_kafka_group_list_destroy(list);
    return ok;
}

static void set_queue(KafkaConsumer *c, rd_kafka_conf_t *conf) {
    c->nudges = rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "5", NULL, 0) != RD_KAFKA_CONF_OK;
    c->full_at = (size_t)kafka_conf_number(conf, "queued.min.messages");
    c->full_kib = (size_t)kafka_conf_number(conf, "queued.max.messages.kbytes");
}

bool kafka_consumer_open(const KafkaConsumerSpec *spec, KafkaConsumer **ret, Err *e) {
    KafkaConsumer *c = x_calloc(1, sizeof *c);
    char why[256] = "", group[256] = "";
    c->host = spec->host;
    c->is_stopping = spec->is_stopping;
    c->assigned = rd_kafka_topic_partition_list_new(8);
    c->commits = rd_kafka_topic_partition_list_new(8);
    c->told = rd_kafka_topic_partition_list_new(8);
    (void)kafka_conf_get(spec->conf, "group.id", group, sizeof group);
    set_queue(c, spec->conf);
    if (!kafka_subscription_new(spec->topics, spec->regex,
                                kafka_conf_number(spec->conf, "topic.metadata.refresh.interval.ms"),
                                &c->topics, e)) {
        rd_kafka_conf_destroy(spec->conf);
        kafka_consumer_close(c);
        return false;
    }
    rd_kafka_conf_set_rebalance_cb(spec->conf, rebalanced);
    rd_kafka_conf_set_opaque(spec->conf, c);
    rd_kafka_conf_set_error_cb(spec->conf, on_error);
    c->rk = rd_kafka_new(RD_KAFKA_CONSUMER, spec->conf, why, sizeof why);
    if (!c->rk) {
        rd_kafka_conf_destroy(spec->conf);
        kafka_consumer_close(c);
        return err_set(e, ERR_INVALID, false, "Kafka consumer: %s", why);
    }
    (void)rd_kafka_poll_set_consumer(c->rk);
    c->settled_us = clock_mono_us() + UNSETTLED_US;
    c->queue = rd_kafka_queue_get_consumer(c->rk);
    if (!check_members(c, group, spec->own_prefix, e) || !kafka_subscription_begin(c->topics, c->rk, e)) {
        kafka_consumer_close(c);
        return false;
    }
    *ret = c;
    return true;
}

bool kafka_consumer_is_current(const KafkaConsumer *c) {
    return c->is_member && !c->is_cut_off;
}

bool kafka_consumer_has_joined(const KafkaConsumer *c) {
    char *id = rd_kafka_memberid(c->rk);
    bool has_joined = id && *id;
    if (id) rd_kafka_mem_free(c->rk, id);
    return has_joined;
}

/* librdkafka before 2.3.0 ends the process (an assertion, its issue 4312) when the handle of a member is
 * freed that has joined but was never given anything: a stop in the midst of a rebalance is enough. And
 * once a topic was removed whose partitions were ours, freeing waits for ever for a thread that waits for
 * them (its issue 4362; seen with 2.0.2). Such a handle is closed, and left with its threads. */
static bool may_be_freed(const KafkaConsumer *c) {
    enum { MENDED = 0x020300ff };
    if (c->has_lost_topic) return false;
    return c->is_member || rd_kafka_version() >= MENDED || !kafka_consumer_has_joined(c);
}

/* What may be told is left to the closing. */
static void close_commits(KafkaConsumer *c) {
    Err e = {0};
    if (c->commits->cnt > 0 && !kafka_consumer_check(c, &e)) {
        LOG_WARN("group_commit", LOG_S("why", e.msg), LOG_S("next", "the target's offsets count"));
        rd_kafka_topic_partition_list_destroy(c->commits);
        c->commits = rd_kafka_topic_partition_list_new(8);
    }
    c->is_closing = true;
}

KafkaConsumer *kafka_consumer_close(KafkaConsumer *c) {
    if (!c) return NULL;
    if (c->rk) {
        bool frees = may_be_freed(c);
        close_commits(c);
        kafka_subscription_end(c->topics, c->rk);
        (void)rd_kafka_consumer_close(c->rk); /* the host hears of what is left */
        if (c->queue) rd_kafka_queue_destroy(c->queue);
        if (frees) rd_kafka_destroy(c->rk);
    }
    rd_kafka_topic_partition_list_destroy(c->assigned);
    rd_kafka_topic_partition_list_destroy(c->commits);
    rd_kafka_topic_partition_list_destroy(c->told);
    kafka_subscription_free(c->topics);
    free(c);
    return NULL;
}

/* ---- records ---- */

/* What came in a record's place. True: nothing that stops. */
static bool take_event(KafkaConsumer *c, const rd_kafka_message_t *m, Err *e) {
    switch (m->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF: return true;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: /* told once for each look at the cluster */
        LOG_WARN("topic_missing", LOG_S("topic", m->rkt ? rd_kafka_topic_name(m->rkt) : "?"),
                 LOG_S("why", rd_kafka_message_errstr(m)), LOG_S("next", "it is read once it is there"));
        return true;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: /* the host's offset is out of the log by now */
        return err_set(e, ERR_IO, true, "%s-%d: %s", m->rkt ? rd_kafka_topic_name(m->rkt) : "?",
                       (int)m->partition, rd_kafka_message_errstr(m));
    case RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED:
        LOG_WARN("left_the_group", LOG_S("why", rd_kafka_message_errstr(m)), LOG_S("next", "joins again"));
        return true;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__FATAL: return kafka_error(m->err, "consuming", rd_kafka_message_errstr(m), e);
    default:
        c->is_cut_off |= m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
        LOG_WARN("kafka", LOG_S("what", "consuming"), LOG_S("why", rd_kafka_message_errstr(m)),
                 LOG_S("next", "librdkafka tries again"));
        return true;
    }
}

/* Events are taken out; records move to the front. */
static bool sift(KafkaConsumer *c, rd_kafka_message_t **messages, size_t *count, Err *e) {
    size_t kept = 0;
    bool ok = true;
    for (size_t i = 0; i < *count; i++) {
        if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            messages[kept++] = messages[i];
            continue;
        }
        if (ok) ok = take_event(c, messages[i], e);
        rd_kafka_message_destroy(messages[i]);
    }
    *count = kept;
    if (kept > 0) c->is_cut_off = false;
    if (c->has_failed) { /* the first one: what comes behind it may be of its making */
        *e = c->failure;
        ok = false;
    }
    if (!ok) {
        kafka_consumer_done(messages, kept);
        *count = 0;
    }
    return ok;
}

static void measure(KafkaConsumer *c, rd_kafka_message_t *const *taken, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += taken[i]->len + taken[i]->key_len;
    if (count > 0) c->record_bytes = bytes / count;
}

bool kafka_consumer_queue_slept(size_t peak, size_t now, size_t record_bytes, size_t full_at,
                                size_t full_kib) {
    bool was_full = peak >= full_at / 2 || peak >= full_kib * 1024 / 2 / (record_bytes + 1);
    return was_full && now <= peak / 2;
}

static void nudge(KafkaConsumer *c) {
    size_t now = rd_kafka_queue_length(c->queue);
    int64_t low = 0, high = 0;
    if (now > c->peak) c->peak = now;
    if (!kafka_consumer_queue_slept(c->peak, now, c->record_bytes, c->full_at, c->full_kib)) return;
    c->peak = now;
    if (c->assigned->cnt == 0) return;
    c->nudged = (c->nudged + 1) % c->assigned->cnt;
    const rd_kafka_topic_partition_t *p = &c->assigned->elems[c->nudged];
    /* whatever the answer: a broker that is away is noticed by who fetches */
    (void)rd_kafka_query_watermark_offsets(c->rk, p->topic, p->partition, &low, &high, NUDGE_MS);
}

/* How long to wait at a time. */
static int hasten(KafkaConsumer *c) {
    if (clock_mono_us() >= c->settled_us) return SLICE_MS;
    (void)kafka_consumer_has_joined(c);
    return UNSETTLED_SLICE_MS;
}

bool kafka_consumer_poll(KafkaConsumer *c, rd_kafka_message_t **ret, size_t max, int timeout_ms,
                         size_t *ret_count, Err *e) {
    *ret_count = 0;
    if (max == 0) return true;
    if (c->nudges) nudge(c);
    if (!c->is_paused) kafka_subscription_look(c->topics, c->rk);
    rd_kafka_message_t *first = NULL;
    for (int left = timeout_ms, slice = 0; !first && !c->has_failed; left -= slice) {
        slice = hasten(c);
        if (is_told_to_stop(c)) left = 0;
        first = rd_kafka_consumer_poll(c->rk, left > slice ? slice : left > 0 ? left : 0);
        if (left <= slice) break;
    }
    size_t count = 0;
    if (first) ret[count++] = first;
    if (first && max > 1) {
        ssize_t more = rd_kafka_consume_batch_queue(c->queue, 0, ret + 1, max - 1);
        if (more > 0) count += (size_t)more;
    }
    bool ok = sift(c, ret, &count, e);
    if (c->nudges) measure(c, ret, count);
    *ret_count = count;
    return ok;
}

void kafka_consumer_done(rd_kafka_message_t *const *messages, size_t count) {
    for (size_t i = 0; i < count; i++) rd_kafka_message_destroy(messages[i]);
}

void kafka_consumer_pause(KafkaConsumer *c, bool is_paused) {
    if (c->is_paused == is_paused) return;
    c->is_paused = is_paused;
    (void)(is_paused ? rd_kafka_pause_partitions(c->rk, c->assigned)
                     : rd_kafka_resume_partitions(c->rk, c->assigned));
}

size_t kafka_consumer_count(const KafkaConsumer *c) {
    return (size_t)c->assigned->cnt;
}

/* ---- commits ---- */

void kafka_consumer_commit_set(KafkaConsumer *c, const char *topic, int32_t partition, int64_t next,
                               const char *metadata) {
    rd_kafka_topic_partition_t *p = rd_kafka_topic_partition_list_find(c->commits, topic, partition);
    if (!p) p = rd_kafka_topic_partition_list_add(c->commits, topic, partition);
    free(p->metadata); /* librdkafka frees it with free() as well */
    p->offset = next;
    p->metadata = strdup(metadata);
    p->metadata_size = p->metadata ? strlen(metadata) : 0;
}

static bool is_topic_there(KafkaConsumer *c, const char *topic) {
    StrMap *all = strmap_new(/* ignore_case= */ false);
    Err unknown = {0};
    bool is_there = kafka_topics_list(c->rk, ASK_MS, all, &unknown) && strmap_get(all, str_from(topic));
    strmap_free(all);
    return is_there;
}

static bool is_gone(KafkaConsumer *c, const rd_kafka_topic_partition_t *p, Err *e) {
    if (is_topic_there(c, p->topic))
        return err_set(e, ERR_RANGE, false,
                       "%s-%d: the group's commit is gone: the topic was deleted and made anew while it was "
                       "read, and its offsets begin again; kafka-consumer-groups --reset-offsets "
                       "--to-earliest reads all that it has now",
                       p->topic, (int)p->partition);
    if (!c->is_missing_told)
        LOG_WARN("topic_missing", LOG_S("topic", p->topic), LOG_S("why", "it was deleted"),
                 LOG_S("next", "nothing of it is read; made anew, it stops the task"));
    c->is_missing_told = true;
    return err_set(e, ERR_IO, true, "topic %s is gone", p->topic);
}

bool kafka_consumer_check(KafkaConsumer *c, Err *e) {
    if (c->told->cnt == 0) return true;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_copy(c->told);
    rd_kafka_resp_err_t code = rd_kafka_committed(c->rk, list, CHECK_MS);
    bool ok = code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_error(code, "the group's commits", NULL, e);
    ok = ok && kafka_error_none_in(list, "the group's commit", e);
    for (int i = 0; ok && i < list->cnt; i++)
        ok = list->elems[i].offset >= 0 || is_gone(c, &list->elems[i], e);
    rd_kafka_topic_partition_list_destroy(list);
    c->is_cut_off = !ok && e->code != ERR_RANGE;
    return ok;
}

bool kafka_consumer_commit_send(KafkaConsumer *c, bool is_sync, Err *e) {
    if (c->commits->cnt == 0) return true;
    if (!c->is_closing && !kafka_consumer_check(c, e)) return false;
    rd_kafka_resp_err_t code = rd_kafka_commit(c->rk, c->commits, !is_sync);
    for (int i = 0; is_sync && code == RD_KAFKA_RESP_ERR_NO_ERROR && i < c->commits->cnt; i++)
        code = c->commits->elems[i].err;
    if (is_sync && code == RD_KAFKA_RESP_ERR_NO_ERROR) add_told(c, c->commits);
    rd_kafka_topic_partition_list_destroy(c->commits);
    c->commits = rd_kafka_topic_partition_list_new(8);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR__NO_OFFSET ||
           kafka_error(code, "the group's commit", NULL, e);
}
