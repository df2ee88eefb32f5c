/* What is asked of servers is for the tests of topics. */
#include "cli/topic_passed.h"

#include "test.h"

static char topic[] = "t", other[] = "u";

static GroupLag lag(GroupPart *parts, size_t count) {
    return (GroupLag){.parts = parts, .part_count = count};
}

static void a_group_is_beyond_ends_that_it_has_committed(void **state) {
    (void)state;
    GroupPart then[] = {{.topic = topic, .end = 5}, {.topic = topic, .partition = 1, .end = 2}};
    GroupPart now[] = {{.topic = topic, .committed = 5, .end = 9, .ahead = 4},
                       {.topic = topic, .partition = 1, .committed = 1, .end = 2, .ahead = 1}};
    const GroupLag ends = lag(then, 2), at = lag(now, 2);
    assert_false(topic_passed_is_beyond(&at, &ends));
    now[1].committed = 2;
    assert_true(topic_passed_is_beyond(&at, &ends));
}

static void a_transactions_mark_at_the_end_is_nothing_that_waits(void **state) {
    (void)state;
    GroupPart then[] = {{.topic = topic, .end = 5}};
    GroupPart now[] = {{.topic = topic, .committed = 4, .end = 5}};
    const GroupLag ends = lag(then, 1), at = lag(now, 1);
    assert_false(topic_passed_is_beyond(&at, &ends)); /* nobody has looked */
    now[0].is_looked_into = true;
    assert_true(topic_passed_is_beyond(&at, &ends));
}

static void a_partition_that_isnt_there_any_more_proves_nothing(void **state) {
    (void)state;
    GroupPart then[] = {{.topic = topic, .end = 0}}, now[] = {{.topic = other, .is_looked_into = true}};
    const GroupLag ends = lag(then, 1), at = lag(now, 1);
    assert_false(topic_passed_is_beyond(&at, &ends));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_beyond_ends_that_it_has_committed),
        cmocka_unit_test(a_transactions_mark_at_the_end_is_nothing_that_waits),
        cmocka_unit_test(a_partition_that_isnt_there_any_more_proves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
