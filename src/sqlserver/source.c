/*
 * One thread, the task's, drives it all: it asks the plan what comes next and does it. The copy's chunks are
 * read by threads of their own (copier.h), whose batches come back through a queue; only this thread tells
 * the plan of them, so that the plan sees things in the very order in which batches leave poll().
 *
 * Nothing is kept here that isn't in the target, but for reading ahead: after any failure the worker starts a
 * new source from what is stored.
 */
#include "sqlserver/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/net.h"
#include "connector/notices.h"
#include "pipeline/plan.h"
#include "sqlserver/catalog.h"
#include "sqlserver/column_watch.h"
#include "sqlserver/copier.h"
#include "sqlserver/heartbeat.h"
#include "sqlserver/odbc.h"
#include "sqlserver/pace.h"
#include "sqlserver/plan_feed.h"
#include "sqlserver/precheck.h"
#include "sqlserver/reading.h"
#include "sqlserver/setup_sql.h"
#include "sqlserver/signal_inbox.h"
#include "sqlserver/source_options.h"
#include "sqlserver/source_settings.h"
#include "sqlserver/stream.h"
#include "sqlserver/table_list.h"

enum {
    CHUNK_BYTES = 4 * 1024 * 1024,
    MIN_CHUNK_ROWS = 256,
    MAX_CHUNK_ROWS = 100000,
    TYPICAL_TEXT_BYTES = 48, /* of a long declared text, before any was seen */
    PAGE_BYTES = 4 * 1024 * 1024,
    PERMISSION_DENIED = 229,
    ANSWER_MS = 500,
    NEW_TABLE_RETRY_MS = 30000, /* after one that appeared couldn't be taken */
};

/* What is known of a table's copy. */
typedef struct TableCopy {
    char *upper_key;  /* owned: where the last chunk ended; NULL = at the beginning */
    size_t row_bytes; /* of a row in a batch: estimate, then measured */
    int64_t rows, started_us;
} TableCopy;

struct Source {
    SourceSettings settings;
    ConnectorContext context;
    TableList tables;
    Odbc *odbc;
    Catalog catalog;
    SnapshotPolicy policy;
    Plan *plan;
    Stream *stream;
    Copier *copier;
    Heartbeat *heartbeat;
    SignalInbox *signals;
    Notices *notices; /* NULL = nobody wants any */
    ColumnWatch columns;
    Reading reading;
    int64_t
        look_again_us; /* monotonic: a table that couldn't be taken is looked at again; 0 = there is none */
    TableCopy *copies; /* owned, by table */
    PlanAction action; /* being done */
    bool has_action, in_window, has_ended;
    bool is_woken;                         /* atomic access */
    int64_t next_read_us;                  /* monotonic; as the next two */
    int64_t chunk_from_us, window_from_us; /* snapshot.delay.ms, streaming.delay.ms */
    Pace pace;
    int64_t probe_us; /* what the last window's beginning took */
    int64_t looked_us,
        look_cost_us;     /* when the last reading was over; what it and a window's beginning took */
    int64_t next_time_us; /* monotonic: when the captured maximum's time may be asked for again */
    Metric *captured_us;
};

/* ---- start ---- */

static bool load_catalog(Source *s, Err *e) {
    if (catalog_load(&s->catalog, s->odbc, &s->settings.filter, e)) return true;
    if (odbc_last_native(s->odbc) != PERMISSION_DENIED) return false;
    CLEANUP(buf_done) Buf cure = {0};
    setup_sql_grant_cdc(str_from(s->settings.target.user ? s->settings.target.user : "millrace"), &cure);
    return err_set(e, ERR_INVALID, false, "the schema cdc can't be read: run %s", buf_text(&cure));
}

/* From now on exactly these tables, in this order: their numbers are the plan's. */
static bool fix_tables(Source *s, const StoredState *state, Err *e) {
    size_t uncaptured = 0;
    for (size_t i = 0; i < s->catalog.table_count; i++) uncaptured += !s->catalog.tables[i].instance_count;
    if (uncaptured)
        LOG_INFO("tables_not_captured", LOG_I("count", uncaptured), LOG_S("cure", "sys.sp_cdc_enable_table"));
    table_list_fix(&s->tables, &s->catalog, &s->settings.filter, state);
    table_list_use(&s->tables, &s->settings.filter);
    return load_catalog(s, e);
}

