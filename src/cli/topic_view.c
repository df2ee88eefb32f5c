#include "cli/topic_view.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "cli/status_text.h"

enum { NUMBER_COLUMNS = 13 };

void topic_view_done(TopicView *v) {
    for (size_t i = 0; i < v->source_count; i++) stored_state_done(&v->sources[i].stored);
    for (size_t i = 0; i < v->sink_count; i++) {
        group_lag_done(&v->sinks[i].lag);
        topic_status_done(&v->sinks[i].target);
    }
    free(v->sources);
    free(v->sinks);
    *v = (TopicView){0};
}

/* ---- judging ---- */

const char *topic_view_source_state(const TopicViewSource *s) {
    if (s->why[0]) return "unknown";
    if (s->stored.is_paused) return "paused";
    if (!s->stored.has_position && s->stored.table_count == 0) return "not started";
    return s->stored.is_snapshot_done ? "streaming" : "copying";
}

const char *topic_view_sink_state(const TopicViewSink *s) {
    if (s->why_group[0] || !s->lag.knows_members) return "unknown";
    if (group_lag_members(&s->lag, /* is_ours= */ false) > 0) return "foreign";
    return s->lag.member_count > 0 ? "running" : "stopped";
}

bool topic_view_is_healthy(const TopicView *v) {
    for (size_t i = 0; i < v->source_count; i++) {
        const TopicViewSource *s = &v->sources[i];
        if (s->why[0] || s->source.why[0] || strcmp(topic_view_source_state(s), "not started") == 0)
            return false;
    }
    for (size_t i = 0; i < v->sink_count; i++) {
        const TopicViewSink *s = &v->sinks[i];
        if (s->why_target[0] || strcmp(topic_view_sink_state(s), "running") != 0) return false;
    }
    return v->source_count + v->sink_count > 0;
}

/* A topic's partitions, which lie together, in one. */
typedef struct Topic {
    const char *name;
    int64_t partitions, ahead, oldest_ms;
    const TopicStatus *written; /* NULL = nothing is stored of it */
} Topic;

static size_t next_topic(const TopicViewSink *s, size_t at, Topic *ret) {
    const GroupPart *parts = s->lag.parts;
    *ret = (Topic){
        .name = parts[at].topic, .oldest_ms = -1, .written = topic_status_find(&s->target, parts[at].topic)};
    for (; at < s->lag.part_count && strcmp(parts[at].topic, ret->name) == 0; at++) {
        int64_t oldest = parts[at].oldest_ms;
        ret->partitions++;
        ret->ahead += parts[at].ahead;
        if (oldest >= 0 && (ret->oldest_ms < 0 || oldest < ret->oldest_ms)) ret->oldest_ms = oldest;
    }
    return at;
}

/* How long the oldest record has waited: 0 = none does, -1 = unknown. */
static int64_t waited_us(const TopicView *v, const Topic *t) {
    if (t->ahead == 0) return 0;
    if (t->oldest_ms < 0) return -1;
    return v->now_us > t->oldest_ms * 1000 ? v->now_us - t->oldest_ms * 1000 : 0;
}

static Topic sum_of(const TopicViewSink *s) {
    Topic all = {.oldest_ms = -1}, one;
    for (size_t at = 0; at < s->lag.part_count;) {
        at = next_topic(s, at, &one);
        all.ahead += one.ahead;
        all.partitions += one.partitions;
        if (one.oldest_ms >= 0 && (all.oldest_ms < 0 || one.oldest_ms < all.oldest_ms))
            all.oldest_ms = one.oldest_ms;
    }
    return all;
}

static const char *table_state(const StoredTable *t) {
    if (t->is_paused) return "paused";
    if (!t->is_done) return t->is_streaming ? "reloading" : "copying";
    return "streaming";
}

/* ---- text ---- */

