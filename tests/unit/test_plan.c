#include "pipeline/plan.h"

#include "plan_rig.h"

/* ---- tables that come and go ---- */

static PlanTableSpec vanishing(size_t table) {
    PlanTableSpec spec = specs[table];
    spec.may_vanish = true;
    return spec;
}

static void a_table_that_appears_is_announced_and_copied_beside_the_stream(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, /* is_done= */ true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 9);
    assert_int_equal(next(f), PLAN_READ);
    plan_add_table(f->plan, &specs[1]);
    instance(f, 1, OLD, 11);
    read_max(f, 12);
    announces(f, 1, OLD, BATCH_COPY_BESIDE);
    assert_true(f->action.table_info.is_new);
    assert_at(&f->action.table_info.floor, end_of(10));
    window_is(f, 9, 12);
    range_is(f, 1, OLD, 10);
    plan_window_put(f->plan);
    gives_chunk(f, 1, 0);
    assert_false(f->action.chunk.is_plain);
}

static void a_table_without_instances_is_forgotten_after_two_readings(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, /* is_done= */ true);
    store(f, 9, 1, /* is_done= */ true);
    PlanTableSpec both[] = {vanishing(0), vanishing(1)};
    f->plan = plan_new(PLAN_INITIAL, both, 2, &f->stored);
    instance(f, 0, OLD, 3);
    read_max(f, 10);
    assert_int_equal(next(f), PLAN_READ); /* one look may be mistaken */
    assert_false(f->action.is_urgent);
    read_max(f, 10);
    assert_int_equal(next(f), PLAN_FORGET);
    assert_int_equal(f->action.table, 1);
    assert_int_equal(f->action.table_info.copy, BATCH_COPY_GONE);
    plan_forgotten(f->plan, 1);
    window_is(f, 9, 10);
    int32_t unused;
    Position at;
    assert_false(plan_range(f->plan, 1, &unused, &at));
    plan_window_put(f->plan);

    PlanInstance *back = instance(f, 1, NEW, 12);
    back->is_keyless = true; /* it is another table now */
    read_max(f, 12);
    announces(f, 1, NEW, BATCH_COPY_BESIDE);
    assert_true(f->action.table_info.is_new);
    assert_int_equal(next(f), PLAN_CHUNK);
    assert_true(f->action.chunk.is_exact);
}

static void a_table_that_is_back_at_the_second_look_goes_on(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, /* is_done= */ true);
    PlanTableSpec spec = vanishing(0);
    f->plan = plan_new(PLAN_INITIAL, &spec, 1, &f->stored);
    read_max(f, 10);
    assert_int_equal(next(f), PLAN_READ);
    instance(f, 0, OLD, 3);
    read_max(f, 10);
    window_is(f, 9, 10);
}

static void a_table_that_must_not_vanish_is_a_gap(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, /* is_done= */ true);
    begin(f, PLAN_INITIAL, 1);
    read_max(f, 10);
    is_gap(f, "dbo.a", "no change table");
}

/* ---- what signals ask for ---- */

static void a_copied_table(Fixture *f) {
    store(f, 9, 0, /* is_done= */ true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 10);
}

static void a_table_is_copied_again_beside_the_stream(void **state) {
    Fixture *f = *state;
    a_copied_table(f);
    assert_int_equal(plan_copy_again(f->plan, 0, /* is_blocking= */ false, STR_LIT("id < 7")), PLAN_ACCEPTED);
    assert_true(plan_has_wishes(f->plan));
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    assert_false(plan_has_wishes(f->plan));
    assert_int_equal(f->action.table_info.asked, BATCH_ASKED);
    assert_false(f->action.table_info.is_new);
    window_is(f, 9, 10);
    plan_window_put(f->plan);
    gives_chunk(f, 0, 0);
    assert_string_equal(f->action.filter, "id < 7");
    assert_false(f->action.chunk.is_plain);
    chunk_is_put(f, 0, /* is_last= */ true, 10, 10 * SECOND_US);
    read_at(f, 12, 12 * SECOND_US);
    window_is(f, 10, 12);
    assert_true(f->action.is_consistent); /* it was whole before */
    plan_window_put(f->plan);
    read_max(f, 12);
    assert_int_equal(next(f), PLAN_READ);
}

