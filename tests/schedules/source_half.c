/* The source's half of a process: what src/sqlserver does around a plan. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proc.h"

/* Let what is stored have only the first tables. */
static StoredState hide_left_out(const StoredState *stored, size_t count,
                                 StoredTable tables[static SIM_TABLES]) {
    StoredState shown = *stored;
    shown.tables = tables;
    shown.table_count = 0;
    for (size_t t = 0; t < count; t++) {
        const Schema *schema = sim_schema(t, 1);
        const StoredTable *entry = stored_state_table(stored, schema->schema, schema->table);
        if (entry) tables[shown.table_count++] = *entry;
    }
    return shown;
}

static PlanTableSpec spec_of(size_t table) {
    const Schema *schema = sim_schema(table, 1);
    return (PlanTableSpec){.schema = schema->schema,
                           .table = schema->table,
                           .is_keyless = table == SIM_KEYLESS,
                           .may_vanish = true};
}

void source_start(Sim *s, Proc *p, const StoredState *stored) {
    PlanTableSpec specs[SIM_TABLES];
    StoredTable shown_tables[SIM_TABLES];
    for (size_t t = 0; t < SIM_TABLES; t++) {
        const Schema *schema = sim_schema(t, 1);
        specs[t] = spec_of(t);
        const StoredTable *entry = stored_state_table(stored, schema->schema, schema->table);
        p->upper[t] = entry && entry->upper_key ? (uint32_t)(entry->upper_key[0] - '0') : 0;
        p->chunks[t].is_open = false;
    }
    p->told = p->mail = p->due = p->accepted = p->seen = 0;
    p->table_count = p->leaves_out ? 1 : sim_table_count(s);
    StoredState shown = *stored;
    if (sim_is_broken(s, BREAK_LEAVE_OUT)) shown = hide_left_out(stored, p->table_count, shown_tables);
    p->plan = plan_new((PlanMode)sim_shape(s)->mode, specs, p->table_count, &shown);
    if (sim_shape(s)->copies_gone) plan_set_copies_gone(p->plan);
    for (size_t i = 0; i < p->table_count; i++)
        if (!sim_is_quiet(s) && rng_chance(sim_rng(s), sim_shape(s)->anew)) plan_copy_anew(p->plan, i);
    p->source = SOURCE_NEXT;
}

void source_stop(Proc *p) {
    p->plan = plan_free(p->plan);
    p->source = SOURCE_OFF;
}

static void source_fails(Sim *s, Proc *p, const char *why) {
    sim_trace(s, "proc %zu: source fails: %s", p->number, why);
    p->source = SOURCE_FAILED;
}

/* The operator does one of the two things that the message names. */
static void cure_left_out(Sim *s, Proc *p, bool is_owner, const char *why) {
    if (!is_owner || rng_chance(sim_rng(s), 50)) {
        source_fails(s, p, why);
        return;
    }
    size_t first = p->table_count;
    proc_crash(s, p);
    sim_trace(s, "target: the tables from %zu on are given up", first);
    fake_target_forget(sim_target(s), first);
}

static void source_error(Sim *s, Proc *p, const Err *e) {
    bool is_owner = fake_target_is_owner(sim_target(s), p->number);
    if (e->code == ERR_INVALID && p->leaves_out) {
        cure_left_out(s, p, is_owner, e->msg);
        return;
    }
    if (e->code == ERR_RANGE && !e->retriable && !is_owner)
        source_fails(s, p, "what a former owner needs is gone, rightly");
    else if (e->code == ERR_RANGE && !e->retriable) sim_end_in_gap(s, e->msg);
    else if (e->retriable) source_fails(s, p, e->msg);
    else sim_fail(s, "source: %s", e->msg);
}

static void set_row(const Schema *schema, Value *ret, size_t key, const SimRow *row) {
    size_t n = 0;
    if (schema->key_count) ret[n++] = value_int((int64_t)key);
    for (size_t i = 0; n < schema->column_count; i++) ret[n++] = value_int(row->v[i]);
}

/* ---- small batches ---- */

static void put_table(Sim *s, Proc *p, const PlanAction *a) {
    const FakeInstance *in = fake_source_instance(sim_source(s), a->instance);
    if (!in) {
        source_fails(s, p, "the instance is gone");
        return;
    }
    ProcBatch *b = proc_batch(p, BATCH_TABLE);
    b->batch.schema = sim_schema(a->table, in->values);
    b->batch.table = a->table_info;
    if (a->table_info.filter.n)
        b->batch.table.filter = STR_LIT("even"); /* the plan's own goes with its wish */
    if (a->table_info.copy != BATCH_COPY_KEEP) p->upper[a->table] = 0;
    sim_trace(s, "proc %zu: table %zu with %d values, copy %d, asked %d%s", p->number, a->table, in->values,
              a->table_info.copy, a->table_info.asked, a->table_info.is_paused ? ", paused" : "");
    proc_push(p, b);
    plan_announced(p->plan, a->table);
}

