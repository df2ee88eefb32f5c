/*
 * One table: Java's name, librdkafka's, for which clients, and how the value is made. What stands in no row
 * is unknown to Java's client too, or was forgotten here: a warning with the nearest name.
 * Certificates and time-outs depend on each other, so they are kept until kafka_config_take.
 */
#include "transport/kafka_config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "transport/kafka_jaas.h"

#define ALL (KAFKA_PRODUCER | KAFKA_CONSUMER | KAFKA_ADMIN)

typedef enum Kind {
    AS_IS,
    LOWER,        /* an enumeration that librdkafka writes in lower case */
    KIBIBYTES,    /* bytes → KiB, rounded up */
    AT_LEAST_ONE, /* Java's 0 is "no batching" */
    DEFAULT_IS_0, /* Java's -1: the system's */
    RESET,        /* auto.offset.reset */
    STRATEGIES,   /* partition.assignment.strategy */
    ENDPOINT,     /* ssl.endpoint.identification.algorithm */
    JAAS,
    KEPT, /* ssl.*store.*, kept under its own name until the end */
    ACKS, /* all, or a warning */
    ONLY, /* only `target` has sense here; another value is a warning: `why` */
    SAYS, /* no counterpart: a warning, `why` */
} Kind;

typedef struct Row {
    const char *key;
    int roles;
    Kind kind;
    const char *target; /* librdkafka's name; NULL = the same. ONLY: the value */
    const char *why;
} Row;

#define NO_COUNTERPART "librdkafka has nothing like it"
#define OURS           "it is set by the connector itself"

