#include "pipeline/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

enum { EPOCH = 7, SECOND_US = 1000 * 1000 };

static Position end_of(uint8_t n) {
    return position_end_of(&(Lsn){{[9] = n}});
}
static Position change_of(uint8_t n, int32_t command) {
    return (Position){.commit_lsn = {{[9] = n}}, .command_id = command, .operation = 2};
}

static const Schema *table_named(const char *name) {
    static const Column column = {.name = {"id", 2}, .type = SQLTYPE_INT, .key = 1};
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec spec = {
        .schema = STR_LIT("dbo"), .table = str_from(name), .columns = &column, .column_count = 1};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

/* What one test works on: a lane, what its target holds, and the table "t". */
typedef struct Fixture {
    Lane *lane;
    StoredState target;
    int64_t epoch;
    const Schema *t;
    Change changes[4];
    LaneWork work;
    Err e;
} Fixture;

static int set_up(void **state) {
    Fixture *f = x_calloc(1, sizeof *f);
    f->lane = lane_new();
    f->epoch = EPOCH;
    f->t = table_named("t");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    Fixture *f = *state;
    lane_free(f->lane);
    stored_state_done(&f->target);
    schema_unref(f->t);
    free(f);
    return 0;
}

static LaneVerdict own(Fixture *f) {
    return lane_owned(f->lane, f->epoch++, &f->target);
}

/* Own a target that stands at `n`, with table t known and one chunk done when asked for. */
static void own_at(Fixture *f, uint8_t n) {
    Position p = end_of(n);
    stored_state_move(&f->target, &p);
    assert_int_equal(own(f), LANE_GO_ON);
}

static Batch changes(Fixture *f, Position from, Position to, size_t count) {
    Batch b = {.kind = BATCH_CHANGES, .from = from, .to = to, .changes = f->changes, .count = count};
    b.ends_transaction = position_is_end(&to);
    for (size_t i = 0; i < count; i++)
        f->changes[i] = (Change){.op = OP_CREATE, .position = change_of(to.commit_lsn.b[9], (int32_t)i + 1)};
    return b;
}

static Batch table(Fixture *f, BatchCopy copy) {
    return (Batch){.kind = BATCH_TABLE, .schema = f->t, .table = {.copy = copy, .instance = 1}};
}

static Batch rows(Fixture *f, uint32_t number, bool is_first, bool is_last) {
    Batch b = {.kind = BATCH_ROWS, .schema = f->t, .changes = f->changes, .count = 1};
    b.chunk = (BatchChunk){.number = number,
                           .is_first_part = is_first,
                           .is_last_part = is_last,
                           .is_plain = true,
                           .upper_key = STR_LIT("k")};
    return b;
}

#define assert_steps(f, ...)                                                                                 \
    do {                                                                                                     \
        const LaneStep steps_[] = {__VA_ARGS__};                                                             \
        assert_int_equal((f)->work.count, sizeof steps_ / sizeof *steps_);                                   \
        assert_memory_equal((f)->work.steps, steps_, sizeof steps_);                                         \
    } while (0)

static void put_at(Fixture *f, const Batch *b, int64_t now_us) {
    if (!lane_put(f->lane, b, now_us, &f->work, &f->e)) fail_msg("%s", f->e.msg);
}
static void put(Fixture *f, const Batch *b) {
    put_at(f, b, 100 * SECOND_US);
}

/* The target commits what the lane has worked out. */
static void commit(Fixture *f) {
    lane_done(f->lane);
    stored_state_copy(&f->target, lane_stored(f->lane));
}

static void put_and_commit(Fixture *f, const Batch *b) {
    put(f, b);
    commit(f);
}

static void refuses(Fixture *f, const Batch *b, ErrCode code, bool retriable) {
    assert_false(lane_put(f->lane, b, 0, &f->work, &f->e));
    assert_int_equal(f->e.code, code);
    assert_int_equal(f->e.retriable, retriable);
}

static void assert_at(const Position *is, Position should) {
    assert_int_equal(position_cmp(is, &should), 0);
}

/* ---- a batch ---- */

static void a_batch_is_one_transaction_that_moves_the_position_first(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(10), end_of(12), 2);
    put(f, &b);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_APPLY, LANE_COMMIT);
    assert_int_equal(f->work.epoch, EPOCH);
    assert_at(&f->work.old, end_of(10));
    assert_at(&f->work.new, end_of(12));
    assert_int_equal(f->work.first, 0);
    lane_done(f->lane);
    assert_at(&lane_stored(f->lane)->position, end_of(12));
}

