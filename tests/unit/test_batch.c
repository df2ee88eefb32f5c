#include "record/batch.h"

#include "test.h"

static const Schema *schema_named(const char *table) {
    static const Column column = {.name = {"id", 2}, .type = SQLTYPE_INT, .key = 1};
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec spec = {
        .schema = STR_LIT("dbo"), .table = str_from(table), .columns = &column, .column_count = 1};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static void changes_come_zeroed_and_stay_in_order(void **state) {
    (void)state;
    Batch *b = batch_new(BATCH_CHANGES);
    for (int i = 0; i < 5000; i++) {
        Change *c = batch_add(b);
        assert_int_equal(c->op, 0);
        assert_null(c->before);
        Value *row = batch_row(b, 2);
        row[0] = value_int(i);
        row[1] = value_null();
        *c = (Change){.op = OP_CREATE, .after = row};
    }
    assert_int_equal(b->count, 5000);
    for (int i = 0; i < 5000; i++) {
        assert_int_equal(b->changes[i].after[0].v.i, i);
        assert_true(value_is_null(&b->changes[i].after[1]));
    }
    assert_true(batch_bytes(b) >= 5000 * (sizeof(Change) + 2 * sizeof(Value)));
    assert_null(batch_free(b));
}

static void rows_are_aligned_for_wide_decimals(void **state) {
    (void)state;
    Batch *b = batch_new(BATCH_ROWS);
    (void)arena_bytes(&b->arena, 3);
    assert_int_equal((uintptr_t)batch_row(b, 1) % 16, 0);
    batch_free(b);
}

static void count_release(void *object) {
    ++*(int *)object;
}

static void what_a_batch_holds_is_released_once_when_it_is_freed(void **state) {
    (void)state;
    int released = 0;
    Batch *b = batch_new(BATCH_CHANGES);
    size_t before = batch_bytes(b);
    batch_hold(b, &released, count_release, 1000);
    assert_true(batch_bytes(b) >= before + 1000);
    assert_int_equal(released, 0);
    batch_free(b);
    assert_int_equal(released, 1);
}

static void a_schema_lives_as_long_as_the_batch_that_holds_it(void **state) {
    (void)state;
    const Schema *a = schema_named("a"), *other = schema_named("b");
    Batch *b = batch_new(BATCH_CHANGES);
    for (int i = 0; i < 100; i++) batch_hold_schema(b, a);
    batch_hold_schema(b, other);
    batch_hold_schema(b, a);
    schema_unref(a);
    schema_unref(other);
    assert_string_equal(a->qualified, "dbo.a"); /* a sanitizer would tell */
    batch_free(b);
}

static void a_share_has_the_bounds_but_its_own_changes(void **state) {
    (void)state;
    int released = 0;
    Batch *b = batch_new(BATCH_ROWS);
    b->schema = schema_named("a");
    b->to.commit_lsn.b[9] = 7;
    b->chunk = (BatchChunk){.number = 3, .upper_key = STR_LIT("key")};
    b->table.filter = arena_str(&b->arena, STR_LIT("a = 1"));
    b->ends_transaction = true;
    (void)batch_add(b);
    batch_hold(b, &released, count_release, 0);
    Batch *share = batch_share(b, 2);
    assert_int_equal(share->count, 0);
    assert_int_equal(share->to.commit_lsn.b[9], 7);
    assert_true(share->ends_transaction);
    (void)batch_ref(b);
    batch_free(b);
    assert_int_equal(released, 0);
    batch_free(b);
    assert_int_equal(released, 1);
    assert_true(str_eq_c(share->chunk.upper_key, "key")); /* copies; a sanitizer would tell */
    assert_true(str_eq_c(share->table.filter, "a = 1"));
    assert_string_equal(share->schema->qualified, "dbo.a");
    (void)batch_add(share);
    batch_free(share);
}

static void freeing_no_batch_is_fine(void **state) {
    (void)state;
    assert_null(batch_free(NULL));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_come_zeroed_and_stay_in_order),
        cmocka_unit_test(rows_are_aligned_for_wide_decimals),
        cmocka_unit_test(what_a_batch_holds_is_released_once_when_it_is_freed),
        cmocka_unit_test(a_schema_lives_as_long_as_the_batch_that_holds_it),
        cmocka_unit_test(a_share_has_the_bounds_but_its_own_changes),
        cmocka_unit_test(freeing_no_batch_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