static bool watch_columns(Source *s, Err *e) {
    return column_watch_look(&s->columns, s->odbc,
                             &(ColumnWatchSpec){.catalog = &s->catalog,
                                                .filter = &s->settings.filter,
                                                .policy = s->settings.schema_change,
                                                .makes_instances = s->settings.makes_instances},
                             e);
}

static bool open_signals(Source *s, Err *e) {
    s->signals = signal_inbox_new(&s->settings.signals);
    return signal_inbox_check(s->signals, s->odbc, e);
}

static bool decide_snapshot(Source *s, const StoredState *state, Err *e) {
    const SnapshotStart start = {.has_position = state->has_position, .is_restart = s->context.is_restart};
    return snapshot_mode_policy(s->settings.mode, &s->settings.flags, &start, &s->policy, e);
}

/* Rows that the copy will bring, for progress; without the right to know there is none. */
static void expect_rows(Source *s) {
    CLEANUP(arena_done) Arena arena = {0};
    OdbcCells t;
    Err e;
    if (!odbc_cells(
            s->odbc, &arena,
            "SELECT object_id, SUM(rows) FROM sys.partitions WHERE index_id IN (0, 1) GROUP BY object_id",
            /* params= */ NULL, 0, &t, &e)) {
        LOG_DEBUG("row_counts_unknown", LOG_S("why", e.msg));
        return;
    }
    for (size_t i = 0; i < t.rows; i++)
        for (size_t k = 0; k < s->catalog.table_count; k++) {
            const CatalogTable *table = &s->catalog.tables[k];
            if (table->object_id != odbc_cell_int(&t, i, 0, 0)) continue;
            metric_set(metrics_get(s->context.metrics, METRIC_GAUGE, "millrace_rows_expected",
                                   str_from(table->qualified),
                                   "rows of the table when its copy began, about"),
                       odbc_cell_int(&t, i, 1, 0));
        }
}

static void warn_keyless(const Catalog *c) {
    for (size_t i = 0; i < c->table_count; i++)
        if (c->tables[i].key.count == 0)
            LOG_WARN("table_without_key", LOG_S("table", c->tables[i].qualified),
                     LOG_S("next",
                           "its rows are matched whole, which is slow; give it a primary key, or name one by "
                           "message.key.columns"));
}

static void warn_spared(const Catalog *c) {
    for (size_t i = 0; i < c->instance_count; i++)
        if (c->instances[i].spared)
            LOG_WARN("key_not_masked", LOG_S("table", c->instances[i].schema->qualified),
                     LOG_S("property", mask_rule_name(c->instances[i].spared)),
                     LOG_S("why", "key columns go out as they are, as Debezium's record keys do"));
}

static void warn_dirty(const Source *s) {
    if (s->settings.wants_dirty)
        LOG_WARN("isolation_bettered", LOG_S("asked", "read_uncommitted"),
                 LOG_S("is", s->catalog.allows_snapshot ? "snapshot" : "read committed"),
                 LOG_S("why", "rows that are rolled back later would stay in the target"));
}

/* The wait before the copy is the process's, not every restart's. */
static void begin_clocks(Source *s) {
    const SourceSettings *settings = &s->settings;
    if (!s->context.is_restart) s->chunk_from_us = clock_mono_us() + settings->snapshot_delay_ms * 1000;
    if (settings->heartbeat_ms && settings->heartbeat_query)
        s->heartbeat = heartbeat_new(&settings->target, settings->heartbeat_query, settings->heartbeat_ms);
    else if (settings->heartbeat_ms || settings->heartbeat_query)
        LOG_WARN("no_heartbeat", LOG_S("why", settings->heartbeat_ms ? "heartbeat.action.query isn't set"
                                                                     : "heartbeat.interval.ms isn't set"));
}

static void begin_copies(Source *s, const StoredState *state) {
    s->copies = x_calloc(s->catalog.table_count + 1, sizeof *s->copies);
    for (size_t i = 0; i < s->catalog.table_count; i++) {
        const CatalogTable *t = &s->catalog.tables[i];
        const StoredTable *stored = stored_state_table(state, t->schema, t->name);
        if (stored && stored->upper_key) s->copies[i].upper_key = x_strdup(stored->upper_key);
    }
}

