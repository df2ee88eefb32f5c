/*
 * capture_scan.c - one batch of the log scan. Transactions come in commit order; each change goes to the
 * active instances of its table. The command number counts change rows' commands within the transaction over
 * all instances, as SQL Server's does: the same change has different numbers in two instances of a table.
 */
#include "standin/capture/capture_internal.h"

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "standin/builtin/local_time.h"
#include "standin/capture/cdc_sql.h"

enum { TRAN_ID_BYTES = 6, CANCEL_EVERY = 4096, ERROR_MAPPING = 22858, ERROR_CHANGES = 22863 };

/* ---- lsn_time_mapping */

bool capture_add_mapping(CaptureScan *s, const LogTransaction *t, SqlError *e) {
    s->failed_wrapper = ERROR_MAPPING;
    uint8_t tran_id[TRAN_ID_BYTES] = {0}; /* as in sys.dm_tran…: big-endian */
    for (size_t i = 0; i < TRAN_ID_BYTES; i++) tran_id[i] = (uint8_t)(t->id >> (8 * (TRAN_ID_BYTES - 1 - i)));
    Str id = {(const char *)tran_id, t->id ? TRAN_ID_BYTES : 1};
    const Value p[] = {
        VALUE_OF_INT(atomic_fetch_add(&s->mapping->state->rowid, 1) + 1),
        VALUE_OF_BLOB(((Str){(const char *)t->commit_lsn.b, LOG_LSN_BYTES})),
        VALUE_OF_INT(local_time_datetime(t->begin_us)),
        VALUE_OF_INT(local_time_datetime(t->commit_us)),
        VALUE_OF_BLOB(id),
        VALUE_OF_BLOB(((Str){(const char *)t->begin_lsn.b, LOG_LSN_BYTES})),
    };
    if (!cdc_sql_run(s->c->statements, p, sizeof p / sizeof *p, e,
                     "INSERT INTO %s(rowid, c1, c2, c3, c4, c5) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                     s->mapping->sql_name))
        return false;
    s->at.last_mapping_us = clock_wall_us();
    s->at.has_mapping = true;
    s->mapping_rows++;
    return true;
}

/* ---- changes */

/* The writer of a change table, made anew when the table has changed. */
static ChangeWriter *writer_for(CaptureScan *s, const Instance *instance, SqlError *e) {
    Capture *c = s->c;
    const Table *t = catalog_table_by_id(c->catalog, instance->object_id);
    if (!t) {
        /* The instance is being disabled and its transaction is still open: it may be undone, so nothing may
         * be left out. SQL Server's capture waits for the lock; here the scan is given up and comes again. */
        (void)sql_error_set(e, CAPTURE_BLOCKED, 16, 51, "Lock request time out period exceeded.");
        return NULL;
    }
    for (size_t i = 0; i < c->writer_count; i++)
        if (change_writer_fits(c->writers[i], t)) return c->writers[i];
    ChangeWriter *w = change_writer_new(c->db, t, instance, e);
    if (!w) return NULL;
    c->writers = x_reallocarray(c->writers, c->writer_count + 1, sizeof(ChangeWriter *));
    return c->writers[c->writer_count++] = w;
}

static bool write_change(CaptureScan *s, CaptureTarget *t, const LogChange *change, SqlError *e) {
    if (!t->writer && !(t->writer = writer_for(s, t->instance, e))) return false;
    if (!t->has_begun) change_writer_begin(t->writer, &s->txn->commit_lsn);
    t->has_begun = true;
    s->failed_wrapper = ERROR_CHANGES;
    uint32_t rows;
    if (!change_writer_write(t->writer, change, s->commands + 1, &rows, e)) return false;
    s->commands += rows > 0;
    return true;
}

static bool see_change(CaptureScan *s, const LogChange *change, SqlError *e) {
    s->record.log_records++;
    s->seqval = change->seqval;
    s->failed_wrapper = 0;
    if (change->op == LOG_DDL) return capture_see_ddl(s, change, e);
    for (size_t i = 0; i < s->set->count; i++) {
        CaptureTarget *t = &s->targets[i];
        if (t->is_active && t->instance->source_object_id == change->object_id &&
            !write_change(s, t, change, e))
            return false;
    }
    return true;
}

static void note_transaction(CaptureScan *s, const LogTransaction *t) {
    ScanRecord *r = &s->record;
    if (r->transactions++ == 0) memcpy(r->first_begin_cdc_lsn.b, t->begin_lsn.b, LOG_LSN_BYTES);
    r->commands += (uint64_t)s->commands;
    memcpy(r->last_commit_cdc_lsn.b, t->commit_lsn.b, LOG_LSN_BYTES);
    r->last_commit_cdc_us = t->commit_us;
}

static bool see_transaction(CaptureScan *s, const LogTransaction *t, SqlError *e) {
    LogChange change;
    s->txn = t;
    s->begin_lsn = t->begin_lsn;
    s->commands = 0;
    s->needs_mapping = false;
    s->record.phase = SCAN_PHASE_SECOND;
    scan_history_set_active(s->c->history, &s->record);
    for (size_t i = 0; i < s->set->count; i++) s->targets[i].has_begun = false;
    for (uint64_t n = 0; log_reader_next_change(s->c->reader, &change, e); n++) {
        if (!see_change(s, &change, e)) return false;
        if (n % CANCEL_EVERY == 0 && server_is_stopping(s->c->server))
            return sql_error_set(e, 596, 21, 1,
                                 "Cannot continue the execution because the session is in the kill state.");
    }
    if (e->number) return false;
    memcpy(s->record.last_commit_lsn.b, t->commit_lsn.b, LOG_LSN_BYTES);
    s->record.last_commit_us = t->commit_us;
    if (s->commands > 0) note_transaction(s, t);
    if (s->commands == 0 && !s->needs_mapping) return true;
    LogTransaction row = *t;
    if (s->commands == 0) row.id = 0;
    return capture_add_mapping(s, &row, e);
}

/* ---- the batch */

static bool is_too_young(const CaptureScan *s, const LogTransaction *t) {
    return s->limits->lag_ms > 0 && t->commit_us > clock_wall_us() - s->limits->lag_ms * 1000;
}

static bool read_log(CaptureScan *s, SqlError *e) {
    LogTransaction t;
    int32_t seen = 0;
    while (seen < s->limits->max_transactions && !s->has_schema_work) {
        if (!log_reader_next_transaction(s->c->reader, &s->at.mark, &t, e)) {
            s->reached_end = e->number == 0;
            return s->reached_end;
        }
        if (is_too_young(s, &t)) {
            s->reached_end = true;
            return true;
        }
        if (lsn10_is_zero(&s->record.first_lsn)) memcpy(s->record.first_lsn.b, t.begin_lsn.b, LOG_LSN_BYTES);
        memcpy(s->record.current_lsn.b, t.commit_lsn.b, LOG_LSN_BYTES);
        s->at.mark = t.commit_lsn;
        if (t.database_id != s->at.database_id && !s->reads_foreign) continue;
        if (!see_transaction(s, &t, e)) return false;
        seen += t.database_id == s->at.database_id;
    }
    return true;
}

/* Nothing happened for long, or never: an entry without changes says that the log was read up to now. */
static bool add_idle_mapping(CaptureScan *s, SqlError *e) {
    int64_t now = clock_wall_us();
    bool is_due = !s->at.has_mapping || now - s->at.last_mapping_us >= s->limits->idle_ms * 1000;
    if (!s->reached_end || s->limits->lag_ms > 0 || !is_due) return true;
    LogLsn lsn = log_take_lsn(s->c->log);
    s->at.mark = lsn;
    return capture_add_mapping(
        s, &(LogTransaction){.begin_lsn = lsn, .commit_lsn = lsn, .begin_us = now, .commit_us = now}, e);
}

void capture_set_targets(CaptureScan *s) {
    s->targets = x_calloc(s->set->count, sizeof *s->targets);
    for (size_t i = 0; i < s->set->count; i++)
        s->targets[i] =
            (CaptureTarget){.instance = &s->set->items[i], .is_active = s->set->items[i].has_start};
}

bool capture_scan(CaptureScan *s, SqlError *e) {
    return read_log(s, e) && add_idle_mapping(s, e);
}
