#include "cli/status_view.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/status_text.h"

/* ---- judging ---- */

/* LSNs' texts sort as they do. */
static int64_t lag_between(const StatusMark *ahead, const StatusMark *behind) {
    if (!ahead->lsn || !behind->lsn) return -1;
    if (strcmp(ahead->lsn, behind->lsn) <= 0) return 0;
    if (!ahead->commit_us || !behind->commit_us) return -1;
    return ahead->commit_us > behind->commit_us ? ahead->commit_us - behind->commit_us : 0;
}

StatusLag status_view_lag(const StatusPipeline *p) {
    StatusLag lag = {.capture_us = -1,
                     .read_us = lag_between(&p->captured, &p->read),
                     .apply_us = lag_between(&p->read, &p->applied)};
    if (p->source_us && p->captured.commit_us) {
        lag.capture_us = p->source_us - p->captured.commit_us;
        if (lag.capture_us < 0) lag.capture_us = 0; /* commit times are rounded to 1/300 s */
    }
    /* Idle from its start on: nothing was read, as nothing was captured beyond what the target has. */
    if (!p->read.lsn && lag_between(&p->captured, &p->applied) == 0) lag.read_us = lag.apply_us = 0;
    return lag;
}

const char *status_view_state(const StatusPipeline *p) {
    return status_is_stale(p) ? "stale" : p->state;
}

bool status_view_is_healthy(const StatusPipeline *p) {
    return !status_is_stale(p) && strcmp(p->state, "failed") != 0 && strcmp(p->state, "waiting") != 0;
}

static const char *table_state(const StatusPipeline *p, const StatusTable *t) {
    if (!t->is_done) return t->is_streaming ? "reloading" : "copying";
    return strcmp(p->state, "copying") == 0 ? "copied" : "streaming";
}

static int percent(const StatusTable *t) {
    if (t->is_done) return 100;
    if (t->expected <= 0) return -1;
    int64_t n = t->copied * 100 / t->expected;
    return n > 99 ? 99 : (int)n;
}

/* ---- text ---- */

enum { NUMBER_COLUMNS = 13 };

static void add_mark(const char *what, const StatusMark *m, int64_t now_us, const char *eol, Buf *out) {
    buf_printf(out, "  %-9s %s", what, m->lsn ? m->lsn : "not known yet");
    if (m->commit_us) {
        buf_cstr(out, "  committed ");
        status_text_time(m->commit_us, out);
        buf_cstr(out, " UTC, ");
        status_text_duration(now_us > m->commit_us ? now_us - m->commit_us : 0, out);
        buf_cstr(out, " ago");
    }
    buf_cstr(out, eol);
}

void status_view_source(const StatusSource *s, const char *eol, Buf *out) {
    char lsn[LSN_TEXT_SIZE];
    if (!s || !s->was_asked) return;
    buf_cstr(out, "  source    ");
    if (s->why[0]) {
        buf_printf(out, "could not be asked: %s%s", s->why, eol);
        return;
    }
    if (s->lag.max_age_us < 0) buf_cstr(out, "nothing is captured yet");
    else {
        buf_printf(out, "captured %s, committed ", lsn_format(&s->lag.max_lsn, lsn));
        status_text_duration(s->lag.max_age_us, out);
        buf_cstr(out, " ago");
    }
    if (s->lag.has_scan)
        buf_printf(out, "; capture job: %lld s from commit to capture, last scan %lld s ago",
                   (long long)s->lag.scan_latency_s, (long long)s->lag.scan_age_s);
    buf_cstr(out, eol);
}

static void add_lag(const StatusPipeline *p, const char *eol, Buf *out) {
    StatusLag lag = status_view_lag(p);
    buf_cstr(out, "  lag       capture ");
    if (lag.capture_us >= 0) buf_cstr(out, "at most ");
    status_text_duration(lag.capture_us, out);
    buf_cstr(out, ", read ");
    status_text_duration(lag.read_us, out);
    buf_cstr(out, ", apply ");
    status_text_duration(lag.apply_us, out);
    buf_cstr(out, eol);
}

