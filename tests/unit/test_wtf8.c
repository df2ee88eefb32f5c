#include "standin/types/wtf8.h"

#include "test.h"

#define FACE "\xf0\x9f\x98\x80" /* U+1F600 */

static void text_goes_to_utf16_and_back(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "a",
                                        "12345678",
                                        "123456789abcdefg!",
                                        "gr\xc3\xbc\xc3\x9f",
                                        "abcdefgh" FACE "ij",
                                        "\xe2\x82\xac",
                                        "12345678\xc3\xa9"
                                        "12345678"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        uint8_t utf16[128];
        char back[128];
        Str s = str_from(texts[i]);
        size_t n = wtf8_to_utf16le(s, utf16);
        assert_int_equal(n, 2 * wtf8_units(s));
        size_t m = wtf8_from_utf16le(utf16, n, back);
        assert_int_equal(m, s.n);
        assert_memory_equal(back, s.p, m);
    }
}

static void an_unpaired_surrogate_survives(void **state) {
    (void)state;
    static const uint8_t utf16[] = {'a', 0, 0x3d, 0xd8, 'b', 0, 0x00, 0xde, 0x3d, 0xd8};
    char text[32];
    uint8_t back[64];
    size_t n = wtf8_from_utf16le(utf16, sizeof utf16, text);
    assert_int_equal(n, 11);
    size_t m = wtf8_to_utf16le((Str){text, n}, back);
    assert_int_equal(m, sizeof utf16);
    assert_memory_equal(back, utf16, m);
}

static void malformed_bytes_become_replacement_characters(void **state) {
    (void)state;
    static const char *const bad[] = {"\x80", "\xc3", "\xc0\x80", "\xe2\x82", "\xf5\x80\x80\x80", "\xff"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t at = 0;
        assert_int_equal(wtf8_next(str_from(bad[i]), &at), 0xfffd);
        assert_int_equal(at, 1);
    }
}

static void slices_count_utf16_units_and_may_cut_a_pair(void **state) {
    (void)state;
    Arena a = {0};
    Str s = STR_LIT("ab" FACE "cd");
    assert_int_equal(wtf8_units(s), 6);
    assert_true(str_eq_c(wtf8_prefix(s, 2, &a), "ab"));
    assert_true(str_eq_c(wtf8_prefix(s, 3, &a), "ab\xed\xa0\xbd"));
    assert_true(str_eq_c(wtf8_prefix(s, 4, &a), "ab" FACE));
    assert_true(str_eq_c(wtf8_slice(s, 3, 2, &a), "\xed\xb8\x80"
                                                  "c"));
    assert_true(str_eq_c(wtf8_slice(s, 4, 99, &a), "cd"));
    assert_int_equal(wtf8_slice(s, 9, 3, &a).n, 0);
    assert_true(str_eq_c(wtf8_slice(s, 1, 0, &a), ""));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_goes_to_utf16_and_back),
        cmocka_unit_test(an_unpaired_surrogate_survives),
        cmocka_unit_test(malformed_bytes_become_replacement_characters),
        cmocka_unit_test(slices_count_utf16_units_and_may_cut_a_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
