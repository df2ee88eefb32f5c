/* Paths to bytes: the values that SQL Server's manual and its users show. */
#include "test.h"

#include "convert/hierarchy_bytes.h"

static void expect(const char *path, const char *bytes, size_t n) {
    Arena a = {0};
    Str got;
    assert_true(hierarchy_bytes(str_from(path), &a, &got));
    assert_int_equal(got.n, n);
    assert_memory_equal(got.p, bytes, n);
    arena_done(&a);
}

static void paths_have_the_bytes_of_sql_server(void **state) {
    (void)state;
    expect("/", "", 0);
    expect("/1/", "\x58", 1);
    expect("/2/", "\x68", 1);
    expect("/1/1/", "\x5a\xc0", 2);
    expect("/1/2/", "\x5b\x40", 2);
    expect("/3/", "\x78", 1);
}

static void other_texts_are_no_paths(void **state) {
    (void)state;
    static const char *const bad[] = {"", "1/", "/1", "/a/", "//", "/1./"};
    Arena a = {0};
    Str got;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(hierarchy_bytes(str_from(bad[i]), &a, &got));
    arena_done(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_have_the_bytes_of_sql_server),
        cmocka_unit_test(other_texts_are_no_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
