#include "fake_target.h"

#include <assert.h>
#include <string.h>

#include "fake_source.h"

void fake_target_init(FakeTarget *t) {
    memset(t, 0, sizeof *t);
}

int64_t fake_target_own(Sim *s, FakeTarget *t, size_t session) {
    for (size_t i = 0; i < SIM_PROCS; i++) {
        /* It would wait for the position row for ever behind a stopped process: so that backend is ended. */
        if (i != session && t->sessions[i].is_in_transaction && !sim_is_broken(s, BREAK_NO_FENCE))
            fake_target_cut(t, i);
    }
    t->sessions[session] = (FakeSession){.is_connected = true};
    return ++t->now.epoch;
}

StoredState fake_target_stored(const FakeTarget *t) {
    static StoredTable tables[SIM_TABLES];
    StoredState stored = {.has_position = t->now.has_position,
                          .position = t->now.position,
                          .consistent = t->now.consistent,
                          .is_snapshot_done = t->now.has_position,
                          .tables = tables};
    for (size_t i = 0; i < SIM_TABLES; i++) {
        const FakeTable *table = &t->now.tables[i];
        if (!table->is_known) continue;
        if (!table->is_done && !table->is_streaming) stored.is_snapshot_done = false;
        const Schema *schema = sim_schema(i, 1);
        const char *key = table->upper_key;
        tables[stored.table_count++] = (StoredTable){.schema = (char *)(uintptr_t)schema->schema.p,
                                                     .table = (char *)(uintptr_t)schema->table.p,
                                                     .chunks_done = table->chunks,
                                                     .upper_key = *key ? (char *)(uintptr_t)key : NULL,
                                                     .is_done = table->is_done,
                                                     .is_streaming = table->is_streaming,
                                                     .fingerprint = table->fingerprint,
                                                     .instance = table->instance,
                                                     .floor = table->floor,
                                                     .is_whole = table->is_whole,
                                                     .asked = table->asked,
                                                     .is_paused = table->is_paused,
                                                     .filter = (char *)(uintptr_t)table->filter};
    }
    return stored;
}

void fake_target_cut(FakeTarget *t, size_t session) {
    t->sessions[session] = (FakeSession){0};
}

void fake_target_forget(FakeTarget *t, size_t first) {
    for (size_t i = first; i < SIM_TABLES; i++) {
        t->now.tables[i] = (FakeTable){0};
        memset(t->now.rows.row[i], 0, sizeof t->now.rows.row[i]);
    }
}

void fake_target_rollback(FakeTarget *t, size_t session) {
    t->sessions[session].is_in_transaction = false;
}

/* ---- rows ---- */

static SimRow row_of(const Schema *schema, const Value *values, size_t *ret_key) {
    size_t key_columns = schema->key_count;
    SimRow row = {.is_there = true};
    *ret_key = key_columns ? (size_t)values[0].v.i : 0;
    for (size_t i = 0; i + key_columns < schema->column_count; i++)
        row.v[i] = (uint16_t)values[key_columns + i].v.i;
    return row;
}

/* Write the row's columns over those of the target's, or as a new row. */
static void put_row(SimRow *at, const SimRow *row, size_t values) {
    at->is_there = true;
    memcpy(at->v, row->v, values * sizeof *row->v);
}

static SimRow *find_equal(SimRow *rows, const SimRow *row, size_t values) {
    for (size_t i = 0; i < SIM_KEYS; i++)
        if (rows[i].is_there && sim_rows_equal(&rows[i], row, values)) return &rows[i];
    return NULL;
}

static void insert_keyless(Sim *s, SimRow *rows, const SimRow *row, size_t values) {
    for (size_t i = 0; i < SIM_KEYS; i++) {
        if (rows[i].is_there) continue;
        rows[i] = (SimRow){0};
        put_row(&rows[i], row, values);
        return;
    }
    sim_fail(s, "a table without a key got more rows than the source ever had");
}