static const Row rows[] = {
    {"bootstrap.servers", ALL, AS_IS, NULL, NULL},
    {"client.id", ALL, AS_IS, NULL, NULL},
    {"client.rack", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"client.dns.lookup", ALL, ONLY, "use_all_dns_ips", "all addresses of a name are always tried"},
    {"security.protocol", ALL, LOWER, NULL, NULL},
    {"sasl.mechanism", ALL, AS_IS, "sasl.mechanisms", NULL},
    {"sasl.jaas.config", ALL, JAAS, NULL, NULL},
    {"sasl.kerberos.service.name", ALL, AS_IS, NULL, NULL},
    {"sasl.oauthbearer.token.endpoint.url", ALL, AS_IS, NULL, NULL},
    {"sasl.login.callback.handler.class", ALL, SAYS, NULL, "Java classes aren't run"},
    {"sasl.client.callback.handler.class", ALL, SAYS, NULL, "Java classes aren't run"},
    {"sasl.login.class", ALL, SAYS, NULL, "Java classes aren't run"},
    {"ssl.truststore.type", ALL, KEPT, NULL, NULL},
    {"ssl.truststore.location", ALL, KEPT, NULL, NULL},
    {"ssl.truststore.password", ALL, KEPT, NULL, NULL},
    {"ssl.truststore.certificates", ALL, AS_IS, "ssl.ca.pem", NULL},
    {"ssl.keystore.type", ALL, KEPT, NULL, NULL},
    {"ssl.keystore.location", ALL, KEPT, NULL, NULL},
    {"ssl.keystore.password", ALL, KEPT, NULL, NULL},
    {"ssl.keystore.certificate.chain", ALL, AS_IS, "ssl.certificate.pem", NULL},
    {"ssl.keystore.key", ALL, AS_IS, "ssl.key.pem", NULL},
    {"ssl.key.password", ALL, AS_IS, NULL, NULL},
    {"ssl.endpoint.identification.algorithm", ALL, ENDPOINT, NULL, NULL},
    {"ssl.cipher.suites", ALL, SAYS, NULL, "OpenSSL's names differ from Java's; its defaults are used"},
    {"ssl.enabled.protocols", ALL, SAYS, NULL, "OpenSSL takes TLS 1.2 and 1.3, as Java's default"},
    {"ssl.protocol", ALL, SAYS, NULL, "OpenSSL takes TLS 1.2 and 1.3, as Java's default"},
    {"ssl.provider", ALL, SAYS, NULL, NO_COUNTERPART},
    {"ssl.keymanager.algorithm", ALL, SAYS, NULL, NO_COUNTERPART},
    {"ssl.trustmanager.algorithm", ALL, SAYS, NULL, NO_COUNTERPART},
    {"ssl.secure.random.implementation", ALL, SAYS, NULL, NO_COUNTERPART},
    {"ssl.engine.factory.class", ALL, SAYS, NULL, "Java classes aren't run"},
    {"security.providers", ALL, SAYS, NULL, "Java classes aren't run"},
    {"request.timeout.ms", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"request.timeout.ms", KAFKA_CONSUMER | KAFKA_ADMIN, AS_IS, "socket.timeout.ms", NULL},
    {"default.api.timeout.ms", KAFKA_CONSUMER | KAFKA_ADMIN, SAYS, NULL, NO_COUNTERPART},
    {"metadata.max.age.ms", ALL, AS_IS, "topic.metadata.refresh.interval.ms", NULL},
    {"metadata.max.idle.ms", KAFKA_PRODUCER, SAYS, NULL, NO_COUNTERPART},
    {"metadata.recovery.strategy", ALL, SAYS, NULL, NO_COUNTERPART},
    {"reconnect.backoff.ms", ALL, AS_IS, NULL, NULL},
    {"reconnect.backoff.max.ms", ALL, AS_IS, NULL, NULL},
    {"connections.max.idle.ms", ALL, AS_IS, NULL, NULL},
    {"socket.connection.setup.timeout.ms", ALL, AS_IS, NULL, NULL},
    {"socket.connection.setup.timeout.max.ms", ALL, SAYS, NULL,
     "the time for a connection doesn't grow: socket.connection.setup.timeout.ms"},
    {"send.buffer.bytes", ALL, DEFAULT_IS_0, "socket.send.buffer.bytes", NULL},
    {"receive.buffer.bytes", ALL, DEFAULT_IS_0, "socket.receive.buffer.bytes", NULL},
    {"retry.backoff.ms", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"retry.backoff.ms", KAFKA_CONSUMER, AS_IS, "fetch.error.backoff.ms", NULL},
    {"retry.backoff.ms", KAFKA_ADMIN, SAYS, NULL, NO_COUNTERPART},
    {"retry.backoff.max.ms", ALL, SAYS, NULL, "the wait between tries doesn't grow: retry.backoff.ms"},
    {"interceptor.classes", ALL, SAYS, NULL, "Java classes aren't run"},
    {"metric.reporters", ALL, SAYS, NULL, "Java classes aren't run"},
    {"metrics.num.samples", ALL, SAYS, NULL, NO_COUNTERPART},
    {"metrics.recording.level", ALL, SAYS, NULL, NO_COUNTERPART},
    {"metrics.sample.window.ms", ALL, SAYS, NULL, NO_COUNTERPART},
    {"auto.include.jmx.reporter", ALL, SAYS, NULL, "there is no JMX here"},
    {"enable.metrics.push", ALL, SAYS, NULL, NO_COUNTERPART},
    /* producer */
    {"acks", KAFKA_PRODUCER, ACKS, NULL, NULL},
    {"enable.idempotence", KAFKA_PRODUCER, ONLY, "true", "transactions want it: it stays on"},
    {"compression.type", KAFKA_PRODUCER, AS_IS, "compression.codec", NULL},
    {"compression.gzip.level", KAFKA_PRODUCER, AS_IS, "compression.level", NULL},
    {"compression.lz4.level", KAFKA_PRODUCER, AS_IS, "compression.level", NULL},
    {"compression.zstd.level", KAFKA_PRODUCER, AS_IS, "compression.level", NULL},
    {"batch.size", KAFKA_PRODUCER, AT_LEAST_ONE, NULL, NULL},
    {"linger.ms", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"buffer.memory", KAFKA_PRODUCER, KIBIBYTES, "queue.buffering.max.kbytes", NULL},
    {"max.request.size", KAFKA_PRODUCER, AS_IS, "message.max.bytes", NULL},
    {"max.block.ms", KAFKA_PRODUCER, SAYS, NULL,
     "a full buffer is waited for as long as records may take: delivery.timeout.ms"},
    {"delivery.timeout.ms", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"max.in.flight.requests.per.connection", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"retries", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"transaction.timeout.ms", KAFKA_PRODUCER, AS_IS, NULL, NULL},
    {"transactional.id", KAFKA_PRODUCER, SAYS, NULL,
     "it is <group.id>-<connector>-<task>, so that a former owner is fenced"},
    {"partitioner.class", KAFKA_PRODUCER, SAYS, NULL, "keys are always spread as Java's default does"},
    {"partitioner.ignore.keys", KAFKA_PRODUCER, ONLY, "false", "changes of one key must stay in order"},
    {"partitioner.adaptive.partitioning.enable", KAFKA_PRODUCER, SAYS, NULL, NO_COUNTERPART},
    {"partitioner.availability.timeout.ms", KAFKA_PRODUCER, SAYS, NULL, NO_COUNTERPART},
    {"key.serializer", KAFKA_PRODUCER, SAYS, NULL, "key.converter makes the bytes"},
    {"value.serializer", KAFKA_PRODUCER, SAYS, NULL, "value.converter makes the bytes"},
    /* consumer */
    {"group.id", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"group.instance.id", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"group.protocol", KAFKA_CONSUMER, ONLY, "classic", "this librdkafka knows the classic protocol alone"},
    {"session.timeout.ms", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"heartbeat.interval.ms", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"max.poll.interval.ms", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"fetch.min.bytes", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"fetch.max.wait.ms", KAFKA_CONSUMER, AS_IS, "fetch.wait.max.ms", NULL},
    {"fetch.max.bytes", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"max.partition.fetch.bytes", KAFKA_CONSUMER, AS_IS, NULL, NULL},
    {"auto.offset.reset", KAFKA_CONSUMER, RESET, NULL, NULL},
    {"isolation.level", KAFKA_CONSUMER, LOWER, NULL, NULL},
    {"partition.assignment.strategy", KAFKA_CONSUMER, STRATEGIES, NULL, NULL},
    {"check.crcs", KAFKA_CONSUMER, LOWER, NULL, NULL},
    {"allow.auto.create.topics", KAFKA_CONSUMER, LOWER, NULL, NULL},
    {"enable.auto.commit", KAFKA_CONSUMER, ONLY, "false", OURS},
    {"auto.commit.interval.ms", KAFKA_CONSUMER, SAYS, NULL, OURS},
    {"exclude.internal.topics", KAFKA_CONSUMER, ONLY, "true", "topics.regex says what is read"},
    {"key.deserializer", KAFKA_CONSUMER, SAYS, NULL, "key.converter reads the bytes"},
    {"value.deserializer", KAFKA_CONSUMER, SAYS, NULL, "value.converter reads the bytes"},
};
enum { ROWS = sizeof rows / sizeof *rows, NUMBER_MAX = 24 };

