#include "pipeline/lanes.h"
#include "pipeline/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

static Position at(uint8_t n) {
    return position_end_of(&(Lsn){{[9] = n}});
}

static LanesStored rows_at(size_t count, const uint8_t *positions) {
    LanesStored s = {.count = count, .hash_version = ROUTE_HASH_VERSION};
    for (size_t i = 0; i < count; i++)
        if (positions[i]) s.positions[i] = at(positions[i]);
    return s;
}

static void level_rows_are_rewritten_for_another_count_or_hash(void **state) {
    (void)state;
    LanesStored s = rows_at(3, (uint8_t[]){7, 7, 7});
    for (size_t i = 0; i < 3; i++) s.consistent[i] = at((uint8_t)(3 + i));
    LanesStart start;
    Err e = {0};
    assert_true(lanes_settle(&s, 3, &start, &e));
    assert_false(start.rewrites);
    Position five = at(5);
    assert_int_equal(position_cmp(&start.consistent, &five), 0); /* of the whole: the latest */
    assert_true(lanes_settle(&s, 1, &start, &e));
    assert_true(start.rewrites && start.count == 1 && position_is_zero(&start.consistent));
    s.hash_version++;
    assert_true(lanes_settle(&s, 3, &start, &e));
    assert_true(start.rewrites && start.count == 3);
}

static void rows_apart_keep_their_count_until_they_meet(void **state) {
    (void)state;
    LanesStored s = rows_at(3, (uint8_t[]){7, 5, 9});
    s.consistent[0] = at(2); /* not of all */
    LanesStart start;
    Err e = {0};
    assert_true(lanes_settle(&s, 2, &start, &e));
    assert_true(start.count == 3 && !start.rewrites && position_is_zero(&start.consistent));
    Position five = at(5), nine = at(9);
    assert_int_equal(position_cmp(&start.lowest, &five), 0);
    assert_int_equal(position_cmp(&start.highest, &nine), 0);
    s.hash_version++;
    assert_false(lanes_settle(&s, 3, &start, &e));
    assert_int_equal(e.code, ERR_INVALID);
}

