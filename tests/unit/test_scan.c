#include "sqlserver/scan.h"

#include "test.h"

#include "fake_shop.h"

static Scan *open_scan(Options **ret_options) {
    Scan *s;
    Err e = {0};
    *ret_options = shop_options(NULL, 0);
    if (!scan_open(*ret_options, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void a_table_is_read_whole(void **state) {
    (void)state;
    Options *options;
    Err e = {0};
    shop_rules();
    fake_rule((FakeRule){.match = "SELECT [Id], [Name] FROM [dbo].[T]", .results = {"it\n1|a\n2|~\n"}});
    Scan *s = open_scan(&options);
    assert_int_equal(scan_table_count(s), 1);
    assert_string_equal(scan_table(s, 0)->qualified, "dbo.T");
    assert_true(scan_begin(s, 0, /* in_order= */ false, &e));
    Batch *b;
    assert_true(scan_next(s, &b, &e));
    assert_int_equal(b->count, 2);
    assert_int_equal(b->changes[1].after[0].v.i, 2);
    batch_free(b);
    assert_true(scan_next(s, &b, &e));
    assert_null(b);
    assert_true(scan_begin(s, 0, /* in_order= */ true, &e));
    assert_int_equal(fake_logged("ORDER BY [Id]"), 1);
    scan_close(s);
    options_free(options);
}

static void rows_are_found_by_key_many_at_a_time(void **state) {
    (void)state;
    Options *options;
    Err e = {0};
    Value keys[100];
    for (size_t i = 0; i < 100; i++) keys[i] = value_int((int64_t)i);
    shop_rules();
    fake_rule((FakeRule){.match = "WHERE ([Id] = CAST(? AS int))", .results = {"it\n5|a\n"}});
    Scan *s = open_scan(&options);
    Batch *b;
    if (!scan_rows_by_key(s, 0, keys, 100, &b, &e)) fail_msg("%s", e.msg);
    assert_int_equal(b->count, 2); /* one of each statement */
    assert_int_equal(fake_logged("{0 1 2 3"), 1);
    assert_int_equal(fake_logged("{64 65 "), 1);
    batch_free(b);
    scan_close(s);
    options_free(options);
}

static void without_cdc_there_is_nothing_to_scan(void **state) {
    (void)state;
    Options *options = shop_options(NULL, 0);
    Scan *s;
    Err e = {0};
    shop_rules();
    fake_rule((FakeRule){.match = "FROM sys.databases d", .results = {"tbbi\nShop|0|0|3\n"}});
    assert_false(scan_open(options, &s, &e));
    assert_int_equal(e.code, ERR_INVALID);
    assert_int_equal(fake.open, 0);
    options_free(options);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_whole),
        cmocka_unit_test(rows_are_found_by_key_many_at_a_time),
        cmocka_unit_test(without_cdc_there_is_nothing_to_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
