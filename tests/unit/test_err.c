#include "base/err.h"

#include <string.h>

#include "test.h"

static void set_fills_all_fields_and_returns_false(void **state) {
    (void)state;
    Err e = {0};
    assert_false(err_set(&e, ERR_IO, true, "port %d", 1433));
    assert_int_equal(e.code, ERR_IO);
    assert_true(e.retriable);
    assert_string_equal(e.msg, "port 1433");
}

static void wrap_puts_context_before_and_keeps_the_rest(void **state) {
    (void)state;
    Err e = {0};
    (void)err_set(&e, ERR_TIMEOUT, true, "no answer");
    e.retry_until_us = 7;
    assert_false(err_wrap(&e, "table %s", "dbo.Orders"));
    assert_string_equal(e.msg, "table dbo.Orders: no answer");
    assert_int_equal(e.code, ERR_TIMEOUT);
    assert_true(e.retriable);
    assert_int_equal(e.retry_until_us, 7);
    (void)err_set(&e, ERR_IO, true, "another failure");
    assert_int_equal(e.retry_until_us, 0);
}

static void the_old_message_may_be_an_argument(void **state) {
    (void)state;
    Err e = {0};
    (void)err_set(&e, ERR_IO, false, "first");
    (void)err_set(&e, ERR_DATA, false, "then %s", e.msg);
    assert_string_equal(e.msg, "then first");
}

static void a_message_is_one_line(void **state) {
    (void)state;
    Err e = {0};
    (void)err_set(&e, ERR_IO, false, "ERROR: a\r\nDETAIL:\tb");
    assert_string_equal(e.msg, "ERROR: a  DETAIL: b");
}

static void a_long_message_is_cut_between_characters(void **state) {
    (void)state;
    for (int shift = 0; shift < 4; shift++) {
        char text[2 * ERR_MSG_SIZE];
        size_t n = 0;
        for (int i = 0; i < shift; i++) text[n++] = 'x';
        while (n + 5 < sizeof text) {
            memcpy(text + n, "\xf0\x9f\x98\x80", 4);
            n += 4;
        }
        text[n] = '\0';
        Err e = {0};
        (void)err_set(&e, ERR_IO, false, "%s", text);
        size_t len = strlen(e.msg);
        assert_in_range(len, ERR_MSG_SIZE - 4, ERR_MSG_SIZE - 1);
        assert_int_equal((len - (size_t)shift) % 4, 0);
    }
}

static void every_code_has_a_name(void **state) {
    (void)state;
    assert_string_equal(err_code_name(ERR_OK), "ok");
    assert_string_equal(err_code_name(ERR_FENCED), "fenced");
    for (ErrCode c = ERR_OK; c <= ERR_INTERNAL; c++) assert_string_not_equal(err_code_name(c), "unknown");
    assert_string_equal(err_code_name((ErrCode)99), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_fills_all_fields_and_returns_false),
        cmocka_unit_test(wrap_puts_context_before_and_keeps_the_rest),
        cmocka_unit_test(the_old_message_may_be_an_argument),
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
        cmocka_unit_test(every_code_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
