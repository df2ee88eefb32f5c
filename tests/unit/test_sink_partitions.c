#include "worker/sink_partitions.h"

#include <string.h>

#include "test.h"

/* What `stored` was told: topic and partition of the last, and how many. */
static struct {
    size_t count;
    int64_t offset;
} told;

static void note(void *arg, const SinkPartition *p) {
    (void)arg;
    told.count++;
    told.offset = partition_stored(p->state);
}

static SinkPartitions *empty(void) {
    told.count = 0;
    return sink_partitions_new(note, NULL);
}

/* One that begins at the offset, as the target has it. */
static void begin(SinkPartitions *s, const char *topic, int32_t partition, int64_t offset) {
    const PartitionFacts facts = {.has_stored = true,
                                  .stored = offset,
                                  .epoch = 3,
                                  .group = PARTITION_GROUP_OURS,
                                  .committed = offset,
                                  .high = 100};
    PartitionStart start = {0};
    Err e = {0};
    SinkPartition *p = sink_partitions_add(s, topic, partition);
    if (!partition_begin(p->state, &facts, &start, &e)) fail_msg("%s", e.msg);
    assert_int_equal(start.offset, offset);
}

static void read_one(SinkPartitions *s, const char *topic, int32_t partition, int64_t offset) {
    SinkPartition *p = sink_partitions_find(s, topic, partition);
    assert_non_null(p);
    assert_true(partition_offer(p->state, offset));
}

/* a-0 at 10 and b-1 at 20 have read a record each; c-2 hasn't. */
static SinkPartitions *two_behind(void) {
    SinkPartitions *s = empty();
    begin(s, "a", 0, 10);
    begin(s, "c", 2, 30);
    begin(s, "b", 1, 20);
    read_one(s, "a", 0, 10);
    read_one(s, "b", 1, 20);
    sink_partitions_collect(s);
    return s;
}

static void each_is_found_by_topic_and_number(void **state) {
    (void)state;
    SinkPartitions *s = empty();
    begin(s, "a", 0, 1);
    begin(s, "a", 1, 2);
    begin(s, "b", 0, 3);
    assert_int_equal(partition_stored(sink_partitions_find(s, "a", 1)->state), 2);
    assert_int_equal(partition_stored(sink_partitions_find(s, "b", 0)->state), 3);
    assert_null(sink_partitions_find(s, "b", 1));
    sink_partitions_drop(s, "a", 0);
    sink_partitions_drop(s, "a", 0);
    assert_null(sink_partitions_find(s, "a", 0));
    assert_int_equal(partition_stored(sink_partitions_find(s, "b", 0)->state), 3);
    begin(s, "b", 0, 7);
    assert_int_equal(partition_stored(sink_partitions_find(s, "b", 0)->state), 7);
    sink_partitions_free(s);
    sink_partitions_free(NULL);
}

static void a_move_is_of_what_has_been_read(void **state) {
    (void)state;
    size_t count = 0;
    SinkPartitions *s = two_behind();
    const TopicMove *moves = sink_partitions_moves(s, &count);
    assert_int_equal(count, 2);
    assert_string_equal(moves[0].topic, "a");
    assert_true(moves[0].has_old);
    assert_int_equal(moves[0].old, 10);
    assert_int_equal(moves[0].new, 11);
    assert_string_equal(moves[1].topic, "b");
    assert_int_equal(moves[1].partition, 1);
    assert_int_equal(moves[1].epoch, 3);
    sink_partitions_free(s);
}

static void what_is_committed_is_told_and_moves_no_more(void **state) {
    (void)state;
    size_t count = 9;
    SinkPartitions *s = two_behind();
    sink_partitions_committed(s);
    assert_int_equal(told.count, 2);
    assert_int_equal(told.offset, 21);
    sink_partitions_collect(s);
    (void)sink_partitions_moves(s, &count);
    assert_int_equal(count, 0);
    assert_false(sink_partitions_is_unsure(s));
    sink_partitions_free(s);
}

static void what_was_rolled_back_moves_again(void **state) {
    (void)state;
    size_t count = 0;
    SinkPartitions *s = two_behind();
    sink_partitions_failed(s, /* is_open= */ true);
    assert_false(sink_partitions_is_unsure(s));
    sink_partitions_collect(s);
    assert_int_equal(sink_partitions_moves(s, &count)[0].new, 11);
    assert_int_equal(count, 2);
    assert_int_equal(told.count, 0);
    sink_partitions_free(s);
}

/* After a lost answer: a has this offset in the target, b that one, under epochs. */
static PartitionSettled settled(int64_t a, int64_t b, int64_t epoch, size_t *ret_moves, Err *e) {
    SinkPartitions *s = two_behind();
    const TopicOffset now[] = {{.has_offset = true, .offset = a, .epoch = 3},
                               {.has_offset = true, .offset = b, .epoch = epoch}};
    sink_partitions_failed(s, /* is_open= */ false);
    assert_true(sink_partitions_is_unsure(s));
    PartitionSettled all = sink_partitions_settle(s, now, e);
    (void)sink_partitions_moves(s, ret_moves);
    sink_partitions_free(s);
    return all;
}

static void a_lost_answer_is_settled_by_what_the_target_says(void **state) {
    (void)state;
    size_t moves = 9;
    Err e = {0};
    assert_int_equal(settled(11, 21, 3, &moves, &e), PARTITION_IS_IN);
    assert_int_equal(moves, 0);
    assert_int_equal(told.count, 2);
    assert_int_equal(settled(10, 20, 3, &moves, &e), PARTITION_IS_OUT);
    assert_int_equal(told.count, 0);
    assert_int_equal(e.code, ERR_OK);
    assert_int_equal(settled(10, 20, 4, &moves, &e), PARTITION_FENCED);
    assert_int_equal(e.code, ERR_FENCED);
    assert_non_null(strstr(e.msg, "b-1"));
}

static void a_start_is_a_move_too_and_stays_when_another_begins_anew(void **state) {
    (void)state;
    const PartitionFacts facts = {.epoch = 1, .low = 5, .high = 100, .reset = PARTITION_EARLIEST};
    PartitionStart start = {0};
    size_t count = 0;
    Err e = {0};
    SinkPartitions *s = empty();
    begin(s, "a", 0, 10);
    SinkPartition *p = sink_partitions_add(s, "b", 0);
    if (!partition_begin(p->state, &facts, &start, &e)) fail_msg("%s", e.msg);
    assert_true(start.must_store);
    sink_partitions_clear_moves(s);
    sink_partitions_move(s, p);
    begin(s, "a", 0, 10);
    assert_int_equal(sink_partitions_moves(s, &count)[0].new, 5);
    assert_int_equal(count, 1);
    sink_partitions_committed(s);
    assert_int_equal(told.offset, 5);
    sink_partitions_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_by_topic_and_number),
        cmocka_unit_test(a_move_is_of_what_has_been_read),
        cmocka_unit_test(what_is_committed_is_told_and_moves_no_more),
        cmocka_unit_test(what_was_rolled_back_moves_again),
        cmocka_unit_test(a_lost_answer_is_settled_by_what_the_target_says),
        cmocka_unit_test(a_start_is_a_move_too_and_stays_when_another_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
