#include "fake_source.h"

#include <assert.h>
#include <string.h>

#include "fake_target.h"

static FakeCommit *add_entry(FakeSource *f, bool is_mapped) {
    assert(f->count < FAKE_LOG);
    FakeCommit *c = &f->log[f->count++];
    c->lsn = f->next_lsn;
    c->us = f->now_us;
    c->is_mapped = is_mapped;
    c->signal = 0;
    c->count = 0;
    return c;
}

static void seal(Sim *s, FakeSource *f, FakeCommit *c) {
    c->rows = f->rows;
    f->next_lsn += 1 + (uint32_t)rng_below(sim_rng(s), 3);
}

/* ---- transactions ---- */

static uint16_t new_value(Sim *s, FakeSource *f, size_t table) {
    /* few values where there is no key, so that equal rows come about */
    if (table == SIM_KEYLESS) return (uint16_t)(1 + rng_below(sim_rng(s), 3));
    return ++f->next_value;
}

static void write_row(Sim *s, FakeSource *f, FakeCommit *c, size_t table, uint8_t key) {
    Rng *rng = sim_rng(s);
    SimRow *row = &f->rows.row[table][key];
    FakeChange *change = &c->changes[c->count++];
    *change = (FakeChange){.table = (uint8_t)table, .key = key, .before = *row};
    change->command = (int32_t)c->count;
    change->seqval = 1 + (uint32_t)rng_below(rng, 1000); /* given at write time: says nothing of the order */
    if (!row->is_there) {
        change->operation = 2;
        *row = (SimRow){.is_there = true};
        for (size_t i = 0; i < f->values[table]; i++) row->v[i] = new_value(s, f, table);
    } else if (rng_chance(rng, 35)) {
        change->operation = 1;
        *row = (SimRow){0};
    } else {
        change->operation = 4;
        size_t column = rng_below(rng, f->values[table]);
        row->v[column] = new_value(s, f, table);
    }
    change->after = *row;
}

/* A changed key is a delete and an insert, one command, told apart by the operation. */
static void move_row(Sim *s, FakeSource *f, FakeCommit *c, size_t table, uint8_t key) {
    uint8_t to = (uint8_t)rng_below(sim_rng(s), SIM_KEYS);
    SimRow *row = f->rows.row[table];
    if (!row[key].is_there || row[to].is_there || c->count + 2 > FAKE_CHANGES) return;
    int32_t command = (int32_t)c->count + 1;
    uint32_t seqval = 1 + (uint32_t)rng_below(sim_rng(s), 1000);
    FakeChange out = {(uint8_t)table, key, 1, command, seqval, row[key], {0}};
    FakeChange in = {(uint8_t)table, to, 2, command, seqval, {0}, row[key]};
    row[to] = row[key];
    row[key] = (SimRow){0};
    c->changes[c->count++] = out;
    c->changes[c->count++] = in;
}

static size_t any_table(Sim *s) {
    const SimShape *shape = sim_shape(s);
    uint32_t n = shape->tables + shape->has_keyless;
    uint32_t i = (uint32_t)rng_below(sim_rng(s), n);
    return i < shape->tables ? i : SIM_KEYLESS;
}

static bool has_table(const Sim *s, size_t table) {
    return table == SIM_KEYLESS ? sim_shape(s)->has_keyless : table < sim_shape(s)->tables;
}

static void commit(Sim *s, FakeSource *f) {
    Rng *rng = sim_rng(s);
    if (f->commits_left == 0 || f->count + 8 > FAKE_LOG) return;
    f->commits_left--;
    FakeCommit *c = add_entry(f, /* is_mapped= */ true);
    size_t n = 1 + rng_below(rng, FAKE_CHANGES);
    for (size_t i = 0; i < n && c->count < FAKE_CHANGES; i++) {
        size_t table = any_table(s);
        uint8_t key = (uint8_t)rng_below(rng, SIM_KEYS);
        if (table != SIM_KEYLESS && rng_chance(rng, 20)) move_row(s, f, c, table, key);
        else write_row(s, f, c, table, key);
    }
    if (rng_chance(rng, 10) && rng_chance(rng, 4 * sim_shape(s)->ask)) {
        size_t table = any_table(s);
        c->signal = (uint8_t)(1 + table);
        c->watch = fake_target_watch(sim_target(s), table);
        sim_trace(s, "source: a signal to copy table %zu", table);
    }
    seal(s, f, c);
    sim_trace(s, "source: commit %u, %zu changes", c->lsn, c->count);
}

/* ---- capture instances ---- */