static void put_gone(Sim *s, Proc *p, const PlanAction *a) {
    ProcBatch *b = proc_batch(p, BATCH_TABLE);
    b->batch.schema = sim_schema(a->table, 1);
    b->batch.table = a->table_info;
    p->upper[a->table] = 0;
    sim_trace(s, "proc %zu: table %zu is gone", p->number, a->table);
    proc_push(p, b);
    plan_forgotten(p->plan, a->table);
}

static void put_start(Sim *s, Proc *p, const PlanAction *a) {
    ProcBatch *b = proc_batch(p, BATCH_CHANGES);
    b->batch.to = a->to;
    b->batch.ends_transaction = true;
    sim_trace(s, "proc %zu: the stream starts at %u", p->number, sim_lsn_number(&a->to.commit_lsn));
    proc_push(p, b);
    plan_started(p->plan);
}

/* ---- chunks ---- */

static void open_chunk(Sim *s, Proc *p, const PlanAction *a) {
    const FakeSource *f = sim_source(s);
    const FakeInstance *in = fake_source_instance(f, a->instance);
    if (!in) {
        source_fails(s, p, "the instance is gone");
        return;
    }
    ProcChunk *c = &p->chunks[a->table];
    *c = (ProcChunk){.is_open = true, .action = *a, .values = in->values, .at = p->upper[a->table]};
    c->is_filtered = a->filter != NULL;
    c->row_limit = a->chunk.is_exact ? SIM_KEYS : 1 + rng_below(sim_rng(s), 4);
    if (a->chunk.number == 0) c->at = 0;
    if (sim_is_broken(s, BREAK_ALWAYS_PLAIN)) c->action.chunk.is_plain = true;
    uint32_t now = f->next_lsn;
    c->old = *fake_source_rows_at(f, now > 12 ? now - 12 : 0);
    sim_trace(s, "proc %zu: chunk %u of table %zu begins at key %u", p->number, a->chunk.number, a->table,
              c->at);
}

/* The rows as of one LSN: under a lock on the table the capture job is made to catch up. */
static bool read_exactly(Sim *s, ProcChunk *c) {
    FakeSource *f = sim_source(s);
    if (!sim_is_broken(s, BREAK_INEXACT_CHUNK)) fake_source_capture(f, FAKE_LOG);
    if (!sim_is_broken(s, BREAK_OLD_COLUMNS) && fake_source_newest(f, c->action.table) != c->action.instance)
        return false;
    Lsn w = sim_lsn(f->max_lsn);
    Position captured = position_end_of(&w), *watermark = &c->action.chunk.watermark;
    if (position_cmp(watermark, &captured) < 0) *watermark = captured;
    for (uint8_t k = 0; k < SIM_KEYS; k++) {
        const SimRow *row = &f->rows.row[c->action.table][k];
        if (!row->is_there) continue;
        c->keys[c->count] = k;
        c->rows[c->count++] = *row;
    }
    c->at = SIM_KEYS;
    return true;
}

/* A part of the chunk in each batch, all of them in one go: chunks of other readers mustn't come between. */
static void put_chunk(Sim *s, Proc *p, ProcChunk *c) {
    size_t part = 1 + rng_below(sim_rng(s), SIM_KEYS);
    size_t parts = c->count == 0 ? 1 : (c->count + part - 1) / part;
    if (parts > 3) part = (c->count + 2) / 3;
    parts = c->count == 0 ? 1 : (c->count + part - 1) / part;
    if (p->queued + parts > PROC_QUEUE) return;
    bool is_last = c->at >= SIM_KEYS;
    for (size_t i = 0, at = 0; i < parts; i++) {
        ProcBatch *b = proc_batch(p, BATCH_ROWS);
        const Schema *schema = b->batch.schema = sim_schema(c->action.table, c->values);
        b->batch.chunk = c->action.chunk;
        b->batch.chunk.is_first_part = i == 0;
        b->batch.chunk.is_last_part = i + 1 == parts;
        b->batch.chunk.is_last_chunk = is_last;
        b->key[0] = (char)('0' + c->at);
        b->batch.chunk.upper_key = (Str){b->key, 1};
        bool is_skipped = sim_is_broken(s, BREAK_NO_REREAD) && !c->action.chunk.is_plain;
        for (size_t n = 0; n < part && at < c->count; n++, at++) {
            if (is_skipped) continue;
            Change *change = &b->changes[b->batch.count];
            set_row(schema, b->values[b->batch.count][1], c->keys[at], &c->rows[at]);
            *change = (Change){.op = OP_READ, .schema = schema, .after = b->values[b->batch.count][1]};
            b->batch.count++;
        }
        proc_push(p, b);
    }
    c->is_open = false;
    p->upper[c->action.table] = c->at;
    Err e;
    if (!plan_chunk_put(p->plan, c->action.table, is_last, &c->action.chunk.watermark, sim_source(s)->now_us,
                        &e))
        source_error(s, p, &e);
}

