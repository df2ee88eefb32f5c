#include "base/utf.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* One character in both forms; at every boundary of the encodings. */
static const struct {
    const char *utf8, *utf16;
    size_t n8, n16;
} CHARS[] = {
    {"\x00", "\x00\x00", 1, 2},
    {"\x7f", "\x7f\x00", 1, 2},
    {"\xc2\x80", "\x80\x00", 2, 2},
    {"\xc3\xbf", "\xff\x00", 2, 2},
    {"\xc4\x80", "\x00\x01", 2, 2},
    {"\xdf\xbf", "\xff\x07", 2, 2},
    {"\xe0\xa0\x80", "\x00\x08", 3, 2},
    {"\xed\x9f\xbf", "\xff\xd7", 3, 2},
    {"\xee\x80\x80", "\x00\xe0", 3, 2},
    {"\xef\xbf\xbd", "\xfd\xff", 3, 2},
    {"\xef\xbf\xbf", "\xff\xff", 3, 2},
    {"\xf0\x90\x80\x80", "\x00\xd8\x00\xdc", 4, 4},
    {"\xf0\x9f\x98\x80", "\x3d\xd8\x00\xde", 4, 4},
    {"\xf4\x8f\xbf\xbf", "\xff\xdb\xff\xdf", 4, 4},
};

/* Each character, at each place from 0 to 40 in ASCII text, so in every lane of the fast path. */
static void every_boundary_converts_both_ways_at_every_place(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(CHARS); i++) {
        for (size_t place = 0; place <= 40; place++) {
            CLEANUP(buf_done) Buf want8 = {0};
            CLEANUP(buf_done) Buf want16 = {0};
            CLEANUP(buf_done) Buf got16 = {0};
            for (size_t k = 0; k <= 40; k++) {
                buf_add(&want8, k == place ? CHARS[i].utf8 : "a", k == place ? CHARS[i].n8 : 1);
                buf_add(&want16, k == place ? CHARS[i].utf16 : "a\0", k == place ? CHARS[i].n16 : 2);
            }
            size_t units = utf_8_to_16le(buf_view(&want8), &got16);
            assert_int_equal(units, want16.n / 2);
            assert_int_equal(got16.n, want16.n);
            assert_memory_equal(got16.p, want16.p, want16.n);
            assert_int_equal(utf_units16(buf_view(&want8)), units);
            assert_true(utf_valid8(buf_view(&want8)));
            CLEANUP_FREE char *got8 = x_malloc(UTF_MAX8(want16.n));
            size_t bad = 0;
            assert_int_equal(utf_16le_to_8(want16.p, want16.n, got8, &bad), want8.n);
            assert_memory_equal(got8, want8.p, want8.n);
            assert_int_equal(bad, 0);
        }
    }
}

static void every_code_point_goes_there_and_back(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf utf16 = {0};
    for (uint32_t c = 0; c <= 0x10ffff; c++) {
        if (c >= 0xd800 && c <= 0xdfff) continue;
        if (c >= 0x10000) {
            buf_le16(&utf16, (uint16_t)(0xd800 + ((c - 0x10000) >> 10)));
            buf_le16(&utf16, (uint16_t)(0xdc00 + ((c - 0x10000) & 0x3ff)));
        } else {
            buf_le16(&utf16, (uint16_t)c);
        }
    }
    CLEANUP_FREE char *utf8 = x_malloc(UTF_MAX8(utf16.n));
    size_t bad = 0, n8 = utf_16le_to_8(utf16.p, utf16.n, utf8, &bad);
    assert_int_equal(bad, 0);
    assert_int_equal(n8, 0x80 + (0x800 - 0x80) * 2 + (0x10000 - 0x800 - 0x800) * 3 + 0x100000 * 4);
    assert_true(utf_valid8((Str){utf8, n8}));
    CLEANUP(buf_done) Buf back = {0};
    assert_int_equal(utf_8_to_16le((Str){utf8, n8}, &back), utf16.n / 2);
    assert_memory_equal(back.p, utf16.p, utf16.n);
}

