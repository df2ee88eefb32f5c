/*
 * What makes a batch part of the target exactly once is decided by pipeline/lane.h; here its steps become
 * statements.
 *
 * Round trips. Everything that needs no answer is queued: a transaction of few changes is BEGIN, the fence,
 * its arrays and COMMIT in one round trip. What needs the connection to itself (COPY, DDL) ends the queue and
 * begins another.
 *
 * Failures. A constraint that the compacted batch breaks may hold in the source's order, so 23503, 23505 and
 * 23514 are tried once more uncompacted: a transaction that began with this batch from its start, an older
 * one from a savepoint. What is refused then too, or for the value's sake, is taken apart (quarantine.h). Any
 * other failure ends the transaction, and with it all that was made in it: temporary tables, and our
 * knowledge of the tables.
 */
#include "postgres/sink.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/textlist.h"
#include "observe/progress.h"
#include "pipeline/lane.h"
#include "postgres/apply.h"
#include "postgres/foreign_keys.h"
#include "postgres/links.h"
#include "postgres/position_store.h"
#include "postgres/precheck_pg.h"
#include "postgres/quarantine.h"
#include "postgres/reporter.h"
#include "postgres/signal_store.h"
#include "postgres/sink_option.h"

enum { OTHERS_WAIT_MS = 5000 }; /* for another lane that may wait for this one */

/* Changes of one commit time, waiting for our commit. */
typedef struct Waiting {
    int64_t source_us, count;
} Waiting;

/* What a commit adds to a counter. */
typedef struct Pending {
    Metric *metric;
    int64_t count;
} Pending;

struct Sink {
    SinkConfig *config;
    PgConn *conn; /* NULL = not connected */
    PositionStore *store;
    ForeignKeys *foreign_keys;
    SignalKey signals;
    TargetSet *targets;
    Apply *apply;
    Quarantine *quarantine;
    bool was_apart;    /* the batch at hand was applied by the quarantine */
    bool is_order_old; /* a foreign key held in the source's order only: what is known of the keys may be old
                        */
    Lane *lane;
    int64_t reached_us; /* commit time of the last batch's end */
    int64_t chunk_rows; /* of the chunk that is being written, so far */
    Progress *progress;
    int lane_number;
    const LanePeers *peers; /* NULL = the only lane */
    bool has_met;           /* of several lanes: the others may have set rows aside since */
    char *database;

    Waiting *waiting;
    size_t waiting_count, waiting_cap;
    Pending *unsure; /* of a transaction that may have been committed */
    size_t unsure_count;
    Metric *transactions, *latency, *position_time, *replays;
    PgStatement begin, commit, savepoint, release;
};

/* ---- life ---- */

static void make_metrics(Sink *s, Metrics *m) {
    s->transactions = metrics_get(m, METRIC_COUNTER, "millrace_transactions_total", (Str){0},
                                  "Transactions committed in the target");
    s->replays = metrics_get(m, METRIC_COUNTER, "millrace_replays_total", (Str){0},
                             "Batches written again in the source's order because of a constraint");
    s->latency = metrics_get(m, METRIC_HISTOGRAM_US, "millrace_apply_latency", (Str){0},
                             "From a change's commit in the source to its commit in the target");
    s->position_time = metrics_get(m, METRIC_GAUGE, "millrace_position_time_us", (Str){0},
                                   "Commit time, in the source, of the position stored in the target");
}

static Sink *sink_stop(Sink *s) {
    if (!s) return NULL;
    quarantine_free(s->quarantine);
    apply_free(s->apply);
    target_set_free(s->targets);
    position_store_free(s->store);
    foreign_keys_free(s->foreign_keys);
    lane_free(s->lane);
    pgconn_close(s->conn);
    sink_config_free(s->config);
    free(s->database);
    free(s->waiting);
    free(s->unsure);
    free(s);
    return NULL;
}

static bool connect_to(Sink *s, Err *e) {
    const PgConnSpec spec = sink_config_conn(s->config);
    return pgconn_open(&spec, &s->conn, e);
}