static void rows_that_cannot_be_are_refused(void **state) {
    (void)state;
    LanesStored s = rows_at(2, (uint8_t[]){7, 0});
    LanesStart start;
    Err e = {0};
    assert_false(lanes_settle(&s, 2, &start, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    s.count = 0;
    assert_false(lanes_settle(&s, 2, &start, &e));
}

/* Tables "k" (spread) and "w" (whole), lanes that run from position 10 on. */
typedef struct Fixture {
    Lanes *lanes;
    const Schema *k, *w;
    StoredState stored;
    Err e;
} Fixture;

static const Schema *table_named(const char *name) {
    static const Column column = {.name = {"id", 2}, .type = SQLTYPE_INT, .key = 1};
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec spec = {
        .schema = STR_LIT("dbo"), .table = str_from(name), .columns = &column, .column_count = 1};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static Batch table(const Schema *s, BatchCopy copy) {
    return (Batch){.kind = BATCH_TABLE, .schema = s, .table = {.copy = copy, .instance = 1}};
}

static Batch rows(const Schema *s, uint32_t number, bool is_first, bool is_last) {
    Batch b = {.kind = BATCH_ROWS, .schema = s};
    b.chunk = (BatchChunk){
        .number = number, .is_first_part = is_first, .is_last_part = is_last, .upper_key = STR_LIT("x")};
    return b;
}

static Batch changes(uint8_t from, uint8_t to) {
    return (Batch){.kind = BATCH_CHANGES, .from = at(from), .to = at(to), .ends_transaction = true};
}

static int set_up(void **state) {
    Fixture *f = x_calloc(1, sizeof *f);
    f->k = table_named("k");
    f->w = table_named("w");
    const Batch k = table(f->k, BATCH_COPY_FIRST), w = table(f->w, BATCH_COPY_FIRST);
    stored_state_add_table(&f->stored, &k);
    stored_state_add_table(&f->stored, &w);
    Position ten = at(10);
    stored_state_move(&f->stored, &ten);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    lanes_free(f->lanes);
    stored_state_done(&f->stored);
    schema_unref(f->k);
    schema_unref(f->w);
    free(f);
    return 0;
}

static void run(Fixture *f, size_t count, size_t wanted, uint8_t highest) {
    const LanesStart start = {.count = count, .lowest = at(10), .highest = at(highest)};
    f->lanes = lanes_new(&start, wanted, &f->stored);
}

static size_t lane_given;

static LanesStep next(Fixture *f, Batch b) {
    LanesStep step;
    lane_given = 99;
    if (!lanes_next(f->lanes, &b, &step, &lane_given, &f->e)) fail_msg("%s", f->e.msg);
    return step;
}

static bool route(Fixture *f) {
    const RouteTable tables[] = {{"dbo", "k", false}, {"dbo", "w", true}};
    return lanes_routed(f->lanes, tables, NULL, 0);
}

static void routes_are_read_before_the_first_changes_and_after_each_table(void **state) {
    Fixture *f = *state;
    run(f, 3, 3, 10);
    assert_int_equal(next(f, changes(10, 11)), LANES_ROUTE);
    assert_true(route(f)); /* to be stored */
    assert_int_equal(next(f, changes(10, 11)), LANES_SPREAD);
    assert_int_equal(next(f, changes(11, 12)), LANES_SPREAD);
    assert_int_equal(next(f, table(f->k, BATCH_COPY_KEEP)), LANES_MEET);
    lanes_met(f->lanes);
    assert_int_equal(next(f, table(f->k, BATCH_COPY_KEEP)), LANES_GIVE);
    assert_int_equal(lane_given, 0);
    assert_int_equal(next(f, table(f->w, BATCH_COPY_KEEP)), LANES_GIVE);
    assert_int_equal(next(f, changes(12, 13)), LANES_MEET);
    lanes_met(f->lanes);
    assert_int_equal(next(f, changes(12, 13)), LANES_ROUTE);
    assert_false(route(f)); /* as they were */
    assert_int_equal(next(f, changes(12, 13)), LANES_SPREAD);
}

static void whole_chunks_are_dealt_out_in_turn_and_end_before_changes(void **state) {
    Fixture *f = *state;
    run(f, 2, 2, 10);
    assert_int_equal(next(f, rows(f->k, 0, true, false)), LANES_ROUTE);
    (void)route(f);
    assert_int_equal(next(f, rows(f->k, 0, true, false)), LANES_GIVE);
    size_t first = lane_given;
    assert_int_equal(next(f, rows(f->k, 0, false, true)), LANES_GIVE);
    assert_int_equal(lane_given, first);
    assert_int_equal(next(f, rows(f->k, 1, true, true)), LANES_GIVE);
    assert_int_not_equal(lane_given, first);
    assert_int_equal(next(f, rows(f->w, 0, true, true)), LANES_GIVE);
    size_t whole = lane_given;
    assert_int_equal(next(f, rows(f->k, 2, true, true)), LANES_GIVE);
    assert_int_equal(lane_given, first);
    assert_int_equal(next(f, rows(f->w, 1, true, true)), LANES_GIVE);
    assert_int_equal(lane_given, whole);
    assert_int_equal(next(f, changes(10, 11)), LANES_MEET);
}

static void a_chunk_is_next_once_the_one_before_is_committed(void **state) {
    Fixture *f = *state;
    run(f, 2, 2, 10);
    const Batch zero = rows(f->k, 0, true, true), one = rows(f->k, 1, true, true);
    const Batch part = rows(f->k, 0, true, false);
    assert_true(lanes_chunk_is_next(f->lanes, &zero));
    assert_false(lanes_chunk_is_next(f->lanes, &one));
    assert_false(lanes_committed(f->lanes, &part));
    assert_true(lanes_committed(f->lanes, &zero));
    assert_true(lanes_chunk_is_next(f->lanes, &one));
}

static void lanes_apart_go_on_as_they_were_until_the_highest_position(void **state) {
    Fixture *f = *state;
    f->stored.tables[0].route = x_strdup("key"); /* of k */
    run(f, 3, 3, 12);
    assert_int_equal(next(f, changes(10, 11)), LANES_SPREAD); /* by what is stored */
    assert_int_equal(next(f, changes(11, 12)), LANES_SPREAD);
    assert_int_equal(next(f, changes(12, 14)), LANES_MEET);
    lanes_met(f->lanes);
    assert_int_equal(next(f, changes(12, 14)), LANES_ROUTE);
    (void)route(f);
    assert_int_equal(next(f, changes(12, 14)), LANES_SPREAD);
}

static void another_count_comes_when_the_lanes_stand_together(void **state) {
    Fixture *f = *state;
    run(f, 3, 1, 12);
    assert_int_equal(next(f, changes(10, 12)), LANES_SPREAD);
    assert_int_equal(next(f, changes(12, 13)), LANES_MEET);
    lanes_met(f->lanes);
    assert_int_equal(next(f, changes(12, 13)), LANES_AGAIN);
}

static void a_lane_asks_whether_the_others_have_passed(void **state) {
    Fixture *f = *state;
    run(f, 3, 3, 10);
    const Position eleven = at(11), twelve = at(12);
    const Lsn lsn = eleven.commit_lsn;
    lanes_passed(f->lanes, 0, &eleven);
    lanes_passed(f->lanes, 1, &twelve);
    assert_false(lanes_others_have_passed(f->lanes, 0, &lsn));
    assert_true(lanes_others_have_passed(f->lanes, 2, &lsn));
    lanes_passed(f->lanes, 2, &eleven);
    assert_true(lanes_others_have_passed(f->lanes, 0, &lsn));
}

static void read_plan(Plan *p, uint8_t max, const PlanInstance *instances, size_t count) {
    PlanReading r = {.instances = instances, .instance_count = count, .now_us = 1};
    r.max_lsn.b[9] = r.to_lsn.b[9] = max;
    plan_reading(p, &r);
}

/* Lanes at 20 … 25: nothing new enters before 25, and the source has to have been there. */
static void what_is_new_waits_until_lanes_that_stand_apart_have_met(void **state) {
    (void)state;
    char dbo[] = "dbo", a[] = "a";
    StoredTable table = {
        .schema = dbo, .table = a, .is_done = true, .chunks_done = 1, .instance = 1, .fingerprint = 1};
    const StoredState stored = {
        .has_position = true, .position = at(20), .ahead = at(25), .tables = &table, .table_count = 1};
    const PlanTableSpec specs[] = {{.schema = STR_LIT("dbo"), .table = STR_LIT("a")},
                                   {.schema = STR_LIT("dbo"), .table = STR_LIT("b")}};
    const PlanInstance instances[] = {
        {.table = 0, .object_id = 1, .start_lsn = {{[9] = 1}}, .fingerprint = 1},
        {.table = 1, .object_id = 2, .start_lsn = {{[9] = 1}}, .fingerprint = 2}}; /* one more */
    Plan *p = plan_new(PLAN_INITIAL, specs, 2, &stored);
    PlanAction action;
    Err e = {0};
    read_plan(p, 24, instances, 2);
    assert_false(plan_next(p, &action, &e));
    assert_int_equal(e.code, ERR_RANGE);
    read_plan(p, 30, instances, 2);
    assert_true(plan_next(p, &action, &e));
    assert_int_equal(action.kind, PLAN_WINDOW);
    const Position met = at(25);
    assert_int_equal(position_cmp(&action.to, &met), 0);
    plan_window_put(p);
    read_plan(p, 30, instances, 2);
    assert_true(plan_next(p, &action, &e));
    assert_int_equal(action.kind, PLAN_ANNOUNCE);
    assert_int_equal(action.table, 1);
    plan_free(p);
}

static void a_part_without_the_first_is_out_of_order(void **state) {
    Fixture *f = *state;
    run(f, 2, 2, 10);
    const Batch part = rows(f->k, 0, false, true);
    LanesStep step;
    size_t lane;
    assert_false(lanes_next(f->lanes, &part, &step, &lane, &f->e));
    assert_int_equal(f->e.code, ERR_INTERNAL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_rows_are_rewritten_for_another_count_or_hash),
        cmocka_unit_test(rows_apart_keep_their_count_until_they_meet),
        cmocka_unit_test(rows_that_cannot_be_are_refused),
        cmocka_unit_test_setup_teardown(routes_are_read_before_the_first_changes_and_after_each_table, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(whole_chunks_are_dealt_out_in_turn_and_end_before_changes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_chunk_is_next_once_the_one_before_is_committed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lanes_apart_go_on_as_they_were_until_the_highest_position, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_count_comes_when_the_lanes_stand_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lane_asks_whether_the_others_have_passed, set_up, tear_down),
        cmocka_unit_test(what_is_new_waits_until_lanes_that_stand_apart_have_met),
        cmocka_unit_test_setup_teardown(a_part_without_the_first_is_out_of_order, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