static void add_source(const TopicViewSource *s, const char *eol, Buf *out) {
    char lsn[LSN_TEXT_SIZE];
    buf_printf(out, "source %s", s->connector);
    if (s->database) buf_printf(out, "  database %s", s->database);
    buf_printf(out, "  %s%s", topic_view_source_state(s), eol);
    if (s->why[0]) buf_printf(out, "  why       %s%s", s->why, eol);
    else if (s->stored.has_position)
        buf_printf(out, "  position  %s, in topic %s%s", lsn_format(&s->stored.position.commit_lsn, lsn),
                   s->offsets_topic, eol);
    status_view_source(&s->source, eol, out);
    if (!s->why[0] && s->stored.has_position && !s->source.why[0]) {
        buf_cstr(out, "  lag       ");
        if (s->behind_us < 0) buf_cstr(out, "all that is captured is in the topics");
        else {
            buf_cstr(out, "captured transactions wait, the first of them committed ");
            status_text_duration(s->behind_us, out);
            buf_cstr(out, " ago");
        }
        buf_cstr(out, eol);
    }
    for (size_t i = 0; i < s->stored.table_count; i++) {
        const StoredTable *t = &s->stored.tables[i];
        buf_printf(out, "  %s.%s  %s", t->schema, t->table, table_state(t));
        if (!t->is_done) buf_printf(out, ", %u chunks done", (unsigned)t->chunks_done);
        buf_cstr(out, eol);
    }
}

static void add_group(const TopicViewSink *s, const char *eol, Buf *out) {
    buf_printf(out, "  group     %s", s->lag.group);
    if (s->lag.knows_members)
        buf_printf(out, ", %zu live member%s", s->lag.member_count, s->lag.member_count == 1 ? "" : "s");
    else if (s->lag.why_no_members.code != ERR_OK)
        buf_printf(out, ", its members aren't told: %s", s->lag.why_no_members.msg);
    buf_cstr(out, eol);
    for (size_t i = 0; i < s->lag.member_count; i++)
        if (!s->lag.members[i].is_ours)
            buf_printf(out, "  another program's member: '%s' at %s%s", s->lag.members[i].client,
                       s->lag.members[i].host, eol);
}

static void add_lag(const TopicView *v, const TopicViewSink *s, const char *eol, Buf *out) {
    Topic all = sum_of(s);
    if (all.ahead == 0) {
        buf_printf(out, "  lag       all records are written%s", eol);
        return;
    }
    buf_cstr(out, "  lag       about ");
    status_text_number(all.ahead, 0, out);
    buf_cstr(out, " records wait, the oldest was written ");
    status_text_duration(waited_us(v, &all), out);
    buf_printf(out, " ago%s", eol);
}

static void add_topic(const TopicView *v, const Topic *t, int columns, const char *eol, Buf *out) {
    CLEANUP(buf_done) Buf waited = {0};
    if (t->ahead == 0) buf_cstr(&waited, "-");
    else status_text_duration(waited_us(v, t), &waited);
    buf_printf(out, "  %-*s", columns, t->name);
    status_text_number(t->partitions, 11, out);
    status_text_number(t->ahead, NUMBER_COLUMNS, out);
    buf_printf(out, "%12s  ", buf_text(&waited));
    status_text_time(t->written ? t->written->last_us : 0, out);
    if (t->written && t->written->table) {
        if (!t->written->last_us) buf_printf(out, "%18s", "");
        status_text_number(t->written->rows, NUMBER_COLUMNS, out);
        buf_printf(out, "  %s", t->written->table);
    }
    buf_cstr(out, eol);
}

static void add_sink(const TopicView *v, const TopicViewSink *s, const char *eol, Buf *out) {
    int columns = 5;
    buf_printf(out, "sink %s  %s%s", s->connector, topic_view_sink_state(s), eol);
    if (s->why_group[0]) buf_printf(out, "  why       %s%s", s->why_group, eol);
    if (s->why_target[0]) buf_printf(out, "  target    could not be asked: %s%s", s->why_target, eol);
    if (s->why_group[0]) return;
    add_group(s, eol, out);
    if (s->lag.part_count == 0) {
        buf_printf(out, "  none of its topics is there, or shown to this user%s", eol);
        return;
    }
    add_lag(v, s, eol, out);
    for (size_t i = 0; i < s->lag.part_count; i++)
        if ((int)strlen(s->lag.parts[i].topic) > columns) columns = (int)strlen(s->lag.parts[i].topic);
    buf_printf(out, "%s  %-*s%11s%*s%12s  %-19s%*s  table%s", eol, columns, "topic", "partitions",
               NUMBER_COLUMNS, "records wait", "since", "last write (UTC)", NUMBER_COLUMNS, "rows, about",
               eol);
    for (size_t at = 0; at < s->lag.part_count;) {
        Topic t;
        at = next_topic(s, at, &t);
        add_topic(v, &t, columns, eol, out);
    }
}