static bool sink_start(const Options *options, const ConnectorContext *context, Sink **ret, Err *e) {
    Sink *s = x_calloc(1, sizeof *s);
    if (!sink_config_new(options, context, &s->config, e)) {
        sink_stop(s);
        return false;
    }
    s->begin.sql = "BEGIN";
    s->commit.sql = "COMMIT";
    s->savepoint.sql = "SAVEPOINT millrace";
    s->release.sql = "RELEASE SAVEPOINT millrace";
    const PositionKey key = {context->name, context->database, context->has_siblings, context->lane};
    s->store = position_store_new(&key, context->ownership);
    s->signals = (SignalKey){context->name, context->database};
    s->targets = target_set_new(&s->config->rules);
    s->apply = apply_new(s->targets);
    if (s->config->batch_rows > 0) apply_set_batch_rows(s->apply, s->config->batch_rows);
    const DeadLetterKey letters = {context->name, context->database, context->lane};
    RefusedBatch *refused = context->ownership ? &context->ownership->refused[context->lane] : NULL;
    s->quarantine =
        quarantine_new(&s->config->errors, &letters, s->apply, s->targets, context->metrics, refused);
    s->foreign_keys = foreign_keys_new(context->name, context->database, s->config->suspends_foreign_keys);
    s->lane = lane_new();
    s->progress = context->progress;
    s->lane_number = context->lane;
    s->database = x_strdup(context->database ? context->database : "");
    s->peers = context->peers;
    if (s->peers) lane_set_count(s->lane, s->peers->count);
    make_metrics(s, context->metrics);
    bool is_first = context->lane == 0;
    if (!connect_to(s, e) || (is_first && !precheck_pg_server(s->conn, e)) ||
        (is_first && !position_store_create(s->store, s->conn, e)) ||
        (is_first && (!signal_store_create(s->conn, e) || !foreign_keys_create(s->conn, e)))) {
        sink_stop(s);
        return false;
    }
    *ret = s;
    return true;
}

/* ---- what a commit makes known ---- */

static void note_latency(Sink *s, const Change *changes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t us = changes[i].source_us;
        if (us <= 0) continue;
        Waiting *last = s->waiting_count > 0 ? &s->waiting[s->waiting_count - 1] : NULL;
        if (last && last->source_us == us) {
            last->count++;
            continue;
        }
        if (s->waiting_count == s->waiting_cap) {
            s->waiting_cap = s->waiting_cap ? 2 * s->waiting_cap : 64;
            s->waiting = x_reallocarray(s->waiting, s->waiting_cap, sizeof *s->waiting);
        }
        s->waiting[s->waiting_count++] = (Waiting){us, 1};
    }
}

/* What the batch adds to its tables' counters, once it is committed. */
static void count_batch(Sink *s, const Batch *b, size_t first) {
    Target *t = NULL;
    Err unused;
    if (b->kind == BATCH_ROWS) {
        if (target_set_find(s->targets, s->conn, b->schema, &t, &unused))
            for (size_t i = 0; i < b->count; i++)
                t->counters[TARGET_COPIED].pending += !(s->was_apart && quarantine_has(s->quarantine, i));
        return;
    }
    for (size_t i = first; b->kind == BATCH_CHANGES && i < b->count; i++)
        if (!(s->was_apart && quarantine_has(s->quarantine, i - first)) &&
            target_set_find(s->targets, s->conn, b->changes[i].schema, &t, &unused))
            target_count_change(t, &b->changes[i]);
}

static void count_commit(Sink *s) {
    int64_t now_us = clock_wall_us();
    for (size_t i = 0; i < s->waiting_count; i++) {
        int64_t us = now_us - s->waiting[i].source_us;
        metric_observe_us(s->latency, us > 0 ? us : 0, s->waiting[i].count);
    }
    s->waiting_count = 0;
    target_set_count_commit(s->targets);
    metric_add(s->transactions, 1);
    /* of several lanes the last one's: tell_progress */
    if (s->reached_us > 0 && !s->peers) metric_set(s->position_time, s->reached_us);
}