/* Read one row, at its own time: a reader under READ COMMITTED sees the table change under it. */
static void step_chunk(Sim *s, Proc *p, ProcChunk *c) {
    const FakeSource *f = sim_source(s);
    if (c->action.chunk.is_exact && c->at < SIM_KEYS && !read_exactly(s, c)) {
        c->is_open = false;
        plan_chunk_dropped(p->plan, c->action.table);
        return;
    }
    while (c->at < SIM_KEYS && c->count < c->row_limit) {
        uint32_t k = c->at++;
        bool is_old = sim_is_broken(s, BREAK_CHUNK_BEFORE_W) && !c->action.chunk.is_plain;
        const SimRow *row = is_old ? &c->old.row[c->action.table][k] : &f->rows.row[c->action.table][k];
        if (!row->is_there || (c->is_filtered && k % 2)) continue;
        c->keys[c->count] = (uint8_t)k;
        c->rows[c->count++] = *row;
        if (rng_chance(sim_rng(s), 40)) return;
    }
    put_chunk(s, p, c);
}

static bool step_chunks(Sim *s, Proc *p) {
    size_t first = rng_below(sim_rng(s), SIM_TABLES);
    for (size_t i = 0; i < SIM_TABLES; i++) {
        ProcChunk *c = &p->chunks[(first + i) % SIM_TABLES];
        if (!c->is_open) continue;
        step_chunk(s, p, c);
        return true;
    }
    return false;
}

/* ---- windows ---- */

static void next_range(Proc *p, size_t from) {
    p->has_range = p->is_page_unchecked = false;
    for (p->page_table = from; p->page_table < p->table_count; p->page_table++) {
        if (!plan_range(p->plan, p->page_table, &p->range_instance, &p->page_from)) continue;
        p->has_range = true;
        return;
    }
}

static int compare_rows(const void *a, const void *b) {
    const ProcRow *x = a, *y = b;
    int c = position_cmp(&x->position, &y->position);
    return c ? c : (x->change > y->change) - (x->change < y->change);
}

/* One half of a page: its rows, then the look at what the instance still holds. */
static void step_pages(Sim *s, Proc *p) {
    const FakeSource *f = sim_source(s);
    if (!p->has_range) {
        qsort(p->rows, p->row_count, sizeof *p->rows, compare_rows);
        p->row_at = 0;
        p->emitted = p->window.from;
        p->source = SOURCE_EMIT;
        return;
    }
    const FakeInstance *in = fake_source_instance(f, p->range_instance);
    if (!p->is_page_unchecked) {
        if (!in) {
            source_fails(s, p, "invalid object name");
            return;
        }
        const FakeChange *changes[FAKE_PAGE];
        uint32_t lsns[FAKE_PAGE];
        size_t n = fake_source_page(f, in, &p->page_from, &p->window.to, changes, lsns);
        for (size_t i = 0; i < n; i++) {
            ProcRow *row = &p->rows[p->row_count++];
            *row = (ProcRow){fake_source_position(lsns[i], changes[i]), changes[i], in->values};
            p->page_next = row->position;
        }
        p->is_page_full = n == FAKE_PAGE;
        p->is_page_unchecked = true;
        return;
    }
    Err e;
    Lsn low = sim_lsn(in ? in->low : 0);
    bool is_checked = !sim_is_broken(s, BREAK_NO_PAGE_CHECK) && !sim_is_broken(s, BREAK_IGNORE_GAP);
    if (is_checked && !plan_check_page(p->plan, p->page_table, &p->page_from, &low, &e)) {
        source_error(s, p, &e);
        return;
    }
    p->is_page_unchecked = false;
    p->page_from = p->page_next;
    if (!p->is_page_full) next_range(p, p->page_table + 1);
}