static void apply_keyless(Sim *s, SimRow *rows, const Change *c) {
    size_t ignored, values = sim_values_of(c->schema);
    SimRow *at = NULL;
    if (c->before) {
        SimRow before = row_of(c->schema, c->before, &ignored);
        at = find_equal(rows, &before, values);
        if (!at) {
            sim_fail(s, "table without a key: the row to change isn't there");
            return;
        }
    }
    if (c->op == OP_DELETE) {
        *at = (SimRow){0};
        return;
    }
    SimRow after = row_of(c->schema, c->after, &ignored);
    if (c->op == OP_UPDATE) put_row(at, &after, values);
    else insert_keyless(s, rows, &after, values);
}

static void apply(Sim *s, FakeState *state, const Change *c) {
    size_t key, table = sim_table_of(c->schema);
    if (sim_values_of(c->schema) > state->tables[table].values) {
        sim_fail(s, "table %zu: a change has columns that the target hasn't", table);
        return;
    }
    if (table == SIM_KEYLESS) {
        apply_keyless(s, state->rows.row[table], c);
        return;
    }
    SimRow row = row_of(c->schema, c->after ? c->after : c->before, &key);
    SimRow *at = &state->rows.row[table][key];
    if (c->op == OP_DELETE) *at = (SimRow){0};
    else put_row(at, &row, sim_values_of(c->schema));
}

static void put_rows(Sim *s, FakeState *state, const Batch *batch, bool is_plain) {
    size_t table = sim_table_of(batch->schema), values = sim_values_of(batch->schema);
    for (size_t i = 0; i < batch->count; i++) {
        size_t key;
        SimRow row = row_of(batch->schema, batch->changes[i].after, &key);
        if (table == SIM_KEYLESS) {
            insert_keyless(s, state->rows.row[table], &row, values);
            continue;
        }
        SimRow *at = &state->rows.row[table][key];
        if (is_plain && at->is_there) sim_fail(s, "plain COPY met row %zu of table %zu", key, table);
        put_row(at, &row, values);
    }
}

/* ---- marks ---- */

static void end_copy(FakeTable *t) {
    t->upper_key[0] = '\0';
    t->asked = BATCH_NOT_ASKED;
    t->is_paused = false;
    t->filter = NULL;
}

static void mark_table(Sim *s, FakeState *state, const Batch *batch) {
    FakeTable *t = &state->tables[sim_table_of(batch->schema)];
    if (batch->table.copy == BATCH_COPY_GONE) {
        if (!sim_is_broken(s, BREAK_KEEP_GONE))
            *t = (FakeTable){.values = t->values, .begins = t->begins + 1};
        return;
    }
    if (batch->table.empties && !sim_is_broken(s, BREAK_EMPTY_NOTHING))
        memset(state->rows.row[sim_table_of(batch->schema)], 0, sizeof state->rows.row[0]);
    t->is_known = true;
    t->fingerprint = batch->schema->fingerprint;
    t->instance = batch->table.instance;
    t->floor = batch->table.floor;
    t->is_paused = batch->table.is_paused;
    if (batch->table.copy == BATCH_COPY_KEEP) return;
    end_copy(t);
    if (batch->table.copy == BATCH_COPY_STOP) {
        t->is_done = !sim_is_broken(s, BREAK_FORGET_FILTER);
        return;
    }
    t->begins++;
    t->chunks = 0;
    t->is_done = batch->table.copy == BATCH_COPY_NONE;
    t->is_streaming = batch->table.copy == BATCH_COPY_BESIDE;
    t->asked = batch->table.asked;
    t->is_paused = batch->table.is_paused;
    t->filter = batch->table.filter.n ? "even" : NULL;
    if (t->asked == BATCH_NOT_ASKED) t->is_whole = false;
}

