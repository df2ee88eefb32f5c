/*
 * librdkafka's expressions are POSIX's, users' are Java's: so the cluster's topics are matched here, and
 * librdkafka gets names. Each member of a group looks for itself; the group gives a topic's partitions to
 * those that have subscribed to it, and again once others have.
 *
 * A broker that has just started may answer before it has learned its topics: one look that doesn't show a
 * topic proves nothing. So what is subscribed to is what this look and the last one showed.
 */
#include "transport/kafka_subscription.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "transport/kafka_error.h"
#include "transport/kafka_topics.h"

enum { BEGIN_MS = 10000, LOOK_MS = 1000 };

struct KafkaSubscription {
    const TextList *names; /* borrowed */
    JavaRegex *regex;      /* NULL = names count */
    char *expression;
    StrMap *seen;       /* by the last look; values mean nothing */
    StrMap *subscribed; /* likewise */
    int64_t every_us;   /* < 0: never again */
    int64_t next_us;
};

static char present; /* a value that isn't NULL */

static bool is_kafka_s_own(Str topic) {
    return str_eq_c(topic, "__consumer_offsets") || str_eq_c(topic, "__transaction_state") ||
           str_eq_c(topic, "__share_group_state");
}

bool kafka_subscription_takes(JavaRegex *regex, Str topic) {
    Str whole;
    return !is_kafka_s_own(topic) && java_regex_route(regex, topic, &whole);
}

bool kafka_subscription_new(const TextList *names, const char *regex, int64_t look_ms,
                            KafkaSubscription **ret, Err *e) {
    JavaRegex *compiled = NULL;
    bool has_regex = regex && *regex;
    if (has_regex && !java_regex_new(regex, /* replacement= */ NULL, &compiled, e))
        return err_wrap(e, "topics.regex");
    KafkaSubscription *s = x_calloc(1, sizeof *s);
    s->names = names;
    s->regex = compiled;
    s->expression = has_regex ? x_strdup(regex) : NULL;
    s->seen = strmap_new(/* ignore_case= */ false);
    s->subscribed = strmap_new(/* ignore_case= */ false);
    s->every_us = look_ms < 0 ? -1 : look_ms * 1000;
    *ret = s;
    return true;
}

KafkaSubscription *kafka_subscription_free(KafkaSubscription *s) {
    if (!s) return NULL;
    java_regex_free(s->regex);
    free(s->expression);
    strmap_free(s->seen);
    strmap_free(s->subscribed);
    free(s);
    return NULL;
}

size_t kafka_subscription_count(const KafkaSubscription *s) {
    return strmap_count(s->subscribed);
}

/* ---- librdkafka ---- */

static bool subscribe(rd_kafka_t *rk, const StrMap *names, Err *e) {
    Str name;
    void *unused;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)strmap_count(names));
    for (size_t at = 0; strmap_next(names, &at, &name, &unused);) {
        CLEANUP_FREE char *topic = str_dup(name);
        rd_kafka_topic_partition_list_add(list, topic, RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t code = list->cnt > 0 ? rd_kafka_subscribe(rk, list) : rd_kafka_unsubscribe(rk);
    rd_kafka_topic_partition_list_destroy(list);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR || kafka_error(code, "subscribing", /* detail= */ NULL, e);
}

/* ---- looks ---- */

/* *ret is the caller's. */
static bool find(KafkaSubscription *s, rd_kafka_t *rk, int timeout_ms, StrMap **ret, Err *e) {
    Str name;
    void *unused;
    StrMap *all = strmap_new(/* ignore_case= */ false), *found = strmap_new(/* ignore_case= */ false);
    bool ok = kafka_topics_list(rk, timeout_ms, all, e);
    for (size_t at = 0; ok && strmap_next(all, &at, &name, &unused);)
        if (kafka_subscription_takes(s->regex, name)) (void)strmap_set(found, name, &present);
    strmap_free(all);
    if (ok && strmap_count(found) > KAFKA_SUBSCRIPTION_TOPICS_MAX)
        ok = err_set(e, ERR_RANGE, false, "topics.regex '%s' matches more than %d topics: narrow it",
                     s->expression, KAFKA_SUBSCRIPTION_TOPICS_MAX);
    if (ok) *ret = found;
    else strmap_free(found);
    return ok;
}

static void add_all(StrMap *to, const StrMap *from) {
    Str name;
    void *unused;
    for (size_t at = 0; strmap_next(from, &at, &name, &unused);) (void)strmap_set(to, name, &present);
}

/* Tell what is in one and not in the other; returns how many. */
static size_t tell(const StrMap *in, const StrMap *not_in, bool is_new) {
    Str name;
    void *unused;
    size_t count = 0;
    for (size_t at = 0; strmap_next(in, &at, &name, &unused);) {
        if (strmap_get(not_in, name)) continue;
        count++;
        CLEANUP_FREE char *topic = str_dup(name);
        if (is_new) LOG_INFO("topic_found", LOG_S("topic", topic));
        else
            LOG_WARN("topic_gone", LOG_S("topic", topic), LOG_S("next", "it is read once it is there again"));
    }
    return count;
}

static bool look(KafkaSubscription *s, rd_kafka_t *rk, int timeout_ms, Err *e) {
    StrMap *found = NULL;
    s->next_us = clock_mono_us() + s->every_us;
    if (!find(s, rk, timeout_ms, &found, e)) return false;
    StrMap *wanted = strmap_new(/* ignore_case= */ false);
    add_all(wanted, found);
    add_all(wanted, s->seen);
    strmap_free(s->seen);
    s->seen = found;
    size_t changes = tell(wanted, s->subscribed, true) + tell(s->subscribed, wanted, false);
    if (changes > 0 && !subscribe(rk, wanted, e)) {
        strmap_free(wanted);
        return false;
    }
    strmap_free(s->subscribed);
    s->subscribed = wanted;
    return true;
}

bool kafka_subscription_begin(KafkaSubscription *s, rd_kafka_t *rk, Err *e) {
    if (s->regex) {
        if (!look(s, rk, BEGIN_MS, e)) return false;
        if (strmap_count(s->subscribed) == 0)
            LOG_WARN("topics_missing", LOG_S("topics.regex", s->expression),
                     LOG_S("why", "it matches no topic that is there, or is shown to this user"),
                     LOG_S("next", "looked for again (metadata.max.age.ms)"));
        return true;
    }
    for (size_t i = 0; i < s->names->count; i++)
        (void)strmap_set(s->subscribed, str_from(s->names->items[i]), &present);
    return subscribe(rk, s->subscribed, e);
}

void kafka_subscription_look(KafkaSubscription *s, rd_kafka_t *rk) {
    Err e = {0};
    if (!s->regex || s->every_us < 0 || clock_mono_us() < s->next_us) return;
    if (!look(s, rk, LOOK_MS, &e))
        LOG_WARN("topics_not_looked_for", LOG_S("why", e.msg), LOG_S("next", "the next look"));
}

/* ---- the end ---- */

/* librdkafka keeps a change of subscription for later while the group is being spread anew. One that is still
 * kept when the consumer is closed is carried out in the midst of that (seen with 2.0.2:
 * rd_kafka_cgrp_destroy_final finds a subscription, and its assertion ends the process). This takes its
 * place. */
void kafka_subscription_end(const KafkaSubscription *s, rd_kafka_t *rk) {
    if (s->regex) (void)rd_kafka_unsubscribe(rk);
}