static void what_is_asked_for_twice_is_copied_once_with_all_that_was_wanted(void **state) {
    Fixture *f = *state;
    a_copied_table(f);
    assert_int_equal(plan_copy_again(f->plan, 0, false, STR_LIT("a")), PLAN_ACCEPTED);
    assert_int_equal(plan_copy_again(f->plan, 0, false, STR_LIT("b")), PLAN_ACCEPTED);
    assert_int_equal(next(f), PLAN_ANNOUNCE);
    assert_true(str_eq_c(f->action.table_info.filter, "(a\n) OR (b\n)"));
    plan_announced(f->plan, 0);
    assert_int_equal(plan_copy_again(f->plan, 0, /* is_blocking= */ true, (Str){0}), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    assert_int_equal(f->action.table_info.asked, BATCH_ASKED_BLOCKING);
    assert_int_equal(f->action.table_info.filter.n, 0);
}

static void a_blocking_copy_keeps_windows_back(void **state) {
    Fixture *f = *state;
    a_copied_table(f);
    assert_int_equal(plan_copy_again(f->plan, 0, /* is_blocking= */ true, (Str){0}), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    gives_chunk(f, 0, 0);
    assert_int_equal(next(f), PLAN_BUSY);
    chunk_is_put(f, 0, /* is_last= */ false, 10, 10 * SECOND_US);
    gives_chunk(f, 0, 1);
    assert_int_equal(plan_pause_copy(f->plan, 0, true), PLAN_NOT_ASKED);
    chunk_is_put(f, 0, /* is_last= */ true, 10, 10 * SECOND_US);
    assert_int_equal(next(f), PLAN_READ);
    read_max(f, 12);
    window_is(f, 9, 12);
}

static void an_asked_copy_is_paused_resumed_and_stopped(void **state) {
    Fixture *f = *state;
    a_copied_table(f);
    assert_int_equal(plan_pause_copy(f->plan, 0, true), PLAN_NOT_ASKED);
    assert_int_equal(plan_stop_copy(f->plan, 0), PLAN_NOT_ASKED);
    assert_int_equal(plan_copy_again(f->plan, 0, false, (Str){0}), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    assert_int_equal(plan_pause_copy(f->plan, 0, true), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_KEEP);
    assert_true(f->action.table_info.is_paused);
    window_is(f, 9, 10);
    plan_window_put(f->plan);
    read_max(f, 10);
    assert_int_equal(next(f), PLAN_READ); /* no chunk */
    assert_int_equal(plan_pause_copy(f->plan, 0, false), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_KEEP);
    assert_false(f->action.table_info.is_paused);
    gives_chunk(f, 0, 0);
    chunk_is_put(f, 0, /* is_last= */ false, 10, 10 * SECOND_US);
    assert_int_equal(plan_stop_copy(f->plan, 0), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_STOP);
    read_max(f, 10);
    assert_int_equal(next(f), PLAN_READ);
    read_at(f, 12, 12 * SECOND_US);
    window_is(f, 10, 12);
    assert_true(f->action.is_consistent);
}

static void an_asked_copy_goes_on_after_a_restart(void **state) {
    Fixture *f = *state;
    StoredTable *t = store(f, 9, 0, /* is_done= */ false);
    t->is_streaming = t->is_paused = true;
    t->asked = BATCH_ASKED;
    t->chunks_done = 3;
    t->filter = "x = 1";
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 9);
    assert_int_equal(next(f), PLAN_READ);
    assert_int_equal(plan_pause_copy(f->plan, 0, false), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_KEEP);
    gives_chunk(f, 0, 3);
    assert_string_equal(f->action.filter, "x = 1");
}

static void what_cant_be_copied_again_is_told(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, /* is_done= */ false)->is_streaming = true;
    store(f, 9, 1, /* is_done= */ true);
    store(f, 9, 2, /* is_done= */ true);
    begin(f, PLAN_INITIAL, 3);
    instance(f, 0, OLD, 3);
    instance(f, 2, OLD, 3);
    read_max(f, 9);
    assert_int_equal(plan_copy_again(f->plan, 0, false, (Str){0}), PLAN_COPIES_ANYWAY);
    assert_int_equal(plan_stop_copy(f->plan, 0), PLAN_NOT_ASKED);
    assert_int_equal(plan_copy_again(f->plan, 1, false, (Str){0}), PLAN_NO_TABLE);
    assert_int_equal(plan_copy_again(f->plan, 2, false, (Str){0}), PLAN_NO_KEY);
    begin(f, PLAN_INITIAL_ONLY, 1);
    f->instance_count = 1;
    read_max(f, 9);
    assert_int_equal(plan_copy_again(f->plan, 0, false, (Str){0}), PLAN_NO_STREAM);
}

static void new_columns_take_an_asked_copys_place(void **state) {
    Fixture *f = *state;
    a_copied_table(f);
    assert_int_equal(plan_copy_again(f->plan, 0, false, STR_LIT("a")), PLAN_ACCEPTED);
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    window_is(f, 9, 10);
    plan_window_put(f->plan);
    instance(f, 0, NEW, 11);
    read_max(f, 12);
    assert_int_equal(plan_copy_again(f->plan, 0, false, STR_LIT("b")), PLAN_ACCEPTED);
    announces(f, 0, NEW, BATCH_COPY_BESIDE);
    assert_int_equal(f->action.table_info.asked, BATCH_NOT_ASKED);
    assert_int_equal(f->action.table_info.filter.n, 0);
    assert_false(plan_has_wishes(f->plan)); /* all rows come */
    assert_int_equal(plan_stop_copy(f->plan, 0), PLAN_NOT_ASKED);
}

/* ---- the start ---- */

static void a_reading_comes_first(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_INITIAL, 1);
    assert_int_equal(next(f), PLAN_READ);
    assert_true(f->action.is_urgent);
}

