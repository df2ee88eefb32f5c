/* What of Debezium's is gone on with. */
#include "test.h"

#include "convert/schema_event.h"
#include "item_table.h"
#include "kafka/takeover.h"

static void an_offset_within_a_commit_begins_with_that_commit(void **state) {
    (void)state;
    ConnectOffset o = {.commit_lsn = item_lsn("00000027:00000a10:0003"), .has_change = true};
    StoredState s;
    char text[POSITION_TEXT_SIZE];
    assert_true(takeover_state(&o, NULL, &s));
    assert_true(s.has_position && s.is_snapshot_done);
    assert_string_equal(position_format(&s.position, text), "00000027:00000a10:0002");
    assert_int_equal(s.table_count, 0);
    stored_state_done(&s);
}

static void a_finished_snapshot_stands_behind_its_commit(void **state) {
    (void)state;
    ConnectOffset o = {
        .commit_lsn = item_lsn("00000027:00000a10:0003"), .is_snapshot = true, .is_snapshot_completed = true};
    StoredState s;
    char text[POSITION_TEXT_SIZE];
    assert_true(takeover_state(&o, NULL, &s));
    assert_string_equal(position_format(&s.position, text), "00000027:00000a10:0003");
    stored_state_done(&s);
    o.is_snapshot_completed = false;
    assert_false(takeover_state(&o, NULL, &s));
    assert_false(s.has_position);
}

static void tables_of_the_history_are_done(void **state) {
    (void)state;
    WireOptions w = wire_options_standard("sales");
    const Schema *item = item_schema("Item", true);
    ConnectOffset at = {.commit_lsn = item_lsn("00000027:00000a10:0003"), .is_snapshot = true};
    SchemaHistory *h = schema_history_new(STR_LIT("sales"), STR_LIT("Shop"), NULL);
    SchemaEvent ev = {.schema = item};
    Buf text = {0};
    Err e = {0};
    StoredState s;
    schema_event_history(&ev, &at, &w, &text);
    assert_true(schema_history_read(h, buf_view(&text), &e));
    at.is_snapshot_completed = true;
    assert_true(takeover_state(&at, h, &s));
    assert_int_equal(s.table_count, 1);
    const StoredTable *t = stored_state_table(&s, STR_LIT("dbo"), STR_LIT("Item"));
    assert_true(t && t->is_done && t->is_whole && !t->is_streaming);
    stored_state_done(&s);
    schema_history_free(h);
    buf_done(&text);
    schema_unref(item);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offset_within_a_commit_begins_with_that_commit),
        cmocka_unit_test(a_finished_snapshot_stands_behind_its_commit),
        cmocka_unit_test(tables_of_the_history_are_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