static void mark_chunk(Sim *s, FakeState *state, const Batch *batch) {
    FakeTable *t = &state->tables[sim_table_of(batch->schema)];
    if (!t->is_known || t->chunks != batch->chunk.number) {
        sim_fail(s, "chunk %u is marked over %u", batch->chunk.number, t->chunks);
        return;
    }
    t->chunks++;
    t->is_done = batch->chunk.is_last_chunk;
    t->upper_key[0] = '\0';
    if (t->is_done) {
        t->is_whole = t->is_whole || t->asked == BATCH_NOT_ASKED;
        end_copy(t);
    } else {
        assert(batch->chunk.upper_key.n < FAKE_KEY_TEXT);
        memcpy(t->upper_key, batch->chunk.upper_key.p, batch->chunk.upper_key.n);
        t->upper_key[batch->chunk.upper_key.n] = '\0';
    }
    if (batch->chunk.is_exact && !sim_is_broken(s, BREAK_NO_FLOOR)) t->floor = batch->chunk.watermark;
}

/* ---- the oracle ---- */

static bool is_same_multiset(const SimRow *a, const SimRow *b, size_t values) {
    bool taken[SIM_KEYS] = {false};
    for (size_t i = 0; i < SIM_KEYS; i++) {
        if (!a[i].is_there) continue;
        size_t k = 0;
        while (k < SIM_KEYS && (taken[k] || !b[k].is_there || !sim_rows_equal(&a[i], &b[k], values))) k++;
        if (k == SIM_KEYS) return false;
        taken[k] = true;
    }
    for (size_t k = 0; k < SIM_KEYS; k++)
        if (b[k].is_there && !taken[k]) return false;
    return true;
}

void fake_target_compare(Sim *s, const FakeState *state, uint32_t lsn, const char *when) {
    const SimRows *source = fake_source_rows_at(sim_source(s), lsn);
    for (size_t t = 0; t < SIM_TABLES; t++) {
        if (!state->tables[t].is_known) continue;
        size_t values = state->tables[t].values;
        const SimRow *is = state->rows.row[t], *should = source->row[t];
        if (t == SIM_KEYLESS) {
            if (!is_same_multiset(is, should, values))
                sim_fail(s, "%s: table %zu isn't the source's at %u", when, t, lsn);
            continue;
        }
        for (size_t k = 0; k < SIM_KEYS; k++)
            if (is[k].is_there != should[k].is_there ||
                (is[k].is_there && !sim_rows_equal(&is[k], &should[k], values)))
                sim_fail(s, "%s: table %zu, row %zu isn't the source's at %u", when, t, k, lsn);
    }
}

/* A signal that the position passes has had its effect, unless the table's copy was under way anyway. */
static void check_signals(Sim *s, const FakeState *now, const FakeState *next) {
    const FakeSource *f = sim_source(s);
    for (size_t i = 0; i < f->count; i++) {
        const FakeCommit *c = &f->log[i];
        uint32_t from = sim_lsn_number(&now->position.commit_lsn),
                 to = sim_lsn_number(&next->position.commit_lsn);
        if (!c->signal || !now->has_position || c->lsn <= from || c->lsn > to) continue;
        size_t table = c->signal - 1u;
        uint32_t begins = next->tables[table].begins + sim_target(s)->stops[table];
        if (table != SIM_KEYLESS && c->watch.was_done && begins == c->watch.begins)
            sim_fail(s, "the signal at %u for table %zu is lost", c->lsn, table);
    }
}

static void check_blocking(Sim *s, const FakeState *now, const FakeState *next) {
    for (size_t t = 0; t < SIM_TABLES; t++)
        if (now->tables[t].asked == BATCH_ASKED_BLOCKING &&
            position_cmp(&now->position, &next->position) != 0)
            sim_fail(s, "the stream moves on in a blocking copy of table %zu", t);
}