/* The connection went away with the transaction: what it had counted counts if it turns out to be in. */
static void keep_counts(Sink *s) {
    free(s->unsure);
    s->unsure = x_calloc(TARGET_COUNTS * target_set_count(s->targets) + 1, sizeof *s->unsure);
    s->unsure_count = 0;
    for (size_t i = 0; i < target_set_count(s->targets); i++) {
        const TargetCounter *c = target_set_at(s->targets, i)->counters;
        for (size_t k = 0; k < TARGET_COUNTS; k++)
            if (c[k].pending > 0) s->unsure[s->unsure_count++] = (Pending){c[k].metric, c[k].pending};
    }
}

static void settle_counts(Sink *s, bool is_in) {
    for (size_t i = 0; is_in && i < s->unsure_count; i++) metric_add(s->unsure[i].metric, s->unsure[i].count);
    s->unsure_count = 0;
    if (is_in) count_commit(s);
    s->waiting_count = 0;
}

/* What is stored now, as far as we know, for those who ask how far the pipeline is. */
static void tell_progress(Sink *s) {
    const StoredState *stored = lane_stored(s->lane);
    progress_applied(s->progress, s->lane_number,
                     (ProgressMark){.lsn = stored->position.commit_lsn, .commit_us = s->reached_us});
    progress_copying(s->progress, !stored->is_snapshot_done);
    if (!s->peers) return;
    const ProgressView view = progress_view(s->progress);
    if (view.applied.commit_us > 0) metric_set(s->position_time, view.applied.commit_us);
}

/* ---- owning ---- */

static bool connect_again(Sink *s, Err *e) {
    if (!pgconn_is_open(s->conn)) s->conn = pgconn_close(s->conn);
    return s->conn || connect_to(s, e);
}

/* What is stored of the lane is known; on failure *state is done with. */
static bool note_owned(Sink *s, int64_t epoch, StoredState *state, Err *e) {
    if (!quarantine_own(s->quarantine, s->conn, e)) {
        stored_state_done(state);
        return false;
    }
    char position[POSITION_TEXT_SIZE];
    LOG_INFO("pipeline_owned", LOG_I("lane", s->lane_number), LOG_I("epoch", epoch),
             LOG_S("position", state->has_position ? position_format(&state->position, position) : "none"));
    settle_counts(s, lane_owned(s->lane, epoch, state) == LANE_IS_IN);
    tell_progress(s);
    return true;
}

static bool sink_own(Sink *s, StoredState *ret, Err *e) {
    StoredState state = {0};
    int64_t epoch = 0;
    if (!connect_again(s, e)) return false;
    if (!position_store_own(s->store, s->conn, &epoch, &state, e)) {
        if (e->code == ERR_FENCED) lane_fenced(s->lane);
        return false;
    }
    if (!note_owned(s, epoch, &state, e)) return false;
    *ret = state;
    return true;
}

static bool sink_own_all(Sink *s, size_t wanted, LanesStart *ret_start, StoredState *ret, Err *e) {
    StoredState state = {0};
    int64_t epoch = 0;
    bool is_paused = false;
    if (!connect_again(s, e) || !signal_store_is_paused(s->conn, s->signals, &is_paused, e)) return false;
    if (!position_store_own_all(s->store, s->conn, wanted, &epoch, ret_start, &state, e)) {
        if (e->code == ERR_FENCED) lane_fenced(s->lane);
        return false;
    }
    if (!note_owned(s, epoch, &state, e)) return false;
    state.position = ret_start->lowest;
    state.ahead = ret_start->highest;
    state.consistent = ret_start->consistent;
    state.is_paused = is_paused;
    *ret = state;
    return true;
}

/* ---- one of several lanes ---- */

static void sink_join(Sink *s, const LanePeers *peers) {
    s->peers = peers;
    lane_set_count(s->lane, peers->count);
}

static void sink_learn(Sink *s, const Batch *batch) {
    lane_learn(s->lane, batch);
    if (batch->kind == BATCH_TABLE && !pgconn_in_transaction(s->conn)) target_set_clear(s->targets);
}

static Position sink_passed(const Sink *s) {
    return *lane_passed(s->lane);
}