static void begin_notices(Source *s, const StoredState *state) {
    if (s->settings.notifies_topic && !s->context.wants_before)
        LOG_WARN("notification_channel_ignored", LOG_S("channel", "sink"),
                 LOG_S("why", "there are no topics in direct mode"),
                 LOG_S("next", "use log, and millrace status"));
    if (!s->settings.notifies) return;
    s->notices = notices_new(s->context.topic_prefix ? s->context.topic_prefix : s->context.name,
                             s->settings.target.database, state, notices_log, /* arg= */ NULL);
    if (state->has_position && state->is_snapshot_done && !s->policy.copies_anew && !s->context.is_restart)
        notices_skipped(s->notices);
}

static void make_copier(Source *s) {
    const SourceSettings *settings = &s->settings;
    bool is_snapshot =
        s->catalog.allows_snapshot &&
        (settings->isolation != SOURCE_ISOLATION_READ_COMMITTED || settings->target.is_read_only);
    CopierSpec spec = {.target = s->settings.target,
                       .threads = s->settings.snapshot_threads,
                       .queue_bytes = s->settings.queue_bytes,
                       .isolation = is_snapshot ? COPY_SNAPSHOT : COPY_READ_COMMITTED,
                       .allows_snapshot = is_snapshot,
                       .lock_timeout_ms = s->settings.lock_timeout_ms,
                       .metrics = s->context.metrics};
    s->copier = copier_new(&spec);
}

static Source *source_stop(Source *s) {
    if (!s) return NULL;
    heartbeat_free(s->heartbeat);
    copier_free(s->copier);
    signal_inbox_free(s->signals);
    notices_free(s->notices);
    column_watch_done(&s->columns);
    stream_free(s->stream);
    plan_free(s->plan);
    for (size_t i = 0; s->copies && i < s->catalog.table_count; i++) free(s->copies[i].upper_key);
    free(s->copies);
    reading_done(&s->reading);
    catalog_done(&s->catalog);
    odbc_close(s->odbc);
    source_settings_done(&s->settings);
    table_list_done(&s->tables);
    free(s);
    return NULL;
}

static bool settle(Source *s, const Options *options, Err *e) {
    if (!source_settings(options, &s->settings, e)) return false;
    if (s->context.sets_aside && s->settings.target.unreadable == UNREADABLE_FAIL)
        s->settings.target.unreadable = UNREADABLE_MARK;
    if (s->context.wants_before) mask_rules_set_uncut(s->settings.masks);
    return true;
}

static bool source_start(const Options *options, const ConnectorContext *context, const StoredState *state,
                         Source **ret, Err *e) {
    Source *s = x_calloc(1, sizeof *s);
    s->context = *context;
    bool ok = settle(s, options, e) && decide_snapshot(s, state, e) &&
              precheck_connect(&s->settings.target, &s->odbc, e) && load_catalog(s, e) &&
              precheck_start(&s->catalog, s->odbc, &s->settings, state, e) && fix_tables(s, state, e) &&
              open_signals(s, e) && watch_columns(s, e);
    if (!ok) {
        source_stop(s);
        return false;
    }
    s->pace = pace_new(s->settings.poll_interval_ms * 1000, clock_mono_us());
    s->settings.how.reads_before = context->wants_before;
    s->plan = plan_feed_new(&s->catalog, &s->policy, s->settings.schema_change, state);
    s->stream = stream_new(&(StreamLimits){.max_changes = s->settings.max_changes,
                                           .max_bytes = s->settings.batch_bytes,
                                           .page_bytes = PAGE_BYTES,
                                           .how = s->settings.how,
                                           .skips_unchanged = s->settings.skips_unchanged,
                                           .metrics = context->metrics});
    begin_copies(s, state);
    begin_notices(s, state);
    make_copier(s);
    s->captured_us = metrics_get(context->metrics, METRIC_GAUGE, "millrace_captured_time_us", (Str){0},
                                 "commit time of what the capture job has reached, µs since 1970");
    if (!state->is_snapshot_done || s->policy.copies_anew) expect_rows(s);
    LOG_INFO("source_started", LOG_S("server", s->settings.target.hostname),
             LOG_S("database", s->settings.target.database), LOG_S("driver", odbc_driver_name(s->odbc)),
             LOG_I("tables", s->catalog.table_count));
    warn_keyless(&s->catalog);
    warn_spared(&s->catalog);
    warn_dirty(s);
    begin_clocks(s);
    *ret = s;
    return true;
}