/* What is kept until the end. */
typedef struct Kept {
    const char *key;
    char *value, *place;
} Kept;
enum { KEPT_MAX = 6 };

struct KafkaConfig {
    KafkaRole role;
    rd_kafka_conf_t *conf;
    Kept kept[KEPT_MAX];
    size_t kept_count;
};

/* ---- librdkafka's log lines ---- */

/* Their facility is the event's detail; nothing of the configuration is in them but host names. */
static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text) {
    LogLevel to = level <= 3 ? LOG_LEVEL_WARN : level <= 4 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    LOG_AT(to, "kafka_client", LOG_S("client", rd_kafka_name(rk)), LOG_S("what", facility),
           LOG_S("text", text));
}

/* ---- setting ---- */

static bool set_raw(KafkaConfig *c, const char *name, const char *value, Err *e) {
    char why[256];
    if (rd_kafka_conf_set(c->conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) return true;
    return err_set(e, ERR_INVALID, false, "not a value that it can have");
}

const char *kafka_conf_get(const rd_kafka_conf_t *conf, const char *name, char *buf, size_t size) {
    size_t n = size;
    if (rd_kafka_conf_get(conf, name, buf, &n) != RD_KAFKA_CONF_OK) buf[0] = '\0';
    return buf;
}

int64_t kafka_conf_number(const rd_kafka_conf_t *conf, const char *name) {
    char text[NUMBER_MAX];
    int64_t n = 0;
    Err unused;
    return str_to_i64(str_from(kafka_conf_get(conf, name, text, sizeof text)), INT64_MIN, INT64_MAX, &n,
                      &unused)
               ? n
               : -1;
}

bool kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, Err *e) {
    char why[256] = "";
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK) return true;
    return err_set(e, ERR_INTERNAL, false, "librdkafka: %s: %s", name, why);
}

