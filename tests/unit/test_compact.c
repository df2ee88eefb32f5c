#include "postgres/compact.h"

#include <string.h>

#include "base/rng.h"
#include "test.h"

enum { WIDTH = 3 };

static const CompactKey ID[] = {{0, FORM_INT}};
static const CompactKey ID_NAME[] = {{0, FORM_INT}, {1, FORM_TEXT}};
static const CompactKey ALL[] = {{0, FORM_INT}, {1, FORM_TEXT}, {2, FORM_INT}};

static CompactTable keyed(void) {
    return (CompactTable){.key = ID, .key_count = 1, .column_count = WIDTH, .what = "dbo.t"};
}

static const Value *row(int64_t id, const char *name, int64_t n) {
    static Value rows[100][WIDTH];
    static size_t next;
    Value *r = rows[next++ % 100];
    r[0] = value_int(id);
    r[1] = name ? value_bytes(name, (uint32_t)strlen(name)) : value_null();
    r[2] = value_int(n);
    return r;
}

static void add(Compact *c, CompactTable *t, const Value *r, bool is_removed) {
    Err e = {0};
    assert_true(compact_add(c, t, r, is_removed, &e));
}

static size_t finish(Compact *c) {
    CompactTable **tables;
    size_t n;
    compact_finish(c, &tables, &n);
    return n;
}

static void the_last_state_of_each_key_is_left(void **state) {
    (void)state;
    Compact *c = compact_new();
    CompactTable t = keyed();
    add(c, &t, row(1, "a", 1), false);
    add(c, &t, row(2, "b", 1), false);
    add(c, &t, row(1, "c", 2), false);
    add(c, &t, row(2, "b", 1), true);
    add(c, &t, row(3, "d", 1), true);
    add(c, &t, row(3, "d", 5), false);
    assert_int_equal(finish(c), 1);
    assert_int_equal(t.put_count, 2);
    assert_int_equal(t.puts[0][2].v.i, 2);
    assert_int_equal(t.puts[1][2].v.i, 5);
    assert_int_equal(t.gone_count, 1);
    assert_int_equal(t.gone[0][0].v.i, 2);
    compact_free(c);
}

static void what_a_later_change_does_not_carry_comes_from_the_earlier(void **state) {
    (void)state;
    Compact *c = compact_new();
    CompactTable t = keyed();
    Value later[WIDTH] = {value_int(1), {.flags = VALUE_ABSENT}, value_int(9)};
    add(c, &t, row(1, "kept", 1), false);
    add(c, &t, later, false);
    (void)finish(c);
    assert_true(str_eq_c(value_str(&t.puts[0][1]), "kept"));
    assert_int_equal(t.puts[0][2].v.i, 9);
    assert_true(value_is_absent(&later[1]));
    compact_clear(c);
    add(c, &t, row(1, "gone", 1), true); /* nothing is taken from a removed row */
    add(c, &t, later, false);
    (void)finish(c);
    assert_true(value_is_absent(&t.puts[0][1]));
    compact_free(c);
}

static void a_value_that_was_not_read_is_carried_as_it_is_and_equal_to_nothing(void **state) {
    (void)state;
    static const ValueFault fault = {.why = "too large", .bytes = -1};
    Compact *c = compact_new();
    CompactTable t = keyed(), by_name = {.key = ID_NAME, .key_count = 2, .column_count = WIDTH};
    const Value unread[WIDTH] = {value_int(1), value_unreadable(&fault), value_int(9)};
    const Value later[WIDTH] = {value_int(1), {.flags = VALUE_ABSENT}, value_int(10)};
    add(c, &t, row(1, "older", 1), false);
    add(c, &t, unread, false);
    (void)finish(c);
    assert_true(value_is_unreadable(&t.puts[0][1])); /* not filled with the older one */
    compact_clear(c);
    add(c, &t, unread, false);
    add(c, &t, later, false);
    (void)finish(c);
    assert_true(value_is_unreadable(&t.puts[0][1])); /* nobody knows what the row holds */
    compact_clear(c);
    add(c, &by_name, unread, false);
    add(c, &by_name, unread, false);
    assert_false(compact_has(c, &by_name, unread));
    assert_false(compact_has(c, &by_name, row(1, NULL, 9)));
    (void)finish(c);
    assert_int_equal(by_name.put_count, 2);
    compact_free(c);
}

