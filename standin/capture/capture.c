/*
 * capture.c - runs of the log scan: who may scan, from where, and what is kept.
 *
 * A batch is one SQLite write transaction with everything in it: change rows, mapping rows, the position
 * reached, and the cut of the log up to the lowest position of all databases. So a crash leaves either all or
 * nothing of it, and no transaction is captured twice or lost. Positions are kept by database, since each has
 * a capture job of its own that may be stopped.
 */
#include "standin/capture/capture.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "standin/capture/capture_internal.h"
#include "standin/capture/cdc_message.h"
#include "standin/capture/cdc_sql.h"

/* ---- life */

static bool make_positions_table(Capture *c, Err *e) {
    static const char sql[] =
        "CREATE TABLE IF NOT EXISTS m_capture(database_id INTEGER PRIMARY KEY, lsn BLOB)";
    SqlError sql_error;
    if (!store_write_begin(c->store, c->db, &sql_error))
        return err_set(e, ERR_IO, false, "%s", sql_error.text);
    if (sqlite3_exec(c->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        (void)err_set(e, ERR_IO, false, "positions of capture: %s", sqlite3_errmsg(c->db));
        store_write_rollback(c->store, c->db);
        return false;
    }
    return store_write_commit(c->store, c->db, &sql_error) || err_set(e, ERR_IO, false, "%s", sql_error.text);
}

bool capture_new(Server *server, ScanHistory *history, Capture **ret, Err *e) {
    Capture *c = x_calloc(1, sizeof *c);
    c->server = server;
    c->store = server_store(server);
    c->catalog = server_catalog(server);
    c->log = server_log(server);
    c->history = history;
    (void)pthread_mutex_init(&c->mutex, NULL);
    (void)pthread_cond_init(&c->idle, NULL);
    c->session = session_open_internal(server, CATALOG_MASTER, e);
    if (c->session) {
        c->db = session_db(c->session);
        c->statements = txn_statements(session_txn(c->session));
        c->reader = log_reader_new(c->log, c->db);
        c->instances = instance_cache_new(c->db);
    }
    if (!c->session || !make_positions_table(c, e)) {
        c = capture_free(c);
        return false;
    }
    *ret = c;
    return true;
}

Capture *capture_free(Capture *c) {
    if (!c) return NULL;
    for (size_t i = 0; i < c->writer_count; i++) (void)change_writer_free(c->writers[i]);
    free(c->writers);
    free(c->positions);
    (void)log_reader_free(c->reader);
    (void)instance_cache_free(c->instances);
    if (c->session) (void)session_close(c->session);
    (void)pthread_cond_destroy(&c->idle);
    (void)pthread_mutex_destroy(&c->mutex);
    free(c);
    return NULL;
}

/* ---- one scan at a time */

static bool enter(Capture *c, int spid, int64_t wait_ms) {
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&c->mutex);
    while (c->is_busy && pthread_cond_timedwait(&c->idle, &c->mutex, &until) == 0) {}
    bool is_mine = !c->is_busy;
    if (is_mine) {
        c->is_busy = true;
        c->spid = spid;
    }
    (void)pthread_mutex_unlock(&c->mutex);
    return is_mine;
}

static void leave(Capture *c) {
    (void)pthread_mutex_lock(&c->mutex);
    c->is_busy = false;
    (void)pthread_cond_signal(&c->idle);
    (void)pthread_mutex_unlock(&c->mutex);
}

void capture_settle(Capture *c) {
    (void)pthread_mutex_lock(&c->mutex);
    while (c->is_busy) (void)pthread_cond_wait(&c->idle, &c->mutex);
    (void)pthread_cond_signal(&c->idle); /* it may have been meant for a scan */
    (void)pthread_mutex_unlock(&c->mutex);
}

static bool refuse_busy(Capture *c, SqlError *e) {
    CLEANUP_FREE char *spid = x_asprintf("%d", c->spid);
    return cdc_message_raise(e, 22903, &(Str){spid, strlen(spid)}, 1);
}