static size_t live_instances(const FakeSource *f, size_t table, FakeInstance *ret[static 2]) {
    size_t n = 0;
    for (size_t i = 0; i < f->instance_count; i++) {
        const FakeInstance *in = &f->instances[i];
        if (in->table == table && !in->is_dropped) ret[n++] = (FakeInstance *)(uintptr_t)in;
    }
    return n;
}

static void enable(Sim *s, FakeSource *f, size_t table) {
    FakeInstance *live[2];
    if (f->instance_count == FAKE_INSTANCES || f->count + 8 > FAKE_LOG || live_instances(f, table, live) == 2)
        return;
    FakeCommit *c = add_entry(f, /* is_mapped= */ false);
    FakeInstance *in = &f->instances[f->instance_count++];
    *in = (FakeInstance){.id = 100 + (int32_t)f->instance_count,
                         .table = (uint8_t)table,
                         .values = (uint8_t)f->values[table],
                         .birth = c->lsn};
    seal(s, f, c);
    sim_trace(s, "source: instance %d of table %zu begins at %u with %d values", in->id, table, in->birth,
              in->values);
}

static void alter(Sim *s, FakeSource *f, size_t table) {
    FakeInstance *live[2];
    if (f->values[table] == SIM_VALUES || f->count + 8 > FAKE_LOG) return;
    /* Without a key, values that no change row has are lost: there the instance comes with the column. */
    if (table == SIM_KEYLESS && (live_instances(f, table, live) == 2 || f->instance_count == FAKE_INSTANCES))
        return;
    FakeCommit *c = add_entry(f, /* is_mapped= */ false);
    size_t column = f->values[table]++;
    if (table != SIM_KEYLESS && rng_chance(sim_rng(s), 50))
        for (size_t key = 0; key < SIM_KEYS; key++) /* ADD … DEFAULT … WITH VALUES: no change row */
            if (f->rows.row[table][key].is_there) f->rows.row[table][key].v[column] = 9999;
    seal(s, f, c);
    sim_trace(s, "source: table %zu has %zu values from %u on", table, f->values[table], c->lsn);
    if (table == SIM_KEYLESS) enable(s, f, table);
}

static uint32_t target_position(Sim *s) {
    Position lowest = fake_target_lowest(sim_target(s));
    return sim_lsn_number(&lowest.commit_lsn);
}

static uint32_t target_highest(Sim *s) {
    Position highest = fake_target_highest(sim_target(s));
    return sim_lsn_number(&highest.commit_lsn);
}

/* Mostly as an operator would: once the older isn't needed any more. */
static void drop(Sim *s, FakeSource *f, size_t table) {
    FakeInstance *live[2];
    if (live_instances(f, table, live) < 2) return;
    bool is_needed = !live[1]->low || target_position(s) + 1 < live[1]->birth;
    if (is_needed && rng_chance(sim_rng(s), 80)) return;
    live[0]->is_dropped = true;
    sim_trace(s, "source: instance %d dropped", live[0]->id);
}

/* CDC is disabled on the table, or it is dropped and made again. */
static void vanish(Sim *s, FakeSource *f, size_t table) {
    for (size_t i = 0; i < f->instance_count; i++)
        if (f->instances[i].table == table) f->instances[i].is_dropped = true;
    sim_trace(s, "source: table %zu is no longer captured", table);
}

static void clean_up(Sim *s, FakeSource *f) {
    uint32_t limit = rng_chance(sim_rng(s), 80) ? target_position(s) : UINT32_MAX, mark = 0;
    for (size_t i = 0; i < f->captured; i++)
        if (f->log[i].is_mapped && f->log[i].lsn <= limit && (mark == 0 || rng_chance(sim_rng(s), 60)))
            mark = f->log[i].lsn;
    for (size_t i = 0; i < f->instance_count; i++) {
        FakeInstance *in = &f->instances[i];
        if (in->low && in->low < mark) in->low = mark;
    }
    if (mark) sim_trace(s, "source: cleaned up below %u", mark);
}

void fake_source_capture(FakeSource *f, size_t entries) {
    if (f->is_behind) return;
    for (; entries > 0 && f->captured < f->count; entries--) {
        const FakeCommit *c = &f->log[f->captured++];
        if (c->is_mapped) f->max_lsn = c->lsn;
        for (size_t i = 0; i < f->instance_count; i++)
            if (f->instances[i].birth == c->lsn) f->instances[i].low = c->lsn;
    }
}

void fake_source_tick(FakeSource *f, int64_t us) {
    f->now_us += us;
}

void fake_source_idle_entry(FakeSource *f) {
    if (f->count == FAKE_LOG || f->is_behind) return;
    FakeCommit *c = add_entry(f, /* is_mapped= */ true);
    c->rows = f->rows;
    f->next_lsn++;
}

