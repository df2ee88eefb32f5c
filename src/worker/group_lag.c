/*
 * A consumer of the group that subscribes to nothing is no member of it: it may ask for the group's commits,
 * and be given partitions by hand to read their first records.
 *
 * An end is where the next record will stand, and the mark of a transaction takes an offset as a record does:
 * behind the last record of a topic that a transaction wrote there is one that nobody commits. So a partition
 * whose committed offset isn't its end is looked into; where no record comes before the end, nothing waits.
 */
#include "worker/group_lag.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "transform/java_regex.h"
#include "transport/kafka_config.h"
#include "transport/kafka_error.h"
#include "transport/kafka_subscription.h"
#include "worker/sink_conf.h"

enum { ASK_MS = 10000, SLICE_MS = 100, NAME = 256 };

void group_lag_done(GroupLag *g) {
    for (size_t i = 0; i < g->member_count; i++) {
        free(g->members[i].client);
        free(g->members[i].host);
    }
    for (size_t i = 0; i < g->part_count; i++) free(g->parts[i].topic);
    free(g->members);
    free(g->parts);
    free(g->group);
    *g = (GroupLag){0};
}

size_t group_lag_members(const GroupLag *g, bool is_ours) {
    size_t n = 0;
    for (size_t i = 0; i < g->member_count; i++) n += g->members[i].is_ours == is_ours;
    return n;
}

GroupPart *group_lag_part(const GroupLag *g, const char *topic, int32_t partition) {
    for (size_t i = 0; i < g->part_count; i++)
        if (g->parts[i].partition == partition && strcmp(g->parts[i].topic, topic) == 0) return &g->parts[i];
    return NULL;
}

/* ---- members ---- */

static void take_members(GroupLag *g, const struct rd_kafka_group_info *info) {
    g->members = x_calloc((size_t)info->member_cnt + 1, sizeof *g->members);
    for (int i = 0; i < info->member_cnt; i++) {
        const char *client = info->members[i].client_id, *host = info->members[i].client_host;
        GroupMember *m = &g->members[g->member_count++];
        *m = (GroupMember){.client = x_strdup(client ? client : ""), .host = x_strdup(host ? host : "?")};
        m->is_ours = strncmp(m->client, SINK_CONF_OWN_PREFIX, sizeof SINK_CONF_OWN_PREFIX - 1) == 0;
    }
}

static void ask_members(rd_kafka_t *rk, GroupLag *g) {
    const struct rd_kafka_group_list *list = NULL;
    rd_kafka_resp_err_t code = rd_kafka_list_groups(rk, g->group, &list, ASK_MS);
    g->knows_members = code == RD_KAFKA_RESP_ERR_NO_ERROR;
    if (!g->knows_members) {
        if (code != RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE)
            (void)kafka_error(code, "the group's members", NULL, &g->why_no_members);
        return;
    }
    if (list->group_cnt > 0) take_members(g, &list->groups[0]);
    rd_kafka_group_list_destroy(list);
}

/* ---- partitions ---- */

static bool is_wanted(const TextList *names, JavaRegex *regex, const char *topic) {
    if (regex && kafka_subscription_takes(regex, str_from(topic))) return true;
    for (size_t i = 0; names && i < names->count; i++)
        if (strcmp(names->items[i], topic) == 0) return true;
    return false;
}

static void add_parts(const rd_kafka_metadata_topic_t *t, rd_kafka_topic_partition_list_t *list) {
    for (int k = 0; k < t->partition_cnt; k++)
        rd_kafka_topic_partition_list_add(list, t->topic, t->partitions[k].id);
}

static bool add_wanted(const Options *o, const struct rd_kafka_metadata *meta,
                       rd_kafka_topic_partition_list_t *list, Err *e) {
    const char *text = options_str(o, "topics.regex");
    JavaRegex *regex = NULL;
    if (text && *text && !java_regex_new(text, /* replacement= */ NULL, &regex, e))
        return err_wrap(e, "topics.regex");
    for (int i = 0; i < meta->topic_cnt; i++)
        if (is_wanted(options_list(o, "topics"), regex, meta->topics[i].topic))
            add_parts(&meta->topics[i], list);
    java_regex_free(regex);
    rd_kafka_topic_partition_list_sort(list, NULL, NULL);
    return true;
}

/* Of the topics that are there: to be asked for by name makes some brokers make them. */
static bool list_parts(rd_kafka_t *rk, const GroupLagSpec *spec, rd_kafka_topic_partition_list_t *list,
                       Err *e) {
    const struct rd_kafka_metadata *meta = NULL;
    if (spec->seen) return add_wanted(spec->options, spec->seen, list, e);
    rd_kafka_resp_err_t code = rd_kafka_metadata(rk, /* all_topics= */ 1, NULL, &meta, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "asking the cluster", NULL, e);
    bool ok = add_wanted(spec->options, meta, list, e);
    rd_kafka_metadata_destroy(meta);
    return ok;
}

