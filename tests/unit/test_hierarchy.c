#include "record/hierarchy.h"

#include <stdio.h>

#include "test.h"

static void expect_path(const void *bytes, size_t n, const char *path) {
    Buf out = {0};
    Err e = {0};
    if (!hierarchy_path((Str){bytes, n}, &out, &e)) fail_msg("%s", e.msg);
    assert_string_equal(buf_text(&out), path);
    buf_done(&out);
}

static void expect_same_after_bytes(const char *path) {
    Buf bytes = {0};
    Err e = {0};
    if (!hierarchy_bytes(str_from(path), &bytes, &e)) fail_msg("%s: %s", path, e.msg);
    expect_path(bytes.p, bytes.n, path);
    buf_done(&bytes);
}

/* The values that the specification and SQL Server's documentation give. */
static void known_bytes_give_the_paths_that_sql_server_shows(void **state) {
    (void)state;
    expect_path("", 0, "/");
    expect_path("\x58", 1, "/1/");
    expect_path("\x5a\xde", 2, "/1/1/3/");
    expect_path("\x5a\xc0", 2, "/1/1/");
    expect_path("\x59\xfb\x05\x40", 4, "/1/-2.18/");
}

static void known_paths_give_the_bytes_of_sql_server(void **state) {
    (void)state;
    Buf bytes = {0};
    Err e = {0};
    assert_true(hierarchy_bytes(STR_LIT("/1/-2.18/"), &bytes, &e));
    assert_int_equal(bytes.n, 4);
    assert_memory_equal(bytes.p, "\x59\xfb\x05\x40", 4);
    buf_clear(&bytes);
    assert_true(hierarchy_bytes(STR_LIT("/"), &bytes, &e));
    assert_int_equal(bytes.n, 0);
    buf_done(&bytes);
}

static void the_ends_of_every_range_survive(void **state) {
    (void)state;
    static const char *const numbers[] = {"0",           "3",
                                          "4",           "7",
                                          "8",           "15",
                                          "16",          "79",
                                          "80",          "1103",
                                          "1104",        "5199",
                                          "5200",        "4294972495",
                                          "4294972496",  "281479271683151",
                                          "-1",          "-8",
                                          "-9",          "-72",
                                          "-73",         "-4168",
                                          "-4169",       "-4294971464",
                                          "-4294971465", "-281479271682120"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "/%s/", numbers[i]);
        expect_same_after_bytes(path);
        (void)snprintf(path, sizeof path, "/2/%s/5/", numbers[i]);
        expect_same_after_bytes(path);
    }
    expect_same_after_bytes("/1.1.2/");
    expect_same_after_bytes("/3.2725686107/0.-1.-2/");
    expect_same_after_bytes("/-1.0/15.79/");
}

static void bytes_in_the_order_of_the_tree(void **state) {
    (void)state;
    static const char *const in_order[] = {"/",     "/-9/",  "/-8/",  "/0/", "/1/",  "/1/-1/",
                                           "/1/0/", "/1.1/", "/1.3/", "/2/", "/79/", "/80/"};
    Buf before = {0}, now = {0};
    for (size_t i = 0; i < sizeof in_order / sizeof *in_order; i++) {
        Err e = {0};
        buf_clear(&now);
        assert_true(hierarchy_bytes(str_from(in_order[i]), &now, &e));
        if (i > 0) assert_true(str_cmp(buf_view(&before), buf_view(&now)) < 0);
        buf_clear(&before);
        buf_str(&before, buf_view(&now));
    }
    buf_done(&before);
    buf_done(&now);
}

static void what_is_no_hierarchyid_is_refused(void **state) {
    (void)state;
    Buf out = {0};
    Err e = {0};
    assert_false(hierarchy_path((Str){"\x00", 1}, &out, &e));
    assert_false(hierarchy_path((Str){"\x00\x00", 2}, &out, &e));
    assert_int_equal(e.code, ERR_DATA);
    assert_false(hierarchy_path((Str){"\x50", 1}, &out, &e)); /* ends behind a "." */
    assert_false(hierarchy_path((Str){"\xff", 1}, &out, &e));
    static const char *const bad[] = {"", "1", "/1", "1/", "//", "/a/", "/1./", "/.1/", "/281479271683152/"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(hierarchy_bytes(str_from(bad[i]), &out, &e));
    buf_done(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes_give_the_paths_that_sql_server_shows),
        cmocka_unit_test(known_paths_give_the_bytes_of_sql_server),
        cmocka_unit_test(the_ends_of_every_range_survive),
        cmocka_unit_test(bytes_in_the_order_of_the_tree),
        cmocka_unit_test(what_is_no_hierarchyid_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
