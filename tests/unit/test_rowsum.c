#include "cli/rowsum.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static const Schema *schema(bool has_key) {
    const Column columns[] = {
        {.name = STR_LIT("id"), .type = SQLTYPE_INT, .key = has_key},
        {.name = STR_LIT("name"), .type = SQLTYPE_NVARCHAR, .length = 20, .is_nullable = true},
        {.name = STR_LIT("at"), .type = SQLTYPE_DATETIME2, .scale = 7, .is_nullable = true}};
    const SchemaSpec spec = {.database = STR_LIT("d"),
                             .schema = STR_LIT("dbo"),
                             .table = STR_LIT("t"),
                             .version = 1,
                             .columns = columns,
                             .column_count = 3};
    const Schema *s = NULL;
    Err e = {0};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

typedef struct Row {
    Value v[3];
} Row;

static Row row(int64_t id, const char *name, int64_t ticks) {
    return (Row){
        {value_int(id), name ? value_bytes(name, (uint32_t)strlen(name)) : value_null(), value_int(ticks)}};
}

static void equal_rows_in_another_order_are_equal(void **state) {
    (void)state;
    const Schema *s = schema(true);
    Rowsum *r = rowsum_new(s);
    for (int64_t i = 0; i < 1000; i++) {
        Row a = row(i, "x", i), b = row(999 - i, "x", 999 - i);
        rowsum_add(r, ROWSUM_SOURCE, a.v);
        rowsum_add(r, ROWSUM_TARGET, b.v);
    }
    assert_int_equal(rowsum_differing(r), 0);
    assert_int_equal(rowsum_rows(r, ROWSUM_TARGET), 1000);
    rowsum_free(r);
    schema_unref(s);
}

static void each_kind_of_difference_is_found_by_its_key(void **state) {
    (void)state;
    const Schema *s = schema(true);
    Rowsum *r = rowsum_new(s);
    for (int pass = 0; pass < 2; pass++) {
        void (*add)(Rowsum *, RowsumSide, const Value *) = pass ? rowsum_add_again : rowsum_add;
        for (int64_t i = 0; i < 100; i++) {
            Row a = row(i, "x", 0), b = row(i, i == 7 ? NULL : "x", 0);
            if (i != 9) add(r, ROWSUM_SOURCE, a.v);
            if (i != 8) add(r, ROWSUM_TARGET, b.v);
        }
        if (!pass) assert_in_range(rowsum_differing(r), 1, 3);
    }
    size_t count;
    bool is_cut;
    const RowsumKey *keys = rowsum_keys(r, &count, &is_cut);
    assert_int_equal(count, 3);
    assert_false(is_cut);
    for (size_t i = 0; i < count; i++) {
        int64_t id = keys[i].key[0].v.i;
        assert_int_equal(keys[i].kind, id == 7   ? ROWSUM_DIFFERS
                                       : id == 8 ? ROWSUM_ONLY_SOURCE
                                                 : ROWSUM_ONLY_TARGET);
    }
    rowsum_free(r);
    schema_unref(s);
}

static void the_seventh_digit_is_compared_as_the_target_rounds_it(void **state) {
    (void)state;
    const Schema *s = schema(true);
    Row a = row(1, "x", 15), b = row(1, "x", 20), c = row(1, "x", 14);
    assert_true(rowsum_row_hash(s, a.v) == rowsum_row_hash(s, b.v));
    assert_false(rowsum_row_hash(s, a.v) == rowsum_row_hash(s, c.v));
    schema_unref(s);
}

static void null_differs_from_empty(void **state) {
    (void)state;
    const Schema *s = schema(true);
    Row a = row(1, "", 0), b = row(1, NULL, 0);
    assert_false(rowsum_row_hash(s, a.v) == rowsum_row_hash(s, b.v));
    schema_unref(s);
}

static void rows_of_a_keyless_table_are_counted(void **state) {
    (void)state;
    const Schema *s = schema(false);
    Rowsum *r = rowsum_new(s);
    Row a = row(1, "x", 0);
    for (int pass = 0; pass < 2; pass++) {
        void (*add)(Rowsum *, RowsumSide, const Value *) = pass ? rowsum_add_again : rowsum_add;
        add(r, ROWSUM_SOURCE, a.v);
        add(r, ROWSUM_SOURCE, a.v);
        add(r, ROWSUM_TARGET, a.v);
    }
    assert_int_equal(rowsum_differing(r), 1);
    size_t count;
    bool is_cut;
    assert_int_equal(rowsum_keys(r, &count, &is_cut)[0].kind, ROWSUM_DIFFERS);
    assert_int_equal(count, 1);
    assert_true(rowsum_is_differing(r, a.v));
    rowsum_again(r); /* the second pass once more: now there are as many */
    for (int side = 0; side < 2; side++) rowsum_add_again(r, (RowsumSide)side, a.v);
    (void)rowsum_keys(r, &count, &is_cut);
    assert_int_equal(count, 0);
    rowsum_free(r);
    schema_unref(s);
}

static void a_key_reads_well(void **state) {
    (void)state;
    const Schema *s = schema(true);
    Buf out = {0};
    Value key = value_int(42);
    rowsum_key_text(s, &key, &out);
    assert_string_equal(buf_text(&out), "id=42");
    buf_done(&out);
    schema_unref(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_rows_in_another_order_are_equal),
        cmocka_unit_test(each_kind_of_difference_is_found_by_its_key),
        cmocka_unit_test(the_seventh_digit_is_compared_as_the_target_rounds_it),
        cmocka_unit_test(null_differs_from_empty),
        cmocka_unit_test(rows_of_a_keyless_table_are_counted),
        cmocka_unit_test(a_key_reads_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