static void add_head(const StatusPipeline *p, const char *eol, Buf *out) {
    buf_printf(out, "%s", p->pipeline);
    if (p->database[0]) buf_printf(out, "  database %s", p->database);
    buf_printf(out, "  %s", status_view_state(p));
    if (status_is_stale(p) && p->heartbeat_age_us >= 0) buf_printf(out, " (was %s)", p->state);
    if (p->lanes > 1) buf_printf(out, "  %d lanes", p->lanes);
    buf_cstr(out, eol);
    if (p->heartbeat_age_us >= 0) {
        buf_printf(out, "  process   %lld on %s, millrace %s, started ", (long long)p->process_id,
                   p->host ? p->host : "?", p->version ? p->version : "?");
        status_text_time(p->started_us, out);
        buf_cstr(out, " UTC, last sign of life ");
        status_text_duration(p->heartbeat_age_us, out);
        buf_printf(out, " ago%s", eol);
    }
    if (p->why) buf_printf(out, "  why       %s%s", p->why, eol);
}

static void add_table(const StatusPipeline *p, const StatusTable *t, int name_columns, const char *eol,
                      Buf *out) {
    int done = percent(t);
    buf_printf(out, "  %-*s", name_columns, t->name);
    status_text_number(t->copied, NUMBER_COLUMNS, out);
    status_text_number(t->expected, NUMBER_COLUMNS, out);
    if (done >= 0) buf_printf(out, "%5d %%", done);
    else buf_printf(out, "%7s", "");
    status_text_number(t->inserts, NUMBER_COLUMNS, out);
    status_text_number(t->updates, NUMBER_COLUMNS, out);
    status_text_number(t->deletes, NUMBER_COLUMNS, out);
    buf_cstr(out, "  ");
    status_text_time(t->last_change_us, out);
    if (!t->last_change_us) buf_printf(out, "%18s", "");
    buf_printf(out, "  %-9s", table_state(p, t));
    if (t->dead_letters) buf_printf(out, "  %lld dead letters", (long long)t->dead_letters);
    buf_cstr(out, eol);
}

static void add_pipeline(const StatusPipeline *p, const StatusSource *source, int64_t now_us, const char *eol,
                         Buf *out) {
    add_head(p, eol, out);
    add_mark("applied", &p->applied, now_us, eol, out);
    add_mark("read", &p->read, now_us, eol, out);
    add_mark("captured", &p->captured, now_us, eol, out);
    status_view_source(source, eol, out);
    add_lag(p, eol, out);
    if (!p->consistent)
        buf_printf(out, "  the first copy isn't done: the target doesn't show a state of the source yet%s",
                   eol);
    int columns = 5;
    for (size_t i = 0; i < p->table_count; i++)
        if ((int)strlen(p->tables[i].name) > columns) columns = (int)strlen(p->tables[i].name);
    buf_printf(out, "%s  %-*s%*s%*s%7s%*s%*s%*s  %-19s  state%s", eol, columns, "table", NUMBER_COLUMNS,
               "copied", NUMBER_COLUMNS, "expected", "", NUMBER_COLUMNS, "inserts", NUMBER_COLUMNS, "updates",
               NUMBER_COLUMNS, "deletes", "last change (UTC)", eol);
    for (size_t i = 0; i < p->table_count; i++) add_table(p, &p->tables[i], columns, eol, out);
}

void status_view_text(const StatusList *l, const StatusSource *source, const char *eol, Buf *out) {
    if (l->count == 0) buf_printf(out, "no pipeline is stored in this target%s", eol);
    for (size_t i = 0; i < l->count; i++) {
        if (i > 0) buf_cstr(out, eol);
        add_pipeline(&l->pipelines[i], source, l->now_us, eol, out);
    }
}

/* ---- JSON ---- */