static void the_start_waits_until_the_capture_job_has_reached_every_instance(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_INITIAL, 2);
    instance(f, 0, OLD, 5);
    PlanInstance *late = instance(f, 1, OLD, 0);
    read_max(f, 9);
    assert_int_equal(next(f), PLAN_READ);
    assert_false(f->action.is_urgent);
    late->start_lsn = lsn(8);
    read_max(f, 9);
    announces(f, 0, OLD, BATCH_COPY_FIRST);
    announces(f, 1, OLD, BATCH_COPY_FIRST);
    starts(f, 9);
}

static void an_idle_database_need_not_be_waited_for(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 20);
    read_max(f, 0); /* nothing was ever captured, but the job has been at the instance */
    announces(f, 0, OLD, BATCH_COPY_FIRST);
    starts(f, 19);
}

static void the_newest_instance_that_has_begun_is_followed_from_the_start(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    instance(f, 0, NEW, 5);
    instance(f, 0, 300, 0);
    read_max(f, 9);
    announces(f, 0, NEW, BATCH_COPY_FIRST);
}

static void a_table_without_an_instance_is_named(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_INITIAL, 2);
    instance(f, 0, OLD, 3);
    read_max(f, 9);
    assert_false(plan_next(f->plan, &f->action, &f->e));
    assert_int_equal(f->e.code, ERR_INVALID);
    assert_non_null(strstr(f->e.msg, "dbo.b"));
}

/* ---- the first copy ---- */

static void tables_are_copied_in_parallel_one_chunk_each_before_any_window(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, false);
    store(f, 9, 1, false)->chunks_done = 4;
    begin(f, PLAN_INITIAL, 2);
    instance(f, 0, OLD, 3);
    instance(f, 1, OLD, 3);
    read_max(f, 15);
    gives_chunk(f, 1, 4);
    assert_true(f->action.chunk.is_plain);
    assert_at(&f->action.chunk.watermark, end_of(15));
    gives_chunk(f, 0, 0);
    assert_int_equal(next(f), PLAN_BUSY);
    chunk_is_put(f, 0, true, 15, 15 * SECOND_US);
    assert_int_equal(next(f), PLAN_BUSY);
    chunk_is_put(f, 1, false, 15, 15 * SECOND_US);
    gives_chunk(f, 1, 5);
    chunk_is_put(f, 1, true, 15, 15 * SECOND_US);
    assert_int_equal(next(f), PLAN_READ);
    read_max(f, 16);
    window_is(f, 9, 16);
}

static void initial_only_ends_behind_the_copy_and_stays_ended(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, false);
    begin(f, PLAN_INITIAL_ONLY, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 15);
    gives_chunk(f, 0, 0);
    chunk_is_put(f, 0, true, 15, 0);
    assert_int_equal(next(f), PLAN_END);
    f->tables[0].is_done = true;
    f->tables[0].chunks_done = 1;
    begin(f, PLAN_INITIAL_ONLY, 1);
    f->instances[0].start_lsn = lsn(14); /* cleaned up: nothing is needed any more */
    instance(f, 0, NEW, 15);
    read_max(f, 20);
    assert_int_equal(next(f), PLAN_END);
}

static void initial_only_waits_for_the_instance_of_a_table_that_is_not_copied_yet(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    StoredTable *begun = store(f, 9, 1, false);
    begun->is_streaming = true;
    begin(f, PLAN_INITIAL_ONLY, 2);
    instance(f, 0, OLD, 3);
    PlanInstance *late = instance(f, 1, OLD, 0);
    read_max(f, 15);
    assert_int_equal(next(f), PLAN_READ);
    assert_false(f->action.is_urgent);
    late->start_lsn = lsn(16);
    read_max(f, 16);
    gives_chunk(f, 1, 0);
    chunk_is_put(f, 1, true, 16, 0);
    assert_int_equal(next(f), PLAN_END);
}

static void no_data_streams_without_a_copy_and_is_never_consistent(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_NO_DATA, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 9);
    announces(f, 0, OLD, BATCH_COPY_NONE);
    starts(f, 9);
    read_at(f, 60, 0);
    window_is(f, 9, 60);
    assert_false(f->action.is_consistent);
}