static void the_first_position_is_written_though_nothing_changes(void **state) {
    Fixture *f = *state;
    assert_int_equal(own(f), LANE_GO_ON);
    Batch b = changes(f, (Position){0}, end_of(5), 0);
    put_at(f, &b, 0);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_COMMIT);
    assert_true(position_is_zero(&f->work.old));
    commit(f);
    assert_true(f->target.has_position);
}

static void a_transaction_larger_than_a_batch_stays_open_until_it_ends(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch first = changes(f, end_of(10), change_of(12, 3), 3);
    put(f, &first);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_APPLY);
    lane_done(f->lane);
    assert_true(lane_needs_source_back(f->lane));
    Batch last = {
        .kind = BATCH_CHANGES, .from = change_of(12, 3), .to = end_of(12), .ends_transaction = true};
    last.changes = f->changes;
    last.count = 1;
    f->changes[0].position = change_of(12, 4);
    put(f, &last);
    assert_steps(f, LANE_APPLY, LANE_MOVE, LANE_COMMIT);
    assert_at(&f->work.new, end_of(12));
    lane_done(f->lane);
    assert_false(lane_needs_source_back(f->lane));
}

static void what_is_at_or_under_the_position_is_skipped(void **state) {
    Fixture *f = *state;
    own_at(f, 12);
    Batch old = changes(f, end_of(10), end_of(12), 2);
    put(f, &old);
    assert_int_equal(f->work.count, 0);
    lane_done(f->lane);

    Batch half = changes(f, end_of(10), end_of(14), 4);
    f->changes[0].position = change_of(11, 1);
    f->changes[1].position = change_of(12, 1);
    put(f, &half);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_APPLY, LANE_COMMIT);
    assert_int_equal(f->work.first, 2);
}

static void a_part_that_comes_twice_is_skipped_inside_the_transaction(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch first = changes(f, end_of(10), change_of(12, 3), 3);
    put(f, &first);
    lane_done(f->lane);
    put(f, &first);
    assert_int_equal(f->work.count, 0);
}

static void a_gap_is_never_applied(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(11), end_of(12), 1);
    refuses(f, &b, ERR_RANGE, false);
    assert_non_null(strstr(f->e.msg, "changes are missing"));
}

static void a_batch_against_its_own_bounds_is_refused(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch outside = changes(f, end_of(10), end_of(12), 1);
    f->changes[0].position = change_of(13, 1);
    refuses(f, &outside, ERR_INTERNAL, false);
    Batch halfway = changes(f, end_of(10), change_of(12, 3), 1);
    halfway.ends_transaction = true;
    refuses(f, &halfway, ERR_INTERNAL, false);
}

/* ---- idle windows ---- */

static void idle_windows_are_written_at_most_once_a_second(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch busy = changes(f, end_of(10), end_of(11), 1);
    put_at(f, &busy, 10 * SECOND_US);
    commit(f);
    Batch idle = changes(f, end_of(11), end_of(12), 0);
    put_at(f, &idle, 10 * SECOND_US + 500);
    assert_int_equal(f->work.count, 0);
    lane_done(f->lane);
    lane_idle(f->lane, 10 * SECOND_US + 600, &f->work);
    assert_int_equal(f->work.count, 0);
    lane_done(f->lane);
    lane_idle(f->lane, 11 * SECOND_US, &f->work);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_COMMIT);
    assert_at(&f->work.new, end_of(12));
    lane_done(f->lane);
    lane_idle(f->lane, 20 * SECOND_US, &f->work);
    assert_int_equal(f->work.count, 0);
}