static void keys_of_two_tables_and_of_several_columns_are_apart(void **state) {
    (void)state;
    Compact *c = compact_new();
    CompactTable a = keyed(), b = {.key = ID_NAME, .key_count = 2, .column_count = WIDTH};
    add(c, &a, row(1, "x", 1), false);
    add(c, &b, row(1, "x", 1), false);
    add(c, &b, row(1, "y", 1), false);
    add(c, &b, row(1, NULL, 1), false);
    add(c, &b, row(1, "", 1), false);
    assert_true(compact_has(c, &b, row(1, "y", 7)));
    assert_false(compact_has(c, &b, row(1, "z", 7)));
    assert_int_equal(finish(c), 2);
    assert_int_equal(a.put_count, 1);
    assert_int_equal(b.put_count, 4);
    compact_free(c);
}

static void a_bag_counts_equal_rows(void **state) {
    (void)state;
    Compact *c = compact_new();
    CompactTable t = {
        .key = ALL, .key_count = 3, .column_count = WIDTH, .is_bag = true, .is_bag_whole = true};
    for (int i = 0; i < 3; i++) add(c, &t, row(1, "a", 1), false);
    add(c, &t, row(1, "a", 1), true); /* one of those that came */
    for (int i = 0; i < 2; i++) add(c, &t, row(2, "b", 1), true);
    add(c, &t, row(2, "b", 1), false); /* one of those that went */
    (void)finish(c);
    assert_int_equal(t.put_count, 2);
    assert_int_equal(t.gone_count, 1);
    assert_int_equal(t.gone_times[0], 1);
    compact_free(c);
}

static void a_bag_never_guesses_among_rows_that_differ_unseen(void **state) {
    (void)state;
    Compact *c = compact_new();
    CompactTable t = {.key = ID, .key_count = 1, .column_count = WIDTH, .is_bag = true, .what = "dbo.t"};
    Err e = {0};
    add(c, &t, row(1, "a", 1), false);
    add(c, &t, row(1, "b", 1), false);
    assert_false(compact_add(c, &t, row(1, NULL, 1), /* is_removed= */ true, &e));
    assert_int_equal(e.code, ERR_DATA);
    compact_free(c);
}

/* Against a plain array of states, through growth and clearing. */
static void many_changes_end_in_the_same_state_as_one_by_one(void **state) {
    (void)state;
    enum { KEYS = 5000, CHANGES = 20000 };
    static Value rows[CHANGES][WIDTH];
    static int64_t last[KEYS]; /* value, 0 = untouched, -1 = removed */
    Compact *c = compact_new();
    CompactTable t = keyed();
    Rng rng;
    rng_seed(&rng, 7);
    for (int round = 0; round < 3; round++) {
        memset(last, 0, sizeof last);
        compact_clear(c);
        for (int64_t i = 0; i < CHANGES; i++) {
            int64_t key = (int64_t)rng_below(&rng, KEYS);
            bool is_removed = rng_chance(&rng, 30);
            Value *r = rows[i];
            r[0] = value_int(key);
            r[1] = value_null();
            r[2] = value_int(i + 1);
            last[key] = is_removed ? -1 : i + 1;
            add(c, &t, r, is_removed);
        }
        (void)finish(c);
        size_t puts = 0, gone = 0;
        for (size_t k = 0; k < KEYS; k++) puts += last[k] > 0, gone += last[k] < 0;
        assert_int_equal(t.put_count, puts);
        assert_int_equal(t.gone_count, gone);
        for (size_t i = 0; i < puts; i++) assert_int_equal(t.puts[i][2].v.i, last[t.puts[i][0].v.i]);
        for (size_t i = 0; i < gone; i++) assert_int_equal(last[t.gone[i][0].v.i], -1);
    }
    compact_free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_state_of_each_key_is_left),
        cmocka_unit_test(what_a_later_change_does_not_carry_comes_from_the_earlier),
        cmocka_unit_test(a_value_that_was_not_read_is_carried_as_it_is_and_equal_to_nothing),
        cmocka_unit_test(keys_of_two_tables_and_of_several_columns_are_apart),
        cmocka_unit_test(a_bag_counts_equal_rows),
        cmocka_unit_test(a_bag_never_guesses_among_rows_that_differ_unseen),
        cmocka_unit_test(many_changes_end_in_the_same_state_as_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