static void a_table_without_a_key_is_one_exact_chunk_and_streams_from_its_rows_on(void **state) {
    Fixture *f = *state;
    begin(f, PLAN_INITIAL, 3);
    for (size_t t = 0; t < 3; t++) instance(f, t, OLD, 3);
    f->stored = (StoredState){.tables = f->tables};
    store(f, 9, 0, true);
    store(f, 9, 1, true);
    store(f, 9, 2, false);
    begin(f, PLAN_INITIAL, 3);
    read_max(f, 12);
    gives_chunk(f, 2, 0);
    assert_true(f->action.chunk.is_exact);
    assert_true(f->action.chunk.is_plain);
    chunk_is_put(f, 2, true, 14, 0);
    read_max(f, 13);
    window_is(f, 9, 13);
    int32_t id;
    Position from;
    assert_false(plan_range(f->plan, 2, &id, &from));
    plan_window_put(f->plan);
    read_max(f, 20);
    window_is(f, 13, 20);
    range_is(f, 2, OLD, 14);
    range_is(f, 0, OLD, 13);
}

static void an_exact_chunk_before_the_stream_is_refused(void **state) {
    Fixture *f = *state;
    store(f, 9, 2, false);
    store(f, 9, 0, true);
    store(f, 9, 1, true);
    begin(f, PLAN_INITIAL, 3);
    for (size_t t = 0; t < 3; t++) instance(f, t, OLD, 3);
    read_max(f, 12);
    gives_chunk(f, 2, 0);
    Position early = end_of(8);
    assert_false(plan_chunk_put(f->plan, 2, true, &early, 0, &f->e));
    assert_int_equal(f->e.code, ERR_INTERNAL);
}

static void a_dropped_exact_chunk_is_given_again_after_a_reading(void **state) {
    Fixture *f = *state;
    store(f, 9, 2, false);
    store(f, 9, 0, true);
    store(f, 9, 1, true);
    begin(f, PLAN_INITIAL, 3);
    for (size_t t = 0; t < 3; t++) instance(f, t, OLD, 3);
    read_max(f, 12);
    gives_chunk(f, 2, 0);
    plan_chunk_dropped(f->plan, 2);
    assert_int_equal(next(f), PLAN_READ);
    assert_true(f->action.is_urgent);
    instance(f, 2, NEW, 15); /* begins after the stream's position, but before the rows that will be read */
    read_max(f, 16);
    announces(f, 2, NEW, BATCH_COPY_KEEP);
    gives_chunk(f, 2, 0);
    assert_int_equal(f->action.instance, NEW + 2);
}

/* ---- consistency ---- */

static void the_target_is_consistent_from_the_first_commit_made_after_the_last_read(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, false);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 10);
    gives_chunk(f, 0, 0);
    chunk_is_put(f, 0, true, 10, 30 * SECOND_US); /* may have seen commits up to 30 s: not all captured yet */
    read_max(f, 30);
    window_is(f, 9, 30);
    assert_false(f->action.is_consistent);
    plan_window_put(f->plan);
    read_max(f, 31);
    window_is(f, 30, 31);
    assert_true(f->action.is_consistent);
    plan_window_put(f->plan);
    read_max(f, 32);
    window_is(f, 31, 32);
    assert_false(f->action.is_consistent); /* said once */
}

static void after_a_restart_reads_may_have_been_as_late_as_the_first_reading(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_at(f, 20, 25 * SECOND_US);
    window_is(f, 9, 20);
    assert_false(f->action.is_consistent);
    plan_window_put(f->plan);
    read_max(f, 26);
    window_is(f, 20, 26);
    assert_true(f->action.is_consistent);
}

/* The lanes ahead would skip the mark. */
static void the_target_becomes_consistent_only_where_all_lanes_stand_together(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    f->stored.ahead = end_of(20);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_at(f, 20, 5 * SECOND_US);
    window_is(f, 9, 20);
    assert_false(f->action.is_consistent);
    plan_window_put(f->plan);
    read_max(f, 21);
    window_is(f, 20, 21);
    assert_true(f->action.is_consistent);
}

/* ---- the stream ---- */

static void readings_follow_at_once_while_there_is_more(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    PlanReading r = {.max_lsn = lsn(20), .to_lsn = lsn(12), .instances = f->instances, .instance_count = 1};
    plan_reading(f->plan, &r);
    window_is(f, 9, 12);
    plan_window_put(f->plan);
    Position at = plan_position(f->plan);
    assert_at(&at, end_of(12));
    assert_int_equal(next(f), PLAN_READ);
    assert_true(f->action.is_urgent);
    read_max(f, 12);
    assert_int_equal(next(f), PLAN_READ);
    assert_false(f->action.is_urgent);
}

static void a_gap_names_what_is_needed_and_what_is_left(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 1);
    PlanInstance *in = instance(f, 0, OLD, 10); /* the very next LSN: all is there */
    read_max(f, 20);
    assert_int_equal(next(f), PLAN_WINDOW);
    plan_window_put(f->plan);
    in->start_lsn = lsn(22);
    read_max(f, 30);
    is_gap(f, "00000000:00000000:0014", "00000000:00000000:0016");
}

