#include "pipeline/parts.h"

#include "test.h"

enum { MOST = 3 };

static Position end_of(uint8_t n) {
    return position_end_of(&(Lsn){{[9] = n}});
}
static Position change_of(uint8_t n, int32_t command) {
    return (Position){.commit_lsn = {{[9] = n}}, .command_id = command, .operation = 2};
}
static bool is_at(Position p, Position should) {
    return position_cmp(&p, &should) == 0;
}

/* Changes 1 … of one transaction. */
typedef struct Fixture {
    Change changes[4];
    Batch batch;
} Fixture;

static Fixture batch_of(uint8_t n, int32_t first, size_t count) {
    Fixture f = {.batch = {.kind = BATCH_CHANGES, .count = count}};
    for (size_t i = 0; i < count; i++) f.changes[i].position = change_of(n, first + (int32_t)i);
    return f;
}

static void nothing_was_sent_of_what_comes_first(void **state) {
    (void)state;
    Fixture f = batch_of(5, 1, 3);
    f.batch.changes = f.changes;
    const Parts p = {.most = MOST};
    assert_true(is_at(parts_up_to(&p, &(LaneWork){0}, &f.batch), (Position){0}));
}

static void the_later_counts_of_what_is_stored_and_what_came_with_an_earlier_batch(void **state) {
    (void)state;
    Fixture f = batch_of(5, 1, 4);
    f.batch.changes = f.changes;
    Parts p = {.most = MOST};
    parts_owned(&p, &f.changes[1].position);
    assert_true(is_at(parts_up_to(&p, &(LaneWork){.first = 0}, &f.batch), f.changes[1].position));
    assert_true(is_at(parts_up_to(&p, &(LaneWork){.first = 1}, &f.batch), f.changes[1].position));
    assert_true(is_at(parts_up_to(&p, &(LaneWork){.first = 3}, &f.batch), f.changes[2].position));
    assert_true(is_at(parts_up_to(&p, &(LaneWork){.first = 4}, &f.batch), f.changes[3].position));
}

static void notes_go_with_the_change_behind_them(void **state) {
    (void)state;
    Fixture f = batch_of(5, 1, 3);
    const void *const sources[] = {NULL, NULL, &f.changes[0], &f.changes[1], NULL, &f.changes[2], NULL};
    static const bool should[] = {true, true, true, true, false, false, false};
    RecordBatch *records = record_batch_new();
    for (size_t i = 0; i < sizeof should; i++) record_batch_add(records)->source = sources[i];
    parts_drop(records, &f.changes[1].position);
    for (size_t i = 0; i < sizeof should; i++) assert_int_equal(records->records[i].is_dropped, should[i]);
    record_batch_free(records);
}

static void what_a_transform_dropped_stays_dropped(void **state) {
    (void)state;
    Fixture f = batch_of(5, 1, 2);
    RecordBatch *records = record_batch_new();
    for (size_t i = 0; i < 2; i++) record_batch_add(records)->source = &f.changes[i];
    records->records[1].is_dropped = true;
    parts_drop(records, &f.changes[0].position);
    assert_true(records->records[0].is_dropped);
    assert_true(records->records[1].is_dropped);
    record_batch_free(records);
}

static void a_part_is_due_once_enough_is_sent_and_not_before(void **state) {
    (void)state;
    Fixture f = batch_of(5, 1, 2);
    f.batch.changes = f.changes;
    Parts p = {.most = MOST};
    parts_owned(&p, &(Position){0});
    parts_sent(&p, 2);
    assert_false(parts_are_due(&p, &f.batch));
    parts_sent(&p, 1);
    assert_true(parts_are_due(&p, &f.batch));
    parts_committed(&p, &f.changes[1].position);
    assert_false(parts_are_due(&p, &f.batch)); /* the next one begins at nothing */
}

static void no_part_ends_where_one_has_ended(void **state) {
    (void)state;
    Fixture f = batch_of(5, 1, 2);
    f.batch.changes = f.changes;
    Parts p = {.most = MOST};
    const Position later = change_of(5, 7);
    parts_owned(&p, &later);
    parts_sent(&p, MOST);
    assert_false(parts_are_due(&p, &f.batch));
    parts_owned(&p, &f.changes[1].position);
    parts_sent(&p, MOST);
    assert_false(parts_are_due(&p, &f.batch));
}

static void inside_is_kept_until_the_position_has_passed_it(void **state) {
    (void)state;
    Parts p = {.most = MOST};
    const Position inside = change_of(5, 2), before = end_of(4), behind = end_of(5);
    parts_owned(&p, &inside);
    assert_true(is_at(parts_left(&p, &before), inside));
    assert_true(is_at(parts_left(&p, &behind), (Position){0}));
    parts_committed(&p, &(Position){0});
    assert_true(is_at(parts_left(&p, &before), (Position){0}));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_was_sent_of_what_comes_first),
        cmocka_unit_test(the_later_counts_of_what_is_stored_and_what_came_with_an_earlier_batch),
        cmocka_unit_test(notes_go_with_the_change_behind_them),
        cmocka_unit_test(what_a_transform_dropped_stays_dropped),
        cmocka_unit_test(a_part_is_due_once_enough_is_sent_and_not_before),
        cmocka_unit_test(no_part_ends_where_one_has_ended),
        cmocka_unit_test(inside_is_kept_until_the_position_has_passed_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