/* ---- readings ---- */

/* Instances that weren't there when the catalog was read, or that were and are gone, or a table that was
 * altered since. */
static bool is_catalog_old(const Source *s) {
    if (lsn_cmp(&s->reading.ddl_lsn, &s->catalog.ddl_lsn) != 0) return true;
    for (size_t i = 0; i < s->reading.instance_count; i++)
        if (!catalog_has_seen(&s->catalog, s->reading.instances[i].object_id)) return true;
    for (size_t i = 0; i < s->catalog.instance_count; i++)
        if (!reading_instance(&s->reading, s->catalog.instances[i].object_id)) return true;
    return s->look_again_us && clock_mono_us() >= s->look_again_us;
}

/* A table that appeared: taken, or left for later with the reason. */
static void take_new_table(Source *s, const Catalog *all, size_t table) {
    const CatalogTable *t = &all->tables[table];
    TextList problems = {0};
    if (precheck_new_table(all, table, s->odbc, &s->settings, &problems)) {
        LOG_INFO("table_appeared", LOG_S("table", t->qualified));
        table_list_add(&s->tables, t->schema, t->name);
    } else {
        LOG_WARN("table_not_taken", LOG_S("table", t->qualified), LOG_S("why", problems.items[0]),
                 LOG_S("next", "it is looked at again; to be left alone: table.exclude.list"));
        s->look_again_us = clock_mono_us() + NEW_TABLE_RETRY_MS * INT64_C(1000);
    }
    textlist_done(&problems);
}

/* Captured tables that the lists want and that aren't ours yet. */
static bool look_for_new_tables(Source *s, Err *e) {
    Catalog all = {0};
    CatalogFilter filter = s->settings.filter;
    filter.only = NULL;
    filter.only_count = 0;
    if (!catalog_load(&all, s->odbc, &filter, e)) return false;
    s->look_again_us = 0;
    for (size_t i = 0; i < all.table_count; i++)
        if (all.tables[i].instance_count &&
            !table_list_has(&s->tables, all.tables[i].schema, all.tables[i].name))
            take_new_table(s, &all, i);
    catalog_done(&all);
    return true;
}

static bool reload_catalog(Source *s, Err *e) {
    size_t before = s->tables.count;
    if (!look_for_new_tables(s, e)) return false;
    table_list_use(&s->tables, &s->settings.filter);
    if (!load_catalog(s, e) || !watch_columns(s, e)) return false;
    s->copies = x_reallocarray(s->copies, s->tables.count + 1, sizeof *s->copies);
    for (size_t i = before; i < s->tables.count; i++) {
        s->copies[i] = (TableCopy){0};
        PlanTableSpec spec = plan_feed_table(&s->catalog, i, s->settings.schema_change);
        plan_add_table(s->plan, &spec);
    }
    return true;
}

/* Tell what the capture job has reached, and when that was committed. When more commits wait than a reading
 * lists, the last one's time is asked for: at most once a second, that costs a round trip. */
static bool tell_captured(Source *s, Err *e) {
    const Reading *r = &s->reading;
    ProgressMark mark = {.lsn = r->max_lsn};
    if (r->commit_count && !r->is_full) mark.commit_us = r->commits[r->commit_count - 1].us;
    if (r->is_full && clock_mono_us() < s->next_time_us) return true;
    if (r->is_full && !reading_time_of(s->odbc, &r->max_lsn, r->offset_minutes, &mark.commit_us, e))
        return false;
    if (r->is_full) s->next_time_us = clock_mono_us() + 1000000;
    progress_captured(s->context.progress, mark, r->now_us);
    if (mark.commit_us) metric_set(s->captured_us, mark.commit_us);
    return true;
}