static json_t *mark_json(const StatusMark *m) {
    json_t *o = json_object();
    status_text_set(o, "lsn", m->lsn);
    status_text_set_time(o, "commit_time", m->commit_us);
    return o;
}

static json_t *table_json(const StatusPipeline *p, const StatusTable *t) {
    json_t *o = json_object();
    status_text_set(o, "table", t->name);
    status_text_set(o, "state", table_state(p, t));
    status_text_set_number(o, "copied", t->copied, true);
    status_text_set_number(o, "expected", t->expected, t->expected >= 0);
    status_text_set_number(o, "percent", percent(t), percent(t) >= 0);
    status_text_set_number(o, "inserts", t->inserts, true);
    status_text_set_number(o, "updates", t->updates, true);
    status_text_set_number(o, "deletes", t->deletes, true);
    status_text_set_time(o, "last_change", t->last_change_us);
    status_text_set_number(o, "dead_letters", t->dead_letters, true);
    return o;
}

static json_t *lag_json(const StatusPipeline *p) {
    StatusLag lag = status_view_lag(p);
    json_t *o = json_object();
    status_text_set_seconds(o, "capture_at_most_s", lag.capture_us);
    status_text_set_seconds(o, "read_s", lag.read_us);
    status_text_set_seconds(o, "apply_s", lag.apply_us);
    return o;
}

static json_t *pipeline_json(const StatusPipeline *p) {
    json_t *o = json_object(), *tables = json_array();
    for (size_t i = 0; i < p->table_count; i++) json_array_append_new(tables, table_json(p, &p->tables[i]));
    status_text_set(o, "pipeline", p->pipeline);
    status_text_set(o, "database", p->database);
    status_text_set(o, "state", status_view_state(p));
    status_text_set(o, "last_state", p->state);
    status_text_set(o, "why", p->why);
    json_object_set_new(o, "healthy", json_boolean(status_view_is_healthy(p)));
    status_text_set_number(o, "process_id", p->process_id, p->process_id > 0);
    status_text_set(o, "host", p->host);
    status_text_set(o, "version", p->version);
    status_text_set_time(o, "started", p->started_us);
    status_text_set_seconds(o, "heartbeat_age_s", p->heartbeat_age_us);
    status_text_set_number(o, "lanes", p->lanes, true);
    json_object_set_new(o, "applied", mark_json(&p->applied));
    json_object_set_new(o, "read", mark_json(&p->read));
    json_object_set_new(o, "captured", mark_json(&p->captured));
    status_text_set(o, "consistent_from", p->consistent);
    json_object_set_new(o, "lag", lag_json(p));
    json_object_set_new(o, "tables", tables);
    return o;
}

json_t *status_view_source_json(const StatusSource *s) {
    char lsn[LSN_TEXT_SIZE];
    bool knows = !s->why[0] && s->lag.max_age_us >= 0;
    json_t *o = json_object();
    status_text_set(o, "error", s->why[0] ? s->why : NULL);
    status_text_set(o, "captured", knows ? lsn_format(&s->lag.max_lsn, lsn) : NULL);
    status_text_set_seconds(o, "captured_age_s", knows ? s->lag.max_age_us : -1);
    status_text_set_number(o, "scan_latency_s", s->lag.scan_latency_s, s->lag.has_scan);
    status_text_set_number(o, "scan_age_s", s->lag.scan_age_s, s->lag.has_scan);
    return o;
}

void status_view_json(const StatusList *l, const StatusSource *source, Buf *out) {
    json_t *o = json_object(), *pipelines = json_array();
    for (size_t i = 0; i < l->count; i++) json_array_append_new(pipelines, pipeline_json(&l->pipelines[i]));
    status_text_set_time(o, "now", l->now_us);
    json_object_set_new(o, "pipelines", pipelines);
    if (source && source->was_asked) json_object_set_new(o, "source", status_view_source_json(source));
    CLEANUP_FREE char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    buf_printf(out, "%s\n", text ? text : "{}");
}
