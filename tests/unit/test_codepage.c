#include "standin/types/codepage.h"

#include "test.h"

static void every_byte_of_a_page_comes_back_as_it_went(void **state) {
    (void)state;
    static const uint16_t single[] = {437, 850, 874, 1250, 1251, 1253, 1254, 1255, 1256, 1257, 1258};
    for (size_t i = 0; i < sizeof single / sizeof *single; i++) {
        const CodePage *p = codepage_get(single[i]);
        assert_non_null(p);
        for (unsigned b = 0; b < 256; b++) {
            uint8_t byte = (uint8_t)b, out[2];
            size_t at = 0;
            uint32_t c = codepage_next(p, &byte, 1, &at);
            assert_int_equal(at, 1);
            assert_int_equal(codepage_put(p, c, out), 1);
            assert_int_equal(out[0], b);
        }
    }
}

static void double_byte_pages_know_their_characters(void **state) {
    (void)state;
    static const struct {
        uint16_t page;
        uint8_t bytes[2];
        uint32_t c;
    } known[] = {{932, {0x93, 0xfa}, 0x65e5},
                 {936, {0xc8, 0xd5}, 0x65e5},
                 {949, {0xec, 0xed}, 0x65e5},
                 {950, {0xa4, 0xe9}, 0x65e5}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const CodePage *p = codepage_get(known[i].page);
        uint8_t out[2];
        size_t at = 0;
        assert_non_null(p);
        assert_int_equal(codepage_next(p, known[i].bytes, 2, &at), known[i].c);
        assert_int_equal(at, 2);
        assert_int_equal(codepage_put(p, known[i].c, out), 2);
        assert_memory_equal(out, known[i].bytes, 2);
        at = 0;
        assert_int_equal(codepage_next(p, known[i].bytes, 1, &at), '?'); /* half of one */
        assert_int_equal(codepage_put(p, 0x10ffff, out), 0);
    }
}

static void an_unknown_page_is_none(void **state) {
    (void)state;
    assert_null(codepage_get(9999));
    assert_ptr_equal(codepage_get(1251), codepage_get(1251));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_of_a_page_comes_back_as_it_went),
        cmocka_unit_test(double_byte_pages_know_their_characters),
        cmocka_unit_test(an_unknown_page_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
