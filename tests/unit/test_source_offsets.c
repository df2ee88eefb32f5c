#include "kafka/source_offsets.h"

#include <string.h>

#include "base/mem.h"
#include "test.h"

static const SourceOffsetsKey KEY = {{"src", 3}, {"p", 1}, {"db", 2}};

static Position at(const char *text) {
    Position p;
    Err e = {0};
    if (!position_parse(text, &p, &e)) fail_msg("%s", e.msg);
    return p;
}

static void take(SourceOffsets *o, const Buf *key, const Buf *value) {
    Err e = {0};
    const Str text = value ? buf_view(value) : (Str){0};
    if (!source_offsets_take(o, &KEY, buf_view(key), text, &e)) fail_msg("%s", e.msg);
}

#define POSITION "00000022:00000010:0003"
#define INSIDE   "00000022:00000010:0004/7/00000022:00000010:0001/4"

static void what_is_written_is_read_back(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf key = {0};
    CLEANUP(buf_done) Buf value = {0};
    SourceOffsets o = {0};
    const Position inside = at(INSIDE);
    const StoredState stored = {.position = at(POSITION), .consistent = at(POSITION)};
    source_offsets_position_key(&KEY, &key);
    assert_string_equal(buf_text(&key),
                        "[\"src\",{\"millrace\":\"position\",\"server\":\"p\",\"database\":\"db\"}]");
    source_offsets_position_value(7, &stored, &inside, STR_LIT("{\"a\":1}"), &value);
    take(&o, &key, &value);
    const StoredTable t = {.schema = (char[]){"dbo"},
                           .table = (char[]){"a\"b"},
                           .chunks_done = 3,
                           .upper_key = (char[]){"k1"},
                           .fingerprint = 0xfedcba9876543210u,
                           .instance = 12,
                           .floor = at(POSITION),
                           .is_streaming = true,
                           .filter = (char[]){"x > 1"},
                           .key = (char[]){"id"}};
    buf_clear(&key);
    buf_clear(&value);
    source_offsets_table_key(&KEY, STR_LIT("dbo"), STR_LIT("a\"b"), &key);
    source_offsets_table_value(&t, &value);
    take(&o, &key, &value);
    take(&o, &key, &value);
    source_offsets_settle(&o);
    assert_true(o.has_own);
    assert_int_equal(o.epoch, 7);
    assert_string_equal(o.written, "{\"a\":1}");
    assert_int_equal(position_cmp(&o.inside, &inside), 0);
    assert_int_equal(position_cmp(&o.state.position, &stored.position), 0);
    assert_true(o.state.has_position);
    assert_true(o.state.is_snapshot_done); /* the only table streams */
    assert_int_equal(o.state.table_count, 1);
    assert_true(stored_table_equal(&o.state.tables[0], &t));
    assert_string_equal(o.state.tables[0].key, "id");
    take(&o, &key, /* value= */ NULL);
    assert_int_equal(o.state.table_count, 0);
    source_offsets_done(&o);
}

static StoredTable *add_table(StoredState *s, const char *table, int32_t instance) {
    s->tables = x_reallocarray(s->tables, s->table_count + 1, sizeof *s->tables);
    s->tables[s->table_count] = (StoredTable){
        .schema = x_strdup("dbo"), .table = x_strdup(table), .is_done = true, .instance = instance};
    return &s->tables[s->table_count++];
}

static bool has_table(const StoredState *s, const char *table) {
    return stored_state_table(s, STR_LIT("dbo"), str_from(table)) != NULL;
}

/* What was written by a takeover that took all of the history; but not a table that was read since. */
static void tables_that_were_only_taken_over_and_are_not_read_are_gone(void **state) {
    (void)state;
    SourceOffsets o = {.has_own = true};
    RegexList *list = NULL;
    Err e = {0};
    assert_true(regexlist_compile(STR_LIT("dbo\\.a"), &list, &e));
    (void)add_table(&o.state, "a", 0);
    (void)add_table(&o.state, "b", 0);
    (void)add_table(&o.state, "c", 7);
    source_offsets_drop_unread(&o, &(TableFilter){.include = list});
    assert_true(has_table(&o.state, "a") && has_table(&o.state, "c") && has_table(&o.gone, "b"));
    assert_int_equal(o.state.table_count, 2);
    assert_int_equal(o.gone.table_count, 1);
    source_offsets_done(&o);
    regexlist_free(list);
}

static void tables_of_the_state_before_are_gone_with_it(void **state) {
    (void)state;
    SourceOffsets o = {0};
    StoredState next = {.has_position = true};
    (void)add_table(&o.state, "a", 7);
    (void)add_table(&o.state, "b", 7);
    (void)add_table(&next, "b", 0);
    source_offsets_replace(&o, &next);
    assert_true(has_table(&o.gone, "a") && has_table(&o.state, "b") && o.state.has_position);
    assert_int_equal(o.gone.table_count + o.state.table_count, 2);
    source_offsets_settle(&o); /* without a position of ours no table counts */
    assert_int_equal(o.state.table_count, 0);
    assert_int_equal(o.gone.table_count, 2);
    source_offsets_done(&o);
}

