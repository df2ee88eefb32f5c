/*
 * The cluster is asked once: all topics with their partitions, then the configuration of the controller's
 * broker and of the topics that matter, one request for all. The checks are a table, and look at that.
 *
 * Topics are never asked for by name: some brokers make what isn't there. And whether a transactional.id may
 * be used can't be tried without fencing who has it.
 */
#include "worker/check_kafka.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/strmap.h"
#include "config/textlist.h"
#include "convert/converter.h"
#include "convert/envelope.h"
#include "convert/wire_option.h"
#include "transform/java_regex.h"
#include "transport/kafka_config.h"
#include "transport/kafka_error.h"
#include "transport/kafka_option.h"
#include "transport/kafka_subscription.h"
#include "transport/kafka_topics.h"
#include "worker/group_lag.h"

enum { ASK_MS = 10000, TEXT = 256, SHOWN = 5 };

/* What a connector has to do with a topic. */
typedef enum Use { USE_CHANGES, USE_OFFSETS, USE_HISTORY, USE_READ, USE_LETTERS } Use;

typedef struct Topic {
    char *name; /* owned */
    Use use;
    const rd_kafka_metadata_topic_t *seen; /* NULL = it isn't there, or isn't shown */
    KafkaTopicSpec made_as;
    bool is_made; /* by a run, where it isn't there */
} Topic;

typedef struct Look {
    const CheckKafkaSpec *spec;
    rd_kafka_t *rk;
    const rd_kafka_metadata_t *meta;
    KafkaTopicRules *rules;
    Topic *topics; /* owned */
    size_t topic_count;
    StrMap *configs; /* "topic/name/key", "broker/key" → owned value */
    Err why_no_configs;
    int64_t max_request, transaction_timeout_ms; /* of the producer */
} Look;

static void look_done(Look *l) {
    for (size_t i = 0; i < l->topic_count; i++) free(l->topics[i].name);
    free(l->topics);
    if (l->meta) rd_kafka_metadata_destroy(l->meta);
    if (l->rk) rd_kafka_destroy(l->rk);
    strmap_free_all(l->configs);
    kafka_topic_rules_free(l->rules);
}

/* ---- what there is ---- */

static bool open_client(const Options *o, rd_kafka_t **ret, Err *e) {
    rd_kafka_conf_t *conf = NULL;
    char why[TEXT] = "";
    if (!kafka_option_client(o, KAFKA_ADMIN, /* warnings= */ NULL, &conf, e)) return false;
    /* a consumer's metadata requests never make topics */
    *ret = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
    if (*ret) return true;
    rd_kafka_conf_destroy(conf);
    return err_set(e, ERR_INVALID, false, "Kafka client: %s", why);
}

static bool ask_cluster(rd_kafka_t *rk, const rd_kafka_metadata_t **ret, Err *e) {
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, /* all_topics= */ 1, NULL, &meta, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "asking the cluster", NULL, e);
    *ret = meta;
    return true;
}

