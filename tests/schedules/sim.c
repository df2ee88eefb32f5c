/*
 * One schedule. First the world lives and everything may fail; then it falls silent, and our processes get
 * the steps they need to bring the target to the source's last state: a schedule that doesn't get there has
 * failed too.
 */
#include "sim.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_source.h"
#include "fake_target.h"
#include "proc.h"
#include "sink_half.h"
#include "topic_half.h"

enum { WORLD_STEPS = 900, QUIET_STEPS = 12000 };

struct Sim {
    Rng rng;
    SimShape shape;
    SimBreak broken;
    bool is_verbose, is_quiet, has_failed, has_gap;
    char why[512];
    uint64_t steps;
    FakeSource source, backup;
    FakeTarget target;
    Proc procs[SIM_PROCS];
    SinkWorld *sink;
    TopicWorld *topics;
};

const char *sim_break_name(SimBreak b) {
    static const char *const names[BREAK_COUNT] = {
        [BREAK_NOTHING] = "nothing",
        [BREAK_NO_FENCE] = "no-fence",
        [BREAK_NO_SKIP] = "no-skip",
        [BREAK_CHUNK_BEFORE_W] = "chunk-before-w",
        [BREAK_IGNORE_GAP] = "ignore-gap",
        [BREAK_NO_PAGE_CHECK] = "no-page-check",
        [BREAK_MARK_OUTSIDE] = "mark-outside-transaction",
        [BREAK_POSITION_OUTSIDE] = "position-outside-transaction",
        [BREAK_INSTANCES_FIRST] = "instances-before-max",
        [BREAK_NO_REREAD] = "no-reread",
        [BREAK_ALWAYS_PLAIN] = "always-plain",
        [BREAK_INEXACT_CHUNK] = "inexact-chunk",
        [BREAK_OLD_COLUMNS] = "exact-chunk-of-old-columns",
        [BREAK_COMMIT_ASSUMED] = "commit-assumed",
        [BREAK_COMMIT_PARTS] = "commit-parts",
        [BREAK_EARLY_CONSISTENT] = "early-consistent",
        [BREAK_NO_RESTART] = "no-restart",
        [BREAK_NO_FLOOR] = "no-floor",
        [BREAK_CLEAR_NOTHING] = "keep-consistent",
        [BREAK_LEAVE_OUT] = "leave-out-in-silence",
        [BREAK_IGNORE_RESTORE] = "ignore-restore",
        [BREAK_ANSWER_EARLY] = "answer-before-the-mark",
        [BREAK_SIGNAL_LATE] = "signal-behind-its-window",
        [BREAK_FORGET_FILTER] = "stop-leaves-it-undone",
        [BREAK_KEEP_GONE] = "keep-the-mark-of-a-gone-table",
        [BREAK_EMPTY_NOTHING] = "copy-anew-over-old-rows",
        [BREAK_CHUNK_ORDER] = "chunks-in-any-order",
        [BREAK_NO_MEETING] = "lanes-never-meet",
        [BREAK_MEET_UNWRITTEN] = "lanes-meet-without-writing",
        [BREAK_NEW_ROUTES_AT_ONCE] = "new-routes-at-once",
        [BREAK_RELANE_AT_ONCE] = "other-lane-count-at-once",
        [BREAK_START_AT_HIGHEST] = "source-starts-at-the-highest",
        [BREAK_KEY_MOVES_WHOLE] = "key-change-to-one-lane",
        [BREAK_HOLD_NOTHING] = "new-tables-while-lanes-stand-apart",
        [BREAK_SINK_NO_FENCE] = "sink-no-fence",
        [BREAK_SINK_NO_EPOCH] = "sink-moves-under-any-epoch",
        [BREAK_SINK_NO_OLD] = "sink-moves-from-any-offset",
        [BREAK_SINK_OFFSET_OUTSIDE] = "sink-offset-outside-transaction",
        [BREAK_SINK_COMMIT_ASSUMED] = "sink-commit-assumed",
        [BREAK_SINK_GROUP_WINS] = "group-offset-always-wins",
        [BREAK_SINK_TARGET_WINS] = "group-offset-never-wins",
        [BREAK_SINK_MARK_FIRST] = "group-marked-before-it-is-stored",
        [BREAK_SINK_ASK_FIRST] = "group-asked-before-the-epoch",
        [BREAK_SINK_START_BELIEVED] = "start-is-believed-of-a-lost-partition",
        [BREAK_SINK_NO_OFFER] = "late-fetch-is-taken",
        [BREAK_SINK_READ_UNCOMMITTED] = "sink-reads-uncommitted",
        [BREAK_SINK_NO_GUARD] = "no-guard-against-repeats",
        [BREAK_SINK_FORGET_GUARD] = "guard-is-not-stored",
        [BREAK_SINK_GUARD_COPIES] = "copies-are-dropped-as-repeats",
        [BREAK_TOPIC_NO_FENCE] = "topics-no-fence",
        [BREAK_TOPIC_READ_FIRST] = "topics-offsets-before-the-fence",
        [BREAK_TOPIC_READ_UNCOMMITTED] = "topics-offsets-uncommitted",
        [BREAK_TOPIC_NOT_READ] = "topics-offsets-believed",
        [BREAK_TOPIC_NOT_AGAIN] = "topics-offsets-not-written-again",
        [BREAK_TOPIC_OFFSET_OUTSIDE] = "topics-position-outside-transaction",
        [BREAK_TOPIC_MARK_OUTSIDE] = "topics-mark-outside-transaction",
        [BREAK_TOPIC_COMMIT_ASSUMED] = "topics-commit-assumed",
        [BREAK_TOPIC_FORGET_INSIDE] = "topics-part-without-its-place",
        [BREAK_TOPIC_SEND_ALL] = "topics-part-is-sent-again",
        [BREAK_TOPIC_SEND_OVERLAP] = "topics-overlapping-batch-is-sent-whole",
        [BREAK_TOPIC_CLEAR_INSIDE] = "topics-place-cleared-by-any-commit",
        [BREAK_TOPIC_MOVE_AT_SPLIT] = "topics-part-moves-the-position",
        [BREAK_TOPIC_DEBEZIUM_AT_SPLIT] = "topics-part-moves-debeziums-offset",
        [BREAK_TOPIC_NOTES_ALONE] = "topics-notes-go-with-the-change-before",
        [BREAK_TOPIC_NO_TAKEOVER] = "takeover-not-seen",
        [BREAK_TOPIC_ALWAYS_TAKE_OVER] = "takeover-from-oneself",
        [BREAK_TOPIC_KEEP_INSIDE] = "takeover-keeps-the-place-inside",
        [BREAK_TOPIC_WHOLE_COMMIT] = "takeover-sends-all-of-the-commit",
        [BREAK_TOPIC_DEBEZIUM_ASIDE] = "takeover-offset-not-noted",
    };
    return b < BREAK_COUNT ? names[b] : NULL;
}