static void add_change(ProcBatch *b, const ProcRow *row) {
    static const uint8_t ops[] = {0, OP_DELETE, OP_CREATE, 0, OP_UPDATE};
    const FakeChange *c = row->change;
    const Schema *schema = sim_schema(c->table, row->values);
    size_t n = b->batch.count++;
    Change *change = &b->changes[n];
    *change = (Change){.op = ops[c->operation], .schema = schema, .position = row->position};
    if (c->operation == 1 || (c->operation == 4 && c->table == SIM_KEYLESS)) {
        set_row(schema, b->values[n][0], c->key, &c->before);
        change->before = b->values[n][0];
    }
    if (c->operation != 1) {
        set_row(schema, b->values[n][1], c->key, &c->after);
        change->after = b->values[n][1];
    }
}

static bool is_same_commit(const ProcRow *a, const ProcRow *b) {
    return lsn_cmp(&a->position.commit_lsn, &b->position.commit_lsn) == 0;
}

static void step_emit(Sim *s, Proc *p) {
    if (p->queued == PROC_QUEUE) return;
    ProcBatch *b = proc_batch(p, BATCH_CHANGES);
    size_t limit = 1 + rng_below(sim_rng(s), PROC_BATCH);
    b->batch.from = p->emitted;
    while (b->batch.count < limit && p->row_at < p->row_count) add_change(b, &p->rows[p->row_at++]);
    bool is_last = p->row_at == p->row_count;
    if (is_last) {
        b->batch.to = p->window.to;
        b->batch.is_consistent = p->window.is_consistent;
        b->batch.ends_transaction = true;
    } else {
        const ProcRow *last = &p->rows[p->row_at - 1];
        b->batch.ends_transaction = !is_same_commit(last, last + 1);
        b->batch.to =
            b->batch.ends_transaction ? position_end_of(&last->position.commit_lsn) : last->position;
    }
    p->emitted = b->batch.to;
    proc_push(p, b);
    if (!is_last) return;
    plan_window_put(p->plan);
    p->source = SOURCE_NEXT;
}

/* ---- signals ---- */

static bool obey(Proc *p, const FakeCommand *c, Str filter) {
    if (c->table >= p->table_count) return false;
    switch (c->kind) {
    case FAKE_COPY:
    case FAKE_COPY_BLOCKING:
        return plan_copy_again(p->plan, c->table, c->kind == FAKE_COPY_BLOCKING, filter) == PLAN_ACCEPTED;
    case FAKE_STOP: return plan_stop_copy(p->plan, c->table) == PLAN_ACCEPTED;
    case FAKE_PAUSE: return plan_pause_copy(p->plan, c->table, true) == PLAN_ACCEPTED;
    case FAKE_RESUME: return plan_pause_copy(p->plan, c->table, false) == PLAN_ACCEPTED;
    }
    return false;
}

static void obey_mail(Sim *s, Proc *p) {
    for (size_t i = 0; i < FAKE_COMMANDS; i++) {
        if (!(p->mail & 1u << i)) continue;
        const FakeCommand *c = &sim_target(s)->commands[i];
        bool is_accepted = obey(p, c, i % 3 ? (Str){0} : STR_LIT("even"));
        sim_trace(s, "proc %zu: command %zu %s", p->number, i, is_accepted ? "accepted" : "refused");
        if (is_accepted) p->accepted |= 1u << i;
        if (is_accepted && c->kind == FAKE_STOP) sim_target(s)->stops[c->table]++;
        p->due |= 1u << i;
    }
    p->mail = 0;
}

/* The stream's signals are seen before the window that has them is read. */
static void obey_stream(Sim *s, Proc *p) {
    Position position = plan_position(p->plan);
    uint32_t at = sim_lsn_number(&position.commit_lsn);
    uint32_t from = p->seen > at ? p->seen : at, to = sim_lsn_number(&p->reading.to_lsn);
    if (sim_is_broken(s, BREAK_SIGNAL_LATE)) from = p->seen, to = at;
    if (to <= from || at == 0) return;
    uint32_t tables = fake_source_signals(sim_source(s), from, to);
    p->seen = to;
    for (size_t t = 0; t < p->table_count; t++)
        if (tables & 1u << t) (void)plan_copy_again(p->plan, t, /* is_blocking= */ false, (Str){0});
}

static bool put_answer(Sim *s, Proc *p) {
    if (!p->due || (plan_has_wishes(p->plan) && !sim_is_broken(s, BREAK_ANSWER_EARLY))) return false;
    size_t i = 0;
    while (!(p->due & 1u << i)) i++;
    p->due &= ~(1u << i);
    ProcBatch *b = proc_batch(p, BATCH_ANSWER);
    b->command = i;
    b->batch.ends_transaction = (p->accepted & 1u << i) != 0;
    proc_push(p, b);
    return true;
}

