#include "config/option_connect.h"

static const char NO_SERIALIZING[] = "records are not serialized in direct mode";
static const char NO_TOPICS[] = "there are no topics in direct mode";
static const char NO_CLIENT[] = "there is no Kafka client in direct mode";
static const char NO_QUEUE[] =
    "there are no topics in direct mode: with errors.tolerance=all dead letters go to millrace.dead_letter, "
    "whether a topic is named or not";

const char *const option_connect_versions[] = {"2.5", "2.7", "3.0", NULL};

static const char *const TOLERANCE[] = {"none", "all", NULL};
static const char *const RELOAD[] = {"restart", "none", NULL};
static const char *const ONCE[] = {"requested", "required", NULL};
static const char *const BOUNDARY[] = {"poll", "interval", "connector", NULL};

static const OptionDef CONNECT_OPTIONS[] = {
    {.key = "name",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "the connector's name"},
    {.key = "connector.class",
     .type = OPTION_CLASS,
     .importance = OPTION_HIGH,
     .is_required = true,
     .help = "which connector it is"},
    {.key = "tasks.max",
     .type = OPTION_INT,
     .importance = OPTION_HIGH,
     .standard = "1",
     .min = 1,
     .max = INT32_MAX,
     .help = "the sink's lanes: connections that write side by side, at most 32; the source always runs one "
             "task"},
    OPTION_NO_SENSE_ROW("tasks.max.enforce", OPTION_BOOL, "it is always kept to"),
    {.key = "topics",
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .help = "what a sink takes, by the names topics would have"},
    {.key = "topics.regex",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .help = "the same as one regular expression"},
    OPTION_NO_SENSE_ROW("key.converter", OPTION_CLASS, NO_SERIALIZING),
    OPTION_NO_SENSE_ROW("key.converter.*", OPTION_STRING, NO_SERIALIZING),
    OPTION_NO_SENSE_ROW("value.converter", OPTION_CLASS, NO_SERIALIZING),
    OPTION_NO_SENSE_ROW("value.converter.*", OPTION_STRING, NO_SERIALIZING),
    OPTION_NO_SENSE_ROW("header.converter", OPTION_CLASS, NO_SERIALIZING),
    OPTION_NO_SENSE_ROW("header.converter.*", OPTION_STRING, NO_SERIALIZING),
    {.key = "transforms",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help =
         "single message transforms, by their aliases, in order (kafka.md#transforms). In direct mode those "
         "that unwrap rows or name topics; others are refused there, each with what does its work"},
    {.key = "transforms.*",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help =
         "transforms.ALIAS.type: the Java class; .predicate, .negate; the others are the transform's own"},
    {.key = "predicates",
     .type = OPTION_LIST,
     .importance = OPTION_LOW,
     .help = "predicates of transforms, by their aliases"},
    {.key = "predicates.*",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help =
         "predicates.ALIAS.type: HasHeaderKey, RecordIsTombstone or TopicNameMatches, with their package"},
    {.key = "debezium.version",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "2.7",
     .values = option_connect_versions,
     .help = "whose options its transforms take, where Debezium's versions differ: with 3.0 "
             "ExtractNewRecordState has replace.null.with.default"},
    OPTION_STATUS_ROW(OPTION_NOT_YET, OPTION_LOW, "config.action.reload", OPTION_ENUM,
                      "references are resolved once, at the start", .standard = "restart", .values = RELOAD),
    {.key = "errors.retry.timeout",
     .type = OPTION_LONG,
     .importance = OPTION_MEDIUM,
     .standard = "0",
     .min = -1,
     .max = INT64_MAX,
     .unit = "ms",
     .help =
         "sink: how long a row that breaks a foreign key or a unique constraint, which another writer may "
         "mend, is tried again before it counts as refused; -1 = for ever. Its tries don't count for "
         "max.retries, by which other failures that may pass are retried"},
    OPTION_STATUS_ROW(OPTION_NO_SENSE, OPTION_MEDIUM, "errors.retry.delay.max.ms", OPTION_DURATION,
                      "waits begin at retry.backoff.ms and double up to 30 s", .standard = "60000", .min = 0,
                      .max = INT64_MAX),
    {.key = "errors.tolerance",
     .type = OPTION_ENUM,
     .importance = OPTION_MEDIUM,
     .standard = "none",
     .values = TOLERANCE,
     .help =
         "sink: none, a row that PostgreSQL refuses fails the task; all, it is set aside as a dead letter "
         "(millrace dlq) and the rest goes on; in direct mode so is one with a value that can't be read "
         "(over max.value.bytes)"},
    {.key = "errors.log.enable",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "false",
     .help = "sink: a log line for each dead letter, with table, key and reason"},
    {.key = "errors.log.include.messages",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "false",
     .help = "direct mode: and with all its values in that line, row data in the log; from topics: with the "
             "record's timestamp, as Kafka Connect"},
    OPTION_STATUS_ROW(OPTION_NO_SENSE, OPTION_MEDIUM, "errors.deadletterqueue.*", OPTION_STRING, NO_QUEUE),
    OPTION_STATUS_ROW(OPTION_NO_SENSE, OPTION_MEDIUM, "exactly.once.support", OPTION_ENUM,
                      "in direct mode rows and position are always one transaction", .standard = "requested",
                      .values = ONCE),
    OPTION_NO_SENSE_ROW("transaction.boundary", OPTION_ENUM, NO_TOPICS, .standard = "poll",
                        .values = BOUNDARY),
    OPTION_NO_SENSE_ROW("transaction.boundary.interval.ms", OPTION_DURATION, NO_TOPICS),
    OPTION_NO_SENSE_ROW("offsets.storage.topic", OPTION_STRING, NO_TOPICS),
    OPTION_NO_SENSE_ROW("topic.creation.*", OPTION_STRING, NO_TOPICS),
    OPTION_NO_SENSE_ROW("producer.override.*", OPTION_STRING, NO_CLIENT),
    OPTION_NO_SENSE_ROW("consumer.override.*", OPTION_STRING, NO_CLIENT),
    OPTION_NO_SENSE_ROW("admin.override.*", OPTION_STRING, NO_CLIENT),
};

OptionTable option_connect_table(void) {
    return (OptionTable){CONNECT_OPTIONS, sizeof CONNECT_OPTIONS / sizeof *CONNECT_OPTIONS};
}