static bool ask_ends(rd_kafka_t *rk, GroupPart *p, Err *e) {
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(rk, p->topic, p->partition, &p->low, &p->end, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return true;
    (void)kafka_error(code, "its ends", /* detail= */ NULL, e);
    return err_wrap(e, "%s-%d", p->topic, (int)p->partition);
}

/* A partition whose offset couldn't be told isn't one without. */
static bool ask_offsets(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list, GroupLag *g, Err *e) {
    rd_kafka_resp_err_t code = rd_kafka_committed(rk, list, ASK_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "the group's offsets", NULL, e);
    if (!kafka_error_none_in(list, "the group's offset", e)) return false;
    g->parts = x_calloc((size_t)list->cnt + 1, sizeof *g->parts);
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *p = &list->elems[i];
        GroupPart *part = &g->parts[g->part_count++];
        *part = (GroupPart){.topic = x_strdup(p->topic),
                            .partition = p->partition,
                            .committed = p->offset >= 0 ? p->offset : -1,
                            .oldest_ms = -1};
        if (!ask_ends(rk, part, e)) return false;
        int64_t from = part->committed > part->low ? part->committed : part->low;
        part->ahead = part->end > from ? part->end - from : 0;
    }
    return true;
}

/* ---- the first records that wait ---- */

/* A record, or the end; both tell. True: the first word of that partition. */
static bool take_first(GroupLag *g, const rd_kafka_message_t *m) {
    GroupPart *part = m->rkt ? group_lag_part(g, rd_kafka_topic_name(m->rkt), m->partition) : NULL;
    bool is_end = m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    if (!part || part->is_looked_into || (m->err && !is_end)) return false;
    part->is_looked_into = true;
    part->ahead = is_end || m->offset >= part->end ? 0 : part->end - m->offset;
    if (part->ahead > 0) part->oldest_ms = rd_kafka_message_timestamp(m, NULL);
    return true;
}

static bool look_into(rd_kafka_t *rk, GroupLag *g, Err *e) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    for (size_t i = 0; i < g->part_count; i++) {
        GroupPart *p = &g->parts[i];
        p->is_looked_into = p->ahead == 0;
        if (p->ahead > 0)
            rd_kafka_topic_partition_list_add(list, p->topic, p->partition)->offset = p->end - p->ahead;
    }
    int left = list->cnt;
    rd_kafka_resp_err_t code = left > 0 ? rd_kafka_assign(rk, list) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_topic_partition_list_destroy(list);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return kafka_error(code, "reading what waits", NULL, e);
    for (int64_t until_us = clock_mono_us() + ASK_MS * 1000; left > 0 && clock_mono_us() < until_us;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, SLICE_MS);
        if (m && take_first(g, m)) left--;
        if (m) rd_kafka_message_destroy(m);
    }
    return true; /* what didn't answer in time is told by its offsets */
}

/* ---- asking ---- */

static bool open_client(const GroupLagSpec *spec, rd_kafka_t **ret, GroupLag *g, Err *e) {
    SinkConsumerConf made = {0};
    char group[NAME] = "", why[NAME] = "";
    if (!sink_conf_consumer(spec->options, spec->connector, /* task= */ 0, NULL, &made, e)) return false;
    (void)kafka_conf_get(made.conf, "group.id", group, sizeof group);
    g->group = x_strdup(group);
    if (kafka_conf_set(made.conf, "enable.partition.eof", "true", e) &&
        kafka_conf_set(made.conf, "queued.min.messages", "1", e)) {
        *ret = rd_kafka_new(RD_KAFKA_CONSUMER, made.conf, why, sizeof why);
        if (*ret) return true;
        (void)err_set(e, ERR_INVALID, false, "Kafka consumer: %s", why);
    }
    rd_kafka_conf_destroy(made.conf);
    return false;
}

bool group_lag_ask(const GroupLagSpec *spec, GroupLag *ret, Err *e) {
    GroupLag g = {0};
    rd_kafka_t *rk = NULL;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(8);
    bool ok = open_client(spec, &rk, &g, e) && list_parts(rk, spec, list, e);
    if (ok) ask_members(rk, &g);
    ok = ok && ask_offsets(rk, list, &g, e) && (!spec->looks_into || look_into(rk, &g, e));
    rd_kafka_topic_partition_list_destroy(list);
    if (rk) rd_kafka_destroy(rk);
    if (ok) *ret = g;
    else group_lag_done(&g);
    return ok;
}