static void a_page_counts_only_if_nothing_was_taken_from_under_it(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 20);
    window_is(f, 9, 20);
    Position from = end_of(9), within = {.commit_lsn = lsn(15), .command_id = 3};
    Lsn at10 = lsn(10), at11 = lsn(11), at15 = lsn(15), at16 = lsn(16), none = lsn(0);
    assert_true(plan_check_page(f->plan, 0, &from, &at10, &f->e));
    assert_false(plan_check_page(f->plan, 0, &from, &at11, &f->e));
    assert_int_equal(f->e.code, ERR_RANGE);
    assert_false(f->e.retriable);
    assert_true(plan_check_page(f->plan, 0, &within, &at15, &f->e));
    assert_false(plan_check_page(f->plan, 0, &within, &at16, &f->e));
    assert_false(plan_check_page(f->plan, 0, &from, &none, &f->e));
    assert_true(f->e.retriable);
}

static void a_gap_of_a_table_that_may_not_be_stored_yet_is_asked_again(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 2);
    instance(f, 0, OLD, 3);
    PlanInstance *added = instance(f, 1, OLD, 5);
    read_max(f, 9);
    announces(f, 1, OLD, BATCH_COPY_BESIDE);
    added->start_lsn = lsn(12); /* dropped and made anew */
    read_max(f, 20);
    assert_false(plan_next(f->plan, &f->action, &f->e));
    assert_int_equal(f->e.code, ERR_RANGE);
    assert_true(f->e.retriable);
}

/* ---- what would lose changes in silence ---- */

static void is_left_out(Fixture *f, const char *condition) {
    assert_false(plan_next(f->plan, &f->action, &f->e));
    assert_int_equal(f->e.code, ERR_INVALID);
    assert_false(f->e.retriable);
    assert_non_null(strstr(f->e.msg, "table.include.list"));
    assert_non_null(strstr(f->e.msg, "DELETE FROM millrace.table_state WHERE pipeline = '…' AND "));
    assert_string_equal(strstr(f->e.msg, "source_schema"), condition);
}

static void a_stored_table_that_is_not_read_any_more_is_named_with_both_cures(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    store(f, 9, 1, true);
    begin(f, PLAN_INITIAL, 1);
    is_left_out(f, "source_schema = 'dbo' AND source_table = 'b'");
    begin(f, PLAN_NO_DATA, 1);
    is_left_out(f, "source_schema = 'dbo' AND source_table = 'b'");
    begin(f, PLAN_INITIAL, 2); /* put back */
    assert_int_equal(next(f), PLAN_READ);
    f->stored.table_count = 1; /* forgotten */
    begin(f, PLAN_INITIAL, 1);
    assert_int_equal(next(f), PLAN_READ);
}

static void a_table_that_was_only_announced_before_the_start_is_named_too(void **state) {
    Fixture *f = *state;
    store(f, 9, 1, true);
    f->stored.has_position = false;
    begin(f, PLAN_NO_DATA, 1);
    is_left_out(f, "source_schema = 'dbo' AND source_table = 'b'");
}

static void initial_only_may_leave_tables_out_since_its_position_stays(void **state) {
    Fixture *f = *state;
    store(f, 9, 1, true);
    begin(f, PLAN_INITIAL_ONLY, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 9);
    announces(f, 0, OLD, BATCH_COPY_FIRST);
}

static void the_message_is_whole_with_the_longest_names_and_quotes_them(void **state) {
    Fixture *f = *state;
    char schema[129], table[129], condition[400];
    memset(schema, 's', 128);
    memset(table, 't', 128);
    schema[128] = table[128] = '\0';
    StoredTable *t = store(f, 9, 1, true);
    t->schema = schema;
    t->table = table;
    (void)snprintf(condition, sizeof condition, "source_schema = '%s' AND source_table = '%s'", schema,
                   table);
    begin(f, PLAN_INITIAL, 1);
    is_left_out(f, condition);
    t->schema = "d'bo";
    t->table = "it's";
    begin(f, PLAN_INITIAL, 1);
    is_left_out(f, "source_schema = 'd''bo' AND source_table = 'it''s'");
}

static void of_topics_the_message_tells_what_to_write_there(void **state) {
    Fixture *f = *state;
    StoredTable *t = store(f, 9, 1, true);
    t->table = "b\"c";
    f->stored.is_in_topic = true;
    begin(f, PLAN_INITIAL, 1);
    assert_false(plan_next(f->plan, &f->action, &f->e));
    assert_null(strstr(f->e.msg, "DELETE"));
    assert_non_null(strstr(f->e.msg, "write null into the topic of offsets"));
    assert_non_null(strstr(f->e.msg, "{\"millrace\":\"table\",…,\"schema\":\"dbo\",\"table\":\"b\\\"c\"}]"));
}