/* ---- positions */

static bool load_position(Capture *c, int32_t database_id, CapturePosition *ret, SqlError *e) {
    CLEANUP(arena_done) Arena arena = {0};
    Value value;
    CdcSqlRow row = {.values = &value, .width = 1};
    const Value id = VALUE_OF_INT(database_id);
    *ret = (CapturePosition){.database_id = database_id, .has_schema_work = true};
    if (!cdc_sql_row(c->statements, &id, 1, &arena, &row, e,
                     "SELECT lsn FROM m_capture WHERE database_id = ?1"))
        return false;
    if (row.is_found && value.kind == VALUE_BLOB && value.v.s.n == LOG_LSN_BYTES)
        memcpy(ret->mark.b, value.v.s.p, LOG_LSN_BYTES);
    const Table *mapping = instance_cdc_table(c->catalog, database_id, STR_LIT("lsn_time_mapping"));
    if (!mapping) return true;
    if (!cdc_sql_row(c->statements, NULL, 0, &arena, &row, e, "SELECT max(c1) FROM %s", mapping->sql_name))
        return false;
    ret->has_mapping = row.is_found && value.kind == VALUE_BLOB;
    if (!ret->has_mapping) return true;
    /* Entries may be ahead of the position: one without changes takes an LSN that no transaction has. */
    ret->last_mapping_us = clock_wall_us();
    return true;
}

static CapturePosition *position_of(Capture *c, int32_t database_id, SqlError *e) {
    for (size_t i = 0; i < c->position_count; i++)
        if (c->positions[i].database_id == database_id) return &c->positions[i];
    CapturePosition p;
    if (!load_position(c, database_id, &p, e)) return NULL;
    c->positions = x_reallocarray(c->positions, c->position_count + 1, sizeof *c->positions);
    c->positions[c->position_count++] = p;
    return &c->positions[c->position_count - 1];
}

static bool is_enabled(Capture *c, int32_t database_id) {
    CatalogPin pin;
    catalog_pin(c->catalog, &pin);
    const Database *d = catalog_database_by_id(c->catalog, database_id);
    bool answer = d && d->is_cdc_enabled;
    catalog_unpin(c->catalog, &pin);
    return answer;
}

static bool forget_position(Capture *c, int32_t database_id, SqlError *e) {
    const Value param = VALUE_OF_INT(database_id);
    if (!store_write_begin(c->store, c->db, e)) return false;
    if (cdc_sql_run(c->statements, &param, 1, e, "DELETE FROM m_capture WHERE database_id = ?1"))
        return store_write_commit(c->store, c->db, e);
    store_write_rollback(c->store, c->db);
    return false;
}

static void enter_waiting(Capture *c) {
    (void)pthread_mutex_lock(&c->mutex);
    while (c->is_busy) (void)pthread_cond_wait(&c->idle, &c->mutex);
    c->is_busy = true;
    c->spid = 0;
    (void)pthread_mutex_unlock(&c->mutex);
}

bool capture_forget(Capture *c, int32_t database_id, SqlError *e) {
    enter_waiting(c);
    bool ok = forget_position(c, database_id, e);
    for (size_t i = 0; ok && i < c->position_count; i++)
        if (c->positions[i].database_id == database_id) c->positions[i--] = c->positions[--c->position_count];
    leave(c);
    return ok;
}

void capture_forget_disabled(Capture *c) {
    SqlError e;
    if (!enter(c, 0, 0)) return;
    for (size_t i = 0; i < c->position_count;) {
        if (is_enabled(c, c->positions[i].database_id)) {
            i++;
            continue;
        }
        if (!forget_position(c, c->positions[i].database_id, &e))
            LOG_WARN("capture_position_kept", LOG_S("reason", e.text));
        c->positions[i] = c->positions[--c->position_count];
    }
    leave(c);
}

