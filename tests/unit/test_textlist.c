#include "config/textlist.h"

#include "base/mem.h"
#include "test.h"

static void texts_are_copied_and_end_in_null(void **state) {
    (void)state;
    CLEANUP(textlist_done) TextList l = {0};
    for (int i = 0; i < 100; i++) {
        textlist_printf(&l, "number %d", i);
        assert_int_equal(l.count, i + 1);
        assert_null(l.items[l.count]);
    }
    assert_string_equal(l.items[0], "number 0");
    assert_string_equal(l.items[99], "number 99");
    assert_true(textlist_has(&l, STR_LIT("number 7")));
    assert_false(textlist_has(&l, STR_LIT("number")));
    textlist_done(&l);
    assert_null(l.items);
}

static void split_cuts_at_commas_as_kafka_does(void **state) {
    (void)state;
    CLEANUP(textlist_done) TextList l = {0};
    textlist_split(&l, STR_LIT("  "));
    assert_int_equal(l.count, 0);
    textlist_split(&l, STR_LIT(" a , b c,,d "));
    assert_int_equal(l.count, 4);
    assert_string_equal(l.items[0], "a");
    assert_string_equal(l.items[1], "b c");
    assert_string_equal(l.items[2], "");
    assert_string_equal(l.items[3], "d");
    textlist_split(&l, STR_LIT("e,"));
    assert_int_equal(l.count, 6);
    assert_string_equal(l.items[5], "");
}

static void a_list_is_added_to_another_or_to_none(void **state) {
    (void)state;
    CLEANUP(textlist_done) TextList l = {0}, more = {0};
    textlist_add(&l, STR_LIT("a"));
    textlist_split(&more, STR_LIT("b,c"));
    textlist_add_all(&l, &more);
    textlist_add_all(NULL, &more);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.items[2], "c");
    assert_int_equal(more.count, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_copied_and_end_in_null),
        cmocka_unit_test(split_cuts_at_commas_as_kafka_does),
        cmocka_unit_test(a_list_is_added_to_another_or_to_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
