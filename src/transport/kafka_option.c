#include "transport/kafka_option.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

#define NO_GROUP      "workers don't share connectors among them yet"
#define FROM_FILES    "connectors are given as files"
#define IN_ONE        "records and offsets are always written in one transaction"
#define SOURCE_BOUNDS "a transaction holds whole ones of the source's"

const char *const kafka_option_header_converters[] = {
    "org.apache.kafka.connect.storage.SimpleHeaderConverter", NULL};
static const char *const POLICIES[] = {"All", "None", "Principal", NULL};
static const char *const HISTORIES[] = {"io.debezium.storage.kafka.history.KafkaSchemaHistory", NULL};

static const OptionDef worker_rows[] = {
    {.key = KAFKA_OPTION_SERVERS,
     .type = OPTION_LIST,
     .importance = OPTION_HIGH,
     .help = "Kafka brokers, host:port; their presence chooses Kafka between source and sink"},
    {.key = "group.id",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .standard = "millrace",
     .help =
         "the worker's group; part of a source task's transactional.id, by which one owner fences another"},
    {.key = "offset.storage.topic",
     .type = OPTION_STRING,
     .importance = OPTION_HIGH,
     .standard = "connect-offsets",
     .help = "compacted topic of the sources' positions, as Kafka Connect has them; made if it isn't there"},
    {.key = "offset.storage.partitions",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "25",
     .min = 1,
     .max = 10000,
     .help = "its partitions, when it is made"},
    {.key = "offset.storage.replication.factor",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "-1",
     .min = -1,
     .max = INT16_MAX,
     .help = "its replicas, when it is made; -1 = the cluster's default"},
    KAFKA_CONVERTER_ROWS("makes"),
    {.key = "connector.client.config.override.policy",
     .type = OPTION_ENUM,
     .importance = OPTION_LOW,
     .standard = "All",
     .values = POLICIES,
     .help = "whether connectors may set properties of their clients (producer.override.…): All; None; "
             "Principal, those that log in"},
    KAFKA_CLIENT_ROW("security.protocol", "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, for all clients"),
    KAFKA_CLIENT_ROW("sasl.*", "log-in of all clients, by Java's names (sasl.mechanism, sasl.jaas.config)"),
    KAFKA_CLIENT_ROW("ssl.*",
                     "TLS of all clients, by Java's names; PEM, or PKCS#12 for ssl.keystore.location"),
    KAFKA_CLIENT_ROW("producer.*", "properties of the sources' producers, by Java's names and units"),
    KAFKA_CLIENT_ROW("consumer.*", "properties of consumers, by Java's names and units"),
    KAFKA_CLIENT_ROW("admin.*", "properties of admin clients, by Java's names and units"),
    {.key = "topic.creation.enable",
     .type = OPTION_BOOL,
     .importance = OPTION_MEDIUM,
     .standard = "true",
     .help = "whether a source makes topics that aren't there"},
    OPTION_NO_SENSE_ROW("exactly.once.source.support", OPTION_STRING, IN_ONE),
    OPTION_NO_SENSE_ROW("offset.flush.interval.ms", OPTION_STRING, IN_ONE),
    OPTION_NO_SENSE_ROW("offset.flush.timeout.ms", OPTION_STRING, IN_ONE),
    OPTION_NO_SENSE_ROW("offset.storage.file.filename", OPTION_STRING,
                        "offsets are kept in offset.storage.topic"),
    OPTION_NO_SENSE_ROW("config.storage.*", OPTION_STRING, FROM_FILES),
    OPTION_NO_SENSE_ROW("status.storage.*", OPTION_STRING, FROM_FILES),
    OPTION_NO_SENSE_ROW("internal.key.converter", OPTION_STRING,
                        "offsets are JSON without schemas, as Kafka Connect's"),
    OPTION_NO_SENSE_ROW("internal.value.converter", OPTION_STRING,
                        "offsets are JSON without schemas, as Kafka Connect's"),
    OPTION_NO_SENSE_ROW("heartbeat.interval.ms", OPTION_STRING, NO_GROUP),
    OPTION_NO_SENSE_ROW("session.timeout.ms", OPTION_STRING, NO_GROUP),
    OPTION_NO_SENSE_ROW("rebalance.timeout.ms", OPTION_STRING, NO_GROUP),
    OPTION_NO_SENSE_ROW("scheduled.rebalance.max.delay.ms", OPTION_STRING, NO_GROUP),
    OPTION_NO_SENSE_ROW("connect.protocol", OPTION_STRING, NO_GROUP),
    OPTION_NO_SENSE_ROW("worker.*", OPTION_STRING, NO_GROUP),
    OPTION_NO_SENSE_ROW("task.shutdown.graceful.timeout.ms", OPTION_STRING,
                        "a stop commits what was read, for up to 60 s"),
    OPTION_NO_SENSE_ROW("client.id", OPTION_STRING, "clients are named by their connector"),
    OPTION_NO_SENSE_ROW("metrics.*", OPTION_STRING, "there are no metric reporters"),
    OPTION_NO_SENSE_ROW("metric.reporters", OPTION_STRING, "there are no metric reporters"),
};