static void changes_take_the_unwritten_idle_position_along(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch busy = changes(f, end_of(10), end_of(11), 1), idle = changes(f, end_of(11), end_of(12), 0);
    put_and_commit(f, &busy);
    put(f, &idle);
    lane_done(f->lane);
    Batch next = changes(f, end_of(12), end_of(13), 1);
    put(f, &next);
    assert_at(&f->work.old, end_of(11));
    assert_at(&f->work.new, end_of(13));
    commit(f);
    assert_at(&f->target.position, end_of(13));
}

static void an_empty_part_inside_a_transaction_is_no_idle_window(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(10), change_of(12, 3), 0);
    put_at(f, &b, 0);
    assert_steps(f, LANE_BEGIN_LOCKED);
    lane_done(f->lane);
    lane_idle(f->lane, 100 * SECOND_US, &f->work);
    assert_int_equal(f->work.count, 0);
}

static void becoming_consistent_is_written_at_once(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch busy = changes(f, end_of(10), end_of(11), 1), idle = changes(f, end_of(11), end_of(12), 0);
    put_and_commit(f, &busy);
    idle.is_consistent = true;
    put(f, &idle);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_MARK_CONSISTENT, LANE_COMMIT);
    commit(f);
    assert_at(&f->target.consistent, end_of(12));
}

/* ---- tables and chunks ---- */

static void a_chunk_and_its_mark_are_one_transaction_under_the_fence(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch t = table(f, BATCH_COPY_FIRST);
    put(f, &t);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_TABLE, LANE_MARK_TABLE, LANE_COMMIT);
    commit(f);
    Batch b = rows(f, 0, true, true);
    put(f, &b);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_COPY_PLAIN, LANE_MARK_CHUNK, LANE_COMMIT);
    commit(f);
    assert_int_equal(f->target.tables[0].chunks_done, 1);
    assert_at(&f->target.position, end_of(10));
    put(f, &b); /* once more */
    assert_int_equal(f->work.count, 0);
}

static void the_parts_of_a_chunk_share_a_transaction_and_nothing_comes_between(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch t = table(f, BATCH_COPY_FIRST);
    put_and_commit(f, &t);
    Batch first = rows(f, 0, true, false), last = rows(f, 0, false, true);
    put(f, &first);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_COPY_PLAIN);
    lane_done(f->lane);
    Batch other = rows(f, 1, true, true), stream = changes(f, end_of(10), end_of(11), 1);
    refuses(f, &other, ERR_INTERNAL, false);
    refuses(f, &first, ERR_INTERNAL, false);
    refuses(f, &stream, ERR_INTERNAL, false);
    refuses(f, &t, ERR_INTERNAL, false);
    put(f, &last);
    assert_steps(f, LANE_COPY_PLAIN, LANE_MARK_CHUNK, LANE_COMMIT);
}

static void a_chunk_of_many_parts_keeps_the_idle_position_that_it_took_along(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch t = table(f, BATCH_COPY_FIRST), busy = changes(f, end_of(10), end_of(11), 1);
    put_and_commit(f, &t);
    put_and_commit(f, &busy);
    Batch idle = changes(f, end_of(11), end_of(12), 0);
    put(f, &idle);
    lane_done(f->lane);
    Batch first = rows(f, 0, true, false), last = rows(f, 0, false, true);
    put(f, &first);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_COPY_PLAIN);
    assert_at(&f->work.new, end_of(12));
    lane_done(f->lane);
    put_and_commit(f, &last);
    assert_at(&f->target.position, end_of(12));
}

static void chunks_out_of_order_are_refused(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch unknown = rows(f, 0, true, true), t = table(f, BATCH_COPY_FIRST);
    refuses(f, &unknown, ERR_INTERNAL, false);
    put_and_commit(f, &t);
    Batch skipping = rows(f, 1, true, true), headless = rows(f, 0, false, true);
    refuses(f, &skipping, ERR_INTERNAL, false);
    refuses(f, &headless, ERR_INTERNAL, false);
    Batch last = rows(f, 0, true, true), after = rows(f, 1, true, true);
    last.chunk.is_last_chunk = true;
    put_and_commit(f, &last);
    refuses(f, &after, ERR_INTERNAL, false);
}