static bool do_reading(Source *s, Err *e) {
    Position at = plan_position(s->plan);
    Reading *r = &s->reading;
    int64_t begin_us = clock_mono_us();
    if (!reading_take(r, s->odbc, &at.commit_lsn, s->settings.window_transactions, e)) return false;
    if (is_catalog_old(s) && !reload_catalog(s, e)) return false;
    plan_feed_reading(s->plan, &s->catalog, r, s->settings.target.is_read_only);
    Lsn to = plan_feed_end(r);
    if (r->commit_count && !signal_inbox_read(s->signals, s->odbc, &at, &to, e)) return false;
    if (!tell_captured(s, e)) return false;
    if (s->settings.makes_instances) {
        ProgressView view = progress_view(s->context.progress);
        column_watch_drop_old(&s->columns, s->odbc, &s->catalog, r, &view.applied.lsn);
    }
    s->looked_us = clock_mono_us();
    s->look_cost_us = s->looked_us - begin_us + s->probe_us;
    s->next_read_us = pace_next_us(&s->pace, s->looked_us, s->look_cost_us);
    return true;
}

/* ---- small batches ---- */

static bool instance_of(const Source *s, const PlanAction *a, const CatalogInstance **ret, Err *e) {
    *ret = catalog_instance(&s->catalog, a->instance);
    if (*ret) return true;
    return err_set(e, ERR_IO, true, "the capture instance of table %s is gone",
                   s->catalog.tables[a->table].qualified);
}

static void log_asked(const CatalogInstance *in, const PlanAction *a) {
    if (a->table_info.copy == BATCH_COPY_STOP)
        LOG_INFO("snapshot_stopped", LOG_S("table", in->schema->qualified));
    else
        LOG_INFO("snapshot_asked_for", LOG_S("table", in->schema->qualified),
                 LOG_S("kind", a->table_info.asked == BATCH_ASKED_BLOCKING ? "blocking" : "incremental"),
                 LOG_S("rows", a->table_info.filter.n ? "some" : "all"));
}

static bool announce(Source *s, Batch **ret, Err *e) {
    const PlanAction *a = &s->action;
    const CatalogInstance *in;
    if (!instance_of(s, a, &in, e)) return false;
    TableCopy *copy = &s->copies[a->table];
    if (a->table_info.copy != BATCH_COPY_KEEP) {
        free(TAKE(copy->upper_key));
        copy->rows = copy->started_us = 0;
        if (a->table_info.asked != BATCH_NOT_ASKED || a->table_info.copy == BATCH_COPY_STOP) log_asked(in, a);
    }
    if (a->table_info.empties)
        LOG_WARN("table_copied_anew", LOG_S("table", in->schema->qualified),
                 LOG_S("why", a->is_gap
                                  ? "changes of it are gone: the cleanup job or a dropped capture instance "
                                    "has taken them"
                                  : "snapshot.mode says so at each start"),
                 LOG_S("next", "its rows in the target are deleted and come again"));
    if (a->loses_values)
        LOG_WARN("new_columns_empty", LOG_S("table", in->schema->qualified),
                 LOG_S("why", "without a key the rows that are there can't be read again"));
    LOG_INFO("table_schema", LOG_S("table", in->schema->qualified), LOG_I("version", in->schema->version),
             LOG_I("columns", in->schema->column_count));
    Batch *b = batch_new(BATCH_TABLE);
    b->schema = schema_ref(in->schema);
    b->table = a->table_info;
    b->table.filter = arena_str(&b->arena, a->table_info.filter);
    b->read_us = clock_wall_us();
    plan_announced(s->plan, a->table);
    *ret = b;
    return true;
}

