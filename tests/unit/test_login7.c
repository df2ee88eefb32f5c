#include "standin/tds/login7.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf.h"
#include "test.h"

static void put16(Buf *b, size_t at, size_t v) {
    b->p[at] = (uint8_t)v;
    b->p[at + 1] = (uint8_t)(v >> 8);
}

static void add_field(Buf *b, size_t at, const char *text, bool is_password) {
    size_t start = b->n;
    size_t units = utf_8_to_16le(str_from(text), b);
    for (size_t i = start; is_password && i < b->n; i++)
        b->p[i] = (uint8_t)((b->p[i] << 4 | b->p[i] >> 4) ^ 0xa5);
    put16(b, at, start);
    put16(b, at + 2, units);
}

/* A login as python-tds sends it, with the UTF-8 feature. */
static void make(Buf *b) {
    while (b->n < 94) buf_u8(b, 0);
    memcpy(b->p + 4, "\x04\x00\x00\x74\x40\x1f\x00\x00", 8); /* 7.4, packets of 8000 */
    b->p[25] = 0x02;
    b->p[27] = 0x10;
    add_field(b, 36, "box", false);
    add_field(b, 40, "s\xc3\xa4", false);
    add_field(b, 44, "P\xc3\xa4ss", true);
    add_field(b, 48, "test", false);
    add_field(b, 68, "warehouse", false);
    put16(b, 56, b->n);
    buf_le32(b, (uint32_t)b->n + 4);
    buf_u8(b, 0x0a);
    buf_le32(b, 1);
    buf_u8(b, 1);
    buf_u8(b, 0xff);
    put16(b, 0, b->n);
}

static void fields_and_features_are_read(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    CLEANUP(arena_done) Arena a = {0};
    Login7 l;
    Err e = {0};
    make(&b);
    assert_true(login7_read(buf_view(&b), &a, &l, &e));
    assert_int_equal(l.tds_version, LOGIN7_VERSION_7_4);
    assert_int_equal(l.packet_size, 8000);
    assert_true(str_eq_c(l.user, "s\xc3\xa4"));
    assert_true(str_eq_c(l.password, "P\xc3\xa4ss"));
    assert_true(str_eq_c(l.host, "box"));
    assert_true(str_eq_c(l.database, "warehouse"));
    assert_int_equal(l.language.n, 0);
    assert_true(l.is_odbc && l.wants_utf8 && l.is_database_optional);
    assert_false(l.wants_federated_security || l.wants_integrated_security || l.is_read_only_intent);
}

static void flags_are_read(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    CLEANUP(arena_done) Arena a = {0};
    Login7 l;
    Err e = {0};
    make(&b);
    b.p[24] = 0x40;
    b.p[25] = 0x80;
    b.p[26] = 0x20;
    b.p[27] |= 0x01;
    assert_true(login7_read(buf_view(&b), &a, &l, &e));
    assert_false(l.is_database_optional || l.is_odbc);
    assert_true(l.wants_integrated_security && l.is_read_only_intent && l.wants_new_password);
}

static void a_login_cut_short_is_refused(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf b = {0};
    CLEANUP(arena_done) Arena a = {0};
    Login7 l;
    Err e = {0};
    make(&b);
    for (size_t n = 0; n < b.n; n++) {
        CLEANUP(buf_done) Buf part = {0};
        buf_add(&part, b.p, n);
        if (n >= 4) put16(&part, 0, n);
        assert_false(login7_read(buf_view(&part), &a, &l, &e));
        assert_int_equal(e.code, ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_and_features_are_read),
        cmocka_unit_test(flags_are_read),
        cmocka_unit_test(a_login_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