/* ---- back to a backup ---- */

uint32_t fake_source_been_at(const FakeSource *f) {
    uint32_t at = f->max_lsn;
    for (size_t i = 0; i < f->instance_count; i++) {
        const FakeInstance *in = &f->instances[i];
        if (!in->is_dropped && in->low > at + 1) at = in->low - 1;
    }
    return at;
}

/* The rows of a copy may be newer than its position: a restore in its midst can't be told by positions. */
static bool is_target_exact(Sim *s) {
    const FakeState *now = &sim_target(s)->now;
    bool is_filled_by_hand = sim_shape(s)->mode == PLAN_NO_DATA && now->lanes[0].has_position;
    for (size_t t = 0; t < SIM_TABLES; t++)
        if (now->tables[t].is_streaming) is_filled_by_hand = false; /* it has been copied since */
    return is_filled_by_hand || fake_target_is_consistent(sim_target(s));
}

/* Nothing is read from it any more, and no connection lives on. Before the source has made as many new
 * commits as were lost a new process has to look: once it is past the position nobody can tell. */
static void restore(Sim *s, FakeSource *f, const FakeSource *backup) {
    sim_crash_all(s);
    int64_t now_us = f->now_us;
    uint16_t next_value = f->next_value;
    uint32_t commits_left = f->commits_left;
    *f = *backup;
    f->now_us = now_us;
    f->next_value = next_value;
    f->commits_left = commits_left;
    f->was_restored = true;
    f->is_behind = target_highest(s) > fake_source_been_at(f);
    sim_trace(s, "source: restored to %u%s", fake_source_been_at(f), f->is_behind ? ", behind" : "");
}

static void back_up_or_restore(Sim *s, FakeSource *f) {
    FakeSource *backup = sim_backup(s);
    if (backup->count == 0) *backup = *f;
    else if (!f->was_restored && is_target_exact(s)) restore(s, f, backup);
}

bool fake_source_is_done(const FakeSource *f) {
    return f->commits_left == 0;
}

void fake_source_step(Sim *s, FakeSource *f) {
    const SimShape *shape = sim_shape(s);
    Rng *rng = sim_rng(s);
    if (f->is_behind) return;
    f->now_us += (int64_t)rng_below(rng, 4000);
    if (rng_chance(rng, 3)) f->now_us += 300 * 1000;
    if (rng_chance(rng, shape->commit)) commit(s, f);
    if (rng_chance(rng, shape->capture)) {
        fake_source_capture(f, 1 + rng_below(rng, 4));
        sim_trace(s, "source: captured to %u", f->max_lsn);
    }
    if (rng_chance(rng, 2) && f->count + 8 < FAKE_LOG && f->captured == f->count) fake_source_idle_entry(f);
    if (rng_chance(rng, shape->alter)) alter(s, f, any_table(s));
    if (rng_chance(rng, shape->enable)) enable(s, f, any_table(s));
    if (rng_chance(rng, shape->drop)) drop(s, f, any_table(s));
    if (rng_chance(rng, 10) && rng_chance(rng, shape->vanish)) vanish(s, f, any_table(s));
    if (rng_chance(rng, shape->cleanup)) clean_up(s, f);
    if (rng_chance(rng, shape->restore)) back_up_or_restore(s, f);
}

void fake_source_init(Sim *s, FakeSource *f) {
    f->count = f->captured = f->instance_count = 0;
    f->was_restored = f->is_behind = false;
    f->max_lsn = 0;
    f->next_lsn = 10;
    f->now_us = 1000 * 1000;
    f->next_value = 0;
    f->rows = (SimRows){0};
    f->commits_left = sim_shape(s)->commits;
    for (size_t t = 0; t < SIM_TABLES; t++) f->values[t] = 1;
    uint64_t before = rng_below(sim_rng(s), 6);
    for (uint64_t i = 0; i < before; i++) commit(s, f);
    for (size_t t = 0; t < SIM_TABLES; t++)
        if (has_table(s, t)) enable(s, f, t);
}

/* ---- queries ---- */

PlanReading fake_source_max(const FakeSource *f, const Position *position, uint32_t limit) {
    PlanReading r = {.max_lsn = sim_lsn(f->max_lsn), .to_lsn = sim_lsn(f->max_lsn), .now_us = f->now_us};
    uint32_t from = sim_lsn_number(&position->commit_lsn), met = 0;
    for (size_t i = 0; i < f->captured; i++) {
        const FakeCommit *c = &f->log[i];
        if (!c->is_mapped) continue;
        r.to_us = c->us / 3333 * 3333; /* SQL Server keeps 1/300 s */
        if (c->lsn <= from || ++met < limit) continue;
        r.to_lsn = sim_lsn(c->lsn);
        break;
    }
    return r;
}