static void a_gap_may_be_closed_by_copying_the_table_anew(void **state) {
    Fixture *f = *state;
    store(f, 10, 0, true);
    store(f, 10, 1, true);
    begin(f, PLAN_INITIAL, 2);
    plan_set_copies_gone(f->plan);
    instance(f, 0, OLD, 25); /* cleaned up past the position */
    instance(f, 1, OLD, 3);
    read_max(f, 30);
    assert_int_equal(next(f), PLAN_READ);
    assert_true(f->action.is_urgent);
    read_max(f, 30);
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    assert_true(f->action.is_gap && f->action.table_info.empties && !f->action.table_info.is_new);
    Position before = end_of(24);
    assert_int_equal(position_cmp(&f->action.table_info.floor, &before), 0);
    window_is(f, 10, 30);
    range_is(f, 0, OLD, 24);
    range_is(f, 1, OLD, 10);
    Lsn moved = lsn(28);
    Position from = end_of(24);
    assert_false(plan_check_page(f->plan, 0, &from, &moved, &f->e));
    assert_true(f->e.retriable); /* from what is stored then it is copied again */
}

static void tables_are_copied_anew_when_asked_for(void **state) {
    Fixture *f = *state;
    store(f, 10, 0, true);
    store(f, 10, 1, false);
    begin(f, PLAN_INITIAL, 3);
    for (size_t i = 0; i < 3; i++) plan_copy_anew(f->plan, i);
    for (size_t i = 0; i < 3; i++) instance(f, i, OLD, 3);
    read_max(f, 12);
    announces(f, 0, OLD, BATCH_COPY_BESIDE);
    assert_true(f->action.table_info.empties && !f->action.is_gap);
    announces(f, 1, OLD, BATCH_COPY_FIRST); /* it was being copied before the stream */
    assert_true(f->action.table_info.empties);
    assert_int_equal(next(f), PLAN_ANNOUNCE); /* not stored: it is new */
    assert_int_equal(f->action.table, 2);
    assert_false(f->action.table_info.empties);
}

static void a_table_that_is_not_to_be_copied_streams_from_the_start(void **state) {
    Fixture *f = *state;
    PlanTableSpec both[] = {specs[0], specs[1]};
    both[1].is_uncopied = true;
    f->plan = plan_new(PLAN_INITIAL, both, 2, &f->stored);
    plan_set_copies_gone(f->plan);
    instance(f, 0, OLD, 3);
    instance(f, 1, OLD, 3);
    read_max(f, 10);
    announces(f, 0, OLD, BATCH_COPY_FIRST);
    announces(f, 1, OLD, BATCH_COPY_NONE);
    starts(f, 10);
    plan_copy_anew(f->plan, 1); /* nor then */
    read_max(f, 10);
    assert_int_equal(next(f), PLAN_CHUNK);
    assert_int_equal(f->action.table, 0);
    f->instances[1].start_lsn = lsn(15);
    read_max(f, 20);
    assert_false(plan_next(f->plan, &f->action, &f->e)); /* its gap can't be copied away */
    assert_int_equal(f->e.code, ERR_RANGE);
}

static void a_source_that_never_was_at_the_position_has_gone_back(void **state) {
    Fixture *f = *state;
    store(f, 30, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 29);
    is_gap(f, "00000000:00000000:001e", "00000000:00000000:001d");
    assert_non_null(strstr(f->e.msg, "restored"));
    assert_non_null(strstr(f->e.msg, "new pipeline name"));
    assert_in_range(strlen(f->e.msg), 1, ERR_MSG_SIZE - 2);
    read_max(f, 30);
    assert_int_equal(next(f), PLAN_READ);
    assert_false(f->action.is_urgent);
}

static void change_data_capture_that_was_enabled_anew_has_gone_back(void **state) {
    Fixture *f = *state;
    store(f, 30, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 0);
    read_max(f, 0);
    is_gap(f, "00000000:00000000:001e", "00000000:00000000:0000");
}

static void the_position_may_lie_above_the_captured_max_just_before_any_instance(void **state) {
    Fixture *f = *state;
    store(f, 29, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 20);
    instance(f, 0, NEW, 30)->fingerprint = OLD;
    read_max(f, 0);
    assert_int_equal(next(f), PLAN_READ);
    f->instance_count = 1; /* the other was of a table that isn't read now */
    PlanReading r = {.instances = f->instances, .instance_count = 1, .begun_lsn = lsn(30)};
    plan_reading(f->plan, &r);
    assert_int_equal(next(f), PLAN_READ);
    r.begun_lsn = lsn(29);
    plan_reading(f->plan, &r);
    is_gap(f, "00000000:00000000:001d", "00000000:00000000:001c");
}

