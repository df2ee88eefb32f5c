/*
 * librdkafka's producer reports a refused record by a delivery report, which is served by polls on our
 * thread: the first one's reason is kept, since what the commit says then is only that one was refused.
 * Waits are cut into slices, so that a stop is seen; only a commit is never cut off, as librdkafka asks for.
 */
#include "transport/kafka_producer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "transport/kafka_config.h"
#include "transport/kafka_error.h"
#include "transport/kafka_topics.h"

enum {
    SLICE_MS = 500,
    CONNECT_LIMIT_MS = 10000,
    INIT_LIMIT_MS = 60000,
    ABORT_LIMIT_MS = 15000,
    LIST_LIMIT_MS = 10000,
    CLOSE_LIMIT_MS = 3000,
    POLL_EVERY = 1024, /* records between two polls */
    STALL_MS = 3000,   /* nothing acknowledged for so long: are the topics still there? */
    FULL_MS = 10,      /* a look at a full queue */
    SMALL_BATCH = 16384,
    NAMES_MAX = 8, /* topics named in a message */
};

struct KafkaTopic {
    rd_kafka_topic_t *handle;
    uint64_t written_in; /* number of the transaction that wrote to it last */
    bool is_missed;      /* at the last look */
};

struct KafkaProducer {
    rd_kafka_t *rk;
    StrMap *topics;
    const bool *is_stopping;
    bool is_open;     /* a transaction is */
    bool is_ready;    /* init_transactions has succeeded */
    bool is_hopeless; /* before that: it never will; why */
    Err hopeless;
    bool has_refused; /* in this transaction */
    Err refused;
    uint32_t sent;
    uint64_t number;            /* of the transaction */
    int64_t begun_us, limit_us; /* of the transaction: transaction.timeout.ms */
    bool is_over_time;
    int64_t moved_us; /* when a record was acknowledged last, or the topics were looked for */
    int64_t batch_bytes, smaller_bytes;
};

static bool is_stopping(const KafkaProducer *p) {
    return p->is_stopping && __atomic_load_n(p->is_stopping, __ATOMIC_ACQUIRE);
}

/* What a broker refuses for its size is a batch: when the record is much smaller than one may be, it may be
 * the company it was in. */
static bool is_batch_too_large(KafkaProducer *p, const rd_kafka_message_t *m, rd_kafka_resp_err_t code) {
    if (code != RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE && code != RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE)
        return false;
    if ((int64_t)(m->len + m->key_len) >= p->batch_bytes) return false;
    p->smaller_bytes = p->batch_bytes > SMALL_BATCH ? SMALL_BATCH : 1;
    return true;
}

/* Served on the owner's thread. A broker that knows nothing of a producer takes any first sequence number: of
 * several requests in flight to a partition that has no leader yet the first may be refused and the next
 * taken, which librdkafka takes for an acknowledgement of both. The first has no offset then
 * (kafka_error_delivery), and the transaction fails. kafka_topics_create waits for the leaders, so that it is
 * rare. Of a producer that the broker knows the next one is refused, too, out of sequence: the transaction
 * fails as well, where one request in flight would just be sent again. */
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque) {
    KafkaProducer *p = opaque;
    (void)rk;
    bool is_purged = m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE || m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT;
    rd_kafka_resp_err_t code = kafka_error_delivery(m);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) p->moved_us = clock_mono_us();
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR || is_purged || p->has_refused) return;
    p->has_refused = true;
    if (is_batch_too_large(p, m, code)) {
        (void)err_set(&p->refused, ERR_IO, true,
                      "Kafka: topic %s doesn't take as much at a time as batch.size says (%lld): it goes on "
                      "with %lld; set producer.override.batch.size below the topic's max.message.bytes and "
                      "segment.bytes",
                      rd_kafka_topic_name(m->rkt), (long long)p->batch_bytes, (long long)p->smaller_bytes);
        return;
    }
    CLEANUP_FREE char *what =
        x_asprintf("a record of %zu bytes to topic %s", m->len + m->key_len, rd_kafka_topic_name(m->rkt));
    const char *guessed = "refused, and a later record taken: all of the transaction is written again";
    (void)kafka_error(code, what, code == m->err ? NULL : guessed, &p->refused);
}

