#include "cli/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/clock.h"
#include "base/mem.h"

/* ---- sampling ---- */

void live_done(Live *l) {
    free(l->tables);
    memset(l, 0, sizeof *l);
}

static int64_t value_of(const Metrics *m, const char *name, Str table, int64_t absent) {
    Metric *metric = metrics_find(m, name, table);
    return metric ? metric_value(metric) : absent;
}

static double rate(int64_t now, int64_t before, int64_t us) {
    return us > 0 && now > before ? (double)(now - before) * 1e6 / (double)us : 0;
}

static const LiveTable *table_before(const Live *l, Str name) {
    for (size_t i = 0; i < l->table_count; i++) {
        if (str_eq(l->tables[i].name, name)) return &l->tables[i];
    }
    return NULL;
}

/* VmRSS and VmHWM of this process, proc(5). */
static void read_memory(Live *l) {
    char text[4096];
    FILE *f = fopen("/proc/self/status", "re");
    if (!f) return;
    while (fgets(text, sizeof text, f)) {
        int64_t kib = strncmp(text, "Vm", 2) == 0 ? strtoll(text + 6, NULL, 10) : 0;
        if (strncmp(text, "VmHWM:", 6) == 0) l->peak_rss_bytes = kib * 1024;
        if (strncmp(text, "VmRSS:", 6) == 0) l->rss_bytes = kib * 1024;
    }
    (void)fclose(f);
}

static bool is_table_metric(const char *name) {
    return strcmp(name, "millrace_rows_copied_total") == 0 ||
           strcmp(name, "millrace_changes_applied_total") == 0 || strcmp(name, "millrace_rows_expected") == 0;
}

static void sample_tables(Live *l, const Live *before, const Metrics *m) {
    size_t at = 0, cap = 0;
    MetricInfo info;
    while (metrics_next(m, &at, &info)) {
        if (info.table.n == 0 || !is_table_metric(info.name) || table_before(l, info.table)) continue;
        if (l->table_count == cap)
            l->tables = x_reallocarray(l->tables, cap = cap ? cap * 2 : 16, sizeof *l->tables);
        LiveTable *t = &l->tables[l->table_count++];
        *t = (LiveTable){.name = info.table,
                         .copied = value_of(m, "millrace_rows_copied_total", info.table, 0),
                         .changes = value_of(m, "millrace_changes_applied_total", info.table, 0),
                         .expected = value_of(m, "millrace_rows_expected", info.table, -1)};
        const LiveTable *was = table_before(before, t->name);
        t->copied_per_s = rate(t->copied, was ? was->copied : 0, l->at_us - before->at_us);
        t->changes_per_s = rate(t->changes, was ? was->changes : 0, l->at_us - before->at_us);
        l->copied += t->copied;
        l->changes += t->changes;
    }
}

/* A source's by its marks, a sink's by the oldest change that waits. */
static int64_t lag_of(const Live *l, const Metrics *metrics) {
    int64_t captured = value_of(metrics, "millrace_captured_time_us", (Str){0}, 0);
    int64_t written = value_of(metrics, "millrace_position_time_us", (Str){0}, 0);
    int64_t oldest = value_of(metrics, "millrace_oldest_waiting_time_us", (Str){0}, -1);
    if (captured && written) return captured > written ? captured - written : 0;
    if (oldest <= 0) return oldest;
    return l->wall_us > oldest ? l->wall_us - oldest : 0;
}

void live_sample(Live *l, const Metrics *metrics) {
    Live before = *l;
    *l = (Live){.at_us = clock_mono_us(), .wall_us = clock_wall_us()};
    l->started_us = before.started_us ? before.started_us : l->at_us;
    if (!before.at_us) before.at_us = l->at_us;
    sample_tables(l, &before, metrics);
    l->copied_per_s = rate(l->copied, before.copied, l->at_us - before.at_us);
    l->changes_per_s = rate(l->changes, before.changes, l->at_us - before.at_us);
    l->transactions = value_of(metrics, "millrace_transactions_total", (Str){0}, 0);
    l->queue_bytes = value_of(metrics, "millrace_queue_bytes", (Str){0}, 0);
    l->lag_us = lag_of(l, metrics);
    l->lag_capture_us = value_of(metrics, "millrace_lag_capture_us", (Str){0}, -1);
    l->lag_read_us = value_of(metrics, "millrace_lag_read_us", (Str){0}, -1);
    l->lag_apply_us = value_of(metrics, "millrace_lag_apply_us", (Str){0}, -1);
    Metric *latency = metrics_find(metrics, "millrace_apply_latency", (Str){0});
    if (latency) {
        l->latency_count = metric_value(latency);
        l->p50_us = metric_quantile_us(latency, 0.50);
        l->p95_us = metric_quantile_us(latency, 0.95);
        l->p99_us = metric_quantile_us(latency, 0.99);
    }
    read_memory(l);
    free(before.tables);
}