static void a_secondary_may_lag_behind_the_one_before(void **state) {
    Fixture *f = *state;
    store(f, 30, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    PlanReading r = {
        .max_lsn = lsn(29), .instances = f->instances, .instance_count = 1, .is_secondary = true};
    plan_reading(f->plan, &r);
    assert_false(plan_next(f->plan, &f->action, &f->e));
    assert_int_equal(f->e.code, ERR_RANGE);
    assert_true(f->e.retriable);
}

/* ---- other instances ---- */

static void a_second_instance_takes_over_just_before_its_start_and_the_rows_are_read_again(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    instance(f, 0, NEW, 15);
    read_max(f, 20);
    window_is(f, 9, 14);
    range_is(f, 0, OLD, 9);
    plan_window_put(f->plan);
    assert_int_equal(next(f), PLAN_READ);
    assert_true(f->action.is_urgent);
    read_max(f, 20);
    announces(f, 0, NEW, BATCH_COPY_BESIDE);
    window_is(f, 14, 20);
    range_is(f, 0, NEW, 14);
    plan_window_put(f->plan);
    gives_chunk(f, 0, 0);
    assert_false(f->action.chunk.is_plain);
    assert_int_equal(next(f), PLAN_BUSY); /* no window while a chunk is read */
    chunk_is_put(f, 0, false, 20, 0);
    assert_int_equal(next(f), PLAN_READ);
    read_max(f, 22);
    window_is(f, 20, 22); /* chunks and windows take turns */
    plan_window_put(f->plan);
    gives_chunk(f, 0, 1);
}

static void a_copy_beside_the_stream_goes_on_after_a_restart(void **state) {
    Fixture *f = *state;
    StoredTable *t = store(f, 20, 0, false);
    t->is_streaming = true;
    t->chunks_done = 2;
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    read_max(f, 20);
    gives_chunk(f, 0, 2);
    assert_false(f->action.chunk.is_plain);
}

static void the_same_columns_again_need_no_copy(void **state) {
    Fixture *f = *state;
    store(f, 14, 0, true);
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, OLD, 3);
    instance(f, 0, NEW, 15)->fingerprint = OLD;
    read_max(f, 20);
    window_is(f, 14, 20);
    range_is(f, 0, NEW, 14);
}

static void what_another_program_copied_is_not_copied_again(void **state) {
    Fixture *f = *state;
    StoredTable *t = store(f, 14, 0, true);
    t->instance = 0;
    t->fingerprint = 0;
    begin(f, PLAN_INITIAL, 1);
    instance(f, 0, NEW, 3);
    read_max(f, 20);
    announces(f, 0, NEW, BATCH_COPY_KEEP);
    window_is(f, 14, 20);
}

static void fewer_columns_and_columns_changed_in_place_are_announced_without_a_copy(void **state) {
    Fixture *f = *state;
    store(f, 14, 0, true);
    begin(f, PLAN_INITIAL, 1);
    PlanInstance *in = instance(f, 0, OLD, 3);
    in->fingerprint = 77;
    read_max(f, 20);
    announces(f, 0, OLD, BATCH_COPY_KEEP);
    instance(f, 0, NEW, 15)->adds_columns = false;
    read_max(f, 20);
    announces(f, 0, NEW, BATCH_COPY_KEEP);
}

static void new_columns_of_a_table_without_a_key_are_told_as_lost(void **state) {
    Fixture *f = *state;
    store(f, 14, 2, true);
    store(f, 14, 0, true);
    store(f, 14, 1, true);
    begin(f, PLAN_INITIAL, 3);
    for (size_t t = 0; t < 3; t++) instance(f, t, OLD, 3);
    instance(f, 2, NEW, 15);
    read_max(f, 20);
    assert_int_equal(next(f), PLAN_ANNOUNCE);
    assert_true(f->action.loses_values);
    assert_int_equal(f->action.table_info.copy, BATCH_COPY_KEEP);
}

static void an_instance_that_is_dropped_is_followed_only_by_one_that_holds_the_rest(void **state) {
    Fixture *f = *state;
    store(f, 14, 0, true);
    begin(f, PLAN_INITIAL, 1);
    PlanInstance *in = instance(f, 0, NEW, 0);
    read_max(f, 20); /* the capture job hasn't reached it: nobody knows yet */
    assert_int_equal(next(f), PLAN_READ);
    assert_false(f->action.is_urgent);
    in->start_lsn = lsn(15);
    read_max(f, 20);
    announces(f, 0, NEW, BATCH_COPY_BESIDE);

    begin(f, PLAN_INITIAL, 1);
    in->start_lsn = lsn(16);
    read_max(f, 20);
    is_gap(f, "00000000:00000000:000e", "00000000:00000000:0010");
    begin(f, PLAN_INITIAL, 1);
    f->instance_count = 0;
    read_max(f, 20);
    is_gap(f, "00000000:00000000:000e", "no change table");
}

