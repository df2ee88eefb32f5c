#include "base/rng.h"

#include "test.h"

static void the_sequence_is_the_published_one(void **state) {
    (void)state;
    Rng r = {{1, 2, 3, 4}}; /* first outputs of xoshiro256** from this state, as in its test vectors */
    static const uint64_t expected[] = {11520, 0, 1509978240, 1215971899390074240};
    for (int i = 0; i < 4; i++) assert_true(rng_u64(&r) == expected[i]);
    rng_seed(&r, 0); /* splitmix64's published first output */
    assert_true(r.s[0] == 0xe220a8397b1dcdaf);
}

static void the_same_seed_gives_the_same_numbers(void **state) {
    (void)state;
    Rng a, b, c;
    rng_seed(&a, 42);
    rng_seed(&b, 42);
    rng_seed(&c, 43);
    int unlike = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t v = rng_u64(&a);
        assert_true(v == rng_u64(&b));
        unlike += v != rng_u64(&c);
    }
    assert_int_equal(unlike, 100);
}

static void below_is_even_and_stays_below(void **state) {
    (void)state;
    Rng r;
    rng_seed(&r, 7);
    int seen[10] = {0};
    for (int i = 0; i < 100000; i++) seen[rng_below(&r, 10)]++;
    for (int i = 0; i < 10; i++) assert_in_range(seen[i], 9500, 10500);
    for (int i = 0; i < 1000; i++) {
        assert_true(rng_below(&r, 1) == 0);
        assert_true(rng_below(&r, UINT64_MAX) < UINT64_MAX);
    }
}

static void chance_is_in_percent(void **state) {
    (void)state;
    Rng r;
    rng_seed(&r, 7);
    int hits = 0;
    for (int i = 0; i < 100000; i++) {
        hits += rng_chance(&r, 30);
        assert_false(rng_chance(&r, 0));
        assert_true(rng_chance(&r, 100));
    }
    assert_in_range(hits, 29000, 31000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sequence_is_the_published_one),
        cmocka_unit_test(the_same_seed_gives_the_same_numbers),
        cmocka_unit_test(below_is_even_and_stays_below),
        cmocka_unit_test(chance_is_in_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