bool kafka_config_own(KafkaConfig *c, const char *name, const char *value, Err *e) {
    return kafka_conf_set(c->conf, name, value, e);
}

#define PRODUCER_QUEUE_KIB "5120"
enum {
    RECORD_ROOM_KIB = 1024, /* beside a record of max.request.size */
    IN_FLIGHT_MOST = 5,
};

/* Defaults that differ from librdkafka's. Its queues are sized for servers of many gigabytes; ours hold what
 * one pipeline needs to keep the broker busy, in less than the 96 MiB that the whole process may take. */
static const char *const producer_defaults[][2] = {
    /* Java's, but that all records without a key go to one partition. A table without a key has no other
     * order than its topic's; and what is written again comes to where the first lies, so that a reader can
     * tell. */
    {"partitioner", "murmur2"},
    {"enable.idempotence", "true"},
    {"delivery.report.only.error", "false"}, /* one without an offset: kafka_producer.c */
    {"max.in.flight.requests.per.connection", "5"},
    {"queue.buffering.max.kbytes", PRODUCER_QUEUE_KIB},
    {"queue.buffering.max.messages", "100000"},
    /* Few requests: each costs the broker as much as many records, and librdkafka's thread looks all the time
     * for a batch whose time is near. A commit sends what there is at once. */
    {"linger.ms", "100"},
    {"batch.size", "700000"},
    /* Java's is none. Rows of one table are alike: a third to a fifth of the bytes to send, to write and to
     * keep, which is less CPU here too. Every client reads lz4, and of all codecs it costs least. */
    {"compression.codec", "lz4"},
    {"delivery.timeout.ms", "120000"}, /* Java's */
    {"transaction.timeout.ms", "300000"},
};
static const char *const consumer_defaults[][2] = {
    {"queued.max.messages.kbytes", "16384"}, {"queued.min.messages", "20000"},
    {"fetch.max.bytes", "8388608"},          {"enable.auto.commit", "false"},
    {"isolation.level", "read_committed"},
};

static void set_defaults(KafkaConfig *c, const char *const (*values)[2], size_t count) {
    Err e;
    for (size_t i = 0; i < count; i++)
        if (!kafka_config_own(c, values[i][0], values[i][1], &e))
            LOG_ERROR("kafka_default", LOG_S("why", e.msg));
}

KafkaConfig *kafka_config_new(KafkaRole role) {
    KafkaConfig *c = x_calloc(1, sizeof *c);
    c->role = role;
    c->conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(c->conf, on_log);
    if (role == KAFKA_PRODUCER)
        set_defaults(c, producer_defaults, sizeof producer_defaults / sizeof *producer_defaults);
    if (role == KAFKA_CONSUMER)
        set_defaults(c, consumer_defaults, sizeof consumer_defaults / sizeof *consumer_defaults);
    return c;
}

static void wipe(char *s) {
    if (s) explicit_bzero(s, strlen(s));
    free(s);
}

KafkaConfig *kafka_config_free(KafkaConfig *c) {
    if (!c) return NULL;
    for (size_t i = 0; i < c->kept_count; i++) {
        wipe(c->kept[i].value);
        free(c->kept[i].place);
    }
    if (c->conf) rd_kafka_conf_destroy(c->conf);
    free(c);
    return NULL;
}

/* ---- values ---- */

static bool set_number(KafkaConfig *c, const char *name, const char *value, Kind kind, Err *e) {
    int64_t n = 0;
    if (!str_to_i64(str_trim(str_from(value)), -1, INT64_MAX / 2, &n, e)) return false;
    if (kind == KIBIBYTES) n = (n + 1023) / 1024;
    if (kind == DEFAULT_IS_0 && n < 0) n = 0;
    if (kind != DEFAULT_IS_0 && n < 1) n = 1;
    char text[NUMBER_MAX];
    (void)snprintf(text, sizeof text, "%lld", (long long)n);
    return set_raw(c, name, text, e);
}