SimKind sim_break_kind(SimBreak b) {
    if (b >= BREAK_TOPIC_FIRST) return SIM_TOPICS;
    return b >= BREAK_SINK_FIRST ? SIM_SINK : SIM_DIRECT;
}

Rng *sim_rng(Sim *s) {
    return &s->rng;
}
size_t sim_lane_count(Sim *s) {
    size_t most = s->shape.lanes > 1 ? s->shape.lanes : 1;
    if (most == 1 || s->is_quiet || !rng_chance(&s->rng, s->shape.relane)) return most;
    return 1 + rng_below(&s->rng, SIM_LANES);
}
size_t sim_table_count(const Sim *s) {
    size_t all = s->shape.has_keyless ? SIM_TABLES : s->shape.tables;
    bool is_early = s->steps < WORLD_STEPS / 4 && !s->is_quiet;
    return is_early && s->shape.first_tables ? s->shape.first_tables : all;
}
const SimShape *sim_shape(const Sim *s) {
    return &s->shape;
}
bool sim_is_broken(const Sim *s, SimBreak b) {
    return s->broken == b;
}
bool sim_is_quiet(const Sim *s) {
    return s->is_quiet;
}
bool sim_has_failed(const Sim *s) {
    return s->has_failed;
}
const char *sim_why(const Sim *s) {
    return s->why;
}
uint64_t sim_steps(const Sim *s) {
    return s->steps;
}
bool sim_ended_in_gap(const Sim *s) {
    return s->has_gap;
}
FakeSource *sim_source(Sim *s) {
    return &s->source;
}
FakeSource *sim_backup(Sim *s) {
    return &s->backup;
}
FakeTarget *sim_target(Sim *s) {
    return &s->target;
}
SinkWorld *sim_sink(Sim *s) {
    return s->sink;
}
TopicWorld *sim_topics(Sim *s) {
    return s->topics;
}
void sim_count_step(Sim *s) {
    s->steps++;
}
void sim_set_quiet(Sim *s) {
    s->is_quiet = true;
    sim_trace(s, "the world falls silent");
}

