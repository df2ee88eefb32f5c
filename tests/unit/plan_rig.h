/* plan_rig.h - a plan with what is stored and what a reading has, and words for what it says. Included once,
 * by a test's .c. */
#ifndef TESTS_PLAN_RIG_H
#define TESTS_PLAN_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "pipeline/plan.h"
#include "test.h"

enum { SECOND_US = 1000 * 1000, OLD = 100, NEW = 200 };

static Lsn lsn(uint8_t n) {
    return (Lsn){{[9] = n}};
}
static Position end_of(uint8_t n) {
    return position_end_of(&(Lsn){{[9] = n}});
}

/* Up to three tables "a", "b" and, without a key, "heap". */
typedef struct Fixture {
    Plan *plan;
    StoredState stored;
    StoredTable tables[3];
    PlanInstance instances[8];
    size_t instance_count;
    PlanAction action;
    Err e;
} Fixture;

static const PlanTableSpec specs[] = {{.schema = {"dbo", 3}, .table = {"a", 1}},
                                      {.schema = {"dbo", 3}, .table = {"b", 1}},
                                      {.schema = {"dbo", 3}, .table = {"heap", 4}, .is_keyless = true}};

static int set_up(void **state) {
    Fixture *f = x_calloc(1, sizeof *f);
    f->stored.tables = f->tables;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    plan_free(f->plan);
    free(f);
    return 0;
}

static void begin(Fixture *f, PlanMode mode, size_t count) {
    plan_free(f->plan);
    f->plan = plan_new(mode, specs, count, &f->stored);
}

/* What is stored: the stream at position, a table with instance OLD. */
static StoredTable *store(Fixture *f, uint8_t position, size_t table, bool is_done) {
    static char *names[] = {"a", "b", "heap"};
    f->stored.has_position = true;
    f->stored.position = end_of(position);
    StoredTable *t = &f->tables[f->stored.table_count++];
    *t = (StoredTable){.schema = "dbo", .table = names[table], .is_done = is_done, .chunks_done = is_done};
    t->is_whole = is_done;
    t->instance = OLD + (int32_t)table;
    t->fingerprint = OLD + table;
    return t;
}

/* Instances have their id as fingerprint. */
static PlanInstance *instance(Fixture *f, size_t table, int32_t id, uint8_t start) {
    PlanInstance *in = &f->instances[f->instance_count++];
    *in = (PlanInstance){.table = table,
                         .object_id = id + (int32_t)table,
                         .start_lsn = lsn(start),
                         .fingerprint = (uint64_t)(id + (int32_t)table),
                         .adds_columns = true,
                         .is_keyless = table == 2};
    return in;
}

static void read_at(Fixture *f, uint8_t max, int64_t now_us) {
    PlanReading r = {.max_lsn = lsn(max),
                     .to_lsn = lsn(max),
                     .to_us = max * (int64_t)SECOND_US,
                     .now_us = now_us,
                     .instances = f->instances,
                     .instance_count = f->instance_count};
    plan_reading(f->plan, &r);
}
static void read_max(Fixture *f, uint8_t max) {
    read_at(f, max, max * (int64_t)SECOND_US);
}

static PlanKind next(Fixture *f) {
    if (!plan_next(f->plan, &f->action, &f->e)) fail_msg("%s", f->e.msg);
    return f->action.kind;
}

static void announces(Fixture *f, size_t table, int32_t id, BatchCopy copy) {
    assert_int_equal(next(f), PLAN_ANNOUNCE);
    assert_int_equal(f->action.table, table);
    assert_int_equal(f->action.instance, id + (int32_t)table);
    assert_int_equal(f->action.table_info.copy, copy);
    plan_announced(f->plan, table);
}

static void assert_at(const Position *is, Position should) {
    assert_int_equal(position_cmp(is, &should), 0);
}

static void starts(Fixture *f, uint8_t at) {
    assert_int_equal(next(f), PLAN_START);
    assert_at(&f->action.to, end_of(at));
    plan_started(f->plan);
}

static void gives_chunk(Fixture *f, size_t table, uint32_t number) {
    assert_int_equal(next(f), PLAN_CHUNK);
    assert_int_equal(f->action.table, table);
    assert_int_equal(f->action.chunk.number, number);
}

static void chunk_is_put(Fixture *f, size_t table, bool is_last, uint8_t w, int64_t now_us) {
    Position watermark = end_of(w);
    if (!plan_chunk_put(f->plan, table, is_last, &watermark, now_us, &f->e)) fail_msg("%s", f->e.msg);
}

static void window_is(Fixture *f, uint8_t from, uint8_t to) {
    assert_int_equal(next(f), PLAN_WINDOW);
    assert_at(&f->action.from, end_of(from));
    assert_at(&f->action.to, end_of(to));
}

static void range_is(Fixture *f, size_t table, int32_t id, uint8_t from) {
    int32_t is;
    Position at;
    assert_true(plan_range(f->plan, table, &is, &at));
    assert_int_equal(is, id + (int32_t)table);
    assert_at(&at, end_of(from));
}

static void is_gap(Fixture *f, const char *needed, const char *left) {
    assert_false(plan_next(f->plan, &f->action, &f->e));
    assert_int_equal(f->e.code, ERR_RANGE);
    assert_false(f->e.retriable);
    assert_non_null(strstr(f->e.msg, needed));
    assert_non_null(strstr(f->e.msg, left));
}

#endif
