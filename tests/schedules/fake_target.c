#include "fake_target.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"
#include "fake_source.h"

/* ---- lanes ---- */

/* Whose row each one is, by what is stored. */
static void find_lanes(FakeTarget *t) {
    StoredState stored = fake_target_stored(t, 0);
    Route *route = route_new(t->now.lane_count, &stored);
    for (size_t i = 0; i < SIM_TABLES; i++) {
        const Schema *schema = sim_schema(i, 1);
        size_t lane = 0;
        bool is_whole = route_is_whole(route, schema->schema, schema->table, &lane);
        for (size_t k = 0; k < SIM_KEYS; k++) {
            const Value row[2] = {value_int((int64_t)k)};
            const Change change = {.schema = schema, .after = row};
            t->lane_of[i][k] = (uint8_t)(is_whole ? lane : route_key_hash(&change) % t->now.lane_count);
        }
    }
    route_free(route);
}

void fake_target_init(Sim *s, FakeTarget *t) {
    memset(t, 0, sizeof *t);
    t->now.lane_count = 1;
    t->now.lanes[0].owner = FAKE_NOBODY;
    t->is_joined = rng_chance(sim_rng(s), 30);
    t->is_whole = rng_chance(sim_rng(s), 20);
    find_lanes(t);
}

static LanesStored rows_of(const FakeTarget *t) {
    LanesStored stored = {.count = t->now.lane_count, .hash_version = ROUTE_HASH_VERSION};
    for (size_t i = 0; i < stored.count; i++) {
        stored.positions[i] = t->now.lanes[i].position;
        stored.consistent[i] = t->now.lanes[i].consistent;
    }
    return stored;
}

static void rewrite(FakeTarget *t, const LanesStart *start) {
    FakeLane row = t->now.lanes[0];
    row.consistent = (Position){0};
    t->now.lane_count = start->count;
    for (size_t i = 0; i < start->count; i++) t->now.lanes[i] = row;
}

LanesStart fake_target_own_all(Sim *s, FakeTarget *t, size_t proc, size_t wanted) {
    int64_t epoch = 0;
    for (size_t i = 0; i < SIM_PROCS; i++)
        for (size_t k = 0; k < SIM_LANES; k++)
            /* It would wait for a position row for ever behind a stopped process: so that backend is ended.
             */
            if (t->sessions[i][k].is_in_transaction && !sim_is_broken(s, BREAK_NO_FENCE))
                fake_target_cut(t, i, k);
    for (size_t i = 0; i < t->now.lane_count; i++)
        if (t->now.lanes[i].epoch > epoch) epoch = t->now.lanes[i].epoch;
    for (size_t i = 0; i < t->now.lane_count; i++) {
        t->now.lanes[i].epoch = epoch + 1;
        t->now.lanes[i].owner = proc;
    }
    LanesStored stored = rows_of(t);
    LanesStart start;
    Err e;
    if (!lanes_settle(&stored, wanted, &start, &e)) sim_fail(s, "%s", e.msg);
    if (sim_is_broken(s, BREAK_RELANE_AT_ONCE) && start.count != wanted) {
        start.count = wanted;
        start.rewrites = true;
    }
    if (start.rewrites) {
        rewrite(t, &start);
        find_lanes(t);
    }
    t->sessions[proc][0] = (FakeSession){.is_connected = true};
    return start;
}

FakeResult fake_target_own(FakeTarget *t, size_t proc, size_t lane) {
    if (lane >= t->now.lane_count || t->now.lanes[lane].owner != proc) return FAKE_NO_ROW;
    t->sessions[proc][lane] = (FakeSession){.is_connected = true};
    t->now.lanes[lane].epoch++;
    return FAKE_OK;
}

bool fake_target_is_owner(const FakeTarget *t, size_t proc) {
    return t->now.lanes[0].owner == proc;
}

