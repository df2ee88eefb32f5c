#include "base/buf.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static void an_empty_buffer_is_zeros(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    assert_int_equal(buf_view(&b).n, 0);
    assert_string_equal(buf_text(&b), "");
    assert_int_equal(b.n, 0);
    buf_done(&b);
    assert_null(b.p);
    assert_int_equal(b.cap, 0);
}

static void text_of_any_length_is_appended(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    buf_cstr(&b, "a");
    buf_str(&b, STR_LIT("bc"));
    buf_add(&b, NULL, 0);
    buf_printf(&b, "-%d-", 42);
    buf_printf(&b, "%s", longer);
    assert_int_equal(b.n, 3 + 4 + 999);
    assert_memory_equal(buf_text(&b), "abc-42-xxx", 10);
    assert_int_equal(strlen(buf_text(&b)), b.n);
}

static void printf_fits_whatever_room_is_left(void **state) {
    (void)state;
    for (size_t n = 0; n < 200; n++) {
        CLEANUP(buf_done) Buf b = {0};
        buf_printf(&b, "%*s|", (int)n, "");
        buf_printf(&b, "%*s|", (int)n, "");
        assert_int_equal(b.n, 2 * n + 2);
        assert_int_equal(b.p[b.n - 1], '|');
        assert_int_equal(b.p[n], '|');
    }
}

static void numbers_are_written_in_the_named_byte_order(void **state) {
    (void)state;
    static const uint8_t expected[] = {1,    0x23, 0x01, 0x67, 0x45, 0x23, 0x01, 0xef, 0xcd, 0xab,
                                       0x89, 0x67, 0x45, 0x23, 0x01, 0x01, 0x23, 0x01, 0x23, 0x45,
                                       0x67, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    CLEANUP(buf_done) Buf b = {0};
    buf_u8(&b, 1);
    buf_le16(&b, 0x0123);
    buf_le32(&b, 0x01234567);
    buf_le64(&b, 0x0123456789abcdef);
    buf_be16(&b, 0x0123);
    buf_be32(&b, 0x01234567);
    buf_be64(&b, 0x0123456789abcdef);
    assert_int_equal(b.n, sizeof expected);
    assert_memory_equal(b.p, expected, sizeof expected);
}

static void clear_keeps_the_memory_and_reserve_gives_room(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    memset(buf_reserve(&b, 5000), 7, 5000);
    b.n += 5000;
    size_t cap = b.cap;
    buf_clear(&b);
    assert_int_equal(b.n, 0);
    assert_int_equal(b.cap, cap);
    assert_ptr_equal(buf_reserve(&b, 5000), b.p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_zeros),
        cmocka_unit_test(text_of_any_length_is_appended),
        cmocka_unit_test(printf_fits_whatever_room_is_left),
        cmocka_unit_test(numbers_are_written_in_the_named_byte_order),
        cmocka_unit_test(clear_keeps_the_memory_and_reserve_gives_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