static const rd_kafka_metadata_topic_t *seen_topic(const rd_kafka_metadata_t *meta, const char *name) {
    for (int i = 0; i < meta->topic_cnt; i++)
        if (strcmp(meta->topics[i].topic, name) == 0 &&
            meta->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return &meta->topics[i];
    return NULL;
}

bool check_kafka_has_topic(const Options *options, const char *topic, bool *ret, Err *e) {
    rd_kafka_t *rk = NULL;
    const rd_kafka_metadata_t *meta = NULL;
    bool ok = open_client(options, &rk, e) && ask_cluster(rk, &meta, e);
    if (ok) *ret = seen_topic(meta, topic) != NULL;
    if (meta) rd_kafka_metadata_destroy(meta);
    if (rk) rd_kafka_destroy(rk);
    return ok;
}

static Topic *add_topic(Look *l, Str name, Use use) {
    l->topics = x_reallocarray(l->topics, l->topic_count + 1, sizeof *l->topics);
    Topic *t = &l->topics[l->topic_count++];
    *t = (Topic){.name = str_dup(name), .use = use};
    t->seen = seen_topic(l->meta, t->name);
    return t;
}

static bool has_transforms(const Options *o) {
    const TextList *names = options_list(o, "transforms");
    return names && names->count > 0;
}

static bool add_source_topics(Look *l, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    const Options *o = l->spec->options;
    const char *history = options_str(o, "schema.history.internal.kafka.topic");
    WireOptions wire;
    if (!kafka_topic_rules_new(o, &l->rules, e) || !wire_options(o, &wire, e)) return false;
    for (size_t i = 0; !has_transforms(o) && i < l->spec->schema_count; i++) {
        const Schema *s = l->spec->schemas[i];
        Topic *t =
            add_topic(l, envelope_topic_of(&wire, s->database, s->schema, s->table, &arena), USE_CHANGES);
        t->is_made = kafka_topic_rules_find(l->rules, t->name, &t->made_as);
    }
    Topic *offsets = add_topic(l, str_from(l->spec->offsets_topic), USE_OFFSETS);
    offsets->is_made = true;
    offsets->made_as =
        (KafkaTopicSpec){.partitions = (int32_t)options_int(o, "offset.storage.partitions"),
                         .replication = (int32_t)options_int(o, "offset.storage.replication.factor")};
    if (history && *history) {
        Topic *t = add_topic(l, str_from(history), USE_HISTORY);
        t->is_made = true;
        t->made_as = (KafkaTopicSpec){.partitions = 1, .replication = -1};
    }
    return true;
}

static bool add_sink_topics(Look *l, Err *e) {
    const Options *o = l->spec->options;
    const TextList *names = options_list(o, "topics");
    const char *regex = options_str(o, "topics.regex"),
               *dead = options_str(o, "errors.deadletterqueue.topic.name");
    for (size_t i = 0; names && i < names->count; i++) add_topic(l, str_from(names->items[i]), USE_READ);
    if (regex && *regex) {
        JavaRegex *java = NULL;
        if (!java_regex_new(regex, /* replacement= */ NULL, &java, e)) return err_wrap(e, "topics.regex");
        for (int i = 0; i < l->meta->topic_cnt; i++)
            if (kafka_subscription_takes(java, str_from(l->meta->topics[i].topic)))
                add_topic(l, str_from(l->meta->topics[i].topic), USE_READ);
        java_regex_free(java);
    }
    if (dead && *dead) {
        Topic *t = add_topic(l, str_from(dead), USE_LETTERS);
        t->is_made = true;
        t->made_as = (KafkaTopicSpec){
            .partitions = 1,
            .replication = (int32_t)options_int(o, "errors.deadletterqueue.topic.replication.factor")};
    }
    return true;
}

static void take_config(Look *l, const rd_kafka_ConfigResource_t *resource) {
    size_t count = 0;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    bool is_topic = rd_kafka_ConfigResource_type(resource) == RD_KAFKA_RESOURCE_TOPIC;
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);
        CLEANUP_FREE char *key = is_topic ? x_asprintf("topic/%s/%s", rd_kafka_ConfigResource_name(resource),
                                                       rd_kafka_ConfigEntry_name(entries[i]))
                                          : x_asprintf("broker/%s", rd_kafka_ConfigEntry_name(entries[i]));
        if (value) free(strmap_set(l->configs, str_from(key), x_strdup(value)));
    }
}

static void take_configs(Look *l, rd_kafka_event_t *event) {
    size_t count = 0;
    const rd_kafka_DescribeConfigs_result_t *result = rd_kafka_event_DescribeConfigs_result(event);
    if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR) {
        (void)kafka_error(rd_kafka_event_error(event), "asking for configurations",
                          rd_kafka_event_error_string(event), &l->why_no_configs);
        return;
    }
    const rd_kafka_ConfigResource_t **all = rd_kafka_DescribeConfigs_result_resources(result, &count);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(all[i]);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) take_config(l, all[i]);
        else {
            (void)kafka_error(code, "its configuration can't be read (DESCRIBE_CONFIGS)", /* detail= */ NULL,
                              &l->why_no_configs);
            (void)err_wrap(&l->why_no_configs, "%s", rd_kafka_ConfigResource_name(all[i]));
        }
    }
}

