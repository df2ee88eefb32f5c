#include "standin/bind/message_format.h"
#include "test.h"

#include "base/mem.h"

static MessageArg number(int64_t n) {
    return (MessageArg){VALUE_OF_INT(n), {.id = TYPE_INT}};
}

static MessageArg text(const char *s) {
    return (MessageArg){VALUE_OF_TEXT(str_from(s)), {.id = TYPE_VARCHAR, .length = 10}};
}

static void check(const char *format, const MessageArg *args, size_t count, const char *wanted) {
    CLEANUP(buf_done) Buf out = {0};
    SqlError e = {0};
    if (!messageformat_text(str_from(format), args, count, &out, &e)) fail_msg("%s", e.text);
    assert_string_equal(buf_text(&out), wanted);
}

static void directives_are_replaced(void **state) {
    (void)state;
    MessageArg args[] = {number(42), text("ab"), number(-1)};
    check("%d %s %x 100%%", args, 3, "42 ab ffffffff 100%");
    check("[%5d] [%-4s] [%i]", args, 3, "[   42] [ab  ] [-1]");
    MessageArg starred[] = {number(6), number(2), text("xyz")};
    check("<%*.*s>", starred, 3, "<    xy>");
}

static void absent_arguments_are_null(void **state) {
    (void)state;
    check("%s and %d", NULL, 0, "(null) and (null)");
}

static void other_kinds_are_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    SqlError e = {0};
    MessageArg args[] = {text("ab")};
    assert_false(messageformat_text(STR_LIT("%d"), args, 1, &out, &e));
    assert_int_equal(e.number, 2786);
    assert_false(messageformat_text(STR_LIT("%w"), args, 1, &out, &e));
    assert_int_equal(e.number, 2787);
    assert_false(messageformat_text(STR_LIT("%"), args, 1, &out, &e));
    assert_int_equal(e.number, 2787);
    MessageArg numbers[] = {number(5)};
    e.number = 0;
    assert_false(messageformat_text((Str){"%5\0", 3}, numbers, 1, &out, &e)); /* NUL is no conversion */
    assert_int_equal(e.number, 2787);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directives_are_replaced),
        cmocka_unit_test(absent_arguments_are_null),
        cmocka_unit_test(other_kinds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
