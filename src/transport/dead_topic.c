/*
 * An idempotent producer without transactions. A letter that fails leaves its reason here; the flush tells
 * it. Letters are known by their record's place, in the order in which they were sent: a batch that is
 * written again asks for them in that order, so a search begins behind what was found last.
 */
#include "transport/dead_topic.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "transport/kafka_error.h"
#include "transport/kafka_topics.h"

enum { ASK_MS = 10000, FLUSH_MS = 60000, POLL_MS = 100, NUMBER_MAX = 24 };

typedef struct Letter {
    char *topic;
    int32_t partition;
    int64_t offset;
    bool is_safe;
} Letter;

struct DeadTopic {
    rd_kafka_t *rk;
    char *topic, *connector;
    int32_t replication;
    bool has_context, is_made;
    int task;
    rd_kafka_resp_err_t failed; /* of a letter since the last flush; which */
    size_t failed_at;
    Letter *letters; /* since the last dead_topic_forget */
    size_t letter_count, letter_cap, next;
};

/* ---- letters that were sent ---- */

/* Its index; letter_count = none. */
static size_t find(const DeadTopic *d, const rd_kafka_message_t *m) {
    for (size_t i = 0; i < d->letter_count; i++) {
        size_t at = (d->next + i) % d->letter_count;
        const Letter *l = &d->letters[at];
        if (l->offset == m->offset && l->partition == m->partition &&
            strcmp(l->topic, rd_kafka_topic_name(m->rkt)) == 0)
            return at;
    }
    return d->letter_count;
}

static size_t find_or_add(DeadTopic *d, const rd_kafka_message_t *m) {
    size_t at = find(d, m);
    if (at == d->letter_count) {
        if (d->letter_count == d->letter_cap) {
            d->letter_cap = d->letter_cap ? 2 * d->letter_cap : 8;
            d->letters = x_reallocarray(d->letters, d->letter_cap, sizeof *d->letters);
        }
        d->letters[d->letter_count++] = (Letter){
            .topic = x_strdup(rd_kafka_topic_name(m->rkt)), .partition = m->partition, .offset = m->offset};
    }
    d->next = at + 1;
    return at;
}

bool dead_topic_has(const DeadTopic *d, const rd_kafka_message_t *record) {
    size_t at = find(d, record);
    return at < d->letter_count && d->letters[at].is_safe;
}

void dead_topic_forget(DeadTopic *d) {
    for (size_t i = 0; i < d->letter_count; i++) free(d->letters[i].topic);
    d->letter_count = d->next = 0;
}

/* ---- life ---- */

static void delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *arg) {
    DeadTopic *d = arg;
    (void)rk;
    rd_kafka_resp_err_t code = kafka_error_delivery(m);
    size_t at = (size_t)(uintptr_t)m->_private;
    assert(at < d->letter_count); /* nothing is forgotten before its report */
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) d->letters[at].is_safe = true;
    else if (!d->failed) {
        d->failed = code;
        d->failed_at = at;
    }
}

bool dead_topic_open(const DeadTopicSpec *spec, DeadTopic **ret, Err *e) {
    DeadTopic *d = x_calloc(1, sizeof *d);
    char why[256] = "";
    d->topic = x_strdup(spec->topic);
    d->connector = x_strdup(spec->connector);
    d->replication = spec->replication;
    d->has_context = spec->has_context;
    d->task = spec->task;
    rd_kafka_conf_set_dr_msg_cb(spec->conf, delivered);
    rd_kafka_conf_set_opaque(spec->conf, d);
    d->rk = rd_kafka_new(RD_KAFKA_PRODUCER, spec->conf, why, sizeof why);
    if (!d->rk) {
        rd_kafka_conf_destroy(spec->conf);
        dead_topic_close(d);
        return err_set(e, ERR_INVALID, false, "producer of dead letters: %s", why);
    }
    *ret = d;
    return true;
}

