#include "transport/kafka_topics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "config/regexlist.h"
#include "transport/kafka_error.h"

#define PATTERN "topic.creation.*"
#define GROUPS  "topic.creation.groups"
#define ENABLE  "topic.creation.enable"

enum {
    PREFIX = sizeof "topic.creation." - 1,
    CHANGE_PARTITIONS = 3,
    ASK_MS = 10000,
    CREATE_MS = 30000,
    PARTITIONS_MAX = 100000,
    ERROR_SIZE = 256,
    LEADER_LIMIT_MS = 2000,
    LEADER_STEP_MS = 20,
};
#define WEEK_MS "604800000"

typedef struct Group {
    char *name;
    RegexList *include, *exclude; /* owned; default has none */
    KafkaTopicSpec spec;
    const char *(*config)[2]; /* owned; texts borrowed from the options */
    bool has_partitions;
} Group;

struct KafkaTopicRules {
    Group *groups; /* owned; the last one is default */
    size_t count;
    bool is_enabled;
};

KafkaTopicRules *kafka_topic_rules_free(KafkaTopicRules *r) {
    if (!r) return NULL;
    for (size_t i = 0; i < r->count; i++) {
        free(r->groups[i].name);
        regexlist_free(r->groups[i].include);
        regexlist_free(r->groups[i].exclude);
        free(r->groups[i].config);
    }
    free(r->groups);
    free(r);
    return NULL;
}

static void add_config(Group *g, const char *name, const char *value) {
    for (size_t i = 0; i < g->spec.config_count; i++)
        if (strcmp(g->config[i][0], name) == 0) {
            g->config[i][1] = value;
            return;
        }
    g->config = x_reallocarray(g->config, g->spec.config_count + 1, sizeof *g->config);
    g->config[g->spec.config_count][0] = name;
    g->config[g->spec.config_count++][1] = value;
    g->spec.config = (const char *const(*)[2])g->config;
}

static bool take(Group *g, const char *what, const char *value, bool is_default, Err *e) {
    int64_t n = 0;
    Str text = str_trim(str_from(value));
    if (strcmp(what, "replication.factor") == 0) {
        if (!str_to_i64(text, -1, INT16_MAX, &n, e)) return false;
        g->spec.replication = (int32_t)n;
        return n != 0 || err_set(e, ERR_INVALID, false, "is -1 (the cluster's default) or at least 1");
    }
    if (strcmp(what, "partitions") == 0) {
        if (!str_to_i64(text, -1, PARTITIONS_MAX, &n, e)) return false;
        g->spec.partitions = (int32_t)n;
        g->has_partitions = true;
        return n != 0 || err_set(e, ERR_INVALID, false, "is -1 (the cluster's default) or at least 1");
    }
    bool is_include = strcmp(what, "include") == 0;
    if (!is_include && strcmp(what, "exclude") != 0) {
        add_config(g, what, value);
        return true;
    }
    if (is_default) return err_set(e, ERR_INVALID, false, "the group default takes all that no other takes");
    RegexList **list = is_include ? &g->include : &g->exclude;
    *list = regexlist_free(*list);
    return regexlist_compile_exact(str_from(value), list, e); /* topics differ by case */
}

/* The group whose name stands before a dot; the longest, as names may have dots. */
static Group *group_of(KafkaTopicRules *r, const char *key, const char **ret_what) {
    Group *best = NULL;
    for (size_t i = 0; i < r->count; i++) {
        size_t n = strlen(r->groups[i].name);
        if (strncmp(key, r->groups[i].name, n) != 0 || key[n] != '.') continue;
        if (best && strlen(best->name) >= n) continue;
        best = &r->groups[i];
        *ret_what = key + n + 1;
    }
    return best;
}