static void a_copy_beside_the_stream_takes_back_that_the_target_is_consistent(void **state) {
    Fixture *f = *state;
    f->target.consistent = end_of(8);
    own_at(f, 10);
    Batch t = table(f, BATCH_COPY_BESIDE);
    put(f, &t);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_TABLE, LANE_MARK_TABLE, LANE_CLEAR_CONSISTENT, LANE_COMMIT);
    commit(f);
    assert_true(position_is_zero(&f->target.consistent));
    Batch b = rows(f, 0, true, true);
    b.chunk.is_plain = false;
    put(f, &b);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_UPSERT_ROWS, LANE_MARK_CHUNK, LANE_COMMIT);
}

/* ---- failures ---- */

static void a_lost_commit_is_told_by_what_is_stored(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(10), end_of(11), 1);
    put(f, &b);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_PUT_AGAIN); /* still at 10 */
    put(f, &b);
    assert_int_equal(f->work.epoch, EPOCH + 1);
    lane_lost(f->lane);
    Position in = end_of(11);
    stored_state_move(&f->target, &in);
    assert_int_equal(own(f), LANE_IS_IN);
    assert_at(&lane_stored(f->lane)->position, end_of(11));
}

static void a_lost_chunk_is_told_by_its_mark(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch t = table(f, BATCH_COPY_FIRST), b = rows(f, 0, true, true);
    put_and_commit(f, &t);
    put(f, &b);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_PUT_AGAIN);
    put(f, &b);
    lane_lost(f->lane);
    stored_state_mark_chunk(&f->target, &b);
    assert_int_equal(own(f), LANE_IS_IN);
}

static void a_transaction_begun_earlier_sends_the_source_back(void **state) {
    Fixture *f = *state;
    for (int how = 0; how < 3; how++) {
        tear_down(state);
        set_up(state);
        f = *state;
        own_at(f, 10);
        Batch first = changes(f, end_of(10), change_of(12, 3), 3);
        put(f, &first);
        lane_done(f->lane);
        Batch last = {
            .kind = BATCH_CHANGES, .from = change_of(12, 3), .to = end_of(12), .ends_transaction = true};
        if (how > 0) put(f, &last);
        if (how == 2) {
            assert_int_equal(lane_rolled_back(f->lane), LANE_RESTART_SOURCE);
        } else {
            lane_lost(f->lane);
            assert_true(lane_needs_source_back(f->lane));
            assert_int_equal(own(f), LANE_RESTART_SOURCE);
        }
        assert_true(lane_needs_source_back(f->lane));
        refuses(f, &last, ERR_IO, true);
        lane_source_restarted(f->lane);
        put(f, &first);
        assert_steps(f, LANE_BEGIN_LOCKED, LANE_APPLY);
    }
}

static void the_end_of_a_large_transaction_may_have_been_committed(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch first = changes(f, end_of(10), change_of(12, 3), 3);
    put(f, &first);
    lane_done(f->lane);
    Batch last = {
        .kind = BATCH_CHANGES, .from = change_of(12, 3), .to = end_of(12), .ends_transaction = true};
    put(f, &last);
    lane_lost(f->lane);
    Position in = end_of(12);
    stored_state_move(&f->target, &in);
    assert_int_equal(own(f), LANE_IS_IN);
    assert_false(lane_needs_source_back(f->lane));
}

static void a_refused_batch_is_put_again(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(10), end_of(11), 1);
    put(f, &b);
    assert_int_equal(lane_rolled_back(f->lane), LANE_PUT_AGAIN);
    put(f, &b);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_APPLY, LANE_COMMIT);
}