DeadTopic *dead_topic_close(DeadTopic *d) {
    if (!d) return NULL;
    if (d->rk) {
        (void)rd_kafka_purge(d->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(d->rk);
    }
    dead_topic_forget(d);
    free(d->letters);
    free(d->topic);
    free(d->connector);
    free(d);
    return NULL;
}

/* ---- a letter ---- */

static bool failed(const DeadTopic *d, rd_kafka_resp_err_t code, const char *what, Err *e) {
    (void)kafka_error(code, what, /* detail= */ NULL, e);
    return err_wrap(e, "topic %s", d->topic);
}

static bool letter_failed(const DeadTopic *d, rd_kafka_resp_err_t code, size_t at, Err *e) {
    const Letter *l = &d->letters[at];
    CLEANUP_FREE char *what =
        x_asprintf("the letter of %s-%d at offset %lld", l->topic, (int)l->partition, (long long)l->offset);
    return failed(d, code, what, e);
}

/* Asked first: who may write to a topic need not have the right to make one. */
static bool look_for(DeadTopic *d, bool *ret_is_there, Err *e) {
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(d->rk, d->topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(d->rk, 0, handle, &meta, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && meta->topic_cnt == 1) code = meta->topics[0].err;
    if (meta) rd_kafka_metadata_destroy(meta);
    if (handle) rd_kafka_topic_destroy(handle);
    *ret_is_there = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    return *ret_is_there || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ||
           code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || failed(d, code, "looking for the topic", e);
}

static bool make_topic(DeadTopic *d, Err *e) {
    static const char *const config[][2] = {{"retention.ms", "2592000000"}};
    const KafkaTopicSpec spec = {
        .partitions = 1, .replication = d->replication, .config = config, .config_count = 1};
    if (d->is_made) return true;
    if (!look_for(d, &d->is_made, e)) return false;
    if (!d->is_made && !kafka_topics_create(d->rk, d->topic, &spec, e))
        return err_wrap(e, "making the dead letter topic (errors.deadletterqueue.topic.replication.factor)");
    d->is_made = true;
    return true;
}

static void add(rd_kafka_headers_t *headers, const char *name, const char *value) {
    if (value && *value) (void)rd_kafka_header_add(headers, name, -1, value, (ssize_t)strlen(value));
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t value) {
    char text[NUMBER_MAX];
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    add(headers, name, text);
}

static void add_context(const DeadTopic *d, rd_kafka_headers_t *headers, const rd_kafka_message_t *m,
                        const DeadContext *why) {
    add(headers, "__connect.errors.topic", rd_kafka_topic_name(m->rkt));
    add_number(headers, "__connect.errors.partition", m->partition);
    add_number(headers, "__connect.errors.offset", m->offset);
    add(headers, "__connect.errors.connector.name", d->connector);
    add_number(headers, "__connect.errors.task.id", d->task);
    add(headers, "__connect.errors.stage", why->stage);
    add(headers, "__connect.errors.class.name", why->class_name);
    add(headers, "__connect.errors.exception.class.name", why->exception);
    add(headers, "__connect.errors.exception.message", why->message);
    /* there is no stack to trace; who reads this one finds what the first line of a trace says */
    CLEANUP_FREE char *trace = x_asprintf("%s: %s", why->exception ? why->exception : "", why->message);
    add(headers, "__connect.errors.exception.stacktrace", trace);
    add(headers, "__millrace.errors.sqlstate", why->sqlstate);
    add(headers, "__millrace.errors.constraint", why->constraint);
    add(headers, "__millrace.errors.column", why->column);
}

static rd_kafka_resp_err_t produce(DeadTopic *d, const rd_kafka_message_t *m, size_t at,
                                   rd_kafka_headers_t *headers) {
    rd_kafka_timestamp_type_t type;
    int64_t timestamp_ms = rd_kafka_message_timestamp(m, &type);
    const rd_kafka_vu_t v[] = {
        {.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = d->topic},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {m->key, m->key_len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {m->payload, m->len}},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp_ms > 0 ? timestamp_ms : 0},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = (void *)(uintptr_t)at},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    return kafka_error_code(rd_kafka_produceva(d->rk, v, sizeof v / sizeof *v));
}

bool dead_topic_send(DeadTopic *d, const rd_kafka_message_t *record, const DeadContext *why, Err *e) {
    rd_kafka_headers_t *original = NULL;
    if (!make_topic(d, e)) return false;
    (void)rd_kafka_message_headers(record, &original);
    rd_kafka_headers_t *headers = original ? rd_kafka_headers_copy(original) : rd_kafka_headers_new(16);
    if (d->has_context) add_context(d, headers, record, why);
    size_t at = find_or_add(d, record);
    rd_kafka_resp_err_t code;
    while ((code = produce(d, record, at, headers)) == RD_KAFKA_RESP_ERR__QUEUE_FULL && !d->failed)
        (void)rd_kafka_poll(d->rk, POLL_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true; /* the headers are the producer's now */
    rd_kafka_headers_destroy(headers);
    return letter_failed(d, code, at, e);
}

bool dead_topic_flush(DeadTopic *d, Err *e) {
    rd_kafka_resp_err_t code = rd_kafka_flush(d->rk, FLUSH_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        /* all have their reports then, this flush's and no later one's */
        (void)rd_kafka_purge(d->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_flush(d->rk, FLUSH_MS);
        d->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
        return failed(d, code, "dead letters", e);
    }
    code = d->failed;
    d->failed = RD_KAFKA_RESP_ERR_NO_ERROR;
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || letter_failed(d, code, d->failed_at, e);
}
