/* Plans found again by pointer and by content; the oldest goes past the bound. */
#include "test.h"

#include <stdlib.h>

#include "base/mem.h"
#include "transform/schema_cache.h"

static const ConnectSchema *named(int i) {
    const ConnectSchema *s = NULL;
    Err e = {0};
    CLEANUP_FREE char *name = x_asprintf("s%d", i);
    assert_true(connect_schema_new(&(ConnectSchema){.type = CONNECT_STRING, .name = str_from(name)}, &s, &e));
    return s;
}

static void test_found_again(void **state) {
    (void)state;
    SchemaCache c = {.free_plan = free};
    const ConnectSchema *a = named(1), *twin = named(1), *b = named(2);
    assert_null(schema_cache_find(&c, a, 0));
    void *plan = schema_cache_add(&c, a, 0, x_strdup("1"));
    void *other = schema_cache_add(&c, a, 7, x_strdup("7"));
    assert_ptr_equal(schema_cache_find(&c, a, 0), plan);
    assert_ptr_equal(schema_cache_find(&c, twin, 7), other);
    assert_ptr_equal(c.entries[1].twin, twin);
    assert_ptr_equal(schema_cache_find(&c, twin, 7), other);
    assert_ptr_equal(schema_cache_find(&c, a, 7), other);
    assert_null(schema_cache_find(&c, b, 0));
    connect_schema_unref(a);
    connect_schema_unref(twin);
    connect_schema_unref(b);
    schema_cache_done(&c);
}

static void test_bounded(void **state) {
    (void)state;
    SchemaCache c = {.free_plan = free};
    for (int i = 0; i <= SCHEMA_CACHE_MAX; i++) {
        const ConnectSchema *s = named(i);
        (void)schema_cache_add(&c, s, 0, x_strdup("x"));
        connect_schema_unref(s);
    }
    assert_int_equal(c.count, SCHEMA_CACHE_MAX);
    const ConnectSchema *first = named(0), *last = named(SCHEMA_CACHE_MAX);
    assert_null(schema_cache_find(&c, first, 0));
    assert_non_null(schema_cache_find(&c, last, 0));
    connect_schema_unref(first);
    connect_schema_unref(last);
    schema_cache_done(&c);
}

static void test_bounded_in_bytes(void **state) {
    (void)state;
    enum { DOC_BYTES = 1024 * 1024, SCHEMAS = 100 };
    SchemaCache c = {.free_plan = free};
    CLEANUP_FREE char *doc = x_calloc(1, DOC_BYTES);
    for (int i = 0; i < SCHEMAS; i++) {
        const ConnectSchema spec = {.type = CONNECT_STRING, .version = i, .doc = {doc, DOC_BYTES}}, *s = NULL;
        Err e = {0};
        assert_true(connect_schema_new(&spec, &s, &e));
        void *plan = schema_cache_add(&c, s, 0, x_strdup("x"));
        assert_ptr_equal(schema_cache_find(&c, s, 0), plan);
        connect_schema_unref(s);
        assert_true(c.bytes <= SCHEMA_CACHE_BYTES);
    }
    assert_in_range(c.count, 50, 64);
    for (int i = 1; i <= SCHEMA_CACHE_MAX; i++) { /* small ones: the large go, the newest stay */
        const ConnectSchema *s = named(i);
        (void)schema_cache_add(&c, s, 0, x_strdup("x"));
        connect_schema_unref(s);
    }
    assert_int_equal(c.count, SCHEMA_CACHE_MAX);
    assert_true(c.bytes < DOC_BYTES);
    schema_cache_done(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_again),
        cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_bounded_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
