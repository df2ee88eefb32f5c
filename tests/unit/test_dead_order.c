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

/* ---- stream and replay, interleaved at every statement ---- */

enum { SIM_KEYS = 2, SIM_CHANGES = 12, SIM_LETTERS = 64, SIM_SCHEDULES = 20000 };

typedef struct Row {
    bool is_there;
    int a, b;
} Row;

typedef struct SimChange {
    uint64_t key;
    bool is_removal, is_whole, is_bad; /* bad: the target refuses it, until it is replayed */
    int a, b;
} SimChange;

typedef struct SimLetter {
    SimChange change;
    bool is_open;
} SimLetter;

typedef enum Break {
    BREAK_NONE,
    BREAK_SUPERSEDE,
    BREAK_HOLD,
    BREAK_ELDER,
    BREAK_LOCK,
    BREAK_UNDO,
    BREAKS
} Break;

/* Locks are held by 0 = nobody, 1 = the stream, 2 = the replay: on the letters of a key, and on its row. */
typedef struct Sim {
    Rng rng;
    Break broken;
    DeadOrder *order;
    Row committed[SIM_KEYS];
    SimLetter letters[SIM_LETTERS];
    size_t letter_count;
    int letter_lock[SIM_KEYS], row_lock[SIM_KEYS];
    SimChange changes[SIM_CHANGES];
    size_t next; /* change */
    int stream_step, replay_step;
    bool supersedes, makes_letter;
    size_t replaying;
} Sim;

static void change_row_of(Row *row, const SimChange *c) {
    if (c->is_removal) {
        *row = (Row){false, 0, 0};
        return;
    }
    if (c->is_whole) row->b = c->b;
    row->a = c->a;
    row->is_there = true;
}

static bool has_open(const Sim *s, uint64_t key) {
    for (size_t i = 0; i < s->letter_count; i++)
        if (s->letters[i].is_open && s->letters[i].change.key == key) return true;
    return false;
}

static bool lock(int *place, int who) {
    if (*place != 0 && *place != who) return false;
    *place = who;
    return true;
}

static void unlock_all(Sim *s, int who) {
    for (size_t k = 0; k < SIM_KEYS; k++) {
        if (s->letter_lock[k] == who) s->letter_lock[k] = 0;
        if (s->row_lock[k] == who) s->row_lock[k] = 0;
    }
}

static void reload(Sim *s) {
    uint64_t keys[SIM_KEYS];
    size_t n = 0;
    for (uint64_t k = 0; k < SIM_KEYS; k++)
        if (has_open(s, k)) keys[n++] = k;
    dead_order_load(s->order, keys, n);
}

static void stream_end(Sim *s, bool is_committed) {
    const SimChange *c = &s->changes[s->next];
    if (is_committed) {
        for (size_t i = 0; s->supersedes && i < s->letter_count; i++)
            if (s->letters[i].change.key == c->key) s->letters[i].is_open = false;
        if (s->makes_letter) s->letters[s->letter_count++] = (SimLetter){*c, true};
        else change_row_of(&s->committed[c->key], c);
        dead_order_committed(s->order);
        s->next++;
    } else if (s->broken != BREAK_UNDO) dead_order_undo(s->order, 0);
    unlock_all(s, 1);
    s->stream_step = 0;
}

/* Its letters' locks, then the row's, then the end. */
static void stream_move(Sim *s) {
    const SimChange *c = &s->changes[s->next];
    if (s->next == SIM_CHANGES) return;
    if (s->stream_step == 0) {
        bool is_known = dead_order_has(s->order, c->key);
        if (is_known && s->broken != BREAK_LOCK && !lock(&s->letter_lock[c->key], 1)) return;
        s->supersedes = s->makes_letter = false;
        bool is_whole = c->is_whole || c->is_removal || s->broken == BREAK_HOLD;
        DeadVerdict v = dead_order_change(s->order, c->key, is_whole);
        s->supersedes = v == DEAD_SUPERSEDE && c->is_whole | c->is_removal && s->broken != BREAK_SUPERSEDE;
        s->makes_letter = v == DEAD_HOLD && has_open(s, c->key);
        if (v == DEAD_HOLD && !s->makes_letter) dead_order_closed(s->order, c->key);
        s->stream_step = 1;
    } else if (s->stream_step == 1) {
        if (!s->makes_letter && c->is_bad) {
            s->makes_letter = true;
            s->supersedes = false; /* the savepoint is rolled back, and with it the mark */
            dead_order_refused(s->order, c->key);
        }
        if (!s->makes_letter && !lock(&s->row_lock[c->key], 1)) return;
        s->stream_step = 2;
    } else {
        bool is_lost = rng_chance(&s->rng, 15);
        stream_end(s, !is_lost);
        if (is_lost && rng_chance(&s->rng, 50)) reload(s); /* a new connection, or process */
    }
}

