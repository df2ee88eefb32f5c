/* A random world for one partition: a log whose producer repeats itself, sinks that crash, are stopped and
 * wake up as zombies, answers that get lost, resets of the group. After each run every change is in the
 * target exactly once. A failure prints its seed. */
#include "pipeline/partition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "test.h"

enum { RUNS = 3000, EVENTS = 60, LOG_MAX = 400, STEPS = 4000 };

static Str target_id(void) {
    return STR_LIT("7c0e-1");
}

static Lsn lsn_of(uint32_t n) {
    return (Lsn){{0, 0, 0, 0, (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0, 1}};
}

/* ---- where it begins ---- */

static PartitionFacts facts(void) {
    return (PartitionFacts){.epoch = 1, .low = 0, .high = 100, .reset = PARTITION_EARLIEST};
}

static PartitionStart begin(const PartitionFacts *f) {
    Partition *p = partition_new();
    PartitionStart start = {0};
    Err e = {0};
    if (!partition_begin(p, f, &start, &e)) start.offset = -1;
    partition_free(p);
    return start;
}

static void the_targets_offset_wins_over_our_own_commit(void **state) {
    (void)state;
    PartitionFacts f = facts();
    f.has_stored = true;
    f.stored = 40;
    f.group = PARTITION_GROUP_OURS;
    f.committed = 30;
    assert_int_equal(begin(&f).offset, 40);
    assert_false(begin(&f).must_store);
    f.committed = 60; /* a target that was put back from a backup */
    assert_int_equal(begin(&f).offset, 40);
}

static void a_commit_that_is_gone_stops_where_records_would_be_left_out(void **state) {
    (void)state;
    PartitionFacts f = facts();
    f.has_stored = true;
    f.stored = 40;
    assert_int_equal(begin(&f).offset, -1);
    f.low = 40; /* nothing lies before it: killed before the group was told, or all of it was read */
    assert_int_equal(begin(&f).offset, 40);
    assert_true(begin(&f).must_store); /* so that the group is told now */
    f.low = 0;
    f.group = PARTITION_GROUP_OTHERS; /* the operator says that it is right */
    f.committed = 40;
    assert_int_equal(begin(&f).offset, 40);
}

static void somebody_elses_commit_wins_and_is_made_ours(void **state) {
    (void)state;
    PartitionFacts f = facts();
    f.has_stored = true;
    f.stored = 40;
    f.group = PARTITION_GROUP_OTHERS;
    f.committed = 70;
    PartitionStart start = begin(&f);
    assert_int_equal(start.offset, 70);
    assert_true(start.must_store && start.is_adopted);
    f.committed = 10;
    assert_int_equal(begin(&f).offset, 10);
    f.committed = 40;
    start = begin(&f);
    assert_int_equal(start.offset, 40);
    assert_true(start.must_store);
    assert_false(start.is_adopted);
    f.has_stored = false;
    f.committed = 55;
    assert_int_equal(begin(&f).offset, 55);
}

static void nobody_knows_so_the_policy_does(void **state) {
    (void)state;
    PartitionFacts f = facts();
    f.low = 7;
    assert_int_equal(begin(&f).offset, 7);
    assert_true(begin(&f).must_store);
    f.reset = PARTITION_LATEST;
    assert_int_equal(begin(&f).offset, 100);
    f.reset = PARTITION_NONE;
    assert_int_equal(begin(&f).offset, -1);
}

static void an_offset_that_the_log_does_not_have_stops(void **state) {
    (void)state;
    PartitionFacts f = facts();
    f.has_stored = true;
    f.group = PARTITION_GROUP_OURS;
    f.stored = 101;
    assert_int_equal(begin(&f).offset, -1);
    f.is_reset_asked = true;
    assert_int_equal(begin(&f).offset, -1);
    f.is_reset_asked = false;
    f.stored = 100;
    assert_int_equal(begin(&f).offset, 100);
    f.stored = 5;
    f.low = 6;
    assert_int_equal(begin(&f).offset, -1);
    f.is_reset_asked = true;
    assert_int_equal(begin(&f).offset, 6);
    f = facts();
    f.group = PARTITION_GROUP_OURS; /* and the target has none: somebody deleted it */
    assert_int_equal(begin(&f).offset, -1);
}

static void metadata_names_the_target(void **state) {
    (void)state;
    char text[PARTITION_METADATA_SIZE];
    (void)partition_metadata(target_id(), 12, text);
    assert_int_equal(partition_group_of(str_from(text), target_id()), PARTITION_GROUP_OURS);
    assert_int_equal(partition_group_of(str_from(text), STR_LIT("7c0e")), PARTITION_GROUP_OTHERS);
    assert_int_equal(partition_group_of(STR_LIT(""), target_id()), PARTITION_GROUP_OTHERS);
}

/* ---- repeats ---- */

static Partition *running(void) {
    Partition *p = partition_new();
    PartitionStart start;
    Err e = {0};
    const PartitionFacts f = facts();
    assert_true(partition_begin(p, &f, &start, &e));
    return p;
}

static PartitionVerdict guard(Partition *p, uint64_t source, uint32_t commit, uint64_t id) {
    const PartitionEvent event = {.source = source, .commit_lsn = lsn_of(commit), .id = {id * 64, id}};
    PartitionVerdict v = PARTITION_APPLY;
    Err e = {0};
    assert_true(partition_guard(p, &event, &v, &e));
    return v;
}

static void what_is_proven_is_dropped_and_nothing_else(void **state) {
    (void)state;
    Partition *p = running();
    assert_int_equal(guard(p, 1, 5, 1), PARTITION_APPLY);
    assert_int_equal(guard(p, 1, 5, 2), PARTITION_APPLY);
    assert_int_equal(guard(p, 1, 5, 1), PARTITION_DROP);
    assert_int_equal(guard(p, 1, 4, 9), PARTITION_DROP);
    assert_int_equal(guard(p, 2, 4, 9), PARTITION_APPLY); /* another database's */
    assert_int_equal(guard(p, 1, 5, 3), PARTITION_APPLY);
    assert_int_equal(guard(p, 1, 6, 1), PARTITION_APPLY);
    assert_int_equal(guard(p, 1, 5, 3), PARTITION_DROP);
    assert_int_equal(partition_dropped(p), 3);
    partition_free(p);
}

static void a_large_commits_events_are_remembered(void **state) {
    (void)state;
    Partition *p = running();
    for (uint64_t i = 1; i <= 5000; i++) assert_int_equal(guard(p, 1, 5, i), PARTITION_APPLY);
    for (uint64_t i = 1; i <= 5000; i++) assert_int_equal(guard(p, 1, 5, i), PARTITION_DROP);
    for (uint64_t i = 1; i <= 20; i++) assert_int_equal(guard(p, 1, 6, i), PARTITION_APPLY);
    for (uint64_t i = 1; i <= 20; i++) assert_int_equal(guard(p, 1, 6, i), PARTITION_DROP);
    for (uint64_t i = 1; i <= 20; i++) assert_int_equal(guard(p, 1, 7, i), PARTITION_APPLY);
    partition_free(p);
}

/* The event of that number in commit 5, in the order of the commit. */
static PartitionVerdict guard_placed(Partition *p, uint32_t number) {
    const PartitionEvent event = {.source = 1,
                                  .commit_lsn = lsn_of(5),
                                  .change_lsn = lsn_of(number),
                                  .serial = 1,
                                  .id = {number * 64, number}};
    PartitionVerdict v = PARTITION_APPLY;
    Err e = {0};
    assert_true(partition_guard(p, &event, &v, &e));
    return v;
}

static Partition *begun(const PartitionFacts *f) {
    Partition *p = partition_new();
    PartitionStart start;
    Err e = {0};
    if (!partition_begin(p, f, &start, &e)) fail_msg("%s", e.msg);
    return p;
}

/* The same partition, taken by another. */
static Partition *taken_again(Partition *p, PartitionGroup group) {
    CLEANUP(buf_done) Buf stored = {0};
    PartitionFacts f = facts();
    partition_guard_write(p, &stored);
    partition_free(p);
    f.has_stored = true;
    f.stored = f.committed = 40;
    f.group = group;
    f.guard = buf_view(&stored);
    return begun(&f);
}

/* Else the old state of a row would stay: its first event is applied once more, its last is taken for proven.
 */
static void a_forgotten_event_that_comes_again_brings_all_behind_it(void **state) {
    (void)state;
    enum { COMMIT_EVENTS = 300 };
    Partition *p = running();
    for (uint32_t i = 1; i <= COMMIT_EVENTS; i++) assert_int_equal(guard_placed(p, i), PARTITION_APPLY);
    p = taken_again(p, PARTITION_GROUP_OURS);
    for (uint32_t i = COMMIT_EVENTS - 9; i <= COMMIT_EVENTS; i++)
        assert_int_equal(guard_placed(p, i), PARTITION_DROP);
    assert_int_equal(guard_placed(p, COMMIT_EVENTS + 1),
                     PARTITION_APPLY); /* new: nothing is forgotten for it */
    assert_int_equal(guard_placed(p, COMMIT_EVENTS), PARTITION_DROP);
    for (uint32_t i = 1; i <= COMMIT_EVENTS + 1; i++) assert_int_equal(guard_placed(p, i), PARTITION_APPLY);
    for (uint32_t i = 1; i <= 20; i++) assert_int_equal(guard(p, 1, 6, i), PARTITION_APPLY);
    for (uint32_t i = 1; i <= 20; i++) assert_int_equal(guard(p, 1, 6, i), PARTITION_DROP);
    partition_free(p);
}

static void of_a_way_that_others_went_nothing_is_proven(void **state) {
    (void)state;
    Partition *p = running();
    for (uint32_t i = 1; i <= 3; i++) assert_int_equal(guard_placed(p, i), PARTITION_APPLY);
    p = taken_again(p, PARTITION_GROUP_OURS);
    assert_int_equal(guard_placed(p, 2), PARTITION_DROP);
    p = taken_again(p, PARTITION_GROUP_OTHERS); /* and it led to the same offset */
    assert_int_equal(guard_placed(p, 3), PARTITION_APPLY);
    p = taken_again(p, PARTITION_GROUP_OURS); /* that is remembered */
    assert_int_equal(guard_placed(p, 2), PARTITION_APPLY);
    assert_int_equal(guard_placed(p, 3), PARTITION_APPLY);
    partition_free(p);
}

/* Version 1 has no key of a delete, and neither has places. */
static void a_guard_of_version(uint8_t version) {
    CLEANUP(buf_done) Buf stored = {0};
    const Lsn lsn = lsn_of(5);
    PartitionFacts f = facts();
    buf_u8(&stored, version);
    buf_le32(&stored, 0);
    if (version == 2) buf_le64(&stored, 77);
    buf_le64(&stored, 1);
    buf_add(&stored, lsn.b, LSN_BYTES);
    buf_le16(&stored, 1);
    buf_le64(&stored, 7 * 64);
    buf_le64(&stored, 7);
    f.has_stored = true;
    f.stored = f.committed = 40;
    f.group = PARTITION_GROUP_OURS;
    f.guard = buf_view(&stored);
    Partition *p = begun(&f);
    assert_int_equal(partition_is_behind_delete(p, 77), version == 2);
    assert_int_equal(guard(p, 1, 5, 7), PARTITION_DROP);
    assert_int_equal(guard(p, 1, 4, 8), PARTITION_DROP);
    assert_int_equal(guard(p, 1, 5, 8), PARTITION_APPLY);
    partition_free(p);
}

static void a_guard_that_an_older_version_stored_is_read(void **state) {
    (void)state;
    a_guard_of_version(1);
    a_guard_of_version(2);
}

static void a_long_run_of_repeats_fails(void **state) {
    (void)state;
    Partition *p = running();
    Err e = {0};
    PartitionVerdict v;
    (void)guard(p, 1, 5, 1);
    const PartitionEvent event = {.source = 1, .commit_lsn = lsn_of(4)};
    for (int i = 1; i < PARTITION_RUN_MAX; i++) assert_true(partition_guard(p, &event, &v, &e));
    assert_false(partition_guard(p, &event, &v, &e));
    assert_non_null(strstr(e.msg, "topic_offset"));
    partition_free(p);
}

static void the_key_of_the_last_delete_is_remembered_over_a_restart(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf stored = {0};
    Partition *p = running();
    PartitionStart start;
    Err e = {0};
    (void)guard(p, 1, 5, 1);
    partition_note_delete(p, 77);
    assert_true(partition_is_behind_delete(p, 77));
    assert_false(partition_is_behind_delete(p, 78));
    partition_guard_write(p, &stored);
    partition_free(p);
    PartitionFacts f = facts();
    f.guard = buf_view(&stored);
    p = partition_new();
    assert_true(partition_begin(p, &f, &start, &e));
    assert_true(partition_is_behind_delete(p, 77));
    assert_int_equal(guard(p, 1, 5, 1), PARTITION_DROP);
    partition_note_delete(p, 0);
    assert_false(partition_is_behind_delete(p, 77));
    assert_false(partition_is_behind_delete(p, 0)); /* no key */
    partition_free(p);
}

/* ---- the random world ---- */

typedef struct Entry {
    uint32_t commit;
    uint64_t id;
} Entry;

typedef struct World {
    Rng rng;
    Entry log[LOG_MAX];
    int64_t high;
    bool has_stored; /* the target */
    int64_t stored, epoch;
    Buf guard;
    int times[EVENTS + 1]; /* each event has been applied */
    PartitionGroup group;
    int64_t committed;
} World;

/* A sink process that holds the partition, or thinks so. */
typedef struct Holder {
    Partition *p;
    int64_t epoch;
    Entry hand[LOG_MAX];
    size_t count;
    bool must_mark;
} Holder;

/* Commits of one to four events; the producer repeats a stretch now and then. */
static void write_log(World *w) {
    uint32_t commit = 1;
    uint64_t left = 0;
    for (uint64_t id = 1; id <= EVENTS; id++) {
        if (left == 0) {
            commit++;
            left = 1 + rng_below(&w->rng, 4);
        }
        left--;
        w->log[w->high++] = (Entry){commit, id};
        if (!rng_chance(&w->rng, 8)) continue;
        int64_t n = 1 + (int64_t)rng_below(&w->rng, 12);
        if (n > w->high) n = w->high;
        for (int64_t k = 0, from = w->high - n; k < n && w->high < LOG_MAX - EVENTS; k++)
            w->log[w->high++] = w->log[from + k];
    }
}

static void let_go(Holder *h) {
    h->p = partition_free(h->p);
    h->count = 0;
}

static void take(World *w, Holder *h) {
    let_go(h);
    h->p = partition_new();
    h->epoch = ++w->epoch;
    PartitionStart start = {0};
    Err e = {0};
    const PartitionFacts f = {.has_stored = w->has_stored,
                              .stored = w->stored,
                              .epoch = h->epoch,
                              .guard = buf_view(&w->guard),
                              .group = w->group,
                              .committed = w->committed,
                              .high = w->high,
                              .reset = PARTITION_EARLIEST};
    if (!partition_begin(h->p, &f, &start, &e)) fail_msg("%s", e.msg);
    h->must_mark = start.must_store;
}

static bool in_target(World *w, const PartitionMove *m) {
    return m->epoch == w->epoch && m->has_old == w->has_stored && (!m->has_old || m->old == w->stored);
}

static void settle(World *w, Holder *h) {
    if (partition_settle(h->p, w->has_stored, w->stored, w->epoch) == PARTITION_FENCED) let_go(h);
    else if (partition_stored(h->p) == partition_position(h->p)) h->count = 0;
}

/* One transaction, or what a fault makes of it. */
static void write(World *w, Holder *h) {
    const PartitionMove m = partition_writing(h->p);
    bool is_in = in_target(w, &m);
    if (is_in && rng_chance(&w->rng, 15)) { /* rolled back */
        partition_rolled_back(h->p);
        return;
    }
    if (is_in) {
        for (size_t i = 0; i < h->count; i++) w->times[h->hand[i].id]++;
        w->has_stored = true;
        w->stored = m.new;
        buf_clear(&w->guard);
        partition_guard_write(h->p, &w->guard);
    }
    if (rng_chance(&w->rng, 15)) { /* the answer is lost, whatever it was */
        partition_lost(h->p);
        return;
    }
    if (!is_in) {
        let_go(h);
        return;
    }
    partition_committed(h->p);
    h->count = 0;
    if (h->must_mark || rng_chance(&w->rng, 30)) {
        w->group = PARTITION_GROUP_OURS;
        w->committed = m.new;
        h->must_mark = false;
    }
}

static void read_some(World *w, Holder *h) {
    int64_t from = partition_position(h->p);
    if (from > 0 && rng_chance(&w->rng, 20)) from--; /* a fetch that was under way */
    for (uint64_t n = rng_below(&w->rng, 6); n > 0 && from < w->high; n--, from++) {
        const Entry *entry = &w->log[from];
        if (partition_offer(h->p, from) && guard(h->p, 1, entry->commit, entry->id) == PARTITION_APPLY)
            h->hand[h->count++] = *entry;
    }
}

static void step(World *w, Holder *h) {
    if (!h->p) return;
    if (partition_is_unsure(h->p)) settle(w, h);
    else if ((h->must_mark || partition_is_behind(h->p)) && rng_chance(&w->rng, 60)) write(w, h);
    else if (!h->must_mark) read_some(w, h);
}

static void run(uint64_t seed) {
    World w = {0};
    Holder holders[2] = {{0}, {0}};
    size_t owner = 0;
    rng_seed(&w.rng, seed);
    write_log(&w);
    for (int i = 0; i < STEPS && !(w.has_stored && w.stored == w.high); i++) {
        if (!holders[owner].p || rng_chance(&w.rng, 3)) { /* a crash, or a rebalance; the other is a zombie */
            owner = (size_t)rng_below(&w.rng, 2);
            take(&w, &holders[owner]);
        }
        step(&w, &holders[rng_chance(&w.rng, 85) ? owner : 1 - owner]);
    }
    for (int id = 1; id <= EVENTS; id++)
        if (w.times[id] != 1)
            fail_msg("seed %llu: event %d was applied %d times", (unsigned long long)seed, id, w.times[id]);
    let_go(&holders[0]);
    let_go(&holders[1]);
    buf_done(&w.guard);
}

static void every_change_once_in_a_random_world(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= RUNS; seed++) run(seed);
}

