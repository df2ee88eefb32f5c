#include "worker/sink_task_option.h"

#include <string.h>

#include "transform/java_regex.h"
#include "transport/kafka_option.h"
#include "transport/kafka_subscription.h"

static const char *const TOLERANCE[] = {"none", "all", NULL};
static const char *const KEY_MODES[] = {"none", "record_key", "record_value", "kafka", NULL};

static const OptionDef rows[] = {
    {.key = "tasks.max",
     .type = OPTION_INT,
     .importance = OPTION_HIGH,
     .standard = "1",
     .min = 1,
     .max = 256,
     .help =
         "tasks of the sink in this process: each a member of the group with a connection of its own; more "
         "than the topics have partitions stay idle"},
    {.key = "pk.mode",
     .alias = "primary.key.mode",
     .type = OPTION_ENUM,
     .importance = OPTION_HIGH,
     .standard = "none",
     .values = KEY_MODES,
     .help =
         "where the target's key comes from: nowhere, the record's key, its value, or topic, partition and "
         "offset"},
    {.key = "pk.fields",
     .alias = "primary.key.fields",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .standard = "",
     .help =
         "which fields make the key; empty = all of the record's key or value; with pk.mode=kafka the three "
         "columns' names"},
    {.key = "replace.null.with.default",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "true",
     .help =
         "Confluent's class: a null in a field that has a default becomes the default. With Debezium's it "
         "stays NULL, whatever this says; what the converters have filled in already is no null"},
    KAFKA_CONVERTER_ROWS("reads"),
    KAFKA_CLIENT_ROW("consumer.override.*",
                     "properties of this connector's consumers, by Java's names and units (group.id, "
                     "auto.offset.reset, fetch.min.bytes, max.partition.fetch.bytes, session.timeout.ms)"),
    KAFKA_CLIENT_ROW("producer.override.*", "properties of the producer of dead letters"),
    KAFKA_CLIENT_ROW("admin.override.*", "properties of the client that makes the dead letter topic"),
    KAFKA_TRANSFORM_ROWS,
    {.key = "errors.tolerance",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "none",
     .values = TOLERANCE,
     .help =
         "none: a record that can't be read, or that PostgreSQL refuses, fails the task; all: it goes to "
         "the dead letter topic and the rest goes on. Without such a topic, all passes over what can't be "
         "read (a warning each), and a refused row fails all the same, also with errors.log.enable=true, "
         "which in Kafka Connect is enough to pass over it"},
    {.key = "errors.retry.delay.max.ms",
     .type = OPTION_DURATION,
     .importance = OPTION_MEDIUM,
     .standard = "60000",
     .min = 1,
     .max = INT64_MAX,
     .help = "longest wait between two tries; waits begin at retry.backoff.ms and double"},
    {.key = "errors.deadletterqueue.topic.name",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .standard = "",
     .help = "topic of dead letters; empty = none. It is made where it is missing: one partition, 30 days"},
    {.key = "errors.deadletterqueue.topic.replication.factor",
     .type = OPTION_INT,
     .importance = OPTION_MEDIUM,
     .standard = "-1",
     .min = -1,
     .max = INT16_MAX,
     .help = "its replicas, when it is made; -1 = the cluster's default (Kafka Connect's is 3)"},
    {.key = "errors.deadletterqueue.context.headers.enable",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "false",
     .help = "whether a dead letter says where it comes from and why, in headers"},
};

OptionTable sink_task_option_table(void) {
    return (OptionTable){rows, sizeof rows / sizeof *rows};
}

static bool invalid(const Options *o, const char *key, const char *why, Err *e) {
    char place[PROPS_PLACE_SIZE];
    return err_set(e, ERR_INVALID, false, "%s: %s: %s", options_place(o, key, place), key, why);
}

bool sink_task_option_check(const Options *o, Err *e) {
    const TextList *topics = options_list(o, "topics");
    const char *regex = options_str(o, "topics.regex"),
               *dead = options_str(o, "errors.deadletterqueue.topic.name");
    bool has_topics = topics && topics->count > 0, has_regex = regex && *regex;
    if (has_topics == has_regex)
        return invalid(o, "topics",
                       has_topics ? "topics and topics.regex exclude each other"
                                  : "a sink needs topics, or topics.regex",
                       e);
    for (size_t i = 0; has_topics && i < topics->count; i++) {
        if (strcmp(topics->items[i], dead) == 0)
            return invalid(o, "errors.deadletterqueue.topic.name",
                           "it is among the topics that the sink reads", e);
        if (topics->items[i][0] == '^')
            return invalid(o, "topics", "a topic's name can't begin with '^'; expressions go to topics.regex",
                           e);
    }
    if (!has_regex) return true;
    JavaRegex *java = NULL;
    Err why = {0};
    if (!java_regex_new(regex, /* replacement= */ NULL, &java, &why))
        return invalid(o, "topics.regex", why.msg, e);
    bool reads_dead = *dead && kafka_subscription_takes(java, str_from(dead));
    java_regex_free(java);
    return !reads_dead || invalid(o, "errors.deadletterqueue.topic.name", "topics.regex matches it", e);
}