static void others_records_are_passed_over(void **state) {
    (void)state;
    static const char *const keys[] = {
        "[\"other\",{\"millrace\":\"position\",\"server\":\"p\",\"database\":\"db\"}]",
        "[\"src\",{\"millrace\":\"position\",\"server\":\"q\",\"database\":\"db\"}]",
        "[\"src\",{\"millrace\":\"position\",\"server\":\"p\",\"database\":\"d\"}]",
        "[\"src\",{\"server\":\"q\",\"database\":\"db\"}]",
        "[\"src\",{\"millrace\":",
        "",
    };
    SourceOffsets o = {0};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        Err e = {0};
        assert_true(source_offsets_take(&o, &KEY, str_from(keys[i]), STR_LIT("not even JSON"), &e));
    }
    source_offsets_settle(&o);
    assert_false(o.has_own);
    assert_null(o.debezium);
    source_offsets_done(&o);
}

static void debezium_s_value_is_kept_as_it_is(void **state) {
    (void)state;
    static const char key[] = "[\"src\",{\"server\":\"p\",\"database\":\"db\"}]";
    SourceOffsets o = {0};
    Err e = {0};
    assert_true(source_offsets_take(&o, &KEY, str_from(key), STR_LIT("{\"a\":1}"), &e));
    assert_true(source_offsets_take(&o, &KEY, str_from(key), STR_LIT("{\"a\":2}"), &e));
    assert_string_equal(o.debezium, "{\"a\":2}");
    assert_true(source_offsets_take(&o, &KEY, str_from(key), (Str){0}, &e));
    assert_null(o.debezium);
    source_offsets_done(&o);
}

static void a_reset_position_takes_the_tables_with_it(void **state) {
    (void)state;
    CLEANUP(buf_done) Buf key = {0};
    CLEANUP(buf_done) Buf value = {0};
    const StoredState stored = {.position = at(POSITION)};
    const StoredTable t = {.is_done = true};
    SourceOffsets o = {0};
    source_offsets_table_key(&KEY, STR_LIT("dbo"), STR_LIT("t"), &key);
    source_offsets_table_value(&t, &value);
    take(&o, &key, &value);
    buf_clear(&key);
    buf_clear(&value);
    source_offsets_position_key(&KEY, &key);
    source_offsets_position_value(1, &stored, &(Position){0}, (Str){0}, &value);
    take(&o, &key, &value);
    take(&o, &key, /* value= */ NULL);
    source_offsets_settle(&o);
    assert_false(o.has_own);
    assert_false(o.state.has_position);
    assert_int_equal(o.state.table_count, 0);
    source_offsets_done(&o);
}

static void a_damaged_record_of_ours_is_an_error(void **state) {
    (void)state;
    static const char *const values[] = {"",
                                         "{",
                                         "[]",
                                         "{\"epoch\":1}",
                                         "{\"position\":\"x\",\"epoch\":1}",
                                         "{\"position\":null,\"inside\":null,\"consistent\":null}"};
    CLEANUP(buf_done) Buf key = {0};
    source_offsets_position_key(&KEY, &key);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        SourceOffsets o = {0};
        Err e = {0};
        assert_false(source_offsets_take(&o, &KEY, buf_view(&key), str_from(values[i]), &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_true(e.msg[0] != '\0'); /* where it is, its reader adds */
        source_offsets_done(&o);
    }
}

static void a_table_s_numbers_have_bounds(void **state) {
    (void)state;
    static const char *const values[] = {"\"chunks_done\":-1,\"instance\":1,\"asked\":0",
                                         "\"chunks_done\":4294967296,\"instance\":1,\"asked\":0",
                                         "\"chunks_done\":1,\"instance\":2147483648,\"asked\":0",
                                         "\"chunks_done\":1,\"instance\":1,\"asked\":77",
                                         "\"chunks_done\":1,\"instance\":1,\"asked\":-1"};
    CLEANUP(buf_done) Buf key = {0};
    source_offsets_table_key(&KEY, STR_LIT("dbo"), STR_LIT("t"), &key);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        CLEANUP_FREE char *value = x_asprintf("{\"fingerprint\":\"1\",\"floor\":null,%s}", values[i]);
        SourceOffsets o = {0};
        Err e = {0};
        assert_false(source_offsets_take(&o, &KEY, buf_view(&key), str_from(value), &e));
        assert_int_equal(e.code, ERR_INVALID);
        assert_int_equal(o.state.table_count, 0);
        source_offsets_done(&o);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(tables_that_were_only_taken_over_and_are_not_read_are_gone),
        cmocka_unit_test(tables_of_the_state_before_are_gone_with_it),
        cmocka_unit_test(others_records_are_passed_over),
        cmocka_unit_test(debezium_s_value_is_kept_as_it_is),
        cmocka_unit_test(a_reset_position_takes_the_tables_with_it),
        cmocka_unit_test(a_damaged_record_of_ours_is_an_error),
        cmocka_unit_test(a_table_s_numbers_have_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