StoredState fake_target_stored(const FakeTarget *t, size_t lane) {
    static StoredTable tables[SIM_TABLES];
    const FakeLane *row = &t->now.lanes[lane];
    StoredState stored = {.has_position = row->has_position,
                          .position = row->position,
                          .consistent = row->consistent,
                          .is_snapshot_done = row->has_position,
                          .tables = tables};
    for (size_t i = 0; i < SIM_TABLES; i++) {
        const FakeTable *table = &t->now.tables[i];
        if (!table->is_known) continue;
        if (!table->is_done && !table->is_streaming) stored.is_snapshot_done = false;
        const Schema *schema = sim_schema(i, 1);
        const char *key = table->upper_key, *route = table->route;
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
                                                     .filter = (char *)(uintptr_t)table->filter,
                                                     .route = *route ? (char *)(uintptr_t)route : NULL};
    }
    return stored;
}

static Position lowest_of(const FakeState *state) {
    Position p = state->lanes[0].position;
    for (size_t i = 1; i < state->lane_count; i++)
        if (position_cmp(&state->lanes[i].position, &p) < 0) p = state->lanes[i].position;
    return p;
}

Position fake_target_lowest(const FakeTarget *t) {
    return lowest_of(&t->now);
}

Position fake_target_highest(const FakeTarget *t) {
    Position p = t->now.lanes[0].position;
    for (size_t i = 1; i < t->now.lane_count; i++)
        if (position_cmp(&t->now.lanes[i].position, &p) > 0) p = t->now.lanes[i].position;
    return p;
}

bool fake_target_is_consistent(const FakeTarget *t) {
    for (size_t i = 0; i < t->now.lane_count; i++)
        if (position_is_zero(&t->now.lanes[i].consistent)) return false;
    return true;
}

void fake_target_cut(FakeTarget *t, size_t proc, size_t lane) {
    t->sessions[proc][lane].is_connected = t->sessions[proc][lane].is_in_transaction = false;
}

void fake_target_forget(FakeTarget *t, size_t first) {
    for (size_t i = first; i < SIM_TABLES; i++) {
        t->now.tables[i] = (FakeTable){.begins = t->now.tables[i].begins + 1};
        memset(t->now.rows.row[i], 0, sizeof t->now.rows.row[i]);
    }
    find_lanes(t);
}

void fake_target_rollback(FakeTarget *t, size_t proc, size_t lane) {
    t->sessions[proc][lane].is_in_transaction = false;
}

/* ---- routes ---- */

size_t fake_target_links(const FakeTarget *t, const StoredState *known,
                         RouteTable ret_tables[static SIM_TABLES], RouteJoin ret_joins[static 1]) {
    size_t at[SIM_TABLES];
    for (size_t i = 0; i < SIM_TABLES; i++) at[i] = SIZE_MAX;
    for (size_t i = 0; i < known->table_count; i++) {
        size_t table = (size_t)(known->tables[i].table[1] - '0');
        bool is_whole = table == SIM_KEYLESS || (table == 0 && t->is_whole);
        ret_tables[i] = (RouteTable){known->tables[i].schema, known->tables[i].table, is_whole};
        at[table] = i;
    }
    if (!t->is_joined || at[0] == SIZE_MAX || at[1] == SIZE_MAX) return 0;
    ret_joins[0] = (RouteJoin){at[1], at[0]};
    return 1;
}

bool fake_target_store_routes(Sim *s, FakeTarget *t, size_t proc, const StoredState *known) {
    if (!fake_target_is_owner(t, proc)) return false;
    Position lowest = fake_target_lowest(t), highest = fake_target_highest(t);
    if (position_cmp(&lowest, &highest) != 0) sim_fail(s, "routes change while lanes stand apart");
    for (size_t i = 0; i < known->table_count; i++) {
        const StoredTable *table = &known->tables[i];
        char *route = t->now.tables[table->table[1] - '0'].route;
        assert(strlen(table->route) < FAKE_ROUTE_TEXT);
        memcpy(route, table->route, strlen(table->route) + 1);
    }
    find_lanes(t);
    return true;
}

