/*
 * kafka_limit.c - how fast can records of a topic be had at all? A bare librdkafka consumer that takes every
 * record of the topic from its beginning to its end, looks at nothing but their sizes, and throws them away:
 * the mark to measure a sink against.
 *
 *   kafka_limit BOOTSTRAP TOPIC [PROPERTY=VALUE]…
 *
 * One line of JSON: rows, bytes (keys and values), seconds, rows_per_s, cpu_s, peak_rss_mib. The clock starts
 * with the assignment, so that finding the broker isn't in it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <librdkafka/rdkafka.h>

#include "base/clock.h"

enum { TAKE = 10000, TAKE_MS = 5, EMPTY_MAX = 2000, WAIT_MS = 10000, ERROR_TEXT = 512 };

static _Noreturn void die(const char *what, const char *why) {
    (void)fprintf(stderr, "kafka_limit: %s: %s\n", what, why);
    _exit(1); /* a measuring program has no one to report to */
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char why[ERROR_TEXT];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) != RD_KAFKA_CONF_OK) die(name, why);
}

static rd_kafka_t *connect_to(const char *servers, int count, char **properties) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", servers);
    set(conf, "group.id", "kafka_limit");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.partition.eof", "true");
    for (int i = 0; i < count; i++) {
        char *is = strchr(properties[i], '=');
        if (!is) die(properties[i], "not PROPERTY=VALUE");
        *is = '\0';
        set(conf, properties[i], is + 1);
    }
    char why[ERROR_TEXT];
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (!rk) die("consumer", why);
    (void)rd_kafka_poll_set_consumer(rk);
    return rk;
}

/* Take all partitions from their beginning; how many. */
static int assign(rd_kafka_t *rk, const char *topic) {
    const struct rd_kafka_metadata *m;
    rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, 0, t, &m, WAIT_MS);
    if (code) die(topic, rd_kafka_err2str(code));
    int count = m->topics[0].partition_cnt;
    if (count == 0) die(topic, rd_kafka_err2str(m->topics[0].err));
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(count);
    for (int i = 0; i < count; i++)
        rd_kafka_topic_partition_list_add(all, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    code = rd_kafka_assign(rk, all);
    if (code) die(topic, rd_kafka_err2str(code));
    rd_kafka_topic_partition_list_destroy(all);
    rd_kafka_metadata_destroy(m);
    rd_kafka_topic_destroy(t);
    return count;
}

typedef struct Taken {
    uint64_t rows, bytes;
    int at_end; /* partitions */
} Taken;

static void take(const rd_kafka_message_t *m, Taken *taken) {
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        taken->at_end++;
    } else if (m->err) {
        die("record", rd_kafka_message_errstr(m));
    } else {
        taken->rows++;
        taken->bytes += m->len + m->key_len;
    }
}

static Taken take_all(rd_kafka_t *rk, int partitions) {
    Taken taken = {0};
    rd_kafka_message_t **messages = calloc(TAKE, sizeof(rd_kafka_message_t *));
    if (!messages) die("memory", "none");
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
    for (int empty = 0; taken.at_end < partitions;) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, TAKE_MS, messages, TAKE);
        if (n < 0) die("records", rd_kafka_err2str(rd_kafka_last_error()));
        empty = n > 0 ? 0 : empty + 1;
        if (empty > EMPTY_MAX) die("records", "none came");
        for (ssize_t i = 0; i < n; i++) {
            take(messages[i], &taken);
            rd_kafka_message_destroy(messages[i]);
        }
    }
    rd_kafka_queue_destroy(queue);
    free(messages);
    return taken;
}

static double seconds_of(struct timeval t) {
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv) {
    if (argc < 3) die("usage", "kafka_limit BOOTSTRAP TOPIC [PROPERTY=VALUE]...");
    rd_kafka_t *rk = connect_to(argv[1], argc - 3, argv + 3);
    int partitions = assign(rk, argv[2]);
    int64_t begin = clock_mono_us();
    Taken taken = take_all(rk, partitions);
    double seconds = (double)(clock_mono_us() - begin) / 1e6;
    struct rusage use;
    (void)getrusage(RUSAGE_SELF, &use);
    (void)printf("{\"rows\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"seconds\": %.3f, \"rows_per_s\": %.0f, "
                 "\"cpu_s\": %.3f, \"peak_rss_mib\": %.1f}\n",
                 taken.rows, taken.bytes, seconds, (double)taken.rows / seconds,
                 seconds_of(use.ru_utime) + seconds_of(use.ru_stime), (double)use.ru_maxrss / 1024);
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
    return 0;
}