/* Does the database have instances, so that its part of the log must be kept until it is captured? */
static bool needs_log(Capture *c, int32_t database_id, bool *ret, SqlError *e) {
    CLEANUP(arena_done) Arena arena = {0};
    const Table *t = instance_cdc_table(c->catalog, database_id, STR_LIT("change_tables"));
    Value value;
    CdcSqlRow row = {.values = &value, .width = 1};
    *ret = false;
    if (!t) return true;
    if (!cdc_sql_row(c->statements, NULL, 0, &arena, &row, e, "SELECT 1 FROM %s LIMIT 1", t->sql_name))
        return false;
    *ret = row.is_found;
    return true;
}

/* The lowest position of all databases; one that hasn't been scanned yet stands at the log's beginning. */
static bool lowest_position(Capture *c, const CapturePosition *reached, LogLsn *ret, SqlError *e) {
    int32_t at = 0;
    *ret = reached->mark;
    for (const Database *d; (d = catalog_next_database(c->catalog, &at)) != NULL;) {
        bool needs;
        if (!d->is_cdc_enabled || d->id == reached->database_id) continue;
        if (!needs_log(c, d->id, &needs, e)) return false;
        const CapturePosition *p = needs ? position_of(c, d->id, e) : NULL;
        if (needs && !p) return false;
        if (p && log_lsn_cmp(&p->mark, ret) < 0) *ret = p->mark;
    }
    return true;
}

/* Keep the position reached and cut the log behind all of them. */
static bool keep_position(Capture *c, const CapturePosition *p, SqlError *e) {
    const Value params[] = {VALUE_OF_INT(p->database_id),
                            VALUE_OF_BLOB(((Str){(const char *)p->mark.b, LOG_LSN_BYTES}))};
    LogLsn upto;
    return cdc_sql_run(c->statements, params, 2, e, "INSERT OR REPLACE INTO m_capture VALUES(?1, ?2)") &&
           lowest_position(c, p, &upto, e) && log_trim(c->log, c->db, &upto, e);
}

/* ---- batches */

/* Is there anything to do? Asked before the store's writer is taken, as it mostly is no. */
static bool has_work(CaptureScan *s, bool *ret, SqlError *e) {
    LogTransaction t;
    *ret = !s->at.has_mapping || clock_wall_us() - s->at.last_mapping_us >= s->limits->idle_ms * 1000;
    if (*ret) return true;
    if (!log_reader_next_transaction(s->c->reader, &s->at.mark, &t, e)) return e->number == 0;
    *ret = s->limits->lag_ms <= 0 || t.commit_us <= clock_wall_us() - s->limits->lag_ms * 1000;
    return true;
}

static bool other_databases_have_cdc(const Capture *c, int32_t database_id) {
    int32_t at = 0;
    for (const Database *d; (d = catalog_next_database(c->catalog, &at)) != NULL;)
        if (d->is_cdc_enabled && d->id != database_id) return true;
    return false;
}

static bool load_scan(CaptureScan *s, SqlError *e) {
    const Catalog *catalog = s->c->catalog;
    int32_t id = s->at.database_id;
    s->mapping = instance_cdc_table(catalog, id, STR_LIT("lsn_time_mapping"));
    s->history = instance_cdc_table(catalog, id, STR_LIT("ddl_history"));
    s->changes = instance_cdc_table(catalog, id, STR_LIT("change_tables"));
    s->reads_foreign = other_databases_have_cdc(s->c, id);
    if (!s->mapping || !s->history || !s->changes)
        return sql_error_set(e, 208, 16, 1, "Invalid object name 'cdc.lsn_time_mapping'.");
    if (!instance_cache_get(s->c->instances, catalog, id, &s->set, e)) return false;
    capture_set_targets(s);
    return true;
}

