/* What of Debezium's is gone on with. */
#include "test.h"

#include "base/mem.h"
#include "convert/schema_event.h"
#include "item_table.h"
#include "kafka/takeover.h"

static const TableFilter ALL;

static void an_offset_within_a_commit_begins_with_that_commit(void **state) {
    (void)state;
    ConnectOffset o = {.commit_lsn = item_lsn("00000027:00000a10:0003"), .has_change = true};
    StoredState s;
    char text[POSITION_TEXT_SIZE];
    assert_true(takeover_state(&o, NULL, &ALL, &s));
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
    assert_true(takeover_state(&o, NULL, &ALL, &s));
    assert_string_equal(position_format(&s.position, text), "00000027:00000a10:0003");
    stored_state_done(&s);
    o.is_snapshot_completed = false;
    assert_false(takeover_state(&o, NULL, &ALL, &s));
    assert_false(s.has_position);
}

static const ConnectOffset COPIED = {
    .commit_lsn = {{0, 0, 0, 0x27}}, .is_snapshot = true, .is_snapshot_completed = true};

static SchemaHistory *history_of(const char *const *tables, size_t count) {
    WireOptions w = wire_options_standard("sales");
    SchemaHistory *h = schema_history_new(STR_LIT("sales"), STR_LIT("Shop"), NULL);
    for (size_t i = 0; i < count; i++) {
        const Schema *schema = item_schema(tables[i], true);
        const SchemaEvent ev = {.schema = schema};
        CLEANUP(buf_done) Buf text = {0};
        Err e = {0};
        schema_event_history(&ev, &COPIED, &w, &text);
        if (!schema_history_read(h, buf_view(&text), &e)) fail_msg("%s", e.msg);
        schema_unref(schema);
    }
    return h;
}

static void tables_of_the_history_are_done(void **state) {
    (void)state;
    static const char *const names[] = {"Item"};
    SchemaHistory *h = history_of(names, 1);
    StoredState s;
    assert_true(takeover_state(&COPIED, h, &ALL, &s));
    assert_int_equal(s.table_count, 1);
    const StoredTable *t = stored_state_table(&s, STR_LIT("dbo"), STR_LIT("Item"));
    assert_true(t && t->is_done && t->is_whole && !t->is_streaming);
    stored_state_done(&s);
    schema_history_free(h);
}

/* Debezium writes each table of the database into its history, and the table of signals. */
static void only_tables_that_are_read_here_are_taken(void **state) {
    (void)state;
    static const char *const names[] = {"Item", "Other", "signals"};
    SchemaHistory *h = history_of(names, 3);
    RegexList *list = NULL;
    Err e = {0};
    assert_true(regexlist_compile(STR_LIT("dbo\\.item"), &list, &e));
    const TableFilter filters[] = {{.include = list}, {.exclude = list}, {.signals = STR_LIT("dbo.signals")}};
    static const char *const taken[][3] = {{"Item"}, {"Other", "signals"}, {"Item", "Other"}};
    for (size_t i = 0; i < 3; i++) {
        StoredState s;
        size_t count = 0;
        assert_true(takeover_state(&COPIED, h, &filters[i], &s));
        for (; count < 3 && taken[i][count]; count++)
            assert_non_null(stored_state_table(&s, STR_LIT("dbo"), str_from(taken[i][count])));
        assert_int_equal(s.table_count, count);
        stored_state_done(&s);
    }
    regexlist_free(list);
    schema_history_free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offset_within_a_commit_begins_with_that_commit),
        cmocka_unit_test(a_finished_snapshot_stands_behind_its_commit),
        cmocka_unit_test(tables_of_the_history_are_done),
        cmocka_unit_test(only_tables_that_are_read_here_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