/* A batch of just the table's name: there are no columns any more. */
static bool forget(Source *s, Batch **ret, Err *e) {
    const PlanAction *a = &s->action;
    const CatalogTable *t = &s->catalog.tables[a->table];
    Column none = {.name = STR_LIT("none"), .type = SQLTYPE_INT};
    SchemaSpec spec = {.database = s->catalog.database,
                       .schema = t->schema,
                       .table = t->name,
                       .columns = &none,
                       .column_count = 1};
    Batch *b = batch_new(BATCH_TABLE);
    b->table = a->table_info;
    b->read_us = clock_wall_us();
    if (!schema_new(&spec, &b->schema, e)) {
        batch_free(b);
        return false;
    }
    Position at = plan_position(s->plan);
    char text[LSN_TEXT_SIZE];
    LOG_WARN("table_gone", LOG_S("table", t->qualified),
             LOG_S("why", t->object_id ? "it has no capture instance any more" : "it was dropped"),
             LOG_S("after_lsn", lsn_format(&at.commit_lsn, text)),
             LOG_S("next",
                   "its rows stay in the target as they are, and the other tables go on; before it is "
                   "captured again, empty it in the target: it is then copied anew"));
    free(TAKE(s->copies[a->table].upper_key));
    s->copies[a->table] = (TableCopy){0};
    plan_forgotten(s->plan, a->table);
    *ret = b;
    return true;
}

static Batch *start_stream(Source *s) {
    Batch *b = batch_new(BATCH_CHANGES);
    b->to = s->action.to;
    b->ends_transaction = true;
    b->read_us = clock_wall_us();
    plan_started(s->plan);
    char text[POSITION_TEXT_SIZE];
    LOG_INFO("stream_position", LOG_S("at", position_format(&b->to, text)));
    return b;
}

/* ---- chunks ---- */

static size_t guess_row_bytes(const Schema *schema) {
    size_t bytes = sizeof(Change) + schema->column_count * sizeof(Value);
    for (size_t i = 0; i < schema->column_count; i++) {
        const Column *c = &schema->columns[i];
        ValueForm form = sqltype_form(c->type, c->precision);
        if (form == FORM_GUID || form == FORM_INT128) bytes += 16;
        if (c->is_lob) bytes += 1024;
        else if (form == FORM_TEXT || form == FORM_BYTES)
            bytes += c->length < TYPICAL_TEXT_BYTES ? (size_t)c->length : TYPICAL_TEXT_BYTES;
    }
    return bytes;
}

static bool give_chunk(Source *s, Err *e) {
    const PlanAction *a = &s->action;
    const CatalogInstance *in;
    if (!instance_of(s, a, &in, e)) return false;
    TableCopy *copy = &s->copies[a->table];
    if (!copy->row_bytes) copy->row_bytes = guess_row_bytes(in->schema);
    if (!copy->started_us) {
        copy->started_us = clock_mono_us();
        LOG_INFO("snapshot_table", LOG_S("table", in->schema->qualified),
                 LOG_I("from_chunk", a->chunk.number));
    }
    ChunkJob *job = chunk_job_new(in, &s->catalog.tables[a->table]);
    job->chunk = a->chunk;
    job->lower_key = a->chunk.number && copy->upper_key && job->paging ? x_strdup(copy->upper_key) : NULL;
    const char *select = select_overrides_find(s->settings.selects, str_from(in->schema->qualified));
    job->select = select ? x_strdup(select) : NULL;
    job->filter = a->filter ? x_strdup(a->filter) : NULL;
    job->part_bytes = CHUNK_BYTES;
    job->top = CHUNK_BYTES / copy->row_bytes;
    if (job->top < MIN_CHUNK_ROWS) job->top = MIN_CHUNK_ROWS;
    if (job->top > MAX_CHUNK_ROWS) job->top = MAX_CHUNK_ROWS;
    if (s->settings.chunk_rows && !a->chunk.is_plain) job->top = s->settings.chunk_rows;
    copier_give(s->copier, job);
    return true;
}

static void note_rows(Source *s, size_t table, const Batch *b) {
    TableCopy *copy = &s->copies[table];
    copy->rows += (int64_t)b->count;
    if (b->count >= MIN_CHUNK_ROWS) copy->row_bytes = batch_bytes(b) / b->count + 1;
}

static bool end_chunk(Source *s, const CopyItem *item, Err *e) {
    const BatchChunk *chunk = &item->batch->chunk;
    TableCopy *copy = &s->copies[item->table];
    free(copy->upper_key);
    copy->upper_key = str_dup(chunk->upper_key);
    if (chunk->is_last_chunk)
        LOG_INFO("snapshot_table_read", LOG_S("table", s->catalog.tables[item->table].qualified),
                 LOG_I("rows", copy->rows), LOG_I("ms", (clock_mono_us() - copy->started_us) / 1000));
    return plan_chunk_put(s->plan, item->table, chunk->is_last_chunk, &chunk->watermark, item->now_us, e);
}