static bool set_lower(KafkaConfig *c, const char *name, const char *value, Err *e) {
    CLEANUP_FREE char *lower = x_strdup(value);
    for (char *p = lower; *p; p++) *p = (char)tolower((unsigned char)*p);
    return set_raw(c, name, lower, e);
}

static bool set_reset(KafkaConfig *c, const char *value, Err *e) {
    if (strcmp(value, "none") == 0) return set_raw(c, "auto.offset.reset", "error", e);
    return set_raw(c, "auto.offset.reset", value, e);
}

/* Java's classes; a list keeps its order. */
static bool set_strategies(KafkaConfig *c, const char *value, Err *e) {
    static const char *const known[][2] = {
        {"org.apache.kafka.clients.consumer.RangeAssignor", "range"},
        {"org.apache.kafka.clients.consumer.RoundRobinAssignor", "roundrobin"},
        {"org.apache.kafka.clients.consumer.CooperativeStickyAssignor", "cooperative-sticky"},
    };
    CLEANUP(textlist_done) TextList names = {0};
    CLEANUP(buf_done) Buf out = {0};
    textlist_split(&names, str_from(value));
    for (size_t i = 0; i < names.count; i++) {
        const char *to = NULL;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (strcmp(names.items[i], known[k][0]) == 0 || strcmp(names.items[i], known[k][1]) == 0)
                to = known[k][1];
        if (!to)
            return err_set(e, ERR_INVALID, false,
                           "'%s': librdkafka knows the RangeAssignor, the RoundRobinAssignor and the "
                           "CooperativeStickyAssignor",
                           names.items[i]);
        buf_printf(&out, "%s%s", i > 0 ? "," : "", to);
    }
    return set_raw(c, "partition.assignment.strategy", buf_text(&out), e);
}

static void keep(KafkaConfig *c, const char *key, const char *value, const char *place) {
    size_t i = 0;
    while (i < c->kept_count && strcmp(c->kept[i].key, key) != 0) i++;
    if (i == c->kept_count) c->kept_count++;
    else {
        wipe(c->kept[i].value);
        free(c->kept[i].place);
    }
    c->kept[i] = (Kept){key, x_strdup(value), x_strdup(place)};
}

static const Kept *kept(const KafkaConfig *c, const char *key) {
    for (size_t i = 0; i < c->kept_count; i++)
        if (strcmp(c->kept[i].key, key) == 0 && *c->kept[i].value) return &c->kept[i];
    return NULL;
}

static bool set_jaas(KafkaConfig *c, const char *value, TextList *warnings, const char *place, Err *e) {
    KafkaJaas jaas = {0};
    bool ok = kafka_jaas_parse(str_from(value), &jaas, e);
    for (size_t i = 0; ok && i < jaas.count; i++) ok = set_raw(c, jaas.items[i].name, jaas.items[i].value, e);
    for (size_t i = 0; ok && warnings && i < jaas.unknown.count; i++)
        textlist_printf(warnings, "%s: sasl.jaas.config: %s has no counterpart here", place,
                        jaas.unknown.items[i]);
    kafka_jaas_done(&jaas);
    return ok;
}

static void say(TextList *warnings, const char *place, const char *key, const char *why) {
    if (warnings) textlist_printf(warnings, "%s: %s: has no effect: %s", place, key, why);
}