void sim_trace(Sim *s, const char *fmt, ...) {
    if (!s->is_verbose) return;
    va_list args;
    va_start(args, fmt);
    printf("  %5llu  ", (unsigned long long)s->steps);
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
}

void sim_fail(Sim *s, const char *fmt, ...) {
    if (s->has_failed) return;
    s->has_failed = true;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(s->why, sizeof s->why, fmt, args);
    va_end(args);
    sim_trace(s, "FAILED: %s", s->why);
}

/* ---- small things ---- */

Lsn sim_lsn(uint32_t n) {
    return (Lsn){
        {[6] = (uint8_t)(n >> 24), [7] = (uint8_t)(n >> 16), [8] = (uint8_t)(n >> 8), [9] = (uint8_t)n}};
}

uint32_t sim_lsn_number(const Lsn *lsn) {
    const uint8_t *b = lsn->b;
    return (uint32_t)b[6] << 24 | (uint32_t)b[7] << 16 | (uint32_t)b[8] << 8 | b[9];
}

static const Schema *schemas[SIM_TABLES][SIM_VALUES + 1];

static const Schema *make_schema(size_t table, size_t values) {
    static const char *const names[] = {"a", "b", "c"};
    Column columns[1 + SIM_VALUES] = {{.name = {"k", 1}, .type = SQLTYPE_INT, .key = 1}};
    size_t n = table == SIM_KEYLESS ? 0 : 1;
    for (size_t i = 0; i < values; i++)
        columns[n++] = (Column){.name = str_from(names[i]), .type = SQLTYPE_INT, .is_nullable = true};
    char name[] = {'t', (char)('0' + table), '\0'};
    SchemaSpec spec = {.schema = STR_LIT("dbo"), .table = {name, 2}, .columns = columns, .column_count = n};
    const Schema *schema = NULL;
    Err e;
    if (!schema_new(&spec, &schema, &e)) assert(!"the simulation's schemas are right");
    return schema;
}

const Schema *sim_schema(size_t table, size_t values) {
    assert(table < SIM_TABLES && values >= 1 && values <= SIM_VALUES);
    if (!schemas[table][values]) schemas[table][values] = make_schema(table, values);
    return schemas[table][values];
}

size_t sim_table_of(const Schema *schema) {
    return (size_t)(schema->table.p[1] - '0');
}
size_t sim_values_of(const Schema *schema) {
    return schema->column_count - schema->key_count;
}

bool sim_rows_equal(const SimRow *a, const SimRow *b, size_t values) {
    return memcmp(a->v, b->v, values * sizeof *a->v) == 0;
}

/* ---- gaps ---- */