/* Fatal errors are asked for where they matter; the others are librdkafka's to mend. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque) {
    KafkaProducer *p = opaque;
    if (!p->is_ready && !p->is_hopeless && kafka_error_is_hopeless(code, reason)) {
        p->is_hopeless = true;
        (void)kafka_error((rd_kafka_resp_err_t)code, "connecting", reason, &p->hopeless);
    }
    LOG_WARN("kafka_producer", LOG_S("client", rd_kafka_name(rk)),
             LOG_S("error", rd_kafka_err2name((rd_kafka_resp_err_t)code)), LOG_S("why", reason));
}

/* ---- life ---- */

static bool cancelled(Err *e) {
    return err_set(e, ERR_CANCELLED, false, "told to stop");
}

/* After a call that failed by its time: the reason may have been told in an event. */
static bool is_told_hopeless(KafkaProducer *p, Err *e) {
    rd_kafka_poll(p->rk, 0);
    if (p->is_hopeless) *e = p->hopeless;
    return p->is_hopeless;
}

/* Without a connection that is up, librdkafka looks for the coordinator only half a second later; and without
 * any, init_transactions fails by time alone. */
static bool connect_first(KafkaProducer *p, Err *e) {
    int64_t until_us = clock_mono_us() + (int64_t)CONNECT_LIMIT_MS * 1000;
    for (;;) {
        const struct rd_kafka_metadata *m = NULL;
        rd_kafka_resp_err_t code =
            rd_kafka_metadata(p->rk, /* all_topics= */ 0, /* only_rkt= */ NULL, &m, SLICE_MS);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_metadata_destroy(m);
            return true;
        }
        if (is_told_hopeless(p, e)) return false;
        if (is_stopping(p)) return cancelled(e);
        if (clock_mono_us() > until_us) return kafka_error(code, "reaching the cluster", NULL, e);
    }
}

static bool init_transactions(KafkaProducer *p, Err *e) {
    int64_t until_us = clock_mono_us() + (int64_t)INIT_LIMIT_MS * 1000;
    if (!connect_first(p, e)) return false;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_init_transactions(p->rk, SLICE_MS);
        if (!error) {
            p->is_ready = true;
            return true;
        }
        if (is_told_hopeless(p, e)) {
            rd_kafka_error_destroy(error);
            return false;
        }
        bool again = rd_kafka_error_is_retriable(error) && clock_mono_us() < until_us && !is_stopping(p);
        if (!again) {
            if (is_stopping(p) && rd_kafka_error_is_retriable(error)) {
                rd_kafka_error_destroy(error);
                return cancelled(e);
            }
            return kafka_error_of(error, "beginning to write (init_transactions)", e);
        }
        if (kafka_error_code(error) != RD_KAFKA_RESP_ERR__TIMED_OUT) rd_kafka_poll(p->rk, SLICE_MS);
    }
}

bool kafka_producer_open(rd_kafka_conf_t *conf, const char *transactional_id, const bool *stopping,
                         KafkaProducer **ret, Err *e) {
    char why[256];
    KafkaProducer *p = x_calloc(1, sizeof *p);
    p->is_stopping = stopping;
    rd_kafka_conf_set_opaque(conf, p);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_error_cb(conf, on_error);
    p->limit_us = kafka_conf_number(conf, "transaction.timeout.ms") * 1000;
    p->batch_bytes = kafka_conf_number(conf, "batch.size");
    bool ok =
        rd_kafka_conf_set(conf, "transactional.id", transactional_id, why, sizeof why) == RD_KAFKA_CONF_OK;
    if (ok) p->rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!p->rk) {
        rd_kafka_conf_destroy(conf);
        free(p);
        return err_set(e, ERR_INVALID, false, "Kafka: the producer's configuration: %s", why);
    }
    p->topics = strmap_new(/* ignore_case= */ false);
    if (!init_transactions(p, e)) {
        kafka_producer_close(p);
        return false;
    }
    *ret = p;
    return true;
}

static void free_topics(KafkaProducer *p) {
    size_t at = 0;
    Str name;
    void *topic;
    while (strmap_next(p->topics, &at, &name, &topic)) rd_kafka_topic_destroy(((KafkaTopic *)topic)->handle);
    strmap_free_all(p->topics);
}

KafkaProducer *kafka_producer_close(KafkaProducer *p) {
    if (!p) return NULL;
    if (p->is_open) {
        rd_kafka_error_t *error = rd_kafka_abort_transaction(p->rk, CLOSE_LIMIT_MS);
        if (error) rd_kafka_error_destroy(error);
    }
    free_topics(p);
    rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(p->rk);
    free(p);
    return NULL;
}