static bool sink_links(Sink *s, const StoredState *known, RouteTable *ret_tables, RouteJoin **ret_joins,
                       size_t *ret_join_count, Err *e) {
    return connect_again(s, e) && links_read(s->conn, &s->config->rules, s->database, known, ret_tables,
                                             ret_joins, ret_join_count, e);
}

static bool queue(Sink *s, PgStatement *statement, Err *e) {
    return pgconn_pipe_begin(s->conn, e) &&
           pgconn_pipe_send(s->conn, statement, NULL, 0, /* ret_rows= */ NULL, e);
}

static bool send_routes(Sink *s, const StoredState *known, Err *e) {
    LaneWork fence;
    lane_look(s->lane, &fence);
    bool ok = queue(s, &s->begin, e) &&
              position_store_take(s->store, s->conn, &fence, &fence.new, s->reached_us, e);
    for (size_t i = 0; ok && i < known->table_count; i++)
        ok = position_store_set_route(s->store, s->conn, &known->tables[i], e);
    return ok && queue(s, &s->commit, e) && pgconn_pipe_end(s->conn, e);
}

static bool sink_store_routes(Sink *s, const StoredState *known, Err *e) {
    if (connect_again(s, e) && send_routes(s, known, e)) return true;
    Err unused;
    if (e->code == ERR_FENCED) lane_fenced(s->lane);
    if (s->conn && pgconn_pipe_end(s->conn, &unused)) pgconn_rollback(s->conn);
    return false; /* the lanes end, and their connections with them */
}

/* ---- steps ---- */

typedef struct Work {
    const LaneWork *lane;
    const Batch *batch; /* NULL: an idle position */
    ApplyOrder order;
    bool was_begun; /* an earlier batch began the transaction */
    bool is_again;  /* it was refused before, */
    bool is_apart;  /*   and is taken apart now */
    size_t letters; /* quarantine_mark at the batch's start */
} Work;

static bool begin(Sink *s, const Work *w, Err *e) {
    apply_begun(s->apply);
    return queue(s, &s->begin, e) &&
           position_store_take(s->store, s->conn, w->lane, &w->lane->new, s->reached_us, e);
}

/* The batch's table, fit for its schema; and empty, if rows are to be copied into it. */
static bool make_table(Sink *s, const Batch *batch, Err *e) {
    Target *t = NULL;
    BatchCopy copy = batch->table.copy;
    if (copy == BATCH_COPY_GONE) return true;
    if (!pgconn_pipe_end(s->conn, e) ||
        !target_set_open(s->targets, s->conn, batch->schema, /* was_written= */ !batch->table.is_new, &t, e))
        return false;
    bool is_anew = copy == BATCH_COPY_FIRST || copy == BATCH_COPY_BESIDE;
    bool is_first = copy == BATCH_COPY_FIRST || (is_anew && batch->table.is_new);
    if (is_anew && !foreign_keys_suspend(s->foreign_keys, s->conn, t->table->oid, e)) return false;
    /* rows that a copy beside others brings supersede their own letters, one by one */
    if ((is_first || batch->table.empties) &&
        !quarantine_copied_anew(s->quarantine, s->conn, batch->schema, e))
        return false;
    if (batch->table.empties && !catalog_pg_delete_all(s->conn, t->table, e)) return false;
    if (!is_first) return true;
    bool is_empty = false;
    if (!catalog_pg_is_empty(s->conn, t->table, &is_empty, e)) return false;
    return is_empty ||
           err_set(e, ERR_INVALID, false,
                   "%s is to be copied into %s, which holds rows already; empty it (TRUNCATE %s), or start "
                   "with snapshot.mode=no_data if they are the source's",
                   batch->schema->qualified, t->qualified, t->qualified);
}

/* Constraints are looked at when the transaction ends, where they allow it. */
static bool defer(Sink *s, Err *e) {
    return pgconn_pipe_end(s->conn, e) && pgconn_exec(s->conn, "SET CONSTRAINTS ALL DEFERRED", e);
}

static bool take_apart(Sink *s, const Work *w, const Change *changes, size_t count, Err *e) {
    s->was_apart = true;
    return pgconn_pipe_end(s->conn, e) &&
           quarantine_apply(s->quarantine, s->conn, changes, count, w->order, e);
}