static bool set_row(KafkaConfig *c, const Row *row, const char *value, const char *place, TextList *warnings,
                    Err *e) {
    const char *name = row->target ? row->target : row->key;
    switch (row->kind) {
    case AS_IS: return set_raw(c, name, value, e);
    case LOWER: return set_lower(c, name, value, e);
    case KIBIBYTES:
    case AT_LEAST_ONE:
    case DEFAULT_IS_0: return set_number(c, name, value, row->kind, e);
    case RESET: return set_reset(c, value, e);
    case STRATEGIES: return set_strategies(c, value, e);
    case ENDPOINT: return set_raw(c, name, *value ? value : "none", e);
    case JAAS: return set_jaas(c, value, warnings, place, e);
    case KEPT: keep(c, row->key, value, place); return true;
    case ACKS:
        if (strcmp(value, "all") == 0 || strcmp(value, "-1") == 0) return true;
        if (strcmp(value, "0") != 0 && strcmp(value, "1") != 0)
            return err_set(e, ERR_INVALID, false, "is all, -1, 0 or 1");
        say(warnings, place, row->key, "records are written in transactions, which want acks=all");
        return true;
    case ONLY:
        if (strcmp(value, row->target) != 0) say(warnings, place, row->key, row->why);
        return true;
    case SAYS: say(warnings, place, row->key, row->why); return true;
    }
    return true;
}

static void say_unknown(const KafkaConfig *c, const char *key, const char *place, TextList *warnings) {
    const char *names[ROWS];
    size_t n = 0;
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].roles & (int)c->role) names[n++] = rows[i].key;
    const char *near = str_nearest(str_from(key), names, n);
    if (!warnings) return;
    textlist_printf(warnings, "%s: %s: no property of a Kafka %s%s%s%s", place, key,
                    c->role == KAFKA_PRODUCER   ? "producer"
                    : c->role == KAFKA_CONSUMER ? "consumer"
                                                : "admin client",
                    near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

bool kafka_config_set(KafkaConfig *c, const char *key, const char *value, const char *place,
                      TextList *warnings, Err *e) {
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].key, key) != 0 || !(rows[i].roles & (int)c->role)) continue;
        return set_row(c, &rows[i], value, place, warnings, e) || err_wrap(e, "%s: %s", place, key);
    }
    say_unknown(c, key, place, warnings);
    return true;
}

bool kafka_config_set_all(KafkaConfig *c, const Options *options, const char *pattern, TextList *warnings,
                          Err *e) {
    size_t at = 0, prefix = strlen(pattern) - 1;
    const char *key = NULL, *value = NULL;
    char place[PROPS_PLACE_SIZE];
    while (options_next(options, pattern, &at, &key, &value))
        if (!kafka_config_set(c, key + prefix, value, options_place(options, key, place), warnings, e))
            return false;
    return true;
}

/* ---- what several say together ---- */

static bool is_pem(const Kept *type, const Kept *location) {
    if (type) return str_eq_icase(str_from(type->value), STR_LIT("PEM"));
    Str path = str_from(location->value);
    return str_ends(path, STR_LIT(".pem")) || str_ends(path, STR_LIT(".crt"));
}

static bool settle_truststore(KafkaConfig *c, Err *e) {
    const Kept *location = kept(c, "ssl.truststore.location");
    if (!location) return true;
    if (is_pem(kept(c, "ssl.truststore.type"), location))
        return set_raw(c, "ssl.ca.location", location->value, e);
    return err_set(e, ERR_INVALID, false,
                   "%s: ssl.truststore.location: only PEM files can be read: `keytool -exportcert -rfc "
                   "-keystore …`, then ssl.truststore.type=PEM",
                   location->place);
}

static bool settle_keystore(KafkaConfig *c, Err *e) {
    const Kept *location = kept(c, "ssl.keystore.location"), *password = kept(c, "ssl.keystore.password");
    const Kept *type = kept(c, "ssl.keystore.type");
    if (!location) return true;
    if (is_pem(type, location))
        return set_raw(c, "ssl.certificate.location", location->value, e) &&
               set_raw(c, "ssl.key.location", location->value, e);
    /* What keytool has made since Java 9 is PKCS#12 whatever its name; librdkafka says so if it isn't. */
    return set_raw(c, "ssl.keystore.location", location->value, e) &&
           (!password || set_raw(c, "ssl.keystore.password", password->value, e));
}

const char *kafka_config_get(const KafkaConfig *c, const char *name, char *buf, size_t size) {
    return kafka_conf_get(c->conf, name, buf, size);
}

