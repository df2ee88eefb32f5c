/* The order of Java's HashMap, as its documentation lets one compute it. */
#include "test.h"

#include "convert/java_map.h"

static void the_hash_is_that_of_String(void **state) {
    (void)state;
    assert_int_equal(java_map_hash(STR_LIT("")), 0);
    assert_int_equal(java_map_hash(STR_LIT("a")), 97);
    assert_int_equal(java_map_hash(STR_LIT("hello")), 99162322);
    assert_int_equal(java_map_hash(STR_LIT("polygenelubricants")), INT32_MIN);
    assert_int_equal(java_map_hash(STR_LIT("é")), 233); /* UTF-16 units, not bytes */
}

static void entries_come_by_their_place(void **state) {
    (void)state;
    Str keys[] = {STR_LIT("p"), STR_LIT("b"), STR_LIT("a"), STR_LIT("P")}; /* places 0, 2, 1, 0 of 16 */
    size_t order[4];
    java_map_order(keys, 4, order);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 2);
    assert_int_equal(order[3], 1);
}

static void thirteen_entries_have_thirty_two_places(void **state) {
    (void)state;
    Str keys[13];
    static const char letters[] = "pqrstuvwxyzab"; /* 112 … : places 16 … 26 of 32, then 1, 2 */
    size_t order[13];
    for (size_t i = 0; i < 13; i++) keys[i] = (Str){letters + i, 1};
    java_map_order(keys, 12, order);
    assert_int_equal(order[0], 0); /* p at 0 of 16 */
    java_map_order(keys, 13, order);
    assert_int_equal(order[0], 11);
    assert_int_equal(order[2], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hash_is_that_of_String),
        cmocka_unit_test(entries_come_by_their_place),
        cmocka_unit_test(thirteen_entries_have_thirty_two_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