static void drop_stale_writers(Capture *c) {
    for (size_t i = 0; i < c->writer_count;) {
        if (change_writer_is_current(c->writers[i], c->catalog)) {
            i++;
        } else {
            (void)change_writer_free(c->writers[i]);
            c->writers[i] = c->writers[--c->writer_count];
        }
    }
}

/* The batch's end: what it wrote counts, or doesn't. */
static void settle_rows(CaptureScan *s, bool is_kept) {
    Capture *c = s->c;
    if (is_kept && s->mapping) (void)atomic_fetch_add(&s->mapping->state->row_count, s->mapping_rows);
    if (is_kept && s->history) (void)atomic_fetch_add(&s->history->state->row_count, s->history_rows);
    for (size_t i = 0; i < c->writer_count; i++) {
        if (is_kept) change_writer_committed(c->writers[i]);
        else change_writer_rolled_back(c->writers[i]);
    }
}

/* After a failed batch the reader stands behind what was undone: begin again from the position. */
static void renew_reader(Capture *c) {
    (void)log_reader_free(c->reader);
    c->reader = log_reader_new(c->log, c->db);
}

/* One batch as a whole; on success s->at is reached and kept. */
static bool write_batch(CaptureScan *s, SqlError *e) {
    Capture *c = s->c;
    CatalogPin pin;
    if (!store_write_begin(c->store, c->db, e)) return false;
    catalog_pin(c->catalog, &pin);
    drop_stale_writers(c);
    bool ok = load_scan(s, e) && capture_scan(s, e) && keep_position(c, &s->at, e);
    if (ok) ok = store_write_commit(c->store, c->db, e);
    else store_write_rollback(c->store, c->db);
    settle_rows(s, ok);
    catalog_unpin(c->catalog, &pin);
    if (!ok) renew_reader(c);
    return ok;
}

/* Schema work that failed in an earlier scan, or was left when the server stopped, comes first. */
static bool finish_schema_work(CaptureScan *s, SqlError *e) {
    CatalogPin pin;
    catalog_pin(s->c->catalog, &pin);
    store_write_lock(s->c->store); /* for the instances */
    bool ok = load_scan(s, e);
    store_write_unlock(s->c->store);
    ok = ok && capture_find_schema_work(s, e) && capture_finish_ddl(s, e);
    catalog_unpin(s->c->catalog, &pin);
    if (!ok) return false; /* run_scan frees it, when it has told of the error */
    free(s->targets);
    s->targets = NULL;
    s->set = NULL;
    return true;
}

/* ---- what is told of an error: its cause, then who fails because of it */

static void note(CaptureScan *s, ScanError *x, int32_t number, uint8_t class_, uint8_t state, Str text) {
    x->number = number;
    x->class_ = class_;
    x->state = state;
    size_t n = text.n < sizeof x->text - 1 ? text.n : sizeof x->text - 1;
    memcpy(x->text, text.p, n);
    x->text[n] = '\0';
    scan_history_add_error(s->c->history, x);
}

static void note_message(CaptureScan *s, ScanError *x, int32_t number, const Str *args, size_t count) {
    CLEANUP(buf_done) Buf text = {0};
    cdc_message_format(number, args, count, &text);
    note(s, x, number, cdc_message_class(number), 1, buf_view(&text));
}

static void note_failed_column(CaptureScan *s, ScanError *x) {
    CatalogPin pin;
    catalog_pin(s->c->catalog, &pin);
    const Table *change = catalog_table_by_id(s->c->catalog, s->failed_change_table);
    const Column *column = change ? table_column_by_id(change, s->failed_column) : NULL;
    const Table *source = NULL;
    for (size_t i = 0; s->set && i < s->set->count; i++)
        if (s->set->items[i].object_id == s->failed_change_table)
            source = catalog_table_by_id(s->c->catalog, s->set->items[i].source_object_id);
    if (column && source) {
        Str table = str_from(source->name);
        Str args[] = {str_from(column->name), str_from(change->name), table, table};
        note_message(s, x, 22976, args, 4);
    }
    catalog_unpin(s->c->catalog, &pin);
}