/* ---- formatting ---- */

void live_number(int64_t n, Buf *out) {
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
    if (n < 0) buf_u8(out, '-');
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) buf_u8(out, ',');
        buf_u8(out, (uint8_t)digits[i]);
    }
}

void live_duration(int64_t us, Buf *out) {
    double v = (double)us;
    if (us < 1000) buf_printf(out, "%lld µs", (long long)us);
    else if (v < 99950) buf_printf(out, "%.1f ms", v / 1e3);
    else if (v < 999500) buf_printf(out, "%.0f ms", v / 1e3);
    else if (v < 120e6) buf_printf(out, "%.1f s", v / 1e6);
    else buf_printf(out, "%lld min %02lld s", (long long)(us / 60000000), (long long)(us / 1000000 % 60));
}

/* ---- the screen ---- */

#define CLEAR_LINE "\x1b[K\n" /* ECMA-48 EL, then down */

/* Columns that text takes on a terminal, counted as code points: names here are seldom wide or combining. */
static int width(Str s) {
    int n = 0;
    for (size_t i = 0; i < s.n; i++) n += ((uint8_t)s.p[i] & 0xC0) != 0x80;
    return n;
}

static void pad(Buf *out, int n) {
    for (int i = 0; i < n; i++) buf_u8(out, ' ');
}

static void left(Buf *out, int columns, Str text) {
    int w = width(text);
    if (w > columns) { /* cut, with an ellipsis, at a code point's border */
        size_t n = 0;
        for (int seen = 0; n < text.n; n++) {
            bool is_start = ((uint8_t)text.p[n] & 0xC0) != 0x80;
            if (is_start && seen++ == columns - 1) break;
        }
        buf_str(out, str_sub(text, 0, n));
        buf_cstr(out, "…");
        return;
    }
    buf_str(out, text);
    pad(out, columns - w);
}

static void right_number(Buf *out, int columns, int64_t n) {
    CLEANUP(buf_done) Buf text = {0};
    live_number(n, &text);
    pad(out, columns - (int)text.n);
    buf_str(out, buf_view(&text));
}

enum { NUMBER_COLUMNS = 14, PERCENT_COLUMNS = 6 };

static void table_line(Buf *out, int name_columns, const LiveTable *t) {
    buf_cstr(out, "  ");
    left(out, name_columns, t->name);
    right_number(out, NUMBER_COLUMNS, t->copied);
    if (t->expected > 0 && t->copied <= t->expected)
        buf_printf(out, "%4d %%", (int)(100.0 * (double)t->copied / (double)t->expected));
    else pad(out, PERCENT_COLUMNS);
    right_number(out, NUMBER_COLUMNS, llround(t->copied_per_s));
    right_number(out, NUMBER_COLUMNS, t->changes);
    right_number(out, NUMBER_COLUMNS, llround(t->changes_per_s));
    buf_cstr(out, CLEAR_LINE);
}

static void footer(const Live *l, Buf *out) {
    buf_cstr(out, CLEAR_LINE "  lag ");
    if (l->lag_us < 0) buf_cstr(out, "not known yet");
    else live_duration(l->lag_us, out);
    if (l->lag_read_us >= 0 && l->lag_apply_us >= 0) {
        buf_cstr(out, " (read ");
        live_duration(l->lag_read_us, out);
        buf_cstr(out, ", apply ");
        live_duration(l->lag_apply_us, out);
        buf_cstr(out, ")");
    }
    if (l->latency_count > 0) {
        buf_cstr(out, "   commit to commit p50 ");
        live_duration(l->p50_us, out);
        buf_cstr(out, "  p95 ");
        live_duration(l->p95_us, out);
        buf_cstr(out, "  p99 ");
        live_duration(l->p99_us, out);
    }
    buf_printf(out, CLEAR_LINE "  memory %.1f MiB (peak %.1f)   queue %.1f MiB   transactions ",
               (double)l->rss_bytes / 1048576, (double)l->peak_rss_bytes / 1048576,
               (double)l->queue_bytes / 1048576);
    live_number(l->transactions, out);
    buf_cstr(out, CLEAR_LINE);
}

static void put_name(const LiveTitle *title, Buf *out) {
    buf_cstr(out, title->pipeline);
    if (title->database) buf_printf(out, "/%s", title->database);
}

