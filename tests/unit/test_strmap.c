#include "base/strmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "test.h"

enum { KEYS = 500 };

static int values[KEYS];

static Str key_of(int i, char buf[32]) {
    (void)snprintf(buf, 32, "dbo.Table_%d", i);
    return str_from(buf);
}

static void set_gives_the_former_value_and_get_the_present(void **state) {
    (void)state;
    StrMap *m = strmap_new(false);
    assert_null(strmap_get(m, STR_LIT("a")));
    assert_null(strmap_del(m, STR_LIT("a")));
    assert_null(strmap_set(m, STR_LIT("a"), &values[0]));
    assert_ptr_equal(strmap_set(m, STR_LIT("a"), &values[1]), &values[0]);
    assert_ptr_equal(strmap_get(m, STR_LIT("a")), &values[1]);
    assert_null(strmap_get(m, STR_LIT("A")));
    assert_null(strmap_set(m, STR_LIT(""), &values[2]));
    assert_ptr_equal(strmap_get(m, (Str){0}), &values[2]);
    assert_int_equal(strmap_count(m), 2);
    assert_ptr_equal(strmap_del(m, STR_LIT("a")), &values[1]);
    assert_null(strmap_get(m, STR_LIT("a")));
    assert_int_equal(strmap_count(m), 1);
    m = strmap_free(m);
    assert_null(m);
    assert_null(strmap_free(NULL));
    m = strmap_new(false);
    assert_null(strmap_set(m, STR_LIT("a"), x_strdup("a")));
    assert_null(strmap_set(m, STR_LIT("b"), x_strdup("b")));
    free(strmap_del(m, STR_LIT("a")));
    assert_null(strmap_free_all(m));
    assert_null(strmap_free_all(NULL));
}

static void keys_are_copied_and_may_hold_any_byte(void **state) {
    (void)state;
    StrMap *m = strmap_new(false);
    char key[3] = {'a', '\0', 'b'};
    (void)strmap_set(m, (Str){key, 3}, &values[0]);
    key[2] = 'c';
    assert_null(strmap_get(m, (Str){key, 3}));
    key[2] = 'b';
    assert_ptr_equal(strmap_get(m, (Str){key, 3}), &values[0]);
    assert_null(strmap_get(m, (Str){key, 1}));
    (void)strmap_free(m);
}

static void letter_case_is_ignored_where_asked_for(void **state) {
    (void)state;
    StrMap *m = strmap_new(true);
    char longer[200], upper[200];
    memset(longer, 'k', sizeof longer);
    memset(upper, 'K', sizeof upper);
    (void)strmap_set(m, STR_LIT("dbo.Orders"), &values[0]);
    (void)strmap_set(m, (Str){longer, sizeof longer}, &values[1]);
    assert_ptr_equal(strmap_get(m, STR_LIT("DBO.ORDERS")), &values[0]);
    assert_ptr_equal(strmap_get(m, (Str){upper, sizeof upper}), &values[1]);
    assert_ptr_equal(strmap_set(m, STR_LIT("dbo.orders"), &values[2]), &values[0]);
    size_t at = 0;
    Str key;
    void *value;
    assert_true(strmap_next(m, &at, &key, &value));
    assert_true(str_eq_c(key, "dbo.Orders")); /* as first written */
    (void)strmap_free(m);
}

static void walking_is_in_order_of_insertion_and_stands_removal(void **state) {
    (void)state;
    StrMap *m = strmap_new(false);
    char buf[32];
    for (int i = 0; i < 100; i++) (void)strmap_set(m, key_of(i, buf), &values[i]);
    (void)strmap_del(m, key_of(3, buf));
    (void)strmap_set(m, key_of(3, buf), &values[3]); /* goes last */
    size_t at = 0, seen = 0;
    Str key;
    void *value = NULL;
    int last = -1;
    while (strmap_next(m, &at, &key, &value)) {
        int i = (int)((int *)value - values);
        if (seen == 99) assert_int_equal(i, 3);
        else assert_true(i > last);
        last = i;
        seen++;
        if (i % 2) assert_ptr_equal(strmap_del(m, key_of(i, buf)), value);
    }
    assert_int_equal(seen, 100);
    assert_int_equal(strmap_count(m), 50);
    (void)strmap_free(m);
}

static void a_long_random_history_agrees_with_a_plain_array(void **state) {
    (void)state;
    StrMap *m = strmap_new(false);
    bool is_in[KEYS] = {false};
    size_t count = 0;
    Rng rng;
    rng_seed(&rng, 1);
    for (int step = 0; step < 50000; step++) {
        char buf[32];
        int i = (int)rng_below(&rng, KEYS);
        Str key = key_of(i, buf);
        assert_ptr_equal(strmap_get(m, key), is_in[i] ? &values[i] : NULL);
        if (rng_chance(&rng, 50)) {
            assert_ptr_equal(strmap_set(m, key, &values[i]), is_in[i] ? &values[i] : NULL);
            count += !is_in[i];
            is_in[i] = true;
        } else {
            assert_ptr_equal(strmap_del(m, key), is_in[i] ? &values[i] : NULL);
            count -= is_in[i];
            is_in[i] = false;
        }
        assert_int_equal(strmap_count(m), count);
    }
    (void)strmap_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_gives_the_former_value_and_get_the_present),
        cmocka_unit_test(keys_are_copied_and_may_hold_any_byte),
        cmocka_unit_test(letter_case_is_ignored_where_asked_for),
        cmocka_unit_test(walking_is_in_order_of_insertion_and_stands_removal),
        cmocka_unit_test(a_long_random_history_agrees_with_a_plain_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