/* ---- the loop ---- */

/* Let the readings say that nothing was taken away. */
static void hide_gaps(Proc *p, size_t count) {
    Position from = plan_position(p->plan);
    for (size_t i = 0; i < count; i++) {
        Lsn *start = &p->instances[i].start_lsn;
        bool is_first = i == 0 || p->instances[i - 1].table != p->instances[i].table;
        if (is_first && lsn_cmp(start, &from.commit_lsn) > 0 && !position_is_zero(&from))
            *start = from.commit_lsn;
    }
}

static void take_max(Sim *s, Proc *p) {
    Position from = plan_position(p->plan);
    p->reading = fake_source_max(sim_source(s), &from, 1 + (uint32_t)rng_below(sim_rng(s), 4));
    bool is_behind = lsn_cmp(&p->reading.max_lsn, &from.commit_lsn) < 0;
    if (is_behind && sim_is_broken(s, BREAK_IGNORE_RESTORE)) p->reading.max_lsn = from.commit_lsn;
}

/* Tables that appear are found while it runs, or at the next start. */
static void find_new_tables(Sim *s, Proc *p) {
    if (p->leaves_out || rng_chance(sim_rng(s), 50)) return;
    while (p->table_count < sim_table_count(s)) {
        PlanTableSpec spec = spec_of(p->table_count++);
        plan_add_table(p->plan, &spec);
    }
}

static void take_instances(Sim *s, Proc *p) {
    find_new_tables(s, p);
    size_t count = fake_source_instances(sim_source(s), p->table_count, p->instances);
    if (sim_is_broken(s, BREAK_IGNORE_GAP)) hide_gaps(p, count);
    p->reading.instances = p->instances;
    p->reading.instance_count = count;
    p->reading.begun_lsn = fake_source_begun(sim_source(s));
}

static void step_next(Sim *s, Proc *p) {
    PlanAction a;
    Err e;
    if (p->queued == PROC_QUEUE) return;
    obey_mail(s, p);
    if (put_answer(s, p)) return;
    if (!plan_next(p->plan, &a, &e)) {
        source_error(s, p, &e);
        return;
    }
    switch (a.kind) {
    case PLAN_READ:
        if (sim_is_broken(s, BREAK_INSTANCES_FIRST)) take_instances(s, p);
        else take_max(s, p);
        p->source = SOURCE_READING;
        break;
    case PLAN_ANNOUNCE: put_table(s, p, &a); break;
    case PLAN_FORGET: put_gone(s, p, &a); break;
    case PLAN_START: put_start(s, p, &a); break;
    case PLAN_CHUNK: open_chunk(s, p, &a); break;
    case PLAN_WINDOW:
        p->window = a;
        if (sim_is_broken(s, BREAK_EARLY_CONSISTENT)) p->window.is_consistent = true;
        p->row_count = 0;
        sim_trace(s, "proc %zu: window (%u, %u]%s", p->number, sim_lsn_number(&a.from.commit_lsn),
                  sim_lsn_number(&a.to.commit_lsn), a.is_consistent ? ", consistent" : "");
        next_range(p, 0);
        p->source = SOURCE_PAGES;
        break;
    case PLAN_BUSY: break;
    case PLAN_END:
        proc_push(p, proc_batch(p, BATCH_END));
        p->source = SOURCE_ENDED;
        break;
    }
}

void source_step(Sim *s, Proc *p) {
    if (p->source == SOURCE_NEXT && rng_chance(sim_rng(s), 60) && step_chunks(s, p)) return;
    switch (p->source) {
    case SOURCE_OFF:
    case SOURCE_FAILED:
    case SOURCE_ENDED: break;
    case SOURCE_NEXT: step_next(s, p); break;
    case SOURCE_READING:
        if (sim_is_broken(s, BREAK_INSTANCES_FIRST)) {
            PlanReading earlier = p->reading;
            take_max(s, p);
            p->reading.instances = earlier.instances;
            p->reading.instance_count = earlier.instance_count;
            p->reading.begun_lsn = earlier.begun_lsn;
        } else {
            take_instances(s, p);
        }
        plan_reading(p->plan, &p->reading);
        obey_stream(s, p);
        p->source = SOURCE_NEXT;
        break;
    case SOURCE_PAGES: step_pages(s, p); break;
    case SOURCE_EMIT: step_emit(s, p); break;
    }
}