static const OptionDef source_rows[] = {
    KAFKA_CONVERTER_ROWS("makes"),
    KAFKA_CLIENT_ROW(
        "producer.override.*",
        "properties of this connector's producer, by Java's names and units (acks, linger.ms, batch.size, "
        "buffer.memory, compression.type, max.request.size, delivery.timeout.ms, transaction.timeout.ms)"),
    KAFKA_CLIENT_ROW("consumer.override.*", "properties of the consumer that reads offsets"),
    KAFKA_CLIENT_ROW("admin.override.*", "properties of the client that makes topics"),
    {.key = "topic.creation.groups",
     .type = OPTION_LIST,
     .importance = OPTION_MEDIUM,
     .help = "groups of topics with properties of their own: topic.creation.<group>.include, .exclude, "
             ".partitions, .replication.factor, and any property of a topic"},
    {.key = "topic.creation.*",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help = "and topic.creation.default.… for all others: 3 partitions and retention.ms=604800000 (7 days) "
             "unless it is set"},
    {.key = "offsets.storage.topic",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "this connector's topic of positions in place of the worker's offset.storage.topic, which is "
             "gone on from as long as it has nothing of the connector"},
    {.key = "transaction.max.rows",
     .type = OPTION_INT,
     .importance = OPTION_LOW,
     .standard = "100000",
     .min = 1,
     .max = INT32_MAX,
     .unit = "rows",
     .help = "a larger transaction of the source is written in several of Kafka's"},
    KAFKA_TRANSFORM_ROWS,
    {.key = "schema.history.internal",
     .type = OPTION_CLASS,
     .importance = OPTION_LOW,
     .standard = "io.debezium.storage.kafka.history.KafkaSchemaHistory",
     .values = HISTORIES,
     .help = "where tables' columns are kept for Debezium"},
    {.key = "schema.history.internal.kafka.topic",
     .type = OPTION_STRING,
     .importance = OPTION_MEDIUM,
     .help =
         "topic of the schema history, which Debezium needs to go on from here, and millrace to go on from "
         "Debezium's offset; without it none is written"},
    {.key = "schema.history.internal.kafka.bootstrap.servers",
     .type = OPTION_LIST,
     .importance = OPTION_LOW,
     .help = "its brokers: some of the worker's bootstrap.servers, through which it is read and written"},
    OPTION_NO_SENSE_ROW("schema.history.internal.*", OPTION_STRING,
                        "the history is written by the connector's own producer"),
    {.key = "exactly.once.support",
     .type = OPTION_STRING,
     .importance = OPTION_LOW,
     .help = "requested or required: it is always kept"},
    OPTION_NO_SENSE_ROW("transaction.boundary", OPTION_STRING, SOURCE_BOUNDS),
    OPTION_NO_SENSE_ROW("transaction.boundary.interval.ms", OPTION_STRING, SOURCE_BOUNDS),
};

OptionTable kafka_option_worker_table(void) {
    return (OptionTable){worker_rows, sizeof worker_rows / sizeof *worker_rows};
}

OptionTable kafka_option_source_table(void) {
    return (OptionTable){source_rows, sizeof source_rows / sizeof *source_rows};
}

/* ---- worker and connector ---- */

static const OptionDef *worker_row(const char *key) {
    for (size_t i = 0; i < sizeof worker_rows / sizeof *worker_rows; i++) {
        const OptionDef *d = &worker_rows[i];
        size_t n = strlen(d->key);
        bool has_star = d->key[n - 1] == '*';
        if (has_star ? strncmp(key, d->key, n - 1) == 0 : strcmp(key, d->key) == 0) return d;
    }
    return NULL;
}

static bool is_of_own_converter(const char *key, const Props *connector) {
    static const char *const names[] = {"key.converter", "value.converter"};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(key, names[i], strlen(names[i])) == 0 && props_get(connector, names[i])) return true;
    return false;
}