/* One way or another, the rows or changes are written. */
static bool write_batch(Sink *s, const Work *w, bool is_plain, Err *e) {
    const Batch *b = w->batch;
    size_t first = b->kind == BATCH_CHANGES ? w->lane->first : 0;
    const Change *changes = b->changes + first;
    size_t count = b->count - first;
    bool holds = false;
    if (w->is_apart) return take_apart(s, w, changes, count, e);
    if (w->is_again && !defer(s, e)) return false;
    if (quarantine_is_open(s->quarantine) &&
        (!pgconn_pipe_end(s->conn, e) || !quarantine_meet(s->quarantine, s->conn, changes, count, &holds, e)))
        return false;
    if (holds) return take_apart(s, w, changes, count, e);
    return is_plain ? apply_copy(s->apply, s->conn, b->schema, changes, count, e) &&
                          apply_copy_end(s->apply, s->conn, e)
                    : apply_changes(s->apply, s->conn, changes, count, w->order, e);
}

/* In a savepoint, where a failure must not take the earlier batches' work along. */
static bool apply_batch(Sink *s, const Work *w, bool is_plain, Err *e) {
    if (!w->was_begun) return write_batch(s, w, is_plain, e);
    return (w->is_again || queue(s, &s->savepoint, e)) && write_batch(s, w, is_plain, e) &&
           queue(s, &s->release, e);
}

static bool mark_chunk(Sink *s, const Batch *batch, Err *e) {
    return pgconn_pipe_begin(s->conn, e) &&
           position_store_mark_chunk(s->store, s->conn, batch, s->chunk_rows, e);
}

static bool commit(Sink *s, Err *e) {
    return queue(s, &s->commit, e) && pgconn_pipe_end(s->conn, e);
}

static bool do_step(Sink *s, const Work *w, LaneStep step, Err *e) {
    const Batch *b = w->batch;
    switch (step) {
    case LANE_BEGIN_MOVED:
    case LANE_BEGIN_LOCKED: return begin(s, w, e);
    case LANE_TABLE: return make_table(s, b, e);
    case LANE_MARK_TABLE:
        return pgconn_pipe_begin(s->conn, e) && position_store_mark_table(s->store, s->conn, b, e);
    case LANE_COPY_PLAIN: return apply_batch(s, w, /* is_plain= */ true, e);
    case LANE_UPSERT_ROWS:
    case LANE_APPLY: return apply_batch(s, w, /* is_plain= */ false, e);
    case LANE_AWAIT_CHUNK:
        return apply_copy_end(s->apply, s->conn, e) && pgconn_pipe_end(s->conn, e) &&
               s->peers->await_chunk(s->peers, b, e);
    case LANE_MARK_CHUNK: return mark_chunk(s, b, e);
    case LANE_MOVE_OTHERS:
        return pgconn_pipe_begin(s->conn, e) &&
               position_store_start_others(s->store, s->conn, &w->lane->new, s->reached_us,
                                           s->peers->count - 1, e);
    case LANE_MOVE:
        return pgconn_pipe_begin(s->conn, e) &&
               position_store_take(s->store, s->conn, w->lane, &w->lane->new, s->reached_us, e);
    case LANE_MARK_CONSISTENT:
        return pgconn_pipe_begin(s->conn, e) &&
               position_store_mark_consistent(s->store, s->conn, &w->lane->new, e);
    case LANE_CLEAR_CONSISTENT:
        return pgconn_pipe_begin(s->conn, e) &&
               position_store_mark_consistent(s->store, s->conn, /* consistent= */ NULL, e);
    case LANE_COMMIT: return commit(s, e);
    }
    return err_set(e, ERR_INTERNAL, false, "a step that there isn't: %d", (int)step);
}

static bool do_steps(Sink *s, const Work *w, size_t from, Err *e) {
    for (size_t i = from; i < w->lane->count; i++)
        if (!do_step(s, w, w->lane->steps[i], e)) return false;
    return pgconn_pipe_end(s->conn, e);
}