KafkaTopic *kafka_producer_topic(KafkaProducer *p, Str name) {
    KafkaTopic *t = strmap_get(p->topics, name);
    if (t) return t;
    CLEANUP_FREE char *text = str_dup(name);
    t = x_calloc(1, sizeof *t);
    t->handle = rd_kafka_topic_new(p->rk, text, NULL);
    assert(t->handle);
    strmap_set(p->topics, name, t);
    return t;
}

/* ---- transactions ---- */

/* The broker ends a transaction that was open for too long by the same means as a new owner does. */
static bool tell_time_out(KafkaProducer *p, Err *e) {
    if (e->code != ERR_FENCED || !p->is_open || p->limit_us <= 0 ||
        clock_mono_us() - p->begun_us < p->limit_us)
        return false;
    p->is_over_time = true;
    return err_set(
        e, ERR_TIMEOUT, true,
        "Kafka: a transaction was open for longer than transaction.timeout.ms (%lld ms): the broker "
        "has ended it, and what it had is written again",
        (long long)(p->limit_us / 1000));
}

bool kafka_producer_check(KafkaProducer *p, Err *e) {
    char why[256];
    rd_kafka_poll(p->rk, 0);
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(p->rk, why, sizeof why);
    if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    (void)kafka_error(fatal, "the producer", why, e);
    return tell_time_out(p, e);
}

bool kafka_producer_begin(KafkaProducer *p, Err *e) {
    assert(!p->is_open);
    p->has_refused = false;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(p->rk);
    if (error) return kafka_error_of(error, "beginning a transaction", e);
    p->is_open = true;
    p->number++;
    p->begun_us = p->moved_us = clock_mono_us();
    return true;
}

bool kafka_producer_is_open(const KafkaProducer *p) {
    return p->is_open;
}

bool kafka_producer_is_over_time(const KafkaProducer *p) {
    return p->is_over_time;
}

int64_t kafka_producer_smaller_batches(const KafkaProducer *p) {
    return p->smaller_bytes;
}

/* ---- the topics of a transaction ---- */

/* The next one that the open transaction has written to; *at = 0 first. NULL = no more. */
static KafkaTopic *next_written(const KafkaProducer *p, size_t *at, Str *ret_name) {
    void *topic;
    while (strmap_next(p->topics, at, ret_name, &topic))
        if (((KafkaTopic *)topic)->written_in == p->number) return topic;
    return NULL;
}

/* No right on a topic: which one, the broker says only to librdkafka. */
static void add_topics(const KafkaProducer *p, Err *e) {
    CLEANUP(buf_done) Buf names = {0};
    Str name;
    size_t count = 0;
    for (size_t at = 0; next_written(p, &at, &name) && count < NAMES_MAX; count++)
        buf_printf(&names, "%s" STR_FMT, count ? ", " : "", STR_ARG(name));
    if (count > 0) (void)err_wrap(e, "%s %s", count > 1 ? "one of the topics" : "topic", buf_text(&names));
}

/* A partition of a topic that was deleted is waited for by librdkafka until its records time out, all others'
 * with it, and then says that these did. Two looks in a row have to miss it. */
static bool topics_are_there(KafkaProducer *p, Err *e) {
    int64_t now_us = clock_mono_us();
    if (now_us - p->moved_us < STALL_MS * INT64_C(1000)) return true;
    p->moved_us = now_us;
    StrMap *there = strmap_new(/* ignore_case= */ false);
    Err unknown = {0};
    bool ok = true;
    Str name;
    KafkaTopic *t;
    if (kafka_topics_list(p->rk, LIST_LIMIT_MS, there, &unknown))
        for (size_t at = 0; ok && (t = next_written(p, &at, &name));) {
            bool is_missing = !strmap_get(there, name);
            ok = !(is_missing && t->is_missed) ||
                 err_set(e, ERR_IO, true,
                         "Kafka: topic " STR_FMT " isn't there any more: it was deleted while it was written "
                         "to, and what the transaction had is written again",
                         STR_ARG(name));
            t->is_missed = is_missing;
        }
    strmap_free(there);
    return ok;
}

static bool say_refused(KafkaProducer *p, Err *e) {
    *e = p->refused;
    return tell_time_out(p, e);
}

