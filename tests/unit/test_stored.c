#include "pipeline/stored.h"

#include "base/mem.h"
#include "test.h"

static const Schema *orders(void) {
    static const Column column = {.name = {"id", 2}, .type = SQLTYPE_INT, .key = 1};
    const Schema *s = NULL;
    Err e = {0};
    SchemaSpec spec = {
        .schema = STR_LIT("dbo"), .table = STR_LIT("orders"), .columns = &column, .column_count = 1};
    if (!schema_new(&spec, &s, &e)) fail_msg("%s", e.msg);
    return s;
}

static Position at(uint8_t n) {
    return position_end_of(&(Lsn){{[9] = n}});
}

static void add_table(StoredState *s, const Schema *schema, BatchCopy copy) {
    Batch b = {.kind = BATCH_TABLE, .schema = schema, .table = {.copy = copy, .instance = 7}};
    stored_state_add_table(s, &b);
}

static void mark_chunk(StoredState *s, const Schema *schema, uint32_t number, bool is_last) {
    Batch b = {.kind = BATCH_ROWS, .schema = schema};
    b.chunk = (BatchChunk){
        .number = number, .is_last_part = true, .is_last_chunk = is_last, .upper_key = STR_LIT("k")};
    stored_state_mark_chunk(s, &b);
}

static void ask(StoredState *s, const Schema *schema, const char *filter) {
    Batch b = {.kind = BATCH_TABLE, .schema = schema};
    b.table = (BatchTable){
        .copy = BATCH_COPY_BESIDE, .asked = BATCH_ASKED, .is_paused = true, .filter = str_from(filter)};
    stored_state_add_table(s, &b);
}

static void a_copy_that_was_asked_for_leaves_a_whole_table_whole(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    add_table(&s, schema, BATCH_COPY_FIRST);
    mark_chunk(&s, schema, 0, /* is_last= */ true);
    assert_true(s.tables[0].is_whole);
    ask(&s, schema, "id = 1");
    assert_true(s.tables[0].is_whole && s.tables[0].is_paused && !s.tables[0].is_done);
    assert_int_equal(s.tables[0].asked, BATCH_ASKED);
    assert_string_equal(s.tables[0].filter, "id = 1");
    StoredState copy = {0};
    stored_state_copy(&copy, &s);
    assert_true(stored_state_equal(&copy, &s));
    copy.tables[0].is_paused = false;
    assert_false(stored_state_equal(&copy, &s));
    stored_state_done(&copy);
    mark_chunk(&s, schema, 0, /* is_last= */ false);
    add_table(&s, schema, BATCH_COPY_STOP);
    assert_true(s.tables[0].is_whole && s.tables[0].is_done && !s.tables[0].is_paused);
    assert_int_equal(s.tables[0].asked, BATCH_NOT_ASKED);
    assert_null(s.tables[0].filter);
    assert_null(s.tables[0].upper_key);
    add_table(&s, schema, BATCH_COPY_BESIDE); /* of new columns */
    assert_false(s.tables[0].is_whole);
    stored_state_done(&s);
    schema_unref(schema);
}

static void a_table_that_was_never_copied_doesnt_get_whole_by_asking(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    add_table(&s, schema, BATCH_COPY_NONE);
    ask(&s, schema, "id = 1");
    mark_chunk(&s, schema, 0, /* is_last= */ true);
    assert_true(s.tables[0].is_done && !s.tables[0].is_whole && !s.tables[0].is_paused);
    assert_int_equal(s.tables[0].asked, BATCH_NOT_ASKED);
    stored_state_done(&s);
    schema_unref(schema);
}

static void a_table_that_is_gone_has_no_entry_and_is_waited_for_no_more(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    Position p = at(3);
    add_table(&s, schema, BATCH_COPY_FIRST);
    stored_state_move(&s, &p);
    assert_false(s.is_snapshot_done);
    add_table(&s, schema, BATCH_COPY_GONE);
    assert_int_equal(s.table_count, 0);
    assert_true(s.is_snapshot_done);
    add_table(&s, schema, BATCH_COPY_GONE); /* it may come twice */
    assert_int_equal(s.table_count, 0);
    stored_state_done(&s);
    schema_unref(schema);
}