static bool take_all(KafkaTopicRules *r, const Options *o, Err *e) {
    size_t at = 0;
    const char *key = NULL, *value = NULL, *what = NULL;
    char place[PROPS_PLACE_SIZE];
    while (options_next(o, PATTERN, &at, &key, &value)) {
        Group *g = group_of(r, key + PREFIX, &what);
        if (!g)
            return err_set(e, ERR_INVALID, false,
                           "%s: %s: no group of that name: topic.creation.groups names them, or it is "
                           "topic.creation.default.…",
                           options_place(o, key, place), key);
        if (!take(g, what, value, g == &r->groups[r->count - 1], e))
            return err_wrap(e, "%s: %s", options_place(o, key, place), key);
    }
    return true;
}

/* Whatever a group leaves open is the default's. */
static void fill_groups(KafkaTopicRules *r) {
    const Group *standard = &r->groups[r->count - 1];
    for (size_t i = 0; i + 1 < r->count; i++) {
        Group *g = &r->groups[i];
        if (!g->has_partitions) g->spec.partitions = standard->spec.partitions;
        if (g->spec.replication == 0) g->spec.replication = standard->spec.replication;
    }
}

bool kafka_topic_rules_new(const Options *o, KafkaTopicRules **ret, Err *e) {
    const TextList *names = options_list(o, GROUPS);
    KafkaTopicRules *r = x_calloc(1, sizeof *r);
    r->is_enabled = options_bool(o, ENABLE);
    size_t count = names ? names->count : 0;
    r->groups = x_calloc(count + 1, sizeof *r->groups);
    for (size_t i = 0; i < count; i++)
        if (strcmp(names->items[i], "default") != 0) r->groups[r->count++].name = x_strdup(names->items[i]);
    Group *standard = &r->groups[r->count++];
    standard->name = x_strdup("default");
    standard->spec = (KafkaTopicSpec){.partitions = CHANGE_PARTITIONS, .replication = -1};
    add_config(standard, "retention.ms", WEEK_MS);
    if (!take_all(r, o, e)) {
        kafka_topic_rules_free(r);
        return false;
    }
    fill_groups(r);
    *ret = r;
    return true;
}

bool kafka_topic_rules_find(const KafkaTopicRules *r, const char *topic, KafkaTopicSpec *ret) {
    Str name = str_from(topic);
    if (!r->is_enabled) return false;
    for (size_t i = 0; i < r->count; i++) {
        const Group *g = &r->groups[i];
        bool is_default = i == r->count - 1;
        if (!is_default && (!regexlist_match(g->include, name) || regexlist_match(g->exclude, name)))
            continue;
        *ret = g->spec;
        return true;
    }
    return false;
}

/* ---- the cluster ---- */

bool kafka_topics_list(rd_kafka_t *rk, int timeout_ms, StrMap *into, Err *e) {
    static char is_there;
    const struct rd_kafka_metadata *meta = NULL;
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, /* all_topics= */ 1, NULL, &meta, timeout_ms);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "the list of topics", NULL, e);
    for (int i = 0; i < meta->topic_cnt; i++)
        if (meta->topics[i].err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            (void)strmap_set(into, str_from(meta->topics[i].topic), &is_there);
    rd_kafka_metadata_destroy(meta);
    return true;
}

/* What became of the one topic asked for. */
static bool read_result(rd_kafka_event_t *event, const char *what, Err *e) {
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    const char *why = rd_kafka_event_error_string(event);
    size_t count = 0;
    const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = code == RD_KAFKA_RESP_ERR_NO_ERROR && result
                                                 ? rd_kafka_CreateTopics_result_topics(result, &count)
                                                 : NULL;
    if (count == 1) {
        code = rd_kafka_topic_result_error(topics[0]);
        why = rd_kafka_topic_result_error_string(topics[0]);
    }
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS ||
           kafka_error(code, what, why, e);
}

static bool fill_new(rd_kafka_NewTopic_t *topic, const KafkaTopicSpec *spec, const char *what, Err *e) {
    for (size_t i = 0; i < spec->config_count; i++) {
        rd_kafka_resp_err_t code =
            rd_kafka_NewTopic_set_config(topic, spec->config[i][0], spec->config[i][1]);
        if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, what, spec->config[i][0], e);
    }
    return true;
}

