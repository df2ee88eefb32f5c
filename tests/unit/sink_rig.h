/*
 * sink_rig.h - what tests of a sink's tasks share: librdkafka's mock cluster, options, and a writer that
 * keeps offsets in memory, as a target would.
 */
#ifndef TESTS_SINK_RIG_H
#define TESTS_SINK_RIG_H

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "config/option_connect.h"
#include "connector/topic_writer_class.h"
#include "kafka_mock.h"
#include "transport/kafka_option.h"
#include "worker/sink_task_option.h"

enum { KEPT_MAX = 8, KEPT_ROWS_MAX = 256 };

/* What the target holds. */
typedef struct Kept {
    bool has_offset;
    int64_t offset, epoch;
} Kept;

static struct {
    pthread_mutex_t lock;
    Kept partitions[KEPT_MAX]; /* by partition: tests have one topic */
    int64_t ids[KEPT_ROWS_MAX];
    size_t row_count;
    int fails;           /* so many puts fail, */
    bool is_in;          /*   after they were written, */
    bool was_lost;       /*   and with the connection, */
    int64_t patience_ms; /* or for a row that waits for so long; 0 = they don't */
    int puts;
    bool has_rival; /* somebody takes each partition right behind us */
    bool is_away;   /* a start fails, */
    int looks;      /*   and with the looks it is seen: it is back */
    bool *stops;    /* set by the first look */
} target = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct TopicWriter {
    bool is_open;
};

static inline bool kept_start(const Options *options, const ConnectorContext *context, TopicWriter **ret,
                              Err *e) {
    (void)options;
    assert_true(context->has_topics);
    if (target.is_away) return err_set(e, ERR_IO, true, "nobody there");
    *ret = x_calloc(1, sizeof **ret);
    (*ret)->is_open = true;
    return true;
}

static inline const char *kept_target(const TopicWriter *w) {
    (void)w;
    return "mem-1";
}

static inline bool kept_read(TopicWriter *w, TopicOffset *offsets, size_t count, bool owns) {
    pthread_mutex_lock(&target.lock);
    w->is_open = true;
    for (size_t i = 0; i < count; i++) {
        Kept *k = &target.partitions[offsets[i].partition];
        if (owns) k->epoch++;
        offsets[i].has_offset = k->has_offset;
        offsets[i].offset = k->offset;
        offsets[i].epoch = k->epoch;
        if (owns && target.has_rival) k->epoch++;
    }
    pthread_mutex_unlock(&target.lock);
    return true;
}

static inline bool kept_own(TopicWriter *w, TopicOffset *offsets, size_t count, Err *e) {
    (void)e;
    return kept_read(w, offsets, count, true);
}

static inline bool kept_look(TopicWriter *w, TopicOffset *offsets, size_t count, Err *e) {
    (void)e;
    return kept_read(w, offsets, count, false);
}

static inline bool kept_write(const TopicPut *put, Err *e) {
    for (size_t i = 0; i < put->move_count; i++) {
        const TopicMove *m = &put->moves[i];
        const Kept *k = &target.partitions[m->partition];
        if (k->epoch != m->epoch || k->has_offset != m->has_old || (m->has_old && k->offset != m->old))
            return err_set(e, ERR_FENCED, false, "another owner");
    }
    for (size_t i = 0; i < put->move_count; i++) {
        Kept *k = &target.partitions[put->moves[i].partition];
        k->has_offset = true;
        k->offset = put->moves[i].new;
    }
    for (size_t i = 0; i < put->count && target.row_count < KEPT_ROWS_MAX; i++)
        target.ids[target.row_count++] = change_row(&put->changes[i])[0].v.i;
    return true;
}

static inline bool kept_put(TopicWriter *w, const TopicPut *put, Err *e) {
    pthread_mutex_lock(&target.lock);
    bool fails = put->count > 0 && target.fails > 0, ok = true;
    target.puts++;
    if (fails) target.fails--;
    if (!fails || target.is_in) ok = kept_write(put, e);
    if (fails) {
        w->is_open = !target.was_lost;
        ok = err_set(e, ERR_IO, true, "connection lost");
        if (target.patience_ms > 0) e->retry_until_us = clock_mono_us() + target.patience_ms * 1000;
    }
    pthread_mutex_unlock(&target.lock);
    return ok;
}

static inline bool kept_is_open(const TopicWriter *w) {
    return w->is_open;
}

static inline TopicWriter *kept_stop(TopicWriter *w) {
    free(w);
    return NULL;
}

/* Gone at the first look. */
static inline bool kept_answers(const Options *options, const ConnectorContext *context) {
    (void)options;
    assert_true(context->has_topics);
    if (target.stops) __atomic_store_n(target.stops, true, __ATOMIC_RELEASE);
    if (target.looks++ == 0) return false;
    target.is_away = false;
    return true;
}

static const OptionDef kept_options[] = {
    {.key = "max.retries", .type = OPTION_INT, .standard = "5", .min = -1, .max = 100},
    {.key = "retry.backoff.ms", .type = OPTION_DURATION, .standard = "20"},
    {.key = "delete.enabled", .type = OPTION_BOOL, .standard = "false"},
    {.key = "table.name.format", .type = OPTION_STRING, .standard = "${topic}"},
    {.key = "fields.whitelist", .type = OPTION_LIST},
    {.key = "field.include.list", .type = OPTION_LIST},
    {.key = "field.exclude.list", .type = OPTION_LIST},
};

static const TopicWriterClass kept_class = {
    .options = kept_options,
    .option_count = sizeof kept_options / sizeof *kept_options,
    .start = kept_start,
    .target = kept_target,
    .own = kept_own,
    .look = kept_look,
    .put = kept_put,
    .is_open = kept_is_open,
    .stop = kept_stop,
    .answers = kept_answers,
};

typedef struct SinkRig {
    KafkaMock mock;
    Props *props;
    Options *options;
    Metrics *metrics;
} SinkRig;

/* settings: pairs, NULL-terminated. */
static inline void sink_rig_open(SinkRig *r, const char *const (*settings)[2]) {
    *r = (SinkRig){.props = props_new(), .metrics = metrics_new()};
    kafka_mock_open(&r->mock, "t", 2);
    for (size_t i = 0; i < KEPT_MAX; i++) target.partitions[i] = (Kept){0};
    target.row_count = 0;
    target.fails = target.puts = target.looks = 0;
    target.is_away = false;
    target.patience_ms = 0;
    target.stops = NULL;
    props_set(r->props, "name", STR_LIT("s"), "sink.json", 0);
    props_set(r->props, "connector.class", STR_LIT("x"), "sink.json", 0);
    props_set(r->props, "topics", STR_LIT("t"), "sink.json", 0);
    props_set(r->props, "bootstrap.servers", str_from(rd_kafka_mock_cluster_bootstraps(r->mock.cluster)), "w",
              0);
    for (; (*settings)[0]; settings++)
        props_set(r->props, (*settings)[0], str_from((*settings)[1]), "sink.json", 0);
    const OptionTable tables[] = {sink_task_option_table(),
                                  kafka_option_worker_table(),
                                  {kept_class.options, kept_class.option_count},
                                  option_connect_table()};
    Err e = {0};
    if (!options_parse_tables(tables, 4, r->props, &r->options, &e)) fail_msg("%s", e.msg);
}

static inline void sink_rig_close(SinkRig *r) {
    options_free(r->options);
    props_free(r->props);
    metrics_free(r->metrics);
    kafka_mock_close(&r->mock);
}

#endif