static void another_owner_in_between_sends_the_source_back_though_the_marks_are_the_same(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(10), end_of(11), 1);
    put(f, &b);
    lane_lost(f->lane);
    f->epoch++;
    assert_int_equal(own(f), LANE_RESTART_SOURCE);
    assert_true(lane_needs_source_back(f->lane));
}

static void another_owners_position_sends_the_source_back(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    lane_lost(f->lane);
    Position far = end_of(20);
    stored_state_move(&f->target, &far);
    assert_int_equal(own(f), LANE_RESTART_SOURCE);
    assert_at(&lane_stored(f->lane)->position, end_of(20));
    lane_source_restarted(f->lane);
    Batch b = changes(f, end_of(20), end_of(21), 1);
    put(f, &b);
    assert_at(&f->work.old, end_of(20));
}

static void a_fenced_lane_takes_nothing_ever_again(void **state) {
    Fixture *f = *state;
    own_at(f, 10);
    Batch b = changes(f, end_of(10), end_of(11), 1);
    put(f, &b);
    lane_fenced(f->lane);
    refuses(f, &b, ERR_FENCED, false);
    assert_int_equal(own(f), LANE_RESTART_SOURCE);
    refuses(f, &b, ERR_FENCED, false);
}

static void nothing_is_put_before_the_pipeline_is_owned(void **state) {
    Fixture *f = *state;
    Batch b = changes(f, (Position){0}, end_of(11), 0);
    refuses(f, &b, ERR_INTERNAL, false);
    assert_null(lane_free(NULL));
}

/* ---- one of several ---- */

/* Table t is known, and the stream stands at 10. */
static void own_one_of_several(Fixture *f) {
    lane_set_count(f->lane, 3);
    const Batch t = table(f, BATCH_COPY_FIRST);
    stored_state_add_table(&f->target, &t);
    own_at(f, 10);
}

static void the_streams_start_is_written_for_all_lanes_at_once(void **state) {
    Fixture *f = *state;
    lane_set_count(f->lane, 3);
    assert_int_equal(own(f), LANE_GO_ON);
    Batch b = changes(f, (Position){0}, end_of(10), 0);
    put(f, &b);
    assert_steps(f, LANE_BEGIN_MOVED, LANE_MOVE_OTHERS, LANE_COMMIT);
}

static void a_lane_learns_the_start_and_the_marks_of_others(void **state) {
    Fixture *f = *state;
    lane_set_count(f->lane, 3);
    assert_int_equal(own(f), LANE_GO_ON);
    const Batch t = table(f, BATCH_COPY_FIRST), start = changes(f, (Position){0}, end_of(10), 0);
    const Batch zero = rows(f, 0, true, true);
    lane_learn(f->lane, &t);
    lane_learn(f->lane, &start);
    lane_learn(f->lane, &zero);
    lane_learn(f->lane, &zero); /* it may be known already */
    assert_at(&lane_stored(f->lane)->position, end_of(10));
    assert_at(lane_passed(f->lane), end_of(10));
    assert_int_equal(lane_stored(f->lane)->tables[0].chunks_done, 1);
    put(f, &zero);
    assert_int_equal(f->work.count, 0);
}

static void a_chunk_waits_for_the_one_before_and_may_be_behind_others(void **state) {
    Fixture *f = *state;
    own_one_of_several(f);
    Batch two = rows(f, 2, true, false), rest = rows(f, 2, false, true);
    put(f, &two);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_COPY_PLAIN);
    lane_done(f->lane);
    const Batch zero = rows(f, 0, true, true);
    lane_learn(f->lane, &zero); /* in the midst of its own */
    put(f, &rest);
    assert_steps(f, LANE_COPY_PLAIN, LANE_AWAIT_CHUNK, LANE_MARK_CHUNK, LANE_COMMIT);
    lane_done(f->lane);
    assert_int_equal(lane_stored(f->lane)->tables[0].chunks_done, 3);
}

