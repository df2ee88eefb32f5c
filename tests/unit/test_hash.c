#include "base/hash.h"

#include "test.h"

static void hashes_are_the_stored_ones(void **state) {
    (void)state;
    /* XXH3-64 of xxHash's specification; and ours. Targets hold such values: they must never change. */
    assert_true(hash_bytes("", 0, 0) == 0x2d06800538d394c2);
    assert_true(hash_bytes(NULL, 0, 0) == 0x2d06800538d394c2);
    assert_true(hash_bytes("abc", 3, 0) == 0x78af5f94892f3950);
    assert_true(hash_mix(1, 2) == 0xf8f76353b6d877c5);
    assert_true(hash_mix(0, 0) == 0);
}

static void seed_and_order_matter(void **state) {
    (void)state;
    assert_true(hash_bytes("abc", 3, 0) != hash_bytes("abc", 3, 1));
    assert_true(hash_mix(1, 2) != hash_mix(2, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_are_the_stored_ones),
        cmocka_unit_test(seed_and_order_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