void topic_view_text(const TopicView *v, const char *eol, Buf *out) {
    for (size_t i = 0; i < v->source_count; i++) {
        if (i > 0) buf_cstr(out, eol);
        add_source(&v->sources[i], eol, out);
    }
    for (size_t i = 0; i < v->sink_count; i++) {
        if (i + v->source_count > 0) buf_cstr(out, eol);
        add_sink(v, &v->sinks[i], eol, out);
    }
}

/* ---- JSON ---- */

static json_t *stored_table_json(const StoredTable *t) {
    CLEANUP_FREE char *name = x_asprintf("%s.%s", t->schema, t->table);
    json_t *o = json_object();
    status_text_set(o, "table", name);
    status_text_set(o, "state", table_state(t));
    status_text_set_number(o, "chunks_done", t->chunks_done, true);
    return o;
}

static json_t *source_json(const TopicViewSource *s) {
    char lsn[LSN_TEXT_SIZE];
    json_t *o = json_object(), *tables = json_array();
    for (size_t i = 0; i < s->stored.table_count; i++)
        json_array_append_new(tables, stored_table_json(&s->stored.tables[i]));
    status_text_set(o, "connector", s->connector);
    status_text_set(o, "database", s->database);
    status_text_set(o, "state", topic_view_source_state(s));
    status_text_set(o, "why", s->why[0] ? s->why : NULL);
    status_text_set(o, "offsets_topic", s->offsets_topic);
    status_text_set(o, "position",
                    s->stored.has_position ? lsn_format(&s->stored.position.commit_lsn, lsn) : NULL);
    bool knows = !s->why[0] && !s->source.why[0] && s->stored.has_position;
    status_text_set_seconds(o, "behind_s", !knows ? -1 : s->behind_us < 0 ? 0 : s->behind_us);
    json_object_set_new(o, "source", status_view_source_json(&s->source));
    json_object_set_new(o, "tables", tables);
    return o;
}

static json_t *topic_json(const TopicView *v, const Topic *t) {
    json_t *o = json_object();
    bool has_table = t->written && t->written->table;
    status_text_set(o, "topic", t->name);
    status_text_set_number(o, "partitions", t->partitions, true);
    status_text_set_number(o, "ahead", t->ahead, true);
    status_text_set_seconds(o, "behind_s", waited_us(v, t));
    status_text_set_time(o, "last_write", t->written ? t->written->last_us : 0);
    status_text_set(o, "table", has_table ? t->written->table : NULL);
    status_text_set_number(o, "rows", has_table ? t->written->rows : 0, has_table);
    return o;
}

static json_t *sink_json(const TopicView *v, const TopicViewSink *s) {
    json_t *o = json_object(), *topics = json_array();
    Topic all = sum_of(s);
    for (size_t at = 0; at < s->lag.part_count;) {
        Topic t;
        at = next_topic(s, at, &t);
        json_array_append_new(topics, topic_json(v, &t));
    }
    bool knows = !s->why_group[0];
    status_text_set(o, "connector", s->connector);
    status_text_set(o, "state", topic_view_sink_state(s));
    status_text_set(o, "why", s->why_group[0] ? s->why_group : NULL);
    status_text_set(o, "target_error", s->why_target[0] ? s->why_target : NULL);
    status_text_set(o, "group", s->lag.group);
    status_text_set_number(o, "members", (int64_t)s->lag.member_count, knows && s->lag.knows_members);
    status_text_set_number(o, "ahead", all.ahead, knows);
    status_text_set_seconds(o, "behind_s", knows ? waited_us(v, &all) : -1);
    json_object_set_new(o, "topics", topics);
    return o;
}

void topic_view_json(const TopicView *v, Buf *out) {
    json_t *o = json_object(), *sources = json_array(), *sinks = json_array();
    for (size_t i = 0; i < v->source_count; i++) json_array_append_new(sources, source_json(&v->sources[i]));
    for (size_t i = 0; i < v->sink_count; i++) json_array_append_new(sinks, sink_json(v, &v->sinks[i]));
    status_text_set_time(o, "now", v->now_us);
    json_object_set_new(o, "healthy", json_boolean(topic_view_is_healthy(v)));
    json_object_set_new(o, "sources", sources);
    json_object_set_new(o, "sinks", sinks);
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    buf_printf(out, "%s\n", text ? text : "{}");
}