/* librdkafka refuses a record's time beyond its transaction's. Java's workers set the largest there is. */
static bool settle_times(KafkaConfig *c, TextList *warnings, Err *e) {
    char delivery[NUMBER_MAX], transaction[NUMBER_MAX];
    (void)kafka_config_get(c, "delivery.timeout.ms", delivery, sizeof delivery);
    (void)kafka_config_get(c, "transaction.timeout.ms", transaction, sizeof transaction);
    long long d = strtoll(delivery, NULL, 10), t = strtoll(transaction, NULL, 10);
    if (c->role != KAFKA_PRODUCER || (d > 0 && d <= t)) return true;
    if (warnings && d < INT32_MAX)
        textlist_printf(warnings,
                        "delivery.timeout.ms: %s is more than transaction.timeout.ms: %s is what counts",
                        delivery, transaction);
    return kafka_config_own(c, "delivery.timeout.ms", transaction, e);
}

/* A record that is larger than the queue would be told "full" for ever. */
static bool settle_queue(KafkaConfig *c, TextList *warnings, Err *e) {
    char queue[NUMBER_MAX], room[NUMBER_MAX];
    int64_t kib = kafka_conf_number(c->conf, "message.max.bytes") / 1024 + RECORD_ROOM_KIB;
    if (c->role != KAFKA_PRODUCER || kafka_conf_number(c->conf, "queue.buffering.max.kbytes") >= kib)
        return true;
    (void)kafka_config_get(c, "queue.buffering.max.kbytes", queue, sizeof queue);
    (void)snprintf(room, sizeof room, "%lld", (long long)kib);
    if (warnings && strcmp(queue, PRODUCER_QUEUE_KIB) != 0)
        textlist_printf(warnings,
                        "buffer.memory: %s KiB can't take a record of max.request.size: it is %s KiB", queue,
                        room);
    return kafka_config_own(c, "queue.buffering.max.kbytes", room, e);
}

/* With idempotence five are the most, in Java as here; workers of Connect's without it may have more. */
static bool settle_in_flight(KafkaConfig *c, TextList *warnings, Err *e) {
    static const char key[] = "max.in.flight.requests.per.connection";
    int64_t given = kafka_conf_number(c->conf, key);
    if (c->role != KAFKA_PRODUCER || given <= IN_FLIGHT_MOST) return true;
    if (warnings)
        textlist_printf(warnings, "%s: %lld are more than an idempotent producer may have: it is %d", key,
                        (long long)given, IN_FLIGHT_MOST);
    char most[NUMBER_MAX];
    (void)snprintf(most, sizeof most, "%d", IN_FLIGHT_MOST);
    return kafka_config_own(c, key, most, e);
}

/* librdkafka's own order of sizes, which Java doesn't know: a record ≤ a fetch < an answer. What is fetched
 * may be larger than all of them but the last: a record that is comes alone. */
static bool settle_fetch(KafkaConfig *c, Err *e) {
    enum { RECORD_MIN = 1000, ANSWER_HEAD = 512 };
    char text[NUMBER_MAX];
    int64_t fetch = kafka_conf_number(c->conf, "fetch.max.bytes");
    if (c->role != KAFKA_CONSUMER) return true;
    if (fetch < RECORD_MIN) fetch = RECORD_MIN;
    (void)snprintf(text, sizeof text, "%lld", (long long)fetch);
    if (!kafka_config_own(c, "fetch.max.bytes", text, e)) return false;
    if (kafka_conf_number(c->conf, "message.max.bytes") > fetch &&
        !kafka_config_own(c, "message.max.bytes", text, e))
        return false;
    if (kafka_conf_number(c->conf, "receive.message.max.bytes") >= fetch + ANSWER_HEAD) return true;
    (void)snprintf(text, sizeof text, "%lld", (long long)fetch + ANSWER_HEAD);
    return kafka_config_own(c, "receive.message.max.bytes", text, e);
}

bool kafka_config_take(KafkaConfig *c, TextList *warnings, rd_kafka_conf_t **ret, Err *e) {
    if (!settle_truststore(c, e) || !settle_keystore(c, e) || !settle_times(c, warnings, e) ||
        !settle_queue(c, warnings, e) || !settle_in_flight(c, warnings, e) || !settle_fetch(c, e))
        return false;
    *ret = TAKE(c->conf);
    return true;
}