static void a_table_added_later_is_copied_beside_the_stream_from_its_instances_start(void **state) {
    Fixture *f = *state;
    store(f, 9, 0, true);
    begin(f, PLAN_INITIAL, 2);
    instance(f, 0, OLD, 3);
    PlanInstance *added = instance(f, 1, OLD, 0);
    read_max(f, 12);
    window_is(f, 9, 12); /* the others needn't wait for it */
    int32_t id;
    Position from;
    assert_false(plan_range(f->plan, 1, &id, &from));
    plan_window_put(f->plan);
    added->start_lsn = lsn(15);
    read_max(f, 20);
    assert_int_equal(next(f), PLAN_ANNOUNCE);
    assert_at(&f->action.table_info.floor, end_of(14));
    announces(f, 1, OLD, BATCH_COPY_BESIDE);
    window_is(f, 12, 20);
    range_is(f, 1, OLD, 14);
    plan_window_put(f->plan);
    gives_chunk(f, 1, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_table_that_appears_is_announced_and_copied_beside_the_stream),
        TEST(a_table_without_instances_is_forgotten_after_two_readings),
        TEST(a_table_that_is_back_at_the_second_look_goes_on),
        TEST(a_table_that_must_not_vanish_is_a_gap),
        TEST(a_table_is_copied_again_beside_the_stream),
        TEST(what_is_asked_for_twice_is_copied_once_with_all_that_was_wanted),
        TEST(a_blocking_copy_keeps_windows_back),
        TEST(an_asked_copy_is_paused_resumed_and_stopped),
        TEST(an_asked_copy_goes_on_after_a_restart),
        TEST(what_cant_be_copied_again_is_told),
        TEST(new_columns_take_an_asked_copys_place),
        TEST(a_reading_comes_first),
        TEST(the_start_waits_until_the_capture_job_has_reached_every_instance),
        TEST(an_idle_database_need_not_be_waited_for),
        TEST(the_newest_instance_that_has_begun_is_followed_from_the_start),
        TEST(a_table_without_an_instance_is_named),
        TEST(tables_are_copied_in_parallel_one_chunk_each_before_any_window),
        TEST(initial_only_ends_behind_the_copy_and_stays_ended),
        TEST(initial_only_waits_for_the_instance_of_a_table_that_is_not_copied_yet),
        TEST(no_data_streams_without_a_copy_and_is_never_consistent),
        TEST(a_table_without_a_key_is_one_exact_chunk_and_streams_from_its_rows_on),
        TEST(an_exact_chunk_before_the_stream_is_refused),
        TEST(a_dropped_exact_chunk_is_given_again_after_a_reading),
        TEST(the_target_is_consistent_from_the_first_commit_made_after_the_last_read),
        TEST(the_target_becomes_consistent_only_where_all_lanes_stand_together),
        TEST(after_a_restart_reads_may_have_been_as_late_as_the_first_reading),
        TEST(readings_follow_at_once_while_there_is_more),
        TEST(a_gap_names_what_is_needed_and_what_is_left),
        TEST(a_page_counts_only_if_nothing_was_taken_from_under_it),
        TEST(a_gap_of_a_table_that_may_not_be_stored_yet_is_asked_again),
        TEST(a_stored_table_that_is_not_read_any_more_is_named_with_both_cures),
        TEST(a_table_that_was_only_announced_before_the_start_is_named_too),
        TEST(initial_only_may_leave_tables_out_since_its_position_stays),
        TEST(of_topics_the_message_tells_what_to_write_there),
        TEST(the_message_is_whole_with_the_longest_names_and_quotes_them),
        TEST(a_gap_may_be_closed_by_copying_the_table_anew),
        TEST(tables_are_copied_anew_when_asked_for),
        TEST(a_table_that_is_not_to_be_copied_streams_from_the_start),
        TEST(a_source_that_never_was_at_the_position_has_gone_back),
        TEST(change_data_capture_that_was_enabled_anew_has_gone_back),
        TEST(the_position_may_lie_above_the_captured_max_just_before_any_instance),
        TEST(a_secondary_may_lag_behind_the_one_before),
        TEST(a_second_instance_takes_over_just_before_its_start_and_the_rows_are_read_again),
        TEST(a_copy_beside_the_stream_goes_on_after_a_restart),
        TEST(the_same_columns_again_need_no_copy),
        TEST(what_another_program_copied_is_not_copied_again),
        TEST(fewer_columns_and_columns_changed_in_place_are_announced_without_a_copy),
        TEST(new_columns_of_a_table_without_a_key_are_told_as_lost),
        TEST(an_instance_that_is_dropped_is_followed_only_by_one_that_holds_the_rest),
        TEST(a_table_added_later_is_copied_beside_the_stream_from_its_instances_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