static bool ask(rd_kafka_t *rk, rd_kafka_NewTopic_t *topic, const char *what, Err *e) {
    char why[ERROR_SIZE];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(rk, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    (void)rd_kafka_AdminOptions_set_request_timeout(options, CREATE_MS, why, sizeof why);
    (void)rd_kafka_AdminOptions_set_operation_timeout(options, ASK_MS, why,
                                                      sizeof why); /* all brokers know */
    rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
    rd_kafka_CreateTopics(rk, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CREATE_MS + ASK_MS);
    bool ok = event ? read_result(event, what, e)
                    : kafka_error(RD_KAFKA_RESP_ERR__TIMED_OUT, what, /* detail= */ NULL, e);
    if (event) rd_kafka_event_destroy(event);
    rd_kafka_queue_destroy(queue);
    rd_kafka_AdminOptions_destroy(options);
    return ok;
}

/* The partitions of the topic, the first ones at most; 0: it isn't seen, or one of them has no leader. */
static int32_t led_partitions(rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t most, int wait_ms) {
    const struct rd_kafka_metadata *m = NULL;
    if (rd_kafka_metadata(rk, /* all_topics= */ 0, topic, &m, wait_ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return 0;
    int32_t count = m->topic_cnt == 1 ? m->topics[0].partition_cnt : 0;
    if (most > 0 && count > most) count = most;
    for (int32_t i = 0; count > 0 && i < m->topics[0].partition_cnt; i++)
        if (m->topics[0].partitions[i].id < count && m->topics[0].partitions[i].leader < 0) count = 0;
    rd_kafka_metadata_destroy(m);
    return count;
}

/* A broker may hear later than others that it leads: it refuses records until then, and answers what it is
 * asked for a partition's end the same way. */
static bool leaders_know(rd_kafka_t *rk, const char *topic, int32_t partitions, int wait_ms) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int32_t i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_END;
    bool ok = rd_kafka_offsets_for_times(rk, list, wait_ms) == RD_KAFKA_RESP_ERR_NO_ERROR;
    for (int i = 0; ok && i < list->cnt; i++) ok = list->elems[i].err == RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    return ok;
}

static int left_ms(int64_t until_us) {
    int64_t ms = (until_us - clock_mono_us()) / 1000;
    return ms > 1 ? (int)ms : 1;
}

bool kafka_topics_await(rd_kafka_t *rk, const char *topic, int32_t most) {
    rd_kafka_topic_t *handle = rd_kafka_topic_new(rk, topic, NULL);
    const int64_t until_us = clock_mono_us() + LEADER_LIMIT_MS * INT64_C(1000);
    bool is_ready = false;
    while (handle && !is_ready && clock_mono_us() < until_us) {
        int32_t led = led_partitions(rk, handle, most, left_ms(until_us));
        is_ready = led > 0 && leaders_know(rk, topic, led, left_ms(until_us));
        if (!is_ready) clock_sleep_ms(LEADER_STEP_MS);
    }
    if (handle) rd_kafka_topic_destroy(handle);
    return is_ready;
}

bool kafka_topics_create(rd_kafka_t *rk, const char *topic, const KafkaTopicSpec *spec, Err *e) {
    char why[ERROR_SIZE] = "";
    CLEANUP_FREE char *what = x_asprintf("making topic %s", topic);
    rd_kafka_NewTopic_t *new =
        rd_kafka_NewTopic_new(topic, spec->partitions, spec->replication, why, sizeof why);
    if (!new) return kafka_error(RD_KAFKA_RESP_ERR__INVALID_ARG, what, why, e);
    bool ok = fill_new(new, spec, what, e) && ask(rk, new, what, e);
    rd_kafka_NewTopic_destroy(new);
    if (ok) (void)kafka_topics_await(rk, topic, /* most= */ 0);
    return ok;
}