void fake_target_step(Sim *s, FakeTarget *t) {
    if (rng_chance(sim_rng(s), sim_shape(s)->constrain)) {
        if (rng_chance(sim_rng(s), 50)) t->is_joined = !t->is_joined;
        else t->is_whole = !t->is_whole;
        sim_trace(s, "target: tables 0 and 1 are %sjoined, table 0 is %swhole", t->is_joined ? "" : "not ",
                  t->is_whole ? "" : "not ");
    }
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

/* A row that two transactions write at once: one would wait for the other, and lanes must never have to. */
static void note_row(Sim *s, FakeTarget *t, FakeSession *in, size_t table, size_t key) {
    for (size_t i = 0; i < SIM_PROCS * SIM_LANES; i++) {
        const FakeSession *other = &t->sessions[i / SIM_LANES][i % SIM_LANES];
        if (other != in && other->is_in_transaction && other->has_row[table][key] &&
            !sim_is_broken(s, BREAK_NO_FENCE))
            sim_fail(s, "table %zu, row %zu is written by two lanes at once", table, key);
    }
    in->has_row[table][key] = true;
}

static void note_all_rows(Sim *s, FakeTarget *t, FakeSession *in, size_t table) {
    for (size_t k = 0; k < SIM_KEYS; k++) note_row(s, t, in, table, k);
}

static void apply(Sim *s, FakeTarget *t, FakeSession *in, const Change *c) {
    FakeState *state = &in->state;
    size_t key, table = sim_table_of(c->schema);
    if (sim_values_of(c->schema) > state->tables[table].values) {
        sim_fail(s, "table %zu: a change has columns that the target hasn't", table);
        return;
    }
    if (table == SIM_KEYLESS) {
        note_all_rows(s, t, in, table);
        apply_keyless(s, state->rows.row[table], c);
        return;
    }
    SimRow row = row_of(c->schema, c->after ? c->after : c->before, &key);
    SimRow *at = &state->rows.row[table][key];
    note_row(s, t, in, table, key);
    if (c->op == OP_DELETE) *at = (SimRow){0};
    else put_row(at, &row, sim_values_of(c->schema));
}

static void put_rows(Sim *s, FakeTarget *t, FakeSession *in, const Batch *batch, bool is_plain) {
    FakeState *state = &in->state;
    size_t table = sim_table_of(batch->schema), values = sim_values_of(batch->schema);
    for (size_t i = 0; i < batch->count; i++) {
        size_t key;
        SimRow row = row_of(batch->schema, batch->changes[i].after, &key);
        if (table == SIM_KEYLESS) {
            note_all_rows(s, t, in, table);
            insert_keyless(s, state->rows.row[table], &row, values);
            continue;
        }
        SimRow *at = &state->rows.row[table][key];
        note_row(s, t, in, table, key);
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

static void empty_table(Sim *s, FakeTarget *t, FakeSession *in, size_t table) {
    note_all_rows(s, t, in, table);
    memset(in->state.rows.row[table], 0, sizeof in->state.rows.row[table]);
}

static void mark_table(Sim *s, FakeTarget *target, FakeSession *in, FakeState *state, const Batch *batch) {
    FakeTable *t = &state->tables[sim_table_of(batch->schema)];
    if (batch->table.copy == BATCH_COPY_GONE) {
        if (!sim_is_broken(s, BREAK_KEEP_GONE))
            *t = (FakeTable){.values = t->values, .begins = t->begins + 1};
        return;
    }
    if (batch->table.empties && !sim_is_broken(s, BREAK_EMPTY_NOTHING))
        empty_table(s, target, in, sim_table_of(batch->schema));
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

static void compare_keyless(Sim *s, const FakeState *state, const SimRows *source, const char *when,
                            uint32_t lsn) {
    if (!is_same_multiset(state->rows.row[SIM_KEYLESS], source->row[SIM_KEYLESS],
                          state->tables[SIM_KEYLESS].values))
        sim_fail(s, "%s: table %d isn't the source's at %u", when, SIM_KEYLESS, lsn);
}

/* The rows of one lane are the source's as of the lane's position. */
static void compare_lane(Sim *s, const FakeTarget *t, const FakeState *state, size_t lane, const char *when) {
    uint32_t lsn = sim_lsn_number(&state->lanes[lane].position.commit_lsn);
    const SimRows *source = fake_source_rows_at(sim_source(s), lsn);
    for (size_t i = 0; i < SIM_TABLES; i++) {
        if (!state->tables[i].is_known) continue;
        if (i == SIM_KEYLESS) {
            if (t->lane_of[i][0] == lane) compare_keyless(s, state, source, when, lsn);
            continue;
        }
        const SimRow *is = state->rows.row[i], *should = source->row[i];
        for (size_t k = 0; k < SIM_KEYS; k++)
            if (t->lane_of[i][k] == lane &&
                (is[k].is_there != should[k].is_there ||
                 (is[k].is_there && !sim_rows_equal(&is[k], &should[k], state->tables[i].values))))
                sim_fail(s, "%s: table %zu, row %zu (lane %zu) isn't the source's at %u", when, i, k, lane,
                         lsn);
    }
}

void fake_target_compare(Sim *s, const FakeTarget *t, const char *when) {
    for (size_t i = 0; i < t->now.lane_count; i++) compare_lane(s, t, &t->now, i, when);
}

/* A signal that all lanes have passed has had its effect, unless the table's copy was under way anyway. */
static void check_signals(Sim *s, const FakeState *now, const FakeState *next) {
    const FakeSource *f = sim_source(s);
    Position before = lowest_of(now), after = lowest_of(next);
    uint32_t from = sim_lsn_number(&before.commit_lsn), to = sim_lsn_number(&after.commit_lsn);
    for (size_t i = 0; i < f->count; i++) {
        const FakeCommit *c = &f->log[i];
        if (!c->signal || position_is_zero(&before) || c->lsn <= from || c->lsn > to) continue;
        size_t table = c->signal - 1u;
        uint32_t begins = next->tables[table].begins + sim_target(s)->stops[table];
        if (table != SIM_KEYLESS && c->watch.was_done && begins == c->watch.begins)
            sim_fail(s, "the signal at %u for table %zu is lost", c->lsn, table);
    }
}

static void check_blocking(Sim *s, const FakeState *now, const FakeState *next, size_t lane) {
    const Position *from = &now->lanes[lane].position, *to = &next->lanes[lane].position;
    for (size_t t = 0; t < SIM_TABLES; t++)
        if (now->tables[t].asked == BATCH_ASKED_BLOCKING && position_cmp(from, to) != 0)
            sim_fail(s, "the stream moves on in a blocking copy of table %zu", t);
}

static void check_commit(Sim *s, const FakeTarget *t, const FakeState *next, size_t lane, int64_t epoch) {
    const FakeLane *now = &t->now.lanes[lane], *after = &next->lanes[lane];
    if (epoch != now->epoch)
        sim_fail(s, "a former owner (epoch %d) wrote under epoch %d", (int)epoch, (int)now->epoch);
    if (position_cmp(&after->position, &now->position) < 0) sim_fail(s, "the position went back");
    if (after->has_position && !position_is_end(&after->position))
        sim_fail(s, "the position isn't a commit's end");
    check_signals(s, &t->now, next);
    check_blocking(s, &t->now, next, lane);
    bool is_consistent = !position_is_zero(&after->consistent);
    if (is_consistent && position_cmp(&after->position, &after->consistent) >= 0)
        compare_lane(s, t, next, lane, "after `consistent`");
}

/* snapshot.mode=no_data: someone else has filled the target, as of just the position that is taken. */
static void fill_by_hand(Sim *s, FakeTarget *t, FakeSession *in, const Position *at) {
    if (sim_shape(s)->mode != PLAN_NO_DATA) return;
    FakeState *state = &in->state;
    state->rows = *fake_source_rows_at(sim_source(s), sim_lsn_number(&at->commit_lsn));
    for (size_t i = 0; i < SIM_TABLES; i++) {
        note_all_rows(s, t, in, i);
        for (size_t k = 0; k < SIM_KEYS; k++) /* columns that it hasn't */
            for (size_t v = state->tables[i].values; v < SIM_VALUES; v++) state->rows.row[i][k].v[v] = 0;
    }
}

/* ---- statements ---- */

static bool is_held_by_other(const FakeTarget *t, size_t proc, size_t lane) {
    for (size_t i = 0; i < SIM_PROCS; i++)
        if (i != proc && t->sessions[i][lane].is_in_transaction) return true;
    return false;
}

static FakeResult begin(Sim *s, FakeTarget *t, size_t proc, size_t lane, const LaneWork *work) {
    bool is_fenced = !sim_is_broken(s, BREAK_NO_FENCE);
    if (is_fenced && is_held_by_other(t, proc, lane)) return FAKE_WAITS;
    if (lane >= t->now.lane_count) return FAKE_NO_ROW;
    const FakeLane *row = &t->now.lanes[lane];
    bool is_owner = row->epoch == work->epoch, is_there = position_cmp(&row->position, &work->old) == 0;
    if (is_fenced && is_owner && !is_there) sim_fail(s, "the owner doesn't know where the position is");
    if (is_fenced && (!is_owner || !is_there)) return FAKE_NO_ROW;
    FakeSession *in = &t->sessions[proc][lane];
    *in = (FakeSession){.is_connected = true, .is_in_transaction = true, .state = t->now};
    return FAKE_OK;
}

static void move(Sim *s, FakeTarget *t, FakeSession *in, size_t lane, const LaneWork *work) {
    FakeLane *row = &in->state.lanes[lane];
    bool is_first = !row->has_position;
    row->position = work->new;
    row->has_position = true;
    if (is_first) fill_by_hand(s, t, in, &work->new);
    if (sim_is_broken(s, BREAK_POSITION_OUTSIDE)) {
        t->now.lanes[lane].position = row->position;
        t->now.lanes[lane].has_position = true;
    }
}

static void move_others(Sim *s, FakeSession *in, size_t lane, const LaneWork *work) {
    in->has_others = true;
    for (size_t i = 0; i < in->state.lane_count; i++) {
        FakeLane *row = &in->state.lanes[i];
        if (i != lane && row->has_position) sim_fail(s, "lane %zu has a position before the start", i);
        row->position = work->new;
        row->has_position = true;
    }
}

static void clear_consistent(Sim *s, FakeSession *in) {
    if (sim_is_broken(s, BREAK_CLEAR_NOTHING)) return;
    in->has_others = true;
    for (size_t i = 0; i < in->state.lane_count; i++) in->state.lanes[i].consistent = (Position){0};
}

/* What the transaction has written, over what others have committed since it began. */
static FakeState merge(const FakeTarget *t, const FakeSession *in, size_t lane) {
    FakeState next = t->now;
    for (size_t i = 0; i < SIM_TABLES; i++) {
        if (in->has_table[i]) {
            next.tables[i] = in->state.tables[i];
            memcpy(next.tables[i].route, t->now.tables[i].route, FAKE_ROUTE_TEXT);
        }
        for (size_t k = 0; k < SIM_KEYS; k++)
            if (in->has_row[i][k]) next.rows.row[i][k] = in->state.rows.row[i][k];
    }
    for (size_t i = 0; i < next.lane_count; i++) {
        if (i != lane && !in->has_others) continue;
        next.lanes[i].has_position = in->state.lanes[i].has_position;
        next.lanes[i].position = in->state.lanes[i].position;
        next.lanes[i].consistent = in->state.lanes[i].consistent;
    }
    return next;
}

static void finish(Sim *s, FakeTarget *t, size_t proc, size_t lane, const LaneWork *work) {
    FakeSession *in = &t->sessions[proc][lane];
    if (sim_is_broken(s, BREAK_MARK_OUTSIDE)) memset(in->has_table, 0, sizeof in->has_table);
    FakeState next = merge(t, in, lane);
    check_commit(s, t, &next, lane, work->epoch);
    t->now = next;
    in->is_in_transaction = false;
    for (size_t i = 0; i < SIM_TABLES; i++)
        if (in->has_table[i]) {
            find_lanes(t);
            break;
        }
}

static bool is_table_held(const FakeTarget *t, const FakeSession *in, size_t table) {
    for (size_t i = 0; i < SIM_PROCS * SIM_LANES; i++) {
        const FakeSession *other = &t->sessions[i / SIM_LANES][i % SIM_LANES];
        if (other != in && other->is_in_transaction && other->has_table[table]) return true;
    }
    return false;
}

/* The table's entry as it is committed now, for this transaction to write. */
static void take_table(FakeTarget *t, FakeSession *in, size_t table) {
    size_t values = in->state.tables[table].values;
    if (!in->has_table[table]) in->state.tables[table] = t->now.tables[table];
    if (values > in->state.tables[table].values) in->state.tables[table].values = values;
    in->has_table[table] = true;
}

/* A step of an open transaction. */
static FakeResult write_in(Sim *s, FakeTarget *t, FakeSession *in, size_t lane, LaneStep step,
                           const LaneWork *work, const Batch *batch) {
    bool marks_now = sim_is_broken(s, BREAK_MARK_OUTSIDE);
    bool is_marking = step == LANE_TABLE || step == LANE_MARK_TABLE || step == LANE_MARK_CHUNK;
    size_t table = batch && batch->schema ? sim_table_of(batch->schema) : 0;
    size_t first = sim_is_broken(s, BREAK_NO_SKIP) ? 0 : work->first;
    if (is_marking && is_table_held(t, in, table)) return FAKE_WAITS;
    if (is_marking) take_table(t, in, table);
    FakeState *state = &in->state;
    switch (step) {
    case LANE_TABLE: {
        if (batch->table.copy == BATCH_COPY_GONE) break;
        /* the operator has emptied it by then: else it would be refused */
        if (batch->table.is_new && batch->table.copy != BATCH_COPY_NONE) empty_table(s, t, in, table);
        size_t values = sim_values_of(batch->schema);
        if (values > state->tables[table].values) state->tables[table].values = values;
        if (marks_now) t->now.tables[table].values = state->tables[table].values;
        break;
    }
    case LANE_MARK_TABLE: mark_table(s, t, in, marks_now ? &t->now : state, batch); break;
    case LANE_COPY_PLAIN: put_rows(s, t, in, batch, /* is_plain= */ true); break;
    case LANE_UPSERT_ROWS: put_rows(s, t, in, batch, /* is_plain= */ false); break;
    case LANE_APPLY:
        for (size_t i = first; i < batch->count; i++) apply(s, t, in, &batch->changes[i]);
        break;
    case LANE_AWAIT_CHUNK: break; /* the process waits */
    case LANE_MARK_CHUNK: mark_chunk(s, marks_now ? &t->now : state, batch); break;
    case LANE_MOVE: move(s, t, in, lane, work); break;
    case LANE_MOVE_OTHERS: move_others(s, in, lane, work); break;
    case LANE_MARK_CONSISTENT: state->lanes[lane].consistent = work->new; break;
    case LANE_CLEAR_CONSISTENT: clear_consistent(s, in); break;
    case LANE_BEGIN_MOVED:
    case LANE_BEGIN_LOCKED:
    case LANE_COMMIT: assert(!"not a step of an open transaction");
    }
    return FAKE_OK;
}

FakeResult fake_target_do(Sim *s, FakeTarget *t, size_t proc, size_t lane, LaneStep step,
                          const LaneWork *work, const Batch *batch) {
    FakeSession *in = &t->sessions[proc][lane];
    if (!in->is_connected) return FAKE_LOST;
    if (step == LANE_BEGIN_MOVED || step == LANE_BEGIN_LOCKED) {
        FakeResult r = begin(s, t, proc, lane, work);
        if (r == FAKE_OK && step == LANE_BEGIN_MOVED) move(s, t, in, lane, work);
        return r;
    }
    if (!in->is_in_transaction) {
        sim_fail(s, "a statement outside a transaction");
        return FAKE_OK;
    }
    if (step != LANE_COMMIT) return write_in(s, t, in, lane, step, work, batch);
    finish(s, t, proc, lane, work);
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

void fake_target_resume_all(FakeTarget *t, bool is_again) {
    for (size_t i = 0; is_again && i < t->command_count; i++)
        if (!t->commands[i].is_answered) return;
    for (size_t i = 0; i < SIM_TABLES; i++)
        if (!is_again || t->now.tables[i].is_paused) add_command(t, FAKE_RESUME, i);
}

void fake_target_answer(Sim *s, FakeTarget *t, size_t command, bool was_accepted) {
    FakeCommand *c = &t->commands[command];
    FakeWatch now = fake_target_watch(t, c->table);
    bool is_copy = c->kind == FAKE_COPY || c->kind == FAKE_COPY_BLOCKING;
    if (is_copy && was_accepted && now.begins == c->watch.begins)
        sim_fail(s, "command %zu is answered without its effect", command);
    c->is_answered = true;
}
