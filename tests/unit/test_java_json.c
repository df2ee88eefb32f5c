/* Texts as Jackson escapes them. */
#include "test.h"

#include "convert/java_json.h"

static void control_characters_are_escaped_and_nothing_else(void **state) {
    (void)state;
    Buf b = {0};
    java_json_text(STR_LIT("a\"b\\c/\n\t\b\f\r\x01\x0b\x1f é"), &b);
    assert_string_equal(buf_text(&b), "\"a\\\"b\\\\c/\\n\\t\\b\\f\\r\\u0001\\u000B\\u001F é\"");
    buf_done(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(control_characters_are_escaped_and_nothing_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