static rd_kafka_resp_err_t produce_with_headers(KafkaProducer *p, KafkaTopic *to, const KafkaMessage *m) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(m->header_count);
    for (size_t i = 0; i < m->header_count; i++)
        (void)rd_kafka_header_add(headers, m->headers[i].name.p, (ssize_t)m->headers[i].name.n,
                                  m->headers[i].value.p, (ssize_t)m->headers[i].value.n);
    rd_kafka_vu_t v[7] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = to->handle},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = m->partition},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)m->value.p, m->value.n}},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)m->key.p, m->key.n}},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
    };
    size_t n = 6;
    if (m->timestamp_ms >= 0)
        v[n++] = (rd_kafka_vu_t){.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = m->timestamp_ms};
    rd_kafka_resp_err_t code = kafka_error_code(rd_kafka_produceva(p->rk, v, n));
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
        rd_kafka_headers_destroy(headers); /* only a record that was taken owns them */
    return code;
}

static rd_kafka_resp_err_t produce(KafkaProducer *p, KafkaTopic *to, const KafkaMessage *m) {
    if (m->header_count > 0 || m->timestamp_ms >= 0) return produce_with_headers(p, to, m);
    int rc = rd_kafka_produce(to->handle, m->partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)m->value.p,
                              m->value.n, m->key.p, m->key.n, NULL);
    return rc == 0 ? RD_KAFKA_RESP_ERR_NO_ERROR : rd_kafka_last_error();
}

static bool commit(KafkaProducer *p, Err *e) {
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(p->rk, -1);
        if (!error) break;
        if (p->has_refused && !rd_kafka_error_is_fatal(error)) {
            rd_kafka_error_destroy(error);
            return say_refused(p, e);
        }
        if (!rd_kafka_error_is_retriable(error) || rd_kafka_error_txn_requires_abort(error)) {
            bool is_right = rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
            (void)kafka_error_of(error, "committing", e);
            if (is_right) add_topics(p, e);
            return tell_time_out(p, e);
        }
        rd_kafka_error_destroy(error);
    }
    p->is_open = false;
    return true;
}

bool kafka_producer_commit(KafkaProducer *p, Err *e) {
    assert(p->is_open);
    /* All reports are in before the broker is told to commit; records time out by delivery.timeout.ms. */
    while (!p->has_refused && rd_kafka_flush(p->rk, SLICE_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT) {
        if (rd_kafka_fatal_error(p->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR) break;
        if (!topics_are_there(p, e)) return false;
    }
    return p->has_refused ? say_refused(p, e) : commit(p, e);
}

/* The transaction has failed already, while librdkafka worked on it; asking for its commit is the way to
 * learn why. */
static bool say_failed(KafkaProducer *p, Err *e) {
    return commit(p, e) || err_wrap(e, "the transaction");
}

bool kafka_producer_send(KafkaProducer *p, KafkaTopic *to, const KafkaMessage *m, Err *e) {
    assert(p->is_open);
    to->written_in = p->number;
    if (++p->sent % POLL_EVERY == 0) rd_kafka_poll(p->rk, 0);
    for (;;) {
        if (p->has_refused) return say_refused(p, e);
        rd_kafka_resp_err_t code = produce(p, to, m);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            CLEANUP_FREE char *what = x_asprintf("a record of %zu bytes to topic %s", m->key.n + m->value.n,
                                                 rd_kafka_topic_name(to->handle));
            if (code == RD_KAFKA_RESP_ERR__FATAL && !kafka_producer_check(p, e)) return false;
            if (code == RD_KAFKA_RESP_ERR__STATE && !say_failed(p, e)) return false;
            (void)kafka_error(code, what, NULL, e);
            return tell_time_out(p, e);
        }
        if (is_stopping(p) && !kafka_producer_check(p, e)) return false;
        if (!topics_are_there(p, e)) return false;
        /* A full queue of many partitions may have no batch that is full, and nothing would leave before
         * linger.ms: a flush waits for none. Records time out by delivery.timeout.ms: the end of this. */
        if (rd_kafka_poll(p->rk, FULL_MS) == 0) (void)rd_kafka_flush(p->rk, FULL_MS);
    }
}

bool kafka_producer_abort(KafkaProducer *p, Err *e) {
    int64_t until_us = clock_mono_us() + (int64_t)ABORT_LIMIT_MS * 1000;
    if (!p->is_open) return kafka_producer_check(p, e);
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_abort_transaction(p->rk, ABORT_LIMIT_MS);
        if (!error) break;
        if (!rd_kafka_error_is_retriable(error) || clock_mono_us() > until_us)
            return kafka_error_of(error, "aborting", e);
        rd_kafka_error_destroy(error);
    }
    p->is_open = false;
    return true;
}

rd_kafka_t *kafka_producer_handle(KafkaProducer *p) {
    return p->rk;
}