static void a_lost_chunk_of_several_lanes_is_told_by_its_own_mark(void **state) {
    Fixture *f = *state;
    own_one_of_several(f);
    const Batch zero = rows(f, 0, true, true), one = rows(f, 1, true, true), two = rows(f, 2, true, true);
    put(f, &one);
    stored_state_mark_chunk(&f->target, &zero); /* another lane's: says nothing */
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_PUT_AGAIN);
    put(f, &one);
    stored_state_mark_chunk(&f->target, &one);
    stored_state_mark_chunk(&f->target, &two);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_IS_IN);
    assert_int_equal(lane_stored(f->lane)->tables[0].chunks_done, 3);
}

static void a_lost_table_of_several_lanes_is_told_by_its_own_entry(void **state) {
    Fixture *f = *state;
    own_one_of_several(f);
    Batch b = table(f, BATCH_COPY_BESIDE);
    put(f, &b);
    assert_steps(f, LANE_BEGIN_LOCKED, LANE_TABLE, LANE_MARK_TABLE, LANE_CLEAR_CONSISTENT, LANE_COMMIT);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_PUT_AGAIN);
    put(f, &b);
    stored_state_add_table(&f->target, &b);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_IS_IN);
}

static void changes_of_several_lanes_are_told_by_the_lanes_position(void **state) {
    Fixture *f = *state;
    own_one_of_several(f);
    const Batch zero = rows(f, 0, true, true);
    Batch b = changes(f, end_of(10), end_of(12), 2);
    put(f, &b);
    stored_state_mark_chunk(&f->target, &zero);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_PUT_AGAIN);
    put(f, &b);
    Position twelve = end_of(12);
    stored_state_move(&f->target, &twelve);
    lane_lost(f->lane);
    assert_int_equal(own(f), LANE_IS_IN);
    assert_at(lane_passed(f->lane), end_of(12));
    Position far = end_of(20); /* neither the one nor the other */
    stored_state_move(&f->target, &far);
    assert_int_equal(own(f), LANE_RESTART_SOURCE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_batch_is_one_transaction_that_moves_the_position_first),
        TEST(the_first_position_is_written_though_nothing_changes),
        TEST(a_transaction_larger_than_a_batch_stays_open_until_it_ends),
        TEST(what_is_at_or_under_the_position_is_skipped),
        TEST(a_part_that_comes_twice_is_skipped_inside_the_transaction),
        TEST(a_gap_is_never_applied),
        TEST(a_batch_against_its_own_bounds_is_refused),
        TEST(idle_windows_are_written_at_most_once_a_second),
        TEST(changes_take_the_unwritten_idle_position_along),
        TEST(an_empty_part_inside_a_transaction_is_no_idle_window),
        TEST(becoming_consistent_is_written_at_once),
        TEST(a_chunk_and_its_mark_are_one_transaction_under_the_fence),
        TEST(the_parts_of_a_chunk_share_a_transaction_and_nothing_comes_between),
        TEST(a_chunk_of_many_parts_keeps_the_idle_position_that_it_took_along),
        TEST(chunks_out_of_order_are_refused),
        TEST(a_copy_beside_the_stream_takes_back_that_the_target_is_consistent),
        TEST(a_lost_commit_is_told_by_what_is_stored),
        TEST(a_lost_chunk_is_told_by_its_mark),
        TEST(the_streams_start_is_written_for_all_lanes_at_once),
        TEST(a_lane_learns_the_start_and_the_marks_of_others),
        TEST(a_chunk_waits_for_the_one_before_and_may_be_behind_others),
        TEST(a_lost_chunk_of_several_lanes_is_told_by_its_own_mark),
        TEST(a_lost_table_of_several_lanes_is_told_by_its_own_entry),
        TEST(changes_of_several_lanes_are_told_by_the_lanes_position),
        TEST(a_transaction_begun_earlier_sends_the_source_back),
        TEST(the_end_of_a_large_transaction_may_have_been_committed),
        TEST(a_refused_batch_is_put_again),
        TEST(another_owner_in_between_sends_the_source_back_though_the_marks_are_the_same),
        TEST(another_owners_position_sends_the_source_back),
        TEST(a_fenced_lane_takes_nothing_ever_again),
        TEST(nothing_is_put_before_the_pipeline_is_owned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