/* What can't be read stays unknown. */
static void read_configs(Look *l) {
    rd_kafka_ConfigResource_t **list = x_calloc(l->topic_count + 1, sizeof *list);
    char broker[32];
    size_t count = 0;
    (void)snprintf(broker, sizeof broker, "%d", l->meta->broker_cnt > 0 ? (int)l->meta->brokers[0].id : 0);
    list[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, broker);
    for (size_t i = 0; i < l->topic_count; i++)
        if (l->topics[i].seen)
            list[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, l->topics[i].name);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(l->rk);
    rd_kafka_DescribeConfigs(l->rk, list, count, /* options= */ NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ASK_MS);
    if (event) take_configs(l, event);
    else
        (void)kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, "asking for configurations", NULL,
                          &l->why_no_configs);
    if (event) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy_array(list, count);
    free(list);
}

static const char *broker_config(const Look *l, const char *key) {
    CLEANUP_FREE char *name = x_asprintf("broker/%s", key);
    return strmap_get(l->configs, str_from(name));
}

static const char *topic_config(const Look *l, const Topic *t, const char *key) {
    CLEANUP_FREE char *name = x_asprintf("topic/%s/%s", t->name, key);
    return strmap_get(l->configs, str_from(name));
}

/* -1 = unknown. */
static int64_t number(const char *text) {
    int64_t n = 0;
    Err unused;
    return text && str_to_i64(str_from(text), INT64_MIN, INT64_MAX, &n, &unused) ? n : -1;
}

static bool read_producer(Look *l, Err *e) {
    rd_kafka_conf_t *conf = NULL;
    if (!kafka_option_client(l->spec->options, KAFKA_PRODUCER, NULL, &conf, e)) return false;
    l->max_request = kafka_conf_number(conf, "message.max.bytes");
    l->transaction_timeout_ms = kafka_conf_number(conf, "transaction.timeout.ms");
    rd_kafka_conf_destroy(conf);
    return true;
}

/* ---- checks ---- */

static void check_broker(const Look *l, const char *name, Findings *out) {
    findings_add(out, name, FINDING_OK, /* cure= */ NULL, "answers: %d broker%s, %d topics are shown",
                 l->meta->broker_cnt, l->meta->broker_cnt == 1 ? "" : "s", l->meta->topic_cnt);
}