Lsn fake_source_begun(const FakeSource *f) {
    uint32_t largest = 0;
    for (size_t i = 0; i < f->instance_count; i++)
        if (!f->instances[i].is_dropped && f->instances[i].low > largest) largest = f->instances[i].low;
    return sim_lsn(largest);
}

static bool adds_columns(const FakeSource *f, const FakeInstance *in) {
    const FakeInstance *before = NULL;
    for (size_t i = 0; i < f->instance_count && &f->instances[i] != in; i++)
        if (f->instances[i].table == in->table && !f->instances[i].is_dropped) before = &f->instances[i];
    return !before || before->values < in->values;
}

size_t fake_source_instances(const FakeSource *f, size_t tables, PlanInstance ret[static FAKE_INSTANCES]) {
    size_t n = 0;
    for (size_t i = 0; i < f->instance_count; i++) {
        const FakeInstance *in = &f->instances[i];
        if (in->is_dropped || in->table >= tables) continue;
        ret[n++] = (PlanInstance){.table = in->table,
                                  .object_id = in->id,
                                  .start_lsn = sim_lsn(in->low),
                                  .fingerprint = sim_schema(in->table, in->values)->fingerprint,
                                  .adds_columns = adds_columns(f, in),
                                  .is_keyless = in->table == SIM_KEYLESS};
    }
    return n;
}

const FakeInstance *fake_source_instance(const FakeSource *f, int32_t id) {
    for (size_t i = 0; i < f->instance_count; i++)
        if (f->instances[i].id == id) return f->instances[i].is_dropped ? NULL : &f->instances[i];
    return NULL;
}

int32_t fake_source_newest(const FakeSource *f, size_t table) {
    int32_t id = 0;
    for (size_t i = 0; i < f->instance_count; i++) {
        const FakeInstance *in = &f->instances[i];
        if (in->table == table && !in->is_dropped && in->low) id = in->id;
    }
    return id;
}

bool fake_source_is_captured(const FakeSource *f, size_t table) {
    for (size_t i = 0; i < f->instance_count; i++)
        if (f->instances[i].table == table && !f->instances[i].is_dropped) return true;
    return false;
}

Position fake_source_position(uint32_t lsn, const FakeChange *c) {
    return (Position){.commit_lsn = sim_lsn(lsn),
                      .command_id = c->command,
                      .seqval = sim_lsn(c->seqval),
                      .operation = c->operation};
}

/* An update of columns that the instance doesn't have writes no change row. */
static bool has_row_for(const FakeInstance *in, const FakeChange *c) {
    if (c->table != in->table) return false;
    return c->operation != 4 || !sim_rows_equal(&c->before, &c->after, in->values);
}

size_t fake_source_page(const FakeSource *f, const FakeInstance *in, const Position *from, const Position *to,
                        const FakeChange *ret_changes[static FAKE_PAGE],
                        uint32_t ret_lsns[static FAKE_PAGE]) {
    size_t n = 0;
    uint32_t first = sim_lsn_number(&from->commit_lsn), last = sim_lsn_number(&to->commit_lsn);
    for (size_t i = 0; i < f->captured && f->log[i].lsn <= last; i++) {
        const FakeCommit *c = &f->log[i];
        if (c->lsn < first || c->lsn < in->low) continue;
        for (size_t k = 0; k < c->count; k++) {
            Position at = fake_source_position(c->lsn, &c->changes[k]);
            if (!has_row_for(in, &c->changes[k]) || position_cmp(&at, from) <= 0) continue;
            ret_changes[n] = &c->changes[k];
            ret_lsns[n++] = c->lsn;
            if (n == FAKE_PAGE) return n;
        }
    }
    return n;
}

uint32_t fake_source_signals(const FakeSource *f, uint32_t from, uint32_t to) {
    uint32_t tables = 0;
    for (size_t i = 0; i < f->captured; i++)
        if (f->log[i].signal && f->log[i].lsn > from && f->log[i].lsn <= to)
            tables |= 1u << (f->log[i].signal - 1);
    return tables;
}

const SimRows *fake_source_rows_at(const FakeSource *f, uint32_t lsn) {
    static const SimRows none;
    const SimRows *rows = &none;
    for (size_t i = 0; i < f->count && f->log[i].lsn <= lsn; i++) rows = &f->log[i].rows;
    return rows;
}
