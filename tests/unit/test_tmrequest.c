#include "standin/tds/tmrequest.h"

#include "base/mem.h"
#include "test.h"

static TmRequest take(const char *bytes, size_t n) {
    static Arena a;
    TmRequest r = {0};
    Err e = {0};
    Cursor c = cursor_over(bytes, n);
    arena_clear(&a);
    if (!tmrequest_read(&c, &a, &r, &e)) fail_msg("%s", e.msg);
    assert_int_equal(cursor_left(&c), 0);
    return r;
}

static void the_forms_seen_on_the_wire_are_read(void **state) {
    (void)state;
    TmRequest r = take("\5\0\2\0", 4);
    assert_int_equal(r.what, SESSION_TM_BEGIN);
    assert_int_equal(r.isolation, 2);
    r = take("\7\0\0\1\0\0", 6); /* python-tds: commit and begin anew */
    assert_int_equal(r.what, SESSION_TM_COMMIT);
    assert_true(r.begin_anew);
    r = take("\x08\0\0\0", 4);
    assert_int_equal(r.what, SESSION_TM_ROLLBACK);
    assert_false(r.begin_anew);
    r = take("\x09\0\4s\0p\0", 7);
    assert_int_equal(r.what, SESSION_TM_SAVE);
    assert_int_equal(r.name.n, 2);
}

static void distributed_transactions_are_told_apart(void **state) {
    (void)state;
    for (char request = 0; request < 7; request++) {
        char bytes[] = {request, 0, 0, 0};
        TmRequest r = {0};
        Err e;
        CLEANUP(arena_done) Arena a = {0};
        Cursor c = cursor_over(bytes, sizeof bytes);
        bool is_read = tmrequest_read(&c, &a, &r, &e);
        assert_int_equal(is_read, request <= 1 || request >= 5);
        assert_int_equal(r.is_distributed, request <= 1 || request == 6);
    }
}

static void others_and_short_ones_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {{"\2\0", 2}, {"\1", 1}, {"\5\0\7\0", 4}, {"\5\0", 2}, {"\x08\0\4s\0", 5}, {"\7\0\0\1", 4}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CLEANUP(arena_done) Arena a = {0};
        TmRequest r;
        Err e = {0};
        Cursor c = cursor_over(bad[i].bytes, bad[i].n);
        assert_false(tmrequest_read(&c, &a, &r, &e));
        assert_int_equal(e.code, ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_forms_seen_on_the_wire_are_read),
        cmocka_unit_test(distributed_transactions_are_told_apart),
        cmocka_unit_test(others_and_short_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