static void events_differ_by_all_that_tells_them_apart(void **state) {
    (void)state;
    const ChangeOrigin origin = {
        .is_envelope = true, .has_lsn = true, .commit_lsn = lsn_of(7), .change_lsn = lsn_of(3), .source = 9};
    ChangeOrigin other = origin;
    PartitionEvent a, b;
    assert_true(partition_event_of(&origin, OP_UPDATE, STR_LIT("k"), &a));
    assert_true(partition_event_of(&origin, OP_UPDATE, STR_LIT("k"), &b));
    assert_memory_equal(a.id, b.id, sizeof a.id);
    assert_true(partition_event_of(&origin, OP_DELETE, STR_LIT("k"), &b));
    assert_memory_not_equal(a.id, b.id, sizeof a.id);
    assert_true(partition_event_of(&origin, OP_UPDATE, STR_LIT("l"), &b));
    assert_memory_not_equal(a.id, b.id, sizeof a.id);
    other.event_serial_no = 2;
    assert_true(partition_event_of(&other, OP_UPDATE, STR_LIT("k"), &b));
    assert_memory_not_equal(a.id, b.id, sizeof a.id);
}

static void what_is_of_no_stream_is_not_offered_to_the_guard(void **state) {
    (void)state;
    const ChangeOrigin sound = {.is_envelope = true, .has_lsn = true};
    ChangeOrigin flat = sound, snapshot = sound, elsewhere = sound;
    PartitionEvent event;
    flat.is_envelope = false;
    snapshot.is_snapshot = true;
    elsewhere.has_lsn = false;
    assert_true(partition_event_of(&sound, OP_CREATE, STR_LIT("k"), &event));
    assert_false(partition_event_of(&sound, OP_READ, STR_LIT("k"), &event));
    assert_false(partition_event_of(&sound, OP_UPSERT, STR_LIT("k"), &event));
    assert_false(partition_event_of(&flat, OP_DELETE, STR_LIT("k"), &event));
    assert_false(partition_event_of(&snapshot, OP_CREATE, STR_LIT("k"), &event));
    assert_false(partition_event_of(&elsewhere, OP_CREATE, STR_LIT("k"), &event));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_targets_offset_wins_over_our_own_commit),
        cmocka_unit_test(a_commit_that_is_gone_stops_where_records_would_be_left_out),
        cmocka_unit_test(somebody_elses_commit_wins_and_is_made_ours),
        cmocka_unit_test(nobody_knows_so_the_policy_does),
        cmocka_unit_test(an_offset_that_the_log_does_not_have_stops),
        cmocka_unit_test(metadata_names_the_target),
        cmocka_unit_test(what_is_proven_is_dropped_and_nothing_else),
        cmocka_unit_test(a_large_commits_events_are_remembered),
        cmocka_unit_test(a_forgotten_event_that_comes_again_brings_all_behind_it),
        cmocka_unit_test(of_a_way_that_others_went_nothing_is_proven),
        cmocka_unit_test(a_guard_that_an_older_version_stored_is_read),
        cmocka_unit_test(a_long_run_of_repeats_fails),
        cmocka_unit_test(the_key_of_the_last_delete_is_remembered_over_a_restart),
        cmocka_unit_test(events_differ_by_all_that_tells_them_apart),
        cmocka_unit_test(what_is_of_no_stream_is_not_offered_to_the_guard),
        cmocka_unit_test(every_change_once_in_a_random_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
