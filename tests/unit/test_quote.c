#include "base/mem.h"
#include "standin/builtin/quote.h"
#include "test.h"

static void a_closing_bracket_is_doubled(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf out = {0};
    quote_name(STR_LIT("a]b[c"), &out);
    assert_string_equal(buf_text(&out), "[a]]b[c]");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_closing_bracket_is_doubled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