/* Targets are looked up before anything is queued: reading the catalog needs the connection. */
static bool open_targets(Sink *s, const Batch *b, size_t first, Err *e) {
    Target *t = NULL;
    if (b->kind != BATCH_ROWS && b->kind != BATCH_CHANGES) return true;
    for (size_t i = first; i < b->count; i++)
        if (!target_set_find(s->targets, s->conn, b->changes[i].schema, &t, e)) return false;
    return true;
}

/* Index of the step that writes rows; work->count when there is none. */
static size_t apply_step(const LaneWork *work) {
    size_t i = 0;
    while (i < work->count && work->steps[i] != LANE_APPLY && work->steps[i] != LANE_UPSERT_ROWS &&
           work->steps[i] != LANE_COPY_PLAIN)
        i++;
    return i;
}

/* Something of the batch was refused, and it may be told what. */
static bool is_refused(const Sink *s, const Work *w, const Err *e) {
    return e->code == ERR_DATA && !s->was_apart && pgconn_is_open(s->conn) &&
           apply_step(w->lane) < w->lane->count;
}

static bool may_hold_in_order(Sink *s, const Work *w, const Err *e) {
    static const char *const states[] = {"23503", "23505", "23514"};
    if (w->order != APPLY_COMPACTED || w->batch->kind != BATCH_CHANGES || !is_refused(s, w, e)) return false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(pgconn_sqlstate(s->conn), states[i]) == 0) return true;
    return false;
}

/* Take back what the batch has written; *ret_from: the step to go on with. */
static bool take_back(Sink *s, Work *w, size_t *ret_from, Err *e) {
    Err unused;
    *ret_from = 0;
    w->is_again = true;
    apply_copy_abort(s->apply, s->conn);
    if (!pgconn_pipe_end(s->conn, &unused) && !pgconn_is_open(s->conn)) return false;
    target_set_forget_temps(s->targets);
    quarantine_back(s->quarantine, w->letters);
    if (w->was_begun) {
        if (!pgconn_in_transaction(s->conn)) return false; /* its COMMIT was refused: *e says why */
        *ret_from = apply_step(w->lane);
        return pgconn_exec(s->conn, "ROLLBACK TO SAVEPOINT millrace", e);
    }
    pgconn_rollback(s->conn);
    return true;
}

/* The batch once more: change by change, or apart. */
static bool write_again(Sink *s, Work *w, Err *e) {
    size_t from = 0;
    return take_back(s, w, &from, e) && do_steps(s, w, from, e);
}

static bool replay(Sink *s, const Work *failed, Err *e) {
    Work w = *failed;
    w.order = APPLY_IN_ORDER;
    metric_add(s->replays, 1);
    LOG_INFO("replayed_in_order", LOG_S("why", e->msg), LOG_I("changes", w.batch->count));
    return write_again(s, &w, e);
}

/* Of several lanes: the row that one refers to, or that stands in its way, may be another lane's to write. */
static bool may_be_anothers(const Sink *s, const Work *w, const Err *e) {
    const char *state = pgconn_sqlstate(s->conn);
    return s->peers && w->batch->kind == BATCH_CHANGES && is_refused(s, w, e) &&
           (strcmp(state, "23503") == 0 || strcmp(state, "23505") == 0);
}

static bool write_after_others(Sink *s, const Work *failed, Err *e) {
    Work w = *failed;
    size_t from = 0;
    Err unused;
    w.order = APPLY_IN_ORDER;
    LOG_INFO("waits_for_other_lanes", LOG_S("why", e->msg));
    if (!take_back(s, &w, &from, e)) return false;
    (void)s->peers->await_commit(s->peers, &w.batch->to.commit_lsn, OTHERS_WAIT_MS, &unused);
    return do_steps(s, &w, from, e);
}

static bool write_apart(Sink *s, const Work *failed, Err *e) {
    Work w = *failed;
    w.is_apart = true;
    LOG_INFO("batch_taken_apart", LOG_S("why", e->msg), LOG_I("changes", w.batch->count));
    return write_again(s, &w, e);
}

