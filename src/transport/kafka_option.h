/*
 * kafka_option.h - properties that have sense where there is a broker (`bootstrap.servers`): the worker's,
 * and a source connector's. They stand before the other tables (options_parse_tables), which say of the same
 * keys that they have nothing to act on in direct mode. Static data; any thread.
 */
#ifndef TRANSPORT_KAFKA_OPTION_H
#define TRANSPORT_KAFKA_OPTION_H

#include <stdbool.h>

#include "base/err.h"
#include "config/option.h"
#include "config/props.h"
#include "transport/kafka_config.h"

#define KAFKA_OPTION_SERVERS "bootstrap.servers"

OptionTable kafka_option_worker_table(void);
OptionTable kafka_option_source_table(void);

/* A connector's properties with what the worker's say for it (converters, clients, offsets) put beneath: the
 * connector's win, a converter of its own takes none of the worker's parameters. Owned. */
Props *kafka_option_merge(const Props *worker, const Props *connector);

/* A client's configuration of merged options: the worker's common properties, then "producer.*", then
 * "producer.override.*" (consumer, admin likewise). warnings may be NULL. Errors: ERR_INVALID. */
MUST_CHECK bool kafka_option_client(const Options *o, KafkaRole role, TextList *warnings,
                                    rd_kafka_conf_t **ret, Err *e);

/* The pass-through rows' properties once more as a set, for whoever takes Props: those of the patterns, and
 * plain keys. names: NULL-terminated. Owned. */
Props *kafka_option_props(const Options *o, const char *const *names);

/* Rows that the tables of Kafka mode have in common. does: "makes" or "reads". */
#define KAFKA_CONVERTER_ROW(side, does)                                                                      \
    {.key = side ".converter",                                                                               \
     .type = OPTION_CLASS,                                                                                   \
     .importance = OPTION_HIGH,                                                                              \
     .standard = "org.apache.kafka.connect.json.JsonConverter",                                              \
     .help = "what " does " the bytes of a record's " side},                                                 \
    {                                                                                                        \
        .key = side ".converter.*", .type = OPTION_STRING, .importance = OPTION_HIGH, .is_secret = true,     \
        .help = "its parameters, as schemas.enable or schema.registry.url"                                   \
    }
#define KAFKA_CONVERTER_ROWS(does)                                                                           \
    KAFKA_CONVERTER_ROW("key", does), KAFKA_CONVERTER_ROW("value", does), {                                  \
        .key = "header.converter", .type = OPTION_CLASS, .importance = OPTION_LOW,                           \
        .standard = "org.apache.kafka.connect.storage.SimpleHeaderConverter",                                \
        .values = kafka_option_header_converters, .help = "what " does " the bytes of headers"               \
    }
#define KAFKA_CLIENT_ROW(name, what)                                                                         \
    { .key = (name), .type = OPTION_STRING, .importance = OPTION_MEDIUM, .is_secret = true, .help = (what) }
#define KAFKA_TRANSFORM_ROWS                                                                                 \
    {.key = "transforms",                                                                                    \
     .type = OPTION_LIST,                                                                                    \
     .importance = OPTION_MEDIUM,                                                                            \
     .help = "single message transforms, by their aliases, in order"},                                       \
        {.key = "transforms.*",                                                                              \
         .type = OPTION_STRING,                                                                              \
         .importance = OPTION_MEDIUM,                                                                        \
         .help = "their parameters"},                                                                        \
        {.key = "predicates",                                                                                \
         .type = OPTION_LIST,                                                                                \
         .importance = OPTION_LOW,                                                                           \
         .help = "predicates of transforms, by their aliases"},                                              \
    {                                                                                                        \
        .key = "predicates.*", .type = OPTION_STRING, .importance = OPTION_LOW, .help = "their parameters"   \
    }
extern const char *const kafka_option_header_converters[];

#endif