/* Whether changes that the target still needs are really gone: else the error was a false alarm. */
static bool has_gap(const Sim *s) {
    const FakeState *now = &s->target.now;
    Position lowest = fake_target_lowest(&s->target), highest = fake_target_highest(&s->target);
    if (position_is_zero(&lowest)) return true; /* the stream's start is still on its way */
    if (sim_lsn_number(&highest.commit_lsn) > fake_source_been_at(&s->source)) return true;
    for (size_t t = 0; t < SIM_TABLES; t++) {
        const FakeTable *table = &now->tables[t];
        if (!table->is_known) continue;
        const Position *from = position_cmp(&lowest, &table->floor) < 0 ? &table->floor : &lowest;
        bool is_held = false;
        for (size_t i = 0; i < s->source.instance_count; i++) {
            const FakeInstance *in = &s->source.instances[i];
            if (in->table == t && !in->is_dropped && in->low &&
                in->low <= sim_lsn_number(&from->commit_lsn) + 1)
                is_held = true;
        }
        if (!is_held) return true;
    }
    return false;
}

void sim_end_in_gap(Sim *s, const char *why) {
    sim_trace(s, "gap: %s", why);
    s->has_gap = true;
    if (!has_gap(s)) sim_fail(s, "a gap where none is: %s", why);
}

void sim_crash_all(Sim *s) {
    for (size_t i = 0; i < SIM_PROCS; i++)
        if (s->procs[i].is_alive) proc_crash(s, &s->procs[i]);
}

/* ---- the run ---- */

static uint32_t some(Rng *rng, uint32_t percent, uint32_t most) {
    return rng_chance(rng, percent) ? 1 + (uint32_t)rng_below(rng, most) : 0;
}

/* Where an offset is taken from the group, rows may be told twice: not to a table without a key. */
static SimShape sink_shape(Rng *rng) {
    SimShape shape = {.kind = SIM_SINK,
                      .commit = 3 + (uint32_t)rng_below(rng, 20),
                      .has_keyless = rng_chance(rng, 60),
                      .is_plain = rng_chance(rng, 35)};
    shape.source_fails = some(rng, 60, 5);
    shape.repeat = some(rng, 50, 6);
    shape.abort = some(rng, 50, 40);
    shape.rebalance = some(rng, 60, 5);
    shape.evict = some(rng, 30, 3);
    shape.crash = some(rng, 40, 2);
    shape.stop = some(rng, 40, 3);
    shape.lose = some(rng, 50, 8);
    shape.refuse = some(rng, 30, 6);
    shape.restore = some(rng, 15, 8);
    if (!rng_chance(rng, 30)) return shape;
    shape.has_keyless = false;
    shape.repeat = shape.restore = 0;
    shape.foreign = some(rng, 70, 12);
    shape.reset = some(rng, 50, 12);
    return shape;
}

static SimShape topics_shape(Rng *rng) {
    SimShape shape = {.kind = SIM_TOPICS,
                      .commit = 3 + (uint32_t)rng_below(rng, 20),
                      .capture = 4 + (uint32_t)rng_below(rng, 40)};
    shape.large = some(rng, 70, 60);
    shape.crash = some(rng, 40, 3);
    shape.stop = some(rng, 40, 3);
    shape.rebalance = some(rng, 30, 6);
    shape.evict = some(rng, 30, 3);
    shape.abort = some(rng, 40, 15);
    shape.lose = some(rng, 50, 15);
    shape.refuse = some(rng, 30, 6);
    shape.duplicate = some(rng, 40, 20);
    shape.repeat = some(rng, 30, 20);
    shape.foreign = some(rng, 40, 40);
    shape.reset = some(rng, 20, 20);
    return shape;
}

/* Two of three are direct ones. */
static SimKind kind_drawn(Rng *rng) {
    uint64_t of = rng_below(rng, 100);
    return of < 66 ? SIM_DIRECT : of < 86 ? SIM_SINK : SIM_TOPICS;
}

