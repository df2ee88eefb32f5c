/*
 * Defaults of our own stand in for librdkafka's where nobody has set a property: its value is still the
 * standard one then. A user who sets just that value gets ours, which is the price of not asking twice.
 */
#include "worker/sink_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "transport/kafka_config.h"
#include "transport/kafka_option.h"

enum {
    QUEUE_KIB = 6 * 1024, /* of all tasks */
    QUEUE_KIB_MIN = 2 * 1024,
    QUEUE_RECORDS = 18000,
    PARTITION_FETCH_BYTES = 256 * 1024,
    HEARTBEAT_MS = 1000,
    LETTER_BYTES = 100 * 1000 * 1000, /* what a consumer takes at most; its topic may take less */
    LETTERS_KIB = LETTER_BYTES / 1024 + 1024,
};

/* A property that nobody has set: it still is what every client of ours begins with. */
static bool conf_default(rd_kafka_conf_t *conf, const KafkaConfig *untouched, const char *name, int64_t value,
                         Err *e) {
    char text[64], standard[64];
    (void)kafka_conf_get(conf, name, text, sizeof text);
    if (strcmp(text, kafka_config_get(untouched, name, standard, sizeof standard)) != 0) return true;
    (void)snprintf(text, sizeof text, "%lld", (long long)value);
    return kafka_conf_set(conf, name, text, e);
}

/* The process's tasks share what queues may hold; and a member that comes or goes is known within a second.
 */
static bool set_defaults(const Options *o, rd_kafka_conf_t *conf, Err *e) {
    int64_t tasks = options_int(o, "tasks.max");
    int64_t kib = QUEUE_KIB / tasks, records = QUEUE_RECORDS / tasks;
    if (kib < QUEUE_KIB_MIN) kib = QUEUE_KIB_MIN;
    KafkaConfig *untouched = kafka_config_new(KAFKA_CONSUMER);
    bool ok = conf_default(conf, untouched, "queued.max.messages.kbytes", kib, e) &&
              conf_default(conf, untouched, "fetch.max.bytes", kib * 1024, e) &&
              /* compressed; what it unfolds to is bounded by nothing else */
              conf_default(conf, untouched, "fetch.message.max.bytes", PARTITION_FETCH_BYTES, e) &&
              conf_default(conf, untouched, "queued.min.messages", records > 0 ? records : 1, e) &&
              conf_default(conf, untouched, "heartbeat.interval.ms", HEARTBEAT_MS, e);
    kafka_config_free(untouched);
    return ok;
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

static PartitionReset reset_of(const rd_kafka_conf_t *conf) {
    char text[256];
    (void)kafka_conf_get(conf, "auto.offset.reset", text, sizeof text);
    if (strcmp(text, "largest") == 0 || strcmp(text, "latest") == 0) return PARTITION_LATEST;
    return strcmp(text, "error") == 0 ? PARTITION_NONE : PARTITION_EARLIEST;
}

/* What isn't the user's to say: where a partition begins, and what the group is told, are ours alone. */
static bool set_ours(const char *connector, int task, rd_kafka_conf_t *conf, Err *e) {
    char set[256];
    CLEANUP_FREE char *client = x_asprintf(SINK_CONF_OWN_PREFIX "%s-%d", connector, task);
    CLEANUP_FREE char *group = x_asprintf("connect-%s", connector);
    (void)kafka_conf_get(conf, "group.id", set, sizeof set);
    return (set[0] || kafka_conf_set(conf, "group.id", group, e)) &&
           kafka_conf_set(conf, "client.id", client, e) &&
           kafka_conf_set(conf, "auto.offset.reset", "error", e) &&
           kafka_conf_set(conf, "enable.auto.offset.store", "false", e) &&
           kafka_conf_set(conf, "enable.auto.commit", "false", e) &&
           kafka_conf_set(conf, "partition.assignment.strategy", "cooperative-sticky", e);
}

bool sink_conf_consumer(const Options *o, const char *connector, int task, TextList *warnings,
                        SinkConsumerConf *ret, Err *e) {
    SinkConsumerConf made = {.is_reset_asked = asks_for_reset(o)};
    if (!kafka_option_client(o, KAFKA_CONSUMER, warnings, &made.conf, e)) return false;
    /* Connect's default, not the client's */
    made.reset = made.is_reset_asked ? reset_of(made.conf) : PARTITION_EARLIEST;
    if (!set_ours(connector, task, made.conf, e) || !set_defaults(o, made.conf, e)) {
        rd_kafka_conf_destroy(made.conf);
        return false;
    }
    *ret = made;
    return true;
}

bool sink_conf_letters(const Options *o, const char *connector, int task, TextList *warnings,
                       rd_kafka_conf_t **ret, Err *e) {
    CLEANUP_FREE char *client = x_asprintf(SINK_CONF_OWN_PREFIX "dlq-%s-%d", connector, task);
    rd_kafka_conf_t *conf = NULL;
    if (!kafka_option_client(o, KAFKA_PRODUCER, warnings, &conf, e)) return false;
    /* A letter is as large as its record. The queue holds those of one poll, which is bounded by its own. */
    KafkaConfig *untouched = kafka_config_new(KAFKA_PRODUCER);
    bool takes_all = conf_default(conf, untouched, "message.max.bytes", LETTER_BYTES, e) &&
                     conf_default(conf, untouched, "queue.buffering.max.kbytes", LETTERS_KIB, e);
    kafka_config_free(untouched);
    /* Without transactions a letter that may or may not be in (kafka_producer.c) would be written twice: none
     * of a partition is under way before the one before it is in. */
    bool is_single = takes_all && kafka_conf_set(conf, "max.in.flight.requests.per.connection", "1", e);
    if (!is_single || !kafka_conf_set(conf, "client.id", client, e)) {
        rd_kafka_conf_destroy(conf);
        return false;
    }
    *ret = conf;
    return true;
}
