#include "postgres/topic_store.h"

#include <string.h>

#include "base/mem.h"
#include "pg_fixture.h"

static TopicStore *made(PgConn *c, const char *name) {
    TopicStore *s = topic_store_new(name);
    Err e = {0};
    if (!topic_store_create(s, c, &e)) fail_msg("%s", e.msg);
    return s;
}

static TopicOffset owned(TopicStore *s, PgConn *c, const char *topic, int32_t partition) {
    TopicOffset o = {.topic = topic, .partition = partition};
    Err e = {0};
    if (!topic_store_own(s, c, &o, 1, &e)) fail_msg("%s", e.msg);
    return o;
}

static bool move(TopicStore *s, PgConn *c, const TopicMove *moves, size_t count, Err *e) {
    return pgconn_pipe_begin(c, e) && topic_store_move(s, c, moves, count, e) && pgconn_pipe_end(c, e);
}

static void making_twice_keeps_the_identity(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    pg_fixture_exec(c, "DROP SCHEMA IF EXISTS millrace CASCADE");
    TopicStore *a = made(c, "a"), *b = made(c, "b");
    assert_int_equal(strlen(topic_store_target(a)), 32);
    assert_string_equal(topic_store_target(a), topic_store_target(b));
    topic_store_free(a);
    topic_store_free(b);
    pgconn_close(c);
}

static void all_partitions_move_or_none(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    TopicStore *s = made(c, "all");
    /* a topic's name has letters, digits, '.', '_' and '-'; quoting holds all the same */
    TopicOffset one = owned(s, c, "a\"b\\c,{}", 0), two = owned(s, c, "t", 7);
    assert_false(one.has_offset);
    TopicMove moves[] = {{.topic = one.topic, .partition = 0, .new = 5, .epoch = 1, .guard = {"\0\1\xff", 3}},
                         {.topic = "t", .partition = 7, .new = 0, .epoch = 1}};
    Err e = {0};
    if (!move(s, c, moves, 2, &e)) fail_msg("%s", e.msg);
    assert_true(topic_store_look(s, c, &one, 1, &e) && topic_store_look(s, c, &two, 1, &e));
    assert_true(one.has_offset && two.has_offset);
    assert_int_equal(one.offset, 5);
    assert_int_equal(two.offset, 0);
    assert_int_equal(one.guard.n, 3);
    assert_memory_equal(one.guard.p, "\0\1\xff", 3);
    assert_int_equal(two.guard.n, 0);
    moves[0] = (TopicMove){.topic = one.topic, .has_old = true, .old = 5, .new = 6, .epoch = 1};
    moves[1] = (TopicMove){.topic = "t", .partition = 7, .has_old = true, .old = 1, .new = 2, .epoch = 1};
    assert_false(move(s, c, moves, 2, &e)); /* it stands at 0 */
    assert_int_equal(e.code, ERR_FENCED);
    assert_true(topic_store_look(s, c, &one, 1, &e));
    assert_int_equal(one.offset, 5);
    buf_done(&one.guard);
    buf_done(&two.guard);
    topic_store_free(s);
    pgconn_close(c);
}

static void an_older_epoch_moves_nothing(void **state) {
    (void)state;
    PgConn *c = pg_fixture_connect();
    TopicStore *s = made(c, "old");
    TopicOffset first = owned(s, c, "t", 0), second = owned(s, c, "t", 0);
    assert_int_equal(first.epoch, 1);
    assert_int_equal(second.epoch, 2);
    const TopicMove late = {.topic = "t", .new = 3, .epoch = 1}, ours = {.topic = "t", .new = 3, .epoch = 2};
    Err e = {0};
    assert_false(move(s, c, &late, 1, &e));
    assert_int_equal(e.code, ERR_FENCED);
    assert_true(move(s, c, &ours, 1, &e));
    buf_done(&first.guard);
    buf_done(&second.guard);
    topic_store_free(s);
    pgconn_close(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(making_twice_keeps_the_identity),
        cmocka_unit_test(all_partitions_move_or_none),
        cmocka_unit_test(an_older_epoch_moves_nothing),
    };
    return cmocka_run_group_tests(tests, pg_fixture_start, pg_fixture_stop);
}