SimShape sim_shape_drawn(Rng *rng, SimKind kind) {
    if (kind == SIM_SINK) return sink_shape(rng);
    if (kind == SIM_TOPICS) return topics_shape(rng);
    SimShape shape = {.mode = rng_chance(rng, 84)   ? PLAN_INITIAL
                              : rng_chance(rng, 60) ? PLAN_NO_DATA
                                                    : PLAN_INITIAL_ONLY,
                      .commits = 4 + (uint32_t)rng_below(rng, 40),
                      .tables = 1 + (uint32_t)rng_below(rng, 2),
                      .has_keyless = rng_chance(rng, 40),
                      .commit = 2 + (uint32_t)rng_below(rng, 15),
                      .capture = 2 + (uint32_t)rng_below(rng, 20)};
    if (shape.has_keyless) shape.tables = SIM_KEYLESS; /* tables are numbered without a hole */
    if (shape.mode == PLAN_INITIAL && rng_chance(rng, 20)) shape.first_tables = 1;
    shape.alter = some(rng, 50, 2);
    shape.enable = some(rng, 50, 4);
    shape.drop = some(rng, 40, 6);
    shape.cleanup = some(rng, 20, 2);
    shape.crash = some(rng, 40, 2);
    shape.lose = some(rng, 40, 8);
    shape.refuse = some(rng, 30, 6);
    shape.stop = some(rng, 30, 2);
    shape.duplicate = some(rng, 40, 20);
    shape.source_fails = some(rng, 30, 2);
    if (shape.mode == PLAN_INITIAL && rng_chance(rng, 20)) shape.left_out = 1 + (uint32_t)rng_below(rng, 60);
    shape.restore = some(rng, 10, 3);
    shape.ask = shape.mode != PLAN_INITIAL_ONLY ? some(rng, 25, 6) : 0;
    shape.vanish = shape.mode == PLAN_INITIAL ? some(rng, 15, 2) : 0;
    shape.copies_gone = shape.mode == PLAN_INITIAL && rng_chance(rng, 20);
    shape.anew = shape.mode == PLAN_INITIAL ? some(rng, 15, 60) : 0;
    if (rng_chance(rng, 55)) shape.lanes = 2 + (uint32_t)rng_below(rng, SIM_LANES - 1);
    if (shape.lanes) shape.relane = some(rng, 40, 80);
    if (shape.lanes) shape.constrain = some(rng, 40, 3);
    return shape;
}

static size_t alive(const Sim *s) {
    size_t n = 0;
    for (size_t i = 0; i < SIM_PROCS; i++) n += s->procs[i].is_alive && !s->procs[i].is_stopped;
    return n;
}

/* What befalls processes from outside. */
static void fate(Sim *s) {
    Proc *p = &s->procs[rng_below(&s->rng, SIM_PROCS)];
    if (!s->is_quiet && p->is_alive && !p->is_stopped && rng_chance(&s->rng, s->shape.crash))
        proc_crash(s, p);
    if (!s->is_quiet && p->is_alive && !p->is_stopped && rng_chance(&s->rng, s->shape.stop)) {
        sim_trace(s, "proc %zu: stopped", p->number);
        p->is_stopped = true;
    } else if (p->is_stopped && rng_chance(&s->rng, s->is_quiet ? 30 : 3)) {
        sim_trace(s, "proc %zu: wakes up", p->number);
        p->is_stopped = false;
    }
    if (alive(s) > 0) return;
    for (size_t i = 0; i < SIM_PROCS; i++) {
        if (s->procs[i].is_alive) continue;
        proc_start(s, &s->procs[i]);
        return;
    }
}

static bool is_over(const Sim *s) {
    return s->has_failed || s->has_gap;
}

/* Lanes run side by side. */
static void proc_steps(Sim *s, Proc *p) {
    size_t n = p->lanes ? p->lane_count + 1 : 1;
    for (size_t i = 0; i < n && !is_over(s); i++) proc_step(s, p);
}

static void step(Sim *s) {
    s->steps++;
    fate(s);
    size_t first = rng_below(&s->rng, SIM_PROCS);
    proc_steps(s, &s->procs[first]);
    if (!is_over(s) && rng_chance(&s->rng, 50)) proc_steps(s, &s->procs[1 - first]);
}