static void check_commit(Sim *s, const FakeState *now, const FakeState *next, int64_t epoch) {
    if (epoch != now->epoch)
        sim_fail(s, "a former owner (epoch %d) wrote under epoch %d", (int)epoch, (int)now->epoch);
    if (position_cmp(&next->position, &now->position) < 0) sim_fail(s, "the position went back");
    if (next->has_position && !position_is_end(&next->position))
        sim_fail(s, "the position isn't a commit's end");
    check_signals(s, now, next);
    check_blocking(s, now, next);
    bool is_consistent = !position_is_zero(&next->consistent);
    if (is_consistent && position_cmp(&next->position, &next->consistent) >= 0)
        fake_target_compare(s, next, sim_lsn_number(&next->position.commit_lsn), "after `consistent`");
}

/* snapshot.mode=no_data: someone else has filled the target, as of just the position that is taken. */
static void fill_by_hand(Sim *s, FakeState *state) {
    if (sim_shape(s)->mode != PLAN_NO_DATA) return;
    state->rows = *fake_source_rows_at(sim_source(s), sim_lsn_number(&state->position.commit_lsn));
    for (size_t t = 0; t < SIM_TABLES; t++) /* columns that it hasn't */
        for (size_t k = 0; k < SIM_KEYS; k++)
            for (size_t i = state->tables[t].values; i < SIM_VALUES; i++) state->rows.row[t][k].v[i] = 0;
}

/* ---- statements ---- */

static bool is_held_by_other(const FakeTarget *t, size_t session) {
    for (size_t i = 0; i < SIM_PROCS; i++)
        if (i != session && t->sessions[i].is_in_transaction) return true;
    return false;
}

static FakeResult begin(Sim *s, FakeTarget *t, size_t session, const LaneWork *work) {
    bool is_fenced = !sim_is_broken(s, BREAK_NO_FENCE);
    if (is_fenced && is_held_by_other(t, session)) return FAKE_WAITS;
    bool is_owner = t->now.epoch == work->epoch, is_there = position_cmp(&t->now.position, &work->old) == 0;
    if (is_fenced && is_owner && !is_there) sim_fail(s, "the owner doesn't know where the position is");
    if (is_fenced && (!is_owner || !is_there)) return FAKE_NO_ROW;
    FakeSession *in = &t->sessions[session];
    in->is_in_transaction = true;
    in->state = t->now;
    return FAKE_OK;
}

static void move(Sim *s, FakeTarget *t, FakeState *state, const LaneWork *work) {
    bool is_first = !state->has_position;
    state->position = work->new;
    state->has_position = true;
    if (is_first) fill_by_hand(s, state);
    if (sim_is_broken(s, BREAK_POSITION_OUTSIDE)) {
        t->now.position = state->position;
        t->now.has_position = true;
    }
}

static void finish(Sim *s, FakeTarget *t, size_t session, const LaneWork *work) {
    FakeSession *in = &t->sessions[session];
    if (sim_is_broken(s, BREAK_MARK_OUTSIDE)) memcpy(in->state.tables, t->now.tables, sizeof t->now.tables);
    check_commit(s, &t->now, &in->state, work->epoch);
    int64_t epoch = t->now.epoch;
    t->now = in->state;
    t->now.epoch = epoch;
    in->is_in_transaction = false;
}