/* The failure's end: roll back, tell the lane, forget what was of this transaction. */
static void give_up(Sink *s, const Err *e) {
    apply_copy_abort(s->apply, s->conn);
    if (pgconn_is_open(s->conn)) pgconn_rollback(s->conn);
    quarantine_rolled_back(s->quarantine);
    keep_counts(s);
    target_set_clear(s->targets);
    if (e->code == ERR_FENCED) lane_fenced(s->lane);
    else if (!pgconn_is_open(s->conn)) lane_lost(s->lane);
    else (void)lane_rolled_back(s->lane);
    if (pgconn_is_open(s->conn)) settle_counts(s, /* is_in= */ false);
}

/* A lost connection may mean that a new owner has ended it; then there is nothing to retry. */
static bool explain_loss(Sink *s, Err *e) {
    bool is_ours = true;
    Err unused;
    if (e->code == ERR_FENCED || pgconn_is_open(s->conn)) return false;
    s->conn = pgconn_close(s->conn);
    if (connect_to(s, &unused) && position_store_is_ours(s->store, s->conn, &is_ours, &unused) && !is_ours) {
        (void)err_set(
            e, ERR_FENCED, false,
            "another owner has taken the pipeline and ended our connection: only one process may run it, so "
            "this one stops");
        lane_fenced(s->lane);
    }
    return false;
}

static bool do_work(Sink *s, const LaneWork *lane, const Batch *batch, bool was_begun, Err *e) {
    Work w = {.lane = lane, .batch = batch, .was_begun = was_begun};
    w.order = s->config->rules.insert == TARGET_INSERT ? APPLY_IN_ORDER : APPLY_COMPACTED;
    w.letters = quarantine_mark(s->quarantine);
    s->was_apart = false;
    bool ok = (!batch || open_targets(s, batch, lane->first, e)) && do_steps(s, &w, 0, e);
    if (!ok && batch && may_hold_in_order(s, &w, e)) {
        bool is_reference = strcmp(pgconn_sqlstate(s->conn), "23503") == 0;
        ok = replay(s, &w, e);
        s->is_order_old = s->is_order_old || (ok && is_reference);
    }
    if (!ok && batch && may_be_anothers(s, &w, e)) ok = write_after_others(s, &w, e);
    if (!ok && is_refused(s, &w, e)) ok = write_apart(s, &w, e);
    if (batch && (ok || !pgconn_is_open(s->conn))) count_batch(s, batch, lane->first);
    if (ok) {
        bool is_committed = lane->count > 0 && lane->steps[lane->count - 1] == LANE_COMMIT;
        if (is_committed) count_commit(s);
        lane_done(s->lane);
        if (batch && !s->was_apart) quarantine_went_in(s->quarantine, batch->changes, batch->count);
        if (!is_committed) return true;
        quarantine_committed(s->quarantine);
        if (s->is_order_old) target_set_clear(s->targets);
        s->is_order_old = false;
        tell_progress(s);
        quarantine_expire(s->quarantine, s->conn, clock_mono_us());
        return true;
    }
    if (e->code == ERR_DATA && !pgconn_is_open(s->conn)) /* of which row can't be told any more */
        (void)err_set(e, ERR_IO, true, "PostgreSQL: connection lost");
    give_up(s, e);
    return explain_loss(s, e);
}

static bool not_owned(Err *e) {
    return err_set(e, ERR_IO, true, "not connected to PostgreSQL; the pipeline is taken again first");
}

/* Where in the stream, or in which table's copy, it was. */
static bool say_where(const Batch *b, Err *e) {
    char lsn[POSITION_TEXT_SIZE];
    if (e->code == ERR_FENCED || e->code == ERR_CANCELLED) return false;
    switch (b->kind) {
    case BATCH_CHANGES: return err_wrap(e, "changes up to LSN %s", position_format(&b->to, lsn));
    case BATCH_ROWS:
        return err_wrap(e, "copying %s, chunk %u", b->schema->qualified, (unsigned)b->chunk.number);
    case BATCH_TABLE: return err_wrap(e, "table %s", b->schema->qualified);
    case BATCH_ANSWER:
    case BATCH_END: break;
    }
    return false;
}