static void a_table_is_found_by_both_its_names(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    add_table(&s, schema, BATCH_COPY_FIRST);
    assert_ptr_equal(stored_state_table(&s, STR_LIT("dbo"), STR_LIT("orders")), &s.tables[0]);
    assert_null(stored_state_table(&s, STR_LIT("dbo"), STR_LIT("order")));
    assert_null(stored_state_table(&s, STR_LIT("DBO"), STR_LIT("orders")));
    stored_state_done(&s);
    schema_unref(schema);
}

static void chunks_are_counted_until_the_last_makes_the_snapshot_done(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    Position p = at(5);
    add_table(&s, schema, BATCH_COPY_FIRST);
    stored_state_move(&s, &p);
    assert_true(s.has_position);
    mark_chunk(&s, schema, 0, false);
    assert_int_equal(s.tables[0].chunks_done, 1);
    assert_string_equal(s.tables[0].key, "id");
    mark_chunk(&s, schema, 0, true); /* done before: nothing */
    assert_int_equal(s.tables[0].chunks_done, 1);
    assert_false(s.tables[0].is_done);
    s.tables[0].route = x_strdup("key");
    StoredState copy = {0};
    stored_state_copy(&copy, &s);
    assert_string_equal(copy.tables[0].route, "key");
    stored_state_done(&copy);
    assert_string_equal(s.tables[0].upper_key, "k");
    assert_false(s.is_snapshot_done);
    mark_chunk(&s, schema, 1, true);
    assert_true(s.tables[0].is_done);
    assert_null(s.tables[0].upper_key);
    assert_true(s.is_snapshot_done);
    stored_state_done(&s);
    schema_unref(schema);
}

static void a_copy_beside_the_stream_starts_over_and_leaves_the_snapshot_done(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    Position p = at(5);
    add_table(&s, schema, BATCH_COPY_FIRST);
    stored_state_move(&s, &p);
    mark_chunk(&s, schema, 0, true);
    add_table(&s, schema, BATCH_COPY_BESIDE);
    assert_int_equal(s.tables[0].chunks_done, 0);
    assert_false(s.tables[0].is_done);
    assert_true(s.is_snapshot_done);
    add_table(&s, schema, BATCH_COPY_KEEP);
    assert_true(s.tables[0].is_streaming);
    stored_state_done(&s);
    schema_unref(schema);
}

static void an_exact_chunk_raises_the_floor_to_its_watermark(void **state) {
    (void)state;
    StoredState s = {0};
    const Schema *schema = orders();
    add_table(&s, schema, BATCH_COPY_FIRST);
    Batch b = {.kind = BATCH_ROWS, .schema = schema};
    b.chunk = (BatchChunk){.is_last_part = true, .is_last_chunk = true, .is_exact = true, .watermark = at(9)};
    stored_state_mark_chunk(&s, &b);
    Position floor = at(9);
    assert_int_equal(position_cmp(&s.tables[0].floor, &floor), 0);
    stored_state_done(&s);
    schema_unref(schema);
}

static void a_copy_shares_nothing_and_what_is_done_holds_nothing(void **state) {
    (void)state;
    StoredState a = {0}, b = {0};
    const Schema *schema = orders();
    add_table(&a, schema, BATCH_COPY_FIRST);
    mark_chunk(&a, schema, 0, false);
    stored_state_copy(&b, &a);
    stored_state_done(&a);
    assert_null(a.tables);
    assert_string_equal(b.tables[0].upper_key, "k");
    stored_state_done(&b);
    stored_state_done(&b);
    schema_unref(schema);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_that_was_asked_for_leaves_a_whole_table_whole),
        cmocka_unit_test(a_table_that_was_never_copied_doesnt_get_whole_by_asking),
        cmocka_unit_test(a_table_that_is_gone_has_no_entry_and_is_waited_for_no_more),
        cmocka_unit_test(a_table_is_found_by_both_its_names),
        cmocka_unit_test(chunks_are_counted_until_the_last_makes_the_snapshot_done),
        cmocka_unit_test(a_copy_beside_the_stream_starts_over_and_leaves_the_snapshot_done),
        cmocka_unit_test(an_exact_chunk_raises_the_floor_to_its_watermark),
        cmocka_unit_test(a_copy_shares_nothing_and_what_is_done_holds_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
