#include "cli/topic_look.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kafka/source_start.h"
#include "postgres/sink_option.h"
#include "sqlserver/precheck.h"
#include "sqlserver/source_settings.h"
#include "worker/check_kafka.h"

static const bool never = false;

static bool is_wanted(const char *only, const char *name) {
    return !only || strcmp(only, name) == 0;
}

/* ---- sources ---- */

bool topic_look_stored(const Pair *part, StoredState *ret, Err *e) {
    const Options *o = part->sink.options;
    const char *database = pair_database(part), *prefix = options_str(part->source.options, "topic.prefix");
    const SourceOffsetsKey key = {str_from(part->pipeline), str_from(prefix ? prefix : ""),
                                  str_from(database ? database : "")};
    SourceOffsets found = {0};
    bool exists = false;
    *ret = (StoredState){0};
    if (!check_kafka_has_topic(o, source_start_topic(o), &exists, e)) return false;
    if (!exists) return true;
    if (!source_start_read(o, &key, source_start_topic(o), &never, &found, e)) return false;
    stored_state_copy(ret, &found.state);
    source_offsets_done(&found);
    return true;
}

static bool ask_server(const Pair *part, TopicViewSource *s, Err *e) {
    SourceSettings settings = {0};
    Odbc *odbc = NULL;
    bool ok = source_settings(part->source.options, &settings, e) &&
              precheck_connect(&settings.target, &odbc, e) && capture_lag_ask(odbc, &s->source.lag, e) &&
              (!s->stored.has_position ||
               capture_lag_behind(odbc, &s->stored.position.commit_lsn, &s->behind_us, e));
    odbc_close(odbc);
    source_settings_done(&settings);
    return ok;
}

static void look_at_source(const Pair *part, TopicViewSource *s) {
    Err e = {0};
    *s = (TopicViewSource){.connector = part->source.name,
                           .database = pair_database(part),
                           .offsets_topic = source_start_topic(part->sink.options),
                           .source = {.was_asked = true},
                           .behind_us = -1};
    if (!topic_look_stored(part, &s->stored, &e)) (void)snprintf(s->why, sizeof s->why, "%s", e.msg);
    if (!ask_server(part, s, &e)) (void)snprintf(s->source.why, sizeof s->source.why, "%s", e.msg);
}

/* ---- sinks ---- */

/* Whether the sink's transforms may call a topic by another name; unwrapping doesn't. */
static bool may_rename(const Options *o) {
    static const char suffix[] = ".type", unwrap[] = "io.debezium.transforms.ExtractNewRecordState";
    const char *key = NULL, *value = NULL;
    for (size_t at = 0; options_next(o, "transforms.*", &at, &key, &value);)
        if (str_ends(str_from(key), str_from(suffix)) && strcmp(value, unwrap) != 0) return true;
    return false;
}

static bool ask_target(const TopicRunSink *sink, TopicViewSink *s, Err *e) {
    Metrics *metrics = metrics_new();
    const ConnectorContext context = {
        .name = sink->name, .has_topics = true, .metrics = metrics, .is_stopping = &never};
    SinkConfig *config = NULL;
    PgConn *conn = NULL;
    bool ok = sink_config_new(sink->options, &context, &config, e);
    if (ok) {
        const PgConnSpec spec = sink_config_conn(config);
        ok = pgconn_open(&spec, &conn, e) && pgconn_exec(conn, "SET default_transaction_read_only = on", e) &&
             topic_status_read(conn, sink->name, may_rename(sink->options) ? NULL : config->rules.names,
                               &s->target, e);
    }
    pgconn_close(conn);
    sink_config_free(config);
    metrics_free(metrics);
    return ok;
}

static void look_at_sink(const TopicRunSink *sink, TopicViewSink *s) {
    const GroupLagSpec spec = {.connector = sink->name, .options = sink->options, .looks_into = true};
    Err e = {0};
    *s = (TopicViewSink){.connector = sink->name};
    if (!group_lag_ask(&spec, &s->lag, &e)) (void)snprintf(s->why_group, sizeof s->why_group, "%s", e.msg);
    if (!ask_target(sink, s, &e)) (void)snprintf(s->why_target, sizeof s->why_target, "%s", e.msg);
}

void topic_look(const TopicRun *run, const char *only, TopicView *ret) {
    TopicView v = {0};
    size_t parts = 0;
    for (size_t i = 0; i < run->source_count; i++) parts += pair_parts(&run->sources[i]);
    v.sources = x_calloc(parts + 1, sizeof *v.sources);
    v.sinks = x_calloc(run->sink_count + 1, sizeof *v.sinks);
    for (size_t i = 0; i < run->source_count; i++)
        for (size_t k = 0; is_wanted(only, run->sources[i].source.name) && k < pair_parts(&run->sources[i]);
             k++) {
            const Pair part = pair_part(&run->sources[i], k);
            look_at_source(&part, &v.sources[v.source_count++]);
        }
    for (size_t i = 0; i < run->sink_count; i++)
        if (is_wanted(only, run->sinks[i].name)) look_at_sink(&run->sinks[i], &v.sinks[v.sink_count++]);
    v.now_us = clock_wall_us();
    *ret = v;
}