/* What an operator asked for is no reason to stop all else: the copy ends. */
static void end_refused(Source *s, const CopyItem *item) {
    LOG_ERROR("snapshot_refused", LOG_S("table", s->catalog.tables[item->table].qualified),
              LOG_S("why", item->err.msg),
              LOG_S("next", "the copy was stopped where it is; ask for it again with another filter"));
    plan_chunk_dropped(s->plan, item->table);
    (void)plan_stop_copy(s->plan, item->table);
}

/* What a reader has, waiting up to timeout_ms. *ret stays NULL when nothing came. */
static bool take_copied(Source *s, int64_t timeout_ms, Batch **ret, Err *e) {
    CopyItem item;
    switch (copier_take(s->copier, timeout_ms, &item)) {
    case COPY_NOTHING: return true;
    case COPY_FAILED: *e = item.err; return false;
    case COPY_DROPPED: plan_chunk_dropped(s->plan, item.table); return true;
    case COPY_REFUSED: end_refused(s, &item); return true;
    case COPY_BATCH: break;
    }
    note_rows(s, item.table, item.batch);
    s->window_from_us = clock_mono_us() + s->settings.streaming_delay_ms * 1000;
    if (item.batch->chunk.is_last_part && !end_chunk(s, &item, e)) {
        batch_free(item.batch);
        return false;
    }
    *ret = item.batch;
    return true;
}

/* ---- the loop ---- */

static bool begin_window(Source *s, Err *e) {
    int64_t begin_us = clock_mono_us();
    if (!stream_begin(s->stream, s->odbc, s->plan, &s->catalog, &s->reading, &s->action, e)) return false;
    s->in_window = true;
    s->probe_us = clock_mono_us() - begin_us;
    return true;
}

static bool next_of_window(Source *s, Batch **ret, Err *e) {
    bool is_done;
    if (!stream_next(s->stream, ret, &is_done, e)) return false;
    if (*ret && (*ret)->ends_transaction)
        progress_read(s->context.progress,
                      (ProgressMark){.lsn = (*ret)->to.commit_lsn, .commit_us = (*ret)->to_us});
    if (*ret && (*ret)->count > 0) {
        pace_news(&s->pace, clock_mono_us());
        s->next_read_us = pace_next_us(&s->pace, s->looked_us, s->look_cost_us);
    }
    if (!is_done) return true;
    plan_window_put(s->plan);
    s->in_window = false;
    return true;
}

static int64_t ms_until(int64_t at_us) {
    int64_t left = at_us - clock_mono_us();
    return left > 0 ? (left + 999) / 1000 : 0;
}

static int64_t until(int64_t at_us, int64_t left_ms) {
    int64_t ms = ms_until(at_us);
    return ms < left_ms ? ms : left_ms;
}

/* How long the action at hand has to wait for something else, ms; 0 = it can be done. */
static int64_t wait_of(const Source *s, int64_t left_ms) {
    switch (s->action.kind) {
    case PLAN_READ: return s->action.is_urgent ? 0 : until(s->next_read_us, left_ms);
    case PLAN_CHUNK: return copier_free_readers(s->copier) ? until(s->chunk_from_us, left_ms) : left_ms;
    case PLAN_WINDOW: return until(s->window_from_us, left_ms);
    default: return left_ms;
    }
}

static bool can_do(const Source *s) {
    switch (s->action.kind) {
    case PLAN_READ: return s->action.is_urgent || ms_until(s->next_read_us) == 0;
    case PLAN_CHUNK: return copier_free_readers(s->copier) > 0 && ms_until(s->chunk_from_us) == 0;
    case PLAN_WINDOW: return ms_until(s->window_from_us) == 0;
    case PLAN_BUSY: return false;
    case PLAN_END: return !s->has_ended;
    default: return true;
    }
}