static void screen_part(const Live *l, const LiveTitle *title, int columns, Buf *out) {
    int name_columns = columns - 2 - 4 * NUMBER_COLUMNS - PERCENT_COLUMNS;
    if (name_columns < 16) name_columns = 16;
    buf_cstr(out, "\x1b[1mmillrace\x1b[0m  ");
    put_name(title, out);
    buf_printf(out, "  \x1b[1m%s\x1b[0m  ", title->state);
    live_duration(l->at_us - l->started_us, out);
    buf_cstr(out, CLEAR_LINE);
    if (title->why && *title->why) {
        buf_cstr(out, "  ");
        left(out, columns - 3, str_from(title->why));
    }
    buf_cstr(out, CLEAR_LINE "\x1b[2m  ");
    left(out, name_columns, STR_LIT("table"));
    buf_printf(out, "%*s%*s%*s%*s%*s\x1b[0m" CLEAR_LINE, NUMBER_COLUMNS, "copied", PERCENT_COLUMNS, "",
               NUMBER_COLUMNS, "rows/s", NUMBER_COLUMNS, "changes", NUMBER_COLUMNS, "changes/s");
    for (size_t i = 0; i < l->table_count; i++) table_line(out, name_columns, &l->tables[i]);
    const LiveTable total = {.name = STR_LIT("total"),
                             .copied = l->copied,
                             .copied_per_s = l->copied_per_s,
                             .changes = l->changes,
                             .changes_per_s = l->changes_per_s,
                             .expected = -1};
    if (l->table_count != 1) table_line(out, name_columns, &total);
    footer(l, out);
}

void live_screen(const Live *l, const LiveTitle *titles, size_t count, int columns, Buf *out) {
    buf_cstr(out, "\x1b[H");
    for (size_t i = 0; i < count; i++) {
        if (i) buf_cstr(out, CLEAR_LINE);
        screen_part(&l[i], &titles[i], columns, out);
    }
    buf_cstr(out, "\x1b[J"); /* and nothing below */
}

/* ---- lines ---- */

void live_line(const Live *l, const LiveTitle *title, Buf *out) {
    put_name(title, out);
    buf_printf(out, ": %s after ", title->state);
    live_duration(l->at_us - l->started_us, out);
    buf_cstr(out, ", copied ");
    live_number(l->copied, out);
    buf_cstr(out, " rows (");
    live_number(llround(l->copied_per_s), out);
    buf_cstr(out, "/s), applied ");
    live_number(l->changes, out);
    buf_cstr(out, " changes (");
    live_number(llround(l->changes_per_s), out);
    buf_cstr(out, "/s), lag ");
    if (l->lag_us < 0) buf_cstr(out, "not known yet");
    else live_duration(l->lag_us, out);
    if (title->why && *title->why) buf_printf(out, " (%s)", title->why);
    buf_u8(out, '\n');
}

static json_t *table_json(const LiveTable *t) {
    json_t *o = json_pack("{s:s%, s:I, s:I, s:f, s:f}", "table", t->name.p, t->name.n, "copied",
                          (json_int_t)t->copied, "changes", (json_int_t)t->changes, "copied_per_s",
                          t->copied_per_s, "changes_per_s", t->changes_per_s);
    if (o && t->expected >= 0) json_object_set_new(o, "expected", json_integer(t->expected));
    return o;
}

void live_json(const Live *l, const LiveTitle *title, const char *event, Buf *out) {
    char at[CLOCK_TEXT_SIZE];
    json_t *tables = json_array();
    for (size_t i = 0; i < l->table_count; i++) json_array_append_new(tables, table_json(&l->tables[i]));
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:f, s:I, s:f, s:I, s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:o}",
        "ts", clock_format(l->wall_us, at), "event", event, "pipeline", title->pipeline, "state",
        title->state, "why", title->why ? title->why : "", "seconds",
        (double)(l->at_us - l->started_us) / 1e6, "copied", (json_int_t)l->copied, "copied_per_s",
        l->copied_per_s, "changes", (json_int_t)l->changes, "changes_per_s", l->changes_per_s, "transactions",
        (json_int_t)l->transactions, "lag_us", (json_int_t)l->lag_us, "latency_count",
        (json_int_t)l->latency_count, "p50_us", (json_int_t)l->p50_us, "p95_us", (json_int_t)l->p95_us,
        "p99_us", (json_int_t)l->p99_us, "rss_mib", (double)l->rss_bytes / 1048576, "peak_rss_mib",
        (double)l->peak_rss_bytes / 1048576, "tables", tables);
    if (o) {
        json_object_set_new(o, "lag_capture_us", json_integer(l->lag_capture_us));
        json_object_set_new(o, "lag_read_us", json_integer(l->lag_read_us));
        json_object_set_new(o, "lag_apply_us", json_integer(l->lag_apply_us));
    }
    if (o && title->database) json_object_set_new(o, "database", json_string(title->database));
    CLEANUP_FREE char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    buf_cstr(out, text ? text : "{}");
    buf_u8(out, '\n');
}