static void note_failure(CaptureScan *s, int32_t session_id, const SqlError *e) {
    ScanError x = {.session_id = session_id,
                   .database_id = s->at.database_id,
                   .phase = s->record.phase,
                   .at_us = clock_wall_us(),
                   .start_lsn = s->record.current_lsn};
    memcpy(x.begin_lsn.b, s->begin_lsn.b, LOG_LSN_BYTES);
    memcpy(x.seqval.b, s->seqval.b, LOG_LSN_BYTES);
    note(s, &x, e->number, e->class_, e->state, (Str){e->text, strlen(e->text)});
    if (s->failed_change_table) note_failed_column(s, &x);
    if (s->failed_wrapper) note_message(s, &x, s->failed_wrapper, NULL, 0);
    note_message(s, &x, 22859, NULL, 0);
}

/* One scan, from the database's position on. */
static bool scan_once(CaptureScan *s, CapturePosition *position, SqlError *e) {
    bool has_work_to_do = false;
    s->at = *position;
    if (s->at.has_schema_work && !finish_schema_work(s, e)) return false;
    s->at.has_schema_work = position->has_schema_work = false;
    if (!has_work(s, &has_work_to_do, e)) return false;
    s->reached_end = !has_work_to_do;
    if (!has_work_to_do) return true;
    if (!write_batch(s, e)) return false;
    s->at.has_schema_work = s->has_schema_work;
    position = position_of(s->c, s->at.database_id, e); /* the array may have grown */
    if (position) *position = s->at;
    if (!position || !s->has_schema_work) return position != NULL;
    if (!capture_finish_ddl(s, e)) return false;
    position->has_schema_work = false;
    return true;
}

/* *ret_end: there is nothing more to read. */
static bool run_scan(Capture *c, int32_t database_id, const CaptureLimits *limits, bool *ret_end,
                     SqlError *e) {
    CapturePosition *position = position_of(c, database_id, e);
    if (!position) return false;
    CaptureScan s = {.c = c, .limits = limits, .at = *position};
    s.record = (ScanRecord){
        .database_id = database_id, .start_us = clock_wall_us(), .phase = SCAN_PHASE_CONFIGURATION};
    bool ok = scan_once(&s, position, e), is_blocked = !ok && e->number == CAPTURE_BLOCKED;
    s.record.end_us = clock_wall_us();
    s.record.errors = !ok;
    if (ok) s.record.phase = SCAN_PHASE_DONE;
    int32_t session_id = is_blocked ? 0 : scan_history_add(c->history, &s.record);
    if (!ok && !is_blocked) note_failure(&s, session_id, e);
    *ret_end = s.reached_end;
    free(s.targets);
    return ok;
}

void capture_note_job_failure(Capture *c, int32_t database_id) {
    CatalogPin pin;
    catalog_pin(c->catalog, &pin);
    const Database *d = catalog_database_by_id(c->catalog, database_id);
    CaptureScan s = {.c = c};
    ScanError x = {.database_id = database_id, .at_us = clock_wall_us()};
    if (d) note_message(&s, &x, 22864, &(Str){d->name, strlen(d->name)}, 1);
    catalog_unpin(c->catalog, &pin);
}

bool capture_run(Capture *c, int32_t database_id, const CaptureLimits *limits, int spid, int64_t wait_ms,
                 bool *ret_more, SqlError *e) {
    if (!enter(c, spid, wait_ms)) return refuse_busy(c, e);
    bool ok = true, is_end = !is_enabled(c, database_id); /* it was disabled or dropped meanwhile */
    for (int32_t n = 0; ok && !is_end && n < limits->max_scans; n++)
        ok = run_scan(c, database_id, limits, &is_end, e);
    leave(c);
    *ret_more = !is_end;
    return ok;
}