static void unpaired_surrogates_become_the_replacement_and_are_counted(void **state) {
    (void)state;
    static const struct {
        const char *utf16;
        size_t n;
        const char *utf8;
        size_t bad;
    } cases[] = {
        {"\x00\xd8", 2, "\xef\xbf\xbd", 1}, /* high at the end */
        {"\x00\xdc", 2, "\xef\xbf\xbd", 1}, /* low alone */
        {"\x00\xd8"
         "a\0",
         4,
         "\xef\xbf\xbd"
         "a",
         1}, /* high before another character */
        {"\x00\xd8\x00\xd8\x00\xdc", 6, "\xef\xbf\xbd\xf0\x90\x80\x80", 1}, /* high before a pair */
        {"\x00\xdc\x00\xd8", 4, "\xef\xbf\xbd\xef\xbf\xbd", 2},             /* the wrong way round */
        {"a\0b", 3, "a", 1},                                                /* an odd byte */
        {"", 0, "", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[16];
        size_t bad = 0, n = utf_16le_to_8(cases[i].utf16, cases[i].n, out, &bad);
        assert_int_equal(n, strlen(cases[i].utf8));
        assert_memory_equal(out, cases[i].utf8, n);
        assert_int_equal(bad, cases[i].bad);
        assert_int_equal(utf_16le_to_8(cases[i].utf16, cases[i].n, out, NULL), n);
    }
}

static void malformed_utf8_is_found_and_replaced_by_maximal_subparts(void **state) {
    (void)state;
    static const struct {
        const char *utf8;
        size_t replaced; /* number of U+FFFD, which is all but a last 'x' */
    } cases[] = {
        {"\x80", 1},             /* a tail alone */
        {"\xc0\x80", 2},         /* overlong NUL */
        {"\xc1\xbf", 2},         /* overlong */
        {"\xe0\x9f\xbf", 3},     /* overlong */
        {"\xf0\x8f\xbf\xbf", 4}, /* overlong */
        {"\xed\xa0\x80", 3},     /* surrogate */
        {"\xed\xbf\xbf", 3},     /* surrogate */
        {"\xf4\x90\x80\x80", 4}, /* past U+10FFFF */
        {"\xf5\x80\x80\x80", 4},
        {"\xff", 1},
        {"\xfe", 1},
        {"\xc3", 1}, /* cut short */
        {"\xe2\x82", 1},
        {"\xf0\x9f\x98", 1},
        {"\xf0\x9f", 1},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t before = 0; before < 20; before++) {
            CLEANUP(buf_done) Buf text = {0};
            CLEANUP(buf_done) Buf out = {0};
            buf_printf(&text, "%.*s%s", (int)before, "aaaaaaaaaaaaaaaaaaaa", cases[i].utf8);
            assert_false(utf_valid8(buf_view(&text)));
            buf_cstr(&text, "x");
            assert_false(utf_valid8(buf_view(&text)));
            size_t units = utf_8_to_16le(buf_view(&text), &out);
            assert_int_equal(units, before + cases[i].replaced + 1);
            assert_int_equal(utf_units16(buf_view(&text)), units);
            for (size_t k = before; k + 1 < units; k++) assert_memory_equal(out.p + 2 * k, "\xfd\xff", 2);
            assert_memory_equal(out.p + 2 * (units - 1), "x\0", 2);
        }
    }
}

static void output_never_passes_its_stated_bound(void **state) {
    (void)state;
    for (size_t n = 0; n < 100; n++) { /* exact allocations: AddressSanitizer watches the ends */
        CLEANUP_FREE uint8_t *utf16 = x_malloc(n);
        for (size_t i = 0; i < n; i++) utf16[i] = (uint8_t)(n % 3 ? 'a' * (i % 2 == 0) : 0xff);
        CLEANUP_FREE char *out = x_malloc(UTF_MAX8(n));
        assert_in_range(utf_16le_to_8(utf16, n, out, NULL), 0, UTF_MAX8(n));
        CLEANUP(buf_done) Buf back = {0};
        (void)utf_8_to_16le((Str){(const char *)utf16, n}, &back);
        assert_in_range(back.n, 0, 2 * n);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_boundary_converts_both_ways_at_every_place),
        cmocka_unit_test(every_code_point_goes_there_and_back),
        cmocka_unit_test(unpaired_surrogates_become_the_replacement_and_are_counted),
        cmocka_unit_test(malformed_utf8_is_found_and_replaced_by_maximal_subparts),
        cmocka_unit_test(output_never_passes_its_stated_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