/* Between two transactions: foreign keys that a copy has taken away, once they are due. */
static bool restore_foreign_keys(Sink *s, bool is_end, Err *e) {
    bool is_made = false;
    if (s->lane_number != 0) return true;
    if (!foreign_keys_restore(s->foreign_keys, s->conn, clock_mono_us(), is_end, &is_made, e)) {
        give_up(s, e);
        return explain_loss(s, e);
    }
    if (is_made) target_set_clear(s->targets);
    return true;
}

/* Between two transactions: what other lanes have set aside before the lanes met last. A chunk goes to any
 * lane, so that one lane's row may have its letter from another. */
static bool learn_letters(Sink *s, Err *e) {
    if (s->has_met && s->config->errors.is_tolerant && !quarantine_own(s->quarantine, s->conn, e)) {
        give_up(s, e);
        return explain_loss(s, e);
    }
    s->has_met = false;
    return true;
}

/* What it is known again by, also when the source has cut it elsewhere: the lane's first change that isn't in
 * yet; of a copy, whose rows have another position each time they are read, the chunk. */
static uint64_t batch_id(const Batch *b, size_t first) {
    char place[POSITION_TEXT_SIZE];
    if (b->kind == BATCH_ROWS)
        return hash_bytes(b->schema->qualified, strlen(b->schema->qualified), b->chunk.number);
    position_format(&b->changes[first].position, place);
    return hash_bytes(place, strlen(place), /* seed= */ 0);
}

static bool sink_put(Sink *s, const Batch *batch, Err *e) {
    LaneWork work;
    if (!pgconn_is_open(s->conn)) return not_owned(e);
    bool was_begun = pgconn_in_transaction(s->conn);
    if (!was_begun && (!restore_foreign_keys(s, /* is_end= */ false, e) || !learn_letters(s, e)))
        return false;
    if (!lane_put(s->lane, batch, clock_mono_us(), &work, e)) return false;
    if (batch->kind == BATCH_CHANGES && batch->to_us > 0) s->reached_us = batch->to_us;
    if (batch->kind == BATCH_ROWS)
        s->chunk_rows = (batch->chunk.is_first_part ? 0 : s->chunk_rows) + (int64_t)batch->count;
    if (batch->kind == BATCH_CHANGES) note_latency(s, batch->changes + work.first, batch->count - work.first);
    size_t first = batch->kind == BATCH_CHANGES ? work.first : 0;
    if (first < batch->count) quarantine_begun(s->quarantine, batch_id(batch, first));
    if (!do_work(s, &work, batch, was_begun, e)) return say_where(batch, e);
    if (batch->kind != BATCH_END) return true;
    s->has_met = s->peers != NULL;
    return !batch->is_final || restore_foreign_keys(s, /* is_end= */ true, e);
}

static bool sink_idle(Sink *s, Err *e) {
    LaneWork work;
    if (!pgconn_is_open(s->conn)) return not_owned(e);
    if (!pgconn_in_transaction(s->conn) && !restore_foreign_keys(s, /* is_end= */ false, e)) return false;
    lane_idle(s->lane, clock_mono_us(), &work);
    if (work.count == 0 && !pgconn_check(s->conn, e)) {
        lane_done(s->lane);
        give_up(s, e);
        return explain_loss(s, e);
    }
    if (!pgconn_in_transaction(s->conn)) quarantine_expire(s->quarantine, s->conn, clock_mono_us());
    return do_work(s, &work, /* batch= */ NULL, /* was_begun= */ false, e);
}

static bool sink_needs_source_back(const Sink *s) {
    return lane_needs_source_back(s->lane);
}

const SinkClass postgres_sink_class = {
    .class_names = sink_option_classes,
    .options = sink_options,
    .option_count = SINK_OPTION_COUNT,
    .start = sink_start,
    .own = sink_own,
    .put = sink_put,
    .idle = sink_idle,
    .needs_source_back = sink_needs_source_back,
    .stop = sink_stop,
    .answers = sink_option_answers,
    .own_all = sink_own_all,
    .join = sink_join,
    .learn = sink_learn,
    .passed = sink_passed,
    .links = sink_links,
    .store_routes = sink_store_routes,
    .report_open = reporter_open,
    .report = reporter_put,
    .report_close = reporter_close,
    .signals = reporter_signals,
    .answer = reporter_answer,
};
