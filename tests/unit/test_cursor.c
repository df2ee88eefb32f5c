#include "base/cursor.h"

#include "test.h"

static const uint8_t BYTES[] = {1, 2, 3, 4, 5, 6, 7, 8};

static void numbers_are_read_in_the_named_byte_order(void **state) {
    (void)state;
    Cursor c = cursor_over(BYTES, sizeof BYTES);
    assert_int_equal(cursor_u8(&c), 1);
    assert_int_equal(cursor_le16(&c), 0x0302);
    assert_int_equal(cursor_be16(&c), 0x0405);
    assert_int_equal(cursor_left(&c), 3);
    c = cursor_over(BYTES, sizeof BYTES);
    assert_int_equal(cursor_le32(&c), 0x04030201);
    assert_int_equal(cursor_be32(&c), 0x05060708);
    c = cursor_over(BYTES, sizeof BYTES);
    assert_true(cursor_le64(&c) == 0x0807060504030201);
    c = cursor_over(BYTES, sizeof BYTES);
    assert_true(cursor_be64(&c) == 0x0102030405060708);
    assert_false(c.failed);
}

static void an_underrun_fails_for_good_and_reads_zeros(void **state) {
    (void)state;
    Cursor c = cursor_over(BYTES, 3);
    assert_int_equal(cursor_le32(&c), 0);
    assert_true(c.failed);
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_u8(&c), 0);
    assert_int_equal(cursor_bytes(&c, 1).n, 0);
    cursor_skip(&c, 0);
    assert_true(c.failed);
}

static void bytes_are_borrowed_and_foreign_lengths_checked(void **state) {
    (void)state;
    Cursor c = cursor_over(BYTES, sizeof BYTES);
    cursor_skip(&c, 2);
    Str s = cursor_bytes(&c, 3);
    assert_int_equal(s.n, 3);
    assert_ptr_equal(s.p, BYTES + 2);
    assert_int_equal(cursor_bytes(&c, 0).n, 0);
    assert_false(c.failed);
    assert_int_equal(cursor_bytes(&c, SIZE_MAX).n, 0);
    assert_true(c.failed);
}

static void the_end_can_be_reached_exactly(void **state) {
    (void)state;
    Cursor c = cursor_over(BYTES, sizeof BYTES);
    cursor_skip(&c, sizeof BYTES);
    assert_false(c.failed);
    assert_int_equal(cursor_left(&c), 0);
    c = cursor_over(NULL, 0);
    assert_int_equal(cursor_left(&c), 0);
    assert_int_equal(cursor_u8(&c), 0);
    assert_true(c.failed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_in_the_named_byte_order),
        cmocka_unit_test(an_underrun_fails_for_good_and_reads_zeros),
        cmocka_unit_test(bytes_are_borrowed_and_foreign_lengths_checked),
        cmocka_unit_test(the_end_can_be_reached_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