static void run_world(Sim *s) {
    for (int i = 0; i < WORLD_STEPS && !is_over(s); i++) {
        if (fake_source_is_done(&s->source) && rng_chance(&s->rng, 2)) return;
        fake_source_step(s, &s->source);
        if (rng_chance(&s->rng, 20) && rng_chance(&s->rng, s->shape.ask)) fake_target_command(s, &s->target);
        fake_target_step(s, &s->target);
        step(s);
    }
}

static bool is_through(Sim *s) {
    if (s->source.is_behind) return false; /* that has to be found */
    for (size_t i = 0; i < SIM_PROCS; i++)
        if (!s->procs[i].is_stopped && proc_is_through(s, &s->procs[i])) return true;
    return false;
}

/* The capture job is done with the log, and idle entries go on as on a real server. */
static void run_quiet(Sim *s) {
    sim_set_quiet(s);
    if (s->shape.ask) fake_target_resume_all(&s->target, /* is_again= */ false);
    if (s->shape.first_tables || s->shape.left_out) sim_crash_all(s); /* all are to be known at the end */
    for (int i = 0; i < QUIET_STEPS && !is_over(s); i++) {
        if (i % 500 == 0) {
            fake_source_tick(&s->source, 2000 * 1000);
            fake_source_idle_entry(&s->source);
            if (s->shape.ask) fake_target_resume_all(&s->target, /* is_again= */ true);
        }
        fake_source_tick(&s->source, 20 * 1000);
        fake_source_capture(&s->source, 1);
        step(s);
        if (i > 400 && is_through(s)) return;
    }
    if (!is_over(s)) sim_fail(s, "the target doesn't get there");
}

static void check_end(Sim *s) {
    const FakeState *now = &s->target.now;
    if (s->shape.mode == PLAN_INITIAL_ONLY) {
        for (size_t t = 0; t < s->shape.tables; t++)
            if (!now->tables[t].is_done) sim_fail(s, "table %zu isn't copied", t);
        return;
    }
    fake_target_compare(s, &s->target, "at the end");
    for (size_t t = 0; t < SIM_TABLES; t++)
        for (size_t i = 0; i < s->source.instance_count; i++) {
            const FakeInstance *in = &s->source.instances[i];
            if (in->table == t && !in->is_dropped && !now->tables[t].is_known)
                sim_fail(s, "table %zu is missing at the end", t);
            if (in->table == t && !in->is_dropped && in->values > now->tables[t].values)
                sim_fail(s, "table %zu: a column is missing at the end", t);
        }
}

static void run_direct(Sim *s) {
    fake_target_init(s, &s->target);
    fake_source_init(s, &s->source);
    s->backup.count = 0;
    for (size_t i = 0; i < SIM_PROCS; i++) s->procs[i].number = i;
    run_world(s);
    if (!is_over(s)) run_quiet(s);
    if (!is_over(s)) check_end(s);
    s->is_quiet = true;
    sim_crash_all(s);
}

bool sim_run(Sim *s, uint64_t seed, const SimShape *shape, SimBreak broken, bool is_verbose) {
    rng_seed(&s->rng, seed);
    SimKind kind = shape ? shape->kind : broken ? sim_break_kind(broken) : kind_drawn(&s->rng);
    s->shape = shape ? *shape : sim_shape_drawn(&s->rng, kind);
    s->broken = broken;
    s->is_verbose = is_verbose;
    s->is_quiet = s->has_failed = s->has_gap = false;
    s->why[0] = '\0';
    s->steps = 0;
    if (kind == SIM_SINK) sink_world_run(s, s->sink);
    else if (kind == SIM_TOPICS) topic_world_run(s, s->topics);
    else run_direct(s);
    return !s->has_failed;
}

Sim *sim_new(void) {
    Sim *s = x_calloc(1, sizeof *s);
    s->sink = sink_world_new();
    s->topics = topic_world_new();
    return s;
}

Sim *sim_free(Sim *s) {
    sink_world_free(s->sink);
    topic_world_free(s->topics);
    free(s);
    for (size_t t = 0; t < SIM_TABLES; t++)
        for (size_t v = 0; v <= SIM_VALUES; v++) schemas[t][v] = schema_unref(schemas[t][v]);
    return NULL;
}
