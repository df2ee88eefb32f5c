/*
 * The end is each partition's high watermark, asked for before the first record is read. A reader of
 * committed records stops before the first transaction that is still open, which may be another connector's:
 * so it isn't the end that librdkafka reports (EOF) that counts, but that this one has come up to the
 * watermark.
 */
#include "transport/kafka_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "transport/kafka_error.h"

enum {
    ASK_MS = 10000,
    SLICE_MS = 250,
    LIMIT_MS = 120000,
    PARTITIONS_MAX = 10000,
    NEW_TOPIC_MS = 100,
    NEW_TOPIC_TRIES = 50
};

typedef struct Reading {
    rd_kafka_t *rk;
    const char *topic;
    const bool *is_stopping;
    int64_t *ends; /* by partition; 0 = nothing in it, or read */
    int32_t count, open;
    bool is_committed_enough;
} Reading;

static bool is_stopping(const Reading *r) {
    return r->is_stopping && __atomic_load_n(r->is_stopping, __ATOMIC_ACQUIRE);
}

static bool count_partitions(Reading *r, bool *ret_exists, Err *e) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(r->rk, r->topic, NULL);
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(r->rk, 0, handle, &meta, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && meta->topic_cnt == 1) code = meta->topics[0].err;
    int32_t count = code == RD_KAFKA_RESP_ERR_NO_ERROR ? meta->topics[0].partition_cnt : 0;
    if (meta) rd_kafka_metadata_destroy(meta);
    rd_kafka_topic_destroy(handle);
    bool is_absent =
        code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    if (ret_exists) *ret_exists = !is_absent;
    if (is_absent && ret_exists) return true;
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || count <= 0 || count > PARTITIONS_MAX)
        return kafka_error(code, r->topic, NULL, e);
    r->count = count;
    r->ends = x_calloc((size_t)count, sizeof *r->ends);
    return true;
}

/* A topic that was just made has no leader yet, or its leader doesn't know. */
static rd_kafka_resp_err_t ask_end(const Reading *r, int32_t partition, int64_t *low, int64_t *high) {
    rd_kafka_resp_err_t code;
    for (int tries = 0;; tries++) {
        code = rd_kafka_query_watermark_offsets(r->rk, r->topic, partition, low, high, ASK_MS);
        bool is_new = code == RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION ||
                      code == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE ||
                      code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
        if (!is_new || tries == NEW_TOPIC_TRIES || is_stopping(r)) return code;
        clock_sleep_ms(NEW_TOPIC_MS);
    }
}

static bool find_ends(Reading *r, Err *e) {
    for (int32_t i = 0; i < r->count; i++) {
        int64_t low = 0, high = 0;
        if (is_stopping(r)) return err_set(e, ERR_CANCELLED, false, "told to stop");
        rd_kafka_resp_err_t code = ask_end(r, i, &low, &high);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, r->topic, NULL, e);
        r->ends[i] = high > low ? high : 0;
        r->open += r->ends[i] > 0;
    }
    return true;
}

static bool assign(Reading *r, Err *e) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(r->count);
    for (int32_t i = 0; i < r->count; i++)
        if (r->ends[i] > 0)
            rd_kafka_topic_partition_list_add(list, r->topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_resp_err_t code = rd_kafka_assign(r->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_error(code, r->topic, NULL, e);
}

static void reached(Reading *r, int32_t partition, int64_t next) {
    if (partition < 0 || partition >= r->count || r->ends[partition] == 0 || next < r->ends[partition])
        return;
    r->ends[partition] = 0;
    r->open--;
}

static Str text_of(const void *p, size_t n) {
    return (Str){p, n};
}

static bool take(Reading *r, const rd_kafka_message_t *m, KafkaReaderFn fn, void *arg, Err *e) {
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) { /* of what is committed */
        reached(r, m->partition, r->is_committed_enough ? INT64_MAX : m->offset);
        return true;
    }
    if (m->err == RD_KAFKA_RESP_ERR__TRANSPORT || m->err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) return true;
    /* no right on the group, which librdkafka looks for all the same and nothing here needs */
    if (m->err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED) return true;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_error(m->err, r->topic, rd_kafka_message_errstr(m), e);
    fn(arg, m->partition, m->offset, text_of(m->key, m->key_len), text_of(m->payload, m->len));
    reached(r, m->partition, m->offset + 1);
    return true;
}

static bool read_all(Reading *r, KafkaReaderFn fn, void *arg, Err *e) {
    int64_t until_us = clock_mono_us() + (int64_t)LIMIT_MS * 1000;
    while (r->open > 0) {
        if (is_stopping(r)) return err_set(e, ERR_CANCELLED, false, "told to stop");
        rd_kafka_message_t *m = rd_kafka_consumer_poll(r->rk, SLICE_MS);
        if (m) {
            bool ok = take(r, m, fn, arg, e);
            bool is_record = m->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            rd_kafka_message_destroy(m);
            if (!ok) return false;
            if (is_record) continue;
        }
        if (clock_mono_us() > until_us)
            return err_set(
                e, ERR_TIMEOUT, true,
                "Kafka: topic %s can't be read to its end: another producer's transaction is open, "
                "or the broker doesn't answer",
                r->topic);
    }
    return true;
}

static bool read_topic(rd_kafka_conf_t *conf, Reading r, KafkaReaderFn fn, void *arg, bool *ret_exists,
                       Err *e) {
    static const char *const own[][2] = {
        {"enable.partition.eof", "true"},  {"isolation.level", "read_committed"},
        {"fetch.wait.max.ms", "10"}, /* the end is told by an answer without records */
        {"enable.auto.commit", "false"},   {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"}, {"group.id", "millrace-reader"}, /* assign wants one; unused */
    };
    char why[256] = "";
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        (void)rd_kafka_conf_set(conf, own[i][0], own[i][1], why, sizeof why);
    r.rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!r.rk) {
        rd_kafka_conf_destroy(conf);
        return err_set(e, ERR_INVALID, false, "Kafka: the consumer's configuration: %s", why);
    }
    rd_kafka_poll_set_consumer(r.rk);
    bool ok = count_partitions(&r, ret_exists, e);
    if (ok && r.count > 0)
        ok = find_ends(&r, e) && (r.open == 0 || (assign(&r, e) && read_all(&r, fn, arg, e)));
    rd_kafka_destroy(r.rk);
    free(r.ends);
    return ok;
}

bool kafka_reader_all(rd_kafka_conf_t *conf, const char *topic, const bool *stopping, KafkaReaderFn fn,
                      void *arg, bool *ret_exists, Err *e) {
    return read_topic(conf, (Reading){.topic = topic, .is_stopping = stopping}, fn, arg, ret_exists, e);
}

bool kafka_reader_committed(rd_kafka_conf_t *conf, const char *topic, const bool *stopping, KafkaReaderFn fn,
                            void *arg, bool *ret_exists, Err *e) {
    const Reading r = {.topic = topic, .is_stopping = stopping, .is_committed_enough = true};
    return read_topic(conf, r, fn, arg, ret_exists, e);
}