/* Do the action. *ret: the batch that it made, if one. */
static bool do_action(Source *s, Batch **ret, Err *e) {
    s->has_action = false;
    switch (s->action.kind) {
    case PLAN_READ: return do_reading(s, e);
    case PLAN_ANNOUNCE: return announce(s, ret, e);
    case PLAN_FORGET: return forget(s, ret, e);
    case PLAN_START: *ret = start_stream(s); return true;
    case PLAN_CHUNK: return give_chunk(s, e);
    case PLAN_WINDOW: return begin_window(s, e);
    case PLAN_BUSY: return true;
    case PLAN_END:
        *ret = batch_new(BATCH_END);
        (*ret)->is_final = true;
        s->has_ended = true;
        return true;
    }
    return true;
}

static bool is_woken(Source *s) {
    return __atomic_exchange_n(&s->is_woken, false, __ATOMIC_ACQ_REL) ||
           __atomic_load_n(s->context.is_stopping, __ATOMIC_RELAXED);
}

/* What has come is told to the plan, and what the plan said before may not hold any more: but for what it has
 * given out. Not while a window waits for its time (streaming.delay.ms): the plan is inside it. */
static void obey_signals(Source *s) {
    if (s->has_action && s->action.kind == PLAN_WINDOW) return;
    if (!signal_inbox_obey(s->signals, s->plan, s->settings.target.database, clock_mono_us())) return;
    if (s->action.kind == PLAN_READ || s->action.kind == PLAN_BUSY) s->has_action = false;
}

/* One step: take what readers have, else do what the plan says, else wait. */
static bool step(Source *s, int64_t left_ms, Batch **ret, Err *e) {
    if (s->in_window) return next_of_window(s, ret, e);
    if (!take_copied(s, /* timeout_ms= */ 0, ret, e) || *ret) return *ret != NULL;
    obey_signals(s);
    if ((*ret = signal_inbox_answer(s->signals, s->plan))) return true;
    if (!s->has_action) {
        if (!plan_next(s->plan, &s->action, e)) return false;
        s->has_action = true;
    }
    if (can_do(s)) return do_action(s, ret, e);
    if (!take_copied(s, wait_of(s, left_ms), ret, e)) return false;
    if (s->action.kind == PLAN_BUSY) s->has_action = false;
    return true;
}

/* Changes are gone: since when? */
static void explain_gap(Source *s, Err *e) {
    CLEANUP(arena_done) Arena arena = {0};
    Str oldest;
    bool is_null;
    Err ignored;
    if (odbc_scalar(s->odbc, &arena, "SELECT MIN(tran_end_time) FROM cdc.lsn_time_mapping",
                    /* params= */ NULL, 0, &oldest, &is_null, &ignored) &&
        !is_null)
        (void)err_wrap(e, "the oldest commit that is left is of " STR_FMT " (the server's time)",
                       STR_ARG(oldest));
}

static bool source_poll(Source *s, int64_t timeout_ms, Batch **ret, Err *e) {
    int64_t deadline_us = clock_mono_us() + timeout_ms * 1000;
    *ret = NULL;
    for (;;) {
        if (!step(s, ms_until(deadline_us), ret, e)) {
            if (e->code == ERR_RANGE && !e->retriable) explain_gap(s, e);
            return false;
        }
        if (*ret) notices_batch(s->notices, *ret);
        if (*ret) return true;
        if (is_woken(s) || clock_mono_us() >= deadline_us) return true;
    }
}

static void source_signal(Source *s, const SignalText *signal) {
    signal_inbox_command(s->signals, signal);
}

static void source_wake(Source *s) {
    __atomic_store_n(&s->is_woken, true, __ATOMIC_RELEASE);
    copier_wake(s->copier);
}

static bool source_answers(const Options *options, const ConnectorContext *context) {
    (void)context;
    const char *host = options_str(options, "database.hostname");
    bool has_instance_only =
        options_is_set(options, "database.instance") && !options_is_set(options, "database.port");
    if (!host || has_instance_only) return true;
    return net_answers(host, (uint16_t)options_int(options, "database.port"), ANSWER_MS);
}

const SourceClass sqlserver_source_class = {
    .class_names = source_option_classes,
    .options = source_options,
    .option_count = SOURCE_OPTION_COUNT,
    .start = source_start,
    .poll = source_poll,
    .wake = source_wake,
    .signal = source_signal,
    .stop = source_stop,
    .answers = source_answers,
};
