/* Batches of records: what is added stays, holds are let go once. */
#include "test.h"

#include "record/record.h"

static int released;
static void count_release(void *object) {
    (void)object;
    released++;
}

static void test_records_start_without_a_place(void **state) {
    (void)state;
    RecordBatch *b = record_batch_new();
    for (int i = 0; i < 1000; i++) {
        Record *r = record_batch_add(b);
        assert_true(value_is_null(&r->key) && value_is_null(&r->value));
        assert_int_equal(r->partition, -1);
        assert_int_equal(r->offset, -1);
        r->offset = i;
    }
    assert_int_equal(b->count, 1000);
    assert_int_equal(b->records[999].offset, 999);
    record_batch_free(b);
}

static void test_holds_are_let_go_once(void **state) {
    (void)state;
    RecordBatch *b = record_batch_new();
    const ConnectSchema *s = connect_schema_plain(CONNECT_STRING, true);
    record_batch_hold_schema(b, s);
    record_batch_hold_schema(b, s);
    record_batch_hold_schema(b, NULL);
    connect_schema_unref(s); /* the batch's own reference is left */
    record_batch_hold(b, b, count_release);
    released = 0;
    record_batch_clear(b);
    assert_int_equal(released, 1);
    assert_int_equal(b->count, 0);
    record_batch_free(b);
    assert_int_equal(released, 1);
}

static void test_schemas_of_keys_and_values_are_held_once(void **state) {
    (void)state;
    RecordBatch *b = record_batch_new();
    const ConnectSchema *key = connect_schema_plain(CONNECT_STRING, true),
                        *value = connect_schema_plain(CONNECT_INT8, true);
    assert_false(record_batch_holds_schema(b, key));
    for (int i = 0; i < 1000; i++) {
        record_batch_hold_schema(b, key);
        record_batch_hold_schema(b, value);
    }
    assert_true(record_batch_holds_schema(b, key) && record_batch_holds_schema(b, value));
    assert_true(b->arena.bytes < 1000);
    record_batch_clear(b);
    assert_false(record_batch_holds_schema(b, key));
    record_batch_free(b);
    connect_schema_unref(key);
    connect_schema_unref(value);
}

static void test_headers_keep_their_order(void **state) {
    (void)state;
    RecordBatch *b = record_batch_new();
    Record *r = record_batch_add(b);
    record_add_header(b, r, (RecordHeader){.key = STR_LIT("a"), .value = value_bytes("1", 1)});
    record_add_header(b, r, (RecordHeader){.key = STR_LIT("a"), .value = value_bytes("2", 1)});
    assert_int_equal(r->header_count, 2);
    assert_memory_equal(r->headers[0].value.v.p, "1", 1);
    assert_memory_equal(r->headers[1].value.v.p, "2", 1);
    Value *fields = record_batch_row(b, 2);
    fields[0] = value_int(3);
    fields[1] = value_null();
    r->value = record_struct(fields, 2);
    assert_int_equal(record_field(&r->value, 0)->v.i, 3);
    record_batch_free(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_start_without_a_place),
        cmocka_unit_test(test_holds_are_let_go_once),
        cmocka_unit_test(test_schemas_of_keys_and_values_are_held_once),
        cmocka_unit_test(test_headers_keep_their_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