static void check_topics(const Look *l, const char *name, Findings *out) {
    if (!l->spec->is_sink && has_transforms(l->spec->options))
        findings_add(out, name, FINDING_NOTE, /* cure= */ NULL,
                     "unknown: transforms name the topics of changes when records come");
    size_t read = 0;
    for (size_t i = 0; i < l->topic_count; i++) {
        const Topic *t = &l->topics[i];
        read += t->use == USE_READ;
        if (t->seen && t->seen->err != RD_KAFKA_RESP_ERR_NO_ERROR &&
            t->seen->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
            findings_add(out, name, FINDING_ERROR, /* cure= */ NULL, "topic %s: %s", t->name,
                         rd_kafka_err2str(t->seen->err));
        else if (t->seen)
            findings_add(out, name, FINDING_OK, /* cure= */ NULL, "topic %s is there, %d partition%s",
                         t->name, t->seen->partition_cnt, t->seen->partition_cnt == 1 ? "" : "s");
        else if (t->use == USE_READ)
            findings_add(out, name, FINDING_WARNING, "make it, or give the user DESCRIBE and READ on it",
                         "topic %s isn't there, or isn't shown to this user: it is waited for", t->name);
        else if (t->is_made)
            findings_add(out, name, FINDING_NOTE, /* cure= */ NULL,
                         "topic %s is to be made, with %d partition%s", t->name, (int)t->made_as.partitions,
                         t->made_as.partitions == 1 ? "" : "s");
        else
            findings_add(out, name, FINDING_ERROR, "make it, or set topic.creation.enable=true",
                         "topic %s isn't there, and isn't to be made", t->name);
    }
    if (l->spec->is_sink && read == 0)
        findings_add(out, name, FINDING_WARNING, /* cure= */ NULL,
                     "topics.regex matches no topic that is there, or is shown to this user");
}

static void check_replication(const Look *l, const char *name, Findings *out) {
    for (size_t i = 0; i < l->topic_count; i++) {
        const Topic *t = &l->topics[i];
        if (!t->seen && t->is_made) {
            int64_t wanted = t->made_as.replication > 0
                                 ? t->made_as.replication
                                 : number(broker_config(l, "default.replication.factor"));
            if (wanted > l->meta->broker_cnt)
                findings_add(out, name, FINDING_ERROR,
                             t->use == USE_LETTERS   ? "set errors.deadletterqueue.topic.replication.factor"
                             : t->use == USE_CHANGES ? "set topic.creation.default.replication.factor"
                                                     : "set offset.storage.replication.factor",
                             "topic %s: %lld replicas on %d broker%s", t->name, (long long)wanted,
                             l->meta->broker_cnt, l->meta->broker_cnt == 1 ? "" : "s");
        }
        int64_t least =
            t->seen && t->use != USE_READ ? number(topic_config(l, t, "min.insync.replicas")) : -1;
        for (int k = 0; t->seen && k < t->seen->partition_cnt; k++) {
            const rd_kafka_metadata_partition_t *p = &t->seen->partitions[k];
            if (p->isr_cnt >= least) continue;
            findings_add(out, name, FINDING_ERROR, "bring its brokers back, or lower min.insync.replicas",
                         "topic %s, partition %d: %d replicas in sync, min.insync.replicas is %lld", t->name,
                         (int)p->id, p->isr_cnt, (long long)least);
            break;
        }
    }
}

static void check_record_size(const Look *l, const char *name, Findings *out) {
    int64_t broker = number(broker_config(l, "message.max.bytes"));
    for (size_t i = 0; i < l->topic_count; i++) {
        const Topic *t = &l->topics[i];
        int64_t takes = t->seen ? number(topic_config(l, t, "max.message.bytes")) : broker;
        if (t->use != USE_CHANGES || takes < 0 || l->max_request <= takes) continue;
        CLEANUP_FREE char *cure =
            x_asprintf("kafka-configs --alter --entity-type topics --entity-name %s --add-config "
                       "max.message.bytes=%lld",
                       t->name, (long long)l->max_request);
        findings_add(out, name, FINDING_WARNING, cure,
                     "topic %s takes batches of up to %lld bytes, the producer makes records of up to %lld "
                     "(max.request.size): a larger one stops the task",
                     t->name, (long long)takes, (long long)l->max_request);
    }
    if (l->max_request >= 0)
        findings_add(out, name, FINDING_OK, /* cure= */ NULL, "records of up to %lld bytes are sent",
                     (long long)l->max_request);
}

static void check_transactions(const Look *l, const char *name, Findings *out) {
    int64_t most = number(broker_config(l, "transaction.max.timeout.ms"));
    if (most >= 0 && l->transaction_timeout_ms > most)
        findings_add(
            out, name, FINDING_ERROR, "set producer.override.transaction.timeout.ms to at most that",
            "transaction.timeout.ms is %lld, the broker lets it be %lld (transaction.max.timeout.ms)",
            (long long)l->transaction_timeout_ms, (long long)most);
    findings_add(
        out, name, FINDING_NOTE, /* cure= */ NULL,
        "unknown: whether transactional.id %s may be used (WRITE and DESCRIBE on it) is told by a run "
        "alone: to try would fence who has it now",
        l->spec->transactional_id);
}

static void check_internal(const Look *l, const char *name, Findings *out) {
    for (size_t i = 0; i < l->topic_count; i++) {
        const Topic *t = &l->topics[i];
        const char *policy = t->seen ? topic_config(l, t, "cleanup.policy") : NULL;
        if (!policy || (t->use != USE_OFFSETS && t->use != USE_HISTORY)) continue;
        CLEANUP_FREE char *cure = x_asprintf(
            "kafka-configs --alter --entity-type topics --entity-name %s --add-config %s", t->name,
            t->use == USE_OFFSETS ? "cleanup.policy=compact" : "cleanup.policy=delete,retention.ms=-1");
        if (t->use == USE_OFFSETS && strcmp(policy, "compact") != 0)
            findings_add(
                out, name, FINDING_ERROR, cure,
                "topic %s, of positions, isn't compacted (cleanup.policy=%s): they would go with time",
                t->name, policy);
        else if (t->use == USE_HISTORY && strstr(policy, "compact"))
            findings_add(out, name, FINDING_ERROR, cure,
                         "topic %s, of the schema history, is compacted: its records have no keys", t->name);
        else if (t->use == USE_HISTORY && number(topic_config(l, t, "retention.ms")) >= 0)
            findings_add(out, name, FINDING_WARNING, cure,
                         "topic %s, of the schema history, forgets: Debezium needs all of it", t->name);
        else
            findings_add(out, name, FINDING_OK, /* cure= */ NULL, "topic %s: cleanup.policy=%s", t->name,
                         policy);
    }
    if (l->why_no_configs.code != ERR_OK)
        findings_add(out, name, FINDING_NOTE, "DESCRIBE_CONFIGS on the cluster and the topics", "unknown: %s",
                     l->why_no_configs.msg);
}

static void check_converter(const Look *l, bool is_key, const char *name, Findings *out) {
    static const char *const patterns[] = {"key.converter.*", "value.converter.*", NULL};
    const Options *o = l->spec->options;
    Props *props = kafka_option_props(o, patterns);
    const char *prefix = is_key ? "key.converter." : "value.converter.";
    const ConverterSpec spec = {.class_name =
                                    str_from(options_str(o, is_key ? "key.converter" : "value.converter")),
                                .is_key = is_key,
                                .props = props,
                                .prefix = prefix};
    Converter *c = NULL;
    CLEANUP(buf_done) Buf text = {0};
    Err e = {0};
    bool ok = converter_new(&spec, &c, &e) && converter_ask(c, &text, &e);
    if (!ok) {
        (void)err_wrap(&e, "%s converter", is_key ? "key" : "value");
        findings_add_err(out, name, /* cure= */ NULL, &e);
    } else if (text.n)
        findings_add(out, name, FINDING_OK, /* cure= */ NULL, "%s: %s", is_key ? "keys" : "values",
                     buf_text(&text));
    else
        findings_add(out, name, FINDING_OK, /* cure= */ NULL, "%s: %s needs none", is_key ? "keys" : "values",
                     options_str(o, is_key ? "key.converter" : "value.converter"));
    converter_free(c);
    props_free(props);
}

static void check_registry(const Look *l, const char *name, Findings *out) {
    check_converter(l, /* is_key= */ true, name, out);
    check_converter(l, /* is_key= */ false, name, out);
}

/* ---- the group of a sink ---- */

static void tell_members(const GroupLag *g, const char *name, Findings *out) {
    size_t ours = group_lag_members(g, /* is_ours= */ true);
    for (size_t i = 0; i < g->member_count; i++)
        if (!g->members[i].is_ours)
            findings_add(
                out, name, FINDING_ERROR, "stop that connector first",
                "group %s has a live member of another program, '%s' at %s: a run waits until it is gone",
                g->group, g->members[i].client, g->members[i].host);
    if (!g->knows_members && g->why_no_members.code != ERR_OK)
        findings_add_err(out, name, "READ and DESCRIBE on the group", &g->why_no_members);
    else if (!g->knows_members)
        findings_add(out, name, FINDING_NOTE, /* cure= */ NULL,
                     "unknown: the broker doesn't tell its members");
    else if (ours > 0)
        findings_add(out, name, FINDING_NOTE, /* cure= */ NULL,
                     "group %s has %zu live member%s of millrace: a run would share its partitions", g->group,
                     ours, ours == 1 ? "" : "s");
    else if (g->member_count == 0)
        findings_add(out, name, FINDING_OK, /* cure= */ NULL, "group %s has no live member", g->group);
}

static void tell_offsets(const GroupLag *g, const char *name, Findings *out) {
    int64_t ahead = 0;
    size_t known = 0;
    for (size_t i = 0; i < g->part_count; i++) {
        const GroupPart *p = &g->parts[i];
        known += p->committed >= 0;
        ahead += p->ahead;
        if (p->committed > p->end)
            findings_add(out, name, FINDING_ERROR,
                         "see docs/kafka.md, Who wins when a partition is taken: the topic was made anew",
                         "%s-%d: the group's offset %lld is past the end %lld", p->topic, (int)p->partition,
                         (long long)p->committed, (long long)p->end);
    }
    if (g->part_count > 0)
        findings_add(out, name, FINDING_OK, /* cure= */ NULL,
                     "offsets of %zu of %zu partitions are committed, about %lld records are ahead", known,
                     g->part_count, (long long)ahead);
}

static void check_group(const Look *l, const char *name, Findings *out) {
    const GroupLagSpec spec = {.connector = l->spec->connector, .options = l->spec->options, .seen = l->meta};
    CLEANUP(group_lag_done) GroupLag g = {0};
    Err e = {0};
    if (!group_lag_ask(&spec, &g, &e)) {
        findings_add_err(out, name, "READ on the group, READ on the topics", &e);
        return;
    }
    tell_members(&g, name, out);
    tell_offsets(&g, name, out);
}

/* ---- the list ---- */

static const struct {
    const char *name;
    bool of_source, of_sink;
    void (*run)(const Look *l, const char *name, Findings *out);
} checks[] = {
    {.name = "kafka-broker", .of_source = true, .of_sink = true, .run = check_broker},
    {.name = "kafka-topics", .of_source = true, .of_sink = true, .run = check_topics},
    {.name = "kafka-replication", .of_source = true, .of_sink = true, .run = check_replication},
    {.name = "kafka-record-size", .of_source = true, .run = check_record_size},
    {.name = "kafka-transactions", .of_source = true, .run = check_transactions},
    {.name = "kafka-internal-topics", .of_source = true, .run = check_internal},
    {.name = "kafka-registry", .of_source = true, .of_sink = true, .run = check_registry},
    {.name = "kafka-group", .of_sink = true, .run = check_group},
};
enum { CHECKS = sizeof checks / sizeof *checks };

size_t check_kafka_names(const char **ret, size_t most) {
    size_t n = 0;
    for (size_t i = 0; i < CHECKS && n < most; i++) ret[n++] = checks[i].name;
    return n;
}

static bool look(Look *l, Err *e) {
    const CheckKafkaSpec *spec = l->spec;
    return open_client(spec->options, &l->rk, e) && ask_cluster(l->rk, &l->meta, e) && read_producer(l, e) &&
           (spec->is_sink ? add_sink_topics(l, e) : add_source_topics(l, e));
}

bool check_kafka_all(const CheckKafkaSpec *spec, CheckKafkaProgress *progress, void *arg, Findings *out) {
    Look l = {.spec = spec, .configs = strmap_new(/* ignore_case= */ false)};
    Err e = {0};
    if (progress) progress(arg, checks[0].name);
    bool ok = look(&l, &e);
    if (ok) read_configs(&l);
    else findings_add_err(out, checks[0].name, "bootstrap.servers, security.protocol, sasl.* and ssl.*", &e);
    for (size_t i = 0; ok && i < CHECKS; i++) {
        if (spec->is_sink ? !checks[i].of_sink : !checks[i].of_source) continue;
        size_t before = out->count;
        if (progress) progress(arg, checks[i].name);
        checks[i].run(&l, checks[i].name, out);
        if (out->count == before)
            findings_add(out, checks[i].name, FINDING_OK, /* cure= */ NULL, "nothing found");
    }
    look_done(&l);
    return ok;
}