/* A step of an open transaction. */
static void write_in(Sim *s, FakeTarget *t, FakeState *state, LaneStep step, const LaneWork *work,
                     const Batch *batch) {
    bool marks_now = sim_is_broken(s, BREAK_MARK_OUTSIDE);
    FakeTable *table = batch && batch->schema ? &state->tables[sim_table_of(batch->schema)] : NULL;
    size_t first = sim_is_broken(s, BREAK_NO_SKIP) ? 0 : work->first;
    switch (step) {
    case LANE_TABLE: {
        if (batch->table.copy == BATCH_COPY_GONE) break;
        /* the operator has emptied it by then: else it would be refused */
        if (batch->table.is_new && batch->table.copy != BATCH_COPY_NONE)
            memset(state->rows.row[sim_table_of(batch->schema)], 0,
                   sizeof state->rows.row[sim_table_of(batch->schema)]);
        size_t values = sim_values_of(batch->schema);
        if (values > table->values) table->values = values;
        if (marks_now) t->now.tables[sim_table_of(batch->schema)].values = table->values;
        break;
    }
    case LANE_MARK_TABLE: mark_table(s, marks_now ? &t->now : state, batch); break;
    case LANE_COPY_PLAIN: put_rows(s, state, batch, /* is_plain= */ true); break;
    case LANE_UPSERT_ROWS: put_rows(s, state, batch, /* is_plain= */ false); break;
    case LANE_APPLY:
        for (size_t i = first; i < batch->count; i++) apply(s, state, &batch->changes[i]);
        break;
    case LANE_MARK_CHUNK: mark_chunk(s, marks_now ? &t->now : state, batch); break;
    case LANE_MOVE: move(s, t, state, work); break;
    case LANE_MARK_CONSISTENT: state->consistent = work->new; break;
    case LANE_CLEAR_CONSISTENT:
        if (!sim_is_broken(s, BREAK_CLEAR_NOTHING)) state->consistent = (Position){0};
        break;
    case LANE_BEGIN_MOVED:
    case LANE_BEGIN_LOCKED:
    case LANE_COMMIT: assert(!"not a step of an open transaction");
    }
}

FakeResult fake_target_do(Sim *s, FakeTarget *t, size_t session, LaneStep step, const LaneWork *work,
                          const Batch *batch) {
    FakeSession *in = &t->sessions[session];
    if (!in->is_connected) return FAKE_LOST;
    if (step == LANE_BEGIN_MOVED || step == LANE_BEGIN_LOCKED) {
        FakeResult r = begin(s, t, session, work);
        if (r == FAKE_OK && step == LANE_BEGIN_MOVED) move(s, t, &in->state, work);
        return r;
    }
    if (!in->is_in_transaction) {
        sim_fail(s, "a statement outside a transaction");
        return FAKE_OK;
    }
    if (step == LANE_COMMIT) finish(s, t, session, work);
    else write_in(s, t, &in->state, step, work, batch);
    return FAKE_OK;
}

/* ---- commands ---- */

FakeWatch fake_target_watch(const FakeTarget *t, size_t table) {
    const FakeTable *have = &t->now.tables[table];
    return (FakeWatch){.was_done = have->is_known && have->is_done, .begins = have->begins + t->stops[table]};
}

static void add_command(FakeTarget *t, FakeCommandKind kind, size_t table) {
    if (t->command_count == FAKE_COMMANDS) return;
    t->commands[t->command_count++] =
        (FakeCommand){.kind = kind, .table = table, .watch = fake_target_watch(t, table)};
}

void fake_target_command(Sim *s, FakeTarget *t) {
    if (t->command_count + SIM_TABLES >= FAKE_COMMANDS) return;
    FakeCommandKind kind = (FakeCommandKind)rng_below(sim_rng(s), 5);
    size_t table = rng_below(sim_rng(s), SIM_TABLES);
    sim_trace(s, "target: command %d for table %zu", (int)kind, table);
    add_command(t, kind, table);
}

void fake_target_resume_all(FakeTarget *t) {
    for (size_t i = 0; i < SIM_TABLES; i++) add_command(t, FAKE_RESUME, i);
}

void fake_target_answer(Sim *s, FakeTarget *t, size_t command, bool was_accepted) {
    FakeCommand *c = &t->commands[command];
    FakeWatch now = fake_target_watch(t, c->table);
    bool is_copy = c->kind == FAKE_COPY || c->kind == FAKE_COPY_BLOCKING;
    if (is_copy && was_accepted && now.begins == c->watch.begins)
        sim_fail(s, "command %zu is answered without its effect", command);
    c->is_answered = true;
}