static bool may_replay(const Sim *s) {
    uint64_t keys[SIM_LETTERS];
    bool is_open[SIM_LETTERS];
    for (size_t i = 0; i < s->letter_count; i++) {
        keys[i] = s->letters[i].change.key;
        is_open[i] = s->letters[i].is_open;
    }
    if (s->broken == BREAK_ELDER) return is_open[s->replaying];
    return dead_order_may_replay(keys, is_open, s->replaying);
}

static void replay_move(Sim *s) {
    if (s->letter_count == 0) return;
    if (s->replay_step == 0) s->replaying = rng_below(&s->rng, s->letter_count);
    SimLetter *l = &s->letters[s->replaying];
    if (s->replay_step == 0) {
        if (!l->is_open || !lock(&s->letter_lock[l->change.key], 2)) return;
        s->replay_step = may_replay(s) ? 1 : 0;
        if (s->replay_step == 0) unlock_all(s, 2);
    } else if (s->replay_step == 1) {
        if (lock(&s->row_lock[l->change.key], 2)) s->replay_step = 2;
    } else {
        if (rng_chance(&s->rng, 70)) { /* else refused again, or cut */
            change_row_of(&s->committed[l->change.key], &l->change);
            l->is_open = false;
        }
        unlock_all(s, 2);
        s->replay_step = 0;
    }
}

/* Whether, when all letters are replayed, the target holds what the source does. */
static bool schedule_holds(uint64_t seed, Break broken) {
    Sim s = {.broken = broken, .order = dead_order_new()};
    Row source[SIM_KEYS] = {{0}};
    rng_seed(&s.rng, seed);
    for (size_t i = 0; i < SIM_CHANGES; i++) {
        SimChange *c = &s.changes[i];
        *c = (SimChange){.key = rng_below(&s.rng, SIM_KEYS), .a = (int)i + 1, .b = 100 + (int)i};
        bool is_there = source[c->key].is_there;
        c->is_removal = is_there && rng_chance(&s.rng, 15);
        c->is_whole = !is_there || rng_chance(&s.rng, 50);
        c->is_bad = rng_chance(&s.rng, 40);
        change_row_of(&source[c->key], c);
    }
    while (s.next < SIM_CHANGES || s.replay_step != 0) {
        if (rng_chance(&s.rng, 60)) stream_move(&s);
        else replay_move(&s);
    }
    for (int i = 0; i < 5000; i++) replay_move(&s);
    bool ok = true;
    for (uint64_t k = 0; k < SIM_KEYS; k++)
        ok = ok && !has_open(&s, k) && memcmp(&source[k].a, &s.committed[k].a, 2 * sizeof(int)) == 0 &&
             source[k].is_there == s.committed[k].is_there;
    dead_order_free(s.order);
    return ok;
}

static void after_any_interleaving_the_target_holds_what_the_source_does(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < SIM_SCHEDULES; seed++)
        if (!schedule_holds(seed, BREAK_NONE)) fail_msg("seed %llu", (unsigned long long)seed);
}

static void each_rule_left_out_is_found_out(void **state) {
    (void)state;
    for (int broken = BREAK_NONE + 1; broken < BREAKS; broken++) {
        bool is_found = false;
        for (uint64_t seed = 0; seed < SIM_SCHEDULES && !is_found; seed++)
            is_found = !schedule_holds(seed, (Break)broken);
        if (!is_found) fail_msg("break %d isn't found", broken);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_letters_every_change_is_applied),
        cmocka_unit_test(a_whole_change_supersedes_and_a_partial_one_is_held),
        cmocka_unit_test(what_is_rolled_back_is_taken_back),
        cmocka_unit_test(a_long_random_run_agrees_with_a_plain_set),
        cmocka_unit_test(a_letter_is_replayed_only_behind_the_older_ones_of_its_key),
        cmocka_unit_test(after_any_interleaving_the_target_holds_what_the_source_does),
        cmocka_unit_test(each_rule_left_out_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