Props *kafka_option_merge(const Props *worker, const Props *connector) {
    Props *all = props_new();
    for (size_t i = 0; i < props_count(worker); i++) {
        const Prop *p = props_at(worker, i);
        const OptionDef *row = worker_row(p->key);
        if (!row || row->status != OPTION_SUPPORTED || is_of_own_converter(p->key, connector)) continue;
        props_add(all, p);
    }
    for (size_t i = 0; i < props_count(connector); i++) props_add(all, props_at(connector, i));
    return all;
}

/* ---- clients ---- */

static bool is_of_login(const char *key) {
    return strncmp(key, "sasl.", 5) == 0 || strcmp(key, "security.protocol") == 0;
}

static bool check_policy(const Options *o, const char *pattern, Err *e) {
    size_t at = 0, prefix = strlen(pattern) - 1;
    const char *key = NULL, *value = NULL,
               *policy = options_str(o, "connector.client.config.override.policy");
    char place[PROPS_PLACE_SIZE];
    bool is_none = strcmp(policy, "None") == 0, is_principal = strcmp(policy, "Principal") == 0;
    while (options_next(o, pattern, &at, &key, &value))
        if (is_none || (is_principal && !is_of_login(key + prefix)))
            return err_set(e, ERR_INVALID, false,
                           "%s: %s: the worker's connector.client.config.override.policy=%s forbids it",
                           options_place(o, key, place), key, policy);
    return true;
}

static bool set_prefixed(KafkaConfig *c, const Options *o, const char *pattern, TextList *warnings, Err *e) {
    size_t at = 0;
    const char *key = NULL, *value = NULL;
    char place[PROPS_PLACE_SIZE];
    while (options_next(o, pattern, &at, &key, &value))
        if (!kafka_config_set(c, key, value, options_place(o, key, place), warnings, e)) return false;
    return true;
}

static bool set_common(KafkaConfig *c, const Options *o, TextList *warnings, Err *e) {
    CLEANUP(buf_done) Buf servers = {0};
    const TextList *list = options_list(o, KAFKA_OPTION_SERVERS);
    char place[PROPS_PLACE_SIZE];
    for (size_t i = 0; list && i < list->count; i++)
        buf_printf(&servers, "%s%s", i > 0 ? "," : "", list->items[i]);
    const char *protocol = options_str(o, "security.protocol");
    return kafka_config_set(c, KAFKA_OPTION_SERVERS, buf_text(&servers),
                            options_place(o, KAFKA_OPTION_SERVERS, place), warnings, e) &&
           (!protocol || kafka_config_set(c, "security.protocol", protocol,
                                          options_place(o, "security.protocol", place), warnings, e)) &&
           set_prefixed(c, o, "sasl.*", warnings, e) && set_prefixed(c, o, "ssl.*", warnings, e);
}

bool kafka_option_client(const Options *o, KafkaRole role, TextList *warnings, rd_kafka_conf_t **ret,
                         Err *e) {
    static const char *const names[][2] = {
        [KAFKA_PRODUCER] = {"producer.*", "producer.override.*"},
        [KAFKA_CONSUMER] = {"consumer.*", "consumer.override.*"},
        [KAFKA_ADMIN] = {"admin.*", "admin.override.*"},
    };
    KafkaConfig *c = kafka_config_new(role);
    bool ok = set_common(c, o, warnings, e) && kafka_config_set_all(c, o, names[role][0], warnings, e) &&
              check_policy(o, names[role][1], e) && kafka_config_set_all(c, o, names[role][1], warnings, e) &&
              kafka_config_take(c, warnings, ret, e);
    kafka_config_free(c);
    return ok;
}

Props *kafka_option_props(const Options *o, const char *const *names) {
    Props *props = props_new();
    char place[PROPS_PLACE_SIZE];
    for (size_t i = 0; names[i]; i++) {
        const char *key = names[i], *value = NULL;
        if (!strchr(names[i], '*')) {
            CLEANUP(buf_done) Buf joined = {0};
            if (!options_is_set(o, key)) continue;
            const TextList *list = options_list(o, key);
            for (size_t k = 0; list && k < list->count; k++)
                buf_printf(&joined, "%s%s", k > 0 ? "," : "", list->items[k]);
            props_set(props, key, buf_view(&joined), options_place(o, key, place), 0);
            continue;
        }
        for (size_t at = 0; options_next(o, names[i], &at, &key, &value);)
            props_set(props, key, str_from(value), options_place(o, key, place), 0);
    }
    return props;
}
