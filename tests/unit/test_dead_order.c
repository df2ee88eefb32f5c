#include "pipeline/dead_order.h"

#include <string.h>

#include "base/rng.h"
#include "test.h"

static void without_letters_every_change_is_applied(void **state) {
    (void)state;
    DeadOrder *o = dead_order_new();
    assert_true(dead_order_is_empty(o));
    assert_int_equal(dead_order_change(o, 7, true), DEAD_APPLY);
    assert_int_equal(dead_order_change(o, 7, false), DEAD_APPLY);
    dead_order_free(o);
}

static void a_whole_change_supersedes_and_a_partial_one_is_held(void **state) {
    (void)state;
    DeadOrder *o = dead_order_new();
    dead_order_refused(o, 7);
    assert_int_equal(dead_order_change(o, 8, false), DEAD_APPLY);
    assert_int_equal(dead_order_change(o, 7, false), DEAD_HOLD);
    assert_int_equal(dead_order_change(o, 7, false), DEAD_HOLD);
    assert_int_equal(dead_order_change(o, 7, true), DEAD_SUPERSEDE);
    assert_int_equal(dead_order_change(o, 7, false), DEAD_APPLY);
    assert_true(dead_order_is_empty(o));
    dead_order_free(o);
}

static void what_is_rolled_back_is_taken_back(void **state) {
    (void)state;
    DeadOrder *o = dead_order_new();
    dead_order_load(o, (const uint64_t[]){1, 2}, 2);
    size_t mark = dead_order_mark(o);
    assert_int_equal(dead_order_change(o, 1, true), DEAD_SUPERSEDE);
    dead_order_refused(o, 3);
    dead_order_refused(o, 1);
    dead_order_closed(o, 2);
    dead_order_undo(o, mark);
    assert_true(dead_order_has(o, 1) && dead_order_has(o, 2));
    assert_false(dead_order_has(o, 3));
    dead_order_refused(o, 3);
    dead_order_committed(o);
    dead_order_undo(o, 0);
    assert_int_equal(dead_order_count(o), 3);
    dead_order_free(o);
}

/* Against a plain array, with nested marks. */
static void a_long_random_run_agrees_with_a_plain_set(void **state) {
    (void)state;
    enum { KEYS = 200, STEPS = 20000 };
    bool now[KEYS] = {false}, saved[KEYS] = {false};
    size_t mark = 0;
    Rng rng;
    rng_seed(&rng, 42);
    DeadOrder *o = dead_order_new();
    for (int i = 0; i < STEPS; i++) {
        uint64_t key = rng_below(&rng, KEYS);
        switch (rng_below(&rng, 6)) {
        case 0:
        case 1:
            dead_order_refused(o, key);
            now[key] = true;
            break;
        case 2:
        case 3: {
            DeadVerdict want = now[key] ? DEAD_SUPERSEDE : DEAD_APPLY;
            assert_int_equal(dead_order_change(o, key, true), want);
            now[key] = false;
            break;
        }
        case 4:
            mark = dead_order_mark(o);
            memcpy(saved, now, sizeof now);
            break;
        default:
            dead_order_undo(o, mark);
            memcpy(now, saved, sizeof now);
            break;
        }
        assert_true(dead_order_has(o, key) == now[key]);
    }
    dead_order_free(o);
}

static void a_letter_is_replayed_only_behind_the_older_ones_of_its_key(void **state) {
    (void)state;
    const uint64_t keys[] = {1, 2, 1, 1};
    assert_true(dead_order_may_replay(keys, (const bool[]){true, true, true, true}, 0));
    assert_true(dead_order_may_replay(keys, (const bool[]){true, true, true, true}, 1));
    assert_false(dead_order_may_replay(keys, (const bool[]){true, true, true, true}, 2));
    assert_true(dead_order_may_replay(keys, (const bool[]){false, true, true, true}, 2));
    assert_false(dead_order_may_replay(keys, (const bool[]){false, true, false, true}, 2));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_letters_every_change_is_applied),
        cmocka_unit_test(a_whole_change_supersedes_and_a_partial_one_is_held),
        cmocka_unit_test(what_is_rolled_back_is_taken_back),
        cmocka_unit_test(a_long_random_run_agrees_with_a_plain_set),
        cmocka_unit_test(a_letter_is_replayed_only_behind_the_older_ones_of_its_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
