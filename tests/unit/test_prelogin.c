#include "standin/tds/prelogin.h"

#include "base/mem.h"
#include "test.h"

/* FreeTDS: version, encryption 0, instance "MSSQLServer", thread id, MARS 0. */
static const uint8_t freetds[] = {0,   0,   26,  0,   6,   1,   0,   32,  0,    1,   2, 0, 33, 0, 12, 3, 0,
                                  45,  0,   4,   4,   0,   49,  0,   1,   0xff, 9,   0, 0, 0,  0, 0,  0, 'M',
                                  'S', 'S', 'Q', 'L', 'S', 'e', 'r', 'v', 'e',  'r', 0, 1, 2,  3, 4,  0};

static void what_was_asked_is_answered_in_order(void **state) {
    (void)state;
    static const uint8_t want[] = {0, 0, 26, 0, 6,  1, 0, 32,   0,  1, 2, 0,    33, 0, 1, 3, 0, 34,
                                   0, 0, 4,  0, 34, 0, 1, 0xff, 15, 0, 7, 0xd0, 0,  0, 2, 0, 0};
    Prelogin p;
    Err e = {0};
    CLEANUP(buf_done) Buf out = {0};
    assert_true(prelogin_read((Str){(const char *)freetds, sizeof freetds}, &p, &e));
    assert_int_equal(p.encrypt, PRELOGIN_ENCRYPT_OFF);
    prelogin_answer(&p, 0x0f0007d0, PRELOGIN_ENCRYPT_NOT_SUPPORTED, &out);
    assert_int_equal(out.n, sizeof want);
    assert_memory_equal(out.p, want, sizeof want);
}

static void what_was_not_asked_is_left_out(void **state) {
    (void)state;
    static const uint8_t jdbc[] = {0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 1, 0, 0, 0, 0, 0, 1};
    Prelogin p;
    Err e = {0};
    CLEANUP(buf_done) Buf out = {0};
    assert_true(prelogin_read((Str){(const char *)jdbc, sizeof jdbc}, &p, &e));
    assert_int_equal(p.encrypt, PRELOGIN_ENCRYPT_ON);
    prelogin_answer(&p, 0x0f0007d0, PRELOGIN_ENCRYPT_NOT_SUPPORTED, &out);
    assert_int_equal(out.n, 11 + 6 + 1);
}

static void encryption_is_answered_by_the_protocols_table(void **state) {
    (void)state;
    enum { OFF, ON, NO, REQ }; /* as on the wire */
    static const int want[3][4] = {
        [PRELOGIN_TLS_NONE] = {NO, NO, NO, NO},
        [PRELOGIN_TLS_OPTIONAL] = {OFF, ON, NO, ON},
        [PRELOGIN_TLS_REQUIRED] = {REQ, ON, REQ, ON},
    };
    for (int server = 0; server < 3; server++) {
        for (int client = 0; client < 4; client++) {
            PreloginEncrypt got = prelogin_encrypt((PreloginEncrypt)client, (PreloginTls)server);
            assert_int_equal(got, want[server][client]);
        }
    }
}

static void an_unknown_encryption_is_refused(void **state) {
    (void)state;
    Prelogin p;
    Err e = {0};
    assert_false(prelogin_read((Str){"\1\0\6\0\1\xff\4", 7}, &p, &e));
    assert_false(prelogin_read((Str){"\1\0\6\0\0\xff\4", 7}, &p, &e));
    assert_true(prelogin_read((Str){"\1\0\6\0\1\xff\x81", 7}, &p, &e)); /* with a client certificate */
    assert_int_equal(p.encrypt, PRELOGIN_ENCRYPT_ON);
}

static void another_instance_is_not_this_one(void **state) {
    (void)state;
    static const char asked[] = "\2\0\6\0\5\xff"
                                "DEV2\0";
    CLEANUP(buf_done) Buf out = {0};
    Prelogin p;
    Err e = {0};
    assert_true(prelogin_read((Str){asked, sizeof asked - 1}, &p, &e));
    prelogin_answer(&p, 0x0f0007d0, PRELOGIN_ENCRYPT_OFF, &out);
    assert_int_equal(out.n, 11 + 6 + 1);
    assert_int_equal(out.p[out.n - 1], 1);
}

static void options_that_lie_outside_are_refused(void **state) {
    (void)state;
    Prelogin p;
    Err e = {0};
    for (size_t n = 0; n < sizeof freetds - 1; n++) {
        assert_false(prelogin_read((Str){(const char *)freetds, n}, &p, &e));
        assert_int_equal(e.code, ERR_INVALID);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_is_answered_in_order),
        cmocka_unit_test(what_was_not_asked_is_left_out),
        cmocka_unit_test(encryption_is_answered_by_the_protocols_table),
        cmocka_unit_test(an_unknown_encryption_is_refused),
        cmocka_unit_test(another_instance_is_not_this_one),
        cmocka_unit_test(options_that_lie_outside_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
